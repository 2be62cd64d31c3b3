"""Venues that break, drop out and come back: the others go on, and nothing is sent before all is read back."""

from __future__ import annotations

import msgspec
import pytest

from tests.tui.desk.rig import (
    PERP,
    START,
    D,
    Rig,
    ScriptedVenue,
    capabilities,
    fill,
    intent,
    order,
    position,
    snapshot,
    ticker,
    until,
)
from tui.desk.control import Verdict
from tui.desk.frame import FactKind
from venues.errors import AuthenticationError, MissingCredentials, RequestTimeout, VenueUnavailable
from venues.events import BookDelta, Event, LinkState, PositionUpdate, StreamStatus, Trade
from venues.model import OrderStatus, Side
from venues.port import Mode

S = OrderStatus


async def test_the_start_reads_back_what_stands() -> None:
    venue = ScriptedVenue()
    venue.orders["x"] = order("x")
    venue.fills = [fill("y", "t1")]
    venue.held = [position()]
    async with Rig(venue) as rig:
        frame = rig.store.frame(rig.clock())
        assert frame is not None
        assert frame.orders is not None
        assert [(one.key, one.order.is_external) for one in frame.orders] == [("x", True)]
        assert frame.fills is not None
        assert len(frame.fills) == 1
        assert frame.positions is not None
        assert len(frame.positions) == 1
        assert FactKind.FILL not in {fact.kind for fact in rig.facts}


async def test_a_lost_connection_denies_new_orders_until_all_is_read_back() -> None:
    async with Rig() as rig:
        key = await rig.place()
        filled = await rig.place(side=Side.SELL)
        await rig.tell(StreamStatus("test", LinkState.RECONNECTING, "reset by peer"))
        denied = await rig.session.submit(intent(price=D(99)))
        assert [reason.guard for reason in denied.reasons] == ["reconciling"]
        assert (await rig.session.cancel(key)).verdict is Verdict.SENT
        await rig.session.settled()
        assert rig.status(key) is S.CANCELED
        rig.venue.end(filled, S.FILLED)
        rig.venue.fills = [fill(filled, "t9", D(1), side=Side.SELL, ts_event=START + 5)]
        rig.venue.orders["x"] = order("x")
        await rig.tell(StreamStatus("test", LinkState.LIVE))
        await until(lambda: rig.session.links["test"].is_reconciled)
        assert rig.status(filled) is S.FILLED
        assert rig.status("x") is S.NEW
        assert [fact.order_key for fact in rig.facts if fact.kind is FactKind.FILL] == [filled]


async def test_an_order_that_vanished_meanwhile_is_unknown_and_not_gone() -> None:
    async with Rig() as rig:
        key = await rig.place()
        await rig.tell(StreamStatus("test", LinkState.DOWN))
        del rig.venue.orders[key]
        await rig.tell(StreamStatus("test", LinkState.LIVE))
        await until(lambda: rig.session.links["test"].is_reconciled)
        assert rig.status(key) is S.UNKNOWN


@pytest.mark.parametrize("read", ["fetch_open_orders", "fetch_fills", "fetch_positions", "fetch_balances"])
async def test_a_failed_read_is_tried_again_and_never_means_empty(read: str) -> None:
    venue = ScriptedVenue()
    async with Rig(venue) as rig:
        await rig.tell(PositionUpdate(position()))
        key = await rig.place()
        venue.held = [position()]
        await rig.tell(StreamStatus("test", LinkState.RECONNECTING))
        venue.faults = {read: [RequestTimeout("test", "slow"), VenueUnavailable("test", "502")]}
        before = venue.called(read)
        await rig.tell(StreamStatus("test", LinkState.LIVE))
        await until(lambda: rig.session.links["test"].is_reconciled)
        assert venue.called(read) == before + 3
        assert rig.status(key) is S.NEW
        assert len(rig.store.ledger.positions) == 1


