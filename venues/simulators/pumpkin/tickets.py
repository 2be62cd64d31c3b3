"""An order as it is asked for, and what is kept of it beside the local exchange's own order."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from venues.model import ZERO, Side, TimeInForce
from venues.simulators.pumpkin.positions import PositionSide

_LOCAL = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GTX": TimeInForce.GTC}
TIMES_IN_FORCE = tuple(_LOCAL)


class Exit(NamedTuple):
    """A take-profit or a stop: once it is reached a limit order at `price`, or a market order."""

    trigger: Decimal
    price: Decimal | None = None


class Exits(NamedTuple):
    profit: Exit | None = None
    stop: Exit | None = None


class Draft(NamedTuple):
    """An order as it is asked for. `position_id` 0 and `leverage` 0: not given."""

    symbol: str
    side: Side
    position_side: PositionSide
    is_market: bool
    time_in_force: str
    contracts: int
    price: Decimal | None
    position_id: int = 0
    reduce_only: bool = False
    leverage: int = 0
    client_id: str = ""
    exits: Exits = Exits()
    source_id: int = 0  # of the plan order, or the take-profit and stop, that it comes from
    is_full: bool = False  # it closes all of its position
    is_foreign: bool = False

    @property
    def is_closing(self) -> bool:
        return self.side is self.position_side.closing

    @property
    def local_time_in_force(self) -> TimeInForce:
        return _LOCAL[self.time_in_force]


class Ticket(msgspec.Struct):
    """What the local exchange does not keep of an order."""

    number: int
    symbol: str
    position_side: PositionSide
    is_closing: bool
    position_id: int
    is_market: bool
    time_in_force: str
    contracts: int
    price: Decimal  # the limit, or about what was expected to be paid
    leverage: int
    exits: Exits
    source_id: int
    is_full: bool
    frozen: Decimal = ZERO  # what it froze when it came
    is_forced: bool = False  # a liquidation
    profit: Decimal | None = None  # of what it has closed
    entrust_id: int = 0  # the take-profit and stop that its fills made

    @classmethod
    def of(cls, draft: Draft, leverage: int, price: Decimal) -> Ticket:
        return cls(
            0, draft.symbol, draft.position_side, draft.is_closing, draft.position_id if draft.is_closing else 0,
            draft.is_market, draft.time_in_force, draft.contracts, price, leverage, draft.exits, draft.source_id,
            draft.is_full,
        )  # fmt: skip
