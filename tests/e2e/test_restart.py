"""The real desk on what a run before left: the recovery screen, a killed desk, a second desk beside the first."""

from __future__ import annotations

import asyncio
import signal
import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.pty_session import PtySession
from tests.e2e.trader import BTC_PERP, DESK, PAPER, START_SECONDS, Size, Trader
from tui.desk.journal_export import read_state
from tui.desk.journal_store import SqliteJournal, journal_path
from venues.commands import OrderRequest
from venues.model import NANOSECONDS, InstrumentId, OrderStatus, OrderType, Side
from venues.port import Departure

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]

PERP = InstrumentId("paper", "BTC-PERP")
PROVABLE, UNBOUNDED = "p00mwq0000000000000000000001", "p00mwq0000000000000000000002"
LARGE, SMALL = Size(120, 40), Size(80, 24)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """Where the desk that is started with the home `tmp_path` keeps its state."""
    return tmp_path / "state" / "pitside" / "default"


def order(key: str, quantity: str) -> OrderRequest:
    return OrderRequest(
        instrument=PERP, client_order_id=key, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(quantity),
        price=Decimal(50_000),
    )  # fmt: skip


def leave_unanswered(state_dir: Path) -> None:
    """Writes what a desk leaves that is killed between two sends and their answers."""
    now = time.time_ns()

    async def write() -> None:
        journal = SqliteJournal(journal_path(state_dir), desk="PAPER/main")
        for request, deadline in ((order(PROVABLE, "0.25"), now - NANOSECONDS), (order(UNBOUNDED, "0.5"), None)):
            await journal.intent(request, now)
            await journal.sending(request, Departure(deadline=deadline), now)
        await journal.aclose()

    asyncio.run(write())


def let_pass(session: PtySession, seconds: float) -> None:
    """Waits until no stray key keeps a question deaf any more."""
    until = session.clock() + seconds
    session.wait_for(lambda _: session.clock() >= until)


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=str)
def test_what_was_unanswered_is_listed_settled_and_decided(size: Size, tmp_path: Path, state_dir: Path) -> None:
    leave_unanswered(state_dir)
    with PtySession([*DESK, *PAPER], home=tmp_path, rows=size.rows, columns=size.columns) as desk:
        desk.wait_for("RECOVERY", START_SECONDS)
        # What was typed before it could be read ends nothing; a key after that asks, and Esc leaves it as it is.
        desk.send_bytes(b"\r\ry")
        desk.wait_for("not resting, 0 filled")  # the first one is proven within a second
        desk.wait_for("nothing bounds this request")
        desk.wait_for("BUY 0.25 BTC/USDT perp at 50000")
        let_pass(desk, 1.0)
        assert "Go on with" not in desk.text
        assert "RECOVERY" in desk.text
        desk.send("enter")
        desk.wait_for("Go on with 1 command UNKNOWN?")
        desk.send("esc")
        desk.wait_for(lambda session: "Go on with" not in session.text and "RECOVERY" in session.text)
        let_pass(desk, 1.0)
        desk.send("j")
        desk.send("d")
        desk.wait_for("not there")
        let_pass(desk, 1.0)
        desk.send("y")
        desk.wait_for("by your own word")
        let_pass(desk, 1.0)
        desk.send("enter")
        desk.wait_for(lambda session: "RECOVERY" not in session.text)
        desk.wait_for("ARMED")
        desk.send("q")
        assert desk.wait_exit().code == 0
    state = read_state(journal_path(state_dir))
    assert state.unresolved() == []
    assert state.orders[PROVABLE].status is OrderStatus.CANCELED
    assert state.orders[UNBOUNDED].status is OrderStatus.REJECTED


def test_a_killed_desk_knows_its_orders_when_it_is_back(tmp_path: Path, state_dir: Path) -> None:
    with Trader(tmp_path, LARGE, *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("B", "0.4")
        trader.wait_for_position("LONG", "0.4")
        trader.open_ticket("b")
        trader.fill_in("price", "bid-40t")
        trader.press("tab")
        trader.fill_in("size", "0.5")
        trader.send_ticket()
        trader.wait_for_order(side="BUY")
        trader.desk.signal(signal.SIGKILL)
        trader.desk.wait_exit()
    state = read_state(journal_path(state_dir))
    assert [tracked.status for tracked in state.orders.values()] == [OrderStatus.FILLED, OrderStatus.NEW]
    with Trader(tmp_path, LARGE, *PAPER) as trader:
        trader.press("2")
        trader.wait_for("no open orders")  # the embedded exchange ended with its desk, and the desk asked
        trader.quit()
    state = read_state(journal_path(state_dir))
    assert [tracked.status for tracked in state.orders.values()] == [OrderStatus.FILLED, OrderStatus.CANCELED]
    assert state.unresolved() == []


def test_a_second_desk_watches_says_why_and_hands_panic_on(tmp_path: Path) -> None:
    with Trader(tmp_path, LARGE, *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("B", "0.4")
        trader.wait_for_position("LONG", "0.4")
        with PtySession([*DESK, *PAPER], home=tmp_path, rows=LARGE.rows, columns=LARGE.columns) as second:
            second.wait_for("READ-ONLY", START_SECONDS)
            second.wait_for("another desk holds this")
            second.wait_for("spread")
            second.send("b")
            assert "PAPER/main" in second.text
            second.send("ctrl+x")
            second.wait_for("PANIC")
            let_pass(second, 1.0)
            second.send("y")
            second.wait_for("PANIC RECEIPT")
            second.wait_for("1 closed")
            second.send("esc")
        trader.wait_for("PANIC RECEIPT")
        trader.press("esc")
        trader.wait_for(lambda: not trader.has_question())
        trader.quit()


def test_a_desk_can_be_asked_from_another_terminal(tmp_path: Path) -> None:
    with Trader(tmp_path, LARGE, *PAPER) as trader:
        with PtySession([*DESK, "status"], home=tmp_path, rows=10, columns=100) as asking:
            asking.wait_for("PAPER/main armed")
            assert asking.wait_exit().code == 0
        trader.quit()
