"""A client written from MAX's document alone goes through a session with the served simulator, in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import websockets

from tests.contract.waiting import until_found
from tests.venues.simulators.max_rig import Book, Rest, Socket
from tests.venues.simulators.served_rig import PATIENCE
from venues.errors import ConfigurationError
from venues.registry import venue_names
from venues.simulators.faults import Faults
from venues.simulators.port import SimulatorSettings
from venues.simulators.registry import create_simulator, served_names, simulator_names
from venues.simulators.serving import Practice, served_in_thread

D = Decimal
SYMBOLS = ("BTCTWD", "ETHTWD", "USDTTWD", "BTCUSDT")


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("max", seed=5, rate=400, time_scale=0.1, symbols=SYMBOLS) as served:
        yield served


@pytest.fixture
async def rest(practice: Practice) -> AsyncIterator[Rest]:
    client = Rest(practice.rest_url, practice.api_key, practice.api_secret, lambda: time.time_ns() // 1_000_000)
    async with client.http:
        yield client


@asynccontextmanager
async def connected(practice: Practice, rest: Rest, **options: Any) -> AsyncIterator[Socket]:
    async with websockets.connect(f"{practice.ws_url}ws", proxy=None, **options) as link:
        yield Socket(link, rest)


async def act(rest: Rest, do: str, **wish: Any) -> Any:
    answer = await rest.http.post("/practice/act", json={"do": do, **wish})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until_state(rest: Rest, state: str, **words: Any) -> Any:
    """Waits until an order is in a state; until then it may not be known at all."""
    found: list[Any] = []

    async def has_it() -> bool:
        answer = await rest.respond("GET", "/order", **words)
        found[:] = [answer.json()]
        return answer.status_code == 200 and found[0]["state"] == state

    await until_found(has_it, PATIENCE, f"the order is not {state}")
    return found[0]


async def test_orders_from_acceptance_to_the_end(rest: Rest) -> None:
    ticker = await rest.read("/ticker", market="btctwd")
    far = str(round(D(ticker["last"]) * D("0.8"), 1))
    order = {"market": "btctwd", "side": "buy", "volume": "0.01", "ord_type": "limit", "price": far}
    resting = await rest.do("POST", "/wallet/spot/order", **order, client_oid="f-1")
    assert (await until_state(rest, "wait", client_oid="f-1"))["id"] == resting["id"]
    locked = {row["currency"]: D(row["locked"]) for row in await rest.do("GET", "/wallet/spot/accounts")}
    assert locked["twd"] > 20_000
    await rest.do("DELETE", "/order", id=resting["id"])
    await until_state(rest, "cancel", id=resting["id"])
    bought = await rest.do("POST", "/wallet/spot/order", **order | {"ord_type": "market", "price": None})
    done = await until_state(rest, "done", id=bought["id"])
    trades = await rest.do("GET", "/order/trades", order_id=bought["id"])
    assert sum(D(row["volume"]) for row in trades) == D(done["executed_volume"]) == D("0.01")
    assert len(trades) == done["trades_count"]


async def test_books_of_a_lively_market_follow(practice: Practice, rest: Rest) -> None:
    books = {name.lower(): Book() for name in SYMBOLS}
    async with connected(practice, rest) as socket:
        await socket.subscribe(*({"channel": "book", "market": name} for name in books))
        for _ in range(150):
            message = await socket.find("", "book")
            books[message["M"]].take(message)
        await act(rest, "quiet")
        truth = (await rest.http.get("/practice/state")).json()["books"]
        while not all(is_told(book, truth[name.upper()]) for name, book in books.items()):
            message = await socket.find("", "book")
            books[message["M"]].take(message)
        await act(rest, "resume")
    assert not any(book.is_broken for book in books.values())


def is_told(book: Book, truth: Any) -> bool:
    """Says whether a book is the exchange's, as deep as it is told."""
    return all(
        book.levels(key) == [(D(price), D(volume)) for price, volume in truth[side][:50]]
        for side, key in (("bids", "b"), ("asks", "a"))
    )


async def test_the_users_own_news_are_the_truth(practice: Practice, rest: Rest) -> None:
    async with connected(practice, rest, compression=None) as socket:
        await socket.log_in()
        known = {row["i"] for row in (await socket.find("trade_snapshot"))["t"]}
        for number in range(5):
            side = "buy" if number % 2 else "sell"
            order = {"market": "btcusdt", "side": side, "volume": "0.002", "ord_type": "market"}
            await rest.do("POST", "/wallet/spot/order", **order, client_oid=f"news-{number}")
        done = 0
        while done < 5:
            done += (await socket.find("order_update"))["o"][0]["S"] == "done"
        state = (await rest.http.get("/practice/state")).json()
        mine = [row for row in state["fills"] if row["client_id"].startswith("news-")]
        told = [(await socket.find("trade_update"))["t"][0] for _ in mine]
    assert {(str(row["i"]), row["v"], D(row["f"])) for row in told} == {
        (row["trade_id"], row["quantity"].rstrip("0"), D(row["fee"])) for row in mine
    }
    assert not known & {row["i"] for row in told}


async def test_many_requests_need_one_connection(practice: Practice, rest: Rest) -> None:
    before = practice.requests
    answers = await asyncio.gather(*(rest.respond("GET", "/info") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    for _ in range(20):
        await rest.read("/timestamp")
    assert practice.requests == before + 40


async def test_who_goes_away_half_way_leaves_no_trace(practice: Practice, rest: Rest) -> None:
    await rest.read("/timestamp")
    async with connected(practice, rest) as socket:
        await socket.log_in()
        await socket.subscribe({"channel": "book", "market": "btctwd"})
        assert practice.connections >= 2

    async def is_gone() -> bool:
        return practice.connections <= 1

    await until_found(is_gone, PATIENCE, "the connection stays")


def test_it_is_served_whether_or_not_a_desk_can_trade_on_it() -> None:
    assert "max" in served_names()
    assert set(simulator_names()) == set(served_names()) & set(venue_names())
    simulator = create_simulator("max", SimulatorSettings(rate=0, symbols=("btctwd",)), Faults())
    assert (simulator.venue, list(simulator.state()["books"])) == ("max", ["BTCTWD"])
    assert simulator.call_of("POST", "/api/v3/wallet/m/order") == "submit"
    assert simulator.call_of("DELETE", "/api/v3/wallet/spot/orders") == "cancel"
    assert simulator.call_of("GET", "/api/v3/order") == "query"
    assert simulator.call_of("GET", "/api/v3/wallet/m/limits") == simulator.call_of("GET", "/x") == "read"
    with pytest.raises(ConfigurationError, match="there is no market NOTHING; known are BTCTWD"):
        create_simulator("max", SimulatorSettings(symbols=("nothing",)), Faults())
