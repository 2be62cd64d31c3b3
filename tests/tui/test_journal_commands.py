"""The journal's commands: complete, inert on a terminal, and clear about what is wrong."""

from __future__ import annotations

import asyncio
import csv
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from tests.tui.desk.journal_rig import kept, open_journal, place, run_sql
from tests.tui.desk.rig import START, fill, order, request
from tui.desk.journal_store import journal_path
from tui.journal_commands import journal
from tui.paths import Paths
from venues.port import Departure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    async def make() -> None:
        async with open_journal(tmp_path / "state") as made:
            await place(made, "a")
            await made.fact(order("a", reason="no \x1b]0;owned\x07 margin"), START + 3)
            await made.fact(fill("a", "t1"), START + 4)
            await made.intent(request("b"), START + 5)
            await made.sending(request("b"), Departure(), START + 6)

    asyncio.run(make())
    return tmp_path / "state"


def run(folder: Path, *arguments: str) -> Result:
    options = SimpleNamespace(paths=Paths("default", folder / "config", folder))
    return CliRunner().invoke(journal, list(arguments), obj=options)


def test_show_has_every_row_and_what_is_unanswered(folder: Path) -> None:
    done = run(folder, "show")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:7]] == [str(number) for number in range(1, 8)]
    assert all(row.body[:100] in line for row, line in zip(kept(folder), lines, strict=False))
    assert lines[7] == "7 rows, 2 orders, 1 executions"
    assert lines[8] == "UNANSWERED row 7: Order of b, the desk ended before an answer"
    assert lines[9] == "BTC-PERP@test: 1 executions, P&L 0, fees 0.1 USDT"
    assert "\x1b" not in done.stdout


def test_export_writes_a_private_file_and_never_overwrites(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "fills.csv"
    done = run(folder, "export", "--csv", "--out", str(out))
    assert (done.exit_code, done.stderr) == (0, "1 executions\n")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [line["trade_id"] for line in csv.DictReader(out.read_text().splitlines())] == ["t1"]
    again = run(folder, "export", "--jsonl", "--out", str(out))
    assert again.exit_code == 2
    assert "an export never overwrites" in again.stderr
    rows = run(folder, "export", "--jsonl")
    assert len(rows.stdout.splitlines()) == 7
    bare = run(folder, "export", "--csv", "--without-ids").stdout
    assert "t1" not in bare
    assert len(bare.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"), [([], "--csv or --jsonl"), (["--jsonl", "--without-ids"], "is for --csv")]
)
def test_export_says_what_it_needs(folder: Path, arguments: list[str], words: str) -> None:
    done = run(folder, "export", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr


def test_verify_finds_what_was_changed(folder: Path) -> None:
    whole = run(folder, "verify")
    assert (whole.exit_code, whole.stdout) == (0, "7 rows, version 1: whole\n")
    run_sql(
        journal_path(folder),
        "DROP TRIGGER event_is_never_changed",
        """UPDATE event SET body = replace(body, '"100"', '"999"') WHERE number = 2""",
    )
    changed = run(folder, "verify")
    assert changed.exit_code == 1
    assert "row 2 is not what was written" in changed.stderr
    assert "row 2: the body is not the one of its hash" in changed.stderr


@pytest.mark.parametrize("arguments", [["show"], ["export", "--csv"], ["verify"]])
def test_no_journal_is_said_and_none_is_made(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path / "nothing", *arguments)
    assert done.exit_code == 1
    assert "there is no journal at" in done.stderr
    assert not (tmp_path / "nothing").exists()


def test_another_file_than_the_profiles(folder: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "verify", "--file", str(journal_path(folder)))
    assert done.stdout == "7 rows, version 1: whole\n"
    broken = tmp_path / "broken"
    broken.write_bytes(b"garbage" * 2000)
    before = broken.read_bytes()
    done = run(tmp_path, "verify", "--file", str(broken))
    assert done.exit_code == 1
    assert "file is not a database" in done.stderr
    assert broken.read_bytes() == before
