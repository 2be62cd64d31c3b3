"""Every example of the venue's documents decodes, to what it says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.documented import RestExample
from tests.venues.max.documented import SHAPES, example, examples, methods
from venues.errors import DecodeError, OrderError, VenueError
from venues.max import VENUE, models
from venues.max.codes import judge_cancel, judge_cancel_one, judge_new, judge_read, judge_read_order
from venues.max.models import OrderSide, OrderState, OrderType
from venues.transport.exchange import Answer, Request
from venues.transport.strict_json import BadJson, decode_json
from venues.transport.verdicts import command_result, read_result

D = Decimal
ASK = Request(what="test", method="GET", path="/")


def label(each: RestExample) -> str:
    return each.label


def decoded(name: str, kind: str | None = None) -> Any:
    return decode_json(example(name, kind).raw, SHAPES.get(name, dict[str, Decimal]))


@pytest.mark.parametrize("each", [each for each in examples() if each.kind != "error"], ids=label)
def test_answer(each: RestExample) -> None:
    """By the very path of a read and of a command: judged first, then decoded."""
    whole = Answer(status=each.status, headers={}, body=each.raw)
    into = SHAPES.get(each.name, object)
    assert read_result(VENUE, ASK, whole, into, judge_read) is not None
    for judge in (judge_new, judge_cancel):
        assert command_result(VENUE, ASK, whole, into, judge) is not None


@pytest.mark.parametrize("each", [each for each in examples() if each.kind == "error"], ids=label)
def test_error(each: RestExample) -> None:
    said = each.value["error"]
    for judge in (judge_read, judge_read_order, judge_new, judge_cancel, judge_cancel_one):
        found = judge(each.status, each.value)
        assert isinstance(found, VenueError)
        assert (found.code, found.message) == (str(said["code"]), said["message"])
    assert isinstance(judge_new(each.status, each.value), OrderError) is (each.name == "invalid")


def test_nothing_is_left_out() -> None:
    shown = {each.name for each in examples() if each.kind != "error"}
    assert shown == set(methods())
    documented = {each.name for each in examples() if each.kind == "documented"}
    # The specification shows no answer of these.
    assert set(methods()) - documented == {
        "kline", "depth", "m_wallet_index_prices", "m_wallet_limits", "m_wallet_interest_rates",
    }  # fmt: skip


@pytest.mark.parametrize("each", [each for each in examples() if each.name in SHAPES], ids=label)
def test_no_field_of_an_example_is_passed_over(each: RestExample) -> None:
    """What was sent is all there once it is decoded, under the same names."""
    if each.name in ("kline", "m_wallet_historical_index_prices"):
        return
    shown = msgspec.json.decode(msgspec.json.encode(decode_json(each.raw, SHAPES[each.name])))
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
        return [] if Decimal(str(sent)) == Decimal(str(shown)) else [where]
    return [] if sent == shown or is_same_figure(sent, shown) else [where]


def is_same_figure(sent: Any, shown: Any) -> bool:
    return all(isinstance(each, str) for each in (sent, shown)) and Decimal(sent) == Decimal(shown)


def test_markets() -> None:
    btc, maximum, shib = decoded("markets", "met")
    assert (btc.min_base_amount, btc.min_quote_amount) == (D("0.00008"), D(250))
    assert (btc.tick_size, btc.lot_size) == (D("0.1"), D("0.00000001"))
    assert maximum.min_base_amount == 21
    assert (shib.lot_size, shib.tick_size) == (D(1000), D("0.0000001"))
    assert [each.m_wallet_supported for each in (btc, maximum, shib)] == [True, False, False]
    (documented,) = decoded("markets")
    assert (documented.id, documented.base_unit, documented.quote_unit) == ("btctwd", "btc", "twd")


def test_currencies() -> None:
    twd, btc = decoded("currencies", "met")
    assert (twd.type, twd.min_borrow_amount, twd.networks[0].withdrawal_fee) == ("fiat", "", 15)
    assert twd.networks[0].network_congested is None
    assert (btc.networks[0].withdrawal_fee, btc.networks[0].network_congested) == (D("0.0000001"), "false")
    (usdt,) = decoded("currencies")
    assert (usdt.networks[0].network_congested, usdt.staking.stake_flag) == (False, True)


def test_market_data() -> None:
    book = decoded("depth")
    assert book.asks[-1] == book.best_ask == (D("1965418.4"), D("0.00097219"))
    assert book.bids[0] == book.best_bid == (D("1952078.0"), D("0.02049401"))
    bids, asks = book.best_first()
    assert (bids, asks) == (book.bids, book.asks[::-1])
    assert (book.timestamp, book.last_update_version, book.last_update_id) == (1728011558, 1727932531262, 208377)
    first, _ = decoded("kline")
    assert first.line().close == D("1944444.4")
    assert (first.line().timestamp, first.line().volume) == (1728010920, 0)
    (trade,) = decoded("trades")
    assert (trade.side, trade.taker_side, trade.created_at) == ("bid", OrderSide.SELL, 1521726960357)
    (other,) = decoded("trades", "met")
    assert other.taker_side is OrderSide.BUY
    assert decoded("ticker").vol_in_quote == 10
    assert decoded("ticker", "met").vol_in_quote is None
    assert decoded("m_wallet_limits")["usdt"] == D("125389.977455067654321")


def test_rows_may_be_text() -> None:
    (row,) = decode_json(b'[["1728010920","1.5","2","1","1.7","3"]]', SHAPES["kline"])
    assert (row.line().timestamp, row.line().high) == (1728010920, 2)
    shape = SHAPES["m_wallet_historical_index_prices"]
    (price,) = decode_json(b'[{"timestamp":"1644572610000","price":"43497.5"}]', shape)
    assert price.index_price() == models.HistoricalIndexPrice(timestamp=1644572610000, price=D("43497.5"))


def test_orders() -> None:
    order = decoded("order")
    assert (order.id, order.client_oid, order.group_id) == (87, "4511dc1f-4b28-4adb-a384-109384d3bc6e", 1)
    assert (order.side, order.state, order.ord_type) == (OrderSide.BUY, OrderState.WAIT, OrderType.LIMIT)
    market, partly, stop = decoded("closed_orders", "met")
    assert (market.price, market.avg_price) == (None, D("2112833.333333333333333333333333333"))
    assert (partly.state, partly.executed_volume, partly.remaining_volume) == (
        OrderState.CANCEL, D("0.0005355"), D("0.0004645"),
    )  # fmt: skip
    assert (stop.ord_type, stop.stop_price) == (OrderType.STOP_LIMIT, D("2037222.0"))
    (both,) = decoded("cancel_orders")
    assert both.error.startswith("Validation failed")
    (canceled,) = decoded("cancel_orders", "met")
    assert (canceled.error, canceled.order.state) == (None, OrderState.WAIT)


def test_a_word_that_nobody_knows_breaks_nothing() -> None:
    raw = example("order").raw.replace(b'"wait"', b'"finalizing"').replace(b'"limit"', b'"fill_or_kill"')
    order = decode_json(raw, models.Order)
    assert (order.state, order.ord_type) == (OrderState.FINALIZING, "fill_or_kill")


def test_a_self_trade_has_two_legs() -> None:
    (trade,) = decoded("wallet_trades", "met")
    assert trade.is_self_trade
    sold, bought = trade.legs()
    assert (sold.side, sold.order_id, sold.fee, sold.liquidity) == (
        OrderSide.SELL, 123456789, D("0.04098786"), "maker",
    )  # fmt: skip
    assert (bought.side, bought.order_id, bought.fee, bought.liquidity) == (
        OrderSide.BUY, 2326112321, D("0.13690886"), "taker",
    )  # fmt: skip
    assert (bought.fee_currency, bought.fee_discounted) == ("max", True)
    (plain,) = decoded("order_trades", "met")
    (leg,) = plain.legs()
    assert (leg.side, leg.order_id, leg.fee_currency) == (OrderSide.SELL, 2492665741, "usdt")


@pytest.mark.parametrize(("word", "side"), [("bid", "buy"), ("buy", "buy"), ("ask", "sell"), ("sell", "sell")])
def test_either_pair_of_words_names_a_side(word: str, side: str) -> None:
    raw = example("order_trades", "met").raw.replace(b'"ask"', f'"{word}"'.encode())
    (trade,) = decode_json(raw, list[models.PrivateTrade])
    assert [leg.side for leg in trade.legs()] == [side]


def test_a_trade_on_no_side_is_named() -> None:
    (trade,) = decode_json(example("trades").raw.replace(b'"bid"', b'"up"'), list[models.PublicTrade])
    with pytest.raises(DecodeError):
        assert trade.taker_side
    raw = example("order_trades", "met").raw
    (fill,) = decode_json(raw.replace(b'"ask"', b'"up"'), list[models.PrivateTrade])
    with pytest.raises(DecodeError):
        fill.legs()
    (own,) = decode_json(raw.replace(b'"ask"', b'"self-trade"'), list[models.PrivateTrade])
    with pytest.raises(DecodeError, match="self-trade"):
        own.legs()


def test_a_fee_that_is_not_known_yet() -> None:
    raw = example("order_trades", "met").raw.replace(b'"0.03200075"', b"null").replace(b'"usdt"', b"null")
    (trade,) = decode_json(raw, list[models.PrivateTrade])
    (leg,) = trade.legs()
    assert (leg.fee, leg.fee_currency) == (None, None)


def test_balances_and_debts() -> None:
    (account,) = decoded("accounts")
    assert account.net == D("105565.899")
    twd, omg = decoded("accounts", "met")
    assert (twd.staked, twd.principal, twd.net) == (None, None, D("564493072.20030641"))
    assert omg.balance == D("0.000000495687689")
    info = decoded("info", "met")
    assert info.next_vip_level.maker_fee == D("0.00028000000000000003")
    detail = decoded("m_wallet_liquidation")
    assert (detail.repayments[0].interest, detail.liquidations[0].repayment.principal) == (D("0.05"), D("0.1"))
    assert decoded("m_wallet_ad_ratio", "met").ad_ratio == D("1.9198736")
    assert decode_json(b"{}", models.MWalletADRatio).ad_ratio is None


def test_moments_are_in_the_units_of_the_document() -> None:
    seconds = [
        decoded("timestamp").timestamp,
        decoded("ticker").at,
        decoded("depth").timestamp,
        decoded("convert").created_at,
    ]
    assert all(10**9 < moment < 10**10 for moment in seconds)
    (trade,), (deposit,), (loan,) = (decoded(name) for name in ("wallet_trades", "deposits", "m_wallet_loans"))
    order, transfer = decoded("order"), decoded("fund_transaction_transfer")
    milliseconds = [
        trade.created_at, deposit.created_at, loan.created_at, order.created_at, order.updated_at,
        transfer.created_at,
    ]  # fmt: skip
    assert all(10**12 < moment < 10**13 for moment in milliseconds)
    assert (transfer.from_.wallet_type, transfer.to.platform) == ("m", "max")


@pytest.mark.parametrize(
    "figure", ['"NaN"', '"Infinity"', '"-sNaN"', '"1e1000000"', '"0E-5000"', '"x"', '""', "true", "[]", "null"]
)
def test_a_figure_that_is_none_is_refused(figure: str) -> None:
    for name, sent in (("order", b'"0.2658"'), ("depth", b'"0.88956106"'), ("m_wallet_interests", b'"0.003"')):
        raw = example(name).raw.replace(sent, figure.encode())
        assert raw != example(name).raw
        with pytest.raises(BadJson):
            decode_json(raw, SHAPES[name])
    with pytest.raises(BadJson):
        decode_json(f"[[1728010920,1,2,1,{figure},0]]".encode(), SHAPES["kline"])
