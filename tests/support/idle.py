"""Waiting for an app that has nothing to do, without waiting for the clock.

The framework's own way looks whether the process took a millisecond in the last twenty, several times for a key
that is pressed: two thirds of the time of a test that opens an app. The loop knows better what is left to do.
"""

from __future__ import annotations

import asyncio
import math
import threading
from typing import Any

from tests.contract.waiting import passes

_SOON = 0.01  # seconds: a timer that is due by then, such as the next repaint's, belongs to what was begun
_MOST = 0.1  # seconds that such timers are waited for, one after another
_LEAST = 0.004  # seconds: keys that are pressed one after another are no burst, of more than three within 5 ms


def wait_for_the_loop() -> None:
    """From now on an app is idle when its loop is, wherever no other thread could have work for it."""
    # Not above: the framework reads the environment when it is imported, and the tests set that first.
    import textual.app
    import textual.pilot
    from textual._wait import wait_for_idle

    threads = threading.active_count()

    async def until_idle(min_sleep: float = 0.02, max_sleep: float = 1) -> None:
        if min_sleep or threading.active_count() > threads:
            await wait_for_idle(min_sleep, max_sleep)
            return
        loop: Any = asyncio.get_running_loop()
        begun = loop.time()
        end = begun + _MOST
        await passes(_LEAST)
        while True:
            await asyncio.sleep(0)
            now = loop.time()
            # Another that waits so, or looks at each turn of the loop, is always ready: not for ever.
            if loop._ready and now - begun < max_sleep:
                continue
            due = min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=math.inf)
            if now >= end or due > min(end, now + _SOON):
                return
            await passes(max(0.0, due - now))

    for module in (textual.app, textual.pilot):
        vars(module)["wait_for_idle"] = until_idle
