"""A client at a scripted MAX, with nonces of its own."""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from tests.venues.max.scripted_max import KEY, SECRET, ScriptedMax
from venues.max import Client
from venues.transport.privacy import default_tls

FIRST_NONCE = 1_700_000_000_000


@functools.cache
def shared_tls() -> ssl.SSLContext:
    """Returns one context for all clients: each takes 20 ms to make, and none is used here."""
    return default_tls()


@asynccontextmanager
async def client_at(*, has_key: bool = True, **settings: Any) -> AsyncIterator[tuple[Client, ScriptedMax]]:
    """Yields a client and its venue."""
    numbers = count(FIRST_NONCE)
    given: dict[str, Any] = {"nonces": lambda: next(numbers), "timeout": 2.0, "tls": shared_tls()} | settings
    key = (KEY, SECRET) if has_key else ()
    async with ScriptedMax() as venue, Client(*key, base_url=venue.origin, **given) as client:
        yield client, venue


async def place(client: Client, **more: Any) -> Any:
    return await client.create_order("btctwd", "buy", "0.01", price="30000", client_oid="demo-1", **more)
