"""What Pumpkin lists, read once and kept: contracts, their leverage tiers, and what was traded of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal

from venues.errors import DecodeError, VenueError
from venues.model import Instrument, InstrumentId
from venues.pumpkin import VENUE
from venues.pumpkin.client import Client
from venues.pumpkin.models import LeverageBracket
from venues.pumpkin.parse import parse_instrument
from venues.pumpkin.settings import Settings
from venues.transport.listing import InstrumentList
from venues.transport.together import together


class Listing(InstrumentList):
    """The venue's contracts, the most traded first: a desk begins at the top."""

    def __init__(
        self, client: Client, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(VENUE, self._read, time_scale=settings.time_scale, monotonic=monotonic)
        self._client = client
        self._settings = settings

    async def _read(self) -> dict[InstrumentId, Instrument]:
        symbols, tiers, values = await together(self._client.symbols(), self._tiers(), self._values())
        if not symbols:
            raise DecodeError(VENUE, "a list of contracts with none in it")
        found = []
        for symbol in symbols:
            unit = self._settings.bracket_unit(symbol.contract_size)
            instrument = parse_instrument(symbol, tiers.get(symbol.symbol, ()), unit=unit)
            found.append((values.get(symbol.symbol, Decimal(0)), instrument))
        found.sort(key=lambda each: each[0], reverse=True)
        return {instrument.id: instrument for _, instrument in found}

    async def _tiers(self) -> Mapping[str, list[LeverageBracket]]:
        return {each.symbol: each.leverage_brackets for each in await self._client.leverage_brackets()}

    async def _values(self) -> Mapping[str, Decimal]:
        """Returns what was traded in a day. It only sorts: without it the order is the venue's."""
        try:
            return {each.symbol: each.turnover for each in await self._client.tickers()}
        except VenueError:
            return {}
