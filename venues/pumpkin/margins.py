"""Margin of isolated positions, and leverage and margin mode of contracts: sent once, refusals in plain words.

The venue knows no name of ours for any of it. Whether a change of margin whose answer was lost was carried out is
told by the position alone: its margin is now what it was then and the amount, to the last digit, or nobody knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from decimal import Decimal
from typing import TypeVar

from venues.commands import FundsKind, FundsRequest
from venues.errors import BadRequest, NotSent, OrderError, OrderRejected, OutcomeUnknown, VenueError
from venues.margin import FundsReceipt
from venues.model import Instrument, InstrumentId, MarginMode, Order, Side
from venues.port import Depart
from venues.pumpkin import VENUE
from venues.pumpkin.client import Client
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.intake import Instruments
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.models import MarginChange, PositionModel, PositionSide, PositionType
from venues.pumpkin.parameters import FIRST_MOMENT
from venues.pumpkin.positions import Facts, Positions, parse_position
from venues.pumpkin.remedies import REMEDIES
from venues.transport.exchange import Dispatch
from venues.transport.margin_checks import (
    NO_POSITION,
    NOT_ISOLATED,
    change_of,
    check_change,
    done,
    instrument_of,
    whole_leverage,
)
from venues.transport.recent import Recent
from venues.transport.sending import Sender

T = TypeVar("T")

_MOST_SENT = 1_000
_TYPES = {MarginMode.CROSS: PositionType.CROSSED, MarginMode.ISOLATED: PositionType.ISOLATED}
_OVER_POSITION = "neither leverage nor margin mode changes over a position: close it first"
_OVER_ORDERS = "neither leverage nor margin mode changes over open orders: cancel them first"
_PLAIN: Mapping[str, str] = {
    "exist_position_can_not_adjust_leverage": _OVER_POSITION,
    "exist_open_order_can_not_adjust_leverage": _OVER_ORDERS,
    "exist_position_or_order_can_not_change_type": "the margin mode stays over a position or open orders",
    "invalid_leverage": "the venue does not take this leverage",
    "buy_sell_model_only_aggregation": "positions of a side are joined here: set position_model to AGGREGATION",
    "not_isolated_position": NOT_ISOLATED,
    "insufficient_balance": "there is not so much in the balance",
    "invalid_margin": "the venue does not take this amount: what is left must be its initial margin, losses aside",
    "invalid_position_id": NO_POSITION,
}


class MarginCommands:
    """Changes margin, leverage and margin mode of one account. `changed` is told of each that was sent."""

    def __init__(
        self,
        client: Client,
        sender: Sender,
        listing: Instruments,
        positions: Positions,
        *,
        model: PositionModel,
        open_orders: Callable[[], Iterable[Order]],
        available: Callable[[str], Decimal | None],
        lookups: Lookups,
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._sender = sender
        self._listing = listing
        self._positions = positions
        self._model = model
        self._open_orders = open_orders
        self._available = available
        self._lookups = lookups
        self._changed = changed
        # Changes of margin: the position then, and when.
        self._sent: Recent[str, tuple[Facts, int]] = Recent(_MOST_SENT)

    # What is known of how contracts are set.

    def leverage_of(self, instrument: InstrumentId, position_id: str = "") -> int | None:
        """Returns the leverage of a position, or of a contract as it was last known."""
        found = [one for one in self._positions.facts(instrument) if position_id in ("", one.position_id)]
        return found[0].leverage if found else self._positions.leverages.get(instrument)

    def margin_mode_of(self, instrument: InstrumentId) -> MarginMode | None:
        """Returns the margin mode of a contract as it was last known."""
        found = self._positions.facts(instrument)
        return found[0].mode if found else self._positions.modes.get(instrument)

    def position_id_of(self, instrument: InstrumentId, closing_side: Side) -> str:
        """Returns the only position that an order of this side closes; empty where there is none, or several."""
        found = [one for one in self._positions.facts(instrument) if one.closing_side is closing_side]
        return found[0].position_id if len(found) == 1 else ""

    def note_leverage(self, instrument: InstrumentId, leverage: int) -> None:
        """Is told which leverage a contract has."""
        self._positions.leverages[instrument] = leverage

    def doubt_leverage(self, instrument: InstrumentId) -> None:
        """Is told that the leverage of a contract may have been changed."""
        self._positions.leverages.pop(instrument, None)

    # What is changed.

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, mode: MarginMode) -> None:
        """Sets the margin mode, then the leverage.

        Raises:
            BadRequest: it would be refused, or makes no sense; nothing was sent.
            OrderError, NotSent, OutcomeUnknown: as a new order does; the words say if the mode was set already.
        """
        self._sender.require_key()
        listed = await self._listing.one(instrument)
        whole = self._checked_leverage(listed, leverage)
        symbol, wanted = symbol_of(instrument), _TYPES[mode]

        async def set_mode(dispatch: Dispatch) -> None:
            await self._client.change_position_type(symbol, wanted, self._model, dispatch=dispatch)

        async def set_leverage(dispatch: Dispatch) -> None:
            await self._client.set_leverage(symbol, whole, dispatch=dispatch)

        # What is on its way is not counted on, nor what was given up: only an answer says what there is.
        leverages, modes = self._positions.leverages, self._positions.modes
        was_leverage, was_mode = leverages.pop(instrument, None), modes.pop(instrument, None)
        try:
            try:
                await self._send(set_mode, None)
            except (OrderError, NotSent):
                _put_back(modes, instrument, was_mode)
                _put_back(leverages, instrument, was_leverage)
                raise
            modes[instrument] = mode
            try:
                await self._send(set_leverage, None)
            except VenueError as error:
                if not isinstance(error, OutcomeUnknown):
                    _put_back(leverages, instrument, was_leverage)
                words = f"the margin mode is {mode.value} now; the leverage: {error.message}"
                raise type(error)(VENUE, words, error.code) from None
            leverages[instrument] = whole
        finally:
            self._changed()

    async def move(self, request: FundsRequest, depart: Depart | None) -> FundsReceipt:
        """Adds margin to an isolated position, or takes some out.

        Raises:
            OrderError, NotSent, OutcomeUnknown: as a new order does, and nothing else.
        """
        self._sender.require_key()
        try:
            instrument, side = await self._checked(request)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        self._note_sent(request)
        change = MarginChange.ADD if request.kind is FundsKind.ADD_MARGIN else MarginChange.SUB
        symbol = symbol_of(instrument.id)

        async def send(dispatch: Dispatch) -> None:
            await self._client.change_margin(
                symbol, side, request.position_id, request.amount, change, is_urgent=True, dispatch=dispatch
            )

        try:
            await self._send(send, depart)
        finally:
            self._changed()
        return done(request, self._lookups.now())

    async def find(self, request: FundsRequest, since: int) -> list[FundsReceipt]:
        """Returns the receipt of a change that the position's margin proves, and nothing where it does not.

        What has traded since (nanoseconds, 0 where nobody knows when) has changed the margin as well.

        Raises:
            VenueError: the position or its executions can not be read.
        """
        self._sender.require_key()
        before, instrument = request.held_before, request.instrument
        if before is None or instrument is None or not request.kind.is_of_position:
            return []
        symbol = symbol_of(instrument)
        rows = await self._lookups.read(self._client.positions(symbol=symbol))
        held = [parse_position(row) for row in rows if row.position_id == request.position_id]
        if [one.margin for one in held] != [before + change_of(request)]:
            return []
        then, sent_at = self._sent.get(request.request_id, (held[0], since))
        if (then.quantity, then.entry_price) != (held[0].quantity, held[0].entry_price):
            return []
        start = min(since, sent_at) // 1_000_000
        if start > 0:
            traded = self._client.fills(symbol=symbol, start_time=max(start, FIRST_MOMENT), size=1)
            if (await self._lookups.read(traded)).items:
                return []
        return [done(request, self._lookups.now())]

    def _note_sent(self, request: FundsRequest) -> None:
        held = self._positions.find(request.instrument, request.position_id) if request.instrument else None
        if held is not None:
            self._sent[request.request_id] = (held, self._lookups.as_of())

    async def _checked(self, request: FundsRequest) -> tuple[Instrument, PositionSide]:
        """Raises VenueError for what would be refused, or be carried out as something else."""
        listed = await self._listing.one(instrument_of(VENUE, request))
        open_now = self._positions.facts(listed.id)
        found = next((one for one in open_now if one.position_id == request.position_id), None)
        held = check_change(request, listed, found, self._available(listed.settle))
        return listed, PositionSide.LONG if held.quantity > 0 else PositionSide.SHORT

    def _checked_leverage(self, listed: Instrument, leverage: Decimal) -> int:
        """Raises BadRequest."""
        whole = whole_leverage(listed, leverage)
        if self._positions.facts(listed.id):
            raise BadRequest(VENUE, f"{listed.name}: {_OVER_POSITION}")
        if any(order.instrument == listed.id and order.is_open for order in self._open_orders()):
            raise BadRequest(VENUE, f"{listed.name}: {_OVER_ORDERS}")
        return whole

    async def _send(self, call: Callable[[Dispatch], Awaitable[None]], depart: Depart | None) -> None:
        try:
            await self._sender.send(call, depart)
        except OrderError as error:
            words = _PLAIN.get(error.message)
            if words is None:
                raise REMEDIES.add(error) from None
            kind = type(error) if isinstance(error, OrderRejected) else OrderRejected
            raise kind(VENUE, f"{words} ({error.message})", error.code) from None


def _put_back(kept: MutableMapping[InstrumentId, T], instrument: InstrumentId, value: T | None) -> None:
    """Puts back what was known, where nothing newer was told meanwhile."""
    if value is not None:
        kept.setdefault(instrument, value)
