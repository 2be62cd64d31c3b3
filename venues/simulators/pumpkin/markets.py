"""The simulator's perpetuals: invented terms on well-known names. The document's own brackets are placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from venues.model import Instrument, InstrumentId, InstrumentKind
from venues.paper.instruments import Listing
from venues.simulators.perpetuals.listings import listing_of
from venues.simulators.perpetuals.margin import Bracket
from venues.simulators.perpetuals.wallet import BillWords

VENUE = "pumpkin"
COIN = "usdt"
DEPOSITS: Mapping[str, Decimal] = {"usdt": Decimal(100_000)}
MAKER_FEE, TAKER_FEE = Decimal("0.0002"), Decimal("0.0005")
LIQUIDATION_FEE = Decimal("0.0005")
BAND = Decimal("0.1")  # how far beyond the mark a limit price may be, as a fraction
MIN_NOTIONAL, MAX_NOTIONAL = Decimal(1), Decimal(100_000_000)
MAX_ORDERS = MAX_ENTRUSTS = 100

BILL_WORDS = BillWords("EXCHANGE", "CLOSE_POSITION", "TAKE_OVER", "QIANG_PING_MANAGER", "FUND", "FEE")

# By bracket: its end in quote units at the opening price, the highest leverage, the maintenance rate.
_BRACKETS = ((50_000, 125, "0.004"), (500_000, 100, "0.005"), (2_000_000, 50, "0.01"), (10_000_000, 20, "0.025"))
_BRACKETS_SMALL = ((20_000, 50, "0.01"), (200_000, 25, "0.02"), (1_000_000, 10, "0.05"))

# base, contract size, price, its decimals, leverage at first, share of the messages, volatility a day, brackets
_Row = tuple[str, str, str, int, int, int, float, tuple[tuple[int, int, str], ...]]
_ROWS: tuple[_Row, ...] = (
    ("btc", "0.0001", "60624.5", 1, 25, 26, 0.015, _BRACKETS),
    ("eth", "0.001", "2364.80", 2, 10, 16, 0.02, _BRACKETS),
    ("sol", "0.1", "148.610", 3, 20, 8, 0.03, _BRACKETS_SMALL),
    ("xrp", "1", "0.56210", 5, 20, 6, 0.025, _BRACKETS_SMALL),
    ("doge", "10", "0.112340", 6, 20, 5, 0.035, _BRACKETS_SMALL),
    ("link", "0.1", "11.265", 3, 20, 3, 0.03, _BRACKETS_SMALL),
    ("trx", "1", "0.15280", 5, 20, 3, 0.02, _BRACKETS_SMALL),
    ("1000pepe", "10", "0.011240", 6, 20, 5, 0.05, _BRACKETS_SMALL),
)
_NAMED = (  # of the same kind, listed where they are named: a desk does not need all of them
    ("ada", "1", "0.4012"), ("avax", "0.1", "17.84"), ("ltc", "0.01", "83.21"), ("dot", "0.1", "2.915"),
    ("bch", "0.01", "512.4"), ("near", "1", "1.764"), ("uni", "0.1", "6.213"), ("atom", "0.1", "2.482"),
    ("etc", "0.1", "14.05"), ("apt", "0.1", "2.711"), ("arb", "1", "0.2104"), ("op", "1", "0.3122"),
)  # fmt: skip
_MORE_ROWS: tuple[_Row, ...] = tuple(
    (base, size, price, len(price.partition(".")[2]), 20, 2, 0.03, _BRACKETS_SMALL) for base, size, price in _NAMED
)


class Terms(msgspec.Struct, frozen=True):
    """What Pumpkin says of a symbol beside its instrument. Brackets count contracts."""

    number: int
    contract_size: Decimal
    first_leverage: int
    brackets: tuple[Bracket, ...]

    @property
    def max_leverage(self) -> int:
        return self.brackets[0].max_leverage


def _terms(number: int, row: _Row) -> Terms:
    size, opening = Decimal(row[1]), Decimal(row[2])
    brackets: list[Bracket] = []
    amount = Decimal(0)
    before = Decimal(0)  # where the bracket before ends, in quote units
    for index, (end, leverage, text) in enumerate(row[7], 1):
        rate = Decimal(text)
        if brackets:
            # As everywhere: at the seam of two brackets both ask for the same.
            amount += before * (rate - brackets[-1].rate)
        contracts = Decimal(int(Decimal(end) / opening / size))
        brackets.append(Bracket(index, contracts, leverage, rate, amount))
        before = contracts * size * opening
    return Terms(number, size, row[4], tuple(brackets))


TERMS: Mapping[str, Terms] = {
    f"{row[0]}_{COIN}": _terms(number, row) for number, row in enumerate((*_ROWS, *_MORE_ROWS), 1)
}


def listings(symbols: tuple[str, ...] = ()) -> tuple[Listing, ...]:
    """Returns the perpetuals, or those that are named, in small letters.

    Raises:
        ValueError: one of the names is not listed.
    """
    found = {listing.id.symbol: listing for listing in (_listing(*row[:7]) for row in (*_ROWS, *_MORE_ROWS))}
    named = [symbol.lower() for symbol in symbols]
    unknown = [symbol for symbol in named if symbol not in found]
    if unknown:
        raise ValueError(f"there is no perpetual {unknown[0]}; known are {', '.join(found)}")
    return tuple(found[symbol] for symbol in named) if named else tuple(found.values())[: len(_ROWS)]


def _listing(
    base: str, size: str, price: str, decimals: int, leverage: int, share: int, volatility: float
) -> Listing:
    del leverage
    lot = Decimal(size)
    symbol = f"{base}_{COIN}"
    instrument = Instrument(
        id=InstrumentId(VENUE, symbol),
        name=f"{base.upper()}/USDT perp",
        kind=InstrumentKind.LINEAR_PERPETUAL,
        base=base,
        quote=COIN,
        settle=COIN,
        tick_size=Decimal(1).scaleb(-decimals),
        lot_size=lot,
        min_quantity=lot,
        contract_size=lot,
        maker_fee=MAKER_FEE,
        taker_fee=TAKER_FEE,
        max_leverage=Decimal(TERMS[symbol].max_leverage),
    )
    return listing_of(instrument, Decimal(price), share=share, volatility=volatility)
