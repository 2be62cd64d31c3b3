"""The engine thread over the real paper market: starts, makes frames, carries out wishes, stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.tui.desk.rig import ScriptedVenue
from tui.desk.control import CancelScope, Desk, OrderIntent, Verdict
from tui.desk.engine import Engine
from tui.desk.frame import Fact, FactKind, Frame
from tui.desk.session import Session
from venues.model import InstrumentId, OrderType, Side
from venues.registry import create_venue

D = Decimal
PERP = InstrumentId("paper", "BTC-PERP")
ETH = InstrumentId("paper", "ETH-PERP")


class Screen:
    """Takes frames and facts as a UI would."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.frame: Frame | None = None
        self.facts: list[Fact] = []

    def until(self, condition: Callable[[Frame], object], seconds: float = 15.0) -> Frame:
        """Looks every 10 ms until the frames taken so far, laid over each other, meet `condition`."""
        pause = threading.Event()
        for _ in range(int(seconds / 0.01)):
            frame = self.engine.take_frame()
            if frame is not None:
                self.frame = frame if self.frame is None else frame.over(self.frame)
            self.facts.extend(self.engine.take_facts())
            if self.frame is not None and condition(self.frame):
                return self.frame
            pause.wait(0.01)
        raise AssertionError(f"it did not come to that: {self.facts}")


def is_ready(frame: Frame) -> bool:
    return bool(
        frame.venues
        and not frame.venues[0].is_reconciling
        and frame.book
        and frame.book.is_valid
        and frame.bars
        and frame.bars.bars
        and frame.accounts
        and frame.accounts[0].equity
    )


def _is_quoted(frame: Frame, instrument: InstrumentId) -> bool:
    return any(quote.instrument.id == instrument and quote.last for quote in frame.quotes or ())


@pytest.fixture
def engine() -> Iterator[Engine]:
    def make(tell: Callable[[Fact], None]) -> Session:
        return Session([create_venue("paper", {"fresh": True, "seed": 7})], tell=tell, shown=PERP)

    engine = Engine(make, frame_interval=0.02)
    engine.start()
    yield engine
    engine.stop()


def order(instrument: InstrumentId = PERP, quantity: str = "0.010", **changes: Any) -> OrderIntent:
    made = OrderIntent(instrument=instrument, side=Side.BUY, type=OrderType.MARKET, quantity=D(quantity))
    return msgspec.structs.replace(made, **changes)


def test_it_is_a_desk_that_makes_frames(engine: Engine) -> None:
    desk: Desk = engine
    frame = Screen(engine).until(is_ready)
    assert frame.desk is not None
    assert frame.desk.is_armed
    assert frame.desk.shown is not None
    assert frame.desk.shown.id == PERP
    assert desk.take_frame() is None or engine.is_running
    assert engine.longest_gap < 5
    assert "engine" in {thread.name for thread in threading.enumerate()}


def test_panic_ends_in_zeros_on_the_paper_market(engine: Engine) -> None:
    screen = Screen(engine)
    screen.until(lambda frame: is_ready(frame) and _is_quoted(frame, ETH))
    assert engine.submit(order()).result(10).verdict is Verdict.SENT
    eth = engine.submit(order(ETH, "0.10", side=Side.SELL, overrides=frozenset({"fresh"}))).result(10)
    assert eth.verdict is Verdict.SENT
    frame = screen.until(lambda f: f.positions is not None and len(f.positions) == 2)
    assert frame.book is not None
    best = frame.book.bids[0].price
    for ticks in (20, 30, 40):
        wish = order(type=OrderType.LIMIT, price=best - D(ticks) / 2)
        assert engine.submit(wish).result(10).verdict is Verdict.SENT
    screen.until(lambda f: f.orders is not None and [o.order.status for o in f.orders] == ["new"] * 3)
    line = engine.panic().result(20).lines[0]
    assert (line.orders_left, line.positions_left, line.closed, line.is_proven) == (0, 0, 2, True)
    screen.until(lambda f: f.orders == () and f.positions == ())
    assert FactKind.PANIC in {fact.kind for fact in screen.facts}


