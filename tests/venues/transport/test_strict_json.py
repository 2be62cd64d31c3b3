"""JSON from someone who may mean harm."""

from __future__ import annotations

import json
import math
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from venues.transport.strict_json import DEEPEST, BadJson, decode_json, parse_decimal, parse_json


class Order(msgspec.Struct):
    id: int
    price: Decimal
    name: str = ""


@pytest.mark.parametrize(
    "raw",
    [
        b"NaN",
        b'{"a": -Infinity}',
        b"1e999",
        b"1e21",
        b"1e-21",
        b"[1" + b"0" * 20 + b"]",
        b"9" * 5_000,
        b"0." + b"1" * 5_000,
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "\\u0061": 2}}]',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b'"a\x01"',
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"[1,]",
        b"{'a': 1}",
        b"{} {}",
        b"",
        b"<html></html>",
    ],
)
def test_refused(raw: bytes) -> None:
    with pytest.raises(BadJson) as caught:
        parse_json(raw)
    assert len(str(caught.value)) < 80
    with pytest.raises(BadJson):
        decode_json(raw, Order)


def test_figures_are_exact() -> None:
    assert parse_json(b'{"a": 8.0e-05, "b": 0.1, "c": 12345678901234567890, "d": -0}') == {
        "a": Decimal("8.0e-05"),
        "b": Decimal("0.1"),
        "c": 12345678901234567890,
        "d": 0,
    }


def test_brackets_in_text_are_not_depth() -> None:
    text = "[{" * 500
    assert parse_json(json.dumps({"a": text, "b": text + '"\\'}).encode())["a"] == text


@pytest.mark.parametrize("text", ["", "[", "]", "{}", '"', "\\", '"]'])
def test_however_it_is_written_too_deep_is_too_deep(text: str) -> None:
    filler = json.dumps([text, text]) + ","
    for brackets in ("[]", "{}"):
        opening = "[" if brackets == "[]" else '{"a":'
        for depth, is_allowed in ((DEEPEST - 1, True), (DEEPEST, False)):
            raw = f"[{filler * 40}{opening * depth}1{brackets[1] * depth}]".encode()
            if is_allowed:
                parse_json(raw)
            else:
                with pytest.raises(BadJson, match="deep"):
                    parse_json(raw)


def test_as_deep_as_allowed() -> None:
    assert parse_json(b"[" * DEEPEST + b"]" * DEEPEST) != []


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_typed() -> None:
    assert decode_json(b'{"id": 7, "price": 1.10, "more": 1}', Order) == Order(7, Decimal("1.10"))
    assert decode_json(b'{"a": 1.5}', object) == {"a": Decimal("1.5")}
    for raw in (b'{"id": "7", "price": 1}', b'{"id": 7}', b"[]", b'{"id": 7.5, "price": 1}'):
        with pytest.raises(BadJson, match="shape"):
            decode_json(raw, Order)


def test_what_was_read_is_never_quoted() -> None:
    for raw in (b'{"canary', b'{"canary": canary}', b'{"id": "canary", "price": 1}'):
        with pytest.raises(BadJson) as caught:
            decode_json(raw, Order)
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize("text", ["0", "-1", "12345678901234567890.12345678901234567890", "007"])
def test_a_decimal(text: str) -> None:
    assert parse_decimal(text) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["", "NaN", "sNaN", "Infinity", "1_000", " 1", "1 ", "1\n", "+1", "1e5", ".5", "5.", "１", "9" * 21]
)
def test_no_decimal(text: str) -> None:
    with pytest.raises(BadJson):
        parse_decimal(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20) + 1, 10**20 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
PIECES = [
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"\\",
        b"\\ud800",
        b",",
        b":",
        b"1",
        b"e99",
        b"-",
        b".",
        b"NaN",
        b"true",
        b"\xff",
    ),
    *(b'{"a":1,"a":2}', b"9" * 30, b"[" * 70, b"1e21", b"\n", b"\0", b""),
]
MUTANTS = 50


@settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40), st.integers(0, 2**32))
def test_whatever_comes_is_refused_or_read_as_it_stands(valid: bytes, seed: int) -> None:
    """20,000 inputs: each example once as it is, and 49 times with one to three things done to it."""
    rng = random.Random(seed)
    for number in range(MUTANTS):
        raw = valid
        for _ in range(0 if number == 0 else rng.randint(1, 3)):
            at = rng.randint(0, len(raw))
            raw = raw[:at] + rng.choice(PIECES) + raw[at + rng.randint(0, 3) :]
        try:
            value = parse_json(raw)
        except BadJson:
            continue
        check(value)
        assert same(value, json.loads(raw))


def check(value: Any) -> None:
    """Everything that comes through can be shown, stored and computed with."""
    match value:
        case str():
            value.encode()
        case bool() | None:
            pass
        case int():
            assert abs(value) < 10**20
        case Decimal():
            assert value.is_finite()
            assert len(f"{value:f}") <= 65
        case list():
            for inner in value:
                check(inner)
        case dict():
            for key, inner in value.items():
                check(key)
                check(inner)
        case _:
            raise AssertionError(type(value))


def same(strict: Any, loose: Any) -> bool:
    """Whether the standard reader, which is lenient, understood the same."""
    if isinstance(strict, dict):
        return strict.keys() == loose.keys() and all(same(strict[key], loose[key]) for key in strict)
    if isinstance(strict, list):
        return len(strict) == len(loose) and all(map(same, strict, loose))
    if isinstance(strict, Decimal):
        return math.isclose(float(strict), loose, rel_tol=1e-12)
    return bool(strict == loose)
