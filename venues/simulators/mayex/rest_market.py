"""The public half of Mayex's REST: the spot pairs, and the contracts that its document has no list of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venues.model import Instrument
from venues.simulators.figures import plain
from venues.simulators.mayex.calls import Call
from venues.simulators.mayex.markets import BAND, LIQUIDATION_FEE, MAINTENANCE, TERMS
from venues.simulators.mayex.params import Params

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

_FUNDING_HOURS = 8
_HIGHEST_TICKS = 10_000_000


def _pairs(venue: MayexSimulator, _params: Params) -> list[dict[str, Any]]:
    return [
        {
            "symbol": symbol,
            "baseCurrency": pair.base,
            "quoteCurrency": pair.quote,
            "tickSize": plain(pair.tick_size),
            "stepSize": plain(pair.lot_size),
            "minOrderQty": plain(pair.min_quantity),
        }
        for symbol, pair in venue.spot.instruments.items()
    ]


def _products(venue: MayexSimulator, _params: Params) -> list[dict[str, Any]]:
    return [_product(symbol, one) for symbol, one in venue.market.instruments.items()]


def _product(symbol: str, one: Instrument) -> dict[str, Any]:
    terms = TERMS[symbol]
    return {
        "symbolId": terms.number,
        "symbol": symbol,
        "displayName": f"{one.base}/{one.quote}",
        "type": "FUTURE_PERPETUAL",
        "baseCurrency": one.base,
        "quoteCurrency": one.quote,
        "settleCurrency": one.settle,
        "tickSize": plain(one.tick_size),
        "stepSize": plain(one.lot_size),
        "minPrice": plain(one.tick_size),
        "maxPrice": plain(one.tick_size * _HIGHEST_TICKS),
        "minOrderQty": plain(terms.least),
        "maxOrderQty": None if one.max_quantity is None else plain(one.max_quantity),
        "marketMaxQty": plain(terms.most_at_market),
        "priceDecimal": one.price_decimals,
        "amountDecimal": one.quantity_decimals,
        "makerFeeRate": plain(one.maker_fee),
        "takerFeeRate": plain(one.taker_fee),
        "marketPriceDiffRate": plain(BAND),
        "limitPriceDiffRate": plain(BAND),
        "strategyPriceDiffRate": plain(BAND),
        "liquidationFeeRate": plain(LIQUIDATION_FEE),
        "maintainMarginRate": plain(MAINTENANCE),
        "maxLeverage": None if one.max_leverage is None else plain(one.max_leverage),
        "fundingInterval": _FUNDING_HOURS,
    }


CALLS: tuple[Call, ...] = (
    Call("GET", "/user/v1/public/spot-marketing/all-pair", _pairs, "read", is_signed=False),
    Call("GET", "/user/v1/public/instrument/products", _products, "read", is_signed=False, is_documented=False),
)
