"""Positions: listed, closed, and their leverage, margin, mode and model (section "Trading and Account Interface").

None of the commands has an id of ours: where an answer is lost, the position tells what became of it.

Raises (the commands):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    OrderError: provably refused.
    NotSent: no byte of it has left.
    OutcomeUnknown: anything else.
"""

from __future__ import annotations

from venues.pumpkin.client.calls import Calls
from venues.pumpkin.models import MarginChange, Position, PositionModel, PositionSide, PositionType
from venues.pumpkin.parameters import Figure, figure_of, id_of, number_of, one_of, symbol_of
from venues.transport.exchange import Dispatch
from venues.transport.parameters import compact, given

_POSITION = "/v2/position"
_SIDES = (PositionSide.LONG, PositionSide.SHORT)
_MOST_LEVERAGE = 1_000


class PositionCalls(Calls):
    """Margin is in the quote coin."""

    async def positions(self, *, symbol: str | None = None, is_urgent: bool = False) -> list[Position]:
        """Returns the positions, of one contract or of all (section "Query Position List"). Raises VenueError."""
        found = compact(symbol=given(symbol, symbol_of))
        return await self._read("read positions", f"{_POSITION}/list", list[Position], found, is_urgent=is_urgent)

    async def set_leverage(self, symbol: str, leverage: int, *, dispatch: Dispatch | None = None) -> None:
        """Sets a contract's leverage, refused while there is a position (section "Adjust Leverage")."""
        found = compact(symbol=symbol_of(symbol), leverage=number_of(leverage, "a leverage", 1, _MOST_LEVERAGE))
        await self._act("set leverage", f"{_POSITION}/adjust-leverage", found, dispatch=dispatch)

    async def change_margin(
        self,
        symbol: str,
        position_side: PositionSide | str,
        position_id: str | int,
        margin: Figure,
        change: MarginChange | str,
        *,
        is_urgent: bool = False,
        dispatch: Dispatch | None = None,
    ) -> None:
        """Adds margin to an isolated position or takes some back, above zero either way (section "Adjust Margin").

        Adding may be as urgent as a cancel.
        """
        found = compact(
            symbol=symbol_of(symbol),
            positionSide=one_of(position_side, _SIDES, "a position side"),
            positionId=id_of(position_id, "a position's id"),
            margin=figure_of(margin, "the margin"),
            type=one_of(change, tuple(MarginChange), "a change"),
        )
        urgent = is_urgent and change == MarginChange.ADD
        await self._act("change margin", f"{_POSITION}/margin", found, dispatch=dispatch, is_cancel=urgent)

    async def close_all_positions(self, *, symbol: str | None = None, dispatch: Dispatch | None = None) -> None:
        """Closes all positions of a contract, without one **all** (section "Close All Positions").

        As urgent as a cancel.
        """
        found = compact(symbol=given(symbol, symbol_of))
        await self._act("close positions", f"{_POSITION}/close-all", found, dispatch=dispatch, is_cancel=True)

    async def change_position_type(
        self,
        symbol: str,
        position_type: PositionType | str,
        position_model: PositionModel | str,
        *,
        dispatch: Dispatch | None = None,
    ) -> None:
        """Sets a contract's margin mode and position model, always both (section "Modify Position Type")."""
        found = compact(
            symbol=symbol_of(symbol),
            positionType=one_of(position_type, tuple(PositionType), "a position type"),
            positionModel=one_of(position_model, tuple(PositionModel), "a position model"),
        )
        await self._act("set margin mode", f"{_POSITION}/change-type", found, dispatch=dispatch)
