"""A desk as the session builds it, on a journal in memory and a hand-stepped loop, and what its death leaves."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from decimal import Decimal
from enum import StrEnum

from tests.tui.desk.order_machine.exchange import Connection, Exchange
from tests.tui.desk.order_machine.loop import HandLoop
from tests.tui.desk.rig import PERP, Clock, instrument
from tui.desk.clientid import ClientOrderIds
from tui.desk.dispatch import Dispatcher, Fate
from tui.desk.journal import Command, JournalError, Resolution, Word
from tui.desk.journal_events import (
    Draft,
    EventKind,
    Row,
    draft_answer,
    draft_command,
    draft_fact,
    draft_note,
)
from tui.desk.journal_fold import JournalState
from tui.desk.keeping import Keeper
from tui.desk.link import Link
from tui.desk.order_states import OrderNews
from tui.desk.orders import Tracked
from tui.desk.reconcile import reconcile_account
from tui.desk.settling import UNSETTLED, Settler
from tui.desk.store import Store
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.model import Fill, Order, OrderStatus
from venues.port import Departure

S = OrderStatus


class Disk(StrEnum):
    """How a disk behaves when a row is written to it."""

    WELL = "writes"
    SLOW_BEFORE = "stalls before the row is safe"
    SLOW_AFTER = "stalls after the row is safe"
    FULL = "is full for the next row of a command"
    FULL_AT_SEND = "is full for the row before the next send"


FULL = (Disk.FULL, Disk.FULL_AT_SEND)


class Rows:
    """What outlives every crash: the rows, and the disk that they lie on."""

    def __init__(self, loop: HandLoop) -> None:
        self.rows: list[Row] = []
        self.disk = Disk.WELL
        self.sent: Counter[str] = Counter()  # `sending` rows by the command's hash
        self.fills: set[str] = set()  # trade ids
        self.loop = loop
        self.stalled: list[asyncio.Future[None]] = []

    def add(self, draft: Draft) -> None:
        self.rows.append(draft.row(len(self.rows) + 1, self.rows[-1].digest if self.rows else ""))
        if draft.kind == EventKind.SENDING:
            self.sent[draft.body_hash] += 1

    def wake(self) -> None:
        """Makes the disk work again."""
        self.disk = Disk.WELL
        stalled, self.stalled = self.stalled, []
        for one in stalled:
            if not one.done():
                one.set_result(None)


class RowJournal:
    """The journal of one run."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.is_dead = False

    async def _write(self, draft: Draft) -> None:
        rows = self._rows
        self._check()
        is_sending = draft.kind == EventKind.SENDING
        if (is_sending and rows.disk in FULL) or (rows.disk is Disk.FULL and draft.kind == EventKind.INTENT):
            rows.disk = Disk.WELL
            raise JournalError("the disk is full")
        is_slow = rows.disk
        if is_slow is Disk.SLOW_BEFORE:
            await self._stall()
        self._check()
        rows.add(draft)
        if is_slow is Disk.SLOW_AFTER:
            await self._stall()

    async def _stall(self) -> None:
        self._rows.stalled.append(self._rows.loop.create_future())
        await self._rows.stalled[-1]

    def _check(self) -> None:
        if self.is_dead:
            raise JournalError("this process is dead")

    async def intent(self, command: Command, ts: int, *, notional: Decimal | None = None) -> None:
        await self._write(draft_command(EventKind.INTENT, command, ts, notional=notional))

    async def sending(self, command: Command, departure: Departure, ts: int) -> None:
        await self._write(draft_command(EventKind.SENDING, command, ts, departure=departure))

    async def answered(self, command: Command, answer: Word, ts: int) -> None:
        await self._write(draft_answer(command, answer, ts))

    async def ambiguous(self, command: Command, why: str, ts: int) -> None:
        await self._write(draft_command(EventKind.AMBIGUOUS, command, ts, text=why))

    async def fact(self, fact: Order | Fill, ts: int, *, is_answer: bool = False) -> None:
        await self._write(draft_fact(fact, ts, is_answer=is_answer))
        if isinstance(fact, Fill):
            self._rows.fills.add(fact.trade_id)

    async def resolved(self, command: Command, resolution: Resolution, ts: int) -> None:
        await self._write(draft_command(EventKind.RESOLVED, command, ts, resolution=resolution))

    async def note(
        self,
        text: str,
        ts: int,
        *,
        topic: str = "",
        locked_until: int | None = None,
        amount: Decimal | None = None,
    ) -> None:
        await self._write(draft_note(text, ts, topic, locked_until))

    async def aclose(self) -> None:
        pass


