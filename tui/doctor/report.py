"""Findings for a person and for a program. Whatever they quote is made inert here, in both."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tui.desk.inert import sanitise
from tui.doctor.findings import Finding, Severity, Topic, worst_of

EXIT_CODES = {Severity.OK: 0, Severity.NOTE: 0, Severity.WARNING: 3, Severity.FAULT: 4}

_LONGEST = 1_000  # characters
_GLYPHS = {Severity.OK: "✓", Severity.NOTE: "·", Severity.WARNING: "!", Severity.FAULT: "✗"}
_PLAIN_GLYPHS = {Severity.OK: "+", Severity.NOTE: "-", Severity.WARNING: "!", Severity.FAULT: "x"}
_COLOURS = {Severity.OK: "32", Severity.NOTE: "36", Severity.WARNING: "33", Severity.FAULT: "1;31"}
_TOPIC_WIDTH = max(len(topic) for topic in Topic)
_SEVERITY_WIDTH = max(len(severity) for severity in Severity)
_INDENT = 2 + _SEVERITY_WIDTH + 2 + _TOPIC_WIDTH + 2
_BOUND = "\xa0"
_LEAST_WIDTH = 20  # characters of words; a narrower terminal wraps by itself


class Page:
    """How findings are written for a person.

    `width` is the terminal's, None where lines are not wrapped. `is_plain` uses marks of ASCII, as does an
    `encoding` that has no others.
    """

    def __init__(
        self,
        *,
        encoding: str = "utf-8",
        is_plain: bool = False,
        is_coloured: bool = False,
        width: int | None = None,
    ) -> None:
        self._encoding = encoding
        self._is_coloured = is_coloured
        self._width = width if width is not None and width >= _INDENT + _LEAST_WIDTH else None
        self._glyphs, self._arrow = _GLYPHS, "→"
        marks = "".join(_GLYPHS.values()) + self._arrow
        if is_plain or self._shown(marks) != marks:
            self._glyphs, self._arrow = _PLAIN_GLYPHS, "->"

    def lines(self, found: Finding) -> list[str]:
        """Returns a finding as one line, and its remedy as the next; both wrapped below themselves."""
        mark = f"{self._glyphs[found.severity]} {found.severity.value:<{_SEVERITY_WIDTH}}"
        if self._is_coloured:
            mark = f"\x1b[{_COLOURS[found.severity]}m{mark}\x1b[0m"
        first, *rest = self._wrapped(sanitise(found.words, _LONGEST), _INDENT)
        lines = [f"{mark}  {found.topic.value:<{_TOPIC_WIDTH}}  {first}"]
        lines += [" " * _INDENT + line for line in rest]
        if found.remedy:
            arrow = f"{self._arrow} "
            for line in self._wrapped(sanitise(found.remedy, _LONGEST), _INDENT + len(arrow)):
                lines.append(" " * _INDENT + arrow + line)
                arrow = " " * len(arrow)
        return [self._shown(line) for line in lines]

    def summary(self, findings: Sequence[Finding]) -> str:
        """Returns the last line: "2 faults, 1 warning"."""
        counts = [
            (severity, sum(found.severity is severity for found in findings))
            for severity in (Severity.FAULT, Severity.WARNING, Severity.NOTE)
        ]
        parts = [f"{count} {severity.value}{'s' * (count > 1)}" for severity, count in counts if count]
        words = ", ".join(parts) if parts else "everything is as it should be"
        worst = worst_of(findings)
        return f"\x1b[{_COLOURS[worst]}m{words}\x1b[0m" if self._is_coloured else words

    def _wrapped(self, text: str, indent: int) -> list[str]:
        if self._width is None:
            return [text]
        room = self._width - indent
        # Paths and commands stay whole, so that they can be copied.
        lines = textwrap.wrap(_bound(text, room), room, break_long_words=False, break_on_hyphens=False)
        return [line.replace(_BOUND, " ") for line in lines] or [""]

    def _shown(self, text: str) -> str:
        """Returns the text with what the output can not hold replaced."""
        return text.encode(self._encoding, "replace").decode(self._encoding)


def _bound(text: str, room: int) -> str:
    """Ties the words of a command together: what is in backquotes, and each part between wider gaps that fits."""

    def tied(found: re.Match[str]) -> str:
        return found[0].replace(" ", _BOUND) if len(found[0]) <= room else found[0]

    text = re.sub(r"`[^`]*`", tied, text)
    return re.sub(r"\S+(?: \S+)*", tied, text) if "  " in text else text


def as_json(findings: Iterable[Finding]) -> str:
    """Returns all findings for a program, with the worst severity beside them."""
    kept = list(findings)
    report: dict[str, Any] = {
        "findings": [
            {
                "topic": found.topic.value,
                "severity": found.severity.value,
                "words": sanitise(found.words, _LONGEST),
                "remedy": sanitise(found.remedy, _LONGEST),
            }
            for found in kept
        ],
        "worst": worst_of(kept).value,
    }
    return msgspec.json.format(msgspec.json.encode(report)).decode()
