"""The desk in a real terminal on a journal that can not be written: denied in clear words, and nothing is lost."""

from __future__ import annotations

import re
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.pty_session import PROJECT_ROOT, child_environment
from tests.e2e.trader import BTC_PERP, PAPER, SIZES, Trader

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]


def journal_of(home: Path) -> Path:
    (found,) = home.rglob("journal.sqlite3")
    return found


def verify(home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "journal", "verify"],
        cwd=PROJECT_ROOT, env=child_environment(home, {}), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def no_file_may_grow(pid: int) -> Iterator[None]:
    """Has every write of a running program fail that goes beyond a file's first bytes."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def denied(trader: Trader, size: str) -> None:
    """Has an order from the ticket denied, which says why, and leaves the ticket."""
    trader.open_ticket("b")
    trader.fill_in("price", "bid-220t")
    trader.press("tab")
    trader.fill_in("size", size)
    trader.press("enter")
    trader.answer("y", to=" y  ")
    trader.wait_to_see(r"✗ +the journal can not be written")
    trader.press("esc")
    trader.wait_for("Enter preview")
    trader.press("esc")
    trader.wait_for(lambda: not trader.has_question())


def panics(trader: Trader, done: str) -> None:
    """Panics; the receipt says what was done, that nothing is left, and that the journal does not know."""
    trader.press("ctrl+x")
    trader.answer("y", to=" PANIC ")
    trader.wait_to_see(rf"paper +main +{done} +0 orders, 0 positions +✓ proven")
    trader.wait_to_see(r"[┃│] +the journal can not be written")
    trader.press("esc")
    trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))


def unwrapped(trader: Trader) -> str:
    """Returns the screen as one line: what is said may be broken anywhere."""
    return re.sub(r"[\s│┃█▌▐]+", " ", trader.desk.text)


def test_a_disk_that_takes_nothing_while_one_trades(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("b", "0.1", "bid-200t")
        trader.wait_for_order(side="BUY")
        with no_file_may_grow(trader.desk.pid):
            denied(trader, "0.2")
            trader.press("2")
            trader.wait_for(lambda: trader.order_count() == len(trader.orders()) == 1)
            panics(trader, "1 cancelled")
            trader.tab(2, "no open orders")
        trader.place("b", "0.3", "bid-200t")
        assert trader.wait_for_order(side="BUY")["filled / size"] == "0.000 / 0.300"
        trader.quit()
    assert verify(tmp_path).endswith(": whole\n")
    with closing(sqlite3.connect(journal_of(tmp_path))) as journal:
        (sent,) = journal.execute("SELECT count(*) FROM event WHERE kind = 'sending' AND symbol != ''").fetchone()
    assert sent == 2


def test_a_journal_of_a_newer_version(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("b", "0.1", "bid-200t")
        trader.wait_for_order(side="BUY")
        trader.quit()
    path = journal_of(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as journal:
        journal.execute("INSERT INTO migration SELECT max(version) + 1, 'later' FROM migration")
    content = path.read_bytes()
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.wait_for(lambda: "the journal can not be used" in unwrapped(trader))
        assert "newer pitside" in unwrapped(trader)
        trader.press("esc")
        trader.wait_for(lambda: "can not be used" not in trader.desk.text)
        trader.show("btc perp", BTC_PERP)
        denied(trader, "0.2")
        assert trader.order_count() == 0
        panics(trader, "0 cancelled")
        trader.quit()
    assert path.read_bytes() == content
    with closing(sqlite3.connect(path, isolation_level=None)) as journal:
        journal.execute("DELETE FROM migration WHERE version = (SELECT max(version) FROM migration)")
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("b", "0.3", "bid-200t")
        trader.wait_for_order(side="BUY")
        trader.quit()
    assert verify(tmp_path).endswith(": whole\n")
