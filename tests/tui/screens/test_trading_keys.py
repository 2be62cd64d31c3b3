"""What each trading key sends, and above all what it does not."""

from __future__ import annotations

import time
from decimal import Decimal

import msgspec
import pytest
from textual import events

from tests.support.desk_app import no_pause, running
from tests.support.frames import BTC_PERP, ETH_PERP, NOW, balance_views, position_views, sample_frame, spot_frame
from tests.support.scripted_desk import DENIED, NEEDS_YES, ScriptedDesk
from tui.desk.control import CancelScope
from tui.desk.frame import Fact, FactKind, Severity
from tui.key_guard import KeyGuard
from tui.screens.confirm import CloseChooser, Confirm
from tui.screens.dashboard import Dashboard
from venues.model import Side


async def test_the_action_key_draws_a_preview_and_only_enter_sends_it() -> None:
    async with running() as desk:
        await desk.press("j", "j", "b")
        assert "» BUY 0.001 @ 60,624.0" in desk.text
        assert desk.asked == []
        await desk.press("b", "b")
        assert desk.asked == []
        await desk.press("enter")
        await desk.until(lambda: desk.asked)
        ((name, intent),) = desk.desk.calls
        assert name == "submit"
        assert (intent.instrument, intent.side, intent.price, intent.quantity) == (
            BTC_PERP.id, Side.BUY, Decimal("60624.0"), Decimal("0.001"),
        )  # fmt: skip
        await desk.press("enter", "enter")
        assert desk.asked == ["submit"]


async def test_esc_drops_the_preview_and_never_trades_or_quits() -> None:
    async with running() as desk:
        await desk.press("j", "s")
        assert "» SELL" in desk.text
        await desk.press("escape", "escape", "enter")
        assert "»" not in desk.text
        assert desk.asked == []
        assert desk.app.is_running


async def test_size_keys_change_the_preview() -> None:
    async with running() as desk:
        await desk.press("j", "b", "full_stop", "full_stop")
        assert "BUY 0.005 @" in desk.text
        await desk.press("right_square_bracket", "comma")
        assert "BUY 0.005 @" in desk.text
        assert desk.asked == []


async def test_leaving_the_instrument_drops_the_preview() -> None:
    # The app opens with the first frame, and `running` has it take the second.
    desk = ScriptedDesk([sample_frame(), sample_frame(), spot_frame(2)])
    async with running(desk) as app:
        await app.press("j", "b")
        app.app.take_news()
        await app.pilot.pause()
        await app.press("enter")
        assert "submit" not in app.asked


async def test_a_soft_guard_asks_and_a_yes_sends_with_its_name() -> None:
    desk = ScriptedDesk([sample_frame()])
    desk.outcomes.append(NEEDS_YES)
    async with running(desk) as app:
        await app.press("j", "b", "enter")
        await app.until(lambda: app.shows(Confirm))
        assert "7.1 % from the market" in app.text
        await app.press("enter")
        await app.wait()
        await app.press("y")
        await app.until(lambda: len(app.asked) == 2)
        assert desk.calls[1][1].overrides == frozenset({"band"})


async def test_a_hard_guard_is_said_and_can_not_be_overridden() -> None:
    desk = ScriptedDesk([sample_frame()])
    desk.outcomes.append(DENIED)
    async with running(desk) as app:
        await app.press("j", "b", "enter")
        await app.until(lambda: app.toasts)
        assert "above the cap" in app.toasts[0]
        assert app.shows(Dashboard)
        assert app.asked == ["submit"]


async def test_a_rows_action_is_the_rows_own() -> None:
    """With BTC on the screen, keys on the ETH rows must mean ETH."""
    async with running() as desk:
        await desk.press("1", "j", "x")
        await desk.until(lambda: desk.shows(CloseChooser))
        assert "SHORT 3.00 ETH/USDT perp" in desk.text
        assert "BUY 1.50 market, reduce-only" in desk.text
        await desk.wait()
        await desk.press("2")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("close_position", ETH_PERP.id, "net", 50)]
        await desk.press("2", "j", "b")
        assert desk.dashboard.ticket.is_open
        assert "BUY ETH/USDT perp" in desk.text


async def test_enter_on_a_row_shows_its_instrument_and_never_trades() -> None:
    async with running() as desk:
        await desk.press("1", "j", "enter")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("show", ETH_PERP.id)]


async def test_c_cancels_the_selected_order_at_once() -> None:
    async with running() as desk:
        await desk.press("2", "j", "c")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("cancel", "p0003")]


