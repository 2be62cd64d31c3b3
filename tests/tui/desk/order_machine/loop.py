"""An event loop that is stepped by hand: it has no descriptors, no timers and no thread."""

from __future__ import annotations

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVarTuple, Unpack

Ts = TypeVarTuple("Ts")


class HandLoop(asyncio.BaseEventLoop):
    """Runs what is ready when it is told to. What broke in a callback is kept in `faults`."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: deque[asyncio.Handle] = deque()
        self.faults: list[str] = []

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._queue.append(handle)
        return handle

    def settle(self) -> None:
        """Runs until nothing is ready any more."""
        events._set_running_loop(self)
        try:
            while self._queue:
                handle = self._queue.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            events._set_running_loop(None)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")
