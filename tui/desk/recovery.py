"""What the recovery screen shows: each command that the run before left unanswered, and how far it is settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tui.desk.facts import describe_funds, describe_tracked, figure
from tui.desk.frame import RecoveryRow, RecoveryView
from tui.desk.funds_book import UNKNOWN
from tui.desk.inert import sanitise
from tui.desk.inheritance import Inherited
from tui.desk.journal import CancelAllRequest, Command, Resolution
from tui.desk.keeping import Keeper
from tui.desk.link import Link
from tui.desk.orders import Tracked
from tui.desk.settling import UNSETTLED, Settler
from tui.desk.store import Store
from venues.commands import AmendRequest, FundsRequest, OrderRequest
from venues.model import OrderStatus

if TYPE_CHECKING:
    from tui.desk.journal_fold import Unresolved

_ENDS = {
    OrderStatus.NEW: "it rests",
    OrderStatus.PARTIALLY_FILLED: "it rests, partly filled",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "cancelled",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "refused",
}


class Recovery:
    """Follows what was inherited until it is settled, and the trader has read it. `clock` is nanoseconds UTC."""

    def __init__(
        self,
        inherited: Inherited,
        store: Store,
        links: Mapping[str, Link],
        settler: Settler,
        keeper: Keeper,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._links = links
        self._settler = settler
        self._keeper = keeper
        self._clock = clock
        self._notices = list(inherited.notices)
        self._rows = []
        elsewhere: dict[str, int] = {}
        for row in inherited.unresolved:
            venue = _venue_of(row.command)
            if venue in links:
                self._rows.append(row)
            else:
                elsewhere[venue] = elsewhere.get(venue, 0) + 1
        for venue, count in sorted(elsewhere.items()):
            name = sanitise(venue, 32)
            self._notices.append(f"{count} unanswered on {name}, which is not open: start with --venue {name}")
        self.is_over = not self._rows and not self._notices

    @property
    def holds(self) -> bool:
        """Says whether nothing that adds risk may be sent yet."""
        return bool(self._rows) and not self.is_over

    @property
    def has_rows(self) -> bool:
        return bool(self._rows)

    def end(self) -> None:
        """The trader goes on. What is unsettled stays UNKNOWN, and is looked up further."""
        self.is_over = True

    def note_reconciled(self, link: Link) -> None:
        """Settles the cancels of many that were left on a venue whose account has now been read."""
        for row in self._rows:
            command = row.command
            if isinstance(command, CancelAllRequest) and command.venue == link.name and not self._targets(command):
                why = "all open orders were read"
                self._keeper.resolved(command, Resolution("reconcile", why))

    def view(self) -> RecoveryView:
        return RecoveryView(
            rows=tuple(self._row(row) for row in self._rows), notices=tuple(self._notices), is_over=self.is_over
        )

    def _row(self, row: Unresolved) -> RecoveryRow:
        command = row.command
        link = self._links[_venue_of(command)]
        if isinstance(command, CancelAllRequest):
            is_settled = link.is_reconciled and not self._targets(command)
            state = "all open orders were read" if is_settled else "reading the open orders"
            where = f" in {sanitise(command.instrument.symbol, 32)}" if command.instrument is not None else ""
            return RecoveryRow(
                key="",
                venue=link.name,
                text=f"cancel all{where}",
                ts_sent=row.ts,
                state=state,
                is_settled=is_settled,
            )
        if isinstance(command, FundsRequest):
            return self._funds_row(row, link, command)
        tracked = self._store.orders.get(command.client_order_id)
        if tracked is None:
            tracked = self._store.orders.by_venue_id(link.name, getattr(command, "venue_order_id", ""))
        text = _describe(command, tracked, self._store)
        if tracked is None:
            return RecoveryRow(
                key="", venue=link.name, text=text, ts_sent=row.ts, state="the order is over", is_settled=True
            )
        is_settled = not self._settler.is_open(tracked) or (
            tracked.deadline is None and tracked.status not in UNSETTLED
        )
        return RecoveryRow(
            key=tracked.key,
            venue=link.name,
            text=text,
            ts_sent=row.ts,
            state=self._end_of(tracked) if is_settled else self._doing(link, tracked.deadline),
            is_settled=is_settled,
            ts_provable=None if is_settled else self._settler.provable_on(link, tracked, self._clock()),
        )

    def _funds_row(self, row: Unresolved, link: Link, request: FundsRequest) -> RecoveryRow:
        known = self._store.instrument(request.instrument) if request.instrument is not None else None
        text = describe_funds(request, known)
        move = self._store.funds.get(request.request_id)
        if move is None:  # long over, and not kept any more
            return RecoveryRow(
                key="", venue=link.name, text=text, ts_sent=row.ts, state="it is over", is_settled=True
            )
        is_settled = move.state != UNKNOWN
        state = f"{move.state}: {move.words}" if move.words else move.state
        if not is_settled:
            state = self._doing(link, move.deadline)
        return RecoveryRow(
            key=move.key,
            venue=link.name,
            text=text,
            ts_sent=row.ts,
            state=state,
            is_settled=is_settled,
            ts_provable=None if is_settled else self._store.provable_funds(move),
        )

    def _end_of(self, tracked: Tracked) -> str:
        order = tracked.order
        if tracked.status.is_terminal and order.reason and not order.filled_quantity:
            return sanitise(order.reason)
        done = f", {figure(order.filled_quantity)} filled" if order.filled_quantity else ""
        return f"{_ENDS.get(tracked.status, tracked.status.value)}{done}"

    def _doing(self, link: Link, deadline: int | None) -> str:
        if link.fault:
            return f"can not be looked up: {link.fault}"
        if not link.is_reconciled:
            return "waiting for the venue"
        if deadline is None:
            return "looked up; nothing bounds this request: look at the venue, and decide"
        if not link.venue.capabilities.lookup_covers_closed:
            return "looked up; the venue tells of open orders only: look there, and decide"
        return "looked up until it is proven"

    def _targets(self, command: CancelAllRequest) -> list[Tracked]:
        return [
            tracked
            for tracked in self._store.orders.open_orders(command.venue)
            if command in tracked.commands and self._settler.is_open(tracked)
        ]


def _venue_of(command: Command) -> str:
    if isinstance(command, CancelAllRequest | FundsRequest):
        return command.venue
    return command.instrument.venue


def _describe(command: Command, tracked: Tracked | None, store: Store) -> str:
    verb = ""
    if not isinstance(command, OrderRequest):
        verb = "change of " if isinstance(command, AmendRequest) else "cancel of "
    if tracked is not None:
        return verb + describe_tracked(tracked, store.instrument(tracked.order.instrument))
    if isinstance(command, OrderRequest):
        return f"{command.side.value.upper()} {figure(command.quantity)} {sanitise(command.instrument.symbol, 32)}"
    return verb + sanitise(getattr(command, "client_order_id", "") or getattr(command, "venue_order_id", ""), 64)
