"""Which clock the nonces of MAX are drawn by."""

from __future__ import annotations

from collections.abc import Callable

from venues.model import NANOSECONDS
from venues.transport.clock import ServerClock

_NEAR = 5 * NANOSECONDS


def nonce_time(clock: ServerClock, wall: Callable[[], int]) -> int:
    """Returns what nonces are drawn by, in milliseconds: our own clock, unless it is far off.

    A nonce may be 30 s off, and every program of this user draws by the same clock: what each of them knows of the
    venue's would move them against each other.
    """
    off = abs(clock.offset or 0) > _NEAR
    return (clock.now() if off else wall()) // 1_000_000
