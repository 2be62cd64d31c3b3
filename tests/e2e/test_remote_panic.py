"""Panic and the other commands against real desks in processes of their own: running, stopped, killed, none."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.headless_desk import headless_desk, pitside
from tests.support.shelf_venue import fill_shelf, read_shelf
from tui.desk.journal_export import read_rows
from tui.desk.journal_fold import JournalState
from tui.desk.remote_messages import SOCKET_FILE
from tui.paths import profile_paths
from venues.model import OrderStatus


@pytest.fixture
def state_dir(home: Path) -> Path:
    return profile_paths().state_dir


def configure(venue: str) -> None:
    path = profile_paths().config_file
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text(f'[desk]\nvenue = "{venue}"\n')
    path.chmod(0o600)


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    assert done.returncode == 0, done.stderr
    loaded: list[dict[str, object]] = json.loads(done.stdout)
    return loaded


def test_a_running_desk_is_cleared_and_the_receipt_is_proven(state_dir: Path) -> None:
    with headless_desk(state_dir) as desk:
        assert stat.S_IMODE((state_dir / SOCKET_FILE).stat().st_mode) == 0o600
        bought = pitside("do", "buy", "BTC-PERP", "0.010")
        assert bought.returncode == 0, bought.stderr
        assert "BUY 0.01 BTC" in bought.stdout
        rests = pitside("do", "buy BTC-PERP 0.010 @ bid-1%")
        assert rests.returncode == 0, rests.stderr
        assert " rests (" in rests.stdout
        assert [(row["status"], row["quantity"]) for row in rows(pitside("orders", "--json"))] == [
            ("new", "0.010")
        ]
        assert [row["quantity"] for row in rows(pitside("positions", "--json"))] == ["0.010"]
        told = json.loads(pitside("status", "--json").stdout)
        assert told["desk"]["pid"] == desk.pid
        assert [(one["venue"], one["state"], one["orders"], one["positions"]) for one in told["venues"]] == [
            ("paper", "live", 1, 1)
        ]
        done = pitside("panic", "--yes")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "paper/main: 1 cancelled, 1 closed; nothing is left, read twice\n"
        assert pitside("orders").stdout == "no open orders\n"
        assert pitside("positions").stdout == "no positions\n"
        desk.send_signal(signal.SIGTERM)
        assert desk.wait(20) == 0
    assert not (state_dir / SOCKET_FILE).exists()
    ended = pitside("orders")
    assert ended.returncode == 1
    assert "no desk is running for profile default; start one with  pitside" in ended.stderr


def test_panic_asks_and_names_what_there_is(state_dir: Path) -> None:
    with headless_desk(state_dir):
        assert pitside("do", "buy BTC-PERP 0.010 @ bid-1%").returncode == 0
        no = pitside("panic", answer="n\n")
        assert no.returncode == 1
        assert "paper/main PAPER live: 1 orders, 0 positions" in no.stderr
        assert "nothing was done" in no.stderr
        assert pitside("panic", answer="").returncode == 1
        assert len(rows(pitside("orders", "--json"))) == 1
        yes = pitside("panic", answer="y\n")
        assert yes.returncode == 0, yes.stderr
        assert "1 cancelled, 0 closed; nothing is left" in yes.stdout


def test_a_stopped_desk_is_said_and_a_real_venue_is_cleared_without_it(state_dir: Path) -> None:
    fill_shelf(state_dir / "shelf.json")
    with headless_desk(state_dir, "shelf") as desk:
        desk.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        # The configuration says paper: it is the desk's own venue that has to be cleared.
        done = pitside("panic", "--yes")
        assert time.monotonic() - began < 15
        assert done.returncode == 1, "the venue is clear, and the desk that stands still may send again"
        assert f"a desk (LIVE/main, process {desk.pid}" in done.stderr
        assert "did not answer" in done.stderr
        assert "shelf/main: 3 cancelled, 1 closed; nothing is left, read twice" in done.stdout
        shelf = read_shelf(state_dir / "shelf.json")
        assert {one.status for one in shelf.orders.values()} == {OrderStatus.CANCELED, OrderStatus.FILLED}
        assert shelf.held == []
        dropped = pitside("do", "lock")
        assert dropped.returncode == 1
        assert "did not answer within 1 s, so what was asked was dropped" in dropped.stderr
        # Both requests lie in its socket: it drops them when it wakes, and answers what is asked in time.
        fill_shelf(state_dir / "shelf.json")
        desk.send_signal(signal.SIGCONT)
        woken = pitside("status", "--json")
        assert json.loads(woken.stdout)["desk"]["lock_reason"] == "the program stood still"
        shelf = read_shelf(state_dir / "shelf.json")
        assert {one.status for one in shelf.orders.values()} == {OrderStatus.NEW}


def test_a_stopped_paper_desk_keeps_its_orders_and_says_how_to_wake_it(state_dir: Path) -> None:
    with headless_desk(state_dir) as desk:
        desk.send_signal(signal.SIGSTOP)
        done = pitside("panic", "--yes")
        assert done.returncode == 1
        assert f"kill -CONT {desk.pid}" in done.stderr
        assert list(state_dir.glob("panic-*")) == []


def test_after_a_kill_panic_acts_alone_and_leaves_a_journal(state_dir: Path) -> None:
    fill_shelf(state_dir / "shelf.json")
    configure("shelf")
    with headless_desk(state_dir, "shelf") as desk:
        desk.kill()
        desk.wait(10)
    assert (state_dir / SOCKET_FILE).exists(), "what a killed desk leaves is stale"
    done = pitside("panic", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "shelf/main: 3 cancelled, 1 closed; nothing is left, read twice\n"
    (journal,) = state_dir.glob("panic-*.sqlite3")
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert f"kept for the next start in {journal.name}" in done.stderr
    kept = list(read_rows(journal))
    assert {row.event().desk for row in kept} == {"LIVE/main"}
    state = JournalState()
    for row in kept:
        state.take(row)
    assert state.unresolved() == []
    assert "panic without the desk: 3 cancelled, 1 closed, twice read as empty" in {n.text for n in state.notes}
    # A new desk takes the stale socket's place.
    with headless_desk(state_dir, "shelf"):
        assert rows(pitside("orders", "--json")) == []


def test_what_is_not_proven_is_code_1(state_dir: Path) -> None:
    fill_shelf(state_dir / "shelf.json", is_banned=True)
    configure("shelf")
    done = pitside("panic", "--yes")
    assert done.returncode == 1
    assert "NOT PROVEN" in done.stderr
    assert "banned until" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert "nothing is left" not in done.stdout
    assert len(read_shelf(state_dir / "shelf.json").orders) == 3


def test_without_anything_there_is_nothing_to_do(state_dir: Path) -> None:
    done = pitside("panic", "--yes")
    assert done.returncode == 0
    assert "no desk is running there, and its orders do not outlive one" in done.stdout


def test_a_broken_configuration_does_not_stand_against_a_panic(state_dir: Path) -> None:
    fill_shelf(state_dir / "shelf.json")
    configure('shelf"\nnonsense = "')
    done = pitside("--venue", "paper", "panic", "--yes")
    assert done.returncode == 0
    assert "the configuration is left aside" in done.stderr


def test_what_guards_ask_about_is_not_sent_without_yes(state_dir: Path) -> None:
    with headless_desk(state_dir):
        far = pitside("do", "buy BTC-PERP 0.010 @ bid-10%")
        assert far.returncode == 1
        assert "band: the price is" in far.stderr
        assert "say it again with --yes" in far.stderr
        assert rows(pitside("orders", "--json")) == []
        sure = pitside("do", "buy BTC-PERP 0.010 @ bid-10%", "--yes")
        assert sure.returncode == 0, sure.stderr
        (order,) = rows(pitside("orders", "--json"))
        hard = pitside("do", "buy BTC-PERP 0.010 @ bid-30%", "--yes")
        assert hard.returncode == 1
        assert "band: the price is" in hard.stderr
        assert len(rows(pitside("orders", "--json"))) == 1
        gone = pitside("do", "cancel", str(order["key"]))
        assert gone.returncode == 0, gone.stderr
        assert "is cancelled" in gone.stdout


def test_the_long_path_of_a_profile_is_no_hindrance(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = home / ("d" * 120)
    monkeypatch.setenv("XDG_STATE_HOME", str(deep))
    short_folder = tempfile.mkdtemp()
    monkeypatch.setenv("TMPDIR", short_folder)
    state_dir = profile_paths().state_dir
    with headless_desk(state_dir) as desk:
        found = json.loads(pitside("status", "--json").stdout)
        assert found["desk"]["pid"] == desk.pid
        short = (state_dir / SOCKET_FILE).readlink()
        assert stat.S_IMODE(short.stat().st_mode) == 0o600
        assert stat.S_IMODE(short.parent.stat().st_mode) == 0o700
        # Another shell may have another runtime folder.
        assert pitside("status", TMPDIR=str(home), XDG_RUNTIME_DIR=str(home)).returncode == 0
        desk.send_signal(signal.SIGTERM)
        assert desk.wait(20) == 0
    assert not short.exists()
