"""What was left on an account that is gone is over, in the journal too, and nobody asks about it again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.tui.desk.journal_rig import CANCEL, open_journal, place
from tests.tui.desk.rig import PERP, START, fill, request
from tui.cli import Options
from tui.desk.inheritance import Inherited
from tui.desk.journal import CancelAllRequest
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.takeover import inherit
from tui.gone import let_go
from tui.launch import journal_opener
from tui.paths import make_private_dir, profile_paths
from venues.model import OrderStatus
from venues.port import Departure, Mode

LATER = START + 5_000_000_000


@pytest.fixture
def folder(home: Path) -> Path:
    return make_private_dir(profile_paths().state_dir)


async def leave_orders(folder: Path, desk: str) -> None:
    """A desk that died: an order rests, one is unanswered, a cancel of one and of all are on their way."""
    async with open_journal(folder, desk=desk) as journal:
        await place(journal, "a")
        await journal.fact(fill("a", "trade1"), START + 3)
        await journal.intent(request("b"), START + 4, notional=Decimal(500))
        await journal.sending(request("b"), Departure(), START + 5)
        await journal.intent(CANCEL, START + 6)
        await journal.sending(CANCEL, Departure(), START + 7)
        everything = CancelAllRequest(venue=PERP.venue)
        await journal.intent(everything, START + 8)
        await journal.sending(everything, Departure(), START + 9)


async def taken_over(folder: Path, desk: str, *, is_gone: bool = False) -> Inherited:
    journal = SqliteJournal(journal_path(folder), desk=desk)
    found = inherit(journal, desk, lambda: LATER, "coinex")
    if is_gone:
        let_go(found, journal, desk, LATER)
    await journal.aclose()
    return found


async def test_all_that_was_left_is_over(folder: Path) -> None:
    await leave_orders(folder, "PRACTICE/main")
    found = await taken_over(folder, "PRACTICE/main", is_gone=True)
    assert (list(found.orders), list(found.unresolved)) == ([], [])
    assert list(found.notices) == [], "nothing to be read before going on"
    assert found.farewell == "2 orders were open, gone with the account of that run"
    assert (found.fills_seen, found.day_open) == (frozenset(), None)
    assert found.budget_used == 500, "the day's budget is the trader's own"

    again = await taken_over(folder, "PRACTICE/main")
    assert list(again.unresolved) == []
    assert {tracked.status for tracked in again.orders} == {OrderStatus.CANCELED}
    assert {tracked.order.reason for tracked in again.orders} == {"gone with the account of that run"}
    once_more = await taken_over(folder, "PRACTICE/main", is_gone=True)
    assert once_more.farewell == ""
    assert (await taken_over(folder, "PAPER/main")).notices == [], "no other desk is told to look after it"


async def test_without_it_another_desk_would_be_told(folder: Path) -> None:
    await leave_orders(folder, "PRACTICE/main")
    (notice,) = (await taken_over(folder, "PAPER/main")).notices
    assert "unanswered of the desk PRACTICE/main" in notice


@pytest.mark.parametrize(
    ("mode", "is_fresh", "is_anew"),
    [
        (Mode.PRACTICE, False, True),
        (Mode.PAPER, True, True),
        (Mode.PAPER, False, False),
        (Mode.LIVE, True, False),
    ],
)
async def test_only_an_account_that_is_new_lets_go_of_the_old_one(
    mode: Mode, is_fresh: bool, is_anew: bool, folder: Path
) -> None:
    await leave_orders(folder, f"{mode}/main")
    take_over = journal_opener(Options(paths=profile_paths(), is_fresh=is_fresh), "main", {"coinex": mode})
    assert take_over is not None
    found = take_over()
    assert found.journal is not None
    await found.journal.aclose()
    assert [tracked.key for tracked in found.orders] == ([] if is_anew else ["a", "b"])
    assert bool(found.unresolved) is not is_anew
