"""How long a terminal takes, asked of real pseudo-terminals."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.pty_session import PtySession
from tui.doctor.latency import Latency, measure_latency

PROGRAM = "import sys; from tui.doctor.latency import *; print(measure_latency(0, limit={limit}), flush=True)"


def asking(home: Path, limit: float) -> PtySession:
    return PtySession([sys.executable, "-c", PROGRAM.format(limit=limit)], home=home)


def has_asked(times: int, session: PtySession) -> bool:
    return session.bytes_written().count(b"\x1b[5n") == times


@pytest.mark.pty
def test_a_terminal_that_answers_is_measured_and_left_as_it_was(home: Path) -> None:
    with asking(home, 20.0) as session:
        for number in range(1, 6):
            session.wait_for(partial(has_asked, number))
            session.send_bytes(b"\x1b[0n")
        session.wait_exit()
        assert "Latency(answers=5, median=" in session.text
        assert session.modes().are_attributes_restored
        assert "[0n" not in session.text, "an answer is not echoed"


@pytest.mark.pty
def test_a_terminal_that_says_nothing_is_left_alone_in_time(home: Path) -> None:
    with asking(home, 0.2) as session:
        session.wait_for("Latency(answers=0, median=0.0)")
        session.wait_exit()
        assert session.bytes_written().count(b"\x1b[5n") == 1
        assert session.modes().are_attributes_restored


@pytest.mark.pty
def test_what_is_typed_meanwhile_is_no_answer(home: Path) -> None:
    with asking(home, 20.0) as session:
        for number in range(1, 6):
            session.wait_for(partial(has_asked, number))
            session.send_bytes(b"ls\x1b[A")
            session.send_bytes(b"\x1b[0")
            session.send_bytes(b"n")
        session.wait_exit()
        assert "answers=5" in session.text


def test_what_is_no_terminal_is_not_asked_and_one_that_does_not_control_us_is() -> None:
    with Path(os.devnull).open("rb") as null:
        assert measure_latency(null.fileno()) is None
    master, slave = os.openpty()
    try:
        assert measure_latency(slave, limit=0.01) == Latency(0, 0.0)
        assert os.read(master, 100) == b"\x1b[5n"
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.pty
def test_in_the_background_it_is_not_asked(home: Path) -> None:
    """Whoever sets a terminal from there is stopped by the kernel."""
    program = (
        "import os, sys; from tui.doctor.latency import *\n"
        "if child := os.fork(): os.waitpid(child, 0)\n"
        "else: os.setpgid(0, 0); print('it is', measure_latency(0, limit=5.0), flush=True)"
    )
    with PtySession([sys.executable, "-c", program], home=home) as session:
        session.wait_for("it is None")
        session.wait_exit()
        assert b"\x1b[5n" not in session.bytes_written()
