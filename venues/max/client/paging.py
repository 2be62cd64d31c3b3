"""Lists that are read page by page, by the id of their rows, or by their moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from venues.max.limits import MOST_A_PAGE
from venues.max.parameters import limit_of, number_of

_MOST = 2**63 - 1
_LEAST_FULL = 50  # rows, which the venue gives where no limit is named: a shorter page is the last one


class HasId(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=HasId)


class HasMoment(Protocol):
    @property
    def sn(self) -> str: ...

    @property
    def created_at(self) -> int: ...


Dated = TypeVar("Dated", bound=HasMoment)


class HasBirth(HasId, Protocol):
    @property
    def created_at(self) -> int: ...


Born = TypeVar("Born", bound=HasBirth)

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


async def by_moment(
    fetch: Callable[[int, int], Awaitable[Sequence[Dated]]], *, since: int, page_limit: int = MOST_A_PAGE
) -> AsyncIterator[Dated]:
    """Yields each row from `since` on (milliseconds) once, until a page brings nothing new.

    `fetch` gets the moment to begin with and how many rows to ask for, oldest first. Each page begins a
    millisecond before what is wanted: the document leaves open whether that moment itself is left out.
    """
    limit = limit_of(page_limit)
    seen: set[str] = set()
    moment = since
    while True:
        fresh = [row for row in await fetch(moment - 1, limit) if row.sn not in seen]
        if not fresh:
            return
        seen.update(row.sn for row in fresh)
        moment = max(moment, *(row.created_at for row in fresh))
        for row in fresh:
            if row.created_at >= since:
                yield row


async def back_from_now(
    fetch: Callable[[int | None, int], Awaitable[Sequence[Born]]], *, page_limit: int = MOST_A_PAGE
) -> list[Born]:
    """Returns each row of a list that changes meanwhile once, the newest first.

    `fetch` gets the moment to go back from (milliseconds, None for now) and how many rows to ask for. Each page
    begins a millisecond after the last row of the one before, which others may share, and the document leaves open
    whether that moment itself is left out.
    """
    limit = limit_of(page_limit)
    found: dict[int, Born] = {}
    moment: int | None = None
    while True:
        page = await fetch(moment, limit)
        fresh = [row for row in page if row.id not in found]
        found |= {row.id: row for row in fresh}
        if not fresh or len(page) < min(limit, _LEAST_FULL):
            return list(found.values())
        moment = min(row.created_at for row in page) + 1
