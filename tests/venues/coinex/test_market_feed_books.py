"""Books from frame to event: proven, broken at once where they can not be, and mended without a storm."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.venues.coinex.scripted_coinex import ScriptedBook, push
from tests.venues.coinex.venue_rig import BOOK, BTC, ETH, VenueRig, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.book import Book, Fault, InvalidBook, Verification
from venues.commands import Channel, Subscription
from venues.events import BookDelta, BookSnapshot, LinkState, StreamStatus
from venues.port import KeepsBooks


async def subscribed(rig: VenueRig) -> tuple[ScriptedBook, Book]:
    """Returns the venue's book of BTC and ours, proven."""
    await rig.venue.subscribe(BOOK)
    book = rig.venue.book(BTC)
    assert book is not None
    await until(lambda: book.is_valid)
    assert book.verification is Verification.VERIFIED
    return rig.stream.books["BTCUSDT"], book


def depth_calls(rig: VenueRig) -> int:
    return len(rig.stream.asked("depth.subscribe_multi"))


def assert_equal(rig: VenueRig, theirs: ScriptedBook, ours: Book) -> None:
    """Our book, and the one that follows the events alone, are the venue's."""
    bids, asks = theirs.levels
    assert ours.top(50) == (bids, asks)
    assert rig.books[ours.instrument].top(50) == (bids, asks)


@in_virtual_time
async def test_full_and_changed_pushes_make_the_book() -> None:
    async with connected() as rig:
        assert isinstance(rig.venue, KeepsBooks)
        theirs, ours = await subscribed(rig)
        rig.stream.push(
            theirs.change("bids", "99.50", "0.00000001"), theirs.change("asks", "101.00", "0"),
            theirs.change("asks", "100.50", "3.10"), theirs.change("bids", "96.00", "0.00000000"),
        )  # fmt: skip
        await until(lambda: ours.sequence == theirs.time)
        assert_equal(rig, theirs, ours)
        assert ours.best_bid() == (Decimal("99.50"), Decimal("0.00000001"))
        assert depth_calls(rig) == 1
        assert [type(event) for event in rig.events if isinstance(event, BookSnapshot | BookDelta)] == [
            BookSnapshot, BookDelta, BookDelta, BookDelta, BookDelta,
        ]  # fmt: skip


