"""Balances, positions, leverage, margin, and the token of the private stream.

None of the commands has an id of ours: where an answer is lost, the position tells what became of it.
"""

from __future__ import annotations

import msgspec

from venues.errors import NotSupported
from venues.mayex import VENUE
from venues.mayex.auth import Expired
from venues.mayex.client.calls import Calls
from venues.mayex.codes import judge_read
from venues.mayex.endpoints import ASSET, LEVERAGE, MARGIN, POSITIONS
from venues.mayex.models import Assets, Envelope, LeverageChange, Position, PositionSide, StreamToken
from venues.mayex.models.trading import TokenAnswer
from venues.mayex.parameters import Figure, Value, change_of, flag_of, leverage_of, one_of, symbol_of
from venues.secret import Secret
from venues.transport.exchange import Dispatch

_SIDES = tuple(PositionSide)


class AccountCalls(Calls):
    """Margin is in the settle coin."""

    async def assets(self, *, is_urgent: bool = False, expired_by: float | None = None) -> Assets:
        """Returns the balances. Raises VenueError.

        With `expired_by` the request is signed as if it had expired so many seconds ago: whether it is refused
        tells whether the venue heeds expiries.
        """
        request = self._reading("read balances", "GET", ASSET, is_urgent=is_urgent)
        if expired_by is not None:
            request = Expired(**msgspec.structs.asdict(request), by=expired_by)
        return (await self._session.fetch(request, Envelope[Assets], judge=judge_read)).data

    async def positions(self, *, is_urgent: bool = False) -> list[Position]:
        """Returns the positions; the document calls the weight of it very high. Raises VenueError."""
        return await self._read("read positions", POSITIONS, list[Position], is_urgent=is_urgent)

    async def adjust_leverage(
        self, symbol: str, leverage: int, *, isolated: bool, dispatch: Dispatch | None = None
    ) -> LeverageChange:
        """Sets the leverage of a contract's isolated positions, or of its crossed ones.

        Raises:
            BadRequest, OrderError, NotSent, OutcomeUnknown: as the commands for orders do.
        """
        body: dict[str, Value] = {
            "symbol": symbol_of(symbol),
            "isolated": flag_of(isolated, "isolated"),
            "leverage": leverage_of(leverage),
        }
        found: LeverageChange | None = await self._command(
            "set leverage", "PUT", LEVERAGE, LeverageChange | None, body, dispatch=dispatch
        )
        return found or LeverageChange()

    async def adjust_position_margin(
        self,
        symbol: str,
        position_side: PositionSide | str,
        change: Figure,
        *,
        is_urgent: bool = False,
        dispatch: Dispatch | None = None,
    ) -> None:
        """Adds margin to an isolated position; a change below zero takes some out, which the document leaves open.

        Adding may be as urgent as a cancel. Of the answer the document shows nothing.

        Raises:
            BadRequest, OrderError, NotSent, OutcomeUnknown: as the commands for orders do.
        """
        amount = change_of(change)
        body: dict[str, Value] = {
            "symbol": symbol_of(symbol),
            "positionSide": one_of(position_side, _SIDES, "a position side"),
            "changeAmount": amount,
        }
        urgent = is_urgent and not amount.startswith("-")
        await self._act("change margin", "PUT", MARGIN, body, dispatch=dispatch, is_cancel=urgent)

    async def create_token(self) -> StreamToken:
        """Returns the token of the private stream: the same one as long as it lives. Raises VenueError.

        This and the next two are inferred from the platform: NotSupported where the profile or the venue has none.
        """
        return self._told(await self._read_once("create token", "POST", self._token("create"), TokenAnswer))

    async def refresh_token(self) -> StreamToken:
        """Lets the token live on, where there is one. Raises VenueError."""
        return self._told(await self._read_once("refresh token", "POST", self._token("refresh"), TokenAnswer))

    async def delete_token(self) -> None:
        """Ends the token. Raises VenueError."""
        await self._read_once("delete token", "DELETE", self._token("delete"), object)

    def _token(self, what: str) -> str:
        if not self._profile.token_path:
            raise NotSupported(VENUE, "there is no private stream: the profile has no token_path")
        return f"{self._profile.token_path}/{what}"

    def _told(self, answer: TokenAnswer) -> StreamToken:
        token = Secret(answer.ws_token)
        self.secrets.learn(token)
        return StreamToken(token=token, expiry=answer.expiry)
