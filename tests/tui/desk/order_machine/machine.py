"""Tracker, journal and a bad venue: any order of what can happen between them, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.tui.desk.order_machine.checks import Checks
from tests.tui.desk.order_machine.desk import Desk, Disk, Rows
from tests.tui.desk.order_machine.exchange import LAG, LIFE, SETTLE, UNCERTAINTY, Exchange, Fate, Kind, Packet
from tests.tui.desk.order_machine.loop import HandLoop
from tests.tui.desk.rig import Clock, request
from tui.desk.journal_events import draft_note
from tui.desk.journal_fold import fold
from tui.desk.orders import Tracked
from venues.events import FillUpdate, OrderUpdate
from venues.model import NANOSECONDS, Fill, Order, OrderStatus

S = OrderStatus
_MOST_ORDERS = 6
_LEAST_ROWS = 3  # that a desk writes before it dies
_PAUSES = (NANOSECONDS // 4, NANOSECONDS, 3 * NANOSECONDS, LIFE // 2, LIFE + SETTLE + 3 * UNCERTAINTY)
_PLACES = st.integers(0, 23)  # taken modulo what there is to choose from
_LAGS = st.sampled_from([0, LAG])
_FATES = st.sampled_from([Fate.ANSWERED, Fate.ANSWERED, *Fate])
_FATES_AT_ONCE = st.sampled_from([None, None, None, Fate.ANSWERED, Fate.ANSWERED, Fate.ANSWERED, *Fate])
_CHANGES = st.sampled_from([None, 2, 1, 5, -1, -2, -5])  # of the quantity; the last is often below what is filled
_ERRORS = st.sampled_from([0, UNCERTAINTY, -UNCERTAINTY])


class BadVenueMachine(RuleBasedStateMachine):
    """What the exchange holds is the truth; the desk hears of it badly, and dies now and then."""

    kind: ClassVar[Kind]

    def __init__(self) -> None:
        super().__init__()
        self.loop = HandLoop()
        self.exchange = Exchange(self.kind)
        self.rows = Rows(self.loop)
        self.exchange.written = self.rows.sent.__getitem__
        self.checks = Checks(self.exchange)
        self.clock = Clock()
        self.offset = 0
        self.desk = Desk(self.exchange, self.rows, self.clock, self.loop, None)
        self.keys: list[str] = []
        self.inherited = 0  # rows that the last desk began with

    @initialize(offset=st.sampled_from([0, -20, 45]))
    def begin(self, offset: int) -> None:
        self.offset = offset * NANOSECONDS
        self.set_time(self.exchange.now)

    def set_time(self, now: int) -> None:
        self.exchange.now = max(self.exchange.now, now)
        self.clock.now = self.exchange.now + self.offset

    def tracked(self, place: int) -> Tracked | None:
        return self.desk.get(self.keys[place % len(self.keys)])

    @precondition(lambda self: len(self.keys) < _MOST_ORDERS)
    @rule(quantity=st.integers(1, 4), fate=_FATES_AT_ONCE)
    def submit(self, quantity: int, fate: Fate | None) -> None:
        key = f"c{len(self.keys)}"
        self.keys.append(key)
        before = len(self.exchange.wire)
        self.desk.submit(request(key, Decimal(quantity)))
        self.note_denied(key)
        self.decide_newest(before, fate)

    def decide_newest(self, before: int, fate: Fate | None) -> None:
        """Has `fate` happen at once to a request that has left, if one has."""
        if fate is not None and len(self.exchange.wire) > before:
            self.decide(self.exchange.wire[-1], fate)

    def note_denial(self, tracked: Tracked) -> None:
        """A command that the disk denies changes the desk, and no row says so."""
        if self.rows.disk is not Disk.WELL:
            self.checks.loose.add(tracked.key)

    def note_denied(self, key: str) -> None:
        tracked = self.desk.get(key)
        if tracked is not None and not self.exchange.creates[key] and tracked.status is S.REJECTED:
            self.exchange.refused.add(key)

    @precondition(lambda self: self.keys)
    @rule(place=_PLACES, fate=_FATES_AT_ONCE)
    def cancel(self, place: int, fate: Fate | None) -> None:
        tracked, before = self.tracked(place), len(self.exchange.wire)
        if tracked is not None and not tracked.status.is_terminal:
            self.note_denial(tracked)
            self.desk.cancel(tracked)
            self.decide_newest(before, fate)

    @precondition(lambda self: self.keys)
    @rule(place=_PLACES, ticks=st.integers(1, 9), more=_CHANGES, fate=_FATES_AT_ONCE)
    def amend(self, place: int, ticks: int, more: int | None, fate: Fate | None) -> None:
        tracked, before = self.tracked(place), len(self.exchange.wire)
        if tracked is not None and self.desk.can_amend(tracked):
            self.note_denial(tracked)
            quantity = None if more is None else max(tracked.order.quantity + more, Decimal(1))
            self.desk.amend(tracked, Decimal(100 + ticks), quantity)
            self.decide_newest(before, fate)

    @precondition(lambda self: self.exchange.wire)
    @rule(place=_PLACES, fate=_FATES)
    def arrive(self, place: int, fate: Fate) -> None:
        self.decide(self.exchange.wire[place % len(self.exchange.wire)], fate)

    def decide(self, packet: Packet, fate: Fate) -> None:
        is_waited_for = packet.is_waited_for
        if not is_waited_for:  # nobody hears an answer: it arrives, or it does not
            fate = Fate.LOST_BEFORE if fate in (Fate.LOST_BEFORE, Fate.REFUSED) else Fate.LOST_AFTER
        tracked = self.desk.get(packet.key)
        before = tracked.status if tracked is not None else None
        self.exchange.decide(packet, fate)
        self.desk.settle()
        if is_waited_for and fate in (
            Fate.LOST_BEFORE,
            Fate.LOST_AFTER,
            Fate.LATE,
            Fate.GARBLED,
            Fate.TASK_CANCELLED,
        ):
            assert tracked is not None
            if before in (S.PENDING_NEW, S.PENDING_CANCEL, S.PENDING_REPLACE) and tracked.status is not S.FILLED:
                assert tracked.status is S.UNKNOWN, f"nobody has said it, and it is called {tracked.status}"

    @rule(
        place=_PLACES,
        what=st.sampled_from(["order", "cancel", "amendment"]),
        more=_CHANGES,
        lag=_LAGS,
        dies=st.booleans(),
    )
    def lose_sight(self, place: int, what: str, more: int | None, lag: int, dies: bool) -> None:
        """A request's answer is lost, it has not arrived yet, and the venue is asked at once."""
        if what == "order" and len(self.keys) < _MOST_ORDERS:
            place = len(self.keys)
            self.submit(2, Fate.LATE)
        elif not self.keys:
            return
        elif what == "amendment":
            self.amend(place, 5, more, Fate.LATE)
        else:
            self.cancel(place, Fate.LATE)
        if dies:
            self.crash()
        if (tracked := self.tracked(place)) is not None:
            self.ask([tracked], lag)

    @precondition(lambda self: self.exchange.versions)
    @rule(place=_PLACES, quantity=st.integers(1, 3), told=st.sampled_from(["", "fill", "order", "both"]))
    def trade(self, place: int, quantity: int, told: str) -> None:
        # What was cancelled may have traded before that; but most of what trades rests.
        keys = list(self.exchange.versions)
        resting = [key for key in keys if (truth := self.exchange.truth(key)) is not None and truth.is_open]
        if resting and place % 3:
            keys = resting
        self.trade_one(keys[place % len(keys)], Decimal(quantity), told)

    def trade_one(self, key: str, quantity: Decimal, told: str) -> None:
        before = len(self.exchange.pushes)
        self.exchange.trade(key, quantity)
        for news in self.exchange.pushes[before:]:
            if told == "both" or told == ("fill" if isinstance(news, Fill) else "order"):
                self.exchange.pushes.remove(news)
                self.tell_desk(news)

    @precondition(lambda self: self.exchange.versions)
    @rule(
        place=_PLACES, more=_CHANGES, is_first=st.booleans(), told=st.sampled_from(["fill", "both"]), fate=_FATES
    )
    def trade_the_old_size(self, place: int, more: int | None, is_first: bool, told: str, fate: Fate) -> None:
        """Exactly what the desk takes for the whole quantity trades, just before a change arrives or after it."""
        if not (key := self.one_that_rests(place)):
            return
        before = len(self.exchange.wire)
        self.amend(self.keys.index(key), 5, more, None)
        tracked, truth = self.desk.get(key), self.exchange.truth(key)
        if tracked is None or truth is None or len(self.exchange.wire) == before:
            return
        packet, left = self.exchange.wire[-1], tracked.order.quantity - truth.filled_quantity
        if not is_first:
            self.decide(packet, Fate.LOST_AFTER if fate is Fate.LATE else fate)
        if left > 0:
            self.trade_one(key, left, told)
        if is_first:
            self.decide(packet, fate)

    @rule(place=_PLACES, quantity=st.integers(1, 2), is_told=st.booleans())
    def trade_after_the_end(self, place: int, quantity: int, is_told: bool) -> None:
        """An order is cancelled elsewhere, and what it traded before that is told of after it."""
        if key := self.one_that_rests(place):
            self.exchange.end(key, S.CANCELED)
            self.tell_desk(self.exchange.pushes.pop())
            self.trade_one(key, Decimal(quantity), "fill" if is_told else "")

    @rule(place=_PLACES, is_cancel=st.booleans(), more=_CHANGES, dies=st.booleans())
    def decide_wrongly(self, place: int, is_cancel: bool, more: int | None, dies: bool) -> None:
        """The trader calls an order gone that rests, and the venue is read after that."""
        if not (key := self.one_that_rests(place)):
            return
        number = self.keys.index(key)
        if is_cancel:
            self.cancel(number, Fate.LATE)
        else:
            self.amend(number, 5, more, Fate.LATE)
        self.decide_gone(number)
        if dies:
            self.crash()
        self.reconcile(0, False)

    def one_that_rests(self, place: int) -> str:
        """Returns an order that rests and that the desk can change, a new one if need be; empty: there is none."""
        if not (keys := self.resting()) and len(self.keys) < _MOST_ORDERS:
            self.submit(2, Fate.ANSWERED)
            keys = self.resting()
        return keys[place % len(keys)] if keys else ""

    def resting(self) -> list[str]:
        return [
            key
            for key in self.exchange.versions
            if (truth := self.exchange.truth(key)) is not None
            and truth.is_open
            and (tracked := self.desk.get(key)) is not None
            and self.desk.can_amend(tracked)
        ]

    @precondition(lambda self: self.exchange.versions)
    @rule(place=_PLACES, status=st.sampled_from([S.CANCELED, S.EXPIRED]))
    def end_by_itself(self, place: int, status: OrderStatus) -> None:
        keys = list(self.exchange.versions)
        self.exchange.end(keys[place % len(keys)], status)

    @precondition(lambda self: self.exchange.pushes)
    @rule(place=_PLACES, how=st.sampled_from(["tell", "tell the newest", "tell again", "lose"]))
    def tell(self, place: int, how: str) -> None:
        pushes = self.exchange.pushes
        place = len(pushes) - 1 if how == "tell the newest" else place % len(pushes)
        news = pushes[place] if how == "tell again" else pushes.pop(place)
        if how != "lose":
            self.tell_desk(news)

    def tell_desk(self, news: Order | Fill) -> None:
        if isinstance(news, Fill):
            tracked = self.desk.get(news.client_order_id)
            is_late = (
                tracked is not None
                and tracked.status.is_terminal
                and news.trade_id not in tracked.fills
                and sum((one.quantity for one in tracked.fills.values()), news.quantity) > tracked.claimed
            )
            self.desk.store.apply(FillUpdate(news))
            if tracked is not None:
                self.checks.heard.setdefault(news.client_order_id, set()).add(news.trade_id)
                assert tracked.is_late_fill or not is_late, "a late fill, and nobody is alarmed"
        else:
            self.desk.venue.note(news)
            self.desk.store.apply(OrderUpdate(news))
        self.desk.settle()

    @precondition(lambda self: self.keys)
    @rule(place=_PLACES, lag=_LAGS, is_slow=st.booleans())
    def look_up(self, place: int, lag: int, is_slow: bool) -> None:
        tracked = self.tracked(place)
        if tracked is not None:
            self.ask([tracked], lag, is_slow)

    def ask(self, asked: Sequence[Tracked], lag: int, is_slow: bool = False) -> None:
        self.exchange.look(lag)
        self.desk.venue.is_slow = is_slow
        for tracked in asked:
            self.checks.loose.add(tracked.key)
            self.desk.look_up(tracked)
        self.desk.venue.is_slow = False
        self.desk.settle()

    @rule(lag=_LAGS, is_slow=st.booleans())
    def reconcile(self, lag: int, is_slow: bool) -> None:
        self.checks.loose.update(self.keys)
        self.exchange.look(lag)
        self.desk.venue.is_slow = is_slow
        self.desk.reconcile()
        self.desk.venue.is_slow = False
        self.desk.settle()

    @precondition(lambda self: self.desk.venue.waiting)
    @rule()
    def answer_reads(self) -> None:
        self.desk.venue.answer_reads()
        self.desk.settle()

    @rule(pause=st.sampled_from(_PAUSES), error=_ERRORS)
    def pass_time(self, pause: int, error: int) -> None:
        self.exchange.error = error
        self.set_time(self.exchange.now + pause)

    @precondition(lambda self: self.exchange.wire)
    @rule(
        place=_PLACES,
        arrives=st.booleans(),
        after=st.sampled_from([1, SETTLE // 2, SETTLE - UNCERTAINTY // 2, SETTLE + 3 * UNCERTAINTY]),
        error=_ERRORS,
        lag=_LAGS,
    )
    def go_to_the_brink(self, place: int, arrives: bool, after: int, error: int, lag: int) -> None:
        """A request arrives at its last moment, or not at all, and is looked up about when that can be proven."""
        packet = self.exchange.wire[place % len(self.exchange.wire)]
        if packet.deadline is None or packet.deadline < self.exchange.now:
            return
        if packet.is_waited_for:
            self.decide(packet, Fate.LATE)
        self.set_time(packet.deadline)
        self.decide(packet, Fate.LOST_AFTER if arrives else Fate.LOST_BEFORE)
        self.pass_time(after, error)
        if (tracked := self.desk.get(packet.key)) is not None:
            self.ask([tracked], lag)

    @precondition(lambda self: self.keys)
    @rule(place=_PLACES)
    def decide_gone(self, place: int) -> None:
        """The trader ends an order by his word, which may be wrong."""
        tracked = self.tracked(place)
        if tracked is not None and self.desk.can_decide(tracked):
            self.checks.decided.add(tracked.key)
            self.desk.decide(tracked)
            self.desk.settle()

    @precondition(lambda self: self.desk.tasks and not self.rows.stalled)
    @rule(place=_PLACES)
    def cancel_task(self, place: int) -> None:
        tasks = list(self.desk.tasks)
        task = tasks[place % len(tasks)]
        self.checks.loose.add(self.desk.tasks[task])
        task.cancel()
        self.desk.settle()

    @rule(disk=st.sampled_from(Disk))
    def change_disk(self, disk: Disk) -> None:
        if self.rows.disk is not Disk.WELL:
            self.rows.wake()
        else:
            self.rows.disk = disk
        self.desk.settle()
        for key in self.keys:
            self.note_denied(key)

    @precondition(lambda self: len(self.rows.rows) > self.inherited + _LEAST_ROWS)
    @rule()
    def crash(self) -> None:
        """The process dies, and another takes over what its rows say."""
        self.inherited = len(self.rows.rows)
        self.desk.die()
        for packet in self.exchange.wire:
            packet.reply = None
        self.checks.heard = {}
        left = fold(self.rows.rows)
        self.rows.add(draft_note("the desk was opened", self.clock(), "start"))
        for made in left.fills:
            self.checks.heard.setdefault(made.client_order_id, set()).add(made.trade_id)
        self.desk = Desk(self.exchange, self.rows, self.clock, self.loop, left)
        self.desk.settle()

    @invariant()
    def nothing_is_lost_or_guessed(self) -> None:
        self.checks.after_step(self.desk)

    def teardown(self) -> None:
        try:
            self.heal()
            self.checks.at_end(self.desk)
        finally:
            self.desk.die()
            self.loop.close()

    def heal(self) -> None:
        """Lets everything arrive or die, time pass, and the desk ask once more."""
        self.rows.wake()
        self.desk.settle()
        for number, packet in enumerate(list(self.exchange.wire)):
            self.decide(packet, (Fate.LOST_AFTER, Fate.LOST_BEFORE)[number % 2])
        self.desk.venue.answer_reads()
        self.desk.settle()
        self.pass_time(LIFE + SETTLE + 3 * UNCERTAINTY, 0)
        self.reconcile(0, False)
        self.ask(list(self.desk.store.orders.open_orders()), 0)


def settings_of(examples: int, *, is_random: bool = False, is_mutant: bool = False) -> settings:
    """Returns how many sequences are run, the same ones unless `is_random`; a mutant's failure is not shrunk."""
    return settings(
        max_examples=examples,
        stateful_step_count=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=not is_random,
        report_multiple_bugs=False,
        phases=(Phase.generate,) if is_mutant else (Phase.generate, Phase.shrink),
    )
