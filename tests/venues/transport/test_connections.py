"""A venue's two streams as one: opened, told of and closed together, and read back after what was missed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.venues.transport.scripted import Fault, ScriptedVenue
from tests.venues.transport.stream_rig import METHOD, ask, open_descriptors, passes, until
from tests.venues.transport.stream_server import StreamServer
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import AuthenticationError, ConnectionLost, DecodeError, VenueError
from venues.events import Event, LinkState, Notice, StreamStatus
from venues.model import NANOSECONDS
from venues.transport.account_feed import AccountFeed
from venues.transport.asks import Ask
from venues.transport.connections import Connections
from venues.transport.exchange import Request
from venues.transport.frames import Frame
from venues.transport.http import HttpClient
from venues.transport.link import Stream
from venues.transport.outbox import Outbox
from venues.transport.ratelimit import RateLimiter
from venues.transport.settings import VenueSettings
from venues.transport.streams import Streams
from venues.transport.timekeeping import SecondsClock, Timekeeper

TIME = Request(what="server time", method="GET", path="/time")


class Market:
    """The market's half, which notes what it is told."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.heard: list[str] = []

    def start(self) -> None:
        self.stream.start()

    def opened(self, connection: int) -> None:
        self.heard.append(f"opened {connection}")

    def lost(self) -> None:
        self.heard.append("lost")

    async def aclose(self) -> None:
        await self.stream.aclose()


