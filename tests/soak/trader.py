"""A trader who wishes at random, from a seed: through the session, as any screen would."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random

from tui.desk.control import AmendIntent, CancelScope, OrderIntent, Outcome, Verdict
from tui.desk.session import Session
from venues.errors import VenueError
from venues.model import Instrument, Order, OrderType, Side, TimeInForce

_OVERRIDES = frozenset({"band", "fresh", "duplicate"})
_MOST_OPEN = 60  # orders, of all venues: then it cancels instead


class SeededTrader:
    """Wishes every `pause` seconds on average, while it `is_awake`."""

    def __init__(self, session: Session, random: Random, pause: float) -> None:
        self.verdicts: Counter[str] = Counter()
        self.wishes: Counter[str] = Counter()
        self.is_awake = True
        self.is_busy = False
        self._session = session
        self._store = session.store
        self._random = random
        self.pause = pause

    async def run(self) -> None:
        does: list[Callable[[], Awaitable[None]]] = [
            self.submit, self.cancel, self.amend, self.close, self.cancel_all, self.show, self.reverse,
            self.flatten, self.panic,
        ]  # fmt: skip
        weights = [60, 20, 12, 5, 1, 1, 0.5, 0.3, 0.2]
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self.pause))
            if not self.is_awake:
                continue
            wish = self._random.choices(does, weights)[0]
            if wish == self.submit and len(list(self._store.orders.open_orders())) > _MOST_OPEN:
                wish = self.cancel
            self.wishes[wish.__name__] += 1
            self.is_busy = True
            await wish()
            self.is_busy = False

    async def submit(self) -> None:
        dice = self._random
        instrument = dice.choice(self._instruments())
        around = self._store.markets[instrument.id].mid()
        if around is None:
            return
        side = dice.choice(list(Side))
        is_limit = dice.random() < 0.8
        price = None
        if is_limit:
            price = self._round(instrument, around) - side.sign * dice.randint(-1, 12) * instrument.tick_size
        intent = OrderIntent(
            instrument=instrument.id,
            side=side,
            type=OrderType.LIMIT if is_limit else OrderType.MARKET,
            quantity=instrument.lot_size * dice.randint(1, 60),
            price=price,
            time_in_force=TimeInForce.GTC,
            overrides=_OVERRIDES,
        )
        self._note(await self._session.submit(intent))

    async def cancel(self) -> None:
        order = self._any_order()
        if order is not None:
            self._note(await self._session.cancel(order[0]))

    async def amend(self) -> None:
        found = self._any_order()
        if found is None:
            return
        key, order = found
        instrument = self._store.markets[order.instrument].instrument
        around = self._store.markets[order.instrument].mid()
        if around is None:
            return
        away = order.side.sign * self._random.randint(0, 10) * instrument.tick_size
        more = instrument.lot_size * self._random.randint(1, 20)
        is_price = self._random.random() < 0.6
        intent = AmendIntent(
            key=key,
            price=self._round(instrument, around) - away if is_price else None,
            quantity=None if is_price else order.filled_quantity + more,
            overrides=_OVERRIDES,
        )
        self._note(await self._session.amend(intent))

    async def close(self) -> None:
        held = list(self._store.ledger.positions)
        if held:
            percent = self._random.choice([25, 50, 100])
            self._note(await self._session.close_position(*self._random.choice(held), percent))

    async def reverse(self) -> None:
        held = list(self._store.ledger.positions)
        if held:
            self._note(await self._session.reverse_position(*self._random.choice(held)))

    async def cancel_all(self) -> None:
        scope = CancelScope(
            instrument=self._random.choice(self._instruments()).id if self._random.random() < 0.7 else None,
            side=self._random.choice([None, *Side]),
        )
        self._note(await self._session.cancel_all(scope))

    async def flatten(self) -> None:
        self._note(await self._session.flatten(self._random.choice(self._instruments()).id))

    async def panic(self) -> None:
        receipt = await self._session.panic()
        self.verdicts["panic proven" if all(line.is_proven for line in receipt.lines) else "panic unproven"] += 1

    async def show(self) -> None:
        try:
            await self._session.show(self._random.choice(self._instruments()).id)
        except VenueError:
            self.verdicts["show failed"] += 1

    def _instruments(self) -> list[Instrument]:
        return [market.instrument for market in self._store.markets.values()]

    def _round(self, instrument: Instrument, price: Decimal) -> Decimal:
        return round(price / instrument.tick_size) * instrument.tick_size

    def _any_order(self) -> tuple[str, Order] | None:
        orders = [(tracked.key, tracked.order) for tracked in self._store.orders.open_orders()]
        return self._random.choice(orders) if orders else None

    def _note(self, outcome: Outcome) -> None:
        self.verdicts[outcome.verdict.value] += 1
        if outcome.verdict is Verdict.DENIED:
            self.verdicts[f"denied: {outcome.reasons[0].guard}"] += 1
