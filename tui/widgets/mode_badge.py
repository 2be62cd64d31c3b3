"""The mode in one word, on its colour: nobody should ever wonder whether an order is real."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from tui.desk.frame import DeskView, Frame
from tui.widgets.cells import Part, Span
from tui.widgets.palette import Palette
from tui.widgets.pane import Pane
from venues.port import Mode


def badge(mode: Mode, palette: Palette) -> Span:
    """Returns the badge of `mode` as it stands in every line that names it."""
    return (f" {mode.value} ", palette.badges[mode])


def mode_of(desk: DeskView) -> Mode:
    """Returns the mode that a desk is worked in: one that only watches is READ-ONLY, whatever its venues are."""
    return Mode.READ_ONLY if desk.read_only_reason else desk.mode


def mode_class(mode: Mode) -> str:
    """Returns the CSS class that colours what belongs to a mode: "-live", "-paper", "-read-only"."""
    return f"-{mode.value.lower()}"


class ModeBadge(Pane):
    """The badge alone, for screens that have no header."""

    DEFAULT_CSS = """
    ModeBadge { width: 11; height: 1; }
    """

    def __init__(self, mode: Mode | None = None, **widget: Any) -> None:
        super().__init__(**widget)
        self._mode = mode

    def take(self, frame: Frame) -> None:
        if frame.desk is not None:
            self._mode = mode_of(frame.desk)
        super().take(frame)

    def lay_out(self) -> Sequence[Hashable]:
        return [self._mode]

    def draw(self, key: Hashable) -> Iterable[Span]:
        return Part(0, (badge(key, self.palette),)).spans if isinstance(key, Mode) else ()
