"""Several venues on one desk, and the books that a venue keeps itself."""

from __future__ import annotations

import pytest

from tests.tui.desk.rig import PERP, START, Clock, Rig, ScriptedVenue, capabilities, intent, order, snapshot, until
from tui.desk.control import Verdict
from tui.desk.frame import BookView
from tui.desk.inheritance import Inherited
from tui.desk.orders import Tracked
from tui.desk.roster import mixture, mode_of
from tui.desk.session import Session
from tui.desk.store import Topic
from venues.book import Book
from venues.commands import CancelRequest, Subscription
from venues.errors import UnknownVenue
from venues.events import BookDelta, LinkState, StreamStatus
from venues.model import NANOSECONDS, InstrumentId, OrderStatus
from venues.port import Mode, VenueTime

WATCHED = capabilities(mode=Mode.READ_ONLY)


class KeepingVenue(ScriptedVenue):
    """It keeps the book of its perpetual itself."""

    def __init__(self, name: str = "test") -> None:
        super().__init__(name)
        self.kept = Book(InstrumentId(name, "BTC-PERP"))

    def book(self, instrument: InstrumentId) -> Book | None:
        return self.kept if instrument == self.kept.instrument else None

    async def subscribe(self, subscription: Subscription) -> None:
        self.kept.apply(snapshot(name=self.kept.instrument))
        await super().subscribe(subscription)


@pytest.mark.parametrize(
    ("modes", "refused"),
    [
        ((Mode.LIVE, Mode.LIVE), False),
        ((Mode.LIVE, Mode.READ_ONLY), False),
        ((Mode.PAPER, Mode.READ_ONLY, Mode.READ_ONLY), False),
        ((Mode.READ_ONLY,), False),
        ((Mode.LIVE, Mode.PAPER), True),
        ((Mode.LIVE, Mode.PRACTICE), True),
        ((Mode.PAPER, Mode.PRACTICE), True),
        ((Mode.REPLAY, Mode.LIVE, Mode.READ_ONLY), True),
    ],
)
def test_play_money_and_real_money_never_share_a_desk(modes: tuple[Mode, ...], refused: bool) -> None:
    words = mixture(modes)
    assert bool(words) is refused
    if refused:
        assert all(mode in words for mode in modes if mode is not Mode.READ_ONLY)


def test_a_desk_has_the_mode_in_which_most_is_at_stake() -> None:
    assert mode_of([Mode.READ_ONLY, Mode.LIVE]) is Mode.LIVE
    assert mode_of([Mode.READ_ONLY, Mode.PAPER]) is Mode.PAPER
    assert mode_of([]) is Mode.READ_ONLY


async def test_a_venue_is_opened_beside_those_that_are_open() -> None:
    more = {"second": ScriptedVenue("second", WATCHED)}
    async with Rig(ScriptedVenue("test"), open_more=more.__getitem__) as rig:
        assert (await rig.session.open_venue("second")).verdict is Verdict.SENT
        await until(lambda: rig.store.venues["second"].state is LinkState.LIVE)
        await until(lambda: InstrumentId("second", "BTC-PERP") in rig.store.markets)
        await rig.session.show(InstrumentId("second", "BTC-PERP"))
        shown = rig.store.shown
        assert shown is not None
        await until(lambda: shown.book is not None and shown.book.is_valid)
        assert rig.store.desk.mode is Mode.PAPER
        denied = await rig.session.submit(intent(instrument=InstrumentId("second", "BTC-PERP")))
        assert denied.verdict is Verdict.DENIED
        assert more["second"].called("submit_order") == 0
        assert await rig.place()


@pytest.mark.parametrize(
    ("venue", "words"),
    [
        (ScriptedVenue("test"), "open already"),
        (ScriptedVenue("second", capabilities(mode=Mode.LIVE)), "LIVE and PAPER can not be on one desk"),
    ],
)
async def test_a_venue_that_does_not_belong_is_refused_with_words(venue: ScriptedVenue, words: str) -> None:
    async with Rig(ScriptedVenue("test"), open_more=lambda _: venue) as rig:
        outcome = await rig.session.open_venue(venue.name)
        assert outcome.verdict is Verdict.DENIED
        assert words in outcome.reasons[0].text
        assert list(rig.session.links) == ["test"]
        assert venue.called("connect") == 0


