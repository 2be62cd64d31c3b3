"""An app that is attached to its terminal: resizes, a lossy and a stalled terminal, and another Textual."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.pty_session import PtySession

pytestmark = pytest.mark.pty

STAND_IN = [sys.executable, "-m", "tests.e2e.stand_in"]
# A backlog limit below a single frame: what does not fit is dropped, and must be painted again.
LOSSY = """
import functools, sys
from tests.e2e import stand_in
from tui.terminal.environment import prepare
prepare()
from tui.terminal import attach
attach.TerminalWriter = functools.partial(attach.TerminalWriter, limit=12_000)
sys.exit(stand_in.main())
"""
# While a size is being told that has just been read, the terminal gets another one.
RACING = """
import fcntl, os, struct, sys, termios
from tests.e2e import stand_in
from tui.terminal.environment import prepare
prepare()
from tui.terminal.driver import DeskDriver
read = DeskDriver._get_terminal_size
left = [(40, 120)]
def read_and_resize(driver):
    size = read(driver)
    if left and size == (80, 24):
        rows, columns = left.pop()
        fcntl.ioctl(driver.fileno, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        open(os.environ["PITSIDE_TEST_REPORT"] + ".raced", "w").close()
    return size
DeskDriver._get_terminal_size = read_and_resize
sys.exit(stand_in.main())
"""
UNKNOWN = """
import sys
from tests.e2e import stand_in
from tui.terminal.environment import prepare
prepare()
from tui.terminal import attach
attach.KNOWN_TEXTUAL = "0"
sys.exit(stand_in.main())
"""


def start(program: list[str], home: Path) -> PtySession:
    return PtySession(
        program,
        home=home,
        environment={"PITSIDE_TEST_REPORT": str(home / "report.json")},
        is_synchronised=False,  # as on an old terminal; all others are
    )


def is_whole(session: PtySession) -> bool:
    """Whether each row but the first is eight numbers, as far as they fit into the width."""
    rows = session.text.split("\n")[1:]
    return len(rows) == session.rows - 1 and all(
        row.rstrip() and all(part.isdigit() for part in row.split()) and len(row.split()) == 8 for row in rows
    )


def test_each_resize_leaves_a_whole_screen(tmp_path: Path) -> None:
    with start(STAND_IN, tmp_path) as session:
        session.wait_for(is_whole)
        for rows, columns in ((24, 80), (40, 120), (10, 76), (40, 120)):
            session.resize(rows, columns)
            session.wait_for(is_whole)
        # There and back before the program has read the size once: the terminal has cut its rows all the same.
        session.resize(12, 80)
        session.resize(40, 120)
        session.wait_for(is_whole)
        session.send("j")
        session.wait_for("1 keys")


def test_the_size_that_came_last_counts(tmp_path: Path) -> None:
    with start([sys.executable, "-c", RACING], tmp_path) as session:
        session.wait_for(is_whole)
        session.resize(24, 80)
        session.wait_for(lambda _: (tmp_path / "report.json.raced").exists())
        session.resize(40, 120)  # as the terminal is by now: the kernel says nothing of it
        last_rows: list[str] = []

        def is_painted_on(_: PtySession) -> bool:
            last_rows.append(session.line(39))
            return len(set(last_rows)) > 5

        session.wait_for(is_painted_on)
        session.wait_for(is_whole)


def test_a_thousand_resizes_are_survived(tmp_path: Path) -> None:
    with start(STAND_IN, tmp_path) as session:
        session.wait_for(is_whole)
        for number in range(1000):
            session.resize(20 + number % 17, 80 + number % 41)
        session.resize(40, 120)
        session.wait_for(is_whole, timeout=20)
        session.send("j")
        session.wait_for("1 keys")
        session.signal(signal.SIGTERM)
        assert session.wait_exit().code == 143
        assert session.modes().is_restored


def test_what_a_stalled_terminal_lost_is_painted_again(tmp_path: Path) -> None:
    with start([sys.executable, "-c", LOSSY], tmp_path) as session:
        session.wait_for("0 keys")
        session.wait_for(lambda _: (tmp_path / "report.json").exists())
        session.stall()
        session.send("j")
        session.wait_for(lambda _: '"keys": 1' in (tmp_path / "report.json").read_text())
        session.resume_reading()
        session.wait_for("1 keys")
        session.wait_for(is_whole)


def test_with_another_textual_its_own_writer_and_painting_stay(tmp_path: Path) -> None:
    with start([sys.executable, "-c", UNKNOWN], tmp_path) as session:
        session.wait_for("0 keys")
        session.send("j")
        session.wait_for("1 keys")
        session.wait_for(is_whole)
        # Its partial updates write every segment with a reset of its own; ours never do.
        assert session.bytes_written().count(b"\x1b[0m") > 200
        session.signal(signal.SIGTERM)
        assert session.wait_exit().code == 143
        assert session.modes().is_restored
