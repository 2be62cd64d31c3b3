"""The book against a naive one: a list of orders, searched for the best each time."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.venues.paper.exchange_setup import spot
from venues.paper.ledger import HOUSE
from venues.paper.matching import MatchingEngine, RestingOrder

OWNERS = st.sampled_from([HOUSE, "ann", "bob"])
SIGNS = st.sampled_from([1, -1])
TICKS = st.integers(95, 105)
LOTS = st.integers(1, 20)


@dataclass
class Naive:
    number: int
    owner: str
    sign: int
    ticks: int
    lots: int


class BookModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.engine = MatchingEngine(spot())
        self.naive: list[Naive] = []
        self.mirror: dict[tuple[int, str], str] = {}
        self.number = 0
        self.entered = self.traded = self.gone = 0

    def naive_best(self, sign: int) -> Naive | None:
        """The first of the best-priced orders of one side."""
        best: Naive | None = None
        for order in self.naive:
            if order.sign == sign and (best is None or order.ticks * sign > best.ticks * sign):
                best = order
        return best

    def naive_take(self, owner: str, sign: int, limit: int, lots: int) -> list[tuple[int, int, int]]:
        fills = []
        while lots:
            maker = self.naive_best(-sign)
            if maker is None or (maker.ticks - limit) * sign > 0:
                break
            if maker.owner == owner and owner != HOUSE:
                self.naive.remove(maker)
                self.gone += maker.lots
                continue
            part = min(lots, maker.lots)
            fills.append((maker.number, maker.ticks, part))
            lots -= part
            maker.lots -= part
            if not maker.lots:
                self.naive.remove(maker)
        return fills

    @rule(
        owner=OWNERS,
        sign=SIGNS,
        ticks=TICKS,
        lots=LOTS,
        kind=st.sampled_from(["gtc", "gtc", "ioc", "fok", "post-only"]),
    )
    def enter(self, owner: str, sign: int, ticks: int, lots: int, kind: str) -> None:
        self.number += 1
        plan = self.engine.plan(owner, sign, ticks, lots)
        best = self.naive_best(-sign)
        would_take = best is not None and (best.ticks - ticks) * sign <= 0
        assert self.engine.crosses(sign, ticks) == would_take
        if kind == "post-only" and would_take:
            return
        if kind == "fok" and plan.lots < lots:
            others = [o for o in self.naive if o.sign == -sign and (o.ticks - ticks) * sign <= 0]
            there = sum(o.lots for o in others if o.owner != owner or owner == HOUSE)
            assert there < lots, "killed although there was enough"
            return
        for maker, _ in plan.fills:
            assert maker.owner != owner or owner == HOUSE
        planned = [(maker.number, maker.ticks, part) for maker, part in plan.fills]
        self.engine.execute(plan)
        assert planned == self.naive_take(owner, sign, ticks, lots)
        filled = sum(part for _, _, part in planned)
        assert filled == plan.lots
        assert plan.value == sum(price * part for _, price, part in planned)
        if kind == "fok":
            assert filled == lots
        if kind == "post-only":
            assert not planned
        self.entered += lots
        self.traded += filled
        rest = lots - filled
        if kind in ("ioc", "fok"):
            self.gone += rest
        elif rest:
            self.engine.rest(RestingOrder(self.number, owner, sign, ticks, rest))
            self.naive.append(Naive(self.number, owner, sign, ticks, rest))

    @precondition(lambda self: self.naive)
    @rule(pick=st.integers(0, 10_000))
    def cancel(self, pick: int) -> None:
        order = self.naive.pop(pick % len(self.naive))
        self.engine.remove(self.engine.orders[order.number])
        self.gone += order.lots

    @precondition(lambda self: self.naive)
    @rule(pick=st.integers(0, 10_000), share=st.floats(0.1, 1))
    def shrink(self, pick: int, share: float) -> None:
        order = self.naive[pick % len(self.naive)]
        lots = max(1, int(order.lots * share))
        self.engine.shrink(self.engine.orders[order.number], lots)
        self.gone += order.lots - lots
        order.lots = lots

    @rule()
    def read_changes(self) -> None:
        """The changes, applied one after another, give the book."""
        for sign, changes in zip((1, -1), self.engine.take_changes(), strict=True):
            assert len({price for price, _ in changes}) == len(changes)
            for price, quantity in changes:
                if quantity == "0":
                    self.mirror.pop((sign, price), None)
                else:
                    self.mirror[sign, price] = quantity
        depth = {(sign, price): text for sign in (1, -1) for price, text in self.engine.depth(sign, 100)}
        assert self.mirror == depth

    @invariant()
    def same_book(self) -> None:
        for sign in (1, -1):
            side = self.engine.side(sign)
            for ticks, level in side.levels.items():
                expected = [o for o in self.naive if o.sign == sign and o.ticks == ticks]
                assert [(o.number, o.lots) for o in level.orders.values()] == [
                    (o.number, o.lots) for o in expected
                ]
                assert level.lots == sum(o.lots for o in expected)
            assert sorted(side.levels) == sorted({o.ticks for o in self.naive if o.sign == sign})
            assert side.keys == sorted(ticks * sign for ticks in side.levels)
        assert set(self.engine.orders) == {o.number for o in self.naive}

    @invariant()
    def never_crossed(self) -> None:
        bid, ask = self.engine.best(1), self.engine.best(-1)
        assert bid is None or ask is None or bid < ask

    @invariant()
    def quantity_is_conserved(self) -> None:
        """What was entered was traded (which takes as much from a maker), is gone, or rests."""
        assert self.entered == 2 * self.traded + self.gone + sum(o.lots for o in self.naive)


TestBookModel = BookModel.TestCase
TestBookModel.settings = settings(
    max_examples=600, stateful_step_count=40, deadline=None, database=None, derandomize=True
)
