"""The private topics: their key, what becomes of it, and that neither a push nor a read undoes what is newer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.pumpkin.account_rig import BTC_ID, AccountRig, closing, connected, request, served, until
from tests.venues.pumpkin.walking import BTC, ETH, Exchange
from venues.errors import DecodeError
from venues.events import LinkState, StreamStatus
from venues.model import OrderStatus
from venues.pumpkin.account_feed import PrivateTopics, make_account_feed, make_login
from venues.pumpkin.connection import Calls
from venues.pumpkin.models import Balance
from venues.pumpkin.pushes import PushedPosition, PushedTrade, decode
from venues.pumpkin.wire import Push
from venues.transport.account_feed import AccountFeed
from venues.transport.address import Address
from venues.transport.freshness import Newest

D = Decimal


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


def keys(exchange: Exchange) -> set[str]:
    """Returns the listen keys by which anything is subscribed now."""
    clients = exchange.simulator.publisher._clients
    return {private.key for client in list(clients) for private in list(client.privates)}


def each_once(rig: AccountRig) -> bool:
    own = sorted(str(row["trade_id"]) for row in rig.shown()["fills"])
    return sorted(one.trade_id for one in rig.fills) == own


async def test_a_key_is_renewed_before_its_hour_is_over_and_nothing_is_missed(exchange: Exchange) -> None:
    """Of fifty minutes 0.9 s are left here; the key that was drawn first is still good."""
    async with connected(exchange) as rig:
        connections, topics = rig.venue._connections, make_login(rig.venue.client)
        place = Address(url=exchange.practice.ws_url + "futures/ws/user")

        async def address() -> Address:
            return place

        def feed() -> AccountFeed:
            stream = connections.account_stream(Calls().login(topics, lambda error: error), address)
            return make_account_feed(
                stream, rig.venue._account, connections.outbox, topics=topics, time_scale=0.0003
            )

        connections.begin_account(feed)
        await until(lambda: keys(exchange))
        first, opened = keys(exchange), exchange.practice.connections
        await until(lambda: keys(exchange) and not keys(exchange) & first)
        assert len(keys(exchange)) == 1
        assert exchange.practice.connections <= opened  # over the same connection
        await rig.opened()
        await until(lambda: each_once(rig))


async def test_an_expired_key_is_drawn_anew(exchange: Exchange) -> None:
    async with connected(exchange, has_topics=True) as rig:
        first = keys(exchange)
        for key in first:
            exchange.simulator.keys._until[key] = 0
        await until(lambda: keys(exchange) and not keys(exchange) & first)
        await until(lambda: rig.venue._account._following.hears)
        await rig.opened()
        await until(lambda: each_once(rig))


async def test_a_key_that_is_refused_leaves_the_polls(exchange: Exchange) -> None:
    exchange.simulator.faults.switch("login-refused@account")
    async with connected(exchange, user_ws_url=exchange.practice.ws_url) as rig:
        order = await rig.venue.submit_order(request())
        await rig.fill(order)
        await until(lambda: rig.held and "polling" in rig.of(StreamStatus)[-1].detail)
        exchange.simulator.faults.heal()
        await until(lambda: rig.venue._account._following.hears)
        assert rig.of(StreamStatus)


async def test_an_address_that_is_none_leaves_the_polls(exchange: Exchange) -> None:
    async with connected(exchange, user_ws_url=exchange.practice.ws_url + "nothing/here") as rig:
        order = await rig.venue.submit_order(request())
        await rig.fill(order)
        await until(lambda: rig.of(StreamStatus)[-1].state is LinkState.LIVE or rig.held)
        assert rig.held or await rig.venue.fetch_positions()


@pytest.mark.parametrize("fault", ["duplicate@account", "reorder@account", "drop@account:0.5", "heartbeats-only"])
async def test_whatever_befalls_the_pushes_the_end_is_the_same(exchange: Exchange, fault: str) -> None:
    async with connected(exchange, has_topics=True) as rig:
        exchange.simulator.faults.switch(fault)
        position = await rig.opened(quantity="0.03")
        await rig.venue.submit_order(closing(position, "0.01"))
        exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.5")
        await until(lambda: {one.quantity for one in rig.held.values()} == {D("0.02"), D("-0.5")})
        exchange.simulator.faults.heal()
        await until(lambda: each_once(rig))
        sizes = [one.quantity for one in rig.told if one.position_id == position.position_id]
        assert list(dict.fromkeys(sizes)) == [D("0.03"), D("0.02")]  # it never went back
        assert len({one.trade_id for one in rig.fills}) == len(rig.fills)


async def test_what_a_push_can_not_say_is_read(exchange: Exchange) -> None:
    """A kin of the venue pushes trades without their number and their fee."""
    async with connected(exchange) as rig:
        order = await rig.venue.submit_order(request())
        await rig.fill(order)
        account, before = rig.venue._account, len(rig.fills)
        row = {"orderId": order.venue_order_id, "symbol": BTC, "price": "60000.1", "quantity": "100"}
        bare = msgspec.Raw(msgspec.json.encode(row | {"timestamp": 1_800_000_000_000}))
        assert list(account.take(Push("trade", bare))) == []
        unknown = msgspec.Raw(msgspec.json.encode({
            "orderId": "999", "symbol": BTC, "state": "FILLED", "executedQty": "1", "avgPrice": "60000",
        }))  # fmt: skip
        assert list(account.take(Push("order", unknown))) == []
        assert list(account.take(Push("notify", msgspec.Raw(b'{"title":"x"}')))) == []
        spent = exchange.spent
        await until(lambda: exchange.spent > spent + 30)
        assert len(rig.fills) == before


async def test_pushes_that_are_none_are_refused(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False) as rig:
        for topic in ("order", "trade", "position", "balance"):
            for data in (
                b"[]",
                b"{}",
                b'"x"',
                b"null",
                b'{"orderId":1}',
                b'{"coin":"usdt","walletBalance":"NaN"}',
            ):
                with pytest.raises(DecodeError):
                    rig.venue._account.take(Push(topic, msgspec.Raw(data)))


async def test_a_push_of_an_order_ends_it_once(exchange: Exchange) -> None:
    async with connected(exchange, has_topics=True) as rig:
        placed = exchange.act("place", symbol=BTC, side="buy", type="limit", quantity="0.01", price="59000")
        await until(lambda: rig.orders)
        exchange.act("cancel", id=int(placed["id"]))
        await until(lambda: rig.orders[-1].status is OrderStatus.CANCELED)
        assert rig.orders[-1].instrument == BTC_ID


def test_what_the_document_does_not_have_may_be_missing() -> None:
    trade = decode(
        msgspec.Raw(b'{"orderId":"1","symbol":"btc_usdt","price":"1","quantity":"2","timestamp":3}'), PushedTrade
    )
    assert (trade.exec_id, trade.fee, trade.fee_coin) == (None, None, None)
    row: dict[str, Any] = {
        "symbol": "btc_usdt", "positionId": "1", "positionType": "CROSSED", "positionSide": "LONG",
        "positionSize": "0", "closeOrderSize": "0", "availableCloseSize": "0", "entryPrice": "0",
        "isolatedMargin": "0", "openOrderMarginFrozen": "0", "realizedProfit": "1.5", "leverage": 10,
        "contractSize": "0.0001",
    }  # fmt: skip
    assert decode(msgspec.Raw(msgspec.json.encode(row)), PushedPosition).total_fee is None
    whole = decode(msgspec.Raw(msgspec.json.encode(row | {"totalFee": "0.3", "markPrice": "1"})), PushedPosition)
    assert whole.total_fee == D("0.3")
    with pytest.raises(DecodeError):
        decode(msgspec.Raw(b'{"coin":"usdt"}'), Balance)


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_read_that_began_before_a_push_says_nothing_of_it() -> None:
    clock = Clock()
    newest: Newest[str, int] = Newest(clock)
    newest.read({"a": 1, "b": 1}, 0.0)
    clock.at = 1.0
    assert newest.push("a", 2)
    assert newest.read({"a": 1, "b": 2}, 0.5) == (["b"], [])
    assert newest.values == {"a": 2, "b": 2}
    assert newest.read({"b": 2}, 0.9) == ([], [])  # nor that it is gone
    clock.at = 2.0
    assert newest.read({"b": 2}, 1.5) == ([], ["a"])


def test_a_push_that_is_older_than_a_read_waits_for_another_read() -> None:
    clock = Clock()
    newest: Newest[str, int] = Newest(clock, behind=2.0)
    newest.push("a", 1)
    clock.at = 1.0
    assert newest.read({"a": 3}, 0.5) == (["a"], [])
    clock.at = 1.2
    assert not newest.push("a", 2)  # of before the read, as it turns out
    assert [newest.wants_read] == [True]
    assert newest.read({"a": 3}, 1.1) == ([], [])  # it began before that push
    assert newest.read({"a": 3}, 1.3) == ([], [])
    assert (newest.wants_read, newest.values) == (False, {"a": 3})
    assert not newest.push("a", 3)  # the stream has caught up
    assert newest.push("a", 4)
    clock.at = 1.4
    newest.read({"a": 5}, 1.35)
    clock.at = 4.0
    assert newest.push("a", 6)  # nothing is held for longer than a stream may be behind


def test_without_a_stream_every_read_is_taken() -> None:
    clock = Clock()
    newest: Newest[str, int] = Newest(clock)
    for at in range(5):
        clock.at = float(at)
        assert newest.read({"a": at}, at - 0.5) == (["a"], [])
    newest.push("a", 9)
    newest.forget_stream()
    assert newest.read({"a": 4}, 0.0) == (["a"], [])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_value_that_only_grows_never_goes_back(seed: int) -> None:
    """One thing at a venue, told late by a stream and by reads, each late by up to a second."""
    rng = random.Random(seed)
    clock = Clock()
    newest: Newest[str, int] = Newest(clock, behind=2.0)
    newest.push("a", 0)
    truth = 0
    coming: list[tuple[float, str, int, float]] = []
    shown: list[int] = []
    stream_at = read_at = 0.0
    for step in range(120):
        now = step * 0.1
        if rng.random() < 0.3:
            truth += 1
            stream_at = max(stream_at, now + rng.random())
            coming.append((stream_at, "push", truth, 0.0))
        if now >= read_at and rng.random() < 0.5:  # one read after the other
            read_at = now + rng.random()
            coming.append((read_at, "read", truth, now))
        coming.sort(key=lambda one: one[0])
        while coming and coming[0][0] <= now:
            at, kind, value, began = coming.pop(0)
            clock.at = at
            if kind == "push":
                newest.push("a", value)
            else:
                newest.read({"a": value}, began)
            shown.append(newest.values.get("a", 0))
    assert shown == sorted(shown)
    clock.at = 20.0
    newest.read({"a": truth}, 19.0)
    assert newest.values["a"] == truth


async def test_topics_are_made_of_the_newest_key() -> None:
    with served() as exchange:
        async with connected(exchange, subscribes=False) as rig:
            topics = PrivateTopics(rig.venue.client)
            first, second = await topics(), await topics()
            assert [one.partition("@")[0] for one in second] == ["order", "trade", "position", "balance"]
            (key,) = {one.partition("@")[2] for one in second}
            assert len(key) == 32 and not set(first) & set(second)
            assert topics.newest == second
            assert topics.drawn_at <= asyncio.get_running_loop().time()
