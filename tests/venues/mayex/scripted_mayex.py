"""A Mayex that does as it is told: its REST half on a real socket of this loop.

It checks signatures by what is known of the platform, not by our own code, over the very bytes that it received.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.venues.scripted_rest import Answer, ScriptedRest
from tests.venues.transport.scripted import Received
from venues.mayex import Client
from venues.mayex.requests import NewOrder
from venues.transport.privacy import no_tls

KEY, SECRET = "0f8fad5b-d9cb-469f-a165-70867728950e", "bWF5ZXgtc2VjcmV0LWRlbW8tMTIzNA"
DECODED = b"mayex-secret-demo-1234"
PREFIX = "/api"


class Call(msgspec.Struct, frozen=True):
    """What one request asked for; `path` with what the base address adds."""

    verb: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]

    @property
    def is_signed(self) -> bool:
        return any(name.endswith("request-signature") for name in self.headers)

    @property
    def values(self) -> Any:
        """What the body says, or the query."""
        return json.loads(self.body) if self.body else dict(parse_qsl(self.query, keep_blank_values=True))


class ScriptedMayex(ScriptedRest[Call]):
    def __init__(
        self, *, header: str = "x-fairdesk-", key: bytes = SECRET.encode(), is_bare: bool = False
    ) -> None:
        super().__init__()
        self.header = header
        self.key = key
        self.is_bare = is_bare

    @property
    def base_url(self) -> str:
        return self.origin + PREFIX

    def data(self, data: object) -> None:
        self.answer({"status": 0, "error": "OK", "data": data})

    def refusal(self, code: int, words: str | None = "the venue's words", status: int = 200) -> None:
        self.answer({"status": code, "error": words, "data": None}, status)

    def judge(self, request: Received) -> Answer | None:
        url = urlsplit(request.target)
        found = Call(request.method, url.path, url.query, request.body, request.headers)
        self.calls.append(found)
        if found.is_signed and not self._is_right(found):
            return 401, {}, b'{"status": 401, "error": "Unauthorized", "data": null}'
        return None

    def _is_right(self, call: Call) -> bool:
        path = call.path.removeprefix(PREFIX) if self.is_bare else call.path
        text = f"{path}{call.query}{call.headers[self.header + 'request-expiry']}".encode() + call.body
        expected = hmac.new(self.key, text, hashlib.sha256).hexdigest()
        named = {name: call.headers.get(self.header + name) for name in ("access-key", "request-signature")}
        return named == {"access-key": KEY, "request-signature": expected}


@asynccontextmanager
async def client_at(
    *, has_key: bool = True, venue: ScriptedMayex | None = None, **settings: Any
) -> AsyncIterator[tuple[Client, ScriptedMayex]]:
    """Yields a client and its venue."""
    given: dict[str, Any] = {"timeout": 2.0, "tls": no_tls()} | settings
    key = (KEY, SECRET) if has_key else ()
    async with venue or ScriptedMayex() as there, Client(*key, base_url=there.base_url, **given) as client:
        yield client, there


def new_order(**changes: Any) -> NewOrder:
    """Returns the document's own order, but for what is changed."""
    whole: dict[str, Any] = {
        "symbol": "btcusdt",
        "client_order_id": "WEB9C6IB7h8absN",
        "side": "BUY",
        "position_side": "LONG",
        "isolated": True,
        "quantity": "0.01",
        "price": "42601.5",
    }
    return NewOrder(**(whole | changes))
