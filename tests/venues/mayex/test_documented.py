"""Every message that Mayex's document shows can be read."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.documented import Example, RestExample
from tests.venues.mayex.documented import SHAPES, example, examples, message, messages, methods, shape
from venues.mayex.models import Fill, OpenOrder, Order, PastOrder, Position, Rows
from venues.mayex.models.figures import without_blanks
from venues.mayex.wire import WireBar, WireDepth, WireMark, WireTicker, WireTrade, decode, read_reply
from venues.transport.strict_json import decode_json

D = Decimal


def data(name: str) -> Any:
    return decode_json(without_blanks(example(name).raw), shape(name)).data


def test_there_is_an_example_of_each_answer_that_the_document_shows() -> None:
    assert {each.name for each in examples()} == SHAPES.keys() < methods().keys()
    silent = methods().keys() - SHAPES.keys()
    assert silent == {"pairs", "cancel_all_orders", "adjust_position_margin"}, "of these it shows no answer"
    assert sorted(each.name for each in messages() if each.kind == "push") == [
        "depth", "kline", "markPrice", "ticker", "trade",
    ]  # fmt: skip


@pytest.mark.parametrize("shown", examples(), ids=lambda each: each.label)
def test_every_answer_decodes_with_all_that_it_says(shown: RestExample) -> None:
    whole = decode_json(without_blanks(shown.raw), shape(shown.name))
    assert whole.status == 0
    said = shown.value["data"]
    for row, told in zip(rows_of(whole.data), rows_of(said), strict=True):
        names = {field.encode_name: field.name for field in msgspec.structs.fields(row)}
        assert told.keys() <= names.keys(), "nothing of it is passed over"
        for name, value in told.items():
            found = getattr(row, names[name])
            if not isinstance(value, list):
                expected = D(value) if isinstance(found, Decimal) else value if value != "" else None
                assert found == expected, name


def rows_of(data: Any) -> list[Any]:
    match data:
        case Rows():
            return data.rows
        case {"rows": list(rows)}:
            return rows
        case list():
            return data
    return [data]


def test_an_order_reads_as_shown() -> None:
    order = data("place_order")
    assert isinstance(order, Order)
    assert (order.order_id, order.client_order_id, order.status) == (1521325650, "WEB9C6IB7h8absN", "NEW")
    assert (order.orig_qty, order.price, order.cum_qty) == (D("0.01"), D(426), D(0))
    assert data("cancel_order") == order, "a cancelled one still reads NEW"
    eth, btc = data("open_orders")
    assert isinstance(eth, OpenOrder)
    assert (eth.symbol, eth.mark_price_at_place, btc.last_price_at_place) == ("ethusdt", D("3013.71"), None)


def test_avl_price_is_the_average_of_past_orders() -> None:
    (past,) = data("order_history").rows
    assert isinstance(past, PastOrder)
    assert (past.average_price, past.status, past.liq_counterparty_type) == (D(0), "CANCELED", "L_NONE")
    whole = {**example("order_history").value["data"]["rows"][0], "avlPrice": "4211.25"}
    assert decode_json(msgspec.json.encode(whole), PastOrder).average_price == D("4211.25")
    assert data("place_order").avg_price == 0, "of an order's answer it is avgPrice"


def test_a_negative_fee_is_charged() -> None:
    (fill,) = data("trade_history").rows
    assert isinstance(fill, Fill)
    of_taker = fill.last_qty * fill.last_price * D("0.00035")
    assert fill.fee_paid == D("0.448948") == of_taker.quantize(D("0.000001"), ROUND_DOWN)
    assert fill.fee == -fill.fee_paid


def test_empty_strings_for_figures_are_none() -> None:
    (position,) = data("positions")
    assert isinstance(position, Position)
    assert (position.margin, position.liq_price) == (None, None)
    assert (position.quantity, position.isolated_margin) == (D("0.001"), D("2.122315"))
    assert position.cum_realized_pnl == D("-0.005")


@pytest.mark.parametrize("shown", messages(), ids=lambda each: each.label)
def test_every_message_of_a_stream_decodes(shown: Example) -> None:
    if shown.kind == "answer":
        reply = read_reply(shown.raw)
        assert reply is not None
        assert reply.is_success
        assert (reply.id, list(reply.names)) == (shown.value["id"], shown.value["result"] or [])
    elif shown.kind == "push":
        push = decode(shown.raw)
        assert push is not None
        assert (push.symbol, push.sent) == (shown.value["s"].lower(), shown.value["E"])


def test_symbols_are_upper_case_in_pushes_and_lower_case_everywhere_else() -> None:
    told = {each.name: decode(each.raw) for each in messages() if each.kind == "push"}
    assert {name: push.symbol for name, push in told.items() if push} == {
        "kline": "bnbbtc", "markPrice": "ethusdt", "ticker": "btcusdt", "depth": "btcusdt", "trade": "btcusdt",
    }  # fmt: skip
    assert data("place_order").symbol == "btcusdt"
    kinds = {name: type(push.told) for name, push in told.items() if push}
    assert kinds == {
        "kline": WireBar, "markPrice": WireMark, "ticker": WireTicker, "depth": WireDepth, "trade": WireTrade,
    }  # fmt: skip
    assert message("subscribe").value["params"] == ["btcusdt@depth10"]


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b'{"a":"","b":"x"}', b'{"a":null,"b":"x"}'),
        (b'{"a": "" , "b":[""],"c":""}', b'{"a": null , "b":[""],"c":null}'),
        (b'{"a":"say \\":\\"\\""}', b'{"a":"say \\":\\"\\""}'),
        (b'{"":"","a\\"":""}', b'{"":null,"a\\"":null}'),
        (b'{"a":"\\\\","b":""}', b'{"a":"\\\\","b":null}'),
        (b'["",{"a":"x"}]', b'["",{"a":"x"}]'),
    ],
)
def test_only_values_that_are_empty_texts_are_blanks(body: bytes, read: bytes) -> None:
    assert without_blanks(body) == read
