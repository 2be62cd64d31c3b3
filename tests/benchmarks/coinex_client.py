"""A client of the local CoinEx that takes books and deals of every market for a while and counts, as JSON.

python -m tests.benchmarks.coinex_client REST_URL WS_URL SECONDS
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx
import websockets

from venues.coinex.depth import DepthFeed
from venues.coinex.messages import DealsUpdate, DepthUpdate, decode_frame


async def take(rest_url: str, ws_url: str, seconds: float) -> dict[str, float]:
    async with httpx.AsyncClient(trust_env=False) as client:
        markets: list[str] = (await client.get(f"{rest_url}/v1/market/list")).json()["data"]
    feeds = {market: DepthFeed(market, 50) for market in markets}
    counts = {"messages": 0, "deals": 0, "wrong": 0}
    async with websockets.connect(ws_url, ping_interval=None, proxy=None, compression=None) as socket:
        wishes = [[market, 50, "0", True] for market in markets]
        for number, (method, params) in enumerate(
            (("depth.subscribe_multi", wishes), ("deals.subscribe", markets), ("state.subscribe", markets))
        ):
            await socket.send(json.dumps({"method": method, "params": params, "id": number + 1}))
        end = time.monotonic() + 1 + seconds
        begun = end - seconds
        while (now := time.monotonic()) < end:
            message = decode_frame(await socket.recv(decode=False))
            if now < begun:
                counts = dict.fromkeys(counts, 0)
            counts["messages"] += 1
            if isinstance(message, DepthUpdate):
                feed = feeds[message.params[2]]
                feed.take(message, 0)
                counts["wrong"] += not feed.book.is_valid
            elif isinstance(message, DealsUpdate):
                counts["deals"] += len(message.params[1])
    return {name: float(count) for name, count in counts.items()}


if __name__ == "__main__":
    found = asyncio.run(take(sys.argv[1], sys.argv[2], float(sys.argv[3])))
    sys.stdout.write(json.dumps(found) + "\n")
