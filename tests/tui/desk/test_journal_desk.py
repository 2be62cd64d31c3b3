"""Disks and files that fail below a desk that trades: orders are denied in clear words, nothing is lost."""

from __future__ import annotations

import csv
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

from tests.tui.desk import disk_scenes
from tests.tui.desk.journal_rig import beside, names
from tests.tui.desk.rig import START, D, Rig, ScriptedVenue, fill, intent, request, until
from tests.tui.desk.test_journal_failures import run_in_namespace
from tests.tui.desk.test_restart import desk
from tui.desk.control import Verdict
from tui.desk.journal_export import read_rows, verify
from tui.desk.journal_store import journal_path
from tui.journal_commands import journal
from tui.paths import Paths
from venues.events import FillUpdate
from venues.model import Fill, OrderStatus, Side

ON_A_SMALL_DISK = """
mount -t tmpfs -o size=600k,mode=700 tmpfs "$1"
exec "$2" -m tests.tui.desk.disk_scenes {scene} "$1"
"""
# Root may write whatever the modes say, unless it is taken from it.
AS_ANY_USER = """
exec setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search \
    "$2" -m tests.tui.desk.disk_scenes read_only_file "$1"
"""


@pytest.mark.parametrize(
    "scene",
    [
        disk_scenes.full_while_trading,
        disk_scenes.full_at_the_first_byte,
        disk_scenes.full_at_the_start,
        disk_scenes.read_only_disk,
        disk_scenes.read_only_folder,
    ],
    ids=lambda scene: scene.__name__,
)
def test_a_disk_that_fails(scene: disk_scenes.Scene, tmp_path: Path, project_root: Path) -> None:
    run_in_namespace(ON_A_SMALL_DISK.format(scene=scene.__name__), tmp_path, project_root)


