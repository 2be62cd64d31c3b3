"""The simulator's markets: MAX's kinds of names with invented terms, TWD and USDT quoted.

Precisions are counts of digits after the point, and may be negative: -3 is a step of 1,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from venues.model import Instrument, InstrumentId, InstrumentKind
from venues.paper.instruments import Listing

VENUE = "max"
MAKER_FEE, TAKER_FEE = Decimal("0.00045"), Decimal("0.0015")
ACTIVE, SUSPENDED, CANCEL_ONLY = "active", "suspended", "cancel-only"
DEPOSITS: Mapping[str, Decimal] = {
    "TWD": Decimal(3_000_000),
    "USDT": Decimal(50_000),
    "BTC": Decimal(1),
    "ETH": Decimal(10),
    "MAX": Decimal(5_000),
}
M_DEPOSITS: Mapping[str, Decimal] = {"USDT": Decimal(10_000), "TWD": Decimal(100_000)}

_TYPICAL_VALUE = Decimal(90_000)  # TWD of a resting order, in the mean
_TWD_PER_USDT = Decimal("31.5")


class Terms(NamedTuple):
    """What MAX says of a market beyond what the matching needs."""

    base_precision: int
    quote_precision: int
    min_base: str
    min_quote: str
    status: str
    is_on_m: bool


class _Row(NamedTuple):
    base: str
    quote: str
    price: str
    base_precision: int
    quote_precision: int
    min_base: str
    min_quote: str
    share: int
    volatility: float
    is_on_m: bool = False
    status: str = ACTIVE


_ROWS = (
    _Row("BTC", "TWD", "2800000", 8, 1, "8.0e-05", "250", 20, 0.015, is_on_m=True),
    _Row("ETH", "TWD", "98500", 6, 1, "0.0024", "250", 15, 0.02, is_on_m=True),
    _Row("USDT", "TWD", "31.5", 2, 3, "8", "250", 12, 0.002, is_on_m=True),
    _Row("BTC", "USDT", "88888.88", 6, 2, "8.0e-05", "8", 12, 0.015, is_on_m=True),
    _Row("ETH", "USDT", "3126.98", 5, 2, "0.0024", "8", 10, 0.02, is_on_m=True),
    _Row("USDC", "TWD", "31.48", 2, 3, "8", "250", 3, 0.002),
    _Row("MAX", "TWD", "9.1", 2, 4, "21", "250", 4, 0.03),
    _Row("MAX", "USDT", "0.289", 2, 5, "21", "8", 3, 0.03),
    _Row("XRP", "TWD", "61.25", 1, 3, "4", "250", 5, 0.025),
    _Row("SOL", "TWD", "4190", 4, 1, "0.06", "250", 5, 0.03),
    _Row("DOGE", "TWD", "4.62", 1, 4, "55", "250", 5, 0.035),
    _Row("LTC", "TWD", "2655", 4, 2, "0.1", "250", 3, 0.025),
    _Row("BCH", "TWD", "17250", 5, 1, "0.015", "250", 3, 0.025),
    _Row("SHIB", "TWD", "0.0002685", -3, 7, "1000000", "250", 3, 0.04),
    _Row("YFI", "TWD", "162000", 6, -1, "0.0016", "250", 2, 0.04),
    _Row("COMP", "TWD", "1310", 4, 2, "0.2", "250", 1, 0.04, status=CANCEL_ONLY),
    _Row("BCNT", "TWD", "0.12", 0, 5, "2100", "250", 1, 0.04, status=SUSPENDED),
)  # fmt: skip

# Those that are listed only when they are named: base, price in TWD, digits of the price.
_MORE = (
    ("ADA", "24.5", 3), ("AVAX", "850", 1), ("DOT", "135", 2), ("LINK", "480", 2), ("UNI", "250", 2),
    ("AAVE", "5600", 1), ("ATOM", "140", 2), ("NEAR", "130", 2), ("FIL", "120", 2), ("ETC", "610", 2),
    ("TRX", "8.9", 4), ("XLM", "8.1", 4), ("ALGO", "5.6", 4), ("SAND", "9", 4), ("MANA", "9.5", 4),
    ("APE", "20", 3), ("GRT", "5", 4), ("CRV", "17", 3), ("LDO", "28", 3), ("ARB", "14", 3), ("OP", "24", 3),
    ("SUI", "105", 2), ("APT", "160", 2), ("INJ", "430", 2), ("IMX", "20", 3), ("PEPE", "0.00027", 8),
    ("WIF", "20.5", 3), ("BONK", "0.0006", 8), ("ENS", "550", 2), ("SNX", "25", 3), ("MKR", "50000", 0),
    ("ZRX", "8", 4), ("BAT", "5.1", 4), ("EOS", "19", 3), ("XTZ", "22", 3), ("ICP", "150", 2),
)  # fmt: skip


def _more(base: str, price: str, decimals: int) -> _Row:
    least = Decimal(250) / Decimal(price)
    digits = 0 if least > 100 else 4
    return _Row(base, "TWD", price, digits, decimals, f"{round(least, digits):f}", "250", 1, 0.03)


_ALL = (*_ROWS, *(_more(*row) for row in _MORE))
SYMBOLS = tuple(f"{row.base}{row.quote}" for row in _ALL)
"""Every market that can be named, in capitals: more than fifty."""

TERMS: Mapping[str, Terms] = {f"{row.base}{row.quote}": Terms(*row[3:7], row.status, row.is_on_m) for row in _ALL}
_OPENING: Mapping[str, Decimal] = {f"{row.base}{row.quote}": Decimal(row.price) for row in _ALL}


def terms_of(instrument: Instrument) -> Terms:
    """Returns a market's terms; those of a recorded market are made of its steps."""
    found = TERMS.get(instrument.id.symbol)
    steps = _precision(instrument.lot_size), _precision(instrument.tick_size)
    if found is not None and found[:2] == steps:
        return found
    least = str(instrument.min_quantity), str(instrument.min_notional)
    return Terms(*steps, *least, ACTIVE, found is not None and found.is_on_m)


