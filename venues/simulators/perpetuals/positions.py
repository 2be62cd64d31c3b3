"""Positions of both sides, and how fills open and close them.

Sizes are in whole contracts, `cost` is the exact sum of price times base quantity, always above zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from venues.model import ZERO, Side
from venues.paper.ledger import money
from venues.simulators.perpetuals.margin import Bracket, Stake


class PositionSide(StrEnum):
    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        return 1 if self is PositionSide.LONG else -1

    @property
    def opening(self) -> Side:
        return Side.BUY if self is PositionSide.LONG else Side.SELL

    @property
    def closing(self) -> Side:
        return self.opening.opposite


def position_side_of(side: Side) -> PositionSide:
    """Returns the side whose position an order of `side` opens."""
    return PositionSide.LONG if side is Side.BUY else PositionSide.SHORT


class MarginType(StrEnum):
    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


class HeldPosition(msgspec.Struct):
    """An open position. `margin` is its initial margin; of an isolated one all that stands behind it."""

    id: int
    symbol: str
    side: PositionSide
    margin_type: MarginType
    leverage: int
    contract_size: Decimal
    brackets: Sequence[Bracket]
    size: int = 0  # contracts
    cost: Decimal = ZERO
    margin: Decimal = ZERO
    realized: Decimal = ZERO  # profits of what was closed and funding, without fees
    fees: Decimal = ZERO
    ts_opened: int = 0
    ts_event: int = 0
    ts_funded: int = 0  # the newest funding time, 0 for none

    @property
    def is_isolated(self) -> bool:
        return self.margin_type is MarginType.ISOLATED

    @property
    def quantity(self) -> Decimal:
        """Base units, without a sign."""
        return self.size * self.contract_size

    @property
    def entry_price(self) -> Decimal:
        return self.cost / self.quantity if self.size else ZERO

    @property
    def net(self) -> Decimal:
        """What it has brought so far: profits and funding less fees."""
        return self.realized - self.fees

    def pnl(self, mark: Decimal) -> Decimal:
        return self.side.sign * (self.quantity * mark - self.cost)

    def stake(self) -> Stake:
        sign = self.side.sign
        return Stake(sign * self.quantity, sign * self.cost, Decimal(self.size), self.brackets)

    def maintenance(self, mark: Decimal) -> Decimal:
        return self.stake().maintenance(mark)

    def open(self, price: Decimal, contracts: int, now: int) -> None:
        """Adds contracts bought (long) or sold (short) at a price."""
        value = price * contracts * self.contract_size
        self.size += contracts
        self.cost += value
        self.margin += money(value / self.leverage)
        self.ts_event = now

    def close(self, price: Decimal, contracts: int, now: int) -> Decimal:
        """Takes contracts off at a price and returns the profit, before the fee."""
        share, freed = self.cost, self.margin
        if contracts != self.size:
            share = money(self.cost * contracts / self.size)
            freed = money(self.margin * contracts / self.size)
        profit = self.side.sign * (price * contracts * self.contract_size - share)
        self.size -= contracts
        self.cost -= share
        self.margin -= freed
        self.realized += profit
        self.ts_event = now
        return profit

    def set_leverage(self, leverage: int) -> None:
        """Margins it anew; what was added to it or taken off stays so."""
        self.margin += money(self.cost / leverage) - money(self.cost / self.leverage)
        self.leverage = leverage


class OpenPositions:
    """All open positions by their id."""

    def __init__(self) -> None:
        self.open: dict[int, HeldPosition] = {}

    def of(self, symbol: str = "") -> list[HeldPosition]:
        """Returns the open positions of a symbol, or all, in the order they were opened."""
        return [one for one in self.open.values() if symbol in ("", one.symbol)]

    def drop_closed(self) -> list[HeldPosition]:
        """Takes out the positions that have nothing left, and returns them."""
        closed = [one for one in self.open.values() if not one.size]
        for one in closed:
            del self.open[one.id]
        return closed

    def isolated(self) -> Iterator[HeldPosition]:
        return (one for one in self.open.values() if one.is_isolated)

    def crossed(self) -> Iterator[HeldPosition]:
        return (one for one in self.open.values() if not one.is_isolated)
