"""What the headers of an answer say of time: when it was written, and how long the venue wants us to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from venues.model import NANOSECONDS

_is_number = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,9})?", re.ASCII).fullmatch
_EPOCH = 1_000_000_000  # a figure above it (2001) is a moment, not a length: it would be 31 years
_EPOCH_MS = 1_000_000_000_000


def parse_retry_after(headers: Mapping[str, str], wall_ns: int) -> float | None:
    """Returns the seconds to wait from now, never below zero; None where the venue did not say it readably.

    It may be a length in seconds, an HTTP date, or a Unix time in seconds or milliseconds (MAX sends the moment).
    """
    text = headers.get("retry-after", "").strip()
    now = wall_ns / 1e9
    if _is_number(text):
        value = float(text)
        if value >= _EPOCH_MS:
            value /= 1000
        return max(0.0, value - now) if value >= _EPOCH else value
    moment = _parse_http_date(text)
    return None if moment is None else max(0.0, moment - now)


def parse_date(headers: Mapping[str, str]) -> int | None:
    """Returns when an answer was written, in nanoseconds UTC, cut to seconds; None where it does not say."""
    moment = _parse_http_date(headers.get("date", "").strip())
    return None if moment is None or moment < _EPOCH else int(moment) * NANOSECONDS


def _parse_http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": a date that claims no zone; HTTP knows none but GMT
        return None
    try:
        return moment.timestamp()
    except OverflowError:
        return None
