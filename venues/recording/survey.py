"""What a recording holds: a first pass over it, for its instruments, its span and where it breaks off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from venues.model import ZERO, Instrument, InstrumentId, InstrumentKind
from venues.recording.format import (
    MAX_NAME,
    MAX_TEXT,
    VENUE,
    InstrumentRow,
    NoticeRow,
    RecordingError,
    TradeRow,
)
from venues.recording.reader import RecordingReader

# Longest first: "USDT" ends in no shorter one here, but "BUSD" ends in "USD".
_QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "TWD", "BTC", "ETH")
INVERSE_NOTE = "inverse contract: shown, not traded"


class Terms(NamedTuple):
    """What is assumed of an instrument where the recording does not say it."""

    maker_fee: Decimal
    taker_fee: Decimal
    max_leverage: Decimal
    maintenance_margin: Decimal


class Survey(NamedTuple):
    """Times in milliseconds UTC, of the first and last snapshot, delta or trade; 0 where there is none."""

    instruments: dict[str, Instrument]
    rows: int
    first_ts: int
    last_ts: int
    fault: RecordingError | None  # where it can not be read any further
    quarantined: Counter[str]


class _Steps:
    """The decimals seen in the prices and quantities of a symbol without an instrument row."""

    __slots__ = ("lot", "tick")

    def __init__(self) -> None:
        self.tick = 0
        self.lot = 0

    def add(self, price: str, quantity: str) -> None:
        self.tick = max(self.tick, _decimals(price))
        self.lot = max(self.lot, _decimals(quantity))


def survey_recording(path: Path, lots: Mapping[str, Decimal], terms: Terms) -> Survey:
    """Reads the whole recording once. Blocking: about 100,000 rows a second.

    `lots` gives the lot size of symbols that the recording does not describe.

    Raises:
        RecordingError: not one row can be read.
    """
    reader = RecordingReader(path)
    described: dict[str, InstrumentRow] = {}
    steps: dict[str, _Steps] = {}
    rows = first = last = 0
    fault: RecordingError | None = None
    try:
        for row in reader:
            rows += 1
            if isinstance(row, InstrumentRow):
                described.setdefault(row.symbol, row)
                continue
            if isinstance(row, NoticeRow):
                continue
            first = first or row.ts
            last = max(last, row.ts)
            seen = steps.setdefault(row.symbol, _Steps())
            if row.symbol in described:
                continue
            if isinstance(row, TradeRow):
                seen.add(row.price, row.qty)
            else:
                for level in (*row.bids, *row.asks):
                    seen.add(*level)
    except RecordingError as error:
        fault = error
    if not steps:
        raise fault or RecordingError(f"{path.name} holds no market data; record again")
    instruments = {symbol: _described(row, terms) for symbol, row in described.items()}
    for symbol, seen in steps.items():
        if symbol not in instruments:
            instruments[symbol] = _derived(symbol, seen, lots.get(symbol), terms)
    return Survey(instruments, rows, first, last, fault, reader.quarantined)


def _described(row: InstrumentRow, terms: Terms) -> Instrument:
    is_inverse = row.type is InstrumentKind.INVERSE_PERPETUAL
    is_perpetual = row.type is not InstrumentKind.SPOT
    assumed = [] if row.maker_fee and row.taker_fee else ["fees"]
    if is_perpetual and not (row.max_leverage and row.maintenance_margin):
        assumed.append("margin terms")
    notes = [INVERSE_NOTE] if is_inverse else []
    if assumed and not is_inverse:
        notes.append(f"{' and '.join(assumed)} assumed: the recording has none")
    if row.note not in ("", *notes):
        notes.append(row.note)
    return Instrument(
        id=InstrumentId(VENUE, row.symbol),
        name=row.name[:MAX_NAME] or f"{row.base}/{row.quote}{' perp' if is_perpetual else ''}",
        kind=row.type,
        base=row.base,
        quote=row.quote,
        settle=row.settle or (row.base if is_inverse else row.quote),
        tick_size=Decimal(row.tick),
        lot_size=Decimal(row.lot),
        min_quantity=Decimal(row.min_quantity) if row.min_quantity else Decimal(row.lot),
        min_notional=Decimal(row.min_notional) if row.min_notional else ZERO,
        maker_fee=Decimal(row.maker_fee) if row.maker_fee else terms.maker_fee,
        taker_fee=Decimal(row.taker_fee) if row.taker_fee else terms.taker_fee,
        max_leverage=_margin_term(row.max_leverage, terms.max_leverage, is_perpetual, Decimal(1)),
        maintenance_margin=_margin_term(row.maintenance_margin, terms.maintenance_margin, is_perpetual, ZERO),
        is_tradable=not is_inverse,
        note="; ".join(notes)[:MAX_TEXT],
    )


def _derived(symbol: str, seen: _Steps, lot: Decimal | None, terms: Terms) -> Instrument:
    quote = next((name for name in _QUOTES if symbol.endswith(name) and symbol != name), "USDT")
    base = symbol.removesuffix(quote).rstrip("-_/:.@") or symbol
    lot_words = "lot from quantities" if lot is None else "lot from settings"
    return Instrument(
        id=InstrumentId(VENUE, symbol),
        name=symbol,
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=Decimal(1).scaleb(-seen.tick),
        lot_size=Decimal(1).scaleb(-seen.lot) if lot is None else lot,
        min_quantity=Decimal(1).scaleb(-seen.lot) if lot is None else lot,
        maker_fee=terms.maker_fee,
        taker_fee=terms.taker_fee,
        note=f"tick from prices, {lot_words}; taken for spot, fees assumed",
    )


def _margin_term(text: str, assumed: Decimal, is_perpetual: bool, spot: Decimal) -> Decimal:
    if not is_perpetual:
        return spot
    return Decimal(text) if text else assumed


def _decimals(text: str) -> int:
    """Returns how many digits after the point count: "1.50000000" is a venue's way to write 1.5."""
    _, point, digits = text.partition(".")
    return len(digits.rstrip("0")) if point else 0
