"""What the venue closes by force: each told once, in words, with what it cost as far as that is told.

No message names a liquidation. Its order bears `forceClose`; its fee is a bill QIANG_PING_MANAGER, what the venue
takes over a bill TAKE_OVER; a winner that is closed against a loser has bills ADL and perhaps no order. A position
that is gone, or smaller, without any execution that closes it, is looked into by the bills as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from venues.bills import Bill, BillKind
from venues.events import Event, Notice
from venues.model import NANOSECONDS, ZERO, Fill, Instrument, InstrumentId, Order, Side
from venues.pumpkin import VENUE
from venues.pumpkin.figures import plain
from venues.pumpkin.models import BillType
from venues.pumpkin.positions import Facts, Positions
from venues.transport.recent import Recent
from venues.transport.told_positions import money_words, price_words
from venues.transport.vanishing import Missing, Vanished

_NEAR = 10 * NANOSECONDS  # how far the bills of a liquidation may lie from its order
_LOOKS = 4  # rounds in which executions and bills may still come
_MOST = 1_000
_FORCED = (BillKind.LIQUIDATION, BillKind.DELEVERAGED)


class _Forced(msgspec.Struct):
    """An order of the venue's, and what of it has been executed."""

    order: Order
    quantity: Decimal = ZERO
    value: Decimal = ZERO
    profit: Decimal = ZERO
    fees: Decimal = ZERO
    looks: int = 0


