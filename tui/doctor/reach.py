"""Whether one address of a venue can be reached: its name, a connection, TLS, and an answer, each by itself.

The sockets are our own, so that each step fails in its own words; what is trusted is what the adapters trust.
Nothing is taken from the environment: neither a proxy nor an authority.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from venues.model import NANOSECONDS
from venues.transport.privacy import default_tls

_STEP = 2.5  # seconds that each step may take
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_SECURE = frozenset({"https", "wss"})
_MOST_HOSTS = 4  # addresses of one name that are tried
_LONGEST = 16_384  # bytes of an answer's head
# X509_V_ERR_*
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME = 9, 10, frozenset({62, 64})

_PROXY_REMEDY = "look at `proxy` below [network] in config.toml, and whether that proxy lets you through"


class Unreachable(Exception):
    """One step failed. `words` say which, `remedy` what to look at."""

    def __init__(self, words: str, remedy: str) -> None:
        super().__init__(words)
        self.words = words
        self.remedy = remedy


class Address(NamedTuple):
    host: str
    port: int
    is_secure: bool

    def __str__(self) -> str:
        usual = 443 if self.is_secure else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


class Heard(NamedTuple):
    """An address that answers. `round_trip` in seconds, of a connection that stood; None where nothing was asked.

    `offset` is its clock minus ours and `uncertainty` the most by which that can be wrong, in nanoseconds; None
    where its answer named no time.
    """

    address: Address
    round_trip: float | None = None
    offset: int | None = None
    uncertainty: int = 0


Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""Looks a name up, and returns its addresses as text; blocks. Raises OSError."""


def address_of(url: str) -> Address:
    """Returns where a URL leads. Raises ValueError where it leads nowhere."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a venue")
    return Address(parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme in _SECURE)


async def reach(
    address: Address,
    *,
    proxy: str = "",
    is_asked: bool = True,
    tls: ssl.SSLContext | None = None,
    resolve: Resolve | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
    step: float = _STEP,
) -> Heard:
    """Goes to an address as an adapter would; where `is_asked` it is sent one HEAD, without any key.

    `step` is how many seconds each step may take. `wall` is in nanoseconds UTC.

    Raises:
        Unreachable: a step failed.
    """
    through = address_of(proxy) if proxy else None
    async with _connected(through or address, through is not None, resolve, step) as (reader, writer):
        if through is not None:
            await _through(through, address, reader, writer, step)
        if address.is_secure:
            await _secured(address, writer, tls or default_tls(), step)
        if not is_asked:
            return Heard(address)
        began, sent = monotonic(), wall()
        head = await _asked(address, reader, writer, step)
        round_trip = monotonic() - began
    date = _date_in(head)
    if date is None:
        return Heard(address, round_trip)
    # The venue's second is cut: half of one is added, and half of one stays open.
    offset = date + NANOSECONDS // 2 - (sent + round(round_trip * NANOSECONDS / 2))
    return Heard(address, round_trip, offset, NANOSECONDS // 2 + round(round_trip * NANOSECONDS / 2))


@asynccontextmanager
async def _connected(
    address: Address, is_proxy: bool, resolve: Resolve | None, step: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    called = f"the proxy {address}" if is_proxy else str(address)
    hosts = await _resolved(address, called, resolve or _look_up, step)
    made = await _first_connection(hosts, address.port, step)
    if isinstance(made, OSError):
        raise _unconnected(called, made, is_proxy, step)
    reader, writer = made
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # a proper end could take longer than everything before
        # The socket is closed by the loop, a round later; `wait_closed` never returns after TLS that failed.
        for _ in range(2):
            await asyncio.sleep(0)


async def _first_connection(
    hosts: Sequence[str], port: int, step: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | OSError:
    """Tries one address after the other; returns the most telling error where none takes us."""
    errors: list[OSError] = []
    share = step / max(1, min(len(hosts), _MOST_HOSTS))
    for host in hosts[:_MOST_HOSTS]:
        try:
            async with asyncio.timeout(share):
                return await asyncio.open_connection(host, port)
        except OSError as error:  # a TimeoutError is one
            errors.append(error)
    return min(errors, key=_telling, default=OSError(0, "it has no address"))


def _telling(error: OSError) -> int:
    """A smaller number says more: an answer, then silence, then what our own system thinks."""
    return 0 if isinstance(error, ConnectionRefusedError) else 1 if isinstance(error, TimeoutError) else 2


def _unconnected(called: str, error: OSError, is_proxy: bool, step: float) -> Unreachable:
    match error:
        case TimeoutError():
            words = f"{called} does not answer: no connection within {step:g} s"
            remedy = "look at the network, at a firewall, or whether it is blocked where you are"
        case ConnectionRefusedError():
            words = f"{called} refuses connections: nothing listens there"
            remedy = "is the address right, and does what should listen there run?"
        case _:
            words = f"{called} can not be connected to ({_strerror(error)})"
            remedy = "look at the network: is there a way to the internet?"
    return Unreachable(words, _PROXY_REMEDY if is_proxy else remedy)


async def _resolved(address: Address, called: str, resolve: Resolve, step: float) -> Sequence[str]:
    """Looks the name up on a thread that nobody waits for: a resolver can take half a minute to give up."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str] | OSError] = loop.create_future()

    def tell(outcome: Sequence[str] | OSError) -> None:
        if not found.done():
            found.set_result(outcome)

    def look_up() -> None:
        outcome: Sequence[str] | OSError
        try:
            outcome = resolve(address.host, address.port)
        except OSError as error:
            outcome = error
        except UnicodeError:  # a name that can not be one
            outcome = socket.gaierror(socket.EAI_NONAME, "not a name")
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, outcome)

    threading.Thread(target=look_up, name="resolver", daemon=True).start()
    remedy = "look at the network and its DNS:  getent hosts " + address.host
    try:
        async with asyncio.timeout(step):
            outcome = await found
    except TimeoutError:
        raise Unreachable(f"{called}: no DNS server answered within {step:g} s", remedy) from None
    if not isinstance(outcome, OSError):
        return outcome
    if isinstance(outcome, socket.gaierror) and outcome.errno == socket.EAI_AGAIN:
        raise Unreachable(f"{called}: its name can not be looked up now: no DNS server answers", remedy)
    raise Unreachable(f"{called}: DNS does not know this name ({_strerror(outcome)})", remedy)


