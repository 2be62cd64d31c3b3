"""A served simulator: where it listens, the control API, its end, and what is said where it can not be served."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import ssl
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from tests.venues.simulators.gate_rig import PLACED, RawClient, TinyVenue, tiny_rig, until
from venues.errors import ConfigurationError, UnknownVenue
from venues.simulators.faults import Faults
from venues.simulators.registry import simulator_names
from venues.simulators.serving import Practice, in_thread, served_in_thread, serving, serving_simulator


def fetch(url: str) -> bytes:
    """Asks in a blocking way, as whoever has no loop."""
    parts = urllib.parse.urlsplit(url)
    client = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        client.request("GET", parts.path)
        return client.getresponse().read()
    finally:
        client.close()


@asynccontextmanager
async def serving_tiny(port: int = 0, failure: Exception | None = None) -> AsyncIterator[Practice]:
    venue = TinyVenue(Faults())
    venue.failure = failure
    async with serving_simulator(venue, port=port) as practice:
        yield practice


async def test_where_it_listens_and_what_it_says_of_itself() -> None:
    async with tiny_rig() as rig:
        practice = rig.practice
        assert practice.rest_url == f"http://127.0.0.1:{practice.port}"
        assert practice.ws_url == f"ws://127.0.0.1:{practice.port}/"
        assert json.loads(practice.line()) == {
            "venue": "tiny",
            "rest_url": practice.rest_url,
            "ws_url": practice.ws_url,
            "api_key": "tiny-key",
            "api_secret": "tiny-secret",
        }
        assert "\n" not in practice.line()
        assert "tiny-secret" not in repr(practice)
        await until(lambda: rig.venue.is_living)
        with pytest.raises(OSError):  # this machine's other addresses are not listened on
            await asyncio.open_connection("::1", practice.port)


async def test_the_control_api_looks_and_acts_and_switches() -> None:
    async with tiny_rig("drop:0.2") as rig:
        await rig.ask("POST", "/order")
        state = await rig.control("GET", "state")
        assert state["orders"] == ["POST"]
        assert state["requests"] == 1
        assert state["connections"] >= 1
        assert await rig.control("POST", "act", {"do": "quiet"}) == {"done": "quiet"}
        assert rig.venue.acted == [{"do": "quiet"}]
        assert (await rig.control("GET", "faults"))["faults"] == "drop:0.2"
        assert (await rig.control("PUT", "faults", {"faults": "502@submit"}))["faults"] == "502@submit"
        assert (await rig.ask("POST", "/order"))[0] == 502
        report = await rig.control("GET", "faults")
        assert report["on"] == [{"kind": "502", "calls": ["submit"], "share": 1.0, "value": "executed", "done": 1}]
        assert report["kinds"]["drop"] == "a push never comes"
        assert (await rig.control("DELETE", "faults"))["on"] == []
        assert await rig.ask("POST", "/order") == (200, PLACED)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("PUT", "faults", b'{"faults":"dorp"}', 400, "near are: drop"),
        ("PUT", "faults", b'{"faults":["drop"]}', 400, "the body must be"),
        ("PUT", "faults", b'{"faults":"drop","more":1}', 400, "the body must be"),
        ("PUT", "faults", b"drop", 400, "must be a JSON object"),
        ("POST", "act", b"[]", 400, "must be a JSON object"),
        ("POST", "act", b"\xff", 400, "must be a JSON object"),
        ("POST", "act", b"{}", 400, 'a wish needs "do"'),
        ("GET", "stat", b"", 404, "there is only GET /practice/state"),
        ("GET", "", b"", 404, "there is only"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    method: str, path: str, body: bytes, status: int, words: str
) -> None:
    async with tiny_rig("gap") as rig:
        got, answer = await rig.ask(method, f"/practice/{path}", body)
        assert got == status
        assert words in json.loads(answer)["error"]
        assert rig.faults.spec == "gap"


async def test_it_ends_within_a_second_whatever_its_clients_do(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    async with tiny_rig() as rig:
        polite = await rig.stream()
        rig.faults.switch("black-hole*1")
        rig.faults.switch("drip=1*1")
        rig.faults.heal()
        for _ in range(2):
            await rig.stream()  # and never reads
        half = await rig.connect()
        await half.send(b"POST /order HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf")
        pushing = asyncio.ensure_future(rig.venue.push(*["x" * 100_000] * 200))
        await asyncio.wait([pushing], timeout=0.05)
        assert not pushing.done()  # nobody reads, so the venue waits
        began = loop.time()
        await rig.practice.aclose()
        assert loop.time() - began < 1
        await rig.practice.aclose()
        assert rig.practice.connections == 0
        assert rig.venue.open_streams == 0
        assert not rig.venue.is_living
        await pushing
        with pytest.raises(ConnectionRefusedError):
            await rig.connect()
        polite.close()
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_streams_are_told_that_the_service_restarts() -> None:
    async with tiny_rig() as rig:
        client = await rig.stream()
        await client.say("hello")
        assert await client.hear() == "echo hello"
        ending = asyncio.ensure_future(rig.practice.aclose())
        assert await client.frame() == (8, b"\x03\xf4")
        await ending


async def test_a_port_can_be_chosen_and_is_free_again_afterwards() -> None:
    async with serving_tiny() as first:
        port = first.port
        with pytest.raises(ConfigurationError, match=f"port {port} is taken by another program; choose another"):
            async with serving_tiny(port):
                pass
        first.faults.switch("refuse")
        assert not first.faults.is_quiet
    async with serving_tiny(port) as again:
        assert again.port == port


@pytest.mark.parametrize("port", [-1, 65536])
async def test_a_port_that_there_is_not(port: int) -> None:
    with pytest.raises(ConfigurationError, match="--port takes 0"):
        async with serving_tiny(port):
            pass


async def test_it_is_served_over_tls_where_a_context_is_given() -> None:
    authority = trustme.CA()
    tls, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(trusting)
    venue = TinyVenue(Faults())
    async with serving_simulator(venue, tls=tls) as practice:
        assert practice.rest_url == f"https://127.0.0.1:{practice.port}"
        assert practice.ws_url == f"wss://127.0.0.1:{practice.port}/"
        plain = RawClient(*await asyncio.open_connection("127.0.0.1", practice.port))
        await plain.send(b"GET /order HTTP/1.1\r\n\r\n")  # no handshake: it is closed, and nobody stumbles
        assert await plain.rest() == b""
        plain.close()
        streams = [
            RawClient(*await asyncio.open_connection("127.0.0.1", practice.port, ssl=trusting)) for _ in range(2)
        ]
        for stream in streams:
            await stream.shake_hands()
            await stream.say("hello")
            assert await stream.hear() == "echo hello"
        practice.faults.switch("half-open*1,reset*2")
        ends = [await asyncio.gather(stream.rest(), return_exceptions=True) for stream in streams]
        assert [type(end) for (end,) in ends] == [ConnectionResetError, ConnectionResetError]
        again = RawClient(*await asyncio.open_connection("127.0.0.1", practice.port, ssl=trusting))
        await again.shake_hands()
        assert await again.is_silent()  # the resets are spent: this one is half-open
        for client in (*streams, again):
            client.close()


async def test_serving_leaves_signals_and_warnings_alone() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving_tiny() as practice:
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
        assert b'"venue":"tiny"' in await asyncio.to_thread(fetch, f"{practice.rest_url}/practice/state")


async def test_a_market_that_fails_is_heard_of_at_the_end() -> None:
    with pytest.raises(ZeroDivisionError, match="in the market"):
        async with serving_tiny(failure=ZeroDivisionError("in the market")) as practice:
            with pytest.raises(ZeroDivisionError):
                await practice.ended()


def test_a_thread_serves_and_ends_with_its_context() -> None:
    with in_thread(serving_tiny) as practice:
        url = f"{practice.rest_url}/practice/faults"
        practice.faults.switch("refuse")
        with pytest.raises(OSError, match="refused"):
            fetch(url)
        practice.faults.heal()
        assert b'"faults":""' in fetch(url)
        assert any(thread.name == "practice" for thread in threading.enumerate())
    assert not any(thread.name == "practice" for thread in threading.enumerate())
    with pytest.raises(OSError, match="refused"):
        fetch(url)


def test_what_goes_wrong_in_the_thread_is_raised_here() -> None:
    with pytest.raises(ConfigurationError, match="--port takes 0"), in_thread(lambda: serving_tiny(-1)):
        pass
    with (
        pytest.raises(ZeroDivisionError, match="in the market"),
        in_thread(lambda: serving_tiny(failure=ZeroDivisionError("in the market"))) as practice,
    ):
        fetch(f"{practice.rest_url}/practice/state")


def test_a_venue_by_its_name() -> None:
    with served_in_thread("coinex", rate=0, faults="late-booking") as practice:
        state = json.loads(fetch(f"{practice.rest_url}/practice/state"))
        assert state["venue"] == practice.venue == "coinex"
        assert state["requests"] == 0
        assert practice.faults.spec == "late-booking"


async def test_a_venue_without_a_simulator_and_a_spec_that_can_not_be_read() -> None:
    assert "coinex" in simulator_names()
    with pytest.raises(UnknownVenue, match="known are: coinex"):
        async with serving("coinbase"):
            pass
    with pytest.raises(ConfigurationError, match="near are: drop"):
        async with serving("coinex", faults="dorp"):
            pass
    with pytest.raises(UnknownVenue), served_in_thread("coinbase"):
        pass


@pytest.mark.parametrize("missing", ["uvicorn", "starlette"])
def test_without_the_extra_it_says_how_to_install_it(missing: str) -> None:
    script = f"""
import sys
sys.modules[{missing!r}] = None
from venues.errors import ConfigurationError
from venues.simulators.registry import simulator_names
from venues.simulators.serving import served_in_thread
assert "coinex" in simulator_names()
try:
    with served_in_thread("coinex"):
        pass
except ConfigurationError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert f"practice needs {missing}, which is not installed" in ended.stdout
    assert "uv sync --extra practice" in ended.stdout
    assert 'pip install "pitside[practice]"' in ended.stdout


def test_nothing_of_a_server_is_imported_before_it_is_needed() -> None:
    script = """
import sys
import venues.simulators.serving, venues.simulators.registry, venues.simulators.faults, venues.simulators.port
print([name for name in ("starlette", "uvicorn", "h11") if name in sys.modules])
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "[]\n"


async def test_what_a_client_sends_wrongly_is_no_news_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with tiny_rig() as rig:
        garbage = await rig.connect()
        await garbage.send(b"\x00\x01 no HTTP at all\r\n\r\n")
        assert b"400" in await garbage.rest()
        stream = await rig.connect()
        await stream.shake_hands()
        await stream.send(b"\x81\x82\x00\x00\x00\x00\xff\xfe")  # a masked text frame that is not UTF-8
        await stream.rest()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []
