"""What a journal's rows add up to: orders, executions, what they earned, and what nobody has answered.

The orders are built by the same tracker as the running desk's, so that the same rows mean the same thing to both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from tui.desk.inert import sanitise
from tui.desk.journal import BY_TRADER, CancelAllRequest, Command
from tui.desk.journal_events import Event, EventKind, Refusal, Row
from tui.desk.order_states import OrderNews
from tui.desk.orders import OrderTracker, Tracked
from tui.desk.seen import SeenTrades
from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest
from venues.margin import FundsReceipt
from venues.model import NANOSECONDS, ZERO, Fill, InstrumentId, OrderStatus

_DAY = 86_400 * NANOSECONDS
_UNSETTLED = (OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN)


class Unresolved(NamedTuple):
    """A command that was sent, or was about to be, and whose fate nobody has told. `words` say how it was left."""

    number: int  # of the row that sent it
    ts: int
    command: Command
    is_ambiguous: bool  # else there is no answer at all: the desk ended first
    words: str
    deadline: int | None  # nanoseconds UTC, where the request's life is bounded
    sent_after: int | None = None  # of a loan, repayment or transfer, on the same clock: when it was sent
    is_blurred: bool = False  # of a change of margin: another of the same position was sent after it


class Note(NamedTuple):
    """What the desk did by itself. Until `locked_until` nothing that adds risk was to be sent."""

    ts: int
    text: str
    topic: str = ""
    locked_until: int | None = None
    amount: Decimal | None = None


class _Sent(NamedTuple):
    row: Unresolved
    targets: Sequence[Tracked]  # the orders that it was about when it was sent
    is_awaited: bool = True  # the desk that sent it lives, and has not given up its answer


class Earnings:
    """What the executions in one instrument came to. P&L is before fees, in the settle currency.

    `realized_pnl` is what the venue said of each execution. `average_pnl` is computed from them by the average
    price method, one position an instrument, flat before the journal began; `position` is what is then left.
    """

    def __init__(self, instrument: InstrumentId) -> None:
        self.instrument = instrument
        self.fills = 0
        self.bought = ZERO
        self.sold = ZERO
        self.fees: dict[str, Decimal] = {}
        self.realized_pnl = ZERO
        self.average_pnl = ZERO
        self.position = ZERO
        self.entry_price = ZERO

    def take(self, fill: Fill) -> None:
        """Counts an execution that is known to be new."""
        self.fills += 1
        self.fees[fill.fee_currency] = self.fees.get(fill.fee_currency, ZERO) + fill.fee
        self.realized_pnl += fill.realized_pnl
        signed = fill.side.sign * fill.quantity
        if signed > 0:
            self.bought += fill.quantity
        else:
            self.sold += fill.quantity
        if self.position * signed >= 0:
            cost = abs(self.position) * self.entry_price + fill.quantity * fill.price
            self.position += signed
            self.entry_price = cost / abs(self.position) if self.position else ZERO
            return
        closed = min(abs(self.position), fill.quantity)
        self.average_pnl -= fill.side.sign * closed * (fill.price - self.entry_price)
        self.position += signed
        if not self.position:
            self.entry_price = ZERO
        elif self.position * signed > 0:  # it turned over: the rest was opened at this price
            self.entry_price = fill.price


class JournalState:
    """A fold of rows: `take` them in their order. It keeps every order and execution, however many."""

    def __init__(self) -> None:
        self.receipts: set[tuple[str, str]] = set()  # (venue, its id) of what is known to be of a request of ours
        self.orders: dict[str, Tracked] = {}  # by the tracker's key: our client order id, or the venue's id
        self.fills: list[Fill] = []  # each once, in the order in which they were heard of
        self.earnings: dict[InstrumentId, Earnings] = {}
        self.not_sent: dict[str, OrderRequest] = {}  # by client order id: wanted, and never on its way
        self.notes: list[Note] = []
        self.notional_sent: dict[
            int, Decimal
        ] = {}  # UTC day since 1970 -> what was sent, by the desk's own reckoning
        self.ts_last = 0  # of the newest row
        self.rows = 0
        self._ts = 0
        self._number = 0
        self._first: dict[str, int] = {}  # the row that first told of an order
        self._tracker = OrderTracker(lambda: self._ts, self._note_change, SeenTrades(None))
        self._wanted: dict[str, Decimal] = {}  # by the command's hash: notionals of what has not left yet
        self._seen: set[tuple[str, str]] = set()  # (venue, trade id)
        self._named: dict[tuple[str, str], Tracked] = {}  # by (venue, venue order id)
        self._open: dict[str, list[_Sent]] = {}  # by the command's hash, oldest first
        self._changed: dict[tuple[InstrumentId, str], int] = {}  # the row that last sent a change of a margin
        self._takes: dict[str, Callable[[Row, Event], None]] = {
            EventKind.INTENT: self._take_intent,
            EventKind.SENDING: self._take_sending,
            EventKind.ANSWERED: self._take_answered,
            EventKind.AMBIGUOUS: self._take_ambiguous,
            EventKind.FACT: self._take_fact,
            EventKind.RESOLVED: self._take_resolved,
            EventKind.NOTE: self._take_note,
        }

    def take(self, row: Row, event: Event | None = None) -> None:
        """Adds one row (and its event, where it was read already); one of an unknown kind says nothing here.

        Raises:
            JournalError: it is broken.
        """
        event = event if event is not None else row.event()
        self.rows += 1
        self._ts = row.ts
        self._number = row.number
        self.ts_last = max(self.ts_last, row.ts)
        if (take := self._takes.get(row.kind)) is not None:
            take(row, event)

    def close_off(self, ts: int) -> None:
        """Makes UNKNOWN what was on its way when the desk ended, at nanoseconds `ts`: for a start after it.

        The row of that start does the same, so that what is told after it means here what it meant to that desk.
        """
        self._ts = ts
        left = [sent for waiting in self._open.values() for sent in waiting]
        for sent in left:
            for tracked in sent.targets:
                tracked.keep_unanswered(sent.row.command)
        for tracked in [tracked for sent in left if sent.is_awaited for tracked in sent.targets]:
            words = "" if tracked.status.is_terminal else "the desk ended before the venue's answer"
            self._tracker.command_ended(tracked, OrderNews.AMBIGUOUS, words)
        for waiting in self._open.values():
            waiting[:] = [sent._replace(is_awaited=False) for sent in waiting]

    def open_orders(self) -> list[Tracked]:
        return [tracked for tracked in self.orders.values() if not tracked.status.is_terminal]

    def over_orders(self, most: int) -> list[Tracked]:
        """Returns the newest that are over, oldest first."""
        return [tracked for tracked in self.orders.values() if tracked.status.is_terminal][-most:]

    def unresolved(self) -> Sequence[Unresolved]:
        """Returns what was sent and neither answered nor settled by what was told later, oldest first."""
        left = [one.row for waiting in self._open.values() for one in waiting]
        rows = (self._with_later(row) for row in left if not self._is_settled(row.command))
        return sorted(rows, key=lambda row: row.number)

    def _with_later(self, row: Unresolved) -> Unresolved:
        command = row.command
        if not isinstance(command, FundsRequest) or command.instrument is None:
            return row
        last = self._changed.get((command.instrument, command.position_id), 0)
        return row._replace(is_blurred=last > row.number)

    def oldest_needed(self) -> int | None:
        """Returns the number of the oldest row that something open rests on; None where nothing is open."""
        numbers = [self._first[tracked.key] for tracked in self.open_orders()]
        numbers += [row.number for row in self.unresolved()]
        return min(numbers, default=None)

    def _is_settled(self, command: Command) -> bool:
        """Says whether the venue has since told enough of the order to know what became of a command."""
        if isinstance(command, CancelAllRequest | FundsRequest):
            return False
        tracked = self._find(command)
        if tracked is None:
            return False
        if isinstance(command, OrderRequest):
            return tracked.is_confirmed and tracked.status not in _UNSETTLED
        return tracked.status.is_terminal

    def _find(self, command: OrderRequest | AmendRequest | CancelRequest) -> Tracked | None:
        venue = command.instrument.venue
        venue_order_id = "" if isinstance(command, OrderRequest) else command.venue_order_id
        for key in (command.client_order_id, f"{command.client_order_id}@{venue}"):
            tracked = self.orders.get(key)
            if tracked is not None and tracked.order.instrument.venue == venue:
                return tracked
        return self._named.get((venue, venue_order_id))

    def _note_change(self, tracked: Tracked, _before: OrderStatus | None) -> None:
        self.orders[tracked.key] = tracked
        self._first.setdefault(tracked.key, self._number)
        if tracked.order.venue_order_id:
            self._named[tracked.order.instrument.venue, tracked.order.venue_order_id] = tracked

    def _take_intent(self, row: Row, event: Event) -> None:
        if event.notional is not None:
            self._wanted[row.body_hash] = event.notional
        if event.submit is not None and self._find(event.submit) is None:
            self.not_sent[event.submit.client_order_id] = event.submit

    def _take_sending(self, row: Row, event: Event) -> None:
        if (command := event.command) is not None:
            waiting = Unresolved(row.number, row.ts, command, False, "", event.deadline, event.sent_after)
            targets = self._begin(command, row.ts)
            if isinstance(command, FundsRequest) and command.instrument is not None:
                self._changed[command.instrument, command.position_id] = row.number
            for tracked in targets:
                self._tracker.departed(tracked, event.deadline, is_new=isinstance(command, OrderRequest))
            self._open.setdefault(row.body_hash, []).append(_Sent(waiting, targets))
            notional = self._wanted.pop(row.body_hash, None)
            if notional is not None:
                day = row.ts // _DAY
                self.notional_sent[day] = self.notional_sent.get(day, ZERO) + notional

    def _begin(self, command: Command, ts: int) -> Sequence[Tracked]:
        if isinstance(command, OrderRequest):
            self.not_sent.pop(command.client_order_id, None)
            tracked = self._find(command)
            return (tracked if tracked is not None else self._tracker.submitted(command, ts),)
        if isinstance(command, FundsRequest):
            return ()
        if isinstance(command, CancelAllRequest):
            targets = [
                tracked
                for tracked in self.open_orders()
                if tracked.order.instrument.venue == command.venue
                and command.instrument in (None, tracked.order.instrument)
                and command.side in (None, tracked.order.side)
            ]
        else:
            tracked = self._find(command)
            targets = [tracked] if tracked is not None else []
        news = OrderNews.REPLACE_SENT if isinstance(command, AmendRequest) else OrderNews.CANCEL_SENT
        for tracked in targets:
            self._tracker.command_sent(tracked, news)
        return targets

    def _end(self, row: Row, command: Command) -> _Sent:
        """Takes back the newest sending that still waits; one whose own row is lost is begun here."""
        waiting = self._open.get(row.body_hash, [])
        for index in range(len(waiting) - 1, -1, -1):
            if waiting[index].is_awaited:
                return waiting.pop(index)
        lost = Unresolved(row.number, row.ts, command, False, "", None)
        return _Sent(lost, self._begin(command, row.ts))

    def _take_answered(self, row: Row, event: Event) -> None:
        if (command := event.command) is None:
            return
        sent = self._end(row, command)
        self._claim(event.receipt)
        news, reason = _news_of(command, event.refusal)
        if event.order is not None:
            self._tracker.apply(event.order)  # first: being full by the quantity before a change is no end
        for tracked in sent.targets:
            self._tracker.command_ended(tracked, news, reason)

    def _take_ambiguous(self, row: Row, event: Event) -> None:
        if (command := event.command) is None:
            return
        sent = self._end(row, command)
        waiting = sent.row._replace(is_ambiguous=True, words=event.text)
        self._open.setdefault(row.body_hash, []).append(_Sent(waiting, sent.targets, is_awaited=False))
        for tracked in sent.targets:
            tracked.keep_unanswered(command)
            self._tracker.command_ended(tracked, OrderNews.AMBIGUOUS, event.text)

    def _take_fact(self, _row: Row, event: Event) -> None:
        if event.order is not None and event.is_answer:
            self._tracker.confirm(event.order)
        elif event.order is not None:
            self._tracker.apply(event.order)
        if (fill := event.fill) is not None and (fill.instrument.venue, fill.trade_id) not in self._seen:
            self._seen.add((fill.instrument.venue, fill.trade_id))
            self.fills.append(fill)
            if fill.instrument not in self.earnings:
                self.earnings[fill.instrument] = Earnings(fill.instrument)
            self.earnings[fill.instrument].take(fill)
            self._tracker.add_fill(fill)

    def _take_resolved(self, row: Row, event: Event) -> None:
        if (command := event.command) is None or (resolution := event.resolution) is None:
            return
        self._claim(resolution.receipt)
        known = self._tracker.find(resolution.order) if resolution.order is not None else None
        is_a_word = resolution.is_concluded and resolution.by == BY_TRADER  # what was sent may still arrive
        waiting = self._open.pop(row.body_hash, ())
        for sent in waiting:
            for tracked in sent.targets:
                if is_a_word:
                    tracked.keep_unanswered(command)
                if sent.is_awaited:
                    self._tracker.command_ended(tracked, None)
        if not is_a_word:
            about = {tracked.key: tracked for sent in waiting for tracked in sent.targets}
            if known is not None:
                about[known.key] = known
            for tracked in about.values():
                self._tracker.settled(tracked, (command,))
        if resolution.order is not None:
            if known is not None and resolution.is_concluded:
                if not known.status.is_terminal:
                    end = resolution.order.status
                    self._tracker.conclude(known, end, resolution.order.reason, is_proven=not is_a_word)
            elif known is None or not known.is_confirmed:
                # Where the venue told of it its facts have been taken: this is only what the desk made of them.
                self._tracker.confirm(resolution.order)
        elif resolution.was_never_placed and isinstance(command, OrderRequest):
            for tracked in self._begin(command, row.ts):
                self._tracker.command_ended(tracked, OrderNews.REJECTED, f"never placed: {resolution.why}")

    def _claim(self, receipt: FundsReceipt | None) -> None:
        if receipt is not None and receipt.venue_id:
            self.receipts.add((receipt.request.venue, receipt.venue_id))

    def _take_note(self, row: Row, event: Event) -> None:
        if event.topic == "start":  # one desk at a time has the file: whoever wrote before is dead
            self.close_off(row.ts)
        self.notes.append(Note(row.ts, event.text, event.topic, event.locked_until, event.notional))


def fold(rows: Iterable[Row]) -> JournalState:
    """Folds rows in their order. Raises JournalError for one that is broken."""
    state = JournalState()
    for row in rows:
        state.take(row)
    return state


def _news_of(command: Command, refusal: Refusal | None) -> tuple[OrderNews | None, str]:
    """Says what an answer meant to the orders of a command, as the dispatcher did when it came."""
    if refusal is None:
        return (OrderNews.REPLACED if isinstance(command, AmendRequest) else None), ""
    words = sanitise(refusal.message) or refusal.error
    if isinstance(command, OrderRequest):
        return OrderNews.REJECTED, f"not sent: {words}" if refusal.was_not_sent else words
    if refusal.is_missing_order and not isinstance(command, CancelAllRequest):
        return OrderNews.MISSING, words
    return OrderNews.COMMAND_REFUSED, ""
