"""Lists read page by page: every row once, whether or not the row that a page begins with is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.venues.max.client_rig import client_at
from tests.venues.max.documented import example
from venues.errors import BadRequest
from venues.max.client.paging import back_from_now, pages

MS = 1_700_000_000_000


class Row:
    def __init__(self, number: int) -> None:
        self.id = number


class Born(Row):
    def __init__(self, number: int, created_at: int) -> None:
        super().__init__(number)
        self.created_at = created_at


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


class Resting:
    """A list of what rests, newest first, which may change while it is read; `cap` is the venue's own."""

    def __init__(self, *moments: int, is_inclusive: bool = True, cap: int = 1_000) -> None:
        self.rows = dict(enumerate(moments, 1))
        self.is_inclusive = is_inclusive
        self.cap = cap
        self.asked: list[tuple[int | None, int]] = []
        self.meanwhile: dict[int, Callable[[dict[int, int]], object]] = {}  # before which page

    async def fetch(self, moment: int | None, limit: int) -> Sequence[Born]:
        self.asked.append((moment, limit))
        if change := self.meanwhile.get(len(self.asked)):
            change(self.rows)
        last = MS if moment is None else moment - (not self.is_inclusive)
        found = [Born(number, at) for number, at in self.rows.items() if at <= last]
        return sorted(found, key=lambda row: (-row.created_at, -row.id))[: min(limit, self.cap)]

    async def read(self, page_limit: int = 3) -> list[int]:
        return [row.id for row in await back_from_now(self.fetch, page_limit=page_limit)]


@pytest.mark.parametrize("is_inclusive", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7, 20])
async def test_every_resting_order_once(is_inclusive: bool, count: int) -> None:
    resting = Resting(*(MS // 2 + 7 * (number // 2) for number in range(count)), is_inclusive=is_inclusive)
    assert await resting.read() == sorted(resting.rows, reverse=True)
    assert await resting.read(1_000) == sorted(resting.rows, reverse=True)


async def test_a_page_that_is_not_full_is_the_last() -> None:
    resting = Resting(1, 2)
    assert await resting.read() == [2, 1]
    assert resting.asked == [(None, 3)]
    many = Resting(*range(1, 50))
    assert len(await many.read(1_000)) == 49
    assert many.asked == [(None, 1_000)]


async def test_pages_that_the_venue_cuts_shorter_are_read_on() -> None:
    for cap in (50, 100):
        resting = Resting(*range(1, 321), cap=cap)
        assert len(await resting.read(1_000)) == 320


async def test_what_changes_meanwhile_hides_nothing_else() -> None:
    resting = Resting(*range(10, 100, 10))
    resting.meanwhile = {
        2: lambda rows: (rows.pop(9), rows.pop(8), rows.pop(5)),  # two that were read already, and one to come
        3: lambda rows: rows.update({10: 500}),  # a new one
    }
    assert await resting.read() == [9, 8, 7, 6, 4, 3, 2, 1]


async def test_more_of_one_moment_than_a_page_holds_end_it() -> None:
    resting = Resting(*[5] * 9)
    assert len(await resting.read()) == 3
    assert len(resting.asked) == 2
