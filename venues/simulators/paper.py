"""The paper exchange with what a venue's simulator needs beside it: every owner's news, and the house's quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from venues.events import FillUpdate, Level, OrderUpdate
from venues.model import ZERO, Fill, Instrument, InstrumentId, Liquidity, Side
from venues.paper.account import Account, Settlement
from venues.paper.exchange import TRADER, PaperExchange
from venues.paper.ledger import FEES, HOUSE, SYSTEM_OWNERS, Ledger, money
from venues.paper.market import Market
from venues.paper.matching import MatchingEngine, Plan
from venues.paper.orders import PaperOrder, Trader
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


class SelfTradingEngine(MatchingEngine):
    """A book in which an order may meet one of the same owner, and trades with it."""

    __slots__ = ()

    def plan(self, owner: str, sign: int, limit: int, lots: int) -> Plan:
        """Returns what an order would take now, whoever's it is; nothing is changed."""
        del owner  # nobody's orders are spared
        return super().plan("", sign, limit, lots)


class ReceivedFeeAccount(Account):
    """A spot account that pays its fees in what it receives: an order locks what it costs, without the fee."""

    def __init__(self, owner: str, ledger: Ledger, instruments: Mapping[InstrumentId, Instrument], *, venue: str):
        free = {
            name: msgspec.structs.replace(one, maker_fee=ZERO, taker_fee=ZERO) for name, one in instruments.items()
        }
        super().__init__(owner, ledger, free, venue=venue)
        self._charged = instruments

    def apply_fill(
        self,
        instrument: InstrumentId,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        liquidity: Liquidity,
        now: int,
    ) -> Settlement:
        """Books one execution, and takes the fee out of what it has brought."""
        settled = super().apply_fill(instrument, side, price, quantity, liquidity, now)
        listed = self._charged[instrument]
        rate = listed.maker_fee if liquidity is Liquidity.MAKER else listed.taker_fee
        currency, got = (listed.base, quantity) if side is Side.BUY else (listed.quote, price * quantity)
        fee = money(got * rate)
        self._ledger.transfer(self.owner, FEES, currency, fee)
        return settled._replace(fee=fee, fee_currency=currency)


class LocalPaper(PaperExchange):
    """Markets and ledger of a local exchange. Owners beside `TRADER` come to be when they are first named."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        start: int,
        venue: str,
        deposits: Mapping[str, Decimal],
        allows_self_trade: bool = False,
        takes_fee_of_received: bool = False,
        account_type: type[Account] | None = None,
    ) -> None:
        """With an `account_type` every owner's account is of that kind: of a venue that keeps its own books."""
        self._allows_self_trade = allows_self_trade
        self._account_type = ReceivedFeeAccount if takes_fee_of_received else account_type
        super().__init__(instruments, start=start, deposits={TRADER: deposits}, venue=venue)
        self._shared = SharedOutbox(venue, TRADER)
        self._outbox = self._clearing.outbox = self._shared

    def _new_market(self, instrument: Instrument) -> Market:
        market = super()._new_market(instrument)
        if self._allows_self_trade:
            market.engine = SelfTradingEngine(instrument)
        return market

    def _trader(self, owner: str) -> Trader:
        traders = self._clearing.traders
        kind = self._account_type
        if kind is not None and owner not in traders and owner not in SYSTEM_OWNERS:
            traders[owner] = Trader(kind(owner, self._ledger, self._instruments, venue=self.venue))
        return super()._trader(owner)

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
