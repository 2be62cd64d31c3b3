"""Names and figures of Mayex, exact: text to Decimal, milliseconds to nanoseconds.

A contract is named as the venue's document does, in lower case; payloads of the streams have it in upper case. A
spot pair has the same symbol on another host, and ".spot" behind it here.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext

from venues.errors import DecodeError, UnknownInstrument
from venues.mayex import VENUE
from venues.model import InstrumentId, Side, decimals_of
from venues.transport.order_checks import EXACT

SPOT = ".spot"
# The commonest quote currencies of exchanges; a longer one before one that it ends with.
_QUOTES = ("USDT", "USDC", "BUSD", "TUSD", "USD", "BTC", "ETH", "EUR", "TRY")

is_figure = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII).fullmatch
_is_symbol = re.compile(r"[a-z0-9]{2,24}", re.ASCII).fullmatch
_MICROSECONDS_FROM, _NANOSECONDS_FROM = 10**14, 10**17  # 1973 in each; in milliseconds the year 5138
_LAST_MOMENT = 4_102_444_800_000  # the year 2100: later ones would not fit what keeps them
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}


def instrument_id(symbol: str) -> InstrumentId:
    """Returns the name of a contract; "BTCUSDT" is "btcusdt"."""
    return InstrumentId(VENUE, symbol.lower())


def spot_id(symbol: str) -> InstrumentId:
    """Returns the name of a spot pair; "BTCUSDT" is "btcusdt.spot"."""
    return InstrumentId(VENUE, symbol.lower() + SPOT)


def is_spot(instrument: InstrumentId) -> bool:
    return instrument.symbol.endswith(SPOT)


def symbol_of(instrument: InstrumentId) -> str:
    """Returns what the venue calls it, in lower case. Raises UnknownInstrument."""
    symbol = instrument.symbol.removesuffix(SPOT)
    if instrument.venue != VENUE or not _is_symbol(symbol):
        raise UnknownInstrument(VENUE, f"{instrument.symbol[:40]} is not listed here")
    return symbol


def pair_of(symbol: str) -> tuple[str, str] | None:
    """Returns base and quote of a symbol that nobody has taken apart; None where its end is no known quote."""
    upper = symbol.upper()
    for quote in _QUOTES:
        if upper.endswith(quote) and len(upper) > len(quote):
            return upper.removesuffix(quote), quote
    return None


def figure(text: str) -> Decimal:
    """Returns the number that `text` is. Raises DecodeError."""
    if not is_figure(text):
        raise DecodeError(VENUE, "a figure that is none")
    return Decimal(text)


def at_least_zero(value: str | Decimal) -> Decimal:
    """Raises DecodeError for what is below zero."""
    number = figure(value) if isinstance(value, str) else value
    if number < 0:
        raise DecodeError(VENUE, "a figure below zero")
    return number


def positive(value: str | Decimal) -> Decimal:
    """Returns a number above zero. Raises DecodeError."""
    number = figure(value) if isinstance(value, str) else value
    if number <= 0:
        raise DecodeError(VENUE, "a price or a quantity that is not above zero")
    return number


def positive_or_none(value: str | Decimal | None) -> Decimal | None:
    """Returns None for nothing, an empty text and zero, which the venue writes for it. Raises DecodeError."""
    if value is None or value == "":
        return None
    return at_least_zero(value) or None


def side_of(word: str) -> Side:
    """Returns the side of an order or a fill. Raises DecodeError."""
    side = _SIDES.get(word)
    if side is None:
        raise DecodeError(VENUE, "a side that is neither of the two")
    return side


def plain(value: Decimal) -> str:
    """Returns a number as text without exponent and without idle zeros."""
    return format(value.normalize(), "f")


def neat(value: Decimal, step: Decimal) -> Decimal:
    """Returns the same number with the decimals of a step, or with more where it needs them: the venue pads."""
    with localcontext(EXACT):
        stepped = value.quantize(Decimal(1).scaleb(-decimals_of(step)))
        return stepped if stepped == value else Decimal(plain(value))


def milliseconds_of(moment: int) -> int:
    """Returns a moment in milliseconds, in whichever unit the venue tells it; 0 for one that can not be.

    The document speaks of nanoseconds where its samples have milliseconds.
    """
    if moment >= _MICROSECONDS_FROM:
        moment //= 1_000_000 if moment >= _NANOSECONDS_FROM else 1_000
    return moment if 0 < moment <= _LAST_MOMENT else 0


def ns_of_milliseconds(milliseconds: int) -> int:
    return milliseconds * 1_000_000
