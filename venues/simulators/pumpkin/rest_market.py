"""Pumpkin's public market data below /v2/public: quantities are contracts, turnover is in the quote coin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from venues.events import Trade
from venues.model import NANOSECONDS, Bar, Side
from venues.simulators.figures import figure, milliseconds, plain
from venues.simulators.perpetuals.market import MARKET_BOUND
from venues.simulators.pumpkin.calls import Call, public
from venues.simulators.pumpkin.markets import (
    BAND,
    COIN,
    LIQUIDATION_FEE,
    MAX_ENTRUSTS,
    MAX_NOTIONAL,
    MAX_ORDERS,
    MIN_NOTIONAL,
    TERMS,
)
from venues.simulators.pumpkin.params import Params
from venues.simulators.pumpkin.refusals import invalid
from venues.simulators.pumpkin.rows import levels

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_MINUTE = 60
INTERVALS = {
    "1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1_440, "1w": 10_080, "1M": 43_200,
    "3M": 129_600, "6M": 259_200,
}  # fmt: skip
MOST_LEVELS = 50
_RANGE = re.compile(r"H24|UTC_([PN])_([0-9]{1,2})")
_DAY, _HOUR = 86_400, 3_600
_ONBOARD = 1_651_500_001_000


def _time(venue: PumpkinSimulator, _params: Params) -> int:
    return milliseconds(venue.server_time_ns())


def symbol_row(venue: PumpkinSimulator, symbol: str) -> dict[str, Any]:
    instrument, terms = venue.market.instruments[symbol], TERMS[symbol]
    return {
        "id": terms.number,
        "symbol": symbol,
        "contractType": "PERPETUAL",
        "underlyingType": "U_BASED",
        "contractSize": plain(terms.contract_size),
        "tradeSwitch": True,
        "state": 0,
        "initLeverage": terms.first_leverage,
        "initPositionType": "CROSSED",
        "baseCoin": instrument.base,
        "quoteCoin": COIN,
        "baseCoinPrecision": 8,
        "baseCoinDisplayPrecision": 4,
        "quoteCoinPrecision": 8,
        "quoteCoinDisplayPrecision": 8,
        "quantityPrecision": 0,
        "pricePrecision": instrument.price_decimals,
        "supportOrderType": "LIMIT,MARKET",
        "supportTimeInForce": "GTC,FOK,IOC,GTX",
        "supportEntrustType": "TAKE_PROFIT,STOP,TAKE_PROFIT_MARKET,STOP_MARKET,TRAILING_STOP_MARKET",
        "supportPositionType": "CROSSED,ISOLATED",
        "minPrice": None,
        "minQty": "1",
        "minNotional": plain(MIN_NOTIONAL),
        "maxNotional": plain(MAX_NOTIONAL),
        "multiplierDown": plain(BAND),
        "multiplierUp": plain(BAND),
        "maxOpenOrders": MAX_ORDERS,
        "maxEntrusts": MAX_ENTRUSTS,
        "makerFee": plain(instrument.maker_fee),
        "takerFee": plain(instrument.taker_fee),
        "liquidationFee": plain(LIQUIDATION_FEE),
        "marketTakeBound": plain(MARKET_BOUND),
        "depthPrecisionMerge": 4,
        "labels": ["HOT"],
        "onboardDate": _ONBOARD,
        "enName": f"{symbol} Perpetual",
        "cnName": f"{symbol} 永续",
        "minStepPrice": plain(instrument.tick_size),
        "robotRate": "10",
        "pfRatio": "0",
        "tfRatio": "0",
        "plate": '["24","86"]',
        "baseCoinName": instrument.base,
        "quoteCoinName": COIN,
    }


def _symbols(venue: PumpkinSimulator, _params: Params) -> list[dict[str, Any]]:
    return [symbol_row(venue, symbol) for symbol in venue.market.instruments]


def _symbol(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    return symbol_row(venue, params.symbol())


def _names(venue: PumpkinSimulator, _params: Params) -> list[str]:
    return list(venue.market.instruments)


def ticker_row(venue: PumpkinSimulator, symbol: str, period: int = _DAY) -> dict[str, Any]:
    day = venue.market.day(symbol, period)
    change = (day.last - day.open) / day.open
    return {
        "t": milliseconds(venue.server_time_ns()),
        "s": symbol,
        "c": figure(day.last),
        "h": figure(day.high),
        "l": figure(day.low),
        "a": plain(day.volume / TERMS[symbol].contract_size),
        "v": f"{day.value:.5f}",
        "o": figure(day.open),
        "r": f"{change:.4f}",
    }


def _aggregate_row(venue: PumpkinSimulator, symbol: str, period: int) -> dict[str, Any]:
    bids, asks = venue.market.top(symbol)
    return ticker_row(venue, symbol, period) | {
        "i": figure(venue.index_of(symbol)),
        "m": figure(venue.mark(symbol)),
        "bp": bids[0][0] if bids else None,
        "ap": asks[0][0] if asks else None,
    }


def _period(venue: PumpkinSimulator, params: Params) -> int:
    """Reads over which time: the last day, or since midnight of a zone, in seconds."""
    match = _RANGE.fullmatch(params.text("timeRangeType"))
    if match is None:
        raise invalid("time_range_type")
    if match[1] is None:
        return _DAY
    hours = int(match[2]) * (1 if match[1] == "P" else -1)
    if abs(hours) > 12:
        raise invalid("time_range_type")
    since = (venue.server_time_ns() // NANOSECONDS + hours * _HOUR) % _DAY
    return max(_MINUTE, since)


def _ticker(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    return ticker_row(venue, params.symbol(), _period(venue, params))


def _tickers(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    period = _period(venue, params)
    return [ticker_row(venue, symbol, period) for symbol in venue.market.instruments]


def _aggregate(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    return _aggregate_row(venue, params.symbol(), _period(venue, params))


def _aggregates(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    period = _period(venue, params)
    return [_aggregate_row(venue, symbol, period) for symbol in venue.market.instruments]


def _depth(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol, level = params.symbol(), params.integer("level")
    if not 1 <= level <= MOST_LEVELS:
        raise invalid("level")
    bids, asks = venue.market.book(symbol)
    size = TERMS[symbol].contract_size
    return {
        "t": milliseconds(venue.server_time_ns()),
        "s": symbol,
        "u": venue.publisher.market.position(symbol),
        "b": levels(bids[:level], size),
        "a": levels(asks[:level], size),
    }


def aggressor(trade: Trade) -> str:
    """Returns BID where the taker bought."""
    return "BID" if trade.side is Side.BUY else "ASK"


def _deals(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    symbol, count = params.symbol(), params.integer("num", 50)
    if count < 1:
        raise invalid("limit")
    size = TERMS[symbol].contract_size
    return [
        {
            "t": milliseconds(trade.ts_event),
            "s": symbol,
            "p": figure(trade.price),
            "a": str(int(trade.quantity / size)),
            "m": aggressor(trade),
        }
        for trade in venue.market.trades(symbol, count)
    ]


def bar_figures(bar: Bar) -> tuple[str, str]:
    """Returns the volume of a candle in contracts, and about its turnover in the quote coin."""
    symbol = bar.instrument.symbol
    value = bar.volume * (bar.open + bar.high + bar.low + bar.close) / 4
    return plain(bar.volume / TERMS[symbol].contract_size), f"{value:.7f}"


def _klines(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    symbol, interval = params.symbol(), params.one_of("interval", tuple(INTERVALS))
    limit = params.integer("limit", 500)
    if not 1 <= limit <= 1_000:
        raise invalid("limit")
    start, end = params.times()
    bars = venue.market.bars(symbol, INTERVALS[interval] * _MINUTE, 1_000)
    found = [bar for bar in bars if start <= milliseconds(bar.ts_open) <= end]
    found = found[:limit] if params.has("startTime") and not params.has("endTime") else found[-limit:]
    rows = []
    for bar in reversed(found):
        contracts, value = bar_figures(bar)
        rows.append(
            {
                "s": symbol, "t": milliseconds(bar.ts_open), "o": figure(bar.open), "c": figure(bar.close),
                "h": figure(bar.high), "l": figure(bar.low), "a": contracts, "v": value,
            }
        )  # fmt: skip
    return rows


_P = "/v2/public"
CALLS: tuple[Call, ...] = (
    public(f"{_P}/time", _time),
    public(f"{_P}/symbol/list", _symbols),
    public(f"{_P}/symbol/detail", _symbol),
    public(f"{_P}/symbol/all", _names),
    public(f"{_P}/q/ticker", _ticker),
    public(f"{_P}/q/tickers", _tickers),
    public(f"{_P}/q/agg-ticker", _aggregate),
    public(f"{_P}/q/agg-tickers", _aggregates),
    public(f"{_P}/q/depth", _depth),
    public(f"{_P}/q/deal", _deals),
    public(f"{_P}/q/kline", _klines),
)
