"""The venue as a whole: opened, read, timed and closed, at a scripted CoinEx."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.coinex.scripted_coinex import BAR_TIME, TIME_MS, deal, ticker_of
from tests.venues.coinex.venue_rig import BOOK, BTC, ETH, KEY, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.coinex.books import Books
from venues.coinex.connection import USER_AGENT
from venues.coinex.messages import DepthUpdate
from venues.commands import Channel, Subscription
from venues.errors import (
    BadRequest,
    ConfigurationError,
    ConnectionLost,
    RateLimited,
    UnknownInstrument,
    VenueError,
    VenueUnavailable,
)
from venues.events import Event, LinkState, StreamStatus
from venues.model import InstrumentId
from venues.port import Credentials, Mode, Venue
from venues.registry import create_venue, venue_names

NOWHERE = {"rest_url": "http://127.0.0.1:9", "ws_url": "ws://127.0.0.1:9/"}


def test_it_is_made_by_its_name() -> None:
    assert "coinex" in venue_names()
    watching = create_venue("coinex", {})
    assert isinstance(watching, Venue)
    assert watching.capabilities.mode is Mode.READ_ONLY
    assert create_venue("coinex", {"credentials": KEY}).capabilities.mode is Mode.LIVE
    practising = create_venue("coinex", {"credentials": KEY, "is_practice": True, **NOWHERE})
    assert practising.capabilities.mode is Mode.PRACTICE
    assert 60 in practising.capabilities.bar_intervals
    assert "SECRET_TEST" not in repr(practising) + str(vars(practising)["settings"])


@pytest.mark.parametrize(
    "wrong",
    [{"rest_url": "http://example.com"}, {"ws_url": "ws://example.com/"}, {"colour": 1}, {"time_scale": "x"}],
)
def test_a_wrong_setting_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        create_venue("coinex", wrong)


@in_virtual_time
async def test_instruments_come_once_and_the_most_traded_first() -> None:
    async with connected() as rig:
        volumes = {"CETBTC": "9999", "BTCUSDT": "1", "ETHUSDT": "30", "CETUSDT": "20"}
        rig.rest.answers["/v1/market/ticker/all"] = lambda _: {
            "date": TIME_MS, "ticker": {market: ticker_of(volume) for market, volume in volumes.items()},
        }  # fmt: skip
        found = await rig.venue.fetch_instruments()
        assert [each.id.symbol for each in found] == ["ETHUSDT", "CETUSDT", "BTCUSDT", "CETBTC"]
        cet = found[-1]
        assert (cet.base, cet.quote, str(cet.tick_size), str(cet.lot_size)) == ("CET", "BTC", "0.01", "1E-8")
        assert cet.is_tradable
        await asyncio.gather(rig.venue.fetch_instruments(), rig.venue.fetch_instruments())
        assert len(rig.rest.asked("/market/info")) == 1
        await passes(301)
        await rig.venue.fetch_instruments()
        assert len(rig.rest.asked("/market/info")) == 2


@in_virtual_time
async def test_instruments_need_no_tickers() -> None:
    async with connected() as rig:
        rig.rest.refusals["/v1/market/ticker/all"] = 2
        assert (await rig.venue.fetch_instruments())[0].id == BTC


@in_virtual_time
async def test_reads() -> None:
    async with connected() as rig:
        book = await rig.venue.fetch_order_book(BTC, 1)
        assert (book.bids, book.asks) == ((("99.00", "1"),), (("101.00", "1"),))
        assert (await rig.venue.fetch_order_book(BTC, 7, merge="0.1")).ts_event == TIME_MS * 1_000_000
        asked = rig.rest.asked("/market/depth")
        assert asked == [
            {"market": "BTCUSDT", "merge": "0", "limit": "5"},
            {"market": "BTCUSDT", "merge": "0.1", "limit": "10"},
        ]  # fmt: skip
        with pytest.raises(BadRequest):
            await rig.venue.fetch_order_book(BTC, 5, merge="0.2")
        rig.rest.deals = [
            {**deal(number), "date": TIME_MS // 1000, "date_ms": TIME_MS + number} for number in (9, 8, 7, 6)
        ]
        assert [trade.trade_id for trade in await rig.venue.fetch_trades(BTC, 3)] == ["7", "8", "9"]
        rig.rest.answers["/v1/market/deals"] = lambda _: rig.rest.deals  # whatever was asked for
        assert [trade.trade_id for trade in await rig.venue.fetch_trades(BTC, 2)] == ["8", "9"]
        rig.rest.bars.append([BAR_TIME - 60, "1", "2", "4", "0.5", "9", "90"])
        older, newest = await rig.venue.fetch_bars(BTC, 60, 2)
        assert (str(older.high), str(older.close)) == ("4", "2")
        assert older.ts_open < newest.ts_open
        with pytest.raises(BadRequest):
            await rig.venue.fetch_bars(BTC, 61, 2)
        (one,) = await rig.venue.fetch_tickers([ETH])
        assert (one.instrument, str(one.bid), str(one.ask)) == (ETH, "99.00", "101.00")
        assert one.ts_event == TIME_MS * 1_000_000
        many = await rig.venue.fetch_tickers([ETH, BTC, InstrumentId("coinex", "CETBTC")])
        assert [each.instrument.symbol for each in many] == ["ETHUSDT", "BTCUSDT", "CETBTC"]
        unlisted = (InstrumentId("coinex", "NO"), InstrumentId("max", "BTCUSDT"))
        for read in (rig.venue.fetch_bars(unlisted[0], 60, 1), rig.venue.fetch_tickers(unlisted[1:])):
            with pytest.raises(UnknownInstrument):
                await read


@pytest.mark.parametrize(("code", "kind"), [(2, BadRequest), (35, VenueUnavailable), (213, RateLimited)])
def test_a_read_that_is_refused(code: int, kind: type[VenueError]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected() as rig:
            await rig.venue.fetch_instruments()
            rig.rest.refusals["/v1/market/deals"] = code
            with pytest.raises(kind):
                await rig.venue.fetch_trades(BTC, 3)
            assert len(rig.rest.asked("/market/deals")) == (1 if kind is BadRequest else 4)

    run()


@in_virtual_time
async def test_the_venue_gets_the_agent_that_it_asks_for() -> None:
    async with connected() as rig:
        await rig.venue.fetch_instruments()
        assert rig.stream.peer.headers["user-agent"] == USER_AGENT
        assert {request.headers["user-agent"] for request in rig.rest.received} == {USER_AGENT}


@in_virtual_time
async def test_its_clock_is_followed() -> None:
    async with connected(connects=False) as rig:
        assert rig.venue.venue_time() is None
        await rig.venue.connect()
        await until(rig.venue.venue_time)
        for skew in (0, 90, -3):
            rig.stream.skew = skew
            await passes(30)
            time = rig.venue.venue_time()
            assert time is not None
            assert abs(time.now - rig.wall() - skew * 10**9) <= time.uncertainty <= 25_000_000
            offset = rig.of(StreamStatus)[-1].clock_offset
            assert offset is not None
            assert abs(offset - skew * 10**9) <= 50_000_000
            assert skew or offset == 0  # half a second off, for all that one answer tells, is no alarm
        asked = len(rig.stream.asked("server.time"))
        await passes(100)
        assert len(rig.stream.asked("server.time")) - asked <= 20


@in_virtual_time
async def test_where_nothing_is_reached_it_says_so_and_goes_on_trying() -> None:
    async with connected(connects=False) as rig:
        rig.stream.refusal = (503, {})
        rig.rest.refusals["/v1/market/info"] = 35
        with pytest.raises(VenueError):
            await rig.venue.connect()
        with pytest.raises(VenueError):
            await rig.venue.connect()
        rig.stream.refusal = None
        await until(lambda: rig.stream.peers and rig.state is LinkState.LIVE, 15)
        await rig.venue.connect()
        assert LinkState.RECONNECTING in rig.states


@in_virtual_time
async def test_to_be_connected_twice_is_once() -> None:
    async with connected() as rig:
        await rig.venue.connect()
        await passes(5)
        assert len(rig.stream.peers) == 1


@pytest.mark.parametrize("state", ["new", "connecting", "connected", "subscribed", "reading", "refused"])
def test_it_is_closed_within_a_second(state: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(connects=False, credentials=KEY) as rig:
            loop = asyncio.get_running_loop()
            waiting: list[asyncio.Future[object]] = []
            if state == "connecting":
                rig.stream.answers_handshakes = False
            elif state == "refused":
                rig.stream.refusal = (503, {})
                rig.rest.is_mute = True
            if state in ("connecting", "refused"):
                waiting.append(asyncio.ensure_future(rig.venue.connect()))
                await until(lambda: rig.stream.connected_at)
            elif state != "new":
                await rig.venue.connect()
            if state == "subscribed":
                for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER):
                    await rig.venue.subscribe(Subscription(channel, BTC))
                await rig.venue.subscribe(Subscription(Channel.BARS, BTC, 60))
                rig.stream.answers_closing = False
            elif state == "reading":
                rig.rest.is_mute = True
                rig.stream.ignores.add("depth.subscribe_multi")
                waiting.append(asyncio.ensure_future(rig.venue.fetch_instruments()))
                waiting.append(asyncio.ensure_future(rig.venue.subscribe(BOOK)))
                await passes(0.1)
            began = loop.time()
            await rig.venue.aclose()
            assert loop.time() - began < 1.0
            await rig.venue.aclose()
            for outcome in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(outcome, VenueError)
            await asyncio.wait_for(rig.consumption, 1)
            for late in (rig.venue.connect(), rig.venue.subscribe(BOOK), rig.venue.fetch_order_book(BTC, 5)):
                with pytest.raises(ConnectionLost):
                    await late

    run()


def test_a_key_is_never_shown() -> None:
    venue = create_venue("coinex", {"credentials": Credentials("canary-key", "canary-secret")})
    assert "canary" not in repr(venue)
    assert "canary" not in repr(vars(venue))


@in_virtual_time
async def test_a_fault_of_ours_ends_the_events_and_is_mended_by_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the desk does: it sees what broke, and opens the venue again."""
    async with connected() as rig:
        await rig.venue.subscribe(BOOK)
        await until(lambda: (book := rig.venue.book(BTC)) is not None and book.is_valid)
        whole = Books.take

        def stumble(self: Books, push: DepthUpdate, ts_recv: int, events: list[Event]) -> None:
            monkeypatch.setattr(Books, "take", whole)
            raise ZeroDivisionError("ours")

        monkeypatch.setattr(Books, "take", stumble)
        rig.stream.push(rig.stream.books["BTCUSDT"].change("bids", "99.50", "1"))
        await until(rig.consumption.done)
        assert isinstance(rig.consumption.exception(), ZeroDivisionError)
        rig.follow()
        await rig.venue.connect()
        rig.stream.push(rig.stream.books["BTCUSDT"].change("bids", "99.50", "2"))
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: book.is_valid and book.sequence == rig.stream.books["BTCUSDT"].time)
        assert len(rig.stream.peers) == 1
