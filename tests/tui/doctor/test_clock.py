"""The clock by the kernel and beside a venue's."""

from __future__ import annotations

import sys
import time

import pytest

from tui.doctor.clock import KernelClock, check_kernel_clock, check_offset, read_kernel_clock
from tui.doctor.findings import Severity

MS = 1_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_kernel_is_asked_and_its_clock_not_touched() -> None:
    before = time.time_ns() - time.monotonic_ns()
    told = read_kernel_clock()
    after = time.time_ns() - time.monotonic_ns()
    assert abs(after - before) < 50 * MS
    if told is not None:  # a container may forbid the question
        assert 0 <= told.error <= 1_000_000_000
        assert told == read_kernel_clock() or told.is_synchronised


@pytest.mark.parametrize(
    ("clock", "severity", "words"),
    [
        (KernelClock(is_synchronised=True, error=12_400), Severity.OK, "within 12 ms"),
        (KernelClock(is_synchronised=False, error=16_000_000), Severity.NOTE, "unsynchronised"),
        (None, Severity.NOTE, "does not tell"),
    ],
)
def test_the_kernels_word_is_passed_on(clock: KernelClock | None, severity: Severity, words: str) -> None:
    (found,) = check_kernel_clock(clock)
    assert found.severity is severity
    assert words in found.words


@pytest.mark.parametrize(
    ("offset", "uncertainty", "severity", "words"),
    [
        (100, 250, Severity.OK, "no difference"),
        (-400, 100, Severity.OK, "0.40 s ahead of"),
        (700, 250, Severity.OK, "0.70 s behind"),
        (751, 250, Severity.WARNING, "0.75 s behind"),
        (-900, 250, Severity.WARNING, "0.90 s ahead of"),
        (5_200, 250, Severity.WARNING, "5.20 s behind"),
        (5_300, 250, Severity.FAULT, "refuse orders"),
        (-3_600_000, 500, Severity.FAULT, "3,600.00 s ahead of"),
    ],
)
def test_only_what_is_proven_is_an_alarm(offset: int, uncertainty: int, severity: Severity, words: str) -> None:
    """In milliseconds; above zero the venue's clock is ahead, and ours behind."""
    (found,) = check_offset("coinex", offset * MS, uncertainty * MS)
    assert found.severity is severity
    assert words in found.words
    assert bool(found.remedy) is (severity is not Severity.OK)
