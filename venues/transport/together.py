"""Several reads at once that end together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def together(one: Awaitable[A], other: Awaitable[B], /) -> tuple[A, B]: ...


@overload
async def together(one: Awaitable[A], other: Awaitable[B], third: Awaitable[C], /) -> tuple[A, B, C]: ...


@overload
async def together(*reads: Awaitable[A]) -> tuple[A, ...]: ...


async def together(*reads: Awaitable[Any]) -> tuple[Any, ...]:
    """Returns what each gives, in their order; raises what the first that fails raises.

    None of them is left running then: with `asyncio.gather` the others went on behind the back of whoever had
    asked, drew from the venue's quota, and made connections that a closing venue did not know of.
    """
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        return tuple(await asyncio.gather(*tasks))
    finally:
        if left := [task for task in tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left)
