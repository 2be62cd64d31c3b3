"""Findings as a person and as a program read them."""

from __future__ import annotations

import json

import pytest

from tui.doctor.findings import Finding, Severity, Topic, fault, note, ok, warning, worst_of
from tui.doctor.report import EXIT_CODES, Page, as_json

FOUND = [
    ok(Topic.PROGRAM, "it is there"),
    warning(Topic.FILES, "a is loose", "chmod 600 a"),
    fault(Topic.CONFIG, "line 3 is wrong"),
    fault(Topic.VENUES, "not there", "look"),
]


def test_each_finding_is_a_line_and_its_remedy_the_next() -> None:
    page = Page()
    assert page.lines(FOUND[1]) == ["! warning  files     a is loose", "                     → chmod 600 a"]
    assert page.lines(FOUND[2]) == ["✗ fault    config    line 3 is wrong"]
    starts = {page.lines(found)[0].index(found.words) for found in FOUND}
    assert len(starts) == 1, "aligned"


def test_the_summary_counts_what_is_worse_than_ok() -> None:
    assert Page().summary(FOUND) == "2 faults, 1 warning"
    assert Page().summary(FOUND[:1]) == "everything is as it should be"
    assert Page().summary([note(Topic.CLOCK, "a"), note(Topic.CLOCK, "b")]) == "2 notes"


def test_long_words_are_wrapped_below_themselves_and_commands_stay_whole() -> None:
    path = "/a/very/long/path/that/is/wider/than/the/words/of/a/line/would/have/room/for"
    lines = Page(width=60).lines(
        warning(Topic.FILES, f"the file {path} may be read by others", f"chmod 600 {path}")
    )
    assert path in [line.strip() for line in lines], "never broken, so that it can be copied"
    assert all(line.startswith(" " * 21) for line in lines[1:])
    wide = [line for line in lines if len(line) > 60]
    assert all(path in line for line in wide)


def test_a_command_within_a_remedy_is_not_broken_where_it_fits() -> None:
    remedy = "set it before the terminal's programs start:  export LANG=C.UTF-8"
    lines = Page(width=70).lines(warning(Topic.PROGRAM, "no UTF-8", remedy))
    assert [line.strip() for line in lines[1:]] == [
        "→ set it before the terminal's programs start:",
        "export LANG=C.UTF-8",
    ]
    lines = Page(width=62).lines(
        note(Topic.CLOCK, "w", "have it set by the net: `sudo timedatectl set-ntp true`, or so")
    )
    assert "`sudo timedatectl set-ntp true`, or so" in [line.strip() for line in lines]
    lines = Page(width=50).lines(note(Topic.CLOCK, "w", f"{'word ' * 20} {'other ' * 20}"))
    assert max(map(len, lines)) <= 50, "what fits nowhere is wrapped as ever"


def test_plain_marks_can_be_asked_for() -> None:
    assert Page(is_plain=True).lines(FOUND[1]) == ["! warning  files     a is loose", f"{' ' * 21}-> chmod 600 a"]
    assert Page(is_plain=True).lines(ok(Topic.FILES, "Ärger"))[0].endswith("Ärger"), "words stay as they are"


def test_colour_comes_beside_the_word_and_never_alone() -> None:
    plain, coloured = Page().lines(FOUND[2])[0], Page(is_coloured=True).lines(FOUND[2])[0]
    assert "\x1b[" not in plain
    assert coloured == "\x1b[1;31m✗ fault  \x1b[0m  config    line 3 is wrong"


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
def test_where_the_output_has_no_marks_others_stand_in_their_place(encoding: str) -> None:
    page = Page(encoding=encoding)
    lines = [line for found in FOUND for line in page.lines(found)]
    assert [line[0] for line in lines if line[0] != " "] == ["+", "!", "x", "x"]
    assert "-> chmod 600 a" in lines[2]
    "\n".join([*lines, *page.lines(note(Topic.VENUES, "→ 価格"))]).encode(encoding)


def test_what_a_venue_says_can_not_act_on_a_terminal_or_a_program() -> None:
    hostile = fault(Topic.VENUES, "no\x1b]0;owned\x07 \x1b[2J\nsecond line", "re\x9bmedy")
    shown = Page().lines(hostile)
    assert len(shown) == 2, "a line break of a venue makes no line"
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in "".join(shown))
    kept = json.loads(as_json([hostile]))["findings"][0]
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in kept["words"] + kept["remedy"])


def test_json_has_all_of_it() -> None:
    assert json.loads(as_json(FOUND)) == {
        "findings": [
            {
                "topic": found.topic.value,
                "severity": found.severity.value,
                "words": found.words,
                "remedy": found.remedy,
            }
            for found in FOUND
        ],
        "worst": "fault",
    }
    assert json.loads(as_json([])) == {"findings": [], "worst": "ok"}


@pytest.mark.parametrize(
    ("severities", "code"),
    [((), 0), (("ok", "note"), 0), (("warning", "ok"), 3), (("fault", "warning"), 4), (("note", "fault"), 4)],
)
def test_the_exit_code_is_that_of_the_worst(severities: tuple[str, ...], code: int) -> None:
    found = [Finding(Topic.FILES, Severity(severity), "words") for severity in severities]
    assert EXIT_CODES[worst_of(found)] == code
