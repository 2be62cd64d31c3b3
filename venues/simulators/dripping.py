"""Bytes that come one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Drip:
    """Passes on one byte at a time, `rate` of them a second; `empty` is called when all are through."""

    def __init__(self, send: Callable[[bytes], None], rate: float, empty: Callable[[], None]) -> None:
        self._send = send
        self._empty = empty
        self._waiting = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self.pace(rate)

    def __len__(self) -> int:
        return len(self._waiting)

    def pace(self, rate: float) -> None:
        """Goes on with so many bytes a second."""
        self._pause = 1 / max(rate, 0.001)
        if self._timer is not None:
            self.stop()
            self._arm()

    def write(self, data: bytes) -> None:
        """Adds to what waits."""
        self._waiting += data
        if self._timer is None:
            self._arm()

    def flush(self) -> None:
        """Passes on at once all that waits."""
        self.stop()
        data, self._waiting = bytes(self._waiting), bytearray()
        if data:
            self._send(data)
        self._empty()

    def stop(self) -> None:
        """Passes on nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._step)

    def _step(self) -> None:
        self._timer = None
        first = bytes(self._waiting[:1])
        del self._waiting[:1]
        if first:
            self._send(first)
        if self._waiting:
            self._arm()
        else:
            self._empty()