class Account:
    """The private half, which notes the same."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.frames: list[bytes] = []

    def resynced(self) -> None:
        self.heard.append("resynced")

    def unsubscribed(self) -> None:
        self.heard.append("unsubscribed")

    def missed(self) -> None:
        self.heard.append("missed")

    async def aclose(self) -> None:
        self.heard.append("closed")

    def read(self, frame: Frame) -> Sequence[Event]:
        self.frames.append(frame.data)
        if frame.data == b"data 13":
            raise DecodeError("here", "an unlucky number")
        return (Notice("here", frame.data.decode(), ts_event=1),)


class Rig:
    """The connections to a scripted venue, and all that they told."""

    def __init__(self, server: StreamServer, rest: ScriptedVenue, **settings: Any) -> None:
        self.settings = VenueSettings(rest_url=rest.origin, ws_url=server.url, **settings)
        limiter = RateLimiter("here", ())
        self.http = HttpClient("here", rest.origin, limiter=limiter, warm_with=TIME, rng=random.Random(4))
        streams = Streams("here", self.settings, limiter, heartbeat=METHOD, rng=random.Random(4))
        self.connections = Connections("here", self.http, streams, wall=self.wall)
        self.market = Market(self.connections.market_stream())
        self.account = Account()
        self.times: list[float] = []
        clock = SecondsClock("here", wall=self.wall, monotonic=self.wall)
        keeper = Timekeeper(
            clock, self.time, self.connections.chip.clock, every=100.0, narrow=NANOSECONDS, tries=1
        )
        self.connections.join(self.market, self.account, keeper, missed=self.account.missed)
        self.events: list[Event] = []
        self.consumer = asyncio.create_task(self.consume(self.connections.outbox))

    def wall(self) -> int:
        return round(asyncio.get_running_loop().time() * NANOSECONDS)

    async def time(self) -> int:
        self.times.append(asyncio.get_running_loop().time())
        return self.wall() // NANOSECONDS * NANOSECONDS

    async def consume(self, outbox: Outbox) -> None:
        async for batch in outbox.batches():
            self.events += batch

    async def connect(self) -> None:
        await self.connections.connect(self.reach, keeps_warm=False)

    async def reach(self) -> object:
        return await self.http.fetch(TIME, object)

    async def open_account(self, subscriptions: Sequence[str] = ()) -> None:
        kept: dict[str, Ask] = {name: ask(f"sub {name}") for name in subscriptions}

        def make() -> AccountFeed:
            stream = self.connections.account_stream(ask("login"))
            return AccountFeed(stream, self.account.read, self.connections.outbox, subscriptions=kept)

        await self.connections.open_account(make)

    @property
    def states(self) -> list[LinkState]:
        told = [event.state for event in self.events if isinstance(event, StreamStatus)]
        return [state for at, state in enumerate(told) if at == 0 or told[at - 1] is not state]


@asynccontextmanager
async def joined(**settings: Any) -> AsyncIterator[tuple[StreamServer, ScriptedVenue, Rig]]:
    """Gives the connections and both servers; nothing is left of any."""
    before = open_descriptors()
    async with StreamServer() as server, ScriptedVenue(Fault.NONE) as rest:
        rig = Rig(server, rest, **settings)
        try:
            yield server, rest, rig
        finally:
            await rig.connections.aclose()
            await rig.consumer
    await until(lambda: len(asyncio.all_tasks()) == 1 and open_descriptors() == before)


@in_virtual_time
async def test_the_market_opens_and_is_told_of_each_connection() -> None:
    async with joined() as (server, _, rig):
        await rig.connect()
        await until(lambda: rig.market.heard == ["opened 1"])
        times = len(rig.times)
        server.peer.reset()
        await until(lambda: rig.market.heard[-1] == "opened 2")
        assert rig.market.heard[:2] == ["opened 1", "lost"]
        await until(lambda: len(rig.times) > times)  # the clock is compared anew


@in_virtual_time
async def test_another_stream_of_the_market_counts_for_the_chip_while_it_is_in_use() -> None:
    async with joined() as (server, _, rig), StreamServer() as other:
        await rig.connect()
        chip, heard, is_used = rig.connections.chip, list[str](), False

        def show(status: StreamStatus) -> None:
            chip.further("spot", status if is_used else None)

        stream = rig.connections.further_stream(
            other.url,
            show=show,
            opened=lambda number: heard.append(f"opened {number}"),
            lost=lambda: heard.append("lost"),
        )
        stream.start()
        await until(lambda: heard == ["opened 1"])
        other.peer.reset()
        await until(lambda: heard[-1] == "opened 2")
        assert heard[:2] == ["opened 1", "lost"]
        assert rig.states == [LinkState.CONNECTING, LinkState.LIVE], "it is not in use"
        is_used = True
        other.refusal = (503, {})
        other.peer.reset()
        await until(lambda: rig.states[-1] is LinkState.DOWN)
        told = [event for event in rig.events if isinstance(event, StreamStatus)]
        assert told[-1].detail.startswith("spot: ")
        server.peer.reset()
        await until(lambda: rig.market.heard[-1] == "opened 2")
        assert rig.states[-1] is LinkState.DOWN, "the worst counts"
        chip.further("spot", None)
        await until(lambda: rig.states[-1] is LinkState.LIVE)
        await stream.aclose()


@in_virtual_time
async def test_a_stream_that_is_refused_is_no_matter_where_rest_answers() -> None:
    async with joined() as (server, _, rig):
        server.refusal = (503, {})
        await rig.connect()
        assert set(rig.market.heard) == {"lost"}
        server.refusal = None
        await until(lambda: "opened 1" in rig.market.heard, 60)


@in_virtual_time
async def test_where_nothing_is_reached_the_streams_own_reason_is_raised() -> None:
    async with joined() as (server, rest, rig):
        server.refusal = (503, {})
        rest.fault = Fault.RESET_UNREAD

        async def reach() -> object:
            raise ConnectionLost("here", "nor by REST")

        with pytest.raises(VenueError) as caught:
            await rig.connections.connect(reach, keeps_warm=False)
        assert caught.value.message != "nor by REST"


@in_virtual_time
async def test_the_chip_lives_only_where_the_account_does_and_tells_why_it_does_not() -> None:
    async with joined() as (server, _, rig):
        await rig.connect()
        await rig.open_account(["orders"])
        assert rig.account.heard == ["resynced"]
        assert any("sub orders" in text for text in server.peer.heard)
        await until(lambda: rig.states[-1] is LinkState.LIVE)
        server.peer.reset()
        await until(lambda: rig.account.heard == ["resynced", "resynced"])
        told = [event for event in rig.events if isinstance(event, StreamStatus)]
        assert any(status.detail.startswith("account: ") for status in told)
        await until(lambda: rig.states[-1] is LinkState.LIVE)
        await rig.connections.close_account()
        assert rig.account.heard[-1] == "unsubscribed"
        assert rig.connections.account_feed is None
        await rig.connections.close_account()
        assert rig.account.heard.count("unsubscribed") == 1


@in_virtual_time
async def test_what_can_not_be_used_of_the_account_has_it_read_back() -> None:
    async with joined() as (server, _, rig):
        server.sends_data = False
        await rig.connect()
        await rig.open_account()
        await until(lambda: rig.states[-1] is LinkState.LIVE)
        before = len(rig.states)
        server.publish(14)
        await until(lambda: "missed" in rig.account.heard)
        await until(lambda: LinkState.RECONNECTING in rig.states[before - 1 :] and len(rig.states) >= before + 2)
        assert rig.connections.quarantine.count == 1
        texts = [event.text for event in rig.events if isinstance(event, Notice)]
        assert "data 12" in texts
        assert "data 14" in texts
        assert any("unlucky" in text for text in texts)


@in_virtual_time
async def test_a_key_that_is_not_taken_leaves_the_market_alone() -> None:
    async with joined() as (server, _, rig):
        await rig.connect()
        server.refuses = {"login"}
        with pytest.raises(AuthenticationError):
            await rig.open_account()
        assert rig.connections.account_feed is None
        await passes(1)
        assert rig.market.stream.is_open
        assert rig.states[-1] is LinkState.LIVE
        server.refuses = set()
        await rig.open_account()
        assert rig.account.heard[-1] == "resynced"


@in_virtual_time
async def test_what_is_closed_is_closed() -> None:
    async with joined() as (server, _, rig):
        await rig.connect()
        await rig.open_account()
        loop = asyncio.get_running_loop()
        server.answers_closing = False
        began = loop.time()
        await rig.connections.aclose()
        assert loop.time() - began < 1.0
        await rig.connections.aclose()
        for again in (rig.connect(), rig.open_account()):
            with pytest.raises(ConnectionLost):
                await again
