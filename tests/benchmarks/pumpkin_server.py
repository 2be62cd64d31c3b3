"""The local Pumpkin as a process, with twenty books that all change ten times a second.

It prints where it listens as JSON, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio

from tests.benchmarks.many_books import serve
from venues.simulators.pumpkin.exchange import PumpkinSimulator
from venues.simulators.pumpkin.markets import TERMS
from venues.simulators.pumpkin.pushes import PUSH_EVERY

BOOKS = 20
TWENTY = tuple(TERMS)[:BOOKS]
RATE = 400  # acts of the crowd a second: most changes then are of several levels

if __name__ == "__main__":
    asyncio.run(serve("pumpkin", PumpkinSimulator, TWENTY, RATE, PUSH_EVERY))
