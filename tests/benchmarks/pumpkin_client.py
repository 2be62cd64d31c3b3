"""A process that takes twenty books of the local Pumpkin for a while, and says what that cost, as JSON.

python -m tests.benchmarks.pumpkin_client KIND REST_URL WS_URL KEY SECRET SECONDS

- `plain`: websockets and json.loads, and no book: what anybody's client does at least;
- `adapter`: the venue by its stream, whose events a consumer takes;
- `polling`: the venue without a stream, everything polled within the quota that it has unless told otherwise;
- `idle`: the same with nothing subscribed: the account alone is polled.
"""

from __future__ import annotations

import asyncio
import json

import websockets

from tests.benchmarks.many_books import ManyBooks, read_plainly, run_client
from tests.benchmarks.pumpkin_server import TWENTY
from venues.model import InstrumentId
from venues.port import Credentials
from venues.pumpkin.venue import PumpkinVenue, Settings

MANY = 100_000  # weight a minute: a quota that does not count


class TwentyBooks(ManyBooks, PumpkinVenue):
    """The venue; what it tells of books is counted."""

    names = tuple(InstrumentId("pumpkin", name) for name in TWENTY)


async def take_plainly(ws_url: str, seconds: float) -> dict[str, float]:
    topics = [f"depth@{name},50" for name in TWENTY]
    async with websockets.connect(
        f"{ws_url}futures/ws/market", proxy=None, compression=None, max_size=None
    ) as socket:
        await socket.send(json.dumps({"events": topics, "method": "sub"}))
        return await read_plainly(
            socket, seconds, lambda frame: json.loads(frame).get("e", "").startswith("depth")
        )


def main(kind: str, rest_url: str, ws_url: str, key: str, secret: str, seconds: float) -> dict[str, float]:
    if kind == "plain":
        return asyncio.run(take_plainly(ws_url, seconds))
    is_streamed = kind == "adapter"
    settings = Settings(
        rest_url=rest_url,
        ws_url=ws_url if is_streamed else "",
        credentials=Credentials(key, secret),
        is_practice=True,
        minute_quota=MANY if is_streamed else Settings().minute_quota,
    )
    return asyncio.run(TwentyBooks(settings).take(seconds, has_books=kind != "idle"))


if __name__ == "__main__":
    run_client(main)
