"""A question is answered on purpose or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.pilot import Pilot

from tests.support.ticket import Clock
from tui.screens.confirm import CloseChooser, Confirm

STYLES = Path(__file__).parents[3] / "themes" / "confirm.tcss"


class Asking(App[None]):
    """Puts one question and notes the answers, and every key that reaches a binding below it."""

    CSS_PATH = STYLES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"stray('{key}')", show=False) for key in ("b", "y", "x", "1", "space", "enter", "n", "o")
    ]

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.answers: list[bool | int | None] = []
        self.strays: list[str] = []

    def action_stray(self, key: str) -> None:
        self.strays.append(key)

    def words(self) -> str:
        """All that is on the screen, as text."""
        return "\n".join(line.text for line in self.screen._compositor.render_strips())


class Asked:
    """A running app with its question, and keys for it."""

    def __init__(self, app: Asking, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str, after: float = 0) -> None:
        self.app.clock.pass_seconds(after)
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def hold(self, key: str, seconds: float, first: float = 0.5) -> None:
        """Holds a key: at once, after `first` again, then thirty times a second."""
        await self.press(key)
        self.app.clock.pass_seconds(first)
        for _ in range(int((seconds - first) * 30)):
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
            await self.pilot.pause()
            self.app.clock.pass_seconds(1 / 30)


@asynccontextmanager
async def asked(kind: str = "confirm", *reasons: str) -> AsyncIterator[Asked]:
    clock = Clock()
    app = Asking(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        if kind == "confirm":
            question = Confirm("Flatten [bold]BTC[/]?", reasons, yes="flatten", clock=clock)
            app.push_screen(question, app.answers.append)
        else:
            lines = {25: None, 50: "SELL 0.125 BTC at market", 100: "SELL 0.250 BTC at market"}
            app.push_screen(CloseChooser("Close LONG 0.250", lines.get, clock=clock), app.answers.append)
        await pilot.pause()
        yield Asked(app, pilot)


async def test_y_says_yes_when_the_question_could_be_read() -> None:
    async with asked() as on:
        await on.press("y", after=0.41)
        assert on.app.answers == [True]


async def test_y_is_deaf_at_first_and_pushed_on_by_each_stray_key() -> None:
    async with asked() as on:
        await on.press("y", after=0.39)
        await on.press("b", after=0.7)
        await on.press("y", after=0.7)
        assert on.app.answers == []
        await on.press("y", after=0.76)
        assert on.app.answers == [True]


@pytest.mark.parametrize("key", ["y", "enter", "x", "t", "space"])
async def test_a_held_key_confirms_nothing(key: str) -> None:
    async with asked() as on:
        await on.hold(key, 2)
        assert on.app.answers == []


async def test_a_slowly_repeating_terminal_confirms_nothing_either() -> None:
    async with asked() as on:
        await on.hold("y", 2, first=0.66)
        assert on.app.answers == []


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_no_is_what_the_focus_rests_on(key: str) -> None:
    async with asked() as on:
        await on.press(key, after=1)
        assert on.app.answers == [False]


async def test_enter_never_says_yes() -> None:
    async with asked() as on:
        await on.press("tab", "enter", "space", "enter", after=1)
        assert on.app.answers == []
        await on.press("right", "enter")
        assert on.app.answers == [False]


async def test_nothing_reaches_what_is_below_the_question() -> None:
    async with asked() as on:
        await on.press("b", "x", "1", "o", "space", after=1)
        assert (on.app.strays, on.app.answers) == ([], [])


async def test_at_most_three_reasons_are_shown_and_all_text_is_data() -> None:
    async with asked("confirm", "first [@click=app.quit]q[/]", "second\x1b]0;t\x07", "third", "fourth") as on:
        words = on.app.words()
        assert "Flatten [bold]BTC[/]?" in words and "first [@click=app.quit]q[/]" in words
        assert "third" in words and "fourth" not in words and "\x1b" not in words


@pytest.mark.parametrize(
    ("keys", "percent"), [(("2",), 50), (("3",), 100), (("down", "y"), 50), (("up", "y"), 100)]
)
async def test_a_share_is_chosen(keys: tuple[str, ...], percent: int) -> None:
    async with asked("close") as on:
        assert "SELL 0.125 BTC at market" in on.app.words()
        await on.press(*keys, after=0.5)
        assert on.app.answers == [percent]


async def test_a_share_below_one_lot_can_not_be_chosen() -> None:
    async with asked("close") as on:
        assert "less than one lot" in on.app.words()
        await on.press("1", "y", after=0.5)
        assert on.app.answers == []
        await on.press("escape")
        assert on.app.answers == [None]


@pytest.mark.parametrize("key", ["x", "3", "enter", "y"])
async def test_a_held_key_closes_nothing(key: str) -> None:
    async with asked("close") as on:
        await on.hold(key, 2)
        assert on.app.answers == []


async def test_enter_closes_nothing() -> None:
    async with asked("close") as on:
        await on.press("down", "enter", "enter", after=1)
        assert (on.app.answers, on.app.strays) == ([], [])
