"""Candles of Mayex's streams: fifteen intervals; weeks begin on Mondays, and months with the calendar's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from venues.events import Trade
from venues.model import NANOSECONDS, ZERO, Bar, Side
from venues.simulators.core import LocalExchange
from venues.simulators.figures import figure, milliseconds
from venues.simulators.mayex.client import Topic
from venues.simulators.tape import TRADES_KEPT, joined

_MINUTE, _DAY = 60, 86_400
INTERVALS: Mapping[str, int] = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
    "12h": 720, "1d": 1_440, "3d": 4_320, "1w": 10_080, "1M": 43_200,
}  # fmt: skip
"""The document's intervals, in minutes; a month is thirty days but for when it begins."""

_LONGEST_MONTH = 31
_MONDAY = 4 * _DAY * NANOSECONDS  # the epoch was a Thursday: its first Monday


def newest_bars(market: LocalExchange, topic: Topic, count: int) -> Sequence[Bar]:
    """Returns the newest candles of a stream, oldest first."""
    seconds = INTERVALS[topic.interval] * _MINUTE
    if topic.interval not in ("1w", "1M"):
        return market.bars(topic.symbol, seconds, count)
    days = market.bars(topic.symbol, _DAY, count * _LONGEST_MONTH)
    return joined(days, seconds, _week if topic.interval == "1w" else _month)[-count:]


def _week(at: int) -> int:
    return at - (at - _MONDAY) % (7 * _DAY * NANOSECONDS)


def _month(at: int) -> int:
    first = datetime.fromtimestamp(at // NANOSECONDS, UTC).replace(day=1, hour=0, minute=0, second=0)
    return int(first.timestamp()) * NANOSECONDS


def _end(bar: Bar, interval: str) -> int:
    """Returns when the next candle begins, in nanoseconds UTC."""
    if interval != "1M":
        return bar.ts_open + bar.interval * NANOSECONDS
    return _month(bar.ts_open + (_LONGEST_MONTH + 1) * _DAY * NANOSECONDS)


def candle_row(market: LocalExchange, topic: Topic, bar: Bar, *, is_closed: bool) -> dict[str, Any]:
    """Returns the `k` of a candle's push; turnovers are about right."""
    end = _end(bar, topic.interval)
    trades = [one for one in _since(market, topic.symbol, bar.ts_open) if one.ts_event < end]
    bought = sum((one.quantity for one in trades if one.side is Side.BUY), ZERO)
    price = (bar.open + bar.high + bar.low + bar.close) / 4
    return {
        "t": milliseconds(bar.ts_open),
        "T": milliseconds(end) - 1,
        "s": topic.symbol.upper(),
        "i": topic.interval,
        "f": int(trades[-1].trade_id) if trades else 0,
        "L": int(trades[0].trade_id) if trades else 0,
        "o": figure(bar.open),
        "c": figure(bar.close),
        "h": figure(bar.high),
        "l": figure(bar.low),
        "v": figure(bar.volume),
        "n": len(trades),
        "x": is_closed,
        "q": f"{bar.volume * price:.8f}",
        "V": figure(bought),
        "Q": f"{bought * price:.8f}",
    }


def _since(market: LocalExchange, symbol: str, start: int) -> list[Trade]:
    """Returns the trades since a moment that are still kept, newest first."""
    found = market.trades(symbol, TRADES_KEPT)
    return [trade for trade in found if trade.ts_event >= start]
