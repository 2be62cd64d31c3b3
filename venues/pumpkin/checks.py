"""What is checked of an order before any byte of it leaves, and the contracts that the wire counts in.

The venue would refuse all of it: by codes that are all the same, after a round trip, and for the price of a fifth
of what a fresh minute's quota leaves to others.

Raises (all that check):
    BadRequest: in a trader's words. Nothing was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction

from venues.commands import OrderRequest
from venues.errors import BadRequest
from venues.model import ZERO, Instrument, MarginMode, OrderType, Side
from venues.pumpkin import VENUE

# Products and remainders of money are exact or they are wrong; the default context cuts at 28 digits.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_MOST_CONTRACTS = 10**20 - 1  # digits that a quantity may have on the wire


def contracts_of(quantity: Decimal, instrument: Instrument) -> int:
    """Returns base units as whole contracts, exactly; what is left over is refused, never rounded."""
    size = instrument.contract_size
    contracts = Fraction(quantity) / Fraction(size)
    if contracts.denominator != 1:
        words = f"one contract is {size:f} {instrument.base}: {quantity:f} is no whole number of them"
        raise BadRequest(VENUE, words)
    if not 1 <= contracts.numerator <= _MOST_CONTRACTS:
        raise BadRequest(VENUE, f"{quantity:f} {instrument.base} is no size of an order")
    return contracts.numerator


def base_of(contracts: Decimal | int, contract_size: Decimal) -> Decimal:
    """Returns contracts as base units, exactly."""
    return _EXACT.multiply(Decimal(contracts), contract_size)


def check_size(request: OrderRequest, instrument: Instrument, price: Decimal | None) -> int:
    """Returns the whole contracts of an order; `price` is what it is worth a unit, None where nobody knows.

    What closes may be as small as what is left, and as large as what is held.
    """
    contracts = contracts_of(request.quantity, instrument)
    if request.reduce_only:
        return contracts
    if instrument.max_quantity is not None and request.quantity > instrument.max_quantity:
        raise BadRequest(VENUE, f"size is above the maximum of {instrument.max_quantity:f} {instrument.base}")
    if request.quantity < instrument.min_quantity:
        raise BadRequest(VENUE, f"size is below the minimum of {instrument.min_quantity:f} {instrument.base}")
    if price is not None and _EXACT.multiply(request.quantity, price) < instrument.min_notional:
        raise BadRequest(VENUE, f"order is below the minimum of {instrument.min_notional:f} {instrument.quote}")
    return contracts


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
            raise BadRequest(VENUE, f"{name} must be a multiple of {instrument.tick_size:f}")


def check_band(request: OrderRequest, instrument: Instrument, reference: Decimal | None) -> None:
    """A limit price lies within the band around `reference`: the mark, or of a plan order its trigger."""
    price = request.price
    if price is None or reference is None:
        return
    if request.side is Side.BUY and instrument.band_up is not None:
        most = _EXACT.multiply(reference, 1 + instrument.band_up)
        if price > most:
            raise BadRequest(VENUE, f"the price is above {most:f}, the most that a buy may bid now")
    if request.side is Side.SELL and instrument.band_down is not None:
        least = _EXACT.multiply(reference, 1 - instrument.band_down)
        if price < least:
            raise BadRequest(VENUE, f"the price is below {least:f}, the least that a sell may ask now")


def check_trigger(request: OrderRequest, price: Decimal, name: str) -> None:
    """A trigger lies ahead of the price that is watched, called `name`.

    What the venue does with one that is reached already nobody says.
    """
    trigger = request.trigger_price
    if trigger is None:
        return
    is_stop = request.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    _check_ahead("trigger", trigger, price, is_above=(request.side is Side.BUY) is is_stop, of=name)
    if request.reduce_only and request.stop_loss is not None:  # the other trigger of the same entry
        _check_ahead("stop loss", request.stop_loss, price, is_above=request.side is Side.BUY, of=name)


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
        _check_ahead("take profit", request.take_profit, entry, is_above=is_buy, of="price")
    if request.stop_loss is not None:
        _check_ahead("stop loss", request.stop_loss, entry, is_above=not is_buy, of="price")
        is_beyond = mark is not None and (entry > mark if is_buy else entry < mark)
        if mark is not None and is_beyond:
            _check_ahead("stop loss", request.stop_loss, mark, is_above=not is_buy, of="mark price")


def check_abilities(request: OrderRequest, instrument: Instrument, margin_mode: MarginMode | None) -> None:
    """What this venue does not have, or has only for some orders; `margin_mode` is the contract's, if known."""
    has_exits = request.take_profit is not None or request.stop_loss is not None
    if request.reduce_only and not request.position_id:
        raise BadRequest(VENUE, "what only reduces must name the position that it closes")
    if request.position_id and not request.reduce_only:
        raise BadRequest(VENUE, "what names a position must only reduce it: all else opens one")
    if request.in_margin_wallet:
        raise BadRequest(VENUE, "there is no margin wallet here")
    if request.leverage is not None and request.leverage != request.leverage.to_integral_value():
        raise BadRequest(VENUE, f"leverage is a whole number here, not {request.leverage:f}")
    if request.margin_mode not in (None, margin_mode) and not request.reduce_only:
        told = f"is {margin_mode}" if margin_mode is not None else "is not known"
        words = f"the margin mode of {instrument.name} {told}: set it first, while it is flat"
        raise BadRequest(VENUE, words)
    if not instrument.is_tradable and not request.reduce_only:
        raise BadRequest(VENUE, instrument.note or f"{instrument.name} is not traded now")
    if request.type.has_trigger:
        is_pair = request.reduce_only and request.type in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
        if request.take_profit is not None or (request.stop_loss is not None and not is_pair):
            raise BadRequest(VENUE, "take profit and stop loss go along with plain orders only")
        if request.reduce_only and (request.post_only or request.time_in_force != "gtc"):
            raise BadRequest(VENUE, "an exit can neither be post-only nor have a time in force")
    elif request.reduce_only and has_exits:
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


def value_of(request: OrderRequest, mark: Decimal | None) -> Decimal | None:
    """Returns the price that an order is expected to trade at; None where nobody knows."""
    return request.price or request.trigger_price or mark


def _check_ahead(name: str, price: Decimal, market: Decimal, *, is_above: bool, of: str) -> None:
    if (price > market) if is_above else (ZERO < price < market):
        return
    where = "above" if is_above else "below"
    raise BadRequest(VENUE, f"the {name} must lie {where} the {of}, {market:f}")
