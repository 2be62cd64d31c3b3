"""20,000 random sequences of damaged depth pushes, within which each planted bug is found.

50,000 with PITSIDE_TEST_LONG=1; as a program, `delta_sequences` plays a million.
"""

from __future__ import annotations

import pytest

from tests.support.effort import tries
from tests.venues.coinex.delta_sequences import Failure, play, play_many
from venues.book import Book
from venues.coinex.depth import DepthFeed
from venues.coinex.messages import DepthUpdate
from venues.coinex.parse import instrument_id
from venues.events import BookDelta, BookSnapshot

SHARE = tries(5_000, 12_500)


@pytest.mark.parametrize("first", range(0, 4 * SHARE, SHARE))
def test_what_is_damaged_is_found_before_the_next_read(first: int) -> None:
    counts = play_many(first, SHARE)
    assert counts["damage"] > SHARE / 2
    assert counts["caught"] > SHARE
    assert counts["verified"] > 2 * SHARE


class Unproven(DepthFeed):
    """Believes every push."""

    def __init__(self, market: str, limit: int) -> None:
        super().__init__(market, limit)
        self.book = Book(instrument_id(market))


class Timeless(DepthFeed):
    """Takes pushes of the past."""

    def take(self, push: DepthUpdate, ts_recv: int) -> BookSnapshot | BookDelta | None:
        self._newest = 0
        return super().take(push, ts_recv)


class Selfish(DepthFeed):
    """Tells what it did not believe itself."""

    def take(self, push: DepthUpdate, ts_recv: int) -> BookSnapshot | BookDelta | None:
        event = super().take(push, ts_recv)
        return event or BookDelta(self.book.instrument, (), (), -1, 0, 0, ts_recv)


class Nervous(DepthFeed):
    """Takes every whole book but the first for a fault."""

    def take(self, push: DepthUpdate, ts_recv: int) -> BookSnapshot | BookDelta | None:
        if push.params[0] and self._newest:
            self.book.invalidate("it came too soon")
            return None
        return super().take(push, ts_recv)


class Deep(DepthFeed):
    """Keeps what fell behind the limit."""

    def __init__(self, market: str, limit: int) -> None:
        super().__init__(market, limit + 1)


@pytest.mark.parametrize("broken", [Unproven, Timeless, Selfish, Nervous, Deep])
def test_a_feed_with_a_planted_bug_is_caught(broken: type[DepthFeed]) -> None:
    with pytest.raises(Failure):
        for seed in range(4 * SHARE):
            play(seed, broken)
