"""What a lost plan order or exit may be taken for: never for somebody else's, never for the wrong one of ours."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.venues.pumpkin.orders_rig import BTC_ID, Rig, rig, served, wish
from tests.venues.pumpkin.test_lookups import EXIT, MADE, ROW, exit_of, scripted
from tests.venues.pumpkin.test_plans import exit_wish, unanswered
from tests.venues.pumpkin.walking import BTC, Exchange
from venues.commands import OrderRequest
from venues.errors import NotSent, OrderNotFound, OutcomeUnknown
from venues.model import OrderStatus, OrderType, Side
from venues.pumpkin.memory import Kind
from venues.pumpkin.plan_orders import is_like

D = Decimal


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


async def lost_pair(r: Rig, first: OrderRequest, second: OrderRequest) -> None:
    """Sends two whose answers are lost, and of which the second alone arrives."""
    faults = r.venue.simulator.faults
    for asked, fault in ((first, "closed-after@submit*1"), (second, "lost-reply@submit=reset*1")):
        faults.switch(fault)
        await unanswered(r, asked)


async def test_two_exits_that_the_venue_shows_alike_settle_nothing(venue: Exchange) -> None:
    """Its row tells no price: a stop at the market and one with a limit look the same there."""
    async with rig(venue) as r:
        position = await r.opened(wish(OrderType.MARKET))
        never = exit_wish(OrderType.STOP, position)
        arrived = exit_wish(OrderType.STOP_LIMIT, position, price=D(58_900))
        await lost_pair(r, never, arrived)
        (listed,) = await r.orders.fetch_open_orders()
        assert listed.client_order_id == ""
        for asked in (never, arrived):
            with pytest.raises(OrderNotFound):
                await r.find(asked)


async def test_two_plans_that_the_venue_shows_alike_settle_nothing(venue: Exchange) -> None:
    async with rig(venue) as r:
        never, arrived = (wish(OrderType.STOP_LIMIT, price=D(60_900), post_only=each) for each in (False, True))
        await lost_pair(r, never, arrived)
        for asked in (never, arrived):
            with pytest.raises(OrderNotFound):
                await r.find(asked)
        (listed,) = await r.orders.fetch_open_orders()
        assert listed.client_order_id == ""


@pytest.mark.parametrize("opens", [True, False])
async def test_a_twin_that_waits_is_not_taken_for_one_that_is_over(venue: Exchange, *, opens: bool) -> None:
    """What waits is all that is read again and again; what was lost may be over, and the twin another's."""
    async with rig(venue) as r:
        position = await r.opened(wish(OrderType.MARKET))
        asked = wish(OrderType.STOP) if opens else exit_wish(OrderType.STOP, position)
        venue.simulator.faults.switch("lost-reply@submit=reset*1")
        await unanswered(r, asked)
        mine = next(iter(r.open_ids()))
        number = mine.partition(":")[2]
        await (r.client.cancel_plan(number) if opens else r.client.cancel_profit_stop(number))
        theirs = await r.another().submit(wish(OrderType.STOP) if opens else exit_wish(OrderType.STOP, position))
        for _ in range(3):
            (listed,) = await r.orders.fetch_open_orders()
            assert (listed.venue_order_id, listed.client_order_id) == (theirs.venue_order_id, "")
        with pytest.raises(OrderNotFound):
            await r.find(asked)


async def test_a_lost_one_is_looked_for_only_so_often_while_others_are_read(venue: Exchange) -> None:
    async with rig(venue) as r:
        twins = wish(OrderType.STOP), wish(OrderType.STOP)
        venue.simulator.faults.switch("lost-reply@submit=reset*2")
        for asked in twins:
            await unanswered(r, asked)
        for _ in range(8):
            await r.orders.fetch_open_orders()
        r.noted.made.clear()
        await r.orders.fetch_open_orders()
        assert len(r.noted.made) == 3


def test_an_exit_of_another_position_is_another() -> None:
    """Several positions of one side may stand beside each other, with exits at one price."""
    asked = wish(
        OrderType.TAKE_PROFIT, side=Side.SELL, reduce_only=True, position_id="77", quantity=D("0.001"),
        trigger_price=D(62_000),
    )  # fmt: skip
    assert is_like(asked, exit_of())
    elsewhere = wish(
        OrderType.TAKE_PROFIT, side=Side.SELL, reduce_only=True, position_id="78", quantity=D("0.001"),
        trigger_price=D(62_000),
    )  # fmt: skip
    assert not is_like(elsewhere, exit_of())


