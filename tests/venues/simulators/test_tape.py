"""What a market has traded: candles are drawn when they are asked for, and are the same whenever that is."""

from __future__ import annotations

import pytest

from venues.events import Trade
from venues.model import NANOSECONDS, Side
from venues.paper.bars import DAY, INTERVALS
from venues.paper.instruments import listings
from venues.simulators.tape import TRADES_KEPT, Tape

START = 1_790_000_000 * NANOSECONDS
LISTING = listings()[0]


def tape() -> Tape:
    return Tape(LISTING, seed=7, rate=5.0, start=START)


def trade(number: int) -> Trade:
    instrument = LISTING.instrument
    return Trade(
        instrument=instrument.id,
        trade_id=str(number + 1),
        side=Side.BUY,
        price=LISTING.opening_price + number % 7 * instrument.tick_size,
        quantity=(1 + number % 3) * instrument.lot_size,
        ts_event=START + number * NANOSECONDS,
        ts_recv=0,
    )


@pytest.mark.parametrize("count", [0, 1, TRADES_KEPT, TRADES_KEPT + 1, TRADES_KEPT + 500])
def test_candles_are_the_same_whenever_they_are_first_asked_for(count: int) -> None:
    early, late = tape(), tape()
    assert early.bars(60, 1, START)
    for number in range(count):
        early.add(trade(number))
        late.add(trade(number))
    now = START + (count + 20) * NANOSECONDS
    assert late.last == early.last
    assert late.summary(DAY, now) == early.summary(DAY, now)
    for interval in INTERVALS:
        assert late.bars(interval, 400, now) == early.bars(interval, 400, now)


def test_before_the_first_trade_the_last_price_is_where_the_candles_end() -> None:
    quiet = tape()
    assert quiet.last == quiet.bars(60, 1, START)[-1].close == LISTING.opening_price


def test_the_newest_trade_is_in_the_newest_candle() -> None:
    busy = tape()
    busy.add(trade(3))
    newest = busy.bars(INTERVALS[0], 1, trade(3).ts_event)[-1]
    assert newest.close == busy.last == trade(3).price
    assert newest.volume >= trade(3).quantity
