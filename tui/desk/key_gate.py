"""Tells a deliberate key from a held one, by time alone.

Terminals report a repeated key exactly like a pressed one, so Enter held for 2 s at 30 Hz is sixty presses. The
gate is deaf for a moment after a question was put, and every key that comes while it is deaf pushes the end on:
a held key, or a burst that a slow link delivers at once, never gets through. Times are nanoseconds.
"""

from __future__ import annotations

# Long enough that a key meant for what was there before can not answer what is there now.
DEAF = 400_000_000
# Longer than the delay before a terminal starts to repeat (660 ms on X11), so that a held key stays out.
QUIET = 750_000_000


class KeyGate:
    """Opens `deaf` after a question was put, and not before `quiet` has passed since the last stray key."""

    def __init__(self, *, deaf: int = DEAF, quiet: int = QUIET) -> None:
        self._deaf = deaf
        self._quiet = quiet
        self._opens_at = 0

    def put(self, now: int) -> None:
        """A question was put at `now`: be deaf to its answer for a moment."""
        self._opens_at = max(self._opens_at, now + self._deaf)

    def push_on(self, now: int, by: int | None = None) -> None:
        """A stray key came at `now`: be deaf for `by`, or for the quiet window, from here on."""
        self._opens_at = max(self._opens_at, now + (self._quiet if by is None else by))

    def is_open(self, now: int) -> bool:
        return now >= self._opens_at

    def let_through(self, now: int) -> bool:
        """Says whether a key at `now` is deliberate; one that is not pushes the end on."""
        if self.is_open(now):
            return True
        self.push_on(now)
        return False
