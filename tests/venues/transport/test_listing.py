"""What a venue lists: read when it is asked for, once for all who ask, and anew after five minutes."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.frames import spot
from venues.errors import ConnectionLost, UnknownInstrument, VenueError
from venues.model import Instrument, InstrumentId
from venues.transport.listing import InstrumentList

BTC, ETH = (spot(base, "0.1", "0.01", venue="here") for base in ("BTC", "ETH"))
NEW = InstrumentId("here", "NEW")


class Venue:
    def __init__(self) -> None:
        self.listed: list[Instrument] = [ETH, BTC]
        self.reads = 0
        self.is_away = False
        self.now = 50.0
        self.listing = InstrumentList("here", self.read, monotonic=lambda: self.now)

    async def read(self) -> dict[InstrumentId, Instrument]:
        self.reads += 1
        if self.is_away:
            raise ConnectionLost("here", "away")
        return {each.id: each for each in self.listed}


async def test_it_is_read_once_for_all_and_keeps_its_order() -> None:
    venue = Venue()
    assert venue.listing.known(BTC.id) is None
    assert not venue.listing.is_read
    found, _ = await asyncio.gather(venue.listing.all(), venue.listing.one(BTC.id))
    assert list(found.values()) == [ETH, BTC]
    assert venue.listing.known(BTC.id) is BTC
    assert (venue.reads, venue.listing.is_read) == (1, True)


async def test_after_five_minutes_it_is_read_anew() -> None:
    venue = Venue()
    await venue.listing.all()
    venue.now += 299
    await venue.listing.all()
    assert venue.reads == 1
    venue.now += 1
    venue.listed = [BTC]
    assert list((await venue.listing.all()).values()) == [BTC]
    assert venue.listing.known(ETH.id) is None


async def test_what_is_not_listed_is_said_so() -> None:
    venue = Venue()
    for call in (venue.listing.one, venue.listing.require):
        with pytest.raises(UnknownInstrument, match="NEW is not listed here"):
            await call(NEW)
    await venue.listing.require(BTC.id)


async def test_where_it_can_not_be_read_the_stream_has_the_last_word() -> None:
    venue = Venue()
    venue.is_away = True
    await venue.listing.require(NEW)
    with pytest.raises(ConnectionLost):
        await venue.listing.one(NEW)
    with pytest.raises(VenueError):
        await venue.listing.require(InstrumentId("elsewhere", "BTC"))
    venue.is_away = False
    assert await venue.listing.one(BTC.id) is BTC
