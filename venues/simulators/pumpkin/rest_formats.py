"""The same market in the forms of third parties: numbers that are no text, misspelt names, and no envelope."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.simulators.figures import milliseconds, plain
from venues.simulators.pumpkin.calls import Call, public
from venues.simulators.pumpkin.params import Params
from venues.simulators.pumpkin.refusals import invalid
from venues.simulators.pumpkin.rest_rates import open_interest_of

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

# By the day of the week, Sunday first.
_RATES = ("0.00041", "0.00047", "0.00026", "0.00031", "0.00044", "0.0004", "0.00037")
_MOST_LEVELS = 50


def _symbol_of(params: Params, name: str) -> str:
    """Reads a symbol in capitals."""
    text = params.text(name).lower()
    if text not in params.instruments:
        raise invalid("symbol")
    return text


def _common_contracts(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    params.integer("timestamp")
    rows = []
    for symbol, instrument in venue.market.instruments.items():
        day = venue.market.day(symbol)
        rows.append(
            {
                "symbol": symbol.upper(),
                "baseAsset": instrument.base.upper(),
                "quoteAsset": instrument.quote.upper(),
                "open": day.open,
                "close": day.last,
                "hign": day.high,
                "low": day.low,
                "Amount": day.volume,
                "volume": round(day.value, 7),
            }
        )
    return rows


def _common_fee(venue: PumpkinSimulator, params: Params) -> dict[str, Decimal]:
    at = params.integer("timestamp")
    if at >= 10**14:
        raise invalid("timestamp")
    weekday = (datetime.fromtimestamp(at / 1_000, UTC).weekday() + 1) % 7
    total = sum((venue.market.day(symbol).value for symbol in venue.market.instruments), Decimal(0))
    return {"totalFee": round(total * Decimal(_RATES[weekday]), 4)}


def _figures(venue: PumpkinSimulator, symbol: str) -> dict[str, Decimal]:
    day = venue.market.day(symbol)
    bids, asks = venue.market.top(symbol)
    held, worth = open_interest_of(venue, symbol)
    instrument = venue.market.instruments[symbol]
    return {
        "last_price": day.last,
        "base_volume": day.volume,
        "usd_volume": round(day.value, 5),
        "target_volume": round(day.value, 5),
        "bid": Decimal(bids[0][0]) if bids else Decimal(0),
        "ask": Decimal(asks[0][0]) if asks else Decimal(0),
        "high": day.high,
        "low": day.low,
        "open_interest": held,
        "open_interest_usd": worth,
        "index_price": venue.index_of(symbol),
        "funding_rate": venue.funding_of(symbol)[0],
        "maker_fee": instrument.maker_fee,
        "taker_fee": instrument.taker_fee,
    }


def _contract(
    venue: PumpkinSimulator, symbol: str, shown: Callable[[Decimal], object], more: dict[str, object]
) -> dict[str, object]:
    instrument = venue.market.instruments[symbol]
    return {
        "ticker_id": symbol.upper(),
        "base_currency": instrument.base.upper(),
        "target_currency": instrument.quote.upper(),
        "product_type": "Perpetual",
        "next_funding_rate_timestamp": venue.funding_of(symbol)[1],
        **{name: shown(value) for name, value in _figures(venue, symbol).items()},
        **more,
    }


def _as_it_is(value: Decimal) -> Decimal:
    """Returns what is written as a number, and not as a text."""
    return value


def _cmc_contracts(venue: PumpkinSimulator, _params: Params) -> list[dict[str, object]]:
    more: dict[str, object] = {"creation_timestamp": None, "expiry_timestamp": None}
    return [_contract(venue, symbol, plain, more) for symbol in venue.market.instruments]


def _cg_contracts(venue: PumpkinSimulator, _params: Params) -> list[dict[str, object]]:
    rows = []
    for symbol in venue.market.instruments:
        rate = venue.funding_of(symbol)[0]
        more: dict[str, object] = {
            "index_currency": "USDT", "next_funding_rate": rate, "start_timestamp": 0, "end_timestamp": 0
        }  # fmt: skip
        rows.append(_contract(venue, symbol, _as_it_is, more))
    return rows


def _cmc_specs(venue: PumpkinSimulator, params: Params) -> dict[str, object]:
    price = venue.market.last(_symbol_of(params, "symbol"))
    return {"contract_type": "Vanilla", "contract_price": price, "contract_price_currency": "USDT"}


def _cg_specs(venue: PumpkinSimulator, params: Params) -> dict[str, object]:
    price = venue.market.last(_symbol_of(params, "ticker_id"))
    return {"contract_type": "Vanilla", "contract_price": plain(price), "contract_price_currency": "USDT"}


def _book(venue: PumpkinSimulator, symbol: str, depth: int) -> dict[str, object]:
    """Returns a book in base units; the name of its symbol is in small letters here."""
    bids, asks = venue.market.book(symbol)
    return {
        "ticker_id": symbol,
        "asks": list(asks[:depth]),
        "bids": list(bids[:depth]),
        "timestamp": milliseconds(venue.server_time_ns()),
    }


def _cmc_depth(venue: PumpkinSimulator, params: Params) -> dict[str, object]:
    return _book(venue, _symbol_of(params, "symbol"), _MOST_LEVELS)


def _cg_depth(venue: PumpkinSimulator, params: Params) -> dict[str, object]:
    depth = params.integer("depth", _MOST_LEVELS)
    if not 1 <= depth <= _MOST_LEVELS:
        raise invalid("limit")
    return _book(venue, _symbol_of(params, "ticker_id"), depth)


CALLS: tuple[Call, ...] = (
    public("/common/v2/perpetual/contracts", _common_contracts),
    public("/common/v2/perpetual/fee", _common_fee),
    public("/cmc/v2/perpetual/contracts", _cmc_contracts, is_bare=True),
    public("/cmc/v2/perpetual/contract_specs", _cmc_specs, is_bare=True),
    public("/cmc/v2/perpetual/depth", _cmc_depth, is_bare=True),
    public("/cg/v2/perpetual/contracts", _cg_contracts, is_bare=True),
    public("/cg/v2/perpetual/contract_specs", _cg_specs, is_bare=True),
    public("/cg/v2/perpetual/depth", _cg_depth, is_bare=True),
)
