"""What MAX lists, read once and kept: `GET /markets`, with the account's own fees; the stream tells of changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from venues.errors import DecodeError, UnknownInstrument, VenueError
from venues.events import Event, Notice
from venues.max import VENUE
from venues.max.client import Client
from venues.max.models import Market
from venues.max.parse import instrument_id, parse_instrument
from venues.max.profile import Profile
from venues.model import Instrument, InstrumentId

_FRESH = 300.0  # seconds


class Listing:
    """The venue's instruments, the most traded first: a desk begins at the top."""

    def __init__(
        self,
        client: Client,
        profile: Profile,
        *,
        time_scale: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._profile = profile
        self._fresh = _FRESH * time_scale
        self._monotonic = monotonic
        self._instruments: dict[InstrumentId, Instrument] = {}
        self._margin: set[InstrumentId] = set()  # that the M-wallet trades
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    def known(self, instrument: InstrumentId) -> Instrument | None:
        """Returns an instrument as it was read last; None for one that is not listed, or not read yet."""
        return self._instruments.get(instrument)

    def priced(self, currency: str, quotes: Iterable[str] = ("USDT", "TWD")) -> Instrument | None:
        """Returns the market in which a currency ("BTC") is priced; None where there is none."""
        found = {each.quote: each for each in self._instruments.values() if each.base == currency}
        return next((found[quote] for quote in quotes if quote in found), None)

    def takes_margin(self, instrument: InstrumentId) -> bool:
        """Whether the M-wallet trades it, as far as is known."""
        return instrument in self._margin

    async def one(self, instrument: InstrumentId) -> Instrument:
        """Raises UnknownInstrument, and VenueError where the list can not be read."""
        found = self._instruments.get(instrument) or (await self.all()).get(instrument)
        if found is None:
            raise UnknownInstrument(VENUE, f"{instrument.symbol[:40]} is not listed here")
        return found

    async def require(self, instrument: InstrumentId) -> None:
        """Raises UnknownInstrument. Where the list can not be read now, the stream has the last word."""
        try:
            await self.one(instrument)
        except UnknownInstrument:
            raise
        except VenueError:
            if instrument.venue != VENUE:
                raise

    async def all(self) -> Mapping[InstrumentId, Instrument]:
        """Returns the instruments, read anew after five minutes. Raises VenueError."""
        async with self._reading:  # whoever waits gets what the first one read
            if self._read_at is None or self._monotonic() - self._read_at >= self._fresh:
                await self._read()
                self._read_at = self._monotonic()
        return MappingProxyType(self._instruments)

    def take_statuses(self, markets: Iterable[Market], ts_event: int) -> list[Event]:
        """Takes what the stream tells of markets, and returns what of it a person wants to read.

        Raises:
            DecodeError: a figure is none.
        """
        news: list[Event] = []
        for market in markets:
            known = self._instruments.get(instrument_id(market.id))
            if known is None:  # not read yet, or new: it is read with the others
                continue
            told = parse_instrument(market)
            if known.is_tradable is not told.is_tradable or known.note != told.note:
                words = f"{told.name} can be traded again" if told.is_tradable else f"{told.name} is {told.note}"
                news.append(Notice(VENUE, words, not told.is_tradable, ts_event))
            self._instruments[told.id] = msgspec.structs.replace(
                told, maker_fee=known.maker_fee, taker_fee=known.taker_fee
            )
        return news

    async def _read(self) -> None:
        markets, fees = await asyncio.gather(self._client.markets(), self._profile.fees())
        if not markets:
            raise DecodeError(VENUE, "a list of markets with none in it")
        values = await self._values([market.id for market in markets])
        found = [(values.get(market.id, Decimal(0)), parse_instrument(market, fees)) for market in markets]
        found.sort(key=lambda each: each[0], reverse=True)
        self._instruments = {instrument.id: instrument for _, instrument in found}
        self._margin = {instrument_id(market.id) for market in markets if market.m_wallet_supported}

    async def _values(self, markets: list[str]) -> Mapping[str, Decimal]:
        """Returns what was traded in a day, in BTC. It only sorts: without it the order is the venue's."""
        try:
            return {each.market: each.vol_in_btc for each in await self._client.tickers(markets)}
        except VenueError:
            return {}
