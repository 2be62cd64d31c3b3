"""A pane of one line, made of parts of which the least important give way where it is narrow."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from tui.widgets.cells import Part, Span, join, keep_most
from tui.widgets.pane import Pane


class Line(Pane):
    """One line: parts from the left, and parts pushed to the right edge."""

    DEFAULT_CSS = """
    Line { height: 1; }
    """

    gap = 3
    """Blank cells between two parts where there is room; on a narrow line fewer before anything is dropped."""

    @property
    def least_gap(self) -> int:
        """Blank cells between two parts before one of them is dropped."""
        return 1

    def parts(self) -> tuple[list[Part], list[Part]]:
        """Returns the parts on the left and those on the right, as many as there are to say."""
        raise NotImplementedError

    def lay_out(self) -> Sequence[Hashable]:
        width = self.size.width
        left, right = self.parts()
        gap = self.gap
        everything = [*left, *right]
        while gap > self.least_gap and sum(part.width for part in everything) + gap * len(everything) > width:
            gap -= 1
        kept = keep_most(everything, width - 1, gap)
        lefts = [part for part in left if any(part is k for k in kept)]
        rights = [part for part in right if any(part is k for k in kept)]
        return [_Said(tuple(join(lefts, gap)), tuple(join(rights, gap)), width)]

    def draw(self, key: Hashable) -> Iterable[Span]:
        if not isinstance(key, _Said):
            return ()
        left, right = Part(0, key.left), Part(0, key.right)
        blank = max(0, key.width - left.width - right.width - (1 if key.right else 0))
        return [*key.left, (" " * blank, self.palette.text), *key.right] if key.right else key.left


@dataclass(frozen=True, slots=True)
class _Said:
    left: tuple[Span, ...]
    right: tuple[Span, ...]
    width: int
