"""The paper exchange with what a venue's simulator needs beside it: every owner's news, and the house's quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from venues.events import FillUpdate, Level, OrderUpdate
from venues.model import Fill, Instrument, InstrumentId, Side
from venues.paper.exchange import TRADER, PaperExchange
from venues.paper.ledger import HOUSE
from venues.paper.market import Market
from venues.paper.orders import PaperOrder
from venues.paper.outbox import Outbox

WHOLE_BOOK = 10_000  # levels a side
_LENDER = "lender"


class SharedOutbox(Outbox):
    """Tells of the orders and fills of every owner, and notes whose money may have changed."""

    __slots__ = ("moved",)

    def __init__(self, venue: str, trader: str) -> None:
        super().__init__(venue, trader)
        self.moved: dict[tuple[str, str], None] = {}  # (owner, currency), in order

    def accepted(self, order: PaperOrder) -> None:
        self.events.append(OrderUpdate(order.to_order()))

    def order(self, order: PaperOrder) -> None:
        self._orders[order.number] = order

    def fill(self, _owner: str, fill: Fill) -> None:
        self.events.append(FillUpdate(fill))

    def money(self, owner: str, market: Market) -> None:
        instrument = market.instrument
        self.moved[owner, instrument.settle] = None
        if instrument.is_perpetual:
            super().money(owner, market)
        else:
            self.moved[owner, instrument.base] = None


class LocalPaper(PaperExchange):
    """Markets and ledger of a local exchange. Owners beside `TRADER` come to be when they are first named."""

    def __init__(
        self, instruments: Sequence[Instrument], *, start: int, venue: str, deposits: Mapping[str, Decimal]
    ) -> None:
        super().__init__(instruments, start=start, deposits={TRADER: deposits}, venue=venue)
        self._shared = SharedOutbox(venue, TRADER)
        self._outbox = self._clearing.outbox = self._shared

    def take_moved(self) -> list[tuple[str, str]]:
        """Returns whose balance of which currency may have changed since the last call."""
        moved = list(self._shared.moved)
        self._shared.moved.clear()
        return moved

    def move_money(self, source: str, target: str, currency: str, amount: Decimal) -> None:
        """Moves cash between two owners; empty names outside (a deposit or a withdrawal). Checks nothing."""
        for owner, change in ((source, -amount), (target, amount)):
            if owner:
                self._trader(owner).account.deposit(currency, change)
                self._shared.moved[owner, currency] = None

    def lend(self, owner: str, currency: str, amount: Decimal) -> None:
        """Pays out a loan; a negative amount pays it back."""
        self._ledger.transfer(_LENDER, owner, currency, amount)
        self._shared.moved[owner, currency] = None

    def levels(self, instrument: InstrumentId, count: int = WHOLE_BOOK) -> tuple[Sequence[Level], Sequence[Level]]:
        """Returns bids and asks as text, best first."""
        engine = self._markets[instrument].engine
        return engine.depth(1, count), engine.depth(-1, count)

    def totals(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        """Returns what all bids and all asks add up to, in base units."""
        engine = self._markets[instrument].engine
        bids = sum(level.lots for level in engine.bids.levels.values())
        asks = sum(level.lots for level in engine.asks.levels.values())
        return engine.quantity(bids), engine.quantity(asks)

    def quotes(self, instrument: InstrumentId) -> list[int]:
        """Returns the numbers of the house's orders that rest in one book."""
        orders = self._markets[instrument].engine.orders
        return [number for number, order in orders.items() if order.owner == HOUSE]

    def number_trades_from(self, number: int) -> int:
        """Has the next trade numbered `number` + 1; returns `number`."""
        self._clearing.trade_number = number
        return number

    def next_trade_number(self) -> int:
        """Takes a number for a public trade that was not made here (a recorded one)."""
        self._clearing.trade_number += 1
        return self._clearing.trade_number

    def quantity_for(self, owner: str, instrument: InstrumentId, side: Side, value: Decimal) -> Decimal:
        """Returns the base quantity that a market order of `value` quote units would trade now.

        It is rounded down to the lot, and zero where the book has nothing within the protection.
        """
        engine = self._markets[instrument].engine
        limit = engine.protected(side.sign, self._clearing.protection)
        if limit is None:
            return engine.quantity(0)
        opposite = engine.side(-side.sign)
        lots, left = 0, value
        for key in reversed(opposite.keys):
            ticks = key * opposite.sign
            if (limit - ticks) * side.sign < 0:
                break
            price = engine.price(ticks)
            there = sum(order.lots for order in engine.queue(-side.sign, ticks) if order.owner != owner)
            taken = min(there, int(left / (price * engine.lot_size)))
            lots += taken
            left -= engine.quantity(taken) * price
            if taken < there:
                break
        return engine.quantity(lots)