async def _through(
    proxy: Address, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, step: float
) -> None:
    """Has the proxy connect us on. Raises Unreachable."""
    called = f"the proxy {proxy}"
    try:
        if proxy.is_secure:
            await _secured(proxy, writer, default_tls(), step)
        async with asyncio.timeout(step):
            place = f"{address.host}:{address.port}"
            writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
    except TimeoutError:
        words = f"{called} did not connect us to {address.host} within {step:g} s"
        raise Unreachable(words, _PROXY_REMEDY) from None
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise Unreachable(f"{called} does not speak HTTP, or broke off", _PROXY_REMEDY) from None
    status = _status_of(head)
    if status == 407:
        raise Unreachable(f"{called} wants a password (407)", _PROXY_REMEDY)
    if status is None or not 200 <= status < 300:
        words = f"{called} does not connect us to {address.host} (it answered {status or 'no HTTP'})"
        raise Unreachable(words, _PROXY_REMEDY)


async def _secured(address: Address, writer: asyncio.StreamWriter, tls: ssl.SSLContext, step: float) -> None:
    """Begins TLS, with certificate and name checked. Raises Unreachable."""
    try:
        async with asyncio.timeout(step):
            await writer.start_tls(tls, server_hostname=address.host)
    except TimeoutError:
        raise Unreachable(
            f"{address}: TLS was not set up within {step:g} s", "look at the line, or a firewall"
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise _untrusted(address, error) from None
    except ssl.SSLError as error:
        words = f"{address}: what answers does not speak TLS as it should ({error.reason or 'no reason given'})"
        raise Unreachable(words, "a portal or a proxy of this network may answer in its place") from None
    except OSError:
        words = f"{address}: the connection was closed while TLS was set up"
        raise Unreachable(words, "a firewall may not let this host through") from None


def _untrusted(address: Address, error: ssl.SSLCertVerificationError) -> Unreachable:
    code = error.verify_code
    why = f"{address}: its certificate is not accepted ({error.verify_message})"
    if code in {_NOT_YET_VALID, _EXPIRED}:
        return Unreachable(why, "look at this machine's date first; else the host has let it run out")
    if code in _OTHER_NAME:
        return Unreachable(why, "another host answers in its place: a portal, a proxy, or a wrong address")
    remedy = (
        "something in between (a company's proxy, a virus scanner) opens the encryption: have this host excepted"
    )
    return Unreachable(why, f"{remedy}; pitside trusts public authorities only")


async def _asked(
    address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, step: float
) -> bytes:
    """Returns the head of the answer to a HEAD. Raises Unreachable."""
    try:
        async with asyncio.timeout(step):
            writer.write(
                f"HEAD / HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Mozilla/5.0 (compatible; pitside)\r\n"
                "Accept: */*\r\nConnection: close\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
    except TimeoutError:
        words = f"{address}: connected, and no answer within {step:g} s"
        raise Unreachable(words, "the venue may be down: look at its status page") from None
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        words = f"{address}: connected, and the answer broke off or was not HTTP"
        raise Unreachable(words, "a firewall or a portal may answer in its place") from None
    if _status_of(head) is None:
        raise Unreachable(f"{address}: what answers does not speak HTTP", "is the address right?")
    return head


def _status_of(head: bytes) -> int | None:
    words = head[:64].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1][:3].isdigit():
        return None
    return int(words[1][:3])


def _date_in(head: bytes) -> int | None:
    """Returns the time that an answer names, in nanoseconds UTC."""
    for line in head[:_LONGEST].decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "date":
            try:
                told = parsedate_to_datetime(value.strip())
            except (ValueError, TypeError):
                return None
            told = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
            return round(told.timestamp()) * NANOSECONDS
    return None


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _strerror(error: OSError) -> str:
    return error.strerror or "no reason given"
