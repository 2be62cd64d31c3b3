"""Every example of the document decodes, to what it says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.documented import RestExample
from tests.venues.pumpkin.documented import BARE, SHAPES, decoded, example, examples, methods, shape
from venues.pumpkin import models
from venues.pumpkin.client.session import without_padding
from venues.pumpkin.models import Accepted, EntrustState, OrderState, OrderType, Page
from venues.pumpkin.models.figures import in_envelope
from venues.transport.strict_json import BadJson, decode_json

D = Decimal
ANSWERS = [each for each in examples() if each.kind == "documented"]


def label(each: RestExample) -> str:
    return each.label


def as_read(each: RestExample) -> bytes:
    """Returns an answer as the session hands it on."""
    return without_padding(each.raw) if each.name in BARE else each.raw


def test_there_is_an_example_of_every_call() -> None:
    assert [each.name for each in ANSWERS] == list(methods())
    assert len(ANSWERS) == 66
    assert set(SHAPES) | set(BARE) <= set(methods())


@pytest.mark.parametrize("each", ANSWERS, ids=label)
def test_no_field_of_an_example_is_passed_over(each: RestExample) -> None:
    """What was sent is all there once it is decoded, under the same names."""
    found = decode_json(as_read(each), shape(each.name))
    shown = msgspec.json.decode(msgspec.json.encode(found))
    if isinstance(found, Accepted):
        assert each.value["data"] in (True, None)
        return
    assert missing(each.value, shown) == []


def missing(sent: Any, shown: Any, where: str = "") -> list[str]:
    if isinstance(sent, dict):
        return [
            lost
            for name, value in sent.items()
            for lost in (missing(value, shown[name], f"{where}.{name}") if name in shown else [f"{where}.{name}"])
        ]
    if isinstance(sent, list):
        assert len(sent) == len(shown)
        return [lost for one, other in zip(sent, shown, strict=True) for lost in missing(one, other, where)]
    if isinstance(sent, int | float) and not isinstance(sent, bool):
        return (
            [] if D(str(sent)) == D(str(shown)) or abs(D(str(sent)) / D(str(shown)) - 1) < D("1e-15") else [where]
        )
    return [] if sent == shown or is_same_figure(sent, shown) else [where]


def is_same_figure(sent: Any, shown: Any) -> bool:
    return all(isinstance(each, str) for each in (sent, shown)) and D(sent) == D(shown)


def test_contracts() -> None:
    btc, eth = decoded("symbols")
    assert (btc.symbol, btc.contract_size, btc.min_step_price, btc.price_precision) == (
        "btc_usdt", D("0.0001"), D("0.1"), 1,
    )  # fmt: skip
    assert (btc.min_qty, btc.min_notional, btc.max_notional) == (1, 1, 100_000_000)
    assert (btc.multiplier_up, btc.multiplier_down, btc.min_price) == (D("0.1"), D("0.1"), None)
    assert (btc.state, btc.trade_switch, btc.init_leverage, btc.init_position_type) == (0, True, 25, "CROSSED")
    assert btc.order_types == ("LIMIT", "MARKET")
    assert btc.times_in_force == ("GTC", "FOK", "IOC", "GTX")
    assert btc.position_types == ("CROSSED", "ISOLATED")
    assert "TRAILING_STOP_MARKET" in eth.entrust_types
    assert decoded("symbol") == btc
    assert len(decoded("symbol_names")) == 17


def test_tickers() -> None:
    ticker, both = decoded("ticker"), decoded("agg_tickers")
    assert (ticker.time, ticker.last, ticker.open, ticker.change) == (
        1769584725803, D("89192.3"), D("88289.9"), D("0.0102"),
    )  # fmt: skip
    assert [(each.symbol, each.index, each.mark, each.bid, each.ask) for each in both[:1]] == [
        ("btc_usdt", D("89402.3"), D("89408.0"), D("89401.8"), D("89403.1"))
    ]


def test_a_tickers_volume_is_contracts_and_its_turnover_the_quote_coin() -> None:
    """Not base units, as the document has it: contracts x size x price is the turnover, to the day's range."""
    ticker = decoded("ticker")
    price = ticker.turnover / (ticker.volume * decoded("symbol").contract_size)
    assert ticker.low < price < ticker.high


def test_a_candles_volume_is_a_and_its_turnover_v() -> None:
    """On the stream it is the other way round."""
    newest, before = decoded("klines")
    assert (newest.volume, newest.turnover) == (D("63036.05"), D("563190.2239020"))
    price = newest.turnover / (newest.volume * decoded("symbol").contract_size)
    assert newest.low < price < newest.high
    assert newest.time - before.time == 3_600_000
    assert (newest.open, newest.close) == (D("89362.3"), D("89308.7"))


