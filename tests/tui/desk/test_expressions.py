"""What a trader types for a price or a size is read strictly, and refused in words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.desk.expressions import (
    Anchor,
    ExpressionError,
    SizeExpression,
    SizeUnit,
    parse_exit,
    parse_number,
    parse_price,
    parse_size,
)

D = Decimal
ANCHORS = {
    Anchor.BID: D("60624.5"),
    Anchor.ASK: D("60625"),
    Anchor.MID: D("60624.75"),
    Anchor.LAST: D("60620"),
    Anchor.MARK: D("60600"),
    Anchor.ENTRY: D("60000"),
}
TICK = D("0.5")


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("60623.5", "60623.5"),
        ("  60623  ", "60623"),
        ("bid", "60624.5"),
        ("BID-2t", "60623.5"),
        ("ask + 2t", "60626"),
        ("last+5", "60625"),
        ("mid", "60624.75"),
        ("mark-0.1%", "60539.4"),
    ],
)
def test_prices(text: str, price: str) -> None:
    assert parse_price(text).resolve(ANCHORS, TICK) == D(price)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,5", "no commas: write a point"),
        ("60,623.5", "no commas"),
        ("1_000", "digits and a point only"),
        ("1'000", "digits and a point only"),
        ("-5", "-5 from what? write bid-5"),
        ("+ 2t", "+ 2t from what? write bid+2t"),
        ("1e5", "no powers of ten"),
        (".5", "write the zero before the point: 0.5"),
        ("5.", "a digit is missing after the point"),
        ("1.2.3", "only one point"),
        ("1 000", "no spaces"),
        ("0", "the price must be above zero"),
        ("0.00", "the price must be above zero"),
        ("bud", "write bid, ask, last, mid or mark"),
        ("bid*2", "write bid, ask, last, mid or mark"),
        ("NaN", "write bid, ask, last, mid or mark"),
        ("１２", "digits and a point only"),
        ("123456789012345678901", "at most 20 digits"),
        ("", "type a price"),
    ],
)
def test_prices_refused(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_price(text)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 80


def test_price_without_its_anchor_says_so() -> None:
    with pytest.raises(ExpressionError, match="there is no mark price right now"):
        parse_price("mark+1").resolve({}, TICK)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0.25", "0.25", SizeUnit.BASE),
        ("0.25 btc", "0.25", SizeUnit.BASE),
        ("500 usdt", "500", SizeUnit.QUOTE),
        ("500USDT", "500", SizeUnit.QUOTE),
        ("5% balance", "0.05", SizeUnit.BALANCE),
        ("5%b", "0.05", SizeUnit.BALANCE),
        ("100 % bal", "1", SizeUnit.BALANCE),
        ("50% position", "0.5", SizeUnit.POSITION),
        ("12.5%p", "0.125", SizeUnit.POSITION),
    ],
)
def test_sizes(text: str, value: str, unit: SizeUnit) -> None:
    assert parse_size(text, "BTC", "USDT") == SizeExpression(D(value), unit)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "type a size in BTC"),
        ("0", "the size must be above zero"),
        ("0 usdt", "the size must be above zero"),
        ("0,5", "no commas"),
        ("1_000", "digits and a point only"),
        ("-1", "no sign here"),
        ("5%", "5% of what? write 5% balance or 5% position"),
        ("101%b", "up to 100 %"),
        ("0%b", "above 0 %"),
        ("5% margin", "write 5% balance or 5% position"),
        ("5 eth", "sizes here are in BTC or USDT, not eth"),
        ("$500", "name the currency instead: 500 usdt"),
    ],
)
def test_sizes_refused(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_size(text, "BTC", "USDT")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "price"), [("61229.7", "61229.7"), ("+1%", "60600"), ("-20t", "59990"), ("+ 150", "60150")]
)
def test_exits(text: str, price: str) -> None:
    assert parse_exit(text).resolve(ANCHORS, TICK) == D(price)


@pytest.mark.parametrize(
    ("text", "words"),
    [("1%", "write the sign too, like +1%"), ("bid+1", "an offset from the entry"), ("1,5", "no commas")],
)
def test_exits_refused(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_exit(text)
    assert words in str(refused.value)


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused_in_words(text: str) -> None:
    for parse in (parse_price, parse_exit, parse_number, lambda t: parse_size(t, "BTC", "USDT")):
        try:
            parse(text)
        except ExpressionError as refused:
            assert str(refused)


@given(st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,20})?", fullmatch=True))
def test_every_plain_number_is_read_exactly(text: str) -> None:
    if text.isascii():
        assert parse_number(text) == D(text)
