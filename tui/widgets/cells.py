"""Where text becomes cells: the one gate between strings (some of them a venue's) and the screen.

Whatever goes through `plain` holds only printable characters of a known width, so no strip that is made here can
carry a control sequence, a markup tag that anybody reads, or a tower of accents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

Align = Literal["left", "right"]
Span = tuple[str, Style]
"""Text and its style; rows are drawn as spans, and become a strip once."""

LONGEST = 1000
"""No row is wider than this many characters: a longer text is cut before anything looks at it."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "…"
_TOKENS = re.compile(r" *[^ ]+| +")
BLOCKS = " ▏▎▍▌▋▊▉█"
"""A cell filled from the left, in eighths."""


def plain(text: str) -> str:
    """Returns `text` in one line without anything that a terminal would act on.

    Controls, bidirectional marks and lone surrogates become a replacement character, line ends and tabs a
    space; marks that have no width of their own (accents on accents, joiners) are dropped.
    """
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    # Composed first, so that an accent that belongs to its letter survives.
    return "".join(map(_inert, unicodedata.normalize("NFC", text)))


def _inert(character: str) -> str:
    if character in "\t\r\n":
        return " "
    if not character.isprintable():
        return REPLACEMENT
    return character if get_character_cell_size(character) else ""


def width_of(text: str) -> int:
    """Returns how many cells a plain text takes."""
    return len(text) if text.isascii() else cell_len(text)


def crop(text: str, width: int) -> str:
    """Returns a plain text in at most `width` cells; one that is cut ends in an ellipsis."""
    if width_of(text) <= width:
        return text
    if width <= 0:
        return ""
    kept: list[str] = []
    room = width - 1
    for character in text:
        room -= get_character_cell_size(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS


def fit(text: str, width: int, align: Align = "left") -> str:
    """Returns `text` made inert, in exactly `width` cells."""
    text = plain(text)
    missing = width - width_of(text)
    if missing < 0:
        text = crop(text, width)
        missing = width - width_of(text)
    return text + " " * missing if align == "left" else " " * missing + text


def bar(share: float, width: int) -> str:
    """Returns a bar over `share` (0 to 1) of `width` cells, to an eighth of a cell, without trailing blanks."""
    eighths = max(0, min(width * 8, round(share * width * 8)))
    full, rest = divmod(eighths, 8)
    return BLOCKS[8] * full + (BLOCKS[rest] if rest else "")


def strip_of(spans: Iterable[Span], width: int, base: Style, row: Style | None = None) -> Strip:
    """Makes a line of exactly `width` cells. `base` is under every span, and `row` (a cursor) over it."""
    ground = base if row is None else base + row
    segments: list[Segment] = []
    room = width
    for text, style in spans:
        text = plain(text)
        size = width_of(text)
        if size > room:
            text = crop(text, room)
            size = width_of(text)
        if text:
            segments.append(Segment(text, ground + style))
            room -= size
        if room <= 0:
            break
    if room > 0:
        segments.append(Segment(" " * room, ground))
    return Strip(segments, width)


def title(*parts: str) -> Content:
    """Returns a border title of plain text: brackets in it are letters, not markup."""
    return Content(plain("".join(parts)))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a one-line pane. Where the line is too narrow, the largest `rank` goes first."""

    rank: int
    spans: tuple[Span, ...]

    @property
    def width(self) -> int:
        return sum(width_of(plain(text)) for text, _ in self.spans)


def keep_most(parts: Sequence[Part], width: int, gap: int) -> list[Part]:
    """Returns the parts that fit into `width` with `gap` cells between them, in their order."""
    kept = list(parts)
    while len(kept) > 1 and sum(part.width for part in kept) + gap * (len(kept) - 1) > width:
        # Of equals the last goes first.
        kept.remove(max(reversed(kept), key=lambda part: part.rank))
    return kept


def join(parts: Sequence[Part], gap: int) -> list[Span]:
    """Returns the spans of `parts` with `gap` blank cells between them."""
    spans: list[Span] = []
    for part in parts:
        if spans:
            spans.append((" " * gap, Style.null()))
        spans.extend(part.spans)
    return spans


def wrapped(spans: Sequence[Span], width: int) -> list[list[Span]]:
    """Breaks spans between words into lines of at most `width` cells; a word that is longer is cut."""
    lines: list[list[Span]] = [[]]
    room = width
    for text, style in spans:
        for token in _TOKENS.findall(plain(text)):
            rest = token
            if width_of(rest) > room and lines[-1]:
                lines.append([])
                room = width
            if len(lines) > 1 and not lines[-1]:
                rest = rest.lstrip(" ")
            while width_of(rest) > width:
                part = _first_cells(rest, width)
                _append(lines[-1], part, style)
                lines.append([])
                rest = rest[len(part) :]
            if rest:
                _append(lines[-1], rest, style)
                room = width - sum(width_of(piece) for piece, _ in lines[-1])
    return [line for line in lines if line] or [[]]


def _append(line: list[Span], text: str, style: Style) -> None:
    if line and line[-1][1] == style:
        line[-1] = (line[-1][0] + text, style)
    else:
        line.append((text, style))


def _first_cells(text: str, width: int) -> str:
    """Returns as much of the beginning of a text as fits, one character at least."""
    size = 0
    for index, character in enumerate(text):
        size += width_of(character)
        if size > width and index:
            return text[:index]
    return text
