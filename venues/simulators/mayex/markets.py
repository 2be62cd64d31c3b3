"""The simulator's contracts and spot pairs: invented terms on well-known names."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from venues.model import Instrument, InstrumentId, InstrumentKind
from venues.paper.instruments import Listing
from venues.simulators.perpetuals.listings import listing_of
from venues.simulators.perpetuals.margin import Bracket
from venues.simulators.perpetuals.wallet import BillWords

VENUE = "mayex"
COIN = "USDT"
SPOT = ".spot"
"""What the control API calls a spot pair by: `btcusdt.spot`."""
DEPOSITS: Mapping[str, Decimal] = {COIN: Decimal(100_000)}
BILL_WORDS = BillWords("Transfer", "RealizedPnl", "InsuranceFund", "InsuranceClear", "FundingFee", "Commission")
MAKER_FEE, TAKER_FEE = Decimal("0.0001"), Decimal("0.00035")
LIQUIDATION_FEE = Decimal("0.0005")
MAINTENANCE = Decimal("0.005")
BAND = Decimal("0.1")  # how far beyond the mark a limit price may be, as a fraction
MAX_LEVERAGE, FIRST_LEVERAGE = 100, 10
MAX_ORDERS, MAX_WAITING = 200, 100  # of a symbol
BRACKETS = (Bracket(1, Decimal(10**12), MAX_LEVERAGE, MAINTENANCE, Decimal(0)),)

# base, price, tick, step, most of an order, share of the messages, volatility a day
_Row = tuple[str, str, str, str, str, int, float]
_ROWS: tuple[_Row, ...] = (
    ("BTC", "60624.5", "0.5", "0.001", "100", 26, 0.015),
    ("ETH", "2364.80", "0.05", "0.01", "2000", 16, 0.02),
    ("SOL", "148.61", "0.01", "0.1", "20000", 8, 0.03),
    ("XRP", "0.5621", "0.0001", "1", "5000000", 6, 0.025),
    ("DOGE", "0.11234", "0.00001", "1", "20000000", 5, 0.035),
    ("LINK", "11.265", "0.005", "0.1", "200000", 3, 0.03),
    ("ADA", "0.4012", "0.0001", "1", "5000000", 3, 0.03),
    ("LTC", "83.21", "0.01", "0.01", "20000", 3, 0.025),
)
_NAMED: tuple[_Row, ...] = tuple(
    (base, price, tick, "0.1", "200000", 2, 0.03)
    for base, price, tick in (
        ("AVAX", "17.84", "0.01"), ("DOT", "2.915", "0.001"), ("BCH", "512.4", "0.1"), ("NEAR", "1.764", "0.001"),
        ("UNI", "6.213", "0.001"), ("ATOM", "2.482", "0.001"), ("ETC", "14.05", "0.01"), ("APT", "2.711", "0.001"),
        ("ARB", "0.2104", "0.0001"), ("OP", "0.3122", "0.0001"), ("TRX", "0.1528", "0.0001"),
    )
)  # fmt: skip
_ALL = {f"{row[0]}{COIN}".lower(): row for row in (*_ROWS, *_NAMED)}
_FINE, _LEAST_STEPS = ("BTC", "ETH"), 5  # whose least is a step; the others' are so many
_SPOT = ("btcusdt", "ethusdt", "xrpusdt", "ltcusdt")  # those that are pairs as well


class Terms(msgspec.Struct, frozen=True):
    """What the product list says of a contract beside its instrument; quantities are in base units."""

    number: int
    least: Decimal  # of an order that opens
    most_at_market: Decimal


def _terms(number: int, row: _Row) -> Terms:
    steps = 1 if row[0] in _FINE else _LEAST_STEPS
    return Terms(number, Decimal(row[3]) * steps, Decimal(row[4]) / 2)


TERMS: Mapping[str, Terms] = {symbol: _terms(number, row) for number, (symbol, row) in enumerate(_ALL.items(), 1)}


def contracts(symbols: tuple[str, ...] = ()) -> tuple[Listing, ...]:
    """Returns the usual contracts, or those that are named, in small letters or not.

    Raises:
        ValueError: one of the names is not listed.
    """
    named = [symbol.lower() for symbol in symbols] or list(_ALL)[: len(_ROWS)]
    unknown = [symbol for symbol in named if symbol not in _ALL]
    if unknown:
        raise ValueError(f"there is no contract {unknown[0]}; known are {', '.join(_ALL)}")
    return tuple(_contract(symbol) for symbol in named)


def pairs(symbols: tuple[str, ...] = ()) -> tuple[Listing, ...]:
    """Returns the spot pairs: all, or those of the named symbols that are one, the first where none of them is."""
    named = {symbol.lower() for symbol in symbols}
    found = [symbol for symbol in _SPOT if not named or symbol in named] or [_SPOT[0]]
    return tuple(_pair(symbol) for symbol in found)


def _contract(symbol: str) -> Listing:
    base, price, tick, step, most, share, volatility = _ALL[symbol]
    lot = Decimal(step)
    instrument = Instrument(
        id=InstrumentId(VENUE, symbol),
        name=f"{base}/USDT perp",
        kind=InstrumentKind.LINEAR_PERPETUAL,
        base=base,
        quote=COIN,
        settle=COIN,
        tick_size=Decimal(tick),
        lot_size=lot,
        min_quantity=lot,
        max_quantity=Decimal(most),
        maker_fee=MAKER_FEE,
        taker_fee=TAKER_FEE,
        max_leverage=Decimal(MAX_LEVERAGE),
    )
    return listing_of(instrument, Decimal(price), share=share, volatility=volatility)


def _pair(symbol: str) -> Listing:
    base, price, tick, step, _most, share, volatility = _ALL[symbol]
    lot = Decimal(step) / 100
    instrument = Instrument(
        id=InstrumentId(VENUE, symbol),
        name=f"{base}/USDT",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=COIN,
        settle=COIN,
        tick_size=Decimal(tick) / 10,
        lot_size=lot,
        min_quantity=lot,
        maker_fee=MAKER_FEE,
        taker_fee=TAKER_FEE,
    )
    return listing_of(instrument, Decimal(price), share=share, volatility=volatility, basis=0.0)
