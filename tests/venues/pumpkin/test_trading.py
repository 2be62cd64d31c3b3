"""New orders at the local exchange: what is sent, what comes back, and what was lost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.venues.pumpkin.orders_rig import (
    BTC_ID,
    ETH_ID,
    XRP,
    XRP_ID,
    drained,
    rig,
    served,
    wish,
)  # fmt: skip
from tests.venues.pumpkin.walking import BTC, ETH, PRICE, Exchange
from tests.venues.transport.stream_rig import until
from venues.commands import AmendRequest
from venues.errors import InsufficientFunds, NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.model import OrderStatus, OrderType, Side, TimeInForce
from venues.pumpkin import VENUE
from venues.transport.exchange import Request

D = Decimal


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


async def test_a_limit_order_rests_as_it_was_asked_for(venue: Exchange) -> None:
    async with rig(venue) as r:
        asked = wish(post_only=True, take_profit=D(63_000), stop_loss=D(57_000), leverage=D(10))
        order = await r.submit(asked)
        assert (order.status, order.client_order_id) == (OrderStatus.NEW, asked.client_order_id)
        assert (order.quantity, order.price, order.post_only) == (D("0.01"), D(59_000), True)
        assert (order.take_profit, order.stop_loss, order.reduce_only) == (D(63_000), D(57_000), False)
        assert r.open_ids() == {order.venue_order_id}
        (departure,) = r.departures
        assert (departure.deadline, departure.nonce, len(departure.body_hash)) == (None, 0, 64)
        assert await r.orders.fetch_order(BTC_ID, asked.client_order_id) == order
        # Neither the venue's rows nor a program that remembers nothing can tell all of it.
        (known,) = await r.orders.fetch_open_orders()
        (bare,) = await r.another().fetch_open_orders()
        assert (known, known.ts_event >= bare.ts_created) == (order, True)
        assert (bare.client_order_id, bare.post_only) == (asked.client_order_id, True)
        row = (await r.client.order_entrusts(symbol=BTC)).items[0]
        assert (row.leverage, row.orig_qty) == (10, D(100))


async def test_sides_and_what_closes(venue: Exchange) -> None:
    async with rig(venue) as r:
        long = await r.opened(wish(OrderType.MARKET))
        short = await r.opened(wish(OrderType.MARKET, side=Side.SELL))
        for request in (
            wish(OrderType.MARKET, side=Side.SELL, reduce_only=True, position_id=long, quantity=D("0.004")),
            wish(side=Side.BUY, reduce_only=True, position_id=short, quantity=D("0.003"), price=D(59_500)),
        ):
            order = await r.submit(request)
            assert (order.reduce_only, order.position_id) == (True, request.position_id)
        assert order.status is OrderStatus.NEW
        held = {each.position_id: each for each in await r.client.positions()}
        assert (held[long].position_side, held[long].position_size) == ("LONG", D(60))
        assert (held[short].position_side, held[short].position_size) == ("SHORT", D(100))
        assert held[short].close_order_size == 30
        # What closes at once may use what is kept for cancels; what rests may not.
        assert [each.is_cancel for each in r.noted.made if each.path.endswith("/order/create")] == [
            False, False, True, False,
        ]  # fmt: skip


async def test_times_in_force(venue: Exchange) -> None:
    async with rig(venue) as r:
        ioc = await r.submit(wish(time_in_force=TimeInForce.IOC))
        assert (ioc.status, ioc.time_in_force, ioc.filled_quantity) == (
            OrderStatus.CANCELED,
            TimeInForce.IOC,
            D(0),
        )
        fok = await r.submit(wish(time_in_force=TimeInForce.FOK, price=D(60_100)))
        assert (fok.status, fok.average_price) == (OrderStatus.FILLED, PRICE + D("0.1"))
        market = await r.submit(wish(OrderType.MARKET))
        assert (market.status, market.price, market.filled_quantity) == (OrderStatus.FILLED, None, D("0.01"))
        with pytest.raises(OrderRejected, match="gtx_order_would_take"):
            await r.submit(wish(post_only=True, price=D(60_100)))
        # A part of it trades, and the rest is cancelled: that is no state of the desk's.
        part = await r.submit(wish(OrderType.MARKET, quantity=D(10) + D("0.0001"), leverage=D(25)))
        assert (part.status, 9 < part.filled_quantity < 10) == (OrderStatus.CANCELED, True)


async def test_a_leverage_that_nobody_has_told_is_not_sent(venue: Exchange) -> None:
    """It may have been chosen at the venue itself: an order "as it is set" must not change it."""
    async with rig(venue) as r:
        await r.client.set_leverage(BTC, 7)
        r.terms.leverage.clear()
        order = await r.submit(wish())
        rows = {row.id: row.leverage for row in (await r.client.order_entrusts(symbol=BTC)).items}
        assert rows[order.venue_order_id] == 7
        (sent,) = [each.body for each in r.noted.made if each.path.endswith("order/create")]
        assert b"leverage" not in sent


async def test_a_venue_that_wants_the_leverage_named_is_answered_by_the_ticket(venue: Exchange) -> None:
    async with rig(venue) as r:
        r.terms.leverage.clear()

        def refused(request: Request) -> None:
            raise OrderRejected(VENUE, "invalid_leverage", "-1")

        r.noted.before = refused
        with pytest.raises(OrderRejected, match=r"name the leverage in the order \(invalid_leverage\)"):
            await r.submit(wish())
        with pytest.raises(OrderRejected) as caught:
            await r.submit(wish(leverage=D(3)))
        assert caught.value.message == "invalid_leverage"


async def test_contracts_at_the_wire_are_whole_and_exact(venue: Exchange) -> None:
    async with rig(venue) as r:
        for instrument, quantity, price, contracts in (
            (BTC_ID, "0.0123", "59000", 123), (ETH_ID, "1.001", "2300", 1001), (XRP_ID, "37", "0.49", 37),
        ):  # fmt: skip
            order = await r.submit(wish(instrument=instrument, quantity=D(quantity), price=D(price)))
            assert (order.quantity, (await r.client.order(order.venue_order_id)).orig_qty) == (
                D(quantity),
                D(contracts),
            )


async def test_what_the_venue_refuses_is_refused_for_good(venue: Exchange) -> None:
    async with rig(venue) as r:
        await drained(r)
        with pytest.raises(InsufficientFunds):
            await r.submit(wish(quantity=D(1)))
        await r.opened(wish(OrderType.MARKET))
        asked = wish(leverage=D(5))
        with pytest.raises(OrderRejected, match="none can be chosen over a position"):
            await r.submit(asked)
        with pytest.raises(NotSent, match="was sent before"):
            await r.submit(asked)
        venue.act("whitelist", symbols=[ETH])
        with pytest.raises(OrderRejected, match="add it to the key's list"):
            await r.submit(wish())
        assert r.open_ids() == set()


@pytest.mark.parametrize("fault", ["lost-reply=reset", "closed-after", "503=executed", "late-booking=0.2"])
async def test_a_lost_answer_is_found_by_the_echo(venue: Exchange, fault: str) -> None:
    async with rig(venue) as r:
        venue.simulator.faults.switch(f"{fault.replace('=', '@submit=') if '=' in fault else fault + '@submit'}*1")
        asked = wish()
        with pytest.raises(OutcomeUnknown):
            await r.submit(asked)
        assert r.noted.commands == ["/order/create"]
        if fault == "closed-after":  # read, and not carried out: that it is nowhere proves nothing
            with pytest.raises(OrderNotFound, match="proves nothing"):
                await r.find(asked)
            assert r.orders.memory.find(asked.client_order_id, "") is not None
            return
        await until(r.open_ids)
        found = await r.find(asked)
        assert (found.status, found.venue_order_id) == (OrderStatus.NEW, *r.open_ids())
        assert (await r.another().fetch_order(BTC_ID, asked.client_order_id)).quantity == asked.quantity


async def test_a_lost_one_that_is_over_is_found_in_the_list(venue: Exchange) -> None:
    async with rig(venue) as r:
        venue.simulator.faults.switch("lost-reply@submit=reset*1")
        asked = wish(OrderType.MARKET)
        with pytest.raises(OutcomeUnknown):
            await r.submit(asked)
        found = await r.find(asked)
        assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, D("0.01"))
        # The history has ended ones only, and pages of whichever style.
        anew = r.another()
        venue.simulator.faults.switch("lost-reply@submit=reset*1")
        other = wish(time_in_force=TimeInForce.IOC)
        with pytest.raises(OutcomeUnknown):
            await r.submit(other)
        assert (await anew.fetch_order(BTC_ID, other.client_order_id)).status is OrderStatus.CANCELED


async def test_a_young_order_that_is_not_shown_yet_is_told_of_all_the_same(venue: Exchange) -> None:
    async with rig(venue) as r:
        venue.simulator.faults.switch("stale-orders=0.3")
        order = await r.submit(wish(OrderType.MARKET))
        assert (order.status, order.filled_quantity) == (OrderStatus.NEW, D(0))
        assert r.told == [order]
        await until(lambda: len(r.told) > 1)
        assert (r.told[-1].status, r.told[-1].filled_quantity) == (OrderStatus.FILLED, D("0.01"))
        assert r.told[-1].ts_event > order.ts_event


async def test_the_journal_is_first_and_may_keep_it_here(venue: Exchange) -> None:
    async with rig(venue) as r:

        async def full(_: object) -> None:
            raise NotSent("pumpkin", "the disk is full")

        with pytest.raises(NotSent, match="the disk is full"):
            await r.orders.submit(wish(), full)
        assert r.open_ids() == set()
        with pytest.raises(NotSent, match="place it anew"):
            await r.orders.amend(
                AmendRequest(instrument=BTC_ID, client_order_id="a", venue_order_id="", price=D(59_001))
            )


async def test_a_page_of_the_firewall_proves_nothing(venue: Exchange) -> None:
    """Documented as refused, and not in the venue's envelope: the order may have arrived."""
    async with rig(venue) as r:
        venue.simulator.faults.switch("ban@submit=1*1")
        with pytest.raises(OutcomeUnknown):
            await r.submit(wish())


async def test_open_orders_beyond_a_page_are_read_without_pages(venue: Exchange) -> None:
    async with rig(venue) as r:
        for number in range(60):
            venue.act("place", symbol=BTC, side="buy", quantity="0.001", price=str(58_000 + number))
        for number in range(39):
            venue.act("place", symbol=ETH, side="sell", quantity="0.01", price=str(2_500 + number))
        assert len(await r.orders.fetch_open_orders()) == 99
        assert not any("all/listUnfinished" in each.path for each in r.noted.made)
        for price in ("0.48", "0.47"):
            venue.act("place", symbol=XRP, side="buy", quantity="10", price=price)
        found = await r.orders.fetch_open_orders()
        assert len({each.venue_order_id for each in found}) == 101
        assert [each.query for each in r.noted.made if "all/listUnfinished" in each.path] == [
            "list=btc_usdt%2Ceth_usdt%2Cxrp_usdt"
        ]
