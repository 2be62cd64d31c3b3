"""A client at a scripted Pumpkin."""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.venues.pumpkin.scripted_pumpkin import KEY, SECRET, ScriptedPumpkin
from venues.pumpkin import PREFIX, Client
from venues.pumpkin.requests import NewOrder
from venues.transport.privacy import default_tls


@functools.cache
def shared_tls() -> ssl.SSLContext:
    """Returns one context for all clients: each takes 20 ms to make, and none is used here."""
    return default_tls()


@asynccontextmanager
async def client_at(
    *, has_key: bool = True, venue: ScriptedPumpkin | None = None, **settings: Any
) -> AsyncIterator[tuple[Client, ScriptedPumpkin]]:
    """Yields a client and its venue."""
    given: dict[str, Any] = {"timeout": 2.0, "tls": shared_tls()} | settings
    key = (KEY, SECRET) if has_key else ()
    async with (
        venue or ScriptedPumpkin() as there,
        Client(*key, base_url=there.origin + PREFIX, **given) as client,
    ):
        yield client, there


def new_order(**changes: Any) -> NewOrder:
    whole: dict[str, Any] = {
        "symbol": "btc_usdt",
        "order_side": "BUY",
        "position_side": "LONG",
        "orig_qty": 10,
        "leverage": 20,
        "price": "89000.1",
        "time_in_force": "GTC",
        "client_order_id": "abc123",
    }
    return NewOrder(**(whole | changes))