async def test_a_desk_that_only_reads_gets_no_venue_that_trades() -> None:
    venue = ScriptedVenue("second")
    session = Session(
        [ScriptedVenue("test", WATCHED)], tell=lambda _: None, clock=Clock(), open_more=lambda _: venue
    )
    outcome = await session.open_venue("second")
    assert outcome.verdict is Verdict.DENIED
    assert "pitside --venue second" in outcome.reasons[0].text
    await session.aclose()


async def test_an_unknown_venue_is_a_denial() -> None:
    def unknown(name: str) -> ScriptedVenue:
        raise UnknownVenue(name, "there is no venue of this name")

    async with Rig(open_more=unknown) as rig:
        outcome = await rig.session.open_venue("nowhere")
        assert outcome.verdict is Verdict.DENIED
        assert "there is no venue of this name" in outcome.reasons[0].text


async def test_a_venue_that_is_opened_later_finds_its_orders_of_the_run_before() -> None:
    left = order("p1", OrderStatus.UNKNOWN, instrument=InstrumentId("second", "BTC-PERP"))
    second = ScriptedVenue("second")
    second.orders["p1"] = order("p1", instrument=InstrumentId("second", "BTC-PERP"))
    found = Inherited(orders=(Tracked("p1", left),))
    async with Rig(ScriptedVenue("test"), open_more=lambda _: second, inherit=lambda: found) as rig:
        await rig.session.end_recovery()
        assert rig.store.orders.get("p1") is None
        assert (await rig.session.open_venue("second")).verdict is Verdict.SENT
        assert rig.store.orders.get("p1") is not None
        await until(lambda: rig.status("p1") is OrderStatus.NEW)


async def test_a_cancel_of_the_run_before_is_looked_up_at_a_venue_that_is_opened_later() -> None:
    second = ScriptedVenue("second")
    there = InstrumentId("second", "BTC-PERP")
    second.orders["p1"] = order("p1", instrument=there)
    second.time = VenueTime(START + 60 * NANOSECONDS, 0)
    left = Tracked("p1", second.orders["p1"])
    left.keep_unanswered(CancelRequest(instrument=there, client_order_id="p1", venue_order_id="vp1"))
    left.is_confirmed, left.deadline = True, START + 30 * NANOSECONDS
    found = Inherited(orders=(left,))
    async with Rig(ScriptedVenue("test"), open_more=lambda _: second, inherit=lambda: found) as rig:
        assert (await rig.session.open_venue("second")).verdict is Verdict.SENT
        await until(lambda: not left.commands)
        assert rig.status("p1") is OrderStatus.NEW


async def test_a_book_that_the_venue_keeps_is_read_there() -> None:
    venue = KeepingVenue()
    async with Rig(venue) as rig:
        market = rig.store.markets[PERP]
        assert market.book is venue.kept
        mended = venue.called("subscribe book")
        venue.kept.invalidate("a checksum that does not match")
        await rig.tell(BookDelta(PERP, (), (), -2, 2, 0, 0))
        book = _book(rig)
        assert not book.is_valid
        assert book.bids == ()
        assert "book is invalid, a checksum that does not match" in _log(rig)
        rig.clock.pass_seconds(5)
        await rig.tell(BookDelta(PERP, (), (), -2, 2, 0, 0))
        assert venue.called("subscribe book") == mended, "the venue mends it, not the desk"
        venue.kept.apply(snapshot("101.0", "102.0", sequence=9))
        await rig.tell(snapshot("101.0", "102.0", sequence=9))
        assert [str(level.price) for level in _book(rig).bids] == ["101.0"]


async def test_a_late_word_of_a_lost_connection_does_not_spoil_a_book_that_is_proven_again() -> None:
    venue = KeepingVenue()
    async with Rig(venue) as rig:
        await rig.tell(StreamStatus("test", LinkState.RECONNECTING, "gone"), StreamStatus("test", LinkState.LIVE))
        assert venue.kept.is_valid
        rig.store.distrust_books("test")
        assert not venue.kept.is_valid


def _book(rig: Rig) -> BookView:
    frame = rig.store.frame(rig.clock())
    assert frame is not None
    assert frame.book is not None
    return frame.book


def _log(rig: Rig) -> str:
    rig.store.mark_dirty(Topic.LOG)
    frame = rig.store.frame(rig.clock())
    assert frame is not None
    assert frame.log is not None
    return "\n".join(line.text for line in frame.log)
