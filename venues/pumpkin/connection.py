"""How Pumpkin is reached: its limits, its REST client, its streams, and what is asked over these.

An answer of a stream has no id: one thing is asked at a time, and the next answer is its own. Where one does not
come in time, whoever asked gives the connection up: a late one would be taken for that of the next question.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    NotSupported,
    RateLimited,
    UnknownInstrument,
    VenueError,
    VenueUnavailable,
)
from venues.pumpkin import VENUE
from venues.pumpkin.client import Client, PumpkinHttp, make_session
from venues.pumpkin.limits import HEAVIEST, LEAST_QUOTA, pools
from venues.pumpkin.settings import Settings
from venues.pumpkin.wire import Reply, read_reply
from venues.redaction import Redaction
from venues.transport.address import split_url
from venues.transport.asks import Ask
from venues.transport.conversation import Expects
from venues.transport.frames import Frame
from venues.transport.heartbeat import Heartbeat, text_heartbeat
from venues.transport.ratelimit import Pool, RateLimiter
from venues.transport.streams import Streams
from venues.transport.timing import Timing

# Inferred: the document names no limits of the streams. These are those of common gateways.
CONNECTS = Pool(name="connections", units=600, period=3_600.0, has_reserve=False)
MESSAGES = (Pool(name="second", units=10),)

_BEAT = 3.0  # seconds, as in the document's example
_LONGEST_WORDS = 200
_ERRORS: dict[int, type[VenueError]] = {
    40002: UnknownInstrument,
    40003: NotSupported,
    40005: AuthenticationError,
    40006: RateLimited,
    50001: VenueUnavailable,
    50002: VenueUnavailable,
}


def make_limiter(settings: Settings) -> RateLimiter:
    """Returns the limits that REST and the streams share: a ban of one is a ban of all.

    Raises:
        ConfigurationError: a quota is stated that no order fits in.
    """
    quotas = pools(settings.readings)
    for pool in quotas:
        if pool.unreserved < HEAVIEST:
            raise ConfigurationError(
                VENUE,
                f"{pool.name}_quota = {pool.units} lets no order go: one weighs {HEAVIEST}, and a fifth is kept "
                f"for cancels; state {LEAST_QUOTA} or more, or leave it out",
            )
    return RateLimiter(VENUE, (*quotas, CONNECTS))


def make_client(
    settings: Settings,
    limiter: RateLimiter,
    *,
    rng: random.Random,
    hide: Redaction,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[Client, PumpkinHttp]:
    """Returns the REST client and its session. Raises ConfigurationError: address or proxy can not be used."""
    origin, prefix = split_url(VENUE, settings.base_url)
    session = make_session(
        settings.credentials,
        base_url=origin,
        prefix=prefix,
        readings=settings.readings,
        timing=Timing().scaled(settings.time_scale),
        limiter=limiter,
        proxy=settings.proxy,
        hide=hide,
        tls=tls,
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )
    client = Client(
        session=session,
        has_key=settings.credentials is not None,
        base_url=settings.base_url,
        readings=settings.readings,
    )
    return client, session


def heartbeat(time_scale: float = 1.0) -> Heartbeat:
    """Returns the text heartbeat in both directions: whoever is asked "ping" says "pong"."""
    return text_heartbeat("ping", "pong", every=_BEAT * time_scale, call="ping", reply="pong")


def make_streams(
    settings: Settings,
    limiter: RateLimiter,
    *,
    rng: random.Random,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
) -> Streams:
    """Returns what makes the streams, the market's by itself. Raises ConfigurationError: no address at all."""
    return Streams(
        VENUE,
        msgspec.structs.replace(settings, ws_url=settings.market_address or settings.user_address),
        limiter,
        heartbeat=heartbeat(settings.time_scale),
        weight=((CONNECTS.name, 1),),
        pools=MESSAGES,
        expects=Expects.EITHER,
        is_pipelined=False,
        rng=rng,
        hide=hide,
        tls=tls,
        wall=wall,
    )


class Calls:
    """Makes the asks of a stream."""

    def subscribe(self, events: Sequence[str]) -> Ask:
        """Returns the subscription of topics such as "trade@btc_usdt"; they are added to those that stand."""
        return _ask("subscribe", lambda: _command("sub", events), lambda error: error)

    def unsubscribe(self, events: Sequence[str]) -> Ask:
        return _ask("unsubscribe", lambda: _command("unsub", events), lambda error: error)

    def login(
        self, topics: Callable[[], Awaitable[Sequence[str]]], judge: Callable[[VenueError], VenueError]
    ) -> Ask:
        """Returns the subscription of the private topics, which hold a listen key, made anew each time.

        `judge` gets a refusal, and returns what it is.
        """

        async def frame() -> str:
            return _command("sub", await topics())

        return _ask("subscribe the account", frame, judge)


def _ask(what: str, make: Callable[[], str | Awaitable[str]], refused: Callable[[VenueError], VenueError]) -> Ask:
    def judge(frame: Frame) -> bool | VenueError | None:
        reply = read_reply(frame.data)
        if reply is None:
            return None
        return True if reply.code == 0 else refused(stream_error(reply))

    return Ask(what=what, make=make, judge=judge)


def _command(method: str, events: Sequence[str]) -> str:
    return msgspec.json.encode({"events": list(events), "method": method}).decode()


def stream_error(reply: Reply) -> VenueError:
    """Returns what an answer other than 0 says."""
    words = reply.words[:_LONGEST_WORDS].strip() or "the venue gave no reason"
    return _ERRORS.get(reply.code, BadRequest)(VENUE, words, str(reply.code))
