"""The end of the program: in whatever state the terminal is, it leaves in time and leaves the terminal as it was.

Real processes on real terminals: the desk itself, and a stand-in for states that the desk cannot be brought
into. Each way to end the desk is tried eight times, 20 times with PITSIDE_TEST_LONG=1, in four items that workers
can share.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.pty_session import End, PtySession
from tests.support.effort import tries

pytestmark = pytest.mark.pty

DESK = [sys.executable, "-m", "tests.e2e.desk", "--seed", "1"]
STAND_IN = [sys.executable, "-m", "tests.e2e.stand_in"]
RUNS = tries(2, 5)
ITEMS = range(4)
# Who is held by the terminal is held for as long as it stalls. How long these take where nothing else runs is
# measured: python -m tests.benchmarks --only leave --only stall
LEAVE_SECONDS = 3.0
LONGEST_GAP = 1.5
STALL_SECONDS = float(os.environ.get("PITSIDE_TEST_STALL_SECONDS", "60"))


class Run:
    """One run of a program, from its first paint on."""

    def __init__(self, session: PtySession, report: Path) -> None:
        self.session = session
        self._report = report
        self.ended_within = 0.0

    def report(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self._report.read_text())
        return loaded

    def has_report(self) -> bool:
        return self._report.exists()

    def is_wedged(self, _session: PtySession) -> bool:
        return bool(self.report()["is_wedged"])

    def has_taken(self, keys: int) -> Callable[[PtySession], bool]:
        return lambda _: bool(self.report()["keys"] == keys)

    def end_by(self, act: Callable[[], object], timeout: float = 10) -> End:
        """Does what ends it; `ended_within` tells how long it took."""
        start = self.session.clock()
        act()
        end = self.session.wait_exit(timeout)
        self.ended_within = end.at - start
        return end


def start(program: list[str], home: Path, number: int = 0, policy: str = "0", **more: Any) -> Run:
    folder = home / str(number)
    folder.mkdir()
    report = folder / "report.json"
    variables = {"PITSIDE_TEST_REPORT": str(report), "PITSIDE_TEST_POLICY": policy}
    return Run(PtySession(program, home=folder, environment=variables, **more), report)


def start_desk(home: Path, number: int = 0) -> Run:
    """Starts the desk and waits until it shows the book of its paper market."""
    run = start(DESK, home, number)
    run.session.wait_for(lambda session: "PAPER" in session.text and "BTC/USDT" in session.text, timeout=20)
    return run


def start_stand_in(home: Path, number: int = 0, **more: Any) -> Run:
    """Starts the stand-in and waits until a key has been answered."""
    run = start(STAND_IN, home, number, **more)
    run.session.wait_for("0 keys")
    run.session.send("j")
    run.session.wait_for("1 keys")
    run.session.wait_for(lambda _: run.has_report())
    return run


def check(run: Run, end: End, number: int) -> None:
    assert end.code == 128 + number
    assert run.ended_within < LEAVE_SECONDS
    report = run.report()
    assert report["longest_gap"] < LONGEST_GAP
    # That there is one says that the desk's policy was carried out; the stand-in's names the signal.
    assert report.get("signal", number) == number


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_desk_with_the_terminal_restored(number: int, item: int, tmp_path: Path) -> None:
    for index in range(RUNS):
        run = start_desk(tmp_path, index)
        with run.session as session:
            end = run.end_by(partial(session.signal, number))
            assert session.modes().is_restored
        check(run, end, number)


@pytest.mark.parametrize("item", ITEMS)
def test_a_closed_terminal_ends_the_desk(item: int, tmp_path: Path) -> None:
    for index in range(RUNS):
        run = start_desk(tmp_path, index)
        with run.session as session:
            end = run.end_by(session.close)
        check(run, end, signal.SIGHUP)


@pytest.mark.parametrize("item", ITEMS)
def test_a_stalled_terminal_does_not_hold_the_desk(item: int, tmp_path: Path) -> None:
    for index in range(RUNS):
        run = start_desk(tmp_path, index)
        with run.session as session:
            session.stall()
            end = run.end_by(partial(session.signal, signal.SIGTERM))
            session.resume_reading()
            session.wait_for(lambda session: session.modes().is_restored)
        check(run, end, signal.SIGTERM)


def test_a_terminal_closed_while_it_stalls_ends_the_desk(tmp_path: Path) -> None:
    run = start_desk(tmp_path)
    with run.session as session:
        session.stall()
        end = run.end_by(session.close)
    check(run, end, signal.SIGHUP)


def test_the_engine_does_not_notice_a_terminal_that_nobody_reads(tmp_path: Path) -> None:
    """60 s: with the stock writer and one loop everything stood still after 1.2 s of it."""
    run = start_desk(tmp_path)
    with run.session as session:
        session.stall()
        stalled = session.clock()
        session.wait_for(lambda session: session.clock() - stalled > STALL_SECONDS, timeout=STALL_SECONDS + 5)
        before = len(session.bytes_written())
        session.resume_reading()
        session.wait_for(lambda session: bool(session.bytes_written()[before:].strip(b"\0")), timeout=5)
        end = run.end_by(lambda: session.signal(signal.SIGTERM))
        assert session.modes().is_restored
    check(run, end, signal.SIGTERM)


def test_keys_are_taken_while_the_terminal_stalls(tmp_path: Path) -> None:
    run = start_stand_in(tmp_path)
    with run.session as session:
        session.stall()
        before = len(session.bytes_written())
        for pressed in range(2, 12):
            session.send("j")
            session.wait_for(run.has_taken(pressed), timeout=5)
        assert len(session.bytes_written()) == before
        # What is painted next is the newest state, and the screen is whole.
        session.resume_reading()
        session.wait_for("11 keys", timeout=3)
        session.wait_for(lambda session: all(line.strip() for line in session.text.split("\n")))
        end = run.end_by(lambda: session.send("q"))
        assert session.modes().is_restored
    assert end.code == 0


@pytest.mark.parametrize("item", range(2))
def test_a_terminal_that_is_not_the_controlling_one_ends_it_too(item: int, tmp_path: Path) -> None:
    """No SIGHUP comes then: the hang-up itself is seen."""
    for index in range(RUNS):
        run = start_stand_in(tmp_path, index, is_controlling=False)
        with run.session as session:
            end = run.end_by(session.close)
        check(run, end, signal.SIGHUP)


@pytest.mark.parametrize("is_stalled", [False, True])
@pytest.mark.parametrize("item", range(2))
def test_a_wedged_screen_does_not_hold_it(item: int, is_stalled: bool, tmp_path: Path) -> None:
    """The UI loop never runs again: the terminal is restored without it."""
    for index in range(RUNS):
        run = start_stand_in(tmp_path, index)
        with run.session as session:
            session.send("w")
            session.wait_for(run.is_wedged)
            if is_stalled:
                session.stall()
            end = run.end_by(partial(session.signal, signal.SIGTERM))
            session.resume_reading()
            session.wait_for(lambda session: session.modes().is_restored)
        check(run, end, signal.SIGTERM)


def test_the_policy_has_its_time_before_the_screen_goes(tmp_path: Path) -> None:
    run = start_stand_in(tmp_path, policy="1")
    with run.session as session:
        end = run.end_by(lambda: session.signal(signal.SIGTERM))
        assert session.modes().is_restored
    assert 1 <= run.ended_within < 1 + LEAVE_SECONDS
    assert (end.code, run.report()["signal"]) == (143, signal.SIGTERM)


def test_a_second_term_does_not_wait_for_the_policy(tmp_path: Path) -> None:
    run = start_stand_in(tmp_path, policy="30")
    with run.session as session:
        session.signal(signal.SIGTERM)
        # Sent within a quarter of a second both would be one wish.
        asked = session.clock()
        session.wait_for(lambda session: session.clock() - asked > 0.4)
        end = run.end_by(lambda: session.signal(signal.SIGTERM))
        assert session.modes().is_restored
    assert end.code == 143
    assert run.ended_within < LEAVE_SECONDS


def test_a_stop_signal_in_between_changes_nothing(tmp_path: Path) -> None:
    """SIGTSTP would stop the engine with open orders; the keys go on as if it had not come."""
    run = start_stand_in(tmp_path)
    with run.session as session:
        session.signal(signal.SIGTSTP)
        session.send("j")
        session.wait_for("2 keys")
        end = run.end_by(lambda: session.signal(signal.SIGTERM))
    check(run, end, signal.SIGTERM)


def test_a_quiet_end_is_no_signal(tmp_path: Path) -> None:
    run = start_stand_in(tmp_path)
    with run.session as session:
        end = run.end_by(lambda: session.send("q"))
        assert session.modes().is_restored
    assert end.code == 0
