"""Pumpkin's marks, indexes, funding, brackets, open interest and risk fund, below /v2/public."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.simulators.figures import figure, milliseconds, plain
from venues.simulators.pumpkin.calls import Call, public
from venues.simulators.pumpkin.markets import COIN, TERMS
from venues.simulators.pumpkin.params import Params

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator


def _price_row(venue: PumpkinSimulator, symbol: str, price: Decimal) -> dict[str, Any]:
    return {"s": symbol, "p": figure(price), "t": milliseconds(venue.server_time_ns())}


def _marks(venue: PumpkinSimulator, _params: Params) -> list[dict[str, Any]]:
    return [_price_row(venue, symbol, venue.mark(symbol)) for symbol in venue.market.instruments]


def _mark(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol = params.symbol()
    return _price_row(venue, symbol, venue.mark(symbol))


def _indexes(venue: PumpkinSimulator, _params: Params) -> list[dict[str, Any]]:
    return [_price_row(venue, symbol, venue.index_of(symbol)) for symbol in venue.market.instruments]


def _index(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol = params.symbol()
    return _price_row(venue, symbol, venue.index_of(symbol))


def _funding(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol = params.symbol()
    rate, at = venue.funding_of(symbol)
    return {"symbol": symbol, "fundingRate": plain(rate), "nextCollectionTime": at}


def _funding_rows(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    before, after, rows = params.cursor(venue.past.funding(params.symbol()), lambda row: row.id)
    items = [
        {
            "id": str(row.id),
            "symbol": row.symbol,
            "fundingRate": plain(round(row.rate, 8)),
            "createdTime": row.at,
            "collectionInternal": row.seconds,
        }
        for row in rows
    ]
    return {"hasPrev": before, "hasNext": after, "items": items}


def _brackets_of(symbol: str, *, has_name: bool) -> dict[str, Any]:
    rows = []
    for one in TERMS[symbol].brackets:
        row: dict[str, Any] = {
            "symbolId": TERMS[symbol].number,
            "bracket": one.number,
            "maxPosition": f"{one.max_position:.8f}",
            "maxLeverage": str(one.max_leverage),
            "maintenanceMargin": f"{one.rate:.4f}",
            "maintenanceAmount": f"{one.amount:.8f}",
        }
        rows.append(row | {"symbol": symbol} if has_name else row)
    return {"symbol": symbol, "leverageBrackets": rows}


def _brackets(venue: PumpkinSimulator, _params: Params) -> list[dict[str, Any]]:
    return [_brackets_of(symbol, has_name=False) for symbol in venue.market.instruments]


def _bracket(_venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    return _brackets_of(params.symbol(), has_name=True)


def _risk_fund(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    params.symbol()
    before, after, rows = params.cursor(venue.past.fund, lambda row: row.id)
    items = [{"id": str(row.id), "coin": COIN, "amount": plain(row.amount), "createdTime": row.at} for row in rows]
    return {"hasPrev": before, "hasNext": after, "items": items}


def open_interest_of(venue: PumpkinSimulator, symbol: str) -> tuple[Decimal, Decimal]:
    """Returns what is open in base units and in the quote coin: ours, and a share of the day's volume."""
    held = sum((one.quantity for one in venue.book.of(symbol)), Decimal(0))
    day = venue.market.day(symbol)
    quantity = round(held + day.volume / 4, 8)
    return quantity, round(quantity * venue.mark(symbol), 6)


def _open_interest(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol = params.symbol()
    quantity, value = open_interest_of(venue, symbol)
    return {
        "symbol": symbol,
        "openInterest": plain(quantity),
        "openInterestUsd": plain(value),
        "time": milliseconds(venue.server_time_ns()),
    }


_P = "/v2/public"
CALLS: tuple[Call, ...] = (
    public(f"{_P}/q/mark-price", _marks),
    public(f"{_P}/q/symbol-mark-price", _mark),
    public(f"{_P}/q/index-price", _indexes),
    public(f"{_P}/q/symbol-index-price", _index),
    public(f"{_P}/q/funding-rate", _funding),
    public(f"{_P}/q/funding-rate-record", _funding_rows),
    public(f"{_P}/leverage/bracket/list", _brackets, label="message"),
    public(f"{_P}/leverage/bracket/detail", _bracket, label="message"),
    public(f"{_P}/contract/risk-balance", _risk_fund),
    public(f"{_P}/contract/open-interest", _open_interest),
)
