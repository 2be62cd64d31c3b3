"""Close codes in words."""

from __future__ import annotations

import re

_WORDS = {
    1000: "normal",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no reason given",
    1006: "broken off",
    1007: "invalid data",
    1008: "policy violation",
    1009: "message too big",
    1010: "an extension is missing",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
    1015: "TLS failure",
}
_find_long_word = re.compile(r"[^\s]{16,}").sub
_LONGEST = 120


def closing_words(code: int, reason: str) -> str:
    """Returns what the venue said as it closed; `reason` is untrusted text.

    Words of 16 characters and more are left out: a venue may quote the key that it refuses.
    """
    kind = _WORDS.get(code) or ("the venue's own code" if 3000 <= code < 5000 else "an unknown code")
    said = " ".join(_find_long_word("…", reason).split())[:_LONGEST]
    return f"the venue closed the connection: {kind} ({code})" + (f', "{said}"' if said else "")
