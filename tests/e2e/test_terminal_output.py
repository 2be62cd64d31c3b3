"""The examiner of the terminal's bytes finds what it is there to find, and lets pass what the desk writes."""

from __future__ import annotations

import pytest

from tests.e2e.terminal_output import examine
from tests.support.hostile import HOSTILE

OWN = (
    b"\x1b[?1049h\x1b[?25l\x1b[?2026$p\x1b[1;1H\x1b[38;2;204;211;220;48;2;13;17;23m text \x1b[m\x1b[12C\x1b[C"
    b"\x1b]22;default\x07 \xe2\x96\x88 \xe2\x95\xad\xe2\x94\x80 \xef\xbf\xbd]52;c; [@click=app.quit] e\xcc\x81"
    b"\x1b[?7h\x1b[?2004l\r\n"
)
SHOWN_AS_IT_IS = {"markup", "action link", "megabyte"}  # letters: what they do to Textual shows elsewhere


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in SHOWN_AS_IT_IS])
def test_a_hostile_text_among_its_own_bytes_is_found(name: str) -> None:
    text = HOSTILE[name].after("some words ").encode("utf-8", "surrogatepass")
    assert examine(OWN + text + b"\x1b[m" + OWN).faults


@pytest.mark.parametrize(
    "seed",
    [
        b"\x1b]0;t\x07", b"\x1b]2;t\x1b\\", b"\x1b]52;c;AA==\x1b\\", b"\x1b]8;id=1;x\x1b\\", b"\x1b]22;a b\x07",
        b"\x1bP1$r\x1b\\", b"\x1b_x\x1b\\", b"\x1b^x\x1b\\", b"\x1bXx\x1b\\", b"\x1bc", b"\x1b7", b"\x1b(0",
        b"\x1b[2J", b"\x1b[J", b"\x1b[K", b"\x1b[H", b"\x1b[6n", b"\x1b[c", b"\x1b[21t", b"\x1b[?1h", b"\x1b[5i",
        b"\x1b[10S", b"\x1b[4;20r", b"\x1b", b"\x00", b"\x08", b"\x0e", b"\x18", b"\x7f", b"\t", b"\x0b",
        b"\x9b2J", b"\xc2\x9b2J", b"\xc2\x85", b"\xed\xa0\x80", b"\xff", b"\xe2\x80\xae", b"\xe2\x81\xa6",
        b"\xe2\x80\x8b", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xee\x80\x80", b"e\xcc\x81\xcc\x81\xcc\x81",
    ],
)  # fmt: skip
def test_each_seeded_fault_is_found(seed: bytes) -> None:
    assert len(examine(OWN + seed + OWN).faults) >= 1
    assert examine(b"a" + seed + b"b").faults


def test_the_desks_own_bytes_pass_and_its_bell_is_counted() -> None:
    assert examine(OWN) == ([], 0)
    assert examine(OWN + b"\x07" + OWN + b"\x07") == ([], 2)
