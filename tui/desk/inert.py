"""Makes text from outside harmless to a terminal: no control codes, no invisible or stacked characters."""

from __future__ import annotations

import re
import unicodedata

# Control, format, surrogate, private and unassigned characters; line and paragraph separators.
_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MOST_READ = 16  # characters for each that may be kept
_MOST_MARKS = 2  # more combining marks than this on one letter overflow its row
_PLAIN = re.compile(r"[ -~]*\Z")
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,31}\Z")


def sanitise(text: str, limit: int = 200) -> str:
    """Returns `text` with what a terminal could act on replaced, and at most `limit` characters long.

    A text that was cut ends with an ellipsis, which counts within the limit.
    """
    if len(text) <= limit and _PLAIN.match(text):
        return text
    kept: list[str] = []
    marks = 0
    # A megabyte of marks would else hold up whoever shows it for a tenth of a second.
    read = text[: limit * _MOST_READ]
    for character in read:
        category = unicodedata.category(character)
        if category in ("Mn", "Me"):
            marks += 1
            if marks > _MOST_MARKS:
                continue
        else:
            marks = 0
        if len(kept) == limit:
            kept[-1:] = "…" if limit else ""
            break
        if category == "Zs" or character in "\r\n\t":
            kept.append(" ")
        else:
            kept.append("\ufffd" if category in _UNWANTED else character)
    else:
        if len(read) < len(text) and kept:
            kept[limit - 1 :] = "…"
    return "".join(kept)


def is_symbol(text: str) -> bool:
    """Says whether `text` can be the symbol of an instrument or a currency; all else is quarantined."""
    return _SYMBOL.match(text) is not None
