"""Messages with one thing wrong: they are read, or set aside, and nothing else ever happens."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.venues.max.scripted_venue import (
    TIME_MS,
    ScriptedBook,
    order_row,
    trade_row,
    user,
    user_order,
    user_trade,
)
from tests.venues.max.venue_rig import BTC, VenueRig, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.errors import VenueError

_WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1.5, "", "x", "NaN", "-1", "1e5", "9" * 60, "٣", [], [[]], [["1"]], {}, {"a": 1},
)  # fmt: skip


def messages() -> list[dict[str, Any]]:
    book = ScriptedBook("btctwd")
    base = {"e": "update", "M": "btctwd", "T": TIME_MS}
    bar = {"ST": TIME_MS, "M": "btctwd", "R": "1m", "O": "1", "H": "2", "L": "1", "C": "2", "v": "5", "x": False}
    status = {
        "M": "btctwd",
        "st": "active",
        "bu": "btc",
        "bup": 8,
        "mba": 8e-05,
        "qu": "twd",
        "qup": 1,
        "mqa": 250,
    }
    balance = {"cu": "btc", "av": "1", "l": "0", "stk": None, "TU": TIME_MS}
    return [
        book.full(),
        book.change("bids", "99.5", "1"),
        base | {"c": "trade", "t": [{"p": "1", "v": "2", "T": TIME_MS, "tr": "up"}]},
        base | {"c": "ticker", "tk": {"M": "btctwd", "O": "1", "H": "2", "L": "1", "C": "2", "v": "3", "V": "3"}},
        base | {"c": "kline", "k": bar},
        {"c": "market_status", "e": "update", "ms": [status], "T": TIME_MS},
        user("order_update", "o", user_order()),
        user("trade_update", "t", user_trade()),
        user("account_update", "B", balance),
        user("mwallet_account_update", "B", balance),
        user("borrowing_update", "db", {"cu": "btc", "dbp": "1", "dbi": "0", "TU": TIME_MS}),
        {"c": "user", "e": "ad_ratio_update", "ad": {"ad": "2", "as": "2", "db": "1", "TU": 1}, "T": TIME_MS},
    ]


def mutated(value: Any, rng: random.Random) -> Iterator[Any]:
    """Yields the value with each of its parts gone once, and replaced once by something wrong."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: each for name, each in value.items() if name != key}
            yield value | {key: rng.choice(_WRONG)}
            for changed in mutated(inner, rng):
                yield value | {key: changed}
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            for changed in mutated(inner, rng):
                yield [*value[:at], changed, *value[at + 1 :]]


@pytest.mark.parametrize("seed", range(3))
def test_the_stream_survives_whatever_one_thing_is_wrong(seed: int) -> None:
    @in_virtual_time
    async def run() -> None:
        rng = random.Random(seed)
        async with connected(account=True) as rig:
            for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER):
                await rig.venue.subscribe(Subscription(channel, BTC))
            await rig.venue.subscribe(Subscription(Channel.BARS, BTC, 60))
            wrong = [each for message in messages() for each in mutated(message, rng)]
            assert len(wrong) > 150
            rng.shuffle(wrong)
            for each in wrong:
                rig.stream.push(each)
            whole = rig.stream.books["btctwd"]
            whole.version = 10**15
            await passes(30)
            assert len(rig.stream.peers) == 2  # neither connection was given up
            assert 10 < rig.venue.quarantined < 2 * len(wrong)
            book = rig.venue.book(BTC)
            assert book is not None
            rig.stream.push(whole.full())
            await until(lambda: book.is_valid and book.top(50) == whole.levels, 60)

    run()


async def read(rig: VenueRig, call: str) -> object:
    match call:
        case "GET /order":
            return await rig.venue.fetch_order(BTC, "s1")
        case "GET /wallet/spot/trades":
            return await rig.venue.fetch_fills(0)
        case "GET /wallet/spot/orders/open":
            return await rig.venue.fetch_open_orders()
        case "GET /wallet/m/accounts":
            return await rig.venue.fetch_positions()
    raise AssertionError(call)


@in_virtual_time
async def test_reads_raise_nothing_but_what_they_say() -> None:
    rng = random.Random(4)
    async with connected(has_key=True) as rig:
        await rig.venue.fetch_instruments()
        rows = {
            "GET /order": order_row(),
            "GET /wallet/spot/trades": [trade_row()],
            "GET /wallet/spot/orders/open": [order_row()],
            "GET /wallet/m/accounts": [{"currency": "btc", "balance": "1", "locked": "0", "principal": "2"}],
        }
        for call, row in rows.items():
            for changed in mutated(row, rng):
                rig.rest.on(call, changed)
                try:
                    await read(rig, call)
                except VenueError as error:
                    assert error.message
            rig.rest.on(call, row)
