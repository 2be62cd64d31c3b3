"""The local Pumpkin as a process, with twenty books that all change ten times a second.

It prints where it listens as JSON, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys

from tests.venues.max.fifty_books import Stir
from venues.simulators.pumpkin.exchange import PumpkinSimulator
from venues.simulators.pumpkin.markets import TERMS
from venues.simulators.pumpkin.pushes import PUSH_EVERY
from venues.simulators.serving import serving

BOOKS = 20
TWENTY = tuple(TERMS)[:BOOKS]
RATE = 400  # acts of the crowd a second: most changes then are of several levels


async def serve() -> None:
    async with serving("pumpkin", rate=RATE, symbols=TWENTY) as practice:
        simulator = practice.simulator
        assert isinstance(simulator, PumpkinSimulator)
        stirring = asyncio.create_task(_stir(Stir(simulator.market)))
        sys.stdout.write(practice.line() + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        stirring.cancel()
        await asyncio.wait({stirring})


async def _stir(stir: Stir) -> None:
    """Stirs as often as books are pushed, however long it takes."""
    due = asyncio.get_running_loop().time()
    while True:
        stir()
        due += PUSH_EVERY
        await asyncio.sleep(due - asyncio.get_running_loop().time())


if __name__ == "__main__":
    asyncio.run(serve())
