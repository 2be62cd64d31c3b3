"""What the run before left on an account that is gone: a paper account begun anew, an exchange that ended."""

from __future__ import annotations

import msgspec

from tui.desk.inheritance import Inherited
from tui.desk.journal import Command, Resolution
from tui.desk.journal_events import Draft, EventKind, draft_command
from tui.desk.journal_store import SqliteJournal
from venues.commands import CancelRequest
from venues.model import OrderStatus

_WHY = "gone with the account of that run"


def let_go(found: Inherited, journal: SqliteJournal, desk: str, ts: int) -> None:
    """Keeps in the journal that nothing is open any more, and takes out of `found` what says nothing now.

    Locks and the day's budget stay: they are the trader's, not the account's. Blocks; `ts` is nanoseconds UTC.

    Raises:
        JournalError: it could not be kept.
    """
    drafts: list[Draft] = []
    concluded: set[Command] = set()
    still_open = [tracked for tracked in found.orders if tracked.order.is_open]
    for tracked in still_open:
        order = msgspec.structs.replace(tracked.order, status=OrderStatus.CANCELED, reason=_WHY)
        resolution = Resolution("desk", _WHY, order, is_concluded=True)
        naming = CancelRequest(**{name: getattr(order, name) for name in CancelRequest.__struct_fields__})
        for command in list(tracked.commands) or [naming]:
            concluded.add(command)
            drafts.append(
                draft_command(EventKind.RESOLVED, command, ts, order=order, resolution=resolution, desk=desk)
            )
    for left in found.unresolved:
        if left.command not in concluded:
            resolution = Resolution("desk", _WHY)
            drafts.append(draft_command(EventKind.RESOLVED, left.command, ts, resolution=resolution, desk=desk))
    journal.adopt(drafts)
    orders = "1 order was" if len(still_open) == 1 else f"{len(still_open)} orders were"
    # Told once, and no more: there is nothing about it that anybody could do.
    found.farewell = f"{orders} open, {_WHY}" if still_open else ""
    found.orders, found.unresolved = (), ()
    found.fills_seen, found.day_open, found.ts_last = frozenset(), None, 0
