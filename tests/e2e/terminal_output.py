"""Reads every byte that the program wrote to a terminal, and allows nothing but what it has reason to write.

What a program that shows strangers' text must never write: OSC (clipboard, title, links), DCS, APC, PM, SOS, C1
controls, erasing, resets, text that changes direction or can not be seen, towers of accents. Its own sequences
are a short list; a bare `CSI H` or `CSI 2J` is not on it, so that a text that holds one is found.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_MODES = rb"(?:7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048)"
_OWN = re.compile(
    rb"\x1b\[(?:"
    rb"(?:\d{1,3}(?:;\d{1,3}){0,20})?m"  # look
    rb"|\d{1,4}(?:;\d{1,4})?H"  # move to
    rb"|\d{0,4}C"  # move right
    rb"|\?" + _MODES + rb"[hl]"  # modes
    rb"|\?(?:2026|2048)\$p"  # asks for two of them
    rb"|<u"  # kitty keys, ended in case somebody began them
    rb")"
    # The pointer's shape: Textual's own, with no text of anybody in it.
    rb"|\x1b\]22;[a-z-]{1,16}\x07"
    # At a forced end: out of whatever was begun.
    rb"|\x18\x1b\\"
)
_BELL = b"\x07"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 2


class Output(NamedTuple):
    """What was found in the bytes: faults, each with what stands around it, and how often the bell rang."""

    faults: list[str]
    bells: int


def examine(data: bytes) -> Output:
    """Takes the program's bytes apart, sequence by sequence and character by character."""
    faults: list[str] = []
    bells = 0
    at = 0
    while at < len(data):
        if own := _OWN.match(data, at):
            at = own.end()
            continue
        end = next((mark.start() for mark in _CONTROL.finditer(data, at)), len(data))
        if end > at:
            faults += _text_faults(data[at:end])
            at = end
            continue
        if data[at : at + 1] == _BELL:
            bells += 1
        elif data[at : at + 1] not in (b"\n", b"\r"):
            faults.append(f"a control at {at}: {data[max(0, at - 20) : at + 40]!r}")
        at += 1
    return Output(faults, bells)


_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def _text_faults(data: bytes) -> list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return [f"bytes that are no UTF-8: {data[max(0, error.start - 20) : error.end + 20]!r}"]
    faults = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if category in _UNSEEN:
            faults.append(f"U+{ord(character):04X} ({category}) in {text[:60]!a}")
        elif marks == _MOST_MARKS + 1:
            faults.append(f"a tower of marks in {text[:60]!a}")
    return faults
