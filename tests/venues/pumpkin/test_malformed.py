"""Rows that no venue should send: each is read, or a VenueError; no other error escapes."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.venues.pumpkin.test_lookups import EXIT, PLAN, ROW, scripted
from venues.errors import VenueError

WRONG: tuple[Any, ...] = (
    None, "", "0", "-1", "NaN", "1e30", "1E+9999", "x" * 300, "1.5", -1, 2**63, 1.5, True, [], {}, "\u0000",
)  # fmt: skip
LISTS: dict[str, dict[str, Any]] = {
    "order/list": ROW,
    "entrust/plan-list": PLAN,
    "entrust/profit-list": EXIT,
}


@pytest.mark.parametrize("path", LISTS)
async def test_a_row_with_one_wrong_field(path: str) -> None:
    async with scripted() as (lookups, venue, memory):
        venue.data({"hasPrev": False, "hasNext": False, "total": 0, "items": []})
        for name in LISTS[path]:
            for value in WRONG:
                body = {"hasPrev": False, "hasNext": False, "total": 1, "items": [LISTS[path] | {name: value}]}
                venue.data(body)
                venue.by_path[f"/futures/v2/{path}"] = venue.answers.pop()
                with contextlib.suppress(VenueError):
                    orders = await lookups.open_orders()
                    assert all(order.quantity >= 0 and order.venue_order_id[-1:].isdigit() for order in orders)
        assert len(venue.calls) > 100
        memory.news()