class Desk:
    """One run of a desk, from its start to its death. `left` is what the journal held when it began."""

    def __init__(
        self, exchange: Exchange, rows: Rows, clock: Clock, loop: HandLoop, left: JournalState | None
    ) -> None:
        self.rows = rows
        self.clock = clock
        self.loop = loop
        self.venue = Connection(exchange, loop)
        self.journal = RowJournal(rows)
        self.kept = {(one.instrument.venue, one.trade_id) for one in left.fills} if left is not None else set()
        self.store = Store(clock, lambda _: None, keep=self._keep)
        self.store.set_instruments([instrument(PERP)])
        self.keeper = Keeper(self.journal, clock, lambda _: None, self._sleep)
        chance = random.Random(1)
        self.settler = Settler(self.store, self.keeper, clock, self._sleep, chance)
        self.dispatcher = Dispatcher(self.store, self.journal, clock)
        can = exchange.capabilities
        self.link = Link(self.venue, "main", ClientOrderIds(can.mode, can, clock, chance))
        self.tasks: dict[asyncio.Task[None], str] = {}  # commands on their way -> the order's key
        self.others: set[asyncio.Task[object]] = set()
        if left is not None:
            left.close_off(clock())
            for tracked in (*left.over_orders(1_000), *left.open_orders()):
                self.store.orders.restore(tracked)
            self.link.ts_inherited, self.link.fills_kept = left.ts_last, frozenset(self.kept)

    async def _sleep(self, _: float) -> None:
        pass

    def _keep(self, fact: Order | Fill, is_answer: bool) -> None:
        if isinstance(fact, Order) or (fact.instrument.venue, fact.trade_id) not in self.kept:
            self.keeper.fact(fact, is_answer=is_answer)

    def get(self, key: str) -> Tracked | None:
        return self.store.orders.get(key)

    def in_flight(self, key: str) -> int:
        """Returns how many commands about an order are not over."""
        return sum(one == key for one in self.tasks.values())

    def submit(self, request: OrderRequest) -> None:
        tracked = self.store.orders.submitted(request, self.clock())

        async def send() -> None:
            if words := await self.dispatcher.prepare(request):
                self.dispatcher.refuse(tracked, Fate.NOT_SENT, words)
            else:
                await self.dispatcher.submit(self.venue, request, tracked)

        self._begin(send(), tracked.key)

    def cancel(self, tracked: Tracked) -> None:
        order = tracked.order
        request = CancelRequest(
            instrument=order.instrument, client_order_id=order.client_order_id, venue_order_id=order.venue_order_id
        )
        self.store.orders.command_sent(tracked, OrderNews.CANCEL_SENT)

        async def send() -> None:
            if await self.dispatcher.prepare(request):
                self.store.orders.command_ended(tracked, OrderNews.COMMAND_REFUSED)
            else:
                await self.dispatcher.cancel(self.venue, request, tracked)

        self._begin(send(), tracked.key)

    def can_amend(self, tracked: Tracked) -> bool:
        return not tracked.status.is_terminal and tracked.status not in (*UNSETTLED, S.PENDING_NEW)

    def amend(self, tracked: Tracked, price: Decimal, quantity: Decimal | None = None) -> None:
        order = tracked.order
        request = AmendRequest(
            instrument=order.instrument,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            price=price,
            quantity=quantity,
        )
        self.store.orders.command_sent(tracked, OrderNews.REPLACE_SENT)

        async def send() -> None:
            if await self.dispatcher.prepare(request):
                self.store.orders.command_ended(tracked, OrderNews.COMMAND_REFUSED)
            else:
                await self.dispatcher.amend(self.venue, request, tracked)

        self._begin(send(), tracked.key)

    def look_up(self, tracked: Tracked) -> None:
        """Asks for one order as the schedule of look-ups does."""
        if self.settler.is_open(tracked) and not tracked.in_flight:
            self._other(self.settler.ask(self.link, tracked))

    def reconcile(self) -> None:
        self._other(reconcile_account(self.link, self.store, self.settler, self.clock))

    def can_decide(self, tracked: Tracked) -> bool:
        return tracked.status is S.UNKNOWN and not tracked.in_flight

    def decide(self, tracked: Tracked) -> None:
        """Takes the trader's word that an order is not at the venue."""
        status = S.CANCELED if tracked.is_confirmed else S.REJECTED
        self.settler.conclude(tracked, status, "trader", "not at the venue, by your own word")

    def settle(self) -> None:
        """Runs until everything waits for the venue, the disk or the trader."""
        self.loop.settle()
        if self.rows.disk in (Disk.WELL, *FULL) and self.keeper._waiting:
            self._other(self.keeper.flush())
            self.loop.settle()

    @property
    def is_written(self) -> bool:
        """Says whether all that the desk was told is in the journal."""
        return not self.keeper._waiting and not self.rows.stalled

    def die(self) -> None:
        """Ends the process: what it still does reaches neither the disk nor the venue."""
        self.journal.is_dead = self.venue.is_dead = True
        for task in (*self.tasks, *self.others):
            task.cancel()
        self.rows.wake()
        self.loop.settle()

    def _begin(self, work: Coroutine[object, object, None], key: str) -> None:
        task = self.loop.create_task(work)
        self.tasks[task] = key
        task.add_done_callback(self._end)
        self.settle()

    def _end(self, task: asyncio.Task[None]) -> None:
        del self.tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.faults.append(repr(error))

    def _other(self, work: Coroutine[object, object, object]) -> None:
        task: asyncio.Task[object] = self.loop.create_task(work)
        self.others.add(task)
        task.add_done_callback(self._end_other)
        self.loop.settle()

    def _end_other(self, task: asyncio.Task[object]) -> None:
        self.others.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.faults.append(repr(error))
