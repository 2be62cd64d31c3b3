"""What came over a stream, and the bounded queue in which it waits, in order, until it is taken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message, its fragments joined. `ts_recv` is when its last byte was read, in nanoseconds UTC.

    `connection` counts the connections of the stream from 1: what came before a reconnect can be told apart.
    """

    data: bytes
    is_text: bool
    ts_recv: int
    connection: int = 0

    def __repr__(self) -> str:  # a private stream's frames are nobody's business
        kind = "text" if self.is_text else "binary"
        return f"Frame({kind}, {len(self.data)} bytes, connection {self.connection})"


class FrameQueue:
    """Frames on their way from one producer to one consumer. No frame is dropped: the producer waits for room."""

    def __init__(self, limit: int, largest_batch: int) -> None:
        self._limit = limit
        self._largest_batch = largest_batch
        self._frames: deque[Frame] = deque()
        self._may_take = asyncio.Event()
        self._may_put = asyncio.Event()
        self._is_held = False
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def is_full(self) -> bool:
        return len(self._frames) >= self._limit

    @property
    def is_held(self) -> bool:
        return self._is_held

    async def put(self, frame: Frame) -> None:
        """Waits for room. After `close` it takes nothing and returns at once."""
        while self.is_full and not self._is_closed:
            self._may_put.clear()
            await self._may_put.wait()
        if not self._is_closed:
            self._frames.append(frame)
            self._may_take.set()

    async def take(self) -> Sequence[Frame]:
        """Returns the frames that wait, oldest first; nothing once the queue is closed and empty."""
        while not self._is_closed and (self._is_held or not self._frames):
            self._may_take.clear()
            await self._may_take.wait()
        if self._is_held:  # and closed: what was never reconciled is not handed over
            return ()
        count = min(len(self._frames), self._largest_batch)
        batch = [self._frames.popleft() for _ in range(count)]
        self._may_put.set()
        return batch

    def hold(self) -> None:
        """Keeps frames back from now on, those that wait already included."""
        self._is_held = True

    def release(self) -> None:
        """Hands over what was kept back, in order and before what comes later."""
        self._is_held = False
        self._may_take.set()

    def close(self) -> None:
        """Lets `take` end after what waits. May be called twice."""
        self._is_closed = True
        self._may_take.set()
        self._may_put.set()
