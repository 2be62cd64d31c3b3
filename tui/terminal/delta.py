"""Only changed characters are written: a shadow of the terminal's screen, compared with what is painted next.

Textual 8.2 writes a repainted row whole, from the widget's left edge, each segment with its colours and a reset.
On the busy desk that is 91 KB/s where the changed characters are 41. This rests on private classes of the
pinned version; `attach` leaves it out with any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

# No cell holds it, so that whatever is painted over it differs.
_UNKNOWN = ""
# A gap of unchanged cells this short is cheaper written again than jumped (ESC [ n C is 4 bytes).
_SHORT_GAP = 4


class Sgr(tuple[str, str, str]):
    """A cell's look as (attributes, foreground, background) parameters of SGR; "" is the terminal's default."""

    __slots__ = ()


_PLAIN = Sgr(("", "", ""))


@lru_cache(maxsize=8192)
def parse_sgr(parameters: str) -> Sgr:
    """Splits the parameters that Textual would write for a style into the three that can change alone."""
    attributes: list[str] = []
    colours = {"3": "", "4": ""}
    codes = iter(parameters.split(";")) if parameters else iter(())
    for code in codes:
        if code in ("38", "48"):
            kind = next(codes)
            count = 3 if kind == "2" else 1
            colours[code[0]] = ";".join((code, kind, *(next(codes) for _ in range(count))))
        elif len(code) == 2 and code[0] in "34":
            colours[code[0]] = "" if code[1] == "9" else code
        elif len(code) == 2 and code[0] == "9":
            colours["3"] = code
        elif len(code) == 3 and code.startswith("10"):
            colours["4"] = code
        else:
            attributes.append(code)
    return Sgr((";".join(attributes), colours["3"], colours["4"]))


@lru_cache(maxsize=8192)
def look_of(style: Style, system: ColorSystem) -> Sgr:
    """Returns how a cell of this style looks."""
    return parse_sgr(Strip.render_ansi(style, system))


@lru_cache(maxsize=65536)
def transition(old: Sgr, new: Sgr) -> str:
    """Returns the shortest sequence that turns one look into the other."""
    if old == new:
        return ""
    if new == _PLAIN:
        return "\x1b[m"
    parts: list[str] = []
    if old[0] != new[0]:
        # An attribute is taken back by a reset only: its own off-codes are not the same everywhere.
        if old[0]:
            parts.append("0")
            old = _PLAIN
        if new[0]:
            parts.append(new[0])
    if old[1] != new[1]:
        parts.append(new[1] or "39")
    if old[2] != new[2]:
        parts.append(new[2] or "49")
    return f"\x1b[{';'.join(parts)}m"


@lru_cache(maxsize=8192)
def is_narrow(text: str) -> bool:
    """Tells whether each character of `text` takes exactly one cell on every terminal."""
    if not text.isprintable():
        return False
    return text.isascii() or (
        cell_len(text) == len(text) and all(get_character_cell_size(character) == 1 for character in text)
    )


class Shadow:
    """What the terminal shows, cell by cell, as far as it is known."""

    def __init__(self) -> None:
        self._width = 0
        self._characters: list[list[str]] = []
        self._looks: list[list[Sgr]] = []
        self._is_stale = True
        # The pen, valid within one update.
        self._out: list[str] = []
        self._at: tuple[int, int] | None = None
        self._look = _PLAIN

    def forget(self) -> None:
        """Says that the terminal may show anything. Safe in a signal handler and from any thread."""
        self._is_stale = True

    def render(self, update: CompositorUpdate, console: Console) -> str:
        """Returns what must be written so that the terminal shows `update`; "" when it already does."""
        if isinstance(update, LayoutUpdate):
            width, height = update.region.right, update.region.bottom
            pieces = layout_pieces(update)
        elif isinstance(update, ChopsUpdate):
            width, height = update.chop_ends[0][-1] if update.chop_ends else 0, len(update.chops)
            pieces = chops_pieces(update)
        else:
            self.forget()
            return update.render_segments(console)
        if self._is_stale or width != self._width or height != len(self._characters):
            self._is_stale = False
            self._width = width
            self._characters = [[_UNKNOWN] * width for _ in range(height)]
            self._looks = [[_PLAIN] * width for _ in range(height)]
        self._out, self._at, self._look = [], None, _PLAIN
        system = COLOR_SYSTEMS.get(console.color_system or "truecolor", ColorSystem.TRUECOLOR)
        for y, x, strip in pieces:
            self._paint(y, x, strip, console, system)
        self._change_look(_PLAIN)
        return "".join(self._out)

    def _paint(self, y: int, x: int, strip: Strip, console: Console, system: ColorSystem) -> None:
        if x + strip.cell_length > self._width or not is_simple(strip):
            self._paint_stock(y, x, strip, console)
            return
        characters, looks = self._characters[y], self._looks[y]
        for text, style, _ in strip:
            look = look_of(style, system) if style else _PLAIN
            end = x + len(text)
            if "".join(characters[x:end]) == text and looks[x:end].count(look) == len(text):
                x = end
                continue
            for column, character in enumerate(text, x):
                if characters[column] != character or looks[column] != look:
                    self._move(y, column)
                    self._change_look(look)
                    self._out.append(character)
                    self._at = (y, column + 1) if column + 1 < self._width else None
                    characters[column] = character
                    looks[column] = look
            x = end

    def _paint_stock(self, y: int, x: int, strip: Strip, console: Console) -> None:
        """Writes a piece whole: it holds a link, a control, or characters whose width is the terminal's guess."""
        self._change_look(_PLAIN)
        self._at = None
        self._move(y, x)
        self._out.append(strip.render(console))
        self._at = None
        # A wide character cut at an edge blanks its other half, so that both neighbours are unknown as well.
        start, end = max(0, x - 1), min(self._width, x + strip.cell_length + 1)
        self._characters[y][start:end] = [_UNKNOWN] * (end - start)

    def _move(self, y: int, x: int) -> None:
        if self._at == (y, x):
            return
        if self._at is not None and self._at[0] == y and self._at[1] < x:
            start = self._at[1]
            between = self._characters[y][start:x]
            if (
                x - start <= _SHORT_GAP
                and _UNKNOWN not in between
                and self._looks[y][start:x].count(self._look) == x - start
            ):
                self._out.extend(between)
            else:
                self._out.append(f"\x1b[{x - start}C" if x - start > 1 else "\x1b[C")
        else:
            self._out.append(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")
        self._at = (y, x)

    def _change_look(self, look: Sgr) -> None:
        self._out.append(transition(self._look, look))
        self._look = look


def is_simple(strip: Strip) -> bool:
    """Tells whether a strip is nothing but text, a character a cell."""
    for text, style, control in strip:
        if control or not is_narrow(text) or (style is not None and style.link is not None):
            return False
    return True


def layout_pieces(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yields (y, x, strip) of a whole region."""
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield y, x, strip
            x += strip.cell_length


def chops_pieces(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yields (y, x, strip) of the spans of a partial update, cut where Textual's own rendering cuts."""
    for y, x1, x2 in update.spans:
        if not 0 <= y < len(update.chops):
            continue
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > x2 or end <= x1:
                continue
            yield y, x, strip if x >= x1 and end <= x2 else strip.crop(0, min(end, x2) - x)
