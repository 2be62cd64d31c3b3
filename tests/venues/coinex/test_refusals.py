"""A venue that refuses subscriptions for a while, as in a maintenance: what stood before is not given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.venues.coinex.scripted_coinex import MARKETS
from tests.venues.coinex.venue_rig import ETH, VenueRig, connected
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.errors import BadRequest
from venues.events import LinkState
from venues.model import InstrumentId

BOOKS = [InstrumentId("coinex", name) for name in MARKETS]


async def subscribed(rig: VenueRig) -> None:
    await asyncio.gather(*(rig.venue.subscribe(Subscription(Channel.BOOK, each)) for each in BOOKS))
    await until(lambda: valid(rig) == set(MARKETS))


def valid(rig: VenueRig) -> set[str]:
    books = {each.symbol: rig.venue.book(each) for each in BOOKS}
    return {name for name, book in books.items() if book is not None and book.is_valid}


def run_refused(codes: list[int], unknown: frozenset[str] = frozenset()) -> None:
    """Has books refused with these codes after a reconnect: in the end all are there but the unknown."""

    @in_virtual_time
    async def run() -> None:
        async with connected() as rig:
            await subscribed(rig)
            rig.stream.unknown = set(unknown)
            rig.stream.codes = list(codes)
            rig.stream.peer.reset()
            await until(lambda: len(rig.stream.peers) == 2 and not rig.stream.codes, 60)
            await until(lambda: valid(rig) == set(MARKETS) - unknown, 150)
            await until(lambda: rig.state is LinkState.LIVE)
            assert {name for name in MARKETS if rig.venue.book(InstrumentId("coinex", name)) is None} == unknown
            told = [text for text in rig.notices if "no longer sent" in text]
            assert [text.split(":")[0] for text in told] == sorted(unknown)

    run()


@pytest.mark.parametrize("times", range(1, 14))
def test_what_is_refused_only_for_a_while_is_kept(times: int) -> None:
    """Wherever in the asking by halves the refusals end: what was refused by then is asked for once more."""
    run_refused([1] * times)


@pytest.mark.parametrize("code", [2, 3, 5, 7])
@pytest.mark.parametrize("before", range(4))
def test_what_was_not_judged_is_kept(before: int, code: int) -> None:
    """The venue is unavailable in the middle of the asking: it says nothing about any market."""
    run_refused([1, *[1, 0, 1][:before], code])


@pytest.mark.parametrize("codes", [[1, 3], [1, 1, 1, 1, 1, 1, 1], [1, 1, 0, 7]])
def test_a_market_that_is_gone_is_found_when_the_refusals_are_over(codes: list[int]) -> None:
    run_refused(codes, frozenset({ETH.symbol}))


class Maintenance(set[str]):
    """Refuses whatever is asked for; in the middle of the asking by halves it has something done."""

    def __init__(self, do: Callable[[], None]) -> None:
        super().__init__()
        self.do = do
        self.asked = 0

    def __and__(self, markets: object) -> set[str]:
        self.asked += 1
        if self.asked == 3:
            self.do()
        return set(MARKETS)


@in_virtual_time
async def test_what_is_wished_for_meanwhile_gets_its_answer() -> None:
    async with connected() as rig:
        *first, last = (Subscription(Channel.BOOK, each) for each in BOOKS)
        await asyncio.gather(*map(rig.venue.subscribe, first))
        wished: list[asyncio.Task[None]] = []
        rig.stream.unknown = Maintenance(lambda: wished.append(asyncio.create_task(rig.venue.subscribe(last))))
        rig.stream.peer.reset()
        await until(lambda: wished and wished[0].done(), 1)
        with pytest.raises(BadRequest):
            await wished[0]
        rig.stream.unknown = set()
        await rig.venue.subscribe(last)
        await until(lambda: valid(rig) == set(MARKETS), 60)
        assert not [text for text in rig.notices if "no longer sent" in text]
