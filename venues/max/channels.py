"""What is said to MAX over its WebSocket: subscriptions that add up, their end, and the login."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from venues.max.auth import sign_nonce
from venues.port import Credentials

DEPTH = 50  # levels a side, the most that there are
RESOLUTIONS = {
    60: "1m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 7_200: "2h", 14_400: "4h", 21_600: "6h",
    43_200: "12h", 86_400: "1d",
}  # fmt: skip
"""Seconds of a candle -> what the stream calls it; REST has two longer ones."""

INTERVALS = {resolution: seconds for seconds, resolution in RESOLUTIONS.items()}

SPOT_FILTERS = ("order", "trade", "account")
MARGIN_FILTERS = ("mwallet_order", "mwallet_trade", "mwallet_account", "ad_ratio", "borrowing")


class Topic(NamedTuple):
    """What one subscription is about; `resolution` is that of candles."""

    channel: str
    market: str = ""
    resolution: str = ""

    def body(self) -> dict[str, Any]:
        """Returns it as it is sent."""
        body: dict[str, Any] = {"channel": self.channel}
        if self.market:
            body["market"] = self.market
        if self.resolution:
            body["resolution"] = self.resolution
        if self.channel == "book":
            body["depth"] = DEPTH
        return body


def subscribe(topics: Iterable[Topic], call_id: str) -> str:
    """Returns the frame; its answer bears the same id."""
    bodies = [topic.body() for topic in topics]
    return _frame({"action": "sub", "subscriptions": bodies, "id": call_id})


def unsubscribe(topics: Iterable[Topic], call_id: str) -> str:
    """Returns the frame. The document has the key in the singular, the venue's own client in the plural."""
    bodies = [topic.body() for topic in topics]
    return _frame({"action": "unsub", "subscription": bodies, "subscriptions": bodies, "id": call_id})


def login(credentials: Credentials, nonce: int, filters: Sequence[str], call_id: str) -> tuple[str, str]:
    """Returns the frame and its signature; `nonce` in milliseconds, another one for each connection."""
    signature = sign_nonce(nonce, credentials.secret.reveal())
    body: dict[str, Any] = {
        "action": "auth",
        "apiKey": credentials.key.reveal(),
        "nonce": nonce,
        "signature": signature,
        "filters": list(filters),
        "id": call_id,
    }
    if credentials.sub_account:
        body["subAccount"] = credentials.sub_account
    return _frame(body), signature


def _frame(body: dict[str, Any]) -> str:
    return msgspec.json.encode(body).decode()
