"""What CoinEx lists, read once and kept: `GET /market/info`, with the account's own fees where there is one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from venues.coinex import VENUE, endpoints
from venues.coinex.codes import judge_read
from venues.coinex.figures import amount
from venues.coinex.parse import instrument_id, parse_instrument
from venues.coinex.wire import WireFeeRates, WireTicker
from venues.errors import DecodeError, VenueError
from venues.model import ZERO, Instrument, InstrumentId
from venues.transport.http import HttpClient
from venues.transport.listing import InstrumentList
from venues.transport.together import together

_DOLLARS = ("USDT", "USDC", "USD")


class Listing(InstrumentList):
    """The venue's instruments. Its answer tells no state of a market: all that it lists can be traded.

    The most traded come first, those priced in dollars before all others: a desk begins at the top.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        has_account: bool = False,
        time_scale: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(VENUE, self._read, time_scale=time_scale, monotonic=monotonic)
        self._http = http
        self._has_account = has_account

    @property
    def currencies(self) -> Sequence[str]:
        """Every currency that is traded, as far as it is known."""
        both = ((instrument.base, instrument.quote) for instrument in self._instruments.values())
        return tuple(dict.fromkeys(currency for pair in both for currency in pair))

    async def _read(self) -> dict[InstrumentId, Instrument]:
        info = await self._http.fetch(endpoints.market_info(), endpoints.MarketInfo, judge=judge_read)
        tickers, fees = await together(self._tickers(), self._fees())
        found: list[tuple[tuple[bool, Decimal], Instrument]] = []
        for name, market in info.data.items():
            instrument = parse_instrument(market, fees.get(name) or fees.get("ALL"))
            if instrument.id != instrument_id(name):
                raise DecodeError(VENUE, "a market that is listed under another name")
            value = _value(tickers.get(name))
            found.append(((instrument.quote in _DOLLARS, value), instrument))
        found.sort(key=lambda each: each[0], reverse=True)
        return {instrument.id: instrument for _, instrument in found}

    async def _tickers(self) -> Mapping[str, WireTicker]:
        """They only sort: without them the order is the venue's."""
        try:
            answer = await self._http.fetch(endpoints.all_tickers(), endpoints.Tickers, judge=judge_read)
        except VenueError:
            return {}
        return answer.data.ticker

    async def _fees(self) -> Mapping[str, WireFeeRates]:
        """Without them the rates are those that the venue shows to everybody."""
        if not self._has_account:
            return {}
        try:
            answer = await self._http.fetch(endpoints.user_fees(), endpoints.UserFees, judge=judge_read)
        except VenueError:
            return {}
        return answer.data.spot


def _value(ticker: WireTicker | None) -> Decimal:
    """Returns what was traded of a market in a day, in its quote currency."""
    if ticker is None:
        return ZERO
    try:
        return amount(ticker.vol) * amount(ticker.last)
    except DecodeError:
        return ZERO
