"""The log: what has happened, newest on top."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import ClassVar

from tui.desk.frame import Frame, LogLine, Severity
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span

_GLYPHS = {Severity.INFO: "·", Severity.GOOD: "✓", Severity.WARNING: "!", Severity.ALARM: "‼"}


class LogPane(Blotter[LogLine]):
    """One row per line of the log, with a glyph for how serious it is; the selected one is shown as a whole."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("time", "time UTC", 12, 1),
        Column("severity", "", 1),
        Column("text", "what happened", 20, stretches=True),
    )
    stays_on_top: ClassVar[bool] = True
    unfolds_selected: ClassVar[bool] = True
    empty: ClassVar[str] = "nothing has happened yet"

    def take(self, frame: Frame) -> None:
        if frame.log is not None:
            self.set_rows(tuple(reversed(frame.log)))
        super().take(frame)

    def key_of(self, row: LogLine) -> Hashable:
        return row

    def cells_of(self, row: LogLine) -> Mapping[str, Span]:
        palette, line = self.palette, row
        style = palette.severity(line.severity)
        return {
            "time": (self.time_of_day(line.ts), palette.muted),
            "severity": (_GLYPHS[line.severity], style),
            "text": (line.text, style),
        }
