"""Whatever bytes come from the terminal, they are keys, pastes, mouse events or nothing: never the app's end.

50,000 inputs made by mutating what terminals do send, with fixed seeds; 200,000 with PITSIDE_TEST_LONG=1. With the
kitty protocol on, one in 450 of them ended Textual's parser. Over ssh the terminal is not ours to trust, and a
`cat` of a wrong file can make any of them send anything.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.pty_session import PROJECT_ROOT, PtySession
from tests.e2e.terminal_bytes import mutated
from tests.support.effort import tries

INPUTS = tries(50_000, 200_000)
ITEMS = 4


@pytest.mark.parametrize("item", range(ITEMS))
def test_no_input_ends_the_parser(item: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.terminal_bytes", str(item), str(INPUTS // ITEMS)],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "TEXTUAL_DISABLE_KITTY_KEY": "1", "TEXTUAL_SMOOTH_SCROLL": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > INPUTS // ITEMS


@pytest.mark.pty
def test_the_app_survives_them_on_a_real_terminal(tmp_path: Path) -> None:
    choose = random.Random(99)
    report = tmp_path / "report.json"
    program = [sys.executable, "-m", "tests.e2e.stand_in"]
    with PtySession(program, home=tmp_path, environment={"PITSIDE_TEST_REPORT": str(report)}) as session:
        session.wait_for("0 keys")
        for _ in range(400):
            # `q` and `w` are keys of the program itself.
            session.send_bytes(mutated(choose).replace(b"q", b"").replace(b"w", b""))
        session.send_bytes(b"\x1b[48;9999;9999;1;1t\x1b[48;0;0;0;0t\x1b[<0;5;5M\xff\xff\x1b[201~")
        session.wait_for(lambda _: report.exists() and json.loads(report.read_text())["keys"] > 400, timeout=20)
        before = json.loads(report.read_text())["keys"]
        session.send("j")
        session.wait_for(lambda _: json.loads(report.read_text())["keys"] > before)
        assert session.is_running()
        session.send("q")
        assert session.wait_exit().code == 0
        assert session.modes().is_restored
