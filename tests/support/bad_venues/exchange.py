"""What a bad venue really does: books orders, trades them, and keeps the truth. Knows nothing of sockets."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import msgspec

from tests.support.bad_venues.rules import (
    Code,
    Create,
    Execution,
    Happening,
    Kind,
    OrderState,
    Rules,
    Truth,
)

_FUNDS_SHARE = 0.04  # of the creations, refused for a reason of business
_AT_ONCE = 0.35  # of the orders trade when they are booked
_LATER = 0.4  # of the orders trade while they rest
_AFTER_ALL = 0.1  # of the cancelled ones turn out to have traded just before
_FEE = Decimal("0.001")
_NS = 1_000_000_000


class Refused(Exception):
    """The venue refuses, and says with what code."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.value)
        self.code = code


class Exchange:
    """Orders and executions of one account.

    `now` is the venue's clock in nanoseconds; `later` has something done after so many seconds; `woken` is called
    after each event.
    """

    def __init__(
        self,
        rules: Rules,
        rng: random.Random,
        now: Callable[[], int],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self.rules = rules
        self._rng = rng
        self._now = now
        self._later = later
        self.events: list[Happening] = []
        self.woken: Callable[[], None] = lambda: None
        self.arrivals: dict[str, int] = {}
        self.violations: list[str] = []
        self.pending = 0
        self._never_booked: dict[str, str] = {}
        self._versions: dict[str, list[OrderState]] = {}  # by the venue's id, oldest first
        self._ids: dict[str, str] = {}  # client id -> venue's id
        self._fills: list[Execution] = []
        self._closed = 0
        self._last = 0
        self._view = 0

    def arrive(self, create: Create) -> None:
        """Notes that a creation was read off a socket."""
        self.arrivals[create.client_id] = self.arrivals.get(create.client_id, 0) + 1

    def book(self, create: Create, nonce: int) -> OrderState:
        """Raises Refused."""
        try:
            self._check_life(nonce)
            if self._rng.random() < _FUNDS_SHARE:
                raise Refused(Code.NO_FUNDS)
        except Refused as refusal:
            self._never_booked[create.client_id] = refusal.code.value
            raise
        now = self._tick()
        order = OrderState(
            id=f"v{len(self._versions) + 1}",
            client_id=create.client_id,
            side=create.side,
            price=create.price,
            quantity=create.quantity,
            filled="0",
            status="new",
            created=now,
            changed=now,
        )
        self._versions[order.id] = [order]
        self._ids[order.client_id] = order.id
        self._tell(order=order)
        self._plan_fills(order)
        return self._versions[order.id][-1]

    def cancel(self, order_id: str, client_id: str, nonce: int) -> OrderState:
        """Raises Refused."""
        self._check_life(nonce)
        found = self._versions.get(order_id or self._ids.get(client_id, ""))
        if found is None or found[-1].status != "new":
            raise Refused(Code.NOT_FOUND)
        if self._rng.random() < _AFTER_ALL:
            self._plan(0.2, found[-1].id, 25, is_after_all=True)
        return self._end(found[-1], "canceled")

    def cancel_all(self, side: str, nonce: int) -> list[OrderState]:
        """Raises Refused."""
        self._check_life(nonce)
        resting = [found[-1] for found in self._versions.values() if found[-1].status == "new"]
        return [self._end(order, "canceled") for order in resting if side in ("", order.side)]

    def refresh(self) -> None:
        """Lets the reads see what had happened by some moment of the last `settle` seconds, never by less."""
        lag = self._rng.uniform(0, 0.8 * self.rules.settle)
        self._view = max(self._view, self._now() - round(lag * _NS))

    def find(self, order_id: str, client_id: str) -> OrderState:
        """Raises Refused where the reads do not show it."""
        seen = self._seen(order_id or self._ids.get(client_id, ""))
        if seen is None:
            raise Refused(Code.NOT_FOUND)
        return seen

    def resting(self) -> list[OrderState]:
        return [seen for seen in map(self._seen, self._versions) if seen is not None and not seen.closed]

    def history(self, before: int, limit: int) -> list[OrderState]:
        """Returns what ended, the last first, of what ended before number `before`."""
        ended = [seen for seen in map(self._seen, self._versions) if seen is not None and 0 < seen.closed < before]
        return sorted(ended, key=lambda order: -order.closed)[:limit]

    def fills(self, since: int) -> list[Execution]:
        return [fill for fill in self._fills if since <= fill.ts <= self._view]

    def truth(self, faults: dict[str, int], requests: int) -> Truth:
        return Truth(
            orders=tuple(found[-1] for found in self._versions.values()),
            fills=tuple(self._fills),
            arrivals=self.arrivals,
            never_booked=self._never_booked,
            pending=self.pending,
            violations=tuple(self.violations),
            faults=faults,
            requests=requests,
        )

    def _seen(self, order_id: str) -> OrderState | None:
        versions = self._versions.get(order_id, [])
        seen = next((one for one in reversed(versions) if one.changed <= self._view), None)
        if seen is None or (self.rules.kind is Kind.VANISHING and _is_vanished(seen)):
            return None
        return seen

    def _check_life(self, nonce: int) -> None:
        life = self.rules.life
        if life is not None and self._now() > nonce * 1_000_000 + round(life * _NS):
            raise Refused(Code.EXPIRED)

    def _plan_fills(self, order: OrderState) -> None:
        if self._rng.random() < _AT_ONCE:
            self._fill(order.id, self._rng.choice((25, 50, 100)))
        elif self._rng.random() < _LATER:
            self._plan(1.5, order.id, self._rng.choice((25, 50, 100)))

    def _plan(self, delays: float, order_id: str, percent: int, *, is_after_all: bool = False) -> None:
        """Has an order trade within so many times the longest delay."""
        self.pending += 1

        def come() -> None:
            self.pending -= 1
            if is_after_all or self._versions[order_id][-1].status == "new":
                self._fill(order_id, percent)

        self._later(self._rng.uniform(0, delays * self.rules.most_delay), come)

    def _fill(self, order_id: str, percent: int) -> None:
        order = self._versions[order_id][-1]
        quantity, filled = Decimal(order.quantity), Decimal(order.filled)
        part = min(quantity - filled, quantity * percent / 100)
        ts = self._tick()
        fill = Execution(
            id=f"t{len(self._fills) + 1}",
            order_id=order.id,
            client_id=order.client_id,
            side=order.side,
            price=order.price,
            quantity=str(part),
            fee=str(part * Decimal(order.price) * _FEE),
            ts=ts,
        )
        self._fills.append(fill)
        self._tell(fill=fill)
        filled += part
        if filled == quantity:
            self._end(order, "filled", str(filled))
        else:
            self._change(msgspec.structs.replace(order, filled=str(filled), changed=ts))

    def _end(self, order: OrderState, status: str, filled: str | None = None) -> OrderState:
        self._closed += 1
        filled = order.filled if filled is None else filled
        return self._change(
            msgspec.structs.replace(order, status=status, filled=filled, closed=self._closed, changed=self._tick())
        )

    def _change(self, order: OrderState) -> OrderState:
        self._versions[order.id].append(order)
        self._tell(order=order)
        return order

    def _tell(self, order: OrderState | None = None, fill: Execution | None = None) -> None:
        self.events.append(Happening(len(self.events) + 1, order, fill))
        self.woken()

    def _tick(self) -> int:
        self._last = max(self._last + 1, self._now())
        return self._last


def _is_vanished(order: OrderState) -> bool:
    return order.status == "canceled" and Decimal(order.filled) == 0
