"""A venue that refuses subscriptions for a while, as in a maintenance: what stood before is not given up."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.max.scripted_venue import MARKETS
from tests.venues.max.venue_rig import connected
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.model import InstrumentId

BOOKS = [InstrumentId("max", name.upper()) for name in MARKETS]


class Fading(set[str]):
    """Markets that are refused so many times, whichever they are, and then no more."""

    def __init__(self, times: int) -> None:
        super().__init__(MARKETS)
        self.times = times

    def __contains__(self, market: object) -> bool:
        is_refused = self.times > 0 and super().__contains__(market)
        self.times -= is_refused
        return is_refused


@pytest.mark.parametrize("times", [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 16])
def test_what_is_refused_only_for_a_while_is_kept(times: int) -> None:
    """Wherever in the asking by halves the refusals end: what was refused by then is asked for once more."""

    @in_virtual_time
    async def run() -> None:
        async with connected() as rig:
            await rig.venue.fetch_instruments()
            await asyncio.gather(*(rig.venue.subscribe(Subscription(Channel.BOOK, each)) for each in BOOKS))
            books = [book for each in BOOKS if (book := rig.venue.book(each)) is not None]
            await until(lambda: all(book.is_valid for book in books))
            rig.stream.unknown = fading = Fading(times)
            rig.stream.peer.reset()
            await until(lambda: len(rig.stream.peers) == 2 and not fading.times)
            await until(lambda: all(book.is_valid for book in books))
            assert [rig.venue.book(each) for each in BOOKS] == books
            assert not [text for text in rig.notices if "no longer sent" in text]

    run()