async def test_c_on_a_ladder_row_cancels_the_orders_of_that_row_only() -> None:
    async with running() as desk:
        await desk.press("j", "j", "c")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("cancel", "p0001")]


async def test_c_without_a_selection_says_so() -> None:
    async with running() as desk:
        await desk.press("c")
        assert desk.asked == []
        assert "no order is selected" in desk.toasts[0]


@pytest.mark.parametrize(
    ("pane", "key", "call"),
    [
        ("8", "C", ("cancel_all", CancelScope(instrument=BTC_PERP.id))),
        ("2", "C", ("cancel_all", CancelScope())),
        ("1", "t", ("reverse_position", BTC_PERP.id, "net")),
        ("1", "X", ("flatten", BTC_PERP.id)),
    ],
)
async def test_capital_keys_ask_and_rest_on_no(pane: str, key: str, call: tuple[object, ...]) -> None:
    async with running() as desk:
        await desk.press(pane, key)
        await desk.until(lambda: desk.shows(Confirm))
        assert desk.focus == "no"
        await desk.wait()
        await desk.press("enter")
        assert desk.asked == []
        await desk.press(key)
        await desk.until(lambda: desk.shows(Confirm))
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [call]


async def test_cancel_all_says_which_orders_are_not_ours() -> None:
    async with running() as desk:
        await desk.press("2", "C")
        await desk.until(lambda: desk.shows(Confirm))
        assert "5 orders, 1 of them placed elsewhere" in desk.text


async def test_with_both_sides_open_reverse_wants_a_choice() -> None:
    long, short = position_views()
    other = msgspec.structs.replace(
        short, instrument=BTC_PERP,
        position=msgspec.structs.replace(short.position, instrument=BTC_PERP.id, position_id="short"),
    )  # fmt: skip
    async with running(ScriptedDesk([sample_frame(positions=(long, other))])) as desk:
        await desk.press("t")
        assert desk.asked == []
        assert "choose the position" in desk.toasts[0]


async def test_x_on_a_balance_opens_a_filled_in_sell_ticket() -> None:
    async with running() as desk:
        await desk.press("4", "j", "x")
        assert balance_views()[1].balance.currency == "BTC"
        assert desk.dashboard.ticket.is_open
        assert "SELL BTC/USDT" in desk.text
        assert desk.asked == []


async def test_while_the_ticket_has_the_focus_the_trading_keys_are_off() -> None:
    async with running() as desk:
        await desk.press("b")
        for _ in range(8):
            await desk.press("tab", "X", "t", "C", "c", "A")
            assert desk.shows(Dashboard)
        assert desk.asked == []
        await desk.press("escape")
        assert not desk.dashboard.ticket.is_open
        assert desk.focus == "book"


async def test_a_locks_an_armed_desk() -> None:
    async with running() as desk:
        await desk.press("A")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("lock", "by hand")]


async def test_a_burst_trades_nothing_and_says_so() -> None:
    async with running(guard=KeyGuard(), pause=no_pause) as desk:
        app = desk.app
        for key in ("j", "b", "enter", "X", "C", "t"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await desk.until(lambda: desk.toasts)
        for _ in range(20):
            await desk.pilot.pause()
        assert desk.asked == []
        assert desk.shows(Dashboard)
        assert "burst" in desk.toasts[0]


async def test_keys_from_before_a_stall_are_dropped() -> None:
    now = [0.0]
    async with running(guard=KeyGuard(burst_keys=1000), clock=lambda: time.monotonic() + now[0]) as desk:
        now[0] = 5.0
        await desk.press("X", "C", "b")
        assert desk.asked == []
        assert desk.shows(Dashboard)
        assert "before the screen caught up" in desk.toasts[0]
        await desk.press("ctrl+x")
        assert not desk.shows(Dashboard)  # panic is never dropped


async def test_a_paste_triggers_nothing() -> None:
    async with running() as desk:
        desk.app.post_message(events.Paste("jbXCtyyyy\n"))
        for _ in range(10):
            await desk.pilot.pause()
        assert desk.asked == []
        assert desk.shows(Dashboard)


async def test_facts_become_toasts_without_markup() -> None:
    desk = ScriptedDesk([sample_frame()])
    words = "[bold]rejected[/] \x1b]0;x\x07 [/nope] by the venue"
    desk.facts.append(Fact(ts=NOW, kind=FactKind.REJECTED, severity=Severity.ALARM, text=words))
    async with running(desk, draws_toasts=True) as app:
        assert app.toasts
        assert "\x1b" not in app.toasts[0]
        await app.until(lambda: "[bold]rejected[/]" in app.text)
