"""`pitside panic` on a real venue while no desk runs: the key is read with a password that is asked for."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.e2e.pty_session import PROJECT_ROOT, PtySession, child_environment
from tui.desk.instance import InstanceLock
from tui.desk.key_entries import KeyEntry, KeyName, KeyStore
from tui.desk.vault import Vault
from venues.port import Credentials
from venues.secret import Secret
from venues.simulators.serving import Practice, served_in_thread

PANIC = [sys.executable, "-m", "tui", "panic", "--yes"]
PASSWORD = "a password of five words"


@pytest.fixture
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", seed=1, rate=0) as practice:
        yield practice


@pytest.fixture
def home(tmp_path: Path, practice: Practice) -> Path:
    """A user whose desk would open the exchange, and whose key is in an encrypted file."""
    config = tmp_path / "config" / "pitside" / "default"
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text(f"""\
[desk]
venue = "coinex"

[credentials]
store = "file"

[venues.coinex]
rest_url = "{practice.rest_url}"
ws_url = "{practice.ws_url}"
""")
    folder = tmp_path / "state" / "pitside"
    folder.mkdir(parents=True, mode=0o700)
    credentials = Credentials(practice.api_key, practice.api_secret)
    entry = KeyEntry(name=KeyName("coinex"), credentials=credentials, created_at=time.time_ns())
    Vault(folder, store=KeyStore.FILE).write(entry, Secret(PASSWORD))
    return tmp_path


def asked(practice: Practice, method: str, path: str, **wish: object) -> dict[str, Any]:
    place = urlsplit(practice.rest_url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request(method, path, msgspec.json.encode(wish))
        answer = connection.getresponse()
        assert answer.status == 200
        return msgspec.json.decode(answer.read(), type=dict[str, Any])
    finally:
        connection.close()


def resting(practice: Practice) -> int:
    orders = asked(practice, "GET", "/practice/state")["orders"]
    return sum(order["status"] in ("new", "partially_filled") for order in orders)


def panic(home: Path, given: str) -> subprocess.CompletedProcess[str]:
    """Runs it without a terminal, as cron or `ssh HOST` do."""
    return subprocess.run(
        PANIC, input=given, capture_output=True, text=True, timeout=60, cwd=PROJECT_ROOT,
        env=child_environment(home, {}), start_new_session=True,
    )  # fmt: skip


def place(practice: Practice, *prices: str) -> None:
    for price in prices:
        order = {"symbol": "BTCUSDT", "side": "buy", "type": "limit", "price": price, "quantity": "0.01"}
        asked(practice, "POST", "/practice/act", do="place", **order)


def test_without_a_terminal_the_password_is_a_line_of_standard_input(home: Path, practice: Practice) -> None:
    place(practice, "30000")
    silent = panic(home, "")
    assert silent.returncode == 1
    assert "there is no terminal (ssh -t brings one)" in silent.stderr
    assert resting(practice) == 1
    done = panic(home, f"{PASSWORD}\n")
    assert (done.returncode, resting(practice)) == (0, 0), done.stderr
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["PAPER", "PRACTICE"])
def test_after_a_desk_that_only_played_nothing_real_is_touched(home: Path, practice: Practice, mode: str) -> None:
    place(practice, "30000")
    folder = home / "state" / "pitside" / "default"
    venues = ("paper",) if mode == "PAPER" else ("coinex",)
    lock = InstanceLock(folder)
    lock.acquire(mode, venues, "main")
    lock.release()
    done = panic(home, f"{PASSWORD}\n")
    assert resting(practice) == 1
    assert done.returncode == 1, "what rests there is not proven gone"
    assert f"coinex: the last desk was {mode} and did not trade there: nothing is done;" in done.stderr
    assert "pitside --venue coinex panic" in done.stderr


@pytest.mark.pty
def test_it_cancels_with_the_key_whose_password_was_typed(home: Path, practice: Practice) -> None:
    place(practice, "30000", "31000")
    assert resting(practice) == 2

    with PtySession(PANIC, home=home, has_network=True) as session:
        session.wait_for("password (not shown)", 20)
        session.type("\r")
        assert session.wait_exit(20).code == 1, "without the password nothing is proven"
        assert "no key of coinex main was read" in session.text
        assert "coinex/main: there is no key for it that may trade: nothing was done there" in session.text
    assert resting(practice) == 2

    with PtySession(PANIC, home=home, has_network=True) as session:
        session.wait_for("password (not shown)", 20)
        session.type(f"{PASSWORD}\r")
        assert session.wait_exit(40).code == 0, session.text
        assert "coinex/main: 2 cancelled, 0 closed; nothing is left, read twice" in session.text
        assert PASSWORD not in session.text
    assert resting(practice) == 0
