"""The bad venues themselves: each kind keeps its rules, the truth says what happened, and no fault hides it."""

from __future__ import annotations

import http.client
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.bad_venues.exchange import Exchange, Refused
from tests.support.bad_venues.faults import Fault, Faults
from tests.support.bad_venues.process import RunningVenue
from tests.support.bad_venues.rules import Code, Create, Happening, Kind, Lane, Rules, signature
from tests.support.bad_venues.venue import BTC, BadVenue, Settings
from tests.tui.desk.rig import until
from venues.commands import CancelRequest, OrderRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected, OutcomeUnknown, VenueError
from venues.events import FillUpdate, LinkState, OrderUpdate, StreamStatus
from venues.model import Fill, Order, OrderStatus, OrderType, Side
from venues.port import Departure, Venue

BOUNDED = [kind for kind in Kind if kind is not Kind.UNBOUNDED]


def wish(key: str) -> OrderRequest:
    return OrderRequest(
        instrument=BTC,
        client_order_id=key,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal("0.0040"),
        price=Decimal(59000),
    )


def end_of(key: str) -> CancelRequest:
    return CancelRequest(instrument=BTC, client_order_id=key, venue_order_id="")


@asynccontextmanager
async def trading(running: RunningVenue, folder: Path) -> AsyncIterator[BadVenue]:
    venue = BadVenue(Settings(origin=running.origin, state_dir=str(folder), rules=running.rules))
    try:
        await venue.connect()
        yield venue
    finally:
        await venue.aclose()


async def find(venue: BadVenue, key: str) -> Order | None:
    try:
        return await venue.fetch_order(BTC, key)
    except OrderNotFound:
        return None


async def unfilled(venue: BadVenue, key: str) -> str:
    """Places orders until one rests untraded, cancels it, and returns its client order id."""
    for number in range(50):
        name = f"{key}{number}"
        try:
            await venue.submit_order(wish(name))
            if not (await venue.cancel_order(end_of(name))).filled_quantity:
                return name
        except OrderRejected:
            continue  # for a reason of business
        except OrderNotFound:
            continue  # filled at once
    raise AssertionError("every order traded")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.parametrize("kind", Kind)
async def test_an_order_that_ended_unfilled_is_found_but_where_such_vanish(kind: Kind, state: Path) -> None:
    with RunningVenue(Rules(kind=kind, fault_rate=0, settle=0)) as running:
        async with trading(running, state) as venue:
            assert isinstance(venue, Venue)
            key = await unfilled(venue, "s")
            found = await find(venue, key)
            assert await find(venue, "s-never") is None
        truth = running.truth()
    assert {order.client_id: order.status for order in truth.orders}[key] == "canceled"
    assert (found is None) is (kind is Kind.VANISHING)
    assert found is None or found.status is OrderStatus.CANCELED
    assert truth.violations == ()


@pytest.mark.parametrize("kind", Kind)
async def test_a_request_that_comes_after_its_life_is_refused_where_there_is_a_bound(
    kind: Kind, state: Path
) -> None:
    with RunningVenue(Rules(kind=kind, fault_rate=0, order_life=0.2, clock_offset=2.5, seed=3)) as running:
        async with trading(running, state) as venue:
            departures: list[Departure] = []

            async def depart(departure: Departure) -> None:
                departures.append(departure)
                late = departure.nonce * 1_000_000 + 250_000_000

                def is_over() -> bool:
                    time = venue.venue_time()
                    return time is not None and time.now - time.uncertainty > late

                await until(is_over)

            try:
                await venue.submit_order(wish("s1"), depart=depart)
                is_refused = False
            except OrderRejected as error:
                assert error.code == Code.EXPIRED
                is_refused = True
        truth = running.truth()
    assert is_refused is (kind in BOUNDED)
    assert truth.never_booked == ({"s1": "expired"} if is_refused else {})
    assert len(truth.orders) == (not is_refused)
    [departure] = departures
    life = 200_000_000 if is_refused else None
    assert departure.deadline == (None if life is None else departure.nonce * 1_000_000 + life)
    assert departure.body_hash


async def test_what_a_departure_denies_never_reaches_the_venue(state: Path) -> None:
    async def depart(_: Departure) -> None:
        raise NotSent("bad", "the disk is full")

    with RunningVenue(Rules(kind=Kind.BY_ID, fault_rate=0)) as running:
        async with trading(running, state) as venue:
            with pytest.raises(NotSent):
                await venue.submit_order(wish("s1"), depart=depart)
        assert running.truth().arrivals == {}


async def test_a_creation_that_comes_twice_is_recorded(state: Path) -> None:
    with RunningVenue(Rules(kind=Kind.BY_ID, fault_rate=0)) as running:
        async with trading(running, state) as venue:
            for _ in range(2):
                await venue.submit_order(wish("s1"))
        truth = running.truth()
    assert truth.arrivals == {"s1": 2}
    assert [order.client_id for order in truth.orders] == ["s1", "s1"]


