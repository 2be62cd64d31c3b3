"""Canary keys: after a run full of failures no key, secret or password is in anything that it left behind."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.e2e.canaries import Lookout, Scanner
from tests.e2e.pty_session import PROJECT_ROOT, PtySession, child_environment
from tests.e2e.quoting_exchange import QuotingExchange
from tests.e2e.trader import DESK, SIZES, START_SECONDS, Trader
from tui.desk.journal_store import journal_path
from tui.logs import LOG_NAME
from venues.simulators.serving import Practice

pytestmark = [pytest.mark.pty, pytest.mark.timeout(120)]

KEY, SECRET, PASSWORD = "CANARYKEY0A1B2C3D4E5F607", "CANARYSECRET9Z8Y7X6W5V4U3T2S", "QX42 ravens over ZJ77"
_PATIENCE = 20.0
CANARIES = (KEY, SECRET, PASSWORD)
CONFIGURATION = """\
[desk]
venue = "coinex"
[credentials]
store = "file"
[venues.coinex]
rest_url = "{rest_url}"
ws_url = "{ws_url}"
"""


class LiveTrader(Trader):
    """A trader at the failing desk, which is LIVE on the local exchange."""

    def __init__(self, home: Path, pictures: Path) -> None:
        self.columns, self.rows = SIZES[1]
        self.venue = "coinex"
        self.desk = PtySession(
            [sys.executable, "-m", "tests.e2e.failing_desk", str(pictures)],
            home=home, rows=self.rows, columns=self.columns, environment=scratch(home), has_network=True,
        )  # fmt: skip
        self._next_key = 0.0

    def __enter__(self) -> LiveTrader:
        self.desk.__enter__()
        self.desk.wait_for("password", START_SECONDS)
        self.desk.type(f"{PASSWORD}\r")
        self.wait_for(lambda: "LOCKED" in self.desk.line(0) and "spread" in self.desk.text, START_SECONDS)
        return self


def scratch(home: Path) -> dict[str, str]:
    """Has temporary files made where they are looked for."""
    return {"TMPDIR": str(home / "tmp")}


@pytest.fixture
def exchange() -> QuotingExchange:
    return QuotingExchange(KEY, SECRET)


@pytest.fixture
def practice(exchange: QuotingExchange) -> Iterator[Practice]:
    with exchange.served() as served:
        yield served


@pytest.fixture
def person(tmp_path: Path, practice: Practice) -> Path:
    """A home with a configuration that leads to the local exchange."""
    folder = tmp_path / "config/pitside/default"
    folder.mkdir(mode=0o700, parents=True)
    (tmp_path / "tmp").mkdir()
    (folder / "config.toml").write_text(CONFIGURATION.format(rest_url=practice.rest_url, ws_url=practice.ws_url))
    (folder / "config.toml").chmod(0o600)
    return tmp_path


def add_key(home: Path) -> bytes:
    """Stores the canaries as a person does, and returns all that was written to the terminal."""
    with PtySession(
        [*DESK, "keys", "add", "coinex"], home=home, environment=scratch(home), has_network=True
    ) as asked:
        for question, answer in (
            ("new password (", PASSWORD),
            ("the same again (", PASSWORD),
            ("API key (", KEY),
            ("secret (", SECRET),
        ):
            asked.wait_for(question, _PATIENCE)
            asked.type(f"{answer}\r")
        assert asked.wait_exit(_PATIENCE).code == 0, asked.text
        assert "tested and stored" in asked.text
        return asked.bytes_written()


def refuse(trader: Trader, exchange: QuotingExchange, code: int, size: str) -> None:
    """Has an order refused, and waits until the desk says so."""
    exchange.refuses = code
    before = exchange.quoted
    trader.place("b", size, "60000")
    trader.wait_for(lambda: exchange.quoted > before)


def look_at_keys(trader: Trader) -> None:
    """Opens the keys with the password, and types a key that is not kept."""
    trader.press("K")
    trader.wait_for("API keys")
    trader.press("p")
    trader.wait_for("Enter opens")
    trader.desk.type(f"{PASSWORD}\r")
    trader.wait_for("CANA…", START_SECONDS)
    trader.press("r")
    trader.wait_for("takes the place of the key")
    trader.desk.type(f"{KEY}\t{SECRET}")
    trader.wait_for("•" * len(SECRET))
    while "API keys" in trader.desk.text:
        trader.press("esc")
        trader.let_pass(0.2)


def record(home: Path) -> Path:
    path = home / "day.jsonl"
    done = subprocess.run(
        [*DESK, "record", "coinex", "--instrument", "BTCUSDT", "--seconds", "1", "--out", str(path)],
        cwd=PROJECT_ROOT, env=child_environment(home, scratch(home)), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path


def test_a_day_of_failures_leaves_no_secret_anywhere(person: Path, exchange: QuotingExchange) -> None:
    scanner = Scanner(CANARIES)
    pictures = person / "pictures"
    pictures.mkdir()
    state = person / "state/pitside/default"
    log, journal = state / LOG_NAME, journal_path(state)
    with Lookout(scanner) as lookout:
        terminal = add_key(person)
        with LiveTrader(person, pictures) as trader:
            trader.press("A")
            trader.wait_for(lambda: "ARMED" in trader.desk.line(0))
            refuse(trader, exchange, 107, "0.01")
            refuse(trader, exchange, 25, "0.02")
            trader.tab(5, "***")
            trader.wait_for(lambda: "tests.careless" in log.read_text())
            trader.wait_for(lambda: "Task exception was never retrieved" in log.read_text())
            look_at_keys(trader)
            wal = journal.with_name(f"{journal.name}-wal").read_bytes()
            assert scanner.files_with(person) == {}, "while it runs"
            trader.press("ctrl+p")
            assert trader.desk.wait_exit(_PATIENCE).code == 1
            terminal += trader.desk.bytes_written()
            end = trader.desk.text
        recording = record(person)

    # It has all happened, and was all looked at.
    assert "pitside ended by an error: RuntimeError: the screen fails with {'access_id': '***'" in end
    assert "failing_desk.py" in end
    text = log.read_text()
    for words in (
        "the chart fails",
        "the task fails",
        "an error that nobody caught in careless",
        "keyring.backend: ",
    ):
        assert words in text
    assert "l0" in wal.decode("utf-8", "replace") or journal.stat().st_size > 10_000
    assert len(list(pictures.glob("*.svg"))) > 3
    assert recording.stat().st_size > 2_000
    assert any("tui.desk.credentials" in command for command in lookout.commands)
    assert any("tests.e2e.failing_desk" in command for command in lookout.commands)
    # The desk lets no other process of its user look: of its own environment only root has a sight.
    assert lookout.environments > 3 or os.getuid() != 0
    assert exchange.quoted >= 2
    # And nothing of it is anywhere.
    signatures = [signature for signature in exchange.signatures if signature]
    assert signatures
    strict = Scanner([*CANARIES, *set(signatures)])
    assert strict.files_with(person) == {}
    assert strict.hits(wal) == set()
    assert strict.hits(terminal) == set()
    assert strict.hits(end.encode()) == set()
    assert lookout.hits == set()


# The search itself: each kind of place with a leak in it.


@pytest.mark.parametrize("secret", CANARIES)
def test_a_leak_is_found_in_every_form(secret: str) -> None:
    scanner = Scanner(CANARIES)
    raw = secret.encode()
    planted = (
        raw,
        raw.lower(),
        quote(secret).encode(),
        raw[:12],
        raw[-12:],
        raw.hex().encode(),
        base64.b64encode(raw),
        base64.b64encode(b"user:" + raw),
        base64.b64encode(b"user-1:" + raw + b":x"),
        f"\x1b[1m{secret[:7]}\x1b[0m\x1b[2;40H{secret[7:]}".encode(),  # as a screen is painted
        f"│ {secret[:8]} │\n│ {secret[8:]} │".encode(),  # wrapped in a box
        f"<text>{secret[:8]}</text><text>{secret[8:]}</text>".replace(" ", "&#160;").encode(),
    )
    for each in planted:
        assert scanner.hits(b"before " + each + b" after") == {secret}, each
    assert scanner.hits(b"before CANARY after" * 100) == set()


def test_a_leak_is_found_in_a_log_a_journal_and_its_wal(tmp_path: Path) -> None:
    scanner = Scanner(CANARIES)
    (tmp_path / LOG_NAME).write_text(f"2026-11-21 ERROR x: {KEY}\n")
    link = sqlite3.connect(tmp_path / "journal.sqlite3")
    link.execute("pragma journal_mode=wal")
    link.execute("create table events (body text)")
    link.execute("insert into events values (?)", (f'{{"reason": "bad {SECRET}"}}',))
    link.commit()
    assert scanner.files_with(tmp_path) == {LOG_NAME: {KEY}, "journal.sqlite3-wal": {SECRET}}
    link.close()  # which moves it into the file itself
    assert scanner.files_with(tmp_path) == {LOG_NAME: {KEY}, "journal.sqlite3": {SECRET}}


async def test_a_leak_is_found_in_a_picture_of_the_screen(tmp_path: Path) -> None:
    class Careless(App[None]):
        def compose(self) -> ComposeResult:
            yield Static(f"the key is {KEY}, the password {PASSWORD}", markup=False)

    app = Careless()
    async with app.run_test(size=(30, 8)):
        (tmp_path / "1.svg").write_text(app.export_screenshot())
    assert Scanner(CANARIES).files_with(tmp_path) == {"1.svg": {KEY, PASSWORD}}


def test_a_leak_is_found_on_a_terminal_and_in_a_process(tmp_path: Path) -> None:
    # Others than those of the tests beside it, which look at every process.
    key, secret = KEY[::-1], SECRET[::-1]
    scanner = Scanner([key, secret])
    code = (
        "import os, sys, rich; rich.print({'key': os.environ['LEAK']}); print(sys.argv[1]); sys.stdin.readline()"
    )
    with (
        Lookout(scanner) as lookout,
        PtySession(
            [sys.executable, "-c", code, secret], home=tmp_path, environment={"LEAK": key}, has_network=True
        ) as session,
    ):
        session.wait_for(lambda _: {("cmdline", secret), ("environ", key)} <= lookout.hits, _PATIENCE)
        session.type("\r")
        session.wait_exit(_PATIENCE)
        assert scanner.hits(session.bytes_written()) == {key, secret}
