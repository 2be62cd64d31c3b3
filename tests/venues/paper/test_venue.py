"""The paper venue through its port, on a real event loop at the pace of the wall clock."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.venues.paper.venue_setup import ACCOUNT, BTC, BTC_PERP, ETH_PERP, LocalBook, desk, limit, market
from venues.commands import AmendRequest, CancelRequest, Channel, Subscription
from venues.errors import (
    BadRequest,
    ConfigurationError,
    NotSent,
    OrderNotFound,
    OrderRejected,
    UnknownInstrument,
    VenueUnavailable,
)
from venues.events import (
    BalanceUpdate,
    BarUpdate,
    BookDelta,
    BookSnapshot,
    FillUpdate,
    LinkState,
    MarkPrice,
    OrderUpdate,
    PositionUpdate,
    StreamStatus,
    Ticker,
    Trade,
)
from venues.model import InstrumentId, MarginMode, OrderStatus, Side
from venues.paper.bars import INTERVALS
from venues.paper.venue import PaperVenue, Settings, create
from venues.port import Mode, Venue
from venues.registry import create_venue

BOOK = Subscription(Channel.BOOK, BTC_PERP)
BUSY = Settings(rate=2000)


async def test_it_is_a_venue_and_the_registry_makes_it() -> None:
    venue = create_venue("paper", {"seed": "7", "rate": 50})
    assert isinstance(venue, Venue)
    assert isinstance(venue, PaperVenue)
    assert venue.name == "paper"
    assert venue.settings.seed == 7
    assert venue.capabilities.mode is Mode.PAPER
    assert venue.capabilities.bar_intervals == INTERVALS
    assert len(await venue.fetch_instruments()) == 7
    await venue.aclose()


@pytest.mark.parametrize(
    "settings", [{"rate": 0}, {"rate": 6000}, {"latency_ms": -1}, {"speed": -2}, {"rate": "fast"}, {"speeed": 1}]
)
async def test_nonsense_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        create_venue("paper", settings)


async def test_the_book_of_the_stream_is_the_book_that_is_fetched() -> None:
    async with desk(BUSY, BOOK) as listener:
        await listener.until(lambda: len(listener.of(BookDelta)) > 300)
        fetched = await listener.venue.fetch_order_book(BTC_PERP, 10_000)
        await listener.until(lambda: any(e.sequence >= fetched.sequence for e in listener.of(BookDelta)))
        book = LocalBook(BTC_PERP)
        for event in listener.events:
            if isinstance(event, BookDelta) and event.previous == fetched.sequence:
                break
            book.apply(event)
        assert isinstance(next(e for e in listener.events if not isinstance(e, StreamStatus)), BookSnapshot)
        assert book.sequence == fetched.sequence
        assert book.levels() == (fetched.bids, fetched.asks)
        assert {e.instrument for e in listener.of(BookDelta)} == {BTC_PERP}
        shallow = await listener.venue.fetch_order_book(BTC_PERP, 5)
        assert len(shallow.bids) == len(shallow.asks) == 5


async def test_only_what_is_subscribed_comes_and_unsubscribing_ends_it() -> None:
    async with desk(BUSY) as listener:
        trades = Subscription(Channel.TRADES, BTC)
        await listener.venue.subscribe(trades)
        await listener.venue.subscribe(trades)
        await listener.until(lambda: len(listener.of(Trade)) >= 5)
        assert {type(event) for event in listener.events} == {Trade, StreamStatus}
        assert {trade.instrument for trade in listener.of(Trade)} == {BTC}
        assert len({trade.trade_id for trade in listener.of(Trade)}) == len(listener.of(Trade))
        await listener.venue.unsubscribe(trades)
        await listener.venue.subscribe(BOOK)
        await listener.until(lambda: len(listener.of(BookDelta)) > 200)
        start = listener.events.index(listener.of(BookSnapshot)[0])
        assert not any(isinstance(event, Trade) for event in listener.events[start:])


async def test_prices_come_conflated_and_candles_follow_the_trades() -> None:
    channels = (
        Subscription(Channel.TICKER, BTC),
        Subscription(Channel.MARK, BTC_PERP),
        Subscription(Channel.BARS, BTC, 60),
        Subscription(Channel.TRADES, BTC),
    )
    async with desk(Settings(rate=2000, speed=20), *channels) as listener:
        await listener.until(
            lambda: min(len(listener.of(Ticker)), len(listener.of(MarkPrice)), len(listener.of(BarUpdate))) >= 12
        )
        times = [ticker.ts_event for ticker in listener.of(Ticker)]
        assert all(after - before >= 250_000_000 for before, after in pairwise(times))
        ticker = listener.of(Ticker)[-1]
        assert ticker.bid is not None
        assert ticker.ask is not None
        assert ticker.bid < ticker.ask
        assert ticker.low is not None
        assert ticker.high is not None
        assert ticker.low <= ticker.last <= ticker.high
        mark = listener.of(MarkPrice)[-1]
        assert mark.index is not None
        assert abs(mark.mark / mark.index - 1) < Decimal("0.01")
        assert mark.funding_rate is not None
        bars = await listener.venue.fetch_bars(BTC, 60, 500)
        assert len(bars) >= 300
        # Trading goes on between the two looks, so they are close and not equal.
        assert abs(bars[-1].close / (await listener.venue.fetch_tickers([BTC]))[0].last - 1) < Decimal("0.002")
        known = await listener.venue.fetch_trades(BTC, 50)
        assert [trade.ts_event for trade in known] == sorted(trade.ts_event for trade in known)
        assert len(await listener.venue.fetch_trades(BTC, 3)) == 3


async def test_the_tape_and_the_day_are_there_from_the_first_moment() -> None:
    async with desk() as listener:
        for instrument in await listener.venue.fetch_instruments():
            ticker = (await listener.venue.fetch_tickers([instrument.id]))[0]
            assert ticker.open is not None
            assert ticker.volume is not None
            assert ticker.volume > 0
            assert len((await listener.venue.fetch_order_book(instrument.id, 100)).bids) > 10
        assert await listener.venue.fetch_trades(BTC_PERP, 10)


async def test_the_account_is_told_in_full_and_then_every_change() -> None:
    async with desk(BUSY, ACCOUNT) as listener:
        await listener.until(lambda: bool(listener.of(BalanceUpdate)))
        assert {balance.currency for balance in listener.of(BalanceUpdate)[0].balances} >= {"USDT"}
        venue = listener.venue
        bid = Decimal((await venue.fetch_order_book(BTC_PERP, 1)).bids[0][0])
        resting = await venue.submit_order(limit("p-rest", Side.BUY, bid - 5000))
        assert resting.status is OrderStatus.NEW
        filled = await venue.submit_order(market("p-market", Side.BUY, "0.25"))
        assert filled.status is OrderStatus.FILLED
        await listener.until(lambda: bool(listener.of(PositionUpdate)))
        fills = [event.fill for event in listener.of(FillUpdate)]
        assert sum(fill.quantity for fill in fills) == Decimal("0.25")
        assert tuple(fills) == await venue.fetch_fills(0)
        positions = await venue.fetch_positions()
        assert [position.quantity for position in positions] == [Decimal("0.25")]
        assert [order.client_order_id for order in await venue.fetch_open_orders()] == ["p-rest"]
        late = Subscription(Channel.ACCOUNT)
        await venue.unsubscribe(late)
        mark = len(listener.events)
        await venue.subscribe(late)
        await listener.until(lambda: any(isinstance(e, OrderUpdate) for e in listener.events[mark:]))
        kinds = [type(event) for event in listener.events[mark:] if not isinstance(event, StreamStatus)][:3]
        assert kinds == [BalanceUpdate, PositionUpdate, OrderUpdate]


async def test_amend_cancel_and_cancel_all() -> None:
    async with desk(None, ACCOUNT) as listener:
        venue = listener.venue
        bid = Decimal((await venue.fetch_order_book(BTC_PERP, 1)).bids[0][0])
        for number in range(3):
            await venue.submit_order(limit(f"p{number}", Side.BUY, bid - 1000 * (number + 1)))
        await venue.submit_order(limit("p-sell", Side.SELL, bid + 3000))
        amended = await venue.amend_order(
            AmendRequest(instrument=BTC_PERP, client_order_id="p0", venue_order_id="", price=bid - 1500)
        )
        assert amended.price == bid - 1500
        cancel = CancelRequest(instrument=BTC_PERP, client_order_id="p0", venue_order_id="")
        assert (await venue.cancel_order(cancel)).status is OrderStatus.CANCELED
        with pytest.raises(OrderNotFound):
            await venue.cancel_order(cancel)
        assert (await venue.fetch_order(BTC_PERP, "p0")).status is OrderStatus.CANCELED
        gone = await venue.cancel_all_orders(BTC_PERP, Side.BUY)
        assert [order.client_order_id for order in gone] == ["p1", "p2"]
        assert await venue.cancel_all_orders(ETH_PERP) == ()
        assert [order.client_order_id for order in await venue.fetch_open_orders()] == ["p-sell"]
        await venue.set_leverage(ETH_PERP, Decimal(20), MarginMode.ISOLATED)
        with pytest.raises(OrderRejected):
            await venue.set_leverage(ETH_PERP, Decimal(2000), MarginMode.ISOLATED)


async def test_what_is_not_listed_is_refused_by_kind() -> None:
    nowhere = InstrumentId("paper", "DOGE-USDT")
    async with desk() as listener:
        venue = listener.venue
        with pytest.raises(UnknownInstrument):
            await venue.fetch_order_book(nowhere, 5)
        with pytest.raises(UnknownInstrument):
            await venue.subscribe(Subscription(Channel.BOOK, nowhere))
        with pytest.raises(BadRequest, match="60"):
            await venue.fetch_bars(BTC, 61, 5)
        with pytest.raises(BadRequest):
            await venue.subscribe(Subscription(Channel.BARS, BTC, 7))
        with pytest.raises(OrderRejected):
            await venue.set_leverage(nowhere, Decimal(2), MarginMode.CROSS)


async def test_a_closed_market_refuses_as_not_sent_and_its_events_end() -> None:
    venue = create(Settings())
    with pytest.raises(NotSent):
        await venue.submit_order(market("p1", Side.BUY))
    with pytest.raises(VenueUnavailable):
        await venue.fetch_balances()
    await venue.connect()
    await venue.connect()
    slow = asyncio.create_task(PaperVenue.submit_order(venue, market("p2", Side.BUY)))
    await asyncio.sleep(0)
    await venue.aclose()
    await venue.aclose()
    with pytest.raises(NotSent):
        await slow
    with pytest.raises(VenueUnavailable):
        await venue.connect()
    assert [batch async for batch in venue.events()]  # what was queued
    unopened = create(Settings())
    await unopened.aclose()
    assert [batch async for batch in unopened.events()] == []


async def test_status_is_live_with_a_round_trip() -> None:
    async with desk() as listener:
        await listener.until(lambda: len(listener.of(StreamStatus)) >= 2)
        status = listener.of(StreamStatus)[-1]
        assert (status.state, status.round_trip) == (LinkState.LIVE, 200_000)
        assert status.clock_offset is not None
        assert abs(status.clock_offset) < 2_000_000_000


async def test_five_thousand_messages_a_second_are_kept_up_with() -> None:
    channels = [Subscription(Channel.BOOK, one.id) for one in await create(Settings()).fetch_instruments()]
    async with desk(Settings(rate=5000), *channels) as listener:
        await listener.until(lambda: len(listener.of(BookDelta)) >= 10_000)
        books = {one.instrument: LocalBook(one.instrument) for one in channels if one.instrument}
        for event in listener.events:
            if isinstance(event, BookSnapshot | BookDelta):
                books[event.instrument].apply(event)
        assert all(book.snapshots == 1 for book in books.values())
