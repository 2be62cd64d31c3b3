"""The session: opens the venues, feeds the store with what they tell, and carries out the trader's wishes.

Each venue runs in a task group of its own. The supervisor here is one of the three places of the project that
catch everything: whatever breaks below it takes down its own venue only, is told, and is begun anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from tui.desk.clientid import Random
from tui.desk.control import AmendIntent, CancelScope, FundsIntent, OrderIntent, Outcome, Verdict, denied
from tui.desk.day_watch import DayWatch
from tui.desk.detaching import DETACH_POLICIES, DetachReport, carry_out
from tui.desk.dispatch import Dispatcher, outcome_of
from tui.desk.frame import DeskView, Fact, FactKind, PanicReceipt, Severity, VenueOffer
from tui.desk.funds import Funds
from tui.desk.guards import Guards, Limits
from tui.desk.inert import sanitise
from tui.desk.inheritance import Inherited
from tui.desk.instance import InstanceError
from tui.desk.journal import ClosedJournal, Journal, JournalError, NoJournal
from tui.desk.keeping import Keeper
from tui.desk.key_rights import heed
from tui.desk.link import Link
from tui.desk.margin import MarginLevels
from tui.desk.orders import Tracked
from tui.desk.panic import Panic, flatten_words, panic_fact
from tui.desk.recovery import Recovery
from tui.desk.rekeying import Rekeying
from tui.desk.roster import Roster, mode_of
from tui.desk.settling import Settler
from tui.desk.store import Store, Topic
from tui.desk.supervision import Supervisor
from tui.desk.tasks import cancelled
from tui.desk.trading import Trader
from tui.desk.watch import Watch
from venues.errors import VenueError
from venues.model import NANOSECONDS, Fill, InstrumentId, MarginMode, Order, OrderStatus
from venues.port import UNTOLD, Mode, Permissions, Venue
from venues.transport.clock import Jump, JumpWatch

if TYPE_CHECKING:
    from tui.desk.key_service import KeyService

logger = logging.getLogger(__name__)

_LAST_WORDS = 0.5  # seconds
_WHOLE = 500  # characters: the remedy stands at the end


class Session:
    """All venues of one desk. Lives on one asyncio loop; `Engine` makes it reachable from other threads.

    `tell` gets every fact. `clock` returns nanoseconds UTC, `boottime` those since boot; `sleep` waits between
    attempts and `pulse` between regular looks, both in seconds; these and `random` are seams for tests. `inherit`
    reads what the run before left in the journal; it blocks, and is called on another thread.

    With a `read_only_reason` the desk only watches: another one trades, and `panic_elsewhere` asks that one.
    `open_more` makes a venue that is opened later, by its name; `offers` are those that may be. `take_profile`
    takes the profile for a desk that turns from watching to trading, given the venues' modes, and returns what
    reads its journal; it blocks, and raises InstanceError where another desk has it. `allows_withdrawal`: a key
    that may withdraw does not keep the desk from being armed.
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
        pulse: Callable[[float], Awaitable[None]] = asyncio.sleep,
        boottime: Callable[[], int] | None = None,
        inherit: Callable[[], Inherited] | None = None,
        account: str = "main",
        currency: str = "USDT",
        shown: InstrumentId | None = None,
        bar_interval: int = 60,
        favourites: Sequence[InstrumentId] = (),
        detach_policy: str = "leave",
        detach_when: str = "",
        read_only_reason: str = "",
        panic_elsewhere: Callable[[], Awaitable[PanicReceipt]] | None = None,
        open_more: Callable[[str], Venue] | None = None,
        take_profile: Callable[[Mapping[str, Mode]], Callable[[], Inherited]] | None = None,
        allows_withdrawal: bool = False,
        offers: Sequence[VenueOffer] = (),
        panic_patience: float = 15.0,
        reverse_patience: float = 10.0,
        edit_patience: float = 10.0,
        margin_levels: MarginLevels | None = None,
    ) -> None:
        limits = limits if limits is not None else Limits()
        random = random if random is not None else SystemRandom()
        self.store = Store(clock, tell, currency, self._note_order, self._keep_fact)
        self.store.budget = limits.session_budget
        self.store.interval = bar_interval
        self.store.margins.levels = margin_levels or MarginLevels()
        self._roster = Roster(self.store, account, clock, random)
        links = self.links = self._roster.links
        mode = Mode.READ_ONLY if read_only_reason else mode_of(venue.capabilities.mode for venue in venues)
        self.guards = Guards(limits, is_armed=mode is not Mode.LIVE)
        self.guards.read_only_reason = read_only_reason
        self._panic_elsewhere = panic_elsewhere
        self._open_more = open_more
        self._take_profile = take_profile
        self._allows_withdrawal = allows_withdrawal
        self.note_profile_taken: Callable[[], Awaitable[None]] | None = None  # the engine's, to let others in
        self._clock = clock
        self._reverse_patience = reverse_patience
        self._work: set[asyncio.Task[None]] = set()  # wishes on their way
        self._serving: set[asyncio.Task[None]] = set()
        self._served: dict[str, asyncio.Task[None]] = {}  # by venue
        self._background: set[asyncio.Task[None]] = set()
        self._watch = Watch(self.store, self.links, clock, shown, favourites)
        self.recovery: Recovery | None = None
        self.make_keys: Callable[[], KeyService] | None = None  # where this desk may use any
        self._inherit = inherit
        self._found: Inherited | None = None
        if journal is None:
            journal = NoJournal() if inherit is None else ClosedJournal("the journal is not open yet")
        self._journal = journal
        self.keeper = Keeper(journal, clock, lambda text: self.say(FactKind.NOTICE, Severity.ALARM, text), pulse)
        self.settler = Settler(self.store, self.keeper, clock, sleep, random)
        self.store.provable = self._provable
        self.supervisor = Supervisor(self.store, self._watch, self.settler, self, clock, sleep, random)
        self.rekeying = Rekeying(self._roster, self.store, self.guards, self.supervisor, self, sleep)
        self._jumps = JumpWatch(self._note_jump, wall=clock, boottime=boottime, sleep=pulse)
        self.dispatcher = Dispatcher(self.store, self._journal, clock)
        self.trader = Trader(
            self.store, links, self.guards, self.dispatcher, self, clock, self._settle, sleep, edit_patience
        )
        self.funds = Funds(
            self.store, links, self.guards, self.dispatcher, self.keeper, self, clock, sleep, random
        )
        self._day = DayWatch(self.store, self.guards, links, self.keeper, self.trader, self, clock, pulse)
        self._panic = Panic(self.store, links, self.trader, self.dispatcher, clock, sleep, patience=panic_patience)
        self.store.desk = DeskView(
            mode=mode,
            account=account,
            is_armed=self.guards.is_armed and not read_only_reason,
            lock_reason=self.guards.lock_reason,
            detach_policy=detach_policy,
            detach_when=detach_when,
            read_only_reason=read_only_reason,
            offers=tuple(offers),
        )
        for venue in venues:
            self._roster.add(venue, only_watches=bool(read_only_reason))

    async def open(self) -> None:
        """Takes on what the run before left, begins to open every venue, and returns.

        How it goes is told by the venues' chips.
        """
        await self._take_over()
        for work in (self.keeper.run(), self._jumps.run(), self._day.run()):
            self._begin(work, self._background)
        for link in self.links.values():
            self.serve(link)

    def serve(self, link: Link) -> None:
        """Begins to run a venue that is on the desk."""
        self._served[link.name] = self._begin(self.supervisor.run(link), self._serving)

    async def cease(self, link: Link) -> None:
        """Ends the running of a venue."""
        await cancelled({self._served[link.name]} if link.name in self._served else ())

    async def open_venue(self, name: str) -> Outcome:
        """Opens one more venue beside those that are open, until the desk is left."""
        if self._open_more is None:
            return denied("venue", "this desk can not open another venue")
        try:
            # Its import alone can take a fifth of a second, in which this loop has orders to send.
            venue = await asyncio.to_thread(self._open_more, name)
        except VenueError as error:
            return denied("venue", sanitise(str(error)))
        if refusal := self._roster.refusal(venue):
            return denied("venue", refusal)
        link = self._roster.add(venue, only_watches=self.guards.is_read_only)
        if self._found is not None:
            self._hand_down(self._found, link)
        self.serve(link)
        return Outcome(verdict=Verdict.SENT)

    async def rekey(self, venue: Venue, permissions: Permissions = UNTOLD) -> Outcome:
        """Goes on with `venue` in the place of the open one of its name: with another key, or with none.

        Nothing is sent to it before it has been read back. `permissions` are what is known of its key.
        """
        return await self.rekeying.run(venue, permissions)

    async def take_profile(self, link: Link) -> str:
        """Takes the profile for a venue that was only watched; returns why it can not be had, empty if it is."""
        if self._take_profile is None:
            return ""
        modes = {one.name: one.venue.capabilities.mode for one in self.links.values()} | {link.name: Mode.LIVE}
        try:
            inherit = await asyncio.to_thread(self._take_profile, modes)
        except InstanceError as error:
            return str(error)
        if self._inherit is not None:
            return ""
        self._inherit = inherit
        self._use(ClosedJournal("the journal is not open yet"))
        await self._take_over()
        if self.note_profile_taken is not None:
            await self.note_profile_taken()
        return ""

    async def aclose(self) -> None:
        """Ends all tasks, closes every venue and then the journal."""
        self.supervisor.is_closing = True
        await self.rekeying.aclose()
        await cancelled(self._work)
        closing = [asyncio.ensure_future(link.venue.aclose()) for link in self.links.values()]
        if closing:
            await asyncio.wait(closing)
        if self._serving:  # a venue may tell on its way out what it cancelled
            await asyncio.wait(self._serving, timeout=_LAST_WORDS)
        await cancelled({*self._serving, *self._background})
        for link, task in zip(self.links.values(), closing, strict=True):
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self.say(FactKind.NOTICE, Severity.ALARM, f"{link.name}: {sanitise(str(error))}")
        await outcome_of(self.keeper.flush())
        await self._journal.aclose()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Carries out `work`, a wish of the trader's, beside everything else."""
        self._begin(work, self._work)

    def begin_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Carries out `work` that no wish waits for."""
        self._begin(work, self._background)

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

    async def move_funds(self, intent: FundsIntent) -> Outcome:
        return await self.funds.move(intent)

    async def flatten(self, instrument: InstrumentId | None = None) -> Outcome:
        """Cancels and closes an instrument, or everything, and tells when nothing is left."""
        if (refusal := self.guards.refusal()) is not None:
            return refusal

        async def run() -> None:
            receipt = await self._panic.run(instrument)
            for line in receipt.lines:
                severity = Severity.GOOD if line.is_proven else Severity.ALARM
                self.say(FactKind.ORDER, severity, flatten_words(line))

        self.begin(run())
        return Outcome(verdict=Verdict.SENT)

    async def panic(self) -> PanicReceipt:
        """Cancels everything, flattens, and reads back until the venues say twice that nothing is left.

        Raises:
            RuntimeError: this desk only watches, and the one that trades did not answer.
        """
        if self.guards.is_read_only:
            if self._panic_elsewhere is None:
                raise RuntimeError(f"{self.guards.read_only_reason}: run  pitside panic")
            return self._tell_panic(await self._panic_elsewhere())
        self.guards.is_busy = True
        try:
            receipt = await self._panic.run()
        finally:
            self.guards.is_busy = False
        if self.store.desk.mode is Mode.LIVE:
            await self.lock("after panic")
        return self._tell_panic(receipt)

    def _tell_panic(self, receipt: PanicReceipt) -> PanicReceipt:
        self.store.tell(panic_fact(receipt, self._clock()))
        return receipt

    async def arm(self) -> Outcome:
        if self.store.desk.mode is Mode.READ_ONLY:
            return denied("read-only", "the desk is open for reading only")
        if refusals := list(self.guards.arming_refusals.values()):
            return denied("key", refusals[0])
        self.guards.arm()
        self.store.change_desk(is_armed=True, lock_reason="")
        return Outcome(verdict=Verdict.SENT)

    async def decide_gone(self, key: str) -> Outcome:
        """Takes the trader's word that an UNKNOWN order, loan or transfer is not at its venue."""
        if self.store.funds.get(key) is not None:
            return self.funds.decide_gone(key)
        tracked = self.store.orders.get(key)
        if tracked is None or tracked.status is not OrderStatus.UNKNOWN or tracked.in_flight:
            return denied("order", "only an order that is UNKNOWN can be decided about")
        status = OrderStatus.CANCELED if tracked.is_confirmed else OrderStatus.REJECTED
        self.trader.sequels.stop("you decided that it is gone", key=key)  # a word is no proof
        self.settler.conclude(tracked, status, "trader", "not at the venue, by your own word")
        return Outcome(verdict=Verdict.SENT, order_key=key)

    async def end_recovery(self) -> Outcome:
        """Goes on after the recovery screen."""
        if self.recovery is not None:
            self.recovery.end()
            self.store.mark_dirty(Topic.RECOVERY)
        self.guards.is_recovering = False
        return Outcome(verdict=Verdict.SENT)

    async def lock(self, reason: str) -> None:
        self._lock(reason)

    def _lock(self, reason: str) -> None:
        self.guards.lock(reason)
        self.store.change_desk(is_armed=False, lock_reason=reason)

    async def detach(self, policy: str, why: str = "") -> DetachReport:
        """Carries out a detach policy: `leave`, `cancel_session` or `cancel_all`; `why` is kept in the journal.

        Raises:
            ValueError: there is no such policy.
        """
        if policy in DETACH_POLICIES and self.guards.is_read_only:
            return DetachReport(policy="leave", cancelled=0, left=0)
        return await carry_out(
            policy, why, store=self.store, trader=self.trader, keeper=self.keeper, settled=self.settled
        )

    def _begin(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._contained(work))
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before it ran has begun nothing
        return task

    async def _contained(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            logger.exception("work of the session failed")
            self.say(FactKind.NOTICE, Severity.ALARM, f"internal fault: {type(error).__name__}, see pitside.log")

    async def _take_over(self) -> None:
        """Takes on the orders that the run before left, and locks the desk where some were left unanswered."""
        if self._inherit is None:
            return
        self.guards.is_recovering = True
        found = await outcome_of(asyncio.to_thread(self._inherit))
        if isinstance(found, BaseException):
            if not isinstance(found, JournalError):
                logger.error("the journal could not be taken over", exc_info=found)
            words = sanitise(str(found) or type(found).__name__, _WHOLE)
            self.guards.is_recovering = False  # without a journal nothing is sent anyway
            self._use(ClosedJournal(f"{words}; mend that, then start the desk again"))
            self.say(
                FactKind.CONFIGURATION,
                Severity.ALARM,
                f"the journal can not be used: {words}. Nothing is sent before that is mended; panic works",
            )
            return
        if found.journal is not None:
            self._use(found.journal)
        self._found = found
        self.guards.inherit(found.budget_used, found.locked_until, found.lock_reason)
        if found.day_open is not None:
            self._day.noted = self.store.ledger.day
            self.store.ledger.day_open = found.day_open
            self.store.ledger.basis.inherit(self.links)
        self.trader.show_budget()
        for link in self.links.values():
            self._hand_down(found, link)
        self.recovery = Recovery(found, self.store, self.links, self.settler, self.keeper, self._clock)
        self.store.recovery = self.recovery.view
        self.guards.is_recovering = self.recovery.holds
        if found.farewell:
            words = f"when this desk was last left: {sanitise(found.farewell)}"
            self.say(FactKind.NOTICE, Severity.WARNING, words)
        for notice in found.notices:
            self.store.log(notice, Severity.WARNING)
        self.store.mark_dirty(Topic.RECOVERY, Topic.ORDERS)
        for tracked in list(self.store.orders.open_orders()):
            self._settle(self.links[tracked.order.instrument.venue], tracked)

    def _hand_down(self, found: Inherited, link: Link) -> None:
        """Gives one venue what the run before left of it."""
        self.funds.inherit(found, link)
        link.ts_inherited, link.fills_kept = found.ts_last, found.fills_seen
        for tracked in found.orders:
            if tracked.order.instrument.venue == link.name:
                self.store.orders.restore(tracked)

    def _use(self, journal: Journal) -> None:
        self._journal = journal
        self.dispatcher.use(journal)
        self.keeper.use(journal)

    def note_reconciled(self, link: Link) -> None:
        """Hears that a venue's account has been read back, and has what is still open looked up."""
        if self.rekeying.note_reconciled(link):
            self._day.noted = 0
        if self.recovery is not None:
            self.recovery.note_reconciled(link)
            self.store.mark_dirty(Topic.RECOVERY)
        for tracked in self.store.orders.open_orders(link.name):
            if not tracked.in_flight:  # else it is looked after when the last command about it has ended
                self._settle(link, tracked)

    def note_permissions(self, link: Link, permissions: Permissions) -> None:
        """Hears what a venue's key may do, as the venue tells it."""
        if risk := heed(permissions, link, self.store, self.guards, allows_withdrawal=self._allows_withdrawal):
            self.say(FactKind.NOTICE, Severity.ALARM, risk)
            if link.name in self.guards.arming_refusals:
                self._lock(f"{link.name}: a key that may withdraw")

    def _keep_fact(self, fact: Order | Fill, is_answer: bool) -> None:
        kept = self._found.fills_seen if self._found is not None else frozenset()
        if isinstance(fact, Order) or (fact.instrument.venue, fact.trade_id) not in kept:
            self.keeper.fact(fact, is_answer=is_answer)

    def _note_jump(self, jump: Jump) -> None:
        """Trusts nothing that was known before the clock jumped or the program stood still."""
        self.say(
            FactKind.CONNECTION,
            Severity.ALARM,
            f"{jump.kind} ({jump.by / NANOSECONDS:+.1f} s): every venue is read back",
        )
        for link in self.links.values():
            self.supervisor.distrust(link)
            self.store.distrust_books(link.name)
        if self.store.desk.mode is Mode.LIVE:
            self._lock(f"{jump.kind}")

    def _note_order(self, tracked: Tracked, _before: OrderStatus | None) -> None:
        self.trader.note_order(tracked)
        link = self.links.get(tracked.order.instrument.venue)
        if tracked.status is OrderStatus.UNKNOWN and link is not None:
            self._settle(link, tracked)
        if self.recovery is not None and self.recovery.has_rows:
            self.store.mark_dirty(Topic.RECOVERY)

    def _provable(self, tracked: Tracked) -> int | None:
        """Returns when the venue's word about an order will be a proof, on our clock; None where it never is."""
        link = self.links.get(tracked.order.instrument.venue)
        return self.settler.provable_on(link, tracked, self._clock()) if link is not None else None

    def _settle(self, link: Link, tracked: Tracked) -> None:
        if self.settler.wants(tracked):
            self._begin(self.settler.run(link, tracked), self._background)

    def say(self, kind: FactKind, severity: Severity, text: str) -> None:
        """Tells a fact of the desk itself."""
        self.store.tell(Fact(ts=self._clock(), kind=kind, severity=severity, text=text))
