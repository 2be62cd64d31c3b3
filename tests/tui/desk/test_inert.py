"""Text from outside can not act on a terminal."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.desk.inert import is_symbol, sanitise

# 50,000 in all; Hypothesis takes ten times as long for each as a seeded choice does, and shrinks what fails.
SEARCHED = 2_000
CHOSEN = 48_000
HOSTILE = "\x1b\x9b\x9d[]();\\\x07\x00‮⁦​﻿̀҈ \ud800\r\n\t\xa0\u2028\u2029"
UNWANTED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def check(text: str, limit: int) -> None:
    """Raises AssertionError where what is made of the text could act on a terminal, or is too long."""
    made = sanitise(text, limit)
    assert len(made) <= limit
    categories = [unicodedata.category(character) for character in made]
    assert not UNWANTED & set(categories)
    assert not any(
        category == "Zs" and character != " " for category, character in zip(categories, made, strict=True)
    )
    marks = 0
    for category in categories:
        marks = marks + 1 if category in ("Mn", "Me") else 0
        assert marks <= 2
    assert sanitise(made, limit) == made
    made.encode()


@settings(max_examples=SEARCHED, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(HOSTILE)), max_size=60), st.integers(1, 40))
def test_nothing_a_terminal_acts_on_is_left(text: str, limit: int) -> None:
    check(text, limit)


def test_nothing_of_what_a_stranger_may_send_is_left() -> None:
    choose = Random(20)
    # Two kinds to a text: of all that there is, nearly every character is of a plane that nobody has written to.
    kinds = [range(0x80), range(0x250), range(0x250, 0x3000), range(0x3000, 0x10000), range(0x10000, 0x110000)]
    for _ in range(CHOSEN):
        some = choose.choices(kinds, k=2)
        drawn = [chr(choose.choice(choose.choice(some))) for _ in range(choose.randrange(16))]
        drawn += choose.choices(HOSTILE, k=choose.choice([0, choose.randrange(16)]))
        drawn += drawn[: choose.randrange(8)]
        choose.shuffle(drawn)
        check("".join(drawn), choose.randint(1, 40))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("plain words", "plain words"),
        ("a\x1b]52;c;AAAA\x07b", "a\ufffd]52;c;AAAA\ufffdb"),
        ("two\r\nlines\there", "two  lines here"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301"),
        ("no\xa0break", "no break"),
        ("lone \ud83d", "lone \ufffd"),
        ("價格", "價格"),
    ],
)
def test_examples(text: str, made: str) -> None:
    assert sanitise(text) == made


def test_a_long_text_is_cut_with_an_ellipsis_within_the_limit() -> None:
    assert sanitise("x" * 300, 10) == "x" * 9 + "…"
    assert sanitise("x" * 10, 10) == "x" * 10
    assert sanitise("abc", 0) == ""


@pytest.mark.parametrize("symbol", ["BTC-USDT", "btc_usdt", "1INCH/USDT", "A", "BTC.P:X@Y_Z"])
def test_symbols(symbol: str) -> None:
    assert is_symbol(symbol)


@pytest.mark.parametrize("symbol", ["", "_btc", "-BTC", "BTC USDT", "BTC\n", "B" * 33, "ВТС"])
def test_what_is_no_symbol(symbol: str) -> None:
    assert not is_symbol(symbol)
