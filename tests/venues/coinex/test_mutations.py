"""The documented messages, damaged: whatever comes, it is read or refused with DecodeError, and at once.

200,000 of them; `COINEX_MUTATIONS` sets another number.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.venues.coinex.documented import ANSWERS, answer_type, examples, result_type
from tests.venues.documented import Example
from venues.coinex import VENUE, endpoints, orders, parse, parse_account, parse_fills, parse_orders, parse_stops
from venues.coinex.codes import judge_read, stream_error
from venues.coinex.depth import DepthFeed
from venues.coinex.messages import (
    AssetUpdate,
    DealsUpdate,
    DepthUpdate,
    IndexUpdate,
    Message,
    NoticeUpdate,
    OrderPush,
    OtherPush,
    OwnDealsUpdate,
    Reply,
    StateUpdate,
    StopPush,
    StreamOrder,
    decode_frame,
    decode_result,
)
from venues.coinex.wire import Page, WireMarketTrading
from venues.errors import DecodeError, VenueError
from venues.model import Instrument, InstrumentId, InstrumentKind, Order
from venues.transport.exchange import Answer, Request
from venues.transport.verdicts import read_result

COUNT = int(os.environ.get("COINEX_MUTATIONS", "200000"))
LONGEST = 0.05  # seconds of processor time for one message
ASK = Request(what="test", method="GET", path="/")
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 2**31, 2**53, 2**63, 2**64, 10**30, -(2**63), 1.5, -0.0, 1e300, 1e-300, "",
    " ", "0", "-1", "1e5", "1e999999", "NaN", "Infinity", "0x10", "1_000", "9" * 30, "9" * 5_000, "0." + "1" * 40,
    "\u0661", "\x00", "\u202e", "buy", "sell", "limit", "market", "maker", "done", "cancel", "active", [], {},
    [[]], {"": {}}, ["1", "2"], "x" * 3_000, 1_700_000_000, 1_700_000_000_000, 10**14, 600, 213,
)  # fmt: skip
BYTES = (b"\xff", b"\xed\xa0\x80", b"\\ud800", b"{", b"}", b"[", b"]", b'"', b",", b"\x00", b"NaN", b"1e999", b"-")
BTC = Instrument(
    id=InstrumentId(VENUE, "BTCUSDT"), name="BTC/USDT", kind=InstrumentKind.SPOT, base="BTC", quote="USDT",
    settle="USDT", tick_size=parse._step(2), lot_size=parse._step(8),
)  # fmt: skip


def damaged(rng: random.Random, value: Any, raw: bytes) -> bytes:
    """Returns the message with one to three fields changed, or some of its bytes."""
    if rng.random() < 0.25:
        text = bytearray(raw)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text) + 1)
            match rng.randrange(4):
                case 0:
                    text[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    text[at:at] = rng.choice(BYTES) * rng.choice([1, 1, 1, 70, 2_000])
                case 2:
                    del text[at : at + rng.randint(1, 20)]
                case _:
                    del text[at:]
        return bytes(text)
    for _ in range(rng.randint(1, 3)):
        value = changed(rng, value)
    return msgspec.json.encode(value)


def changed(rng: random.Random, value: Any) -> Any:
    """Returns a copy with a change at a random place."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        match rng.randrange(12):
            case 0:
                return {name: inner for name, inner in value.items() if name != key}
            case 1:
                return value | {f"{key} ": value[key]}
            case 2:
                return {(f" {name}" if name == key else name): inner for name, inner in value.items()}
        return value | {key: changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        match rng.randrange(10):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value + value[at : at + 1] * rng.choice([1, 2, 90])
            case 2:
                return value[::-1]
        return [*value[:at], changed(rng, value[at]), *value[at + 1 :]]
    return rng.choice(HOSTILE)


def parse_rest(name: str, data: Any) -> None:
    """Parses what an endpoint answered, as the adapter will."""
    match data:
        case Page():
            rows: Any = data.data
        case tuple() | dict():
            rows = data
        case _:
            rows = (data,)
    match name:
        case "GET /market/info" | "GET /market/detail":
            for market in rows.values() if isinstance(rows, dict) else rows:
                parse.parse_instrument(market)
        case "GET /market/depth":
            parse.parse_book("X", data, 1)
        case "GET /market/deals":
            parse.parse_deals("X", rows, 1)
        case "GET /market/kline":
            parse.parse_bars("X", 60, rows)
        case "GET /market/ticker":
            parse.parse_ticker("X", data.ticker, data.date)
        case "GET /market/ticker/all":
            parse.parse_tickers(data)
        case "GET /order/market/trade/info":
            depths = {key: each.depths for key, each in data.items() if isinstance(each, WireMarketTrading)}
            for market in depths:
                parse.merge_levels(depths, market)
        case "GET /balance/info":
            parse_account.parse_balances(data)
        case "GET /margin/account":
            parse_account.parse_margin_account(data)
        case "GET /order/user/deals":
            parse_fills.parse_user_deals(rows)
        case "GET /order/deals":
            parse_fills.parse_order_deals(rows, AN_ORDER)
        case "GET /order/stop/pending" | "GET /order/stop/finished":
            for row in rows:
                parse_stops.parse_stop(row)
        case "GET /order/status/batch" | "POST /order/limit/batch":
            for item in rows:
                if item.data is not None:
                    parse_orders.parse_order(item.data, BTC)
        case "DELETE /order/pending/by_client_id":
            for item in rows:
                if item.order is not None:
                    parse_orders.parse_canceled(item.order)
        case _ if ANSWERS.get(name) in (endpoints.OrderAnswer, endpoints.Orders):
            for row in rows:
                parse_orders.parse_order(row, BTC)
                parse_orders.parse_canceled(row)
                parse_fills.parse_fees(row)


AN_ORDER: Order = parse_orders.parse_order(
    msgspec.convert(
        next(each for each in examples("rest") if each.label == "answer POST /order/limit").value,
        orders.Submitted,
    ).data
)


def parse_frame(message: Message, name: str, feed: DepthFeed) -> None:
    """Parses a frame, as the adapter will."""
    match message:
        case DepthUpdate():
            if message.params[2] == feed.market:
                feed.take(message, 1)
            else:
                parse.parse_depth(message, 1)
        case DealsUpdate():
            parse.parse_deals_push(message, 1)
        case StateUpdate():
            parse.parse_state_push(message, 1)
        case IndexUpdate():
            parse.parse_index_push(message, 1)
        case NoticeUpdate():
            parse.parse_notice(message, 1)
        case AssetUpdate():
            parse_account.parse_asset_push(message, 1)
        case OwnDealsUpdate():
            parse_fills.parse_own_deals(message)
        case StopPush():
            parse_stops.parse_stop_push(message)
        case OrderPush():
            parse_orders.parse_order_push(message)
            bodies = message.params[1]
            for body in (bodies,) if isinstance(bodies, StreamOrder) else bodies:
                parse_fills.parse_last_fill(body, BTC)
        case Reply():
            if message.error is not None:
                stream_error(message.error.code, message.error.message)
            decode_result(message, result_type(name))
        case OtherPush():
            pass


def pushes_beyond_the_document() -> list[Example]:
    """Returns the forms of which other people's clients tell: the bare order with its extras, and the stop."""
    shown = {each.label: each.value for each in examples("stream")}
    order = shown["push order.update"]["params"][1][0] | {
        "last_deal_amount": "1", "last_deal_price": "2", "last_deal_time": 1.5, "last_deal_id": 7, "last_role": 1,
    }  # fmt: skip
    stop = shown["answer order.query_stop"]["result"]["records"][0] | {"direction": 1, "status": 0}
    return [
        Example(name, "push", msgspec.Raw(msgspec.json.encode({"method": name, "params": [2, body], "id": None})))
        for name, body in (("order.update", order), ("order.update_stop", stop))
    ]


def run(count: int, seed: int = 1) -> tuple[Counter[str], float]:
    """Returns how the messages ended, and the longest one's seconds."""
    rng = random.Random(seed)
    rest = [each for each in examples("rest") if each.name in ANSWERS and each.kind == "answer"]
    stream = [each for each in examples("stream") if each.kind != "request"] + pushes_beyond_the_document()
    pushes = [each for each in stream if each.kind == "push"]
    values = {id(each): each.value for each in (*rest, *stream)}
    feed = DepthFeed("BTCUSDT", 50)
    ends: Counter[str] = Counter()
    longest = 0.0
    for number in range(count):
        example = rng.choice(rest if number % 2 else pushes if number % 4 else stream)
        raw = damaged(rng, values[id(example)], example.raw)
        work = _rest_work(example, raw) if number % 2 else _frame_work(example, raw, feed)
        start = time.thread_time()
        try:
            work()
            ends["read"] += 1
        except DecodeError:
            ends["refused"] += 1
        except VenueError:
            if not number % 2:  # the venue's own codes are REST's
                raise
            ends["an error of the venue"] += 1
        longest = max(longest, time.thread_time() - start)
    return ends, longest


def _rest_work(example: Example, raw: bytes) -> Callable[[], None]:
    def work() -> None:
        whole = Answer(status=200, headers={}, body=raw)
        read: Any = read_result(VENUE, ASK, whole, answer_type(example), judge_read)
        if not isinstance(read, orders.Done):
            parse_rest(example.name, read.data)

    return work


def _frame_work(example: Example, raw: bytes, feed: DepthFeed) -> Callable[[], None]:
    return lambda: parse_frame(decode_frame(raw), example.name, feed)


def test_damaged_messages() -> None:
    ends, longest = run(COUNT)
    assert sum(ends.values()) == COUNT
    assert longest < LONGEST
    # The damage is neither so great that nothing is parsed, nor so small that nothing is refused.
    assert all(ends[end] > COUNT // 50 for end in ("read", "refused", "an error of the venue")), ends


@pytest.mark.parametrize(
    "raw",
    [
        b'{"method":"depth.update","params":' + b"[" * 100_000,
        b'{"method":"x.update","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
        b'{"method":"depth.update","params":[true,{"time":' + b"9" * 5_000 + b'},"X"]}',
        b'{"method":"\\ud800","params":[]}',
        b'{"method":["depth.update"],"params":[]}',
        b'{"method":"asset.update","params":[{"A":{"available":"1","frozen":"1","frozen":"2"}}],"id":null}',
        b"[]", b"null", b"", b"pong", b"\x00" * 1_000, bytes(range(256)), b"<html></html>",
    ],
)  # fmt: skip
def test_frames_that_mean_harm(raw: bytes) -> None:
    start = time.thread_time()
    with pytest.raises(DecodeError):
        decode_frame(raw)
    assert time.thread_time() - start < LONGEST
