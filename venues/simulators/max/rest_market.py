"""The public endpoints of MAX: markets, currencies, books, trades, candles, tickers, the M-wallet's terms.

Depth has the worst ask first: the best one is the last of the list. Times are in seconds but for trades.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from venues.events import Trade
from venues.model import NANOSECONDS, Bar, Instrument
from venues.simulators.figures import milliseconds
from venues.simulators.max.calls import public
from venues.simulators.max.figures import figure, seconds, written
from venues.simulators.max.markets import terms_of
from venues.simulators.max.params import Params, invalid
from venues.simulators.max.wallet import HOURLY_RATES, LEAST_LOAN

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

PERIODS = (1, 5, 15, 30, 60, 120, 240, 360, 720, 1_440, 4_320, 10_080)  # minutes
_NETWORKS = {"TWD": (15, 100, "twd", "fiat"), "BTC": (0.0003, 0.001, "btc", "bitcoin")}
_MOST_LEVELS = 300
_MOST_BARS = 10_000
_MOST_INDEXES = 1_000
_LONGEST_SPAN = 30 * 86_400_000  # milliseconds of index prices


def _markets(venue: MaxSimulator, _params: Params) -> Any:
    return [market_row(instrument) for instrument in venue.market.instruments.values()]


def market_row(instrument: Instrument) -> dict[str, Any]:
    """Returns a market; its minimums are numbers, and may be written with an exponent."""
    terms = terms_of(instrument)
    return {
        "id": instrument.id.symbol.lower(),
        "status": terms.status,
        "base_unit": instrument.base.lower(),
        "base_unit_precision": terms.base_precision,
        "min_base_amount": msgspec.Raw(terms.min_base.encode()),
        "quote_unit": instrument.quote.lower(),
        "quote_unit_precision": terms.quote_precision,
        "min_quote_amount": msgspec.Raw(terms.min_quote.encode()),
        "m_wallet_supported": terms.is_on_m,
    }


def _currencies(venue: MaxSimulator, _params: Params) -> Any:
    return [_currency_row(name) for name in venue.currencies()]


def _currency_row(name: str) -> dict[str, Any]:
    is_fiat, is_borrowable = name == "TWD", name in HOURLY_RATES
    fee, least, network, protocol = _NETWORKS.get(name, (1, 10, f"{name.lower()}erc20", "ethereum-erc20"))
    networks = [
        {
            "token_contract_address": None,
            "precision": 0 if is_fiat else 8,
            "id": network,
            "network_protocol": protocol,
            "network_congested": False,
            "deposit_confirmations": 0 if is_fiat else 64,
            "withdrawal_fee": fee,
            "min_withdrawal_amount": least,
            "withdrawal_enabled": True,
            "deposit_enabled": True,
            "need_memo": False,
        }
    ]
    return {
        "currency": name.lower(),
        "type": "fiat" if is_fiat else "crypto",
        "precision": 0 if is_fiat else 8,
        "m_wallet_supported": is_borrowable,
        "m_wallet_mortgageable": is_borrowable,
        "m_wallet_borrowable": is_borrowable,
        "min_borrow_amount": figure(LEAST_LOAN.get(name, Decimal(0))),
        "networks": networks,
        "staking": {"stake_flag": True, "unstake_flag": True} if name == "MAX" else None,
    }


def _timestamp(venue: MaxSimulator, _params: Params) -> Any:
    return {"timestamp": seconds(venue.server_time_ns())}


def _kline(venue: MaxSimulator, params: Params) -> Any:
    symbol, limit = params.market().id.symbol, params.limit(30, _MOST_BARS)
    period = params.integer("period", 1)
    if period not in PERIODS:
        raise invalid("period")
    width = period * 60
    if not params.has("timestamp"):
        return [kline_row(bar) for bar in venue.market.bars(symbol, width, limit)]
    start = params.integer("timestamp")
    bars = venue.market.bars(symbol, width, _MOST_BARS)
    return [kline_row(bar) for bar in bars if bar.ts_open // NANOSECONDS >= start][:limit]


def kline_row(bar: Bar) -> list[Any]:
    """Returns a candle as numbers, its beginning in seconds."""
    numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return [seconds(bar.ts_open), *(msgspec.Raw(figure(number).encode()) for number in numbers)]


def _depth(venue: MaxSimulator, params: Params) -> Any:
    symbol, limit = params.market().id.symbol, params.limit(_MOST_LEVELS, _MOST_LEVELS)
    params.flag("sort_by_price", default=True)
    bids, asks = venue.market.book(symbol)
    version, newest = venue.publisher.market.position(symbol)
    return {
        "timestamp": seconds(venue.server_time_ns()),
        "last_update_version": version,
        "last_update_id": newest,
        "asks": [(written(price), written(volume)) for price, volume in reversed(asks[:limit])],
        "bids": [(written(price), written(volume)) for price, volume in bids[:limit]],
    }


def _trades(venue: MaxSimulator, params: Params) -> Any:
    symbol, limit = params.market().id.symbol, params.limit(50, 1_000)
    until = params.moment()
    found = venue.market.trades(symbol, 1_000)
    if until is not None:
        found = [trade for trade in found if milliseconds(trade.ts_event) <= until]
    return [_trade_row(trade) for trade in found[:limit]]


def _trade_row(trade: Trade) -> dict[str, Any]:
    """Returns a public trade; its side is the maker's, not that of who took."""
    return {
        "id": int(trade.trade_id),
        "price": figure(trade.price),
        "volume": figure(trade.quantity),
        "funds": figure(trade.price * trade.quantity),
        "market": trade.instrument.symbol.lower(),
        "side": trade.side.opposite.value,
        "created_at": milliseconds(trade.ts_event),
    }


