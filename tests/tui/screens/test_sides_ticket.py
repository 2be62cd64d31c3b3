"""Where long and short stand at once a ticket says what it opens or closes, and nothing is ever netted."""

from __future__ import annotations

from textual.content import Content

from tests.support.desk_app import running
from tests.support.pumpkin_desk import BTC, both_sides, exits, pumpkin_frame, several_on_a_side
from tests.support.scripted_desk import NEEDS_YES, ScriptedDesk
from tests.support.ticket import Bench, ticket_bench
from tui.desk.draft import Field
from tui.screens.panic import panic_scopes
from tui.screens.wishes import counts_words, order_words
from tui.widgets.ticket_preview import Step
from venues.model import Side


def title_of(bench: Bench) -> str:
    return Content.from_markup(bench.ticket.border_title or "").plain


def said(bench: Bench) -> str:
    """What is on the screen, in one line, however it is broken."""
    return " ".join(bench.text().replace("│", " ").split())


OPENS = (
    (Side.BUY, "▲ BUY open long  PRACTICE", "open long; SHORT 0.1000 stays", "10x"),
    (Side.SELL, "▼ SELL open short  PRACTICE", "open short; LONG 0.2500 stays", "20x"),
)
EXITS = ((Field.TAKE_PROFIT, "61200"), (Field.STOP_LOSS, "59900"), (Field.LEVERAGE, "10"))


async def test_what_opens_is_said_in_form_and_preview_with_exits_and_leverage_as_they_are_sent() -> None:
    async with ticket_bench(pumpkin_frame()) as bench:
        for side, title, means, leverage in OPENS:
            assert bench.ticket.open_new(side, instrument=BTC, size="0.1")
            await bench.pilot.pause()
            assert title in title_of(bench)
            assert "BTC/USDT perp · pumpkin · main" in str(bench.ticket.border_subtitle)
            assert means in bench.text()
            # The leverage of the side is shown where none is typed.
            assert bench.ticket._form._texts[Field.LEVERAGE].placeholder == leverage
            await bench.press("enter")
            assert bench.ticket.step is Step.PREVIEW and means in bench.text()
            await bench.press("escape", "escape")
        assert bench.ticket.open_new(Side.BUY, instrument=BTC, size="0.1")
        fields = {field for field in Field if bench.ticket._form._widget_of(field).display}
        assert {*(field for field, _ in EXITS), Field.MARGIN_MODE} <= fields
        for field, text in EXITS:
            bench.ticket._form._texts[field].value = text
        await bench.pilot.pause()
        assert "10x TP 61,200" in said(bench) and "SL 59,900" in said(bench)


async def test_what_closes_names_its_position_and_what_stays() -> None:
    async with ticket_bench(pumpkin_frame(positions=several_on_a_side())) as bench:
        assert bench.ticket.open_new(Side.SELL, instrument=BTC, size="0.1", reduce_only=True, position_id="88213")
        await bench.pilot.pause()
        assert "▼ SELL close long" in title_of(bench)
        assert "close long #88213 of 0.2500; 0.1500 of it" in said(bench)
        intent = bench.ticket.evaluation.intent
        assert intent is not None and intent.position_id == "88213" and intent.reduce_only


async def test_the_words_follow_the_mark() -> None:
    async with ticket_bench(pumpkin_frame(positions=both_sides()[:1])) as bench:
        assert bench.ticket.open_new(Side.SELL, instrument=BTC, size="0.1")
        bench.ticket._form.focus_field(Field.REDUCE_ONLY)
        await bench.press("space")
        assert "▼ SELL close long" in title_of(bench)
        await bench.press("space")
        assert "▼ SELL open short" in title_of(bench)


async def test_a_row_of_the_ladder_and_its_question_say_what_it_opens() -> None:
    async with running(ScriptedDesk([pumpkin_frame()])) as desk:
        desk.desk.outcomes.append(NEEDS_YES)
        await desk.press("j", "s")
        assert "SELL 0." in desk.text and "open short" in desk.text
        await desk.press("enter")
        await desk.until(lambda: "submit" in desk.asked)
        await desk.pilot.pause()
        assert "open short" in desk.text and "?" in desk.text


async def test_from_a_row_of_several_reduce_only_means_that_row() -> None:
    async with running(ScriptedDesk([pumpkin_frame(positions=several_on_a_side())])) as desk:
        await desk.press("1", "j", "s")
        form = desk.dashboard.ticket._form
        form.focus_field(Field.REDUCE_ONLY)
        await desk.press("space")
        form._texts[Field.SIZE].value = "0.02"
        await desk.pilot.pause()
        intent = desk.dashboard.ticket.evaluation.intent
        assert intent is not None and intent.reduce_only and intent.position_id == "88219"
        assert "close long #88219 of 0.0500" in " ".join(desk.text.split())


def test_exits_of_positions_are_counted_apart() -> None:
    frame = pumpkin_frame(orders=exits())
    (scope,) = panic_scopes(frame)
    assert scope.words.startswith("5 orders (1 placed elsewhere, 2 exits), 3 positions")
    words = counts_words(frame.orders or ())
    assert "1 of them placed elsewhere" in words and "2 exits of positions among them" in words
    assert order_words(exits()[1]) == "SELL 0.2500 BTC/USDT perp TP/SL @ 61,800.0/59,900.0"
