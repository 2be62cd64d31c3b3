"""The simulator's markets: invented terms on well-known names, wide and narrow in price, tick and minimum."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from venues.model import Instrument, InstrumentId, InstrumentKind
from venues.paper.instruments import Listing

VENUE = "coinex"
MAKER_FEE, TAKER_FEE = Decimal("0.0016"), Decimal("0.002")
LOT = Decimal("1e-8")  # every market has eight decimals of amount
DEPOSITS: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(1),
    "ETH": Decimal(10),
    "CET": Decimal(20_000),
    "ADA": Decimal(5_000),
}
MARGIN_MARKETS: Mapping[str, int] = {"ETHUSDT": 1, "BTCUSDT": 2, "LTCUSDT": 11, "XRPUSDT": 12, "ETHBTC": 16}
LEVERAGE = 5
DAY_RATE = Decimal("0.001")

_TYPICAL_VALUE = Decimal(3_000)  # quote units of a resting order, in the mean, on markets that USDT prices

# base, quote, price, price decimals, least amount, share of the messages, a day's volatility
_ROWS = (
    ("BTC", "USDT", "60620.00", 2, "0.0001", 20, 0.015),
    ("ETH", "USDT", "2364.60", 2, "0.001", 15, 0.02),
    ("CET", "USDT", "0.058230", 6, "100", 6, 0.03),
    ("LTC", "USDT", "71.430", 3, "0.05", 5, 0.025),
    ("XRP", "USDT", "0.56210", 5, "5", 6, 0.025),
    ("BCH", "USDT", "351.20", 2, "0.01", 4, 0.025),
    ("ADA", "USDT", "0.68760", 5, "5", 5, 0.03),
    ("SOL", "USDT", "148.610", 3, "0.02", 6, 0.03),
    ("DOGE", "USDT", "0.112340", 6, "30", 5, 0.035),
    ("DOT", "USDT", "4.3180", 4, "0.5", 3, 0.03),
    ("LINK", "USDT", "11.2650", 4, "0.3", 3, 0.03),
    ("AVAX", "USDT", "26.810", 3, "0.1", 3, 0.03),
    ("ATOM", "USDT", "4.6120", 4, "0.5", 3, 0.03),
    ("XMR", "USDT", "162.30", 2, "0.02", 3, 0.02),
    ("ETC", "USDT", "18.940", 3, "0.2", 3, 0.03),
    ("TRX", "USDT", "0.152800", 6, "20", 3, 0.02),
    ("XLM", "USDT", "0.094300", 6, "40", 3, 0.03),
    ("UNI", "USDT", "6.7410", 4, "0.5", 3, 0.035),
    ("AAVE", "USDT", "143.10", 2, "0.02", 3, 0.035),
    ("NEAR", "USDT", "4.2870", 4, "0.8", 3, 0.035),
    ("FIL", "USDT", "3.7150", 4, "1", 3, 0.03),
    ("SHIB", "USDT", "0.00001731", 8, "200000", 4, 0.04),
    ("ETH", "BTC", "0.039008", 6, "0.001", 3, 0.012),
    ("LTC", "BTC", "0.00117830", 8, "0.05", 2, 0.015),
)


def listings(symbols: tuple[str, ...] = ()) -> tuple[Listing, ...]:
    """Returns the markets, or those of them that are named.

    Raises:
        ValueError: one of the names is not a market.
    """
    found = {listing.id.symbol: listing for listing in (_listing(*row) for row in _ROWS)}
    unknown = [symbol for symbol in symbols if symbol not in found]
    if unknown:
        raise ValueError(f"there is no market {unknown[0]}; known are {', '.join(found)}")
    return tuple(found[symbol] for symbol in symbols) if symbols else tuple(found.values())


def _listing(
    base: str, quote: str, price: str, decimals: int, least: str, share: int, volatility: float
) -> Listing:
    tick = Decimal(1).scaleb(-decimals)
    opening = Decimal(price)
    ticks = int(opening / tick)
    value = _TYPICAL_VALUE if quote == "USDT" else _TYPICAL_VALUE / 60_000
    return Listing(
        instrument=Instrument(
            id=InstrumentId(VENUE, f"{base}{quote}"),
            name=f"{base}/{quote}",
            kind=InstrumentKind.SPOT,
            base=base,
            quote=quote,
            settle=quote,
            tick_size=tick,
            lot_size=LOT,
            min_quantity=Decimal(least),
            maker_fee=MAKER_FEE,
            taker_fee=TAKER_FEE,
        ),
        coin=f"{base}{quote}",
        opening_price=opening,
        share=share,
        typical_lots=int(value / opening / LOT),
        daily_volatility=volatility,
        step=max(1.0, ticks * 1e-5),
        span=max(26.0, ticks * 8e-4),
    )
