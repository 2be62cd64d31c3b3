"""The venue at the practice exchange, end to end: market data, orders, cancels, a short sale in the M-wallet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.transport.stream_rig import until
from venues.commands import CancelRequest, Channel, OrderRequest, Subscription
from venues.events import BarUpdate, BookSnapshot, Event, FillUpdate, OrderUpdate, PositionUpdate, Ticker, Trade
from venues.max.venue import MaxVenue, Settings
from venues.model import Instrument, InstrumentId, OrderStatus, OrderType, Side
from venues.port import Credentials
from venues.rounding import ceil_to, floor_to
from venues.simulators.serving import Practice, served_in_thread

BTC = InstrumentId("max", "BTCTWD")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Practice]:
    with served_in_thread("max", rate=400.0, seed=3, time_scale=0.1) as practice:
        yield practice


class Desk:
    """The venue, and what it told."""

    def __init__(self, practice: Practice) -> None:
        settings = Settings(
            rest_url=practice.rest_url,
            ws_url=practice.ws_url,
            credentials=Credentials(practice.api_key, practice.api_secret),
            is_practice=True,
            time_scale=0.1,
        )
        self.venue = MaxVenue(settings)
        self.events: list[Event] = []
        self.instrument: Instrument

    async def consume(self) -> None:
        async for batch in self.venue.events():
            self.events += batch

    def has(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    def request(self, name: str, side: Side, kind: OrderType, **more: Any) -> OrderRequest:
        quantity = ceil_to(Decimal("0.001"), self.instrument.lot_size)
        return OrderRequest(instrument=BTC, client_order_id=name, side=side, type=kind, quantity=quantity, **more)

    def away(self) -> Decimal:
        book = self.venue.book(BTC)
        assert book is not None
        best = book.best_bid()
        assert best is not None
        return floor_to(best[0] * Decimal("0.9"), self.instrument.tick_size)


@asynccontextmanager
async def desk_at(practice: Practice) -> AsyncIterator[Desk]:
    desk = Desk(practice)
    consumer = asyncio.create_task(desk.consume())
    try:
        await desk.venue.connect()
        found = {each.id: each for each in await desk.venue.fetch_instruments()}
        desk.instrument = found[BTC]
        await desk.venue.subscribe(Subscription(Channel.BOOK, BTC))
        await desk.venue.subscribe(Subscription(Channel.ACCOUNT))
        book = desk.venue.book(BTC)
        await until(lambda: book is not None and book.is_valid)
        yield desk
    finally:
        await desk.venue.aclose()
        await consumer


async def test_a_day_in_btc_twd(exchange: Practice) -> None:
    async with desk_at(exchange) as desk:
        venue = desk.venue
        for channel in (Channel.TRADES, Channel.TICKER):
            await venue.subscribe(Subscription(channel, BTC))
        await venue.subscribe(Subscription(Channel.BARS, BTC, 60))
        await until(lambda: all(desk.has(kind) for kind in (BookSnapshot, Trade, Ticker, BarUpdate)), 20)
        rested = await venue.submit_order(desk.request("day1", Side.BUY, OrderType.LIMIT, price=desk.away()))
        assert rested.status is OrderStatus.NEW
        assert [order.client_order_id for order in await venue.fetch_open_orders()] == ["day1"]
        cancel = CancelRequest(instrument=BTC, client_order_id="day1", venue_order_id=rested.venue_order_id)
        assert (await venue.cancel_order(cancel)).status is OrderStatus.CANCELED
        await venue.submit_order(desk.request("day2", Side.BUY, OrderType.MARKET))
        await until(lambda: desk.has(FillUpdate), 20)
        (fill,) = [event.fill for event in desk.events if isinstance(event, FillUpdate)]
        assert (fill.client_order_id, fill.quantity) == ("day2", Decimal("0.001"))
        assert [each.trade_id for each in await venue.fetch_fills(0)] == [fill.trade_id]
        for number in range(3):
            await venue.submit_order(
                desk.request(f"day3-{number}", Side.BUY, OrderType.LIMIT, price=desk.away(), post_only=True)
            )
        ended = await venue.cancel_all_orders(BTC, Side.BUY)
        assert {order.status for order in ended} == {OrderStatus.CANCELED}
        assert len(ended) == 3
        assert await venue.fetch_open_orders() == []
        assert desk.has(OrderUpdate)


async def test_a_short_sale_in_the_m_wallet(exchange: Practice) -> None:
    async with desk_at(exchange) as desk:
        venue = desk.venue
        assert await venue.fetch_positions() == []
        await venue.client.create_m_wallet_loan(currency="btc", amount=Decimal("0.001"))
        sale = desk.request("short1", Side.SELL, OrderType.MARKET, in_margin_wallet=True)
        await venue.submit_order(sale)
        await until(lambda: desk.has(FillUpdate), 20)
        (position,) = [each for each in await venue.fetch_positions() if each.quantity < 0]
        assert position.instrument.symbol.startswith("BTC")
        assert abs(position.quantity + Decimal("0.001")) < Decimal("0.00001")
        assert "loan 0.001 BTC" in position.note
        back = desk.request("short2", Side.BUY, OrderType.MARKET, position_id="m", reduce_only=True)
        await venue.submit_order(back)
        await until(lambda: sum(isinstance(event, FillUpdate) for event in desk.events) == 2, 20)
        told = sum(isinstance(event, PositionUpdate) for event in desk.events)
        await venue.client.create_m_wallet_repayment(currency="btc", amount=Decimal("0.0005"))
        await until(lambda: sum(isinstance(event, PositionUpdate) for event in desk.events) > told, 20)
