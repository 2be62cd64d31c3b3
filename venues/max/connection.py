"""How MAX is reached: the HTTP session, and the two streams with their heartbeat, login and calls.

One address serves both streams: they are two, so that a key that is not taken never stops market data. The venue
closes a connection that has sent no protocol ping for 130 s; ours are sent every five, to find a dead link.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Callable, Sequence

from venues.errors import (
    AuthenticationError,
    BadRequest,
    ClockSkew,
    DecodeError,
    RequestTimeout,
    VenueError,
)
from venues.max import VENUE, channels
from venues.max.channels import Topic
from venues.max.client.session import make_session
from venues.max.codes import NonceReused
from venues.max.limits import POOLS
from venues.max.remedies import REMEDIES
from venues.max.settings import Settings
from venues.max.wire import Message, decode_frame, decode_part
from venues.port import Credentials
from venues.redaction import Redaction
from venues.secret import Secret
from venues.transport.asks import Ask, NumberedAsks
from venues.transport.frames import Frame
from venues.transport.heartbeat import Heartbeat
from venues.transport.http import HttpClient
from venues.transport.ratelimit import Pool, RateLimiter, Weight
from venues.transport.streams import Streams
from venues.transport.timing import Timing

CONNECTS = Pool(name="connections", units=600, period=3_600.0, has_reserve=False)
CONNECT: Weight = (("connections", 1),)
MESSAGES = (Pool(name="second", units=20), Pool(name="minute", units=200, period=60.0))
"""What one connection may send. The pings draw nothing from them: a fifth is left for what is no subscription."""

_BEAT = 5.0  # seconds
_ANSWERS = (b"subscribed", b"authenticated", b"error")
_LONGEST_WORDS = 200
_find_number = re.compile(r"c([0-9]{1,12})", re.ASCII).fullmatch
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
        timing=Timing().scaled(settings.time_scale),
        limiter=limiter,
        proxy=settings.proxy,
        hide=hide,
        tls=tls,
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )


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
        heartbeat=Heartbeat(every=_BEAT * settings.time_scale),
        weight=CONNECT,
        pools=MESSAGES,
        rng=rng,
        hide=hide,
        tls=tls,
        wall=wall,
    )


class Calls:
    """Makes asks; the ids are unique within one stream."""

    def __init__(self) -> None:
        self._numbered: NumberedAsks[Message] = NumberedAsks(read_reply, _number_of)

    def unsubscribe(self, topics: Sequence[Topic]) -> Ask:
        """Returns the end of some subscriptions."""

        def judge(reply: Message) -> bool | VenueError:
            return _refusal(reply) or True

        return self._numbered.ask("unsubscribe", lambda number: channels.unsubscribe(topics, _id(number)), judge)

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

        def frame(number: int) -> str:
            sent[:] = make()
            return channels.subscribe(sent, _id(number))

        def judge(reply: Message) -> bool:
            error = _refusal(reply)
            if error is not None:
                answered(tuple(sent), error)
                return True
            unlisted = _unlisted(sent, reply)
            if unlisted:
                answered(unlisted, BadRequest(VENUE, "the venue did not subscribe to it"))
            if stands := [topic for topic in sent if topic not in unlisted]:
                answered(stands, None)
            return True

        return self._numbered.ask("subscribe", frame, judge)

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

        def frame(number: int) -> str:
            text, signature = channels.login(credentials, nonces(), filters(), _id(number))
            if hide is not None:
                hide.note_signatures(Secret(signature))
            return text

        def judge(reply: Message) -> bool | VenueError:
            error = _refusal(reply)
            if error is None:
                return True
            # A clock that is off is measured again meanwhile.
            if isinstance(error, ClockSkew):
                return RequestTimeout(VENUE, error.message, error.code)
            return REMEDIES.refused_login(error)

        return self._numbered.ask("login", frame, judge)


def _id(number: int) -> str:
    return f"c{number}"


def _number_of(reply: Message) -> int | None:
    found = _find_number(str(reply.id))
    return int(found[1]) if found is not None else None


def _refusal(reply: Message) -> VenueError | None:
    """Raises DecodeError."""
    return stream_error(reply) if reply.event == "error" else None


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