def test_nonces_that_do_not_rise_and_signatures_that_do_not_fit_are_recorded() -> None:
    with RunningVenue(Rules(kind=Kind.BY_ID, fault_rate=0)) as running:
        connection = http.client.HTTPConnection(running.origin.removeprefix("http://"), timeout=10)
        codes = []
        for nonce, secret in ((5, Lane.READ), (6, Lane.READ), (6, Lane.READ), (4, Lane.READ), (7, Lane.TRADE)):
            proof = signature(secret, "GET", "/orders/open", nonce, b"")
            headers = {"X-Key": Lane.READ.value, "X-Nonce": str(nonce), "X-Signature": proof}
            connection.request("GET", "/orders/open", headers=headers)
            response = connection.getresponse()
            codes.append((response.status, b"bad_" in response.read()))
        connection.close()
        truth = running.truth()
    assert codes == [(200, False), (200, False), (400, True), (400, True), (400, True)]
    assert [line.split(":")[0] for line in truth.violations] == ["bad_nonce", "bad_nonce", "bad_signature"]


async def test_whatever_goes_wrong_no_answer_contradicts_the_truth(state: Path) -> None:
    rules = Rules(kind=Kind.BY_ID, fault_rate=0.9, most_delay=0.3, order_life=0.15, settle=0.05)
    acknowledged, refused, unknown = set(), set(), set()
    with RunningVenue(rules) as running:
        running.set_faults(0)
        async with trading(running, state) as venue:
            running.set_faults(0.9, seed=5)
            for number in range(60):
                key = f"s{number}"
                try:
                    await venue.submit_order(wish(key))
                    acknowledged.add(key)
                except OrderRejected:
                    refused.add(key)
                except OutcomeUnknown:
                    unknown.add(key)
            running.set_faults(0)
            await until(lambda: running.truth().pending == 0)
        truth = running.truth()
    booked = {order.client_id for order in truth.orders}
    assert acknowledged <= booked
    assert refused == truth.never_booked.keys() & refused
    assert unknown & booked  # else nothing of this was needed
    assert unknown - booked
    assert truth.violations == ()
    assert all(times == 1 for times in truth.arrivals.values())


async def test_the_stream_tells_everything_or_says_that_it_lost_something(state: Path) -> None:
    rules = Rules(kind=Kind.VANISHING, fault_rate=0.6, most_delay=0.1, order_life=0.5, settle=0.02)
    with RunningVenue(rules) as running:
        running.set_faults(0)
        async with trading(running, state) as venue:
            orders: dict[str, Order] = {}
            fills: dict[str, Fill] = {}
            states: list[LinkState] = []
            stream = venue.events()
            running.set_faults(0.6, seed=2)
            for number in range(40):
                try:
                    await venue.submit_order(wish(f"s{number}"))
                except VenueError:
                    continue
            await until(lambda: running.truth().pending == 0)
            truth = running.truth()
            running.set_faults(0)
            while LinkState.RECONNECTING not in states and len(fills) < len(truth.fills):
                for event in await anext(stream):
                    if isinstance(event, OrderUpdate):
                        orders[event.order.venue_order_id] = event.order
                    elif isinstance(event, FillUpdate):
                        fills[event.fill.trade_id] = event.fill
                    elif isinstance(event, StreamStatus):
                        states.append(event.state)
    assert states[0] is LinkState.LIVE
    assert LinkState.RECONNECTING in states or len(fills) == len(truth.fills) > 0


def test_reads_lag_but_never_go_back() -> None:
    now = 10**18
    rules = Rules(kind=Kind.BY_ID, fault_rate=0, settle=1.0)
    exchange = Exchange(rules, random.Random(3), lambda: now, lambda _, __: None)
    booked = 0
    seen: list[int] = []
    for number in range(200):
        now += 50_000_000
        try:
            exchange.book(Create(f"s{number}", "buy", "59000", "0.0040"), now // 1_000_000)
            booked += 1
        except Refused:
            continue
        exchange.refresh()
        seen.append(sum(1 for key in range(number + 1) if _is_found(exchange, f"s{key}")))
    assert seen == sorted(seen)
    assert any(count < booked for count in seen)
    now += 1_000_000_000
    exchange.refresh()
    assert sum(_is_found(exchange, f"s{key}") for key in range(200)) == booked


def _is_found(exchange: Exchange, key: str) -> bool:
    try:
        exchange.find("", key)
    except Refused:
        return False
    return True


def test_every_fault_is_drawn_at_its_rate() -> None:
    faults = Faults(0.25, random.Random(1))
    drawn = [faults.draw(is_command=True) for _ in range(4_000)]
    assert set(drawn) == set(Fault)
    assert 0.22 < sum(fault is not Fault.NONE for fault in drawn) / len(drawn) < 0.28
    delays = [faults.delay(fault, 2.0) for fault in drawn]
    assert max(delays) > 1.9
    assert 0.1 < sum(delay > 0.01 for delay in delays) / len(delays) < 0.25


def test_what_is_held_back_comes_later_and_what_is_lost_never() -> None:
    faults = Faults(0.5, random.Random(1))
    told: list[int] = []
    for number in range(1, 1_001):
        page = faults.deliver([Happening(2 * number - 1), Happening(2 * number)], [Happening(2 * number - 2)])
        told += [one.number for one in page]
    missing = set(range(1, 2_001)) - set(told)
    assert len(missing) == pytest.approx(faults.drawn["events lost"], abs=2)
    assert faults.drawn["events held back"] > 20
    assert told != sorted(told)
    assert len(told) > len(set(told))
