"""The market's half at the local exchange: by JSON, by protobuf, by polls alone, and from one to another."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.frames import (
    DEAL,
    DEPTH,
    DEPTH_CHANGE,
    KLINE,
    as_json,
    deal_protobuf,
    depth_protobuf,
    kline_protobuf,
)
from tests.venues.transport.stream_rig import until
from tests.venues.transport.venue_rig import Consumer
from venues.commands import Channel, Subscription
from venues.errors import BadRequest, ConfigurationError, MissingCredentials, UnknownInstrument, VenueError
from venues.events import (
    BarUpdate,
    BookDelta,
    BookSnapshot,
    Event,
    LinkState,
    MarkPrice,
    StreamStatus,
    Ticker,
    Trade,
)
from venues.model import InstrumentId
from venues.pumpkin.subscriptions import Topic
from venues.pumpkin.venue import PumpkinVenue, Settings
from venues.simulators.serving import Practice, served_in_thread
from venues.transport.frames import Frame

BTC, ETH = InstrumentId("pumpkin", "btc_usdt"), InstrumentId("pumpkin", "eth_usdt")
BOOK, TRADES = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADES, BTC)
BARS = Subscription(Channel.BARS, BTC, 60)
DAY, MARK = Subscription(Channel.TICKER, BTC), Subscription(Channel.MARK, BTC)
SCALE = 0.1


class Rig(Consumer[PumpkinVenue]):
    """The venue, what it told, and the control API of the exchange."""

    def __init__(self, practice: Practice, control: httpx.AsyncClient, **settings: Any) -> None:
        super().__init__(0)
        self._control = control
        given: dict[str, Any] = {
            "rest_url": practice.rest_url, "ws_url": practice.ws_url, "is_practice": True, "time_scale": SCALE,
            "seed": 3, "minute_quota": 100_000,
        }  # fmt: skip
        self.venue = PumpkinVenue(Settings(**(given | settings)), tls=shared_tls())
        self.follow()

    async def act(self, do: str, **wish: object) -> None:
        answer = await self._control.post("/practice/act", json={"do": do, **wish})
        assert answer.is_success, answer.text

    async def switch(self, faults: str) -> None:
        if faults:
            answer = await self._control.put("/practice/faults", json={"faults": faults})
        else:
            answer = await self._control.delete("/practice/faults")
        assert answer.is_success, answer.text

    async def truth(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Returns the best ten of each side as the exchange has them."""
        book = await self.venue.fetch_order_book(BTC, 10)
        bids, asks = ([(Decimal(p), Decimal(q)) for p, q in side] for side in (book.bids, book.asks))
        return bids, asks

    @property
    def detail(self) -> str:
        return self.of(StreamStatus)[-1].detail

    @property
    def is_polled(self) -> bool:
        return self.state is LinkState.LIVE and self.detail.startswith("polling, ")

    def trades(self) -> list[Trade]:
        return self.of(Trade)


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread(
        "pumpkin", rate=800.0, seed=3, time_scale=SCALE, symbols=("btc_usdt", "eth_usdt")
    ) as one:
        yield one


@asynccontextmanager
async def connected(practice: Practice, *, is_binary: bool = False, **settings: Any) -> AsyncIterator[Rig]:
    async with httpx.AsyncClient(base_url=practice.rest_url, verify=shared_tls(), trust_env=False) as control:
        rig = Rig(practice, control, **settings)
        try:
            await rig.switch("")
            await rig.act("frames", binary=is_binary)
            await rig.act("quiet")
            await rig.venue.connect()
            yield rig
        finally:
            await rig.switch("")
            await rig.act("frames", binary=False)
            await rig.aclose()


def is_in_step(rig: Rig, true: tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]) -> bool:
    book = rig.venue.book(BTC)
    return book is not None and book.is_valid and book.levels(10) == true


FORMS: dict[str, dict[str, Any]] = {"json": {}, "protobuf": {"is_binary": True}, "polls": {"ws_url": ""}}


