"""The tracker against a venue that loses, doubles and shuffles what it tells: any order of events."""

from __future__ import annotations

import itertools
from decimal import Decimal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from tests.support.effort import tries
from tests.tui.desk.rig import START, Clock, fill, order, request
from tui.desk.order_states import OrderNews
from tui.desk.orders import OrderTracker, Tracked
from venues.model import Fill, Order, OrderStatus

D = Decimal
S = OrderStatus
FATES = ["answered", "lost before", "lost after", "refused", "late"]


class AnyOrderOfEvents(RuleBasedStateMachine):
    """What the venue holds is the truth; the tracker hears of it badly."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.tracker = OrderTracker(self.clock, lambda *_: None)
        self.truth: dict[str, Order] = {}
        self.executions: dict[str, list[Fill]] = {}
        self.wire: list[tuple[str, Decimal]] = []  # orders that have left and not arrived
        self.cancels: list[str] = []
        self.pushes: list[Order | Fill] = []
        self.numbers = itertools.count()
        self.ended: set[str] = set()

    def tracked(self, key: str) -> Tracked:
        tracked = self.tracker.get(key)
        assert tracked is not None
        return tracked

    def push(self, key: str) -> None:
        self.pushes.append(self.truth[key])

    def change(self, key: str, **changes: object) -> None:
        self.truth[key] = msgspec.structs.replace(
            self.truth[key], ts_event=START + 10 + next(self.numbers), **changes
        )
        self.push(key)

    def answer(self, key: str, news: OrderNews | None) -> None:
        if key not in self.ended:
            self.ended.add(key)
            self.tracker.command_ended(self.tracked(key), news)

    @rule(target=ids, quantity=st.integers(1, 5))
    def submit(self, quantity: int) -> str:
        key = f"c{next(self.numbers)}"
        self.tracker.submitted(request(key, D(quantity)), START)
        self.wire.append((key, D(quantity)))
        return key

    @precondition(lambda self: self.wire)
    @rule(index=st.integers(0, 99), fate=st.sampled_from(FATES))
    def arrive(self, index: int, fate: str) -> None:
        key, quantity = self.wire.pop(index % len(self.wire))
        if fate == "refused":
            # A refusal that comes after the answer was given up is heard of by nobody.
            self.answer(key, OrderNews.REJECTED)
            return
        if fate == "late":
            self.answer(key, OrderNews.AMBIGUOUS)
            self.wire.append((key, quantity))
            return
        if fate == "lost before":
            self.answer(key, OrderNews.AMBIGUOUS)
            return
        self.truth[key] = order(key, quantity=quantity, ts_event=START + 10 + next(self.numbers))
        self.executions[key] = []
        self.push(key)
        if fate == "answered" and key not in self.ended:
            self.answer(key, None)
            self.tracker.apply(self.truth[key])
        else:
            self.answer(key, OrderNews.AMBIGUOUS)

    @rule(key=ids, quantity=st.integers(1, 3))
    def trade(self, key: str, quantity: int) -> None:
        truth = self.truth.get(key)
        if truth is None or not truth.is_open:
            return
        done = min(D(quantity), truth.remaining)
        made = fill(key, f"t{next(self.numbers)}", done)
        self.executions[key].append(made)
        self.pushes.append(made)
        total = truth.filled_quantity + done
        status = S.FILLED if total == truth.quantity else S.PARTIALLY_FILLED
        self.change(key, filled_quantity=total, status=status)

    @rule(key=ids)
    def send_cancel(self, key: str) -> None:
        tracked = self.tracked(key)
        if not tracked.status.is_terminal:
            self.tracker.command_sent(tracked, OrderNews.CANCEL_SENT)
            self.cancels.append(key)

    @precondition(lambda self: self.cancels)
    @rule(index=st.integers(0, 99), fate=st.sampled_from(["answered", "lost before", "lost after", "not found"]))
    def arrive_cancel(self, index: int, fate: str) -> None:
        key = self.cancels.pop(index % len(self.cancels))
        tracked, truth = self.tracked(key), self.truth.get(key)
        if truth is None or fate == "not found":
            self.tracker.command_ended(tracked, OrderNews.MISSING)
            return
        if truth.is_open and fate != "lost before":
            self.change(key, status=S.CANCELED)
        if fate == "answered":
            self.tracker.command_ended(tracked, None)
            self.tracker.apply(self.truth[key])
        else:
            self.tracker.command_ended(tracked, OrderNews.AMBIGUOUS)

    @precondition(lambda self: self.pushes)
    @rule(index=st.integers(0, 99), how=st.sampled_from(["tell", "tell twice", "lose"]))
    def tell(self, index: int, how: str) -> None:
        place = index % len(self.pushes)
        news = self.pushes[place] if how == "tell twice" else self.pushes.pop(place)
        if how == "lose":
            return
        if isinstance(news, Fill):
            self.tracker.add_fill(news)
        else:
            self.tracker.apply(news)

    @rule(key=ids)
    def look_up(self, key: str) -> None:
        self.reconcile(key)

    def reconcile(self, key: str) -> None:
        truth = self.truth.get(key)
        if truth is None:
            self.tracker.missing(self.tracked(key))
            return
        self.tracker.confirm(truth)
        for made in self.executions[key]:
            self.tracker.add_fill(made)

    @invariant()
    def nothing_is_invented(self) -> None:
        for key in {*self.truth, *(key for key, _ in self.wire), *self.ended}:
            tracked = self.tracked(key)
            made = {one.trade_id for one in self.executions.get(key, ())}
            assert tracked.fills.keys() <= made
            assert 0 <= tracked.order.filled_quantity <= tracked.order.quantity
            assert tracked.is_late_fill is False or tracked.order.filled_quantity > 0
            truth = self.truth.get(key)
            if truth is not None:
                assert tracked.order.filled_quantity <= truth.filled_quantity
                assert tracked.status is not S.REJECTED
            if truth is None or truth.is_open:
                assert tracked.status in {S.PENDING_NEW, S.UNKNOWN, S.REJECTED, S.PENDING_CANCEL} or (
                    truth is not None and not tracked.status.is_terminal
                )

    def teardown(self) -> None:
        for key in self.cancels:
            self.tracker.command_ended(self.tracked(key), OrderNews.AMBIGUOUS)
        for key, _ in self.wire:
            self.answer(key, OrderNews.AMBIGUOUS)
        for key in {*self.truth, *self.ended}:
            self.reconcile(key)
            tracked, truth = self.tracked(key), self.truth.get(key)
            if truth is None:
                assert tracked.status in (S.UNKNOWN, S.REJECTED, S.PENDING_NEW)
            else:
                assert (tracked.status, tracked.order.filled_quantity) == (truth.status, truth.filled_quantity)
                assert len(tracked.fills) == len(self.executions[key])


AnyOrderOfEvents.TestCase.settings = settings(
    max_examples=tries(250, 600),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TestAnyOrderOfEvents = AnyOrderOfEvents.TestCase


def facts_of(quantity: int, fills: list[int], end: OrderStatus | None, told: bool) -> list[Order | Fill]:
    """Returns all that a venue tells of one order that is filled in part or whole, and perhaps ends."""
    facts: list[Order | Fill] = [order("a", quantity=D(quantity), ts_event=START)]
    total = D(0)
    for number, size in enumerate(fills):
        done = min(D(size), quantity - total)
        if not done:
            break
        total += done
        facts.append(fill("a", f"t{number}", done))
        status = S.FILLED if total == quantity else S.PARTIALLY_FILLED
        facts.append(order("a", status, quantity=D(quantity), filled_quantity=total, ts_event=START + number + 1))
    if end is not None and total < quantity:
        counted = total if told else D(0)
        facts.append(order("a", end, quantity=D(quantity), filled_quantity=counted, ts_event=START + 50))
    return facts


@settings(max_examples=tries(500, 1_500), deadline=None)
@given(
    data=st.data(),
    quantity=st.integers(1, 6),
    fills=st.lists(st.integers(1, 3), max_size=4),
    end=st.sampled_from([None, S.CANCELED, S.EXPIRED, S.REJECTED]),
    told=st.booleans(),
)
def test_every_order_of_the_same_facts_ends_the_same(
    data: st.DataObject, quantity: int, fills: list[int], end: OrderStatus | None, told: bool
) -> None:
    facts = facts_of(quantity, fills, end, told)
    shuffled = data.draw(st.permutations(facts))
    again = data.draw(st.lists(st.sampled_from(facts), max_size=4))
    ends = []
    for told_facts in (facts, [*shuffled, *again]):
        tracker = OrderTracker(Clock(), lambda *_: None)
        tracked = tracker.submitted(request("a", D(quantity)), START)
        tracker.command_ended(tracked, None)
        for one in told_facts:
            if isinstance(one, Fill):
                tracker.add_fill(one)
            else:
                tracker.apply(one)
        ends.append((tracked.order.filled_quantity, tracked.status, tracked.order.average_price))
    assert ends[0] == ends[1]
