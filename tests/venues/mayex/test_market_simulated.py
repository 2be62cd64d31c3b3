"""The market at the local exchange, which is written from the same document by other hands: both hosts at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import pytest

from tests.venues.transport.stream_rig import open_descriptors, until
from tests.venues.transport.venue_rig import Consumer
from venues.commands import Channel, Subscription
from venues.events import BarUpdate, BookDelta, LinkState, MarkPrice, StreamStatus, Ticker, Trade
from venues.mayex.depth import Kind, Reading
from venues.mayex.figures import instrument_id, spot_id
from venues.mayex.parse import INTERVALS
from venues.mayex.venue import MayexVenue, Settings
from venues.model import InstrumentId
from venues.simulators.serving import Practice, served_in_thread

SCALE = 0.2
PERP, SPOT = instrument_id("btcusdt"), spot_id("btcusdt")


@pytest.fixture(scope="module")
def served() -> Iterator[Practice]:
    with served_in_thread("mayex", seed=5, rate=300, time_scale=SCALE) as practice:
        yield practice


class Rig(Consumer[MayexVenue]):
    """The venue at the exchange, without a key."""

    def __init__(self, practice: Practice, control: httpx.AsyncClient, **settings: Any) -> None:
        super().__init__(0)
        self.control = control
        given: dict[str, Any] = {
            "rest_url": practice.rest_url, "ws_url": practice.ws_url, "is_practice": True, "time_scale": SCALE,
        }  # fmt: skip
        self.venue = MayexVenue(Settings(**(given | settings)))
        self.follow()

    async def act(self, do: str, **wish: object) -> None:
        answer = await self.control.post("/practice/act", json={"do": do, **wish})
        assert answer.status_code == 200, answer.text

    async def switch(self, faults: str) -> None:
        if faults:
            answer = await self.control.put("/practice/faults", json={"faults": faults})
        else:
            answer = await self.control.delete("/practice/faults")
        assert answer.is_success, answer.text

    async def truth(self, instrument: InstrumentId) -> tuple[list[Any], list[Any]]:
        """Returns the best twenty levels of a book as the exchange has them."""
        book = (await self.control.get("/practice/state")).json()["books"][instrument.symbol]
        bids, asks = (
            [(Decimal(price), Decimal(size)) for price, size in book[side][:20]] for side in ("bids", "asks")
        )
        return bids, asks

    async def is_true(self, instrument: InstrumentId) -> None:
        """Waits until the book and what the events alone make are the exchange's, which is at rest."""
        true, book = await self.truth(instrument), self.venue.book(instrument)
        assert book is not None
        await until(lambda: book.is_valid and book.levels(20) == true, 10.0)
        await until(lambda: self.books[instrument].is_valid and self.books[instrument].levels(20) == true, 10.0)


@asynccontextmanager
async def connected(practice: Practice, **settings: Any) -> AsyncIterator[Rig]:
    before = open_descriptors()
    async with httpx.AsyncClient(base_url=practice.rest_url, trust_env=False) as control:
        rig = Rig(practice, control, **settings)
        await rig.act("depth", mode="replace")
        await rig.act("resume")
        try:
            await rig.venue.connect()
            yield rig
        finally:
            await rig.aclose()
    await until(lambda: len(asyncio.all_tasks()) == 1 and open_descriptors() <= before)


def told(rig: Rig, instrument: InstrumentId, kind: type[Any]) -> Callable[[], bool]:
    return lambda: any(event.instrument == instrument for event in rig.of(kind))


def are_read(readings: Sequence[Reading], kind: Kind) -> bool:
    return all(reading.kind is kind for reading in readings)


async def test_contracts_and_spot_pairs_are_told_side_by_side(served: Practice) -> None:
    async with connected(served) as rig:
        names = {one.symbol for one in [each.id for each in await rig.venue.fetch_instruments()]}
        assert {"btcusdt", "btcusdt.spot"} <= names
        assert rig.venue._market._spot is None, "nobody has asked for a pair"
        for instrument in (PERP, SPOT):
            for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER):
                await rig.venue.subscribe(Subscription(channel, instrument))
            await rig.venue.subscribe(Subscription(Channel.BARS, instrument, 60))
        await rig.venue.subscribe(Subscription(Channel.MARK, PERP))
        for instrument in (PERP, SPOT):
            for kind in (BookDelta, Trade, Ticker):
                await until(told(rig, instrument, kind), 20.0)
        await until(lambda: {update.bar.instrument for update in rig.of(BarUpdate)} == {PERP, SPOT}, 20.0)
        await until(lambda: rig.of(MarkPrice))
        await rig.act("quiet")
        for instrument in (PERP, SPOT):
            await rig.is_true(instrument)
        assert rig.venue.quarantined == 0


async def test_the_chip_tells_the_worse_of_both_while_both_are_in_use(served: Practice) -> None:
    async with connected(served) as rig:
        wish = Subscription(Channel.TICKER, SPOT)
        await rig.venue.subscribe(Subscription(Channel.TICKER, PERP))
        await rig.venue.subscribe(wish)
        await until(told(rig, SPOT, Ticker), 10.0)
        spot = rig.venue._market._spot
        assert spot is not None
        spot.stream.reconnect("it was told to")
        await until(lambda: any(one.detail.startswith("spot: ") for one in rig.of(StreamStatus)))
        await until(lambda: rig.state is LinkState.LIVE, 10.0)
        await rig.venue.unsubscribe(wish)
        await until(lambda: not spot.is_in_use)
        count = len(rig.events)
        spot.stream.reconnect("nobody uses it")
        await until(lambda: spot.stream.connections == 3, 10.0)
        states = [event.state for event in rig.events[count:] if isinstance(event, StreamStatus)]
        assert LinkState.RECONNECTING not in states


async def test_a_venue_that_begins_to_send_changes_is_followed(served: Practice) -> None:
    async with connected(served) as rig:
        for instrument in (PERP, SPOT):
            await rig.venue.subscribe(Subscription(Channel.BOOK, instrument))
        readings = [rig.venue._market.host(instrument).books.reading for instrument in (PERP, SPOT)]
        for mode in ("replace", "diff", "replace"):
            await rig.act("depth", mode=mode)
            await until(partial(are_read, readings, Kind(mode)), 20.0)
            await rig.act("quiet")
            for instrument in (PERP, SPOT):
                await rig.is_true(instrument)
            await rig.act("resume")


async def test_changes_under_faults_are_followed_or_taken_anew(served: Practice) -> None:
    async with connected(served, depth="diff") as rig:
        await rig.act("depth", mode="diff")
        await rig.venue.subscribe(Subscription(Channel.BOOK, PERP))
        books = rig.venue._market.contracts.books
        await rig.switch("gap:0.1,duplicate:0.2,reorder:0.2,crossed:0.05,nan:0.05")
        await until(lambda: books.faults > 3, 30.0)
        await rig.switch("")
        await rig.act("quiet")
        await rig.is_true(PERP)


async def test_candles_of_every_interval_and_several_days_are_read_at_once(served: Practice) -> None:
    async with connected(served) as rig:
        found = await asyncio.gather(*(rig.venue.fetch_bars(PERP, interval, 5) for interval in INTERVALS))
        assert [bars[-1].interval for bars in found] == list(INTERVALS)
        days = await rig.venue.fetch_tickers([SPOT, PERP])
        assert [day.instrument for day in days] == [SPOT, PERP]
        book = await rig.venue.fetch_order_book(SPOT, 20)
        assert len(book.bids) == len(book.asks) == 20
