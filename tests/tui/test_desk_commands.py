"""What the commands on a desk say and which code they leave with; and panic without a desk, venue by venue."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

import tui.panic_command
import venues.registry
from tests.support.shelf_venue import ShelfVenue, fill_shelf, install, read_shelf
from tests.tui.desk.rig import ScriptedVenue, capabilities
from tui.cli import cli, run
from tui.desk.control import Reason, Verdict
from tui.desk.frame import PanicLine, PanicReceipt
from tui.desk.instance import InstanceLock
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.panic_alone import panic_alone
from tui.desk.remote_client import LostDesk, NoDesk, RemoteFault, SilentDesk
from tui.desk.remote_messages import Answer, Decided, DeskLine, Failed, OrderLine, PositionLine, Receipt, VenueLine
from tui.desk.takeover import inherit
from tui.paths import make_private_dir, profile_paths
from venues.errors import PermissionDenied
from venues.model import NANOSECONDS
from venues.port import Mode

D = Decimal
ORDER = OrderLine(
    key="k1", venue="test", account="main", symbol="BTC-PERP", side="buy", order_type="limit", quantity=D("0.50"),
    filled=D(0), status="unknown", price=D("60000.5"), unknown_since=1, reason="no \x1b[2J margin",
)  # fmt: skip
POSITION = PositionLine(
    venue="test", account="main", symbol="BTC-PERP", position_id="net", quantity=D("-0.5"), entry_price=D(60000),
    mark=D(59000), unrealized_pnl=D(500),
)  # fmt: skip
DESK = DeskLine(
    pid=7,
    mode="LIVE",
    account="main",
    is_armed=False,
    lock_reason="after panic",
    detach_policy="leave",
    unsettled=2,
)
VENUE = VenueLine(
    venue="test", account="main", mode="LIVE", state="live", orders=3, external=1, unknown=1, positions=2
)


def invoke(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(arguments), input=text)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    """What the desk answers, instead of what goes over the socket."""
    given: list[Answer] = []
    monkeypatch.setattr("tui.desk.remote_client.ask", lambda *_, **__: iter(given))
    monkeypatch.setattr(tui.panic_command, "ask", lambda *_, **__: iter(given))
    return given


def test_orders_and_positions_are_rows_or_json(answers: list[Answer]) -> None:
    answers[:] = [ORDER, ORDER]
    done = invoke("orders")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "test/main  BTC-PERP  BUY  0.50  at 60000.5  0 filled  UNKNOWN  k1",
        "test/main  BTC-PERP  BUY  0.50  at 60000.5  0 filled  UNKNOWN  k1",
    ]
    rows = json.loads(invoke("orders", "--json").stdout)
    assert (rows[0]["key"], rows[0]["price"], rows[0]["unknown_since"]) == ("k1", "60000.5", 1)
    answers[:] = [POSITION]
    assert invoke("positions").stdout == (
        "test/main  BTC-PERP  -0.5  entry 60000  mark 59000  P&L +500.00  liquidation -\n"
    )
    assert json.loads(invoke("positions", "--json").stdout)[0]["quantity"] == "-0.5"
    answers.clear()
    assert invoke("positions").stdout == "no positions\n"
    assert json.loads(invoke("orders", "--json").stdout) == []


def test_an_account_that_was_not_read_is_never_called_empty(answers: list[Answer]) -> None:
    unread = VenueLine(
        venue="test", account="main", mode="LIVE", state="stale", detail="the key was not accepted", is_read=False
    )
    words = "test/main: the account was not read: nothing is known of it\n"
    answers[:] = [unread]
    for command in ("orders", "positions"):
        done = invoke(command)
        assert (done.stderr, done.stdout) == (
            words,
            f"no {'open ' if command == 'orders' else ''}{command} known\n",
        )
        assert invoke(command, "--json").stderr == words
    answers[:] = [DESK, unread]
    assert invoke("status").stdout.splitlines()[1] == (
        "test/main LIVE stale: the account was not read: nothing is known of it: the key was not accepted"
    )


def test_status_is_words_or_json(answers: list[Answer]) -> None:
    answers[:] = [DESK, VENUE]
    assert invoke("status").stdout.splitlines() == [
        "LIVE/main locked (after panic), process 7, on hang-up leave, 2 of the run before not settled",
        "test/main LIVE live: 3 orders (1 placed elsewhere), 1 UNKNOWN, 2 positions",
    ]
    told = json.loads(invoke("status", "--json").stdout)
    assert told["desk"]["lock_reason"] == "after panic"
    assert told["venues"][0]["external"] == 1


def test_what_a_command_came_to_is_in_the_code(answers: list[Answer]) -> None:
    answers[:] = [Decided(verdict=Verdict.SENT, text="BUY 1 rests", is_done=True)]
    done = invoke("do", "buy", "BTC", "1")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "BUY 1 rests\n", "")
    band = Reason("band", "the price is 9.00% from the market")
    answers[:] = [Decided(verdict=Verdict.NEEDS_YES, text="a guard asks", reasons=(band,))]
    asked = invoke("do", "buy", "BTC", "1")
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr.splitlines() == [
        "a guard asks", "  band: the price is 9.00% from the market", "say it again with --yes to have it sent"
    ]  # fmt: skip
    answers[:] = [Decided(verdict=Verdict.SENT, text="UNKNOWN what became of BUY 1")]
    assert invoke("do", "buy", "BTC", "1").exit_code == 1
    answers[:] = [Failed(text="too late \x1b[2J", remedy="ask again")]
    failed = invoke("do", "lock")
    assert failed.exit_code == 1
    assert "too late" in failed.stderr
    answers.clear()
    assert invoke("do", "lock").exit_code == 1
    assert invoke("do").exit_code == 2


def test_an_answer_that_breaks_off_is_not_called_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*_: object, **__: object) -> list[Answer]:
        raise LostDesk("it hung up")

    monkeypatch.setattr("tui.desk.remote_client.ask", ask)
    assert run(["do", "buy BTC-PERP 1"]) == 1
    said = capsys.readouterr().err
    assert "nobody knows how far it came; look at  pitside orders" in said
    assert "fail" not in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LostDesk("it hung up"), "the desk began, and its answer broke off: it hung up"),
        (SilentDesk("no answer"), "the desk did not answer within 1 s: no answer"),
        (NoDesk("no desk runs"), ""),
    ],
)
def test_panic_goes_on_alone_however_far_the_desk_came(
    error: RemoteFault, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object, **__: object) -> list[Answer]:
        raise error

    monkeypatch.setattr(venues.registry, "_MODULES", vars(venues.registry)["_MODULES"])
    monkeypatch.setattr(tui.panic_command, "ask", ask)
    install()
    lock = InstanceLock(profile_paths().state_dir)
    lock.acquire("LIVE", ("shelf",))
    fill_shelf(profile_paths().state_dir / "shelf.json")
    done = invoke("panic", "--yes")
    assert words in done.stderr
    assert f"kill -9 {os.getpid()}" in done.stderr
    assert "shelf/main: 3 cancelled, 1 closed; nothing is left, read twice" in done.stdout
    assert done.exit_code == 1, "what the other process may still send is not covered"
    lock.release()
    assert invoke("panic", "--yes").exit_code == 0


@pytest.mark.parametrize("arguments", [["orders"], ["positions"], ["status"], ["do", "lock"]])
def test_without_a_desk_the_remedy_is_said(arguments: list[str]) -> None:
    done = invoke("--profile", "second", *arguments)
    assert done.exit_code == 1
    assert "no desk is running for profile second; start one with  pitside --profile second" in done.stderr
    assert not profile_paths("second").state_dir.exists(), "nothing is made by asking"


def test_a_desk_that_holds_the_profile_and_has_no_socket_is_named() -> None:
    lock = InstanceLock(profile_paths().state_dir)
    lock.acquire("LIVE", ("coinex",))
    done = invoke("orders")
    assert done.exit_code == 1
    assert f"(LIVE/main, process {os.getpid()}, since" in done.stderr
    lock.release()


def line(**changes: Any) -> PanicLine:
    made = PanicLine(
        venue="test", account="main", cancelled=2, closed=1, orders_left=0, positions_left=0, is_proven=True
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ([line()], 0, "test/main: 2 cancelled, 1 closed; nothing is left, read twice"),
        ([line(), line(venue="b", is_proven=False)], 1, "b/main: 2 cancelled, 1 closed; NOT PROVEN"),
        (
            [line(orders_left=2, is_proven=False, note="banned until 12:03:10")],
            1,
            "LEFT: 2 orders, 0 positions; NOT PROVEN: banned until 12:03:10",
        ),
        ([line(is_proven=False, note="x \x1b[2J y")], 1, "NOT PROVEN: x \ufffd[2J y"),
        ([], 1, "no venue of the desk has an account"),
    ],
)
def test_only_what_is_proven_is_code_0(
    lines: Sequence[PanicLine], code: int, words: str, answers: list[Answer]
) -> None:
    answers[:] = [Receipt(receipt=PanicReceipt(ts=1, duration=1, lines=tuple(lines)))]
    done = invoke("panic", "--yes")
    assert done.exit_code == code
    assert words in done.output


def test_a_venue_that_the_desk_does_not_have_is_cleared_beside_it(
    answers: list[Answer],
) -> None:
    answers[:] = [Receipt(receipt=PanicReceipt(ts=1, duration=1, lines=(line(),)))]
    done = invoke("panic", "--yes", "--venue", "paper")
    assert "the desk that runs does not trade on paper" in done.stderr
    assert "paper/main: no desk is running there" in done.stdout
    assert done.exit_code == 0


async def test_alone_it_clears_the_venue_and_the_next_start_takes_it_in(tmp_path: Path) -> None:
    folder = make_private_dir(tmp_path / "state")
    fill_shelf(folder / "shelf.json")
    done = await panic_alone(ShelfVenue(folder / "shelf.json"), folder, "main")
    (told,) = done.receipt.lines
    assert (told.cancelled, told.closed, told.is_proven, done.fault) == (3, 1, True, "")
    assert read_shelf(folder / "shelf.json").held == []
    journal = SqliteJournal(journal_path(folder))
    found = inherit(journal, "LIVE/main", lambda: 1_800_000_000 * NANOSECONDS)
    journal.close()
    assert list(found.unresolved) == []
    assert any("a panic acted without this desk" in notice for notice in found.notices)
    assert list(folder.glob("panic-*.sqlite3")) == []


async def test_alone_it_says_what_it_could_not_do(tmp_path: Path) -> None:
    folder = make_private_dir(tmp_path / "state")
    fill_shelf(folder / "shelf.json", is_stubborn=True)
    done = await panic_alone(ShelfVenue(folder / "shelf.json"), folder, "main", patience=0.5)
    (told,) = done.receipt.lines
    assert (told.is_proven, told.orders_left, told.positions_left) == (False, 3, 1)


async def test_a_key_that_is_not_accepted_is_said(tmp_path: Path) -> None:
    venue = ScriptedVenue(caps=capabilities(mode=Mode.LIVE))
    venue.faults["connect"] = [PermissionDenied("test", "bad \x1b[2J key")] * 100
    venue.faults["fetch_open_orders"] = [PermissionDenied("test", "bad \x1b[2J key")] * 100
    venue.faults["cancel_all_orders"] = [PermissionDenied("test", "bad \x1b[2J key")] * 100
    done = await panic_alone(venue, make_private_dir(tmp_path / "state"), "main", link_seconds=0.2, patience=0.5)
    (told,) = done.receipt.lines
    assert not told.is_proven
    assert "bad" in told.note
    assert told.note.isprintable()


def test_the_last_desks_venue_is_cleared_whatever_the_configuration_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venues.registry, "_MODULES", vars(venues.registry)["_MODULES"])
    install()
    folder = make_private_dir(profile_paths().state_dir)
    fill_shelf(folder / "shelf.json")
    lock = InstanceLock(folder)
    lock.acquire("LIVE", ("shelf",), "second")
    lock.release()
    no = invoke("panic", text="n\n")
    assert no.exit_code == 1
    assert "no desk answers for profile default; without one: shelf/second, paper/main" in no.stderr
    done = invoke("panic", text="y\n")
    assert done.exit_code == 0, done.output
    assert "shelf/second: 3 cancelled, 1 closed; nothing is left, read twice" in done.stdout
    assert len(list(folder.glob("panic-*-shelf-*.sqlite3"))) == 1


def test_a_venue_of_a_newer_version_is_said() -> None:
    lock = InstanceLock(profile_paths().state_dir)
    lock.acquire("LIVE", ("mtgox",))
    lock.release()
    done = invoke("panic", "--yes")
    assert done.exit_code == 1
    assert "there is no venue of this name" in done.stderr


def leave_a_holder(mode: str, *names: str) -> None:
    """Leaves the lock of a desk that has ended."""
    lock = InstanceLock(profile_paths().state_dir)
    lock.acquire(mode, names)
    lock.release()


def test_several_venues_are_cleared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venues.registry, "_MODULES", vars(venues.registry)["_MODULES"])
    install()
    folder = make_private_dir(profile_paths().state_dir)
    fill_shelf(folder / "shelf.json")
    leave_a_holder("LIVE", "shelf", "paper")
    done = invoke("panic", "--yes")
    assert done.exit_code == 0, done.output
    assert "shelf/main: 3 cancelled, 1 closed; nothing is left, read twice" in done.stdout
    assert "paper/main: no desk is running there" in done.stdout
    again = invoke("panic", "--yes", "--venue", "paper", "--venue", "coinex", "--venue", "paper")
    assert [line.split(":")[0] for line in again.output.splitlines()] == ["paper/main", "coinex/main"]


def test_a_practice_exchange_is_gone_with_its_desk() -> None:
    leave_a_holder("PRACTICE", "coinex")
    done = invoke("panic", "--yes")
    assert done.exit_code == 0, done.output
    gone, paper = done.stdout.splitlines()
    assert gone == (
        "coinex/main: no desk is running there, and a practice exchange ends with its desk: nothing of it is left"
    )
    assert paper.startswith("paper/main: no desk is running there, and its orders do not outlive one")
    assert "ends with its desk" in invoke("--venue", "coinex", "--practice", "panic", "--yes").stdout


def test_a_practice_desk_that_does_not_answer_is_not_called_gone() -> None:
    lock = InstanceLock(profile_paths().state_dir)
    lock.acquire("PRACTICE", ("coinex",))
    done = invoke("panic", "--yes")
    assert done.exit_code == 1
    assert "coinex/main: its orders live in the desk, which does not answer" in done.stderr
    lock.release()


def test_a_venue_without_a_key_is_said_and_only_fails_who_named_it(home: Path) -> None:
    path = profile_paths().config_file
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text('[desk]\nvenue = ["paper", "coinex"]\n')
    path.chmod(0o600)
    done = invoke("panic", "--yes")
    assert done.exit_code == 0, done.output
    assert "coinex/main: there is no key for it that may trade: nothing was done there" in done.stdout
    named = invoke("panic", "--yes", "--venue", "coinex")
    assert named.exit_code == 1
    assert named.stderr == "coinex/main: there is no key for it that may trade: nothing was done there\n"
    path.write_text('[desk]\nvenue = "coinex"\n')
    assert invoke("panic", "--yes").exit_code == 1, "nothing at all was done"
    leave_a_holder("LIVE", "coinex")
    traded = invoke("panic", "--yes")
    assert traded.exit_code == 1, "there was a key when the last desk traded there"
    assert traded.stderr == named.stderr


def test_only_venues_that_the_desk_does_not_have_are_cleared_beside_it(answers: list[Answer]) -> None:
    answers[:] = [Receipt(receipt=PanicReceipt(ts=1, duration=1, lines=(line(venue="coinex"),)))]
    done = invoke("--venue", "coinex", "--venue", "paper", "panic", "--yes")
    assert "the desk that runs does not trade on paper: cleared without it" in done.stderr
    assert "key" not in done.output
    assert done.exit_code == 0
