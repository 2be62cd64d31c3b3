"""A monkey on a whole session and the real paper market: any wish at any moment, and it all still adds up.

Time is the test's own: it runs while the monkey plays and stands still while store and exchange are compared, so
that they must be equal to the last digit. `PITSIDE_MONKEY_SEEDS=1-200` plays more than the few seeds of CI.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from tests.tui.desk.rig import START, until
from tui.desk.control import AmendIntent, CancelScope, OrderIntent, Outcome, Verdict
from tui.desk.frame import Fact
from tui.desk.guards import Limits
from tui.desk.session import Session
from venues.errors import VenueError
from venues.model import (
    NANOSECONDS,
    ZERO,
    Balance,
    Instrument,
    InstrumentId,
    MarginMode,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.paper.venue import PaperVenue, Settings

SEEDS = os.environ.get("PITSIDE_MONKEY_SEEDS", "1-4")
ROUNDS = 12
WISHES = 14
UNSETTLED = frozenset(
    {OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE, OrderStatus.UNKNOWN}
)
OVERRIDES = frozenset({"band", "fresh", "duplicate"})


class Time:
    """A clock that each wait moves on, until it is stopped; then a wait only gives way."""

    def __init__(self) -> None:
        self.now = START
        self.is_stopped = False

    def __call__(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if not self.is_stopped:
            self.now += int(seconds * NANOSECONDS)
        await asyncio.sleep(0)


class Monkey:
    """Wishes at random, and remembers what the desk must obey."""

    def __init__(self, session: Session, venue: PaperVenue, time: Time, seed: int) -> None:
        self.session = session
        self.store = session.store
        self.venue = venue
        self.time = time
        self.random = random.Random(seed)
        self.budget = ZERO
        self.is_armed = True
        self.story: list[str] = []
        self.sent = 0

    async def play(self, wishes: int) -> None:
        does: list[Callable[[], Awaitable[None]]] = [
            self.submit, self.amend, self.cancel, self.close, self.reverse, self.cancel_all, self.flatten,
            self.lock, self.show, self.set_leverage, self.set_interval,
        ]  # fmt: skip
        for _ in range(wishes):
            await self.random.choices(does, [12, 4, 3, 4, 2, 1, 1, 2, 1, 1, 1])[0]()
            assert self.session.guards.budget_used >= self.budget, self.story
            self.budget = self.session.guards.budget_used
            if self.random.random() < 0.5:
                await self.pass_time(self.random.choice([0, 0.02, 0.3, 3.0]))

    async def pass_time(self, seconds: float) -> None:
        end = self.time.now + int(seconds * NANOSECONDS)
        await until(lambda: self.time.now >= end, 30)

    def _pick(self) -> Instrument:
        markets = list(self.store.markets.values())
        held = [market for market in markets if market.instrument.id in self.store.held()]
        return self.random.choice(held if held and self.random.random() < 0.4 else markets).instrument

    async def submit(self) -> None:
        instrument, dice = self._pick(), self.random
        kind = dice.choices(list(OrderType), [8, 6, 1, 1, 1, 1])[0]
        side = dice.choice(list(Side))
        around = self.store.markets[instrument.id].mid()
        if around is None:
            return
        price = self._near(instrument, around)
        trigger = self._near(instrument, around) if kind.has_trigger else None
        least = max(instrument.min_quantity, instrument.min_notional / around)
        lots = (least * dice.choice([1, 2, 3, 30, 300]) / instrument.lot_size).to_integral_value() + 1
        is_perpetual = instrument.is_perpetual
        in_force = dice.choice(list(TimeInForce)) if kind is OrderType.LIMIT else TimeInForce.GTC
        exit_far = self._near(instrument, around, Decimal("0.001"))
        intent = OrderIntent(
            instrument=instrument.id,
            side=side,
            type=kind,
            quantity=lots * instrument.lot_size,
            price=price if kind.has_price else None,
            trigger_price=trigger,
            time_in_force=in_force,
            post_only=kind is OrderType.LIMIT and in_force is TimeInForce.GTC and dice.random() < 0.2,
            reduce_only=is_perpetual and dice.random() < 0.25,
            leverage=Decimal(dice.choice([2, 5, 10])) if is_perpetual and dice.random() < 0.2 else None,
            margin_mode=dice.choice([None, *MarginMode]) if is_perpetual else None,
            take_profit=exit_far if is_perpetual and dice.random() < 0.15 else None,
            stop_loss=exit_far if is_perpetual and dice.random() < 0.1 else None,
            overrides=OVERRIDES,
        )
        outcome = await self.session.submit(intent)
        self._note(f"submit {side} {intent.quantity} {instrument.id.symbol} {kind} {price}", outcome)
        if not self.is_armed and not intent.reduce_only:
            assert outcome.verdict is Verdict.DENIED

    def _near(self, instrument: Instrument, price: Decimal, least: Decimal = ZERO) -> Decimal:
        away = Decimal(self.random.choice([-20, -3, -1, 0, 1, 3, 20])) * Decimal("0.0002") + least
        return round(price * (1 + away) / instrument.tick_size) * instrument.tick_size

    async def amend(self) -> None:
        tracked = self._any_order()
        if tracked is None:
            return
        order = tracked
        instrument = self.store.markets[order.instrument].instrument
        price = self._near(instrument, order.price) if order.price and self.random.random() < 0.7 else None
        factor = self.random.choice([None, Decimal("0.5"), Decimal(2)])
        lot = instrument.lot_size
        quantity = None if factor is None else max(lot, order.quantity * factor // lot * lot)
        if price is None and quantity is None:
            return
        intent = AmendIntent(key=order.client_order_id, price=price, quantity=quantity, overrides=OVERRIDES)
        self._note(f"amend {intent.key} {price} {quantity}", await self.session.amend(intent))

    async def cancel(self) -> None:
        order = self._any_order()
        if order is not None:
            outcome = await self.session.cancel(order.client_order_id)
            self._note(f"cancel {order.client_order_id}", outcome)
            assert outcome.verdict is Verdict.SENT

    def _any_order(self) -> Order | None:
        orders = [tracked.order for tracked in self.store.orders.open_orders()]
        return self.random.choice(orders) if orders else None

    async def close(self) -> None:
        held = list(self.store.ledger.positions)
        if held:
            instrument, position_id = self.random.choice(held)
            percent = self.random.choice([25, 50, 100])
            outcome = await self.session.close_position(instrument, position_id, percent)
            self._note(f"close {percent} {instrument.symbol}", outcome)

    async def reverse(self) -> None:
        held = list(self.store.ledger.positions)
        if held:
            instrument, position_id = self.random.choice(held)
            outcome = await self.session.reverse_position(instrument, position_id)
            self._note(f"reverse {instrument.symbol}", outcome)
            if not self.is_armed:
                assert outcome.verdict is Verdict.DENIED

    async def cancel_all(self) -> None:
        scope = CancelScope(
            instrument=self._pick().id if self.random.random() < 0.7 else None,
            side=self.random.choice([None, *Side]),
        )
        self._note("cancel all", await self.session.cancel_all(scope))

    async def flatten(self) -> None:
        self._note("flatten", await self.session.flatten(self._pick().id))

    async def lock(self) -> None:
        if self.is_armed and self.random.random() < 0.4:
            await self.session.lock("by hand")
            self.is_armed = False
        else:
            await self.session.arm()
            self.is_armed = True

    async def show(self) -> None:
        await self.session.show(self._pick().id)

    async def set_interval(self) -> None:
        await self.session.set_bar_interval(self.random.choice([60, 300, 3600]))

    async def set_leverage(self) -> None:
        name, leverage = self._pick().id, Decimal(self.random.choice([1, 3, 20]))
        try:
            outcome = await self.session.set_leverage(name, leverage, self.random.choice(list(MarginMode)))
        except VenueError as error:
            self.story.append(f"leverage: {error}")
        else:
            self._note(f"leverage {leverage}", outcome)

    def _note(self, what: str, outcome: Outcome) -> None:
        self.sent += outcome.verdict is Verdict.SENT
        words = "; ".join(f"{reason.guard}: {reason.text}" for reason in outcome.reasons)
        self.story.append(f"{what} -> {outcome.verdict} {outcome.order_key} {words}")

    # The quiet point.

    async def compare(self) -> None:
        """Lets all wishes end, stops the time, and holds the store against the exchange."""
        await asyncio.wait_for(self.session.settled(), 30)
        await until(lambda: not self._unsettled(), 30)
        self.time.is_stopped = True
        listed = {one.client_order_id: one for one in await self.venue.fetch_open_orders()}
        try:
            await until(lambda: self._open_orders() == _essence(listed.values()), 5)
        except TimeoutError:
            assert self._open_orders() == _essence(listed.values()), "\n".join(self.story[-40:])
        held = {(one.instrument, one.position_id): one for one in await self.venue.fetch_positions()}
        balances = _not_empty(await self.venue.fetch_balances())
        ledger, count = self.store.ledger, min(500, len(await self.venue.fetch_fills(0)))
        with contextlib.suppress(TimeoutError):
            # What the exchange has told may still be on its way to the store.
            await until(
                lambda: (
                    _margins(ledger.positions) == _margins(held)
                    and _not_empty(ledger.balances["paper"].values()) == balances
                    and len(ledger.fills) == count
                ),
                5,
            )
        assert _margins(ledger.positions) == _margins(held), "\n".join(self.story[-40:])
        assert _not_empty(ledger.balances["paper"].values()) == balances, "\n".join(self.story[-40:])
        await self._compare_fills()
        self.time.is_stopped = False

    def _unsettled(self) -> list[Order]:
        return [one.order for one in self.store.orders.open_orders() if one.in_flight or one.status in UNSETTLED]

    def _open_orders(self) -> dict[str, tuple[object, ...]]:
        return _essence(one.order for one in self.store.orders.open_orders())

    async def _compare_fills(self) -> None:
        fills = list(self.store.ledger.fills)
        names = [fill.trade_id for fill in fills]
        # Both sides of a trade with ourselves would share one id: the exchange prevents such trades.
        assert len(names) == len(set(names))
        venue_fills = {fill.trade_id: fill for fill in await self.venue.fetch_fills(0)}
        assert len(fills) == min(500, len(venue_fills))
        filled: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for fill in venue_fills.values():
            filled[fill.client_order_id] += fill.quantity
        for fill in fills:
            assert venue_fills[fill.trade_id] == fill
            tracked = self.store.orders.get(fill.client_order_id)
            assert tracked is not None
            assert tracked.order.filled_quantity == filled[fill.client_order_id] <= tracked.order.quantity
            assert not tracked.is_late_fill
            assert not tracked.is_overfilled


def _margins(positions: Mapping[tuple[InstrumentId, str], Position]) -> dict[object, tuple[object, ...]]:
    """Returns what of positions must be equal; the liquidation price moves with every mark."""
    return {
        key: (one.quantity, one.entry_price, one.realized_pnl, one.fees, one.funding, one.margin, one.leverage)
        for key, one in positions.items()
    }


def _not_empty(balances: Iterable[Balance]) -> dict[str, Balance]:
    """Returns balances by currency; one that has become zero is told, and not listed."""
    return {one.currency: one for one in balances if one.total}


def _essence(orders: Iterable[Order]) -> dict[str, tuple[object, ...]]:
    """Returns what a trader sees of orders, by their ids."""
    return {
        one.client_order_id: (
            one.instrument, one.side, one.type, one.price, one.trigger_price, one.quantity, one.filled_quantity,
            one.status, one.average_price, one.reduce_only, one.is_triggered,
        )
        for one in orders
    }  # fmt: skip


@asynccontextmanager
async def playing(seed: int) -> AsyncIterator[tuple[Monkey, list[Fact]]]:
    """A session on a fresh paper market whose time is ours."""
    time, facts = Time(), list[Fact]()
    settings = Settings(seed=seed, rate=150, start=START, latency_ms=3)
    venue = PaperVenue(settings, clock=time, monotonic=time, sleep=time.sleep)
    session = Session(
        [venue],
        tell=facts.append,
        limits=Limits(max_notional=Decimal(10**9), session_budget=Decimal(10**12), band_denies=Decimal(9)),
        clock=time,
        sleep=time.sleep,
        random=random.Random(seed),
    )
    await session.open()
    try:
        await until(lambda: session.links["paper"].is_reconciled, 20)
        await until(lambda: all(market.last is not None for market in session.store.markets.values()), 20)
        yield Monkey(session, venue, time, seed), facts
    finally:
        time.is_stopped = False
        await session.aclose()


def seeds() -> list[int]:
    first, _, last = SEEDS.partition("-")
    return list(range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("seed", seeds())
async def test_store_and_exchange_agree_whatever_is_wished(seed: int) -> None:
    async with playing(seed) as (monkey, facts):
        for number in range(ROUNDS):
            await monkey.play(WISHES)
            if number % 5 == 4:
                # With wishes still on their way.
                receipt = await asyncio.wait_for(monkey.session.panic(), 30)
                assert all(line.is_proven for line in receipt.lines), receipt
                await asyncio.wait_for(monkey.session.settled(), 30)
                assert await monkey.venue.fetch_open_orders() == (), monkey.story[-30:]
                assert await monkey.venue.fetch_positions() == (), monkey.story[-30:]
            await monkey.compare()
        assert not [fact.text for fact in facts if "internal fault" in fact.text]
        assert monkey.sent > 2 * ROUNDS, monkey.story
