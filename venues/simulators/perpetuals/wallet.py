"""The demo user's money: cash, what positions and orders hold of it, bills, funding and funding history."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from venues.model import ZERO
from venues.paper.ledger import money
from venues.simulators.perpetuals.margin import Stake, liquidation_price
from venues.simulators.perpetuals.positions import HeldPosition, OpenPositions

_KEPT = 5_000  # bills


class BillWords(NamedTuple):
    """What a venue calls the changes of its user's cash."""

    transfer: str
    close: str
    take_over: str  # what the insurance pays for a position that its margin did not carry
    liquidation: str  # the fee of one
    funding: str
    fee: str


class Bill(msgspec.Struct, frozen=True, gc=False):
    """One change of the cash; the symbol is empty for a transfer."""

    id: int
    coin: str
    symbol: str
    kind: str
    amount: Decimal
    after: Decimal
    ts_event: int


class Purse(NamedTuple):
    """A coin as `balance/list` has it: `available` is the wallet less the three that follow it."""

    coin: str
    wallet: Decimal
    frozen: Decimal
    isolated: Decimal
    crossed: Decimal

    @property
    def available(self) -> Decimal:
        return self.wallet - self.frozen - self.isolated - self.crossed


class Wallet:
    """Cash by coin; positions are margined in `coin`."""

    def __init__(
        self,
        book: OpenPositions,
        deposits: dict[str, Decimal],
        *,
        coin: str,
        words: BillWords,
        mark: Callable[[str], Decimal],
        frozen: Callable[[], Decimal],
        number: Callable[[], int],
    ) -> None:
        self._book = book
        self.coin = coin
        self.words = words
        self._mark = mark
        self._frozen = frozen
        self._number = number
        self.cash = deposits
        self.bills: deque[Bill] = deque(maxlen=_KEPT)
        self.changed: Callable[[], None] = _nobody

    def purse(self, coin: str = "") -> Purse:
        """Returns what there is of a coin, of the margin's where none is named."""
        coin = coin or self.coin
        cash = self.cash.get(coin, ZERO)
        if coin != self.coin:
            return Purse(coin, cash, ZERO, ZERO, ZERO)
        isolated = sum((one.margin for one in self._book.isolated()), ZERO)
        crossed = sum((one.margin for one in self._book.crossed()), ZERO)
        return Purse(coin, cash, self._frozen(), isolated, crossed)

    def purses(self) -> list[Purse]:
        return [self.purse(coin) for coin in self.cash]

    def free(self) -> Decimal:
        """Returns what a new order may use: what is available, less the loss of the cross positions."""
        loss = sum((one.pnl(self._mark(one.symbol)) for one in self._book.crossed()), ZERO)
        return self.purse().available + min(ZERO, loss)

    def move(self, kind: str, amount: Decimal, now: int, *, symbol: str = "", coin: str = "") -> None:
        """Books a change of the cash with its bill; nothing is none."""
        if not amount:
            return
        coin = coin or self.coin
        after = self.cash[coin] = self.cash.get(coin, ZERO) + amount
        self.bills.append(Bill(self._number(), coin, symbol, kind, amount, after, now))
        self.changed()

    def fund(self, position: HeldPosition, rate: Decimal, mark: Decimal, now: int) -> Decimal:
        """Settles one funding time of a position, and returns what it got: longs pay a positive rate."""
        amount = money(-position.side.sign * position.quantity * mark * rate)
        position.realized += amount
        position.ts_event = position.ts_funded = now
        if position.is_isolated:
            position.margin = max(ZERO, position.margin + amount)
        self.move(self.words.funding, amount, now, symbol=position.symbol)
        return amount

    # What stands behind positions.

    def is_due(self, position: HeldPosition) -> bool:
        """Says whether an isolated position is down to its maintenance margin."""
        mark = self._mark(position.symbol)
        return position.margin + position.pnl(mark) <= position.maintenance(mark)

    def cross_equity(self) -> Decimal:
        """Returns the cash that no isolated position holds, and the profit of the cross positions."""
        held = sum((one.margin for one in self._book.isolated()), ZERO)
        gained = sum((one.pnl(self._mark(one.symbol)) for one in self._book.crossed()), ZERO)
        return self.cash.get(self.coin, ZERO) - held + gained

    def is_cross_due(self) -> bool:
        """Says whether the equity behind the cross positions is down to their maintenance margin."""
        found = list(self._book.crossed())
        if not found:
            return False
        return self.cross_equity() <= sum((one.maintenance(self._mark(one.symbol)) for one in found), ZERO)

    def liquidation_price(self, position: HeldPosition, tick: Decimal) -> Decimal | None:
        """Returns the mark at which a position is liquidated, all other marks as they are.

        No venue tells it; tests compare it.
        """
        if position.is_isolated:
            return liquidation_price([position.stake()], position.margin, tick)
        stakes: list[Stake] = []
        backing = self.cross_equity()
        for one in self._book.crossed():
            mark = self._mark(one.symbol)
            if one.symbol == position.symbol:
                stakes.append(one.stake())
                backing -= one.pnl(mark)
            else:
                backing -= one.maintenance(mark)
        return liquidation_price(stakes, backing, tick)


def _nobody() -> None:
    """Is told while nobody listens."""
