"""Lists that are read page by page: by a cursor, which is the id of a row, or by the number of the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias, TypeVar

from venues.pumpkin.models import Page
from venues.pumpkin.parameters import number_of

Row = TypeVar("Row")

FetchAfter: TypeAlias = Callable[[str | None], Awaitable[Page[Row]]]
"""Gets the id to go on from, None for wherever the list begins."""
FetchPage: TypeAlias = Callable[[int], Awaitable[Page[Row]]]
"""Gets the number of the page, the first of which is 1."""

_MOST = 2**63 - 1


async def by_cursor(
    fetch: FetchAfter[Row],
    identity: Callable[[Row], str],
    *,
    from_id: str | None = None,
    max_items: int | None = None,
    max_pages: int | None = None,
) -> AsyncIterator[Row]:
    """Yields each row once, the newest first, until a page is told to be the last or brings nothing new."""
    last = from_id

    async def following(_: int) -> Page[Row]:
        nonlocal last
        page = await fetch(last)
        last = identity(page.items[-1]) if page.items else last
        return page

    async for row in by_number(following, identity, max_items=max_items, max_pages=max_pages):
        yield row


async def by_number(
    fetch: FetchPage[Row],
    identity: Callable[[Row], str],
    *,
    max_items: int | None = None,
    max_pages: int | None = None,
) -> AsyncIterator[Row]:
    """Yields each row once, until all that the list tells it has were there, or a page brings nothing new.

    A page that is shorter than was asked for is no end: the document does not say how long one may be. A row that
    leaves the list meanwhile moves those behind it up by one, over the edge of a page: one of them is missed.
    """
    items = number_of(_MOST if max_items is None else max_items, "max_items", 0, _MOST)
    pages = number_of(_MOST if max_pages is None else max_pages, "max_pages", 0, _MOST)
    seen: set[str] = set()
    number = 0
    while number < pages and items:
        number += 1
        page = await fetch(number)
        fresh = [row for row in page.items if identity(row) not in seen]
        if not fresh:
            return
        for row in fresh:
            if not items:
                return
            items -= 1
            seen.add(identity(row))
            yield row
        if page.has_next is False or (
            page.has_next is None and page.total is not None and len(seen) >= page.total
        ):
            return