def test_books_and_deals() -> None:
    book = decoded("depth")
    assert book.update_id == 586765918776852548  # above 2**53, exact
    assert float(book.update_id) != book.update_id + 1
    assert (book.bids[0], book.asks[0]) == ((D("89390.8"), D(11630)), (D(89392), D(2240)))
    text = example("depth").raw.replace(b"586765918776852548", b'"586765918776852549"')
    assert decode_json(text, shape("depth")).data.update_id == 586765918776852549
    with pytest.raises(BadJson):
        decode_json(text.replace(b"852549", b"85254x"), shape("depth"))
    first, second = decoded("deals")
    assert (first.side, first.price, first.quantity, second.side) == ("ASK", D("89300.7"), 3, "BID")


def test_prices_and_funding() -> None:
    assert [each.symbol for each in decoded("mark_prices")] == ["eth_usdt", "btc_usdt"]
    assert (decoded("mark_price").price, decoded("index_price").price) == (D("89434.7"), D("89410.4"))
    rate, history = decoded("funding_rate"), decoded("funding_history")
    assert (rate.funding_rate, rate.next_collection_time) == (D("0.000102"), 1769616000000)
    assert (history.has_prev, history.has_next, history.page_size) == (False, True, None)
    assert [(row.id, row.interval) for row in history.items] == [
        ("586721053934975552", 28_800), ("586600257988164160", 28_800),
    ]  # fmt: skip
    interest = decoded("open_interest")
    assert round(interest.open_interest_usd / interest.open_interest) == 96_059  # a price: base units
    (btc, eth) = decoded("leverage_brackets")
    assert [(tier.max_position, tier.max_leverage) for tier in btc.leverage_brackets] == [(1000, 125), (5000, 100)]
    assert (eth.leverage_brackets[0].symbol, decoded("leverage_bracket").leverage_brackets[0].symbol) == (
        None, "btc_usdt",
    )  # fmt: skip
    assert decoded("risk_balances").items[0].amount == D("940677.25916082")


def test_keys_that_are_misspelt_on_the_wire() -> None:
    eth, btc = decoded("defi_contracts")
    assert (eth.high, eth.amount, btc.high) == (D("3016.57"), D("5864.8700"), D("91180.0"))
    assert decoded("funding_history").items[0].interval == 28_800  # collectionInternal
    first, _ = decoded("rebates")
    assert (first.venue_uid, first.pumpkins_uid, first.pumpkin_uid) == ("10132346", "10132346", None)
    table = example("rebates").raw.replace(b"pumpkinsUid", b"pumpkinUid")
    (other, _) = decode_json(table, shape("rebates")).data
    assert (other.venue_uid, other.pumpkins_uid) == ("10132346", None)
    assert first.total_fee == D("25.3079")


def test_an_envelope_says_msg_or_message() -> None:
    one = decode_json(example("depth").raw, shape("depth"))
    other = decode_json(example("leverage_bracket").raw, shape("leverage_bracket"))
    assert (one.msg, one.message, other.msg, other.message) == ("success", None, None, "success")
    coded = decode_json(b'{"code": -1, "data": null, "bizCode": "1000"}', in_envelope(object))
    assert (coded.biz_code, decode_json(b'{"code": 0, "data": 1, "bizCode": 7}', in_envelope(int)).biz_code) == (
        "1000", 7,
    )  # fmt: skip


def test_a_page_says_ps_or_size_or_has_a_cursor() -> None:
    by_ps, by_size, by_cursor = decoded("orders"), decoded("plans"), decoded("bills")
    assert (by_ps.ps, by_ps.size, by_ps.page_size, by_ps.total, by_ps.page) == (10, None, 10, 1, 1)
    assert (by_size.ps, by_size.size, by_size.page_size, by_size.total) == (None, 10, 10, 5)
    assert (by_cursor.page, by_cursor.page_size, by_cursor.has_next) == (None, None, True)
    history = decoded("order_history")  # documented with a cursor, shown with a number
    assert (history.has_next, history.total, history.items) == (None, 1, by_ps.items)


def test_orders() -> None:
    order = decoded("order")
    assert order == decoded("open_orders")[0] == decoded("open_orders_of")[0] == decoded("orders_by_ids")[0]
    assert (order.order_id, order.client_order_id, order.source_id) == ("587077935051136448", None, None)
    assert (order.order_type, order.state) == (OrderType.MARKET, OrderState.FILLED)
    assert (order.price, order.orig_qty, order.avg_price) == (0, 1, D("88256.7"))
    assert (order.margin_frozen, order.created_time) == (D("0.4524"), 1769672287213)
    (mixed,) = decoded("order_entrusts").items
    assert (mixed.id, mixed.type, mixed.leverage, mixed.entrust_type) == (order.order_id, "ORDER", None, None)
    assert decoded("create_order") == "587077935051136448"


def test_ids_beyond_2_to_the_53_stay_exact_as_numbers_too() -> None:
    raw = example("order").raw.replace(b'"sourceId": null', b'"sourceId": 587077935051136449')
    assert decode_json(raw, shape("order")).data.source_id == 587077935051136449
    raw = example("order").raw.replace(b'"sourceId": null', b'"sourceId": "587077935051136449"')
    assert decode_json(raw, shape("order")).data.source_id == "587077935051136449"


