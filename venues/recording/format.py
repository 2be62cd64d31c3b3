"""The recording format: one JSON object a line, in order of arrival, in UTF-8.

The file is plain, gzip or zstd; which one its first bytes say, not its name. Each row has

    ts        arrival, integer milliseconds UTC
    kind      "instrument", "snapshot", "delta", "trade" or "notice"
    symbol    the venue's name of the instrument, [A-Za-z0-9][A-Za-z0-9._:/@-]{0,31}; a notice has none

and by its kind

    instrument   type "spot", "linear_perpetual" or "inverse_perpetual"; base, quote: currencies; tick, lot: steps
                 of price and quantity. May add settle, maker_fee, taker_fee (fractions), max_leverage,
                 maintenance_margin (fraction), min_quantity, min_notional; name: as it is shown; note: what
                 else is to be known of it. First in the file, one for each symbol.
    snapshot     bids, asks: lists of [price, quantity] that replace the book
    delta        bids, asks: levels that change; the quantity "0" removes one
    trade        side "buy" or "sell" (the aggressor's), price, qty, id
    notice       text: what the venue announced to everybody. May add alarm: true where it must not be missed

Numbers are text, `-?\\d{1,20}(\\.\\d{1,20})?`: no exponent, no sign plus, no NaN. Quantities are in base units,
those of an inverse contract in its quote currency. Levels may stand in any order, a price once. Other keys are
skipped, a key that stands twice is an error. A line is at most 1 MiB long.

Text is a stranger's, with whatever it holds; half a surrogate pair is read as "?". A name is played up to its
60th character, a note or a notice up to its 2,000th: the rest is cut off. An id has 128 at most.

A row with a symbol of another form is left out and counted. Any other row that breaks these rules ends the
recording there, with its line number; what stands before it is good.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from venues.book import is_number_text
from venues.errors import DecodeError
from venues.events import Level
from venues.model import Instrument, InstrumentKind, Side

MAX_LINE = 1 << 20
MAX_ROW_LEVELS = 20_000
MAX_ID = 128  # characters, as all of these
MAX_NAME = 60
MAX_TEXT = 2_000
VENUE = "replay"
MILLISECOND = 1_000_000  # nanoseconds
_LAST_TS = 253_402_300_799_999  # the end of the year 9999, in milliseconds

is_symbol = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,31}").fullmatch
_is_currency = re.compile(r"[A-Z0-9]{1,16}").fullmatch
_has_surrogate = re.compile(rb"\\u[dD][89a-fA-F]").search


class RecordingError(DecodeError):
    """A recording that can not be read or written any further; the message names the file and the remedy."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(VENUE, message)
        self.line = line


class InstrumentRow(
    msgspec.Struct, tag_field="kind", tag="instrument", frozen=True, omit_defaults=True, kw_only=True
):
    ts: int
    symbol: str
    type: InstrumentKind
    base: str
    quote: str
    tick: str
    lot: str
    settle: str = ""
    maker_fee: str = ""
    taker_fee: str = ""
    max_leverage: str = ""
    maintenance_margin: str = ""
    min_quantity: str = ""
    min_notional: str = ""
    name: str = ""
    note: str = ""


class SnapshotRow(msgspec.Struct, tag_field="kind", tag="snapshot", frozen=True, gc=False):
    ts: int
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class DeltaRow(msgspec.Struct, tag_field="kind", tag="delta", frozen=True, gc=False):
    ts: int
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class TradeRow(msgspec.Struct, tag_field="kind", tag="trade", frozen=True, gc=False):
    ts: int
    symbol: str
    side: Side
    price: str
    qty: str
    id: str


class NoticeRow(msgspec.Struct, tag_field="kind", tag="notice", frozen=True, omit_defaults=True):
    ts: int
    text: str
    alarm: bool = False


MarketRow: TypeAlias = SnapshotRow | DeltaRow | TradeRow
PlayedRow: TypeAlias = MarketRow | NoticeRow
Row: TypeAlias = InstrumentRow | PlayedRow

