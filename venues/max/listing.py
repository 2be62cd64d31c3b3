"""What MAX lists, read once and kept: `GET /markets`, with the account's own fees; the stream tells of changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

import msgspec

from venues.errors import DecodeError, VenueError
from venues.events import Event, Notice
from venues.max import VENUE
from venues.max.client import Client
from venues.max.models import Market
from venues.max.parse import instrument_id, parse_instrument
from venues.max.profile import Profile
from venues.model import Instrument, InstrumentId
from venues.transport.listing import InstrumentList
from venues.transport.together import together


class Listing(InstrumentList):
    """The venue's instruments, the most traded first: a desk begins at the top."""

    def __init__(
        self,
        client: Client,
        profile: Profile,
        *,
        time_scale: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(VENUE, self._read, time_scale=time_scale, monotonic=monotonic)
        self._client = client
        self._profile = profile

    def margin_markets(self, currency: str, quotes: Iterable[str]) -> list[Instrument]:
        """Returns the markets in which the M-wallet trades a currency ("BTC"), in the order of `quotes`."""
        found = {each.quote: each for each in self._instruments.values() if each.base == currency}
        return [found[quote] for quote in quotes if quote in found and found[quote].takes_margin]

    def markets_of(self, currency: str) -> list[Instrument]:
        """Returns the markets that trade a currency ("BTC"), or trade against it."""
        return [each for each in self._instruments.values() if currency in (each.base, each.quote)]

    def takes_margin(self, instrument: InstrumentId) -> bool:
        """Whether the M-wallet trades it, as far as is known."""
        found = self._instruments.get(instrument)
        return found is not None and found.takes_margin

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
            # A message may leave out what the M-wallet trades: that is the list's.
            self._instruments[told.id] = msgspec.structs.replace(
                told, maker_fee=known.maker_fee, taker_fee=known.taker_fee, takes_margin=known.takes_margin
            )
        return news

    async def _read(self) -> dict[InstrumentId, Instrument]:
        markets, fees = await together(self._client.markets(), self._profile.fees())
        if not markets:
            raise DecodeError(VENUE, "a list of markets with none in it")
        values = await self._values([market.id for market in markets])
        found = [(values.get(market.id, Decimal(0)), parse_instrument(market, fees)) for market in markets]
        found.sort(key=lambda each: each[0], reverse=True)
        return {instrument.id: instrument for _, instrument in found}

    async def _values(self, markets: list[str]) -> Mapping[str, Decimal]:
        """Returns what was traded in a day, in BTC. It only sorts: without it the order is the venue's."""
        try:
            return {each.market: each.vol_in_btc for each in await self._client.tickers(markets)}
        except VenueError:
            return {}
