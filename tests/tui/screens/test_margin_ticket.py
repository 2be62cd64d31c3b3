"""Orders in a margin wallet: the ticket's choice of it, and where rows of it are marked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.support.desk_app import running
from tests.support.frames import BTC_PERP, order_view, sample_frame
from tests.support.margin_desk import (
    BTC_TWD,
    MAX_TWD,
    calm_wallet,
    max_frame,
    max_margin,
    max_position,
    two_wallets,
)
from tests.support.scripted_desk import ScriptedDesk
from tests.support.ticket import ticket_bench
from tests.tui.widgets.harness import lines, on_stage
from tui.desk.appraisal import Context, describe, make_context
from tui.desk.draft import Draft, Evaluation, Field, evaluate, evaluate_edit, fields_for
from tui.desk.frame import Frame, OrderView
from tui.screens.confirm import CloseChooser
from tui.screens.wishes import order_words, position_words
from tui.widgets.balances import Balances
from tui.widgets.fills import Fills
from tui.widgets.open_orders import OpenOrders
from tui.widgets.positions import Positions
from tui.widgets.summary import Summary
from venues.events import LinkState
from venues.model import OrderType, Side

D = Decimal


def around(**views: Any) -> Context:
    context = make_context(max_frame(**views), BTC_TWD)
    assert context is not None
    return context


def judged(side: Side, size: str, *, in_margin_wallet: bool, price: str = "1945000", **views: Any) -> Evaluation:
    draft = Draft(side=side, price=price, size=size, in_margin_wallet=in_margin_wallet)
    return evaluate(draft, around(**views))


def margin_order(**more: Any) -> OrderView:
    return order_view(
        "m9", BTC_TWD, side=Side.SELL, price="1960000.0", quantity="0.02", in_margin_wallet=True, **more
    )


def test_the_choice_is_there_where_the_venue_and_the_market_have_it() -> None:
    draft = Draft(side=Side.BUY)
    assert Field.WALLET in fields_for(draft, around())
    for frame, instrument in ((max_frame(), MAX_TWD), (sample_frame(), BTC_PERP)):
        context = make_context(frame, instrument)
        assert context is not None and Field.WALLET not in fields_for(draft, context)


def test_an_order_goes_to_the_wallet_that_was_chosen() -> None:
    for in_margin_wallet in (True, False):
        found = judged(Side.SELL, "0.01", in_margin_wallet=in_margin_wallet)
        assert found.intent is not None and found.intent.in_margin_wallet is in_margin_wallet
        assert found.appraisal is not None
        assert found.appraisal.line.endswith("· M-wallet") is in_margin_wallet


def test_a_share_of_the_balance_is_of_the_chosen_wallets() -> None:
    spot = judged(Side.SELL, "100% balance", in_margin_wallet=False)
    margin = judged(Side.SELL, "100% balance", in_margin_wallet=True)
    assert spot.intent is not None and spot.intent.quantity == D("0.05")
    assert margin.intent is not None and margin.intent.quantity == D("0.02")
    buys = judged(Side.BUY, "50% balance", in_margin_wallet=True)
    assert buys.intent is not None
    assert D("618000") < buys.intent.quantity * D(1945000) < D("620000.25")


def test_a_sale_of_more_than_there_is_has_to_be_borrowed_for_first() -> None:
    found = judged(Side.SELL, "0.3", in_margin_wallet=True)
    assert found.appraisal is not None
    assert found.appraisal.warnings == (
        "0.02 BTC free in the M-wallet, and max does not lend by itself: borrow 0.28 BTC first (M)",
    )
    spot = judged(Side.SELL, "0.3", in_margin_wallet=False)
    assert spot.appraisal is not None
    assert spot.appraisal.warnings == ("needs 0.3 BTC, 0.05 free",)
    buys = judged(Side.BUY, "1", in_margin_wallet=True)
    assert buys.appraisal is not None and "borrow 706" in buys.appraisal.warnings[0]


def test_what_is_not_known_of_the_wallet_is_said() -> None:
    found = judged(Side.SELL, "0.3", in_margin_wallet=True, margins=())
    assert found.appraisal is not None
    assert found.appraisal.warnings == ("what is in the M-wallet is not known",)
    shares = judged(Side.SELL, "5% balance", in_margin_wallet=True, margins=())
    assert shares.problems == {Field.SIZE: "the balance in the M-wallet is not known yet"}


def test_what_was_meant_for_the_wallet_never_goes_to_spot() -> None:
    context = make_context(max_frame(), MAX_TWD)
    assert context is not None
    found = evaluate(Draft(side=Side.SELL, price="9.87", size="10", in_margin_wallet=True), context)
    assert found.intent is None
    assert found.obstacle == "MAX/TWD takes no orders in a margin wallet here"


def test_an_edit_keeps_the_orders_wallet() -> None:
    view = margin_order()
    draft = Draft(side=Side.SELL, price="1961000.0", size="0.02", in_margin_wallet=False)
    found = evaluate_edit(view, draft, around())
    assert found.judged is not None and found.judged.in_margin_wallet
    assert found.appraisal is not None and found.appraisal.line.endswith("· M-wallet")


def test_a_line_without_the_venues_name_says_margin_wallet() -> None:
    found = judged(Side.SELL, "0.01", in_margin_wallet=True)
    assert found.intent is not None
    assert describe(found.intent, BTC_TWD) == "SELL 0.01000000 BTC @ 1,945,000.0 · margin wallet"


async def test_the_ticket_says_the_wallet_in_its_border_and_in_what_it_sends() -> None:
    async with ticket_bench(max_frame()) as bench:
        assert bench.ticket.open_new(Side.SELL, OrderType.LIMIT, price=D("1945000"))
        await bench.pilot.pause()
        await bench.type("0.3")
        assert "wallet   ‹ spot ›" in bench.text() and "M-wallet" not in bench.text()
        bench.ticket._form.focus_field(Field.WALLET)
        await bench.press("right")
        assert "wallet   ‹ M-wallet ›" in bench.text() and "max · main · M-wallet" in bench.text()
        await bench.press("enter")
        assert "does not lend" in " ".join(bench.text().split())
        await bench.burst("left", "right", "space")  # frozen
        bench.clock.pass_seconds(1)
        await bench.press("y")
        assert [message.intent.in_margin_wallet for message in bench.app.sent()] == [True]


async def test_an_edit_shows_the_wallet_and_offers_no_other() -> None:
    async with ticket_bench(max_frame(orders=(margin_order(),))) as bench:
        assert bench.ticket.open_edit(margin_order())
        await bench.pilot.pause()
        assert "max · main · M-wallet" in bench.text() and "‹ M-wallet ›" not in bench.text()
        await bench.press("escape")
        assert bench.ticket.open_new(Side.BUY)
        await bench.pilot.pause()
        assert "M-wallet" not in bench.text()


async def test_a_row_of_the_wallet_opens_a_ticket_for_the_wallet() -> None:
    async with running(ScriptedDesk([max_frame()])) as desk:
        await desk.press("1", "s")
        assert "max · main · M-wallet" in desk.text
        await desk.press("escape", "1", "x")
        assert desk.shows(CloseChooser)
        assert "SHORT 0.28001575 BTC/TWD in the margin wallet" in desk.text
        assert "BUY 0.28001575 market, reduce-only" in desk.text
        await desk.press("escape", "4", "G", "k", "x")  # BTC in the wallet
        assert "SELL BTC/TWD" in desk.text and "max · main · M-wallet" in desk.text
        await desk.press("escape", "4", "g", "j", "x")  # BTC in spot
        assert "SELL BTC/TWD" in desk.text and "max · main · M-wallet" not in desk.text


@pytest.mark.parametrize("pane", [Positions, OpenOrders, Fills])
async def test_rows_of_the_wallet_are_marked_in_80_columns(pane: type[Any]) -> None:
    async with on_stage(pane(), 78, 8) as (widget, pilot):
        widget.take(max_frame())
        await pilot.pause()
        marked = [line for line in lines(widget) if "BTC/TWD M " in line]
        assert len(marked) == 1
        others = [line for line in lines(widget) if "BTC/TWD  " in line]
        assert len(others) == (0 if pane is Positions else 1)


@pytest.mark.parametrize("width", [116, 78])
async def test_the_balances_list_the_wallets_apart_with_what_is_owed(width: int) -> None:
    async with on_stage(Balances(), width, 9) as (pane, pilot):
        pane.take(sample_frame())
        await pilot.pause()
        assert "owed" not in lines(pane)[0]
        pane.take(max_frame(2, margins=(max_margin(values={"BTC": D("-544650.5")}),)))
        await pilot.pause()
        text = lines(pane)
        assert ("-544,650.50" in text[4]) == (width > 100)
        assert text[0].split()[:4] == ["asset", "total", "owed", "net"]
        assert text[4].split()[:5] == ["BTC", "M", "0.02", "0.30001575", "-0.28001575"]
        assert [line.split()[:2] for line in text[3:6]] == [["TWD", "M"], ["BTC", "M"], ["MAX", "M"]]
        pane.move_to(1)
        assert pane.selected_balance is not None and pane.selected_balance.balance.currency == "BTC"
        pane.move_to(3)
        assert pane.selected_balance is None


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (max_frame(), "AD ratio 2.29 calm"),
        (max_frame(margins=(max_margin("1.42"),)), "AD ratio 1.42 ▲ WARNING"),
        (max_frame(margins=(max_margin("1.12"),)), "AD ratio 1.12 ‼ ALARM"),
        (two_wallets(), "mayex AD ratio 1.12 ‼ ALARM"),
        (max_frame(), "? BORROW 0.25 BTC UNKNOWN"),
    ],
)
async def test_the_summary_has_the_ratio_while_anything_is_owed(frame: Frame, words: str) -> None:
    async with on_stage(Summary(), 110, 1) as (pane, pilot):
        pane.take(frame)
        await pilot.pause()
        assert words in lines(pane)[0]
        owes_nothing = msgspec.structs.replace(max_margin(), wallet=calm_wallet())
        pane.take(max_frame(2, margins=(owes_nothing,)))
        await pilot.pause()
        assert "AD ratio" not in lines(pane)[0]


@pytest.mark.parametrize(("ratio", "words"), [("2.29", "◐ 2.29, old"), ("1.12", "◐ 1.12 ‼ ALARM, old")])
async def test_a_ratio_of_before_the_venue_fell_silent_says_so(ratio: str, words: str) -> None:
    frame = max_frame(margins=(max_margin(ratio),))
    lost = tuple(msgspec.structs.replace(view, state=LinkState.RECONNECTING) for view in frame.venues or ())
    async with on_stage(Summary(), 80, 1) as (pane, pilot):
        pane.take(msgspec.structs.replace(frame, venues=lost))
        await pilot.pause()
        assert f"AD ratio {words}" in lines(pane)[0]


async def test_a_warning_is_not_dropped_on_a_narrow_terminal() -> None:
    async with on_stage(Summary(), 60, 1) as (pane, pilot):
        pane.take(max_frame(margins=(max_margin("1.12"),)))
        await pilot.pause()
        assert "1.12 ‼ ALARM" in lines(pane)[0]


def test_orders_and_positions_are_named_with_their_wallet() -> None:
    assert order_words(margin_order()) == "SELL 0.02000000 BTC/TWD @ 1,960,000.0 in the margin wallet"
    words = position_words(max_position(), names_venue=True)
    assert words == "SHORT 0.28001575 BTC/TWD@max in the margin wallet"
