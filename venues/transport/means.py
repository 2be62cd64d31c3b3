"""What the commands of one account work with, and what they say of an order that is being cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from venues.errors import NotSent, OutcomeUnknown, VenueError
from venues.model import Order, OrderStatus
from venues.transport.asides import Asides
from venues.transport.sending import Sender


class Ending(Protocol):
    """What an adapter knows of an order that should end soon."""

    @property
    def is_over(self) -> bool: ...


class LooksAfter(Protocol):
    """What looks up an order in a task of its own, until it is over."""

    def about(self, known: Any) -> None: ...


C = TypeVar("C")
M = TypeVar("M")
L = TypeVar("L")
D = TypeVar("D", bound=LooksAfter)


@dataclass(frozen=True)
class Means(Generic[C, M, L, D]):
    """What new orders, cancels and sweeps share, each of an adapter's own type.

    `client` makes the calls, `memory` knows the orders, `lookups` reads them, `doubts` looks after those of which
    nobody may tell what became. `time_scale` multiplies the pauses.
    """

    client: C
    sender: Sender
    asides: Asides
    memory: M
    lookups: L
    doubts: D
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    time_scale: float = 1.0

    async def pause(self, seconds: float) -> None:
        """Waits so many seconds, scaled."""
        await self.sleep(seconds * self.time_scale)

    async def see_to_end(
        self,
        meant: Sequence[Ending],
        look: Callable[[bool], Coroutine[Any, Any, object]],
        pauses: Sequence[float],
        seconds: float,
    ) -> None:
        """Looks at orders, with a pause before each look, until all are over; then `doubts` see to the others.

        `look` may take so many `seconds`, and raise VenueError; it is told that it is urgent the first time.
        """
        for looks, pause in enumerate(pauses):
            if all(known.is_over for known in meant):
                return
            await self.pause(pause)
            await self.asides.find(look(looks == 0), seconds)
        for known in meant:
            if not known.is_over:
                self.doubts.about(known)


class Cancelled(Protocol):
    """What an adapter knows of an order that may be cancelled."""

    last: Order | None
    is_cancelling: bool


def as_it_is(venue: str, known: Cancelled) -> Order:
    """Returns an order as it stands after a cancel of it, or of many, was sent.

    Raises:
        NotSent: nothing is known of it.
    """
    if known.last is None:
        raise NotSent(venue, "an order of which nothing is known")
    if known.is_cancelling and known.last.is_open:
        return msgspec.structs.replace(known.last, status=OrderStatus.PENDING_CANCEL)
    return known.last


class Tally:
    """What became of the several commands of one sweep."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._worst: VenueError | None = None
        self.done = 0

    def note(self, error: VenueError) -> None:
        """Notes a command that failed: the first counts, but for one of which nobody knows."""
        if self._worst is None or isinstance(error, OutcomeUnknown):
            self._worst = error

    def raise_worst(self) -> None:
        """Raises what the sweep ends in, where a command failed: unknown also where others were carried out."""
        worst = self._worst
        if worst is None:
            return
        if self.done and not isinstance(worst, OutcomeUnknown):
            raise OutcomeUnknown(self._venue, f"some were cancelled, others not: {worst.message}", worst.code)
        raise worst
