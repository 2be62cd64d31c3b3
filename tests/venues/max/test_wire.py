"""The messages of the documents, and the traps of their keys and words: decoded into what the desk knows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.max.scripted_venue import (
    TIME_MS,
    market_row,
    order_row,
    ticker_row,
    trade_row,
    user,
    user_order,
    user_trade,
)
from venues.errors import DecodeError
from venues.events import BookDelta, BookSnapshot
from venues.max import models
from venues.max.figures import side_of
from venues.max.parse import (
    parse_bar_message,
    parse_bars,
    parse_book,
    parse_depth,
    parse_instrument,
    parse_statuses,
    parse_ticker,
    parse_ticker_message,
)
from venues.max.parse_account import (
    parse_executions,
    parse_order,
    parse_stream_balance,
    parse_stream_execution,
    parse_stream_order,
    status_of,
)
from venues.max.tape import Tape, parse_trades
from venues.max.wire import Message, WireBalance, WireFill, WireOrder, decode_frame, decode_part
from venues.model import InstrumentId, Liquidity, OrderStatus, OrderType, Side, TimeInForce
from venues.transport.strict_json import decode_json

BTC = InstrumentId("max", "BTCTWD")


def message(body: dict[str, Any]) -> Message:
    return decode_frame(json.dumps(body).encode())


def made(body: dict[str, Any], into: Any) -> Any:
    return decode_json(json.dumps(body).encode(), into)


def kline(**changes: Any) -> dict[str, Any]:
    body = {
        "ST": TIME_MS, "ET": TIME_MS + 59_999, "M": "btctwd", "R": "1m", "O": "100.0", "H": "103.0", "L": "99.0",
        "C": "101.0", "v": "1.25", "ti": 68444, "x": False,
    }  # fmt: skip
    return {"c": "kline", "M": "btctwd", "e": "update", "T": TIME_MS + 5, "k": body | changes}


def test_a_market_in_twd() -> None:
    market = parse_instrument(made(market_row("btctwd"), models.Market))
    assert (market.id, market.name, market.base, market.quote) == (BTC, "BTC/TWD", "BTC", "TWD")
    assert (market.tick_size, market.lot_size) == (Decimal("0.1"), Decimal("1E-8"))
    # The minimum comes as 8e-05, a number in scientific notation.
    assert (market.min_quantity, market.min_notional) == (Decimal("0.00008"), Decimal(250))
    assert market.is_tradable


def test_a_negative_precision_means_whole_thousands() -> None:
    row = market_row("shibtwd", base_unit_precision=-3, quote_unit_precision=-1, min_base_amount=21)
    market = parse_instrument(made(row, models.Market))
    assert (str(market.lot_size), str(market.tick_size)) == ("1000", "10")
    assert (market.quantity_decimals, market.price_decimals) == (0, 0)
    assert str(market.min_quantity) == "1000"  # the least multiple of the step that the minimum allows


@pytest.mark.parametrize("status", ["suspended", "cancel-only"])
def test_a_market_that_is_not_active_is_not_traded(status: str) -> None:
    market = parse_instrument(made(market_row("btctwd", status=status), models.Market))
    assert (market.is_tradable, market.note) == (False, status)


def test_rest_sends_the_best_ask_last() -> None:
    depth = made(
        {
            "timestamp": 1_700_000_000, "last_update_version": 3, "last_update_id": 564,
            "asks": [["103.0", "1"], ["101.0", "0.50"]], "bids": [["99.0", "2"], ["98.0", "1"]],
        },
        models.Depth,
    )  # fmt: skip
    book = parse_book("btctwd", depth, 5)
    assert book.asks == (("101.0", "0.50"), ("103.0", "1"))
    assert book.bids[0] == ("99.0", "2")
    assert (book.sequence, book.ts_event) == (564, 1_700_000_000 * 10**9)  # seconds here


def test_v_is_a_version_at_the_top_and_a_volume_within() -> None:
    book = message(
        {"c": "book", "e": "snapshot", "M": "btctwd", "a": [], "b": [], "T": TIME_MS, "fi": 4, "li": 4, "v": 1725}
    )
    assert book.version == 1725
    (trade,) = Tape("btctwd").take(
        message({"c": "trade", "e": "update", "M": "btctwd", "t": [
            {"p": "100.0", "v": "0.25", "T": TIME_MS, "tr": "up"}], "T": TIME_MS + 9}), 1
    )  # fmt: skip
    assert (trade.quantity, trade.ts_event) == (Decimal("0.25"), TIME_MS * 10**6)  # milliseconds, of the trade


def test_a_snapshot_and_an_update_of_a_book() -> None:
    base = {"c": "book", "M": "btctwd", "T": TIME_MS, "v": 1}
    full = parse_depth(message(base | {"e": "snapshot", "a": [["102", "1"], ["101", "1"]], "b": [["99", "1"]],
                                       "fi": 7, "li": 7}), 5)  # fmt: skip
    assert isinstance(full, BookSnapshot)
    assert (full.asks[0], full.sequence) == (("101", "1"), 7)
    change = parse_depth(message(base | {"e": "update", "a": [["101", "0"]], "b": [], "fi": 8, "li": 10}), 5)
    assert isinstance(change, BookDelta)
    assert (change.previous, change.sequence, change.ts_event) == (7, 10, TIME_MS * 10**6)


@pytest.mark.parametrize(
    "changes",
    [{"fi": None}, {"fi": 9, "li": 8}, {"e": "delta"}, {"e": "snapshot", "a": [["x", "1"]]}],
)
def test_a_book_that_is_not_as_documented(changes: dict[str, Any]) -> None:
    body = {"c": "book", "e": "update", "M": "btctwd", "a": [], "b": [], "T": 1, "fi": 8, "li": 8, "v": 1}
    with pytest.raises(DecodeError):
        parse_depth(message(body | changes), 5)


def test_a_ticker_of_the_stream_has_neither_bid_nor_ask() -> None:
    body = {"M": "btctwd", "O": "98.0", "H": "103.0", "L": "97.0", "C": "100.0", "v": "12.5", "V": "12.5"}
    ticker = parse_ticker_message(message({"c": "ticker", "e": "update", "M": "btctwd", "tk": body, "T": TIME_MS}))
    assert (ticker.last, ticker.open, ticker.bid, ticker.ask) == (Decimal("100.0"), Decimal("98.0"), None, None)
    assert ticker.ts_event == TIME_MS * 10**6
    of_rest = parse_ticker(made(ticker_row("btctwd"), models.Ticker))
    assert (of_rest.bid, of_rest.ask, of_rest.ts_event) == (Decimal(99), Decimal(101), TIME_MS * 10**6)


def test_candles_are_in_milliseconds_here_and_in_seconds_there() -> None:
    bar = parse_bar_message(message(kline())).bar
    assert (bar.interval, bar.ts_open, bar.close, bar.volume) == (
        60, TIME_MS * 10**6, Decimal("101.0"), Decimal("1.25"),
    )  # fmt: skip
    rows = [[1_700_000_060, 2, 3.5, 1, 2, 7], [1_700_000_000, 1, 2, 0.5, 2, 9]]
    lines = [each.line() for each in made({"rows": rows}, dict[str, list[models.public.KLineRow]])["rows"]]
    older, newer = parse_bars("btctwd", 60, lines)
    assert (older.ts_open, str(newer.high)) == (1_700_000_000 * 10**9, "3.5")


@pytest.mark.parametrize("changes", [{"R": "7m"}, {"H": "98.0"}, {"C": "NaN"}, {"v": "-1"}])
def test_a_candle_that_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        parse_bar_message(message(kline(**changes)))


@pytest.mark.parametrize("event", ["snapshot", "snaptshot", "update"])
def test_market_status_also_as_the_document_spells_it(event: str) -> None:
    row = {
        "M": "btctwd", "st": "suspended", "bu": "btc", "bup": 8, "mba": 8e-05, "qu": "twd", "qup": 1, "mqa": 250,
        "mws": True,
    }  # fmt: skip
    told = message({"c": "market_status", "e": event, "ms": [row], "T": TIME_MS})
    assert told.is_snapshot is (event != "update")
    (market,) = parse_statuses(told)
    assert (market.id, market.status, market.min_base_amount) == ("btctwd", "suspended", Decimal("0.00008"))


def test_the_side_of_a_public_trade_is_the_makers() -> None:
    row = {"id": 1, "price": "100", "volume": "2", "funds": "200", "market": "btctwd", "created_at": TIME_MS}
    told = parse_trades(
        "btctwd",
        [
            made(row | {"side": "bid"}, models.PublicTrade),
            made(row | {"id": 2, "side": "ask"}, models.PublicTrade),
        ],
        3,
    )
    assert [trade.side for trade in told] == [Side.SELL, Side.BUY]
    assert len({trade.trade_id for trade in told}) == 2


@pytest.mark.parametrize(
    ("word", "side"), [("bid", Side.BUY), ("buy", Side.BUY), ("ask", Side.SELL), ("sell", Side.SELL)]
)
def test_both_pairs_of_side_words(word: str, side: Side) -> None:
    assert side_of(word) is side
    assert parse_stream_order(made(user_order(sd=word), WireOrder)).side is side


@pytest.mark.parametrize(
    ("state", "filled", "status"),
    [
        ("wait", 0, OrderStatus.NEW), ("wait", 1, OrderStatus.PARTIALLY_FILLED), ("convert", 0, OrderStatus.NEW),
        ("convert", 1, OrderStatus.PARTIALLY_FILLED), ("done", 2, OrderStatus.FILLED),
        ("finalizing", 2, OrderStatus.FILLED), ("finalizing", 1, OrderStatus.PARTIALLY_FILLED),
        ("done", 0, OrderStatus.CANCELED), ("done", 1, OrderStatus.CANCELED), ("cancel", 0, OrderStatus.CANCELED),
        ("cancel", 1, OrderStatus.CANCELED), ("failed", 0, OrderStatus.REJECTED),
        ("new word", 0, OrderStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_every_state(state: str, filled: int, status: OrderStatus) -> None:
    assert status_of(state, Decimal(2), Decimal(filled)) is status


def test_an_order_of_rest_and_of_the_stream_is_the_same() -> None:
    of_rest = parse_order(made(order_row(updated_at=TIME_MS + 1), models.Order))
    of_stream = parse_stream_order(made(user_order(), WireOrder))
    assert of_rest == of_stream
    assert (of_rest.instrument, of_rest.venue_order_id, of_rest.client_order_id) == (BTC, "501", "s1")
    assert (of_rest.ts_created, of_rest.ts_event) == (TIME_MS * 10**6, (TIME_MS + 1) * 10**6)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("limit", (OrderType.LIMIT, TimeInForce.GTC, False)),
        ("post_only", (OrderType.LIMIT, TimeInForce.GTC, True)),
        ("ioc_limit", (OrderType.LIMIT, TimeInForce.IOC, False)),
        ("market", (OrderType.MARKET, TimeInForce.GTC, False)),
        ("stop_limit", (OrderType.STOP_LIMIT, TimeInForce.GTC, False)),
        ("stop_market", (OrderType.STOP, TimeInForce.GTC, False)),
    ],
)  # fmt: skip
def test_every_type(kind: str, expected: tuple[OrderType, TimeInForce, bool]) -> None:
    order = parse_stream_order(made(user_order(ot=kind, sp="31000.0"), WireOrder))
    assert (order.type, order.time_in_force, order.post_only) == expected
    assert (order.trigger_price is not None) is order.type.has_trigger  # the document shows one of a limit order


def test_a_market_order_has_no_price_and_a_stop_that_fired_is_triggered() -> None:
    assert parse_stream_order(made(user_order(ot="market", p=None), WireOrder)).price is None
    assert parse_stream_order(made(user_order(ot="stop_limit", sp="1", S="convert"), WireOrder)).is_triggered
    assert not parse_stream_order(made(user_order(ot="stop_limit", sp="1"), WireOrder)).is_triggered


def test_a_trade_with_ourselves_is_two_executions() -> None:
    row = trade_row(
        side="self-trade", liquidity="maker", self_trade_bid_fee="0.1", self_trade_bid_fee_currency="max",
        self_trade_bid_order_id=502,
    )  # fmt: skip
    sale, purchase = parse_executions([made(row, models.PrivateTrade)])
    assert (sale.side, sale.order_id, sale.fee, sale.fee_currency) == (Side.SELL, "501", Decimal("24.0"), "TWD")
    assert (purchase.side, purchase.order_id, purchase.fee_currency) == (Side.BUY, "502", "MAX")
    assert (sale.liquidity, purchase.liquidity) == (Liquidity.MAKER, Liquidity.TAKER)
    assert sale.key != purchase.key


def test_a_fee_that_is_not_computed_yet() -> None:
    assert parse_stream_execution(made(user_trade(f=None, fc=None), WireFill)).fee is None
    assert parse_executions([made(trade_row(fee=None, fee_currency=None), models.PrivateTrade)])[0].fee is None
    whole = parse_stream_execution(made(user_trade(fc="max", f="0.5"), WireFill))
    assert (whole.fee, whole.fee_currency, whole.liquidity) == (Decimal("0.5"), "MAX", Liquidity.MAKER)


def test_keys_that_differ_by_case_alone() -> None:
    told = message(user("order_snapshot", "o", user_order()) | {"O": "no orders"})
    assert len(decode_part(told.orders, list[WireOrder])) == 1
    balance = message(user("account_update", "B", {"cu": "btc", "av": "1.5", "l": "0.5", "stk": None, "TU": 5}))
    assert balance.bids == ()
    (row,) = decode_part(balance.balances, list[WireBalance])
    assert parse_stream_balance(row).total == Decimal(2)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"{}", b"NaN", b'{"e":"update","c":"book","T":"x"}', b'{"e":1}', b"\xff", b"[" * 100_000,
        b'{"c":"user","e":"order_update","o":[],"o":[],"T":1}', b'{"c":"book","e":"update","a":[["1",2]]}',
    ],
)  # fmt: skip
def test_what_is_no_message(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_frame(raw)


@pytest.mark.parametrize("changes", [{"ev": "2.0"}, {"v": "NaN"}, {"v": "0"}, {"sd": "both"}, {"ot": "twap"}])
def test_an_order_that_can_not_be(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        parse_stream_order(made(user_order(**changes), WireOrder))