async def test_an_event_that_breaks_the_desk_is_left_behind_and_the_rest_goes_on() -> None:
    """An event that can not even be looked up stands for any fault of ours in taking one."""
    bad_size = BookDelta(PERP, (("99.0", "1"),), (), 1, 2, START, START)
    surprise: Event = msgspec.structs.replace(bad_size, instrument=["no", "instrument"])
    async with Rig() as rig:
        rig.venue.tell(surprise, Trade(PERP, "t1", Side.BUY, D(101), D(1), START, START))
        await until(lambda: rig.store.markets[PERP].last == 101)
        await until(lambda: rig.session.links["test"].is_reconciled)
        assert "TypeError in the desk" in rig.texts()
        assert rig.store.venues["test"].state is LinkState.LIVE
        book = rig.store.markets[PERP].book
        assert book is not None
        await until(lambda: book.is_valid)
        assert rig.status(await rig.place()) is S.NEW


async def test_one_venue_down_leaves_the_other_alone() -> None:
    bad, good = ScriptedVenue("bad"), ScriptedVenue()
    bad.faults = {"connect": [RuntimeError("boom")] * 3}
    async with Rig(good, bad) as rig:
        assert bad.called("connect") == 4
        assert [0.25 <= wait <= most for wait, most in zip(rig.waits, (0.5, 1.0, 2.0), strict=False)] == [True] * 3
        assert rig.status(await rig.place()) is S.NEW
        assert "bad down: RuntimeError in the desk" in rig.texts()


async def test_a_stream_that_ends_is_begun_anew() -> None:
    async with Rig() as rig:
        rig.venue.queue.put_nowait(None)
        await until(lambda: rig.venue.called("connect") == 2)
        await until(lambda: rig.session.links["test"].is_reconciled)
        assert "stream has ended" in rig.texts()


async def test_a_recording_that_ends_stays_ended() -> None:
    async with Rig() as rig:
        rig.venue.tell(StreamStatus("test", LinkState.ENDED))
        rig.venue.queue.put_nowait(None)
        await until(lambda: rig.venue.queue.empty())
        await until(lambda: rig.store.venues["test"].state is LinkState.ENDED)
        assert rig.venue.called("connect") == 1


@pytest.mark.parametrize(
    "fault", [MissingCredentials("test", "add a key"), AuthenticationError("test", "bad key")]
)
async def test_without_a_key_the_market_goes_on_and_orders_do_not(fault: Exception) -> None:
    venue = ScriptedVenue(caps=capabilities(mode=Mode.LIVE))
    venue.faults = {"fetch_open_orders": [fault]}
    rig = Rig(venue)
    await rig.session.open()
    await until(lambda: bool(rig.session.links["test"].fault))
    await until(lambda: rig.store.markets[PERP].ticker is not None)
    assert FactKind.CONFIGURATION in {fact.kind for fact in rig.facts}
    await rig.session.arm()
    assert "venue" in {reason.guard for reason in (await rig.session.submit(intent())).reasons}
    await rig.session.aclose()


async def test_a_broken_book_is_asked_for_anew() -> None:
    async with Rig() as rig:
        before = rig.venue.called("subscribe book")
        await rig.tell(BookDelta(PERP, (("99.0", "1"),), (), 7, 8, START, START))
        await until(lambda: rig.venue.called("subscribe book") == before + 1)
        await rig.tell(BookDelta(PERP, (("99.0", "1"),), (), 9, 10, START, START))
        assert rig.venue.called("subscribe book") == before + 1
        await rig.tell(snapshot(sequence=11))
        book = rig.store.markets[PERP].book
        assert book is not None
        assert book.is_valid


async def test_what_is_shown_is_subscribed_and_what_was_is_not() -> None:
    async with Rig() as rig:
        spot = rig.venue.instruments[1].id
        await rig.session.show(spot)
        channels = {(one.channel.value, one.instrument) for one in rig.session.links["test"].subscribed}
        assert ("book", spot) in channels
        assert ("book", PERP) not in channels
        assert ("ticker", PERP) in channels
        await rig.tell(ticker(name=spot))


async def test_the_mark_of_a_position_is_subscribed() -> None:
    async with Rig() as rig:
        await rig.session.show(rig.venue.instruments[1].id)
        rig.session.links["test"].subscribed = {
            one for one in rig.session.links["test"].subscribed if one.channel != "mark"
        }
        before = rig.venue.called("subscribe mark")
        await rig.tell(PositionUpdate(position()))
        await until(lambda: rig.venue.called("subscribe mark") == before + 1)
