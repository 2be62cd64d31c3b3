"""Adapters of a venue of positions with one defect each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal

import msgspec

from tests.contract.mutants import Mutant
from venues.commands import FundsRequest, OrderRequest
from venues.errors import NotSent, OrderRejected, OutcomeUnknown
from venues.events import Event, FillUpdate, OrderUpdate, PositionUpdate
from venues.margin import FundsReceipt, FundsState
from venues.model import InstrumentId, MarginMode, Order, OrderType, Position
from venues.port import Depart

replace = msgspec.structs.replace


class CallsAPlanRefused(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await self.venue.submit_order(request, depart=depart)
        except OutcomeUnknown as error:
            if request.type is OrderType.STOP_LIMIT:
                raise OrderRejected(error.venue, error.message) from None
            raise


class PlacesExitsTwice(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await self.venue.submit_order(request, depart=depart)
        except OutcomeUnknown:
            if request.reduce_only:
                await self.venue.submit_order(request, depart=depart)
            raise


class IgnoresTheMarginMode(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self.venue.submit_order(replace(request, margin_mode=None), depart=depart)


class MovesMarginTwice(Mutant):
    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        receipt: FundsReceipt
        try:
            receipt = await self.__getattr__("move_funds")(request, depart=depart)
        except OutcomeUnknown:
            receipt = await self.__getattr__("move_funds")(request, depart=depart)
        return receipt


class CallsAMarginMoveNotSent(Mutant):
    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        try:
            receipt: FundsReceipt = await self.__getattr__("move_funds")(request, depart=depart)
        except OutcomeUnknown as error:
            raise NotSent(error.venue, error.message) from None
        return receipt


class FindsMarginThatWasNotMoved(Mutant):
    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        return [FundsReceipt(request=request, venue_id="", state=FundsState.DONE)]


class CallsLeverageSet(Mutant):
    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        try:
            await self.venue.set_leverage(instrument, leverage, margin_mode)
        except OutcomeUnknown:
            return


class _Changes(Mutant):
    """Changes positions, pushed and read."""

    def changed(self, position: Position) -> Position | None:
        raise NotImplementedError

    async def fetch_positions(self) -> Sequence[Position]:
        read = [self.changed(position) for position in await self.venue.fetch_positions()]
        return [position for position in read if position is not None]

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        async for batch in self.venue.events():
            told = [self._told(event) for event in batch]
            if known := [event for event in told if event is not None]:
                yield known

    def _told(self, event: Event) -> Event | None:
        if not isinstance(event, PositionUpdate):
            return event
        changed = self.changed(event.position)
        return None if changed is None else PositionUpdate(changed)


class CallsShortsLong(_Changes):
    def changed(self, position: Position) -> Position:
        return replace(position, quantity=abs(position.quantity))


class LosesTheOtherSide(_Changes):
    def changed(self, position: Position) -> Position | None:
        return position if position.quantity >= 0 else None


class CountsContracts(_Changes):
    """One contract is a thousandth of a coin, or ten thousand of them; this one takes each for a coin."""

    def changed(self, position: Position) -> Position:
        return replace(position, quantity=position.quantity * 1000)


class MovesLiquidations(_Changes):
    def changed(self, position: Position) -> Position:
        price = position.liquidation_price
        return position if price is None else replace(position, liquidation_price=price + Decimal("0.3"))


class ForgetsWhoseFillsTheyAre(Mutant):
    """Tells the fills of what a plan has placed as those of a stranger."""

    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, FillUpdate) and event.fill.venue_order_id.startswith("plan:"):
            return (FillUpdate(replace(event.fill, client_order_id="", venue_order_id="1")),)
        return (event,)


class HidesLiquidations(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, OrderUpdate) and event.order.is_liquidation:
            return (OrderUpdate(replace(event.order, is_liquidation=False)),)
        return (event,)
