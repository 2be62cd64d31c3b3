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
from venues.events import (
    BarUpdate,
    BookSnapshot,
    Event,
    FillUpdate,
    MarginUpdate,
    OrderUpdate,
    PositionUpdate,
    Ticker,
    Trade,
)
from venues.max.venue import MaxVenue, Settings
from venues.model import ZERO, Fill, Instrument, InstrumentId, OrderStatus, OrderType, Side
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

    def fills(self) -> list[Fill]:
        return [event.fill for event in self.events if isinstance(event, FillUpdate)]

    def filled(self, name: str) -> Decimal:
        """Returns how much of an order has been filled, in as many parts as the crowd's orders gave."""
        return sum((fill.quantity for fill in self.fills() if fill.client_order_id == name), Decimal(0))

    def held(self) -> list[Decimal]:
        """Returns the size of each position as it was told last."""
        found = (event.position for event in self.events if isinstance(event, PositionUpdate))
        return list({(each.instrument, each.position_id): each.quantity for each in found}.values())

    def owed(self) -> Decimal:
        """Returns the loan of BTC as it was told last."""
        told = [event.account.asset("BTC") for event in self.events if isinstance(event, MarginUpdate)]
        return told[-1].principal if told and told[-1] is not None else ZERO

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
        await until(lambda: desk.filled("day2") == Decimal("0.001"), 20)
        assert {fill.client_order_id for fill in desk.fills()} == {"day2"}
        assert [each.trade_id for each in await venue.fetch_fills(0)] == [fill.trade_id for fill in desk.fills()]
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
        await until(lambda: desk.filled("short1") == Decimal("0.001"), 20)
        await until(lambda: [size for size in desk.held() if size < 0], 20)
        (position,) = [each for each in await venue.fetch_positions() if each.quantity < 0]
        assert position.instrument.symbol.startswith("BTC")
        assert abs(position.quantity + Decimal("0.001")) < Decimal("0.00001")
        assert "loan 0.001 BTC" in position.note
        back = desk.request("short2", Side.BUY, OrderType.MARKET, position_id="m", reduce_only=True)
        await venue.submit_order(back)
        await until(lambda: desk.filled("short2") == Decimal("0.001"), 20)
        await until(lambda: desk.held() == [ZERO], 20)  # what the fee left short is less than can be traded
        await venue.client.create_m_wallet_repayment(currency="btc", amount=Decimal("0.0005"))
        await until(lambda: 0 < desk.owed() < Decimal("0.0006"), 20)  # interest was paid first
