"""The stream fault kinds that concern the transport, over real sockets.

At full scale, in virtual time: a dead link is noticed within 11 s, data that stops shows its age within 2 s, and
15 s after the healing the link is live again. No frame comes twice or out of order, none is lost
while the link holds.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Callable

import pytest

from tests.venues.transport.stream_rig import SECRET, StreamRig, ask, passes, rules, streaming, until
from tests.venues.transport.stream_server import BINARY, TEXT, StreamServer, wire_frame
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import ConnectionLost, DecodeError
from venues.events import LinkState
from venues.transport.heartbeat import Heartbeat
from venues.transport.strict_json import BadJson, parse_json
from venues.transport.timing import StreamTiming

DETECT, AGE, HEAL = 11.0, 2.0, 15.0  # seconds
LOST = {LinkState.RECONNECTING, LinkState.DOWN}


def go_black(server: StreamServer) -> None:
    """Nothing goes through any more, whoever tries."""
    server.answers_handshakes = False
    for peer in server.peers:
        peer.is_mute = True


def forget_us(server: StreamServer) -> None:
    """The venue lost the connection and we never hear of it: a half-open socket."""
    server.peer.is_mute = True


def cut(server: StreamServer) -> None:
    server.answers_handshakes = False
    server.peer.reset()


def drip(server: StreamServer) -> None:
    """A frame that never ends, a byte every 0.4 s: the socket is never silent."""
    peer = server.peer
    peer.write(wire_frame(TEXT, b"", length=50_000))
    server.answers_beats = server.sends_data = False
    loop = asyncio.get_running_loop()

    def byte() -> None:
        if not peer.ended.is_set():
            peer.write(b" ")
            loop.call_later(0.4, byte)

    byte()


def send_huge(server: StreamServer) -> None:
    server.peer.write(wire_frame(TEXT, b"x" * 100_000))


def send_huge_in_pieces(server: StreamServer) -> None:
    server.peer.write(wire_frame(TEXT, b"x" * 40_000, fin=False) + wire_frame(0, b"x" * 40_000))


def send_garbage(server: StreamServer) -> None:
    server.peer.write(b"HTTP/1.1 200 OK\r\n\r\n<html>")


def refuse_login(server: StreamServer) -> None:
    server.refuses.add("login")
    server.peer.reset()


def ignore_login(server: StreamServer) -> None:
    server.ignores.add("login")
    server.peer.reset()


def refuse_subscription(server: StreamServer) -> None:
    server.refuses.add("sub book")
    server.peer.reset()


def close_each(server: StreamServer) -> None:
    server.closes_at_once = 1012
    server.peer.close(1012)


def never_answer_handshakes(server: StreamServer) -> None:
    server.answers_handshakes = False
    server.peer.close(1001)


def close_slowly(server: StreamServer) -> None:
    """It says goodbye, and keeps the socket open."""
    server.peer.close(1001)
    server.peer.is_mute = True
    server.answers_closing = False


def vanish(server: StreamServer) -> None:
    """The connection ends without a goodbye."""
    server.peer.writer.write_eof()
    server.answers_handshakes = False


def fail_upstream(server: StreamServer) -> None:
    server.refusal = (503, {})
    server.peer.close(1013)


def ban(server: StreamServer) -> None:
    server.refusal = (429, {"Retry-After": "8"})
    server.peer.close(1008, "too many connections")


def stop_data(server: StreamServer) -> None:
    server.sends_data = False


def heal(server: StreamServer) -> None:
    server.answers_handshakes = server.answers_beats = server.sends_data = server.answers_closing = True
    server.refusal = server.closes_at_once = None
    server.refuses.clear()
    server.ignores.clear()


# kind: how it begins, and whether it shows by silence alone
KINDS: dict[str, tuple[Callable[[StreamServer], None], bool]] = {
    "black hole": (go_black, True),
    "half-open socket": (forget_us, True),
    "reset": (cut, False),
    "slow drip": (drip, True),
    "huge frame": (send_huge, False),
    "huge frame in pieces": (send_huge_in_pieces, False),
    "garbage": (send_garbage, False),
    "login refused": (refuse_login, False),
    "login never answered": (ignore_login, False),
    "subscribe refused": (refuse_subscription, False),
    "reconnect loop": (close_each, False),
    "handshake never answered": (never_answer_handshakes, False),
    "closes slowly": (close_slowly, False),
    "ends without a goodbye": (vanish, False),
    "503": (fail_upstream, False),
    "ban": (ban, False),
}


def check_order(rig: StreamRig) -> None:
    """Nothing twice, nothing out of order, and no hole within a connection."""
    by_connection: dict[int, list[int]] = defaultdict(list)
    for frame in rig.frames:
        if frame.data.startswith(b"data "):
            by_connection[frame.connection].append(int(frame.data[5:]))
    for numbers in by_connection.values():
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert rig.numbers == sorted(set(rig.numbers))
    assert [frame.connection for frame in rig.frames] == sorted(frame.connection for frame in rig.frames)


@pytest.mark.parametrize("kind", KINDS)
@in_virtual_time
async def test_it_is_noticed_and_healed(kind: str) -> None:
    begin, is_silent = KINDS[kind]
    async with streaming() as (server, rig):
        await watch(rig, server, begin, is_silent, 1.0)


@pytest.mark.parametrize("kind", ["black hole", "half-open socket", "reset", "login refused"])
async def test_it_is_noticed_and_healed_in_real_time_at_a_tenth(kind: str) -> None:
    begin, is_silent = KINDS[kind]
    timing = StreamTiming().scaled(0.1)
    heartbeat = Heartbeat(every=0.5)
    server = StreamServer(every=0.05)
    async with streaming(rules(timing=timing, heartbeat=heartbeat), server) as (_, rig):
        await watch(rig, server, begin, is_silent, 0.1)


async def watch(
    rig: StreamRig, server: StreamServer, begin: Callable[[StreamServer], None], is_silent: bool, scale: float
) -> None:
    await rig.stream.subscribe("book", ask("sub book"))
    await rig.stream.opened()
    await until(lambda: len(rig.numbers) > 3)
    began = rig.now
    begin(server)
    await until(lambda: any(at >= began and status.state in LOST for at, status in rig.told))
    since = [(at - began, status) for at, status in rig.told if at >= began]
    assert next(at for at, status in since if status.state in LOST) <= DETECT * scale
    if is_silent:
        aged = next(at for at, status in since if status.state is LinkState.STALE)
        assert aged <= (AGE + 0.5) * scale
    await passes(6 * scale)
    healed = rig.now
    heal(server)
    await until(lambda: rig.state is LinkState.LIVE and rig.frames[-1].connection == rig.stream.connections)
    assert rig.now - healed <= HEAL * scale
    counted = len(rig.numbers)
    await until(lambda: len(rig.numbers) > counted + 3)
    check_order(rig)
    assert rig.server.peer.heard[0].startswith("login")  # asked again on the new connection
    assert any(text.startswith("sub book") for text in rig.server.peer.heard)
    assert SECRET not in str(rig.told)
    assert SECRET not in repr(rig.stream)


@in_virtual_time
async def test_heartbeats_only_is_a_quiet_market_and_no_dead_link() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        await until(lambda: rig.numbers)
        stopped = rig.now
        stop_data(server)
        await until(lambda: rig.state is LinkState.STALE)
        assert rig.now - stopped <= AGE + 0.1
        await passes(60)
        assert rig.stream.connections == 1
        assert rig.state is LinkState.STALE
        assert rig.stream.age is not None
        assert rig.stream.age > 60
        beats = [text for text in server.peer.heard if text.startswith("beat ")]
        assert 11 <= len(beats) <= 15  # every 5 s, and one when it fell silent
        assert rig.stream.status.round_trip is not None
        heal(server)
        await until(lambda: rig.state is LinkState.LIVE)
        assert not any(text.startswith("beaten") for text in rig.texts)


FRAMES: dict[str, bytes] = {
    "bad UTF-8": wire_frame(TEXT, b'{"a": "\xff\xfe"}'),
    "deep JSON": wire_frame(TEXT, b"[" * 30_000 + b"]" * 30_000),
    "NaN": wire_frame(TEXT, b'{"a": NaN}'),
    "empty": wire_frame(TEXT, b""),
}


@pytest.mark.parametrize("kind", FRAMES)
@in_virtual_time
async def test_a_frame_that_can_not_be_used_is_set_aside_and_the_link_holds(kind: str) -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        await until(lambda: rig.numbers)
        server.peer.write(FRAMES[kind])
        counted = len(rig.numbers)
        await until(lambda: len(rig.numbers) > counted + 3)
        (odd,) = [frame for frame in rig.frames if not frame.data.startswith(b"data ")]
        with pytest.raises(BadJson):
            parse_json(odd.data)
        rig.stream.quarantine(odd, "not the JSON that we accept")
        assert [one.count for one in rig.quarantine] == [1]
        assert rig.stream.quarantined == 1
        assert rig.stream.connections == 1
        check_order(rig)


@in_virtual_time
async def test_a_frame_of_the_other_kind_is_given_to_the_consumer_in_its_place_and_proves_nothing() -> None:
    """It may have been about a book: only the consumer knows which, and what it has taken before."""
    async with streaming() as (server, rig):
        await rig.stream.opened()
        await until(lambda: rig.numbers)
        stop_data(server)
        await until(lambda: rig.state is LinkState.STALE)
        counted = len(rig.frames)
        server.peer.write(wire_frame(BINARY, b"data 1"))
        await until(lambda: len(rig.frames) > counted)
        assert rig.state is LinkState.STALE
        odd = rig.frames[-1]
        with pytest.raises(DecodeError, match="a binary frame"):
            rig.stream.check(odd)
        rig.stream.check(rig.frames[0])


@in_virtual_time
async def test_a_huge_frame_is_counted_as_one_that_could_not_be_used() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        send_huge(server)
        await until(lambda: rig.stream.connections == 2)
        assert [one.why for one in rig.quarantine] == ["a frame of more than 65536 bytes"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1000, "normal (1000)"),
        (1001, "going away (1001)"),
        (1008, "policy violation (1008)"),
        (1012, "service restart (1012)"),
        (4013, "the venue's own code (4013)"),
    ],
)
@in_virtual_time
async def test_a_close_code_is_put_into_words(code: int, words: str) -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        server.peer.close(code, f"bye {'k' * 32}")
        await until(lambda: rig.stream.connections == 2)
        details = [status.detail for _, status in rig.told]
        assert f'the venue closed the connection: {words}, "bye …"' in details


@in_virtual_time
async def test_a_venue_that_closes_slowly_holds_us_for_a_second() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        began = rig.now
        close_slowly(server)
        await until(lambda: rig.stream.connections == 2)
        assert rig.now - began <= 1.2


async def test_over_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with streaming(server=StreamServer(server_tls, every=0.02), tls=client_tls) as (server, rig):
        await rig.stream.opened()
        await until(lambda: len(rig.numbers) > 3)
        assert server.url.startswith("wss:")
        server.peer.reset()
        await until(lambda: rig.stream.connections == 2 and rig.frames[-1].connection == 2)
        check_order(rig)


async def test_a_certificate_of_nobody_is_not_trusted(server_tls: ssl.SSLContext) -> None:
    async with streaming(server=StreamServer(server_tls)) as (_, rig):
        with pytest.raises(ConnectionLost, match="certificate"):
            await rig.stream.opened()
        assert rig.stream.connections == 0
