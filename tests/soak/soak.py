"""The soak itself: a session on four exchanges for days of virtual time, compared with them at quiet points."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random

import msgspec

from tests.soak.audit import book_divergences, divergences, wrong_verdicts
from tests.soak.exchange import Kind
from tests.soak.growth import allocated_blocks, count_descriptors, growing, resident_bytes, sizes_of
from tests.soak.loop import VirtualClock, VirtualLoop
from tests.soak.trader import SeededTrader
from tests.soak.venue import GAP_SHARE, LATE_SHARE, SoakVenue, drop_length
from tui.desk import orders
from tui.desk.frame import Fact
from tui.desk.guards import Limits
from tui.desk.ledger import FILLS
from tui.desk.market import BARS
from tui.desk.orders import Tracked
from tui.desk.seen import SeenTrades
from tui.desk.session import Session
from venues.model import NANOSECONDS, OrderStatus

HOUR = 3_600.0
DAY = 24 * HOUR
DROPS_A_WEEK = 2_500
KINDS = {"alpha": Kind.BY_ID, "beta": Kind.SCANNING, "gamma": Kind.UNBOUNDED, "delta": Kind.VANISHING}
SUSPENSION = 3 * HOUR

_LONGEST_LOOKUP = 330.0  # between two looks at an order that only a late cancel can still change
_MOST_OPEN = 250  # orders that rest on all venues
_PATIENCE = 20 * 60.0  # virtual seconds that a desk has to come to rest; a request may arrive 10 min late
_UNSETTLED = frozenset({OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE})


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is played. `pause` is between two wishes of the trader, on average; times in seconds."""

    seed: int = 1
    days: float = 2.0
    quiet_every: float = 6 * HOUR
    pause: float = 60.0
    pace: float = 1.0  # of the exchanges: how much longer they rest between two moves
    pulse: float = 1.0  # seconds between the desk's looks at the clocks and the day's loss
    steps: int = 24  # changes of the shown book at a time
    is_warmed: bool = True  # the desk's bounded lists are filled before anything is measured
    most_seen: int | None = 2_000  # trade ids that the desk remembers; None: as many as it does by itself
    sought: str = ""  # the problem that ends it


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What a quiet point found."""

    at: float  # virtual days since the beginning
    divergences: tuple[str, ...]
    unknown: int
    tasks: int
    descriptors: int
    blocks: int
    resident: int
    sizes: Counter[str]


class Report(msgspec.Struct, kw_only=True):
    """What a run came to. `problems` are divergences, leaks and faults, in the order they were found."""

    days: float = 0.0
    events: int = 0
    drops: int = 0
    orders: int = 0
    fills: int = 0
    suspensions: int = 0
    decided: int = 0
    commands: int = 0
    blocks_before: int = 0
    points: list[Point] = []
    problems: list[str] = []
    wishes: Counter[str] = Counter()
    digest: str = ""

    def drift(self, measure: Callable[[Point], int], before: int = 0, skip: int = 0) -> float:
        """Returns by which share a measure has risen since the first quiet point that is not skipped."""
        first, last = measure(self.points[skip]) - before, measure(self.points[-1]) - before
        return last / first - 1


class _Problems(logging.Handler):
    """Keeps what the desk or asyncio log as an error."""

    def __init__(self, keep: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._keep = keep

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._keep(f"logged: {record.getMessage()} {error!r}")


class Soak:
    """One run. Everything random comes from the plan's seed, and every clock from `loop`."""

    def __init__(self, loop: VirtualLoop, plan: Plan) -> None:
        self.loop = loop
        self.plan = plan
        self.clock = VirtualClock(loop)
        self.report = Report(blocks_before=allocated_blocks())
        self.random = Random(plan.seed)
        self._digest = hashlib.sha256()
        self.venues = [
            SoakVenue(name, kind, self.clock, Random(f"{plan.seed} {name}")) for name, kind in KINDS.items()
        ]
        for venue in self.venues:
            venue.trace = self._trace
        self.session = Session(
            self.venues,
            tell=self._hear,
            limits=Limits(max_notional=Decimal(10**9), session_budget=Decimal(10**15), band_denies=Decimal(9)),
            clock=self.clock,
            boottime=self.clock.boottime,
            pulse=self._rest,
            random=Random(f"{plan.seed} desk"),
        )
        self.session._jumps._interval = plan.pulse
        if plan.most_seen is not None:
            self.session.store.orders._seen = SeenTrades(plan.most_seen)
        self._on_change = self.session.store.orders._on_change
        self.session.store.orders._on_change = self._note_verdict
        self._verdicts: dict[tuple[str, str], tuple[Tracked, set[OrderStatus]]] = {}
        self.trader = SeededTrader(self.session, Random(f"{plan.seed} trader"), plan.pause)
        self._is_calm = False
        self._dropping: set[SoakVenue] = set()
        self._ts_forgotten = 0
        self._ts_suspended = 0
        self._tasks: Counter[str] | None = None
        self._descriptors = 0

    async def run(self) -> Report:
        """Plays the plan, and returns what came of it."""
        handler = _Problems(self._complain)
        logging.getLogger().addHandler(handler)
        before = set(asyncio.all_tasks())
        await self.session.open()
        works = [self._live(venue) for venue in self.venues] + [self._lose(venue) for venue in self.venues]
        own = [asyncio.create_task(work) for work in (*works, self.trader.run(), self._draw())]
        try:
            self.trader.is_awake = False
            await self._until("the account of every venue is read", self._is_read)
            if self.plan.is_warmed:
                await self._warm_up()
            await self._quiet_point()
            end = self.loop.time() + self.plan.days * DAY
            while self.loop.time() < end and not self._is_found():
                await asyncio.sleep(min(self.plan.quiet_every, end - self.loop.time()))
                await self._quiet_point()
        finally:
            for task in own:
                task.cancel()
            await asyncio.wait(own)
            for task in own:
                if not task.cancelled() and (error := task.exception()) is not None:
                    self._complain(f"the soak itself broke: {error!r}")
            await self.session.aclose()
            logging.getLogger().removeHandler(handler)
        left = Counter(_name_of(task) for task in asyncio.all_tasks() - before)
        if left:
            self._complain(f"tasks left after the end: {dict(left)}")
        return self._sum_up()

    def _is_found(self) -> bool:
        sought = self.plan.sought
        return bool(sought) and any(sought in problem for problem in self.report.problems)

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, self.plan.pulse))

    # What goes on all the time.

    async def _live(self, venue: SoakVenue) -> None:
        """Lets an exchange move: every few seconds, with quiet spells of minutes."""
        random = Random(f"{self.plan.seed} {venue.name} pace")
        while True:
            is_spell = random.random() < 0.01
            seconds = random.uniform(120, 900) if is_spell else random.uniform(4, 20) * self.plan.pace
            await asyncio.sleep(seconds)
            if self._is_calm:
                venue.beat()
            else:
                venue.step(self.plan.steps)

    async def _lose(self, venue: SoakVenue) -> None:
        random = Random(f"{self.plan.seed} {venue.name} drops")
        rate = DROPS_A_WEEK / len(KINDS) / (7 * DAY)
        while True:
            # A drop lasts 69 s on average, and the next one is waited for after it.
            await asyncio.sleep(random.expovariate(1 / (1 / rate - 69)))
            if not self._is_calm:
                self._dropping.add(venue)
                await venue.drop(drop_length(random))
                self._dropping.discard(venue)

    async def _draw(self) -> None:
        while True:
            await asyncio.sleep(300)
            self.session.store.frame(self.clock())

    async def _warm_up(self) -> None:
        """Fills the desk's lists up to their bounds, with two days' wishes within hours."""
        self.trader.is_awake = True
        self.trader.pause /= 15
        await asyncio.sleep(3 * HOUR)
        self.trader.pause *= 15

    # Quiet points.

    async def _quiet_point(self) -> None:
        """Stops everything, lets the desk come to rest, and compares."""
        self.trader.is_awake = False
        await self._storm()
        for venue in self.venues:
            venue.is_faulty = False
        await self._until("drops end", lambda: not self._dropping)
        for venue in self.venues:
            venue.step(self.plan.steps)  # a change of the book that was lost shows by the next one
        self._is_calm = True
        await self._until("wishes end", lambda: not self.trader.is_busy and not self.session._work)
        await self._until("requests arrive", lambda: not any(venue.pending for venue in self.venues))
        found: list[str] = []
        if len(self.report.points) % 2:
            self._suspend()
        await self._until("the desk comes to rest", self._is_at_rest)
        for venue in self.venues:
            told = [*book_divergences(self.session.store, venue.exchange)]
            if self.session.links[venue.name].ts_reconciled > venue.ts_lost:  # it has been told everything since
                told += self._compare(venue)
            found += [f"before a reconnect: {text}" for text in told]
        began = self.clock()
        await asyncio.gather(*(venue.drop(1.0) for venue in self.venues))
        links = self.session.links.values()
        await self._until("accounts are read", lambda: all(link.ts_reconciled > began for link in links))
        await self._until("the desk comes to rest", self._is_at_rest)
        for venue in self.venues:
            found += [*self._compare(venue), *book_divergences(self.session.store, venue.exchange)]
            verdicts = [verdict for name, verdict in self._verdicts.items() if name[0] == venue.name]
            found += wrong_verdicts(verdicts, venue.exchange)
        self._verdicts.clear()
        unknown = await self._decide()
        self._verdicts.clear()
        await asyncio.sleep(_LONGEST_LOOKUP)
        self._count_tasks()
        for text in found:
            self._complain(text)
        self._note_point(tuple(found), unknown)
        self._ts_forgotten = self.clock() - 120 * NANOSECONDS
        for venue in self.venues:
            venue.exchange.forget(self._ts_forgotten)
            venue.is_faulty = True
        self._is_calm = False
        self.trader.is_awake = True

    async def _storm(self) -> None:
        """Has much happen within a second, told late, twice or not: what comes last is not what happened last."""
        for venue in self.venues:
            venue.late_share, venue.gap_share = 0.5, 0.3
        for _ in range(4):
            for venue in self.venues:
                venue.exchange.place_and_end()
                venue.step(self.plan.steps)
            await asyncio.sleep(0.2)
        for venue in self.venues:
            venue.late_share, venue.gap_share = LATE_SHARE, GAP_SHARE

    def _compare(self, venue: SoakVenue) -> list[str]:
        return list(divergences(self.session.store, venue.exchange, self._ts_forgotten))

    def _note_verdict(self, tracked: Tracked, before: OrderStatus | None) -> None:
        """Remembers what the desk has ever called the end of an order: one wrong word is enough."""
        if tracked.status.is_terminal:
            name = (tracked.order.instrument.venue, tracked.key)
            self._verdicts.setdefault(name, (tracked, set()))[1].add(tracked.status)
        self._on_change(tracked, before)

    def _suspend(self) -> None:
        """Suspends the desk's machine for hours, in which the exchanges go on."""
        self.report.suspensions += 1
        self._ts_suspended = self.clock()
        for _ in range(12):
            self.clock.jump(SUSPENSION / 12)
            for venue in self.venues:
                venue.sleep_through(self.plan.steps)
        # Of a position nothing may be told any more until it is compared: each fill would tell all of it again.
        for venue in self.venues:
            venue.trade_unheard()

    async def _decide(self) -> int:
        """Has a person look at the exchange, and say of what can not be proven that it is not there."""
        unknown = [t for t in self.session.store.orders.open_orders() if t.status is OrderStatus.UNKNOWN]
        for tracked in unknown:
            await self.session.decide_gone(tracked.key)
        self.report.decided += len(unknown)
        return len(unknown)

    def _is_read(self) -> bool:
        return all(link.is_reconciled for link in self.session.links.values())

    def _is_at_rest(self) -> bool:
        links = self.session.links.values()
        if not self._is_read() or self.session._work:
            return False
        if any(
            link.ts_reconciled < self._ts_suspended for link in links
        ):  # nobody has told the desk: it must know
            return False
        for venue in self.venues:
            for tracked in self.session.store.orders.open_orders(venue.name):
                is_open = tracked.status in _UNSETTLED or tracked.in_flight
                is_provable = venue.capabilities.order_life is not None
                if is_open or (tracked.status is OrderStatus.UNKNOWN and is_provable):
                    return False
        shown = self.session.store.shown
        return shown is None or (shown.book is not None and shown.book.is_valid)

    async def _until(self, what: str, condition: Callable[[], bool]) -> None:
        end = self.loop.time() + _PATIENCE
        await asyncio.sleep(5)
        while not condition():
            if self.loop.time() > end:
                self._complain(f"not within {_PATIENCE / 60:.0f} min: {what}")
                return
            await asyncio.sleep(1)

    def _count_tasks(self) -> None:
        """Complains where there are other tasks than at the first quiet point."""
        tasks = Counter(_name_of(task) for task in asyncio.all_tasks())
        # Those that look an order up are as many as there are orders with something open.
        lookups = tasks.pop("Settler.run", 0)
        settler = self.session.settler
        wanted = sum(settler.is_open(tracked) for tracked in self.session.store.orders.open_orders())
        if lookups != wanted:
            self._complain(f"{lookups} tasks look orders up, {wanted} orders want it")
        if self._tasks is None:
            self._tasks = tasks
            self._descriptors = count_descriptors()
        elif tasks != self._tasks:
            self._complain(f"tasks: {dict(tasks - self._tasks)} more, {dict(self._tasks - tasks)} fewer")
        if count_descriptors() != self._descriptors:
            self._complain(f"descriptors: {count_descriptors()}, {self._descriptors} at first")

    def _note_point(self, found: tuple[str, ...], unknown: int) -> None:
        self.report.points.append(
            Point(
                at=self.loop.time() / DAY,
                divergences=found,
                unknown=unknown,
                tasks=len(asyncio.all_tasks()),
                descriptors=count_descriptors(),
                blocks=allocated_blocks(),
                resident=resident_bytes(),
                sizes=sizes_of(self.session),
            )
        )

    def _sum_up(self) -> Report:
        report = self.report
        report.days = self.loop.time() / DAY
        report.events = sum(venue.told for venue in self.venues)
        report.drops = sum(venue.drops for venue in self.venues)
        report.commands = sum(venue.commands for venue in self.venues)
        report.orders = sum(venue.exchange.count_orders for venue in self.venues)
        report.fills = sum(venue.exchange.count_fills for venue in self.venues)
        report.wishes = self.trader.wishes + self.trader.verdicts
        report.digest = self._digest.hexdigest()
        sizes = [point.sizes for point in report.points]
        for path, (allowed, now) in growing(sizes, self._bounds()).items():
            self._complain(f"grows: {path} to {now}, {allowed} were allowed")
        return report

    def _bounds(self) -> dict[str, int]:
        """Returns how long those of the desk's lists may become that take days to fill."""
        markets = len(self.session.store.markets)
        kept = orders._KEPT_OVER + _MOST_OPEN
        return {
            "ledger.mine[]": FILLS * markets,
            "_markets[].bars[]": BARS * markets,
            "orders._orders": kept,
            "orders._keys": kept,
            "orders._orders[].fills": 4 * kept,  # an order has two on average
            "orders._orphans": orders._KEPT_ORPHANS,
            "orders._orphans[]": 4 * orders._KEPT_ORPHANS,
            "_seen._times": self.session.store.orders._seen._most or 0,
        }

    def _complain(self, text: str) -> None:
        self.report.problems.append(f"day {self.loop.time() / DAY:.2f}: {text}")

    def _hear(self, fact: Fact) -> None:
        if "internal fault" in fact.text or "in the desk" in fact.text:
            self._complain(fact.text)
        self._trace(f"{fact.kind} {fact.text}")

    def _trace(self, line: str) -> None:
        self._digest.update(f"{self.loop.elapsed} {line}\n".encode())


def _name_of(task: asyncio.Task[object]) -> str:
    """Returns what a task runs; of the session's own tasks what they were begun for."""
    names = [str(getattr(task.get_coro(), "__qualname__", task.get_name()))]
    if names[0].endswith("_contained"):
        names += [str(getattr(getattr(task.get_coro(), "cr_await", None), "__qualname__", ""))]
    return names[-1] or names[0]


def play(plan: Plan) -> Report:
    """Plays a plan on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        return runner.run(Soak(loop, plan).run())