_decode = msgspec.json.Decoder(InstrumentRow | SnapshotRow | DeltaRow | TradeRow | NoticeRow).decode
_encode = msgspec.json.Encoder().encode
# Every key brings one colon: a row with exactly as many as its kind has keys has no key twice.
_COLONS = {SnapshotRow: 5, DeltaRow: 5, TradeRow: 7}


def parse_row(line: bytes) -> Row:
    """Reads one line.

    Raises:
        ValueError: the line breaks the format; the message says how.
    """
    try:
        row = _decode_row(line)
        if line.count(b":") != _COLONS.get(type(row)):
            json.loads(line, object_pairs_hook=_require_unique)
    except msgspec.MsgspecError as error:
        raise ValueError(f"it is not a row of a recording ({error})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not 0 < row.ts <= _LAST_TS:
        raise ValueError("`ts` is not a time in milliseconds UTC")
    if isinstance(row, TradeRow):
        _require_positive("price", row.price)
        _require_positive("qty", row.qty)
        if len(row.id) > MAX_ID:
            raise ValueError(f"`id` is longer than {MAX_ID} characters")
    elif isinstance(row, InstrumentRow):
        _check_instrument(row)
    elif not isinstance(row, NoticeRow):
        _check_levels(row.bids)
        _check_levels(row.asks)
    return row


def format_row(row: Row) -> bytes:
    """Writes one line, its end included."""
    return _encode(row) + b"\n"


def writable(text: str, limit: int) -> str:
    """Returns a text from outside as a row may have it: cut to `limit` characters, half surrogate pairs as "?"."""
    return text[:limit].encode("utf-8", "replace").decode()


def instrument_row(instrument: Instrument, ts: int) -> InstrumentRow:
    """Returns the row that describes `instrument`; `ts` in milliseconds."""
    return InstrumentRow(
        ts=ts,
        symbol=instrument.id.symbol,
        type=instrument.kind,
        base=instrument.base,
        quote=instrument.quote,
        tick=f"{instrument.tick_size:f}",
        lot=f"{instrument.lot_size:f}",
        settle=instrument.settle,
        maker_fee=f"{instrument.maker_fee:f}",
        taker_fee=f"{instrument.taker_fee:f}",
        max_leverage=f"{instrument.max_leverage:f}",
        maintenance_margin=f"{instrument.maintenance_margin:f}",
        min_quantity=f"{instrument.min_quantity:f}",
        min_notional=f"{instrument.min_notional:f}",
        name=writable(instrument.name, MAX_NAME),
        note=writable(instrument.note, MAX_TEXT),
    )


def _decode_row(line: bytes) -> Row:
    try:
        row: Row = _decode(line)
    except msgspec.DecodeError:
        if not _has_surrogate(line):
            raise
        # Many a venue's JSON has half a pair, where a text was cut in the middle of an emoji.
        whole = json.dumps(json.loads(line, object_pairs_hook=_require_unique), ensure_ascii=False)
        row = _decode(whole.encode("utf-8", "replace"))
    return row


def _check_instrument(row: InstrumentRow) -> None:
    for what in ("base", "quote"):
        if not _is_currency(getattr(row, what)):
            raise ValueError(f"`{what}` is not a currency")
    if row.settle and not _is_currency(row.settle):
        raise ValueError("`settle` is not a currency")
    _require_positive("tick", row.tick)
    _require_positive("lot", row.lot)
    for what in ("maker_fee", "taker_fee", "max_leverage", "maintenance_margin", "min_quantity", "min_notional"):
        text: str = getattr(row, what)
        if text and not is_number_text(text):
            raise ValueError(f"`{what}` is not a plain number")


def _check_levels(levels: tuple[Level, ...]) -> None:
    if len(levels) > MAX_ROW_LEVELS:
        raise ValueError(f"it has more than {MAX_ROW_LEVELS} levels on a side")
    for price, quantity in levels:
        if not is_number_text(price) or not is_number_text(quantity) or price[0] == "-" or quantity[0] == "-":
            raise ValueError("a level is not made of two plain numbers of zero or more")


def _require_positive(what: str, text: str) -> None:
    if not is_number_text(text) or Decimal(text) <= 0:
        raise ValueError(f"`{what}` is not a plain number above zero")


def _require_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key stands in it twice")
    return row
