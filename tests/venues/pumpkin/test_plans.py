"""Plan orders and exits at the local exchange: one order each from the wish to the last fill."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.perpetual_rig import cancel_of
from tests.venues.pumpkin.orders_rig import BTC_ID, Rig, drained, rig, served, wish
from tests.venues.pumpkin.walking import BTC, Exchange
from venues.errors import NotSent, OrderNotFound, OutcomeUnknown
from venues.model import OrderStatus, OrderType, Side
from venues.port import Departure

D = Decimal


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


def exit_wish(kind: OrderType, position_id: str, **changes: Any) -> Any:
    """Returns an exit of a long: the price of a limit one is on its trigger."""
    return wish(kind, side=Side.SELL, reduce_only=True, position_id=position_id, **changes)


async def test_what_opens_by_a_trigger_is_a_plan_order(venue: Exchange) -> None:
    async with rig(venue) as r:
        for kind, word in (
            (OrderType.STOP, "STOP_MARKET"),
            (OrderType.TAKE_PROFIT, "TAKE_PROFIT_MARKET"),
            (OrderType.STOP_LIMIT, "STOP"),
            (OrderType.TAKE_PROFIT_LIMIT, "TAKE_PROFIT"),
        ):
            asked = wish(kind, **({"price": D(61_100)} if kind is OrderType.STOP_LIMIT else {}))
            order = await r.submit(asked)
            row = await r.client.plan(order.venue_order_id.removeprefix("plan:"))
            assert (row.entrust_type, row.trigger_price_type, row.orig_qty) == (word, "MARK_PRICE", D(100))
            assert (order.type, order.trigger_price, order.price) == (kind, asked.trigger_price, asked.price)
            assert (order.status, order.is_triggered, order.reduce_only) == (OrderStatus.NEW, False, False)
        mine = {each.venue_order_id: each for each in await r.orders.fetch_open_orders()}
        theirs = {each.venue_order_id: each for each in await r.another().fetch_open_orders()}
        assert set(mine) == set(theirs) == r.open_ids()
        assert {each.type for each in theirs.values()} == {each.type for each in mine.values()}
        assert all(each.client_order_id == "" for each in theirs.values())


@pytest.mark.parametrize("is_remembered", [True, False])
async def test_a_triggered_plan_goes_on_under_its_name(venue: Exchange, *, is_remembered: bool) -> None:
    async with rig(venue) as r:
        asked = wish(OrderType.STOP_LIMIT, price=D(60_900))  # below where it triggers: it rests then
        order = await r.submit(asked)
        venue.mark(61_000)
        orders = r.orders if is_remembered else r.another()
        (open_one,) = await orders.fetch_open_orders()
        assert open_one.venue_order_id == order.venue_order_id
        assert (open_one.is_triggered, open_one.status, open_one.type) == (True, OrderStatus.NEW, asked.type)
        assert (open_one.trigger_price, open_one.price, open_one.quantity) == (D(61_000), D(60_900), D("0.01"))
        child = (await r.client.orders(symbol=BTC)).items[0]
        # A desk that was started anew asks by both names: from then on it has ours again.
        found = await orders.fetch_order(BTC_ID, asked.client_order_id, order.venue_order_id)
        assert (found.client_order_id, found.is_triggered) == (asked.client_order_id, True)
        known = orders.memory.find("", child.order_id)
        assert known is not None
        assert (known.order_id, known.client_id) == (order.venue_order_id, asked.client_order_id)
        venue.mark(D("60_800"))
        done = await orders.fetch_order(BTC_ID, asked.client_order_id, order.venue_order_id)
        assert (done.status, done.filled_quantity, done.average_price) == (
            OrderStatus.FILLED,
            D("0.01"),
            D(60_900),
        )
        assert done.ts_event >= found.ts_event
        assert await orders.fetch_open_orders() == []
        assert (await orders.lookups.by_number(child.order_id)).venue_order_id == order.venue_order_id


async def test_the_order_of_a_triggered_plan_is_cancelled_in_its_place(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish(OrderType.STOP_LIMIT, price=D(60_900)))
        venue.mark(61_000)
        ended = await r.cancel(order)
        assert (ended.status, ended.is_triggered) == (OrderStatus.CANCELED, True)
        assert ended.venue_order_id == order.venue_order_id
        assert r.open_ids() == set()


async def test_a_market_plan_is_filled_by_its_trigger(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish(OrderType.STOP))
        venue.mark(61_000)
        done = await r.orders.fetch_order(BTC_ID, order.client_order_id, order.venue_order_id)
        assert (done.status, done.is_triggered, done.filled_quantity) == (OrderStatus.FILLED, True, D("0.01"))
        with pytest.raises(OrderNotFound):
            await r.cancel(order)
        # One whose order is refused when it is triggered has ended, and says so.
        venue.mark(60_000)
        refused = await r.submit(wish(OrderType.STOP, quantity=D(1)))
        await drained(r)
        venue.mark(61_000)
        gone = await r.orders.fetch_order(BTC_ID, refused.client_order_id, refused.venue_order_id)
        assert (gone.status, gone.filled_quantity) == (OrderStatus.CANCELED, D(0))
        assert "refused when triggered" in gone.reason


async def test_what_closes_by_a_trigger_is_an_exit(venue: Exchange) -> None:
    async with rig(venue) as r:
        position = await r.opened(wish(OrderType.MARKET))
        stop = await r.submit(exit_wish(OrderType.STOP, position, quantity=D("0.004")))
        profit = await r.submit(exit_wish(OrderType.TAKE_PROFIT_LIMIT, position, price=D(61_000)))
        both = await r.submit(exit_wish(OrderType.TAKE_PROFIT, position, stop_loss=D(58_000)))
        rows = {f"exit:{each.profit_id}": each for each in (await r.client.profit_stops(limit=10)).items}
        assert {stop.venue_order_id, profit.venue_order_id, both.venue_order_id} == set(rows) == r.open_ids()
        assert rows[stop.venue_order_id].trigger_stop_price == 59_000
        assert (rows[stop.venue_order_id].orig_qty, stop.quantity) == (D(40), D("0.004"))
        assert (rows[both.venue_order_id].trigger_profit_price, both.trigger_price, both.stop_loss) == (
            D(61_000), D(61_000), D(58_000),
        )  # fmt: skip
        assert rows[both.venue_order_id].trigger_stop_price == 58_000
        assert (profit.type, profit.price, profit.side) == (OrderType.TAKE_PROFIT_LIMIT, D(61_000), Side.SELL)
        for order in await r.orders.fetch_open_orders():
            assert (order.reduce_only, order.position_id, order.side) == (True, position, Side.SELL)
        for order in await r.another().fetch_open_orders():
            assert (order.reduce_only, order.position_id, order.client_order_id) == (True, position, "")
        # The stop closes its part, and the others stand.
        venue.mark(59_000)
        done = await r.orders.fetch_order(BTC_ID, stop.client_order_id, stop.venue_order_id)
        assert (done.status, done.filled_quantity, done.is_triggered) == (OrderStatus.FILLED, D("0.004"), True)
        (left,) = await r.client.positions()
        assert left.position_size == 60
        # One of the two triggers of one entry ends both.
        venue.mark(58_000)
        done = await r.orders.fetch_order(BTC_ID, both.client_order_id, both.venue_order_id)
        assert (done.status, done.filled_quantity) == (OrderStatus.FILLED, D("0.006"))
        gone = await r.orders.fetch_order(BTC_ID, profit.client_order_id, profit.venue_order_id)
        assert (gone.status, gone.filled_quantity) == (OrderStatus.CANCELED, D(0))
        assert "its position is gone" in gone.reason


async def test_an_attached_exit_is_an_order_of_its_own_once_its_position_stands(venue: Exchange) -> None:
    async with rig(venue) as r:
        await r.opened(wish(OrderType.MARKET, take_profit=D(62_000), stop_loss=D(57_000)))
        (exit_,) = await r.orders.fetch_open_orders()
        assert (exit_.type, exit_.trigger_price, exit_.stop_loss) == (OrderType.TAKE_PROFIT, D(62_000), D(57_000))
        assert (exit_.quantity, exit_.client_order_id, exit_.reduce_only) == (D("0.01"), "", True)
        ended = await r.cancel(exit_)
        assert ended.status is OrderStatus.CANCELED
        assert r.open_ids() == set()


@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.TAKE_PROFIT])
@pytest.mark.parametrize("opens", [True, False])
async def test_a_lost_one_is_found_by_its_look(venue: Exchange, kind: OrderType, *, opens: bool) -> None:
    async with rig(venue) as r:
        position = await r.opened(wish(OrderType.MARKET))
        venue.simulator.faults.switch("lost-reply@submit=reset*1")
        asked = wish(kind) if opens else exit_wish(kind, position)
        with pytest.raises(OutcomeUnknown):
            await r.submit(asked)
        found = await r.find(asked)
        assert {found.venue_order_id} == r.open_ids()
        assert (found.client_order_id, found.status) == (asked.client_order_id, OrderStatus.NEW)
        assert found in await r.orders.fetch_open_orders()


async def test_a_lost_one_that_was_triggered_meanwhile_is_found(venue: Exchange) -> None:
    async with rig(venue) as r:
        for opens in (True, False):
            venue.mark(60_000)
            position = await r.opened(wish(OrderType.MARKET, side=Side.SELL))
            venue.simulator.faults.switch("lost-reply@submit=reset*1")
            changes = {"side": Side.BUY} | ({} if opens else {"reduce_only": True, "position_id": position})
            asked = wish(OrderType.STOP, **changes)
            with pytest.raises(OutcomeUnknown):
                await r.submit(asked)
            venue.mark(61_000)
            found = await r.find(asked)
            assert (found.is_triggered, found.status) == (True, OrderStatus.FILLED)
            assert found.filled_quantity == D("0.01")


async def test_any_other_look_settles_nothing(venue: Exchange) -> None:
    async with rig(venue) as r:
        await r.submit(wish(OrderType.STOP))  # alike, and another's
        venue.simulator.faults.switch("closed-after@submit")
        lost = wish(OrderType.STOP)
        await unanswered(r, lost)
        for changes in ({"side": Side.SELL}, {"quantity": D("0.02")}, {"trigger_price": D(61_500)}):
            await unanswered(r, wish(OrderType.STOP, **changes))
        venue.simulator.faults.heal()
        await r.submit(wish(OrderType.TAKE_PROFIT))
        with pytest.raises(OrderNotFound, match="proves nothing"):
            await r.find(lost)


async def test_two_that_look_alike_settle_nothing(venue: Exchange) -> None:
    async with rig(venue) as r:
        venue.simulator.faults.switch("lost-reply@submit=reset*2")
        twins = wish(OrderType.STOP), wish(OrderType.STOP)
        for asked in twins:
            await unanswered(r, asked)
        listed = await r.orders.fetch_open_orders()
        assert [each.client_order_id for each in listed] == ["", ""]
        for asked in twins:
            with pytest.raises(OrderNotFound):
                await r.find(asked)


async def test_another_of_the_same_look_from_elsewhere_settles_nothing(venue: Exchange) -> None:
    async with rig(venue) as r:
        venue.simulator.faults.switch("lost-reply@submit=reset*1")
        asked = wish(OrderType.STOP)
        await unanswered(r, asked)
        venue.act("place", symbol=BTC, side="buy", type="market", quantity="0.01", trigger="61000")
        with pytest.raises(OrderNotFound):
            await r.find(asked)


async def test_an_answer_that_comes_late_takes_a_wrong_claim_back(venue: Exchange) -> None:
    """While a command is on its way, a twin from elsewhere may be all that is listed."""
    async with rig(venue) as r:
        asked = wish(OrderType.STOP)
        theirs: list[str] = []

        async def listed(departure: Departure) -> None:
            del departure
            made = venue.act("place", symbol=BTC, side="buy", type="market", quantity="0.01", trigger="61000")
            theirs.append(f"plan:{made['id']}")
            (claimed,) = await r.orders.fetch_open_orders()
            assert (claimed.venue_order_id, claimed.client_order_id) == (*theirs, asked.client_order_id)

        order = await r.orders.submit(asked, listed)
        assert order.venue_order_id not in theirs
        both = {each.venue_order_id: each.client_order_id for each in await r.orders.fetch_open_orders()}
        assert both == {order.venue_order_id: asked.client_order_id, theirs[0]: ""}


async def test_a_listed_one_is_known_as_ours_before_anybody_looks_for_it(venue: Exchange) -> None:
    async with rig(venue) as r:
        venue.simulator.faults.switch("lost-reply@submit=reset*1")
        asked = wish(OrderType.TAKE_PROFIT_LIMIT)
        await unanswered(r, asked)
        (listed,) = await r.orders.fetch_open_orders()
        assert (listed.client_order_id, listed.type) == (asked.client_order_id, asked.type)
        ended = await r.orders.cancel(cancel_of(listed))
        assert ended.status is OrderStatus.CANCELED


async def test_a_trigger_that_is_reached_already_is_not_sent(venue: Exchange) -> None:
    async with rig(venue) as r:
        with pytest.raises(NotSent, match="the trigger must lie above the mark price, 60000"):
            await r.submit(wish(OrderType.STOP, trigger_price=D(59_000)))
        assert r.noted.commands == []


async def unanswered(r: Rig, asked: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        await r.submit(asked)
