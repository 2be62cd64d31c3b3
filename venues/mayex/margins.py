"""Margin of isolated positions, and the leverage of contracts: sent once, refusals in plain words.

The venue knows no name of ours for either. Whether a change of margin whose answer was lost was carried out is
told by the position alone: its margin is now what it was then and the amount, to the last digit, or nobody knows.
Leverage is one figure for the isolated positions of a contract, and another for the crossed ones; no read has it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from venues.commands import FundsRequest
from venues.errors import BadRequest, NotSent, OrderError, OutcomeUnknown, VenueError
from venues.margin import FundsReceipt
from venues.mayex import VENUE
from venues.mayex.client import Client
from venues.mayex.figures import is_spot, milliseconds_of, symbol_of
from venues.mayex.lookups import Lookups
from venues.mayex.models import PositionSide
from venues.mayex.positions import Facts, Positions, parse_position
from venues.model import Instrument, InstrumentId, MarginMode
from venues.port import Depart
from venues.transport.exchange import Dispatch
from venues.transport.listing import InstrumentList
from venues.transport.margin_checks import change_of, check_change, done, instrument_of, whole_leverage
from venues.transport.recent import Recent
from venues.transport.sending import Sender

_MOST_SENT = 1_000
_UNCHANGED = "1006"


class MarginCommands:
    """Changes margin and leverage of one account. `changed` is told of each command that was sent.

    `available` returns what of a currency may still be used; None where that is not known.
    """

    def __init__(
        self,
        client: Client,
        sender: Sender,
        listing: InstrumentList,
        positions: Positions,
        *,
        available: Callable[[str], Decimal | None],
        lookups: Lookups,
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._sender = sender
        self._listing = listing
        self._positions = positions
        self._available = available
        self._lookups = lookups
        self._changed = changed
        # The positions of changes of margin, as they were then.
        self._sent: Recent[str, Facts] = Recent(_MOST_SENT)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, mode: MarginMode) -> None:
        """Sets the leverage that a contract's positions of this mode have.

        Raises:
            BadRequest: it makes no sense; nothing was sent.
            OrderError: the venue refuses it, as it does to lower that of an open isolated position (1012).
            NotSent, OutcomeUnknown: as a new order does; where nobody knows, or the answer names another figure,
                neither do we count on either.
        """
        self._sender.require_key()
        listed = await self._listing.one(instrument)
        whole = _checked_leverage(listed, leverage)
        key, leverages = (instrument, mode), self._positions.leverages

        async def send(dispatch: Dispatch) -> None:
            told = await self._client.adjust_leverage(
                symbol_of(instrument), whole, isolated=mode is MarginMode.ISOLATED, dispatch=dispatch
            )
            if told.leverage not in (None, whole):
                raise OutcomeUnknown(VENUE, f"set leverage: asked for {whole}x, the answer says {told.leverage}x")

        was = leverages.pop(key, None)  # what is on its way is not counted on, nor what was given up
        try:
            await self._sender.send(send, None)
        except OutcomeUnknown:
            self._positions.doubt_leverage(instrument, mode)
            raise
        except (OrderError, NotSent) as error:
            if error.code != _UNCHANGED:  # "unchanged" is what was asked for
                if was is not None:
                    leverages.setdefault(key, was)
                raise
        finally:
            self._changed()
        leverages[key] = Decimal(whole)

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

        async def send(dispatch: Dispatch) -> None:
            await self._client.adjust_position_margin(
                symbol_of(instrument.id), side, change_of(request), is_urgent=True, dispatch=dispatch
            )

        self._note_sent(request)
        try:
            await self._sender.send(send, depart)
        finally:
            self._changed()
        return done(request, self._lookups.now())

    async def find(self, request: FundsRequest, since: int) -> list[FundsReceipt]:
        """Returns the receipt of a change that the position's margin proves, and nothing where it does not.

        What has traded meanwhile, and funding, may have changed the margin as well: either would show in the size,
        the entry or the profit that the position had when this was sent from here, or, where another run of the
        desk has sent it, since `since` (nanoseconds, 0 where nobody knows).

        Raises:
            VenueError: the positions or the executions can not be read.
        """
        self._sender.require_key()
        before, instrument = request.held_before, request.instrument
        if before is None or instrument is None or not request.kind.is_of_position:
            return []
        rows = await self._lookups.read(self._client.positions())
        found = map(parse_position, rows)
        held = [(facts, extras) for facts, extras in found if facts.key == (instrument, request.position_id)]
        if [facts.margin for facts, _ in held if facts.quantity] != [before + change_of(request)]:
            return []
        ((now, extras),) = held
        then = self._sent.get(request.request_id)
        if then is not None:
            is_alone = (then.quantity, then.entry_price, then.net) == (now.quantity, now.entry_price, now.net)
        else:
            is_funded = extras.funded_at >= since // 1_000_000 > 0
            is_alone = not is_funded and not (since > 0 and await self._has_traded(instrument, since))
        return [done(request, self._lookups.now())] if is_alone else []

    def _note_sent(self, request: FundsRequest) -> None:
        held = self._positions.find(request.instrument, request.position_id) if request.instrument else None
        if held is not None:
            self._sent[request.request_id] = held

    async def _has_traded(self, instrument: InstrumentId, since: int) -> bool:
        """Raises VenueError."""
        rows = (await self._lookups.read(self._client.trade_history(symbol_of(instrument)))).rows
        mine = [row for row in rows if row.symbol.lower() == symbol_of(instrument)]
        return any(milliseconds_of(row.transaction_time) >= since // 1_000_000 for row in mine)

    async def _checked(self, request: FundsRequest) -> tuple[Instrument, PositionSide]:
        """Raises VenueError for what would be refused, or be carried out as something else."""
        listed = await self._listing.one(instrument_of(VENUE, request))
        found = self._positions.find(listed.id, request.position_id)
        held = check_change(request, listed, found, self._available(listed.settle))
        return listed, PositionSide.LONG if held.quantity > 0 else PositionSide.SHORT


def _checked_leverage(listed: Instrument, leverage: Decimal) -> int:
    """Raises BadRequest."""
    if is_spot(listed.id):
        raise BadRequest(VENUE, f"{listed.name} is market data only")
    return whole_leverage(listed, leverage)
