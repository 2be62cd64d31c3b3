"""What a trader types for a price or a size, read strictly.

    price     60623.5   bid   ask-2t   mid+0.1%   last-5   mark
    size      0.25   0.25 btc   500 usdt   5% balance (5%b)   50% position (50%p)
    exit      61229.7   +1%   -20t   +150          an offset from the entry price

An offset counts in ticks (`t`), per cent (`%`) or the quote currency (nothing). Numbers are digits and a point,
nothing else: a comma is a decimal sign in half of the world and a thousands sign in the other.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum

import msgspec

_NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,20})?"
_PLAIN = re.compile(_NUMBER)
_ANCHORED = re.compile(rf"(bid|ask|last|mid|mark)(?:\s*([+-])\s*({_NUMBER})\s*(t|%)?)?", re.IGNORECASE)
_OFFSET = re.compile(rf"([+-])\s*({_NUMBER})\s*(t|%)?", re.IGNORECASE)
_SHARE = re.compile(rf"({_NUMBER})\s*%\s*([a-z]*)", re.IGNORECASE)
_AMOUNT = re.compile(rf"({_NUMBER})\s*([a-z][a-z0-9]*)", re.IGNORECASE)
_HUNDRED = Decimal(100)


class ExpressionError(ValueError):
    """The text can not be read; the message is a short sentence for a trader, with an example where it helps."""


class Anchor(StrEnum):
    BID = "bid"
    ASK = "ask"
    LAST = "last"
    MID = "mid"
    MARK = "mark"
    ENTRY = "entry"  # the price that the order itself is expected to trade at


class OffsetUnit(StrEnum):
    QUOTE = ""
    TICKS = "t"
    PERCENT = "%"


class Offset(msgspec.Struct, frozen=True):
    """A signed distance from a price."""

    value: Decimal
    unit: OffsetUnit

    def applied_to(self, price: Decimal, tick: Decimal) -> Decimal:
        """Returns `price` moved by this offset, not rounded."""
        match self.unit:
            case OffsetUnit.TICKS:
                return price + self.value * tick
            case OffsetUnit.PERCENT:
                return price * (1 + self.value / _HUNDRED)
            case OffsetUnit.QUOTE:
                return price + self.value


class PriceExpression(msgspec.Struct, frozen=True):
    """A price: `value` alone, or an `anchor` with or without an `offset`."""

    value: Decimal | None = None
    anchor: Anchor | None = None
    offset: Offset | None = None

    def resolve(self, anchors: dict[Anchor, Decimal], tick: Decimal) -> Decimal:
        """Returns the price, not rounded yet.

        Raises:
            ExpressionError: what it refers to is not known now.
        """
        if self.value is not None:
            return self.value
        if self.anchor is None or self.anchor not in anchors:
            raise ExpressionError(f"there is no {self.anchor} price right now")
        price = anchors[self.anchor]
        return price if self.offset is None else self.offset.applied_to(price, tick)


class SizeUnit(StrEnum):
    BASE = "base"
    QUOTE = "quote"
    BALANCE = "balance"
    POSITION = "position"


class SizeExpression(msgspec.Struct, frozen=True):
    """A size: base units, an amount in the quote currency, or a fraction (0..1) of balance or position."""

    value: Decimal
    unit: SizeUnit


def parse_number(text: str, example: str = "0.5") -> Decimal:
    """Reads digits and a point, nothing else.

    Raises:
        ExpressionError: it is anything else; the message names what is wrong.
    """
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    raise ExpressionError(_what_is_wrong(text, example))


def parse_price(text: str, example: str = "60623.5") -> PriceExpression:
    """Reads a price, absolute or from bid, ask, last, mid or mark.

    Raises:
        ExpressionError: it can not be read, or is zero.
    """
    text = text.strip()
    if not text:
        raise ExpressionError(f"type a price, like {example} or bid")
    if anchored := _ANCHORED.fullmatch(text):
        anchor, sign, number, unit = anchored.groups()
        offset = None if number is None else _make_offset(sign, number, unit)
        return PriceExpression(anchor=Anchor(anchor.lower()), offset=offset)
    if _OFFSET.fullmatch(text):
        raise ExpressionError(f"{text} from what? write bid{text.replace(' ', '')}")
    if text[0].isalpha():
        raise ExpressionError("write bid, ask, last, mid or mark, like bid-2t")
    return PriceExpression(value=_positive(parse_number(text, example)))


def parse_exit(text: str, example: str = "+1%") -> PriceExpression:
    """Reads a take-profit or stop-loss: a price, or an offset from the entry.

    Raises:
        ExpressionError: it can not be read, or is zero.
    """
    text = text.strip()
    if offset := _OFFSET.fullmatch(text):
        sign, number, unit = offset.groups()
        return PriceExpression(anchor=Anchor.ENTRY, offset=_make_offset(sign, number, unit))
    if text[:1].isdigit() and text.rstrip().endswith(("%", "t")):
        raise ExpressionError(f"write the sign too, like +{text} or -{text}")
    if text[:1].isalpha():
        raise ExpressionError(f"write a price or an offset from the entry, like {example}")
    return PriceExpression(value=_positive(parse_number(text, "61229.7")))


def parse_size(text: str, base: str, quote: str) -> SizeExpression:
    """Reads a size for an instrument that trades `base` against `quote`.

    Raises:
        ExpressionError: it can not be read, is zero, or names another currency.
    """
    text = text.strip()
    if not text:
        raise ExpressionError(f"type a size in {base}, or like 500 {quote.lower()}, 5% balance")
    if text.startswith("$"):
        raise ExpressionError(f"name the currency instead: {text[1:].strip() or '500'} {quote.lower()}")
    if share := _SHARE.fullmatch(text):
        return _make_share(Decimal(share[1]), share[2].lower(), share[1])
    if amount := _AMOUNT.fullmatch(text):
        number, currency = amount.groups()
        if currency.lower() == base.lower():
            return SizeExpression(_positive(Decimal(number), "size"), SizeUnit.BASE)
        if currency.lower() == quote.lower():
            return SizeExpression(_positive(Decimal(number), "size"), SizeUnit.QUOTE)
        raise ExpressionError(f"sizes here are in {base} or {quote}, not {currency}")
    return SizeExpression(_positive(parse_number(text), "size"), SizeUnit.BASE)


def _make_offset(sign: str, number: str, unit: str | None) -> Offset:
    value = Decimal(number)
    return Offset(-value if sign == "-" else value, OffsetUnit((unit or "").lower()))


def _make_share(percent: Decimal, word: str, typed: str) -> SizeExpression:
    if not word:
        raise ExpressionError(f"{typed}% of what? write {typed}% balance or {typed}% position")
    if not 0 < percent <= _HUNDRED:
        raise ExpressionError("write a share above 0 % and up to 100 %")
    for unit in (SizeUnit.BALANCE, SizeUnit.POSITION):
        if unit.startswith(word):
            return SizeExpression(percent / _HUNDRED, unit)
    raise ExpressionError(f"write {typed}% balance or {typed}% position")


def _positive(value: Decimal, what: str = "price") -> Decimal:
    if value == 0:
        raise ExpressionError(f"the {what} must be above zero")
    return value


def _what_is_wrong(text: str, example: str) -> str:
    if "," in text:
        return f"no commas: write a point, and no thousands signs, like {example}"
    if "_" in text or "'" in text:
        return f"digits and a point only, like {example}"
    if text[:1] in {"+", "-", "\u2212"}:
        return f"no sign here, like {example}"
    if re.fullmatch(r"\.[0-9]+", text):
        return f"write the zero before the point: 0{text}"
    if re.fullmatch(r"[0-9]+\.", text):
        return f"a digit is missing after the point, like {example}"
    if re.fullmatch(r"[0-9.]+", text):
        return f"too long: at most 20 digits, like {example}" if text.count(".") <= 1 else "only one point"
    if re.fullmatch(r"[0-9.]+[eE][+-]?[0-9]*", text):
        return f"no powers of ten: write the number out, like {example}"
    if re.search(r"\s", text):
        return f"no spaces within a number, like {example}"
    return f"digits and a point only, like {example}"
