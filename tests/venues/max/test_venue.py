"""The venue as a whole: opened, read, timed, banned and closed, at a scripted MAX."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.max.scripted_venue import TIME_MS, ScriptedStream, market_row, ticker_row
from tests.venues.max.venue_rig import BOOK, BTC, CREDENTIALS, ETH, USDT, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import ConfigurationError, ConnectionLost, RateLimited, UnknownInstrument, VenueError
from venues.events import LinkState, StreamStatus
from venues.max.connection import CONNECT, make_limiter, make_streams
from venues.max.venue import MaxVenue, Settings, create
from venues.model import InstrumentId, OrderType, TimeInForce
from venues.port import Mode, Venue
from venues.transport.ratelimit import Urgency

NOWHERE: dict[str, Any] = {"rest_url": "http://127.0.0.1:9", "ws_url": "ws://127.0.0.1:9/"}


def test_it_is_made_of_its_settings() -> None:
    given = {"credentials": CREDENTIALS, "is_practice": True, **NOWHERE}
    assert isinstance(create(msgspec.convert(given, Settings)), MaxVenue)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"colour": 1}, Settings)


def test_what_it_says_of_itself() -> None:
    watching = create(Settings())
    assert isinstance(watching, Venue)
    assert (watching.capabilities.mode, watching.capabilities.reads_account) == (Mode.READ_ONLY, False)
    assert create(Settings(credentials=CREDENTIALS)).capabilities.mode is Mode.LIVE
    reading = create(Settings(credentials=CREDENTIALS, may_trade=False)).capabilities
    assert (reading.mode, reading.reads_account) == (Mode.READ_ONLY, True)
    practising = create(Settings(credentials=CREDENTIALS, is_practice=True, **NOWHERE))
    can = practising.capabilities
    assert (can.mode, can.amend, can.post_only, can.positions) == (Mode.PRACTICE, False, True, True)
    assert (can.order_life, can.client_id_length) == (30.0, 36)
    assert OrderType.TAKE_PROFIT not in can.order_types
    assert TimeInForce.FOK not in can.times_in_force
    assert {60, 86_400} <= set(can.bar_intervals)
    assert "SK_TEST" not in repr(practising) + str(vars(practising)["settings"])


@pytest.mark.parametrize("wrong", [{"rest_url": "http://example.com"}, {"ws_url": "ws://example.com/"}])
def test_an_address_that_can_not_be_used(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        MaxVenue(Settings(**wrong))


@in_virtual_time
async def test_instruments_come_once_and_the_most_traded_first() -> None:
    async with connected() as rig:
        values = {"btctwd": "3", "ethtwd": "30", "usdttwd": "0.5", "btcusdt": "7"}
        rig.rest.on("GET /tickers", [ticker_row(name, btc=value) for name, value in values.items()])
        found = await rig.venue.fetch_instruments()
        assert [each.id.symbol for each in found] == ["ETHTWD", "BTCUSDT", "BTCTWD", "USDTTWD"]
        assert found[2].name == "BTC/TWD"
        await asyncio.gather(rig.venue.fetch_instruments(), rig.venue.fetch_instruments())
        assert len(rig.rest.of("GET /markets")) == 1
        await passes(301)
        await rig.venue.fetch_instruments()
        assert len(rig.rest.of("GET /markets")) == 2


@in_virtual_time
async def test_instruments_need_no_tickers_and_have_the_accounts_fees() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.refuse("GET /tickers", 1001)
        first = (await rig.venue.fetch_instruments())[0]
        assert (first.id, first.maker_fee, first.taker_fee) == (BTC, Decimal("0.0008"), Decimal("0.0015"))


@in_virtual_time
async def test_reads() -> None:
    async with connected() as rig:
        rig.rest.on("GET /depth", {
            "timestamp": TIME_MS // 1000, "last_update_version": 1, "last_update_id": 5,
            "asks": [["103.0", "1"], ["101.0", "1"]], "bids": [["99.0", "1"], ["98.0", "1"]],
        })  # fmt: skip
        book = await rig.venue.fetch_order_book(BTC, 1)
        assert (book.bids, book.asks) == ((("99.0", "1"),), (("101.0", "1"),))
        assert rig.rest.of("GET /depth")[0].parameters == {"market": "btctwd", "limit": "1"}
        rig.rest.on("GET /k", [[TIME_MS // 1000 + 60, 1, 2, 0.5, 1.5, 3], [TIME_MS // 1000, 1, 2, 0.5, 1, 3]])
        older, newest = await rig.venue.fetch_bars(BTC, 300, 2)
        assert (older.ts_open, newest.close) == (TIME_MS * 10**6, Decimal("1.5"))
        assert rig.rest.of("GET /k")[0].parameters["period"] == "5"  # minutes
        tickers = await rig.venue.fetch_tickers([USDT, BTC])
        assert [each.instrument for each in tickers] == [USDT, BTC]
        assert len(rig.rest.of("GET /tickers")) == 2  # one for the listing
        for unlisted in (InstrumentId("max", "NO"), InstrumentId("coinex", "BTCTWD")):
            with pytest.raises(UnknownInstrument):
                await rig.venue.fetch_order_book(unlisted, 5)


@in_virtual_time
async def test_its_clock_is_followed_more_closely_than_its_seconds() -> None:
    async with connected() as rig:
        for skew in (0, 20, -3):
            rig.rest.on(
                "GET /timestamp", lambda _, skew=skew: {"timestamp": (rig.wall() // 10**6 + skew * 1000) // 1000}
            )
            await passes(60)
            time = rig.venue.venue_time()
            assert time is not None
            assert abs(time.now - rig.wall() - skew * 10**9) <= time.uncertainty <= 60_000_000
            assert abs((rig.of(StreamStatus)[-1].clock_offset or 0) - skew * 10**9) <= 60_000_000
        before = len(rig.rest.of("GET /timestamp"))
        await passes(150)
        assert len(rig.rest.of("GET /timestamp")) - before <= 60


@in_virtual_time
async def test_where_nothing_is_reached_it_says_so_and_goes_on_trying() -> None:
    async with connected(connects=False) as rig:
        rig.stream.refusal = (503, {})
        rig.rest.refuse("GET /markets", 1001)
        with pytest.raises(VenueError):
            await rig.venue.connect()
        rig.stream.refusal = None
        await until(lambda: rig.stream.peers and rig.state is LinkState.LIVE, 15)
        await rig.venue.connect()


@in_virtual_time
async def test_a_ban_names_the_moment_at_which_it_ends() -> None:
    """Retry-After is a Unix time in seconds: as a length it would be 50 years; earlier attempts lengthen it."""
    async with connected() as rig:
        loop = asyncio.get_running_loop()
        ends = rig.wall() // 10**9 + 40
        rig.stream.refusal = (429, {"Retry-After": str(ends)})
        rig.stream.peer.reset()
        await until(lambda: rig.state is LinkState.DOWN)
        attempts = len(rig.stream.connected_at)
        with pytest.raises(RateLimited):  # nor does anything else of us ask before
            await rig.venue.fetch_order_book(ETH, 5)
        rig.stream.refusal = None
        await until(lambda: rig.state is LinkState.LIVE, 60)
        assert rig.wall() // 10**9 >= ends
        assert len(rig.stream.connected_at) == attempts + 1
        assert loop.time() < 60


@in_virtual_time
async def test_six_hundred_connections_an_hour_are_the_most() -> None:
    limiter = make_limiter()
    for _ in range(600):
        async with limiter.admitted(CONNECT, Urgency.READ, 0.0):
            pass
    async with ScriptedStream() as server:
        told: list[StreamStatus] = []
        settings = Settings(rest_url="http://127.0.0.1:9", ws_url=server.url)
        stream = make_streams(settings, limiter, rng=random.Random(4)).make(
            on_status=told.append, on_open=lambda _: None, on_quarantine=lambda _: None
        )
        stream.start()
        await passes(3_590)
        assert not server.connected_at
        assert "limit is used up" in told[-1].detail
        await until(lambda: server.connected_at, 30)
        await stream.aclose()


@in_virtual_time
async def test_pings_go_out_and_a_dead_link_is_found() -> None:
    async with connected() as rig:
        await passes(20)
        assert rig.stream.peer.pings >= 4
        assert rig.state is LinkState.STALE  # connected and silent
        rig.stream.answers_beats = False
        await until(lambda: len(rig.stream.peers) == 2, 20)


@in_virtual_time
async def test_what_is_closed_is_closed() -> None:
    async with connected(has_key=True) as rig:
        await rig.venue.subscribe(BOOK)
        book = rig.venue.book(BTC)
        await rig.venue.aclose()
        await rig.venue.aclose()
        assert book is not None and not book.is_valid
        with pytest.raises(ConnectionLost):
            await rig.venue.subscribe(BOOK)
        with pytest.raises(ConnectionLost):
            await rig.venue.connect()


@in_virtual_time
async def test_a_market_that_is_new_is_known_after_a_while() -> None:
    async with connected() as rig:
        await rig.venue.fetch_instruments()
        rig.rest.on("GET /markets", [market_row("newtwd", status="suspended")])
        await passes(301)
        (listed,) = await rig.venue.fetch_instruments()
        assert (listed.id.symbol, listed.is_tradable, listed.note) == ("NEWTWD", False, "suspended")
