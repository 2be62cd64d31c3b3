"""What must hold of a desk, its journal and its venue after every step, and once all is over."""

from __future__ import annotations

from tests.tui.desk.order_machine.desk import Desk
from tests.tui.desk.order_machine.exchange import SETTLE, Exchange, Kind, filled_of
from tui.desk.journal_fold import JournalState, fold
from tui.desk.orders import Tracked
from venues.commands import OrderRequest
from venues.model import ZERO, Order, OrderStatus

S = OrderStatus
_RESTS = frozenset({S.NEW, S.PARTIALLY_FILLED})
_PENDING = frozenset({S.PENDING_CANCEL, S.PENDING_REPLACE})


class Checks:
    """Compares what the desk says with the truth. Each check raises AssertionError."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.decided: set[str] = set()  # a person ended them
        self.loose: set[str] = set()  # the desk knows of them what no row says: a miss, a command cut short
        self.heard: dict[str, set[str]] = {}  # trade ids that the desk was told of, by client order id
        self.shadow = JournalState()  # the fold of all rows, kept up row by row
        self._read = 0

    def after_step(self, desk: Desk) -> None:
        assert not self.exchange.violations, self.exchange.violations
        assert not desk.loop.faults, desk.loop.faults
        self._fold(desk)
        for key in self.exchange.creates.keys() | set(desk.tasks.values()):
            tracked = desk.get(key)
            assert tracked is not None, "lost"
            assert not tracked.order.is_external, "not known as ours"
            self._check_figures(desk, tracked)
            self._check_verdict(desk, tracked)
            self._check_open_questions(desk, tracked)
            if desk.is_written:
                self._check_rows(desk, tracked)

    def _fold(self, desk: Desk) -> None:
        rows = desk.rows.rows
        while self._read < len(rows):
            self.shadow.take(rows[self._read])
            self._read += 1

    def _check_figures(self, desk: Desk, tracked: Tracked) -> None:
        """Executions count once, none is lost or invented, and what is newer stays."""
        key, order = tracked.key, tracked.order
        truth, made = self.exchange.truth(key), self.exchange.fills.get(key, [])
        assert tracked.fills.keys() <= {one.trade_id for one in made}, "a fill was invented"
        assert self.heard.get(key, set()) <= tracked.fills.keys(), "a fill was lost"
        known = sum((one.quantity for one in tracked.fills.values()), ZERO)
        assert known <= order.filled_quantity <= filled_of(truth), "the filled quantity is wrong"
        assert order.filled_quantity <= order.quantity
        assert not tracked.is_overfilled, "more was filled than there is"
        if not tracked.status.is_terminal:
            flying, tasks = tracked.in_flight, desk.in_flight(key)
            # A command whose last row is still being written has ended already.
            assert flying == tasks or (flying < tasks and desk.rows.stalled), "commands on their way"
        assert (tracked.unknown_since is not None) is (tracked.status is S.UNKNOWN)
        newest = desk.venue.newest.get(key)
        if newest is not None and tracked.is_confirmed:
            assert order.ts_event >= newest.ts_event, "an older update took the place of a newer one"
            assert order.price == newest.price or order.ts_event > newest.ts_event
            # What has traded beyond the size that was told proves a larger one.
            sizes = (newest.quantity, order.filled_quantity)
            assert order.quantity in sizes or order.ts_event > newest.ts_event, "of another size than was told"

    def _check_verdict(self, desk: Desk, tracked: Tracked) -> None:
        """An end that the desk shows is true or, for what the venue lied about, was its word."""
        key, status = tracked.key, tracked.status
        if key in self.decided and status in (S.REJECTED, S.CANCELED):
            return
        venue, truth = self.exchange, self.exchange.truth(key)
        if status is S.REJECTED:
            is_proven = truth is None and self._is_proof_possible(key)
            assert key in venue.refused or is_proven, "called refused, without a code or a proof"
        elif status is S.CANCELED:
            is_proven = venue.kind is Kind.VANISHING and truth is None and self._is_proof_possible(key)
            assert venue.was(key, S.CANCELED) or is_proven or self._is_gone(key), "called cancelled"
        elif status is S.EXPIRED:
            assert venue.was(key, S.EXPIRED), "called expired"
        elif status is S.FILLED:
            assert truth is not None and truth.status is S.FILLED, "called filled"
        elif status in _RESTS:
            assert truth is not None, "called open, and the venue has never seen it"
        elif status is S.PENDING_NEW:
            assert tracked.in_flight, "on its way, and nobody waits for the answer"

    def _is_proof_possible(self, key: str) -> bool:
        """Says whether the order's request can not arrive any more, and the reads have shown what came in."""
        deadline = self.exchange.create_deadlines.get(key)
        return deadline is not None and self.exchange.now >= deadline + SETTLE

    def _is_gone(self, key: str) -> bool:
        """Says whether the order ended at a venue that forgets it: gone, and nobody says how."""
        truth = self.exchange.truth(key)
        return self.exchange.kind is Kind.VANISHING and truth is not None and not truth.is_open

    def _check_open_questions(self, desk: Desk, tracked: Tracked) -> None:
        """What may still arrive, and whose answer nobody waits for, is looked up."""
        if tracked.status.is_terminal or tracked.in_flight:
            return
        if tracked.status is S.UNKNOWN or tracked.status in _PENDING:
            assert desk.settler.is_open(tracked), f"{tracked.status}, and nobody looks it up"
        for packet in self.exchange.wire:
            if packet.key == tracked.key and not (isinstance(packet.command, OrderRequest)):
                is_alive = packet.deadline is None or self.exchange.now <= packet.deadline
                assert not is_alive or desk.settler.is_open(tracked), "a command may arrive, and nobody looks"

    def _check_rows(self, desk: Desk, tracked: Tracked) -> None:
        """A desk that began now would know the same, or would ask."""
        folded = self.shadow.orders.get(tracked.key)
        if folded is None:
            assert not self.exchange.creates[tracked.key], "sent, and the journal does not know it"
            return
        assert folded.order.filled_quantity == tracked.order.filled_quantity, "the rows hold another quantity"
        assert folded.fills.keys() == tracked.fills.keys(), "the rows hold other fills"
        assert folded.order.quantity == tracked.order.quantity, "the rows hold another size"
        assert folded.order.price == tracked.order.price, "the rows hold another price"
        if folded.status is tracked.status:
            return
        assert tracked.key in self.loose, f"the rows say {folded.status}, the desk {tracked.status}"
        if folded.status.is_terminal or tracked.status.is_terminal:
            # A command that was cut short stays on its way in the rows, until the next start closes it off.
            begun = fold(desk.rows.rows)
            begun.close_off(desk.clock())
            assert begun.orders[tracked.key].status is tracked.status, (
                f"over for one: the rows say {folded.status}, the desk {tracked.status}"
            )

    def at_end(self, desk: Desk) -> None:
        """All that could arrive has arrived or died, and everything was asked for once more."""
        self.after_step(desk)
        left = {
            one.command.client_order_id
            for one in self.shadow.unresolved()
            if isinstance(one.command, OrderRequest)
        }
        for key in self.exchange.creates:
            truth, tracked = self.exchange.truth(key), desk.get(key)
            assert tracked is not None, "lost"
            if self.exchange.is_provable:
                assert not desk.settler.is_open(tracked), f"{tracked.status}: provable, and never settled"
                assert key not in left, "settled, and the journal does not say so"
            self._check_end(key, tracked, truth)

    def _check_end(self, key: str, tracked: Tracked, truth: Order | None) -> None:
        if truth is None:
            ends = {S.REJECTED} if self.exchange.kind is not Kind.VANISHING else {S.REJECTED, S.CANCELED}
            if not self.exchange.is_provable:
                ends |= {S.UNKNOWN}
            assert tracked.status in ends, f"never booked, and called {tracked.status}"
            return
        if self.exchange.read(key) is None and not self.exchange.is_provable:
            assert tracked.status in (truth.status, S.UNKNOWN) or key in self.decided | self.exchange.refused
            return
        assert tracked.order.filled_quantity == truth.filled_quantity, "filled otherwise than at the venue"
        if key in self.decided | self.exchange.refused and tracked.status.is_terminal:
            # A wrong word is corrected by what the venue tells of later; what is over there is not asked about.
            assert not truth.is_open, f"it rests, and the desk says {tracked.status}"
            return
        is_vanished = self.exchange.read(key) is None
        assert tracked.status is truth.status or (is_vanished and tracked.status.is_terminal), (
            f"the venue says {truth.status}, the desk {tracked.status}"
        )
        if not tracked.status.is_terminal:
            assert tracked.order.price == truth.price, "amended otherwise than at the venue"
            assert tracked.order.quantity == truth.quantity, "of another size than at the venue"
