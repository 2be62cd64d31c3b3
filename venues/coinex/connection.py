"""How CoinEx is reached: the HTTP client, and the two streams with their heartbeat, login and calls.

The document's own client turns protocol pings off and sends `server.ping`, answered with "pong" under the same id.
An answer is told from a push by its id.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Awaitable, Callable

from venues.coinex import VENUE, channels, endpoints
from venues.coinex.auth import sign_with
from venues.coinex.channels import Call
from venues.coinex.codes import stream_error
from venues.coinex.limits import POOLS
from venues.coinex.messages import Reply, decode_frame
from venues.coinex.remedies import REMEDIES
from venues.coinex.settings import Settings
from venues.errors import DecodeError, RequestTimeout, TransientError, VenueError
from venues.port import Credentials
from venues.redaction import Redaction
from venues.secret import Secret
from venues.transport.asks import Ask, NumberedAsks
from venues.transport.clock import ServerClock
from venues.transport.frames import Frame
from venues.transport.heartbeat import Form, Heartbeat
from venues.transport.http import HttpClient
from venues.transport.link import Stream
from venues.transport.ratelimit import RateLimiter
from venues.transport.streams import Streams
from venues.transport.timing import Timing

# The venue's wiki asks for a browser-like User-Agent and may block what has none. This one is the customary form
# of programs that are no browser.
USER_AGENT = "Mozilla/5.0 (compatible; pitside)"

_BEAT = 5.0  # seconds
_PINGS = 1 << 40  # where the ids of the heartbeats begin; those of other calls count from 1
_LONGEST_ANSWER = 256  # bytes; no heartbeat's answer is longer

Judge = Callable[[VenueError], VenueError]


def make_http(
    settings: Settings,
    limiter: RateLimiter,
    clock: ServerClock,
    *,
    rng: random.Random,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
) -> HttpClient:
    """Returns the client of the REST half; its nonce is the tonce, in milliseconds of the venue's clock.

    Raises:
        ConfigurationError: the address or the proxy can not be used.
    """
    credentials = settings.credentials
    return HttpClient(
        VENUE,
        settings.rest_url,
        sign=sign_with(credentials) if credentials is not None else None,
        nonce=lambda: clock.signing_time() // 1_000_000,
        timing=Timing().scaled(settings.time_scale),
        # Any answer keeps a connection warm, that of a market that is not listed too.
        warm_with=endpoints.market_detail("BTCUSDT"),
        user_agent=USER_AGENT,
        proxy=settings.proxy,
        hide=hide,
        tls=tls,
        limiter=limiter,
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )


def make_limiter() -> RateLimiter:
    """Returns the request limits that the client and the streams share: a ban of one is a ban of all."""
    return RateLimiter(VENUE, POOLS)


def make_streams(
    settings: Settings,
    limiter: RateLimiter,
    *,
    rng: random.Random,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
) -> Streams:
    """Returns what makes the streams of the market and of the account."""
    return Streams(
        VENUE,
        settings,
        limiter,
        heartbeat=make_heartbeat(settings.time_scale),
        headers=(("User-Agent", USER_AGENT),),
        rng=rng,
        hide=hide,
        tls=tls,
        wall=wall,
    )


def make_heartbeat(time_scale: float) -> Heartbeat:
    """Returns `server.ping`, every five seconds."""
    return Heartbeat(
        form=Form.MESSAGE,
        every=_BEAT * time_scale,
        message=lambda number: channels.PING.frame(_PINGS + number),
        read_answer=_read_pong,
    )


class Calls:
    """Makes asks of calls; the ids are unique within one stream."""

    def __init__(self) -> None:
        self._numbered: NumberedAsks[Reply] = NumberedAsks(read_reply, lambda reply: reply.id)

    def ask(self, make: Callable[[], Call | Awaitable[Call]], what: str, *, judge: Judge | None = None) -> Ask:
        """Returns the ask of a call that is made anew each time it is sent; `judge` may rename a refusal."""

        async def frame(number: int) -> str:
            made = make()
            return (made if isinstance(made, Call) else await made).frame(number)

        def hear(reply: Reply) -> bool | VenueError:
            if reply.error is None:
                return True
            error = stream_error(reply.error.code, reply.error.message)
            return error if judge is None else judge(error)

        return self._numbered.ask(what, frame, hear)

    def ask_for(self, call: Call, *, judge: Judge | None = None) -> Ask:
        return self.ask(lambda: call, call.method, judge=judge)

    async def answer(self, stream: Stream, call: Call) -> Reply:
        """Asks once. Raises VenueError: what the venue says against it, ConnectionLost without a connection."""
        reply = read_reply(await stream.ask(self.ask_for(call)))
        if reply is None:
            raise DecodeError(VENUE, f"{call.method}: an answer that can not be read")
        return reply

    def login(self, credentials: Credentials, clock: ServerClock, hide: Redaction | None = None) -> Ask:
        """Returns `server.sign`. A refusal that does not pass by itself is an AuthenticationError.

        Sending it raises ClockSkew where our clock can not be signed with. `hide` is told of the signature.
        """

        def make() -> Call:
            call = channels.sign(credentials, clock.signing_time() // 1_000_000)
            if hide is not None:
                hide.note_signatures(Secret(str(call.params[1])))
            return call

        return self.ask(make, "login", judge=REMEDIES.refused_login)


def read_reply(frame: Frame) -> Reply | None:
    """Returns the answer that a frame is; None for a push, and for what can not be read."""
    data = frame.data
    if b'"result' not in data and b"error" not in data:
        return None
    try:
        message = decode_frame(data)
    except DecodeError:
        return None
    return message if isinstance(message, Reply) else None


def passing(error: VenueError) -> VenueError:
    """Judges subscriptions: what may pass by itself is asked again by the stream, as if nobody had answered."""
    return RequestTimeout(VENUE, error.message, error.code) if isinstance(error, TransientError) else error


def _read_pong(frame: Frame) -> int | None:
    data = frame.data
    if len(data) > _LONGEST_ANSWER or b"pong" not in data:
        return None
    reply = read_reply(frame)
    return reply.id - _PINGS if reply is not None and reply.id > _PINGS else None