async def test_an_id_that_is_known_from_elsewhere_is_not_sent_again(venue: Exchange) -> None:
    """A desk that was started anew knows the order from a list alone, and nobody refuses the second."""
    async with rig(venue) as r:
        asked = wish()
        await r.submit(asked)
        anew = r.another()
        await anew.fetch_open_orders()
        with pytest.raises(NotSent, match="was sent before"):
            await anew.submit(asked)
        assert len(r.open_ids()) == 1


async def test_a_lost_order_is_found_behind_all_that_came_after_it() -> None:
    """The list begins with the newest; it is read as far as the moment at which the order left."""
    async with scripted() as (lookups, venue, memory):
        known = memory.submitted(wish(client_order_id="s1"), Kind.ORDER, 10)
        known.sent_after, known.is_on_its_way = MADE * 1_000_000, False
        venue.data({"page": 1, "ps": 100, "total": 0, "items": []})
        venue.by_path["/futures/v2/order/list-history"] = venue.answers.pop()
        venue.data([])
        for page in range(8):
            others = [
                ROW | {"orderId": str(9_000 - 100 * page - number), "clientOrderId": None} for number in range(100)
            ]
            venue.data({"page": page + 1, "ps": 100, "total": 801, "items": others})
        venue.data({"page": 9, "ps": 100, "total": 801, "items": [ROW]})
        found = await lookups.order(BTC_ID, "s1", "")
        assert found.venue_order_id == ROW["orderId"]
        assert len(venue.calls) == 10


async def test_a_source_that_the_venue_does_not_know_by_any_word_hides_no_order() -> None:
    async with scripted() as (lookups, venue, _):
        venue.data(ROW | {"orderId": "8", "sourceId": 7})
        venue.by_path["/futures/v2/order/detail"] = venue.answers.pop()
        venue.error(-1, "invalid_entrust_id")
        order = await lookups.by_number("8")
        assert (order.venue_order_id, order.status) == ("8", OrderStatus.NEW)


@pytest.mark.parametrize("number", [0, "0", "", None])
async def test_no_source_is_none_however_it_is_written(number: object) -> None:
    async with scripted() as (lookups, venue, _):
        venue.data(ROW | {"orderId": "8", "sourceId": number, "forceClose": True, "clientOrderId": None})
        assert (await lookups.by_number("8")).is_liquidation


async def test_past_exits_are_read_as_far_as_the_moment_of_sending() -> None:
    async with scripted() as (lookups, venue, memory):
        asked = wish(
            OrderType.TAKE_PROFIT, side=Side.SELL, reduce_only=True, position_id="77", quantity=D("0.001"),
            trigger_price=D(62_000),
        )  # fmt: skip
        known = memory.submitted(asked, Kind.EXIT, None)
        known.sent_after, known.is_on_its_way = MADE * 1_000_000, False
        other = EXIT | {"triggerProfitPrice": "63000", "state": "USER_REVOCATION"}
        empty = {"hasPrev": False, "hasNext": False, "items": []}
        venue.data(empty)  # waiting
        venue.data(empty)  # triggered
        venue.data({"hasPrev": False, "hasNext": True, "items": [other | {"profitId": "30"}]})
        venue.data({"hasPrev": True, "hasNext": True, "items": [EXIT | {"state": "USER_REVOCATION"}]})
        venue.data({"hasPrev": True, "hasNext": True, "items": [other | {"profitId": "3", "createdTime": 1}]})
        venue.data(empty)
        venue.data(empty)
        venue.data(EXIT | {"state": "USER_REVOCATION"})
        found = await lookups.order(BTC_ID, asked.client_order_id, "")
        assert (found.venue_order_id, found.status) == ("exit:9", OrderStatus.CANCELED)
        assert len(venue.calls) == 8


async def test_plans_are_not_taken_for_what_was_made_before(venue: Exchange) -> None:
    async with rig(venue) as r:
        venue.act("place", symbol=BTC, side="buy", type="market", quantity="0.01", trigger="61000")
        venue.simulator.faults.switch("closed-after@submit*1")
        asked = wish(OrderType.STOP)
        with pytest.raises(OutcomeUnknown):
            await r.submit(asked)
        with pytest.raises(OrderNotFound):
            await r.find(asked)
