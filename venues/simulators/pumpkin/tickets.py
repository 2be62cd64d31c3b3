"""An order as it is asked for, and what is kept of it beside the local exchange's own order."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from venues.model import ZERO, Side, TimeInForce
from venues.simulators.perpetuals.positions import PositionSide
from venues.simulators.perpetuals.tickets import Ticket as PositionTicket

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


class Ticket(PositionTicket, kw_only=True):
    """What the local exchange does not keep of an order."""

    is_market: bool
    time_in_force: str
    contracts: int
    exits: Exits
    source_id: int
    is_full: bool
    frozen: Decimal = ZERO  # what it froze when it came
    entrust_id: int = 0  # the take-profit and stop that its fills made

    @classmethod
    def of(cls, draft: Draft, leverage: int, price: Decimal) -> Ticket:
        return cls(
            symbol=draft.symbol, position_side=draft.position_side, is_closing=draft.is_closing,
            position_id=draft.position_id if draft.is_closing else 0, price=price, leverage=leverage,
            is_market=draft.is_market, time_in_force=draft.time_in_force, contracts=draft.contracts,
            exits=draft.exits, source_id=draft.source_id, is_full=draft.is_full,
        )  # fmt: skip