def _tickers(venue: MaxSimulator, params: Params) -> Any:
    return [_ticker_row(venue, instrument) for instrument in params.markets("markets")]


def _ticker(venue: MaxSimulator, params: Params) -> Any:
    return _ticker_row(venue, params.market())


def _ticker_row(venue: MaxSimulator, instrument: Instrument) -> dict[str, Any]:
    symbol = instrument.id.symbol
    day, (bids, asks) = venue.market.day(symbol), venue.market.top(symbol)
    bid, ask = (side[0] if side else ("0", "0") for side in (bids, asks))
    return {
        "market": symbol.lower(),
        "at": seconds(venue.server_time_ns()),
        "buy": written(bid[0]),
        "buy_vol": written(bid[1]),
        "sell": written(ask[0]),
        "sell_vol": written(ask[1]),
        "open": figure(day.open),
        "low": figure(day.low),
        "high": figure(day.high),
        "last": figure(day.last),
        "vol": figure(day.volume),
        "vol_in_btc": figure(in_btc(venue, instrument, day.value)),
        "vol_in_quote": figure(round(day.value, 8)),
    }


def in_btc(venue: MaxSimulator, instrument: Instrument, value: Decimal) -> Decimal:
    """Returns what an amount of the quote currency is worth in BTC."""
    prices = venue.wallet.index_prices()
    usdt = value / prices["USDTTWD"] if instrument.quote == "TWD" else value
    return round(usdt / prices["BTCUSDT"], 8)


def _index_prices(venue: MaxSimulator, _params: Params) -> Any:
    return {name.lower(): figure(price) for name, price in venue.wallet.index_prices().items()}


def _old_index_prices(venue: MaxSimulator, params: Params) -> Any:
    """The index of the past is what the market closed each hour with; times are text, in milliseconds."""
    symbol = params.one_of("market", ("usdttwd", "btcusdt", "ethusdt")).upper()
    start, end = params.moment("start_time"), params.moment("end_time")
    if start is None or end is None or not start <= end <= start + _LONGEST_SPAN:
        raise invalid("end_time")
    if symbol not in venue.market.instruments:
        return []
    bars = venue.market.bars(symbol, 3_600, _MOST_INDEXES)
    return [
        {"timestamp": str(milliseconds(bar.ts_open)), "price": figure(bar.close)}
        for bar in bars
        if start <= milliseconds(bar.ts_open) <= end
    ]


def _limits(venue: MaxSimulator, _params: Params) -> Any:
    return {name.lower(): figure(most) for name, most in venue.wallet.limits().items()}


def _interest_rates(_venue: MaxSimulator, _params: Params) -> Any:
    return {
        name.lower(): {"hourly_interest_rate": f"{rate:f}", "next_hourly_interest_rate": f"{rate:f}"}
        for name, rate in HOURLY_RATES.items()
    }


CALLS = (
    public("/markets", _markets),
    public("/currencies", _currencies),
    public("/timestamp", _timestamp),
    public("/k", _kline),
    public("/depth", _depth),
    public("/trades", _trades),
    public("/tickers", _tickers),
    public("/ticker", _ticker),
    public("/wallet/m/index_prices", _index_prices),
    public("/wallet/m/historical_index_prices", _old_index_prices),
    public("/wallet/m/limits", _limits),
    public("/wallet/m/interest_rates", _interest_rates),
)
