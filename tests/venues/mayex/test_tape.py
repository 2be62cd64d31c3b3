"""Trades, each told once, and the candles that were told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venues.mayex.scripted_market import TIME_MS
from venues.errors import DecodeError
from venues.mayex.candles import KEPT as BARS_KEPT
from venues.mayex.candles import Candles
from venues.mayex.figures import instrument_id
from venues.mayex.tape import KEPT, Tape, Tapes
from venues.mayex.wire import WireTrade
from venues.model import Bar, Side

BTC = instrument_id("BTCUSDT")
D = Decimal


def wire(number: int, price: str = "100.5", *, after: int = 0, buyer_is_maker: bool = True) -> WireTrade:
    return WireTrade(number, TIME_MS + after, price, "0.5", buyer_is_maker)


def bar(at: int, volume: int = 1, close: int = 5) -> Bar:
    figures = {"open": D(4), "high": D(9), "low": D(1), "close": D(close), "volume": D(volume)}
    return Bar(instrument=BTC, interval=60, ts_open=at * 60 * 10**9, **figures)


def test_the_aggressor_is_who_was_not_the_maker() -> None:
    tape = Tape(BTC)
    sold, bought = tape.take(wire(1), 7), tape.take(wire(2, buyer_is_maker=False), 8)
    assert sold is not None and bought is not None
    assert (sold.side, sold.trade_id, sold.price, sold.quantity) == (Side.SELL, "1", D("100.5"), D("0.5"))
    assert (bought.side, bought.ts_event, bought.ts_recv) == (Side.BUY, TIME_MS * 10**6, 8)


def test_a_trade_is_told_once_and_two_of_one_update_are_two() -> None:
    tape = Tape(BTC)
    told = [tape.take(each, 1) for each in (wire(5), wire(5), wire(5, "100.0"), wire(5, "100.0"), wire(6))]
    assert [trade.trade_id for trade in told if trade is not None] == ["5", "5-1", "6"]
    assert [trade.trade_id for trade in tape.newest(2)] == ["5-1", "6"]
    assert tape.newest(0) == []


def test_what_a_person_reads_runs_forward() -> None:
    tape = Tape(BTC)
    told = [tape.take(wire(number, after=after), 1) for number, after in ((1, 50), (2, 20), (3, 60))]
    moments = [trade.ts_event - TIME_MS * 10**6 for trade in told if trade is not None]
    assert moments == [50 * 10**6, 50 * 10**6, 60 * 10**6]


def test_what_is_no_trade_is_not_remembered() -> None:
    tape = Tape(BTC)
    for price in ("0", "-1", "x", ""):
        with pytest.raises(DecodeError):
            tape.take(wire(1, price), 1)
    assert tape.take(wire(1), 1) is not None


def test_no_more_is_remembered_than_is_kept() -> None:
    tape = Tape(BTC)
    for number in range(KEPT + 10):
        tape.take(wire(number), 1)
    assert len(tape.newest(KEPT * 2)) == KEPT == len(tape._looks) == len(tape._named)
    assert tape.take(wire(KEPT), 1) is None and tape.take(wire(0), 1) is not None


def test_tapes_that_nobody_asks_for_are_forgotten() -> None:
    tapes = Tapes()
    tapes.of(BTC).take(wire(1), 1)
    for number in range(49):
        tapes.of(instrument_id(f"x{number}usdt"))
    assert len(tapes.of(BTC).newest(5)) == 1
    for number in range(50):
        tapes.of(instrument_id(f"y{number}usdt"))
    assert not tapes.of(BTC).newest(5)


def test_candles_are_the_newest_state_of_each() -> None:
    candles = Candles()
    assert [candles.take(each) for each in (bar(1), bar(1), bar(1, 3), bar(1, 2), bar(2, 1), bar(1, 9))] == [
        True, False, True, False, True, False,
    ]  # fmt: skip
    assert [(each.ts_open, each.volume) for each in candles.newest(BTC, 60, 5)] == [
        (60 * 10**9, D(3)), (120 * 10**9, D(1)),
    ]  # fmt: skip
    assert candles.take(bar(2, 1, close=6)), "the same volume at another price"
    assert candles.newest(BTC, 60, 1) == [bar(2, 1, close=6)] and candles.newest(BTC, 300, 5) == []
    for at in range(3, BARS_KEPT + 9):
        candles.take(bar(at))
    assert len(candles.newest(BTC, 60, 5_000)) == BARS_KEPT


def test_candles_that_nobody_asks_for_are_forgotten() -> None:
    candles = Candles()
    candles.take(bar(1))
    for interval in range(61, 161):
        candles.take(
            Bar(
                instrument=BTC,
                interval=interval,
                ts_open=0,
                open=D(1),
                high=D(1),
                low=D(1),
                close=D(1),
                volume=D(1),
            )
        )
    assert candles.newest(BTC, 60, 5) == []
