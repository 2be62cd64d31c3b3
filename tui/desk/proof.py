"""What it proves that a venue does not find an order: next to nothing, unless the request's life is bounded.

Right after a timeout "not found" was wrong 54 times of 62, since the venue had not booked the order yet. It is a
proof only when the question left after everything that we sent had died at the venue, and after the venue had
time to show what it took; and only where the answer covers orders that are over.
"""

from __future__ import annotations

from enum import Enum, auto

from tui.desk.orders import Tracked
from venues.model import NANOSECONDS
from venues.port import Capabilities, VenueTime


class Proof(Enum):
    """What a miss proves."""

    NEVER_PLACED = auto()
    NOT_RESTING = auto()  # never placed, or ended unfilled: this venue does not tell the two apart


def provable_at(tracked: Tracked, can: Capabilities) -> int | None:
    """Returns the moment of the venue's clock after which a question can be answered for good; None: never.

    Nanoseconds UTC; the clock's uncertainty is not in it.
    """
    if tracked.deadline is None:
        return None
    return tracked.deadline + round(can.settle * NANOSECONDS)


def is_answer_final(tracked: Tracked, can: Capabilities, asked: VenueTime | None) -> bool:
    """Says whether nothing that we sent can still change what the venue answered to a question of `asked`.

    `asked` is the venue's clock before the question left.
    """
    at = provable_at(tracked, can)
    return at is not None and asked is not None and not tracked.in_flight and asked.now - asked.uncertainty >= at


def proof_of_miss(tracked: Tracked, can: Capabilities, asked: VenueTime | None, now: int) -> Proof | None:
    """Returns what it proves that the venue did not find the order. `now` is the desk's clock at the question."""
    if not can.lookup_covers_closed or not is_answer_final(tracked, can, asked):
        return None
    if tracked.order.filled_quantity:
        return None  # it has traded: a venue that does not find it is wrong
    if not tracked.is_confirmed:
        return Proof.NOT_RESTING if can.forgets_unfilled else Proof.NEVER_PLACED
    # The venue has shown it before, so that it is gone, or the venue's read is older than that.
    is_past = now - tracked.ts_told >= round(can.settle * NANOSECONDS)
    return Proof.NOT_RESTING if can.forgets_unfilled and is_past else None
