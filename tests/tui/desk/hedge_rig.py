"""A venue on which long and short stand side by side, each position under an id of its own, and a desk over it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Self

import msgspec

from tests.tui.desk.rig import PERP, START, Rig, ScriptedVenue, capabilities, instrument, order
from tui.desk.control import FundsIntent, Outcome
from tui.desk.frame import PositionView
from venues.bills import Bill, BillKind
from venues.commands import CancelRequest, FundsKind, FundsRequest, OrderRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.events import MarkPrice
from venues.margin import FundsReceipt, FundsState
from venues.model import (
    ZERO,
    Bracket,
    Instrument,
    InstrumentId,
    MarginMode,
    Order,
    OrderStatus,
    Position,
    Side,
)
from venues.port import Capabilities, Depart, VenueTime

D = Decimal
LOST = OutcomeUnknown("test", "timeout")
BRACKETS = (
    Bracket(max_quantity=D(10), max_leverage=D(50), maintenance_rate=D("0.005")),
    Bracket(max_quantity=D(100), max_leverage=D(20), maintenance_rate=D("0.01"), maintenance_amount=D(5)),
)


def hedged(**changes: Any) -> Capabilities:
    made = capabilities(
        amend=False, attached_exits=True, margin_modes=frozenset(MarginMode), position_sides=True,
        leverage_needs_flat=True, position_margin=True, lookup_covers_closed=False,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def perpetual(**changes: Any) -> Instrument:
    made = instrument(
        PERP, max_leverage=D(50), brackets=BRACKETS, band_up=D("0.1"), band_down=D("0.1"), min_notional=D(0)
    )
    return msgspec.structs.replace(made, **changes)


def held(position_id: str, quantity: str, leverage: int = 10, margin: str = "25", **changes: Any) -> Position:
    """Returns an isolated position that was opened at 100."""
    made = Position(
        instrument=PERP, quantity=D(quantity), entry_price=D(100), position_id=position_id, leverage=D(leverage),
        margin_mode=MarginMode.ISOLATED, margin=D(margin), ts_opened=START, ts_event=START,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


class HedgeVenue(ScriptedVenue):
    """Moves margin as the next of `fates` says ("done" where there are none left), and nothing bounds a request.

    A market order trades whole. An exit rests until its position is closed, and is then not found any more.
    """

    def __init__(self, *positions: Position, caps: Capabilities | None = None) -> None:
        super().__init__(caps=caps if caps is not None else hedged())
        self.instruments[0] = perpetual()
        self.held = list(positions)
        self.fates: list[str] = []
        self.moved: list[FundsRequest] = []
        self.bills: list[Bill] = []
        self.requests: list[OrderRequest] = []
        self.time = VenueTime(START, 0)
        self.last_id = 100

    def position(self, position_id: str) -> Position:
        return next(one for one in self.held if one.position_id == position_id)

    def book_order(self, request: OrderRequest) -> None:
        self.requests.append(request)
        super().book_order(request)
        made = self.orders[request.client_order_id]
        self.orders[request.client_order_id] = msgspec.structs.replace(
            made, trigger_price=request.trigger_price, position_id=request.position_id or "",
            stop_loss=request.stop_loss, take_profit=request.take_profit, time_in_force=request.time_in_force,
        )  # fmt: skip

    def _move_position(self, request: OrderRequest) -> None:
        signed = request.side.sign * request.quantity
        if not request.reduce_only:
            same = [one for one in self.held if one.quantity * signed > 0]
            self.last_id += 1
            self._keep(same[0] if same else held(str(self.last_id), "0"), signed)
            return
        found = [one for one in self.held if one.position_id == request.position_id]
        if not found or abs(found[0].quantity) < request.quantity or found[0].quantity * signed >= 0:
            raise OrderRejected(self.name, "invalid_position_id")
        self._keep(found[0], signed)

    def _keep(self, before: Position, signed: Decimal) -> None:
        after = msgspec.structs.replace(before, quantity=before.quantity + signed, ts_event=before.ts_event + 1)
        self.held = [one for one in self.held if one.position_id != after.position_id]
        if after.quantity:
            self.held.append(after)
        else:
            self.drop_exits(after.position_id)

    def drop_exits(self, position_id: str) -> None:
        """Forgets the exits of a position that is closed."""
        for key in [key for key, one in self.orders.items() if one.position_id == position_id and one.is_open]:
            del self.orders[key]

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        self._enter("fetch_order")
        found = [
            one
            for one in self.orders.values()
            if (client_order_id and one.client_order_id == client_order_id) or one.venue_order_id == venue_order_id
        ]
        if not found:
            raise OrderNotFound(self.name, "no such order")
        return found[0]

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        await self._leave(depart)
        self._enter("cancel_order")
        key = next(k for k, one in self.orders.items() if one.venue_order_id == request.venue_order_id)
        return self.end(key)

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        fate = self.fates.pop(0) if self.fates else "done"
        if fate == "not sent":
            raise NotSent(self.name, "no connection")
        await self._leave(depart)
        self._enter("move_funds")
        self.moved.append(request)
        if fate == "refused":
            raise OrderRejected(self.name, "not_isolated_position")
        if fate != "lost before":
            self.change_margin(request.position_id, _signed(request))
        if fate.startswith("lost"):
            raise LOST
        return FundsReceipt(request=request, venue_id="", state=FundsState.DONE)

    def change_margin(self, position_id: str, amount: Decimal) -> None:
        before = self.position(position_id)
        after = msgspec.structs.replace(before, margin=before.margin + amount, ts_event=before.ts_event + 1)
        self.held = [after if one is before else one for one in self.held]

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        self._enter("find_funds")
        now = [one.margin for one in self.held if one.position_id == request.position_id]
        if request.held_before is None or now != [request.held_before + _signed(request)]:
            return ()
        return (FundsReceipt(request=request, venue_id="", state=FundsState.DONE),)

    async def fetch_bills(self, limit: int) -> Sequence[Bill]:
        self._enter("fetch_bills")
        return self.bills[:limit]


def _signed(request: FundsRequest) -> Decimal:
    return request.amount if request.kind is FundsKind.ADD_MARGIN else -request.amount


def next_venue(before: HedgeVenue) -> HedgeVenue:
    """Returns the same exchange, as a new run of the desk finds it."""
    venue = HedgeVenue(*before.held, caps=before.capabilities)
    venue.orders, venue.fills, venue.last_id = before.orders, before.fills, before.last_id
    return venue


def mark(price: str = "100", rate: str | None = "0.0001") -> MarkPrice:
    return MarkPrice(PERP, D(price), None, D(rate) if rate is not None else None, START + 10**12, START)


def funding(amount: str, ts: int = START) -> Bill:
    return Bill(bill_id="b1", kind=BillKind.FUNDING, currency="USDT", amount=D(amount), ts_event=ts, words="f\x1b")


def forced(position_id: str = "11", side: Side = Side.SELL, **changes: Any) -> Order:
    """Returns the order by which the venue closes a position."""
    made = order(
        "", OrderStatus.NEW, venue_order_id="liq1", side=side, quantity=D(2), price=None, reduce_only=True,
        position_id=position_id, is_liquidation=True,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


class HedgeRig(Rig):
    """A desk over a `HedgeVenue` whose mark is 100."""

    def __init__(self, *positions: Position, venue: HedgeVenue | None = None, **settings: Any) -> None:
        self.hedge = venue if venue is not None else HedgeVenue(*positions)
        super().__init__(self.hedge, **settings)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.tell(mark())
        return self

    async def margin(
        self, amount: str = "1", kind: FundsKind = FundsKind.ADD_MARGIN, position_id: str = "11", **changes: Any
    ) -> Outcome:
        """Asks for a change of margin, and waits for the venue's word."""
        made = FundsIntent(
            venue="test", kind=kind, currency="USDT", amount=D(amount), instrument=PERP, position_id=position_id
        )
        outcome = await self.session.move_funds(msgspec.structs.replace(made, **changes))
        await self.session.settled()
        return outcome

    def view(self, position_id: str = "11") -> PositionView:
        """A position as the screens see it."""
        self.store.note_positions()
        frame = self.store.frame(self.clock.now)
        assert frame is not None
        assert frame.positions is not None
        return next(one for one in frame.positions if one.position.position_id == position_id)

    def states(self, position_id: str = "11") -> list[str]:
        """How each change of a position's margin stands, newest first."""
        return [row.state for row in self.view(position_id).funds]

    def total(self) -> Decimal:
        return sum((one.quantity for one in self.hedge.held), ZERO)
