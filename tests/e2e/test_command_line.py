"""The command line in a real terminal: help, version, a recording and its replay, a broken configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.pty_session import PROJECT_ROOT, PtySession, child_environment
from tests.e2e.trader import BTC_PERP, DESK, PAPER, SIZES, Size, Trader

pytestmark = [pytest.mark.pty, pytest.mark.timeout(60)]


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        cwd=PROJECT_ROOT, env=child_environment(home, {}), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "words"), [("--help", "Exit codes:"), ("-h", "replay"), ("--version", "pitside ")]
)
def test_help_and_version_are_plain_text(argument: str, words: str, tmp_path: Path) -> None:
    with PtySession([*DESK, argument], home=tmp_path, rows=80, columns=100) as session:
        end = session.wait_exit(20)
        assert end.code == 0
        assert words in session.text
        assert session.modes().is_restored
        assert b"\x1b[?1049h" not in session.bytes_written()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_was_recorded_is_replayed_and_traded(size: Size, tmp_path: Path) -> None:
    file = tmp_path / "tape.jsonl"
    record = run(
        tmp_path, "record", "paper", "--out", str(file), "--seconds", "2", "--rate", "300", "--seed", "1",
        "--instrument", "BTC-PERP",
    )  # fmt: skip
    assert record.returncode == 0, record.stderr
    assert "rows" in record.stderr
    before = file.read_bytes()
    again = run(tmp_path, "record", "paper", "--out", str(file), "--seconds", "1")
    assert again.returncode == 2
    assert "never overwrites" in again.stderr

    # Twenty times slower than it was: half a minute of market.
    with Trader(tmp_path, size, "replay", str(file), "--speed", "0.05") as trader:
        assert trader.desk.line(0).lstrip().startswith("REPLAY")
        assert "PAPER" not in trader.desk.text
        trader.wait_for(lambda: BTC_PERP in trader.desk.line(0))
        trader.place("b", "0.1", "bid-200t")
        assert trader.wait_for_order(side="BUY")["filled / size"] == "0.000 / 0.100"
        trader.place("B", "0.2")
        trader.wait_for_position("LONG", "0.2")
        trader.quit()
    assert file.read_bytes() == before


def test_a_broken_configuration_is_said_and_nothing_is_touched(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[0], *PAPER) as trader:
        trader.quit()
    state = tmp_path / "state" / "pitside" / "default"
    kept = {path.name: path.read_bytes() for path in state.iterdir() if path.is_file()}
    assert kept
    folder = tmp_path / "config" / "pitside" / "default"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "config.toml"
    for text, words in (
        ('[desk]\ntheme = "dark\n', "is no TOML"),
        ("[guards]\nmax_notonal = 5\n", "line 2: guards.max_notonal is no setting"),
        ("[lock]\nidle = -5\n", "lock.idle"),
    ):
        file.write_text(text)
        file.chmod(0o600)
        with PtySession([*DESK, *PAPER], home=tmp_path, rows=24, columns=200) as session:
            end = session.wait_exit(20)
            assert end.code == 1
            assert "config.toml" in session.text
            assert words in session.text
            assert "Traceback" not in session.text
            assert session.modes().is_restored
            assert b"\x1b[?1049h" not in session.bytes_written()
        assert file.read_text() == text
        assert {path.name: path.read_bytes() for path in state.iterdir() if path.is_file()} == kept
    file.unlink()
    with Trader(tmp_path, SIZES[0], *PAPER) as trader:
        trader.quit()
