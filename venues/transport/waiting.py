"""How long a venue wants us to wait, in whichever of three forms it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

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
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": a date that claims no zone; HTTP knows none but GMT
        return None
    try:
        return max(0.0, moment.timestamp() - now)
    except OverflowError:
        return None
