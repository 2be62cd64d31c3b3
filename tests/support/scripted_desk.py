"""A desk that plays given frames, answers as it is told, and remembers what was asked of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from tests.support.frames import NOW
from tui.desk.control import AmendIntent, Bills, CancelScope, FundsIntent, OrderIntent, Outcome, Reason, Verdict
from tui.desk.frame import Fact, Frame, PanicLine, PanicReceipt
from tui.desk.key_control import KeyReport, KeyRow, KeysView, NewKey
from tui.desk.key_entries import KeyName, KeyringCode, KeyringState
from venues.model import NANOSECONDS, InstrumentId, MarginMode
from venues.secret import Secret

T = TypeVar("T")

SENT = Outcome(verdict=Verdict.SENT)
DENIED = Outcome(verdict=Verdict.DENIED, reasons=(Reason("size", "0.5 BTC is above the cap of 0.1"),))
NEEDS_YES = Outcome(verdict=Verdict.NEEDS_YES, reasons=(Reason("band", "the price is 7.1 % from the market"),))

RECEIPT = PanicReceipt(
    ts=NOW,
    duration=1_800_000_000,
    lines=(
        PanicLine(venue="coinex", account="main", cancelled=3, closed=0, orders_left=0, positions_left=0,
                  is_proven=True),
        PanicLine(venue="pumpkin", account="main", cancelled=2, closed=2, orders_left=0, positions_left=0,
                  is_proven=True),
        PanicLine(venue="max", account="main", cancelled=0, closed=0, orders_left=1, positions_left=0,
                  is_proven=False, note="banned until 14:09:00"),
    ),
)  # fmt: skip


def done(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future


class ScriptedDesk:
    """`calls` lists what was asked, in order: (method, arguments...). `outcomes` answers, and then SENT does.

    `keys` is what it keeps of keys; `key_answers` answers about them, reports and futures of reports, and then it
    does what was asked.
    """

    def __init__(self, frames: Iterable[Frame] = (), facts: Iterable[Fact] = ()) -> None:
        self.frames = deque(frames)
        self.facts = list(facts)
        self.calls: list[tuple[Any, ...]] = []
        self.outcomes: deque[Outcome] = deque()
        self.receipt = RECEIPT
        self.panic_future: Future[PanicReceipt] | None = None
        self.bills: Bills | Future[Bills] = Bills()
        self.keys = KeysView(state=KeyringState(code=KeyringCode.READY, words="the keyring is open"))
        self.keys_future: Future[KeysView] | None = None
        self.key_answers: deque[KeyReport | Future[KeyReport]] = deque()

    def take_frame(self) -> Frame | None:
        return self.frames.popleft() if self.frames else None

    def take_facts(self) -> list[Fact]:
        facts, self.facts = self.facts, []
        return facts

    def _asked(self, *call: Any) -> Future[Outcome]:
        self.calls.append(call)
        return done(self.outcomes.popleft() if self.outcomes else SENT)

    def _told(self, *call: Any) -> Future[None]:
        self.calls.append(call)
        return done(None)

    def show(self, instrument: InstrumentId) -> Future[None]:
        return self._told("show", instrument)

    def open_venue(self, name: str) -> Future[Outcome]:
        return self._asked("open_venue", name)

    def set_bar_interval(self, seconds: int) -> Future[None]:
        return self._told("set_bar_interval", seconds)

    def set_favourite(self, instrument: InstrumentId, is_favourite: bool) -> Future[None]:
        return self._told("set_favourite", instrument, is_favourite)

    def check(self, intent: OrderIntent) -> Future[Outcome]:
        return self._asked("check", intent)

    def submit(self, intent: OrderIntent) -> Future[Outcome]:
        return self._asked("submit", intent)

    def amend(self, intent: AmendIntent) -> Future[Outcome]:
        return self._asked("amend", intent)

    def cancel(self, key: str) -> Future[Outcome]:
        return self._asked("cancel", key)

    def cancel_all(self, scope: CancelScope) -> Future[Outcome]:
        return self._asked("cancel_all", scope)

    def close_position(self, instrument: InstrumentId, position_id: str, percent: int) -> Future[Outcome]:
        return self._asked("close_position", instrument, position_id, percent)

    def reverse_position(self, instrument: InstrumentId, position_id: str) -> Future[Outcome]:
        return self._asked("reverse_position", instrument, position_id)

    def flatten(self, instrument: InstrumentId | None = None) -> Future[Outcome]:
        return self._asked("flatten", instrument)

    def panic(self) -> Future[PanicReceipt]:
        self.calls.append(("panic",))
        return self.panic_future or done(self.receipt)

    def set_leverage(
        self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode
    ) -> Future[Outcome]:
        return self._asked("set_leverage", instrument, leverage, margin_mode)

    def move_funds(self, intent: FundsIntent) -> Future[Outcome]:
        return self._asked("move_funds", intent)

    def fetch_bills(self, venue: str, limit: int) -> Future[Bills]:
        self.calls.append(("fetch_bills", venue, limit))
        return self.bills if isinstance(self.bills, Future) else done(self.bills)

    def decide_gone(self, key: str) -> Future[Outcome]:
        return self._asked("decide_gone", key)

    def end_recovery(self) -> Future[Outcome]:
        return self._asked("end_recovery")

    def arm(self) -> Future[Outcome]:
        return self._asked("arm")

    def lock(self, reason: str) -> Future[None]:
        return self._told("lock", reason)

    def _answer(self, otherwise: KeyReport) -> Future[KeyReport]:
        """Returns the next answer about keys, or `otherwise`."""
        answer = self.key_answers.popleft() if self.key_answers else otherwise
        return answer if isinstance(answer, Future) else done(answer)

    def _keep(self, name: KeyName, *rows: KeyRow) -> None:
        others = [row for row in self.keys.rows if row.name != name]
        self.keys = msgspec.structs.replace(
            self.keys, rows=tuple(sorted([*others, *rows], key=lambda row: row.name))
        )

    def list_keys(self, password: Secret | None = None) -> Future[KeysView]:
        self.calls.append(("list_keys", password))
        return self.keys_future or done(self.keys)

    def add_key(self, wanted: NewKey, password: Secret | None = None) -> Future[KeyReport]:
        self.calls.append(("add_key", wanted, password))
        if not self.key_answers:
            self._keep(wanted.name, KeyRow(name=wanted.name, masked=wanted.credentials.key.masked()))
        return self._answer(KeyReport(is_done=True, words=f"the key of {wanted.name} is stored and in use"))

    def test_key(self, name: KeyName, password: Secret | None = None) -> Future[KeyReport]:
        self.calls.append(("test_key", name, password))
        return self._answer(KeyReport(is_done=True, words=f"{name.venue} takes the key of {name}"))

    def remove_key(self, name: KeyName, password: Secret | None = None) -> Future[KeyReport]:
        self.calls.append(("remove_key", name, password))
        if not self.key_answers:
            self._keep(name)
        return self._answer(KeyReport(is_done=True, words=f"the key of {name} is removed"))

    def use_keys(self, password: Secret | None = None) -> Future[KeyReport]:
        self.calls.append(("use_keys", password))
        return self._answer(KeyReport(is_done=True, words="no venue waits for its key"))


def later(seconds: int) -> int:
    """Returns the moment `seconds` after `NOW`."""
    return NOW + seconds * NANOSECONDS
