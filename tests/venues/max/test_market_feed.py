"""The market's half at a scripted MAX: what is asked for and when, what is told, and what a loss does."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.venues.max.scripted_venue import ScriptedBook, market_row
from tests.venues.max.venue_rig import BOOK, BTC, ETH, USDT, VenueRig, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.book import Book, InvalidBook
from venues.commands import Channel, Subscription
from venues.errors import BadRequest
from venues.events import LinkState
from venues.model import InstrumentId
from venues.port import KeepsBooks, Venue

TRADES = Subscription(Channel.TRADES, BTC)
TICKER = Subscription(Channel.TICKER, BTC)
BARS = Subscription(Channel.BARS, BTC, 60)


async def subscribed(rig: VenueRig) -> tuple[ScriptedBook, Book]:
    """Returns the venue's book of BTC and ours, full."""
    await rig.venue.subscribe(BOOK)
    book = rig.venue.book(BTC)
    assert book is not None
    await until(lambda: book.is_valid)
    return rig.stream.books["btctwd"], book


def all_stand_at(books: list[Book], last: int) -> bool:
    return all(book.is_valid and book.sequence == last for book in books)


def is_valid(rig: VenueRig, instrument: InstrumentId) -> bool:
    book = rig.venue.book(instrument)
    return book is not None and book.is_valid


@in_virtual_time
async def test_it_is_a_venue_that_keeps_its_books() -> None:
    async with connected() as rig:
        assert isinstance(rig.venue, Venue)
        assert isinstance(rig.venue, KeepsBooks)
        theirs, ours = await subscribed(rig)
        rig.stream.push(theirs.change("bids", "99.5", "1"), theirs.change("asks", "101.0", "0"))
        await until(lambda: ours.sequence == theirs.last)
        assert ours.top(50) == theirs.levels == rig.books[BTC].top(50)


@in_virtual_time
async def test_what_is_wanted_at_once_goes_out_as_one_message_and_again_after_a_reconnect() -> None:
    async with connected() as rig:
        before = len(rig.stream.asked("sub"))
        await asyncio.gather(*(rig.venue.subscribe(each) for each in (BOOK, TRADES, TICKER, BARS)))
        (call,) = rig.stream.asked("sub")[before:]
        assert call["subscriptions"] == [
            {"channel": "book", "market": "btctwd", "depth": 50}, {"channel": "trade", "market": "btctwd"},
            {"channel": "ticker", "market": "btctwd"},
            {"channel": "kline", "market": "btctwd", "resolution": "1m"},
        ]  # fmt: skip
        await rig.venue.subscribe(BOOK)
        assert len(rig.stream.asked("sub")) == before + 1  # twice is once
        rig.stream.peer.reset()
        await until(lambda: len(rig.stream.peers) == 2 and rig.state is LinkState.LIVE)
        again = rig.stream.asked("sub")[before + 1 :]
        assert len(again) == 1
        assert [each["channel"] for each in again[0]["subscriptions"]] == [
            "market_status", "book", "trade", "ticker", "kline",
        ]  # fmt: skip


@in_virtual_time
async def test_a_subscription_ends_with_the_key_in_both_numbers() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BOOK)
        await rig.venue.unsubscribe(BOOK)
        await until(lambda: rig.stream.asked("unsub"))
        (call,) = rig.stream.asked("unsub")
        assert (
            call["subscription"] == call["subscriptions"] == [{"channel": "book", "market": "btctwd", "depth": 50}]
        )
        assert rig.venue.book(BTC) is None


@in_virtual_time
async def test_a_market_that_the_venue_refuses_stops_no_other() -> None:
    async with connected() as rig:
        rig.stream.unknown = {"ethtwd"}
        wanted = [Subscription(Channel.BOOK, each) for each in (BTC, ETH, USDT)]
        found = await asyncio.gather(*(rig.venue.subscribe(each) for each in wanted), return_exceptions=True)
        assert [type(each) for each in found] == [type(None), BadRequest, type(None)]
        assert rig.venue.book(ETH) is None
        for instrument in (BTC, USDT):
            await until(partial(is_valid, rig, instrument))


@in_virtual_time
async def test_a_market_that_is_delisted_is_left_out_after_a_reconnect() -> None:
    async with connected() as rig:
        for instrument in (BTC, ETH):
            await rig.venue.subscribe(Subscription(Channel.BOOK, instrument))
        rig.stream.unknown = {"ethtwd"}
        rig.stream.peer.reset()
        await until(lambda: any("no longer sent" in text for text in rig.notices))
        book = rig.venue.book(BTC)
        assert book is not None
        await until(lambda: book.is_valid)
        assert rig.venue.book(ETH) is None


