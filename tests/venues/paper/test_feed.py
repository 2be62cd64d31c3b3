"""The feed does not end while the market is open, whatever is subscribed to and dropped in whatever order."""

from __future__ import annotations

import pytest

from tests.venues.paper.venue_setup import BTC_PERP, ETH_PERP, desk
from venues.commands import Channel, Subscription
from venues.events import BarUpdate, BookDelta, BookSnapshot, Trade
from venues.paper.venue import Settings

BOOK = Subscription(Channel.BOOK, BTC_PERP)


async def test_candles_that_are_subscribed_alone_come_and_nothing_stops() -> None:
    # Nothing is queued by it at once: the wake-up found an empty queue, and the venue fell silent for good.
    async with desk(Settings(rate=200)) as listener:
        await listener.until(lambda: bool(listener.events))
        await listener.venue.subscribe(Subscription(Channel.BARS, BTC_PERP, 300))
        await listener.until(lambda: len(listener.of(BarUpdate)) > 1)


@pytest.mark.parametrize("later", [BOOK, Subscription(Channel.TRADES, ETH_PERP)], ids=["again", "another"])
async def test_a_book_dropped_before_it_was_handed_out_stops_nothing(later: Subscription) -> None:
    async with desk(Settings(rate=200)) as listener:
        await listener.until(lambda: bool(listener.events))
        await listener.venue.subscribe(BOOK)
        await listener.venue.unsubscribe(BOOK)
        await listener.venue.subscribe(later)
        kinds = (BookSnapshot, BookDelta, Trade)
        await listener.until(lambda: sum(len(listener.of(kind)) for kind in kinds) > 3)
