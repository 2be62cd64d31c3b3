"""What an answer to a new order proves, and what it does not; what the stream tells in its place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.venues.mayex.orders_rig import BTC_ID, D, wish
from tests.venues.mayex.scripted_orders import NOW, Scripted, answer_row, past, row, scripted
from tests.venues.transport.stream_rig import until
from venues.commands import AmendRequest, OrderRequest
from venues.errors import (
    DuplicateClientOrderId,
    MissingCredentials,
    NotSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
)
from venues.mayex.pushes import PushedOrder
from venues.model import Order, OrderStatus, OrderType, TimeInForce
from venues.port import Departure


async def outcome(s: Scripted, request: OrderRequest) -> Order | VenueError:
    try:
        return await s.orders.submit(request)
    except VenueError as error:
        return error


async def test_an_id_that_is_there_already_is_no_refusal_of_the_order_that_has_it() -> None:
    """4014: something on the way has sent it twice, and the first one is there."""
    async with scripted() as s:
        s.venue.refusal(4014)
        s.venue.resting = [row(7, "s1")]
        order = await s.orders.submit(wish(client_order_id="s1"))
        assert (order.venue_order_id, order.status) == ("7", OrderStatus.NEW)
        assert s.venue.paths.count("place-order") == 1
        s.venue.past = [past(8, "s2", status="FILLED", executedQty="0.010", avlPrice="59000.0")]
        over = await s.orders.submit(wish(client_order_id="s2"))
        assert (over.status, over.average_price) == (OrderStatus.FILLED, D(59_000))


async def test_an_id_that_is_there_and_shown_nowhere_stays_unknown() -> None:
    async with scripted() as s:
        s.venue.refusal(4014)
        with pytest.raises(OutcomeUnknown, match="which may be this one"):
            await s.orders.submit(wish(client_order_id="s1"))
        known = s.orders.memory.find("s1", "")
        assert known is not None and known.last is None
        s.venue.resting = [row(7, "s1")]
        assert (await s.orders.fetch_order(BTC_ID, "s1")).venue_order_id == "7"
        assert s.venue.paths.count("place-order") == 1


@pytest.mark.parametrize("other", [{"transactTime": NOW - 3_600_000}, {"side": "SELL"}, {"origQty": "0.020"}])
async def test_an_id_that_another_order_has_is_a_refusal(other: dict[str, object]) -> None:
    async with scripted() as s:
        s.venue.refusal(4014)
        s.venue.past = [past(7, "s1", **other)]
        with pytest.raises(DuplicateClientOrderId):
            await s.orders.submit(wish(client_order_id="s1"))
        known = s.orders.memory.find("s1", "")
        assert known is not None and known.last is not None
        assert (known.last.status, known.last.venue_order_id) == (OrderStatus.REJECTED, "")


async def test_an_order_that_was_taken_without_a_word_is_looked_for() -> None:
    async with scripted() as s:
        s.venue.data(None)
        s.venue.resting = [row(7, "s1")]
        assert (await s.orders.submit(wish(client_order_id="s1"))).venue_order_id == "7"
        with pytest.raises(OutcomeUnknown, match="does not tell its number"):
            await s.orders.submit(wish(client_order_id="s2"))


@pytest.mark.parametrize("other", [{"symbol": "ethusdt"}, {"clientOrderId": "s9"}, {"orderId": 0}, {"side": "X"}])
async def test_an_answer_about_another_order_proves_nothing(other: dict[str, object]) -> None:
    async with scripted() as s:
        s.venue.data(answer_row(7, "s1") | other)
        assert isinstance(await outcome(s, wish(client_order_id="s1")), OutcomeUnknown)


@pytest.mark.parametrize(("code", "status"), [(100, 200), (9_999, 200), (1013, 200), (0, 500), (4006, 503)])
async def test_what_proves_nothing_leaves_it_unknown(code: int, status: int) -> None:
    async with scripted() as s:
        s.venue.refusal(code, status=status)
        assert isinstance(await outcome(s, wish(client_order_id="s1")), OutcomeUnknown)
        known = s.orders.memory.find("s1", "")
        assert known is not None and known.last is None


@pytest.mark.parametrize(("code", "status"), [(4006, 200), (401, 401), (403, 403), (404, 404), (405, 405)])
async def test_what_proves_the_refusal_ends_it(code: int, status: int) -> None:
    async with scripted() as s:
        s.venue.refusal(code, status=status)
        assert isinstance(await outcome(s, wish(client_order_id="s1")), OrderRejected)
        with pytest.raises(NotSent, match="was sent before"):
            await s.orders.submit(wish(client_order_id="s1"))


async def test_a_refusal_of_what_the_stream_tells_of_proves_nothing() -> None:
    """Something on the way has sent it twice: the second was refused for want of margin."""
    async with scripted(is_heard=True) as s:
        s.venue.refusal(408)

        def told(_: str) -> None:
            s.orders.take_push(pushed(7, "s1"))

        s.venue.on_command = told
        with pytest.raises(OutcomeUnknown, match="yet the venue tells of it"):
            await s.orders.submit(wish(client_order_id="s1"))
        known = s.orders.memory.find("s1", "")
        assert known is not None and known.last is not None and known.last.status is OrderStatus.NEW


async def test_a_limit_refuses_and_stops_what_follows() -> None:
    async with scripted() as s:
        s.venue.refusal(429, status=429)
        assert isinstance(await outcome(s, wish()), RateLimited)
        assert isinstance(await outcome(s, wish()), NotSent)
        assert s.venue.paths == ["place-order"]


async def test_the_journal_is_first_and_may_keep_it_here() -> None:
    async with scripted() as s:
        s.venue.data(answer_row(7, "s1"))
        s.venue.resting = [row(7, "s1")]
        departures: list[Departure] = []

        async def note(departure: Departure) -> None:
            departures.append(departure)
            if len(departures) > 1:
                raise NotSent("mayex", "the disk is full")

        await s.orders.submit(wish(client_order_id="s1"), note)
        with pytest.raises(NotSent, match="the disk is full"):
            await s.orders.submit(wish(client_order_id="s2"), note)
        assert s.venue.paths.count("place-order") == 1
        assert departures[0].deadline is None and len(departures[0].body_hash) == 64


async def test_without_a_key_nothing_is_sent() -> None:
    async with scripted(has_key=False) as s:
        with pytest.raises(NotSent, match="there is no API key"):
            await s.orders.submit(wish())
        with pytest.raises(NotSent, match="there is no API key"):
            await s.orders.cancel_all()
        with pytest.raises(MissingCredentials):
            await s.orders.fetch_open_orders()
        assert s.venue.calls == []


async def test_nothing_is_amended() -> None:
    async with scripted() as s:
        amendment = AmendRequest(instrument=BTC_ID, client_order_id="s1", venue_order_id="", price=D(1))
        with pytest.raises(NotSent, match="cancel it, then place it anew"):
            await s.orders.amend(amendment)


async def test_what_the_stream_tells_is_not_read() -> None:
    async with scripted(is_heard=True) as s:
        s.venue.data(answer_row(7, "s1"))
        sending = asyncio.ensure_future(s.orders.submit(wish(client_order_id="s1")))
        await until(lambda: s.orders.memory.find("", "7"))
        assert s.orders.take_push(pushed(7, "s1")) is s.orders.memory.find("s1", "")
        assert (await sending).status is OrderStatus.NEW
        market = asyncio.ensure_future(s.orders.submit(wish(OrderType.MARKET, client_order_id="s2")))
        s.venue.answers.clear()
        s.venue.data(answer_row(8, "s2", type="MARKET", origType="MARKET", price="0.0", timeInForce="IOC"))
        await until(lambda: s.orders.memory.find("s2", ""))
        # Before its answer, and by our id alone: it says NEW, and that all of it has traded.
        s.orders.take_push(pushed(8, "s2", type="MARKET", filled=D("0.010"), average_price=D(60_000)))
        order = await market
        assert (order.status, order.average_price, order.venue_order_id) == (OrderStatus.FILLED, D(60_000), "8")
        assert s.venue.paths == ["place-order", "place-order"]


async def test_a_stream_that_is_silent_is_not_waited_for_long() -> None:
    async with scripted(is_heard=True) as s:
        s.venue.data(answer_row(7, "s1", timeInForce="IOC"))
        s.venue.past = [past(7, "s1", status="EXPIRED", timeInForce="IOC")]
        order = await s.orders.submit(wish(client_order_id="s1", time_in_force=TimeInForce.IOC))
        assert order.status is OrderStatus.EXPIRED
        assert s.venue.paths == ["place-order", "open-orders", "order-histories"]


async def test_a_young_order_that_is_not_shown_yet_is_told_of_all_the_same() -> None:
    async with scripted() as s:
        s.venue.data(answer_row(7, "s1", type="MARKET", price="0.0"))
        order = await s.orders.submit(wish(OrderType.MARKET, client_order_id="s1"))
        assert (order.status, s.told) == (OrderStatus.NEW, [order])
        s.venue.past = [past(7, "s1", type="MARKET", status="FILLED", executedQty="0.010", avlPrice="60000.5")]
        await until(lambda: len(s.told) > 1)
        assert (s.told[-1].status, s.told[-1].average_price) == (OrderStatus.FILLED, D("60000.5"))
        with pytest.raises(OrderNotFound):
            await s.orders.fetch_order(BTC_ID, "s2")


def pushed(number: int, client_id: str, **changes: object) -> PushedOrder:
    """Returns ORDER_TRADE_UPDATE's order with the word NEW, whatever became of it, as the platform's sample."""
    fields: dict[str, Any] = {
        "symbol": "btcusdt", "order_id": number, "client_id": client_id, "filled": D("0.000"),
        "quantity": D("0.010"), "side": "BUY", "position_side": "LONG", "type": "LIMIT", "isolated": True,
        "time_in_force": "GTC", "price": D(59_000), "status": "NEW", "execution": "E_NEW", "time": NOW,
    }  # fmt: skip
    return PushedOrder(**(fields | changes))
