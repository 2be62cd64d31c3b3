"""The ticket has the fields that its venue's capabilities allow; where nothing can be ordered there is none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.support.desk_app import running
from tests.support.frames import BTC_SPOT, NOW, book_view, desk_view, invalid_book, order_view, venue_view
from tests.support.scripted_desk import DENIED, NEEDS_YES, ScriptedDesk
from tests.support.ticket import Bench, ticket_bench
from tests.support.venues import (
    COINEX_BTC,
    coinex_can,
    coinex_quotes,
    coinex_view,
    several_frame,
    watching_frame,
)
from tui.desk.control import AmendIntent, OrderIntent
from tui.desk.draft import Field
from tui.desk.frame import Frame
from tui.screens.confirm import CloseChooser, Confirm
from tui.screens.panic import PanicOverlay
from tui.widgets.ticket_preview import Step
from venues.events import LinkState
from venues.model import NANOSECONDS, OrderType, Side, TimeInForce
from venues.port import Mode

D = Decimal
REMEDY = "there is no key for coinex: press K to add one, or  pitside keys add coinex"


def trading_frame() -> Frame:
    """CoinEx alone, which can be traded on; PRACTICE."""
    return several_frame(venues=(coinex_view(),))


def fields_of(bench: Bench) -> set[Field]:
    """The fields that are on the screen."""
    form = bench.ticket._form
    return {field for field in Field if form._widget_of(field).display}


async def turn_to(bench: Bench, kind: OrderType) -> None:
    """Turns the type's choice until it stands on `kind`."""
    bench.ticket._form.focus_field(Field.TYPE)
    for _ in OrderType:
        if bench.ticket._form.read().type is kind:
            return
        await bench.press("right")
    raise AssertionError(f"{kind} is not offered")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (OrderType.LIMIT, {Field.TYPE, Field.TIME_IN_FORCE, Field.PRICE, Field.SIZE, Field.POST_ONLY}),
        (OrderType.MARKET, {Field.TYPE, Field.SIZE}),
        (OrderType.STOP, {Field.TYPE, Field.TRIGGER, Field.SIZE}),
        (OrderType.STOP_LIMIT, {Field.TYPE, Field.TRIGGER, Field.PRICE, Field.SIZE}),
    ],
)
async def test_a_spot_venues_fields_for_each_type(kind: OrderType, fields: set[Field]) -> None:
    async with ticket_bench(trading_frame()) as bench:
        assert bench.ticket.open_new(Side.BUY)
        await bench.pilot.pause()
        await turn_to(bench, kind)
        assert fields_of(bench) == fields
        text = bench.text()
        assert "reduce-only" not in text and "TP" not in text and "margin" not in text
        assert " PRACTICE " in text and "coinex · main" in text


async def test_only_the_types_and_times_of_the_venue_are_offered() -> None:
    async with ticket_bench(trading_frame()) as bench:
        bench.ticket.open_new(Side.SELL)
        await bench.pilot.pause()
        form = bench.ticket._form
        types, times = set(), set()
        form.focus_field(Field.TYPE)
        for _ in range(8):
            types.add(form.read().type)
            await bench.press("right")
        await turn_to(bench, OrderType.LIMIT)
        form.focus_field(Field.TIME_IN_FORCE)
        for _ in range(5):
            times.add(form.read().time_in_force)
            await bench.press("right")
        assert types == coinex_can(Mode.PRACTICE).order_types
        assert times == set(TimeInForce)


async def test_what_the_venue_has_not_got_is_never_sent() -> None:
    async with ticket_bench(trading_frame()) as bench:
        bench.ticket.open_new(Side.BUY, size="0.01", reduce_only=True)
        await bench.pilot.pause()
        await bench.press("enter")
        intent = bench.ticket.evaluation.intent
        assert intent == OrderIntent(
            instrument=COINEX_BTC.id, side=Side.BUY, type=OrderType.LIMIT, quantity=D("0.01"), price=D("60621.39")
        )
        assert bench.app.names() == ["Previewed"]


async def test_a_market_order_where_there_is_none_is_a_limit_order() -> None:
    only_limit = {"order_types": frozenset({OrderType.LIMIT}), "times_in_force": frozenset({TimeInForce.GTC})}
    can = coinex_can(Mode.PRACTICE, **only_limit)
    async with ticket_bench(several_frame(venues=(coinex_view(capabilities=can),))) as bench:
        bench.ticket.open_new(Side.BUY, OrderType.MARKET, size="0.01")
        await bench.pilot.pause()
        assert bench.ticket._form.read().type is OrderType.LIMIT
        assert fields_of(bench) == {Field.TYPE, Field.PRICE, Field.SIZE, Field.POST_ONLY}