def test_a_file_that_may_not_be_written(tmp_path: Path, project_root: Path) -> None:
    run_in_namespace(AS_ANY_USER, tmp_path, project_root)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> tuple[Path, list[str]]:
    """What a desk leaves that is killed with three orders at its venue; and their keys."""
    folder = tmp_path_factory.mktemp("killed")
    argv = [sys.executable, "-m", "tests.tui.desk.disk_scenes", "killed_after_an_order", str(folder)]
    with subprocess.Popen(argv, cwd=project_root, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        keys = child.stdout.readline().split()
        child.kill()
    assert len(keys) == 3
    return folder / "state", keys


# Cut within the last frame of the -wal, within one of the second half, and within one of the first.
@pytest.mark.parametrize("share", [1.0, 0.8, 0.3])
async def test_a_desk_that_was_killed_and_whose_wal_is_torn(
    share: float, killed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    state, keys = tmp_path / "state", killed[1]
    shutil.copytree(killed[0], state)
    whole = list(read_rows(journal_path(killed[0])))
    wal = beside(journal_path(state), "-wal")
    with wal.open("r+b") as file:
        frames = (wal.stat().st_size - 32) // 4120
        file.truncate(32 + round(frames * share) * 4120 - 2000)
    venue = ScriptedVenue()
    for number, key in enumerate(keys):
        venue.book_order(msgspec.structs.replace(request(key, D(1)), price=D(100 - number)))
    rig = desk(state, venue)
    rig.clock.pass_seconds(1)
    async with rig:
        # Whatever the journal still knew of them: all three are shown, and can be cancelled.
        await until(lambda: shown(rig) == set(keys))
        view = rig.store.recovery()
        assert view is not None
        await until(lambda: all(row.is_settled for row in (rig.store.recovery() or view).rows))
        assert {one.status for one in rig.store.orders.open_orders()} == {OrderStatus.NEW}
        assert not venue.called("submit_order")
        if rig.session.guards.is_recovering:
            await rig.session.end_recovery()
        await rig.place(price=D(97))
        await rig.place(price=D(96))
        (line,) = (await rig.session.panic()).lines
        assert (line.cancelled, line.orders_left, line.is_proven) == (5, 0, True)
    rows = list(read_rows(journal_path(state)))
    before = [row for row in rows if row.number <= len(whole) and row == whole[row.number - 1]]
    assert 0 < len(before) < len(whole)
    assert [row.number for row in before] == list(range(1, len(before) + 1))
    assert verify(journal_path(state)).problems == ()
    assert all(name.startswith("journal.sqlite3") for name in names(state))


def shown(rig: Rig) -> set[str]:
    return {one.order.client_order_id for one in rig.store.orders.open_orders()}


async def test_an_order_that_never_left_uses_no_budget_and_has_no_twin(tmp_path: Path) -> None:
    async with desk(tmp_path) as rig:
        with closing(sqlite3.connect(journal_path(tmp_path), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            denied = await rig.session.submit(intent())
            assert denied.reasons[0].guard == "journal"
            other.execute("ROLLBACK")
        assert rig.store.budget_used == 0
        again = await rig.session.submit(intent())
        assert again.verdict is Verdict.SENT, again
        await rig.session.settled()
        assert rig.store.budget_used == 100


async def test_the_export_of_ten_thousand_executions_that_the_desk_was_told(tmp_path: Path) -> None:
    """The account that the venue keeps is another computation: fractions, average cost, and what is still held."""
    account = Account()
    told = [account.trade(number) for number in range(10_000)]
    async with desk(tmp_path) as rig:
        for start in range(0, len(told), 500):
            batch = [FillUpdate(one) for one in told[start : start + 500]]
            await rig.tell(*batch, *batch[-20:])  # some are told twice, as after a reconnect
    out = tmp_path / "fills.csv"
    options = SimpleNamespace(paths=Paths("default", tmp_path / "config", tmp_path))
    done = CliRunner().invoke(journal, ["export", "--csv", "--out", str(out)], obj=options)
    assert (done.exit_code, done.stderr) == (0, "10,000 executions\n")
    with out.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["trade_id"] for line in table] == [one.trade_id for one in told]
    fees: dict[str, Decimal] = {}
    for line in table:
        fees[line["fee_currency"]] = fees.get(line["fee_currency"], D(0)) + D(line["fee"])
    assert fees == {"USDT": account.fees["USDT"], "BNB": account.fees["BNB"]}
    # Cash that went in and out, plus what is held at its average cost: no P&L of any single execution is in it.
    profit = sum((D(line["realized_pnl"]) for line in table), D(0)) - fees["USDT"]
    independent = account.cash + account.quantity * account.average - Fraction(account.fees["USDT"])
    assert abs(Fraction(profit) - independent) < Fraction(1, 10**8)
    assert account.quantity
    shown = CliRunner().invoke(journal, ["show"], obj=options).stdout
    pnl = sum((D(line["realized_pnl"]) for line in table), D(0))
    assert f"BTC-PERP@test: 10,000 executions, P&L {pnl:f}, fees" in shown


class Account:
    """An account at the venue: what it says of each execution, and the sums that it does not tell."""

    def __init__(self) -> None:
        self._chance = random.Random(8)
        self.cash = self.quantity = self.average = Fraction(0)
        self.fees = {"USDT": D(0), "BNB": D(0)}

    def trade(self, number: int) -> Fill:
        side = self._chance.choice((Side.BUY, Side.SELL))
        price = D(self._chance.randrange(59_000_00, 61_000_00)) / 100
        quantity = D(self._chance.randrange(1, 3000)) / 1000
        currency = self._chance.choice(("USDT", "USDT", "BNB"))
        fee = price * quantity * self._chance.choice((D("0.0005"), D("-0.0001")))  # some are rebates
        self.fees[currency] += fee
        self.cash -= side.sign * Fraction(price) * Fraction(quantity)
        realized = self._hold(side.sign * Fraction(quantity), Fraction(price))
        return fill(
            f"k{number}", f"t{number}", quantity, side=side, price=price, fee=fee, fee_currency=currency,
            realized_pnl=D(round(realized * 10**14)).scaleb(-14), ts_event=START + number,
        )  # fmt: skip

    def _hold(self, signed: Fraction, price: Fraction) -> Fraction:
        """Returns what closing against the average cost made."""
        closed = min(abs(signed), abs(self.quantity)) if signed * self.quantity < 0 else Fraction(0)
        direction = 1 if self.quantity > 0 else -1
        realized = direction * closed * (price - self.average)
        before, self.quantity = self.quantity, self.quantity + signed
        if signed * before >= 0:
            self.average = (before * self.average + signed * price) / self.quantity
        elif self.quantity * before <= 0:
            self.average = price if self.quantity else Fraction(0)
        self.average = Fraction(round(self.average * 10**16), 10**16)
        return realized
