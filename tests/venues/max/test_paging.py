"""Lists read page by page: every row once, whether or not the row that a page begins with is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.venues.max.client_rig import client_at
from tests.venues.max.documented import example
from venues.errors import BadRequest
from venues.max.client.paging import pages

MS = 1_700_000_000_000


class Row:
    def __init__(self, number: int) -> None:
        self.id = number


class Book:
    """A list that a venue keeps, in either of the two ways to read `from_id`, and cut to `cap` rows a page."""

    def __init__(self, *ids: int, is_inclusive: bool = True, is_rising: bool = True, cap: int = 1_000) -> None:
        self.ids = sorted(ids, reverse=not is_rising)
        self.is_inclusive = is_inclusive
        self.is_rising = is_rising
        self.cap = cap
        self.asked: list[tuple[int | None, int]] = []

    async def fetch(self, cursor: int | None, limit: int) -> Sequence[Row]:
        self.asked.append((cursor, limit))
        sign = 1 if self.is_rising else -1
        found = [
            each
            for each in self.ids
            if cursor is None or sign * each > sign * cursor or (each == cursor and self.is_inclusive)
        ]
        return [Row(each) for each in found[: min(limit, self.cap)]]


async def read(book: Book, page_limit: int = 3, **limits: int | None) -> list[int]:
    given: dict[str, int | None] = {"from_id": None, "max_items": None, "max_pages": None, **limits}
    return [row.id async for row in pages(book.fetch, page_limit=page_limit, **given)]


@pytest.mark.parametrize("is_inclusive", [True, False])
@pytest.mark.parametrize("is_rising", [True, False])
@pytest.mark.parametrize("page_limit", [1, 2, 3, 10, 1_000])
async def test_every_row_once(is_inclusive: bool, is_rising: bool, page_limit: int) -> None:
    book = Book(*range(10, 75, 5), is_inclusive=is_inclusive, is_rising=is_rising)
    assert await read(book, page_limit) == book.ids
    assert all(limit <= 1_000 for _, limit in book.asked)


async def test_ids_without_a_gap_and_a_beginning() -> None:
    for is_inclusive in (True, False):
        book = Book(*range(1, 21), is_inclusive=is_inclusive)
        assert await read(book, 4, from_id=5) == list(range(5 if is_inclusive else 6, 21))


async def test_a_short_page_is_no_end() -> None:
    book = Book(*range(1, 21), cap=5)
    assert await read(book, 1_000) == list(range(1, 21))


async def test_an_empty_list_costs_one_page() -> None:
    book = Book()
    assert await read(book) == []
    assert book.asked == [(None, 3)]


async def test_how_much_is_read_can_be_bounded() -> None:
    book = Book(*range(1, 21))
    assert await read(book, 3, max_items=7) == [1, 2, 3, 4, 5, 6, 7]
    assert len(book.asked) == 3
    assert await read(Book(*range(1, 21)), 3, max_pages=2) == [1, 2, 3, 4, 5, 6]
    assert await read(Book(1), 3, max_items=0) == await read(Book(1), 3, max_pages=0) == []
    for wrong in ({"max_items": -1}, {"max_pages": -1}, {"page_limit": 0}, {"page_limit": 1_001}):
        with pytest.raises(BadRequest):
            await read(Book(1), **wrong)


def trade(number: int) -> dict[str, Any]:
    (row,) = example("order_trades", "met").value
    return {**row, "id": number}


async def test_our_trades_begin_with_the_first() -> None:
    async with client_at() as (client, venue):
        venue.answer([trade(3), trade(4)])
        venue.answer([trade(4), trade(9)])
        venue.answer([trade(9)])
        found = [each.id async for each in client.iter_wallet_trades(market="btctwd", page_limit=2)]
        assert found == [3, 4, 9]
        sent = [call.parameters for call in venue.calls]
        assert [(each["from_id"], each["limit"], each["order"]) for each in sent] == [
            ("1", "2", "asc"), ("4", "3", "asc"), ("9", "3", "asc"),
        ]  # fmt: skip


async def test_a_moment_is_for_the_first_page_alone() -> None:
    """The venue takes it before any id: with both, every page would be the first."""
    async with client_at() as (client, venue):
        venue.answer([trade(9), trade(7)])
        venue.answer([])
        found = [each.id async for each in client.iter_wallet_trades(timestamp=MS, order="desc", max_items=5)]
        assert found == [9, 7]
        first, second = (call.parameters for call in venue.calls)
        assert (first["timestamp"], "from_id" in first) == (str(MS), False)
        assert ("timestamp" in second, second["from_id"]) == (False, "7")


async def test_the_newest_first_needs_no_beginning() -> None:
    async with client_at() as (client, venue):
        venue.answer([])
        assert [each async for each in client.iter_wallet_trades(order="desc")] == []
        assert venue.call.parameters == {"order": "desc", "limit": "100"}


async def test_two_beginnings_are_one_too_many() -> None:
    async with client_at() as (client, venue):
        with pytest.raises(BadRequest):
            [each async for each in client.iter_wallet_trades(timestamp=MS, from_id=3)]
        assert venue.calls == []


async def test_order_history() -> None:
    rows = [{**example("order").value, "id": number} for number in (5, 6, 8)]
    async with client_at() as (client, venue):
        venue.answer(rows[:2])
        venue.answer(rows[1:])
        venue.answer(rows[2:])
        found = [each.id async for each in client.iter_order_history("btctwd", from_id=5, wallet_type="m")]
        assert found == [5, 6, 8]
        assert [call.path for call in venue.calls] == ["/api/v3/wallet/m/orders/history"] * 3
        assert [call.parameters["from_id"] for call in venue.calls] == ["5", "6", "8"]
