"""The table of figures: rows of measurements, gates with their marks, and a line that sums them up."""

from __future__ import annotations

from collections.abc import Sequence

_LABEL = 46
_COLUMN = 10


class Table:
    """Prints as it goes, and remembers which gates were held."""

    def __init__(self) -> None:
        self.missed: list[str] = []
        self._held = 0

    def title(self, text: str) -> None:
        """Prints the head of the whole table."""
        print(text, flush=True)

    def part(self, title: str, *columns: str) -> None:
        """Begins a part of the table."""
        print(f"\n{title:<{_LABEL}}" + "".join(f"{column:>{_COLUMN}}" for column in columns), flush=True)

    def row(self, label: str, values: Sequence[float | None], digits: int = 1) -> None:
        """Prints one row; None is a blank cell."""
        cells = "".join(" " * _COLUMN if value is None else f"{value:>{_COLUMN},.{digits}f}" for value in values)
        print(f"  {label:<{_LABEL - 2}}{cells}", flush=True)

    def at_most(self, label: str, value: float, limit: float) -> None:
        """A gate that holds while the value is no more than the limit."""
        self._gate(label, value, f"<= {limit:g}", value <= limit)

    def at_least(self, label: str, value: float, limit: float) -> None:
        """A gate that holds while the value is no less than the limit."""
        self._gate(label, value, f">= {limit:g}", value >= limit)

    def sum_up(self) -> bool:
        """Prints the last line; returns whether every gate was held."""
        count = self._held + len(self.missed)
        missed = f"; missed: {', '.join(self.missed)}" if self.missed else ""
        print(f"\n{self._held} of {count} gates held{missed}", flush=True)
        return not self.missed

    def _gate(self, label: str, value: float, limit: str, is_held: bool) -> None:
        if is_held:
            self._held += 1
        else:
            self.missed.append(label)
        mark = "✓" if is_held else "✗"
        print(f"  {mark} {label:<{_LABEL - 4}}{value:>{_COLUMN}.2f}   gate {limit}", flush=True)
