"""Words about API keys: paragraphs that wrap, and the keys that do something now."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tui.widgets.cells import Span, plain, width_of, wrapped
from tui.widgets.palette import Palette
from tui.widgets.pane import Pane

LABEL = 10  # cells
_NARROWEST = 8  # cells of text, however small the terminal is
_EDGE = 2  # cells at the right that are left to the arrow which says that there is more

Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some words; with a label they stand beside it. `is_rule` draws a line from them to the right edge."""

    spans: Line
    label: str = ""
    is_rule: bool = False


def said(text: str, style: Any) -> Paragraph:
    """Returns a paragraph of one style."""
    return Paragraph(((text, style),))


class KeyWords(Pane):
    """Paragraphs, wrapped to the width. What does not fit into the height is reached by `page`."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._paragraphs: tuple[Paragraph, ...] = ()
        self._top = 0

    def say(self, paragraphs: Iterable[Paragraph], *, keeps_place: bool = False) -> None:
        """Says this instead of what stands there, from its beginning unless it only goes on."""
        self._paragraphs = tuple(paragraphs)
        if not keeps_place:
            self._top = 0
        self.redraw()

    def height_at(self, width: int) -> int:
        """Returns how many lines it needs at this width."""
        return len(self._lines(width))

    def page(self, pages: int) -> None:
        """Goes on by screenfuls, or back."""
        self._top += pages * max(1, self.size.height - 1)
        self.redraw()

    def lay_out(self) -> Sequence[Hashable]:
        width, height = self.size
        lines = self._lines(width)
        self._top = max(0, min(self._top, len(lines) - height))
        shown = lines[self._top : self._top + height]
        if shown and self._top:
            shown[0] = self._marked(shown[0], "▲")
        if shown and self._top + height < len(lines):
            shown[-1] = self._marked(shown[-1], "▼")
        return shown

    def draw(self, key: Hashable) -> Iterable[Span]:
        return key if isinstance(key, tuple) else ()

    def _marked(self, line: Line, arrow: str) -> Line:
        used = sum(width_of(text) for text, _ in line)
        blank = " " * max(0, self.size.width - 1 - used)
        return (*line, (blank, self.palette.text), (arrow, self.palette.strong))

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for paragraph in self._paragraphs:
            indent = LABEL if paragraph.label else 0
            room = max(_NARROWEST, width - indent - _EDGE)
            for index, part in enumerate(wrapped(paragraph.spans, room)):
                label = f"{paragraph.label if not index else '':<{indent}}"
                spans: list[Span] = [(label, self.palette.muted)] if label else []
                spans += part
                if paragraph.is_rule:
                    used = sum(width_of(text) for text, _ in spans)
                    spans.append((" " + "─" * max(0, width - _EDGE - used - 1), self.palette.faint))
                lines.append(tuple(spans))
        return lines


def hints(keys: Sequence[tuple[str, str]], width: int, palette: Palette) -> list[Paragraph]:
    """Returns keys and what they do in lines of `width` cells; a key is never parted from its word."""
    gap = 3 if width >= 90 else 2
    lines: list[list[Span]] = [[]]
    used = 0
    for key, word in keys:
        size = width_of(key) + 1 + width_of(plain(word))
        if used and used + gap + size > width - _EDGE:
            lines.append([])
            used = 0
        if used:
            lines[-1].append((" " * gap, palette.text))
            used += gap
        lines[-1] += [(key, palette.strong), (f" {word}", palette.muted)]
        used += size
    return [Paragraph(tuple(line)) for line in lines if line]
