"""What clients of Mayex's streams ask for: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, and a ping as text.

An answer has the id of its message. The document has no errors: those here are of its kind, a code and a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.mayex.candles import INTERVALS
from venues.simulators.mayex.client import Client, Topic
from venues.simulators.outgoing import ACCOUNT, MARKET
from venues.simulators.sockets import read_object

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

BAD_REQUEST, BAD_STREAM, TOO_MANY, BAD_TOKEN, UNAVAILABLE = 1, 2, 3, 4, 5
LEVELS = (10, 20, 100)
_MOST_STREAMS = 1_024  # of one connection; the document gives no number
_LARGEST_ID = (1 << 64) - 1


class Refused(Exception):
    """The message is answered with an error."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


def take(venue: MayexSimulator, client: Client, frame: str | bytes) -> None:
    """Answers one message, unless a fault keeps the venue silent."""
    number: int | None = None
    begun: list[Topic] = []
    try:
        message = read_object(frame)
        if message is None:
            raise Refused(BAD_REQUEST, "invalid json")
        if message.get("event") == "ping":
            _answer(client, {"event": "pong"})
            return
        if not venue.faults.is_quiet and venue.faults.on(HEARTBEATS_ONLY, client.call):
            return
        number = _number(message)
        result: list[str] | None = None
        match message.get("method"):
            case "SUBSCRIBE":
                begun = _subscribe(venue, client, _names(message))
            case "UNSUBSCRIBE":
                _unsubscribe(venue, client, _names(message))
            case "LIST_SUBSCRIPTIONS":
                result = client.names()
            case _:
                raise Refused(BAD_REQUEST, "invalid method")
    except Refused as refused:
        _answer(client, {"code": refused.code, "msg": refused.msg, "id": number})
        return
    _answer(client, {"result": result, "id": number})
    for topic in begun:
        venue.publisher.markets(client).start(client, topic)


def is_refused(venue: MayexSimulator, token: str) -> bool:
    """Says whether a token opens nothing: unknown, expired or deleted, or by the fault login-refused."""
    by_fault = not venue.faults.is_quiet and venue.faults.on("login-refused", ACCOUNT)
    return by_fault or not venue.tokens.is_good(token, venue.clock.time_ns())


def _answer(client: Client, answer: dict[str, Any]) -> None:
    client.outgoing.put(msgspec.json.encode(answer), client.call, is_push=False)


def _number(message: dict[str, Any]) -> int:
    number = message.get("id")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _LARGEST_ID:
        raise Refused(BAD_REQUEST, "invalid id")
    return number


def _names(message: dict[str, Any]) -> list[str]:
    names = message.get("params")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Refused(BAD_REQUEST, "invalid params")
    return names


def _subscribe(venue: MayexSimulator, client: Client, names: list[str]) -> list[Topic]:
    """Subscribes to all of it or nothing, and returns the public streams."""
    tokens = [name for name in names if "@" not in name]
    if not venue.faults.is_quiet:
        call = ACCOUNT if tokens else MARKET
        if venue.faults.on("maintenance", call):
            raise Refused(UNAVAILABLE, "service unavailable")
        if venue.faults.on("subscribe-refused", call):
            raise Refused(BAD_STREAM, "invalid stream")
    topics = [_read(venue, client, name) for name in names if "@" in name]
    for token in tokens:
        if client.is_spot or is_refused(venue, token):
            raise Refused(BAD_TOKEN, "invalid token")
    if len(client.topics) + len(names) > _MOST_STREAMS:
        raise Refused(TOO_MANY, "too many streams")
    client.token = tokens[-1] if tokens else client.token
    client.topics |= dict.fromkeys(topics)
    venue.publisher.subscribed()
    return topics


def _unsubscribe(venue: MayexSimulator, client: Client, names: list[str]) -> None:
    topics = [_read(venue, client, name) for name in names if "@" in name]
    for topic in topics:
        client.topics.pop(topic, None)
        client.outgoing.forget(topic)
    if client.token in names:
        client.token = ""
    venue.publisher.subscribed()


def _read(venue: MayexSimulator, client: Client, name: str) -> Topic:
    """Reads a stream's name: `btcusdt@kline_1m`, `@markPrice`, `@ticker`, `@depth10`, `@trade`."""
    symbol, _, channel = name.partition("@")
    if symbol not in venue.publisher.markets(client).market.instruments:
        raise Refused(BAD_STREAM, "invalid stream")
    if channel in ("ticker", "trade") or (channel == "markPrice" and not client.is_spot):
        return Topic(name, channel, symbol)
    kind, _, interval = channel.partition("_")
    if kind == "kline" and interval in INTERVALS:
        return Topic(name, "kline", symbol, interval=interval)
    for level in LEVELS:
        if channel == f"depth{level}":
            return Topic(name, "depth", symbol, level=level)
    raise Refused(BAD_STREAM, "invalid stream")
