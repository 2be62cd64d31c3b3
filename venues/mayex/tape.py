"""The public trades of each market, each told once. There is no read of them: only what was told is known."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from venues.events import Trade
from venues.mayex.figures import ns_of_milliseconds, positive
from venues.mayex.wire import WireTrade
from venues.model import InstrumentId, Side
from venues.transport.recent import Recent

KEPT = 1_000
_LEFT = 50  # markets that nobody follows whose trades are still known

_Look: TypeAlias = tuple[int, int, Decimal, Decimal, bool]


class Tape:
    """Knows the trades of one market. Its names are the venue's numbers, which it calls update ids.

    Whether two trades of one update have the same number the document does not say: they count as two where
    anything else of them differs, and as one that was told twice where nothing does.
    """

    def __init__(self, instrument: InstrumentId) -> None:
        self.instrument = instrument
        self._trades: deque[Trade] = deque(maxlen=KEPT)
        self._looks: dict[_Look, None] = {}  # what was told, the newest last
        self._named: dict[int, int] = {}  # how many trades have a number
        self._last = 0  # nanoseconds; what a person reads runs forward

    def take(self, wire: WireTrade, ts_recv: int) -> Trade | None:
        """Returns a trade, None for one that was told.

        Raises:
            DecodeError: a figure is none.
        """
        price, quantity = positive(wire.price), positive(wire.quantity)
        look = (wire.number, wire.time, price, quantity, wire.buyer_is_maker)
        if look in self._looks:
            return None
        self._looks[look] = None
        count = self._named.get(wire.number, 0)
        self._named[wire.number] = count + 1
        if len(self._looks) > KEPT:
            old = next(iter(self._looks))
            del self._looks[old]
            self._forget(old[0])
        self._last = max(self._last, ns_of_milliseconds(wire.time))
        name = f"{wire.number}-{count}" if count else str(wire.number)
        side = Side.SELL if wire.buyer_is_maker else Side.BUY
        trade = Trade(self.instrument, name, side, price, quantity, self._last, ts_recv)
        self._trades.append(trade)
        return trade

    def newest(self, limit: int) -> Sequence[Trade]:
        """Returns what was told last, oldest first."""
        return list(self._trades)[-limit:] if limit > 0 else []

    def _forget(self, number: int) -> None:
        self._named[number] -= 1
        if not self._named[number]:
            del self._named[number]


class Tapes:
    """The tapes of one host; those that were not asked for lately are forgotten in the end."""

    def __init__(self) -> None:
        self._tapes: Recent[InstrumentId, Tape] = Recent(_LEFT)

    def of(self, instrument: InstrumentId) -> Tape:
        """Returns the tape of a market, made where there is none."""
        tape = self._tapes.pop(instrument, None) or Tape(instrument)
        self._tapes[instrument] = tape
        return tape
