"""How long the terminal takes to answer: every key is seen that much later."""

from __future__ import annotations

import os
import re
import select
import statistics
import termios
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

_QUERY = b"\x1b[5n"  # "are you all right?", which every terminal since the VT100 answers
_ANSWER = re.compile(rb"\x1b\[\??\d+n")
_TIMES = 5
_LIMIT = 1.0  # seconds, for all of them
_MOST_READ = 4_096  # bytes


class Latency(NamedTuple):
    """How often the terminal answered, and the median of the times it took, in seconds (0 without an answer)."""

    answers: int
    median: float


def measure_latency(
    descriptor: int, *, clock: Callable[[], float] = time.monotonic, times: int = _TIMES, limit: float = _LIMIT
) -> Latency | None:
    """Asks the terminal at `descriptor` a few times, for `limit` seconds at most; its settings are put back.

    What is typed meanwhile is lost. None where it is not ours to ask: we run in the background, or it is none.
    """
    try:
        before = termios.tcgetattr(descriptor)
        with suppress(OSError):  # not the terminal that controls us, as below `su -c`: nothing stops us then
            if os.tcgetpgrp(descriptor) != os.getpgrp():
                return None
    except termios.error:
        return None
    took: list[float] = []
    deadline = clock() + limit
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        for _ in range(times):
            began = clock()
            os.write(descriptor, _QUERY)
            if not _is_answered(descriptor, deadline, clock):
                break
            took.append(clock() - began)
    except OSError:
        return None
    finally:
        # With what came too late thrown away: it would stand on the user's command line.
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
    return Latency(len(took), statistics.median(took) if took else 0.0)


def _is_answered(descriptor: int, deadline: float, clock: Callable[[], float]) -> bool:
    said = b""
    while (left := deadline - clock()) > 0 and select.select([descriptor], [], [], left)[0]:
        piece = os.read(descriptor, _MOST_READ)
        said = (said + piece)[-_MOST_READ:]
        if _ANSWER.search(said):
            return True
        if not piece:
            return False
    return False
