"""Two days of a desk's life on four faulty exchanges, and proof that the soak finds what it is there to find.

The long form is `python -m tests.soak --days 30`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.soak.growth import growing, sizes_of
from tests.soak.loop import START, VirtualClock, VirtualLoop
from tests.soak.soak import DROPS_A_WEEK, HOUR, Plan, Report, play
from tui.desk import orders, proof, reconcile, settling
from tui.desk.ledger import Ledger
from tui.desk.link import Link
from tui.desk.orders import OrderTracker, Tracked
from tui.desk.seen import SeenTrades
from tui.desk.session import Session
from tui.desk.supervision import Supervisor
from venues.book import Book
from venues.events import BookDelta, BookSnapshot
from venues.model import NANOSECONDS, InstrumentId

# A look at the clocks each second is a third of all that is done, and finds nothing that one in 10 s does not.
SHORT = Plan(seed=3, days=2.0, pace=2.5, pulse=10.0)
SMALL = Plan(seed=5, days=0.25, quiet_every=1.5 * HOUR, is_warmed=False, pause=40.0, pace=2.5, pulse=10.0)
_APPLY = Book.apply
_LOSE = Supervisor.lose
_LEAKED: list[int] = []


# 15 s of processor time; a machine that does eight other things at once takes minutes for it.
@pytest.mark.timeout(600)
def test_a_desk_and_four_exchanges_agree_over_two_days(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its lists are shorter here, so that they are full before the memory is measured.
    monkeypatch.setattr(orders, "_KEPT_OVER", 500)
    report = play(SHORT)
    assert report.problems == []
    assert report.drift(lambda point: point.blocks, report.blocks_before, skip=len(report.points) // 2) < 0.05
    # It was not idle.
    assert report.drops > 0.8 * DROPS_A_WEEK / 7 * report.days
    assert report.events > 100_000
    assert report.fills > 2_000
    assert report.commands > 3_000
    assert report.suspensions >= 4
    assert len(report.points) == 9
    assert report.decided > 0


def test_the_same_seed_plays_the_same_days() -> None:
    plan = Plan(seed=9, days=0.06, quiet_every=0.7 * HOUR, is_warmed=False)
    first, again = play(plan), play(plan)
    assert first.digest == again.digest
    assert first.events == again.events
    assert first.digest != play(msgspec.structs.replace(plan, seed=10)).digest


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert play(SMALL).problems == []


# What the soak must find: faults that are put into the desk on purpose.


def _skips_fills(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "OVERLAP", -10 * START)


def _mixes_up_venues(patch: pytest.MonkeyPatch) -> None:
    def find(self: OrderTracker, venue: str, client_order_id: str, venue_order_id: str) -> Tracked | None:
        for name in (client_order_id, *(self._keys.get((one, venue_order_id), "") for one in ("alpha", venue))):
            if (tracked := self._orders.get(name)) is not None:
                return tracked
        return None

    patch.setattr(OrderTracker, "_find", find)


def _leaks_a_task(patch: pytest.MonkeyPatch) -> None:
    kept: list[asyncio.Task[Any]] = []

    def lose(self: Supervisor, link: Link) -> None:
        _LOSE(self, link)
        kept.append(asyncio.get_running_loop().create_task(asyncio.Event().wait()))

    patch.setattr(Supervisor, "lose", lose)


def _leaks_a_descriptor(patch: pytest.MonkeyPatch) -> None:
    def lose(self: Supervisor, link: Link) -> None:
        _LOSE(self, link)
        _LEAKED.append(os.open(os.devnull, os.O_RDONLY))

    patch.setattr(Supervisor, "lose", lose)


def _grows(patch: pytest.MonkeyPatch) -> None:
    def lose(self: Supervisor, link: Link) -> None:
        _LOSE(self, link)
        link.__dict__.setdefault("history", []).extend(range(10))

    patch.setattr(Supervisor, "lose", lose)


def _overlooks_gaps(patch: pytest.MonkeyPatch) -> None:
    def apply(self: Book, event: BookSnapshot | BookDelta) -> bool:
        if isinstance(event, BookDelta) and self.is_valid:
            self.sequence = event.previous
        return _APPLY(self, event)

    patch.setattr(Book, "apply", apply)


def _keeps_positions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "replace_positions", lambda *_: None)


def _sleeps_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "_note_jump", lambda *_: None)


def _takes_a_miss_for_a_refusal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settling, "proof_of_miss", lambda *_: proof.Proof.NEVER_PLACED)


def _counts_fills_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SeenTrades, "add", lambda *_: True)


FAULTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    _skips_fills: "fill t",
    _mixes_up_venues: "resting order",
    _leaks_a_task: "tasks: {'Event.wait'",
    _leaks_a_descriptor: "descriptors:",
    _grows: "history",
    _overlooks_gaps: "the book of",
    _keeps_positions: "position",
    _sleeps_on: "not within 20 min: the desk",
    _takes_a_miss_for_a_refusal: "a wrong verdict",
    _counts_fills_twice: "a fill is counted twice",
}


@pytest.mark.parametrize("put", FAULTS, ids=lambda put: put.__name__.strip("_"))
def test_a_fault_of_the_desk_is_found(put: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        put(patch)
        report: Report = play(msgspec.structs.replace(SMALL, sought=FAULTS[put]))
    while _LEAKED:
        os.close(_LEAKED.pop())
    assert any(FAULTS[put] in problem for problem in report.problems), report.problems[:5]


# The loop that all of it stands on.


def _on_virtual_loop(work: Callable[[VirtualLoop], Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        return runner.run(work(loop))


def test_a_month_of_waiting_takes_no_time_and_timers_keep_their_order() -> None:
    woken: list[int] = []

    async def wake(days: int) -> None:
        await asyncio.sleep(days * 86_400)
        woken.append(days)

    async def work(loop: VirtualLoop) -> int:
        clock = VirtualClock(loop)
        began = clock()
        await asyncio.gather(*(wake(days) for days in (30, 1, 7)))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        clock.jump(3)
        return clock() - began

    passed = _on_virtual_loop(work)
    assert woken == [1, 7, 30]
    assert 0 <= passed - (30 * 86_400 + 5 + 3) * NANOSECONDS < 10_000


def test_a_held_loop_waits_for_sockets_and_threads() -> None:
    async def work(loop: VirtualLoop) -> tuple[bytes, int, float]:
        ours, theirs = socket.socketpair()
        with ours, theirs, loop.held():
            ours.setblocking(False)
            began = loop.time()
            reading = asyncio.create_task(loop.sock_recv(ours, 16))
            sent = await asyncio.wait_for(asyncio.to_thread(theirs.send, b"hello"), 60)
            return await asyncio.wait_for(reading, 60), sent, loop.time() - began

    assert _on_virtual_loop(work) == (b"hello", 5, 0.0)


def test_growth_has_a_name() -> None:
    book = Book(InstrumentId("alpha", "BTC-PERP"))
    small = sizes_of(book)
    book._bids.known.update({str(n): float(n) for n in range(500)})
    assert not growing([small, small, sizes_of(book)], {"known": 500})
    assert list(growing([small, small, sizes_of(book)], {})) == ["Book._bids.known"]
