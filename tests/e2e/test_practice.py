"""The desk on a practice exchange, a child process: the same keys as on paper, on the wire."""

from __future__ import annotations

import os
import re
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.pty_session import PROJECT_ROOT, PtySession, without_network
from tests.e2e.trader import BTC_PERP, DESK, PAPER, SIZES, Trader, money
from tests.tui.test_practice import is_alive, until
from tests.tui.test_practice_command import fetched
from tui.desk.journal_export import read_rows
from tui.desk.journal_store import journal_path

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]

PRACTICE = ("--venue", "coinex", "--practice", "--seed", "1", "--rate", "100")
ETH = "ETH/USDT"
SIZE = SIZES[1]


def open_desk(home: Path) -> Trader:
    return Trader(home, SIZE, *PRACTICE, venue="coinex")


def child_of(trader: Trader) -> int:
    """Returns the process of the exchange that the desk has started."""
    (pid,) = Path(f"/proc/{trader.desk.pid}/task/{trader.desk.pid}/children").read_text().split()
    return int(pid)


def exchange_of(trader: Trader) -> str:
    """Returns where the exchange listens, as the desk's log says."""
    trader.press("5")
    return trader.wait_to_see(r"practice exchange: (http://127\.0\.0\.1:\d+)")[1]


def wait_until_read_back(trader: Trader) -> None:
    """Waits until the account is known: its balances are read last."""
    trader.tab(4, " USDT  ")
    trader.wait_for(lambda: not trader.sees("reconciling"))


def truth(origin: str) -> dict[str, Any]:
    state: dict[str, Any] = fetched(origin, "/practice/state")
    return state


def open_orders(origin: str) -> list[dict[str, Any]]:
    return [order for order in truth(origin)["orders"] if order["status"] in ("new", "partially_filled")]


def test_a_day_at_the_desk_on_the_wire(tmp_path: Path) -> None:
    with open_desk(tmp_path) as trader:
        child = child_of(trader)
        assert trader.desk.line(0).lstrip().startswith("PRACTICE")
        assert "PAPER" not in trader.desk.text
        origin = exchange_of(trader)
        wait_until_read_back(trader)
        trader.show("eth usdt", ETH)
        trader.wait_to_see(r"UTC +\d\d:\d\d")  # the candles
        trader.wait_to_see(r"\d\d:\d\d:\d\d +2,\d{3}\.\d\d +[\d.]+ [▲▼]")  # the tape
        book = truth(origin)["books"]["ETHUSDT"]
        shown = {money(price) for price in re.findall(r"2,\d{3}\.\d\d", "\n".join(trader.ladder()))}
        assert min(shown) < Decimal(book["asks"][0][0]) < max(shown)

        trader.place("B", "0.5")
        trader.tab(3, ETH)
        trader.wait_for(lambda: any(row.get("instrument") == ETH for row in trader.table()))
        (fill, *_) = [row for row in trader.table() if row["instrument"] == ETH]
        told = truth(origin)["fills"]
        assert sum(Decimal(one["quantity"]) for one in told) == Decimal("0.5")
        assert {one["side"] for one in told} == {"buy"} == {fill["side"].lower()}
        assert money(fill["price"]) in {Decimal(one["price"]) for one in told}

        trader.place("b", "0.2", "bid-400t")
        order = trader.wait_for_order(side="BUY")
        assert order["placed"] == "here"
        first = money(order["price"])
        (there,) = open_orders(origin)
        assert (Decimal(there["price"]), Decimal(there["quantity"])) == (first, Decimal("0.2"))

        trader.press("e")
        trader.wait_for("EDIT")
        trader.fill_in("price", "bid-600t")
        trader.wait_to_see(r"bid-600t +=")
        trader.send_ticket()
        trader.press("2")
        trader.wait_for(lambda: any(money(row["price"]) < first for row in trader.orders()))
        second = money(trader.wait_for_order(side="BUY")["price"])
        (there,) = open_orders(origin)
        assert Decimal(there["price"]) == second < first

        trader.press("c")
        trader.wait_for("no open orders")
        assert open_orders(origin) == []

        trader.place("b", "0.3", "bid-400t")
        trader.place("s", "0.4", "ask+400t")
        trader.wait_for(lambda: trader.order_count() == 2)
        assert len(open_orders(origin)) == 2
        trader.press("ctrl+x")
        trader.answer("y", to="coinex  main  2 orders")
        trader.wait_to_see(r"coinex +main +2 cancelled +0 orders, 0 positions +✓ proven")
        assert open_orders(origin) == []
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        trader.quit()
        until(lambda: not is_alive(child), 3)


