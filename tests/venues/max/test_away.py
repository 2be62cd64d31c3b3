"""What happens while the stream is away: more fills than its snapshot of a hundred holds, and orders that end."""

from __future__ import annotations

from typing import Any

from tests.venues.max.scripted_max import Call
from tests.venues.max.scripted_venue import TIME_MS, order_row, trade_row, user, user_order, user_trade
from tests.venues.max.venue_rig import books_orders, connected, request_for
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.model import OrderStatus

MADE, SHOWN = 250, 100
FIRST_MS = TIME_MS + 20_000
TRADES = "GET /wallet/spot/trades"


def moments() -> list[tuple[int, int]]:
    """Returns the ids and the moments of all trades, oldest first."""
    return [(1_000 + number, FIRST_MS + 5 * number) for number in range(MADE)]


def listed(call: Call) -> list[dict[str, Any]]:
    """Answers as the document says: by moment or id, in either order, and never more than was asked for."""
    asked = call.parameters
    is_rising = asked.get("order") == "asc"
    sign = 1 if is_rising else -1
    rows = [trade_row(id=number, created_at=moment) for number, moment in moments()]
    if "timestamp" in asked:
        rows = [row for row in rows if sign * row["created_at"] >= sign * int(asked["timestamp"])]
    elif "from_id" in asked:
        rows = [row for row in rows if sign * row["id"] >= sign * int(asked["from_id"])]
    return sorted(rows, key=lambda row: sign * int(row["id"]))[: int(asked.get("limit", 50))]


@in_virtual_time
async def test_what_the_snapshot_does_not_hold_is_read_and_nothing_comes_twice() -> None:
    async with connected(account=True) as rig:
        await passes(10)
        rig.rest.on(TRADES, listed)
        newest = [user_trade(i=number, T=moment) for number, moment in moments()[-SHOWN:]]
        rig.stream.snapshots = [user("trade_snapshot", "t", *newest)]
        rig.stream.peer.reset()
        await until(lambda: len(rig.fills) >= MADE)
        rig.stream.push(user("trade_update", "t", *newest), user("trade_snapshot", "t", *newest))
        rig.stream.peer.reset()
        await passes(60)  # reads and snapshots repeat them all
        assert sorted(fill.trade_id for fill in rig.fills) == [str(number) for number, _ in moments()]


@in_virtual_time
async def test_a_read_of_many_has_each_once() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on(TRADES, listed)
        for since in (0, FIRST_MS):
            found = await rig.venue.fetch_fills(since * 1_000_000)
            assert [fill.trade_id for fill in found] == [str(number) for number, _ in moments()]


@in_virtual_time
async def test_an_order_that_a_snapshot_lacks_is_looked_up_though_no_list_can_be_read() -> None:
    async with connected(account=True) as rig:
        books_orders(rig)
        await rig.venue.submit_order(request_for())
        rig.rest.refuse("GET /wallet/spot/orders/open", 4002, 403)
        rig.rest.on("GET /order", order_row(state="done", updated_at=TIME_MS + 50))
        rig.stream.snapshots = [user("order_snapshot", "o", user_order(i=777, ci="another"))]
        rig.stream.peer.reset()
        # Done, and nothing executed.
        await until(
            lambda: OrderStatus.CANCELED in [o.status for o in rig.orders if o.client_order_id == "s1"], 10
        )


@in_virtual_time
async def test_an_order_that_a_list_lacks_is_looked_up_though_no_snapshot_comes() -> None:
    async with connected(account=True) as rig:
        books_orders(rig)
        await rig.venue.submit_order(request_for())
        rig.rest.on("GET /order", order_row(state="cancel", updated_at=TIME_MS + 50))
        await until(lambda: rig.orders and rig.orders[-1].status is OrderStatus.CANCELED, 20)