async def test_post_only_goes_where_the_venue_has_none() -> None:
    can = coinex_can(Mode.PRACTICE, post_only=False)
    async with ticket_bench(several_frame(venues=(coinex_view(capabilities=can),))) as bench:
        bench.ticket.open_new(Side.BUY)
        await bench.pilot.pause()
        assert Field.POST_ONLY not in fields_of(bench)
        assert "post-only" not in bench.text()


def plain_words(text: str) -> str:
    """What stands in a ticket, without its frame and its lines' ends."""
    return " ".join(text.replace("│", " ").replace("┃", " ").split())


@pytest.mark.parametrize("amends", [True, False])
async def test_an_edit_says_how_this_venue_changes_an_order(amends: bool) -> None:
    view = coinex_view(capabilities=coinex_can(Mode.PRACTICE, amend=amends))
    frame = several_frame(venues=(view,))
    async with ticket_bench(frame) as bench:
        order = next(order for order in frame.orders or () if order.key == "s0002")
        assert bench.ticket.open_edit(order)
        await bench.pilot.pause()
        assert fields_of(bench) == {Field.PRICE, Field.SIZE}
        await bench.type("60611")
        assert bench.ticket.evaluation.amend == AmendIntent(key="s0002", price=D("60611"))
        words = "by cancel and new: it loses its place in the queue, and for a moment nothing rests"
        assert (words in plain_words(bench.text())) is not amends
        await bench.press("enter")  # and in the preview, before it is sent
        assert bench.ticket.step is Step.PREVIEW
        assert (words in plain_words(bench.text())) is not amends
        assert bench.app.names() == []


def watched_frame(**views: Any) -> Frame:
    """A desk whose one venue is open for reading only."""
    given = {"venues": (coinex_view(Mode.READ_ONLY),), "quotes": coinex_quotes(), "orders": (), "positions": ()}
    return watching_frame(desk=desk_view(COINEX_BTC, mode=Mode.READ_ONLY), **(given | views))


@pytest.mark.parametrize("keys", [("b",), ("s",), ("B",), ("S",), ("j", "b"), ("j", "s"), ("6", "b")])
async def test_a_venue_that_is_read_only_has_no_ticket_and_says_why_and_the_remedy(keys: tuple[str, ...]) -> None:
    async with running(ScriptedDesk([watched_frame()])) as desk:
        await desk.press(*keys)
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == [f"coinex is READ-ONLY: {REMEDY}"]
        assert not desk.dashboard.ticket.is_open
        assert not desk.dashboard.hand.has_preview
        await desk.press("enter", "y")
        assert "submit" not in desk.asked


async def test_there_is_nothing_to_arm_where_nothing_can_be_ordered() -> None:
    async with running(ScriptedDesk([watched_frame()])) as desk:
        await desk.press("A")
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == [f"there is nothing to arm: coinex is READ-ONLY: {REMEDY}"]
        assert desk.asked == []


async def test_a_key_that_was_refused_is_said_instead_of_a_ticket() -> None:
    view = coinex_view(Mode.LIVE, fault="the key was refused: signature error (25)")
    async with running(ScriptedDesk([several_frame(venues=(venue_view(), view))])) as desk:
        await desk.press("b")
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["no order can be sent to coinex: the key was refused: signature error (25)"]
        await desk.press("2", "e")
        await desk.until(lambda: len(desk.toasts) == 2)
        assert not desk.dashboard.ticket.is_open


async def test_a_row_of_the_venue_that_trades_has_its_ticket_while_another_is_shown() -> None:
    async with running(ScriptedDesk([watching_frame(orders=(order_view("p0007", BTC_SPOT),))])) as desk:
        await desk.press("2", "b")
        assert desk.dashboard.ticket.is_open
        assert "▲ BUY BTC/USDT" in desk.text and "paper · main" in desk.text
        assert desk.toasts == []


