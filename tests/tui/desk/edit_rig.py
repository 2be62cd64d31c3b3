"""A venue that can not change an order, whose cancels end in every way, and which watches what an edit exposes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec

from tests.tui.desk.rig import FIVE, ONE, START, Rig, ScriptedVenue, capabilities, fill, until
from tui.desk.control import AmendIntent, Verdict
from venues.commands import CancelRequest, OrderRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected, OutcomeUnknown, VenueError
from venues.events import Event, FillUpdate, OrderUpdate
from venues.model import ZERO, InstrumentId, Order, OrderStatus
from venues.port import Capabilities, Depart

PRICE = Decimal(100)
NOTHING = "nothing new was sent"

Step = Callable[[], Awaitable[None]]

# What becomes of a cancel: whether the venue carries it out, and what it answers.
ANSWERS = {
    "truth": True,  # the order as it then is
    "stale": True,  # cancelled, and nothing of what has just traded
    "accepted": True,  # the order as it was, which says nothing
    "lost": True,
    "lost before": False,
    "refused": False,
    "not found": False,
    "not sent": False,
}
FAULTS: dict[str, VenueError] = {
    "lost": OutcomeUnknown("test", "timeout"),
    "lost before": OutcomeUnknown("test", "timeout"),
    "refused": OrderRejected("test", "not now"),
    "not found": OrderNotFound("test", "no such order"),
    "not sent": NotSent("test", "no connection"),
}


class NoAmendVenue(ScriptedVenue):
    """Its cancels end as `answer` says, after `traded` of the order has traded; `exposed` is the most there was.

    `first` and `later` name what the stream tells before and after the answer: "fill", "order". `between` runs
    while the cancel is on its way, `reading` while the order is read back.
    """

    def __init__(self, caps: Capabilities | None = None) -> None:
        super().__init__(caps=caps if caps is not None else capabilities(amend=False))
        self.answer = "truth"
        self.traded = ZERO
        self.first: tuple[str, ...] = ()
        self.later: tuple[str, ...] = ()
        self.between: Step | None = None
        self.reading: Step | None = None
        self.sent: list[OrderRequest] = []
        self.most = ZERO

    def book_order(self, request: OrderRequest) -> None:
        self.sent.append(request)
        super().book_order(request)
        key = request.client_order_id
        self.orders[key] = msgspec.structs.replace(self.orders[key], trigger_price=request.trigger_price)
        self._measure()

    def trade(self, key: str, quantity: Decimal) -> None:
        """Has some of an order trade, which nobody is told yet."""
        before = self.orders[key]
        filled = before.filled_quantity + quantity
        status = OrderStatus.FILLED if filled == before.quantity else OrderStatus.PARTIALLY_FILLED
        self.orders[key] = msgspec.structs.replace(
            before, filled_quantity=filled, status=status, ts_event=before.ts_event + 1
        )
        name = f"t{len(self.fills)}"
        self.fills.append(fill(key, name, quantity, price=before.price, ts_event=START + 1))

    def _measure(self) -> None:
        """Keeps the most that was ever traded and open together."""
        open_now = sum((one.remaining for one in self.orders.values() if one.is_open), ZERO)
        done = sum((one.filled_quantity for one in self.orders.values()), ZERO)
        self.most = max(self.most, open_now + done)

    def events_of(self, key: str, *wanted: str) -> list[Event]:
        news: list[Event] = []
        for what in wanted:
            if what == "order":
                news.append(OrderUpdate(self.orders[key]))
            else:
                news += [FillUpdate(one) for one in self.fills if one.client_order_id == key]
        return news

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        key, answer = request.client_order_id, self.answer
        if answer != "not sent":
            await self._leave(depart)
        self._enter("cancel_order")
        before = self.orders[key]
        if self.traded:
            self.trade(key, self.traded)
        if ANSWERS[answer] and self.orders[key].is_open:
            self.end(key)
        if self.between is not None:
            await self.between()
        if self.first:
            self.tell(*self.events_of(key, *self.first))
            await until(self.queue.empty)
        if self.later:
            asyncio.get_running_loop().call_soon(self._tell_later, key)
        if answer in FAULTS:
            raise FAULTS[answer]
        if answer == "accepted":
            return before
        if answer == "stale":
            return msgspec.structs.replace(before, status=OrderStatus.CANCELED, ts_event=before.ts_event + 1)
        return self.orders[key]

    def _tell_later(self, key: str) -> None:
        self.tell(*self.events_of(key, *self.later))

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        found = await super().fetch_order(instrument, client_order_id, venue_order_id)
        if self.reading is not None and found.status.is_terminal:
            step, self.reading = self.reading, None
            await step()
        return found


def edit_rig(venue: NoAmendVenue, **settings: Any) -> Rig:
    return Rig(venue, **{"edit_patience": 5.0} | settings)


async def rest(rig: Rig, venue: NoAmendVenue, quantity: Decimal = FIVE, **changes: Any) -> str:
    """Has an order rest, of 5 at 100 where nothing else is said; what it was sent with is forgotten."""
    key = await rig.place(**{"quantity": quantity, "price": PRICE} | changes)
    venue.sent.clear()
    venue.most = ZERO
    return key


async def trade(rig: Rig, venue: NoAmendVenue, key: str, quantity: Decimal = ONE) -> None:
    """Has some of an order trade, and the desk hear of it."""
    venue.trade(key, quantity)
    await rig.tell(*venue.events_of(key, "fill"), *venue.events_of(key, "order"))


def last(rig: Rig) -> str:
    """What was last told of an edit or a reversal."""
    return next(fact.text for fact in reversed(rig.facts) if fact.text.startswith(("edit", "reverse")))


async def edit(rig: Rig, key: str, **changes: Any) -> None:
    """Has an order edited, and waits until that has ended."""
    outcome = await rig.session.amend(AmendIntent(key=key, **changes))
    assert outcome.verdict is Verdict.SENT, outcome
    await rig.session.settled()
