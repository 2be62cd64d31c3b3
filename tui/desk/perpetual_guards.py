"""What a perpetual's venue would not take of an order: its price band, its brackets, its margin, its positions.

These deny, in words, before anything is sent. What is not known denies nothing: the venue has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from tui.desk.control import OrderIntent, Reason
from tui.desk.exits import bound_by
from tui.desk.facts import figure, number_words
from venues.liquidation import most_leverage
from venues.model import ZERO, Instrument, OrderType, Position, Side
from venues.rounding import ceil_to, floor_to

if TYPE_CHECKING:
    from tui.desk.guards import MarketNow
    from tui.desk.orders import Tracked


def word_of(side: Side) -> str:
    """Returns what a position is called that an order of this side opens."""
    return "long" if side is Side.BUY else "short"


def reducible(positions: Iterable[Position], side: Side) -> tuple[Position, ...]:
    """Returns the positions that a reduce-only order of this side can be about."""
    return tuple(one for one in positions if one.quantity * side.sign < 0)


def which_words(positions: Iterable[Position], side: Side) -> str:
    """Says why it is not clear what a reduce-only order of this side closes; empty where one position is meant."""
    found, word = reducible(positions, side), word_of(side.opposite)
    if len(found) == 1:
        return ""
    if not found:
        return f"no {word} position here to reduce"
    names = ", ".join(f"{number_words(p.position_id).strip() or 'net'} ({figure(abs(p.quantity))})" for p in found)
    return f"several {word}s: {names}: begin from the row of one"


def about_position(
    intent: OrderIntent, market: MarketNow, orders: Iterable[Tracked]
) -> tuple[OrderIntent, MarketNow]:
    """Returns the wish with the position that it closes named, where only one can be meant, and the market with
    what of that position the open `orders` close already.
    """
    if not market.capabilities.position_sides or not intent.reduce_only:
        return intent, market
    found = reducible(market.positions, intent.side)
    if intent.position_id is None and len(found) == 1:
        intent = msgspec.structs.replace(intent, position_id=found[0].position_id)
    held = next((one for one in found if one.position_id == intent.position_id), None)
    if held is None or market.is_reconciling or intent.type.has_trigger:  # an exit stands beside all others
        return intent, market
    bound = bound_by((tracked.order for tracked in orders if not tracked.in_flight), held)
    return intent, msgspec.structs.replace(market, bound=bound)


def position_faults(intent: OrderIntent, market: MarketNow) -> Iterator[Reason]:
    """Yields what stands against the position that a reduce-only order names, where long and short stand apart."""
    if not market.capabilities.position_sides or not intent.reduce_only or intent.in_margin_wallet:
        return
    if intent.position_id is None:
        yield Reason(
            "position", which_words(market.positions, intent.side) or "say which position is to be reduced"
        )
        return
    held = next((one for one in market.positions if one.position_id == intent.position_id), None)
    if held is None and not market.is_reconciling:
        yield Reason("position", f"position{number_words(intent.position_id)} is not open any more")
    elif held is not None and held.quantity * intent.side.sign >= 0:
        verb = "buying" if intent.side is Side.BUY else "selling"
        yield Reason("position", f"{verb} closes nothing of a {word_of(intent.side)} position")
    elif held is not None and intent.type.has_trigger and intent.quantity > abs(held.quantity):
        # An edit would cancel an exit for one that is refused. A close is for the venue to judge.
        yield Reason("position", f"{figure(abs(held.quantity))} is all that there is of it")
    elif held is not None and market.bound and intent.quantity > (left := abs(held.quantity) - market.bound):
        rest = f"{figure(market.bound)} of {figure(abs(held.quantity))} rest in orders that close it"
        remedy = f"cancel those first{f', or close {figure(left)}' if left > 0 else ''}"
        yield Reason("position", f"{rest}: {remedy}")


def band_faults(intent: OrderIntent, market: MarketNow) -> Iterator[Reason]:
    """Yields a limit price beyond what the venue takes, of an order that goes to its book at once."""
    instrument, mark, price = market.instrument, market.mark, intent.price
    if price is None or mark is None or intent.type is not OrderType.LIMIT:
        return
    if intent.side is Side.BUY and instrument.band_up is not None:
        most = floor_to(mark * (1 + instrument.band_up), instrument.tick_size)
        if price > most:
            yield Reason(
                "band", f"the venue takes no buy above {most:f} now, {_percent(instrument.band_up)} above mark"
            )
    elif intent.side is Side.SELL and instrument.band_down is not None:
        least = ceil_to(mark * (1 - instrument.band_down), instrument.tick_size)
        if price < least:
            words = f"the venue takes no sale below {least:f} now, {_percent(instrument.band_down)} below mark"
            yield Reason("band", words)


def margin_faults(intent: OrderIntent, market: MarketNow) -> Iterator[Reason]:
    """Yields a leverage or margin mode that the venue would not take with the order."""
    can, instrument = market.capabilities, market.instrument
    if intent.reduce_only or not instrument.is_perpetual:
        return
    if intent.margin_mode is not None and can.margin_modes and intent.margin_mode not in can.margin_modes:
        yield Reason("supported", f"the venue has no {intent.margin_mode.value} margin")
    held = [one for one in market.positions if one.quantity]
    if (leverage := intent.leverage) is not None:
        if not can.leverage_of_order:
            yield Reason("supported", "no order has a leverage of its own here: set that first (M, then l)")
            return
        if not leverage.is_finite() or not 1 <= leverage <= instrument.max_leverage:
            yield Reason("leverage", f"leverage must be from 1 to {figure(instrument.max_leverage)}")
            return
        yield from _beyond_bracket(instrument, _size_after(intent, market, held), leverage)
    if not can.leverage_needs_flat:
        return
    for one in held:
        now = f"its position{number_words(one.position_id)} has {figure(one.leverage)}x {one.margin_mode.value}"
        if leverage is not None and one.leverage and leverage != one.leverage:
            yield Reason("leverage", f"{now}: neither is changed over it")
            return
        if intent.margin_mode not in (None, one.margin_mode):
            yield Reason("margin", f"{now}: neither is changed over it")
            return


def trigger_faults(intent: OrderIntent, market: MarketNow) -> Iterator[Reason]:
    """Yields triggers that are reached already, by the mark and by the market.

    Such an exit trades at once, or is refused: an edit would cancel a stop, and put nothing in its place.
    """
    if not intent.type.has_trigger or not market.capabilities.position_sides:
        return
    if market.mark is None or market.mid is None:
        return
    is_stop = intent.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    waits_above = (intent.side is Side.BUY) is is_stop
    triggers = [("trigger", intent.trigger_price, waits_above)]
    if intent.reduce_only:
        triggers.append(("stop loss", intent.stop_loss, intent.side is Side.BUY))
    for what, price, is_above in triggers:
        near = max(market.mark, market.mid) if not is_above else min(market.mark, market.mid)
        if price is not None and (price <= near if is_above else price >= near):
            where = "above" if is_above else "below"
            yield Reason("steps", f"its {what} is reached already: it must be {where} {figure(near)}")


def exit_faults(intent: OrderIntent, best: Decimal | None) -> Iterator[Reason]:
    """Yields exits on the wrong side of the entry, which would trade at once, and what can not be sent together.

    `best` is the price of the other side of the book now, at which what does not wait begins to trade.
    """
    if intent.reduce_only:
        # One entry with both triggers: a profit, and a stop on the other side of it.
        trigger, stop = intent.trigger_price, intent.stop_loss
        if intent.take_profit is not None:
            yield Reason("steps", "a reduce-only order has its take profit as its trigger")
        if stop is None:
            return
        if trigger is None or intent.type not in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT):
            yield Reason("steps", "a stop loss goes with a take-profit order only, of those that are reduce-only")
        elif (stop - trigger) * intent.side.sign <= 0:
            where = "below" if intent.side is Side.SELL else "above"
            yield Reason("steps", f"its stop loss must be {where} its take profit")
        return
    worst = intent.price or intent.trigger_price or best
    if worst is None:
        return
    # A limit price beyond the other side's best trades from that on: a stop between the two ends it at once.
    first = worst
    if best is not None and intent.type is OrderType.LIMIT:
        first = min(worst, best) if intent.side is Side.BUY else max(worst, best)
    for what, price, entry, is_above in (
        ("take profit", intent.take_profit, worst, intent.side is Side.BUY),
        ("stop loss", intent.stop_loss, first, intent.side is Side.SELL),
    ):
        if price is not None and (price <= entry if is_above else price >= entry):
            where = "above" if is_above else "below"
            yield Reason(
                "steps", f"the {what} of a {word_of(intent.side)} must be {where} its entry, {figure(entry)}"
            )


def _size_after(intent: OrderIntent, market: MarketNow, held: Iterable[Position]) -> Decimal:
    sign = intent.side.sign
    if not market.capabilities.position_sides:
        return abs(sum((one.quantity for one in held), ZERO) + sign * intent.quantity)
    return sum((abs(one.quantity) for one in held if one.quantity * sign > 0), intent.quantity)


def _beyond_bracket(instrument: Instrument, size: Decimal, leverage: Decimal) -> Iterator[Reason]:
    most = most_leverage(instrument, size)
    if not most:
        yield Reason("leverage", f"{figure(size)} {instrument.base} in all is more than any bracket takes")
    elif leverage > most:
        yield Reason("leverage", f"{figure(size)} {instrument.base} in all takes {figure(most)}x at most")


def _percent(fraction: Decimal) -> str:
    return f"{figure(fraction * 100)} %"