def test_a_desk_that_is_killed_leaves_no_exchange_behind_and_begins_anew(tmp_path: Path) -> None:
    with open_desk(tmp_path) as trader:
        child = child_of(trader)
        wait_until_read_back(trader)
        trader.place("b", "0.001", "bid-400t")
        trader.wait_for_order(side="BUY")
        trader.desk.signal(signal.SIGKILL)
        trader.desk.wait_exit()
        until(lambda: not is_alive(child), 3)
    with open_desk(tmp_path) as trader:
        wait_until_read_back(trader)
        trader.tab(5, "when this desk was last left: 1 order was open, gone with the account of that run")
        assert not trader.sees("UNKNOWN")
        trader.tab(2, "no open orders")
        trader.quit()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_the_exchange_lives_until_the_detach_policy_is_carried_out(number: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "pitside" / "default"
    folder.mkdir(mode=0o700, parents=True)
    file = folder / "config.toml"
    file.write_text('[detach]\npolicy = "cancel_all"\n')
    file.chmod(0o600)
    with open_desk(tmp_path) as trader:
        child = child_of(trader)
        wait_until_read_back(trader)
        trader.place("b", "0.001", "bid-400t")
        trader.wait_for_order(side="BUY")
        if number == signal.SIGHUP:
            trader.desk.close()  # the kernel hangs up on all who have the terminal
        else:
            trader.desk.signal(number)
        assert trader.desk.wait_exit().code == 128 + number
        until(lambda: not is_alive(child), 3)
    notes = [
        row.event().text
        for row in read_rows(journal_path(tmp_path / "state" / "pitside" / "default"), 0)
        if row.event().topic == "detach"
    ]
    assert any("1 orders cancelled, 0 not known to be over" in note for note in notes), notes


def test_the_end_of_the_exchange_is_a_lost_link_and_is_said(tmp_path: Path) -> None:
    with open_desk(tmp_path) as trader:
        wait_until_read_back(trader)
        os.kill(child_of(trader), signal.SIGKILL)
        trader.wait_to_see("the practice exchange of coinex has ended")
        trader.wait_to_see(r"coinex (?:◔|✕|◌|↻)? ?(?:reconnecting|down|connecting)")
        trader.quit()


def test_without_the_extra_the_desk_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'uvicorn'\", name='uvicorn')\n"
    )
    path = f"{tmp_path}{os.pathsep}{PROJECT_ROOT}"
    with PtySession(
        [*DESK, *PRACTICE], home=tmp_path, rows=24, columns=200, environment={"PYTHONPATH": path}, has_network=True
    ) as session:
        end = session.wait_exit(20)
        assert end.code == 1
        assert "pitside: coinex: practice needs uvicorn" in session.text
        assert 'pip install "pitside[practice]"' in session.text
        assert "Traceback" not in session.text
        assert session.modes().is_restored
        assert b"\x1b[?1049h" not in session.bytes_written()


def test_a_venue_that_can_not_be_reached_stands_beside_paper(tmp_path: Path) -> None:
    if not without_network():
        pytest.skip("the network can not be taken away from a program here, and no test reaches a venue")
    with Trader(tmp_path, SIZE, "--venue", "paper", "--venue", "coinex", "--seed", "1", "--rate", "100") as trader:
        assert trader.desk.line(0).lstrip().startswith("PAPER")
        trader.wait_to_see(rf"^ PAPER +{BTC_PERP}@paper ")
        trader.wait_to_see(r"coinex ✕ down")
        trader.place("b", "0.1", "bid-200t")
        trader.wait_for_order(side="BUY")
        trader.quit()


def test_another_venue_is_opened_from_the_desk(tmp_path: Path) -> None:
    if not without_network():
        pytest.skip("the network can not be taken away from a program here, and no test reaches a venue")
    with Trader(tmp_path, SIZE, *PAPER) as trader:
        trader.press("V")
        trader.wait_to_see(r"coinex +READ-ONLY +· not open")
        trader.press("j")
        trader.answer("enter", to="Enter opens it READ-ONLY")
        trader.wait_to_see(r"coinex +READ-ONLY +✕ down")
        trader.press("esc")
        trader.wait_to_see(rf"^ PAPER +{BTC_PERP}@paper ")
        trader.quit()
