"""What is told of the market, from a scripted host on the loopback: subscriptions, silence, books that break."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from tests.venues.mayex.scripted_market import (
    BARS,
    BOOK,
    BTC,
    ETH,
    MARK,
    SPOT,
    TICKER,
    TIME_MS,
    TRADES,
    kline,
    mark,
    ticker,
    trade,
    watching,
)
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.errors import BadRequest, ConnectionLost, RequestTimeout, UnknownInstrument
from venues.events import BarUpdate, BookDelta, BookSnapshot, LinkState, MarkPrice, StreamStatus, Ticker, Trade
from venues.mayex.depth import Kind
from venues.model import InstrumentId, Side
from venues.port import KeepsBooks

D = Decimal


@in_virtual_time
async def test_every_kind_of_message_becomes_its_event() -> None:
    async with watching() as rig:
        await rig.wish(BOOK, TRADES, BARS, TICKER, MARK)
        rig.contracts.push(trade(7))
        rig.contracts.push(trade(8, m=False))
        rig.contracts.push(kline())
        rig.contracts.push(ticker())
        rig.contracts.push(mark())
        await until(lambda: rig.of(MarkPrice) and rig.of(Ticker) and rig.of(BookSnapshot))
        sold, bought = rig.of(Trade)
        assert (sold.instrument, sold.trade_id, sold.side, sold.price) == (BTC, "7", Side.SELL, D("30000.5"))
        assert (bought.side, bought.quantity, bought.ts_event) == (Side.BUY, D("0.010"), (TIME_MS + 8) * 10**6)
        (bar,) = [update.bar for update in rig.of(BarUpdate)]
        assert (bar.interval, bar.open, bar.close, bar.volume) == (60, D(101), D(102), D(5))
        (day,) = rig.of(Ticker)
        best = rig.books[BTC].best_bid(), rig.books[BTC].best_ask()
        assert (day.last, day.open, day.volume) == (D("30000.5"), D(29_000), D("1234.5"))
        assert (day.bid, day.ask) == (best[0] and best[0][0], best[1] and best[1][0])
        told = rig.of(MarkPrice)[-1]
        assert (told.mark, told.index, told.funding_rate) == (D("30001.25"), D("30000.11"), D("0.0001"))
        assert told.ts_next_funding == (TIME_MS + 3_600_000) * 10**6
        assert rig.venue._market.fresh_mark(BTC) == told.mark and rig.venue._market.last(BTC) == day.last


@in_virtual_time
async def test_symbol_case_is_the_documents_on_both_sides() -> None:
    async with watching() as rig:
        await rig.wish(TRADES)
        (said,) = {name for method, names in rig.contracts.commands for name in names if "trade" in name}
        assert said == "btcusdt@trade"
        rig.contracts.push(trade(1, s="BTCUSDT"))
        await until(lambda: rig.of(Trade))
        assert rig.of(Trade)[0].instrument == InstrumentId("mayex", "btcusdt")


@in_virtual_time
async def test_what_is_wished_together_is_asked_together_twice_is_once_and_it_ends() -> None:
    async with watching() as rig:
        await rig.wish(BOOK, TRADES, BOOK, TRADES)
        assert [(method, sorted(names)) for method, names in rig.contracts.commands] == [
            ("SUBSCRIBE", ["btcusdt@depth100", "btcusdt@markPrice", "btcusdt@trade"])
        ]
        book = rig.venue.book(BTC)
        await until(lambda: book is not None and book.is_valid)
        await rig.venue.unsubscribe(BOOK)
        await rig.venue.unsubscribe(BOOK)
        assert book is not None and not book.is_valid and rig.venue.book(BTC) is None
        await until(lambda: "btcusdt@depth100" not in rig.contracts.standing)
        assert set(rig.contracts.standing) == {"btcusdt@markPrice", "btcusdt@trade"}
        await rig.venue.unsubscribe(TRADES)
        await until(lambda: not rig.contracts.standing)


@in_virtual_time
async def test_all_is_subscribed_again_after_a_loss_and_the_book_is_broken_meanwhile() -> None:
    async with watching() as rig:
        await rig.wish(BOOK, TRADES)
        book = rig.venue.book(BTC)
        assert book is not None and isinstance(rig.venue, KeepsBooks)
        await until(lambda: rig.books.get(BTC) is not None and rig.books[BTC].is_valid)
        market = rig.contracts.markets.pop("btcusdt")
        rig.contracts.peer.reset()
        await until(lambda: not book.is_valid and not rig.books[BTC].is_valid)
        rig.contracts.markets["btcusdt"] = market
        await until(lambda: book.is_valid and rig.books[BTC].is_valid)
        assert rig.contracts.count("SUBSCRIBE", "btcusdt@depth100") >= 2
        assert LinkState.RECONNECTING in rig.states and rig.state is LinkState.LIVE
        assert rig.books[BTC].top(50) == book.top(50)


@in_virtual_time
async def test_whole_books_replace_and_are_told_as_what_changed() -> None:
    async with watching() as rig:
        await rig.wish(BOOK)
        market = rig.contracts.markets["btcusdt"]
        for _ in range(50):
            rig.contracts.depth(market.move()[0])
        await until(lambda: (book := rig.books.get(BTC)) is not None and book.sequence == market.number)
        assert rig.host.books.reading.kind is Kind.WHOLE
        assert len(rig.of(BookSnapshot)) == 1 and len(rig.of(BookDelta)) == 50
        assert rig.books[BTC].top(100) == tuple(map(list, market.state))


@in_virtual_time
async def test_changes_with_a_gap_a_doublet_and_a_reorder_are_followed_or_resynced() -> None:
    async with watching() as rig:
        await rig.wish(BOOK)
        market, book = rig.contracts.markets["btcusdt"], rig.venue.book(BTC)
        assert book is not None
        first, second, third, fourth = (market.move()[1] for _ in range(4))
        rig.contracts.depth(first, first, third, second, fourth)
        await until(lambda: book.sequence == market.number)
        assert rig.host.books.reading.kind is Kind.CHANGES and rig.host.books.faults == 0
        market.move()
        rig.contracts.depth(market.move()[1])
        await until(lambda: rig.host.books.faults == 1)
        await until(lambda: book.is_valid and book.sequence == market.number)
        assert rig.contracts.count("UNSUBSCRIBE", "btcusdt@depth100") == 1
        assert rig.host.books.faults == 1
        rig.contracts.depth(market.move()[1])
        await until(lambda: rig.books[BTC].sequence == market.number)
        assert rig.books[BTC].top(100) == tuple(map(list, market.state)) == book.top(100)


@in_virtual_time
async def test_a_wrong_guess_breaks_all_books_and_each_is_taken_anew() -> None:
    async with watching() as rig:
        rig.contracts.markets["ethusdt"] = eth = type(rig.contracts.markets["btcusdt"])(2)
        await rig.wish(BOOK, Subscription(Channel.BOOK, ETH))
        btc, books = rig.contracts.markets["btcusdt"], [rig.venue.book(BTC), rig.venue.book(ETH)]
        rig.contracts.depth(btc.move()[0])
        await until(lambda: rig.host.books.reading.kind is Kind.WHOLE)
        best = btc.state[0][0][0]
        del btc.bids[max(btc.bids)]
        previous, btc.number = btc.number, btc.number + 1
        ends = type(btc.whole())(btc.number, btc.number, previous, ((best, "0"),), (), TIME_MS)
        rig.contracts.depth(ends)
        await until(lambda: rig.host.books.reading.kind is Kind.CHANGES)
        assert rig.host.books.faults == 2
        await until(lambda: all(book is not None and book.is_valid for book in books))
        rig.contracts.depth(btc.move()[1])
        rig.contracts.depth(eth.move()[1], symbol="ethusdt")
        await until(lambda: books[0] is not None and books[0].sequence == btc.number)
        await until(lambda: books[1] is not None and books[1].sequence == eth.number)
        assert rig.books[BTC].top(100) == tuple(map(list, btc.state))
        assert rig.books[ETH].top(100) == tuple(map(list, eth.state))


@in_virtual_time
async def test_broken_books_are_asked_for_again_without_a_storm() -> None:
    async with watching(depth="diff") as rig:
        await rig.wish(BOOK)
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: book.is_valid)
        market = rig.contracts.markets.pop("btcusdt")  # nothing whole comes any more
        market.move()
        rig.contracts.depth(market.move()[1])
        await passes(60.0)
        assert 4 <= rig.contracts.count("SUBSCRIBE", "btcusdt@depth100") <= 12
        rig.contracts.markets["btcusdt"] = market
        await until(lambda: book.is_valid, 20.0)


@in_virtual_time
async def test_what_another_subscription_still_tells_is_no_book_to_begin_with() -> None:
    async with watching(depth="diff") as rig:
        await rig.wish(BOOK)
        market, first = rig.contracts.markets["btcusdt"], rig.venue.book(BTC)
        await until(lambda: first is not None and first.is_valid)
        rig.contracts.is_deaf = True
        await rig.venue.unsubscribe(BOOK)
        await passes(0.5)  # the end is on its way
        await rig.venue.subscribe(BOOK)
        book = rig.venue.book(BTC)
        assert book is not None and book is not first
        rig.contracts.depth(market.move()[1])
        await passes(0.5)
        assert not book.is_valid
        rig.contracts.is_deaf = False
        await until(lambda: book.is_valid, 20.0)
        assert book.top(100) == tuple(map(list, market.state))


@in_virtual_time
async def test_a_book_that_is_wished_for_again_at_once_is_taken_anew() -> None:
    async with watching(depth="diff") as rig:
        await rig.wish(BOOK)
        market, first = rig.contracts.markets["btcusdt"], rig.venue.book(BTC)
        await until(lambda: first is not None and first.is_valid)
        await rig.venue.unsubscribe(BOOK)
        await rig.venue.subscribe(BOOK)
        book = rig.venue.book(BTC)
        assert book is not None and book is not first
        rig.contracts.depth(market.move()[1])
        await until(lambda: book.is_valid)
        assert book.top(100) == tuple(map(list, market.state))
        assert rig.contracts.count("UNSUBSCRIBE", "btcusdt@depth100") == 1


@in_virtual_time
async def test_a_book_that_came_without_a_level_is_asked_for_again_now_and_then() -> None:
    async with watching() as rig:
        market = rig.contracts.markets["btcusdt"]
        sides, (market.bids, market.asks) = (market.bids, market.asks), ({}, {})
        await rig.wish(BOOK)
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: book.is_valid)
        assert book.top(5) == ([], [])
        market.bids, market.asks = sides
        await until(lambda: book.top(100) == tuple(map(list, market.state)), 15.0)
        assert 2 <= rig.contracts.count("SUBSCRIBE", "btcusdt@depth100") <= 3


@in_virtual_time
async def test_a_book_that_its_reader_distrusts_becomes_valid_by_itself() -> None:
    async with watching(depth="diff") as rig:
        await rig.wish(BOOK)
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: book.is_valid)
        book.invalidate("somebody did not believe it")
        await until(lambda: book.is_valid)


@in_virtual_time
async def test_silence_is_told_with_its_age_and_ends_the_connection_after_a_while() -> None:
    async with watching() as rig:
        await rig.wish(TRADES)
        rig.contracts.sends_data = False
        await until(lambda: rig.state is LinkState.STALE, 3.0)
        await until(lambda: LinkState.RECONNECTING in rig.states, 60.0)
        assert any("nothing was told" in status.detail for status in rig.of(StreamStatus))
        rig.contracts.sends_data = True
        await until(lambda: rig.state is LinkState.LIVE, 5.0)


@in_virtual_time
async def test_a_stream_of_which_nothing_is_wanted_may_be_silent() -> None:
    async with watching() as rig:
        await passes(120.0)
        assert rig.states[-1] is LinkState.LIVE and LinkState.STALE not in rig.states
        await rig.wish(TRADES)
        await passes(10.0)
        assert LinkState.STALE not in rig.states and len(rig.contracts.peers) == 1


@in_virtual_time
async def test_a_venue_that_never_answers_pings_is_no_dead_one() -> None:
    async with watching() as rig:
        rig.contracts.answers_beats = False
        rig.contracts.peer.reset()
        await until(lambda: len(rig.contracts.peers) == 2)
        await rig.wish(TRADES)
        await passes(35.0)
        assert rig.contracts.peer.pings >= 6 and len(rig.contracts.peers) == 2


@in_virtual_time
async def test_a_venue_that_has_answered_one_is_dead_when_it_does_not() -> None:
    async with watching() as rig:
        await rig.wish(TRADES)
        await until(lambda: rig.contracts.peer.pings)
        await passes(1.0)
        rig.contracts.peer.is_mute = True
        await until(lambda: len(rig.contracts.peers) == 2, 11.0)


@in_virtual_time
async def test_the_text_ping_of_the_platforms_clients_is_a_setting() -> None:
    async with watching(text_ping=True) as rig:
        await passes(11.0)
        beats = [text for text in rig.contracts.peer.heard if "event" in text]
        assert [json.loads(text) for text in beats] == [{"event": "ping"}] * len(beats) and len(beats) >= 2
        assert rig.contracts.peer.pings == 0
        rig.contracts.push({"event": "pong"})
        await passes(1.0)
        assert rig.venue.quarantined == 0 and len(rig.contracts.peers) == 1


@in_virtual_time
async def test_what_the_venue_refuses_is_said_once_and_stops_nothing_else() -> None:
    async with watching() as rig:
        rig.contracts.bad = {"btcusdt@ticker"}
        for wish in (TICKER, TRADES, BOOK):
            await rig.venue.subscribe(wish)
        await until(lambda: len(rig.contracts.standing) == 3)
        await until(lambda: rig.notices)
        await passes(35.0)
        assert [
            text for text in rig.notices if "btcusdt@ticker is not sent: invalid stream" in text
        ] == rig.notices
        assert 3 <= rig.contracts.count("SUBSCRIBE", "btcusdt@ticker") <= 9
        rig.contracts.bad = set()
        await until(lambda: "btcusdt@ticker" in rig.contracts.standing, 15.0)


@in_virtual_time
async def test_a_command_that_is_not_answered_gives_the_connection_up() -> None:
    async with watching() as rig:
        rig.contracts.is_deaf = True
        await rig.venue.subscribe(TRADES)
        await until(lambda: len(rig.contracts.peers) == 2, 10.0)
        rig.contracts.is_deaf = False
        await until(lambda: "btcusdt@trade" in rig.contracts.standing, 10.0)


@in_virtual_time
async def test_reads_look_for_a_moment_and_end_what_they_began() -> None:
    async with watching() as rig:
        market = rig.contracts.markets["btcusdt"]
        book = await rig.venue.fetch_order_book(BTC, 5)
        assert (list(book.bids), list(book.asks)) == tuple(list(side[:5]) for side in market.state)
        assert not rig.of(BookSnapshot), "nobody has subscribed it"
        await until(lambda: not rig.contracts.standing, 5.0)
        with pytest.raises(RequestTimeout):
            await rig.venue.fetch_order_book(ETH, 5)
        with pytest.raises(RequestTimeout):
            await rig.venue.fetch_tickers([BTC])
        assert await rig.venue.fetch_bars(BTC, 60, 5) == []
        assert await rig.venue.fetch_trades(BTC, 5) == []
        assert await rig.venue._market.find_mark(ETH) == D("30001.25")
        assert await rig.venue._market.find_last(ETH) is None


@in_virtual_time
async def test_reads_answer_from_what_was_told() -> None:
    async with watching() as rig:
        await rig.wish(BOOK, TRADES, BARS, TICKER)
        for number in range(1, 6):
            rig.contracts.push(trade(number))
            rig.contracts.push(kline(volume=str(number)))
        rig.contracts.push(kline("105", "1", at=TIME_MS - TIME_MS % 60_000 + 60_000))
        rig.contracts.push(ticker("30009"))
        await until(lambda: rig.of(Ticker))
        asked = len(rig.contracts.commands)
        assert [one.trade_id for one in await rig.venue.fetch_trades(BTC, 3)] == ["3", "4", "5"]
        bars = await rig.venue.fetch_bars(BTC, 60, 5)
        assert [(bar.close, bar.volume) for bar in bars] == [(D(102), D(5)), (D(105), D(1))]
        (day,) = await rig.venue.fetch_tickers([BTC])
        assert day.last == D(30_009) and day.bid is not None
        assert (await rig.venue.fetch_order_book(BTC, 200)).sequence == rig.contracts.markets["btcusdt"].number
        assert len(rig.contracts.commands) == asked


@in_virtual_time
async def test_what_is_old_is_not_told_again() -> None:
    async with watching() as rig:
        await rig.wish(BARS, TICKER, MARK, TRADES)
        for volume in ("5", "4", "6", "6"):
            rig.contracts.push(kline(volume=volume))
        for at, last in ((2, "30002"), (1, "30001"), (3, "30003")):
            rig.contracts.push(ticker(last, at=TIME_MS + at))
            rig.contracts.push(mark(price=last, at=TIME_MS + at))
        for number in (1, 1, 2):
            rig.contracts.push(trade(number))
        await until(lambda: len(rig.of(Trade)) == 2)
        assert [update.bar.volume for update in rig.of(BarUpdate)] == [D(5), D(6)]
        assert [day.last for day in rig.of(Ticker)] == [D(30_002), D(30_003)]
        assert [told.mark for told in rig.of(MarkPrice)][-2:] == [D(30_002), D(30_003)]


@in_virtual_time
async def test_what_can_not_be_wished_for() -> None:
    async with watching() as rig:
        for name in ("nowhereusdt", "BTC/USDT"):
            with pytest.raises(UnknownInstrument):
                await rig.venue.subscribe(Subscription(Channel.BOOK, InstrumentId("mayex", name)))
        with pytest.raises(BadRequest):
            await rig.venue.subscribe(Subscription(Channel.BARS, BTC, 61))
        with pytest.raises(BadRequest):
            await rig.venue.subscribe(Subscription(Channel.MARK, SPOT))
        with pytest.raises(UnknownInstrument):
            await rig.venue.subscribe(Subscription(Channel.BOOK, SPOT))  # no pair can be read here
        with pytest.raises(BadRequest):
            await rig.venue.fetch_bars(BTC, 61, 5)


@in_virtual_time
async def test_closing_ends_what_is_looked_at() -> None:
    async with watching() as rig:
        looking = asyncio.create_task(rig.venue.fetch_order_book(ETH, 5))
        await until(lambda: "ethusdt@depth100" in rig.contracts.standing)
        await rig.venue.aclose()
        with pytest.raises(ConnectionLost):
            await looking
