"""What MAX's stream writes in short keys: orders, trades, money, debts, candles, tickers, markets.

`T` is when something was made and `TU` when it changed, in milliseconds. Sides are bid and ask here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from venues.events import Trade
from venues.model import Balance, Bar, Instrument, Liquidity, Side
from venues.simulators.figures import milliseconds
from venues.simulators.max.figures import figure, optional_figure
from venues.simulators.max.markets import SUSPENDED, terms_of
from venues.simulators.max.orders import Shown
from venues.simulators.orders import LocalFill

RESOLUTIONS = {
    "1m": 60, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "2h": 7_200, "4h": 14_400, "6h": 21_600,
    "12h": 43_200, "1d": 86_400,
}  # fmt: skip
_SIDES = {Side.BUY: "bid", Side.SELL: "ask"}


def order_row(shown: Shown, state: str = "") -> dict[str, Any]:
    """Returns an order, in its own state or in another."""
    return {
        "i": shown.id,
        "sd": _SIDES[shown.side],
        "ot": shown.kind,
        "p": optional_figure(shown.price),
        "sp": optional_figure(shown.stop_price),
        "ap": figure(round(shown.average, 8)),
        "S": state or shown.state,
        "M": shown.symbol.lower(),
        "T": milliseconds(shown.ts_created),
        "TU": milliseconds(shown.ts_event),
        "v": figure(shown.quantity),
        "rv": figure(shown.left),
        "ev": figure(shown.filled),
        "tc": shown.count,
        "ci": shown.client_id or None,
        "gi": shown.group_id,
    }


def fast_trade_row(fill: LocalFill) -> dict[str, Any]:
    """Returns a trade without its fee."""
    return {
        "i": fill.trade_id,
        "M": fill.instrument.symbol.lower(),
        "sd": _SIDES[fill.side],
        "p": figure(fill.price),
        "v": figure(fill.quantity),
        "fn": figure(fill.value),
        "T": milliseconds(fill.ts_event),
        "TU": milliseconds(fill.ts_event),
        "m": fill.liquidity is Liquidity.MAKER,
        "oi": fill.order_id,
    }


def trade_row(fill: LocalFill, *, is_margin: bool = False) -> dict[str, Any]:
    """Returns a trade with its fee; the M-wallet's has neither its value nor whether the fee was discounted."""
    row = fast_trade_row(fill) | {"f": figure(fill.fee), "fc": fill.fee_currency.lower(), "fd": False}
    return {name: value for name, value in row.items() if name not in ("fn", "fd")} if is_margin else row


def balance_row(balance: Balance, at: int, *, is_margin: bool = False) -> dict[str, Any]:
    """Returns a balance as it is since `at` (nanoseconds); the M-wallet's is three fields alone."""
    row = {"cu": balance.currency.lower(), "av": figure(balance.available), "l": figure(balance.locked)}
    if is_margin:
        return row
    return row | {"stk": "0.0" if balance.currency == "MAX" else None, "TU": milliseconds(at)}


def public_trade_row(trade: Trade, trend: str) -> dict[str, Any]:
    """Returns a public trade: it has neither an id nor a side here."""
    return {
        "p": figure(trade.price),
        "v": figure(trade.quantity),
        "T": milliseconds(trade.ts_event),
        "tr": trend,
    }


def kline_row(bar: Bar, resolution: str, last_trade: int, *, is_closed: bool) -> dict[str, Any]:
    """Returns a candle, its times in milliseconds."""
    start = milliseconds(bar.ts_open)
    return {
        "ST": start,
        "ET": start + RESOLUTIONS[resolution] * 1_000 - 1,
        "M": bar.instrument.symbol.lower(),
        "R": resolution,
        "O": figure(bar.open),
        "H": figure(bar.high),
        "L": figure(bar.low),
        "C": figure(bar.close),
        "v": figure(bar.volume),
        "ti": last_trade,
        "x": is_closed,
    }


def status_row(instrument: Instrument, *, is_down: bool) -> dict[str, Any]:
    """Returns a market's terms; its minimums are numbers."""
    terms = terms_of(instrument)
    return {
        "M": instrument.id.symbol.lower(),
        "st": SUSPENDED if is_down else terms.status,
        "bu": instrument.base.lower(),
        "bup": terms.base_precision,
        "mba": msgspec.Raw(terms.min_base.encode()),
        "qu": instrument.quote.lower(),
        "qup": terms.quote_precision,
        "mqa": msgspec.Raw(terms.min_quote.encode()),
        "mws": terms.is_on_m,
    }
