"""The desk as it is put together: its first paint, and what is kept when it is ended."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.pty_session import PtySession

pytestmark = pytest.mark.pty

DESK = [sys.executable, "-m", "tests.e2e.desk", "--seed", "1"]


def open_desk(home: Path) -> PtySession:
    return PtySession(DESK, home=home, environment={"PITSIDE_TEST_REPORT": str(home / "report.json")})


def test_the_first_thing_on_the_screen_says_the_mode(tmp_path: Path) -> None:
    with open_desk(tmp_path) as session:
        session.wait_for("BTC/USDT", timeout=20)
        written = session.bytes_written()
        # The header is the top row: were the desk painted without the mode first, its frames would come before it.
        assert "┏".encode() not in written[: written.index(b"PAPER")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_carries_out_the_policy_once_and_the_paper_account_is_kept(number: int, tmp_path: Path) -> None:
    with open_desk(tmp_path) as session:
        session.wait_for(lambda session: "PAPER" in session.text and "BTC/USDT" in session.text, timeout=20)
        session.signal(number)
        assert session.wait_exit().code == 128 + number
        assert session.modes().is_restored
    assert json.loads((tmp_path / "report.json").read_text())["policies"] == 1
    assert [path.name for path in tmp_path.rglob("paper-*.json")] == ["paper-main.json"]


def test_a_quit_by_key_keeps_the_paper_account_too(tmp_path: Path) -> None:
    with open_desk(tmp_path) as session:
        session.wait_for(lambda session: "PAPER" in session.text and "BTC/USDT" in session.text, timeout=20)
        asked = session.clock()
        session.send("q")
        end = session.wait_exit()
        assert end.code == 0
        assert end.at - asked < 2
        assert session.modes().is_restored
    assert [path.name for path in tmp_path.rglob("paper-*.json")] == ["paper-main.json"]
