"""Numbers and times as a trader reads them: `Decimal` and nanoseconds in, text out.

Nothing here is computed on: the text is for eyes. Nothing imports a screen library, so that the commands
without a screen can use it; the width of text in terminal cells is `tui.widgets.cells`' business.
"""

from __future__ import annotations

import time
from decimal import ROUND_HALF_EVEN, Decimal

from venues.model import NANOSECONDS, Instrument

NONE = "–"
"""Stands where a value is not known."""

_LARGEST_POWER = 24  # no number on a desk is longer; written out, 1E+9999 would be a screenful
_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
_FRACTION = Decimal("0.0001")  # a basis point
_THOUSANDS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "G"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


def grouped(value: Decimal | None, decimals: int | None = None) -> str:
    """Returns `value` with thousands separators and exactly `decimals` digits; None keeps the value's own."""
    if value is None:
        return NONE
    if not value.is_finite():
        return "∞" if value.is_infinite() and value > 0 else "-∞" if value.is_infinite() else NONE
    if value.adjusted() > _LARGEST_POWER or (decimals is None and value.adjusted() < -_LARGEST_POWER):
        return f"{value:.2E}"
    text = f"{value:,f}" if decimals is None else f"{value:,.{decimals}f}"
    # A loss that rounds to nothing is nothing: "-0.00" would be read as a loss.
    return text[1:] if text[0] == "-" and not text.strip("-0.,") else text


def price(value: Decimal | None, instrument: Instrument) -> str:
    """Returns a price with the instrument's decimals: "60,624.5"."""
    return grouped(value, instrument.price_decimals)


def quantity(value: Decimal | None, instrument: Instrument) -> str:
    """Returns a size in base units with the instrument's decimals: "0.250"."""
    return grouped(value, instrument.quantity_decimals)


def money(value: Decimal | None, decimals: int = 2) -> str:
    """Returns an amount of a currency: "25,061.37"."""
    return grouped(value, decimals)


def leverage(value: Decimal | None) -> str:
    """Returns a leverage: "10x", or "?" where nobody tells it, which a venue says as zero."""
    return f"{grouped(value)}x" if value else "?"


def signed(value: Decimal | None, decimals: int | None = 2) -> str:
    """Returns an amount with its sign, for profit and loss: "+6.68", "-4.10", "0.00"."""
    text = grouped(value, decimals)
    return f"+{text}" if sign_of(value) > 0 and text.strip("0.,") else text


def sign_of(value: Decimal | None) -> int:
    """Returns 1, -1 or 0; nothing known has no sign."""
    return 0 if value is None or value.is_nan() or value == 0 else 1 if value > 0 else -1


def trend(value: Decimal | None) -> str:
    """Returns the glyph that goes with a sign, so that colour is not alone: ▲, ▼, or a space."""
    return " ▲▼"[sign_of(value)]


def percent(fraction: Decimal | None, decimals: int = 2, *, sign: bool = False) -> str:
    """Returns a fraction as per cent: 0.0121 is "1.21%", with `sign` "+1.21%"."""
    if fraction is None or not fraction.is_finite():
        return NONE
    scaled = fraction * 100
    return f"{signed(scaled, decimals) if sign else grouped(scaled, decimals)}%"


def bps(fraction: Decimal | None, decimals: int = 1) -> str:
    """Returns a fraction in basis points: 0.00008 is "0.8 bps"."""
    if fraction is None or not fraction.is_finite():
        return NONE
    return f"{grouped(fraction / _FRACTION, decimals)} bps"


def compact(value: Decimal | None, digits: int = 3) -> str:
    """Returns a number in about `digits` significant digits with a unit, for small spaces: "18.4k"."""
    if value is None or not value.is_finite():
        return NONE
    size = abs(value)
    for unit, letter in _THOUSANDS:
        if size >= unit:
            scaled = value / unit
            whole = len(str(int(abs(scaled))))
            return f"{scaled:.{max(0, digits - whole)}f}{letter}"
    if size == size.to_integral_value(ROUND_HALF_EVEN):
        return f"{value:.0f}"
    whole = len(str(int(size)))
    return f"{value:.{max(0, digits - whole)}f}"


def age(nanoseconds: int) -> str:
    """Returns how long something has lasted, in its two largest units: "0.1 s", "42 s", "5 m 12 s", "2 d 3 h".

    A negative age (a clock that stepped back) is shown as none.
    """
    if nanoseconds < 10 * NANOSECONDS:
        return f"{max(0, nanoseconds) // (NANOSECONDS // 10) / 10:.1f} s"
    seconds = nanoseconds // NANOSECONDS
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} m {seconds % _MINUTE:02} s"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE:02} m"
    return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"


def countdown(nanoseconds: int) -> str:
    """Returns the time that is left as "02:56:53"; nothing is left once it is negative."""
    seconds = max(0, nanoseconds) // NANOSECONDS
    return f"{seconds // _HOUR:02}:{seconds % _HOUR // _MINUTE:02}:{seconds % _MINUTE:02}"


def time_of_day(ts: int, *, milliseconds: bool = True, is_local: bool = False) -> str:
    """Returns a moment (nanoseconds UTC) as "14:03:07.412", in UTC or by the clock on this machine's wall."""
    seconds, rest = divmod(ts, NANOSECONDS)
    if is_local:
        seconds += time.localtime(seconds).tm_gmtoff
    seconds %= _DAY
    text = f"{seconds // _HOUR:02}:{seconds % _HOUR // _MINUTE:02}:{seconds % _MINUTE:02}"
    return f"{text}.{rest // 1_000_000:03}" if milliseconds else text


def date(ts: int) -> str:
    """Returns the day (UTC) of a moment in nanoseconds, without its year: "09-28"."""
    return time.strftime("%m-%d", time.gmtime(ts // NANOSECONDS))


def milliseconds(nanoseconds: int | None) -> str:
    """Returns a delay as "0.2 ms", "24 ms" or "1.2 s", the sign kept."""
    if nanoseconds is None:
        return NONE
    size = abs(nanoseconds)
    if size >= NANOSECONDS:
        return f"{nanoseconds / NANOSECONDS:.1f} s"
    if size >= 10_000_000 or nanoseconds == 0:
        return f"{round(nanoseconds / 1_000_000)} ms"
    return f"{nanoseconds / 1_000_000:.1f} ms"


def bar_interval(seconds: int) -> str:
    """Returns a candle interval as it is named everywhere: "15s", "1m", "4h", "1d", "1w"."""
    for length, letter in ((604_800, "w"), (_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length}{letter}"
    return f"{seconds}s"


def count(number: int, singular: str, plural: str = "") -> str:
    """Returns a number with its noun: "1 order", "3 orders"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
