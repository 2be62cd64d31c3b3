"""One deliberate Enter..y sends one order; a held key, a burst and a stray letter send nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from textual import events

from tests.support.frames import book_view, sample_frame
from tests.support.ticket import LETTERS, NAMES, Bench, ticket_bench
from tui.desk.control import Outcome, Reason, Verdict
from tui.desk.draft import Field
from tui.widgets.ticket_preview import Step
from venues.model import OrderType, Side

D = Decimal


async def fill_in(bench: Bench) -> None:
    """Opens a buy at 60,000.0 of 0.1."""
    assert bench.ticket.open_new(Side.BUY, price=D("60000"))
    await bench.pilot.pause()
    await bench.type("0.1")
    assert bench.ticket.evaluation.is_ready


async def test_enter_then_y_sends_exactly_one() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        assert bench.ticket.step is Step.PREVIEW
        assert bench.app.names() == ["Previewed"]
        bench.clock.pass_seconds(0.5)
        await bench.press("y", "y", "y", "enter", "y")
        assert bench.app.names() == ["Previewed", "SubmitRequested"]
        intent = bench.app.sent()[0].intent
        assert (intent.side, intent.type, intent.quantity, intent.price) == (
            Side.BUY, OrderType.LIMIT, D("0.100"), D("60000.0"),
        )  # fmt: skip
        bench.ticket.show_outcome(Outcome(verdict=Verdict.SENT, order_key="p1"))
        await bench.pilot.pause()
        assert bench.app.names() == ["Previewed", "SubmitRequested", "Closed"]
        assert not bench.ticket.is_open
        assert bench.app.focused is not None and bench.app.focused.id == "ladder"


async def test_enter_held_for_two_seconds_sends_nothing() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.hold("enter", 2)
        assert bench.app.sent() == []
        assert bench.ticket.step is Step.PREVIEW
        # Let go: still deaf for the quiet window, then one y sends one order.
        await bench.press("y")
        assert bench.app.sent() == []
        bench.clock.pass_seconds(0.76)
        await bench.press("y")
        assert len(bench.app.sent()) == 1


@pytest.mark.parametrize("keys", [("enter",), ("enter", "y"), ("y", "enter"), ("y",)])
async def test_a_burst_of_sixty_keys_sends_nothing(keys: tuple[str, ...]) -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.burst(*(keys * (60 // len(keys))))
        assert bench.app.sent() == []


async def test_y_held_since_before_the_preview_was_seen_sends_nothing() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        bench.clock.pass_seconds(0.1)
        await bench.hold("y", 3)
        assert bench.app.sent() == []


async def test_y_held_does_not_answer_a_question_that_came_after() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        bench.clock.pass_seconds(1)
        await bench.press("y")
        bench.ticket.show_outcome(
            Outcome(verdict=Verdict.NEEDS_YES, reasons=(Reason("duplicate", "identical to one just sent"),))
        )
        await bench.hold("y", 3)
        assert len(bench.app.sent()) == 1
        assert "identical to one just sent" in bench.text()
        bench.clock.pass_seconds(1)
        await bench.press("o")
        assert len(bench.app.sent()) == 2
        assert bench.app.sent()[1].intent.overrides == {"duplicate"}


async def test_reasons_of_the_check_need_their_own_key() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        bench.ticket.show_reasons([Reason("band", "6 % from the mid"), Reason("fresh", "the book is 9 s old")])
        bench.clock.pass_seconds(1)
        await bench.press("y", "enter")
        assert bench.app.sent() == []
        bench.clock.pass_seconds(1)
        await bench.press("o")
        assert [message.intent.overrides for message in bench.app.sent()] == [{"band", "fresh"}]


async def test_what_was_denied_can_not_be_sent() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        bench.ticket.show_reasons([Reason("lock", "the desk is locked")], is_denied=True)
        bench.clock.pass_seconds(2)
        await bench.press("y", "o", "enter")
        assert bench.app.sent() == []
        assert "the desk is locked" in bench.text()
        await bench.press("escape")
        assert bench.ticket.step is Step.EDITING


async def test_words_about_another_preview_are_dropped() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        old = bench.ticket.evaluation.intent
        await bench.press("escape")
        await bench.type("5")
        await bench.press("enter")
        assert bench.ticket.evaluation.intent != old
        bench.ticket.show_reasons([Reason("size", "too much")], is_denied=True, intent=old)
        bench.clock.pass_seconds(1)
        await bench.press("y")
        assert len(bench.app.sent()) == 1


async def test_escape_goes_back_one_step_and_then_drops() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter", "escape")
        assert bench.ticket.step is Step.EDITING and bench.ticket.is_open
        assert bench.ticket.evaluation.intent is not None
        await bench.press("escape")
        assert bench.app.names() == ["Previewed", "Dropped"]
        assert bench.app.focused is not None and bench.app.focused.id == "ladder"


async def test_no_letter_typed_in_the_ticket_reaches_a_trading_binding() -> None:
    async with ticket_bench() as bench:
        await bench.press("b")
        assert bench.app.strays == [str(ord("b"))]
        bench.app.strays.clear()
        await fill_in(bench)
        letters = [NAMES.get(letter, letter) for letter in LETTERS]
        for _ in range(7):
            await bench.press("tab")
            await bench.burst(*letters)
        await bench.press("escape")
        await fill_in(bench)
        await bench.press("enter")
        assert bench.ticket.step is Step.PREVIEW
        await bench.burst(*letters)
        assert bench.app.strays == []
        await bench.press("f1")
        assert bench.app.helps == 1
        assert bench.ticket.is_open


async def test_keys_typed_behind_enter_do_not_change_what_was_previewed() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        shown = bench.ticket.evaluation.intent
        await bench.burst("5", "backspace", "9")
        bench.app.post_message(events.Paste("77"))
        await bench.pilot.pause()
        bench.clock.pass_seconds(1)
        await bench.press("y")
        assert [message.intent for message in bench.app.sent()] == [shown]


async def test_tab_goes_round_the_fields_and_back() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        form = bench.ticket._form
        seen = []
        for _ in range(7):
            seen.append(form.focused_field)
            await bench.press("tab")
        assert seen == [
            Field.SIZE, Field.LEVERAGE, Field.POST_ONLY, Field.REDUCE_ONLY,
            Field.TYPE, Field.TIME_IN_FORCE, Field.PRICE,
        ]  # fmt: skip
        seen = [form.focused_field]
        await bench.press("shift+tab")
        assert [*seen, form.focused_field] == [Field.SIZE, Field.PRICE]


async def test_enter_waits_when_the_market_has_just_moved() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.take(sample_frame(number=2, book=book_view(best_bid="60924.5")))
        assert "market moved +0.49" in bench.text()
        await bench.press("enter")
        assert bench.app.names() == []
        assert "the market has just moved" in bench.text()
        bench.clock.pass_seconds(1.01)
        await bench.press("enter")
        assert bench.ticket.step is Step.PREVIEW


async def test_y_waits_when_the_market_moves_under_a_preview() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.press("enter")
        bench.clock.pass_seconds(1)
        await bench.take(sample_frame(number=2, book=book_view(best_bid="60324.5")))
        await bench.press("y")
        assert bench.app.sent() == []
        assert "market moved -0.49" in bench.text()
        bench.clock.pass_seconds(1.01)
        await bench.press("y")
        assert [message.intent.price for message in bench.app.sent()] == [D("60000.0")]


async def test_a_small_move_says_nothing() -> None:
    async with ticket_bench() as bench:
        await fill_in(bench)
        await bench.take(sample_frame(number=2, book=book_view(best_bid="60700.0")))
        assert "market moved" not in bench.text()
        await bench.press("enter")
        assert bench.ticket.step is Step.PREVIEW
