"""What is checked of an order of Pumpkin's before any byte of it leaves, besides what holds for all positions.

The venue would refuse all of it: by codes that are all the same, after a round trip, and for the price of a fifth
of what a fresh minute's quota leaves to others.

Raises (all that check):
    BadRequest: in a trader's words. Nothing was sent.
"""

from __future__ import annotations

from decimal import Decimal

from venues.commands import OrderRequest
from venues.errors import BadRequest
from venues.model import Instrument, MarginMode, OrderType
from venues.pumpkin import VENUE
from venues.pumpkin.figures import contracts_of
from venues.transport.order_checks import check_limits, check_position


def check_size(request: OrderRequest, instrument: Instrument, price: Decimal | None) -> int:
    """Returns the whole contracts of an order; `price` is what it is worth a unit, None where nobody knows."""
    contracts = contracts_of(request.quantity, instrument)
    check_limits(request, instrument, price)
    return contracts


def check_abilities(request: OrderRequest, instrument: Instrument, margin_mode: MarginMode | None) -> None:
    """What this venue does not have, or has only for some orders; `margin_mode` is the contract's, if known."""
    check_position(request, instrument)
    if request.leverage is not None and request.leverage != request.leverage.to_integral_value():
        raise BadRequest(VENUE, f"leverage is a whole number here, not {request.leverage:f}")
    if request.margin_mode not in (None, margin_mode) and not request.reduce_only:
        told = f"is {margin_mode}" if margin_mode is not None else "is not known"
        words = f"the margin mode of {instrument.name} {told}: set it first, while it is flat"
        raise BadRequest(VENUE, words)
    if request.type.has_trigger:
        is_pair = request.reduce_only and request.type in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
        if request.take_profit is not None or (request.stop_loss is not None and not is_pair):
            raise BadRequest(VENUE, "take profit and stop loss go along with plain orders only")
        if request.reduce_only and (request.post_only or request.time_in_force != "gtc"):
            raise BadRequest(VENUE, "an exit can neither be post-only nor have a time in force")
    elif request.reduce_only and (request.take_profit is not None or request.stop_loss is not None):
        raise BadRequest(VENUE, "what closes a position has no take profit or stop loss of its own")


def leverage_of(request: OrderRequest, known: int | None, instrument: Instrument) -> int | None:
    """Returns the leverage that an order carries: its own, else the one that is `known` for sure, else none.

    What closes has its position's, and no other is taken. One that was guessed could change what a trader has set.
    """
    if request.leverage is None or request.reduce_only:
        return known
    if instrument.max_leverage > 1 and request.leverage > instrument.max_leverage:
        raise BadRequest(VENUE, f"{instrument.name} takes {instrument.max_leverage:f}x at most")
    return int(request.leverage)


def check_leverage(request: OrderRequest, known: int | None) -> None:
    """What waits carries no leverage: it has the contract's once it is triggered, what closes its position's."""
    if request.leverage not in (None, known) and not request.reduce_only:
        told = f"{known}x" if known is not None else "not known"
        raise BadRequest(VENUE, f"what waits takes the contract's leverage, which is {told}: set that first")
