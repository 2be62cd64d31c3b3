"""What clients of Pumpkin's stream ask for: `sub`, `unsub` and a text `ping`, and how they are answered.

An answer has no id: a client tells to what it belongs by the order alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.outgoing import ACCOUNT, MARKET
from venues.simulators.pumpkin.account_pushes import CHANNELS, DENIED
from venues.simulators.pumpkin.bookfeed import LEVELS
from venues.simulators.pumpkin.client import Client, Private, Topic
from venues.simulators.pumpkin.keys import KeyState
from venues.simulators.pumpkin.rest_market import INTERVALS
from venues.simulators.sockets import read_object

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

BAD_TOPIC, NO_TOPIC, TOO_MANY, BAD_PARAMETERS, UNAVAILABLE = 40001, 40002, 40003, 40004, 50002
_MOST_TOPICS = 200  # of one connection; the document gives no number
_LISTEN_KEY = 32  # characters


class Refused(Exception):
    """The message is answered with an error of the document."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


def take(venue: PumpkinSimulator, client: Client, frame: str | bytes) -> None:
    """Answers one message, unless a fault keeps the venue silent."""
    now = venue.clock.time_ns()
    if frame in ("ping", b"ping"):
        client.heard_at = now
        client.outgoing.put(b"pong", client.call, is_push=False)
        return
    if frame in ("pong", b"pong"):
        client.heard_at = now
        return
    if not venue.faults.is_quiet and venue.faults.on(HEARTBEATS_ONLY, client.call):
        return
    try:
        begun = _act(venue, client, frame)
    except Refused as refused:
        _answer(client, refused.code, refused.msg)
        return
    _answer(client, 0, "success")
    for topic in begun:
        venue.publisher.market.start(client, topic)


def _answer(client: Client, code: int, msg: str) -> None:
    client.outgoing.put(msgspec.json.encode({"code": code, "msg": msg}), client.call, is_push=False)


def _act(venue: PumpkinSimulator, client: Client, frame: str | bytes) -> list[Topic]:
    """Does what a message asks for, and returns the public topics that begin."""
    message = read_object(frame)
    if message is None:
        raise Refused(BAD_PARAMETERS, "Invalid parameters")
    method, events = message.get("method"), message.get("events")
    if method not in ("sub", "unsub"):
        raise Refused(BAD_PARAMETERS, "invalid_method")
    if not isinstance(events, list) or not events or not all(isinstance(event, str) for event in events):
        raise Refused(BAD_PARAMETERS, "invalid_events")
    found = [_read(venue, event) for event in events]
    if method == "unsub":
        for topic in found:
            if isinstance(topic, Topic):
                client.topics.pop(topic, None)
                client.outgoing.forget(topic)
            else:
                client.privates.pop(topic, None)
        venue.publisher.subscribed()
        return []
    return _subscribe(venue, client, found)


def _subscribe(venue: PumpkinSimulator, client: Client, found: list[Topic | Private]) -> list[Topic]:
    call = ACCOUNT if any(isinstance(topic, Private) for topic in found) else MARKET
    if not venue.faults.is_quiet:
        if venue.faults.on("maintenance", call):
            raise Refused(UNAVAILABLE, "Service temporarily unavailable")
        if venue.faults.on("subscribe-refused", call):
            raise Refused(BAD_PARAMETERS, "Invalid parameters")
    for topic in found:
        if isinstance(topic, Private):
            _check_key(venue, topic)
    if len(client.topics) + len(client.privates) + len(found) > _MOST_TOPICS:
        raise Refused(TOO_MANY, "Subscription limit exceeded")
    public = [topic for topic in found if isinstance(topic, Topic)]
    client.privates |= {topic: None for topic in found if isinstance(topic, Private)}
    client.topics |= dict.fromkeys(public)
    venue.publisher.subscribed()
    return public


def _check_key(venue: PumpkinSimulator, topic: Private) -> None:
    state = venue.keys.state(topic.key, venue.clock.time_ns())
    is_refused = not venue.faults.is_quiet and venue.faults.on("login-refused", ACCOUNT)
    if is_refused or state is KeyState.UNKNOWN:
        raise Refused(DENIED, "invalid_listen_key")
    if state is KeyState.EXPIRED:
        raise Refused(DENIED, "token expire")


def _read(venue: PumpkinSimulator, event: str) -> Topic | Private:
    """Reads a topic: `kline@btc_usdt,1m`, `trade@btc_usdt`, `depth@btc_usdt,10`, `order@` and a listen key."""
    channel, at, rest = event.partition("@")
    if not channel or not at or not rest:
        raise Refused(BAD_TOPIC, "Invalid topic format")
    if channel in CHANNELS and len(rest) == _LISTEN_KEY:
        return Private(channel, rest)
    if channel not in ("kline", "trade", "depth"):
        known = channel in CHANNELS
        raise Refused(DENIED, "invalid_listen_key") if known else Refused(NO_TOPIC, "Topic not found")
    symbol, comma, detail = rest.partition(",")
    if symbol not in venue.market.instruments:
        raise Refused(NO_TOPIC, "Topic not found")
    if channel == "trade":
        if comma:
            raise Refused(BAD_TOPIC, "Invalid topic format")
        return Topic("trade", symbol)
    if channel == "kline":
        if detail not in INTERVALS:
            raise Refused(BAD_PARAMETERS, "Invalid parameters")
        return Topic("kline", symbol, interval=detail)
    if detail not in map(str, LEVELS):
        raise Refused(BAD_PARAMETERS, "Invalid parameters")
    return Topic("depth", symbol, level=int(detail))
