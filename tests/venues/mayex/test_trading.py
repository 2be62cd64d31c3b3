"""New orders at the local exchange: what is sent, what comes back, and what was lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.waiting import until_found
from tests.venues.mayex.orders_rig import BTC, BTC_ID, Exchange, Rig, rig, served, wish
from tests.venues.transport.stream_rig import until
from venues.errors import InsufficientFunds, NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.mayex.requests import NewOrder
from venues.model import InstrumentId, MarginMode, Order, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
PLACE = "/order/v1/private/orders/place-order"
CLOSES: dict[str, Any] = {"side": Side.SELL, "reduce_only": True, "position_id": "long:isolated"}


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


def sent(r: Rig) -> dict[str, Any]:
    """Returns the body of the last new order."""
    bodies = [each.body for each in r.noted.made if each.path.endswith("place-order")]
    found: dict[str, Any] = json.loads(bodies[-1])
    return found


async def test_a_limit_order_rests_as_it_was_asked_for(venue: Exchange) -> None:
    async with rig(venue) as r:
        asked = wish(post_only=True, take_profit=D(63_000), stop_loss=D(57_000))
        order = await r.submit(asked)
        assert (order.status, order.client_order_id) == (OrderStatus.NEW, asked.client_order_id)
        assert (order.quantity, order.price, order.post_only) == (D("0.01"), D(59_000), True)
        assert (order.take_profit, order.stop_loss, order.reduce_only) == (D(63_000), D(57_000), False)
        assert r.venue.open_ids() == {order.venue_order_id}
        assert sent(r) == {
            "symbol": "btcusdt", "clientOrderId": asked.client_order_id, "side": "BUY", "positionSide": "LONG",
            "isolated": True, "quantity": "0.01", "price": "59000", "type": "LIMIT", "timeInForce": "POST_ONLY",
            "tpTriggerType": "MARK_PRICE", "tpTriggerPrice": "63000", "slTriggerType": "MARK_PRICE",
            "slTriggerPrice": "57000", "orderRespType": "ACK",
        }  # fmt: skip
        assert await r.find(asked) == order
        # A program that remembers nothing is told the same.
        (bare,) = await r.another().fetch_open_orders()
        assert (bare.client_order_id, bare.post_only, bare.type) == (asked.client_order_id, True, OrderType.LIMIT)
        assert (bare.take_profit, bare.stop_loss) == (D(63_000), D(57_000))


EIGHT: dict[str, tuple[OrderType, dict[str, Any]]] = {
    "LIMIT": (OrderType.LIMIT, {}),
    "MARKET": (OrderType.MARKET, {}),
    "CONDITIONAL_MARKET": (OrderType.STOP, {}),
    "CONDITIONAL_LIMIT": (OrderType.TAKE_PROFIT_LIMIT, {"price": D(59_500)}),
    "STOP_LOSS_MARKET": (OrderType.STOP, CLOSES),
    "STOP_LOSS_LIMIT": (OrderType.STOP_LIMIT, CLOSES),
    "TAKE_PROFIT_MARKET": (OrderType.TAKE_PROFIT, CLOSES),
    "TAKE_PROFIT_LIMIT": (OrderType.TAKE_PROFIT_LIMIT, CLOSES | {"price": D(61_000)}),
}


@pytest.mark.parametrize("word", EIGHT)
async def test_each_of_the_eight_types(venue: Exchange, word: str) -> None:
    kind, more = EIGHT[word]
    async with rig(venue) as r:
        if more.get("reduce_only"):
            await r.opened(wish(OrderType.MARKET))
        asked = wish(kind, **more)
        order = await r.submit(asked)
        body = sent(r)
        assert (body["type"], body.get("conditional")) == (word, True if word.startswith("COND") else None)
        assert (body["side"], body["positionSide"]) == ("SELL" if more.get("reduce_only") else "BUY", "LONG")
        if kind.has_trigger:
            assert (body["triggerType"], D(body["triggerPrice"])) == ("MARK_PRICE", asked.trigger_price)
        expected = OrderStatus.FILLED if kind is OrderType.MARKET else OrderStatus.NEW
        assert (order.type, order.status, order.is_triggered) == (kind, expected, False)
        assert (order.trigger_price, order.reduce_only) == (asked.trigger_price, asked.reduce_only)
        assert order.position_id == ("long:isolated" if asked.reduce_only else "")
        # What is read without having placed it: direction and all.
        anew = r.another()
        bare = await anew.fetch_order(BTC_ID, asked.client_order_id)
        assert (bare.type, bare.trigger_price, bare.reduce_only) == (kind, asked.trigger_price, asked.reduce_only)
        assert (bare.position_id, bare.price) == (order.position_id, order.price)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.TAKE_PROFIT_LIMIT])
async def test_a_conditional_order_is_one_order_before_and_after_its_trigger(
    venue: Exchange, kind: OrderType, side: Side
) -> None:
    async with rig(venue) as r:
        price = {"price": D(60_000)} if kind.has_price else {}
        order = await r.submit(wish(kind, side=side, **price))
        assert order.trigger_price is not None
        venue.mark(order.trigger_price)
        found = await triggered(r, order.client_order_id)
        assert (found.venue_order_id, found.type, found.is_triggered) == (order.venue_order_id, kind, True)
        bare = await r.another().fetch_order(BTC_ID, order.client_order_id)
        assert (bare.type, bare.is_triggered, bare.status) == (kind, True, found.status)


async def triggered(r: Rig, client_id: str) -> Order:
    """Returns an order once the venue says that it was triggered."""
    found: list[Order] = []

    async def is_triggered() -> bool:
        found.append(await r.orders.fetch_order(BTC_ID, client_id))
        return found[-1].is_triggered

    await until_found(is_triggered, 5.0, "it is not triggered")
    return found[-1]


async def test_sides_and_what_closes(venue: Exchange) -> None:
    async with rig(venue) as r:
        long = await r.opened(wish(OrderType.MARKET))
        short = await r.opened(wish(OrderType.MARKET, side=Side.SELL, margin_mode=MarginMode.CROSS))
        assert (long, short) == ("long:isolated", "short:cross")
        for request, side, isolated in (
            (wish(OrderType.MARKET, **CLOSES | {"quantity": D("0.004")}), "LONG", True),
            (wish(price=D(59_500), reduce_only=True, position_id=short, quantity=D("0.003")), "SHORT", False),
        ):
            order = await r.submit(request)
            assert (order.reduce_only, order.position_id) == (True, request.position_id)
            assert (sent(r)["positionSide"], sent(r)["isolated"]) == (side, isolated)
        assert order.status is OrderStatus.NEW
        held = {(row.position_side, row.isolated): row.quantity for row in await r.client.positions()}
        assert held == {("LONG", True): D("0.006"), ("SHORT", False): D("0.01")}
        # What closes at once may use what is kept for cancels; what rests may not.
        placed = [each.is_cancel for each in r.noted.made if each.path.endswith("place-order")]
        assert placed == [False, False, True, False]


async def test_the_margin_mode_is_of_the_order_else_of_what_is_held_else_as_it_is_set(venue: Exchange) -> None:
    async with rig(venue, margin_mode="cross") as r:
        await r.submit(wish())
        assert sent(r)["isolated"] is False
        r.terms.modes[BTC, Side.BUY] = MarginMode.ISOLATED
        await r.submit(wish())
        assert sent(r)["isolated"] is True
        await r.submit(wish(side=Side.SELL, price=D(61_000)))
        assert sent(r)["isolated"] is False
        await r.submit(wish(margin_mode=MarginMode.CROSS))
        assert sent(r)["isolated"] is False
        with pytest.raises(NotSent, match="the position is isolated"):
            await r.submit(wish(**CLOSES | {"margin_mode": MarginMode.CROSS}))


async def test_times_in_force(venue: Exchange) -> None:
    async with rig(venue) as r:
        ioc = await r.submit(wish(time_in_force=TimeInForce.IOC))
        assert (ioc.status, ioc.time_in_force, ioc.filled_quantity) == (
            OrderStatus.EXPIRED, TimeInForce.IOC, D(0),
        )  # fmt: skip
        fok = await r.submit(wish(time_in_force=TimeInForce.FOK, price=D(60_100)))
        assert (fok.status, fok.average_price) == (OrderStatus.FILLED, D("60000.5"))
        crossing = await r.submit(wish(post_only=True, price=D(60_100)))
        assert (crossing.status, crossing.filled_quantity) == (OrderStatus.EXPIRED, D(0))
        market = await r.submit(wish(OrderType.MARKET, time_in_force=TimeInForce.FOK))
        assert (market.status, sent(r)["timeInForce"]) == (OrderStatus.FILLED, "FOK")
        assert r.venue.open_ids() == set()


async def test_attached_exits_are_orders_of_their_own_once_it_fills(venue: Exchange) -> None:
    async with rig(venue) as r:
        parent = await r.submit(wish(OrderType.MARKET, take_profit=D(63_000), stop_loss=D(57_000)))
        assert parent.status is OrderStatus.FILLED
        exits = {each.type: each for each in await r.orders.fetch_open_orders()}
        assert set(exits) == {OrderType.TAKE_PROFIT, OrderType.STOP}
        for each, trigger in ((exits[OrderType.TAKE_PROFIT], 63_000), (exits[OrderType.STOP], 57_000)):
            assert (each.side, each.reduce_only, each.position_id) == (Side.SELL, True, "long:isolated")
            assert (each.trigger_price, each.quantity) == (D(trigger), D("0.01"))
            assert each.client_order_id and each.client_order_id != parent.client_order_id
        gone = await r.cancel(exits[OrderType.STOP])
        assert gone.status is OrderStatus.CANCELED
        assert [each.type for each in await r.orders.fetch_open_orders()] == [OrderType.TAKE_PROFIT]


async def test_one_that_closes_a_whole_position_is_as_large_as_what_is_held(venue: Exchange) -> None:
    async with rig(venue) as r:
        await r.opened(wish(OrderType.MARKET))
        await r.client.place_order(
            NewOrder(
                symbol=BTC, client_order_id="elsewhere", side="SELL", position_side="LONG", isolated=True,
                type="STOP_LOSS_MARKET", close_position=True, trigger_type="MARK_PRICE", trigger_price=D(57_000),
            )
        )  # fmt: skip
        (order,) = await r.orders.fetch_open_orders()
        assert (order.type, order.quantity, order.position_id) == (OrderType.STOP, D("0.01"), "long:isolated")


async def test_what_the_venue_refuses_is_refused_for_good(venue: Exchange) -> None:
    async with rig(venue) as r:
        (purse,) = (await r.client.assets()).accounts
        venue.act("fund", currency="USDT", amount=str(1_000 - purse.account_balance))
        with pytest.raises(InsufficientFunds):
            await r.submit(wish(quantity=D(5)))
        asked = wish(**CLOSES | {"price": D(61_000)})
        with pytest.raises(OrderRejected) as caught:
            await r.submit(asked)
        assert caught.value.code == "4008"
        with pytest.raises(NotSent, match="was sent before"):
            await r.submit(asked)
        await r.opened(wish(OrderType.MARKET))
        with pytest.raises(OrderRejected) as caught:  # no price is fresh here: the venue knows better
            await r.submit(wish(OrderType.STOP, trigger_price=D(61_000), **CLOSES))
        assert caught.value.code == "4006"
        assert venue.open_ids() == set()


async def test_a_trigger_whose_side_nobody_can_tell_does_not_leave(venue: Exchange) -> None:
    async def nothing(instrument: InstrumentId) -> None:
        assert instrument == BTC_ID

    async with rig(venue) as r:
        with pytest.raises(NotSent, match="above the mark price, 60000"):
            await r.submit(wish(OrderType.STOP, trigger_price=D(59_000)))
        with pytest.raises(NotSent, match="the mark price can not be read"):
            await r.another(find_mark=nothing).submit(wish(OrderType.STOP))
        assert r.noted.commands == []


async def test_the_last_price_sets_triggers_off_where_that_is_set(venue: Exchange) -> None:
    async with rig(venue, trigger_price="last") as r:
        with pytest.raises(NotSent, match="the last price can not be read"):
            await r.submit(wish(OrderType.STOP))
        r.lasts[BTC] = D(60_000)
        order = await r.submit(wish(OrderType.STOP))
        assert (order.type, sent(r)["triggerType"]) == (OrderType.STOP, "LAST_PRICE")
        assert (await r.another().fetch_order(BTC_ID, order.client_order_id)).type is OrderType.STOP


LOST = ("lost-reply=reset", "503=executed", "half-body=executed", "html-200=executed", "late-booking=0.2")


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_is_found_by_our_own_id(venue: Exchange, fault: str) -> None:
    async with rig(venue) as r:
        name, value = fault.split("=")
        venue.fault(f"{name}@submit={value}*1")
        asked = wish()
        with pytest.raises(OutcomeUnknown):
            await r.submit(asked)
        assert r.noted.commands == [PLACE]
        await until(venue.open_ids)
        found = await r.find(asked)
        assert (found.status, found.venue_order_id) == (OrderStatus.NEW, *venue.open_ids())
        assert (await r.another().fetch_order(BTC_ID, asked.client_order_id)).quantity == asked.quantity
        assert r.noted.commands == [PLACE]


async def test_the_codes_and_statuses_that_prove_nothing(venue: Exchange) -> None:
    async with rig(venue) as r:
        for fault in ("maintenance", "never-executed@submit", "closed-after@submit=unexecuted"):
            venue.fault(f"{fault}*1" if fault != "maintenance" else fault)
            asked = wish()
            with pytest.raises(OutcomeUnknown):
                await r.submit(asked)
            venue.fault("")
            with pytest.raises(OrderNotFound):
                await r.find(asked)
            known = r.orders.memory.find(asked.client_order_id, "")
            assert known is not None and known.last is None
        assert r.noted.commands == [PLACE] * 3


async def test_a_lost_one_that_is_over_is_found_in_the_history(venue: Exchange) -> None:
    async with rig(venue) as r:
        for changes, status in (
            ({"kind": OrderType.MARKET}, OrderStatus.FILLED),
            ({"time_in_force": TimeInForce.IOC}, OrderStatus.EXPIRED),
        ):
            venue.fault("lost-reply@submit=reset*1")
            asked = wish(**changes)
            with pytest.raises(OutcomeUnknown):
                await r.submit(asked)
            assert (await r.find(asked)).status is status
