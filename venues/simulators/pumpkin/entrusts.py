"""Plan orders, and take-profits with stops: they wait for a price and then place an order.

How a plan is triggered the document has lost; as everywhere a buy stop and a sell take-profit wait for the price
to rise, the other two for it to fall.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from venues.events import MarkPrice, Trade
from venues.model import Side
from venues.simulators.perpetuals.positions import HeldPosition, PositionSide
from venues.simulators.perpetuals.ranges import PriceKind, PriceRanges
from venues.simulators.pumpkin.checks import check_price
from venues.simulators.pumpkin.markets import MAX_ENTRUSTS
from venues.simulators.pumpkin.position_desk import closing_draft
from venues.simulators.pumpkin.refusals import Refusal, invalid
from venues.simulators.pumpkin.tickets import Draft, Exit, Exits, Ticket

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

LATEST, MARK = "LATEST_PRICE", "MARK_PRICE"
_KINDS = {MARK: PriceKind.MARK, LATEST: PriceKind.LAST}
PRICE_TYPES = tuple(_KINDS)
PLAN_TYPES = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
_KEPT = 2_000  # ended ones


class State(StrEnum):
    WAITING = "NOT_TRIGGERED"
    TRIGGERED = "TRIGGERED"
    CANCELED = "USER_REVOCATION"
    ENDED = "PLATFORM_REVOCATION"
    EXPIRED = "EXPIRED"


STATES = (*(state.value for state in State), "TRIGGERING")
"""By which lists are filtered; nothing is TRIGGERING for longer than it takes."""


class Plan(msgspec.Struct):
    """An order that waits for `trigger`, in the price that `price_type` names."""

    id: int
    kind: str
    draft: Draft
    trigger: Decimal
    price_type: str
    level: int | None
    expires: int  # nanoseconds UTC, 0 for never
    ts_created: int
    ts_event: int
    is_foreign: bool = False
    state: State = State.WAITING
    order_id: int = 0

    @property
    def symbol(self) -> str:
        return self.draft.symbol

    @property
    def is_rising(self) -> bool:
        return (self.draft.side is Side.BUY) is self.kind.startswith("STOP")

    def is_reached(self, low: Decimal, high: Decimal) -> bool:
        return high >= self.trigger if self.is_rising else low <= self.trigger


class Protection(msgspec.Struct):
    """A take-profit and a stop of a position; the first that is reached closes `contracts`, 0 for all."""

    id: int
    symbol: str
    side: PositionSide
    position_id: int
    contracts: int
    exits: Exits
    price_type: str
    expires: int
    ts_created: int
    ts_event: int
    entry_price: Decimal
    is_attached: bool = False
    state: State = State.WAITING
    order_id: int = 0

    def reached(self, low: Decimal, high: Decimal) -> Exit | None:
        profit, stop = self.exits
        is_long = self.side is PositionSide.LONG
        if stop is not None and (low <= stop.trigger if is_long else high >= stop.trigger):
            return stop
        if profit is not None and (high >= profit.trigger if is_long else low <= profit.trigger):
            return profit
        return None


class Entrusts:
    """What waits, and the newest of what has ended, by id."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        self._venue = venue
        self._market = venue.market
        self.plans: dict[int, Plan] = {}
        self.protections: dict[int, Protection] = {}
        self._waiting: dict[int, Plan | Protection] = {}
        self._ranges = PriceRanges()

    def waiting(self, symbol: str = "") -> list[Plan | Protection]:
        return [one for one in self._waiting.values() if symbol in ("", one.symbol)]

    # What the user asks for.

    def plan(self, plan: Plan) -> int:
        """Takes a plan order in. Raises Refusal: it is reached already, or there are too many."""
        self._check(plan.draft.symbol, plan.trigger)
        now = self._price(plan.symbol, plan.price_type)
        if plan.is_reached(now, now):
            raise invalid("stop_price")
        plan.id = self._market.take_number()
        plan.ts_created = plan.ts_event = self._market.now
        self.plans[plan.id] = self._waiting[plan.id] = plan
        _forget_oldest(self.plans)
        return plan.id

    def protect(
        self, position: HeldPosition, contracts: int, exits: Exits, price_type: str, expires: int
    ) -> Protection:
        """Adds a take-profit, a stop or both to a position.

        Raises:
            Refusal: one of them is reached already, or the position is gone.
        """
        if position.id not in self._venue.book.open:
            raise invalid("position_id")
        if contracts > position.size:
            raise invalid("quantity")
        self._check_exits(position.symbol, position.side, exits, price_type)
        return self._add(position, contracts, exits, price_type, expires)

    def _add(
        self, position: HeldPosition, contracts: int, exits: Exits, price_type: str, expires: int
    ) -> Protection:
        now, number = self._market.now, self._market.take_number()
        found = Protection(
            number, position.symbol, position.side, position.id, contracts, exits, price_type, expires, now, now,
            position.entry_price,
        )  # fmt: skip
        self.protections[number] = self._waiting[number] = found
        _forget_oldest(self.protections)
        return found

    def change(self, found: Protection, contracts: int, exits: Exits, price_type: str) -> None:
        """Replaces what a protection closes and when. Raises Refusal: nothing has changed."""
        position = self._venue.book.open.get(found.position_id)
        if position is not None and contracts > position.size:
            raise invalid("quantity")
        self._check_exits(found.symbol, found.side, exits, price_type)
        found.contracts, found.exits, found.price_type = contracts, exits, price_type
        found.ts_event = self._market.now

    def cancel(self, number: int, known: Mapping[int, Plan] | Mapping[int, Protection]) -> None:
        """Raises Refusal: there is none of this id, or it does not wait any more."""
        found = known.get(number)
        if found is None:
            raise invalid("order")
        if found.state is not State.WAITING:
            raise invalid("state")
        self._end(found, State.CANCELED)

    def cancel_all(self, kind: type[Plan] | type[Protection], symbol: str = "") -> None:
        for one in self.waiting(symbol):
            if isinstance(one, kind):
                self._end(one, State.CANCELED)

    def _check(self, symbol: str, trigger: Decimal) -> None:
        check_price(trigger, self._market.instruments[symbol], "stop_price")
        if len(self.waiting(symbol)) >= MAX_ENTRUSTS:
            raise Refusal("open_entrust_max_limit")

    def _check_exits(self, symbol: str, side: PositionSide, exits: Exits, price_type: str) -> None:
        now = self._price(symbol, price_type)
        for found, sign, name in ((exits.profit, 1, "profit"), (exits.stop, -1, "stop")):
            if found is None:
                continue
            self._check(symbol, found.trigger)
            if found.price is not None:
                check_price(found.price, self._market.instruments[symbol], "price")
            if (found.trigger - now) * sign * side.sign <= 0:
                raise invalid(f"trigger_{name}_price")
        if exits.profit is None and exits.stop is None:
            raise invalid("param")

    # What the market does.

    def attach(self, ticket: Ticket, position: HeldPosition, contracts: int) -> None:
        """Adds the exits of an order to what its fill has opened."""
        if ticket.is_closing or (ticket.exits.profit is None and ticket.exits.stop is None):
            return
        known = self.protections.get(ticket.entrust_id)
        if known is not None and known.state is State.WAITING:
            known.contracts += contracts
            return
        made = self._add(position, contracts, ticket.exits, LATEST, 0)
        made.is_attached = True
        ticket.entrust_id = made.id

    def end_of(self, position: HeldPosition) -> None:
        """Ends what was to close a position that is gone."""
        for one in self.waiting(position.symbol):
            named = one.position_id if isinstance(one, Protection) else one.draft.position_id
            if named == position.id:
                self._end(one, State.ENDED)

    def note(self, event: Trade | MarkPrice) -> None:
        """Takes a price; what it reaches is done by `review`."""
        if self._waiting:
            self._ranges.note(event)

    def review(self) -> None:
        """Places the orders of all that was reached, and ends what has expired."""
        now = self._market.now
        for one in list(self._waiting.values()):
            if one.expires and one.expires <= now:
                self._end(one, State.EXPIRED)
        while self._ranges:
            for seen in self._ranges.take():
                for one in self.waiting(seen.symbol):
                    if _KINDS[one.price_type] is seen.kind and one.id in self._waiting:
                        self._try(one, seen.low, seen.high)

    def _try(self, one: Plan | Protection, low: Decimal, high: Decimal) -> None:
        if isinstance(one, Plan):
            if one.is_reached(low, high):
                self._place(one, one.draft._replace(source_id=one.id, is_foreign=one.is_foreign))
            return
        found = one.reached(low, high)
        position = self._venue.book.open.get(one.position_id)
        if found is None or position is None:
            return
        there = self._venue.orders.closable(position)
        contracts = min(one.contracts or there, there)
        self._place(one, closing_draft(position, contracts, price=found.price, source_id=one.id))

    def _place(self, one: Plan | Protection, draft: Draft) -> None:
        self._end(one, State.TRIGGERED)
        try:
            one.order_id = self._venue.orders.place(draft)
        except Refusal:
            self._end(one, State.ENDED)

    def _end(self, one: Plan | Protection, state: State) -> None:
        self._waiting.pop(one.id, None)
        one.state = state
        one.ts_event = self._market.now

    def _price(self, symbol: str, kind: str) -> Decimal:
        return self._venue.mark(symbol) if kind == MARK else self._market.last(symbol)


def _forget_oldest(known: dict[int, Plan] | dict[int, Protection]) -> None:
    if len(known) > _KEPT:
        ended = next((number for number, one in known.items() if one.state is not State.WAITING), None)
        if ended is not None:
            del known[ended]
