"""Names, units and figures of Pumpkin: contracts on the wire, base units in the desk."""

from __future__ import annotations

import re
from decimal import Decimal

from venues.errors import BadRequest, DecodeError, UnknownInstrument
from venues.model import ZERO, Instrument, InstrumentId, Side
from venues.pumpkin import VENUE

# No figure of the stream is longer, and `venues.book` takes no longer one.
_is_figure = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII).fullmatch
_is_symbol = re.compile(r"[a-z0-9]{1,24}_[a-z0-9]{1,12}", re.ASCII).fullmatch
_AGGRESSORS = {"BID": Side.BUY, "BUY": Side.BUY, "ASK": Side.SELL, "SELL": Side.SELL}


def instrument_id(symbol: str) -> InstrumentId:
    """Returns the name of a contract such as "btc_usdt"."""
    return InstrumentId(VENUE, symbol)


def symbol_of(instrument: InstrumentId) -> str:
    """Returns what the venue calls it. Raises UnknownInstrument."""
    if instrument.venue != VENUE or not _is_symbol(instrument.symbol):
        raise UnknownInstrument(VENUE, f"{instrument.symbol[:40]} is not listed here")
    return instrument.symbol


def contracts_of(quantity: Decimal, instrument: Instrument) -> int:
    """Returns base units as whole contracts. Raises BadRequest: they are not whole, or none."""
    contracts, size = int(quantity // instrument.contract_size), instrument.contract_size
    if contracts <= 0 or contracts * size != quantity:
        raise BadRequest(VENUE, f"a quantity must be a multiple of {plain(size)}, one contract")
    return contracts


def quantity_of(contracts: Decimal | int, instrument: Instrument) -> Decimal:
    """Returns contracts as base units."""
    return base_units(contracts, instrument.contract_size)


def base_units(contracts: Decimal | int, contract_size: Decimal) -> Decimal:
    """Returns contracts of a size as base units, without idle zeros."""
    return Decimal(plain(contracts * contract_size)) if contracts else ZERO


def figure(text: str) -> Decimal:
    """Returns the number that `text` is, zero or above. Raises DecodeError."""
    if not _is_figure(text):
        raise DecodeError(VENUE, "a figure that is none")
    return Decimal(text)


def positive(value: str | Decimal) -> Decimal:
    """Returns a number above zero. Raises DecodeError."""
    number = figure(value) if isinstance(value, str) else value
    if number <= 0:
        raise DecodeError(VENUE, "a price or a quantity that is not above zero")
    return number


def positive_or_none(value: Decimal | None) -> Decimal | None:
    """Returns None for nothing and for zero, which the venue writes for it. Raises DecodeError."""
    if value is None or not value:
        return None
    return positive(value)


def aggressor_of(word: str) -> Side:
    """Returns the side of a deal. Raises DecodeError."""
    side = _AGGRESSORS.get(word)
    if side is None:
        raise DecodeError(VENUE, "a side that is neither of the two")
    return side


def plain(value: Decimal) -> str:
    """Returns a number as text without exponent and without idle zeros."""
    return format(value.normalize(), "f")


def ns_of_milliseconds(milliseconds: int) -> int:
    return milliseconds * 1_000_000
