"""Waiting for a condition, on the loop's own time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_STEP = 0.01  # seconds between two looks
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
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        if loop.time() - began > seconds:
            raise AssertionError(f"not within {seconds:.1f} s: {what or _words_of(condition)}")
        await passes(_STEP)
    return loop.time() - began


async def until_found(
    condition: Callable[[], Awaitable[object]], seconds: float = PATIENCE, what: str = ""
) -> float:
    """The same with a condition that has to ask somebody."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not await condition():
        if loop.time() - began > seconds:
            raise AssertionError(f"not within {seconds:.1f} s: {what or _words_of(condition)}")
        await passes(2 * _STEP)
    return loop.time() - began


def _words_of(condition: Callable[[], object]) -> str:
    code = getattr(condition, "__code__", None)
    return f"the condition in line {code.co_firstlineno} of {code.co_filename}" if code else "a condition"
