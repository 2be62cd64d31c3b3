"""The replay as a venue: pace, backpressure, subscriptions, its end, and what it answers."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from tests.venues.recording.tape import (
    ABC,
    INSTRUMENT,
    START,
    Player,
    TapeClock,
    delta,
    open_player,
    order,
    snapshot,
    trade,
    write_rows,
)
from venues.book import InvalidBook
from venues.commands import Channel, Subscription
from venues.errors import BadRequest, ConfigurationError, ConnectionLost, NotSent, UnknownInstrument
from venues.events import (
    BarUpdate,
    BookDelta,
    BookSnapshot,
    LinkState,
    MarkPrice,
    Notice,
    OrderUpdate,
    StreamStatus,
    Ticker,
    Trade,
)
from venues.model import InstrumentId, OrderStatus, Side
from venues.port import Mode, Venue
from venues.recording.format import MAX_TEXT, RecordingError
from venues.recording.play import parse_speed
from venues.recording.venue import ReplayVenue, Settings
from venues.registry import create_venue

SECOND = 1_000_000_000
TAPE: list[dict[str, Any]] = [
    INSTRUMENT,
    # Worst first, as some venues send it.
    snapshot([("99.8", "2"), ("99.9", "1")], [("100.3", "4"), ("100.0", "2")]),
    trade("buy", "100.0", "1.5"),
    delta(asks=[("100.0", "0.5")]),
    trade("sell", "99.9", "1"),
    delta(bids=[("99.9", "0")]),
    {**trade("buy", "100.0", "0.5"), "ts": START + 200_000},
]


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "tape.jsonl", TAPE)


async def test_it_is_a_venue_that_the_registry_knows(tape: Path) -> None:
    venue = create_venue("replay", {"path": str(tape), "speed": "max"})
    assert isinstance(venue, Venue)
    assert (venue.name, venue.capabilities.mode) == ("replay", Mode.REPLAY)
    await venue.connect()
    await venue.connect()
    assert [one.id for one in await venue.fetch_instruments()] == [ABC]
    await venue.aclose()
    await venue.aclose()


async def test_each_row_becomes_its_event(tape: Path) -> None:
    player = await open_player(tape)
    await player.to_end()
    market = [event for event in player.seen if isinstance(event, BookSnapshot | BookDelta | Trade)]
    ts = [(START + n * 1000) * 1_000_000 for n in range(6)]
    first, *rest = market
    assert first == BookSnapshot(
        ABC, (("99.9", "1"), ("99.8", "2")), (("100.0", "2"), ("100.3", "4")), 1, ts[1], ts[1]
    )
    assert rest[1] == BookDelta(ABC, (), (("100.0", "0.5"),), 1, 2, ts[3], ts[3])
    assert rest[3] == BookDelta(ABC, (("99.9", "0"),), (), 2, 3, ts[5], ts[5])
    assert [type(event) for event in market] == [BookSnapshot, Trade, BookDelta, Trade, BookDelta, Trade]
    await player.aclose()


async def test_summaries_are_computed_from_what_was_played(tape: Path) -> None:
    player = await open_player(tape)
    await player.to_end()
    ticker = [event for event in player.seen if isinstance(event, Ticker)][-1]
    assert [str(value) for value in (ticker.last, ticker.bid, ticker.ask, ticker.open)] == [
        "100.0",
        "99.8",
        "100.0",
        "100.0",
    ]
    assert [str(value) for value in (ticker.high, ticker.low, ticker.volume)] == ["100.0", "99.9", "3.0"]
    marks = [event.mark for event in player.seen if isinstance(event, MarkPrice)]
    assert str(marks[0]) == "99.95"
    assert str(marks[-1]) == "99.9"
    assert await player.venue.fetch_tickers([ABC]) == (ticker,)
    await player.aclose()


async def test_bars_come_from_trades_and_gaps_stay_gaps(tape: Path) -> None:
    player = await open_player(tape)
    await player.to_end()
    bars = await player.venue.fetch_bars(ABC, 60, 10)
    assert [bar.ts_open % (60 * SECOND) for bar in bars] == [0, 0]
    assert bars[1].ts_open - bars[0].ts_open > 60 * SECOND
    assert [str(value) for value in (bars[0].open, bars[0].high, bars[0].low, bars[0].close, bars[0].volume)] == [
        "100.0",
        "100.0",
        "99.9",
        "99.9",
        "2.5",
    ]
    assert await player.venue.fetch_bars(ABC, 60, 1) == bars[1:]
    assert [event.bar for event in player.seen if isinstance(event, BarUpdate)][-1] == bars[1]
    with pytest.raises(BadRequest):
        await player.venue.fetch_bars(ABC, 7, 1)
    await player.aclose()


@pytest.mark.parametrize(("speed", "seconds"), [("1", 199), ("5", 39.8), ("0.5", 398), ("max", 0)])
async def test_the_pace_follows_the_speed(speed: str, seconds: float, tape: Path) -> None:
    clock = TapeClock()
    venue = ReplayVenue(Settings(path=str(tape), speed=speed), clock=clock.read, sleep=clock.sleep)
    await venue.connect()
    await venue.subscribe(Subscription(Channel.TRADES, ABC))
    player = Player(venue)
    await player.to_end()
    assert sum(clock.slept) == pytest.approx(seconds)
    await player.aclose()


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "1e3", "nan", "", "1.2.3"])
def test_a_speed_that_is_none_is_said(speed: str, tape: Path) -> None:
    with pytest.raises(ConfigurationError, match="speed"):
        create_venue("replay", {"path": str(tape), "speed": speed})
    assert math.isinf(parse_speed(" MAX "))


@pytest.mark.parametrize(
    "wrong", [{"lots": {"ABCUSDT": "none"}}, {"deposit": {"USDT": "0"}}, {"taker_fee": "1%"}, {"nonsense": 1}]
)
def test_a_wrong_setting_is_said(wrong: dict[str, Any], tape: Path) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        create_venue("replay", {"path": str(tape), **wrong})


async def test_a_slow_reader_loses_nothing_and_holds_the_tape(tmp_path: Path) -> None:
    rows = [INSTRUMENT, *(trade("buy", "100.0", f"{n}.0") for n in range(1, 3000))]
    player = await open_player(write_rows(tmp_path / "long.jsonl", rows), speed="max")
    first = await player.until(lambda event: isinstance(event, Trade))
    assert isinstance(first, Trade)
    held = player.venue.now
    for _ in range(100):
        await asyncio.sleep(0)
    assert player.venue.now == held, "the clock stands still while nobody reads"
    await player.to_end()
    volumes = [int(event.quantity) for event in player.seen if isinstance(event, Trade)]
    assert volumes == list(range(1, 3000))
    await player.aclose()


async def test_at_its_end_the_last_state_stays_readable_and_orders_are_answered(tape: Path) -> None:
    player = await open_player(tape)
    await player.to_end()
    assert isinstance(player.seen[-1], StreamStatus)
    book = await player.venue.fetch_order_book(ABC, 1)
    assert (book.bids, book.asks) == ((("99.8", "2"),), (("100.0", "0.5"),))
    assert [str(one.price) for one in await player.venue.fetch_trades(ABC, 2)] == ["99.9", "100.0"]
    await player.venue.submit_order(order(Side.BUY, "0.5", "99.8", "late"))
    told = await player.until(lambda event: isinstance(event, OrderUpdate))
    assert isinstance(told, OrderUpdate)
    assert told.order.status is OrderStatus.NEW
    await player.aclose()


async def test_an_order_is_told_while_the_tape_waits_for_its_next_row(tape: Path) -> None:
    sleeping = asyncio.Event()
    clock = TapeClock()

    async def sleep(seconds: float) -> None:
        if seconds > 100:
            sleeping.set()
            await asyncio.Event().wait()
        await clock.sleep(seconds)

    venue = ReplayVenue(Settings(path=str(tape)), clock=clock.read, sleep=sleep)
    await venue.connect()
    for subscription in (Subscription(Channel.ACCOUNT), Subscription(Channel.BOOK, ABC)):
        await venue.subscribe(subscription)
    player = Player(venue)
    waiting = asyncio.create_task(player.until(lambda event: isinstance(event, OrderUpdate)))
    await asyncio.wait_for(sleeping.wait(), 10)
    await venue.submit_order(order(Side.BUY, "0.5", "99.8"))
    assert isinstance(await asyncio.wait_for(waiting, 10), OrderUpdate)
    await player.aclose()


async def test_closing_ends_the_events(tape: Path) -> None:
    player = await open_player(tape)
    await player.to_end()
    waiting = asyncio.create_task(player.until(lambda _: False))
    await asyncio.sleep(0)
    await player.venue.aclose()
    with pytest.raises(AssertionError, match="ended first"):
        await asyncio.wait_for(waiting, 10)
    with pytest.raises(NotSent):
        await player.venue.submit_order(order(Side.BUY, "0.5", "99.8"))
    await player.aclose()


async def test_what_is_not_subscribed_is_not_told_but_goes_on(tape: Path) -> None:
    clock = TapeClock()
    venue = ReplayVenue(Settings(path=str(tape)), clock=clock.read, sleep=clock.sleep)
    await venue.connect()
    ticker = Subscription(Channel.TICKER, ABC)
    await venue.subscribe(ticker)
    player = Player(venue)
    await player.until_like(Ticker)
    await venue.unsubscribe(ticker)
    await player.to_end()
    assert {type(event) for event in player.seen} == {StreamStatus, Ticker}
    await venue.subscribe(Subscription(Channel.BOOK, ABC))
    snapshot_ = await player.until(lambda event: isinstance(event, BookSnapshot))
    assert isinstance(snapshot_, BookSnapshot)
    assert (snapshot_.sequence, snapshot_.bids) == (3, (("99.8", "2"),))
    await player.aclose()


async def test_unknown_instruments_and_intervals_are_refused(tape: Path) -> None:
    player = await open_player(tape)
    none = InstrumentId("replay", "NONE")
    with pytest.raises(UnknownInstrument):
        await player.venue.subscribe(Subscription(Channel.BOOK, none))
    with pytest.raises(UnknownInstrument):
        await player.venue.fetch_trades(none, 1)
    with pytest.raises(BadRequest):
        await player.venue.subscribe(Subscription(Channel.BARS, ABC, 7))
    with pytest.raises(InvalidBook):
        await player.venue.fetch_order_book(ABC, 1)
    await player.aclose()


async def test_before_it_is_opened_it_says_so(tape: Path) -> None:
    venue = ReplayVenue(Settings(path=str(tape)))
    with pytest.raises(ConnectionLost):
        await venue.fetch_instruments()
    with pytest.raises(ConnectionLost):
        await venue.fetch_balances()
    with pytest.raises(NotSent):
        await venue.submit_order(order(Side.BUY, "1", "99"))


async def test_a_missing_recording_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no recording"):
        await ReplayVenue(Settings(path=str(tmp_path / "none"))).connect()


async def test_a_broken_recording_is_played_up_to_the_break(tape: Path) -> None:
    with tape.open("a") as file:
        file.write('{"ts":1700000300000,"kind":"trade","symbol":"ABCUSDT","price":"NaN"}\n')
    player = await open_player(tape)
    await player.to_end()
    assert len([event for event in player.seen if isinstance(event, Trade)]) == 3
    *_, notice, status = player.seen
    assert isinstance(notice, Notice)
    assert notice.is_alarm
    assert isinstance(status, StreamStatus)
    assert status.state is LinkState.ENDED
    assert "tape.jsonl, line 8: " in status.detail == notice.text
    await player.aclose()


async def test_left_out_rows_are_told(tmp_path: Path) -> None:
    rows = [*TAPE, {**trade("buy", "1", "1"), "symbol": "[blink]", "ts": START + 300_000}]
    player = await open_player(write_rows(tmp_path / "tape.jsonl", rows))
    await player.to_end()
    (notice,) = [event for event in player.seen if isinstance(event, Notice)]
    assert "1 rows left out" in notice.text
    await player.aclose()


async def test_an_announcement_is_told_in_its_place_and_cut(tmp_path: Path) -> None:
    said = {"kind": "notice", "text": "listing " + "x" * 1_000_000, "alarm": True}
    path = write_rows(tmp_path / "tape.jsonl", [*TAPE[:3], said, *TAPE[3:]])
    venue = ReplayVenue(Settings(path=str(path), speed="max"))
    await venue.connect()
    await venue.subscribe(Subscription(Channel.TRADES, ABC))
    player = Player(venue)
    await player.to_end()
    kinds = [type(event) for event in player.seen if isinstance(event, Trade | Notice)]
    assert kinds == [Trade, Notice, Trade, Trade]
    told = next(event for event in player.seen if isinstance(event, Notice))
    assert told == Notice("replay", "listing " + "x" * (MAX_TEXT - 8), True, (START + 3000) * 1_000_000)
    await player.aclose()


async def test_the_deposit_is_a_setting(tape: Path) -> None:
    plain = await open_player(tape)
    assert [f"{one.currency} {one.total}" for one in await plain.venue.fetch_balances()] == ["USDT 100000"]
    await plain.aclose()
    told = await open_player(tape, deposit={"USDT": "5", "ABC": "2.5"})
    assert [f"{one.currency} {one.total}" for one in await told.venue.fetch_balances()] == ["USDT 5", "ABC 2.5"]
    await told.aclose()


async def test_a_recorders_clock_that_was_set_back_does_not_set_the_replay_back(tmp_path: Path) -> None:
    rows = [*TAPE, {**trade("buy", "100.0", "1"), "ts": START}]
    player = await open_player(write_rows(tmp_path / "tape.jsonl", rows))
    await player.to_end()
    assert player.venue.now == (START + 200_000) * 1_000_000
    await player.aclose()
