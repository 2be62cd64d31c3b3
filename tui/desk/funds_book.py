"""Loans, repayments, transfers, changes of margin: where each stands, and which of the venue's receipts is whose.

A venue knows no name of ours for them, so that only when they were sent tells two apart that look the same.
A receipt belongs to one request: what one has been given, no other can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

from tui.desk.frame import FundsView
from tui.desk.inert import sanitise
from venues.commands import FundsKind, FundsRequest
from venues.margin import FundsReceipt
from venues.model import NANOSECONDS, InstrumentId
from venues.port import VenueTime

SENT = "sent"
UNKNOWN = "UNKNOWN"
PROCESSING = "processing"
DONE = "done"
REFUSED = "refused"
MOOT = "moot"  # its position is closed: it can not matter any more what became of it

_KEPT_OVER = 50
_IN_TRANSIT = 120 * NANOSECONDS
_UNTOLD = 60 * NANOSECONDS  # how far a clock of a venue that nobody has read may be from ours

Body: TypeAlias = tuple[str, FundsKind, str, Decimal, InstrumentId | None, str]
Place: TypeAlias = tuple[InstrumentId, str]
"""An instrument, and the id of a position in it."""


class Move:
    """One request. `deadline` and `sent_after` are of the venue's clock, `ts_sent` and `ts_over` of ours."""

    def __init__(self, request: FundsRequest, ts: int) -> None:
        self.request = request
        self.ts_sent = ts
        self.state = SENT
        self.words = ""
        self.deadline: int | None = None
        self.sent_after: int | None = None
        self.in_flight = True  # its answer may still come
        self.receipt: FundsReceipt | None = None
        self.was_blurred = False  # by what else has changed the same margin since: another request, or a trade
        self.was_decided = False  # it is over by a person's word alone, and may have been carried out

    @property
    def key(self) -> str:
        return self.request.request_id

    @property
    def body(self) -> Body:
        """What makes two requests look the same to a venue."""
        request = self.request
        return (
            request.venue, request.kind, request.currency, request.amount, request.instrument, request.position_id,
        )  # fmt: skip

    @property
    def place(self) -> Place | None:
        """The position whose margin it changes; None for what a margin wallet does."""
        return place_of(self.request)

    @property
    def is_over(self) -> bool:
        return self.state in (DONE, REFUSED, MOOT)

    @property
    def since(self) -> int:
        """The earliest moment at which the venue can have written it down, by its clock."""
        return self.sent_after if self.sent_after is not None else self.ts_sent - _UNTOLD

    def bound_by(self, deadline: int | None) -> None:
        """Hears until when it can arrive; None where nothing bounds that.

        A margin may have changed by funding, or from elsewhere, so that it is not the sum looked for although the
        change was carried out: of a position a miss proves nothing, at no time.
        """
        self.deadline = deadline if self.place is None else None

    def until(self, settle: float) -> int | None:
        """Returns the latest such moment, after which a miss is a proof; None where nothing bounds its life."""
        return self.deadline + round(settle * NANOSECONDS) if self.deadline is not None else None

    def is_provable(self, asked: VenueTime | None, settle: float) -> bool:
        """Whether a miss proves that it was not carried out; `asked` is the venue's clock before the question."""
        until = self.until(settle)
        return until is not None and asked is not None and asked.now - asked.uncertainty >= until


