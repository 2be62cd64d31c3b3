"""What a trader meets when the disk below the journal fails: scenes for a process with mounts of its own.

    python -m tests.tui.desk.disk_scenes SCENE FOLDER

FOLDER is a small disk of the process alone. A scene that does not go as it should ends in an error.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from tests.tui.desk.journal_rig import kinds
from tests.tui.desk.rig import D, Rig, ScriptedVenue, fill, intent, until
from tests.tui.desk.test_restart import desk, next_venue
from tui.desk.control import CancelScope, Verdict
from tui.desk.frame import FactKind, PanicReceipt
from tui.desk.journal_export import read_rows, verify
from tui.desk.journal_store import journal_path
from venues.events import FillUpdate
from venues.model import OrderStatus
from venues.port import Depart

S = OrderStatus
Scene: TypeAlias = Callable[[Path], Awaitable[None]]


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Leaves not a byte on the disk until the end of the block."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()


def next_desk(state: Path, before: ScriptedVenue) -> Rig:
    """Makes the next run of the desk, a second later: its ids are others."""
    rig = desk(state, next_venue(before))
    rig.clock.pass_seconds(1)
    return rig


async def denied(rig: Rig, words: str, **changes: Any) -> None:
    """Has an order denied by the journal, in these words; the venue hears nothing of it."""
    before = rig.venue.called("submit_order")
    outcome = await rig.session.submit(intent(**changes))
    assert outcome.verdict is Verdict.DENIED, outcome
    assert [reason.guard for reason in outcome.reasons] == ["journal"], outcome
    assert words in outcome.reasons[0].text, outcome
    assert rig.venue.called("submit_order") == before


async def sent(rig: Rig, **changes: Any) -> str:
    """Sends an order, and waits for the venue's word."""
    outcome = await rig.session.submit(intent(**changes))
    assert outcome.verdict is Verdict.SENT, outcome
    await rig.session.settled()
    assert rig.status(outcome.order_key) is S.NEW
    return outcome.order_key


def cleared(receipt: PanicReceipt, words: str) -> None:
    """Nothing is left at the venue, and the receipt says that the journal does not know of it."""
    (line,) = receipt.lines
    assert (line.orders_left, line.positions_left, line.is_proven) == (0, 0, True), line
    assert words in line.note, line


async def full_while_trading(folder: Path) -> None:
    """Orders and cancels are denied, panic is not; with room again the same desk trades, and has kept all."""
    state = folder / "state"
    words = f"the disk is full ({state}): free some space"
    async with desk(state) as rig:
        first = await sent(rig)
        second = await sent(rig, price=D(99))
        rows = [row.body for row in read_rows(journal_path(state))]
        with full_disk(folder):
            await denied(rig, words, price=D(98))
            await denied(rig, words, price=D(97))
            cancel = await rig.session.cancel(first)
            assert cancel.verdict is Verdict.DENIED
            assert words in cancel.reasons[0].text
            assert "panic cancels without it" in cancel.reasons[0].text
            await rig.session.cancel_all(CancelScope())
            await rig.session.settled()
            assert f"orders were not cancelled: the journal can not be written: {words}" in rig.texts()
            assert [rig.status(key) for key in (first, second)] == [S.NEW, S.NEW]
            assert not rig.venue.called("cancel_order") + rig.venue.called("cancel_all_orders")
            await rig.tell(FillUpdate(fill(first, "t1", D("0.4"))))
            await until(lambda: f"the journal can not be written: {words}" in rig.texts())
            cleared(await rig.session.panic(), words)
            assert [rig.status(key) for key in (first, second)] == [S.CANCELED, S.CANCELED]
            assert [row.body for row in read_rows(journal_path(state))] == rows
        third = await sent(rig, price=D(98))
        await until(lambda: "the journal is written again" in rig.texts())
        assert "were lost" not in rig.texts()
    kept = list(read_rows(journal_path(state)))
    assert [row.body for row in kept[: len(rows)]] == rows
    events = [row.event() for row in kept[len(rows) :]]
    assert [event.fill.trade_id for event in events if event.fill is not None] == ["t1"]
    assert [row.kind for row in kept if row.client_order_id == third][:3] == ["intent", "sending", "answered"]
    assert verify(journal_path(state)).problems == ()
    async with next_desk(state, rig.venue) as rig:
        assert not rig.session.guards.is_recovering
        assert {one.key for one in rig.store.orders.open_orders()} == {third}


