"""What comes while a dialog is up, or only half up: none of it ends the desk."""

from __future__ import annotations

from concurrent.futures import Future
from decimal import Decimal

import msgspec
import pytest
from textual.command import CommandPalette

from tests.support.desk_app import running
from tests.support.frames import NOW, position_views, sample_frame
from tests.support.scripted_desk import DENIED, ScriptedDesk
from tui.desk.control import Outcome
from tui.desk.frame import Frame, PositionView
from tui.screens.confirm import CloseChooser, Confirm
from tui.screens.panic import PanicOverlay
from tui.widgets.ticket_preview import Step


@pytest.mark.parametrize("first", ["ctrl+p", "b", "slash", "question_mark"])
async def test_the_palette_comes_up_on_the_desk_alone(first: str) -> None:
    async with running() as desk:
        await desk.press(first, "ctrl+x", "ctrl+p", "ctrl+p")
        await desk.until(lambda: desk.shows(PanicOverlay))
        assert sum(isinstance(screen, CommandPalette) for screen in desk.app.screen_stack) == (first == "ctrl+p")
        await desk.press("escape")
        await desk.until(lambda: not desk.shows(PanicOverlay))


async def test_no_palette_while_a_ticket_has_the_focus() -> None:
    async with running() as desk:
        await desk.press("B", "ctrl+p")
        assert len(desk.app.screen_stack) == 1


async def test_a_frame_may_come_before_the_panic_question_is_drawn() -> None:
    async with running() as desk:
        overlay = PanicOverlay(sample_frame(), clock=lambda: NOW)
        overlay.take(sample_frame(2, orders=()))
        await desk.app.push_screen(overlay)
        await desk.until(lambda: "0 orders, 2 positions" in desk.text)


def frame_with(*positions: PositionView) -> Frame:
    return sample_frame(9, positions=positions)


def resized(view: PositionView, quantity: str) -> PositionView:
    position = msgspec.structs.replace(view.position, quantity=Decimal(quantity))
    return msgspec.structs.replace(view, position=position)


@pytest.mark.parametrize("now", ["0.1", "-0.250", None], ids=["smaller", "turned", "gone"])
async def test_a_yes_to_reverse_is_to_the_position_as_it_was_shown(now: str | None) -> None:
    async with running() as desk:
        await desk.press("1", "t")
        await desk.until(lambda: desk.shows(Confirm))
        held = position_views()[0]
        desk.desk.frames.append(frame_with(*(() if now is None else (resized(held, now),))))
        desk.app.take_news()
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.toasts)
        assert desk.asked == []
        assert "The position has changed" in desk.toasts[0]


@pytest.mark.parametrize(("now", "is_sent"), [("0.1", True), ("-0.250", False)])
async def test_a_part_is_closed_of_what_is_still_on_that_side(now: str, is_sent: bool) -> None:
    async with running() as desk:
        await desk.press("1", "x")
        await desk.until(lambda: desk.shows(CloseChooser))
        desk.desk.frames.append(frame_with(resized(position_views()[0], now)))
        desk.app.take_news()
        await desk.wait()
        await desk.press("2")
        await desk.until(lambda: desk.asked or desk.toasts)
        assert desk.asked == ["close_position"] * is_sent


async def test_a_no_to_a_ticket_that_was_left_while_it_sent_is_said() -> None:
    desk = ScriptedDesk([sample_frame()])
    answer: Future[Outcome] = Future()
    async with running(desk) as app:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(desk, "submit", lambda _intent: answer)
            await app.press("5", "B", *"0.1")
            await app.press("enter")
            await app.wait()
            await app.press("y")
            assert app.dashboard.ticket.step is Step.SENDING
            await app.press("escape")
            assert not app.dashboard.ticket.is_open
            answer.set_result(DENIED)
            await app.until(lambda: app.toasts)
            assert "not sent. 0.5 BTC is above the cap of 0.1" in app.toasts[0]
