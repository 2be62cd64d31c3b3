"""The public endpoints of CoinEx: markets, books, deals, candles, tickers. Document: "Market Data API"."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.model import Bar, Instrument
from venues.simulators.coinex.answers import short
from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.depth import INTERVALS, LIMITS, cut
from venues.simulators.coinex.params import Params
from venues.simulators.coinex.refusals import Refusal

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

PERIODS = {
    "1min": 60, "3min": 180, "5min": 300, "15min": 900, "30min": 1800, "1hour": 3600, "2hour": 7200,
    "4hour": 14400, "6hour": 21600, "12hour": 43200, "1day": 86400, "3day": 259200, "1week": 604800,
}  # fmt: skip
_MOST_DEALS = 1_000
_MILLISECOND = 1_000_000
_STABLE = ("USDT", "USDC")


def _market_list(venue: CoinexSimulator, _params: Params) -> Any:
    return list(venue.market.instruments)


def _market_info(venue: CoinexSimulator, _params: Params) -> Any:
    return {symbol: _info(instrument) for symbol, instrument in venue.market.instruments.items()}


def _market_detail(_venue: CoinexSimulator, params: Params) -> Any:
    return _info(params.market())


def _info(instrument: Instrument) -> dict[str, Any]:
    return {
        "taker_fee_rate": short(instrument.taker_fee),
        "pricing_name": instrument.quote,
        "trading_name": instrument.base,
        "min_amount": short(instrument.min_quantity),
        "name": instrument.id.symbol,
        "trading_decimal": instrument.quantity_decimals,
        "maker_fee_rate": short(instrument.maker_fee),
        "pricing_decimal": instrument.price_decimals,
    }


def _depth(venue: CoinexSimulator, params: Params) -> Any:
    symbol = params.market().id.symbol
    merge = params.text("merge")
    if merge not in INTERVALS:
        raise Refusal(651)
    limit = params.integer("limit", 20)
    if limit not in LIMITS:
        raise Refusal(2, f"limit is not one of {', '.join(map(str, LIMITS))}")
    bids, asks = venue.market.book(symbol)
    return {
        "last": f"{venue.market.last(symbol):f}",
        "time": venue.server_time_ns() // _MILLISECOND,
        "asks": cut(asks, limit, merge, is_bids=False),
        "bids": cut(bids, limit, merge, is_bids=True),
    }


def _deals(venue: CoinexSimulator, params: Params) -> Any:
    limit = params.integer("limit", 100)
    if not 1 <= limit <= _MOST_DEALS:
        raise Refusal(2, f"limit is from 1 to {_MOST_DEALS}")
    after = params.integer("last_id", 0)
    return [
        {
            "amount": f"{trade.quantity:f}",
            "date": trade.ts_event // (1000 * _MILLISECOND),
            "date_ms": trade.ts_event // _MILLISECOND,
            "id": int(trade.trade_id),
            "price": f"{trade.price:f}",
            "type": trade.side.value,
        }
        for trade in venue.market.trades(params.market().id.symbol, limit, after)
    ]


def _kline(venue: CoinexSimulator, params: Params) -> Any:
    symbol = params.market().id.symbol
    period = PERIODS[params.one_of("type", PERIODS)]
    limit = params.integer("limit", 100)
    if not 1 <= limit <= _MOST_DEALS:
        raise Refusal(2, f"limit is from 1 to {_MOST_DEALS}")
    return [kline_row(bar) for bar in venue.market.bars(symbol, period, limit)]


def kline_row(bar: Bar) -> list[Any]:
    """Returns a candle with the close before the high; its value is estimated from its four prices."""
    value = bar.volume * (bar.open + bar.high + bar.low + bar.close) / 4
    return [
        bar.ts_open // (1000 * _MILLISECOND),
        *(f"{price:f}" for price in (bar.open, bar.close, bar.high, bar.low)),
        short(bar.volume),
        short(round(value, 8)),
    ]


def _ticker(venue: CoinexSimulator, params: Params) -> Any:
    symbol = params.market().id.symbol
    return {"date": venue.server_time_ns() // _MILLISECOND, "ticker": _ticker_of(venue, symbol)}


def _all_tickers(venue: CoinexSimulator, _params: Params) -> Any:
    tickers = {symbol: _ticker_of(venue, symbol) for symbol in venue.market.instruments}
    return {"date": venue.server_time_ns() // _MILLISECOND, "ticker": tickers}


def _ticker_of(venue: CoinexSimulator, symbol: str) -> dict[str, str]:
    day = venue.market.day(symbol)
    bids, asks = venue.market.top(symbol)
    bid, ask = (side[0] if side else ("0", "0") for side in (bids, asks))
    return {
        "buy": bid[0],
        "buy_amount": bid[1],
        "open": f"{day.open:f}",
        "high": f"{day.high:f}",
        "last": f"{day.last:f}",
        "low": f"{day.low:f}",
        "sell": ask[0],
        "sell_amount": ask[1],
        "vol": short(day.volume),
    }


def _currency_rate(venue: CoinexSimulator, _params: Params) -> Any:
    rates = {f"{coin}_to_USD": "1" for coin in _STABLE}
    for symbol, instrument in venue.market.instruments.items():
        if instrument.quote in _STABLE:
            rates.setdefault(f"{instrument.base}_to_USD", short(venue.market.last(symbol)))
    return rates


def _asset_config(venue: CoinexSimulator, params: Params) -> Any:
    wanted = params.text("coin_type", "")
    return {
        f"{coin}-CSC": {
            "asset": coin,
            "chain": "CSC",
            "can_deposit": False,
            "can_withdraw": False,
            "deposit_least_amount": "1",
            "withdraw_least_amount": "1",
            "withdraw_tx_fee": "0.1",
            "withdrawal_precision": "8",
        }
        for coin in venue.currencies()
        if wanted in ("", coin)
    }


def _amm_markets(venue: CoinexSimulator, _params: Params) -> Any:
    return [symbol for symbol in venue.market.instruments if symbol.startswith("CET")]


def _margin_markets(venue: CoinexSimulator, _params: Params) -> Any:
    return venue.margin_accounts


def _trade_info(venue: CoinexSimulator, _params: Params) -> Any:
    return {
        symbol: {
            "maker_fee_rate": short(instrument.maker_fee),
            "taker_fee_rate": short(instrument.taker_fee),
            "depths": _merges(instrument.tick_size, venue.market.last(symbol)),
            "is_amm_market": symbol.startswith("CET"),
        }
        for symbol, instrument in venue.market.instruments.items()
    }


def _merges(tick: Decimal, price: Decimal) -> list[str]:
    """Returns the steps that make sense for a market: from its tick to some thousandth of its price."""
    steps = [(text, step) for text, step in INTERVALS.items() if step and tick <= step <= max(tick, price / 100)]
    return [text for text, _ in sorted(steps, key=lambda pair: -pair[1])]


def _nothing(_venue: CoinexSimulator, _params: Params) -> Any:
    return []


CALLS = (
    Call("GET", "/market/list", _market_list, message="Ok"),
    Call("GET", "/market/info", _market_info, message="Ok"),
    Call("GET", "/market/detail", _market_detail, message="Ok"),
    Call("GET", "/market/depth", _depth, message="Ok"),
    Call("GET", "/market/deals", _deals, message="Ok"),
    Call("GET", "/market/kline", _kline, message="Ok"),
    Call("GET", "/market/ticker", _ticker, message="Ok"),
    Call("GET", "/market/ticker/all", _all_tickers, message="Ok"),
    Call("GET", "/common/currency/rate", _currency_rate),
    Call("GET", "/common/asset/config", _asset_config),
    Call("GET", "/common/maintain/info", _nothing),
    Call("GET", "/common/temp-maintain/info", _nothing),
    Call("GET", "/amm/market", _amm_markets),
    Call("GET", "/margin/market", _margin_markets),
    Call("GET", "/order/market/trade/info", _trade_info),
)
