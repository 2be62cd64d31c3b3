"""What is said over the stream: one thing at a time, answered by order, and pings in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from tests.venues.transport.stream_rig import passes, streaming, until
from tests.venues.transport.stream_server import Peer, StreamServer
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import (
    AuthenticationError,
    BadRequest,
    NotSupported,
    RateLimited,
    UnknownInstrument,
    VenueError,
    VenueUnavailable,
)
from venues.events import LinkState
from venues.pumpkin import VENUE
from venues.pumpkin.connection import Calls, heartbeat, stream_error
from venues.pumpkin.subscriptions import Subscriptions, Topic
from venues.pumpkin.wire import Reply
from venues.transport.conversation import Expects, Rules
from venues.transport.link import Stream
from venues.transport.timing import StreamTiming

TRADE, DEPTH = Topic("trade", "btc_usdt"), Topic("depth", "btc_usdt", "50")
BAD = Topic("kline", "nowhere_usdt", "1m")
RULES = Rules(
    venue=VENUE, heartbeat=heartbeat(), timing=StreamTiming(), expects=Expects.EITHER, is_pipelined=False
)


class PumpkinStream(StreamServer):
    """Answers as the document shows: without an id, after a moment, and in the order of asking."""

    def __init__(self) -> None:
        super().__init__(every=1.0)
        self.codes: dict[str, int] = {}  # of topics
        self.delay = 0.2
        self.answers = True
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.most_open = 0
        self._open = 0

    def _answer(self, peer: Peer, text: str) -> None:
        peer.heard.append(text)
        if text == "ping":
            if self.answers_beats:
                peer.say("pong")
            return
        if not text.startswith("{"):
            return
        said: dict[str, Any] = msgspec.json.decode(text)
        topics = tuple(said["events"])
        self.asked.append((said["method"], topics))
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        if self.answers:
            code = next((self.codes[topic] for topic in topics if topic in self.codes), 0)
            answer = msgspec.json.encode({"code": code, "msg": "no" if code else "success"}).decode()
            asyncio.get_running_loop().call_later(self.delay, self._say, peer, answer)

    def _say(self, peer: Peer, answer: str) -> None:
        self._open -= 1
        peer.say(answer)


class Wishes:
    """The subscriptions of a stream, and what has begun to stand."""

    def __init__(self, stream: Stream) -> None:
        self.stood: list[Topic] = []
        loop = asyncio.get_running_loop()
        self.subscriptions = Subscriptions(stream, stands=lambda topic, _: self.stood.append(topic), now=loop.time)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[PumpkinStream, Stream, Wishes]]:
    server = PumpkinStream()
    async with streaming(RULES, server) as (_, rig):
        wishes = Wishes(rig.stream)
        opened: list[int] = rig.opened
        try:
            await until(lambda: opened)
            yield server, rig.stream, wishes
        finally:
            await wishes.subscriptions.aclose()


@in_virtual_time
async def test_what_is_wished_together_is_asked_together_and_one_thing_at_a_time() -> None:
    async with opened() as (server, _, wishes):
        wishes.subscriptions.want(TRADE)
        wishes.subscriptions.want(DEPTH)
        wishes.subscriptions.want(TRADE)
        await until(lambda: len(wishes.stood) == 2)
        assert server.asked == [("sub", ("trade@btc_usdt", "depth@btc_usdt,50"))]
        wishes.subscriptions.remove(TRADE)
        wishes.subscriptions.renew([DEPTH])
        await until(lambda: len(wishes.stood) == 3)
        assert server.asked[1:] == [
            ("unsub", ("trade@btc_usdt",)), ("unsub", ("depth@btc_usdt,50",)), ("sub", ("depth@btc_usdt,50",)),
        ]  # fmt: skip
        assert server.most_open == 1
        assert wishes.subscriptions.is_standing(DEPTH) and not wishes.subscriptions.is_standing(TRADE)


@in_virtual_time
async def test_one_topic_that_is_refused_stops_no_other_and_is_asked_again() -> None:
    async with opened() as (server, _, wishes):
        server.codes["kline@nowhere_usdt,1m"] = 40002
        for topic in (TRADE, BAD, DEPTH):
            wishes.subscriptions.want(topic)
        await until(lambda: {TRADE, DEPTH} <= set(wishes.stood))
        assert not wishes.subscriptions.is_standing(BAD)
        count = len(server.asked)
        for _ in range(5):
            await passes(10.0)
            wishes.subscriptions.look()
        assert len(server.asked) == count
        server.codes.clear()
        await passes(15.0)
        wishes.subscriptions.look()
        await until(lambda: wishes.subscriptions.is_standing(BAD))


@in_virtual_time
async def test_a_subscription_that_the_venue_does_not_end_stops_no_new_one() -> None:
    async with opened() as (server, stream, wishes):
        wishes.subscriptions.want(TRADE)
        await until(lambda: wishes.stood)
        server.codes["trade@btc_usdt"] = 40002
        wishes.subscriptions.remove(TRADE)
        wishes.subscriptions.want(DEPTH)
        await until(lambda: wishes.subscriptions.is_standing(DEPTH))
        assert [method for method, _ in server.asked] == ["sub", "unsub", "sub"]
        assert stream.connections == 1 and not wishes.subscriptions.is_standing(TRADE)


@in_virtual_time
async def test_an_answer_that_does_not_come_costs_the_connection() -> None:
    """A late answer would be taken for that of the next question."""
    async with opened() as (server, stream, wishes):
        server.answers = False
        wishes.subscriptions.want(TRADE)
        await until(lambda: stream.connections == 2, 30.0)
        server.answers = True
        wishes.subscriptions.opened()
        await until(lambda: wishes.subscriptions.is_standing(TRADE))
        assert stream.status.state is LinkState.LIVE


@in_virtual_time
async def test_after_a_loss_everything_is_asked_again() -> None:
    async with opened() as (server, stream, wishes):
        wishes.subscriptions.want(TRADE)
        await until(lambda: wishes.stood)
        server.peers[-1].reset()
        await until(lambda: stream.connections == 2 and stream.is_open)
        assert not wishes.subscriptions.is_standing(TRADE)
        wishes.subscriptions.opened()
        await until(lambda: wishes.subscriptions.is_standing(TRADE))


@in_virtual_time
async def test_pings_are_text_in_both_directions() -> None:
    async with opened() as (server, stream, _):
        heard: list[str] = server.peers[-1].heard
        await until(lambda: heard.count("ping") >= 3)
        assert stream.status.round_trip is not None
        server.peers[-1].say("ping")
        await until(lambda: "pong" in heard)
        assert stream.quarantined == 0
        server.answers_beats = False
        server.sends_data = False
        await until(lambda: stream.connections == 2, 30.0)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40001, BadRequest), (40002, UnknownInstrument), (40003, NotSupported), (40004, BadRequest),
        (40005, AuthenticationError), (40006, RateLimited), (50001, VenueUnavailable), (50002, VenueUnavailable),
        (7, BadRequest),
    ],
)  # fmt: skip
def test_the_codes_of_the_stream(code: int, kind: type[VenueError]) -> None:
    error = stream_error(Reply(code, ""))
    assert type(error) is kind and error.code == str(code) and error.message == "the venue gave no reason"


@in_virtual_time
async def test_a_login_draws_its_topics_anew_and_says_what_a_refusal_is() -> None:
    async with opened() as (server, stream, _):
        keys = iter(("KEY1", "KEY2"))

        async def topics() -> list[str]:
            return [f"order@{next(keys)}"]

        login = Calls().login(topics, lambda error: AuthenticationError(VENUE, f"refused: {error.message}"))
        server.codes["order@KEY1"] = 40005
        with pytest.raises(AuthenticationError, match="refused: no"):
            await stream.ask(login)
        await stream.ask(login)
        assert [topics for _, topics in server.asked] == [("order@KEY1",), ("order@KEY2",)]