def _precision(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def listings(symbols: tuple[str, ...] = ()) -> tuple[Listing, ...]:
    """Returns the usual markets, or those that are named, in capitals or not.

    Raises:
        ValueError: one of the names is not a market.
    """
    rows = dict(zip(SYMBOLS, _ALL, strict=True))
    wanted = [symbol.upper() for symbol in symbols] or SYMBOLS[: len(_ROWS)]
    unknown = [symbol for symbol in wanted if symbol not in rows]
    if unknown:
        raise ValueError(f"there is no market {unknown[0]}; known are {', '.join(rows)}")
    return tuple(_listing(rows[symbol]) for symbol in wanted)


def opening_price(symbol: str) -> Decimal:
    """Returns what a market opens at, listed in this run or not."""
    return _OPENING[symbol]


def _listing(row: _Row) -> Listing:
    tick, lot = Decimal(1).scaleb(-row.quote_precision), Decimal(1).scaleb(-row.base_precision)
    opening = Decimal(row.price)
    ticks = int(opening / tick)
    value = _TYPICAL_VALUE if row.quote == "TWD" else _TYPICAL_VALUE / _TWD_PER_USDT
    return Listing(
        instrument=Instrument(
            id=InstrumentId(VENUE, f"{row.base}{row.quote}"),
            name=f"{row.base}/{row.quote}",
            kind=InstrumentKind.SPOT,
            base=row.base,
            quote=row.quote,
            settle=row.quote,
            tick_size=tick,
            lot_size=lot,
            min_quantity=Decimal(row.min_base),
            min_notional=Decimal(row.min_quote),
            maker_fee=MAKER_FEE,
            taker_fee=TAKER_FEE,
            is_tradable=row.status == ACTIVE,
            note="" if row.status == ACTIVE else row.status,
        ),
        coin=f"{row.base}{row.quote}",
        opening_price=opening,
        share=row.share,
        typical_lots=max(1, int(value / opening / lot)),
        daily_volatility=row.volatility,
        step=max(1.0, ticks * 1e-5),
        span=max(26.0, ticks * 8e-4),
    )
