"""Instruments and public data: sane, complete, in order, and in the end the exchange's own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.contract.rig import ACCOUNT_POLLED, VENUES, Desk, Rig, is_top_of
from tests.contract.scene import Scene, scene_of
from tests.contract.waiting import passes, until
from venues.book import Book
from venues.commands import Channel, Subscription
from venues.errors import RequestError, VenueError
from venues.events import (
    BarUpdate,
    BookDelta,
    BookSnapshot,
    Event,
    FillUpdate,
    Level,
    MarkPrice,
    OrderUpdate,
    Ticker,
    Trade,
)
from venues.model import NANOSECONDS, ZERO, Bar, InstrumentId, Side, decimals_of

CROWD_EVENTS = 2_000
_MILLISECOND = 0.002  # seconds, and surely another one by the exchange's clock


@pytest.fixture(params=[name for name in VENUES if name not in ACCOUNT_POLLED])  # there it is the same
def venue_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_instruments_are_sane(rig: Rig) -> None:
    assert rig.instruments
    for one in await rig.venue.fetch_instruments():
        assert one.id.venue == rig.name
        assert one.name and one.base and one.quote and one.settle
        assert one.tick_size > 0 and one.lot_size > 0 and one.contract_size > 0
        assert decimals_of(one.tick_size) <= 12 and decimals_of(one.lot_size) <= 12
        assert one.min_quantity >= 0 and one.min_notional >= 0
        assert one.max_quantity is None or one.max_quantity > one.min_quantity
        assert one.taker_fee >= one.maker_fee and abs(one.taker_fee) < 1
        assert one.max_leverage >= 1
        assert one.is_tradable or one.note
    truth = await rig.state()
    assert {one.symbol for one in rig.instruments} == set(truth.books)


async def test_the_book_is_the_exchanges_own_after_thousands_of_events(desk: Desk) -> None:
    rig = desk.rig
    await rig.control.act(do="resume")
    seen, levels = desk.mark, 0

    def is_enough() -> bool:
        nonlocal seen, levels
        told: list[BookDelta | BookSnapshot] = [*desk.of(BookDelta, seen)]
        if rig.exchange.is_polled:  # whole books, one after the other
            told += desk.of(BookSnapshot, seen)
        levels += sum(len(event.bids) + len(event.asks) for event in told)
        seen = desk.mark
        return levels > CROWD_EVENTS

    await desk.until(is_enough, "too few changes of the book")
    await rig.control.act(do="quiet")
    await desk.in_step()
    # An adapter's own book is there before its last event has been told.
    await desk.until(
        lambda: desk.rebuilt_book().top(50) == desk.book.top(50), "the events do not make the adapter's book"
    )
    # The first word about a book is the whole of it, and it was never broken but by a connection that was lost.
    books = [
        event for event in desk.of(BookSnapshot) + desk.of(BookDelta) if event.instrument == desk.instrument.id
    ]
    assert isinstance(books[0], BookSnapshot)
    broken = [line.text for line in desk.store._log if "book is invalid" in line.text]
    assert not [text for text in broken if "the connection was lost" not in text]


async def test_a_book_that_is_asked_for_is_the_exchanges_own(rig: Rig, scene: Scene) -> None:
    book = await rig.venue.fetch_order_book(scene.instrument.id, 20)
    truth = (await rig.state()).books[scene.symbol]
    assert figures(book.bids) == figures(truth.bids)
    assert figures(book.asks) == figures(truth.asks)


def figures(levels: Sequence[Level]) -> list[tuple[Decimal, Decimal]]:
    """Returns what is written: one venue writes 0.0007142 and 0.00071420 of the same size."""
    return [(Decimal(price), Decimal(quantity)) for price, quantity in levels]


async def test_trades_come_once_and_in_order(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    start = desk.mark
    expected = []
    for number in range(12):
        side = Side.BUY if number % 3 else Side.SELL
        await scene.quote(side.opposite, scene.against(side), 1)
        await scene.trade(side, 1)
        expected.append((side, scene.against(side), scene.unit))
        await passes(_MILLISECOND)  # equal trades of one are no two where a stream does not number them

    def told() -> list[Trade]:
        return [trade for trade in desk.of(Trade, start) if trade.instrument == desk.instrument.id]

    await desk.until(lambda: len(told()) >= len(expected), "the trades do not come")
    trades = told()
    assert [(trade.side, trade.price, trade.quantity) for trade in trades] == expected
    assert len({trade.trade_id for trade in trades}) == len(trades)
    assert [trade.ts_event for trade in trades] == sorted(trade.ts_event for trade in trades)
    fetched = await desk.rig.venue.fetch_trades(desk.instrument.id, len(expected))
    assert [trade.trade_id for trade in fetched] == [trade.trade_id for trade in trades]
    assert [(trade.side, trade.price, trade.quantity) for trade in fetched] == expected
    # Those of before the desk came are fetched, and then not told again as new ones.
    tape = [trade.trade_id for trade in desk.store.markets[desk.instrument.id].tape]
    assert len(set(tape)) == len(tape)


async def test_tickers_follow_the_market(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    await scene.trade(Side.BUY, 1)

    def newest() -> Ticker | None:
        mine = [ticker for ticker in desk.of(Ticker) if ticker.instrument == desk.instrument.id]
        return mine[-1] if mine else None

    await desk.until(lambda: (ticker := newest()) is not None and ticker.last == scene.at(1), "no ticker of it")
    (fetched,) = await desk.rig.venue.fetch_tickers([desk.instrument.id])
    assert fetched.instrument == desk.instrument.id
    assert fetched.last == scene.at(1)
    if fetched.bid is not None and fetched.ask is not None:
        assert fetched.bid < fetched.ask
    if fetched.high is not None and fetched.low is not None:
        assert fetched.low <= fetched.last <= fetched.high


async def test_several_tickers_are_fetched_at_once(rig: Rig) -> None:
    wanted = list(rig.instruments)[:3]
    assert [ticker.instrument for ticker in await rig.venue.fetch_tickers(wanted)] == wanted


async def test_bars_of_every_interval(rig: Rig, scene: Scene) -> None:
    await scene.trade(Side.BUY, 1)
    await scene.trade(Side.SELL, 1)
    assert rig.can.bar_intervals
    for interval in rig.can.bar_intervals:
        bars = await rig.venue.fetch_bars(scene.instrument.id, interval, 5)
        assert 1 <= len(bars) <= 5, interval
        now = (await rig.state()).now_ns
        for bar in bars:
            check_bar(bar, scene.instrument.id, interval)
        starts = [bar.ts_open for bar in bars]
        assert starts == sorted(set(starts))
        assert bars[-1].ts_open <= now < bars[-1].ts_open + 2 * interval * NANOSECONDS
        assert bars[-1].close == scene.at(-1), interval


def check_bar(bar: Bar, instrument: InstrumentId, interval: int) -> None:
    assert (bar.instrument, bar.interval) == (instrument, interval)
    assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    assert bar.low > ZERO and bar.volume >= ZERO
    assert bar.ts_open % (min(interval, 60) * NANOSECONDS) == 0


async def test_live_bars_follow_the_trades(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    await scene.trade(Side.BUY, 5)  # through the first level into the second

    def closes() -> list[Bar]:
        return [update.bar for update in desk.of(BarUpdate) if update.bar.close == scene.at(2)]

    await desk.until(closes, "no candle tells of the trade")
    for bar in closes():
        check_bar(bar, desk.instrument.id, desk.store.interval)


async def test_mark_prices_of_a_perpetual(desk: Desk) -> None:
    perpetual = desk.rig.perpetual()
    if perpetual is None:
        assert not desk.rig.can.positions or not desk.rig.can.leverage
        return
    await desk.rig.control.act(do="resume")
    await desk.link.subscribe(Subscription(Channel.MARK, perpetual.id))
    await desk.until(lambda: desk.of(MarkPrice), "no mark price")
    for told in desk.of(MarkPrice):
        assert told.instrument == perpetual.id
        assert told.mark > 0
        assert told.funding_rate is None or abs(told.funding_rate) < 1


async def test_a_subscription_twice_is_once_and_ends_when_it_is_ended(desk: Desk) -> None:
    rig, wish = desk.rig, Subscription(Channel.TRADES, desk.instrument.id)
    scene = await scene_of(rig, desk.instrument)
    await rig.venue.subscribe(wish)
    start = desk.mark
    await scene.trade(Side.BUY, 1)
    await desk.until(lambda: desk.of(Trade, start), "no trade")
    assert len(desk.of(Trade, start)) == 1
    await rig.venue.unsubscribe(wish)
    await rig.venue.unsubscribe(wish)
    start = desk.mark
    await scene.trade(Side.SELL, 1)
    # What comes by another channel says that the trade has been told of by now.
    await desk.until(
        lambda: any(one.last == scene.at(-1) for one in desk.of(Ticker, start)), "the ticker does not follow"
    )
    assert desk.of(Trade, start) == []


async def test_a_reader_that_comes_late_gets_all_that_matters(rig: Rig, scene: Scene) -> None:
    """Nobody takes what is told for a while: the market may be told anew, nothing of the account may be lost."""
    past = {fill.trade_id for fill in (await rig.state()).fills}
    for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER):
        await rig.venue.subscribe(Subscription(channel, scene.instrument.id))
    await rig.venue.subscribe(Subscription(Channel.ACCOUNT))
    requests = [scene.order(Side.BUY, units=3, price=scene.at(0)), *(scene.order() for _ in range(5))]
    for request in requests:
        await rig.venue.submit_order(request)
    for _ in range(3):
        await scene.trade(Side.SELL, 1)
    began = (await rig.state()).now_ns
    await rig.control.act(do="resume")
    await rig.until_true(lambda state: state.now_ns > began + 10**9, "time does not pass")
    await rig.control.act(do="quiet")
    truth = await rig.state()
    told: list[Event] = []
    book = Book(scene.instrument.id)

    async def read() -> None:
        async for batch in rig.venue.events():
            told.extend(batch)
            for event in batch:
                if isinstance(event, (BookSnapshot, BookDelta)):
                    book.apply(event)

    names = [request.client_order_id for request in requests]

    def fills() -> list[str]:
        """All that there were but what was done before: the last of that may be news as well."""
        found = (event.fill.trade_id for event in told if isinstance(event, FillUpdate))
        return sorted(trade_id for trade_id in found if trade_id not in past)

    def untold() -> set[str]:
        return set(names) - {event.order.client_order_id for event in told if isinstance(event, OrderUpdate)}

    def has_all() -> bool:
        return fills() == mine and not untold()

    def is_in_step() -> bool:
        true = truth.books[scene.symbol]
        return book.is_valid and is_top_of(book.top(50)[0], true.bids) and is_top_of(book.top(50)[1], true.asks)

    mine = sorted(fill.trade_id for fill in truth.fills if fill.client_id in names)
    reading = asyncio.create_task(read())
    try:
        await until(has_all, rig.patience, "what was told before the reader came is lost")
    except AssertionError as error:
        raise AssertionError(f"{error}: fills {fills()} of {mine}, orders without a word {untold()}") from None
    await until(is_in_step, rig.patience, "the book is not the exchange's")
    await rig.venue.aclose()
    await reading


@pytest.mark.parametrize("channel", [Channel.BOOK, Channel.TRADES, Channel.TICKER])
async def test_an_instrument_that_there_is_not(rig: Rig, channel: Channel) -> None:
    nowhere = InstrumentId(rig.name, "NOWHERE-USDT")
    with pytest.raises(RequestError) as caught:
        await rig.venue.subscribe(Subscription(channel, nowhere))
    assert caught.value.message
    with pytest.raises(VenueError):
        match channel:
            case Channel.BOOK:
                await rig.venue.fetch_order_book(nowhere, 5)
            case Channel.TRADES:
                await rig.venue.fetch_trades(nowhere, 5)
            case _:
                await rig.venue.fetch_tickers([nowhere])


async def test_the_venues_clock(rig: Rig) -> None:
    await until(lambda: rig.venue.venue_time() is not None, rig.patience, "the clock is not known")
    said = rig.venue.venue_time()
    assert said is not None
    truth = (await rig.state()).now_ns
    later = rig.venue.venue_time()
    assert later is not None
    assert said.uncertainty >= 0
    assert said.now - said.uncertainty <= truth <= later.now + later.uncertainty
