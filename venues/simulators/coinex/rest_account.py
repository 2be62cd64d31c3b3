"""The account endpoints of CoinEx: balances, fees, history. Document: "Account API"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venues.model import NANOSECONDS
from venues.simulators.accounts import HistoryRow
from venues.simulators.coinex.answers import eight, short
from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.markets import MAKER_FEE, TAKER_FEE
from venues.simulators.coinex.params import Params
from venues.simulators.coinex.rest_queries import paged, read_accounts
from venues.simulators.orders import MAIN

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator


def _balances(venue: CoinexSimulator, _params: Params) -> Any:
    """What an account holds nothing of is left out."""
    return {
        balance.currency: {"available": short(balance.available), "frozen": short(balance.locked)}
        for balance in venue.market.balances(MAIN)
        if balance.total
    }


def _history(venue: CoinexSimulator, params: Params) -> Any:
    accounts, asset = read_accounts(venue, params), params.text("asset", "")
    business = params.text("business", "")
    start, end = params.integer("start_time", 0), params.integer("end_time", 0)
    rows = [
        row
        for row in reversed(venue.market.accounts.history)
        if row.account in accounts
        and asset in ("", row.currency)
        and business in ("", row.business)
        and start <= row.ts_event // NANOSECONDS
        and (not end or row.ts_event // NANOSECONDS <= end)
    ]
    return paged(params, rows, _history_row)


def _history_row(row: HistoryRow) -> dict[str, Any]:
    return {
        "time": row.ts_event // NANOSECONDS,
        "account": row.account,
        "business": row.business,
        "business_id": row.business_id,
        "asset": row.currency,
        "change": eight(row.change),
        "balance": eight(row.balance),
    }


def _market_fee(_venue: CoinexSimulator, params: Params) -> Any:
    params.one_of("business_type", ("SPOT", "PERPETUAL"), "SPOT")
    instrument = params.market()
    return {"taker": short(instrument.taker_fee), "maker": short(instrument.maker_fee)}


def _trade_fee(_venue: CoinexSimulator, _params: Params) -> Any:
    rates = {"taker": short(TAKER_FEE), "maker": short(MAKER_FEE)}
    return {"spot": {"ALL": rates}, "perpetual": {"ALL": {"taker": "0", "maker": "0"}}}


def _no_rows(_venue: CoinexSimulator, _params: Params) -> Any:
    return []


def _no_records(_venue: CoinexSimulator, _params: Params) -> Any:
    return {"records": [], "total": 0}


def _no_deposits(_venue: CoinexSimulator, params: Params) -> Any:
    return {**paged(params, [], _history_row, has_total=True), "total_page": 0}


def _no_names(_venue: CoinexSimulator, _params: Params) -> Any:
    return {}


CALLS = (
    Call("GET", "/balance/info", _balances, is_signed=True),
    Call("GET", "/balance/", _balances, is_signed=True),  # its older name, which the venue's demos still use
    Call("GET", "/account/balance/history", _history, is_signed=True),
    Call("GET", "/account/market/fee", _market_fee, is_signed=True),
    Call("GET", "/order/user/trade/fee", _trade_fee, is_signed=True),
    Call("GET", "/balance/coin/deposit", _no_deposits, is_signed=True),
    Call("GET", "/balance/coin/withdraw", _no_rows, is_signed=True),
    Call("GET", "/contract/transfer/history", _no_records, is_signed=True),
    Call("GET", "/investment/transfer/history", _no_records, is_signed=True),
    Call("GET", "/account/amm/balance", _no_rows, is_signed=True),
    Call("GET", "/account/investment/balance", _no_rows, is_signed=True),
    Call("GET", "/sub_account/balance", _no_names, is_signed=True),
)
