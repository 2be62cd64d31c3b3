"""The signals of child processes, and the parts of the watch that a whole program does not show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CHILD = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"

_START = f"""
import subprocess, sys
from tui.desk.signals import child_setup, mask_signals, unblocked_in_child
mask_signals()
child = [sys.executable, "-c", {_CHILD!r}]
subprocess.run(child, check=True)
with unblocked_in_child():
    subprocess.run(child, check=True)
subprocess.run(child, check=True, preexec_fn=child_setup)
subprocess.run(child, check=True)
"""

_WATCH = """
import os, signal, sys, threading
from concurrent.futures import Future
from tui.desk.signals import SignalWatch, mask_signals, unblocked_in_child
mask_signals()
policy = Future()
{policy}
left = threading.Event()
codes = []
def leave(code):
    codes.append(code)
    left.set()
watch = SignalWatch(
    detach=lambda number: policy, exit_ui=lambda: None, force_restore=lambda: codes.append("restored"),
    begin_close=lambda: codes.append("closing"), leave=leave,
    policy_seconds=0.1, ui_seconds=0.1, close_seconds=0.1,
)
watch.start()
with unblocked_in_child():
    os.kill(os.getpid(), signal.SIGTERM)
assert left.wait(5)
assert watch.policy_finished()
print(codes, watch.exit_code, watch.policy_error)
"""


def run(program: str, project_root: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_child_is_started_with_its_signals_unblocked(project_root: Path) -> None:
    blocked, inside, by_setup, after = run(_START, project_root).splitlines()
    assert "SIGTERM" in blocked
    assert "SIGTSTP" in blocked
    assert (inside, by_setup, after) == ("[]", "[]", blocked)


def test_a_signal_in_the_unblocked_moment_reaches_the_watch(project_root: Path) -> None:
    shown = run(_WATCH.format(policy="policy.set_result(None)"), project_root)
    assert shown == "['closing', 'restored', 143] 143"


def test_a_policy_that_fails_or_hangs_does_not_keep_the_program(project_root: Path) -> None:
    failed = run(_WATCH.format(policy="policy.set_exception(ValueError('no link'))"), project_root)
    assert failed == "['closing', 'restored', 143] 143 ValueError: no link"
    assert run(_WATCH.format(policy=""), project_root) == "['closing', 'restored', 143] 143 not finished in time"
    cancelled = run(_WATCH.format(policy="policy.cancel()"), project_root)
    assert cancelled == "['closing', 'restored', 143] 143 cancelled"
