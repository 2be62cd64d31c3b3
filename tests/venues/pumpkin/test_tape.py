"""Each public trade is told once, whoever tells of it: the stream, a poll, or both."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from venues.errors import DecodeError
from venues.events import Trade
from venues.model import Instrument, InstrumentId, InstrumentKind, Side
from venues.pumpkin.models import Deal
from venues.pumpkin.tape import Tape, Tapes
from venues.pumpkin.wire import WireDeal

SIZE = Decimal("0.0001")
START = 1_760_000_000_000  # milliseconds
NUMBER = 1234567890123456


def contract(symbol: str = "btc_usdt") -> Instrument:
    return Instrument(
        id=InstrumentId("pumpkin", symbol), name=symbol, kind=InstrumentKind.LINEAR_PERPETUAL, base="BTC",
        quote="USDT", settle="USDT", tick_size=Decimal("0.1"), lot_size=SIZE, contract_size=SIZE,
    )  # fmt: skip


def tape(since: int | None = 0, streamed_since: int = 0) -> Tape:
    made = Tape(contract())
    made.since, made.streamed_since = since, streamed_since
    return made


def deal(after: int, price: str = "100", contracts: int = 7, side: str = "BID") -> Deal:
    """A trade as REST tells it, `after` milliseconds."""
    return Deal(
        time=START + after, symbol="btc_usdt", price=Decimal(price), quantity=Decimal(contracts), side=side
    )


def push(
    number: int, price: str = "100", contracts: int = 7, side: str = "BID", time: int | None = None
) -> WireDeal:
    return WireDeal(
        "btc_usdt", price, str(contracts), side, NUMBER + number, None if time is None else START + time
    )


def newest_first(*rows: Deal) -> list[Deal]:
    return list(reversed(rows))


def test_a_poll_tells_what_is_new_oldest_first_in_base_units() -> None:
    known = tape()
    told = known.take_deals(newest_first(deal(0), deal(5, "101", 3, "ASK")), 9)
    assert [(one.price, one.quantity, one.side) for one in told] == [
        (Decimal(100), Decimal("0.0007"), Side.BUY), (Decimal(101), Decimal("0.0003"), Side.SELL),
    ]  # fmt: skip
    assert known.take_deals(newest_first(deal(0), deal(5, "101", 3, "ASK")), 9) == []
    (more,) = known.take_deals(newest_first(deal(5, "101", 3, "ASK"), deal(6)), 9)
    assert more.ts_event == (START + 6) * 1_000_000


def test_trades_that_are_alike_in_everything_are_as_many_as_they_are() -> None:
    known = tape()
    first = known.take_deals([deal(0)] * 3, 9)
    assert len(first) == 3 and len({one.trade_id for one in first}) == 3
    assert known.take_deals([deal(0)] * 2, 9) == []  # an answer that begins among them
    assert len(known.take_deals([deal(0)] * 5, 9)) == 2


def test_what_was_before_the_subscription_is_not_told() -> None:
    known = tape(since=START + 3)
    assert [one.ts_event for one in known.take_deals(newest_first(deal(0), deal(2), deal(3), deal(4)), 9)] == [
        (START + 3) * 1_000_000, (START + 4) * 1_000_000,
    ]  # fmt: skip


def test_a_push_is_told_once_by_its_number() -> None:
    known = tape()
    first = known.take_push(push(1), START, 9)
    assert first is not None and first.trade_id == str(NUMBER + 1)
    assert known.take_push(push(1), START + 40, 9) is None
    assert known.take_push(push(2), START, 9) is not None


@pytest.mark.parametrize("has_time", [True, False])
def test_from_the_stream_to_the_polls(has_time: bool) -> None:
    known = tape()
    arrivals = [0, 3, 3, 8]
    for at, after in enumerate(arrivals):
        assert known.take_push(push(at, time=after if has_time else None), START + after + 20, 9) is not None
    rows = newest_first(*(deal(after) for after in arrivals), deal(9), deal(9))
    told = known.take_deals(rows, 9)
    assert len(told) == 2 and {one.ts_event // 1_000_000 - START for one in told} <= {9, 28}
    assert known.take_deals(rows, 9) == []


@pytest.mark.parametrize("has_time", [True, False])
def test_from_the_polls_to_the_stream(has_time: bool) -> None:
    known = tape(streamed_since=START + 5)
    assert len(known.take_deals(newest_first(deal(0), deal(6), deal(7)), 9)) == 3
    # The two of after the subscription come by the stream as well, then a new one that is alike.
    told = [known.take_push(push(at, time=at if has_time else None), START + 30, 9) for at in (6, 7, 8)]
    assert [one is not None for one in told] == [False, False, True]


def test_a_trade_from_before_the_stream_is_not_taken_for_one_of_it() -> None:
    known = tape(streamed_since=START + 5)
    known.take_deals(newest_first(deal(0), deal(4)), 9)
    assert known.take_push(push(1), START + 10, 9) is not None


def test_reads_have_the_names_by_which_trades_were_told() -> None:
    known = tape()
    told = [one for at in range(4) if (one := known.take_push(push(at), START + at, 9)) is not None]
    named = known.name(newest_first(*(deal(at) for at in range(4))), 9)
    assert [one.trade_id for one in named] == [one.trade_id for one in told]
    assert [one.ts_event for one in named] == [(START + at) * 1_000_000 for at in range(4)]


def test_what_was_only_read_is_told_by_its_name_when_the_stream_has_it() -> None:
    known = tape()
    (named,) = known.name([deal(3)], 9)
    told = known.take_push(push(1), START + 9, 9)
    assert told is not None and told.trade_id == named.trade_id


def test_moments_run_forward() -> None:
    known = tape()
    told = [known.take_push(push(at, time=after), START, 9) for at, after in enumerate((5, 2, 9))]
    moments = [one.ts_event for one in told if one is not None]
    assert moments == sorted(moments) and len(moments) == 3


def test_a_figure_that_is_none_counts_for_nothing() -> None:
    known = tape()
    for bad in (push(1, "NaN"), push(1, contracts=0), push(1, side="UP")):
        with pytest.raises(DecodeError):
            known.take_push(bad, START, 9)
    assert known.take_push(push(1), START, 9) is not None


def test_hand_overs_at_random_neither_lose_nor_double() -> None:
    """A market of few kinds of trade, a stream that comes and goes, and polls that overlap."""
    rng = random.Random(11)
    for is_timed in (True, False):
        known = tape(since=START)
        rows: list[Deal] = []
        told: list[Trade] = []
        is_streamed = False
        clock = 0
        for _ in range(1_500):
            clock += rng.choice((0, 1, 40, 700))
            row = deal(clock, rng.choice(("100", "100.1")), rng.choice((1, 2)), rng.choice(("BID", "ASK")))
            rows.append(row)
            if is_streamed:
                wire = push(len(rows), f"{row.price:f}", int(row.quantity), row.side, clock if is_timed else None)
                told += [one for one in [known.take_push(wire, START + clock, 9)] if one is not None]
            if rng.random() < (0.02 if is_streamed else 0.2):
                told += known.take_deals(list(reversed(rows[-200:])), 9)
            if rng.random() < 0.01:
                told += known.take_deals(list(reversed(rows[-200:])), 9)
                is_streamed = not is_streamed
                clock += 1
                known.streamed_since = START + clock
        told += known.take_deals(list(reversed(rows[-200:])), 9)
        assert len(told) == len(rows)
        assert len({one.trade_id for one in told}) == len(told)


def test_tapes_that_nobody_follows_are_forgotten_in_the_end() -> None:
    tapes = Tapes(lambda symbol: symbol == "kept_usdt")
    kept = tapes.of(contract("kept_usdt"))
    for number in range(60):
        tapes.of(contract(f"c{number}_usdt"))
    assert tapes.of(contract("kept_usdt")) is kept
    assert len(tapes._tapes) <= 53
