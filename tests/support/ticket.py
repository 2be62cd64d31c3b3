"""A ticket alone on a screen, with a clock that stands still, and every message and stray key noted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Button

from tests.support.frames import sample_frame
from tui.desk.frame import Frame
from tui.screens.ticket import Ticket
from tui.theming import DEFAULT_THEME, load_themes

STYLES = Path(__file__).parent.parent.parent / "themes" / "ticket.tcss"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCSXT1234567890[].,+-/:?"
NAMES = {" ": "space", "%": "percent_sign", "+": "plus", "-": "minus", ".": "full_stop", ",": "comma"}


class Clock:
    """Nanoseconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000_000)


class TicketApp(App[None]):
    """A button where the ladder would be, the ticket, and a trading binding on every letter."""

    CSS_PATH = STYLES
    CSS = "Ticket { width: 46; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(NAMES.get(letter, letter), f"stray('{ord(letter)}')", show=False) for letter in LETTERS),
        Binding("tab", "stray('tab')", show=False),
        Binding("enter", "stray('enter')", show=False),
        Binding("f1", "help", show=False),
    ]

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        themes, _ = load_themes()
        self.register_theme(themes[DEFAULT_THEME])
        self.theme = DEFAULT_THEME
        self.clock = clock
        self.ticket = Ticket(clock=clock)
        self.heard: list[Message] = []
        self.strays: list[str] = []
        self.helps = 0

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Button("ladder", id="ladder")
            yield self.ticket

    def action_stray(self, code: str) -> None:
        self.strays.append(code)

    def action_help(self) -> None:
        self.helps += 1

    def on_ticket_previewed(self, message: Ticket.Previewed) -> None:
        self.heard.append(message)

    def on_ticket_submit_requested(self, message: Ticket.SubmitRequested) -> None:
        self.heard.append(message)

    def on_ticket_amend_requested(self, message: Ticket.AmendRequested) -> None:
        self.heard.append(message)

    def on_ticket_dropped(self, message: Ticket.Dropped) -> None:
        self.heard.append(message)

    def on_ticket_closed(self, message: Ticket.Closed) -> None:
        self.heard.append(message)

    def names(self) -> list[str]:
        """The messages heard so far, by name."""
        return [type(message).__name__ for message in self.heard]

    def sent(self) -> list[Ticket.SubmitRequested]:
        return [message for message in self.heard if isinstance(message, Ticket.SubmitRequested)]


class Bench:
    """What a test holds: the app, its pilot, the ticket and the clock."""

    def __init__(self, app: TicketApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.ticket = app.ticket
        self.clock = app.clock

    async def type(self, text: str) -> None:
        await self.pilot.press(*(NAMES.get(letter, letter) for letter in text))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def burst(self, *keys: str) -> None:
        """Delivers keys at once, as a link does that was stuck."""
        for key in keys:
            letter = next((letter for letter, name in NAMES.items() if name == key), key)
            self.app.post_message(events.Key(key, letter if len(letter) == 1 else None))
        await self.pilot.pause()
        await self.pilot.pause()

    async def hold(self, key: str, seconds: float, rate: int = 30) -> None:
        """Delivers a held key: at once, then after 0.5 s as often as a terminal repeats."""
        await self.press(key)
        self.clock.pass_seconds(0.5)
        for _ in range(int((seconds - 0.5) * rate)):
            await self.burst(key)
            self.clock.pass_seconds(1 / rate)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Lets the app run until a condition holds."""
        for _ in range(200):
            await self.pilot.pause()
            if condition():
                return
        raise AssertionError("it never came to pass")

    async def take(self, frame: Frame) -> None:
        self.ticket.take(frame)
        await self.pilot.pause()

    def text(self) -> str:
        """All that the ticket shows, its border included, as text."""
        region = self.ticket.region
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(line.crop(region.x, region.right).text for line in lines[region.y : region.bottom])


@asynccontextmanager
async def ticket_bench(frame: Frame | None = None, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Bench]:
    """Runs a closed ticket that has seen one frame."""
    app = TicketApp(Clock())
    async with app.run_test(size=size) as pilot:
        bench = Bench(app, pilot)
        app.query_one("#ladder", Button).focus()
        await bench.take(frame if frame is not None else sample_frame())
        yield bench
