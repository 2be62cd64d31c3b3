"""What CoinEx does otherwise than one would think, each with its proof."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.coinex.documented import answer, rest, stream
from venues.coinex import VENUE, endpoints, orders, parse, parse_fills, parse_orders, parse_stops
from venues.coinex.codes import item_error, judge_change, judge_read
from venues.coinex.messages import DealsUpdate, OrderPush, StopPush, StreamOrder, decode_frame
from venues.coinex.wire import Envelope, WireBar, WireOrder, WireStop
from venues.commands import OrderRequest
from venues.errors import DecodeError, OrderNotFound, OutcomeUnknown, ProtocolError
from venues.model import (
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Side,
)
from venues.transport.exchange import Answer, Request
from venues.transport.verdicts import command_result

BTC = Instrument(
    id=InstrumentId(VENUE, "BTCUSDT"), name="BTC/USDT", kind=InstrumentKind.SPOT, base="BTC", quote="USDT",
    settle="USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.00000001"),
)  # fmt: skip


def order_push(event: int, *, bare: bool = True, **changes: Any) -> OrderPush:
    """The documented push with some fields changed."""
    body = stream("order.update").value["params"][1][0] | changes
    raw = msgspec.json.encode({"method": "order.update", "params": [event, body if bare else [body]], "id": None})
    push = decode_frame(raw)
    assert isinstance(push, OrderPush)
    return push


def stop_push(event: int, *, bare: bool = True, **changes: Any) -> StopPush:
    record = stream("order.query_stop", "answer").value["result"]["records"][0]
    body = (
        {key: value for key, value in record.items() if key != "state"} | {"direction": 1, "status": 0} | changes
    )
    raw = msgspec.json.encode(
        {"method": "order.update_stop", "params": [event, body if bare else [body]], "id": None}
    )
    push = decode_frame(raw)
    assert isinstance(push, StopPush)
    return push


def wire_order(name: str = "POST /order/market", **changes: Any) -> WireOrder:
    return msgspec.convert(rest(name).value["data"] | changes, WireOrder)


def only(found: list[Order]) -> Order:
    (order,) = found
    return order


def test_an_order_comes_bare_or_within_an_array() -> None:
    assert parse_orders.parse_order_push(order_push(1)) == parse_orders.parse_order_push(order_push(1, bare=False))
    assert parse_stops.parse_stop_push(stop_push(1)) == parse_stops.parse_stop_push(stop_push(1, bare=False))
    with pytest.raises(DecodeError):
        decode_frame(b'{"method": "order.update", "params": [1, []], "id": null}')


def test_a_bar_has_its_close_before_its_high() -> None:
    for rows in (
        msgspec.convert([[60, "1", "2", "4", "0.5", "9", "90"]], tuple[WireBar, ...]),
        (
            (1639982280, "46324.37", "46345.71", "46356.11", "46324.37", "0.20288204", "9402"),
            (1639982220, "1", "2", "3", "1", "0", "0"),
        ),
    ):
        bars = parse.parse_bars("BTCUSDT", 60, rows)
        assert all(bar.low <= min(bar.open, bar.close) and bar.high >= max(bar.open, bar.close) for bar in bars)
        assert [bar.ts_open for bar in bars] == sorted(bar.ts_open for bar in bars)
    newest = bars[-1]
    assert (newest.close, newest.high) == (Decimal("46345.71"), Decimal("46356.11"))


def test_deals_come_newest_first_and_go_out_oldest_first() -> None:
    deal = {"type": "buy", "price": "1", "amount": "1"}
    rows = [deal | {"id": ident, "time": 1_600_000_000.5 + ident} for ident in (9, 8, 7)]
    push = decode_frame(msgspec.json.encode({"method": "deals.update", "params": ["BTCUSDT", rows], "id": None}))
    assert isinstance(push, DealsUpdate)
    assert [trade.trade_id for trade in parse.parse_deals_push(push, 0)] == ["7", "8", "9"]


@pytest.mark.parametrize("instrument", [BTC, None])
def test_a_market_buy_counts_in_quote_units(instrument: Instrument | None) -> None:
    bought = wire_order(type="buy", amount="60000", amount_asset="USDT", deal_amount="1.1", deal_money="59769")
    assert parse_orders.parse_order(bought, instrument).quantity == Decimal("1.1")
    untold = wire_order(type="buy", amount="60000", amount_asset=None, deal_amount="1.1", deal_money="59769")
    assert parse_orders.parse_order(untold, instrument).quantity == Decimal("1.1")
    ours = wire_order(type="buy", amount="2", amount_asset="BTC", deal_amount="1.1", deal_money="59769")
    assert parse_orders.parse_order(ours, instrument).quantity == 2


def test_a_market_buy_of_the_stream_shows_its_unit_by_its_sum() -> None:
    market_buy: dict[str, Any] = {"type": 2, "side": 2, "price": "0", "deal_stock": "1.1", "deal_money": "59769"}
    in_quote = order_push(3, **market_buy, amount="60000", left="231")
    spent = only(parse_orders.parse_order_push(in_quote))
    assert (spent.status, spent.quantity) == (OrderStatus.FILLED, Decimal("1.1"))
    in_base = order_push(3, **market_buy, amount="2", left="0.9")
    bought = only(parse_orders.parse_order_push(in_base))
    assert (bought.status, bought.quantity, bought.filled_quantity) == (
        OrderStatus.CANCELED, Decimal(2), Decimal("1.1"),
    )  # fmt: skip
    nothing = order_push(1, **market_buy | {"deal_stock": "0", "deal_money": "0"}, amount="2", left="2")
    assert only(parse_orders.parse_order_push(nothing)).quantity == 0
    assert only(parse_orders.parse_order_push(nothing, counts_base=True)).quantity == 2


def test_our_market_orders_say_that_they_count_in_base_units() -> None:
    """Else a buy of 1 BTC would be one of 1 USDT."""

    for kind, trigger in ((OrderType.MARKET, None), (OrderType.STOP, Decimal(9))):
        request = OrderRequest(
            instrument=BTC.id, client_order_id="x", side=Side.BUY, type=kind, quantity=Decimal(1),
            trigger_price=trigger,
        )  # fmt: skip
        assert msgspec.json.decode(orders.submit(request, BTC).body)["asset"] == "BTC"


def test_an_order_cancelled_unfilled_vanishes() -> None:
    resting = parse_orders.parse_order(answer("GET /order/pending", endpoints.Orders).data[0])
    gone = parse_orders.parse_vanished(resting)
    assert (gone.status, gone.filled_quantity, gone.venue_order_id) == (
        OrderStatus.CANCELED, Decimal(0), "35436199",
    )  # fmt: skip
    body = {"code": 600, "data": {}, "message": "Order not found"}
    assert isinstance(judge_read(200, body), OrderNotFound)
    assert isinstance(judge_change(200, body), OrderNotFound)


def test_a_cancel_answers_with_what_was_before_it() -> None:
    resting = answer("DELETE /order/pending", orders.Canceled)
    assert resting.status == "not_deal"
    assert parse_orders.parse_canceled(resting).status is OrderStatus.CANCELED
    partly = msgspec.structs.replace(resting, status="part_deal", deal_amount="0.4", left="0.6")
    canceled = parse_orders.parse_canceled(partly)
    assert (canceled.status, canceled.filled_quantity) == (OrderStatus.CANCELED, Decimal("0.4"))
    done = msgspec.structs.replace(resting, status="done", deal_amount="1")
    assert parse_orders.parse_canceled(done).status is OrderStatus.FILLED


@pytest.mark.parametrize("data", [{"status": "success"}, None])
def test_a_stop_is_acknowledged_without_an_id(data: object) -> None:
    body = msgspec.json.encode({"code": 0, "data": data, "message": "Success"})
    reply = Answer(status=200, headers={}, body=body)
    request = Request(what="place order", method="POST", path="/")
    assert command_result(VENUE, request, reply, orders.StopSubmitted, judge_change).code == 0
    with pytest.raises(OutcomeUnknown):
        command_result(VENUE, request, reply, orders.Submitted, judge_change)
    found = msgspec.json.decode(rest("GET /order/stop/pending").raw, type=endpoints.Stops).data.data
    assert parse_orders.sole([parse_stops.parse_stop(stop) for stop in found], "abcd222") is not None


def test_a_client_id_may_be_shared() -> None:
    order = parse_orders.parse_order(answer("POST /order/limit", orders.Submitted))
    other = msgspec.structs.replace(order, venue_order_id="7")
    assert parse_orders.sole([order, order], "abcd222") == order
    assert parse_orders.sole([order], "another") is None
    with pytest.raises(ProtocolError, match="2 orders share one client id"):
        parse_orders.sole([order, other], "abcd222")


def test_a_cancel_by_client_id_answers_for_each() -> None:
    example = rest("DELETE /order/pending/by_client_id").value
    example["data"].append({"code": 600, "order": None, "message": "gone"})
    items = msgspec.convert(example, orders.CanceledByClientId).data
    assert [item_error(item.code, item.message, is_new=False) is None for item in items] == [True, False]
    assert isinstance(item_error(items[1].code, items[1].message, is_new=False), OrderNotFound)
    assert items[0].order is not None
    assert parse_orders.parse_canceled(items[0].order).venue_order_id == "35435975"


@pytest.mark.parametrize(
    ("side", "state", "kind"),
    [
        ("sell", 1, OrderType.STOP_LIMIT), ("sell", 2, OrderType.TAKE_PROFIT_LIMIT),
        ("buy", 2, OrderType.STOP_LIMIT), ("buy", 1, OrderType.TAKE_PROFIT_LIMIT),
        ("buy", None, OrderType.STOP_LIMIT),
    ],
)  # fmt: skip
def test_the_state_of_a_stop_is_where_its_trigger_lies(side: str, state: int | None, kind: OrderType) -> None:
    row = rest("GET /order/stop/pending").value["data"]["data"][0] | {"type": side, "state": state}
    assert parse_stops.parse_stop(msgspec.convert(row, WireStop)).type is kind


@pytest.mark.parametrize(
    ("event", "status", "expected", "is_triggered"),
    [
        (1, 0, OrderStatus.NEW, False), (2, 0, OrderStatus.NEW, False), (3, 1, OrderStatus.NEW, True),
        (3, 0, OrderStatus.CANCELED, False), (3, None, OrderStatus.UNKNOWN, False),
    ],
)  # fmt: skip
def test_the_end_of_a_stop(event: int, status: int | None, expected: OrderStatus, is_triggered: bool) -> None:
    stop = only(parse_stops.parse_stop_push(stop_push(event, status=status)))
    assert (stop.status, stop.is_triggered, stop.type) == (expected, is_triggered, OrderType.TAKE_PROFIT)
    assert stop.quantity == Decimal(100_000) / Decimal(54_999)
    assert only(parse_stops.parse_stop_push(stop_push(event, status=status), counts_base=True)).quantity == 100_000


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("active", OrderStatus.NEW), ("cancel", OrderStatus.CANCELED), ("fail", OrderStatus.REJECTED),
        ("moon", OrderStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_the_words_of_a_finished_stop(word: str, status: OrderStatus) -> None:
    row = rest("GET /order/stop/finished").value["data"]["data"][0] | {"status": word}
    stop = parse_stops.parse_stop(msgspec.convert(row, WireStop))
    assert (stop.status, stop.is_triggered) == (status, word == "active")
    assert stop.reason == ("moon" if word == "moon" else "")


@pytest.mark.parametrize(
    ("event", "deal_stock", "left", "status"),
    [
        (1, "0", "1", OrderStatus.NEW), (2, "0", "1", OrderStatus.NEW),
        (2, "0.4", "0.6", OrderStatus.PARTIALLY_FILLED), (3, "1", "0", OrderStatus.FILLED),
        (3, "0.4", "0.6", OrderStatus.CANCELED), (3, "0", "1", OrderStatus.CANCELED),
    ],
)  # fmt: skip
def test_the_events_of_an_order(event: int, deal_stock: str, left: str, status: OrderStatus) -> None:
    push = order_push(event, deal_stock=deal_stock, left=left, deal_money="0.0076")
    assert only(parse_orders.parse_order_push(push)).status is status


def test_deal_stock_is_in_base_units() -> None:
    push = order_push(2, deal_stock="0.4", left="0.6", deal_money="0.0076")
    assert only(parse_orders.parse_order_push(push)).average_price == Decimal("0.019")


def last_fill(before: parse_fills.Fees | None = None, **changes: Any) -> Fill | None:
    live: dict[str, Any] = {
        "last_deal_amount": "0.4", "last_deal_price": "100", "last_deal_time": 1600000000.25, "last_deal_id": 77,
        "last_role": 2, "deal_stock": "0.4", "left": "0.6", "asset_fee": "0", "money_fee": "0.08",
    }  # fmt: skip
    body = order_push(2, **live | changes).params[1]
    assert isinstance(body, StreamOrder)
    return parse_fills.parse_last_fill(body, BTC, before)


def test_the_last_fill_of_an_order_push() -> None:
    fill = last_fill()
    assert fill is not None
    assert (fill.trade_id, fill.price, fill.quantity, fill.liquidity) == (
        "77", Decimal(100), Decimal("0.4"), Liquidity.TAKER,
    )  # fmt: skip
    assert (fill.fee, fill.fee_currency, fill.ts_event) == (Decimal("0.08"), "USDT", 1_600_000_000_250_000_000)
    second = last_fill(parse_fills.Fees(quote=Decimal("0.03")), last_role=1)
    assert second is not None
    assert (second.fee, second.liquidity) == (Decimal("0.05"), Liquidity.MAKER)
    in_cet = last_fill(money_fee="0", asset_fee="0.313600000000000000000000", fee_asset="CET")
    assert in_cet is not None
    assert (in_cet.fee, in_cet.fee_currency) == (Decimal("0.3136"), "CET")
    free = last_fill(money_fee="0")
    assert free is not None
    assert (free.fee, free.fee_currency) == (Decimal(0), "USDT")


@pytest.mark.parametrize(
    "changes", [{"last_deal_id": 0}, {"last_role": None}, {"asset_fee": "1", "fee_asset": "CET"}]
)
def test_a_fill_that_is_not_told_whole_is_none(changes: dict[str, Any]) -> None:
    assert last_fill(**changes) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "moon"), ("type", "hold"), ("order_type", "iceberg"), ("amount", "NaN"), ("amount", "1e5"),
        ("amount", ""), ("amount", "-1"), ("price", "0x10"), ("deal_amount", "2"), ("deal_amount", "\u0661"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(field: str, value: str) -> None:
    base = rest("DELETE /order/pending").value["data"]
    with pytest.raises(DecodeError) as caught:
        parse_orders.parse_order(msgspec.convert(base | {field: value}, WireOrder))
    assert value not in caught.value.message or not value or len(value) < 3


def test_success_is_the_code_and_not_the_words() -> None:
    for words in ("Ok", "OK", "Success", "Succeeded", "any"):
        assert judge_read(200, {"code": 0, "data": None, "message": words}) is None
    assert msgspec.convert({"code": 0, "data": 1}, Envelope[int]).message == ""
