"""Each way in which an address can not be reached has its own words; real sockets, real TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from tests.tui.doctor.servers import (
    HOST,
    Proxy,
    Serve,
    answering,
    certified,
    closing,
    listening,
    refused,
    silent,
    trusting,
)
from tui.doctor.reach import Address, Heard, Resolve, Unreachable, address_of, reach


async def failure(
    address: Address,
    *,
    proxy: str = "",
    tls: ssl.SSLContext | None = None,
    resolve: Resolve | None = None,
    step: float = 2.0,
) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await reach(address, proxy=proxy, tls=tls, resolve=resolve, step=step)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("https://api.example.com", Address("api.example.com", 443, is_secure=True), "api.example.com"),
        ("wss://s.example.com/", Address("s.example.com", 443, is_secure=True), "s.example.com"),
        ("http://127.0.0.1:8000", Address("127.0.0.1", 8000, is_secure=False), "127.0.0.1:8000"),
        ("wss://s.example.com:8443/x", Address("s.example.com", 8443, is_secure=True), "s.example.com:8443"),
    ],
)
def test_a_url_leads_to_an_address(url: str, address: Address, shown: str) -> None:
    assert address_of(url) == address
    assert str(address) == shown


@pytest.mark.parametrize("url", ["", "ftp://x", "https://", "https://x:99999"])
def test_what_leads_nowhere_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"no address|out of range"):
        address_of(url)


async def test_an_answer_is_timed_and_its_date_read() -> None:
    now = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
    head = b"HTTP/1.1 404 Not Found\r\nDate: Sat, 21 Nov 2026 12:00:03 GMT\r\n\r\n"
    with listening(answering(head)) as address:
        heard = await reach(address, wall=lambda: round(now.timestamp()) * 10**9)
    assert heard.round_trip is not None
    assert heard.offset is not None
    assert 3.0e9 < heard.offset <= 3.5e9, "3 to 4 s ahead, by a date that is cut to seconds"
    assert 0.5e9 <= heard.uncertainty < 1e9


@pytest.mark.parametrize("date", [b"", b"Date: yesterday\r\n"])
async def test_without_a_date_nothing_is_said_of_the_clock(date: bytes) -> None:
    with listening(answering(b"HTTP/1.1 200 OK\r\n" + date + b"\r\n")) as address:
        assert (await reach(address)).offset is None


async def test_where_nothing_is_asked_a_connection_is_enough() -> None:
    with listening(silent) as address:
        assert await reach(address, is_asked=False) == Heard(address)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "DNS does not know this name"),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "no DNS server answers"),
        (UnicodeEncodeError("idna", "x", 0, 1, "label too long"), "DNS does not know this name"),
    ],
)
async def test_a_name_that_is_not_found(error: Exception, words: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise error

    found = await failure(Address("nowhere.example", 443, is_secure=True), resolve=resolve)
    assert "nowhere.example" in found.words
    assert words in found.words


async def test_a_resolver_that_never_answers_is_not_waited_for() -> None:
    is_over = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        is_over.wait(30)
        return [HOST]

    try:
        found = await failure(Address("slow.example", 443, is_secure=True), resolve=resolve, step=0.1)
    finally:
        is_over.set()
    assert "no DNS server answered within 0.1 s" in found.words


async def test_a_refused_port() -> None:
    with refused() as address:
        assert "refuses connections" in (await failure(address)).words


async def test_of_several_addresses_the_next_is_tried_and_the_most_telling_error_said() -> None:
    with listening(answering(b"HTTP/1.1 200 OK\r\n\r\n")) as address:
        # By the newer protocol nothing listens there, or there is none here at all.
        heard = await reach(address, resolve=lambda host, port: ["::1", HOST])
    assert heard.round_trip is not None
    with refused() as address:
        found = await failure(address, resolve=lambda host, port: ["::1", HOST, "::1"])
        assert "refuses connections" in found.words
        assert "no address" in (await failure(address, resolve=lambda host, port: [])).words


async def test_a_host_that_never_answers() -> None:
    with socket.socket() as full:
        full.bind((HOST, 0))
        full.listen(0)
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # its queue is full then: the next connection is never answered
            each.setblocking(False)
            each.connect_ex(place)
        try:
            found = await failure(Address(HOST, place[1], is_secure=False), step=0.2)
        finally:
            for each in waiting:
                each.close()
    assert "no connection within 0.2 s" in found.words


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (silent, "no answer within 0.2 s"),
        (closing, "broke off"),
        (answering(b"SSH-2.0-OpenSSH\r\n\r\n"), "does not speak HTTP"),
        (answering(b"HTTP/1.1 200"), "broke off"),
        (answering(b"x" * 200_000), "broke off"),
    ],
)
async def test_what_answers_otherwise(serve: Serve, words: str) -> None:
    with listening(serve) as address:
        assert words in (await failure(address, step=0.2)).words


async def test_tls_with_a_trusted_certificate() -> None:
    authority = trustme.CA()
    with listening(answering(b"HTTP/1.1 200 OK\r\n\r\n"), certified(authority)) as address:
        assert (await reach(address, tls=trusting(authority))).round_trip is not None


async def test_a_certificate_of_an_authority_that_nobody_knows() -> None:
    with listening(silent, certified(trustme.CA())) as address:
        found = await failure(address)
    assert "certificate is not accepted" in found.words
    assert "public authorities only" in found.remedy


async def test_a_certificate_that_ran_out_is_first_a_matter_of_our_clock() -> None:
    authority = trustme.CA()
    late = certified(authority, not_after=datetime.now(UTC) - timedelta(days=1))
    with listening(silent, late) as address:
        found = await failure(address, tls=trusting(authority))
    assert "expired" in found.words
    assert "date" in found.remedy


async def test_a_certificate_of_another_host() -> None:
    authority = trustme.CA()
    with listening(silent, certified(authority, "other.example")) as address:
        found = await failure(address, tls=trusting(authority))
    assert "another host answers" in found.remedy


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "TLS"),
        (closing, "closed while TLS was set up"),
        (silent, "not set up within 0.2 s"),
    ],
)
async def test_what_speaks_no_tls(serve: Serve, words: str) -> None:
    with listening(serve) as address:
        found = await failure(address._replace(is_secure=True), step=0.2)
    assert words in found.words


async def test_a_proxy_connects_us_on_and_looks_the_name_up() -> None:
    authority, proxy = trustme.CA(), Proxy()
    context = certified(authority, "venue.example")
    with (
        listening(answering(b"HTTP/1.1 200 OK\r\n\r\n"), context) as address,
        listening(proxy.serve) as through,
    ):
        there = address._replace(host="venue.example")
        heard = await reach(there, proxy=f"http://{through}", tls=trusting(authority))
    assert heard.round_trip is not None
    assert proxy.asked[0].startswith(f"CONNECT venue.example:{address.port} HTTP/1.1".encode())


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "wants a password (407)"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "it answered 403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "it answered 502"),
        (b"220 smtp\r\n\r\n", "no HTTP"),
        (b"", "broke off"),
    ],
)
async def test_a_proxy_that_does_not_let_us_through(says: bytes, words: str) -> None:
    with listening(Proxy(says).serve) as through:
        address = Address("venue.example", 443, is_secure=True)
        found = await failure(address, proxy=f"http://{through}")
    assert "the proxy" in found.words
    assert words in found.words
    assert "[network]" in found.remedy


async def test_a_proxy_that_is_not_there() -> None:
    with refused() as through:
        found = await failure(Address("venue.example", 443, is_secure=True), proxy=f"http://{through}")
    assert "the proxy 127.0.0.1" in found.words
    assert "refuses connections" in found.words
    assert "[network]" in found.remedy
