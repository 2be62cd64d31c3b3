"""REST and streams through a real CONNECT proxy that was named; one that the environment names is never used."""

from __future__ import annotations

import ssl

import pytest

from tests.venues.transport.connect_proxy import ConnectProxy
from tests.venues.transport.desk import KEY, QUICK, SECRET, Ack, Call, outcome_of, sign
from tests.venues.transport.scripted import Fault, ScriptedVenue
from tests.venues.transport.stream_rig import streaming, until
from tests.venues.transport.stream_server import StreamServer
from venues.coinex.settings import Settings
from venues.coinex.venue import create
from venues.errors import ConfigurationError, NotSent, VenueError
from venues.events import LinkState
from venues.port import Credentials
from venues.simulators.serving import serving
from venues.transport.address import Address
from venues.transport.http import HttpClient

NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "all_proxy", "wss_proxy")


@pytest.fixture
def _misleading(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names another proxy, behind which nobody is."""
    for name in NAMES:
        monkeypatch.setenv(name, "http://127.0.0.1:1")


@pytest.mark.usefixtures("_misleading")
@pytest.mark.parametrize("call", Call)
async def test_every_call_goes_through_the_proxy_and_it_reads_nothing(
    call: Call, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with ScriptedVenue(Fault.NONE, server_tls) as venue, ConnectProxy() as proxy:
        http = HttpClient("testing", venue.origin, sign=sign, proxy=proxy.url, tls=client_tls)
        assert await outcome_of(http, call) == Ack("o-1")
        await http.aclose()
        assert proxy.asked == [f"CONNECT 127.0.0.1:{venue.port} HTTP/1.1"]
        passed = proxy.heads + proxy.read
        assert len(proxy.read) > 200
        assert KEY.encode() not in passed
        assert SECRET.encode() not in passed


@pytest.mark.usefixtures("_misleading")
async def test_the_proxy_itself_may_be_reached_by_tls(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("http", "stream"):
        monkeypatch.setattr(f"venues.transport.{module}.default_tls", lambda: client_tls)
    async with ScriptedVenue(Fault.NONE, server_tls) as venue, ConnectProxy(server_tls) as proxy:
        http = HttpClient("testing", venue.origin, sign=sign, proxy=proxy.url, tls=client_tls)
        assert await outcome_of(http, Call.CREATE) == Ack("o-1")
        await http.aclose()
        assert len(proxy.asked) == 1
    async with ConnectProxy(server_tls) as proxy:
        server = StreamServer(server_tls)
        async with streaming(server=server, tls=client_tls, proxy=proxy.url) as (_, rig):
            await until(lambda: rig.state is LinkState.LIVE)
            assert proxy.asked == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]


@pytest.mark.parametrize("call", [Call.CREATE, Call.CANCEL])
async def test_a_command_that_the_proxy_refuses_has_provably_not_left(
    call: Call, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with ScriptedVenue(Fault.NONE, server_tls) as venue, ConnectProxy() as proxy:
        http = HttpClient("testing", venue.origin, sign=sign, proxy=proxy.url, tls=client_tls, timing=QUICK)
        assert await outcome_of(http, call) == Ack("o-1")
        await http.aclose()
        proxy.refusal = "407 Authenticate"
        http = HttpClient("testing", venue.origin, sign=sign, proxy=proxy.url, tls=client_tls, timing=QUICK)
        outcome = await outcome_of(http, call)
        await http.aclose()
        assert isinstance(outcome, VenueError)
        assert "the proxy did not let us through" in str(outcome)
        assert len(venue.executed) == 1


@pytest.mark.usefixtures("_misleading")
async def test_a_stream_goes_through_the_proxy_and_says_when_it_may_not(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    server = StreamServer(server_tls)
    async with (
        ConnectProxy() as proxy,
        streaming(server=server, tls=client_tls, proxy=proxy.url) as (_, rig),
    ):
        await until(lambda: len(rig.numbers) > 1)
        assert proxy.asked == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]
        assert b"canary" not in proxy.heads + proxy.read
        proxy.refusal = "403 Forbidden"
        server.peer.reset()
        await until(lambda: "the proxy did not let us through" in rig.stream.status.detail)
        proxy.refusal = ""
        await until(lambda: rig.state is LinkState.LIVE)


async def test_a_proxy_that_is_not_there_is_a_connection_that_is_not_made(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with ScriptedVenue(Fault.NONE, server_tls) as venue:
        http = HttpClient("testing", venue.origin, sign=sign, proxy="http://127.0.0.1:1", tls=client_tls)
        outcome = await outcome_of(http, Call.CREATE)
        await http.aclose()
        assert isinstance(outcome, NotSent)
        assert venue.connections == 0


async def test_what_goes_out_in_clear_is_for_this_machine_and_no_proxy_reads_it() -> None:
    async with ConnectProxy() as proxy, ScriptedVenue(Fault.NONE) as venue:
        http = HttpClient("testing", venue.origin, sign=sign, proxy=proxy.url)
        assert await outcome_of(http, Call.QUERY) == Ack("o-1")
        await http.aclose()
        assert proxy.asked == []
    async with ConnectProxy() as proxy, streaming(proxy=proxy.url) as (_, rig):
        await until(lambda: rig.state is LinkState.LIVE)
        assert proxy.asked == []


@pytest.mark.parametrize(
    "proxy",
    [
        "carrier-pigeon://loft:1",
        "socks5://127.0.0.1:1080",
        "http://127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:x",
        "http://user:hunter2@127.0.0.1:3128",
        "127.0.0.1:3128",
        "http://a b:3128",
    ],
)
async def test_a_proxy_that_can_not_be_used_is_said_at_once(proxy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpClient("testing", "https://exchange.example", proxy=proxy)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        async with streaming(proxy=proxy, address=Address(url="wss://exchange.example/")):
            pass


@pytest.mark.usefixtures("_misleading")
async def test_the_venue_reads_trades_and_streams_through_the_proxy(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with ConnectProxy() as proxy, serving("coinex", tls=server_tls, rate=20.0) as practice:
        venue = create(
            Settings(
                rest_url=practice.rest_url,
                ws_url=practice.ws_url,
                credentials=Credentials(practice.api_key, practice.api_secret),
                is_practice=True,
                proxy=proxy.url,
            ),
            tls=client_tls,
        )
        try:
            await venue.connect()
            assert await venue.fetch_instruments()
            assert await venue.fetch_balances()
        finally:
            await venue.aclose()
        assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{practice.port} HTTP/1.1"}
        # At least one of REST and one of the market's stream.
        assert len(proxy.asked) >= 2
        assert practice.api_secret.encode() not in proxy.heads + proxy.read
