"""The market's stream: subscriptions asked for together, trades once, and what silence and noise do."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.coinex.documented import stream
from tests.venues.coinex.scripted_coinex import MARKETS, deal, push
from tests.venues.coinex.venue_rig import BOOK, BTC, CET, ETH, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.stream_server import BINARY
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.errors import BadRequest, UnknownInstrument, VenueError
from venues.events import LinkState, MarkPrice, StreamStatus, Ticker, Trade
from venues.model import InstrumentId

TRADES = Subscription(Channel.TRADES, BTC)


def ticker(instrument: InstrumentId) -> Subscription:
    return Subscription(Channel.TICKER, instrument)


@in_virtual_time
async def test_what_is_asked_together_is_one_call() -> None:
    async with connected() as rig:
        await asyncio.gather(*(rig.venue.subscribe(ticker(each)) for each in (BTC, ETH, CET)))
        assert rig.stream.asked("state.subscribe") == [["BTCUSDT", "ETHUSDT", "CETUSDT"]]
        await rig.venue.subscribe(ticker(ETH))
        assert len(rig.stream.asked("state.subscribe")) == 1
        await rig.venue.unsubscribe(ticker(BTC))
        await rig.venue.subscribe(ticker(InstrumentId("coinex", "CETBTC")))
        assert rig.stream.asked("state.subscribe")[1:] == [["ETHUSDT", "CETUSDT", "CETBTC"]]


@in_virtual_time
async def test_the_last_one_ends_the_channel() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BOOK)
        await rig.venue.subscribe(TRADES)
        await rig.venue.unsubscribe(BOOK)
        await rig.venue.unsubscribe(TRADES)
        await until(lambda: rig.stream.asked("depth.unsubscribe_multi") and rig.stream.asked("deals.unsubscribe"))
        rig.stream.push(rig.stream.books["BTCUSDT"].full(), push("deals.update", "BTCUSDT", [deal(1)]))
        await passes(1)
        assert rig.venue.book(BTC) is None
        assert rig.of(Trade) == []


@in_virtual_time
async def test_a_market_that_is_not_listed_is_never_asked_for() -> None:
    async with connected() as rig:
        with pytest.raises(UnknownInstrument):
            await rig.venue.subscribe(ticker(InstrumentId("coinex", "NOSUCH")))
        with pytest.raises(UnknownInstrument):
            await rig.venue.subscribe(ticker(InstrumentId("elsewhere", "BTCUSDT")))
        assert rig.stream.subscriptions == []


@pytest.mark.parametrize("bad", [{"ETHUSDT"}, {"CETUSDT", "BTCUSDT"}])
def test_a_market_that_the_venue_refuses_does_not_spoil_the_others(bad: set[str]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected() as rig:
            first = InstrumentId("coinex", "CETBTC")
            await rig.venue.subscribe(Subscription(Channel.BOOK, first))
            rig.stream.unknown = bad
            asked = [Subscription(Channel.BOOK, each) for each in (BTC, ETH, CET)]
            outcomes = await asyncio.gather(*map(rig.venue.subscribe, asked), return_exceptions=True)
            refused = {
                each.instrument.symbol
                for each, out in zip(asked, outcomes, strict=True)
                if out and each.instrument
            }
            assert refused == bad
            assert all(out is None or isinstance(out, BadRequest) for out in outcomes)
            good = [market for market in ("CETBTC", "BTCUSDT", "ETHUSDT", "CETUSDT") if market not in bad]
            last = rig.stream.asked("depth.subscribe_multi")[-1]
            assert [each[0] for each in last] == good
            assert {each: rig.venue.book(each) is None for each in (BTC, ETH, CET)} == {
                each: each.symbol in bad for each in (BTC, ETH, CET)
            }
            rig.stream.peer.reset()
            await until(lambda: len(rig.stream.peers) == 2 and rig.state is LinkState.LIVE)
            assert [each[0] for each in rig.stream.asked("depth.subscribe_multi")[-1]] == good

    run()


@in_virtual_time
async def test_a_channel_that_is_refused_as_a_whole_raises_and_is_not_kept() -> None:
    async with connected() as rig:
        rig.stream.refusals["depth.subscribe_multi"] = 1
        with pytest.raises(BadRequest):
            await rig.venue.subscribe(BOOK)
        assert rig.venue.book(BTC) is None
        del rig.stream.refusals["depth.subscribe_multi"]
        await rig.venue.subscribe(BOOK)
        await until(lambda: (book := rig.venue.book(BTC)) is not None and book.is_valid)


@pytest.mark.parametrize("code", [2, 3, 5, 7])
def test_what_passes_by_itself_is_asked_again(code: int) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected() as rig:
            rig.stream.refusals["deals.subscribe"] = code
            await rig.venue.subscribe(TRADES)
            await until(lambda: rig.state is LinkState.STALE and len(rig.stream.asked("deals.subscribe")) >= 3)
            del rig.stream.refusals["deals.subscribe"]
            rig.stream.old_deals["BTCUSDT"] = [deal(1)]
            await until(lambda: rig.of(Trade), 15)
            assert rig.state is LinkState.LIVE

    run()


@in_virtual_time
async def test_a_market_that_is_gone_after_a_reconnect_is_left_and_told() -> None:
    async with connected() as rig:
        await asyncio.gather(*(rig.venue.subscribe(Subscription(Channel.BOOK, each)) for each in (BTC, ETH, CET)))
        rig.stream.unknown = {"ETHUSDT"}
        rig.stream.peer.reset()
        await until(lambda: all((book := rig.venue.book(each)) and book.is_valid for each in (BTC, CET)), 15)
        await until(lambda: rig.venue.book(ETH) is None)
        assert ["ETHUSDT" in notice for notice in rig.notices] == [True]
        await until(lambda: rig.state is LinkState.LIVE)


@in_virtual_time
async def test_a_refusal_of_all_after_a_reconnect_is_about_none_of_them() -> None:
    async with connected() as rig:
        await asyncio.gather(*(rig.venue.subscribe(Subscription(Channel.BOOK, each)) for each in (BTC, ETH)))
        rig.stream.refusals["depth.subscribe_multi"] = 1
        rig.stream.peer.reset()
        await until(lambda: rig.state is LinkState.STALE and len(rig.stream.peers) == 2)
        await passes(20)
        book = rig.venue.book(BTC)
        assert book is not None
        assert not book.is_valid
        rig.stream.refusals.clear()
        await until(lambda: all((book := rig.venue.book(each)) and book.is_valid for each in (BTC, ETH)), 15)
        assert rig.notices == []


@in_virtual_time
async def test_each_trade_is_told_once_and_oldest_first() -> None:
    async with connected() as rig:
        rig.stream.old_deals["BTCUSDT"] = [deal(n) for n in range(1, 101)]
        await rig.venue.subscribe(TRADES)
        await until(lambda: len(rig.of(Trade)) == 100)
        later = [deal(n) for n in range(101, 104)]
        rig.stream.old_deals["BTCUSDT"] += later
        rig.stream.push(push("deals.update", "BTCUSDT", later[::-1]), push("deals.update", "BTCUSDT", later[1:]))
        await until(lambda: len(rig.of(Trade)) == 103)
        rig.stream.old_deals["BTCUSDT"] += [deal(n) for n in range(104, 160)]
        rig.stream.peer.reset()
        await until(lambda: len(rig.of(Trade)) == 159)
        rig.stream.push(push("deals.update", "BTCUSDT", [deal(162)]), push("deals.update", "BTCUSDT", [deal(161)]))
        await until(lambda: len(rig.of(Trade)) == 161)
        assert [int(trade.trade_id) for trade in rig.of(Trade)] == [*range(1, 160), 162, 161]


@in_virtual_time
async def test_a_ticker_is_told_at_once_and_then_pushed() -> None:
    async with connected() as rig:
        await asyncio.gather(*(rig.venue.subscribe(ticker(each)) for each in (BTC, ETH)))
        await until(lambda: len(rig.of(Ticker)) == 2)
        assert len(rig.rest.asked("/market/ticker/all")) == 2  # the other one sorted the list
        assert {each.instrument for each in rig.of(Ticker)} == {BTC, ETH}
        told = stream("state.update").value  # its example has a blank in a key
        told["params"][0] = {"BTCUSDT": told["params"][0]["BTCUSD"], "CETUSDT": told["params"][0]["BTCUSD"]}
        rig.stream.push(push("state.update", *told["params"]))
        await until(lambda: len(rig.of(Ticker)) == 3)
        last = rig.of(Ticker)[-1]
        assert (last.instrument, str(last.high), last.bid) == (BTC, "48262.66", None)


@in_virtual_time
async def test_the_index_of_the_markets_that_are_wanted() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(Subscription(Channel.MARK, BTC))
        rig.stream.push(push("index.update", "ETHUSDT", "3.5"), push("index.update", "BTCUSDT", "57000.50"))
        await until(lambda: rig.of(MarkPrice))
        assert [(mark.instrument, str(mark.index)) for mark in rig.of(MarkPrice)] == [(BTC, "57000.50")]
        assert str((await rig.venue.fetch_index(ETH)).mark) == "57000.00"
        await rig.venue.unsubscribe(Subscription(Channel.MARK, BTC))
        await until(lambda: rig.stream.asked("index.unsubscribe"))


@in_virtual_time
async def test_silence_is_told_and_a_dead_link_is_left() -> None:
    async with connected() as rig:
        loop = asyncio.get_running_loop()
        await rig.venue.subscribe(BOOK)
        await until(lambda: rig.state is LinkState.STALE, 3)
        rig.stream.push(rig.stream.books["BTCUSDT"].change("bids", "99.00", "1.00000000"))
        await until(lambda: rig.state is LinkState.LIVE, 1)
        began = loop.time()
        rig.stream.peer.is_mute = True
        await until(lambda: rig.state is LinkState.STALE, 2.5)
        assert loop.time() - began <= 2.2
        await until(lambda: LinkState.RECONNECTING in rig.states, 11)
        assert loop.time() - began <= 11
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: rig.state is LinkState.LIVE and book.is_valid, 15)
        assert all(status.round_trip is not None for status in rig.of(StreamStatus)[-1:])


@in_virtual_time
async def test_what_can_not_be_read_is_counted_and_told_now_and_then() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(ticker(BTC))
        for _ in range(5):
            rig.stream.push(b'{"canary": NaN', b"[" * 100_000)
            rig.stream.push(push("state.update", {"BTCUSDT": {"last": "canary"}}))
            rig.stream.push(b"canary", opcode=BINARY)
        await until(lambda: rig.venue.quarantined == 20)
        await until(lambda: len(rig.notices) == 2, 10)
        await passes(30)
        assert [notice.split(" could")[0] for notice in rig.notices] == ["1 frame", "19 frames"]
        assert not any("canary" in notice for notice in rig.notices)
        assert rig.states.count(LinkState.RECONNECTING) == 0


@in_virtual_time
async def test_a_slow_consumer_gets_everything_in_order() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(TRADES)
        rig.stream.push(push("deals.update", "BTCUSDT", [deal(1)]))
        await until(lambda: rig.of(Trade))
        rig.pace.clear()
        rig.stream.push(push("deals.update", "BTCUSDT", [deal(2)]))
        await until(lambda: len(rig.of(Trade)) == 2)
        for number in range(3, 30_003, 10):
            rows = [deal(n) for n in range(number, number + 10)]
            rig.stream.push(push("deals.update", "BTCUSDT", rows))
        await passes(60)
        assert len(rig.of(Trade)) == 2
        assert len(rig.venue._connections.outbox) < 15_000
        rig.pace.set()
        await until(lambda: len(rig.of(Trade)) == 30_002)
        assert [int(trade.trade_id) for trade in rig.of(Trade)] == list(range(1, 30_003))
        assert len(rig.stream.peers) == 1


@in_virtual_time
async def test_a_subscription_without_a_connection_waits_for_one() -> None:
    async with connected(connects=False) as rig:
        rig.stream.refusal = (503, {})
        await rig.venue.connect()  # REST answers
        await rig.venue.subscribe(TRADES)
        rig.stream.refusal = None
        rig.stream.old_deals["BTCUSDT"] = [deal(1)]
        await until(lambda: rig.of(Trade), 15)
        assert rig.stream.asked("deals.subscribe") == [["BTCUSDT"]]


@in_virtual_time
async def test_every_market_can_be_had() -> None:
    async with connected() as rig:
        every = [InstrumentId("coinex", market) for market in MARKETS]
        channels = (Channel.BOOK, Channel.TRADES, Channel.TICKER, Channel.MARK)
        await asyncio.gather(
            *(rig.venue.subscribe(Subscription(channel, each)) for channel in channels for each in every)
        )
        assert len(rig.stream.subscriptions) == 4
        with pytest.raises(VenueError):
            await rig.venue.subscribe(Subscription(Channel.BARS, BTC, 61))


@in_virtual_time
async def test_a_market_that_is_shown_once_more_tells_no_trade_twice() -> None:
    async with connected() as rig:
        rig.stream.old_deals["BTCUSDT"] = [deal(n) for n in range(1, 81)]
        await rig.venue.subscribe(TRADES)
        await until(lambda: len(rig.of(Trade)) == 80)
        await rig.venue.unsubscribe(TRADES)
        await until(lambda: rig.stream.asked("deals.unsubscribe"))
        rig.stream.old_deals["BTCUSDT"].append(deal(81))
        await rig.venue.subscribe(TRADES)
        await until(lambda: len(rig.of(Trade)) > 80)
        assert [int(trade.trade_id) for trade in rig.of(Trade)] == list(range(1, 82))


@in_virtual_time
async def test_a_ticker_shows_bid_and_ask_of_a_book_that_is_kept() -> None:
    async with connected() as rig:
        await asyncio.gather(rig.venue.subscribe(ticker(BTC)), rig.venue.subscribe(BOOK))
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: book.is_valid and rig.of(Ticker))
        body = stream("state.update").value["params"][0]["BTCUSD"]
        rig.stream.push(push("state.update", {"BTCUSDT": body}))
        await until(lambda: len(rig.of(Ticker)) == 2)
        assert (str(rig.of(Ticker)[-1].bid), str(rig.of(Ticker)[-1].ask)) == ("99.00", "101.00")
        book.invalidate("distrusted")
        rig.stream.push(push("state.update", {"BTCUSDT": body}))
        await until(lambda: len(rig.of(Ticker)) == 3)
        assert rig.of(Ticker)[-1].bid is None


@in_virtual_time
async def test_every_constant_of_time_is_scaled() -> None:
    async with connected(time_scale=0.1) as rig:
        loop = asyncio.get_running_loop()
        await rig.venue.subscribe(BOOK)
        await until(lambda: rig.state is LinkState.STALE, 0.3)
        book = rig.venue.book(BTC)
        assert book is not None
        began = loop.time()
        rig.stream.peer.is_mute = True
        await until(lambda: LinkState.RECONNECTING in rig.states, 1.1)
        await until(lambda: book.is_valid, 1.5)
        assert loop.time() - began < 2.6
