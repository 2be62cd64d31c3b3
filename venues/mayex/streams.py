"""The names of Mayex's streams, as the document has them: the symbol in lower case, and what is told of it."""

from __future__ import annotations

from venues.commands import Channel, Subscription
from venues.mayex.parse import INTERVALS
from venues.mayex.wire import Told, WireBar, WireDepth, WireTicker, WireTrade


def depth_name(symbol: str, levels: int) -> str:
    return f"{symbol}@depth{levels}"


def bars_name(symbol: str, interval: int) -> str:
    """Returns the stream of candles of `interval` seconds. Raises KeyError: there are none."""
    return f"{symbol}@kline_{INTERVALS[interval]}"


def mark_name(symbol: str) -> str:
    return f"{symbol}@markPrice"


def ticker_name(symbol: str) -> str:
    return f"{symbol}@ticker"


def trade_name(symbol: str) -> str:
    return f"{symbol}@trade"


def name_of_wish(wish: Subscription, symbol: str, levels: int) -> str:
    """Returns the stream that a wish of the market is told by."""
    match wish.channel:
        case Channel.BOOK:
            return depth_name(symbol, levels)
        case Channel.TRADES:
            return trade_name(symbol)
        case Channel.BARS:
            return bars_name(symbol, wish.interval or 0)
        case Channel.TICKER:
            return ticker_name(symbol)
        case _:
            return mark_name(symbol)


def name_of(symbol: str, told: Told, levels: int) -> str:
    """Returns the stream that something came by."""
    match told:
        case WireDepth():
            return depth_name(symbol, levels)
        case WireTrade():
            return trade_name(symbol)
        case WireBar():
            return f"{symbol}@kline_{told.interval}"
        case WireTicker():
            return ticker_name(symbol)
        case _:
            return mark_name(symbol)


def book_of(name: str) -> str:
    """Returns the symbol of the book that a stream is; empty for any other."""
    symbol, _, kind = name.partition("@")
    return symbol if kind.startswith("depth") else ""
