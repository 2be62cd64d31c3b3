"""What simulators push of the markets alike: who has asked for which topic, and candles that form and close."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from venues.model import Bar

T = TypeVar("T", bound=Hashable)
C = TypeVar("C")
V = TypeVar("V")


def readers_of(subscribed: Iterable[tuple[C, Iterable[T]]]) -> dict[T, list[C]]:
    """Returns who gets what, of clients with their topics."""
    found: dict[T, list[C]] = {}
    for client, topics in subscribed:
        for topic in topics:
            found.setdefault(topic, []).append(client)
    return found


def still_read(found: Mapping[T, V], readers: Collection[T]) -> dict[T, V]:
    """Returns what somebody reads: who subscribes later must not be told of long ago."""
    return {topic: value for topic, value in found.items() if topic in readers}


class Candles(Generic[T]):
    """The newest candle of each topic as it was told last; `bars` returns the newest ones, oldest first."""

    def __init__(self, bars: Callable[[T, int], Sequence[Bar]]) -> None:
        self._bars = bars
        self._told: dict[T, Bar] = {}

    def keep(self, readers: Collection[T]) -> None:
        """Forgets what nobody reads."""
        self._told = still_read(self._told, readers)

    def first(self, topic: T) -> Bar:
        """Returns what a new subscriber is told; what the others have not been told yet stays news for them."""
        if topic not in self._told:
            self._told[topic] = self._bars(topic, 1)[-1]
        return self._told[topic]

    def news(self, topic: T) -> list[tuple[Bar, bool]]:
        """Returns the forming candle where it has changed, and how the one before has closed first (True)."""
        newest, told = self._bars(topic, 1)[-1], self._told.get(topic)
        if newest == told:
            return []
        self._told[topic] = newest
        if told is None or told.ts_open == newest.ts_open:
            return [(newest, False)]
        closed = next((bar for bar in self._bars(topic, 3) if bar.ts_open == told.ts_open), told)
        return [(closed, True), (newest, False)]
