"""Numbers and times as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import BTC_PERP, BTC_SPOT, NOW
from tui import formatting
from venues.model import NANOSECONDS

D = Decimal


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("60624.5", 1, "60,624.5"),
        ("60624.5", None, "60,624.5"),
        ("0.25", 3, "0.250"),
        ("-0.001", 2, "0.00"),
        ("-0.004", 3, "-0.004"),
        ("1E+3", None, "1,000"),
        ("1E-8", None, "0.00000001"),
        ("NaN", 2, "–"),
        ("Infinity", 2, "∞"),
        ("-Infinity", 2, "-∞"),
        ("1E+400", 2, "1.00E+400"),
    ],
)
def test_grouped(value: str, decimals: int | None, text: str) -> None:
    assert formatting.grouped(D(value), decimals) == text


def test_none_is_a_dash_everywhere() -> None:
    assert {
        formatting.grouped(None), formatting.signed(None), formatting.percent(None), formatting.bps(None),
        formatting.compact(None), formatting.milliseconds(None), formatting.price(None, BTC_PERP),
    } == {formatting.NONE}  # fmt: skip


def test_price_and_quantity_have_the_instruments_decimals() -> None:
    assert formatting.price(D("60624"), BTC_PERP) == "60,624.0"
    assert formatting.quantity(D("0.25"), BTC_PERP) == "0.250"
    assert formatting.quantity(D("0.25"), BTC_SPOT) == "0.25000"


@pytest.mark.parametrize(
    ("value", "text"),
    [("6.684", "+6.68"), ("-4.1", "-4.10"), ("0", "0.00"), ("0.001", "0.00"), ("-0.001", "0.00")],
)
def test_signed(value: str, text: str) -> None:
    assert formatting.signed(D(value)) == text


def test_fractions() -> None:
    assert formatting.percent(D("0.0121"), sign=True) == "+1.21%"
    assert formatting.percent(D("-0.0042"), 1, sign=True) == "-0.4%"
    assert formatting.percent(D("0.0911"), 1) == "9.1%"
    assert formatting.bps(D("0.00008")) == "0.8 bps"


@pytest.mark.parametrize(("sign", "glyph"), [("0.1", "▲"), ("-0.1", "▼"), ("0", " "), ("NaN", " ")])
def test_a_glyph_goes_with_the_sign(sign: str, glyph: str) -> None:
    assert formatting.trend(D(sign)) == glyph


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("18422.114", "18.4k"),
        ("1234567", "1.23M"),
        ("7", "7"),
        ("0.1234", "0.12"),
        ("12.34", "12.3"),
        ("-5E9", "-5.00G"),
    ],
)
def test_compact(value: str, text: str) -> None:
    assert formatting.compact(D(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.149, "0.1 s"), (9.99, "9.9 s"), (42, "42 s"), (312, "5 m 12 s"), (3600 * 3 + 240, "3 h 04 m"),
        (93_784, "1 d 2 h"), (-5, "0.0 s"),
    ],
)  # fmt: skip
def test_age(seconds: float, text: str) -> None:
    assert formatting.age(int(seconds * NANOSECONDS)) == text


def test_times() -> None:
    assert formatting.time_of_day(NOW) == "14:03:07.500"
    assert formatting.time_of_day(NOW, milliseconds=False) == "14:03:07"
    assert formatting.countdown((2 * 3600 + 56 * 60 + 53) * NANOSECONDS) == "02:56:53"
    assert formatting.countdown(-1) == "00:00:00"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(200_000, "0.2 ms"), (24_400_000, "24 ms"), (0, "0 ms"), (-240_000_000, "-240 ms"), (1_240_000_000, "1.2 s")],
)
def test_milliseconds(nanoseconds: int, text: str) -> None:
    assert formatting.milliseconds(nanoseconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(15, "15s"), (60, "1m"), (900, "15m"), (14_400, "4h"), (86_400, "1d"), (604_800, "1w"), (90, "90s")],
)
def test_bar_interval(seconds: int, text: str) -> None:
    assert formatting.bar_interval(seconds) == text


def test_count() -> None:
    assert [formatting.count(n, "order") for n in (0, 1, 1200)] == ["0 orders", "1 order", "1,200 orders"]


@given(st.decimals(allow_nan=True, allow_infinity=True), st.integers(0, 12))
def test_any_decimal_can_be_shown(value: Decimal, decimals: int) -> None:
    texts = [formatting.grouped(value), formatting.signed(value, decimals), formatting.compact(value)]
    assert all(text.isprintable() and 0 < len(text) < 80 for text in texts)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=4))
def test_the_text_is_the_number(value: Decimal) -> None:
    assert D(formatting.grouped(value).replace(",", "")) == value