@pytest.mark.parametrize("form", FORMS)
async def test_everything_that_is_wished_is_told(practice: Practice, form: str) -> None:
    async with connected(practice, **FORMS[form]) as rig:
        for wish in (BOOK, TRADES, BARS, DAY, MARK):
            await rig.venue.subscribe(wish)
        await rig.act("resume")
        await until(lambda: len(rig.trades()) > 60 and len(rig.of(BookDelta)) > 3 and rig.of(BarUpdate), 30.0)
        await rig.act("quiet")
        true = await rig.truth()
        await until(lambda: is_in_step(rig, true), 10.0)
        # Whoever follows the events alone has the same book.
        await until(lambda: rig.books[BTC].levels(10) == true, 5.0)
        assert isinstance(next(e for e in rig.events if isinstance(e, BookSnapshot | BookDelta)), BookSnapshot)
        named = await rig.venue.fetch_trades(BTC, 1)
        await until(lambda: named[-1].trade_id in {one.trade_id for one in rig.trades()}, 10.0)
        told = rig.trades()
        # What fell between a poll and the subscription is told a little later than what came by it.
        fetched = await rig.venue.fetch_trades(BTC, len(told))
        assert sorted(one.trade_id for one in told) == sorted(one.trade_id for one in fetched)
        assert len({one.trade_id for one in told}) == len(told)
        assert [one.ts_event for one in told] == sorted(one.ts_event for one in told)
        last = named[-1].price
        await until(lambda: rig.of(Ticker)[-1].last == last, 10.0)
        assert rig.of(BarUpdate)[-1].bar.volume > 0
        assert rig.of(MarkPrice)[-1].funding_rate is not None
        assert rig.venue.quarantined == 0
        if form == "polls":
            assert set(rig.states) <= {LinkState.CONNECTING, LinkState.LIVE} and rig.is_polled


async def test_from_the_stream_to_polls_and_back_nothing_is_lost_or_doubled(practice: Practice) -> None:
    async with connected(practice) as rig:
        for wish in (BOOK, TRADES):
            await rig.venue.subscribe(wish)
        await rig.act("resume")
        await until(lambda: len(rig.trades()) > 30)
        await rig.switch("black-hole@stream")
        await until(lambda: {LinkState.RECONNECTING, LinkState.DOWN} & set(rig.states), 20.0)
        await until(lambda: rig.is_polled, 20.0)
        polled_from = len(rig.trades())
        await until(lambda: len(rig.trades()) > polled_from + 30, 20.0)
        assert not any(one.trade_id.isdigit() for one in rig.trades()[polled_from + 5 :])  # REST has no numbers
        await rig.switch("")
        await until(lambda: rig.state is LinkState.LIVE and not rig.detail, 20.0)
        streamed_from = len(rig.trades())
        await until(lambda: len(rig.trades()) > streamed_from + 30, 20.0)
        assert rig.trades()[-1].trade_id.isdigit()
        await rig.act("quiet")
        true = await rig.truth()
        await until(lambda: is_in_step(rig, true), 10.0)
        named = [one.trade_id for one in await rig.venue.fetch_trades(BTC, 1000)]
        told = [one.trade_id for one in rig.trades()]
        # What fell between the last poll and the subscription is told a little later than what came by it.
        assert sorted(told) == sorted(named[-len(told) :])
        assert sum(mine != theirs for mine, theirs in zip(told, named[-len(told) :], strict=True)) < len(told) / 2
        moments = [one.ts_event for one in rig.trades()]
        assert moments == sorted(moments)


async def test_a_stream_that_is_not_there_at_all_is_polled(practice: Practice) -> None:
    """The address of the stream is inferred: where it is wrong nothing is missing but speed."""
    async with connected(practice, ws_url="ws://127.0.0.1:1") as rig:
        for wish in (BOOK, TRADES, DAY):
            await rig.venue.subscribe(wish)
        await rig.act("resume")
        await until(lambda: len(rig.trades()) > 10 and rig.is_polled and rig.of(BookDelta), 20.0)
        count = len(rig.events)
        await until(lambda: len(rig.events) > count + 40, 20.0)
        states = [event.state for event in rig.events[count:] if isinstance(event, StreamStatus)]
        assert set(states) == {LinkState.LIVE}


