"""HTTP to one venue: reads that are tried again, commands that never are, and the truth about what became of them.

A command ends in its acknowledgement, a proven refusal, `NotSent` or `OutcomeUnknown`. NotSent needs proof: the
connection was never made, or the request was still waiting for one. Whether the bytes had begun to leave is told
by the wire itself (httpcore's trace), not by which exception came.

Two pools of connections, so that a heavy read never stands before an order. Nothing is taken from the environment:
no proxy, no .netrc, no key log; no cookies are kept and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import ssl
import time
import weakref
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

import httpx
import msgspec
import stamina

from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    ConnectionLost,
    DecodeError,
    NotSent,
    NotSupported,
    OutcomeUnknown,
    ProtocolError,
    RateLimited,
    RequestError,
    RequestTimeout,
    TransientError,
    VenueError,
)
from venues.redaction import Redaction
from venues.secret import Secret
from venues.transport.exchange import Answer, Dispatch, Judge, Request, Signed, Signer
from venues.transport.privacy import default_tls, no_tls
from venues.transport.proxying import chosen_proxy
from venues.transport.ratelimit import RateLimiter, Urgency
from venues.transport.timing import Timing
from venues.transport.verdicts import BANNED, command_result, read_result
from venues.transport.waiting import parse_date, parse_retry_after

T = TypeVar("T")

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BEFORE_SENDING = ("connection.", "proxy.", "socks.")  # what httpcore traces while it makes a connection
_CLOCK_STEP = 0.005  # seconds; the loop's clock and ours may differ by one step at the end of a pause
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_is_header_name = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}").fullmatch
_is_header_value = re.compile(r"[\x20-\x7e]{0,4096}").fullmatch
_is_target = re.compile(r"/[\x21\x22\x24-\x7e]*").fullmatch  # visible ASCII but "#"


class _Sealed:
    """What goes out, kept where a traceback with locals does not look: an httpx.Request shows its whole URL.

    `halfway` is a connection that was made for it and has no TLS yet.
    """

    __slots__ = ("halfway", "request")

    def __init__(self, request: httpx.Request) -> None:
        self.request = request
        self.halfway: Any = None

    def __repr__(self) -> str:
        return "sealed"


class HttpClient:
    """The HTTP connections to one venue, for one event loop and, where it signs, one API key."""

    def __init__(
        self,
        venue: str,
        origin: str,
        *,
        sign: Signer | None = None,
        nonce: Callable[[], int] | None = None,
        timing: Timing | None = None,
        largest: int = 8 * 1024 * 1024,
        connections: int = 6,
        warm_with: Request | None = None,
        warm_connections: int = 2,
        user_agent: str = "pitside",
        proxy: str | None = None,
        hide: Redaction | None = None,
        tls: ssl.SSLContext | None = None,
        limiter: RateLimiter | None = None,
        rng: random.Random | None = None,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`origin` is "https://host"; plain http is for the loopback only. `largest` is a body, in bytes.

        `proxy` is "http://host:port" or "https://host:port"; what is https goes through it in a tunnel.

        `limiter` may be shared with other clients of the venue. `hide` masks, before anybody reads it, what an
        answer quotes of the key or of a signature.

        Raises:
            ConfigurationError: the origin or the proxy can not be used.
        """
        self.venue = venue
        self.timing = timing or Timing()
        self._origin = _checked_origin(venue, origin)
        self._sign = sign
        self._nonce = nonce or (lambda: 0)
        self._largest = largest
        self._limiter = limiter
        self._hide = hide or Redaction()
        self._warm_with = warm_with
        self._warm_connections = min(warm_connections, connections)
        self._user_agent = user_agent
        self._rng = rng or random.Random()
        self._wall = wall
        self._monotonic = monotonic
        self._sleep = sleep
        self._stopped_until = 0.0  # `monotonic`'s seconds
        self._is_closed = False
        # Every connection that was made, as long as anything knows it: httpcore forgets those that it was about to
        # close when it was cancelled.
        self._made: weakref.WeakSet[Any] = weakref.WeakSet()
        # Until the trace has told of one send, every attempt counts as having begun: httpcore is not pinned.
        self._sees_sends = False
        context = tls or (default_tls() if self._origin.scheme == "https" else no_tls())
        limits = httpx.Limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=self.timing.keep_alive,
        )
        through = _made_proxy(venue, proxy, self._origin)
        self._reads, self._commands = (
            httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=through)
            for _ in range(2)
        )

    async def fetch(self, request: Request, into: type[T], *, judge: Judge | None = None) -> T:
        """Returns the answer to a GET, tried again while a transient error and the time allow.

        Raises:
            VenueError: what the judge found, or a TransientError, or a ProtocolError.
        """
        if request.method != "GET":
            raise NotSupported(self.venue, f"{request.what}: only a GET may be tried again")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timing.read
        tried = 0

        def pause_after(error: Exception) -> bool | float:
            nonlocal tried
            tried += 1
            if not isinstance(error, TransientError) or tried >= self.timing.attempts:
                return False
            ceiling = min(self.timing.longest_pause, self.timing.pause * 2 ** (tried - 1))
            pause = max(self._rng.uniform(0, ceiling), self._penalty_left())
            if isinstance(error, RateLimited):
                pause = max(pause, error.retry_after or 0.0) + _CLOCK_STEP
            return pause if loop.time() + pause < deadline else False

        async for attempt in stamina.retry_context(on=pause_after, attempts=None, timeout=None):
            with attempt:
                answer = await self._read_once(self._reads, request, deadline)
                return self._read_result(request, answer, into, judge)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def fetch_date(self, request: Request) -> int:
        """Returns when the venue answered a GET, by its Date: nanoseconds UTC, cut to seconds. Asked once.

        Raises:
            VenueError: as `fetch` does; DecodeError for an answer without a date.
        """
        deadline = asyncio.get_running_loop().time() + self.timing.attempt
        answer = await self._read_once(self._reads, request, deadline)
        self._read_result(request, answer, object, None)
        date = parse_date(answer.headers)
        if date is None or answer.headers.get("age", "0").strip() != "0":  # one that a cache has kept is of then
            raise DecodeError(self.venue, f"{request.what}: the answer has no date of now")
        return date

    async def command(
        self, request: Request, into: type[T], *, refusals: Judge, dispatch: Dispatch | None = None
    ) -> T:
        """Returns the acknowledgement of an order, amendment or cancel. It is sent at most once, whatever happens.

        Raises:
            OrderError: `refusals` found in the answer that it was refused.
            NotSent: no byte of it has left.
            OutcomeUnknown: anything else. A task that is cancelled reads `dispatch` for the difference.
        """
        dispatch = dispatch or Dispatch()
        if dispatch.signed is not None:
            raise NotSent(self.venue, f"{request.what}: it was dispatched before")
        urgency, patience = Urgency.COMMAND, self.timing.patience
        if request.is_cancel:
            urgency, patience = Urgency.CANCEL, self.timing.cancel_patience
        async with contextlib.AsyncExitStack() as stack:
            try:
                if request.is_cancel:
                    await self._sit_out(patience)
                self._check_open()
                await stack.enter_async_context(self._admitted(request, urgency, patience))
                wire = await self._prepare(request, dispatch)
                self._check_open()  # a ban may have come while the journal committed
            except VenueError as error:
                raise NotSent(self.venue, f"{request.what}: {error.message}", error.code) from None
            until = asyncio.get_running_loop().time() + self.timing.command
            outcome = await self._exchange(self._commands, request.what, wire, dispatch, until)
        if isinstance(outcome, VenueError):
            kind = OutcomeUnknown if dispatch.has_begun else NotSent
            raise kind(self.venue, outcome.message)
        self._heed(outcome)

        def heard(status: int, body: object) -> VenueError | None:
            found = refusals(status, body)
            if isinstance(found, RateLimited):
                self._stop(self.timing.penalty if found.retry_after is None else found.retry_after)
            return found

        return command_result(self.venue, request, outcome, into, heard)

    async def warm(self) -> None:
        """Opens the connections that commands will go by, TLS done, by one cheap public read on each.

        Raises:
            VenueError: the first of those reads that failed. Commands may be sent nevertheless.
        """
        request = self._warm_with
        if request is None:
            raise NotSupported(self.venue, "no request is named to warm a connection with")
        until = asyncio.get_running_loop().time() + self.timing.attempt
        reads = [self._read_once(self._commands, request, until) for _ in range(self._warm_connections)]
        for outcome in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            self._read_result(request, outcome, object, None)

    async def keep_warm(self) -> None:
        """Warms for ever; a failure is the business of whoever needs the connection next."""
        while True:
            with contextlib.suppress(TransientError, ProtocolError, RequestError, AuthenticationError):
                await self.warm()
            await self._sleep(self.timing.warm_every)

    async def aclose(self) -> None:
        """Closes every connection. What is under way ends as a lost connection. May be called twice."""
        self._is_closed = True
        await self._reads.aclose()
        await self._commands.aclose()
        await self._close_what_is_left()

    async def _close_what_is_left(self) -> None:
        for stream in tuple(self._made):
            await stream.aclose()

    async def _read_once(self, pool: httpx.AsyncHTTPTransport, request: Request, deadline: float) -> Answer:
        self._check_open()
        loop = asyncio.get_running_loop()
        urgency = Urgency.CANCEL if request.is_cancel else Urgency.READ
        async with self._admitted(request, urgency, deadline - loop.time()):
            self._check_open()  # it may have waited
            dispatch = Dispatch()
            wire = await self._prepare(request, dispatch)
            until = min(deadline, loop.time() + self.timing.attempt)
            outcome = await self._exchange(pool, request.what, wire, dispatch, until)
        if isinstance(outcome, VenueError):
            raise outcome
        return outcome

    def _admitted(
        self, request: Request, urgency: Urgency, patience: float
    ) -> AbstractAsyncContextManager[object]:
        # Before signing: a nonce or a deadline that waited in a queue could be too old for the venue.
        if self._limiter is None:
            return nullcontext()
        return self._limiter.admitted(request.weight, urgency, patience)

    def _read_result(self, request: Request, answer: Answer, into: type[T], judge: Judge | None) -> T:
        self._heed(answer)
        try:
            return read_result(self.venue, request, answer, into, judge)
        except RateLimited as error:
            if error.retry_after is not None:
                self._stop(error.retry_after)
            error.retry_after = self._penalty_left() or error.retry_after
            raise

    async def _prepare(self, request: Request, dispatch: Dispatch) -> _Sealed:
        """Draws the nonce, signs, lets the journal commit, and builds what goes out. Nothing has left after it."""
        signed = Signed(query=request.query, body=request.body)
        if request.is_private:
            if self._sign is None:
                raise ConfigurationError(self.venue, "there is no API key to sign with")
            nonce = self._nonce()
            signed = msgspec.structs.replace(self._sign(request, nonce), nonce=nonce)
            self._hide.note_signatures(*(Secret(value) for _, value in signed.headers))
        wire = self._build(request, signed, dispatch)
        dispatch.signed = signed
        if dispatch.on_signed is not None:
            await dispatch.on_signed(signed)
        return wire

    def _build(self, request: Request, signed: Signed, dispatch: Dispatch) -> _Sealed:
        target = f"{request.path}?{signed.query}" if signed.query else request.path
        headers = [
            ("Accept", "application/json"),
            # A body of 200 kB can inflate to 200 MB before anybody sees its size.
            ("Accept-Encoding", "identity"),
            ("User-Agent", self._user_agent),
            *request.headers,
            *signed.headers,
        ]
        if signed.body and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        if not all(_is_header_name(name) and _is_header_value(value) for name, value in headers):
            raise BadRequest(self.venue, "a header that can not be sent")
        if not _is_target(target):
            raise BadRequest(self.venue, "an address that can not be sent")
        url = self._origin.copy_with(raw_path=target.encode("ascii"))
        if url.raw_path != target.encode("ascii"):  # signatures cover bytes: what was signed is what is sent
            raise BadRequest(self.venue, "an address that is not percent-encoded")

        async def trace(event: str, details: dict[str, Any]) -> None:
            if event.endswith("connect_tcp.complete"):
                sealed.halfway = details["return_value"]
                self._made.add(sealed.halfway)
            elif event.endswith("start_tls.complete"):
                sealed.halfway = None
                self._made.add(details["return_value"])
            inner = details.get("request")
            to_proxy = getattr(inner, "method", b"") == b"CONNECT"
            if not event.startswith(_BEFORE_SENDING) and not to_proxy:
                if self._is_closed and event.endswith("send_request_headers.started"):
                    raise httpx.ConnectError("closed while the connection was being made")
                self._sees_sends = self._sees_sends or event.endswith("send_request_headers.started")
                dispatch.begin()

        sealed = _Sealed(
            httpx.Request(
                request.method, url, headers=headers, content=signed.body or None, extensions={"trace": trace}
            )
        )
        return sealed

    async def _exchange(
        self, pool: httpx.AsyncHTTPTransport, what: str, wire: _Sealed, dispatch: Dispatch, until: float
    ) -> Answer | VenueError:
        """Returns the complete answer, or what went wrong as the error that a read raises for it.

        It is returned, not raised from here: a traceback with locals would show the request.
        """
        # TCP and TLS take up to `connect` each, so that what never left is known as that.
        left = max(0.0, until - asyncio.get_running_loop().time())
        connect = min(self.timing.connect, left * 0.45)
        wire.request.extensions["timeout"] = {"connect": connect, "pool": self.timing.pool}
        if not self._sees_sends:
            dispatch.begin()
        is_answered = False
        try:
            async with asyncio.timeout_at(until):
                response = await pool.handle_async_request(wire.request)
                try:
                    answer = await self._receive(what, response)
                finally:
                    await response.aclose()
            is_answered = True
        except _NEVER_LEFT as error:
            dispatch.never_left()
            return _described(self.venue, what, error)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            # OSError: anyio lets a broken TLS record through as a bare ssl.SSLError.
            return _described(self.venue, what, error)
        finally:
            if wire.halfway is not None and not is_answered:  # httpcore forgets it when a handshake is cancelled
                await wire.halfway.aclose()
            if self._is_closed:  # it knew none that was still being made
                await pool.aclose()
                await self._close_what_is_left()
        if isinstance(answer, Answer):
            dispatch.answer = answer
        return answer

    async def _receive(self, what: str, response: httpx.Response) -> Answer | VenueError:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            return DecodeError(self.venue, f"{what}: the answer is compressed, which we did not ask for")
        stream = response.stream
        parts: list[bytes] = []
        size = 0
        if isinstance(stream, AsyncIterable):
            async for part in stream:
                size += len(part)
                if size > self._largest:
                    return DecodeError(self.venue, f"{what}: the answer is longer than {self._largest} bytes")
                parts.append(part)
        body = self._readable(self._hide.clean_bytes(b"".join(parts)))
        return Answer(status=response.status_code, headers=headers, body=body)

    def _readable(self, body: bytes) -> bytes:
        """Returns a body as it is read: for a venue that writes what it does not mean, to be overridden."""
        return body

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost(self.venue, "this venue is closed")
        left = self._penalty_left()
        if left > 0:
            raise RateLimited(
                self.venue, f"the venue told us to be silent for {left:.1f} s more", retry_after=left
            )

    async def _sit_out(self, patience: float) -> None:
        """Waits for the end of a short silence: a cancel that a person asked for need not be asked for twice."""
        if 0 < (left := self._penalty_left()) <= patience:
            await self._sleep(left + _CLOCK_STEP)

    def _heed(self, answer: Answer) -> None:
        """After a 429 or a ban nothing is sent before it is over: a call during a ban can begin it anew."""
        if answer.status not in BANNED:
            return
        fallback = self.timing.ban if answer.status == 418 else self.timing.penalty
        said = parse_retry_after(answer.headers, self._wall())
        self._stop(fallback if said is None else said)

    def _stop(self, seconds: float) -> None:
        self._stopped_until = max(self._stopped_until, self._monotonic() + seconds)
        if self._limiter is not None:  # the venue's other clients are banned with us
            self._limiter.stop(seconds)

    def _penalty_left(self) -> float:
        shared = self._limiter.penalty_left() if self._limiter is not None else 0.0
        return max(shared, self._stopped_until - self._monotonic())


