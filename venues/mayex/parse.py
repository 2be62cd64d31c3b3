"""Market data of Mayex: models and messages -> `venues.model` and `venues.events`.

Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from venues.errors import DecodeError
from venues.events import MarkPrice, Ticker
from venues.mayex import VENUE
from venues.mayex.figures import (
    at_least_zero,
    figure,
    ns_of_milliseconds,
    positive,
    positive_or_none,
)
from venues.mayex.wire import WireBar, WireMark, WireTicker
from venues.model import Bar, InstrumentId

INTERVALS: Mapping[int, str] = {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 7_200: "2h", 14_400: "4h",
    21_600: "6h", 28_800: "8h", 43_200: "12h", 86_400: "1d", 259_200: "3d", 604_800: "1w", 2_592_000: "1M",
}  # fmt: skip
"""Seconds of a candle -> the venue's word ("Kline/Candlestick chart intervals"); a month counts 30 days."""

_SECONDS = {word: seconds for seconds, word in INTERVALS.items()}


def interval_of(word: str) -> int | None:
    """Returns the seconds of a candle; None for a length that is none of ours."""
    return _SECONDS.get(word)


def parse_bar(instrument: InstrumentId, wire: WireBar) -> Bar | None:
    """Returns a candle; None for one in which nothing has a price yet."""
    interval = _SECONDS.get(wire.interval)
    if interval is None:
        raise DecodeError(VENUE, "a candle of no length that was asked for")
    opened, high, low, close = (at_least_zero(text) for text in (wire.open, wire.high, wire.low, wire.close))
    if not low:
        return None
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise DecodeError(VENUE, "a candle whose prices do not fit")
    return Bar(
        instrument=instrument,
        interval=interval,
        ts_open=ns_of_milliseconds(wire.time),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=at_least_zero(wire.volume),
    )


def parse_ticker(instrument: InstrumentId, wire: WireTicker) -> Ticker | None:
    """Returns the day of a market, without bid and ask; None for one in which nothing was traded."""
    last = at_least_zero(wire.last)
    if not last:
        return None
    return Ticker(
        instrument=instrument,
        last=last,
        bid=None,
        ask=None,
        open=positive_or_none(wire.open),
        high=positive_or_none(wire.high),
        low=positive_or_none(wire.low),
        volume=at_least_zero(wire.volume) if wire.volume else None,
        ts_event=ns_of_milliseconds(wire.time),
    )


def parse_mark(instrument: InstrumentId, wire: WireMark) -> MarkPrice:
    """Returns mark and index, with the funding that comes next where the venue tells of one."""
    rate: Decimal | None = figure(wire.funding_rate) if wire.funding_rate else None
    if rate is not None and abs(rate) >= 1:
        raise DecodeError(VENUE, "a funding rate of the whole value or more")
    return MarkPrice(
        instrument=instrument,
        mark=positive(wire.mark),
        index=positive_or_none(wire.index),
        funding_rate=rate,
        ts_next_funding=ns_of_milliseconds(wire.next_funding) or None,
        ts_event=ns_of_milliseconds(wire.time),
    )
