"""What a stream does on a good day, and how it leaves: in virtual time, over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.transport.stream_rig import (
    METHOD,
    PROTOCOL_PING,
    SECRET,
    ask,
    passes,
    rules,
    streaming,
    until,
)
from tests.venues.transport.stream_server import PING, TEXT, StreamServer, wire_frame
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    RequestTimeout,
    VenueUnavailable,
)
from venues.events import LinkState
from venues.transport.address import Address
from venues.transport.heartbeat import Form, Heartbeat, text_heartbeat
from venues.transport.ratelimit import Pool, RateLimiter
from venues.transport.stream import StreamLimits


@in_virtual_time
async def test_frames_come_in_order_with_their_time_and_together_if_they_wait_together() -> None:
    stamps = iter(range(1, 10_000))
    async with streaming(wall=lambda: next(stamps)) as (server, rig):
        await rig.stream.opened()
        server.publish(100)
        await until(lambda: len(rig.numbers) >= 100)
        assert max(rig.batches) > 10
        assert rig.numbers == list(range(rig.numbers[0], rig.numbers[0] + len(rig.numbers)))
        received = [frame.ts_recv for frame in rig.frames]
        assert received == sorted(set(received))
        assert all(frame.is_text and frame.connection == 1 for frame in rig.frames)


@in_virtual_time
async def test_a_message_in_fragments_is_one_frame() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        ping = wire_frame(PING, b"between")
        server.peer.write(wire_frame(TEXT, b"one", fin=False) + ping + wire_frame(0, b" and all"))
        await until(lambda: "one and all" in rig.texts)


@in_virtual_time
async def test_subscriptions_are_asked_again_with_fresh_words_after_a_reconnect() -> None:
    async with streaming() as (server, rig):
        await rig.stream.subscribe("book", ask("sub old"))  # before the login is answered: kept
        await rig.stream.opened()
        await rig.stream.subscribe("book", ask("sub book"))  # in its place
        await rig.stream.subscribe("deals", ask("sub deals"))
        await rig.stream.subscribe("state", ask("sub state"))
        await rig.stream.unsubscribe("state", ask("ask unsub state"))
        assert server.peer.heard[-1].startswith("ask unsub state")
        server.peer.reset()
        await until(lambda: rig.opened == [1, 2])
        asked = [text.split(" #")[0] for text in server.peer.heard]
        assert asked == ["login", "sub book", "sub deals"]


@in_virtual_time
async def test_a_refused_subscription_is_raised_and_not_kept() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        server.refuses.add("sub nothing")
        with pytest.raises(BadRequest):
            await rig.stream.subscribe("nothing", ask("sub nothing"))
        await passes(40)
        server.peer.reset()
        await until(lambda: rig.opened == [1, 2])
        asked = [text for peer in server.peers for text in peer.heard if text.startswith("sub")]
        assert len(asked) == 1


@in_virtual_time
async def test_a_subscription_that_nobody_answers_is_asked_for_again() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        server.ignores.add("sub book")
        await rig.stream.subscribe("book", ask("sub book"))
        server.ignores.clear()
        await until(lambda: len([text for text in server.peer.heard if text.startswith("sub")]) == 2)
        await until(lambda: rig.state is LinkState.LIVE and not rig.stream.status.detail)
        assert rig.stream.connections == 1


@in_virtual_time
async def test_a_question_gets_its_answer_or_says_why_not() -> None:
    async with streaming() as (server, rig):
        with pytest.raises(ConnectionLost):
            await rig.stream.ask(ask("ask time"))
        await rig.stream.opened()
        assert (await rig.stream.ask(ask("ask time"))).data == b"ok ask time"
        server.ignores.add("ask time")
        with pytest.raises(RequestTimeout):
            await rig.stream.ask(ask("ask time", deadline=1.0))
        lost = asyncio.create_task(rig.stream.ask(ask("ask time")))
        await until(lambda: len([text for text in server.peer.heard if text.startswith("ask")]) == 3)
        server.peer.reset()
        with pytest.raises(ConnectionLost):
            await lost
        assert not any(text.startswith("ok") for text in rig.texts)


@in_virtual_time
async def test_without_pipelining_one_ask_waits_for_the_other() -> None:
    async with streaming(rules(is_pipelined=False)) as (server, rig):
        await rig.stream.opened()
        server.ignores.add("ask first")
        asks = [asyncio.create_task(rig.stream.ask(ask(text, 2.0))) for text in ("ask first", "ask second")]
        began = rig.now
        first, second = await asyncio.gather(*asks, return_exceptions=True)
        assert isinstance(first, RequestTimeout)
        assert not isinstance(second, BaseException)
        assert rig.now - began >= 2.0


HEARTBEATS = {
    "method": (METHOD, "beat "),
    "text": (text_heartbeat("ask ping", "ok ask ping"), "ask ping"),
    "protocol ping": (PROTOCOL_PING, ""),
}


@pytest.mark.parametrize("form", HEARTBEATS)
@in_virtual_time
async def test_each_form_of_heartbeat_is_sent_answered_and_measured(form: str) -> None:
    heartbeat, text = HEARTBEATS[form]
    async with streaming(rules(heartbeat=heartbeat)) as (server, rig):
        await rig.stream.opened()
        server.sends_data = False
        await passes(30)
        sent = len([heard for heard in server.peer.heard if text and heard.startswith(text)]) or server.peer.pings
        assert 5 <= sent <= 9
        assert rig.stream.status.round_trip is not None
        assert rig.stream.connections == 1
        assert all(text.startswith("data ") for text in rig.texts)


@in_virtual_time
async def test_the_venues_own_heartbeat_is_answered_and_is_no_data() -> None:
    heartbeat = Heartbeat(form=Form.NONE, call="ping", reply="pong", patience=20.0)
    async with streaming(rules(heartbeat=heartbeat)) as (server, rig):
        await rig.stream.opened()
        server.sends_data = False
        for _ in range(3):
            server.peer.say("ping")
            await passes(15)
        assert server.peer.heard.count("pong") == 3
        assert "ping" not in rig.texts
        assert rig.state is LinkState.STALE
        assert rig.stream.connections == 1
        began = rig.now
        await until(lambda: rig.stream.connections == 2)  # it has not called for too long
        assert rig.now - began <= 20.0


@in_virtual_time
async def test_a_venue_that_need_not_answer_is_given_up_only_after_long_silence() -> None:
    heartbeat = Heartbeat(must_answer=False, patience=45.0)
    async with streaming(rules(heartbeat=heartbeat)) as (server, rig):
        await rig.stream.opened()
        server.answers_beats = server.sends_data = False
        began = rig.now
        await until(lambda: rig.stream.connections == 2)
        assert 40 <= rig.now - began <= 46
        assert server.peers[0].pings >= 8


@in_virtual_time
@pytest.mark.parametrize("has_answered", [False, True])
async def test_a_venue_that_has_answered_once_by_a_connection_has_to_answer_again(has_answered: bool) -> None:
    heartbeat = Heartbeat(learns=True, patience=45.0)
    async with streaming(rules(heartbeat=heartbeat)) as (server, rig):
        server.answers_beats = has_answered
        await rig.stream.opened()
        await until(lambda: server.peers[0].pings == 1)  # at once, so that it is soon known
        await passes(1.0)
        server.answers_beats = server.sends_data = False
        began = rig.now
        await until(lambda: rig.stream.connections == 2)
        assert rig.now - began <= 11.0 if has_answered else rig.now - began >= 40.0


@in_virtual_time
async def test_a_private_stream_may_be_silent_for_hours() -> None:
    async with streaming(rules(ages=False)) as (server, rig):
        await rig.stream.opened()
        server.sends_data = False
        await passes(120)
        assert rig.state is LinkState.LIVE
        assert rig.stream.connections == 1


@in_virtual_time
async def test_data_counts_as_a_sign_of_life_where_the_answer_is_late() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        server.answers_beats = False
        await passes(60)
        assert rig.stream.connections == 1
        assert rig.state is LinkState.LIVE


@in_virtual_time
async def test_a_slow_consumer_is_told_and_loses_nothing() -> None:
    limits = StreamLimits(waiting=50, unread=8)
    async with streaming(limits=limits) as (server, rig):
        await rig.stream.opened()
        await until(lambda: rig.numbers)
        rig.pace.clear()
        for _ in range(20):
            server.publish(50)
        await until(lambda: rig.stream.is_behind)
        await passes(60)  # far longer than a heartbeat may go unanswered
        assert rig.stream.connections == 1
        assert rig.stream.status.detail == "50 frames wait to be taken"
        rig.pace.set()
        await until(lambda: len(rig.numbers) > 1100)
        assert rig.numbers == list(range(rig.numbers[0], rig.numbers[0] + len(rig.numbers)))
        assert rig.stream.status.detail == ""
        assert rig.stream.connections == 1


@in_virtual_time
async def test_frames_are_held_back_until_reconciled_and_then_come_first() -> None:
    async with streaming(holds=True) as (server, rig):
        await rig.stream.opened()
        await passes(5)
        assert rig.frames == []
        server.peer.reset()
        await until(lambda: rig.opened == [1, 2])
        assert not rig.stream.release(1)  # what was reconciled is not the newest
        await passes(5)
        assert rig.frames == []
        assert rig.stream.release(2)
        await until(lambda: len(rig.numbers) > 15)
        assert rig.numbers == sorted(set(rig.numbers))
        assert [frame.connection for frame in rig.frames] == sorted(frame.connection for frame in rig.frames)
        assert {frame.connection for frame in rig.frames} == {1, 2}


@in_virtual_time
async def test_messages_keep_within_what_the_venue_allows_a_connection() -> None:
    pools = (Pool(name="messages", units=10, period=10.0),)
    async with streaming(rules(pools=pools)) as (_, rig):
        await rig.stream.opened()
        began = rig.now
        await asyncio.gather(*(rig.stream.ask(ask(f"ask {n}", 60.0)) for n in range(20)))
        assert rig.now - began >= 20.0
        assert rig.stream.connections == 1


REFUSALS = {
    401: AuthenticationError,
    403: PermissionDenied,
    404: BadRequest,
    302: ProtocolError,
    503: VenueUnavailable,
}


@pytest.mark.parametrize("status", REFUSALS)
@in_virtual_time
async def test_a_refused_handshake_is_what_its_status_says(status: int) -> None:
    server = StreamServer()
    server.refusal = (status, {"Location": "/elsewhere"})
    async with streaming(server=server) as (_, rig):
        with pytest.raises(REFUSALS[status]):
            await rig.stream.opened()
        assert {peer.target for peer in server.peers} == {"/stream"}


@pytest.mark.parametrize("form", ["seconds", "date", "Unix time", "none", "close code"])
@in_virtual_time
async def test_nothing_connects_while_a_ban_lasts(form: str) -> None:
    wall = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
    value = {"seconds": "90", "date": "Thu, 01 Jan 2026 00:01:30 GMT", "Unix time": "1767225690"}.get(form)
    limiter = RateLimiter("here", ())
    async with streaming(wall=lambda: wall, limiter=limiter, judge_closing=judge_closing) as (server, rig):
        await rig.stream.opened()
        if form == "close code":
            server.peer.close(4029)
        else:
            server.refusal = (429, {} if value is None else {"Retry-After": value})
            server.peer.reset()
        await until(lambda: limiter.penalty_left() > 0)
        began, connected = rig.now, len(server.peers)
        server.refusal = None
        await until(lambda: rig.state is LinkState.DOWN)
        await until(lambda: rig.stream.connections == 2, 200)
        lasted = 60 if form == "none" else 90
        assert lasted - 0.1 <= server.connected_at[connected] - began <= lasted + 1


def judge_closing(code: int, reason: str) -> RateLimited | None:
    return RateLimited("here", "banned", str(code), 90.0) if code == 4029 else None


@in_virtual_time
async def test_connections_keep_within_their_budget() -> None:
    limiter = RateLimiter("here", (Pool(name="connects", units=5, period=120.0, has_reserve=False),))
    server = StreamServer(every=5.0)
    server.closes_at_once = 1012
    async with streaming(server=server, limiter=limiter, weight=(("connects", 1),)) as (_, rig):
        await until(lambda: len(server.peers) == 6, 200)
        assert server.connected_at[5] - server.connected_at[0] >= 120
        assert any("request limit is used up" in status.detail for _, status in rig.told)


@in_virtual_time
async def test_it_never_gives_up_and_begins_anew_after_a_time_of_health() -> None:
    server = StreamServer(every=5.0)
    server.refusal = (503, {})
    async with streaming(server=server) as (_, rig):
        await passes(3600)
        attempts = len(server.connected_at)
        assert 200 <= attempts <= 400  # 15 s apart on average
        assert rig.state is LinkState.DOWN
        server.refusal = None
        await until(lambda: rig.stream.is_open)
        await passes(31)
        server.peer.reset()
        began = rig.now
        await until(lambda: rig.stream.connections == 2)
        assert rig.now - began <= 0.2  # at once


@in_virtual_time
async def test_an_adapter_that_stumbles_does_not_end_the_stream() -> None:
    calls = 0

    async def address() -> Address:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyError(SECRET)
        return Address(url=f"{server.url}?token={SECRET}", headers=(("X-Key", SECRET),))

    server = StreamServer()
    async with streaming(server=server, address=address) as (_, rig):
        with pytest.raises(ProtocolError, match=r"stumbled \(KeyError\)"):
            await rig.stream.opened()
        await until(lambda: rig.stream.is_open)
        assert server.peer.target == f"/stream?token={SECRET}"
        assert server.peer.headers["x-key"] == SECRET
        assert SECRET not in str(rig.told)
