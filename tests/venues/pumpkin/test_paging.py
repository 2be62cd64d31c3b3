"""Lists read page by page, by cursor and by number, whichever of the two the answer looks like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.venues.pumpkin.client_rig import client_at
from tests.venues.pumpkin.documented import example
from venues.errors import BadRequest
from venues.pumpkin import Client

FIRST = 587077935051136448  # above 2**53


def rows_of(call: str, id_name: str, numbers: range) -> list[dict[str, Any]]:
    """Returns rows as of the call's example, with ids of their own, the newest first."""
    shown = example(call).value["data"]["items"][0]
    return [shown | {id_name: str(FIRST + number)} for number in reversed(numbers)]


def by_cursor(rows: list[dict[str, Any]], *, more: bool | None) -> dict[str, Any]:
    ends = {} if more is None else {"hasPrev": False, "hasNext": more}
    return ends | {"items": rows}


def by_number(rows: list[dict[str, Any]], *, total: int, size_name: str = "ps") -> dict[str, Any]:
    return {"page": 1, size_name: 100, "total": total, "items": rows}


CURSORS: list[tuple[str, str, Callable[[Client], AsyncIterator[Any]], str]] = [
    ("bills", "id", lambda c: c.iter_bills(coin="usdt"), "id"),
    ("funding_history", "id", lambda c: c.iter_funding_history("btc_usdt"), "id"),
    ("risk_balances", "id", lambda c: c.iter_risk_balances("btc_usdt"), "id"),
    ("order_history", "orderId", lambda c: c.iter_order_history(symbol="btc_usdt"), "order_id"),
    ("plans", "entrustId", lambda c: c.iter_plans(symbol="btc_usdt"), "entrust_id"),
    ("plan_history", "entrustId", lambda c: c.iter_plan_history(symbol="btc_usdt"), "entrust_id"),
    ("profit_stops", "profitId", lambda c: c.iter_profit_stops(symbol="btc_usdt"), "profit_id"),
]
NUMBERS: list[tuple[str, str, Callable[[Client], AsyncIterator[Any]], str]] = [
    ("orders", "orderId", lambda c: c.iter_orders(state="UNFINISHED"), "order_id"),
    ("fills", "execId", lambda c: c.iter_fills(symbol="btc_usdt"), "exec_id"),
    ("order_entrusts", "id", lambda c: c.iter_order_entrusts(kind="ORDER"), "id"),
]
ALL = [*CURSORS, *NUMBERS]


@pytest.mark.parametrize(("call", "id_name", "iterate", "field"), CURSORS, ids=[each[0] for each in CURSORS])
@pytest.mark.parametrize("includes_cursor", [True, False])
async def test_a_cursor_is_the_last_row_that_was_read(
    call: str, id_name: str, iterate: Callable[[Client], AsyncIterator[Any]], field: str, includes_cursor: bool
) -> None:
    newest, older = rows_of(call, id_name, range(5, 8)), rows_of(call, id_name, range(2, 5))
    async with client_at() as (client, venue):
        venue.data(by_cursor(newest, more=True))
        venue.data(by_cursor((newest[-1:] if includes_cursor else []) + older, more=False))
        found = [int(getattr(row, field)) - FIRST async for row in iterate(client)]
        assert found == [7, 6, 5, 4, 3, 2]
        first, second = (each.parameters for each in venue.calls)
        assert (first["direction"], first["limit"], "id" in first) == ("NEXT", "100", False)
        assert second == first | {"id": str(FIRST + 5)}


@pytest.mark.parametrize(("call", "id_name", "iterate", "field"), NUMBERS, ids=[each[0] for each in NUMBERS])
async def test_pages_are_counted_until_all_that_there_are_were_read(
    call: str, id_name: str, iterate: Callable[[Client], AsyncIterator[Any]], field: str
) -> None:
    rows = rows_of(call, id_name, range(5))
    async with client_at() as (client, venue):
        venue.data(by_number(rows[:3], total=5))
        venue.data(by_number(rows[2:], total=5))  # one came new, and moved the others down
        found = [int(getattr(row, field)) - FIRST async for row in iterate(client)]
        assert found == [4, 3, 2, 1, 0]
        assert [(each.parameters["page"], each.parameters["size"]) for each in venue.calls] == [
            ("1", "100"), ("2", "100"),
        ]  # fmt: skip


async def test_a_cursor_list_may_answer_with_pages() -> None:
    """So the document shows the history of orders, and the plan orders with `size`."""
    rows = rows_of("order_history", "orderId", range(4))
    async with client_at() as (client, venue):
        for size_name in ("ps", "size"):
            venue.answers.clear()
            venue.calls.clear()
            venue.data(by_number(rows[:2], total=4, size_name=size_name))
            venue.data(by_number(rows[2:], total=4, size_name=size_name))
            found = [row.order_id async for row in client.iter_order_history()]
            assert found == [row["orderId"] for row in rows]
            assert venue.calls[1].parameters["id"] == rows[1]["orderId"]


@pytest.mark.parametrize(("call", "id_name", "iterate", "field"), ALL, ids=[each[0] for each in ALL])
async def test_a_list_that_says_nothing_of_its_end_ends_with_a_page_of_nothing_new(
    call: str, id_name: str, iterate: Callable[[Client], AsyncIterator[Any]], field: str
) -> None:
    rows = rows_of(call, id_name, range(3))
    async with client_at() as (client, venue):
        venue.data(by_cursor(rows, more=None))  # and again: a venue that does not heed the cursor
        assert len([row async for row in iterate(client)]) == 3
        assert len(venue.calls) == 2
        venue.answers.clear()
        venue.data(by_cursor([], more=True))
        assert [row async for row in iterate(client)] == []


async def test_it_stops_where_it_is_told() -> None:
    rows = rows_of("bills", "id", range(4))
    async with client_at() as (client, venue):
        venue.data(by_cursor(rows, more=True))
        assert len([row async for row in client.iter_bills(max_items=3)]) == 3
        assert len([row async for row in client.iter_bills(max_pages=1)]) == 4
        assert len(venue.calls) == 2
        assert [row async for row in client.iter_bills(max_items=0)] == []
        assert len(venue.calls) == 2
        with pytest.raises(BadRequest):
            [row async for row in client.iter_bills(max_items=-1)]
