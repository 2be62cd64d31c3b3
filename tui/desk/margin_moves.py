"""What stands between a wish to change the margin of an isolated position and the wire.

Adding takes risk off: it passes the lock and the day's loss. Taking out meets what every order that adds risk
meets, leaves the initial margin, and is asked about where it brings the liquidation near.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tui.desk.control import FundsIntent, Reason
from tui.desk.facts import figure
from tui.desk.frame import PositionView
from tui.desk.guards import Guards
from tui.desk.inert import sanitise
from tui.desk.link import Link
from tui.desk.position_estimate import NEAR, distance_of, is_past, liquidation_with, removable
from tui.desk.store import Store
from tui.desk.views import position_view
from venues.commands import FundsKind, FundsRequest
from venues.model import NANOSECONDS, InstrumentId, MarginMode
from venues.port import MovesFunds
from venues.rounding import floor_to

_CENT = Decimal("0.01")


def margin_denials(intent: FundsIntent, link: Link, store: Store, guards: Guards, now: int) -> Iterator[Reason]:
    """Yields what no change of this margin passes; `now` in nanoseconds."""
    if not isinstance(link.venue, MovesFunds) or not link.venue.capabilities.position_margin:
        yield Reason("supported", f"{link.name} does not let the margin of a position be changed")
        return
    view = _view(intent.instrument, intent.position_id, store)
    if view is None or intent.venue != view.instrument.id.venue:
        yield Reason("position", "there is no such position")
        return
    if view.position.margin_mode is not MarginMode.ISOLATED:
        yield Reason("position", "it is a cross position: all that is available stands behind it already")
        return
    settle = sanitise(view.instrument.settle, 32)
    if intent.currency != view.instrument.settle:
        yield Reason("currency", f"its margin is in {settle}")
        return
    if (nothing := not_an_amount(intent)) is not None:
        yield nothing
        return
    yield from standing_denials(intent, link, guards, now, "positions are")
    if intent.kind.adds_risk:
        yield from _beyond(intent, view, settle)
        return
    held = store.ledger.balances.get(link.name, {}).get(intent.currency)
    if held is not None and intent.amount > held.available:
        free = f"{figure(held.available)} {settle} is free" if held.available > 0 else f"no {settle} is free"
        yield Reason("size", free)


def not_an_amount(intent: FundsIntent) -> Reason | None:
    """Returns the reason against an amount with which nothing can be compared."""
    is_amount = intent.amount.is_finite() and intent.amount > 0
    return None if is_amount else Reason("steps", "the amount must be above zero")


def standing_denials(intent: FundsIntent, link: Link, guards: Guards, now: int, what: str) -> Iterator[Reason]:
    """Yields what stands against any move of funds now; of one that adds risk also while `what` is read back."""
    if link.fault:
        yield Reason("venue", link.fault)
    if intent.kind.adds_risk:
        yield from guards.against_risk(now)
        if not link.is_reconciled:
            yield Reason("reconciling", f"{what} being read back from the venue")


def margin_questions(intent: FundsIntent, store: Store, now: int) -> Iterator[Reason]:
    """Yields what is asked about a change that nothing denies; `now` in nanoseconds."""
    view = _view(intent.instrument, intent.position_id, store)
    if view is None or intent.kind is FundsKind.ADD_MARGIN:
        return
    market = store.markets[view.instrument.id]
    if market.fresh_mark(now) is None:
        age = (now - market.mark.ts_event) // NANOSECONDS if market.mark is not None else 0
        known = f"its mark is {age} s old" if age else "it has no mark"
        yield Reason("fresh", f"{known}: what may be taken out can not be told by it")
    price = liquidation_with(view, view.position.margin - intent.amount)
    distance = distance_of(price, view.mark)
    if distance is not None and distance < NEAR:
        yield Reason("liquidation", f"its {_words(view, price)}")


def effect_words(request: FundsRequest, store: Store) -> str:
    """Says where a position is liquidated once its margin was changed; empty where that is not known."""
    view = _view(request.instrument, request.position_id, store)
    if view is None or request.held_before is None:
        return ""
    signed = -request.amount if request.kind.adds_risk else request.amount
    return _words(view, liquidation_with(view, request.held_before + signed))


def _beyond(intent: FundsIntent, view: PositionView, settle: str) -> Iterator[Reason]:
    most = removable(view)
    if view.mark is None:
        yield Reason("size", "no mark is known, so that it can not be told what may be taken out")
    elif most is not None and intent.amount > most:
        left = f"{figure(floor_to(most, _CENT))} {settle}" if most >= _CENT else "nothing"
        yield Reason("size", f"{left} can be taken out: the rest is its initial margin, and what it has lost")
    elif is_past(view, price := liquidation_with(view, view.position.margin - intent.amount)):
        yield Reason("liquidation", f"it would be liquidated at once: {_words(view, price)}")


def _view(instrument: InstrumentId | None, position_id: str, store: Store) -> PositionView | None:
    if instrument is None:
        return None
    position, market = store.ledger.positions.get((instrument, position_id)), store.markets.get(instrument)
    if position is None or market is None or not position.quantity:
        return None
    return position_view(position, market.instrument, "", market.price())


def _words(view: PositionView, price: Decimal | None) -> str:
    if price is None:
        return "liquidation would be at no price"
    distance = distance_of(price, view.mark)
    away = f", {distance:.1%} from the mark" if distance is not None else ""
    return f"liquidation would be at about {figure(price)}{away}"
