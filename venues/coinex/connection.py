"""How CoinEx is reached: the HTTP client, and the two streams with their heartbeat, login and calls.

The document's own client turns protocol pings off and sends `server.ping`, answered with "pong" under the same id.
An answer is told from a push by its id.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import msgspec

from venues.coinex import VENUE, channels, endpoints
from venues.coinex.auth import sign_with
from venues.coinex.channels import Call
from venues.coinex.codes import stream_error
from venues.coinex.limits import POOLS
from venues.coinex.messages import Reply, decode_frame
from venues.coinex.remedies import with_remedy
from venues.coinex.settings import Settings
from venues.errors import AuthenticationError, DecodeError, RequestTimeout, TransientError, VenueError
from venues.events import StreamStatus
from venues.port import Credentials
from venues.redaction import Redaction
from venues.secret import Secret
from venues.transport.address import Address
from venues.transport.asks import Ask
from venues.transport.clock import ServerClock
from venues.transport.conversation import Rules
from venues.transport.frames import Frame
from venues.transport.heartbeat import Form, Heartbeat
from venues.transport.http import HttpClient, Timing
from venues.transport.link import Quarantined, Stream
from venues.transport.ratelimit import RateLimiter
from venues.transport.timing import StreamTiming

# The venue's wiki asks for a browser-like User-Agent and may block what has none. This one is the customary form
# of programs that are no browser.
USER_AGENT = "Mozilla/5.0 (compatible; pitside)"

# Silence has to be seen within 2 s, painting included: it counts a little earlier. A link that is back has to be
# healthy within 15 s: no pause may be longer than 10. Closing takes half of the one second in which a desk wants
# to be gone.
_STREAM = StreamTiming(ceiling=10.0, close=0.5, quiet=1.8)
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
        timing=http_timing(settings.time_scale),
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


def make_stream(
    settings: Settings,
    limiter: RateLimiter,
    *,
    login: Ask | None = None,
    on_status: Callable[[StreamStatus], None],
    on_open: Callable[[int], None],
    on_quarantine: Callable[[Quarantined], None],
    rng: random.Random,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
) -> Stream:
    """Returns a stream that is not started; with a login it is the account's, whose silence is no news.

    Raises:
        ConfigurationError: the address or the proxy can not be used.
    """
    scale = settings.time_scale
    return Stream(
        Rules(
            venue=VENUE,
            heartbeat=make_heartbeat(scale),
            timing=_STREAM.scaled(scale),
            login=login,
            ages=login is None,
        ),
        Address(url=settings.ws_url, headers=(("User-Agent", USER_AGENT),)),
        on_status=on_status,
        on_open=on_open,
        on_quarantine=on_quarantine,
        limiter=limiter,
        proxy=settings.proxy,
        hide=hide,
        tls=tls,
        rng=rng,
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


def http_timing(time_scale: float) -> Timing:
    """Returns the client's times, scaled but for how long a limit is waited for: the limits are the venue's."""
    timing = Timing()
    scaled = {
        name: value * time_scale
        for name in timing.__struct_fields__
        if not name.endswith("patience") and isinstance(value := getattr(timing, name), float)
    }
    return msgspec.structs.replace(timing, **scaled)


class Calls:
    """Makes asks of calls; the ids are unique within one stream."""

    def __init__(self) -> None:
        self._ids: Iterator[int] = count(1)

    def ask(self, make: Callable[[], Call | Awaitable[Call]], what: str, *, judge: Judge | None = None) -> Ask:
        """Returns the ask of a call that is made anew each time it is sent; `judge` may rename a refusal."""
        asked = _Asked(self._ids, make, judge or _as_it_is)
        return Ask(what=what, make=asked.make, judge=asked.judge)

    def ask_for(self, call: Call, *, judge: Judge | None = None) -> Ask:
        return self.ask(lambda: call, call.method, judge=judge)

    def login(self, credentials: Credentials, clock: ServerClock, hide: Redaction | None = None) -> Ask:
        """Returns `server.sign`. A refusal that does not pass by itself is an AuthenticationError.

        Sending it raises ClockSkew where our clock can not be signed with. `hide` is told of the signature.
        """

        def make() -> Call:
            call = channels.sign(credentials, clock.signing_time() // 1_000_000)
            if hide is not None:
                hide.note_signatures(Secret(str(call.params[1])))
            return call

        return self.ask(make, "login", judge=_as_login)


class _Asked:
    """One call on its way: the id of its last sending."""

    __slots__ = ("_id", "_ids", "_judge", "_make")

    def __init__(self, ids: Iterator[int], make: Callable[[], Call | Awaitable[Call]], judge: Judge) -> None:
        self._ids = ids
        self._make = make
        self._judge = judge
        self._id = 0

    async def make(self) -> str:
        made = self._make()
        call = made if isinstance(made, Call) else await made
        self._id = next(self._ids)
        return call.frame(self._id)

    def judge(self, frame: Frame) -> bool | VenueError | None:
        reply = read_reply(frame)
        if reply is None or reply.id != self._id:
            return None
        if reply.error is None:
            return True
        return self._judge(stream_error(reply.error.code, reply.error.message))


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


def _as_it_is(error: VenueError) -> VenueError:
    return error


def _as_login(error: VenueError) -> VenueError:
    if isinstance(error, TransientError):
        return error
    return with_remedy(AuthenticationError(VENUE, error.message, error.code))


def _read_pong(frame: Frame) -> int | None:
    data = frame.data
    if len(data) > _LONGEST_ANSWER or b"pong" not in data:
        return None
    reply = read_reply(frame)
    return reply.id - _PINGS if reply is not None and reply.id > _PINGS else None
