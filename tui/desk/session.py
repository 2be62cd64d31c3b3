"""The session: opens the venues, feeds the store with what they tell, and carries out the trader's wishes.

Each venue runs in a task group of its own. The supervisor here is one of the three places of the project that
catch everything: whatever breaks below it takes down its own venue only, is told, and is begun anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from decimal import Decimal
from random import SystemRandom
from typing import Any

import msgspec

from tui.desk.clientid import ClientOrderIds, Random
from tui.desk.control import AmendIntent, CancelScope, OrderIntent, Outcome, Reason, Verdict
from tui.desk.dispatch import Dispatcher
from tui.desk.frame import DeskView, Fact, FactKind, PanicReceipt, Severity, VenueView
from tui.desk.guards import Guards, Limits
from tui.desk.inert import sanitise
from tui.desk.journal import Journal, NoJournal
from tui.desk.link import Link
from tui.desk.orders import Tracked
from tui.desk.panic import Panic
from tui.desk.reconcile import look_up, reconcile_account
from tui.desk.store import Store
from tui.desk.trading import UNSETTLED, Trader
from tui.desk.watch import Watch
from venues.commands import Channel, Subscription
from venues.errors import (
    AuthenticationError,
    ConfigurationError,
    NotSupported,
    VenueError,
)
from venues.events import FillUpdate, LinkState, OrderUpdate, StreamStatus
from venues.model import NANOSECONDS, InstrumentId, MarginMode, OrderStatus
from venues.port import Mode, Venue

logger = logging.getLogger(__name__)

_HEALTHY = 30 * NANOSECONDS  # a venue that ran this long begins its backoff anew
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})
_MODE_RANK = (Mode.LIVE, Mode.PRACTICE, Mode.PAPER, Mode.REPLAY, Mode.READ_ONLY)


DETACH_POLICIES = ("leave", "cancel_session", "cancel_all")


class DetachReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a detach policy achieved. `left` are orders of those concerned that are not known to be over."""

    policy: str
    cancelled: int
    left: int


def backoff(attempt: int) -> float:
    """Returns how many seconds to wait before trying again: 0.5, 1, 2 ... 30."""
    return min(30.0, 0.5 * 2.0 ** min(attempt, 8))


