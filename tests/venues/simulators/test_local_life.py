"""What moves a local exchange: the crowd in time with a clock, or a recording."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.simulators.coinex_rest import KEY, NOW_MS, SECRET, TurnedClock, limit_wish, make_simulator
from venues.errors import ConfigurationError
from venues.events import BookDelta, Trade
from venues.model import OrderStatus, OrderType, Side
from venues.simulators.coinex.exchange import CoinexSimulator, create
from venues.simulators.coinex.markets import listings
from venues.simulators.core import LocalExchange
from venues.simulators.faults import Faults
from venues.simulators.orders import LocalEvent, OrderWish
from venues.simulators.playback import Playback
from venues.simulators.port import SimulatorSettings
from venues.simulators.pulse import Pulse

D = Decimal
ALL = tuple(listing.id.symbol for listing in listings())


def messages(market: LocalExchange) -> list[LocalEvent]:
    heard: list[LocalEvent] = []
    market.listen(heard.extend)
    return heard


def live(market: LocalExchange, clock: TurnedClock, seconds: float) -> None:
    assert isinstance(market.life, (Pulse, Playback))
    for _ in range(round(seconds * 10)):
        clock.turn(0.1)
        while market.life.step() == 0.0:
            pass


@pytest.mark.parametrize("rate", [50, 2000])
def test_the_crowd_keeps_its_rate(rate: float) -> None:
    clock = TurnedClock()
    market = make_simulator(clock, symbols=ALL, rate=rate).market
    heard = messages(market)
    live(market, clock, 2)
    deltas = sum(isinstance(event, BookDelta) for event in heard)
    assert 0.8 * 2 * rate < deltas < 1.2 * 2 * rate
    assert len({event.instrument for event in heard if isinstance(event, BookDelta)}) >= 15


def test_a_quiet_market_stands_still_until_it_is_resumed() -> None:
    clock = TurnedClock()
    market = make_simulator(clock, rate=0).market
    heard = messages(market)
    books = market.state()["books"]
    live(market, clock, 2)
    assert heard == [] and market.state()["books"] == books
    assert all(len(book["bids"]) > 20 and len(book["asks"]) > 20 for book in books.values())
    market.act({"do": "resume", "rate": 200})
    heard.clear()
    live(market, clock, 1)
    assert len(heard) > 100
    market.act({"do": "quiet"})
    heard.clear()
    live(market, clock, 1)
    assert heard == [] and market.state()["is_quiet"]
    market.act({"do": "resume"})
    live(market, clock, 1)
    assert len(heard) > 100


def test_a_cleared_book_is_opened_anew_when_the_crowd_resumes() -> None:
    clock = TurnedClock()
    market = make_simulator(clock, rate=100).market
    market.act({"do": "quiet"})
    market.act({"do": "clear", "symbol": "BTCUSDT"})
    assert market.book("BTCUSDT") == ((), ())
    market.act({"do": "resume"})
    bids, asks = market.book("BTCUSDT")
    assert len(bids) > 20 and len(asks) > 20


def test_a_market_that_was_held_up_goes_on_from_now() -> None:
    clock = TurnedClock()
    market = make_simulator(clock, rate=500).market
    heard = messages(market)
    clock.turn(3600)
    live(market, clock, 1)
    assert 300 < sum(isinstance(event, BookDelta) for event in heard) < 800
    assert market.now == clock.now


def test_a_clock_that_is_set_back_does_not_turn_the_market_back() -> None:
    clock = TurnedClock()
    market = make_simulator(clock, rate=100).market
    live(market, clock, 1)
    before = market.now
    clock.turn(-30)
    order = market.place(limit_wish("BTCUSDT", Side.BUY, "0.01", "30000"))
    assert order.ts_created == market.now == before
    live(market, clock, 1)
    assert market.now == before


def test_a_step_holds_the_loop_for_less_than_ten_milliseconds() -> None:
    clock = TurnedClock()
    market = make_simulator(clock, symbols=ALL, rate=5000).market
    assert isinstance(market.life, Pulse)
    longest = 0
    for _ in range(200):
        clock.turn(0.02)
        while True:
            started = time.thread_time_ns()
            wait = market.life.step()
            longest = max(longest, time.thread_time_ns() - started)
            if wait:
                break
    assert longest < 10_000_000


# A recording.


def recorded(path: Path, *rows: dict[str, object]) -> Path:
    head = {
        "ts": 1, "kind": "instrument", "symbol": "BTC-USDT", "type": "spot", "base": "BTC", "quote": "USDT",
        "tick": "0.5", "lot": "0.001",
    }  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in ({**head}, *rows)), encoding="utf-8")
    return path


def snapshot(ts: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> dict[str, object]:
    return {"ts": ts, "kind": "snapshot", "symbol": "BTC-USDT", "bids": bids, "asks": asks}


def delta(ts: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> dict[str, object]:
    return snapshot(ts, bids, asks) | {"kind": "delta"}


def trade(ts: int, side: str, price: str, quantity: str) -> dict[str, object]:
    row = {"ts": ts, "kind": "trade", "symbol": "BTC-USDT", "side": side, "price": price, "qty": quantity}
    return row | {"id": f"t{ts}"}


def playing(path: Path, clock: TurnedClock, speed: float = 1.0) -> CoinexSimulator:
    settings = SimulatorSettings(replay=path, speed=speed)
    return create(settings, Faults(), clock=clock, credentials=(KEY, SECRET))


def test_a_recording_plays_at_its_own_pace(tmp_path: Path) -> None:
    clock = TurnedClock()
    path = recorded(
        tmp_path / "a.jsonl",
        snapshot(1000, [("100.5", "1"), ("100", "2")], [("101", "3")]),
        delta(2000, [("100.5", "0"), ("100", "2.5")], [("101.5", "1")]),
        trade(3000, "buy", "101", "0.25"),
        snapshot(4000, [("99", "1")], [("99.5", "1")]),
    )
    market = playing(path, clock).market
    heard = messages(market)
    assert list(market.instruments) == ["BTCUSDT"]
    live(market, clock, 0.1)
    assert market.book("BTCUSDT") == ((("100.5", "1.000"), ("100.0", "2.000")), (("101.0", "3.000"),))
    live(market, clock, 1)
    assert market.book("BTCUSDT") == ((("100.0", "2.500"),), (("101.0", "3.000"), ("101.5", "1.000")))
    assert market.trades("BTCUSDT", 10) == []
    live(market, clock, 1)
    (printed,) = market.trades("BTCUSDT", 10)
    assert (printed.side, printed.price, printed.quantity) == (Side.BUY, D(101), D("0.25"))
    assert market.last("BTCUSDT") == D(101)
    live(market, clock, 1)
    assert market.book("BTCUSDT") == ((("99.0", "1.000"),), (("99.5", "1.000"),))
    assert sum(isinstance(event, Trade) for event in heard) == 1, "moving quotes do not trade with each other"
    live(market, clock, 5)
    assert isinstance(market.life, Playback) and market.life.is_over


def test_orders_meet_what_the_recording_shows(tmp_path: Path) -> None:
    clock = TurnedClock()
    path = recorded(
        tmp_path / "a.jsonl",
        snapshot(1000, [("100", "2")], [("101", "3")]),
        trade(2000, "sell", "99", "5"),
        delta(3000, [], [("99.5", "0.4"), ("101", "0")]),
        delta(4000, [], [("99.5", "1")]),
    )
    market = playing(path, clock).market
    live(market, clock, 0.1)
    taking = market.place(limit_wish("BTCUSDT", Side.BUY, "1", "101"))
    assert taking.status is OrderStatus.FILLED
    assert market.book("BTCUSDT")[1] == (("101.0", "2.000"),)
    resting = market.place(limit_wish("BTCUSDT", Side.BUY, "0.5", "99.5"))
    wish = OrderWish(symbol="BTCUSDT", side=Side.SELL, type=OrderType.MARKET, quantity=D("0.1"))
    stop = market.place_stop(wish, D("99.5"))
    live(market, clock, 1)
    assert stop.id not in market.stops.waiting, "a recorded trade triggers"
    assert not market.records.open[resting.id].filled, "and fills nothing"
    live(market, clock, 1)
    assert market.records.open[resting.id].filled == D("0.4"), "a quote of the other side fills"
    live(market, clock, 1)
    assert market.order(resting.id).status is OrderStatus.FILLED
    assert market.order(resting.id).average_price == D("99.5")
    assert set(market.paper.sums().values()) == {D(100_000), D(1), D(10), D(20_000), D(5_000)}


def test_a_recording_is_paused_and_sped_up(tmp_path: Path) -> None:
    clock = TurnedClock()
    rows = [snapshot(1000 + step * 100, [(str(100 + step), "1")], [("500", "1")]) for step in range(50)]
    path = recorded(tmp_path / "a.jsonl", *rows)
    market = playing(path, clock, speed=10.0).market
    live(market, clock, 0.1)
    market.act({"do": "quiet"})
    before = market.book("BTCUSDT")
    live(market, clock, 3)
    assert market.book("BTCUSDT") == before
    market.act({"do": "resume"})
    live(market, clock, 0.3)
    assert D(before[0][0][0]) < D(market.book("BTCUSDT")[0][0][0]) < D(149)
    live(market, clock, 1)
    assert market.book("BTCUSDT")[0][0][0] == "149.0"


@pytest.mark.parametrize("text", ["nonsense\n", ""])
def test_what_can_not_be_played_is_said_at_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"broken\.jsonl"):
        playing(path, TurnedClock())
    with pytest.raises(ConfigurationError, match="NOSUCH"):
        create(SimulatorSettings(symbols=("NOSUCH",)), Faults())


async def test_running_follows_the_clock() -> None:
    """`run` itself: it sleeps on the clock between its steps, and ends when it is cancelled."""
    clock = TurnedClock()
    simulator = make_simulator(clock, rate=100)
    told = asyncio.Event()
    simulator.market.listen(lambda _events: told.set())
    running = asyncio.create_task(simulator.run())
    turning = asyncio.create_task(_turn_until(clock, told))
    await asyncio.wait_for(turning, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert simulator.market.now > NOW_MS * 1_000_000


async def _turn_until(clock: TurnedClock, told: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    while not told.is_set():
        clock.turn(0.1)
        following = loop.create_future()
        loop.call_soon(following.set_result, None)
        await following