class Liquidations:
    """Finds what was closed by force. `now` is the venue's clock, nanoseconds."""

    def __init__(
        self, positions: Positions, instrument: Callable[[InstrumentId], Instrument | None], now: Callable[[], int]
    ) -> None:
        self._positions = positions
        self._instrument = instrument
        self._now = now
        self._began = 0
        self._forced: dict[str, _Forced] = {}
        self._vanished: Vanished[Facts] = Vanished(
            _LOOKS, now=now, read_at=lambda: positions.read_at, is_back=self._is_back
        )
        self._told: Recent[str, None] = Recent(_MOST)  # orders and bills
        self._said: deque[Missing[Facts]] = deque(maxlen=_MOST)  # that were told by their bills, without an order
        self._bills: dict[str, Bill] = {}

    def begin(self, at: int) -> None:
        """Is told when the account is first followed: what was forced before is no news."""
        self._began = self._began or at

    @property
    def is_open(self) -> bool:
        """Whether something is being looked into, for which executions and bills are to be read."""
        return bool(self._forced or self._vanished)

    def take_order(self, order: Order) -> None:
        """Takes an order that was met."""
        number = order.venue_order_id
        if not order.is_liquidation or number in self._told or number in self._forced:
            return
        if order.ts_created >= self._began and not any(_is_of(order, each) for each in self._said):
            self._forced[number] = _Forced(order)

    def take_fill(self, fill: Fill, order: Order) -> None:
        """Takes an execution: of a forced order, or one that explains why a position is smaller."""
        self.take_order(order)
        if not order.reduce_only:
            return
        forced = self._forced.get(order.venue_order_id)
        if forced is not None:
            forced.quantity += fill.quantity
            forced.value += fill.quantity * fill.price
            forced.profit += fill.realized_pnl
            forced.fees += fill.fee
        self._vanished.take_fill(fill, order.position_id)

    def take_change(self, before: Facts, quantity: Decimal) -> None:
        """Takes note that so many base units of a position are gone."""
        self._vanished.take_change(before, quantity)

    def take_bills(self, bills: Iterable[Bill]) -> None:
        """Takes bills, whatever they are about."""
        for bill in bills:
            if bill.kind in _FORCED and bill.bill_id not in self._told and bill.ts_event >= self._began:
                self._bills[bill.bill_id] = bill

    def news(self) -> list[Event]:
        """Returns what is to be told after executions and bills were read; what is not whole yet waits."""
        events: list[Event] = []
        for number, forced in list(self._forced.items()):
            forced.looks += 1
            mine = self._near(forced.order.instrument, forced.order.ts_created)
            is_whole = forced.quantity >= forced.order.filled_quantity > 0 and mine
            if is_whole or forced.looks >= _LOOKS:
                del self._forced[number]
                self._note(number, mine)
                events.append(self._notice(self._forced_words(forced, mine)))
        for missing in self._vanished.unexplained():
            mine = self._near(missing.facts.instrument, missing.at)
            self._note("", mine)
            if mine:
                self._said.append(missing)
            events.append(self._notice(self._missing_words(missing, mine)))
        if not self.is_open:  # a bill without an order and without a position that shrank is about nothing we had
            self._bills.clear()
        return events

    def _is_back(self, facts: Facts) -> bool:
        """Whether a position is whole again: a read did not show what there was."""
        now = self._positions.newest.values.get(facts.key)
        return now is not None and abs(now.quantity) >= abs(facts.quantity)

    def _near(self, instrument: InstrumentId, at: int) -> list[Bill]:
        found = [bill for bill in self._bills.values() if bill.instrument in (None, instrument)]
        return [bill for bill in found if abs(bill.ts_event - at) <= _NEAR]

    def _note(self, number: str, bills: Sequence[Bill]) -> None:
        for name in (number, *(bill.bill_id for bill in bills)):
            self._bills.pop(name, None)
            self._told[name] = None

    def _forced_words(self, forced: _Forced, bills: Sequence[Bill]) -> str:
        order = forced.order
        listed = self._instrument(order.instrument)
        facts = self._positions.find(order.instrument, order.position_id) if order.position_id else None
        side = "long" if order.side is Side.SELL else "short"
        quantity = forced.quantity or order.filled_quantity or order.quantity
        price = forced.value / forced.quantity if forced.quantity else order.average_price
        verb = "DELEVERAGED" if _is_deleveraged(bills) else "LIQUIDATED"
        words = f"{verb}: {side} {plain(quantity)} {self._name(order.instrument)}"
        if price is not None:
            words += f" at {price_words(listed, price)}"
        if facts is not None:
            words += f", opened at {price_words(listed, facts.entry_price)}"
        cost = -forced.profit
        settle = self._settle(order.instrument)
        if cost:
            words += f"; {'loss' if cost > 0 else 'profit'} {money_words(abs(cost))} {settle}"
        fee = self._fee(bills) or forced.fees
        return words + (f", fee {money_words(fee)} {settle}" if fee else "")

    def _missing_words(self, missing: Missing[Facts], bills: Sequence[Bill]) -> str:
        facts = missing.facts
        side = "long" if facts.quantity > 0 else "short"
        what = f"{side} {plain(missing.quantity)} {self._name(facts.instrument)}"
        opened = f", opened at {price_words(self._instrument(facts.instrument), facts.entry_price)}"
        if not bills:
            return f"GONE: {what}{opened}: no order that is known here has closed it, and no bill says why"
        verb = "DELEVERAGED" if _is_deleveraged(bills) else "LIQUIDATED"
        words = f"{verb}: {what}{opened}; the venue tells no price"
        fee = self._fee(bills)
        return words + (f", fee {money_words(fee)} {self._settle(facts.instrument)}" if fee else "")

    def _fee(self, bills: Sequence[Bill]) -> Decimal:
        return -sum((bill.amount for bill in bills if bill.words == BillType.QIANG_PING_MANAGER), ZERO)

    def _notice(self, words: str) -> Notice:
        return Notice(VENUE, words, True, self._now())

    def _name(self, instrument: InstrumentId) -> str:
        listed = self._instrument(instrument)
        return listed.name if listed is not None else instrument.symbol

    def _settle(self, instrument: InstrumentId) -> str:
        listed = self._instrument(instrument)
        return listed.settle if listed is not None else ""


def _is_of(order: Order, said: Missing[Facts]) -> bool:
    """Whether a forced order is what has closed a position of which it was said before the order was shown."""
    facts = said.facts
    is_same = (order.instrument, order.side) == (facts.instrument, facts.closing_side)
    is_then = said.since - _NEAR <= order.ts_created <= said.at + _NEAR
    return is_same and is_then and order.position_id in ("", facts.position_id)


def _is_deleveraged(bills: Sequence[Bill]) -> bool:
    return any(bill.kind is BillKind.DELEVERAGED for bill in bills)