@in_virtual_time
async def test_where_everything_is_refused_it_is_tried_again() -> None:
    async with connected() as rig:
        _, ours = await subscribed(rig)
        rig.stream.unknown = {"btctwd"}
        rig.stream.peer.reset()
        await until(lambda: len(rig.stream.peers) == 2 and not ours.is_valid)
        before = len(rig.stream.sent_at)
        await passes(30)
        assert len(rig.stream.sent_at) - before <= 8  # now and then, since the messages are counted
        rig.stream.unknown = set()
        await until(lambda: rig.venue.book(BTC) is not None and ours.is_valid, 30)


@pytest.mark.parametrize("kind", ["lost", "crossed", "version", "unreadable", "unnumbered"])
def test_a_damaged_message_breaks_the_book_at_once_and_it_is_mended(kind: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected() as rig:
            theirs, ours = await subscribed(rig)
            calls = len(rig.stream.asked("sub"))
            damaged: dict[str, Any] | bytes
            match kind:
                case "lost":
                    theirs.change("bids", "99.5", "1")
                    damaged = theirs.change("bids", "99.6", "1")
                case "crossed":
                    damaged = theirs.change("bids", "99.6", "1") | {"b": [["109.0", "1"]]}
                case "version":
                    theirs.version += 1
                    damaged = theirs.change("bids", "99.6", "1")
                case "unreadable":
                    damaged = b'{"c":"book","e":"update","M":"btctwd","a":[["1",NaN]]}'
                case _:
                    damaged = theirs.change("bids", "99.6", "1", v=None)
            rig.stream.sends_snapshots = False
            rig.stream.push(damaged)
            await until(lambda: not ours.is_valid)
            with pytest.raises(InvalidBook):
                ours.best_bid()
            await until(lambda: not rig.books[BTC].is_valid)
            await until(lambda: rig.stream.asked("unsub"))
            rig.stream.sends_snapshots = True
            await until(lambda: ours.is_valid, 20)
            assert ours.top(50) == theirs.levels
            await until(lambda: rig.books[BTC].is_valid)
            assert len(rig.stream.asked("sub")) - calls <= 3

    run()


@in_virtual_time
async def test_fifty_gaps_at_once_stay_within_what_may_be_sent() -> None:
    """20 messages a second and 200 a minute are allowed; all books are asked for in two."""
    names = [f"c{number:02}twd" for number in range(50)]
    async with connected() as rig:
        rig.rest.on("GET /markets", [market_row(name) for name in names])
        instruments = [each.id for each in await rig.venue.fetch_instruments()]
        assert len(instruments) == 50
        await asyncio.gather(*(rig.venue.subscribe(Subscription(Channel.BOOK, each)) for each in instruments))
        books = [book for each in instruments if (book := rig.venue.book(each)) is not None]
        await until(lambda: all(book.is_valid for book in books))
        began, before = asyncio.get_running_loop().time(), len(rig.stream.sent_at)
        for storm in range(8):  # one after the other, as fast as they are mended
            gaps = [rig.stream.books[name].change("bids", "50.0", str(storm + 1)) for name in names]
            lost = [rig.stream.books[name].change("bids", "51.0", str(storm + 1)) for name in names]
            assert len(gaps) == len(lost) == 50
            rig.stream.push(*lost)
            await until(partial(all_stand_at, books, rig.stream.books[names[0]].last), 30)
        sent = rig.stream.sent_at[before:]
        assert 2 <= len(sent) <= 8 * 4
        assert max(Counter(int(moment) for moment in sent).values()) <= 20
        assert sum(moment - began < 60 for moment in sent) <= 200
        assert rig.stream.peers == [rig.stream.peer]


@in_virtual_time
async def test_an_empty_book_is_empty_until_the_next_full_one() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        theirs.last += 1
        rig.stream.push(theirs.full(a=[], b=[]), theirs.change("bids", "99.5", "1"))
        await until(lambda: ours.best_bid() is None)
        assert ours.depth() == (0, 0)
        await until(lambda: ours.best_bid() is not None, 20)  # asked for after a while
        assert ours.top(50) == theirs.levels == rig.books[BTC].top(50)


@in_virtual_time
async def test_a_lost_connection_makes_every_book_unreadable() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        rig.stream.sends_snapshots = False
        rig.stream.peer.reset()
        await until(lambda: not ours.is_valid)
        await until(lambda: not rig.books[BTC].is_valid)
        theirs.version, theirs.last = 9, 3
        rig.stream.sends_snapshots = True
        await until(lambda: ours.is_valid, 30)
        assert ours.top(50) == theirs.levels
