"""What can be checked of a change of an isolated position's margin, and of a leverage, before either is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol, TypeVar

from venues.commands import FundsKind, FundsRequest
from venues.errors import BadRequest
from venues.margin import FundsReceipt, FundsState
from venues.model import Instrument, InstrumentId, MarginMode, decimals_of

NO_POSITION = "there is no such position any more"
NOT_ISOLATED = "a cross position has no margin of its own"
_DECIMALS = 8


class HeldMargin(Protocol):
    """A position, with what it holds of the currency that it settles in."""

    @property
    def mode(self) -> MarginMode: ...

    @property
    def margin(self) -> Decimal: ...


H = TypeVar("H", bound=HeldMargin)


def change_of(request: FundsRequest) -> Decimal:
    """Returns by how much the margin of a position changes."""
    return request.amount if request.kind is FundsKind.ADD_MARGIN else -request.amount


def done(request: FundsRequest, ts: int) -> FundsReceipt:
    """Returns the receipt of a change for which the venue has no name; `ts` is in nanoseconds UTC."""
    return FundsReceipt(request=request, venue_id="", state=FundsState.DONE, ts_event=ts)


def instrument_of(venue: str, request: FundsRequest) -> InstrumentId:
    """Returns the contract of whose position the margin is to change. Raises BadRequest."""
    if request.venue != venue or request.instrument is None or not request.kind.is_of_position:
        raise BadRequest(venue, "only the margin of an isolated position is changed here")
    return request.instrument


def check_change(request: FundsRequest, listed: Instrument, held: H | None, available: Decimal | None) -> H:
    """Returns the position whose margin may change so.

    `available` is what may still be used of the currency, None where that is not known.

    Raises:
        BadRequest: it would be refused, or be carried out as something else.
    """
    venue, amount, settle = request.venue, request.amount, listed.settle
    if request.currency.upper() != settle:
        raise BadRequest(venue, f"margin of {listed.name} is in {settle}")
    if decimals_of(amount) > _DECIMALS:
        raise BadRequest(venue, f"an amount has up to {_DECIMALS} decimals here")
    if held is None:
        raise BadRequest(venue, NO_POSITION)
    if held.mode is not MarginMode.ISOLATED:
        raise BadRequest(venue, NOT_ISOLATED)
    if request.kind is FundsKind.ADD_MARGIN and available is not None and amount > available:
        raise BadRequest(venue, f"only {_plain(available)} {settle} are available")
    if request.kind is FundsKind.REMOVE_MARGIN and amount >= held.margin:
        raise BadRequest(venue, f"the position holds {_plain(held.margin)} {settle}")
    return held


def whole_leverage(listed: Instrument, leverage: Decimal) -> int:
    """Returns a leverage that a contract may have. Raises BadRequest."""
    if leverage != leverage.to_integral_value() or not 1 <= leverage <= listed.max_leverage:
        most = _plain(listed.max_leverage)
        raise BadRequest(listed.id.venue, f"{listed.name}: the leverage is a whole number between 1 and {most}")
    return int(leverage)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
