"""Reads the journal at the start of a desk: what the runs before left, and what a panic wrote without a desk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui.desk.inert import sanitise
from tui.desk.inheritance import EDIT_BEGAN, EDIT_ENDED, Inherited, day_topic
from tui.desk.journal import JournalError
from tui.desk.journal_events import Row, draft_of
from tui.desk.journal_export import digest_of, oldest_needed, read_rows
from tui.desk.journal_fold import JournalState, Note
from tui.desk.journal_store import SqliteJournal
from venues.model import NANOSECONDS, ZERO

_DAY = 86_400 * NANOSECONDS
_FILLS_AGAIN = 2 * _DAY  # executions of so long ago may be read back from a venue once more
_ORDERS_AGAIN = 1_000  # that are over, for fills that come late
_STILL_WRITTEN = 60 * NANOSECONDS
_ASIDE = "panic-*.sqlite3"
_TOLD = frozenset({"start", "detach"})


def inherit(journal: SqliteJournal, desk: str, clock: Callable[[], int], venues: str = "") -> Inherited:
    """Opens the journal and reads what the runs before left of `desk` ("LIVE/main"); blocks.

    `venues` names those that the desk opens ("coinex,max"): the day's P&L is about all of them. What a panic wrote
    into a file of its own, while no desk answered, is taken into the journal first.

    Raises:
        JournalError: the journal can not be read or written; nothing was changed.
    """
    try:
        return _inherit(journal, desk, clock(), venues)
    except JournalError:
        journal.close()
        raise


def _inherit(journal: SqliteJournal, desk: str, now: int, venues: str) -> Inherited:
    notices = [*journal.open(), *_take_asides(journal, now)]
    states: dict[str, JournalState] = {}
    last_note: Note | None = None
    recent = 0  # the first row that is not older than what has to be known anyway
    row: Row | None = None
    for row in read_rows(journal.path, oldest_needed(journal.path)):
        event = row.event()
        if not recent and row.ts >= now - _FILLS_AGAIN:
            recent = row.number
        state = states.get(event.desk)
        if state is None:
            state = states[event.desk] = JournalState()
        state.take(row, event)
        if event.topic in _TOLD and event.desk == desk:
            last_note = state.notes[-1]
    for name, state in states.items():
        state.close_off(now)
        left = len(state.unresolved())
        if name != desk and left:
            notices.append(
                f"{left} unanswered of the desk {name or 'unknown'}: open that one to have them looked up"
            )
    needed = [number for state in states.values() if (number := state.oldest_needed()) is not None]
    if row is not None:
        oldest = min([*needed, recent or row.number])
        journal.note_now(
            "the desk was opened", now, topic="start", since=(oldest, digest_of(journal.path, oldest))
        )
    else:
        journal.note_now("the desk was opened", now, topic="start")
    mine = states.get(desk, JournalState())
    notices += [f"an edit was not finished: {words}" for words in _edits_cut_short(mine)]
    lock = max((note for note in mine.notes if note.locked_until), key=lambda note: note.ts, default=None)
    is_locked = lock is not None and (lock.locked_until or 0) > now
    return Inherited(
        orders=[*mine.over_orders(_ORDERS_AGAIN), *mine.open_orders()],
        unresolved=mine.unresolved(),
        receipts=frozenset(mine.receipts),
        fills_seen=frozenset(
            (fill.instrument.venue, fill.trade_id) for fill in mine.fills if fill.ts_event > now - _FILLS_AGAIN
        ),
        budget_used=mine.notional_sent.get(now // _DAY, ZERO),
        locked_until=(lock.locked_until or 0) if is_locked and lock is not None else 0,
        lock_reason=lock.text if is_locked and lock is not None else "",
        day_open=next(
            (
                note.amount
                for note in reversed(mine.notes)
                if note.topic == day_topic(venues) and note.ts // _DAY == now // _DAY
            ),
            None,
        ),
        ts_last=mine.ts_last,
        notices=notices,
        farewell=last_note.text if last_note is not None and last_note.topic == "detach" else "",
        journal=journal,
    )


def _edits_cut_short(state: JournalState) -> list[str]:
    """Returns the edits, by cancel and new, that the run before began and whose new order was never on its way."""
    began: dict[str, str] = {}
    for note in state.notes:
        if note.topic == "start":  # it was told then
            began.clear()
        elif note.topic.startswith(EDIT_BEGAN):
            began[note.topic.removeprefix(EDIT_BEGAN)] = note.text
        elif note.topic.startswith(EDIT_ENDED):
            began.pop(note.topic.removeprefix(EDIT_ENDED), None)
    return [sanitise(words, 200) for key, words in began.items() if key not in state.orders]


def _take_asides(journal: SqliteJournal, now: int) -> list[str]:
    """Takes in what panics wrote while no desk answered. A file that can not be read stays, and is said."""
    notices = []
    for path in sorted(journal.path.parent.glob(_ASIDE)):
        try:
            if abs(now - path.stat().st_mtime_ns) < _STILL_WRITTEN:
                continue  # the next start takes it
            rows = list(read_rows(path))
            journal.adopt([draft_of(row) for row in rows])
            _put_away(path)
        except (JournalError, OSError) as error:
            notices.append(f"{path.name} of a panic could not be taken in: {error}")
        else:
            notices.append(f"a panic acted without this desk: {len(rows)} rows of {path.name} were taken in")
    return notices


def _put_away(path: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{part}.folded")
