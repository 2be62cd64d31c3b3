"""Lists that are read page by page, by the id of their rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from venues.max.limits import MOST_A_PAGE
from venues.max.parameters import limit_of, number_of

_MOST = 2**63 - 1


class HasId(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=HasId)

FetchPage = Callable[[int | None, int], Awaitable[Sequence[Row]]]
"""Gets the id to begin with, None for wherever the list begins, and how many rows to ask for."""


async def pages(
    fetch: FetchPage[Row],
    *,
    from_id: int | None,
    page_limit: int,
    max_items: int | None,
    max_pages: int | None,
) -> AsyncIterator[Row]:
    """Yields each row once, until a page brings nothing new.

    A page begins with the last row of the one before: the document leaves open whether the row named is left out,
    and a list that the venue cuts shorter than was asked for is no end.
    """
    limit = limit_of(page_limit)
    items = number_of(_MOST if max_items is None else max_items, "max_items", 0, _MOST)
    left = number_of(_MOST if max_pages is None else max_pages, "max_pages", 0, _MOST)
    seen: set[int] = set()
    cursor = from_id
    while left and items:
        left -= 1
        page = await fetch(cursor, limit if not seen else min(limit + 1, MOST_A_PAGE))
        fresh = [row for row in page if row.id not in seen]
        if not fresh:
            return
        seen = {row.id for row in page}
        cursor = fresh[-1].id
        for row in fresh:
            if not items:
                return
            items -= 1
            yield row
