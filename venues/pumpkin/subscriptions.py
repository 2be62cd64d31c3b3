"""What is subscribed on the market's stream, and which of it stands.

Answers have no id: one command goes at a time. What is refused is polled, and asked for again after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from venues.pumpkin.connection import Calls
from venues.transport import subscriptions
from venues.transport.link import Stream

_REFUSED = 60.0  # seconds that a topic is left which the venue has judged


class Topic(NamedTuple):
    """What one subscription is about; `detail` is a candle's length or a book's levels."""

    channel: str
    symbol: str
    detail: str = ""

    @property
    def name(self) -> str:
        """Returns it as it is sent."""
        return f"{self.channel}@{self.symbol}" + (f",{self.detail}" if self.detail else "")


class Subscriptions(subscriptions.Subscriptions[Topic]):
    """What is wanted of the market's stream. `stands` is told what has begun to stand, and when it was asked for.

    `now` is in seconds.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        stands: Callable[[Topic, float], None] = lambda *_: None,
        time_scale: float = 1.0,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        calls = Calls()
        super().__init__(
            stream,
            subscribe=calls.subscribe,
            unsubscribe=calls.unsubscribe,
            name=lambda topic: topic.name,
            stands=stands,
            judged=_REFUSED,
            time_scale=time_scale,
            now=now,
            sleep=sleep,
        )