async def test_a_topic_that_the_venue_refuses_is_polled(practice: Practice) -> None:
    async with connected(practice) as rig:
        await rig.switch("subscribe-refused")
        for wish in (BOOK, TRADES):
            await rig.venue.subscribe(wish)
        await rig.act("resume")
        await until(lambda: len(rig.trades()) > 20 and rig.of(BookDelta), 20.0)
        assert not any(one.trade_id.isdigit() for one in rig.trades())
        await rig.act("quiet")
        true = await rig.truth()
        await until(lambda: is_in_step(rig, true), 10.0)


async def test_books_that_break_are_mended(practice: Practice) -> None:
    async with connected(practice) as rig:
        await rig.venue.subscribe(BOOK)
        await rig.switch("gap:0.2,crossed:0.1,nan:0.05,empty-snapshot:0.05,stale-snapshot:0.05")
        await rig.act("resume")
        await until(lambda: rig.venue._market.books.faults > 5, 30.0)
        await rig.switch("")
        await rig.act("quiet")
        true = await rig.truth()
        await until(lambda: is_in_step(rig, true), 15.0)
        await until(lambda: rig.books[BTC].is_valid and rig.books[BTC].levels(10) == true, 10.0)


async def test_a_quiet_market_is_watched_by_polls(practice: Practice) -> None:
    async with connected(practice) as rig:
        await rig.venue.subscribe(BOOK)
        await until(lambda: rig.is_polled, 10.0)
        assert rig.venue.book(BTC) is not None


async def test_a_wish_twice_is_once_and_ends(practice: Practice) -> None:
    async with connected(practice, ws_url="") as rig:
        for _ in range(2):
            await rig.venue.subscribe(TRADES)
            await rig.venue.subscribe(BOOK)
        await rig.act("resume")
        await until(lambda: len(rig.trades()) > 10)
        book = rig.venue.book(BTC)
        for _ in range(2):
            await rig.venue.unsubscribe(TRADES)
            await rig.venue.unsubscribe(BOOK)
        assert book is not None and not book.is_valid and rig.venue.book(BTC) is None
        count = len(rig.trades())
        await rig.venue.subscribe(DAY)
        days = len(rig.of(Ticker))
        await until(lambda: len(rig.of(Ticker)) > days + 3)
        assert len(rig.trades()) == count


async def test_marks_of_two_contracts_come_in_one_answer(practice: Practice) -> None:
    async with connected(practice, ws_url="") as rig:
        await rig.venue.subscribe(MARK)
        await rig.venue.subscribe(Subscription(Channel.MARK, ETH))
        await rig.act("mark", symbol="btc_usdt", price="61234.5")

        def newest() -> MarkPrice | None:
            return rig.venue._market.mark(BTC)

        await until(lambda: (mark := newest()) is not None and mark.mark == Decimal("61234.5"), 10.0)
        await until(lambda: {one.instrument for one in rig.of(MarkPrice)} == {BTC, ETH}, 10.0)
        assert set(rig.venue._market.watched()) == {BTC, ETH}
        await until(lambda: rig.of(MarkPrice)[-1].ts_next_funding is not None, 10.0)
        await rig.venue.unsubscribe(MARK)
        assert rig.venue._market.watched() == [ETH]


async def test_what_can_not_be_wished_for(practice: Practice) -> None:
    async with connected(practice, ws_url="") as rig:
        for nowhere in ("NOWHERE-USDT", "nowhere_usdt"):
            with pytest.raises(UnknownInstrument):
                await rig.venue.subscribe(Subscription(Channel.BOOK, InstrumentId("pumpkin", nowhere)))
        with pytest.raises(BadRequest):
            await rig.venue.subscribe(Subscription(Channel.BARS, BTC, 61))
        with pytest.raises(MissingCredentials):
            await rig.venue.subscribe(Subscription(Channel.ACCOUNT))
        with pytest.raises(BadRequest):
            await rig.venue.fetch_bars(BTC, 61, 5)


