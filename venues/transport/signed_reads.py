"""The reads of one account: what they need, and what a person can do where they are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from venues.errors import VenueError
from venues.transport.clock import ServerClock
from venues.transport.remedies import Remedies

T = TypeVar("T")


class SignedReads:
    """What look-ups stand on. `as_of` and `now` are the venue's clock, nanoseconds UTC; 0 while it is unknown."""

    def __init__(self, remedies: Remedies, clock: ServerClock, *, has_credentials: bool) -> None:
        self._remedies = remedies
        self._has_credentials = has_credentials
        self.as_of = clock.as_of
        self.now = clock.now_if_known

    def require_key(self) -> None:
        """Raises MissingCredentials where there is nothing to sign with."""
        if not self._has_credentials:
            raise self._remedies.missing_key()

    async def read(self, answer: Awaitable[T]) -> T:
        """Returns the answer to a signed read. Raises VenueError, with the remedy where there is one."""
        try:
            return await answer
        except VenueError as error:
            raise self._remedies.add(error) from None


async def gathered(rows: AsyncIterator[T]) -> list[T]:
    """Returns all rows of a list that is read page by page. Raises what that raises."""
    return [row async for row in rows]
