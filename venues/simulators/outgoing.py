"""What waits to be sent on one connection: in order, newer books and states in place of older unsent ones.

A reader that is slower than the market gets fewer books and states; answers, trades and everything private are
kept for it, up to `MOST_WAITING` and `MOST_BYTES`. Beyond that it is hopeless, and its connection is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Protocol

MOST_WAITING = 20_000  # frames: ten seconds at 2,000 a second
MOST_BYTES = 32_000_000

TOO_SLOW = "too slow"
MARKET, ACCOUNT = "market", "account"  # what a frame is about, for faults that are meant for one of them


class Send(Protocol):
    """Sends one frame; answers are no pushes."""

    async def __call__(self, data: bytes, /, *, call: str, is_push: bool) -> None: ...


class _Waiting:
    """A frame; `renew` makes the one that stands in for it where newer news came before it was sent."""

    __slots__ = ("call", "data", "is_push", "key", "renew")

    def __init__(self, data: bytes, call: str, is_push: bool, key: Hashable | None = None) -> None:
        self.data = data
        self.call = call
        self.is_push = is_push
        self.key = key
        self.renew: Callable[[], bytes] | None = None


class Outgoing:
    """The frames of one connection. `put` and `put_latest` never wait; `run` sends until it is cancelled.

    `ended` is set once the connection is to be given up, because too much waits (the sending may then hang for
    ever) or for what `end` was told; whoever runs it must stop it.
    """

    def __init__(self, send: Send, *, most_waiting: int = MOST_WAITING, most_bytes: int = MOST_BYTES) -> None:
        self._send = send
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._queue: deque[_Waiting] = deque()
        self._latest: dict[Hashable, _Waiting] = {}
        self._bytes = 0
        self.ended = asyncio.Event()
        self.reason = ""
        self._filled = asyncio.Event()
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, data: bytes, call: str = MARKET, *, is_push: bool = True) -> None:
        """Queues a frame that has to arrive."""
        self._append(_Waiting(data, call, is_push))

    def put_latest(self, key: Hashable, data: bytes, renew: Callable[[], bytes]) -> None:
        """Queues a frame, or where one of this `key` still waits, lets `renew()` be sent in its place.

        `renew` is called when its turn comes, so it tells all that has been published by then.
        """
        waiting = self._latest.get(key)
        if waiting is None:
            waiting = self._latest[key] = _Waiting(data, MARKET, True, key)
            self._append(waiting)
        else:
            self.conflated += 1
            waiting.renew = renew

    def forget(self, key: Hashable) -> None:
        """Takes back what waits of this `key`."""
        waiting = self._latest.pop(key, None)
        if waiting is not None:
            self._queue.remove(waiting)
            self._bytes -= len(waiting.data)

    def end(self, reason: str) -> None:
        """Says that the connection is to be given up, and why; the first reason stays."""
        self.reason = self.reason or reason
        self.ended.set()

    def _append(self, waiting: _Waiting) -> None:
        self._queue.append(waiting)
        self._bytes += len(waiting.data)
        if len(self._queue) > self._most_waiting or self._bytes > self._most_bytes:
            self.end(TOO_SLOW)
        self._filled.set()

    async def run(self) -> None:
        """Sends what is queued, one frame after the other."""
        queue = self._queue
        while True:
            while queue:
                waiting = queue.popleft()
                self._bytes -= len(waiting.data)
                if waiting.key is not None:
                    del self._latest[waiting.key]
                data = waiting.data if waiting.renew is None else waiting.renew()
                await self._send(data, call=waiting.call, is_push=waiting.is_push)
            self._filled.clear()
            await self._filled.wait()
