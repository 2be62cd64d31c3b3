"""What is checked of an order of perpetuals before any byte of it leaves, where long and short stand side by side.

A venue would refuse all of it: after a round trip, and often by one code for all.

Raises (all that check):
    BadRequest: in a trader's words. Nothing was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction

from venues.commands import OrderRequest
from venues.errors import BadRequest
from venues.model import ZERO, Instrument, OrderType, Side

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""Products of money are exact or they are wrong; the default context cuts at 28 digits."""


def check_ticks(request: OrderRequest, instrument: Instrument) -> None:
    """Every price of an order is on the tick."""
    prices: Iterable[tuple[str, Decimal | None]] = (
        ("price", request.price),
        ("trigger price", request.trigger_price),
        ("take profit", request.take_profit),
        ("stop loss", request.stop_loss),
    )
    for name, price in prices:
        if price is not None and Fraction(price) % Fraction(instrument.tick_size):
            raise BadRequest(instrument.id.venue, f"{name} must be a multiple of {instrument.tick_size:f}")


def check_limits(request: OrderRequest, instrument: Instrument, price: Decimal | None) -> None:
    """A size lies within the instrument's limits; `price` is what it is worth a unit, None where nobody knows.

    What closes may be as small as what is left, and as large as what is held.
    """
    if request.reduce_only:
        return
    venue, base = instrument.id.venue, instrument.base
    if instrument.max_quantity is not None and request.quantity > instrument.max_quantity:
        raise BadRequest(venue, f"size is above the maximum of {instrument.max_quantity:f} {base}")
    if request.quantity < instrument.min_quantity:
        raise BadRequest(venue, f"size is below the minimum of {instrument.min_quantity:f} {base}")
    if price is not None and EXACT.multiply(request.quantity, price) < instrument.min_notional:
        raise BadRequest(venue, f"order is below the minimum of {instrument.min_notional:f} {instrument.quote}")


def check_band(request: OrderRequest, instrument: Instrument, reference: Decimal | None) -> None:
    """A limit price lies within the band around `reference`: the mark, or of what waits its trigger."""
    price, venue = request.price, instrument.id.venue
    if price is None or reference is None:
        return
    if request.side is Side.BUY and instrument.band_up is not None:
        most = EXACT.multiply(reference, 1 + instrument.band_up)
        if price > most:
            raise BadRequest(venue, f"the price is above {most:f}, the most that a buy may bid now")
    if request.side is Side.SELL and instrument.band_down is not None:
        least = EXACT.multiply(reference, 1 - instrument.band_down)
        if price < least:
            raise BadRequest(venue, f"the price is below {least:f}, the least that a sell may ask now")


def check_trigger(request: OrderRequest, price: Decimal, name: str) -> None:
    """A trigger lies ahead of the price that is watched, called `name`.

    What a venue does with one that is reached already is seldom documented.
    """
    trigger = request.trigger_price
    if trigger is None:
        return
    _check_ahead(request, "trigger", trigger, price, is_above=rises(request), of=name)
    if request.reduce_only and request.stop_loss is not None:  # the other trigger of the same entry
        _check_ahead(request, "stop loss", request.stop_loss, price, is_above=request.side is Side.BUY, of=name)


def rises(request: OrderRequest) -> bool:
    """Says whether the price has to rise for an order that waits to be triggered."""
    is_stop = request.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return (request.side is Side.BUY) is is_stop


def check_attached(request: OrderRequest, mark: Decimal | None) -> None:
    """A take-profit lies where the position would win, a stop-loss where it would lose.

    An order whose limit is beyond the market trades at the market: its stop is reached at once unless it lies
    beyond both.
    """
    entry = request.price or mark
    if entry is None or request.type.has_trigger:
        return
    is_buy = request.side is Side.BUY
    if request.take_profit is not None:
        _check_ahead(request, "take profit", request.take_profit, entry, is_above=is_buy, of="price")
    if request.stop_loss is not None:
        _check_ahead(request, "stop loss", request.stop_loss, entry, is_above=not is_buy, of="price")
        is_beyond = mark is not None and (entry > mark if is_buy else entry < mark)
        if mark is not None and is_beyond:
            _check_ahead(request, "stop loss", request.stop_loss, mark, is_above=not is_buy, of="mark price")


def check_position(request: OrderRequest, instrument: Instrument) -> None:
    """What closes names its position, what opens none; and what can not be traded is only closed."""
    venue = instrument.id.venue
    if request.reduce_only and not request.position_id:
        raise BadRequest(venue, "what only reduces must name the position that it closes")
    if request.position_id and not request.reduce_only:
        raise BadRequest(venue, "what names a position must only reduce it: all else opens one")
    if request.in_margin_wallet:
        raise BadRequest(venue, "there is no margin wallet here")
    if not instrument.is_tradable and not request.reduce_only:
        raise BadRequest(venue, instrument.note or f"{instrument.name} is not traded now")


def value_of(request: OrderRequest, mark: Decimal | None) -> Decimal | None:
    """Returns the price that an order is expected to trade at; None where nobody knows."""
    return request.price or request.trigger_price or mark


def _check_ahead(
    request: OrderRequest, name: str, price: Decimal, market: Decimal, *, is_above: bool, of: str
) -> None:
    if (price > market) if is_above else (ZERO < price < market):
        return
    where = "above" if is_above else "below"
    raise BadRequest(request.instrument.venue, f"the {name} must lie {where} the {of}, {market:f}")
