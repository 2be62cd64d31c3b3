"""The texts of a ticket turned into prices and sizes on tick and lot, with what is known now.

Each `read_*` raises ExpressionError with a sentence for the field it belongs to.
"""

from __future__ import annotations

from decimal import Decimal

from tui.desk.appraisal import Context
from tui.desk.estimate import affordable, opposite_levels
from tui.desk.expressions import (
    Anchor,
    ExpressionError,
    SizeUnit,
    parse_exit,
    parse_number,
    parse_price,
    parse_size,
)
from venues.model import ZERO, OrderType, Position, Side
from venues.rounding import floor_to, nearest_to, passive_price

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def read_price(text: str, side: Side, context: Context) -> Decimal:
    """Returns the limit price, rounded so that the order never pays more than was typed."""
    tick = context.instrument.tick_size
    typed = parse_price(text, _example(context)).resolve(context.anchors, tick)
    return _above_zero(passive_price(typed, side, tick), tick)


def read_trigger(text: str, order_type: OrderType, side: Side, context: Context) -> Decimal:
    """Returns the trigger price on the nearest tick; one that is reached already is refused."""
    tick = context.instrument.tick_size
    typed = parse_price(text, _example(context)).resolve(context.anchors, tick)
    trigger = _above_zero(nearest_to(typed, tick), tick)
    last = context.anchors.get(Anchor.LAST)
    # A stop waits for the price to go against the holder, a take-profit for it to go in his favour.
    waits_above = (side is Side.BUY) is (order_type in _STOPS)
    if last is not None and (trigger <= last if waits_above else trigger >= last):
        where = "above" if waits_above else "below"
        raise ExpressionError(f"reached already: it must be {where} the last price, {last:,f}")
    return trigger


def read_exit(text: str, side: Side, entry: Decimal | None, context: Context, *, is_profit: bool) -> Decimal:
    """Returns a take-profit or stop-loss of an order of `side`, rounded in the holder's favour."""
    tick = context.instrument.tick_size
    anchors = {} if entry is None else {Anchor.ENTRY: entry}
    example = "+1%" if (side is Side.BUY) is is_profit else "-1%"
    typed = parse_exit(text, example).resolve(anchors, tick)
    price = _above_zero(passive_price(typed, side.opposite, tick), tick)
    must_be_above = (side is Side.BUY) is is_profit
    if entry is not None and (price <= entry if must_be_above else price >= entry):
        name = "take-profit" if is_profit else "stop-loss"
        where = "above" if must_be_above else "below"
        raise ExpressionError(f"the {name} of a {side} is {where} its entry, like {example}")
    return price


def read_leverage(text: str, context: Context) -> Decimal | None:
    """Returns the leverage, or None for "as it is set at the venue"."""
    text = text.strip().lower().removesuffix("x").strip()
    if not text:
        return None
    leverage, most = parse_number(text, "10"), context.instrument.max_leverage
    if not 1 <= leverage <= most:
        raise ExpressionError(f"from 1 to {most:f} here")
    return leverage


def read_size(
    text: str,
    side: Side,
    context: Context,
    *,
    price: Decimal | None,
    leverage: Decimal | None = None,
    position: Position | None = None,
    is_maker: bool = False,
) -> Decimal:
    """Returns the size in base units, rounded down to the lot.

    `price` is the limit or trigger price, None at market, where the levels shown are walked; `position` is what
    a share of the position is taken of; `is_maker` that only the maker's fee can be due.
    """
    instrument = context.instrument
    typed = parse_size(text, instrument.base, instrument.quote)
    match typed.unit:
        case SizeUnit.BASE:
            wanted = typed.value
        case SizeUnit.QUOTE:
            wanted = _bought_for(typed.value, Decimal(1), side, price, context)
        case SizeUnit.POSITION:
            if not instrument.is_perpetual:
                raise ExpressionError("spot has no position: write 50% balance")
            if position is None:
                raise ExpressionError("there is no position here")
            wanted = abs(position.quantity) * typed.value
        case SizeUnit.BALANCE:
            wanted = _share_of_balance(typed.value, side, context, price, leverage, position, is_maker)
    size = floor_to(wanted, instrument.lot_size)
    if size <= 0:
        raise ExpressionError(f"that is less than one lot of {instrument.lot_size:f} {instrument.base}")
    return size


def _share_of_balance(
    share: Decimal,
    side: Side,
    context: Context,
    price: Decimal | None,
    leverage: Decimal | None,
    position: Position | None,
    is_maker: bool,
) -> Decimal:
    instrument = context.instrument
    is_spot_sell = not instrument.is_perpetual and side is Side.SELL
    currency = instrument.base if is_spot_sell else instrument.settle
    available = context.available(currency)
    where = f" in the {context.wallet}" if context.wallet else ""
    if available is None:
        raise ExpressionError(f"the balance{where} is not known yet")
    if available <= 0:
        raise ExpressionError(f"no {currency} is free{where}")
    if is_spot_sell:
        return available * share
    # The dearest fee that may be due: a limit order that does not rest pays the taker's.
    fees = (instrument.maker_fee,) if is_maker else (instrument.maker_fee, instrument.taker_fee)
    factor = Decimal(1)
    if instrument.is_perpetual:
        # With no leverage known the whole notional is set aside: rather too small than too large.
        factor /= leverage or (position.leverage if position is not None else ZERO) or Decimal(1)
    return _bought_for(available * share, factor + max(ZERO, *fees), side, price, context)


def _bought_for(amount: Decimal, factor: Decimal, side: Side, price: Decimal | None, context: Context) -> Decimal:
    """Returns what `amount` stands for, `factor` of it being needed for a unit of notional."""
    if price is None:
        book = context.book
        if book is not None and book.is_valid and opposite_levels(book, side):
            return affordable(opposite_levels(book, side), amount, factor)
        price = context.reference
    elif side is Side.SELL:
        # A sale below the bid trades at the bid, and needs margin for that.
        price = max(price, context.anchors.get(Anchor.BID, price))
    if price is None:
        raise ExpressionError(f"no price is known now: write the size in {context.instrument.base}")
    return amount / (price * factor)


def _example(context: Context) -> str:
    """Writes a price of this instrument, for a message to show how one is typed."""
    last = context.reference
    return "60623.5" if last is None else f"{nearest_to(last, context.instrument.tick_size):f}"


def _above_zero(price: Decimal, tick: Decimal) -> Decimal:
    if price <= 0:
        raise ExpressionError(f"that is below one tick of {tick:f}")
    return price