class FundsBook:
    """All requests of one session, those of the run before that nobody had answered included."""

    def __init__(self, on_change: Callable[[Move], None]) -> None:
        self._on_change = on_change
        self._moves: dict[str, Move] = {}  # by request id, oldest first
        self._claimed: set[tuple[str, str]] = set()  # (venue, its id)
        self.unread: dict[str, int] = {}  # venue -> what it has carried out, and its money was not read since

    def get(self, key: str) -> Move | None:
        return self._moves.get(key)

    def add(self, move: Move) -> None:
        self._moves[move.key] = move
        over = [one.key for one in self._moves.values() if one.is_over]
        for key in over[:-_KEPT_OVER]:
            del self._moves[key]
        self._on_change(move)

    def take_back(self, move: Move) -> None:
        """Forgets a request that never was on its way, and that nobody was told of."""
        self._moves.pop(move.key, None)
        self._on_change(move)

    def change(self, move: Move, state: str, words: str = "") -> None:
        """Moves a request on. `words` are the venue's, or what is being done about it."""
        move.state, move.words = state, sanitise(words)
        self._on_change(move)

    def claim(self, move: Move, receipt: FundsReceipt) -> None:
        """Gives a receipt of the venue's to a request, and to no other."""
        move.receipt = receipt
        if receipt.venue_id:
            self._claimed.add((move.request.venue, receipt.venue_id))

    def inherit(self, claimed: Iterable[tuple[str, str]]) -> None:
        """Takes over which receipts the run before has given to requests of its own."""
        self._claimed.update(claimed)

    def open(self, venue: str) -> list[Move]:
        """Returns what is not over at a venue, oldest first."""
        return [move for move in self._moves.values() if move.request.venue == venue and not move.is_over]

    def alike(self, move: Move) -> list[Move]:
        """Returns what is not over and looks the same to the venue, itself included, oldest first."""
        return [one for one in self.open(move.request.venue) if one.body == move.body]

    def is_money_moving(self, now: int) -> bool:
        """Whether what is held in one account may be counted in none, or twice.

        One that the venue works on for longer than `_IN_TRANSIT` is taken as what it is: no limit may be off for
        as long as a venue likes.
        """
        return any(self.unread.values()) or any(
            move.state == SENT or (move.state in (UNKNOWN, PROCESSING) and now - move.ts_sent < _IN_TRANSIT)
            for move in self._moves.values()
            if move.place is None  # a position's margin is a part of the balance before and after
        )

    def is_blurred(self, move: Move) -> bool:
        """Whether another change of the same margin may be in what it is now, which then says nothing of this."""
        return move.was_blurred or (move.place is not None and self._has_others(move))

    def _has_others(self, move: Move) -> bool:
        return any(
            one.key != move.key
            and one.place == move.place
            and (one.ts_sent >= move.ts_sent or not one.is_over)
            and (one.state != REFUSED or one.was_decided)
            for one in self._moves.values()
        )

    def twin(self, request: FundsRequest, now: int, window: float) -> Move | None:
        """Returns what stands against one more: not answered for, or the same not done, or of `window` seconds."""
        since = now - round(window * NANOSECONDS)
        place = place_of(request)
        for move in reversed(self._moves.values()):
            asked = move.request
            if (asked.venue, asked.currency, move.place) != (request.venue, request.currency, place):
                continue
            # Of a position's margin neither way: what became of the first could not be told after the second.
            is_same_kind = asked.kind is request.kind
            if move.state in (UNKNOWN, SENT) and (is_same_kind or place is not None):
                return move
            if not is_same_kind:
                continue
            is_recent = move.ts_sent >= since and move.state != REFUSED
            if asked.amount == request.amount and (is_recent or move.state == PROCESSING):
                return move
        return None

    def assign(
        self, moves: Sequence[Move], receipts: Sequence[FundsReceipt], settle: float, uncertainty: int
    ) -> dict[str, FundsReceipt]:
        """Gives receipts that nobody has to requests that look the same, as many as can have one; by request id.

        Each goes to the request, of those that it can be of, that dies first: so that none is left for which only
        a later receipt would do.
        """
        waiting = [move for move in moves if move.receipt is None]
        given: dict[str, FundsReceipt] = {}
        for receipt in sorted(receipts, key=lambda one: one.ts_event):
            if receipt.venue_id and (receipt.request.venue, receipt.venue_id) in self._claimed:
                continue
            fitting = [
                move
                for move in waiting
                if move.key not in given and _may_be_of(receipt, move, settle, uncertainty)
            ]
            if fitting:
                first = min(fitting, key=lambda move: (move.deadline is None, move.deadline or 0, move.ts_sent))
                given[first.key] = receipt
        return given

    def views(
        self, venue: str, provable: Callable[[Move], int | None], place: Place | None = None
    ) -> tuple[FundsView, ...]:
        """Returns the rows of a venue's margin wallet, or of one position, newest first."""
        return tuple(
            FundsView(
                request=move.request,
                state=move.state,
                is_over=move.is_over,
                words=move.words,
                ts_sent=move.ts_sent,
                ts_provable=provable(move) if move.state == UNKNOWN else None,
            )
            for move in reversed(self._moves.values())
            if move.request.venue == venue and move.place == place
        )


def place_of(request: FundsRequest) -> Place | None:
    """Returns the position whose margin is meant; None where it is a margin wallet."""
    return (request.instrument, request.position_id) if request.instrument is not None else None


def _may_be_of(receipt: FundsReceipt, move: Move, settle: float, uncertainty: int) -> bool:
    if not receipt.ts_event:
        return True
    until = move.until(settle)
    slack = NANOSECONDS + uncertainty  # some venues date in whole seconds
    return receipt.ts_event >= move.since - slack and (until is None or receipt.ts_event <= until + slack)
