"""The book of one market, where the document leaves open what a message of the stream `<symbol>@depthN` is.

WHOLE: each has the best N levels of both sides, and replaces the book. A number that goes back is old.
CHANGES: each has the levels that changed, a quantity of 0 ends one, and `pu` is the `u` of the message before.
The first after a subscription is whole. What does not follow is held back for a moment, since messages may have
changed places; where what is missing does not come, the book is subscribed anew.

Which of the two it is (`Reading`, one of all books of a host) is set, or seen from what arrives, each message
compared with the valid book before it. Changes repeat no level as it stands, a whole book repeats nearly all:

    a level with a quantity of 0                        changes, and that is proven
    some levels stand in the book as they are: half of the message's, which has half as many as the book, or any
    where it has as many as the book on each side       whole
    no level stands in the book as it is, which has twenty or more: the message has fewer than half as many
                                                        changes
    the same, and it has as many as the book on each side
                                                        whole
    anything else                                       not to be said

Beside a book of twenty levels or more one message decides; beside a shallower one it is a guess. The first message
after a subscription is whole either way, so that the book is right before anything is known. One without a level
is no word to build on: where messages are not known to be whole, the next has the book subscribed anew. So has,
twice for a market at most, an early change that ends a level of which a book below its limit knows nothing: the
first message was lost, and a change taken for it.

Where the guess was wrong the two are never mixed: the book breaks, as do all others of that host, and each is
subscribed anew, under the other reading. A proof is enough for that, and while nothing was decided a guess. What
was decided takes three messages in a row that contradict it; each of them breaks its book. What can not be said
while nothing is known breaks the book as well. A setting is never overruled: a book that contradicts it stays
broken, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

import msgspec

from venues.book import Book
from venues.events import BookDelta, BookSnapshot, Level
from venues.mayex.figures import is_figure, plain
from venues.mayex.wire import WireDepth, WireLevel
from venues.model import InstrumentId
from venues.transport.books import trimmed

_PROVEN = 1
_DEEP = 20  # levels of both sides, from which on one message tells whole books from changes
_MOST_AGAINST = 3  # messages in a row that contradict what was decided
_MOST_HELD = 8  # messages that wait for one before them
_MOST_BEHIND = 5  # messages in a row with rising numbers that are behind the book: they have begun anew
_YOUNG = 5  # changes in which a first message is known that was none
_MOST_DOUBTS = 2  # first messages of a market that are doubted: some venues end levels that were never told


class Kind(Enum):
    """What the messages of the depth streams are."""

    WHOLE = "replace"
    CHANGES = "diff"


class Reading:
    """How the messages of one host are read; `setting` is "auto", "replace" or "diff"."""

    def __init__(self, setting: str = "auto") -> None:
        self.is_set = setting != "auto"
        self.kind = Kind(setting) if self.is_set else None
        self.is_sure = self.is_set
        self.turns = 0  # how often it was taken back
        self._against = 0  # messages in a row that contradict what was decided

    def learn(self, looks: Kind | None, *, is_deep: bool = True, is_proof: bool = False) -> bool:
        """Takes what a message looks like; returns False where it can not be used, and its book is to break."""
        if self.is_set:
            return not is_proof or self.kind is looks
        if looks is None:
            return self.kind is not None
        if self.kind is None or self.kind is looks:
            self.kind = looks
            self.is_sure = self.is_sure or is_deep or is_proof
            self._against = 0
            return True
        self._against += 1
        if is_proof or not self.is_sure or self._against >= _MOST_AGAINST:
            self.kind, self.is_sure, self._against = looks, is_proof, 0
            self.turns += 1
        return False


class DepthFeed:
    """The book of `instrument`, `limit` levels a side, by the `reading` that all books of its host have.

    `is_held` says that a message waits for what is missing before it, `needs_anew` that nothing but another
    subscription mends the book.
    """

    def __init__(self, instrument: InstrumentId, reading: Reading, limit: int = 100) -> None:
        self.instrument = instrument
        self.reading = reading
        self.limit = limit
        self.book = Book(instrument, _proof)
        self._is_fresh = True  # the first message of a subscription is due
        self._is_doubted = False
        self._held: dict[int, WireDepth] = {}  # by the number that each follows
        self._levels = 0  # of the book when it was last valid
        self._newest = -1  # the number of the newest message, whether or not the book could take it
        self._behind = 0  # messages in a row
        self._behind_at = -1
        self._young = 0  # changes to come that may still show that the first message was none
        self._doubts = 0

    @property
    def is_held(self) -> bool:
        return bool(self._held)

    @property
    def is_empty(self) -> bool:
        """Whether the book is valid and has no level, which may be a fault."""
        return self.book.is_valid and self.book.depth() == (0, 0)

    @property
    def needs_anew(self) -> bool:
        if self.book.is_valid or self._is_fresh:
            return False
        return self._is_doubted or self.reading.kind is not Kind.WHOLE

    def restart(self) -> None:
        """Waits for the first message of another subscription, which is whole."""
        self._is_fresh = True
        self._is_doubted = False
        self._held.clear()
        self._behind = 0

    def give_up(self, why: str = "") -> None:
        """Breaks the book, which nothing but another subscription mends; without a reason for what is missing."""
        self._is_fresh = False
        self._is_doubted = True
        missing = f"what follows {self.book.sequence} has not come"
        self._held.clear()
        self.book.invalidate(why or missing)

    def take(self, wire: WireDepth, ts_event: int, ts_recv: int) -> list[BookSnapshot | BookDelta]:
        """Applies a message; returns the events that do the same to any other book.

        None where it changes nothing, or where the book is not valid afterwards.
        """
        newest, self._newest = self._newest, max(self._newest, wire.last)
        events = self._take(wire, newest, ts_event, ts_recv)
        if self.book.is_valid:
            self._levels = sum(self.book.depth())
        return events

    def _take(self, wire: WireDepth, newest: int, ts_event: int, ts_recv: int) -> list[BookSnapshot | BookDelta]:
        reading, ends = self.reading, _ends_levels(wire)
        if ends and not reading.learn(Kind.CHANGES, is_proof=True):
            self._contradict(wire)
            return []
        if self._is_fresh:
            is_late = wire.last > newest >= 0 and wire.previous == newest and self._is_small(wire)
            if reading.kind is not Kind.WHOLE and (ends or is_late):
                return []  # the last word of another subscription
            return self._replace(wire, ts_event, ts_recv)
        if self.needs_anew or self._is_behind(wire):
            return []
        if reading.kind is Kind.CHANGES and not self._follows(wire):
            self._hold(wire)
            return []
        if self.is_empty and reading.kind is not Kind.WHOLE:
            self.give_up("the whole book had come without a level")
            return []
        if self.book.is_valid and not ends and not self._is_read(wire):
            self._contradict(wire)
            return []
        if reading.kind is Kind.CHANGES:
            return self._change_all(wire, ts_event, ts_recv)
        return self._replace(wire, ts_event, ts_recv)

    def _is_read(self, wire: WireDepth) -> bool:
        """Learns from a message that ends no level; returns whether it can be used."""
        bids, asks = self.book.top(self.limit)
        return self.reading.learn(looks_like(wire, bids, asks), is_deep=len(bids) + len(asks) >= _DEEP)

    def _contradict(self, wire: WireDepth) -> None:
        if self.reading.is_set:
            self.book.invalidate("a level without a quantity, though each message is set to be a whole book")
        else:
            self.give_up(f"it is not sure whether {wire.last} is a whole book or what changed")

    def _replace(self, wire: WireDepth, ts_event: int, ts_recv: int) -> list[BookSnapshot | BookDelta]:
        bids, asks = wire.bids[: self.limit], wire.asks[: self.limit]
        self._young = _YOUNG if self._is_fresh else 0
        self._is_fresh = False
        before = (self.book.sequence, *self.book.top(self.limit)) if self.book.is_valid else None
        whole = BookSnapshot(self.instrument, bids, asks, wire.last, ts_event, ts_recv)
        if not self._apply(whole, is_numbered=wire.last > 0):
            return []
        if before is None:
            return [whole]
        sequence, old_bids, old_asks = before
        new_bids, new_asks = changes_of(old_bids, bids), changes_of(old_asks, asks)
        if not new_bids and not new_asks and sequence == wire.last:
            return []
        return [BookDelta(self.instrument, new_bids, new_asks, sequence, wire.last, ts_event, ts_recv)]

    def _change_all(self, wire: WireDepth, ts_event: int, ts_recv: int) -> list[BookSnapshot | BookDelta]:
        """Applies a message that follows, and those that were held because it was missing."""
        events: list[BookSnapshot | BookDelta] = []
        following: WireDepth | None = wire
        while following is not None:
            event = self._change(following, ts_event, ts_recv)
            if event is None:
                break
            events.append(event)
            following = self._held.pop(self.book.sequence, None)
        return events

    def _change(self, wire: WireDepth, ts_event: int, ts_recv: int) -> BookSnapshot | BookDelta | None:
        if self._young > 0 and self._ends_strangers(wire):
            self.give_up("the first message was no whole book")
            return None
        is_numbered, stands_at = wire.last > 0, self.book.sequence
        previous, sequence = (stands_at, wire.last) if is_numbered else (-1, stands_at)
        event = BookDelta(self.instrument, wire.bids, wire.asks, previous, sequence, ts_event, ts_recv)

        def apply(each: BookSnapshot | BookDelta) -> bool:
            return self._apply(each, is_numbered=is_numbered)

        return trimmed(self.book, self.limit, apply, event) if apply(event) else None

    def _ends_strangers(self, wire: WireDepth) -> bool:
        """Whether a change ends a level that a whole book would have had: its first message was lost."""
        self._young -= 1
        if self._doubts >= _MOST_DOUBTS:
            return False
        for told, side in zip((wire.bids, wire.asks), self.book.top(self.limit), strict=True):
            ended = {plain(Decimal(price)) for price, size in told if _is_nothing(size) and is_figure(price)}
            if len(side) < self.limit and ended.difference(plain(Decimal(price)) for price, _ in side):
                self._doubts += 1
                return True
        return False

    def _hold(self, wire: WireDepth) -> None:
        self._held[wire.previous if wire.previous >= 0 else wire.first - 1] = wire
        if len(self._held) > _MOST_HELD:
            self.give_up()

    def _follows(self, wire: WireDepth) -> bool:
        """Whether a message is the next one. One without a number has only its place."""
        if wire.last <= 0:
            return True
        if wire.previous >= 0:
            return wire.previous == self.book.sequence
        return 0 <= wire.first <= self.book.sequence + 1 <= wire.last

    def _is_behind(self, wire: WireDepth) -> bool:
        """Whether a message is not beyond the book: a duplicate, or older. Several that rise begin anew."""
        sequence, is_whole = self.book.sequence, self.reading.kind is Kind.WHOLE
        if wire.last <= 0 or wire.last > sequence:
            self._behind = 0
            return False
        if wire.last == sequence:
            return not is_whole
        self._behind = self._behind + 1 if wire.last > self._behind_at else 1
        self._behind_at = wire.last
        if self._behind < _MOST_BEHIND:
            return True
        self._behind = 0
        if not is_whole:
            self.give_up("its numbers have begun anew")
        return not is_whole

    def _is_small(self, wire: WireDepth) -> bool:
        return 2 * (len(wire.bids) + len(wire.asks)) < self._levels

    def _apply(self, event: BookSnapshot | BookDelta, *, is_numbered: bool) -> bool:
        return self.book.apply(msgspec.structs.replace(event, checksum=_PROVEN) if is_numbered else event)


def looks_like(wire: WireDepth, bids: Sequence[Level], asks: Sequence[Level]) -> Kind | None:
    """Returns what a message without a quantity of 0 looks like beside the book before it."""
    levels, standing = len(wire.bids) + len(wire.asks), len(bids) + len(asks)
    is_full = len(wire.bids) >= len(bids) and len(wire.asks) >= len(asks)
    if is_full and standing >= _DEEP:
        return Kind.WHOLE  # whatever stands in it
    same = len(set(bids).intersection(wire.bids)) + len(set(asks).intersection(wire.asks))
    if same:
        is_whole = is_full or (2 * levels >= standing and 2 * same >= levels)
        return Kind.WHOLE if is_whole else None
    return Kind.CHANGES if standing >= _DEEP and 2 * levels < standing else None


def changes_of(old: Sequence[Level], new: Sequence[WireLevel]) -> tuple[Level, ...]:
    """Returns the changes from one side to another; what ends comes first, since a price has two spellings."""
    before = set(old)
    prices = {price for price, _ in new}
    gone = tuple((price, "0") for price, _ in old if price not in prices)
    return gone + tuple(level for level in new if level not in before)


def _ends_levels(wire: WireDepth) -> bool:
    return any(_is_nothing(size) for _, size in (*wire.bids, *wire.asks))


def _is_nothing(size: str) -> bool:
    return size[:1] == "0" and not size.strip("0.")


def _proof(_bids: Sequence[Level], _asks: Sequence[Level]) -> int:
    """Stands for a checksum: what has numbers bears the same, and counts as verified by them."""
    return _PROVEN