async def test_the_same_market_of_two_venues_is_named_with_its_venue_wherever_it_is_asked_about() -> None:
    orders = (
        order_view("s0002", COINEX_BTC, price="60610.00", quantity="0.01000000"),
        order_view("p0007", BTC_SPOT, price="60610.0", quantity="0.01000"),
    )
    async with running(ScriptedDesk([several_frame(orders=orders)])) as desk:
        await desk.press("C")
        await desk.until(lambda: desk.shows(Confirm))
        assert "Cancel all orders on BTC/USDT@coinex?" in desk.text
        assert "1 order, on coinex/main" in desk.text
        await desk.press("escape")
        await desk.press("X")
        await desk.until(lambda: desk.shows(Confirm))
        assert "Flatten BTC/USDT@coinex?" in desk.text
        await desk.press("escape")
        desk.desk.outcomes.append(DENIED)
        await desk.press("2", "j", "c")
        await desk.until(lambda: desk.toasts)
        assert desk.toasts[0].startswith("cancel BUY 0.01000 BTC/USDT@paper @ 60,610.0: not sent.")
        desk.desk.outcomes.append(NEEDS_YES)
        await desk.press("8", "j", "b", "enter")
        await desk.until(lambda: desk.shows(Confirm))
        assert "BTC/USDT@coinex" in desk.text
        assert desk.desk.calls[-1][1].instrument == COINEX_BTC.id


async def test_positions_are_named_with_their_venue_before_they_are_turned_or_closed() -> None:
    async with running(ScriptedDesk([several_frame()])) as desk:
        await desk.press("1", "t")
        await desk.until(lambda: desk.shows(Confirm))
        assert "Reverse LONG 0.250 BTC/USDT perp@paper?" in desk.text
        await desk.press("escape", "x")
        await desk.until(lambda: desk.shows(CloseChooser))
        assert "close LONG 0.250 BTC/USDT perp · paper · main" in desk.text


async def test_panic_names_what_it_can_not_touch() -> None:
    async with running(ScriptedDesk([watching_frame()])) as desk:
        await desk.press("ctrl+x")
        await desk.until(lambda: desk.shows(PanicOverlay))
        lines = desk.text.splitlines()
        assert any("paper" in line and "5 orders" in line and "2 positions" in line for line in lines)
        assert any("coinex" in line and "READ-ONLY: nothing is sent there" in line for line in lines)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (50, 20)])
async def test_a_book_that_no_checksum_has_proven_says_so(size: tuple[int, int]) -> None:
    book = msgspec.structs.replace(book_view(COINEX_BTC, best_bid="60621.39"), fault="unverified")
    async with running(ScriptedDesk([several_frame(book=book)]), size) as desk:
        ladder = desk.dashboard.ladder
        assert "unverified" in ladder.render_line(ladder.size.height - 1).text
        assert "60,621.39" in desk.text
        proven = msgspec.structs.replace(book, fault="")
        desk.desk.frames.append(Frame(number=2, ts=NOW, book=proven))
        desk.app.take_news()
        await desk.pilot.pause()
        assert "unverified" not in desk.text


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (50, 20)])
async def test_an_invalid_book_is_not_drawn_as_live_and_its_age_runs(size: tuple[int, int]) -> None:
    bad = invalid_book("checksum mismatch: ours 12, theirs 13", COINEX_BTC)
    async with running(ScriptedDesk([several_frame(book=bad)]), size) as desk:
        ladder = desk.dashboard.ladder
        shown = "\n".join(ladder.render_line(y).text for y in range(ladder.size.height))
        assert "book not shown: checksum mismatch" in shown
        assert "last good 4.0 s ago" in shown
        assert "60,6" not in shown
        desk.clock.pass_seconds(2)
        desk.app.take_news()
        await desk.until(lambda: "last good 6.0 s ago" in desk.text)
        await desk.press("j", "b", "enter")
        assert "submit" not in desk.asked


async def test_an_old_book_shows_its_age_also_where_it_is_narrow() -> None:
    old = book_view(COINEX_BTC, best_bid="60621.39", age=2 * NANOSECONDS)
    stale = coinex_view(state=LinkState.STALE, ts_last_data=NOW - 2 * NANOSECONDS)
    async with running(ScriptedDesk([several_frame(book=old, venues=(venue_view(), stale))]), (80, 24)) as desk:
        ladder = desk.dashboard.ladder
        line = ladder.render_line(ladder.size.height - 1).text
        assert "STALE" in line and "age 2.0 s" in line
        assert "coinex ◐ stale 2 s" in desk.text
