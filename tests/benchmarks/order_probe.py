"""What httpx alone takes to post an order, in a process that also digests the market, without a screen.

    python -m tests.benchmarks.order_probe ORIGIN AUTHORITY RATE COUNT

Prints one line of JSON: milliseconds from the call to the first byte, and to the answer; of posts made on the
market's own loop, and of posts that another thread hands to it, as every screen has to.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import httpx

from tests.tui.desk.rig import until
from tui.desk.session import Session
from venues.registry import create_venue
from venues.transport.privacy import default_tls

BODY = json.dumps({
    "instrument": {"venue": "paper", "symbol": "BTC-PERP"}, "client_order_id": "p0123456789abcdefghij",
    "side": "buy", "type": "limit", "quantity": "0.010", "price": "64000.5", "time_in_force": "gtc",
}).encode()  # fmt: skip
Samples: TypeAlias = dict[str, list[float]]


@asynccontextmanager
async def open_feed(rate: float) -> AsyncIterator[None]:
    """Runs the desk's session on this loop until the end of the block."""
    session = Session([create_venue("paper", {"seed": 1, "rate": rate})], tell=lambda _: None)
    await session.open()
    try:
        await until(lambda: session.store.shown is not None, 30)
        yield
    finally:
        await session.aclose()


async def post(client: httpx.AsyncClient, began: int) -> tuple[float, float]:
    """Posts one order; returns the milliseconds from `began` to the first byte and to the answer."""
    first_byte = 0

    async def trace(event: str, _details: dict[str, Any]) -> None:
        nonlocal first_byte
        if event.endswith("send_request_headers.started"):
            first_byte = time.monotonic_ns()

    headers = {"X-Nonce": "1800000000000", "X-Signature": "0" * 64, "Content-Type": "application/json"}
    response = await client.post("/order", content=BODY, headers=headers, extensions={"trace": trace})
    answer = time.monotonic_ns()
    response.raise_for_status()
    return (first_byte - began) / 1e6, (answer - began) / 1e6


async def measure(origin: str, authority: str, rate: float, count: int) -> dict[str, Samples]:
    tls = default_tls()
    tls.load_verify_locations(authority)
    chance = random.Random(1)
    loop = asyncio.get_running_loop()
    found: dict[str, Samples] = {
        name: {"first byte": [], "answer": []} for name in ("on the loop", "from another thread")
    }

    def hand_over(client: httpx.AsyncClient) -> tuple[float, float]:
        return asyncio.run_coroutine_threadsafe(post(client, time.monotonic_ns()), loop).result()

    async with open_feed(rate), httpx.AsyncClient(base_url=origin, verify=tls, trust_env=False) as client:
        await client.get("/time")
        for _ in range(count):
            for name, samples in found.items():
                # An uneven pause, so that posts do not fall into step with the market.
                await asyncio.sleep(chance.uniform(0.1, 0.4))
                if name == "on the loop":
                    times = await post(client, time.monotonic_ns())
                else:
                    times = await asyncio.to_thread(hand_over, client)
                for what, one in zip(samples, times, strict=True):
                    samples[what].append(one)
    return found


def main(origin: str, authority: str, rate: str, count: str) -> None:
    sys.stdout.write(json.dumps(asyncio.run(measure(origin, authority, float(rate), int(count)))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
