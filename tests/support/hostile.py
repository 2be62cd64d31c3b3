"""The twelve hostile texts: what a venue, a recording or a paste may hold and a terminal must never get."""

from __future__ import annotations

from typing import NamedTuple


class Hostile(NamedTuple):
    """A text that acts on a terminal or on Textual where it is shown raw, and how it begins once made inert."""

    text: str
    inert: str

    def after(self, canary: str, limit: int | None = None) -> str:
        """Returns the text behind a word by which it is found on a screen, cut to `limit` characters."""
        return (canary + self.text)[:limit]


HOSTILE = {
    "clipboard": Hostile("\x1b]52;c;cm0gLXJmIC8=\x07", "\ufffd]52;c;cm0"),
    "title": Hostile("\x1b]0;owned\x07\x1b]2;owned\x1b\\", "\ufffd]0;owned"),
    "hyperlink": Hostile("\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\", "\ufffd]8;;file"),
    "device control": Hostile("\x1bP+q544e\x1b\\\x1b_G\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\", "\ufffdP+q544e"),
    "clear": Hostile("\x1b[2J\x1b[H\x1b[3J\x1bc", "\ufffd[2J"),
    "c1": Hostile("\x9b2J\x9d0;x\x9c\x90q\x9c\x85", "\ufffd2J\ufffd0;x"),
    "bidi": Hostile("\u202egnp.exe\u2066x\u2069\u200f\u200b\u061c", "\ufffdgnp.exe"),
    "markup": Hostile("[/][bold red on [blink [", "[/][bold"),
    "action link": Hostile("[@click=app.quit]x[/]", "[@click="),
    "megabyte": Hostile("A" * 1_000_000, "AAAAAAAA"),
    # Recordings have a question mark for each. U+DCFF is what Python makes of the byte 0xFF in a file's name.
    "surrogates": Hostile("\ud800x\udfff\udcff\ud83d", "?x"),
    "towers": Hostile("Z\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308" * 40, ""),
}
