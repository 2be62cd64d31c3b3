"""The book against a plain dict, over random snapshots, changes and faults."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from venues.book import Book, Fault, InvalidBook
from venues.events import BookDelta, BookSnapshot, Level
from venues.model import InstrumentId

BTC = InstrumentId("test", "BTCUSDT")


class Reference:
    """What a book is: two dicts. Slow, and plainly right."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Level] = {}
        self.asks: dict[Decimal, Level] = {}

    def change(self, bids: list[Level], asks: list[Level]) -> None:
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, quantity in levels:
                if Decimal(quantity) == 0:
                    side.pop(Decimal(price), None)
                else:
                    side[Decimal(price)] = (price, quantity)

    @property
    def is_crossed(self) -> bool:
        return bool(self.bids and self.asks) and max(self.bids) > min(self.asks)

    def top(self, depth: int) -> tuple[list[Level], list[Level]]:
        bids = [self.bids[price] for price in sorted(self.bids, reverse=True)]
        asks = [self.asks[price] for price in sorted(self.asks)]
        return bids[:depth], asks[:depth]


@st.composite
def levels(draw: st.DrawFn, low: int, high: int, *, may_remove: bool) -> list[Level]:
    prices = draw(st.lists(st.integers(low, high), max_size=8, unique=not may_remove))
    quantity = st.sampled_from(["1", "0.5", "12.250", "0", "0.00"] if may_remove else ["1", "0.5", "3.10"])
    # The same price in several spellings: "100", "100.0", "100.00".
    return [(draw(st.sampled_from([f"{n}", f"{n}.0", f"{n}.00"])), draw(quantity)) for n in prices]


class BookMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.book = Book(BTC)
        self.reference = Reference()
        self.fault: Fault | None = Fault.WAITING
        self.sequence = 0

    @initialize(bids=levels(90, 100, may_remove=False), asks=levels(101, 110, may_remove=False))
    def start(self, bids: list[Level], asks: list[Level]) -> None:
        self.snapshot(bids, asks)

    @rule(bids=levels(90, 103, may_remove=False), asks=levels(98, 110, may_remove=False))
    def snapshot(self, bids: list[Level], asks: list[Level]) -> None:
        self.sequence += 1
        self.reference = Reference()
        self.reference.change(bids, asks)
        best = self.reference.top(99)
        self.fault = Fault.CROSSED if self.reference.is_crossed else None
        applied = self.book.apply(BookSnapshot(BTC, tuple(best[0]), tuple(best[1]), self.sequence, 0, 0))
        assert applied is (self.fault is None)

    @rule()
    def clear(self) -> None:
        self.snapshot([], [])

    @rule(
        bids=levels(90, 102, may_remove=True),
        asks=levels(99, 110, may_remove=True),
        lost=st.sampled_from([0, 0, 0, 0, 1, 3, -1]),
    )
    def change(self, bids: list[Level], asks: list[Level], lost: int) -> None:
        previous = self.sequence + lost
        self.sequence = previous + 1
        if self.fault is None:
            self.reference.change(bids, asks)
            if lost:
                self.fault = Fault.GAP
            elif self.reference.is_crossed:
                self.fault = Fault.CROSSED
        applied = self.book.apply(BookDelta(BTC, tuple(bids), tuple(asks), previous, self.sequence, 0, 0))
        assert applied is (self.fault is None)

    @rule(text=st.sampled_from(["NaN", "-3", "1e2", "", "x", "9" * 30]), is_price=st.booleans())
    def nonsense(self, text: str, is_price: bool) -> None:
        level = (text, "1") if is_price else ("95", text)
        previous, self.sequence = self.sequence, self.sequence + 1
        if self.fault is None:
            self.fault = Fault.NONSENSE
        assert not self.book.apply(BookDelta(BTC, (level,), (), previous, self.sequence, 0, 0))

    @invariant()
    def reads_are_right_or_refused(self) -> None:
        assert self.book.fault is self.fault
        if self.fault is None:
            assert self.book.top(99) == self.reference.top(99)
            assert self.book.top(3) == self.reference.top(3)
        else:
            with pytest.raises(InvalidBook):
                self.book.top(1)


TestBookMachine = BookMachine.TestCase
TestBookMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_long_random_run_finds_each_of_its_gaps_before_the_next_read() -> None:
    rng = random.Random(20210417)
    book, reference = Book(BTC), Reference()
    sequence = gaps = found = 0
    is_lost = True
    for step in range(40_000):
        if is_lost and rng.random() < 0.3:
            reference = Reference()
            reference.change(
                [(f"{n / 10:.2f}", "1.0") for n in range(900, 1000, 3)],
                [(f"{n / 10:.2f}", "2") for n in range(1001, 1100, 3)],
            )
            bids, asks = reference.top(99)
            assert book.apply(BookSnapshot(BTC, tuple(bids), tuple(asks), sequence, step, step))
            is_lost = False
        changes = [
            [
                (f"{rng.randint(*span) / 10:.{rng.randint(1, 3)}f}", rng.choice(["0", "0.00", "1.5", "7"]))
                for _ in range(rng.randint(0, 4))
            ]
            for span in ((900, 1000), (1001, 1100))
        ]
        if rng.random() < 0.01:
            sequence += 1
            if not is_lost:
                gaps, is_lost = gaps + 1, True
                assert not book.apply(BookDelta(BTC, (), (), sequence, sequence + 1, step, step))
                found += book.fault is Fault.GAP
        else:
            if not is_lost:
                reference.change(*changes)
            event = BookDelta(BTC, tuple(changes[0]), tuple(changes[1]), sequence, sequence + 1, step, step)
            assert book.apply(event) is not is_lost
        sequence += 1
        if not is_lost and step % 16 == 0:
            assert book.top(20) == reference.top(20)
    assert gaps > 250
    assert found == gaps
