"""The delta writes less and shows the same: both ways are painted into a terminal emulator and compared."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, InlineUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.terminal.delta import Shadow, is_narrow, parse_sgr, transition

WIDTH, HEIGHT = 40, 8
STYLES = (
    "", "none", "red", "#102030 on #405060", "#102031 on #405060", "bold bright_green on bright_blue",
    "italic underline on color(111)", "reverse", "bold strike default", "white on default",
)  # fmt: skip
NARROW = "0123456789.,−▲▼│─┌ abcXYZ     "
AWKWARD = ["漢字", "e\u0301x", "👍", "ｗｉｄｅ"]


class Terminal:
    """An emulator that shows what it is written."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.Stream(self.screen)
        self.stream.feed("\x1b[?7l\x1b[2J")
        self.count = 0

    def write(self, text: str) -> None:
        self.count += len(text.encode())
        self.stream.feed(text)

    def cells(self) -> list[list[object]]:
        return [[self.screen.buffer[y][x] for x in range(self.screen.columns)] for y in range(self.screen.lines)]


def truecolor_console(system: str = "truecolor") -> Console:
    console = Console(color_system=None, force_terminal=True, width=WIDTH, height=HEIGHT)
    console._color_system = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT}.get(
        system, ColorSystem.STANDARD
    )
    return console


class Model:
    """A screen of a few chops a row that changes at random, and the updates that a compositor would make of it."""

    def __init__(self, seed: int, awkward: float) -> None:
        self.random = random.Random(seed)
        self.awkward = awkward
        # A style keeps the first colour system that it was rendered for, so that each model has its own.
        self.styles = [Style.parse(words).copy() if words else None for words in STYLES]
        self.cuts = [sorted({0, WIDTH, *self.random.sample(range(1, WIDTH), 2)}) for _ in range(HEIGHT)]
        self.rows = [[self.strip(a, b) for a, b in pairwise(cuts)] for cuts in self.cuts]

    def strip(self, start: int, end: int) -> Strip:
        segments: list[Segment] = []
        left = end - start
        while left > 0:
            if self.random.random() < self.awkward:
                text = self.random.choice(AWKWARD)
            else:
                size = self.random.randint(1, min(left, 9))
                text = "".join(self.random.choice(NARROW) for _ in range(size))
            segment = Segment(text, self.random.choice(self.styles))
            if segment.cell_length > left:
                segment = Segment(" " * left)
            segments.append(segment)
            left -= segment.cell_length
        return Strip(segments)

    def layout(self) -> LayoutUpdate:
        strips: list[Iterable[Strip]] = [list(row) for row in self.rows]
        return LayoutUpdate(strips, Region(0, 0, WIDTH, HEIGHT))

    def partial(self) -> ChopsUpdate:
        spans: list[tuple[int, int, int]] = []
        chops: list[dict[int, Strip | None]] = []
        chosen = set(self.random.sample(range(HEIGHT), self.random.randint(1, 4)))
        for y, (cuts, row) in enumerate(zip(self.cuts, self.rows, strict=True)):
            chops.append(dict.fromkeys(cuts[:-1]))
            if y not in chosen:
                continue
            for index in range(len(row)):
                if self.random.random() < 0.6:
                    row[index] = self.change(row[index], cuts[index], cuts[index + 1])
                chops[y][cuts[index]] = row[index]
            spans.append((y, 0, WIDTH))
        return ChopsUpdate(chops, spans, [cuts[1:] for cuts in self.cuts])

    def change(self, strip: Strip, start: int, end: int) -> Strip:
        """A new strip, or the old one with a character changed, which is what prices do."""
        segments = [segment for segment in strip if segment.text]
        place = self.random.randrange(len(segments))
        text, style, _ = segments[place]
        if self.random.random() < 0.3 or not is_narrow(text):
            return self.strip(start, end)
        segments[place] = Segment(text[:-1] + self.random.choice(NARROW), style)
        return Strip(segments)


