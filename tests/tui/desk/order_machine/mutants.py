"""Bugs that desks have had, each put into the real code: what the machine is worth is that it finds them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.tui.desk.order_machine.exchange import Kind
from tui.desk import orders, proof, settling
from tui.desk.dispatch import Answer, Dispatcher, Fate
from tui.desk.journal_fold import JournalState
from tui.desk.order_states import TRANSITIONS, OrderNews
from tui.desk.orders import FillNews, OrderTracker, Tracked
from tui.desk.proof import Proof
from venues.commands import AmendRequest, CancelRequest
from venues.errors import OutcomeUnknown
from venues.model import ZERO, Fill, Order, OrderStatus
from venues.port import Capabilities, Departure, VenueTime

S = OrderStatus
N = OrderNews


class Mutant(NamedTuple):
    """A bug, by name, and the kind of venue that shows it soonest."""

    name: str
    plant: Callable[[pytest.MonkeyPatch], None]
    kind: Kind = Kind.BY_ID


def _transition(before: OrderStatus, news: OrderNews, after: OrderStatus) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setitem(TRANSITIONS, (before, news), after)


def _resend_on_timeout(patch: pytest.MonkeyPatch) -> None:
    submit = Dispatcher.submit

    async def submit_twice(self: Dispatcher, *what: Any, **how: Any) -> Answer:
        answer = await submit(self, *what, **how)
        return await submit(self, *what, **how) if answer.fate is Fate.UNKNOWN else answer

    patch.setattr(Dispatcher, "submit", submit_twice)


def _judge(is_meant: Callable[[object], bool], fate: Fate) -> Callable[[pytest.MonkeyPatch], None]:
    """Takes what `is_meant` for `fate`, whatever it was."""
    judge = Dispatcher._judge

    def misjudge(self: Dispatcher, command: Any, result: Any) -> Answer:
        return Answer(fate, (), "failed", result) if is_meant(result) else judge(self, command, result)

    return lambda patch: patch.setattr(Dispatcher, "_judge", misjudge)


def _sending_after_the_send(patch: pytest.MonkeyPatch) -> None:
    exchange = Dispatcher._exchange

    async def depart(self: Dispatcher, departing: Any, departure: Departure) -> None:
        departing.has_left = True

    async def write_then(self: Dispatcher, departing: Any, work: Any) -> Answer:
        answer = await exchange(self, departing, work)
        await self._journal.sending(departing.command, Departure(), self._clock())
        return answer

    patch.setattr(Dispatcher, "depart", depart)
    patch.setattr(Dispatcher, "_exchange", write_then)


def _depart(change: Callable[[Any], bool]) -> Callable[[pytest.MonkeyPatch], None]:
    """Lets a command leave for which `change` says so without a row."""
    depart = Dispatcher.depart

    async def slip_out(self: Dispatcher, departing: Any, departure: Departure) -> None:
        if change(departing):
            departing.has_left = True
        await depart(self, departing, departure)

    return lambda patch: patch.setattr(Dispatcher, "depart", slip_out)


def _send_without_a_journal(departing: Any) -> bool:
    departing.is_urgent = True
    return False


def _prove(change: Callable[[Capabilities, VenueTime | None, int], tuple[Capabilities, VenueTime | None]]) -> Any:
    """Draws the conclusion from a miss with other capabilities, or another time, than are true."""
    prove = proof.proof_of_miss

    def misprove(tracked: Tracked, can: Capabilities, asked: VenueTime | None, now: int) -> Proof | None:
        return prove(tracked, *change(can, asked, now), now)

    return lambda patch: patch.setattr(settling, "proof_of_miss", misprove)


def _is_final(patch: pytest.MonkeyPatch, change: Callable[[VenueTime | None], VenueTime | None]) -> None:
    is_final = proof.is_answer_final

    def misjudge(tracked: Tracked, can: Capabilities, asked: VenueTime | None) -> bool:
        return is_final(tracked, can, change(asked))

    patch.setattr(proof, "is_answer_final", misjudge)
    patch.setattr(settling, "is_answer_final", misjudge)


def _no_uncertainty(patch: pytest.MonkeyPatch) -> None:
    _is_final(patch, lambda asked: VenueTime(asked.now, 0) if asked is not None else None)


def _no_settle_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(proof, "provable_at", lambda tracked, can: tracked.deadline)


def _unbounded_is_bounded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(proof, "provable_at", lambda tracked, can: tracked.deadline or 0)


def _any_hit_is_final(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settling, "is_answer_final", lambda *_: True)


def _fill_counted_twice(patch: pytest.MonkeyPatch) -> None:
    add_fill = OrderTracker.add_fill

    def add_again(self: OrderTracker, fill: Fill) -> FillNews:
        news = add_fill(self, fill)
        if news.is_new:
            return news
        return add_fill(self, msgspec.structs.replace(fill, trade_id=f"{fill.trade_id} again"))

    patch.setattr(OrderTracker, "add_fill", add_again)


def _late_fill_dropped(patch: pytest.MonkeyPatch) -> None:
    add_fill = OrderTracker._add_fill

    def add_if_open(self: OrderTracker, tracked: Tracked, fill: Fill) -> bool:
        return False if tracked.status.is_terminal else add_fill(self, tracked, fill)

    patch.setattr(OrderTracker, "_add_fill", add_if_open)


def _late_fill_not_told(patch: pytest.MonkeyPatch) -> None:
    add_fill = OrderTracker._add_fill

    def add_quietly(self: OrderTracker, tracked: Tracked, fill: Fill) -> bool:
        add_fill(self, tracked, fill)
        tracked.is_late_fill = False
        return False

    patch.setattr(OrderTracker, "_add_fill", add_quietly)


def _fills_lost_when_confirmed(patch: pytest.MonkeyPatch) -> None:
    confirm = OrderTracker.confirm

    def confirm_only(self: OrderTracker, order: Order) -> Tracked | None:
        tracked = confirm(self, order)
        if tracked is not None:
            tracked.fills.clear()
        return tracked

    patch.setattr(OrderTracker, "confirm", confirm_only)


def _part_fill_lost(patch: pytest.MonkeyPatch) -> None:
    take = OrderTracker._take

    def take_quantity(self: OrderTracker, order: Order, is_truth: bool) -> Tracked | None:
        news, tracked = take(self, order, is_truth), self.find(order)
        if tracked is not None and not tracked.status.is_terminal:
            tracked.order = msgspec.structs.replace(tracked.order, filled_quantity=order.filled_quantity)
        return news

    patch.setattr(OrderTracker, "_take", take_quantity)


def _old_overwrites_new(patch: pytest.MonkeyPatch) -> None:
    take = OrderTracker._take

    def take_any(self: OrderTracker, order: Order, is_truth: bool) -> Tracked | None:
        if (tracked := self.find(order)) is not None:
            tracked.ts_venue = 0
        return take(self, order, is_truth)

    patch.setattr(OrderTracker, "_take", take_any)


def _refusal_is_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tracked, "is_concluded", property(lambda _: False, lambda _, value: None))
    patch.setitem(TRANSITIONS, (S.REJECTED, N.RESTS), S.REJECTED)


def _no_size_is_in_doubt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tracked, "is_size_in_doubt", property(lambda _: False))


def _lost_changes_change_nothing(patch: pytest.MonkeyPatch) -> None:
    """Takes an amendment without an answer for one that was not carried out."""
    patch.setattr(Tracked, "is_size_in_doubt", property(lambda self: self.is_changing))


def _a_word_stops_what_was_sent(patch: pytest.MonkeyPatch) -> None:
    conclude = OrderTracker.conclude

    def conclude_all(self: OrderTracker, *what: Any, **_: Any) -> None:
        conclude(self, *what, is_proven=True)

    patch.setattr(OrderTracker, "conclude", conclude_all)


def _in_flight_only_rises(patch: pytest.MonkeyPatch) -> None:
    end = OrderTracker.command_ended

    def end_not(self: OrderTracker, tracked: Tracked, *what: Any) -> None:
        before = tracked.in_flight
        end(self, tracked, *what)
        tracked.in_flight = before

    patch.setattr(OrderTracker, "command_ended", end_not)


def _a_miss_means_filled(patch: pytest.MonkeyPatch) -> None:
    conclude = OrderTracker.conclude

    def fill_up(self: OrderTracker, tracked: Tracked, status: OrderStatus, *what: Any, **how: Any) -> None:
        if status is S.CANCELED:
            tracked.claimed = tracked.order.quantity
        conclude(self, tracked, status, *what, **how)

    patch.setattr(OrderTracker, "conclude", fill_up)


def _cancel_has_no_deadline(patch: pytest.MonkeyPatch) -> None:
    departed = OrderTracker.departed

    def depart_new(self: OrderTracker, tracked: Tracked, deadline: int | None, *, is_new: bool = False) -> None:
        if is_new:
            departed(self, tracked, deadline, is_new=True)

    patch.setattr(OrderTracker, "departed", depart_new)


def _restore(change: Callable[[Tracked], None]) -> Callable[[pytest.MonkeyPatch], None]:
    restore = OrderTracker.restore

    def restore_part(self: OrderTracker, old: Tracked) -> None:
        change(old)
        restore(self, old)

    return lambda patch: patch.setattr(OrderTracker, "restore", restore_part)


def _set_deadline(old: Tracked) -> None:
    old.deadline = 0


def _ambiguous_rows_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(JournalState, "_take_ambiguous", lambda *_: None)


def _nothing_closed_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(JournalState, "close_off", lambda *_: None)


def _starts_not_heard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(JournalState, "_take_note", lambda *_: None)


def _commands_forgotten(patch: pytest.MonkeyPatch) -> None:
    close_off = JournalState.close_off

    def close_off_and_forget(self: JournalState, ts: int) -> None:
        close_off(self, ts)
        for tracked in self.orders.values():
            tracked.commands.clear()

    patch.setattr(JournalState, "close_off", close_off_and_forget)


def _verdicts_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settling.Settler, "_keep", lambda *_: None)


def _only_the_last_fill(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(orders, "_sum_of", lambda fills: sum((one.quantity for one in list(fills.values())[-1:]), ZERO))


MUTANTS = [
    Mutant("resend on timeout", _resend_on_timeout),
    Mutant(
        "not found means failed",
        lambda patch: patch.setattr(settling, "proof_of_miss", lambda *_: Proof.NEVER_PLACED),
    ),
    Mutant("proof without the settle time", _no_settle_time),
    Mutant("proof without the uncertainty of the clock", _no_uncertainty),
    Mutant("proof by our own clock", _prove(lambda can, asked, now: (can, VenueTime(now, 0)))),
    Mutant("a request without bound counts as dead", _unbounded_is_bounded, Kind.UNBOUNDED),
    Mutant(
        "a miss among the open orders proves",
        _prove(lambda can, asked, now: (msgspec.structs.replace(can, lookup_covers_closed=True), asked)),
        Kind.OPEN_ONLY,
    ),
    Mutant("a miss where orders vanish means filled", _a_miss_means_filled, Kind.VANISHING),
    Mutant("any hit settles the commands under way", _any_hit_is_final),
    Mutant("the deadline of a cancel is not kept", _cancel_has_no_deadline),
    Mutant("a fill counts twice", _fill_counted_twice),
    Mutant("a late fill is dropped", _late_fill_dropped),
    Mutant("a late fill alarms nobody", _late_fill_not_told),
    Mutant("fills are lost when the order is confirmed", _fills_lost_when_confirmed),
    Mutant("a part fill is lost to an update without it", _part_fill_lost),
    Mutant("only the last fill counts", _only_the_last_fill),
    Mutant("an acknowledged cancel is final", _transition(S.CANCELED, N.ALL_FILLED, S.CANCELED)),
    Mutant("a refused order can not come back", _refusal_is_for_ever),
    Mutant("an unanswered cancel means cancelled", _transition(S.PENDING_CANCEL, N.AMBIGUOUS, S.CANCELED)),
    Mutant("an unanswered cancel means still open", _transition(S.PENDING_CANCEL, N.AMBIGUOUS, S.NEW)),
    Mutant("an unanswered order means refused", _transition(S.PENDING_NEW, N.AMBIGUOUS, S.REJECTED)),
    Mutant("a miss means rejected", _transition(S.UNKNOWN, N.MISSING, S.REJECTED)),
    Mutant(
        "a cancelled call was not sent", _judge(lambda x: isinstance(x, asyncio.CancelledError), Fate.NOT_SENT)
    ),
    Mutant("a code that is not listed refuses", _judge(lambda x: isinstance(x, OutcomeUnknown), Fate.REFUSED)),
    Mutant("an unreadable answer refuses", _judge(lambda x: isinstance(x, ValueError), Fate.REFUSED)),
    Mutant("the row is written after the send", _sending_after_the_send),
    Mutant("no row before a cancel", _depart(lambda one: isinstance(one.command, CancelRequest))),
    Mutant("no row before an amendment", _depart(lambda one: isinstance(one.command, AmendRequest))),
    Mutant("sent though the row could not be written", _depart(_send_without_a_journal)),
    Mutant("the fold forgets what was ambiguous", _ambiguous_rows_forgotten),
    Mutant("the fold forgets commands under way", _commands_forgotten),
    Mutant("what was on its way at a crash stays so", _nothing_closed_off),
    Mutant("the rows of the next desk are read as those of the dead one", _starts_not_heard),
    Mutant("fills are lost at a restart", _restore(lambda old: old.fills.clear())),
    Mutant("deadlines are lost at a restart", _restore(_set_deadline)),
    Mutant("what settled a command is not kept", _verdicts_not_kept),
    Mutant("an old update overwrites a newer one", _old_overwrites_new),
    Mutant("full by the size of before a change is the end", _no_size_is_in_doubt),
    Mutant("a change without an answer changed nothing", _lost_changes_change_nothing),
    Mutant("a person's word stops what was sent", _a_word_stops_what_was_sent, Kind.UNBOUNDED),
    Mutant("commands on their way are never counted down", _in_flight_only_rises),
]
