"""Which venues the day's P&L counts: what comes into sight when an account is first read is no profit."""

from __future__ import annotations

from collections.abc import Iterable


class DayBasis:
    """Of each venue: whether its account has been read, and whether the beginning of the day holds what it has."""

    def __init__(self) -> None:
        self.unread: set[str] = set()  # what is known of their accounts is not counted yet
        self._held: set[str] = set()

    @property
    def is_known(self) -> bool:
        """Whether all that the day's beginning holds has been read."""
        return not self.unread & self._held

    def expect(self, venue: str) -> None:
        """Hears that a venue's account is about to be read for the first time."""
        self.unread.add(venue)

    def inherit(self, venues: Iterable[str]) -> None:
        """Hears that the beginning was kept by a run before, with what these venues had."""
        self._held.update(venues)

    def begin(self) -> None:
        """Hears that a day begins with what has been read."""
        self._held.clear()

    def note_read(self, venue: str) -> bool:
        """Counts a venue from now on; says whether the day's beginning has to grow by what it has."""
        is_first = venue in self.unread
        self.unread.discard(venue)
        return is_first and venue not in self._held
