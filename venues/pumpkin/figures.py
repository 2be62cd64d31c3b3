"""Names, units and figures of Pumpkin: contracts on the wire, base units in the desk."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from venues.errors import BadRequest, DecodeError, UnknownInstrument
from venues.model import ZERO, Instrument, InstrumentId, Side
from venues.pumpkin import VENUE
from venues.transport.order_checks import EXACT

_MOST_CONTRACTS = 10**20 - 1  # digits that a quantity may have on the wire
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
    """Returns base units as whole contracts, exactly; what is left over is refused, never rounded.

    Raises:
        BadRequest: they are not whole, none, or more than the wire has digits for.
    """
    size = instrument.contract_size
    contracts = Fraction(quantity) / Fraction(size)
    if contracts.denominator != 1:
        words = f"one contract is {size:f} {instrument.base}: {quantity:f} is no whole number of them"
        raise BadRequest(VENUE, words)
    if not 1 <= contracts.numerator <= _MOST_CONTRACTS:
        raise BadRequest(VENUE, f"{quantity:f} {instrument.base} is no size of an order")
    return contracts.numerator


def base_of(contracts: Decimal | int, contract_size: Decimal) -> Decimal:
    """Returns contracts as base units, exactly."""
    return EXACT.multiply(Decimal(contracts), contract_size)


def base_units(contracts: Decimal | int, contract_size: Decimal) -> Decimal:
    """Returns contracts of a size as base units, without idle zeros."""
    return Decimal(plain(base_of(contracts, contract_size))) if contracts else ZERO


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
