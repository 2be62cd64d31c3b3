"""What positions have paid and received: fees and profits by their executions, funding by what is left over.

No list tells funding. A settlement moves `lastFundingTime`, and `cumRealizedPnl`, which is net of fees and of
funding: where nothing was traded between two reads the change is funding, to the last digit, and where something
was, what its executions leave of it, once they add up to what the position's size has changed by.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from venues.events import Event, Notice
from venues.liquidation import PositionKey
from venues.mayex import VENUE
from venues.model import ZERO, Fill, Instrument, InstrumentId
from venues.transport.told_positions import funding_words

_MOST_FILLS = 500  # of one position, between two reads of it
_LOOKS = 4  # reads of executions that may still bring one of those that a change is made of


class Held(Protocol):
    """What is known of a position."""

    @property
    def instrument(self) -> InstrumentId: ...

    @property
    def quantity(self) -> Decimal: ...

    @property
    def entry_price(self) -> Decimal: ...

    @property
    def net(self) -> Decimal: ...

    @property
    def key(self) -> PositionKey: ...


class _Traded(msgspec.Struct, frozen=True):
    """An execution of a position; `change` is what it did to the size."""

    ts_event: int
    change: Decimal
    gain: Decimal  # the profit, less the fee


class _Life(msgspec.Struct):
    """A position from its first execution to its last."""

    size: Decimal = ZERO
    fees: Decimal = ZERO
    realized: Decimal = ZERO
    funding: Decimal = ZERO


class _Seen(msgspec.Struct, frozen=True):
    """A position as a read had it; moments in milliseconds."""

    quantity: Decimal
    entry_price: Decimal
    net: Decimal
    funded_at: int
    traded_at: int


class _Mixed(msgspec.Struct):
    """A settlement and trades between the same two reads."""

    before: _Seen
    after: _Seen
    looks: int = 0


class FundingBook:
    """What the open positions have paid and received since they were opened, as far as it can be known."""

    def __init__(self, instrument: Callable[[InstrumentId], Instrument | None], now: Callable[[], int]) -> None:
        self._instrument = instrument
        self._now = now
        self._lives: dict[PositionKey, _Life] = {}
        self._seen: dict[PositionKey, _Seen] = {}
        self._traded: dict[PositionKey, deque[_Traded]] = {}
        self._mixed: dict[PositionKey, _Mixed] = {}

    def of(self, key: PositionKey) -> Decimal:
        """Returns the funding that a position has received, or paid where it is below zero."""
        return self._life(key).funding

    def fees(self, key: PositionKey) -> Decimal:
        return self._life(key).fees

    def realized(self, key: PositionKey) -> Decimal:
        """Returns the profit before fees and funding."""
        return self._life(key).realized

    @property
    def wants_fills(self) -> bool:
        """Whether a settlement can not be told without executions that are to be read."""
        return bool(self._mixed)

    def begin(
        self, position: Held, fills: Sequence[tuple[Fill, str, bool]], term: Decimal | None, funded_at: int
    ) -> None:
        """Takes executions of before, oldest first, each with its position's id and whether it closed.

        Those of the position's life are as many of the newest as add up to its size. Where they are not among them
        its profit is `term`, the venue's own of this life, as it is.
        """
        life = _Life(size=abs(position.quantity))
        before, opened_at = life.size, 0
        for fill, position_id, closes in reversed(fills):
            if (fill.instrument, position_id) != position.key:
                continue
            before -= _change(fill, closes=closes)
            life.fees += fill.fee
            life.realized += fill.realized_pnl
            opened_at = fill.ts_event
            if before <= 0:
                break
        if before:
            life.fees, life.realized = ZERO, term or ZERO
        elif term is not None and funded_at * 1_000_000 > opened_at:
            life.funding = term - life.realized + life.fees
        self._lives[position.key] = life

    def take_fill(self, fill: Fill, position_id: str, *, closes: bool) -> None:
        """Takes an execution. One that opens where there was nothing begins another life."""
        key = fill.instrument, position_id
        change = _change(fill, closes=closes)
        self._traded.setdefault(key, deque(maxlen=_MOST_FILLS)).append(
            _Traded(fill.ts_event, change, fill.realized_pnl - fill.fee)
        )
        life = self._lives.get(key)
        if life is None or not life.size:
            if closes:
                return  # the end of one of which nothing was known
            life = self._lives[key] = _Life()
        life.size = max(ZERO, life.size + change)
        life.fees += fill.fee
        life.realized += fill.realized_pnl

    def take(self, position: Held, funded_at: int, traded_at: int) -> list[Event]:
        """Takes a position as a read has it; returns what tells of its funding, where that is certain."""
        after = _Seen(position.quantity, position.entry_price, position.net, funded_at, traded_at)
        before = self._seen.get(position.key)
        self._seen[position.key] = after
        if before is None or funded_at <= before.funded_at:
            return []
        if (before.quantity, before.entry_price) == (after.quantity, after.entry_price):
            return self._pay(position.key, after.quantity, after.net - before.net)
        self._mixed[position.key] = _Mixed(before, after)
        return []

    def meet(self, position: Held, traded_at: int) -> None:
        """Takes a position that a push has told of before any read: what is settled from here on is its own."""
        seen = _Seen(position.quantity, position.entry_price, position.net, traded_at, traded_at)
        self._seen.setdefault(position.key, seen)

    def looked(self) -> list[Event]:
        """Is told that executions were read; returns what tells of settlements that these leave over."""
        events: list[Event] = []
        for key, mixed in list(self._mixed.items()):
            before, after = mixed.before, mixed.after
            between = [
                one
                for one in self._traded.get(key, ())
                if before.traded_at < one.ts_event // 1_000_000 <= after.traded_at
            ]
            mixed.looks += 1
            if sum((one.change for one in between), ZERO) == abs(after.quantity) - abs(before.quantity):
                gain = sum((one.gain for one in between), ZERO)
                events += self._pay(key, after.quantity, after.net - before.net - gain)
                del self._mixed[key]
            elif mixed.looks >= _LOOKS:
                del self._mixed[key]
        return events

    def forget(self, key: PositionKey) -> None:
        """Is told that a position is closed."""
        self._lives.pop(key, None)
        self._seen.pop(key, None)
        self._mixed.pop(key, None)
        self._traded.pop(key, None)

    def _life(self, key: PositionKey) -> _Life:
        return self._lives.get(key) or _Life()

    def _pay(self, key: PositionKey, quantity: Decimal, amount: Decimal) -> list[Event]:
        if not amount:
            return []
        self._lives.setdefault(key, _Life(size=abs(quantity))).funding += amount
        instrument, _ = key
        words = funding_words(self._instrument(instrument), instrument.symbol, quantity, amount)
        return [Notice(VENUE, words, False, self._now())]


def _change(fill: Fill, *, closes: bool) -> Decimal:
    return -fill.quantity if closes else fill.quantity