class Session:
    """All venues of one desk. Lives on one asyncio loop; `Engine` makes it reachable from other threads.

    `tell` gets every fact. `clock` returns nanoseconds UTC; `sleep` and `random` are seams for tests.
    """

    def __init__(
        self,
        venues: Sequence[Venue],
        *,
        tell: Callable[[Fact], None],
        limits: Limits | None = None,
        journal: Journal | None = None,
        clock: Callable[[], int] = time.time_ns,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        account: str = "main",
        currency: str = "USDT",
        shown: InstrumentId | None = None,
        bar_interval: int = 60,
        favourites: Sequence[InstrumentId] = (),
        detach_policy: str = "leave",
        panic_patience: float = 15.0,
        reverse_patience: float = 10.0,
    ) -> None:
        limits = limits if limits is not None else Limits()
        random = random if random is not None else SystemRandom()
        self.store = Store(clock, tell, currency, self._note_order)
        self.store.budget = limits.session_budget
        self.store.interval = bar_interval
        self.links = {
            venue.name: Link(
                venue,
                account,
                ClientOrderIds(venue.capabilities.mode, venue.capabilities, clock, random),
            )
            for venue in venues
        }
        modes = {venue.capabilities.mode for venue in venues}
        self.guards = Guards(limits, is_armed=Mode.LIVE not in modes)
        self._clock = clock
        self._sleep = sleep
        self._reverse_patience = reverse_patience
        self._work: set[asyncio.Task[None]] = set()  # wishes on their way
        self._background: set[asyncio.Task[None]] = set()
        self._watch = Watch(self.store, self.links, clock, shown, favourites)
        self._is_closing = False
        self._settling: set[str] = set()
        self.dispatcher = Dispatcher(self.store, journal if journal is not None else NoJournal(), clock)
        self.trader = Trader(self.store, self.links, self.guards, self.dispatcher, self, clock, self._settle)
        self._panic = Panic(
            self.store, self.links, self.trader, self.dispatcher, clock, sleep, patience=panic_patience
        )
        self.store.desk = DeskView(
            mode=next((mode for mode in _MODE_RANK if mode in modes), Mode.READ_ONLY),
            account=account,
            is_armed=self.guards.is_armed,
            lock_reason=self.guards.lock_reason,
            detach_policy=detach_policy,
        )
        for link in self.links.values():
            can = link.venue.capabilities
            self.store.set_venue(
                VenueView(venue=link.name, account=account, mode=can.mode, capabilities=can, is_reconciling=True)
            )

    async def open(self) -> None:
        """Begins to open every venue, and returns: how it goes is told by the venues' chips."""
        for link in self.links.values():
            self._begin(self._supervise(link), self._background)

    async def aclose(self) -> None:
        """Ends all tasks and closes every venue."""
        self._is_closing = True
        closing = [asyncio.ensure_future(link.venue.aclose()) for link in self.links.values()]
        running = {*self._work, *self._background}
        for task in running:
            task.cancel()
        if running or closing:
            await asyncio.wait({*running, *closing})
        for link, task in zip(self.links.values(), closing, strict=True):
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self._tell(FactKind.NOTICE, Severity.ALARM, f"{link.name}: {sanitise(str(error))}")

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Carries out `work`, a wish of the trader's, beside everything else."""
        self._begin(work, self._work)

    async def settled(self) -> None:
        """Waits until every wish so far has had its answer."""
        while self._work:
            await asyncio.wait(self._work)

    async def show(self, instrument: InstrumentId) -> None:
        """Makes book, tape and candles those of `instrument`. Raises VenueError."""
        await self._watch.show(instrument)

    async def set_bar_interval(self, seconds: int) -> None:
        """Raises ValueError where the shown venue has no such candles, and VenueError."""
        await self._watch.set_bar_interval(seconds)

    async def set_favourite(self, instrument: InstrumentId, is_favourite: bool) -> None:
        """Raises UnknownInstrument and VenueError."""
        await self._watch.set_favourite(instrument, is_favourite)

    async def check(self, intent: OrderIntent) -> Outcome:
        return self.trader.check(intent)

    async def submit(self, intent: OrderIntent) -> Outcome:
        return await self.trader.submit(intent)

    async def amend(self, intent: AmendIntent) -> Outcome:
        return await self.trader.amend(intent)

    async def cancel(self, key: str) -> Outcome:
        return await self.trader.cancel(key)

    async def cancel_all(self, scope: CancelScope) -> Outcome:
        return await self.trader.cancel_all(scope)

    async def close_position(self, instrument: InstrumentId, position_id: str, percent: int) -> Outcome:
        return await self.trader.close_position(instrument, position_id, percent)

    async def reverse_position(self, instrument: InstrumentId, position_id: str) -> Outcome:
        return await self.trader.reverse_position(instrument, position_id, self._reverse_patience)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> Outcome:
        return await self.trader.set_leverage(instrument, leverage, margin_mode)

    async def flatten(self, instrument: InstrumentId | None = None) -> Outcome:
        """Cancels and closes an instrument, or everything, and tells when nothing is left."""

        async def run() -> None:
            receipt = await self._panic.run(instrument)
            for line in receipt.lines:
                is_flat = line.is_proven
                text = f"{line.venue}: {line.cancelled} cancelled, {line.closed} closed"
                left = "" if is_flat else f"; left: {line.orders_left} orders, {line.positions_left} positions"
                note = f" ({line.note})" if line.note else ""
                severity = Severity.GOOD if is_flat else Severity.ALARM
                self._tell(FactKind.ORDER, severity, f"flatten {text}{left}{note}")

        self.begin(run())
        return Outcome(verdict=Verdict.SENT)

    async def panic(self) -> PanicReceipt:
        """Cancels everything, flattens, and reads back until the venues say twice that nothing is left."""
        self.guards.is_busy = True
        try:
            receipt = await self._panic.run()
        finally:
            self.guards.is_busy = False
        if self.store.desk.mode is Mode.LIVE:
            await self.lock("after panic")
        is_flat = all(line.is_proven for line in receipt.lines)
        self.store.tell(
            Fact(
                ts=self._clock(),
                kind=FactKind.PANIC,
                severity=Severity.GOOD if is_flat else Severity.ALARM,
                text="panic: nothing is left" if is_flat else "panic: SOMETHING IS LEFT, read the receipt",
                receipt=receipt,
            )
        )
        return receipt

    async def arm(self) -> Outcome:
        if self.store.desk.mode is Mode.READ_ONLY:
            reason = Reason("read-only", "the desk is open for reading only")
            return Outcome(verdict=Verdict.DENIED, reasons=(reason,))
        self.guards.arm()
        self.store.change_desk(is_armed=True, lock_reason="")
        return Outcome(verdict=Verdict.SENT)

    async def lock(self, reason: str) -> None:
        self.guards.lock(reason)
        self.store.change_desk(is_armed=False, lock_reason=reason)

    async def detach(self, policy: str) -> DetachReport:
        """Carries out a detach policy: `leave`, `cancel_session` or `cancel_all`. Raises ValueError."""
        if policy not in DETACH_POLICIES:
            raise ValueError(f"a detach policy is one of {', '.join(DETACH_POLICIES)}")
        concerned = [
            tracked
            for tracked in self.store.orders.open_orders()
            if policy == "cancel_all" or not tracked.order.is_external
        ]
        if policy == "cancel_session":
            for tracked in concerned:
                await self.trader.cancel(tracked.key)
        elif policy == "cancel_all":
            await self.trader.cancel_all(CancelScope())
        await self.settled()
        left = sum(not tracked.status.is_terminal for tracked in concerned)
        return DetachReport(policy=policy, cancelled=len(concerned) - left, left=left)

    def _begin(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._contained(work))
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before it ran has begun nothing

    async def _contained(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            logger.exception("work of the session failed")
            self._tell(FactKind.NOTICE, Severity.ALARM, f"internal fault: {type(error).__name__}, see the log")

    async def _supervise(self, link: Link) -> None:
        attempt = 0
        while not self._is_closing:
            began = self._clock()
            try:
                await self._run(link)
                if self._is_closing or self.store.venues[link.name].state is LinkState.ENDED:
                    return
                why = "the venue's stream has ended"
            except Exception as error:
                fault = _first_of(error)
                why = sanitise(str(fault))
                if isinstance(fault, (AuthenticationError, ConfigurationError)):
                    self._tell(FactKind.CONFIGURATION, Severity.ALARM, why)
                elif not isinstance(fault, VenueError):
                    logger.exception("the session of %s failed", link.name)
                    why = f"{type(fault).__name__} in the desk, see the log"
            self._lose(link)
            self.store.apply(StreamStatus(link.name, LinkState.DOWN, why, ts_event=self._clock()))
            attempt = 1 if self._clock() - began > _HEALTHY else attempt + 1
            await self._sleep(backoff(attempt - 1))

    async def _run(self, link: Link) -> None:
        await link.venue.connect()
        if link.stream is None:
            link.stream = aiter(link.venue.events())
        else:  # the fault was ours, and the connection has stood all the while
            self.store.apply(StreamStatus(link.name, LinkState.LIVE, ts_event=self._clock()))
        async with asyncio.TaskGroup() as group:
            tending = group.create_task(self._tend(link))
            await self._pump(link)
            tending.cancel()

    async def _pump(self, link: Link) -> None:
        """Feeds the store until the stream ends."""
        await self._drain(link)
        while link.stream is not None:
            # A stream that raises or is cancelled has ended; one whose events broke something here goes on.
            stream, link.stream = link.stream, None
            try:
                batch = await anext(stream)
            except StopAsyncIteration:
                return
            link.stream = stream
            link.backlog.extend(batch)
            await self._drain(link)

    async def _drain(self, link: Link) -> None:
        backlog = link.backlog
        while backlog:
            event = backlog.popleft()  # before it is applied: one that breaks something is not applied twice
            if type(event) is StreamStatus:
                self._follow(link, event)
            self.store.apply(event)
            if type(event) is OrderUpdate:
                await self.dispatcher.note_fact(event.order)
            elif type(event) is FillUpdate:
                await self.dispatcher.note_fact(event.fill)
        now = self._clock()
        if now - self.store.venues[link.name].ts_last_data > NANOSECONDS // 4:
            self.store.change_venue(link.name, ts_last_data=now)
        for work in self._watch.wanted_work(link, now):
            self._begin(work, self._background)

    def _follow(self, link: Link, status: StreamStatus) -> None:
        """Keeps new orders off a venue whose account may have moved unseen, until it has been read back."""
        if status.state in _LOST:
            self._lose(link)
        elif status.state is LinkState.LIVE and link.was_lost:
            link.reconcile_wanted.set()

    def _lose(self, link: Link) -> None:
        link.was_lost = True
        link.is_reconciled = False
        self.store.change_venue(link.name, is_reconciling=True)

    async def _tend(self, link: Link) -> None:
        """Brings a venue up, then reads its account back now and after each loss of the connection."""
        await self._repeat(link, self._watch.subscribe_all)
        while True:
            link.reconcile_wanted.clear()
            if link.has_account:
                await self._repeat(link, self._read_account)
            await link.reconcile_wanted.wait()

    async def _repeat(self, link: Link, step: Callable[[Link], Awaitable[None]]) -> None:
        """Tries again for as long as it may pass by itself."""
        attempt = 0
        while True:
            try:
                await step(link)
                return
            except (AuthenticationError, ConfigurationError) as error:
                link.fault = sanitise(str(error))
                link.has_account = False
                self.store.change_venue(link.name, is_reconciling=False)
                if not isinstance(error, NotSupported):
                    self._tell(FactKind.CONFIGURATION, Severity.ALARM, link.fault)
                return
            except VenueError as error:
                self.store.log(f"{error}; trying again", Severity.WARNING)
            await self._sleep(backoff(attempt))
            attempt += 1

    async def _read_account(self, link: Link) -> None:
        link.was_lost = False
        await link.subscribe(Subscription(Channel.ACCOUNT))
        await reconcile_account(link, self.store, self._clock)
        if not link.was_lost:
            link.is_reconciled = True
            self.store.change_venue(link.name, is_reconciling=False)

    def _note_order(self, tracked: Tracked, _before: OrderStatus | None) -> None:
        self.trader.note_order(tracked)
        link = self.links.get(tracked.order.instrument.venue)
        if tracked.status is OrderStatus.UNKNOWN and link is not None:
            self._settle(link, tracked)

    def _settle(self, link: Link, tracked: Tracked) -> None:
        if tracked.key not in self._settling:
            self._settling.add(tracked.key)
            self._begin(self._look_up_until_known(link, tracked), self._background)

    async def _look_up_until_known(self, link: Link, tracked: Tracked) -> None:
        """Asks for an order until the venue has told what became of it. Misses and failures prove nothing."""
        try:
            attempt = 0
            while tracked.status in UNSETTLED:
                await self._sleep(backoff(attempt))
                attempt += 1
                if tracked.status in UNSETTLED and tracked.in_flight == 0:
                    try:
                        await look_up(link, self.store, tracked)
                    except VenueError as error:
                        self.store.log(f"{error}; asking again", Severity.WARNING)
        finally:
            # Also after a fault of ours, or the order would never be asked about again.
            self._settling.discard(tracked.key)

    def _tell(self, kind: FactKind, severity: Severity, text: str) -> None:
        self.store.tell(Fact(ts=self._clock(), kind=kind, severity=severity, text=text))


def _first_of(error: BaseException) -> BaseException:
    """Returns what a task group's exception is about."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
