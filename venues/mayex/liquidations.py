"""What the venue closes by force: each told once, in words, with what it cost.

Its executions bear a `liquidationType` other than L_NONE, its order in the history a `liqCounterpartyType`. What
is gone of a position without any execution that closed it is an alarm as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from venues.events import Event, Notice
from venues.mayex import VENUE
from venues.mayex.fills import Execution
from venues.mayex.positions import Facts, Positions
from venues.mayex.sides import name_of
from venues.model import ZERO, Instrument, InstrumentId, Order, Side
from venues.transport.recent import Recent
from venues.transport.told_positions import money_words, price_words, words_of
from venues.transport.vanishing import Vanished

_LOOKS = 4  # reads in which executions may still come
_QUIET = 2  # reads that bring no more of a liquidation: it is over
_MOST = 1_000


class _Forced(msgspec.Struct):
    """An order of the venue's, and what of it has been executed."""

    instrument: InstrumentId
    side: Side
    kind: str = ""
    wanted: Decimal = ZERO  # by its order, 0 where that is not known
    quantity: Decimal = ZERO
    value: Decimal = ZERO
    profit: Decimal = ZERO
    fees: Decimal = ZERO
    entry_price: Decimal | None = None
    looks: int = 0


class Liquidations:
    """Finds what was closed by force. `now` is the venue's clock, nanoseconds."""

    def __init__(
        self, positions: Positions, instrument: Callable[[InstrumentId], Instrument | None], now: Callable[[], int]
    ) -> None:
        self._instrument = instrument
        self._now = now
        self._positions = positions
        self._began = 0
        self._forced: dict[str, _Forced] = {}
        self._told: Recent[str, None] = Recent(_MOST)
        self._entries: dict[tuple[InstrumentId, Side], Decimal] = {}  # of what was closed last, by what closes it
        self._vanished: Vanished[Facts] = Vanished(
            _LOOKS, now=now, read_at=lambda: positions.read_at, is_back=self._is_back
        )

    def begin(self, at: int, past: Iterable[Execution] = ()) -> None:
        """Is told when the account is first followed: what was forced before is no news."""
        if not self._began:
            self._began = at
            for one in past:
                self._told[one.fill.venue_order_id] = None

    @property
    def is_open(self) -> bool:
        """Whether something is being looked into, for which executions are to be read."""
        return bool(self._forced or self._vanished)

    def take_order(self, order: Order) -> None:
        """Takes an order that was met."""
        number = order.venue_order_id
        if not order.is_liquidation or not number or number in self._told or order.ts_event < self._began:
            return
        forced = self._forced.setdefault(number, _Forced(order.instrument, order.side))
        forced.wanted = max(forced.wanted, order.filled_quantity)

    def take_fill(self, execution: Execution) -> None:
        """Takes an execution: of a forced order, or one that explains why a position is smaller."""
        fill = execution.fill
        if not execution.closes:
            return
        self._vanished.take_fill(fill, execution.position_id)
        number = fill.venue_order_id
        if number in self._told or not (execution.liquidation or number in self._forced):
            return
        forced = self._forced.setdefault(number, _Forced(fill.instrument, fill.side))
        forced.kind = execution.liquidation or forced.kind
        forced.quantity += fill.quantity
        forced.value += fill.quantity * fill.price
        forced.profit += fill.realized_pnl
        forced.fees += fill.fee
        forced.looks = 0
        if (name := name_of(execution.position_id)) is not None:
            held = self._positions.find(fill.instrument, execution.position_id)
            entry = held.entry_price if held is not None else None
            forced.entry_price = entry or self._entries.get((fill.instrument, name.closing_side))

    def take_change(self, before: Facts, quantity: Decimal) -> None:
        """Takes note that so many base units of a position are gone."""
        self._entries[before.instrument, before.closing_side] = before.entry_price
        self._vanished.take_change(before, quantity)

    def news(self) -> list[Event]:
        """Returns what is to be told after executions were read; what is not whole yet waits."""
        events: list[Event] = []
        for number, forced in list(self._forced.items()):
            forced.looks += 1
            is_whole = forced.quantity >= forced.wanted > 0
            if is_whole or forced.looks >= (_QUIET if forced.quantity else _LOOKS):
                del self._forced[number]
                self._told[number] = None
                events.append(self._notice(self._words(forced)))
        for missing in self._vanished.unexplained():
            facts = missing.facts
            sign = 1 if facts.quantity > 0 else -1
            listed = self._instrument(facts.instrument)
            what = words_of(listed, facts.instrument.symbol, sign * missing.quantity)
            opened = price_words(listed, facts.entry_price)
            events.append(self._notice(f"GONE: {what}, opened at {opened}: no execution has closed it"))
        return events

    def _is_back(self, facts: Facts) -> bool:
        now = self._positions.find(*facts.key)
        return now is not None and abs(now.quantity) >= abs(facts.quantity)

    def _words(self, forced: _Forced) -> str:
        listed = self._instrument(forced.instrument)
        sign = 1 if forced.side is Side.SELL else -1
        quantity = forced.quantity or forced.wanted
        verb = "DELEVERAGED" if "ADL" in forced.kind.upper() else "LIQUIDATED"
        words = f"{verb}: {words_of(listed, forced.instrument.symbol, sign * quantity)}"
        if forced.quantity:
            words += f" at {price_words(listed, forced.value / forced.quantity)}"
        if forced.entry_price is not None:
            words += f", opened at {price_words(listed, forced.entry_price)}"
        settle = listed.settle if listed is not None else ""
        if forced.profit:
            words += f"; {'loss' if forced.profit < 0 else 'profit'} {money_words(abs(forced.profit))} {settle}"
        return words + (f", fee {money_words(forced.fees)} {settle}" if forced.fees else "")

    def _notice(self, words: str) -> Notice:
        return Notice(VENUE, words, True, self._now())
