"""Histories, newest first, read back as far as they have to be.

The document has neither a page nor a moment to begin at, and does not say how much one answer holds. The platform
pages by `pageIndex`, whether from 0 or from 1 nobody says; a venue that does not heed it tells the same again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from functools import partial
from itertools import pairwise
from typing import TypeVar

from venues.errors import RateLimited
from venues.mayex import VENUE
from venues.mayex.client import Client
from venues.mayex.figures import milliseconds_of, ns_of_milliseconds
from venues.mayex.memory import BEFORE
from venues.mayex.models.figures import Rows
from venues.mayex.models.trading import PastOrder
from venues.transport.joined_reads import JoinedRead

R = TypeVar("R")

_LEAST_PAGE = 10  # rows; no page is known to be smaller, so that a list of fewer is all there is
_MOST_PAGES = 20  # of one read: half of what the quota gives a minute
_MOST_OF_ORDERS = 8  # a look-up is asked for again and again: commands have to get through besides
_KEPT, _LATER = 0.25, 5.0  # the share of the quota that look-ups leave to commands; seconds until they ask again
_MOST_URGENT = 3  # of the fifth that is kept for cancels


class Reach(Enum):
    """How far a history was read back."""

    END = auto()  # to its first row
    ENOUGH = auto()
    CUT = auto()  # to where the venue tells no more


async def read_back(
    page: Callable[[int | None], Awaitable[Rows[R]]],
    number_of: Callable[[R], int],
    is_enough: Callable[[Sequence[R]], bool],
    most: int = _MOST_PAGES,
) -> Reach:
    """Reads page after page, the newest first, until one `is_enough`, `most` of them; it gets each.

    Rows that come meanwhile push others back, which skips none. Raises VenueError.
    """
    seen: set[int] = set()
    for index in range(most):
        found = await page(index or None)
        numbers = {number_of(row) for row in found.rows}
        is_done = is_enough(found.rows)
        if len(found.rows) < _LEAST_PAGE:
            return Reach.END
        if is_done:
            return Reach.ENOUGH
        if index > 1 and numbers <= seen:
            return Reach.CUT
        seen |= numbers
    return Reach.CUT


class Histories:
    """Reads the orders of a contract that are over.

    `take` gets the rows of each page, and the venue's clock before it was asked for.
    `read` adds what is to be done about a refusal; `as_of` is the venue's clock, nanoseconds UTC. `forgotten` says
    how many orders are remembered no longer.
    """

    def __init__(
        self,
        client: Client,
        take: Callable[[Sequence[PastOrder], int], object],
        read: Callable[[Awaitable[Rows[PastOrder]]], Awaitable[Rows[PastOrder]]],
        as_of: Callable[[], int],
        forgotten: Callable[[], int],
        free: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """`free` is the share of the quota that is left."""
        self._free = free
        self._client = client
        self._take = take
        self._read = read
        self._as_of = as_of
        self._forgotten = forgotten
        self._newest: dict[tuple[str, bool], JoinedRead[Rows[PastOrder]]] = {}
        self._walked: dict[str, tuple[int, int]] = {}  # the clock before it was read to its end, and `forgotten`

    async def look(self, symbol: str, since: int, is_done: Callable[[], bool], *, is_urgent: bool = False) -> bool:
        """Reads back until `is_done`, or until `since`; returns whether it came so far.

        What changed after `since`, nanoseconds UTC, and is not found in what came so far, is not in the history.
        With 0 it is read to its end, or to where it was read to the end before. Raises VenueError.
        """
        at = self._as_of()
        since = max(since, self._taken_until(symbol)) - BEFORE
        reach = await read_back(
            partial(self._page, symbol, is_urgent),
            lambda row: row.order_id,
            lambda rows: is_done() or _reaches(rows, since),
            _MOST_URGENT if is_urgent else _MOST_OF_ORDERS,
        )
        if reach is Reach.END:
            self._walked[symbol] = at, self._forgotten()
        return reach is not Reach.CUT

    async def aclose(self) -> None:
        """Ends the reads under way. May be called twice."""
        for read in self._newest.values():
            await read.aclose()

    def _taken_until(self, symbol: str) -> int:
        """Returns the moment up to which all of a history is remembered; 0 where none is known."""
        at, forgotten = self._walked.get(symbol, (0, 0))
        return at if forgotten == self._forgotten() else 0

    async def _page(self, symbol: str, is_urgent: bool, index: int | None) -> Rows[PastOrder]:
        """The newest page is one for all who ask at once; who is urgent waits for nobody who is not."""
        if index is not None:
            return await self._fetch(symbol, is_urgent, index)
        key = (symbol, is_urgent)
        if key not in self._newest:
            self._newest[key] = JoinedRead(partial(self._fetch, symbol, is_urgent, None))
        return await self._newest[key].fresh()

    async def _fetch(self, symbol: str, is_urgent: bool, index: int | None) -> Rows[PastOrder]:
        """Raises RateLimited where little is left: what is looked for again and again must not stop an order."""
        if not is_urgent and self._free() < _KEPT:
            raise RateLimited(VENUE, "what is left of the quota is kept for orders", retry_after=_LATER)
        at = self._as_of()
        page = await self._read(self._client.order_history(symbol, page_index=index, is_urgent=is_urgent))
        self._take(page.rows, at)
        return page


def _reaches(rows: Sequence[PastOrder], since: int) -> bool:
    """Says whether rows that are in order, by their last change, end before `since`."""
    moments = [ns_of_milliseconds(milliseconds_of(row.transact_time or 0)) for row in rows]
    is_in_order = all(newer >= older for newer, older in pairwise(moments))
    return bool(moments) and 0 < moments[-1] < since and is_in_order
