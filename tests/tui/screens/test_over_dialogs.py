"""What comes while a dialog is up, or only half up: none of it ends the desk."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette

from tests.support.desk_app import running
from tests.support.frames import NOW, sample_frame
from tui.screens.panic import PanicOverlay


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
