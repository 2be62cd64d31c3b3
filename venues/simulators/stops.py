"""Stop orders of a local exchange: they hold no money, and are placed when the price reaches their trigger."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from venues.model import InstrumentId
from venues.simulators.orders import LocalStop, OrderWish, StopStatus

_ENDED_KEPT = 1_000


class StopBook:
    """Waiting stop orders and the newest of those that have ended, by number."""

    def __init__(self) -> None:
        self.waiting: dict[int, LocalStop] = {}
        self.ended: dict[int, LocalStop] = {}

    def add(
        self, number: int, wish: OrderWish, instrument: InstrumentId, trigger: Decimal, last: Decimal, now: int
    ) -> LocalStop:
        """Makes a stop order. It fires when the price, now `last`, reaches the trigger from where it is."""
        stop = LocalStop(
            id=number,
            wish=wish,
            instrument=instrument,
            trigger_price=trigger,
            is_rising=trigger > last,
            ts_created=now,
            ts_event=now,
        )
        self.waiting[number] = stop
        return stop

    def amend(self, stop: LocalStop, wish: OrderWish, trigger: Decimal, last: Decimal, now: int) -> LocalStop:
        changed = msgspec.structs.replace(
            stop, wish=wish, trigger_price=trigger, is_rising=trigger > last, ts_event=now
        )
        self.waiting[stop.id] = changed
        return changed

    def reached(self, instrument: InstrumentId, low: Decimal, high: Decimal) -> list[LocalStop]:
        """Returns the stops that trades from `low` to `high` reach, in the order they came."""
        return [
            stop
            for stop in self.waiting.values()
            if stop.instrument == instrument
            and (high >= stop.trigger_price if stop.is_rising else low <= stop.trigger_price)
        ]

    def end(
        self, stop: LocalStop, status: StopStatus, now: int, *, order_id: int = 0, reason: str = ""
    ) -> LocalStop:
        """Takes a stop out of those that wait."""
        self.waiting.pop(stop.id, None)
        changed = msgspec.structs.replace(stop, status=status, order_id=order_id, reason=reason, ts_event=now)
        if len(self.ended) >= _ENDED_KEPT and stop.id not in self.ended:
            del self.ended[next(iter(self.ended))]
        self.ended[stop.id] = changed
        return changed
