"""Orders and cancels at a scripted MAX: what is sent, what an answer proves, and how the truth is found."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.max.scripted_venue import TIME_MS, name_of, order_row, ticker_row
from tests.venues.max.venue_rig import BTC, books_orders, connected, request_for
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import (
    InsufficientFunds,
    MissingCredentials,
    NotSent,
    OrderError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
)
from venues.model import MarginMode, OrderStatus, OrderType, Side, TimeInForce
from venues.port import Departure

PLACE, CANCEL, SWEEP = "POST /wallet/spot/order", "DELETE /order", "DELETE /wallet/spot/orders"
GET = CancelRequest(instrument=BTC, client_order_id="s1", venue_order_id="")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (request_for(), {"ord_type": "limit", "price": "30000", "side": "buy", "volume": "1"}),
        (request_for(OrderType.MARKET, side=Side.SELL), {"ord_type": "market", "side": "sell", "volume": "1"}),
        (request_for(post_only=True), {"ord_type": "post_only", "price": "30000"}),
        (request_for(time_in_force=TimeInForce.IOC), {"ord_type": "ioc_limit", "price": "30000"}),
        (request_for(OrderType.STOP), {"ord_type": "stop_market", "stop_price": "31000"}),
        (request_for(OrderType.STOP_LIMIT), {"ord_type": "stop_limit", "price": "30000", "stop_price": "31000"}),
        (request_for(quantity=Decimal("1E+3")), {"volume": "1000"}),
        (request_for(quantity=Decimal("1E-8")), {"volume": "0.00000001"}),
    ],
)  # fmt: skip
def test_every_kind_of_order(request_: OrderRequest, expected: dict[str, str]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            rig.rest.on(PLACE, order_row())
            rig.rest.on("GET /order", order_row())
            rig.rest.on("GET /ticker", ticker_row("btctwd", last="30500"))
            order = await rig.venue.submit_order(request_, depart=rig.depart)
            (call,) = rig.rest.of(PLACE)
            assert call.parameters.items() >= expected.items() | {"client_oid": "s1", "market": "btctwd"}.items()
            assert "wallet_type" not in call.parameters
            assert order.venue_order_id == "501"
            (departure,) = rig.departures
            assert departure.nonce == call.nonce
            assert departure.deadline == departure.nonce * 10**6 + 30 * 10**9

    run()


@pytest.mark.parametrize(
    "request_",
    [
        request_for(OrderType.TAKE_PROFIT), request_for(time_in_force=TimeInForce.FOK),
        request_for(reduce_only=True), request_for(leverage=Decimal(2)),
        request_for(take_profit=Decimal(40_000)), request_for(position_id="long"),
        request_for(margin_mode=MarginMode.ISOLATED), request_for(client_order_id="no blanks here"),
        request_for(OrderType.STOP, trigger_price=Decimal(90)), request_for(client_order_id="x" * 37),
        request_for(OrderType.STOP_LIMIT, time_in_force=TimeInForce.IOC),
    ],
)  # fmt: skip
def test_what_the_venue_does_not_have_is_not_sent(request_: OrderRequest) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            rig.rest.on("GET /ticker", ticker_row("btctwd", last="100"))
            with pytest.raises(NotSent):
                await rig.venue.submit_order(request_, depart=rig.depart)
            assert not rig.departures
            assert rig.rest.commands == []

    run()


@in_virtual_time
async def test_a_stop_on_the_wrong_side_of_the_market_is_not_sent() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /ticker", ticker_row("btctwd", last="100"))
        with pytest.raises(NotSent, match="below"):
            await rig.venue.submit_order(
                request_for(OrderType.STOP, side=Side.SELL, trigger_price=Decimal(101)), depart=rig.depart
            )
        assert rig.rest.commands == []


@in_virtual_time
async def test_a_journal_that_denies_keeps_everything_here() -> None:
    async with connected(has_key=True) as rig:

        async def deny(_: Departure) -> None:
            assert rig.rest.commands == []
            raise NotSent("max", "the journal is full")

        with pytest.raises(NotSent):
            await rig.venue.submit_order(request_for(), depart=deny)
        with pytest.raises(NotSent):
            await rig.venue.cancel_order(GET, depart=deny)
        with pytest.raises(NotSent):
            await rig.venue.cancel_all_orders(depart=deny)
        assert rig.rest.commands == []


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (2018, 400, InsufficientFunds), (2016, 400, OrderRejected), (1001, 400, OrderRejected),
        (2007, 401, OrderRejected), (2006, 401, OrderRejected), (2002, 400, OutcomeUnknown),
        (9999, 400, OutcomeUnknown), (2018, 500, OutcomeUnknown), (2018, 200, InsufficientFunds),
    ],
)  # fmt: skip
def test_what_an_answer_proves(code: int, status: int, kind: type[Exception]) -> None:
    """An error key in a 200 is an error; whatever is not on the list proves nothing."""

    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            rig.rest.refuse(PLACE, code, status)
            with pytest.raises(kind):
                await rig.venue.submit_order(request_for(), depart=rig.depart)
            assert rig.rest.commands == [PLACE]

    run()


@pytest.mark.parametrize("answer", [b"<html>", b"", b"{}", order_row(market="ethtwd"), order_row(client_oid="s2")])
def test_an_answer_that_is_none_leaves_it_open(answer: Any) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            rig.rest.on(PLACE, answer)
            with pytest.raises(OutcomeUnknown):
                await rig.venue.submit_order(request_for())
            assert rig.rest.commands == [PLACE]

    run()


@in_virtual_time
async def test_an_order_is_accepted_and_the_stream_tells_the_truth() -> None:
    async with connected(account=True) as rig:
        books_orders(rig, S="done", ev="1.0", rv="0.0", ap="29999.5")
        order = await rig.venue.submit_order(request_for())
        assert (order.status, order.filled_quantity, order.average_price) == (
            OrderStatus.FILLED, Decimal("1.0"), Decimal("29999.5"),
        )  # fmt: skip


@in_virtual_time
async def test_an_order_that_fails_behind_the_queue_is_rejected() -> None:
    async with connected(account=True) as rig:
        books_orders(rig, S="failed")
        assert (await rig.venue.submit_order(request_for())).status is OrderStatus.REJECTED
        await until(lambda: rig.orders and rig.orders[-1].status is OrderStatus.REJECTED)


@in_virtual_time
async def test_without_the_stream_a_read_tells() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on(PLACE, order_row())
        rig.rest.on("GET /order", order_row(executed_volume="0.5", updated_at=TIME_MS + 9))
        order = await rig.venue.submit_order(request_for())
        assert order.status is OrderStatus.PARTIALLY_FILLED
        assert [name_of(call) for call in rig.rest.of("GET /order")]


@in_virtual_time
async def test_a_client_id_is_never_used_twice() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on(PLACE, order_row())
        rig.rest.on("GET /order", order_row())
        await rig.venue.submit_order(request_for())
        with pytest.raises(NotSent):
            await rig.venue.submit_order(request_for())
        assert rig.rest.commands == [PLACE]


@in_virtual_time
async def test_nothing_is_amended_here() -> None:
    async with connected(has_key=True) as rig:
        change = AmendRequest(instrument=BTC, client_order_id="s1", venue_order_id="", price=Decimal(1))
        assert not rig.venue.capabilities.amend
        with pytest.raises(NotSent, match="cancel it"):
            await rig.venue.amend_order(change, depart=rig.depart)
        assert not rig.departures
        assert rig.rest.commands == []


@in_virtual_time
async def test_without_a_key_nothing_is_sent_and_nothing_read() -> None:
    async with connected() as rig:
        with pytest.raises(NotSent):
            await rig.venue.submit_order(request_for())
        with pytest.raises(NotSent):
            await rig.venue.cancel_order(GET)
        with pytest.raises(NotSent):
            await rig.venue.cancel_all_orders()
        for read in (rig.venue.fetch_balances(), rig.venue.fetch_open_orders(), rig.venue.fetch_fills(0)):
            with pytest.raises(MissingCredentials):
                await read
        assert all(call.nonce is None for call in rig.rest.calls)


@in_virtual_time
async def test_nonces_are_never_used_twice_not_even_where_a_read_is_tried_again() -> None:
    async with connected(has_key=True) as rig:
        answers = iter([(503, b"busy"), (200, b"[]")])
        first = next(answers)
        rig.rest.on("GET /wallet/spot/accounts", first[1], first[0])
        reading = asyncio.ensure_future(rig.venue.fetch_balances())
        await until(lambda: rig.rest.of("GET /wallet/spot/accounts"))
        rig.rest.statuses.clear()
        rig.rest.on("GET /wallet/spot/accounts", [])
        assert await reading == []
        nonces = [call.nonce for call in rig.rest.calls if call.nonce is not None]
        assert len(set(nonces)) == len(nonces) >= 2
        assert issubclass(OrderNotFound, OrderError)
