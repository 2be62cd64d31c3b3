"""What Pumpkin refuses about an order by its numbers alone, and the order that the local exchange is given."""

from __future__ import annotations

from decimal import Decimal

from venues.model import Instrument, OrderType, Side
from venues.rounding import is_multiple
from venues.simulators.core import LocalExchange
from venues.simulators.orders import OrderWish
from venues.simulators.perpetuals.market import market_limit
from venues.simulators.pumpkin.markets import BAND, MAX_NOTIONAL, MAX_ORDERS, MIN_NOTIONAL
from venues.simulators.pumpkin.refusals import Refusal, invalid
from venues.simulators.pumpkin.tickets import Draft, Ticket


def check_limits(draft: Draft, instrument: Instrument, mark: Decimal, open_orders: int) -> None:
    """Raises Refusal where size or price is outside of what the symbol takes."""
    if open_orders >= MAX_ORDERS:
        raise Refusal("open_order_max_limit")
    if draft.contracts < 1:
        raise invalid("quantity")
    price = mark
    if not draft.is_market:
        if draft.price is None:
            raise invalid("price")
        price = draft.price
        check_price(price, instrument, "price")
        is_beyond = price > mark * (1 + BAND) if draft.side is Side.BUY else price < mark * (1 - BAND)
        if is_beyond:
            raise invalid("price")
    value = price * draft.contracts * instrument.contract_size
    if not draft.is_closing and value < MIN_NOTIONAL:
        raise Refusal("open_order_min_nominal_value_limit")
    if value > MAX_NOTIONAL:
        raise Refusal("open_order_max_nominal_value_limit")


def check_price(price: Decimal, instrument: Instrument, name: str) -> None:
    """Raises Refusal where a price is not above zero and on the tick."""
    if price <= 0 or not is_multiple(price, instrument.tick_size):
        raise invalid(name)


def check_exits(draft: Draft, instrument: Instrument, mark: Decimal) -> None:
    """Raises Refusal where a take-profit or a stop lies on the wrong side of the entry."""
    profit, stop = draft.exits
    if profit is None and stop is None:
        return
    if draft.is_closing:
        raise invalid("trigger_profit_price" if profit is not None else "trigger_stop_price")
    entry = mark if draft.is_market or draft.price is None else draft.price
    for found, sign, name in ((profit, 1, "trigger_profit_price"), (stop, -1, "trigger_stop_price")):
        if found is None:
            continue
        check_price(found.trigger, instrument, name)
        if found.price is not None:
            check_price(found.price, instrument, "price")
        if (found.trigger - entry) * sign * draft.position_side.sign <= 0:
            raise invalid(name)


def wish_of(draft: Draft, ticket: Ticket, instrument: Instrument, market: LocalExchange) -> OrderWish:
    """Returns the order for the book. One at the market is a limit at the bound around the best price.

    Raises:
        Refusal: it is at the market, and there is nobody to trade with.
    """
    price = draft.price
    if draft.is_market:
        if not market.top(draft.symbol)[1 if draft.side is Side.BUY else 0]:
            raise Refusal("no_counterparty")
        price = market_limit(ticket.price, draft.side, instrument)
    return OrderWish(
        symbol=draft.symbol,
        side=draft.side,
        type=OrderType.LIMIT,
        quantity=draft.contracts * instrument.contract_size,
        price=price,
        time_in_force=draft.local_time_in_force,
        post_only=draft.time_in_force == "GTX" and not draft.is_market,
        client_id=draft.client_id,
        source="elsewhere" if draft.is_foreign else "",
        is_foreign=draft.is_foreign,
    )
