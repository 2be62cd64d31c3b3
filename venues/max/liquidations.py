"""Liquidations of the M-wallet: no message tells of them, so that they are looked for while anything is owed."""

from __future__ import annotations

from collections.abc import Mapping

from venues.events import Event, Notice
from venues.max import VENUE
from venues.max.client import Client
from venues.max.figures import ns_of_milliseconds, plain
from venues.max.lookups import Lookups
from venues.max.models import MWalletLiquidation

_NEWEST = 5
_UNDER_WAY = "processing"
_ENDS: Mapping[str, str] = {"debt_recovery": ", and a debt is left to repay"}


class LiquidationWatch:
    """Tells each liquidation, and each change of its state, once."""

    def __init__(self, client: Client, lookups: Lookups) -> None:
        self._client = client
        self._lookups = lookups
        self._states: dict[str, str] = {}  # serial number -> as it was told
        self._began = 0  # milliseconds of the venue's clock; 0 while that is not known
        self._has_looked = False

    def begin(self) -> None:
        """Is told when the wallet is followed: what was over before is no news."""
        if not self._began:
            self._began = self._lookups.as_of() // 1_000_000

    async def look(self) -> list[Event]:
        """Returns what is new. Raises VenueError."""
        self.begin()
        rows = await self._lookups.read(self._client.m_wallet_liquidations(limit=_NEWEST))
        found = [event for row in reversed(rows) if (event := self._news(row)) is not None]
        self._has_looked = True
        return found

    def _news(self, row: MWalletLiquidation) -> Event | None:
        known = self._states.get(row.sn)
        self._states[row.sn] = row.state
        # While the venue's clock is not known, what was over at the first look may have been over long before.
        was_before = row.created_at < self._began if self._began else not self._has_looked
        is_old = known is None and row.state != _UNDER_WAY and was_before
        if is_old or known == row.state:
            return None
        what = "MAX is liquidating the M-wallet" if row.state == _UNDER_WAY else "MAX has liquidated the M-wallet"
        words = f"{what}: its AD ratio was {plain(row.ad_ratio)}{_ENDS.get(row.state, '')}"
        return Notice(VENUE, words, True, ns_of_milliseconds(row.created_at))
