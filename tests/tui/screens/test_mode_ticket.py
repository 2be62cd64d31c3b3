"""A ticket where each order says its margin mode, and the dialogs and rows of the positions that come of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.desk_app import Running, running
from tests.support.mayex_desk import (
    BTC,
    BTC_SPOT,
    CAN,
    all_modes,
    exits,
    four_frame,
    held,
    mayex_frame,
    mayex_view,
    usdt,
)
from tests.support.scripted_desk import ScriptedDesk
from tests.support.ticket import Bench, ticket_bench
from tui.desk.control import Bills, Outcome, Reason, Verdict
from tui.desk.draft import Field
from tui.screens.instruments import find_instruments, picker_row
from tui.screens.panic import panic_scopes
from tui.screens.position_dialogs import LeverageDialog
from tui.widgets.order_words import closes_in_words, position_names, short_id
from venues.model import MarginMode, OrderType, Side
from venues.port import Mode

ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS
NO_BILLS = Bills(refusal="mayex tells no bills of an account", are_kept=False)
SMALL = (80, 24)


def said(bench: Bench | Running) -> str:
    """What is on the screen, in one line, however it is broken."""
    text = bench.text() if isinstance(bench, Bench) else bench.text
    return " ".join(text.translate(dict.fromkeys(map(ord, "│┃"), " ")).split())


def mode_of(bench: Bench) -> MarginMode | None:
    intent = bench.ticket.evaluation.intent
    assert intent is not None, bench.ticket.evaluation
    return intent.margin_mode


@pytest.mark.parametrize(
    ("positions", "side", "mode"),
    [
        ((), Side.BUY, ISOLATED),
        (all_modes()[1:2], Side.BUY, CROSS),
        (all_modes()[1:2], Side.SELL, ISOLATED),
        (all_modes(), Side.BUY, ISOLATED),
    ],
)
async def test_the_field_begins_with_the_mode_of_the_position_of_that_side(
    positions: Any, side: Side, mode: MarginMode
) -> None:
    async with ticket_bench(mayex_frame(positions=positions)) as bench:
        assert bench.ticket.open_new(side, instrument=BTC, size="0.1")
        await bench.pilot.pause()
        assert mode_of(bench) is mode
        assert f"‹ {mode} ›" in bench.text(), "nothing says: as set"


async def test_the_mode_is_chosen_shown_frozen_and_sent() -> None:
    async with ticket_bench(mayex_frame()) as bench:
        assert bench.ticket.open_new(Side.BUY, instrument=BTC, size="0.1")
        await bench.pilot.pause()
        fields = {field for field in Field if bench.ticket._form._widget_of(field).display}
        assert {Field.MARGIN_MODE, Field.TAKE_PROFIT, Field.STOP_LOSS} <= fields
        assert Field.LEVERAGE not in fields, "its orders have none"
        assert "open long isolated; LONG 0.050 cross and SHORT 0.100 isolated stay" in said(bench)
        bench.ticket._form.focus_field(Field.MARGIN_MODE)
        await bench.press("right")
        assert mode_of(bench) is CROSS
        assert "open long cross; LONG 0.250 isolated and SHORT 0.100 isolated stay" in said(bench)
        await bench.press("enter", "right")
        intent = bench.ticket.evaluation.intent
        assert intent is not None and intent.margin_mode is CROSS, "what was previewed stays what it is"
        assert "cross" in intent.margin_mode
        assert "BUY 0.100 BTC @ 60,624.5 cross" in said(bench)


async def test_the_estimate_is_of_the_mode() -> None:
    async with ticket_bench(mayex_frame()) as bench:
        assert bench.ticket.open_new(Side.BUY, instrument=BTC, size="0.1")
        await bench.pilot.pause()
        isolated = bench.ticket.evaluation.appraisal
        bench.ticket._form.focus_field(Field.MARGIN_MODE)
        await bench.press("right")
        cross = bench.ticket.evaluation.appraisal
        assert isolated is not None and cross is not None
        assert isolated.estimate.margin is not None and "(10x)" not in said(bench)
        assert cross.estimate.margin is None, "nobody tells the leverage of cross positions"
        assert "as the venue's leverage has it" in said(bench)
        assert isolated.estimate.liquidation != cross.estimate.liquidation


async def test_an_edit_says_the_mode_that_its_order_was_sent_with_and_estimates_by_it() -> None:
    order = msgspec.structs.replace(exits()[0], margin_mode=CROSS)
    alone = msgspec.structs.replace(order, margin_mode=ISOLATED)
    async with ticket_bench(mayex_frame(orders=(order,))) as bench:
        assert bench.ticket.open_edit(order)
        await bench.pilot.pause()
        assert "BUY 0.100 BTC @ 60,400.0 cross TP" in said(bench)
        assert "open long cross; LONG 0.250 isolated and SHORT 0.100 isolated stay" in said(bench)
        assert bench.ticket.evaluation.appraisal is not None
        assert bench.ticket.evaluation.appraisal.estimate.margin is None, "nobody tells the leverage of cross ones"
        bench.ticket.take(mayex_frame(2, orders=(alone,)))
        await bench.pilot.pause()
        assert bench.ticket.open_edit(alone)
        await bench.pilot.pause()
        assert "(10x)" in said(bench) and "e+" not in said(bench)


async def test_a_share_of_the_balance_is_sized_also_where_the_leverage_is_not_told() -> None:
    async with ticket_bench(mayex_frame(positions=(all_modes()[1],))) as bench:
        assert bench.ticket.open_new(Side.BUY, instrument=BTC, size="50% balance")
        await bench.pilot.pause()
        intent = bench.ticket.evaluation.intent
        assert intent is not None and 0 < intent.quantity * 60_000 < 4_000, "no leverage: rather too small"


async def test_what_closes_names_its_position_and_has_no_mode_of_its_own() -> None:
    async with ticket_bench(mayex_frame()) as bench:
        assert bench.ticket.open_new(
            Side.SELL, instrument=BTC, size="0.05", reduce_only=True, position_id="long:cross"
        )
        await bench.pilot.pause()
        intent = bench.ticket.evaluation.intent
        assert intent is not None and (intent.position_id, intent.margin_mode) == ("long:cross", None)
        assert "close long cross of 0.050; all of it" in said(bench)
        assert not bench.ticket._form._widget_of(Field.MARGIN_MODE).display


async def test_exits_go_along_with_what_opens() -> None:
    async with ticket_bench(mayex_frame()) as bench:
        assert bench.ticket.open_new(Side.BUY, instrument=BTC, size="0.1")
        for field, text in ((Field.TAKE_PROFIT, "+1%"), (Field.STOP_LOSS, "59900")):
            bench.ticket._form._texts[field].value = text
        await bench.pilot.pause()
        intent = bench.ticket.evaluation.intent
        assert intent is not None and intent.take_profit == 61231 and intent.stop_loss == 59900
        assert "isolated TP 61,231.0 SL 59,900" in said(bench)


async def test_a_market_that_is_only_watched_is_refused_in_words() -> None:
    async with ticket_bench(mayex_frame(shown=BTC_SPOT)) as bench:
        assert bench.ticket.open_new(Side.BUY, instrument=BTC_SPOT, size="0.1")
        await bench.press("enter")
        assert bench.ticket.evaluation.intent is None
        assert "not tradable: market data only" in said(bench)
    async with running(ScriptedDesk([mayex_frame(shown=BTC_SPOT)]), SMALL) as desk:
        await desk.press("j", "b")
        assert "BTC/USDT takes no orders here: market data only" in desk.toasts[-1]
        await desk.press("enter")
        assert "submit" not in desk.asked


def test_the_picker_shows_what_is_only_watched_and_lists_it_after_what_can_be_traded() -> None:
    found = find_instruments("btc", four_frame().instruments or ())
    assert found[-1] == BTC_SPOT and found[0].is_tradable
    assert "no orders" in picker_row(BTC_SPOT, None).plain
    assert "no orders" not in picker_row(BTC, None).plain


async def test_the_ladder_says_the_mode_and_sends_it() -> None:
    async with running(ScriptedDesk([mayex_frame(positions=(all_modes()[1],))]), SMALL) as desk:
        await desk.press("j", "b")
        assert "cross long" in desk.text
        await desk.press("enter")
        assert [call[1].margin_mode for call in desk.desk.calls if call[0] == "submit"] == [CROSS]
        await desk.press("s")
        assert "SELL 0.001 @ 60,624.5 isolated" in desk.text


async def test_more_of_a_row_is_of_its_mode_and_what_closes_it_names_it() -> None:
    async with running(ScriptedDesk([mayex_frame()]), (120, 40)) as desk:
        await desk.press("1", "j", "b")
        assert "‹ cross ›" in desk.text, "the row is LONG C"
        await desk.press("escape", "1", "s")
        assert "‹ isolated ›" in desk.text, "a short of its own"
        assert desk.dashboard.ticket._form.read().position_id == "long:cross", "what reduce-only would close"


async def test_rows_that_differ_by_their_mode_say_it_beside_the_side() -> None:
    async with running(ScriptedDesk([mayex_frame()]), SMALL) as desk:
        assert [word in desk.text for word in ("LONG I", "LONG C", "SHORT I")] == [True] * 3
    async with running(ScriptedDesk([mayex_frame(positions=all_modes()[:1])]), SMALL) as desk:
        assert "LONG " in desk.text and "LONG I" not in desk.text
    async with running(ScriptedDesk([mayex_frame()]), (120, 40)) as desk:
        assert "? C  " in desk.text and " ?" in desk.text.split("? C")[1].splitlines()[0]


def test_words_for_positions_and_what_closes_them() -> None:
    names = position_names(all_modes())
    assert sorted(names.values()) == ["LONG cross", "LONG isolated", "SHORT"]
    assert closes_in_words(exits()[1].order, names) == "closes LONG isolated"
    assert short_id("short:cross") == "cross"
    assert [scope.words for scope in panic_scopes(mayex_frame(orders=exits()))] == [
        "3 orders (2 exits), 3 positions ~24,250 USDT"
    ]


async def margin_screen(desk: Running, *keys: str) -> None:
    desk.desk.bills = NO_BILLS
    await desk.press("M", *keys)


async def test_the_margin_screen_names_modes_and_spends_one_line_on_bills_that_nobody_tells() -> None:
    async with running(ScriptedDesk([mayex_frame()]), SMALL) as desk:
        await margin_screen(desk, "j")
        assert "LONG 0.050 BTC/USDT perp cross" in desk.text
        assert "not told: cross, leverage not told; all that is available" in said(desk)
        assert "? C" in desk.text and "0.00 C" not in desk.text
        assert "bills: mayex tells no bills of an account" in desk.text
        assert "read bills" not in desk.text and "no bills\n" not in desk.text
        await desk.press("tab", "down")
        assert "SHORT 0.100 BTC/USDT perp isolated" in desk.text, "there is nothing to go to"


async def test_leverage_is_asked_for_the_mode_of_the_row_and_a_refusal_is_said() -> None:
    async with running(ScriptedDesk([mayex_frame()]), SMALL) as desk:
        await margin_screen(desk, "j", "l")
        assert desk.shows(LeverageDialog)
        assert "‹ cross ›" in desk.text and "leverage and margin mode" not in desk.text
        assert "at 10x isolated" in desk.text and "at ? cross" in said(desk)
        assert "isolated and cross have a leverage each" in said(desk)
        words = "1012: leverage can not be lowered with an isolated position"
        desk.desk.outcomes.append(Outcome(verdict=Verdict.DENIED, reasons=(Reason("venue", words),)))
        await desk.press("left", "5")
        await desk.press("enter")
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: "can not be lowered" in said(desk))
        assert [call[1:] for call in desk.desk.calls if call[0] == "set_leverage"]
        assert desk.shows(LeverageDialog), "it stays, to be asked anew"


async def test_without_a_position_it_is_leverage_alone_that_is_set_for_what_comes() -> None:
    async with running(ScriptedDesk([mayex_frame(positions=())]), SMALL) as desk:
        await margin_screen(desk)
        assert "no position at mayex; l sets leverage for what comes" in said(desk)


async def test_leverage_may_be_asked_for_over_positions() -> None:
    async with running(ScriptedDesk([mayex_frame()]), SMALL) as desk:
        await margin_screen(desk, "l")
        await desk.press(*(["backspace"] * 2), "2", "0", "enter")
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: "set_leverage" in desk.asked)
        assert desk.desk.calls[-1][1:] == (BTC.id, 20, ISOLATED)


async def test_what_a_leverage_does_to_isolated_positions_is_shown_before_it_is_sent() -> None:
    async with running(ScriptedDesk([mayex_frame()]), SMALL) as desk:
        await margin_screen(desk, "l")
        assert "SHORT 0.100 ~63,491.5 (! 4.7% away) → ~66,449.0 (9.6% away)" in said(desk), "10x: the long has it"
        assert "margin 303.55 → ~607.10 USDT" in said(desk)
        await desk.press(*(["backspace"] * 2), "5", "0", "enter")
        await desk.wait()
        assert "LONG 0.250 ~54,780.2 (9.6% away) → ~59,685.0 (! 1.6% away)" in said(desk)
        assert "margin 1,514.96 → ~302.99 USDT" in said(desk)
        screen = desk.app.screen
        assert isinstance(screen, LeverageDialog) and screen.gravity == 2
        await desk.press("escape", "up", "right", "enter")
        await desk.wait()
        assert "sends 50x cross" in said(desk) and "→ ~" not in said(desk)
        assert screen.gravity == 0


async def test_a_reverse_says_the_mode_and_what_of_the_other_side_grows() -> None:
    async with running(ScriptedDesk([mayex_frame()]), SMALL) as desk:
        await margin_screen(desk, "t")
        await desk.until(lambda: "Reverse LONG 0.250 BTC/USDT perp isolated?" in said(desk))
        assert "SHORT 0.250 isolated at market" in said(desk)
        assert "SHORT 0.100 BTC/USDT perp isolated is open already" in said(desk)
        assert "grows by it" in said(desk) and "and stays" not in said(desk)
        await desk.wait()
        await desk.press("n")
        await desk.press("j", "t")
        await desk.until(lambda: "0.050 cross at market" in said(desk))
        assert "and stays" in said(desk) and "grows" not in said(desk)


async def test_a_liquidation_that_no_price_comes_near_is_none() -> None:
    long, short = held("long", "cross", "0.05", liquidation="997629131.5"), held("short", "cross", "-0.05")
    async with running(ScriptedDesk([mayex_frame(positions=(long, short))]), SMALL) as desk:
        await margin_screen(desk)
        assert "997" not in desk.text and ">1,000%" in desk.text
        assert "none near: only a price far beyond this market does it" in said(desk)
    async with ticket_bench(mayex_frame(positions=(long,), balances=(usdt("mayex", "9000", "9000"),))) as bench:
        assert bench.ticket.open_new(Side.SELL, instrument=BTC, size="0.05", margin_mode=CROSS)
        await bench.pilot.pause()
        assert "liq none near" in said(bench)


async def test_a_venue_whose_orders_name_no_mode_has_the_field_as_before() -> None:
    can = msgspec.structs.replace(CAN, margin_mode_of_order=False, leverage_of_order=True)
    frame = mayex_frame(
        venues=(mayex_view(Mode.PRACTICE, capabilities=can),), positions=(held("long", "cross", "1"),)
    )
    async with ticket_bench(frame) as bench:
        assert bench.ticket.open_new(Side.BUY, OrderType.LIMIT, instrument=BTC, size="0.1")
        await bench.pilot.pause()
        assert mode_of(bench) is None and "‹ as set ›" in bench.text()
        assert bench.ticket._form._widget_of(Field.LEVERAGE).display
