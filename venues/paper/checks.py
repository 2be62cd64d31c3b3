"""What the paper exchange refuses about a request, before it looks at the book or at the money."""

from __future__ import annotations

import re
from decimal import Decimal

from venues.commands import OrderRequest
from venues.errors import OrderRejected
from venues.model import ZERO, Instrument, OrderType, Side, TimeInForce
from venues.rounding import ceil_to, is_multiple, order_faults

_OWN_IDS = re.compile(r"(tp|sl|liq)\d+")  # what the exchange calls the orders that it makes itself


def check_request(venue: str, instrument: Instrument, request: OrderRequest, reference: Decimal | None) -> None:
    """Raises OrderRejected where the request breaks a rule of the instrument; `reference` is the price that a
    market order is expected to trade at."""
    if not instrument.is_tradable:
        words = instrument.note or "trading is halted"
        raise OrderRejected(venue, f"{instrument.name} can not be traded: {words}", "NOT_TRADABLE")
    if _OWN_IDS.fullmatch(request.client_order_id):
        raise OrderRejected(venue, "this client order id is reserved for the exchange", "RESERVED_ID")
    if request.post_only and request.type is not OrderType.LIMIT:
        raise OrderRejected(venue, "only a limit order can be post-only", "POST_ONLY")
    if request.type is OrderType.MARKET and request.time_in_force is TimeInForce.FOK:
        raise OrderRejected(venue, "fill-or-kill needs a limit order", "TIME_IN_FORCE")
    if request.position_id not in (None, "net"):
        raise OrderRejected(venue, "positions are one-way here: the only one is 'net'", "POSITION_ID")
    _check_perpetual_fields(venue, instrument, request)
    expected = request.price or request.trigger_price or reference
    if request.price is None and expected is not None:
        expected = ceil_to(expected, instrument.tick_size)
    check_steps(venue, instrument, request.quantity, expected, is_closing=request.reduce_only)
    check_price_steps(venue, instrument, request.trigger_price, "trigger price")
    _check_exits(venue, instrument, request, reference)


def check_steps(
    venue: str, instrument: Instrument, quantity: Decimal, price: Decimal | None, *, is_closing: bool
) -> None:
    """Raises OrderRejected on a wrong tick, lot, minimum or maximum; closing needs no minimum notional."""
    faults = order_faults(instrument, quantity, None if is_closing else price)
    if is_closing:
        check_price_steps(venue, instrument, price, "price")
    if faults:
        raise OrderRejected(venue, "; ".join(faults), "FILTER")


def check_price_steps(venue: str, instrument: Instrument, price: Decimal | None, what: str) -> None:
    if price is not None and not is_multiple(price, instrument.tick_size):
        raise OrderRejected(venue, f"{what} must be a multiple of {instrument.tick_size:f}", "FILTER")


def _check_perpetual_fields(venue: str, instrument: Instrument, request: OrderRequest) -> None:
    if instrument.is_perpetual:
        return
    for what, is_given in (
        ("reduce-only", request.reduce_only),
        ("leverage", request.leverage is not None),
        ("a margin mode", request.margin_mode is not None),
        ("an attached take-profit", request.take_profit is not None),
        ("an attached stop-loss", request.stop_loss is not None),
    ):
        if is_given:
            raise OrderRejected(venue, f"{instrument.name} is spot: it has no {what}", "SPOT")


def _check_exits(venue: str, instrument: Instrument, request: OrderRequest, reference: Decimal | None) -> None:
    if request.take_profit is None and request.stop_loss is None:
        return
    if request.reduce_only:
        raise OrderRejected(venue, "an order that only reduces has no exits of its own", "EXITS")
    check_price_steps(venue, instrument, request.take_profit, "take profit")
    check_price_steps(venue, instrument, request.stop_loss, "stop loss")
    entry = request.price or request.trigger_price or reference
    if entry is None:
        return
    sign = request.side.sign
    beyond, before = ("above", "below") if request.side is Side.BUY else ("below", "above")
    if request.take_profit is not None and (request.take_profit - entry) * sign <= ZERO:
        raise OrderRejected(venue, f"the take profit must be {beyond} {entry:f}", "EXITS")
    if request.stop_loss is not None and (request.stop_loss - entry) * sign >= ZERO:
        raise OrderRejected(venue, f"the stop loss must be {before} {entry:f}", "EXITS")
