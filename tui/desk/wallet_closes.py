"""The closes that may not be seen yet in what is held: a second one would be of a size that is there no more.

Those of what margin wallets hold go one after the other, since no venue holds them to reducing: a second one would
open the other side, in whichever market of the currency it is. Where positions are polled, a part of one is closed
seconds before that shows, and half of it twice would be all of it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tui.desk.orders import Tracked
from venues.model import NANOSECONDS, Position


class _Close(NamedTuple):
    tracked: Tracked
    quantity: Decimal  # what was held when it was sent
    ts: int  # when it was sent
    ts_opened: int = 0  # of the position that it closes, where it is of one


_KEPT = 500
_LONGEST = 15.0  # seconds until a position is read again, where a venue is polled
_AT_MOST = 60  # seconds after a close was sent, however often its order is told of


class Closes:
    """The newest close of each currency in a margin wallet, and of each position, at each venue."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], _Close] = {}

    def note(self, venue: str, base: str, tracked: Tracked, quantity: Decimal, now: int) -> None:
        """Hears of a close that is about to be sent, of `quantity` held."""
        self._newest[venue, base] = _Close(tracked, quantity, now)
        if len(self._newest) > _KEPT:
            del self._newest[next(iter(self._newest))]

    def note_position(self, position: Position, tracked: Tracked, now: int) -> None:
        """Hears of a close of a position that was sent."""
        venue, name = position.instrument.venue, _name(position)
        self.note(venue, name, tracked, position.quantity, now)
        self._newest[venue, name] = self._newest[venue, name]._replace(ts_opened=position.ts_opened)

    def is_unshown(self, position: Position, now: int) -> bool:
        """Says whether the newest close of a position has traded, and the size of it is that of before."""
        close = self._newest.get((position.instrument.venue, _name(position)))
        if close is None or now - close.ts > _AT_MOST * NANOSECONDS:
            return False
        if position.ts_opened != close.ts_opened:  # "long:isolated" is the next one's id, too
            return False
        return _is_unshown(close, position.quantity, _LONGEST, now)

    def is_pending(self, venue: str, base: str, quantity: Decimal, settle: float, now: int) -> bool:
        """Says whether the `quantity` held may be what a close is about to take, or has taken unseen.

        `settle` is how many seconds the venue may take to show what it has taken.
        """
        close = self._newest.get((venue, base))
        if close is None:
            return False
        return not close.tracked.status.is_terminal or _is_unshown(close, quantity, settle, now)


def _is_unshown(close: _Close, quantity: Decimal, settle: float, now: int) -> bool:
    tracked, done = close.tracked, close.tracked.order.filled_quantity
    # Not compared for being equal: interest is charged meanwhile.
    is_shown = abs(close.quantity - quantity) > done / 2
    return bool(done) and not is_shown and now - max(close.ts, tracked.ts_told) < settle * NANOSECONDS


def _name(position: Position) -> str:
    return f"{position.instrument.symbol} {position.position_id}"