def test_reverse_and_close_half_on_the_paper_market(engine: Engine) -> None:
    screen = Screen(engine)
    screen.until(is_ready)
    engine.submit(order(quantity="0.020")).result(10)
    screen.until(lambda f: f.positions and f.positions[0].position.quantity == D("0.020"))
    assert engine.reverse_position(PERP, "net").result(10).verdict is Verdict.SENT
    screen.until(lambda f: f.positions and f.positions[0].position.quantity == D("-0.020"))
    assert engine.close_position(PERP, "net", 50).result(10).verdict is Verdict.SENT
    screen.until(lambda f: f.positions and f.positions[0].position.quantity == D("-0.010"))


def test_stop_carries_out_the_detach_policy_and_ends_the_thread(engine: Engine) -> None:
    screen = Screen(engine)
    frame = screen.until(is_ready)
    assert frame.book is not None
    engine.submit(order(type=OrderType.LIMIT, price=frame.book.bids[0].price - 20)).result(10)
    screen.until(lambda f: f.orders and f.orders[0].order.status == "new")
    report = engine.stop("cancel_session", 10)
    assert report is not None
    assert (report.cancelled, report.left) == (1, 0)
    assert not engine.is_running
    assert engine.stop() is None
    with pytest.raises(RuntimeError, match="does not run"):
        engine.cancel_all(CancelScope()).result(1)


def test_a_venue_that_never_answers_does_not_hold_up_the_end() -> None:
    class Deaf(ScriptedVenue):
        async def connect(self) -> None:
            await asyncio.Event().wait()

    engine = Engine(lambda tell: Session([Deaf()], tell=tell))
    engine.start()
    assert engine.stop("cancel_all", 5) is not None
    assert not engine.is_running
    with pytest.raises(RuntimeError, match="started before"):
        engine.start()


def test_frames_nobody_took_are_merged(engine: Engine) -> None:
    screen = Screen(engine)
    screen.until(is_ready)
    first = screen.until(lambda f: f.number > 5)
    assert first.instruments is not None
    assert first.desk is not None


def test_held_back_venues_open_at_the_release_and_the_first_frame_lies_ready() -> None:
    venue = ScriptedVenue()
    engine = Engine(lambda tell: Session([venue], tell=tell), frame_interval=0.02)
    engine.start(hold=60)
    try:
        first = engine.take_frame()
        assert first is not None
        assert first.desk is not None
        # A wish that is answered shows that the loop went round, and still nothing was opened.
        engine.set_bar_interval(60).result(5)
        assert venue.called("connect") == 0
        engine.release()
        Screen(engine).until(lambda _: venue.called("connect") == 1)
        engine.release()
    finally:
        engine.stop()
    assert not engine.is_running


def test_venues_open_without_a_release_when_the_time_is_over() -> None:
    venue = ScriptedVenue()
    engine = Engine(lambda tell: Session([venue], tell=tell), frame_interval=0.02)
    engine.start(hold=0.05)
    try:
        Screen(engine).until(lambda _: venue.called("connect") == 1)
    finally:
        engine.stop()


def test_an_engine_stopped_before_its_venues_open_never_opens_them() -> None:
    venue = ScriptedVenue()
    engine = Engine(lambda tell: Session([venue], tell=tell))
    engine.start(hold=60)
    engine.begin_stop()
    assert engine.stop(policy=None) is None
    assert not engine.is_running
    assert venue.called("connect") == 0
    engine.release()
    engine.begin_stop()


def test_stop_without_a_policy_leaves_the_orders_to_whoever_carried_it_out(engine: Engine) -> None:
    screen = Screen(engine)
    frame = screen.until(is_ready)
    assert frame.book is not None
    engine.submit(order(type=OrderType.LIMIT, price=frame.book.bids[0].price - 20)).result(10)
    screen.until(lambda f: f.orders and f.orders[0].order.status == "new")
    report = engine.detach("cancel_all").result(10)
    assert (report.cancelled, report.left) == (1, 0)
    assert engine.stop(policy=None) is None
    assert not engine.is_running
