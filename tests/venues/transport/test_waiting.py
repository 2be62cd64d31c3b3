"""Retry-After in its three forms, and the Date of an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.transport.waiting import parse_date, parse_retry_after

NOW = 1_700_000_000  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        (" 1.5 ", 1.5),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0),
        (str(NOW + 90), 90),
        (str(NOW - 90), 0),
        (str((NOW + 90) * 1000), 90),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1e9", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("Tue, 14 Nov 2023 22:14:20 -0000", None),
    ],
)
def test_what_it_says(text: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": text}, NOW * 10**9) == seconds


def test_what_is_not_said() -> None:
    assert parse_retry_after({}, NOW * 10**9) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", NOW),
        (" Tue, 14 Nov 2023 22:13:20 GMT ", NOW),
        ("Thu, 01 Jan 1970 00:00:01 GMT", None),
        ("Tue, 14 Nov 2023 22:13:20 -0000", None),
        ("now", None),
        ("", None),
    ],
)
def test_when_an_answer_was_written(text: str, seconds: int | None) -> None:
    assert parse_date({"date": text}) == (None if seconds is None else seconds * 10**9)
    assert parse_date({}) is None


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    seconds = parse_retry_after({"retry-after": text}, NOW * 10**9)
    assert seconds is None or seconds >= 0
    assert (parse_date({"date": text}) or 0) >= 0