async def full_at_the_first_byte(folder: Path) -> None:
    """The disk fills up between the wish and the first byte: the order never leaves, which is said."""
    state = folder / "state"
    venue = FillsDisk(folder)
    async with desk(state, venue) as rig:
        outcome = await rig.session.submit(intent())
        assert outcome.verdict is Verdict.SENT  # the desk let it go; the disk did not
        await rig.session.settled()
        assert rig.status(outcome.order_key) is S.REJECTED
        assert "not sent: BUY 1 BTC-PERP at 100: the journal can not be written: the disk is full" in rig.texts()
        assert not venue.called("submit_order")
        venue.free()
        await sent(rig, price=D(99))
    assert verify(journal_path(state)).problems == ()


class FillsDisk(ScriptedVenue):
    """Takes the last byte of the disk while the first order is being signed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._disk = full_disk(folder)
        self._is_full = False

    async def _leave(self, depart: Depart | None) -> None:
        if not self._is_full:
            self._is_full = True
            self._disk.__enter__()
        await super()._leave(depart)

    def free(self) -> None:
        self._disk.__exit__(None, None, None)


async def full_at_the_start(folder: Path) -> None:
    """A desk that opens on a full disk trades nothing, watches, and panics; the next one has what was kept."""
    state = folder / "state"
    async with desk(state) as rig:
        key = await sent(rig)
    content = journal_path(state).read_bytes()
    with full_disk(folder):
        async with next_desk(state, rig.venue) as rig:
            told(rig, "the disk is full")
            await denied(rig, "the disk is full", price=D(98))
            await until(lambda: bool(list(rig.store.orders.open_orders())))  # read from the venue
            (found,) = rig.store.orders.open_orders()
            assert (found.order.client_order_id, found.status) == (key, S.NEW)
            cleared(await rig.session.panic(), "the disk is full")
            assert not list(rig.store.orders.open_orders())
        assert journal_path(state).read_bytes() == content
    async with next_desk(state, rig.venue) as rig:
        assert not list(rig.store.orders.open_orders())
        await sent(rig, price=D(98))
    assert kinds(state).count("sending") == 2


async def read_only_disk(folder: Path) -> None:
    state = folder / "state"
    async with desk(state) as rig:
        await sent(rig)
    run("mount", "-o", "remount,ro", str(folder))
    mend = partial(run, "mount", "-o", "remount,rw", str(folder))
    await refused(state, rig.venue, "Read-only file system", mend)


async def read_only_folder(folder: Path) -> None:
    state = folder / "state"
    async with desk(state) as rig:
        await sent(rig)
    run("mount", "--bind", str(state), str(state))
    run("mount", "-o", "remount,bind,ro", str(state))
    await refused(state, rig.venue, "Read-only file system", partial(run, "umount", str(state)))


async def read_only_file(folder: Path) -> None:
    state = folder / "state"
    async with desk(state) as rig:
        await sent(rig)
    journal_path(state).chmod(0o400)
    await refused(state, rig.venue, "journal.sqlite3", lambda: journal_path(state).chmod(0o600))


async def refused(state: Path, venue: ScriptedVenue, words: str, mend: Callable[[], None]) -> None:
    """Opens the desk on a journal that can only be read, then on the mended one."""
    content = contents(state)
    async with next_desk(state, venue) as rig:
        told(rig, words)
        await denied(rig, words, price=D(98))
        cleared(await rig.session.panic(), words)
    assert contents(state) == content
    mend()
    async with next_desk(state, rig.venue) as rig:
        await sent(rig, price=D(98))
    assert kinds(state).count("sending") == 2
    assert verify(journal_path(state)).problems == ()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def told(rig: Rig, words: str) -> None:
    said = [fact.text for fact in rig.facts if fact.kind is FactKind.CONFIGURATION]
    assert len(said) == 1, said
    assert said[0].startswith("the journal can not be used: "), said
    assert words in said[0], said
    assert said[0].endswith("Nothing is sent before that is mended; panic works"), said


def run(*argv: str) -> None:
    subprocess.run(argv, check=True)


async def killed_after_an_order(folder: Path) -> None:
    """Prints the keys of three orders that rest, and waits to be killed."""
    async with desk(folder / "state") as rig:
        keys = [await sent(rig, price=D(price)) for price in (100, 99, 98)]
        sys.stdout.write(f"{' '.join(keys)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        full_while_trading, full_at_the_first_byte, full_at_the_start, read_only_disk, read_only_folder,
        read_only_file, killed_after_an_order,
    )
}  # fmt: skip


async def play(name: str, folder: str) -> None:
    await SCENES[name](Path(folder))


if __name__ == "__main__":
    asyncio.run(play(*sys.argv[1:]))
