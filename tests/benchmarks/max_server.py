"""The local MAX as a process, with fifty books that all change ten times a second.

It prints where it listens as JSON, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio

from tests.benchmarks.many_books import serve
from tests.venues.max.fifty_books import FIFTY
from venues.simulators.max.exchange import MaxSimulator
from venues.simulators.max.pushes import PUSH_EVERY

RATE = 500  # acts of the crowd a second: most changes then are of several levels

if __name__ == "__main__":
    asyncio.run(serve("max", MaxSimulator, FIFTY, RATE, PUSH_EVERY))
