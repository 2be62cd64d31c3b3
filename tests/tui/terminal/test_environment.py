"""What is set before Textual is imported, and which terminals are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.e2e.pty_session import PROJECT_ROOT, PtySession
from tui.terminal.environment import UnusableTerminal, terminal_problem

_SHOW = """
import os, sys
os.environ["SSLKEYLOGFILE"] = "/nowhere"
from tui.terminal.environment import prepare
prepare()
assert "textual" not in sys.modules
from textual import constants
print(constants.MAX_FPS, constants.TEXTUAL_ANIMATIONS, constants.SMOOTH_SCROLL, constants.DISABLE_KITTY_KEY,
      constants.ESCAPE_DELAY, "SSLKEYLOGFILE" in os.environ, round(sys.getswitchinterval(), 6))
"""


@pytest.mark.pty
def test_textual_reads_what_was_prepared(tmp_path: Path) -> None:
    with PtySession([sys.executable, "-c", _SHOW], home=tmp_path) as session:
        assert session.wait_exit().code == 0
        assert session.line(0).strip() == "240 none False True 0.025 False 0.0005"


def test_a_pipe_is_refused_with_a_way_out() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui"], cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the desk needs a terminal" in done.stderr
    assert done.stdout == ""


@pytest.mark.pty
def test_a_dumb_terminal_is_refused_without_a_single_escape(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tui"]
    with PtySession(program, home=tmp_path, environment={"TERM": "dumb"}) as session:
        assert session.wait_exit().code == 1
        assert "TERM=dumb" in session.text
        assert b"\x1b" not in session.bytes_written()


@pytest.mark.parametrize(
    ("term", "is_tty", "says"),
    [("xterm-256color", True, None), ("linux", True, None), ("", True, "(not set)"), ("xterm", False, "ssh -t")],
)
def test_which_terminals_are_refused(term: str, is_tty: bool, says: str | None) -> None:
    problem = terminal_problem(term, is_tty)
    assert (problem is None) if says is None else (problem is not None and says in problem)


def test_a_refusal_is_an_error_of_the_command_line() -> None:
    error = UnusableTerminal("why")
    assert isinstance(error, click.ClickException)
    assert error.exit_code == 1
