"""How MAX is reached: the HTTP session, and the two streams with their heartbeat, login and calls.

One address serves both streams: they are two, so that a key that is not taken never stops market data. The venue
closes a connection that has sent no protocol ping for 130 s; ours are sent every five, to find a dead link.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count

import msgspec

from venues.errors import (
    AuthenticationError,
    BadRequest,
    ClockSkew,
    DecodeError,
    RequestTimeout,
    TransientError,
    VenueError,
)
from venues.events import StreamStatus
from venues.max import VENUE, channels
from venues.max.channels import Topic
from venues.max.client.session import make_session
from venues.max.codes import NonceReused
from venues.max.limits import POOLS
from venues.max.remedies import with_remedy
from venues.max.settings import Settings
from venues.max.wire import Message, decode_frame, decode_part
from venues.port import Credentials
from venues.redaction import Redaction
from venues.secret import Secret
from venues.transport.address import Address
from venues.transport.asks import Ask
from venues.transport.conversation import Rules
from venues.transport.frames import Frame
from venues.transport.heartbeat import Heartbeat
from venues.transport.http import HttpClient, Timing
from venues.transport.link import Quarantined, Stream
from venues.transport.ratelimit import Pool, RateLimiter, Weight
from venues.transport.timing import StreamTiming

CONNECTS = Pool(name="connections", units=600, period=3_600.0, has_reserve=False)
CONNECT: Weight = (("connections", 1),)
MESSAGES = (Pool(name="second", units=20), Pool(name="minute", units=200, period=60.0))
"""What one connection may send. The pings draw nothing from them: a fifth is left for what is no subscription."""

# Silence has to be seen within 2 s, painting included: it counts a little earlier. A link that is back has to be
# healthy within 15 s: no pause may be longer than 10. Closing takes half of the one second in which a desk wants
# to be gone.
_STREAM = StreamTiming(ceiling=10.0, close=0.5, quiet=1.8)
_BEAT = 5.0  # seconds
_ANSWERS = (b"subscribed", b"authenticated", b"error")
_LONGEST_WORDS = 200
_find_code = re.compile(r"\s*E-([0-9]{1,6}):?\s*(.*)", re.ASCII | re.DOTALL).match
_ERRORS: dict[str, type[VenueError]] = {
    "1006": ClockSkew,
    "1007": AuthenticationError,
    "1012": NonceReused,  # the next attempt draws another one
}


def make_limiter() -> RateLimiter:
    """Returns the limits that the session and the streams share: a ban of one is a ban of all."""
    return RateLimiter(VENUE, (*POOLS, CONNECTS))


def make_http(
    settings: Settings,
    limiter: RateLimiter,
    *,
    nonces: Callable[[], int] | None,
    rng: random.Random,
    hide: Redaction,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
) -> HttpClient:
    """Returns the session of the REST half. Raises ConfigurationError: address or proxy can not be used."""
    return make_session(
        settings.credentials,
        nonces=nonces,
        base_url=settings.rest_url,
        timing=http_timing(settings.time_scale),
        limiter=limiter,
        proxy=settings.proxy,
        hide=hide,
        tls=tls,
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )


def make_stream(
    settings: Settings,
    limiter: RateLimiter,
    *,
    login: Ask | None = None,
    address: Callable[[], Awaitable[Address]] | None = None,
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
            heartbeat=Heartbeat(every=_BEAT * scale),
            timing=_STREAM.scaled(scale),
            login=login,
            pools=MESSAGES,
            ages=login is None,
        ),
        address or Address(url=settings.ws_url),
        on_status=on_status,
        on_open=on_open,
        on_quarantine=on_quarantine,
        limiter=limiter,
        weight=CONNECT,
        proxy=settings.proxy,
        hide=hide,
        tls=tls,
        rng=rng,
        wall=wall,
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
    """Makes asks; the ids are unique within one stream."""

    def __init__(self) -> None:
        self._ids: Iterator[int] = count(1)

    def next_id(self) -> str:
        return f"c{next(self._ids)}"

    def unsubscribe(self, topics: Sequence[Topic]) -> Ask:
        """Returns the end of some subscriptions."""
        return _Asked(self, "unsubscribe", lambda call_id: channels.unsubscribe(topics, call_id)).ask()

    def subscribe(
        self,
        make: Callable[[], Sequence[Topic]],
        answered: Callable[[Sequence[Topic], VenueError | None], None],
    ) -> Ask:
        """Returns the subscription of what `make` returns when it is sent.

        `answered` gets what stands, or what was refused and why. A refusal is no error of the ask, so that the
        stream keeps it: what becomes of the rest is the caller's affair.
        """
        sent: list[Topic] = []

        def frame(call_id: str) -> str:
            sent[:] = make()
            return channels.subscribe(sent, call_id)

        def judge(reply: Message, error: VenueError | None) -> bool:
            if error is not None:
                answered(tuple(sent), error)
                return True
            unlisted = _unlisted(sent, reply)
            if unlisted:
                answered(unlisted, BadRequest(VENUE, "the venue did not subscribe to it"))
            if stands := [topic for topic in sent if topic not in unlisted]:
                answered(stands, None)
            return True

        return _Asked(self, "subscribe", frame, judge).ask()

    def login(
        self,
        credentials: Credentials,
        nonces: Callable[[], int],
        filters: Callable[[], Sequence[str]],
        hide: Redaction | None = None,
    ) -> Ask:
        """Returns the login, each time with a nonce of its own. What does not pass is an AuthenticationError.

        Sending it raises what `nonces` does. `hide` is told of the signature.
        """

        def frame(call_id: str) -> str:
            text, signature = channels.login(credentials, nonces(), filters(), call_id)
            if hide is not None:
                hide.note_signatures(Secret(signature))
            return text

        def judge(_: Message, error: VenueError | None) -> bool | VenueError:
            if error is None:
                return True
            # A clock that is off is measured again meanwhile.
            if isinstance(error, ClockSkew):
                return RequestTimeout(VENUE, error.message, error.code)
            if isinstance(error, TransientError):
                return error
            return with_remedy(AuthenticationError(VENUE, error.message, error.code))

        return _Asked(self, "login", frame, judge).ask()


class _Asked:
    """One call on its way: the id of its last sending."""

    __slots__ = ("_calls", "_frame", "_id", "_judge", "_what")

    def __init__(
        self,
        calls: Calls,
        what: str,
        frame: Callable[[str], str],
        judge: Callable[[Message, VenueError | None], bool | VenueError] | None = None,
    ) -> None:
        self._calls = calls
        self._what = what
        self._frame = frame
        self._judge = judge
        self._id = ""

    def ask(self) -> Ask:
        return Ask(what=self._what, make=self._make, judge=self._hear)

    def _make(self) -> str:
        self._id = self._calls.next_id()
        return self._frame(self._id)

    def _hear(self, frame: Frame) -> bool | VenueError | None:
        reply = read_reply(frame)
        if reply is None or str(reply.id) != self._id:
            return None
        error = stream_error(reply) if reply.event == "error" else None
        if self._judge is not None:
            return self._judge(reply, error)
        return error or True


def read_reply(frame: Frame) -> Message | None:
    """Returns the answer that a frame is; None for all else, and for what can not be read."""
    data = frame.data
    if not any(word in data for word in _ANSWERS):
        return None
    try:
        message = decode_frame(data)
    except DecodeError:
        return None
    return message if message.id is not None and not message.channel else None


def stream_error(reply: Message) -> VenueError:
    """Returns what an error message says, the first of its errors. Raises DecodeError."""
    errors: list[str] = decode_part(reply.errors, list[str])
    text = errors[0] if errors else ""
    found = _find_code(text)
    code, words = (found[1], found[2]) if found is not None else ("", text)
    return _ERRORS.get(code, BadRequest)(VENUE, words[:_LONGEST_WORDS] or "the venue gave no reason", code or None)


def _unlisted(sent: Sequence[Topic], reply: Message) -> list[Topic]:
    """Returns what an answer leaves out, which lists what it is about; one that lists nothing leaves nothing."""
    try:
        bodies: list[dict[str, object]] = decode_part(reply.subscriptions, list[dict[str, object]])
    except DecodeError:
        return []
    listed = {(body.get("channel"), body.get("market") or "") for body in bodies}
    return [topic for topic in sent if (topic.channel, topic.market) not in listed] if listed else []
