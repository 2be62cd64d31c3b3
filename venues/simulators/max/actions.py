"""What clients of MAX's stream ask for: `sub`, `unsub` and `auth`, and how they are answered or refused.

The documents have `subscription` in an `unsub` and the official client `subscriptions`: both are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from venues.simulators.figures import milliseconds
from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.max.account_pushes import DEFAULT_FILTERS
from venues.simulators.max.bookfeed import DEPTHS
from venues.simulators.max.client import Client, Topic
from venues.simulators.max.rows import RESOLUTIONS
from venues.simulators.max.signing import NonceUsed, is_signature
from venues.simulators.max.wallet import LIMITS
from venues.simulators.outgoing import MARKET
from venues.simulators.sockets import read_object

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

INVALID_ACTION, INVALID_JSON, NONCE_OFF = (
    "E-1004: invalid action",
    "E-1005: invalid json",
    "E-1006: invalid nonce (difference of 30 seconds or more)",
)
AUTH_FAILED, NONCE_USED = "E-1007: authentication failed", "E-1012: nonce has already been used"
INVALID_SUBSCRIPTION = "E-1004: invalid subscription"
_UNAVAILABLE = "E-1004: invalid action: system is under maintenance"
_VERBS = {"sub": "sub", "subscribe": "sub", "unsub": "unsub", "unsubscribe": "unsub", "auth": "auth"}
_MOST_TOPICS = 500  # of one message


class Refused(Exception):
    """The message is answered with an error of the document."""


def take(venue: MaxSimulator, client: Client, frame: str | bytes) -> None:
    """Answers one message, unless a fault keeps the venue silent."""
    name: str | None = None
    try:
        message = read_object(frame)
        if message is None:
            raise Refused(INVALID_JSON)
        number = message.get("id")
        name = number if isinstance(number, str) else None
        verb = _VERBS.get(str(message.get("action")))
        if verb is None:
            raise Refused(INVALID_ACTION)
        call = "account" if verb == "auth" else MARKET
        if not venue.faults.is_quiet:
            if venue.faults.on(HEARTBEATS_ONLY, call):
                return
            _refuse_by_fault(venue, verb, call)
        if verb == "auth":
            _authenticate(venue, client, message, name)
        elif verb == "sub":
            _subscribe(venue, client, message, name)
        else:
            _unsubscribe(venue, client, message, name)
    except Refused as refused:
        _answer(venue, client, {"e": "error", "E": [str(refused)]}, name)


def _refuse_by_fault(venue: MaxSimulator, verb: str, call: str) -> None:
    if venue.faults.on("maintenance", call):
        raise Refused(_UNAVAILABLE)
    if verb == "auth" and venue.faults.on("login-refused", call):
        raise Refused(AUTH_FAILED)
    if verb == "sub" and venue.faults.on("subscribe-refused", call):
        raise Refused(INVALID_SUBSCRIPTION)


def _answer(venue: MaxSimulator, client: Client, body: dict[str, Any], name: str | None) -> None:
    if name is not None:
        body["i"] = name
    body["T"] = milliseconds(venue.server_time_ns())
    client.outgoing.put(msgspec.json.encode(body), client.call, is_push=False)


def _authenticate(venue: MaxSimulator, client: Client, message: dict[str, Any], name: str | None) -> None:
    key, nonce, given = message.get("apiKey"), message.get("nonce"), message.get("signature")
    if not (isinstance(key, str) and isinstance(given, str)) or isinstance(nonce, bool | float | None):
        raise Refused(AUTH_FAILED)
    if key != venue.api_key or not is_signature(str(nonce), venue.api_secret, given) or message.get("subAccount"):
        raise Refused(AUTH_FAILED)
    try:
        venue.nonces.take(str(nonce), milliseconds(venue.server_time_ns()))
    except NonceUsed:
        raise Refused(NONCE_USED) from None
    except ValueError:
        raise Refused(NONCE_OFF) from None
    filters = message.get("filters") or []
    if not isinstance(filters, list) or not all(isinstance(one, str) for one in filters):
        raise Refused(INVALID_ACTION)
    client.is_signed = True
    client.filters = frozenset(filters) or DEFAULT_FILTERS
    _answer(venue, client, {"e": "authenticated"}, name)
    venue.publisher.account.start(client)


def _subscribe(venue: MaxSimulator, client: Client, message: dict[str, Any], name: str | None) -> None:
    topics = _topics(venue, message)
    for topic in topics:
        if topic.channel == "book":
            _forget(client, [one for one in client.topics if one[:2] == topic[:2]])
        client.topics[topic] = None
    venue.publisher.subscribed()
    _answer(venue, client, {"e": "subscribed", "s": [topic.row() for topic in topics]}, name)
    for topic in topics:
        venue.publisher.market.start(client, topic)


def _unsubscribe(venue: MaxSimulator, client: Client, message: dict[str, Any], name: str | None) -> None:
    topics = _topics(venue, message)
    _forget(client, topics)
    venue.publisher.subscribed()
    _answer(venue, client, {"e": "unsubscribed", "s": [topic.row() for topic in topics]}, name)


def _forget(client: Client, topics: list[Topic]) -> None:
    for topic in topics:
        client.topics.pop(topic, None)
        client.outgoing.forget(topic)


def _topics(venue: MaxSimulator, message: dict[str, Any]) -> list[Topic]:
    rows = message.get("subscriptions", message.get("subscription"))
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list) or not 1 <= len(rows) <= _MOST_TOPICS:
        raise Refused(INVALID_SUBSCRIPTION)
    return [_topic(venue, row) for row in rows]


def _topic(venue: MaxSimulator, row: Any) -> Topic:
    """Reads one subscription. Raises Refused where there is nothing like it."""
    if not isinstance(row, dict):
        raise Refused(INVALID_SUBSCRIPTION)
    channel = row.get("channel")
    if channel == "market_status":
        return Topic(channel)
    if channel == "pool_quota":
        currency = str(row.get("currency")).upper()
        if currency not in LIMITS:
            raise Refused(f"{INVALID_SUBSCRIPTION}: currency")
        return Topic(channel, currency=currency)
    if channel not in ("book", "trade", "ticker", "kline"):
        raise Refused(f"{INVALID_SUBSCRIPTION}: channel")
    market = row.get("market")
    if not isinstance(market, str) or market.upper() not in venue.market.instruments or market != market.lower():
        raise Refused(f"{INVALID_SUBSCRIPTION}: market")
    market = market.upper()
    if channel == "book":
        depth = row.get("depth", DEPTHS[-1])
        if depth not in DEPTHS or isinstance(depth, bool | float):
            raise Refused(f"{INVALID_SUBSCRIPTION}: depth")
        return Topic(channel, market, depth=depth)
    if channel == "kline":
        resolution = row.get("resolution", "1m")
        if resolution not in RESOLUTIONS:
            raise Refused(f"{INVALID_SUBSCRIPTION}: resolution")
        return Topic(channel, market, resolution=resolution)
    return Topic(channel, market)
