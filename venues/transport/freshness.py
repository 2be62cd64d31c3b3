"""Which of two sources is newer, where neither numbers what it tells: pushes of a stream, and reads of all.

A push that came after a read had begun may be newer than it: the read says nothing of that thing. A read that
knows more than the last push is ahead of the stream: what the stream then tells may be old, and is held until
another read has begun after it, or the stream has had the time to catch up. So nothing goes back to what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")

BEHIND = 2.0  # seconds that a stream may be behind a read


class _Held(NamedTuple):
    value: object
    at: float


class Newest(Generic[K, V]):
    """The newest values by key. `monotonic` is in seconds; `behind` is how late a stream may be."""

    def __init__(self, monotonic: Callable[[], float], behind: float = BEHIND) -> None:
        self.values: dict[K, V] = {}
        self._monotonic = monotonic
        self._behind = behind
        self._pushed: dict[K, float] = {}  # when a push of it was taken last
        self._ahead: dict[K, float] = {}  # when a read told what no push had
        self._held: dict[K, _Held] = {}
        self._wanted: float | None = None  # when a read was asked for last

    def now(self) -> float:
        """Returns the moment that a read has to note before it begins."""
        return self._monotonic()

    @property
    def wants_read(self) -> bool:
        """Whether a push is held, which only a read can settle at once, or a read was asked for."""
        return bool(self._held) or self._wanted is not None

    def want_read(self) -> None:
        """Asks for a read, since a push does not tell all; one that has begun already will not do."""
        self._wanted = self._monotonic()

    def push(self, key: K, value: V) -> bool:
        """Takes what the stream tells; returns whether it is new."""
        now = self._monotonic()
        if key in self.values and self.values[key] == value:
            self._pushed[key] = now
            self._ahead.pop(key, None)
            self._held.pop(key, None)
            return False
        if now - self._ahead.get(key, now - self._behind - 1) <= self._behind:
            self._held[key] = _Held(value, now)
            return False
        self._ahead.pop(key, None)
        self._held.pop(key, None)
        self._pushed[key] = now
        self.values[key] = value
        return True

    def read(self, found: Mapping[K, V], began: float) -> tuple[list[K], list[K]]:
        """Takes all there is, by a read that began at `began`; returns the keys that are new, and those gone."""
        now = self._monotonic()
        if self._wanted is not None and began > self._wanted:
            self._wanted = None
        changed: list[K] = []
        for key, value in found.items():
            if self._is_older(key, began):
                continue
            self._held.pop(key, None)
            if key not in self.values or self.values[key] != value:
                self.values[key] = value
                changed.append(key)
                if self._pushed:  # there is a stream, which has not told it
                    self._ahead[key] = now
        for key, held in list(self._held.items()):
            if key not in found and held.at < began:  # the stream was late: the thing is gone
                del self._held[key]
        gone = [key for key in self.values if key not in found and not self._is_older(key, began)]
        for key in gone:
            self.drop(key)
            if self._pushed:
                self._ahead[key] = now
        return changed, gone

    def drop(self, key: K) -> None:
        """Forgets a thing that is gone."""
        self.values.pop(key, None)
        self._held.pop(key, None)

    def forget_stream(self) -> None:
        """Is told that the stream is lost: what it told last bears on no read any more."""
        self._pushed.clear()
        self._ahead.clear()
        self._held.clear()

    def _is_older(self, key: K, began: float) -> bool:
        """Whether a read that began then may be older than what the stream has told of the thing since."""
        held = self._held.get(key)
        return self._pushed.get(key, began - 1) >= began or (held is not None and held.at >= began)
