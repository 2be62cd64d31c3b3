"""What is checked of an order of Mayex's before any byte of it leaves, besides what holds for all positions.

Raises (all that check):
    BadRequest: in a trader's words. Nothing was sent.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from venues.commands import OrderRequest
from venues.errors import BadRequest
from venues.mayex import VENUE
from venues.mayex.sides import PositionName, name_of
from venues.model import Instrument, MarginMode, OrderType
from venues.transport.order_checks import check_limits, check_position


def check_abilities(request: OrderRequest, instrument: Instrument, leverage: Decimal | None) -> None:
    """What this venue does not have, or has only for some orders; `leverage` is the one that is set, if known."""
    if not instrument.is_perpetual:
        raise BadRequest(VENUE, instrument.note or f"{instrument.name} is market data only")
    check_position(request, instrument)
    if request.reduce_only:
        _check_closing(request)
    elif request.leverage not in (None, leverage):
        told = f"{leverage:f}x" if leverage is not None else "not known"
        raise BadRequest(VENUE, f"an order takes the contract's leverage, which is {told}: set that first")
    has_exits = request.take_profit is not None or request.stop_loss is not None
    if has_exits and (request.reduce_only or request.type.has_trigger):
        raise BadRequest(VENUE, "take profit and stop loss go along with plain orders that open a position")


def check_size(request: OrderRequest, instrument: Instrument, price: Decimal | None) -> None:
    """A size is a whole number of steps, within the limits; `price` is what it is worth a unit, if known."""
    if Fraction(request.quantity) % Fraction(instrument.lot_size):
        words = f"size must be a multiple of {instrument.lot_size:f} {instrument.base}"
        raise BadRequest(VENUE, words)
    check_limits(request, instrument, price)


def closed_by(request: OrderRequest) -> PositionName:
    """Returns the position that an order closes."""
    name = name_of(request.position_id or "")
    if name is None:
        raise BadRequest(VENUE, "no position has such an id: it is a side and a margin mode")
    return name


def opens_by_trigger(request: OrderRequest) -> bool:
    """Says whether an order is a conditional one, whose direction lies in its trigger alone."""
    return request.type.has_trigger and not request.reduce_only


def is_brief(request: OrderRequest) -> bool:
    """Says whether an order is over a moment after it was taken, or may be."""
    return request.type is OrderType.MARKET or request.time_in_force != "gtc" or request.post_only


def _check_closing(request: OrderRequest) -> None:
    name = closed_by(request)
    if request.side is not name.closing_side:
        raise BadRequest(VENUE, f"a {request.side} does not close a {name.side.lower()}")
    if request.margin_mode not in (None, name.mode):
        raise BadRequest(VENUE, f"the position is {name.mode}: what closes it can be nothing else")


def mode_of(request: OrderRequest, held: MarginMode | None, usual: MarginMode) -> MarginMode:
    """Returns the margin mode of an order: its position's, its own, that of what is `held` and grows by it."""
    if request.reduce_only:
        return closed_by(request).mode
    return request.margin_mode or held or usual