async def test_mutated_frames_break_nothing_but_what_they_are_about(practice: Practice) -> None:
    """What can be read of them becomes events, the rest is set aside; nothing else comes out."""
    async with connected(practice) as rig:
        for wish in (BOOK, TRADES, BARS):
            await rig.venue.subscribe(wish)
        await until(lambda: (book := rig.venue.book(BTC)) is not None and book.is_valid, 10.0)
        intake = rig.venue._market._intake
        assert intake is not None
        rng = random.Random(5)
        frames = [
            kline_protobuf(KLINE), deal_protobuf(DEAL, 1646382900123), depth_protobuf(DEPTH),
            depth_protobuf(DEPTH_CHANGE), as_json(KLINE), as_json(DEAL), as_json(DEPTH), as_json(DEPTH_CHANGE),
        ]  # fmt: skip
        events: list[Event] = []
        for number in range(5_000):
            raw = bytearray(frames[number % len(frames)])
            raw[rng.randrange(len(raw))] = rng.getrandbits(8)
            intake.take([Frame(bytes(raw), is_text=False, ts_recv=number, connection=1)], events)
        kinds = {type(event) for event in events}
        assert Trade in kinds and kinds <= {Trade, BarUpdate, BookSnapshot, BookDelta}


async def test_a_topic_that_is_acknowledged_and_never_told_is_polled(practice: Practice) -> None:
    """Only its own pushes prove that it comes: those of another say that the stream is there."""
    async with connected(practice, time_scale=1.0) as rig:
        for wish in (BOOK, TRADES):
            await rig.venue.subscribe(wish)
        feed, topic = rig.venue._market, Topic("trade", "btc_usdt")
        await until(lambda: rig.venue.book(BTC) is not None and feed.books.is_carried("btc_usdt"), 10.0)
        await until(lambda: feed._subscriptions is not None and feed._subscriptions.is_standing(topic), 10.0)
        assert not feed._carries(topic)
        assert feed.stream is not None and feed._intake is not None
        events: list[Event] = []
        feed._intake.take(
            [Frame(as_json(DEAL), is_text=True, ts_recv=1, connection=feed.stream.connections)], events
        )
        assert [type(event) for event in events] == [Trade] and feed._carries(topic)
        await rig.venue.unsubscribe(TRADES)
        assert not feed._carries(topic)


def test_a_mark_of_a_moment_that_never_was_stops_those_after_it_for_two_answers_only() -> None:
    venue = PumpkinVenue(Settings(rest_url="http://127.0.0.1:1", ws_url=""))
    events: list[Event] = []
    for moment, price in ((5, "100"), (9_000, "1"), (6, "101"), (7, "102"), (8, "103"), (9, "104")):
        venue._market._market._note_mark(MarkPrice(BTC, Decimal(price), None, None, None, moment), events)
    assert [event.mark for event in events if isinstance(event, MarkPrice)] == [
        Decimal(100), Decimal(1), Decimal(103), Decimal(104),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["minute_quota", "day_quota"])
def test_a_quota_that_no_order_fits_in_is_refused_with_what_would_do(name: str) -> None:
    def made(quota: int) -> PumpkinVenue:
        stated: dict[str, Any] = {name: quota}
        return PumpkinVenue(Settings(**stated))

    with pytest.raises(ConfigurationError, match=rf"{name} = 24 lets no order go.*state 25 or more"):
        made(24)
    assert made(25).name == "pumpkin"


async def test_a_venue_that_can_not_be_reached_says_so_and_closes_at_once(practice: Practice) -> None:
    async with httpx.AsyncClient(base_url=practice.rest_url, verify=shared_tls(), trust_env=False) as control:
        for ws_url in ("ws://127.0.0.1:1", ""):
            rig = Rig(practice, control, rest_url="http://127.0.0.1:1", ws_url=ws_url)
            with pytest.raises(VenueError):
                await rig.venue.connect()
            await rig.aclose()
            assert rig.state is not LinkState.LIVE
