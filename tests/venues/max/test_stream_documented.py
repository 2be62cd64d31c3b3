"""Every example of the stream's documents is read by the adapter, and what is sent is written as they have it."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.documented import Example, read_lines
from tests.venues.max.scripted_venue import market_row
from tests.venues.max.venue_rig import ACCOUNT, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.events import BalanceUpdate, BarUpdate, BookDelta, BookSnapshot, Ticker, Trade
from venues.max import channels
from venues.max.auth import sign_nonce
from venues.max.channels import Topic
from venues.max.connection import read_reply, stream_error
from venues.max.parse import parse_statuses
from venues.max.wire import (
    WireBalance,
    WireBar,
    WireDebt,
    WireFill,
    WireOrder,
    WireRatio,
    WireTicker,
    WireTrade,
    decode_frame,
    decode_part,
)
from venues.model import InstrumentId, Liquidity, OrderStatus, Side
from venues.port import Credentials
from venues.transport.frames import Frame

D = Decimal
UNUSED = {"pool_quota"}  # what may still be borrowed of a currency: the desk reads it when it is asked for


class Row(Example, frozen=True):
    @property
    def label(self) -> str:
        return f"{self.name}-{self.value['e']}" if self.kind == "push" else self.name


@functools.cache
def rows() -> tuple[Row, ...]:
    return read_lines("max", "stream.jsonl", Row)


def named(name: str) -> dict[str, Any]:
    return next(row.value for row in rows() if row.name == name)


PUSHED = [row for row in rows() if row.kind in ("push", "user")]
# What of a message holds its rows, and what each of them is.
PARTS: dict[str, tuple[str, Any]] = {
    "trade": ("trades", list[WireTrade]), "ticker": ("ticker", WireTicker), "kline": ("bar", WireBar),
    "order": ("orders", list[WireOrder]), "user_trade": ("trades", list[WireFill]),
    "account": ("balances", list[WireBalance]), "ad_ratio": ("ratio", WireRatio),
    "borrowing": ("debts", list[WireDebt]),
}  # fmt: skip
# Keys that the desk has no use for: discounts, values, the last trade of a candle, index prices.
PASSED_OVER = {"fd", "fn", "ti", "ET", "V", "stk", "idxp"}


def test_all_channels_and_events_of_the_document_are_among_them() -> None:
    assert {row.name for row in PUSHED if row.kind == "push"} == {
        "book", "trade", "ticker", "kline", "market_status", "pool_quota",
    }  # fmt: skip
    private = {f"{name}_{when}" for name in ("ad_ratio", "borrowing") for when in ("snapshot", "update")}
    for wallet in ("", "mwallet_"):
        private |= {
            f"{wallet}{name}_{e}" for name in ("order", "trade", "account") for e in ("snapshot", "update")
        }
    assert private <= {row.name for row in PUSHED if row.kind == "user"}


@pytest.mark.parametrize("row", PUSHED, ids=lambda row: row.label)
def test_what_was_sent_is_all_there_once_it_is_read(row: Row) -> None:
    message, sent = decode_frame(row.raw), row.value
    assert (message.event, message.channel, message.time) == (sent["e"], sent["c"], sent["T"])
    assert message.is_snapshot is (row.kind == "push" and sent["e"] != "update")
    kind = (
        row.name.removeprefix("fast_").removeprefix("mwallet_").removesuffix("_snapshot").removesuffix("_update")
    )
    if row.kind == "user" and kind == "trade":
        kind = "user_trade"
    if kind in UNUSED:
        return
    if kind == "book":
        assert (message.market, message.first, message.last, message.version) == (
            sent["M"], sent["fi"], sent["li"], sent["v"],
        )  # fmt: skip
        assert ([*map(list, message.asks)], [*map(list, message.bids)]) == (sent["a"], sent["b"])
        return
    if kind == "market_status":
        (market,) = parse_statuses(message)
        assert (market.id, market.base_unit_precision, market.min_base_amount) == ("btctwd", 8, D("0.0004"))
        assert (market.quote_unit, market.min_quote_amount, market.m_wallet_supported) == ("twd", D(250), True)
        return
    attribute, shape = PARTS[kind]
    key = {"trades": "t", "ticker": "tk", "bar": "k", "orders": "o", "balances": "B", "ratio": "ad", "debts": "db"}
    told = sent[key[attribute]]
    shown = msgspec.json.decode(msgspec.json.encode(decode_part(getattr(message, attribute), shape)))
    for one, other in zip(_listed(told), _listed(shown), strict=True):
        kept = {name: value for name, value in one.items() if name not in PASSED_OVER and name != "x"}
        assert {name: other[name] for name in kept} == kept


def _listed(rows: Any) -> list[dict[str, Any]]:
    return rows if isinstance(rows, list) else [rows]


@in_virtual_time
async def test_the_adapter_takes_them_all_and_sets_none_aside() -> None:
    ask = [
        Subscription(Channel.BOOK, InstrumentId("max", "BTCUSDT")),
        Subscription(Channel.TRADES, InstrumentId("max", "BTCTWD")),
        Subscription(Channel.TICKER, InstrumentId("max", "BTCTWD")),
        Subscription(Channel.BARS, InstrumentId("max", "ETHUSDT"), 60),
    ]
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /markets", [market_row(name) for name in ("btctwd", "ethtwd", "btcusdt", "ethusdt")])
        for each in (ACCOUNT, *ask):
            await rig.venue.subscribe(each)
        rig.rest.on("GET /order/trades", [])
        await until(lambda: rig.of(BookSnapshot))
        whole = rig.stream.books["btcusdt"]
        whole.version = 0  # older than the example's
        rig.stream.push(*(row.raw for row in PUSHED))
        await until(lambda: rig.of(BarUpdate) and rig.of(BookDelta) and len(rig.orders) >= 2)
        await passes(1)
        assert rig.venue.quarantined == 0
        book = rig.venue.book(InstrumentId("max", "BTCUSDT"))
        assert book is not None
        assert (book.best_ask(), book.best_bid()) == ((D("5337.3"), D("0.01037")), (D("5333.3"), D("0.5")))
        assert [(trade.price, trade.quantity, trade.side) for trade in rig.of(Trade)][:1] == [
            (D("5337.3"), D("0.1"), Side.BUY)
        ]
        assert rig.of(Ticker)[-1].last == D("280004.5")
        bar = rig.of(BarUpdate)[-1].bar
        assert (bar.interval, bar.ts_open, bar.high) == (60, 1_684_743_600_000 * 10**6, D("1815.11"))
        done = next(order for order in rig.orders if order.instrument.symbol == "ETHTWD")
        assert (done.status, done.client_order_id, done.side) == (OrderStatus.FILLED, "client-oid-1", Side.BUY)
        assert done.filled_quantity == D("0.2658")
        fills = {fill.trade_id: fill for fill in rig.fills}
        assert len(rig.fills) == len(fills)  # told by three messages, and once
        assert (fills["68444"].fee, fills["68444"].fee_currency) == (D("3.2"), "TWD")
        assert fills["68444"].liquidity is Liquidity.MAKER
        assert fills["78"].liquidity is Liquidity.TAKER
        balances = {each.currency: each for told in rig.of(BalanceUpdate) for each in told.balances}
        assert balances["BTC"].total == D("123.9")


def test_what_is_sent_is_as_in_the_documents() -> None:
    topics = [Topic("book", "btctwd"), Topic("trade", "btctwd")]
    for name, ours in (("subscribe", channels.subscribe), ("unsubscribe", channels.unsubscribe)):
        theirs = named(name)
        sent = json.loads(ours(topics, "client1"))
        theirs_bodies, bodies = (each.get("subscription") or each["subscriptions"] for each in (theirs, sent))
        assert bodies[0].pop("depth") == 50  # the example asks for one level
        assert bodies[0] | {"depth": 1} == theirs_bodies[0]
        assert bodies[1:] == theirs_bodies[1:]
        assert {key: sent[key] for key in ("action", "id")} == {key: theirs[key] for key in ("action", "id")}
    credentials, theirs = Credentials("...", "secret"), named("auth")
    text, signature = channels.login(credentials, theirs["nonce"], (), "client-id")
    sent = json.loads(text)
    assert signature == sign_nonce(theirs["nonce"], "secret")
    assert sent | {"signature": "...."} == theirs | {"filters": []}


@pytest.mark.parametrize("row", [row for row in rows() if row.kind == "answer"], ids=lambda row: row.name)
def test_the_answers_of_the_documents_are_known_for_answers(row: Row) -> None:
    reply = read_reply(Frame(data=row.raw, is_text=True, ts_recv=1, connection=1))
    assert reply is not None
    assert (reply.event, reply.id) == (row.value["e"], row.value["i"])
    if row.name == "error":
        found = stream_error(reply)
        assert (found.code, found.message) == ("1004", "invalid action")
