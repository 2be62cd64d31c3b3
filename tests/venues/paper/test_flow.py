"""The crowd: the same for a seed whatever the pace, and a market that looks like one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from statistics import mean, median

import msgspec
import pytest

from venues.commands import OrderRequest
from venues.events import BookDelta, Event, Trade
from venues.model import NANOSECONDS, InstrumentId, OrderType, Side, TimeInForce
from venues.paper.exchange import TRADER
from venues.paper.flow import OrderFlow
from venues.paper.instruments import listings
from venues.paper.session import Session

START = 1_700_000_000 * NANOSECONDS
MARKET = listings()


def opened(seed: int = 1, rate: float = 1000.0) -> Session:
    return Session(MARKET, seed=seed, number=1, rate=rate, start=START)


def told(session: Session, seconds: float, step: int | None, most: int = 10**9) -> bytes:
    """Lets the market run, cut into steps of `step` nanoseconds, and returns all it told as bytes."""
    end = START + int(seconds * NANOSECONDS)
    events: list[Event] = []
    now = START
    while now < end:
        now = end if step is None else min(end, now + step)
        while True:
            events += session.flow.run(now, most)
            if session.flow.next_at > now:
                break
    return msgspec.json.encode(events)


@pytest.mark.parametrize(
    ("step", "most"), [(1_000_000, 10**9), (250_000_000, 10**9), (333_333_333, 7), (None, 1), (2_999_999_999, 32)]
)
def test_the_pace_changes_nothing(step: int | None, most: int) -> None:
    assert told(opened(), 4, step, most) == told(opened(), 4, None)


def test_another_seed_is_another_market() -> None:
    assert told(opened(seed=2), 1, None) != told(opened(seed=1), 1, None)


def test_the_rate_scales_time_and_nothing_else() -> None:
    def actions(rate: float) -> list[tuple[object, ...]]:
        events = opened_flow(rate).run(START + 10**15, 3000)
        return [(event.instrument, event.bids, event.asks) for event in events if isinstance(event, BookDelta)]

    def opened_flow(rate: float) -> OrderFlow:
        session = opened(rate=rate)
        flow = OrderFlow(session.exchange, MARKET, 9, rate, session.exchange.now)
        flow.open_market()
        session.exchange.drain()
        return flow

    # The warm-up before the start is bounded in time, so it is cut differently: only rates that share it compare.
    assert actions(1000.0) == actions(500.0)


@pytest.mark.parametrize("rate", [1.0, 50.0, 200.0, 5000.0])
def test_the_rate_is_kept_in_the_mean(rate: float) -> None:
    session = opened(rate=rate)
    before = session.flow.next_at
    session.flow.run(START + 10**18, 20_000)
    assert (session.flow.next_at - before) / NANOSECONDS == pytest.approx(20_000 / rate, rel=0.05)


@pytest.mark.parametrize("rate", [0.5, 5001.0, -1.0, float("nan")])
def test_a_rate_outside_the_range_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be"):
        opened(rate=rate)


def test_every_action_makes_a_public_event() -> None:
    session = opened()
    for _ in range(5000):
        events = session.flow.run(session.flow.next_at, 1)
        assert any(isinstance(event, BookDelta) for event in events)


def watch(session: Session, actions: int, every: int, look: Callable[[], None]) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for _ in range(actions // every):
        kinds.update(type(event).__name__ for event in session.flow.run(START + 10**18, every))
        look()
    return kinds


def test_it_looks_like_a_market_for_200_000_actions() -> None:
    session = opened(seed=3)
    exchange = session.exchange
    spreads: dict[InstrumentId, list[int]] = {listing.id: [] for listing in MARKET}
    depths: dict[InstrumentId, list[tuple[int, int]]] = {listing.id: [] for listing in MARKET}

    def look() -> None:
        for listing in MARKET:
            book = exchange.snapshot(listing.id, 10_000)
            bid, ask = Decimal(book.bids[0][0]), Decimal(book.asks[0][0])
            assert bid < ask
            spreads[listing.id].append(int((ask - bid) / listing.instrument.tick_size))
            depths[listing.id].append((len(book.bids), len(book.asks)))

    kinds = watch(session, 200_000, 500, look)
    assert kinds["BookDelta"] >= 200_000
    assert 0.05 <= kinds["Trade"] / (kinds["Trade"] + kinds["BookDelta"]) <= 0.12
    for listing in MARKET:
        tight = sum(spread <= 3 for spread in spreads[listing.id]) / len(spreads[listing.id])
        assert tight >= 0.8, (listing.id, tight)
        levels = [count for pair in depths[listing.id] for count in pair]
        assert min(levels) >= 8, listing.id
        assert 22 <= median(levels) <= 70, (listing.id, median(levels))
        assert max(levels) <= 110, (listing.id, max(levels))
        first = mean(sum(pair) for pair in depths[listing.id][:100])
        last = mean(sum(pair) for pair in depths[listing.id][-100:])
        assert last < 1.6 * first, listing.id
        crowd = next(crowd for crowd in session.flow.crowds if crowd.listing is listing)
        assert len(crowd._bids) + len(crowd._asks) < 300


def test_volatility_comes_in_clusters_and_sizes_have_a_heavy_tail() -> None:
    session = opened(seed=4)
    spot, perpetual = MARKET[0], MARKET[4]
    assert spot.coin == perpetual.coin
    sizes: list[int] = []
    mids: dict[InstrumentId, list[Decimal]] = {spot.id: [], perpetual.id: []}
    for _ in range(1500):
        sizes += [
            int(event.quantity / spot.instrument.lot_size)
            for event in session.flow.run(START + 10**18, 100)
            if isinstance(event, Trade) and event.instrument == spot.id
        ]
        for name, known in mids.items():
            bid, ask = session.exchange.best_bid(name), session.exchange.best_ask(name)
            assert bid is not None
            assert ask is not None
            known.append((bid + ask) / 2)
    moves = [abs(float(after / before) - 1.0) for before, after in pairwise(mids[spot.id])]
    assert autocorrelation(moves, 1) > 0.1
    assert mean(autocorrelation(moves, lag) for lag in range(1, 11)) > 0.04
    # A spot pair and its perpetual follow one coin.
    gaps = [abs(float(a / b) - 1.0) for a, b in zip(mids[perpetual.id], mids[spot.id], strict=True)]
    assert max(gaps) < 0.003
    sizes.sort()
    assert sizes[int(0.99 * len(sizes))] > 8 * sizes[len(sizes) // 2]


def autocorrelation(values: list[float], lag: int) -> float:
    centre = mean(values)
    spread = sum((value - centre) ** 2 for value in values)
    return sum((a - centre) * (b - centre) for a, b in zip(values, values[lag:], strict=False)) / spread


def test_sweeps_take_several_levels() -> None:
    session = opened(seed=5)
    deepest = 0
    for _ in range(20_000):
        prices = {event.price for event in session.flow.run(START + 10**18, 1) if isinstance(event, Trade)}
        deepest = max(deepest, len(prices))
    assert deepest >= 4


def test_a_traders_order_takes_part_and_the_market_recovers_from_it() -> None:
    session = opened()
    name = MARKET[4].id
    ask = session.exchange.best_ask(name)
    assert ask is not None
    order = session.exchange.submit(
        TRADER,
        OrderRequest(
            instrument=name,
            client_order_id="p1",
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(10),
            price=ask * 2 // Decimal("0.5") * Decimal("0.5"),
            time_in_force=TimeInForce.IOC,
            leverage=Decimal(100),
        ),
    )
    assert order.filled_quantity > 0
    session.flow.run(START + 10**18, 5000)
    book = session.exchange.snapshot(name, 1000)
    assert len(book.bids) >= 8
    assert len(book.asks) >= 8
    bid, ask = session.exchange.best_bid(name), session.exchange.best_ask(name)
    assert bid is not None
    assert ask is not None
    assert ask - bid <= 20 * MARKET[4].instrument.tick_size


def test_a_pause_puts_off_what_is_to_come_and_loses_none_of_it() -> None:
    paused, straight = opened(), opened()
    paused.pause(3600 * NANOSECONDS)
    assert paused.exchange.now == START + 3600 * NANOSECONDS
    books = [
        [
            (event.instrument, event.bids, event.asks)
            for event in session.flow.run(START + 10**18, 500)
            if isinstance(event, BookDelta)
        ]
        for session in (paused, straight)
    ]
    assert books[0] == books[1]
