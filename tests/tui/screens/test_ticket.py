"""What the ticket shows, and how it follows the desk while it is open."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.support.frames import (
    BTC_SPOT,
    CAPABILITIES,
    book_view,
    empty_frame,
    order_view,
    order_views,
    sample_frame,
    spot_frame,
    venue_view,
)
from tests.support.ticket import ticket_bench
from tui.desk.control import Reason
from tui.desk.draft import Field
from tui.screens.ticket import Ticket
from tui.widgets.ticket_preview import Step
from venues.model import MarginMode, OrderStatus, OrderType, Side
from venues.port import Capabilities, Mode

D = Decimal


async def test_the_title_says_side_instrument_venue_account_and_mode() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY)
        await bench.pilot.pause()
        shown = bench.text()
        assert "▲ BUY BTC/USDT perp" in shown and " PAPER " in shown and "paper · main" in shown
        bench.ticket.open_new(Side.SELL)
        await bench.pilot.pause()
        assert "▼ SELL BTC/USDT perp" in bench.text()


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "60624.5"), (Side.SELL, "60625.0")])
async def test_a_limit_starts_at_the_own_side_of_the_book(side: Side, price: str) -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(side)
        await bench.pilot.pause()
        form = bench.ticket._form
        assert (form.read().price, form.focused_field) == (price, Field.PRICE)
        await bench.type("bid-2t")  # it was selected: typing replaces it
        assert form.read().price == "bid-2t"
        assert "= 60,623.5" in bench.text()


async def test_a_mistake_is_said_while_it_is_typed_and_enter_goes_to_it() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY)
        await bench.pilot.pause()
        await bench.type("0,5")
        assert "no commas: write a point" in bench.text()
        await bench.press("tab", "enter")
        assert bench.ticket.step is Step.EDITING
        assert bench.ticket._form.focused_field is Field.PRICE
        assert bench.app.names() == []


async def test_what_will_be_sent_follows_the_market() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY, size="1")
        await bench.pilot.pause()
        await bench.type("bid-1t")
        assert "BUY 1.000 BTC @ 60,624.0" in bench.text()
        await bench.take(sample_frame(number=2, book=book_view(best_bid="60630.0")))
        assert "BUY 1.000 BTC @ 60,629.5" in bench.text()
        assert "notional 60,629.50 USDT" in bench.text()


async def test_a_preview_is_frozen_while_the_market_goes_on() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY, size="1")
        await bench.pilot.pause()
        await bench.type("bid-1t")
        await bench.press("enter")
        await bench.take(sample_frame(number=2, book=book_view(best_bid="60630.0")))
        assert "BUY 1.000 BTC @ 60,624.0" in bench.text()
        bench.clock.pass_seconds(1)
        await bench.press("y")
        assert [message.intent.price for message in bench.app.sent()] == [D("60624.0")]


async def test_the_venue_decides_the_fields() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY)
        await bench.pilot.pause()
        assert "leverage" in bench.text() and "TP" not in bench.text()
        can = msgspec.structs.replace(CAPABILITIES, attached_exits=True, margin_modes=frozenset(MarginMode))
        await bench.take(sample_frame(number=2, venues=(venue_view(capabilities=can),)))
        assert "TP" in bench.text() and "SL" in bench.text()
    async with ticket_bench(spot_frame(venues=(venue_view(capabilities=Capabilities(mode=Mode.PAPER)),))) as bench:
        bench.ticket.open_new(Side.BUY)
        await bench.pilot.pause()
        shown = bench.text()
        assert all(word not in shown for word in ("leverage", "post-only", "reduce-only", "tif", "margin"))


async def test_choices_turn_by_arrow_and_space_and_change_the_fields() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY, price=D("60000"), size="0.1")
        await bench.pilot.pause()
        bench.ticket._form.focus_field(Field.TYPE)
        await bench.press("right")
        assert bench.ticket._form.read().type is OrderType.MARKET
        assert "at market" in bench.text() and "price " not in bench.text()
        await bench.press("left")
        bench.ticket._form.focus_field(Field.POST_ONLY)
        await bench.press("space")
        assert "[x] post-only" in bench.text() and "post-only 0" not in bench.text()
        assert bench.ticket.evaluation.intent is not None and bench.ticket.evaluation.intent.post_only


async def test_market_tickets_start_at_the_size() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.SELL, OrderType.MARKET)
        await bench.pilot.pause()
        assert bench.ticket._form.focused_field is Field.SIZE
        await bench.type("0.2")
        assert "SELL 0.200 BTC at market" in bench.text()


async def test_without_an_instrument_it_does_not_open() -> None:
    async with ticket_bench(empty_frame()) as bench:
        assert not bench.ticket.open_new(Side.BUY)
        assert not bench.ticket.open_new(Side.BUY, instrument=BTC_SPOT)
        assert not bench.ticket.is_open


async def test_it_opens_on_another_instrument_than_the_shown_one() -> None:
    async with ticket_bench() as bench:
        assert bench.ticket.open_new(Side.SELL, instrument=BTC_SPOT, size="100% balance")
        await bench.pilot.pause()
        assert "▼ SELL BTC/USDT " in bench.text() and "perp" not in bench.text()
        assert bench.ticket._form.read().price == "60625.0"  # the watchlist's, not the shown book's
        assert "SELL 0.03500 BTC @ 60,625.0" in bench.text()


async def test_an_edit_asks_for_the_change_only() -> None:
    async with ticket_bench() as bench:
        view = next(view for view in order_views() if view.key == "p0002")
        assert bench.ticket.open_edit(view)
        await bench.pilot.pause()
        assert "EDIT ▼ SELL" in bench.text() and "nothing is changed yet" in bench.text()
        await bench.type("60627")
        await bench.press("enter")
        assert "change it" in bench.text()
        bench.clock.pass_seconds(0.5)
        await bench.press("y", "y")
        assert bench.app.names() == ["AmendRequested"]
        message = bench.app.heard[0]
        assert isinstance(message, Ticket.AmendRequested)
        assert (message.intent.key, message.intent.price, message.intent.quantity) == ("p0002", D(60627), None)


async def test_an_edit_whose_order_has_gone_can_not_be_sent() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_edit(next(view for view in order_views() if view.key == "p0001"))
        await bench.pilot.pause()
        await bench.type("60000")
        await bench.press("enter")
        await bench.take(sample_frame(number=2, orders=()))
        assert bench.ticket.step is Step.EDITING
        assert "this order is no longer open" in bench.text()
        bench.clock.pass_seconds(1)
        await bench.press("y", "enter", "y")
        assert bench.app.names() == []


async def test_an_order_that_nobody_answered_for_is_not_edited() -> None:
    async with ticket_bench() as bench:
        assert not bench.ticket.open_edit(order_view("p9", status=OrderStatus.UNKNOWN))


async def test_the_words_of_a_venue_are_text_and_nothing_else() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY, price=D("60000"), size="0.1")
        await bench.pilot.pause()
        await bench.press("enter")
        bench.ticket.show_reasons([Reason("size", "[@click=app.quit]x[/] \x1b]0;y\x07 [bold]")], is_denied=True)
        await bench.pilot.pause()
        await bench.until(lambda: "[@click=app.quit]x[/]" in bench.text())
        assert "\x1b" not in bench.text()


async def test_on_a_short_screen_the_keys_and_the_last_reason_are_in_sight() -> None:
    can = msgspec.structs.replace(CAPABILITIES, attached_exits=True, margin_modes=frozenset(MarginMode))
    async with ticket_bench(sample_frame(venues=(venue_view(capabilities=can),)), size=(80, 18)) as bench:
        bench.ticket.open_new(Side.BUY, price=D("60000"), size="0.1")
        await bench.pilot.pause()
        await bench.press("enter")
        assert "y  send it" in bench.text()
        bench.ticket.show_reasons([Reason(str(n), f"reason number {n}, and why it is one") for n in range(5)])
        await bench.until(lambda: "reason number 2" in bench.text())
        assert "reason number 3" not in bench.text()
        assert "send in spite of it" in bench.text()


async def test_a_ticket_that_was_hidden_for_a_moment_takes_the_focus_back() -> None:
    async with ticket_bench() as bench:
        bench.ticket.open_new(Side.BUY, price=D("60000"), size="0.1")
        await bench.pilot.pause()
        await bench.press("enter")
        bench.ticket.display = False
        await bench.until(lambda: bench.app.focused is None)
        assert bench.ticket.is_open
        bench.ticket.display = True
        await bench.until(lambda: bench.app.focused is not None)
        bench.clock.pass_seconds(1)
        await bench.press("y")
        assert len(bench.app.sent()) == 1
