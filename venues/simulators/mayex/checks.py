"""What Mayex refuses about an order by its numbers alone, and the order that the local exchange is given."""

from __future__ import annotations

from decimal import Decimal

from venues.model import Instrument, OrderType, Side
from venues.rounding import is_multiple
from venues.simulators.mayex.markets import BAND, TERMS
from venues.simulators.mayex.refusals import Refusal
from venues.simulators.mayex.tickets import Draft, Ticket
from venues.simulators.orders import OrderWish
from venues.simulators.perpetuals.market import market_limit


def check_draft(draft: Draft, instrument: Instrument, mark: Decimal) -> None:
    """Raises Refusal where an order does not fit the symbol, or itself."""
    kind = draft.kind
    if draft.lots < 1 and not draft.close_position:
        raise Refusal(204)
    terms = TERMS[draft.symbol]
    if not draft.is_closing and draft.lots * instrument.lot_size < terms.least:
        raise Refusal(206)
    most = terms.most_at_market if kind.is_market else instrument.max_quantity
    if most is not None and draft.lots * instrument.lot_size > most:
        raise Refusal(205)
    if kind.is_market and draft.time_in_force == "POST_ONLY":
        raise Refusal(219)
    if not kind.is_market:
        _check_price(draft, instrument, mark)
    if kind.waits:
        _check_trigger(draft, instrument)
    elif draft.trigger is not None:
        raise Refusal(217)
    if draft.close_position and not draft.is_closing:
        raise Refusal(219)
    _check_exits(draft, instrument, mark)


def _check_price(draft: Draft, instrument: Instrument, mark: Decimal) -> None:
    price = draft.price
    if price is None:
        raise Refusal(4001)
    if price <= 0:
        raise Refusal(201)
    if not is_multiple(price, instrument.tick_size):
        raise Refusal(203)
    reference = draft.trigger.price if draft.trigger is not None else mark
    band = reference * BAND
    if price > reference + band if draft.side is Side.BUY else price < reference - band:
        raise Refusal(4051)


def _check_trigger(draft: Draft, instrument: Instrument) -> None:
    if draft.trigger is None:
        raise Refusal(4060)
    if draft.trigger.price <= 0 or not is_multiple(draft.trigger.price, instrument.tick_size):
        raise Refusal(208)
    if not draft.kind.is_conditional and not draft.is_closing:
        raise Refusal(4013)


def _check_exits(draft: Draft, instrument: Instrument, mark: Decimal) -> None:
    if draft.profit is None and draft.stop is None:
        return
    if draft.is_closing:
        raise Refusal(217)
    entry = draft.price or (draft.trigger.price if draft.trigger is not None else mark)
    for found, sign in ((draft.profit, 1), (draft.stop, -1)):
        if found is None:
            continue
        if found.price <= 0 or not is_multiple(found.price, instrument.tick_size):
            raise Refusal(208)
        if (found.price - entry) * sign * draft.position_side.sign <= 0:
            raise Refusal(4006)


def rises(draft: Draft, price: Decimal) -> bool:
    """Says whether a trigger is reached from below; `price` is the one that it watches, as it is now.

    Raises:
        Refusal: it is reached already.
    """
    trigger = draft.trigger
    if trigger is None:
        raise Refusal(4060)
    if draft.kind.is_conditional:
        is_rising = trigger.price > price
    else:
        is_stop = draft.kind.value.startswith("STOP")
        is_rising = (draft.side is Side.BUY) is is_stop
    if trigger.price <= price if is_rising else trigger.price >= price:
        raise Refusal(4006)
    return is_rising


def wish_of(ticket: Ticket, instrument: Instrument) -> OrderWish:
    """Returns the order for the book. One at the market is a limit around the best price."""
    draft = ticket.draft
    price = draft.price
    if draft.kind.is_market:
        price = market_limit(ticket.price, draft.side, instrument)
    return OrderWish(
        symbol=draft.symbol,
        side=draft.side,
        type=OrderType.LIMIT,
        quantity=ticket.lots * instrument.lot_size,
        price=price,
        time_in_force=draft.local_time_in_force,
        post_only=draft.time_in_force == "POST_ONLY",
        client_id=draft.client_id,
        source="elsewhere" if draft.is_foreign else "",
        is_foreign=draft.is_foreign,
    )
