"""Waiting for a condition, on the loop's own time.

A limit is on what the desk takes, not on what the machine does meanwhile: for as long as this thread was ready to
run and other programs had the processors it is put off, until it is `_MOST` times as long.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

_STEP = 0.01  # seconds between two looks
_MOST = 4.0
_SCHEDULED = Path("/proc/thread-self/schedstat")
PATIENCE = 20.0  # seconds: only a failure waits that long


async def passes(seconds: float) -> None:
    """Lets time go by: between two looks, or for what must not happen, where there is nothing to wait for."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()


async def until(condition: Callable[[], object], seconds: float = PATIENCE, what: str = "") -> float:
    """Waits until `condition` holds and returns how long that took, in seconds.

    Raises:
        AssertionError: it did not come to be.
    """

    async def holds() -> object:
        return condition()

    return await _until(holds, seconds, what or _words_of(condition), _STEP)


async def until_found(
    condition: Callable[[], Awaitable[object]], seconds: float = PATIENCE, what: str = ""
) -> float:
    """The same with a condition that has to ask somebody."""
    return await _until(condition, seconds, what or _words_of(condition), 2 * _STEP)


async def _until(condition: Callable[[], Awaitable[object]], seconds: float, words: str, step: float) -> float:
    loop = asyncio.get_running_loop()
    began, before = loop.time(), kept_waiting()
    while not await condition():
        took = loop.time() - began
        if took > seconds and (took > _MOST * seconds or took - (kept_waiting() - before) > seconds):
            raise AssertionError(f"not within {seconds:.1f} s: {words}")
        await passes(step)
    return loop.time() - began


def kept_waiting() -> float:
    """Returns for how many seconds this thread has been ready, and no processor was free.

    Where the kernel does not tell, that is never.
    """
    with contextlib.suppress(OSError):
        return int(_SCHEDULED.read_text().split()[1]) / 1e9
    return 0.0


def _words_of(condition: Callable[[], object]) -> str:
    code = getattr(condition, "__code__", None)
    return f"the condition in line {code.co_firstlineno} of {code.co_filename}" if code else "a condition"
