"""A stream is closed in any state, at once or within a second, and leaves neither task nor socket nor secret."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable

import pytest

from tests.venues.transport.stream_rig import SECRET, StreamRig, ask, open_descriptors, rules, streaming, until
from tests.venues.transport.stream_server import StreamServer
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import ConfigurationError, ConnectionLost
from venues.events import LinkState
from venues.transport.address import Address
from venues.transport.link import Stream
from venues.transport.stream import Opening, StreamLimits, open_websocket
from venues.transport.timing import StreamTiming


@pytest.mark.parametrize("state", ["never started", "connecting", "logging in", "open", "behind", "waiting"])
@in_virtual_time
async def test_it_closes_in_any_state(state: str) -> None:
    server = StreamServer()
    server.answers_handshakes = state != "connecting"
    server.ignores = {"login"} if state == "logging in" else set()
    server.refusal = (503, {}) if state == "waiting" else None
    async with streaming(server=server, limits=StreamLimits(waiting=1, unread=1)) as (_, rig):
        if state == "behind":
            rig.pace.clear()
            await rig.stream.opened()
            await until(lambda: rig.stream.is_behind)
        elif state == "waiting":
            await until(lambda: rig.state is LinkState.DOWN)
        elif state != "never started":
            await until(lambda: server.peers and (server.peer.heard or state == "connecting"))
        began = rig.now
        await rig.stream.aclose()
        assert rig.now - began <= 1.1
        assert rig.state is LinkState.DOWN
        await rig.stream.aclose()
        with pytest.raises(ConnectionLost):
            await rig.stream.opened()
        with pytest.raises(ConnectionLost):
            await rig.stream.ask(ask("ask time"))


@in_virtual_time
async def test_it_says_goodbye_and_waits_a_second_at_most() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        await rig.stream.aclose()
        await server.peer.ended.wait()
        assert server.peer.close_code == 1000
    async with streaming() as (server, rig):
        await rig.stream.opened()
        server.answers_closing = False
        began = rig.now
        await rig.stream.aclose()
        assert rig.now - began <= 1.1


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5, 8, 13, 21])
@pytest.mark.parametrize("is_secure", [True, False])
async def test_a_handshake_that_is_cancelled_leaks_nothing(
    after: int, is_secure: bool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Cancelled after so many steps of the loop: while it connects, during TLS, before the answer."""
    async with StreamServer(server_tls if is_secure else None) as server:
        server.answers_handshakes = False
        before = open_descriptors()
        opening = Opening(
            venue="here",
            address=Address(url=server.url),
            timing=StreamTiming(),
            limits=StreamLimits(),
            tls=client_tls if is_secure else None,
        )
        task = asyncio.create_task(open_websocket(opening))
        steps = 0

        def one_more() -> bool:
            nonlocal steps
            steps += 1
            return steps > after

        await turns(one_more)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError)
        await until(lambda: open_descriptors() == before)


async def turns(is_over: Callable[[], bool]) -> None:
    """Gives the loop turns until `is_over` says so."""
    loop = asyncio.get_running_loop()
    while not is_over():
        turn: asyncio.Future[None] = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


async def reconnect(server: StreamServer, rig: StreamRig) -> None:
    before = rig.opened[-1]
    server.peer.reset()
    await until(lambda: rig.opened[-1] > before, 120)


@in_virtual_time
async def test_a_hundred_reconnects_leave_nothing() -> None:
    async with streaming(rules(timing=StreamTiming(floor=0.1, ceiling=0.1))) as (server, rig):
        await rig.stream.opened()
        tasks, descriptors = len(asyncio.all_tasks()), open_descriptors()
        for _ in range(100):
            await reconnect(server, rig)
        await until(lambda: len(asyncio.all_tasks()) == tasks)
        await until(lambda: open_descriptors() == descriptors)


@in_virtual_time
async def test_the_last_frames_before_a_goodbye_are_handed_over() -> None:
    async with streaming() as (server, rig):
        await rig.stream.opened()
        server.publish(40)
        server.peer.close(1001)
        server.sends_data = False
        await until(lambda: rig.stream.connections == 2)
        assert len([frame for frame in rig.frames if frame.connection == 1]) >= 40


@in_virtual_time
async def test_no_secret_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    address = Address(url="ws://127.0.0.1:1/?token=" + SECRET, headers=(("X-Key", SECRET),))
    with caplog.at_level(logging.DEBUG):
        for its_address in (None, address):
            async with streaming(address=its_address) as (server, rig):
                server.refuses.add("login")
                await until(lambda: rig.state is LinkState.DOWN)
                server.refuses.clear()
                shown = [rig.told, rig.stream, rig.stream.__dict__, rules(), ask("login"), rig.frames]
                assert SECRET not in "".join(map(str, shown))
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "ws://exchange.test/",
        "https://exchange.test/",
        "wss://",
        "wss://me:pw@exchange.test/",
        "wss://exchange.test/#a",
        "wss://[",
        "wss://exchange.test:99999/",
        "wss://exchange.test/a b",
        "wss://exchange.test/\r\nX-Evil: 1",
    ],
)
def test_an_address_that_can_not_be_used(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Stream(rules(), Address(url=url), on_status=lambda _: None)
    assert url.removeprefix("wss://") in ("", "[") or url not in str(caught.value)


def test_a_header_that_would_become_two() -> None:
    address = Address(url="wss://exchange.test/", headers=(("X-Key", "a\r\nX-Evil: 1"),))
    with pytest.raises(ConfigurationError):
        Stream(rules(), address, on_status=lambda _: None)