@pytest.mark.parametrize("kind", ["lost", "wrong checksum", "crossed", "nonsense", "reordered", "stale", "empty"])
def test_a_damaged_push_breaks_the_book_at_once_and_it_is_mended(kind: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected() as rig:
            theirs, ours = await subscribed(rig)
            rig.stream.sends_full = False
            old = theirs.full()
            match kind:
                case "lost":
                    theirs.change("bids", "99.50", "1")
                    frames = [theirs.change("bids", "99.00", "2")]
                case "wrong checksum":
                    frames = [theirs.change("bids", "99.50", "1", checksum=7)]
                case "crossed":
                    frames = [theirs.change("bids", "99.50", "1", bids=[["101.50", "1"]])]
                case "nonsense":
                    frames = [theirs.change("bids", "99.50", "1", bids=[["NaN", "1"]])]
                case "reordered":
                    first, second = theirs.change("bids", "99.50", "1"), theirs.change("bids", "99.50", "2")
                    frames = [second, first]
                case "stale":
                    frames = [theirs.change("bids", "99.50", "1"), old]
                case _:
                    frames = [theirs.full(bids=[], asks=[])]
            rig.stream.push(*frames)
            await until(lambda: not ours.is_valid)
            with pytest.raises(InvalidBook):
                ours.best_bid()
            with pytest.raises(InvalidBook):
                rig.books[BTC].best_bid()
            await until(lambda: depth_calls(rig) == 2, 0.5)
            rig.stream.push(theirs.full())
            await until(lambda: ours.is_valid)
            assert_equal(rig, theirs, ours)
            assert ours.verification is Verification.VERIFIED
            await passes(30)
            assert depth_calls(rig) == 2

    run()


@in_virtual_time
async def test_a_book_that_stays_broken_raises_no_storm() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        loop = asyncio.get_running_loop()
        began = loop.time()
        rig.stream.sends_full = False
        while loop.time() - began < 60:
            rig.stream.push(theirs.change("bids", "99.50", "1", bids=[["101.50", "1"]]))
            await passes(0.2)
        # At once, after 1, 3, 7, 15 s and then every 10 s.
        assert 8 <= depth_calls(rig) - 1 <= 10
        assert len(rig.of(BookDelta)) == 1
        rig.stream.sends_full = True
        await until(lambda: ours.is_valid, 11)
        assert_equal(rig, theirs, ours)


@in_virtual_time
async def test_a_checksum_that_never_matches_is_shown_as_unverified() -> None:
    async with connected() as rig:
        rig.stream.sends_full = False
        await rig.venue.subscribe(BOOK)
        theirs, ours = rig.stream.books["BTCUSDT"], rig.venue.book(BTC)
        assert ours is not None
        for number in range(3):
            assert not ours.is_valid
            rig.stream.push(theirs.full(checksum=7))
            await passes(1)
            assert depth_calls(rig) == 2 + (number > 0)  # the first fault is mended at once, the next after 1 s
        assert ours.is_valid
        assert ours.verification is Verification.UNVERIFIED
        rig.stream.push(theirs.change("bids", "99.50", "1", checksum=8))
        await until(lambda: ours.sequence == theirs.time)
        assert ours.is_valid
        assert_equal(rig, theirs, ours)
        for number in range(60):
            rig.stream.push(theirs.change("bids", "99.50", f"{number}.5", checksum=8))
            await passes(1)
        assert depth_calls(rig) <= 11  # the book might be wrong: it is asked for again, every 10 s
        assert ours.is_valid
        rig.stream.push(theirs.full())
        await until(lambda: ours.verification is Verification.VERIFIED)


@in_virtual_time
async def test_a_checksum_of_zero_is_none() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        rig.stream.push(theirs.change("bids", "99.50", "1", checksum=0))
        await until(lambda: ours.verification is Verification.UNVERIFIED)
        assert ours.is_valid
        rig.stream.push(theirs.change("bids", "99.50", "2"))
        await until(lambda: ours.verification is Verification.VERIFIED)
        assert depth_calls(rig) == 1


@in_virtual_time
async def test_a_lost_connection_breaks_every_book_until_it_is_full_again() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        rig.stream.sends_full = False
        rig.stream.peer.reset()
        await until(lambda: not ours.is_valid)
        assert not rig.books[BTC].is_valid
        told = [event for event in rig.events if isinstance(event, BookDelta)]
        assert rig.events.index(told[-1]) < len(rig.events) - 1  # the state is told after it
        await until(lambda: rig.state is LinkState.LIVE and depth_calls(rig) == 2)
        rig.stream.push(theirs.change("bids", "99.50", "1"))
        await passes(1)
        assert not ours.is_valid
        assert depth_calls(rig) == 2  # the full push is still on its way
        rig.stream.push(theirs.full())
        await until(lambda: ours.is_valid)
        assert_equal(rig, theirs, ours)


@in_virtual_time
async def test_frames_of_a_lost_connection_revive_no_book() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        rig.pace.clear()
        rig.stream.push(*(theirs.change("bids", "99.50", f"{n}") for n in range(1, 10_000)))
        await passes(5)
        rig.stream.push(theirs.full())
        rig.stream.sends_full = False
        rig.stream.peer.reset()
        await until(lambda: len(rig.stream.peers) == 2)
        rig.pace.set()
        await passes(2)
        assert not ours.is_valid
        assert not rig.books[BTC].is_valid


@in_virtual_time
async def test_a_frame_that_can_not_be_read_breaks_the_book_that_it_was_about() -> None:
    async with connected() as rig:
        _, ours = await subscribed(rig)
        await rig.venue.subscribe(Subscription(Channel.BOOK, ETH))
        other = rig.venue.book(ETH)
        assert other is not None
        await until(lambda: other.is_valid)
        rig.stream.sends_full = False
        rig.stream.push(push("depth.update", False, {"bids": "canary"}, "BTCUSDT"))
        await until(lambda: not ours.is_valid)
        assert other.is_valid
        rig.stream.push(b'{"method": "depth.update", "params": [')
        await until(lambda: not other.is_valid)
        assert "canary" not in ours.detail


@in_virtual_time
async def test_a_checksum_of_too_many_bits_breaks_the_book() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        rig.stream.push(theirs.change("bids", "99.50", "1", checksum=2**40))
        await until(lambda: rig.venue.quarantined == 1)
        await until(lambda: ours.is_valid and ours.sequence == theirs.time)
        assert depth_calls(rig) == 2
        assert_equal(rig, theirs, ours)


@in_virtual_time
async def test_a_book_that_its_reader_distrusts_is_mended() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        ours.invalidate("the program stood still")
        await until(lambda: ours.is_valid, 2)
        assert_equal(rig, theirs, ours)
        assert depth_calls(rig) == 2


@in_virtual_time
async def test_a_full_push_that_never_comes_is_asked_for_again() -> None:
    async with connected() as rig:
        rig.stream.sends_full = False
        await rig.venue.subscribe(BOOK)
        ours = rig.venue.book(BTC)
        assert ours is not None
        await passes(4)
        assert (ours.fault, depth_calls(rig)) == (Fault.WAITING, 1)
        rig.stream.sends_full = True
        await until(lambda: ours.is_valid, 3)
        assert depth_calls(rig) == 2


@in_virtual_time
async def test_a_book_can_be_merged() -> None:
    async with connected() as rig:
        assert await rig.venue.fetch_merge_steps(BTC) == ("0", "0.01", "0.1", "10")
        _, ours = await subscribed(rig)
        await rig.venue.set_book_merge(BTC, "0.1")
        merged = rig.venue.book(BTC)
        assert merged is not None
        await until(lambda: merged.is_valid)
        assert not ours.is_valid  # whoever still holds the old one can not read it
        assert rig.stream.asked("depth.subscribe_multi")[-1] == [["BTCUSDT", 50, "0.1", True]]
        await rig.venue.set_book_merge(BTC, "0.1")
        await passes(1)
        assert depth_calls(rig) == 2


@in_virtual_time
async def test_only_what_is_beyond_fifty_levels_is_cut() -> None:
    async with connected() as rig:
        theirs = rig.stream.books["BTCUSDT"]
        theirs.bids = {f"{100 - step / 100:.2f}": "1.0" for step in range(1, 51)}
        theirs.asks = {f"{100 + step / 100:.2f}": "1.0" for step in range(1, 51)}
        theirs, ours = await subscribed(rig)
        del theirs.bids["99.50"]
        rig.stream.push(theirs.change("bids", "100.00", "2.0"))
        await until(lambda: ours.sequence == theirs.time)
        assert ours.depth() == (50, 50)
        assert_equal(rig, theirs, ours)
        assert depth_calls(rig) == 1


@in_virtual_time
async def test_a_heartbeat_before_the_subscriptions_stand_is_no_loss() -> None:
    async with connected() as rig:
        theirs, ours = await subscribed(rig)
        rig.stream.ignores.add("depth.subscribe_multi")
        rig.stream.peer.reset()
        await until(lambda: len(rig.stream.peers) == 2)
        before = len(rig.of(StreamStatus))
        await until(lambda: len(rig.of(StreamStatus)) > before)
        rig.stream.ignores.clear()
        await until(lambda: ours.is_valid, 15)
        assert_equal(rig, theirs, ours)