def test_a_positive_fee_is_paid() -> None:
    """The document's note says the opposite; both fees of its example are a taker's 0.0005, and a bill agrees."""
    size, rate = decoded("symbol").contract_size, decoded("symbol").taker_fee
    for fill in decoded("fills").items:
        assert abs(fill.fee_paid - fill.quantity * size * fill.price * rate) < D("0.0001")
    funding, fee = decoded("bills").items
    assert (fee.type, fee.amount, fee.side) == ("FEE", -decoded("fills").items[0].fee_paid, "SUB")
    assert (funding.type, funding.after_amount) == ("FUND", None)


def test_positions() -> None:
    (position,) = decoded("positions")
    assert (position.position_id, position.leverage, position.auto_margin) == ("587077935156970752", 20, False)
    margin = position.entry_price * position.position_size * position.contract_size / position.leverage
    assert round(margin, 4) == position.isolated_margin == D("0.4413")
    assert position.unrealized_profit(D("89256.7")) == D("0.1")
    short = msgspec.structs.replace(position, position_side="SHORT", position_size=D(3))
    assert short.unrealized_profit(D("89256.7")) == D("-0.3")


def test_plans_and_exits() -> None:
    (waiting,), (past,), plan = decoded("plans").items, decoded("plan_history").items, decoded("plan")
    assert (waiting.stop_price, waiting.time_in_force, waiting.is_ordinary) == (D("44500.00"), "GTC", None)
    assert (past.state, past.time_in_force) == (EntrustState.TRIGGERED, None)
    assert (plan.is_ordinary, plan.close_position, plan.market_order_level) == (True, False, None)
    (exits,) = decoded("profit_stops").items
    assert exits == decoded("profit_stop")
    assert (exits.trigger_profit_price, exits.trigger_stop_price, exits.executed_qty) == (46_000, 44_000, 0)
    assert decoded("create_plan").entrust_id == "1234567890123456789"
    assert decoded("create_profit_stop").profit_id == "1234567890123456789"
    assert (decoded("update_profit_stop").adjust_id, decoded("update_profit_stop").status) == (
        9876543210, "PROCESSING",
    )  # fmt: skip


def test_money() -> None:
    (usdt,) = decoded("balances")
    free = usdt.wallet_balance - usdt.isolated_margin - usdt.crossed_margin - usdt.open_order_margin_frozen
    assert free == usdt.available_balance == D("93164.1471631")
    assert decoded("balance").coin == "btc"
    assert decoded("listen_key") == "FAD5A97BA1BD77BAF64F9770AD05ABFF"


def test_the_formats_of_third_parties() -> None:
    fixed, perpetual = decoded("cmc_contracts")
    assert (fixed.expiry_timestamp, perpetual.expiry_timestamp) == (1640995200000, None)
    assert decoded("cmc_contract_specs").contract_price == D("88264.1")  # a number here
    assert decoded("cg_contract_specs").contract_price == D(45000)  # and text there
    assert decoded("cmc_depth").asks[0] == (D("45001.00"), D("1.5"))
    assert decoded("defi_fee").total_fee == D("56660.7559")
    assert decoded("cg_contracts")[0].open_interest_usd == D("38210682.318490364060564")


def test_zeros_that_pad_decimals_go_and_nothing_else_does() -> None:
    """One of the document's figures has 21 decimals, which is one more than is read."""
    raw = b'[38210682.318490364060564000000, {"a": -0.0000000000000000000000,"b": 0.10, "c": 1000}]'
    assert without_padding(raw) == b'[38210682.318490364060564, {"a": -0.0,"b": 0.10, "c": 1000}]'
    kept = b'{"a": 1.1234567890123456789012, "b": "x: 1.50,", "c": 1.50, "d": "1.0000000000000000000000"}'
    assert without_padding(kept) == kept


def test_a_word_that_nobody_knows_breaks_nothing() -> None:
    raw = example("order").raw.replace(b'"FILLED"', b'"FROZEN"').replace(b'"MARKET"', b'"ICEBERG"')
    order = decode_json(raw, shape("order")).data
    assert (order.state, order.order_type) == ("FROZEN", "ICEBERG")


@pytest.mark.parametrize("figure", ['"NaN"', '"-Infinity"', '"1e1000000"', '"0E-5000"', '"x"', '""', "true", "[]"])
def test_a_figure_that_is_none_is_refused(figure: str) -> None:
    for name, sent in (("order", b'"88256.7"'), ("depth", b'"11630"'), ("positions", b'"0.4413"')):
        raw = example(name).raw.replace(sent, figure.encode())
        assert raw != example(name).raw
        with pytest.raises(BadJson):
            decode_json(raw, shape(name))


def test_what_is_no_acknowledgement_is_refused() -> None:
    for raw in (b'{"code": 0, "data": false}', b'{"data": true}', b"[]", b"true"):
        with pytest.raises(BadJson):
            decode_json(raw, Accepted)
    for raw in (b'{"code": 0}', b'{"code": 0, "data": null}'):
        assert decode_json(raw, Accepted).data is None
    with pytest.raises(BadJson):
        decode_json(b'{"code": 0, "data": {"page": 1}}', in_envelope(Page[models.Order]))
