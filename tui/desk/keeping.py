"""What the journal is told without anybody waiting for it: facts of venues, what settled a command, notes.

A venue's stream must not stand still while a slow disk commits, and nothing may be lost because a disk was full
for a while: what could not be written is tried again, in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from tui.desk.inert import sanitise
from tui.desk.journal import Command, Journal, JournalError, Resolution
from venues.model import Fill, Order

logger = logging.getLogger(__name__)

_MOST_WAITING = 20_000  # about 20 MB; a disk that is full for so long loses what comes then, which is said
_TOGETHER = 128
_RETRY_SECONDS = 2.0


class _Resolved(NamedTuple):
    command: Command
    resolution: Resolution


class _Note(NamedTuple):
    text: str
    topic: str
    locked_until: int | None
    amount: Decimal | None


class _Fact(NamedTuple):
    fact: Order | Fill
    is_answer: bool


Entry: TypeAlias = _Fact | _Resolved | _Note


class Keeper:
    """Hands entries to the journal in the background. `tell` hears when it fails, and when it works again.

    `clock` returns nanoseconds UTC. It belongs to one loop; `run` is a task of its own.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Callable[[], int],
        tell: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._tell = tell
        self._sleep = sleep
        self._waiting: deque[tuple[int, Entry]] = deque()
        self._is_wanted = asyncio.Event()
        self._is_failing = False
        self._writing: asyncio.Future[bool] | None = None
        self._lost = 0

    def use(self, journal: Journal) -> None:
        """Goes on with another journal."""
        self._journal = journal

    def fact(self, fact: Order | Fill, *, is_answer: bool = False) -> None:
        """Keeps what a venue told; `is_answer` where it was asked, which settles what was unknown."""
        self._add(_Fact(fact, is_answer))

    def resolved(self, command: Command, resolution: Resolution) -> None:
        """Keeps what settled a command that nobody had answered."""
        self._add(_Resolved(command, resolution))

    def note(
        self, text: str, topic: str = "", locked_until: int | None = None, amount: Decimal | None = None
    ) -> None:
        """Keeps what the desk did by itself."""
        self._add(_Note(text, topic, locked_until, amount))

    async def run(self) -> None:
        """Writes what comes, until it is cancelled."""
        while True:
            await self._is_wanted.wait()
            if not await self.flush():
                await self._sleep(_RETRY_SECONDS)

    async def flush(self) -> bool:
        """Writes all that waits; says whether it is written."""
        while self._waiting:
            # Whoever stops waiting does not stop the writing: what was given to the journal is not given it again.
            if self._writing is None or self._writing.done():
                self._writing = asyncio.ensure_future(self._write_batch())
            if not await asyncio.shield(self._writing):
                return False
        self._is_wanted.clear()
        return True

    async def _write_batch(self) -> bool:
        batch = [self._waiting[index] for index in range(min(_TOGETHER, len(self._waiting)))]
        results = await asyncio.gather(*(self._write(*entry) for entry in batch), return_exceptions=True)
        failed = [entry for entry, result in zip(batch, results, strict=True) if _is_to_repeat(result)]
        for _ in range(min(len(batch), len(self._waiting))):
            self._waiting.popleft()
        self._waiting.extendleft(reversed(failed))
        self._note_outcome(next((result for result in results if isinstance(result, BaseException)), None))
        return not failed

    def _add(self, entry: Entry) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._lost += 1  # the newest: the oldest are being written
            return
        self._waiting.append((self._clock(), entry))
        self._is_wanted.set()

    async def _write(self, ts: int, entry: Entry) -> None:
        if isinstance(entry, _Resolved):
            await self._journal.resolved(entry.command, entry.resolution, ts)
        elif isinstance(entry, _Note):
            await self._journal.note(
                entry.text, ts, topic=entry.topic, locked_until=entry.locked_until, amount=entry.amount
            )
        else:
            await self._journal.fact(entry.fact, ts, is_answer=entry.is_answer)

    def _note_outcome(self, error: BaseException | None) -> None:
        if error is None:
            if self._is_failing:
                lost = f"; {self._lost:,} facts of before were lost" if self._lost else ""
                self._tell(f"the journal is written again{lost}")
                self._lost = 0
            self._is_failing = False
            return
        if not isinstance(error, JournalError):
            logger.error("the journal broke", exc_info=error)
        if not self._is_failing:
            self._tell(f"the journal can not be written: {sanitise(str(error) or type(error).__name__)}")
        self._is_failing = True


def _is_to_repeat(result: BaseException | None) -> bool:
    # Text that can not be kept will not be kept the next time either.
    return isinstance(result, JournalError) and "can not keep" not in str(result)
