"""What a check returns: one sentence, how bad it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"  # worth knowing; nothing has to be done
    WARNING = "warning"  # a desk can be used; something will go wrong one day, or is not as it should be
    FAULT = "fault"  # a desk can not be used, or not safely

    @property
    def rank(self) -> int:
        """A greater number is worse."""
        return list(Severity).index(self)


class Topic(StrEnum):
    """What a finding is about, in the order of the report."""

    PROGRAM = "program"
    CONFIG = "config"
    FILES = "files"
    JOURNAL = "journal"
    TERMINAL = "terminal"
    CLOCK = "clock"
    KEYRING = "keyring"
    VENUES = "venues"


class Finding(msgspec.Struct, frozen=True):
    """What was found. `remedy` is empty where nothing is to be done. Both are untrusted text until reported."""

    topic: Topic
    severity: Severity
    words: str
    remedy: str = ""


def ok(topic: Topic, words: str) -> Finding:
    return Finding(topic, Severity.OK, words)


def note(topic: Topic, words: str, remedy: str = "") -> Finding:
    return Finding(topic, Severity.NOTE, words, remedy)


def warning(topic: Topic, words: str, remedy: str = "") -> Finding:
    return Finding(topic, Severity.WARNING, words, remedy)


def fault(topic: Topic, words: str, remedy: str = "") -> Finding:
    return Finding(topic, Severity.FAULT, words, remedy)


def worst_of(findings: Iterable[Finding]) -> Severity:
    """Returns the worst severity; OK where nothing was found."""
    return max((found.severity for found in findings), key=lambda severity: severity.rank, default=Severity.OK)