def _checked_origin(venue: str, origin: str) -> httpx.URL:
    try:
        url = httpx.URL(origin)
    except httpx.InvalidURL:
        raise ConfigurationError(venue, "the venue's address is not a URL") from None
    is_plain = url.scheme == "http" and url.host in _LOOPBACK
    if not (url.scheme == "https" or is_plain) or not url.host:
        raise ConfigurationError(venue, "the venue's address must begin with https://")
    if url.userinfo or url.query or url.raw_path != b"/":
        raise ConfigurationError(venue, "the venue's address must be a host and nothing more")
    return url


def _made_proxy(venue: str, proxy: str | None, origin: httpx.URL) -> httpx.Proxy | None:
    url = chosen_proxy(venue, proxy, is_secure=origin.scheme == "https")
    if url is None:
        return None
    try:
        # Left to itself the library would write the keys of the proxy's TLS to the file of SSLKEYLOGFILE.
        return httpx.Proxy(url, ssl_context=default_tls() if url.startswith("https:") else None)
    except httpx.InvalidURL:
        raise ConfigurationError(venue, "the proxy setting is not a URL") from None


def _described(venue: str, what: str, error: Exception) -> TransientError | BadRequest:
    """Puts what happened into our words: those of the libraries can quote what was sent or received."""
    kind: type[TransientError | BadRequest] = ConnectionLost
    match error:
        case httpx.ConnectTimeout():
            kind, words = RequestTimeout, "no connection in time"
        case httpx.PoolTimeout():
            kind, words = RequestTimeout, "every connection is in use"
        case httpx.ConnectError():
            words = "the connection could not be made"
        case httpx.TimeoutException() | TimeoutError():
            kind, words = RequestTimeout, "no complete answer in time"
        case httpx.RemoteProtocolError():
            words = "the answer broke off, or was not HTTP"
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            kind, words = BadRequest, "the request could not be put into HTTP"
        case httpx.ProxyError():
            words = "the proxy did not let us through"
        case _:
            words = "the connection broke"
    return kind(venue, f"{what}: {words}")