@pytest.mark.parametrize("system", ["truecolor", "256", "standard"])
@pytest.mark.parametrize("awkward", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_random_updates_show_the_same_as_the_stock_painting(seed: int, awkward: float, system: str) -> None:
    model, shadow = Model(seed, awkward), Shadow()
    console = truecolor_console(system)
    stock, ours = Terminal(), Terminal()
    for number in range(60):
        if number % 25 == 24:
            shadow.forget()
        update: CompositorUpdate = model.layout() if number % 12 == 0 else model.partial()
        stock.write(update.render_segments(console))
        ours.write(shadow.render(update, console))
        assert ours.cells() == stock.cells()
    assert ours.count < 0.8 * stock.count


def test_what_is_already_shown_writes_nothing() -> None:
    model, shadow, console = Model(1, 0.0), Shadow(), truecolor_console()
    assert shadow.render(model.layout(), console) != ""
    assert shadow.render(model.layout(), console) == ""
    shadow.forget()
    assert shadow.render(model.layout(), console) != ""


def test_one_changed_digit_costs_a_move_and_a_digit() -> None:
    console, shadow = truecolor_console(), Shadow()

    def row(text: str) -> LayoutUpdate:
        return LayoutUpdate([[Strip([Segment(text, Style(color="#010203"))])]], Region(0, 0, len(text), 1))

    shadow.render(row("BTC 60,624.5 +0.42%"), console)
    assert shadow.render(row("BTC 60,625.5 +0.42%"), console) == "\x1b[1;10H\x1b[38;2;1;2;3m5\x1b[m"


def test_another_size_paints_everything() -> None:
    console, shadow = truecolor_console(), Shadow()
    strip = Strip([Segment("abc")])
    shadow.render(LayoutUpdate([[strip]], Region(0, 0, 3, 1)), console)
    grown = LayoutUpdate([[strip], [strip]], Region(0, 0, 3, 2))
    assert shadow.render(grown, console).count("abc") == 2


def test_an_unknown_update_is_rendered_by_itself_and_the_screen_is_unknown_after_it() -> None:
    console, shadow, model = truecolor_console(), Shadow(), Model(2, 0.0)
    first = shadow.render(model.layout(), console)
    inline = InlineUpdate([Strip([Segment("x")])])
    assert shadow.render(inline, console) == inline.render_segments(console)
    assert shadow.render(model.layout(), console) == first


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", ""),
        ("31", "", "\x1b[m"),
        ("1;31;44", "1;32;44", "\x1b[32m"),
        ("1;31", "31", "\x1b[0;31m"),
        ("31", "1;31", "\x1b[1m"),
        ("38;2;1;2;3;48;5;7", "38;2;1;2;3", "\x1b[49m"),
        ("97;100", "90;107", "\x1b[90;107m"),
        ("39;49", "", ""),
    ],
)
def test_a_look_changes_by_what_differs(old: str, new: str, expected: str) -> None:
    assert transition(parse_sgr(old), parse_sgr(new)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("a│▲−é", True), ("漢", False), ("e\u0301", False), ("\x1b", False)]
)
def test_narrow_text_is_a_cell_a_character(text: str, expected: bool) -> None:
    assert is_narrow(text) is expected


class Ticker(Widget):
    DEFAULT_CSS = "Ticker { height: 1fr; width: 1fr; border: round green; }"

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.lines = [self.text() for _ in range(30)]

    def text(self) -> str:
        return f"{self.random.randrange(10**6):>8} {self.random.choice(['▲', '▼', ' '])}"

    def change(self) -> None:
        y = self.random.randrange(len(self.lines))
        self.lines[y] = self.text()
        self.refresh(Region(1, y + 1, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        style = Style(color=["red", "#22aa44", "yellow"][y % 3], bgcolor="#101010")
        text = self.lines[y] if y < len(self.lines) else ""
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, style)


class Dialog(ModalScreen[None]):
    CSS = "Dialog { align: center middle; } Dialog Static { width: 20; height: 5; border: heavy white; }"

    def compose(self) -> ComposeResult:
        yield Static("sure?", markup=False)


class Board(App[None]):
    CSS = "Screen { layout: horizontal; } Input { width: 20; }"

    def compose(self) -> ComposeResult:
        yield Ticker(1)
        yield Input(id="entry")
        yield Ticker(2)


async def test_a_real_compositor_shows_the_same_through_the_delta() -> None:
    app = Board()
    console = truecolor_console()
    shadow = Shadow()
    stock, ours = Terminal(80, 20), Terminal(80, 20)
    stock_display = app._display
    painted = 0

    def display(screen: Screen[object], renderable: object) -> None:
        nonlocal painted
        if isinstance(renderable, CompositorUpdate) and not app._batch_count:
            painted += 1
            stock.write(renderable.render_segments(console))
            ours.write(shadow.render(renderable, console))
        stock_display(screen, None)

    vars(app)["_display"] = display
    choose = random.Random(3)
    async with app.run_test(size=(80, 20)) as pilot:
        for number in range(120):
            for ticker in app.query(Ticker):
                for _ in range(choose.randint(0, 3)):
                    ticker.change()
            if number % 10 == 3:
                await pilot.press(choose.choice("abc"), "left")
            if number % 30 == 10:
                app.push_screen(Dialog())
            if number % 30 == 16:
                app.pop_screen()
            await pilot.pause()
            assert ours.cells() == stock.cells()
    assert painted > 100
    assert ours.count < 0.5 * stock.count
