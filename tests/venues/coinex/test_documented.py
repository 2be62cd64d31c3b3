"""Every example of the venue's document decodes, to what it says."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.venues.coinex.documented import (
    ANSWERS,
    CANCELS_ALL,
    RESULTS,
    answer,
    answer_type,
    examples,
    result_type,
    stream,
)
from tests.venues.documented import Example
from venues.coinex import VENUE, endpoints, orders, parse, parse_account, parse_fills, parse_orders, parse_stops
from venues.coinex.codes import judge_change, judge_new_order, judge_read
from venues.coinex.messages import (
    AssetUpdate,
    DealsUpdate,
    DepthUpdate,
    IndexUpdate,
    NoticeUpdate,
    OrderPush,
    OtherPush,
    OwnDealsUpdate,
    Reply,
    StateUpdate,
    decode_frame,
    decode_result,
)
from venues.model import Balance, InstrumentId, Liquidity, OrderStatus, OrderType, Side
from venues.transport.exchange import Answer, Request
from venues.transport.verdicts import command_result, read_result

D = Decimal
BTC = InstrumentId(VENUE, "BTCUSDT")
SECOND = 1_000_000_000
ASK = Request(what="test", method="GET", path="/")


def label(example: Example) -> str:
    return example.label


@pytest.mark.parametrize("example", [each for each in examples("rest") if each.kind == "answer"], ids=label)
def test_rest_answer(example: Example) -> None:
    """By the very path of a read and of a command: judged first, then decoded."""
    is_second = example == [each for each in examples("rest") if each.label == example.label][-1]
    into = answer_type(example, is_second=is_second and example.name == CANCELS_ALL)
    whole = Answer(status=200, headers={}, body=example.raw)
    assert read_result(VENUE, ASK, whole, into, judge_read).code == 0
    for judge in (judge_new_order, judge_change):
        assert command_result(VENUE, ASK, whole, into, judge).code == 0


@pytest.mark.parametrize("example", [each for each in examples("stream") if each.kind == "answer"], ids=label)
def test_stream_answer(example: Example) -> None:
    reply = decode_frame(example.raw)
    assert isinstance(reply, Reply)
    assert reply.error is None
    result = decode_result(reply, result_type(example.name))
    assert result == "success" or example.name in RESULTS


@pytest.mark.parametrize("example", [each for each in examples("stream") if each.kind == "push"], ids=label)
def test_push(example: Example) -> None:
    push = decode_frame(example.raw)
    assert not isinstance(push, Reply | OtherPush)
    assert msgspec.to_builtins(push)["method"] == example.name


def test_nothing_is_left_out() -> None:
    kinds = [each.kind for each in examples("stream")]
    assert (kinds.count("answer"), kinds.count("push")) == (35, 8)
    named = {each.name for each in examples("rest") if each.kind == "answer"}
    assert set(ANSWERS) <= named
    assert {name for name in named if name.split()[1].startswith("/order")} <= set(ANSWERS)
    assert set(RESULTS) <= {each.name for each in examples("stream") if each.kind == "answer"}


def test_markets() -> None:
    markets = answer("GET /market/info", endpoints.MarketInfo)
    instrument = parse.parse_instrument(markets["CETUSDC"])
    assert (instrument.base, instrument.quote, instrument.name) == ("CET", "USDC", "CET/USDC")
    assert (instrument.tick_size, instrument.lot_size) == (D("1E-8"), D("1E-8"))
    assert (instrument.min_quantity, instrument.taker_fee) == (D("0.001"), D("0.001"))
    own = answer("GET /account/market/fee", endpoints.FeeRates)
    assert parse.parse_instrument(markets["CETUSDC"], own).maker_fee == D("0.0018")
    tradings = answer("GET /order/market/trade/info", endpoints.MarketTradings)
    depths = {market: each.depths for market, each in tradings.items()}
    assert parse.merge_levels(depths, "CETUSDC")[:3] == ("0", "0.00000001", "0.0000001")
    assert parse.merge_levels(depths, "NOSUCH") == ("0",)
    assert answer("GET /margin/market", endpoints.MarginMarkets)["BTCUSDT"] == 2


def test_market_data() -> None:
    book = parse.parse_book("ETHUSDT", answer("GET /market/depth", endpoints.Depth), 7)
    assert (book.bids, book.asks) == ((("10.00", "1.0000"),), (("10.00", "0.9999"),))
    assert (book.ts_event, book.ts_recv, book.checksum) == (1539764050033 * 10**6, 7, None)
    (trade,) = parse.parse_deals("ETHUSDT", answer("GET /market/deals", endpoints.Deals), 7)
    assert (trade.trade_id, trade.side, trade.price, trade.quantity) == (
        "5",
        Side.BUY,
        D(10),
        D("0.0001"),
    )
    assert trade.ts_event == 1494214689067 * 10**6
    one = answer("GET /market/ticker", endpoints.TickerAt)
    ticker = parse.parse_ticker("ETHUSDT", one.ticker, one.date)
    assert (ticker.bid, ticker.ask, ticker.open, ticker.volume) == (
        D(10),
        D(10),
        D(10),
        D(110),
    )
    assert ticker.ts_event == 1513865441609 * 10**6
    several = answer("GET /market/ticker/all", endpoints.Tickers)
    assert [each.last for each in parse.parse_tickers(several)] == [D("0.2322211")]
    assert parse.parse_tickers(several, ["NOSUCH"]) == []


def test_account() -> None:
    balances = parse_account.parse_balances(answer("GET /balance/info", endpoints.Balances))
    assert balances[0] == Balance(
        currency="BTC", total=D("9081.84156954"), available=D("9080.84156954"), locked=D(1)
    )
    margin = parse_account.parse_margin_account(answer("GET /margin/account", endpoints.MarginAccountAnswer))
    assert (margin.account_id, margin.base, margin.quote, margin.has_loan) == (2, D(2), D(0), False)
    assert (margin.risk_rate, margin.liquidation_price) == (None, None)
    position = margin.position(D(100), 5)
    assert (position.instrument, position.quantity, position.margin, position.ts_event) == (
        BTC,
        D(2),
        D(200),
        5,
    )
    assert answer("GET /order/user/trade/fee", endpoints.UserFees).spot["ALL"].taker == "0"


def test_orders() -> None:
    done = parse_orders.parse_order(answer("POST /order/limit", orders.Submitted))
    assert (done.status, done.type, done.quantity, done.price) == (
        OrderStatus.FILLED, OrderType.LIMIT, D("0.01"), D(56000),
    )  # fmt: skip
    assert (done.client_order_id, done.venue_order_id, done.average_price) == (
        "abcd222",
        "35435972",
        D(56000),
    )
    sold = parse_orders.parse_order(answer("POST /order/market", orders.Submitted))
    assert (sold.side, sold.type, sold.price, sold.quantity) == (Side.SELL, OrderType.MARKET, None, D(1))
    ioc = parse_orders.parse_order(answer("POST /order/ioc", orders.Submitted))
    assert (ioc.status, ioc.filled_quantity, ioc.quantity) == (
        OrderStatus.CANCELED,
        D("0.24721428"),
        D("0.3"),
    )
    page = answer("GET /order/pending", endpoints.Orders)
    assert (page.has_next, page.total) == (False, 4)
    resting = parse_orders.parse_order(page.data[0])
    assert (resting.status, resting.remaining, resting.ts_created) == (
        OrderStatus.NEW,
        D(1),
        1636079744 * SECOND,
    )
    batch = answer("GET /order/status/batch", endpoints.OrderBatch)
    assert parse_orders.parse_order(batch[0].data).filled_quantity == D("811.88590061")
    fees = parse_fills.parse_fees(answer("POST /order/limit", orders.Submitted))
    assert (fees.base, fees.quote, fees.other, fees.other_currency) == (
        D(0),
        D(0),
        D("0.3136"),
        "CET",
    )


def test_stops_and_fills() -> None:
    stop = parse_stops.parse_stop(answer("GET /order/stop/pending", endpoints.Stops).data[0])
    assert (stop.type, stop.side, stop.trigger_price, stop.price) == (
        OrderType.TAKE_PROFIT_LIMIT, Side.BUY, D(54999), D(59000),
    )  # fmt: skip
    assert (stop.venue_order_id, stop.client_order_id, stop.is_triggered) == ("35436627", "abcd222", False)
    past = parse_stops.parse_stop(answer("GET /order/stop/finished", endpoints.Stops).data[0])
    assert (past.status, past.is_triggered) == (OrderStatus.NEW, True)
    (fill,) = parse_fills.parse_user_deals(
        answer("GET /order/user/deals", endpoints.UserDeals).data, {"35435973": "mine"}
    )
    assert (fill.trade_id, fill.client_order_id, fill.side, fill.liquidity) == (
        "462666", "mine", Side.SELL, Liquidity.TAKER,
    )  # fmt: skip
    assert (fill.fee, fill.fee_currency) == (D("20.127671424"), "CET")
    order = parse_orders.parse_order(answer("GET /order/status", endpoints.OrderAnswer))
    (detail,) = parse_fills.parse_order_deals(answer("GET /order/deals", endpoints.OrderDeals).data, order)
    assert (detail.instrument, detail.side, detail.venue_order_id) == (BTC, Side.BUY, order.venue_order_id)


def test_pushes() -> None:
    deals = decode_frame(stream("deals.update").raw)
    assert isinstance(deals, DealsUpdate)
    (trade,) = parse.parse_deals_push(deals, 7)
    assert (trade.price, trade.ts_event) == (D("46444.74"), 1_496_458_040_059_284_000)
    state = decode_frame(stream("state.update").raw)
    assert isinstance(state, StateUpdate)
    (ticker,) = parse.parse_state_push(state, 7)
    assert (ticker.high, ticker.last, ticker.bid, ticker.ts_event) == (
        D("48262.66"),
        D("46318.55"),
        None,
        7,
    )
    index = decode_frame(stream("index.update").raw)
    assert isinstance(index, IndexUpdate)
    assert parse.parse_index_push(index, 7).index == D(57000)
    notice = decode_frame(stream("notice.update").raw)
    assert isinstance(notice, NoticeUpdate)
    told = parse.parse_notice(notice, 7)
    assert told.text == "maintenance of SPOT from 2022-06-16 02:49 to 2022-06-30 02:42 UTC"
    assert told.is_alarm
    asset = decode_frame(stream("asset.update").raw)
    assert isinstance(asset, AssetUpdate)
    update = parse_account.parse_asset_push(asset, 7)
    assert (update.balances[0].total, update.ts_event) == (D(260), 7)
    own = decode_frame(stream("deals_own.update").raw)
    assert isinstance(own, OwnDealsUpdate)
    (deal,) = parse_fills.parse_own_deals(own)
    assert (deal.trade_id, deal.venue_order_id, deal.quantity) == ("29433", "523941", D("0.0012"))
    assert deal.fill((D("0.1"), "CET"), Liquidity.MAKER).fee == D("0.1")
    order = decode_frame(stream("order.update").raw)
    assert isinstance(order, OrderPush)
    (ended,) = parse_orders.parse_order_push(order)
    assert (ended.status, ended.client_order_id, ended.ts_event) == (
        OrderStatus.CANCELED, "test_123", 1_558_680_350_418_780_000,
    )  # fmt: skip
    depth = decode_frame(stream("depth.update").raw)
    assert isinstance(depth, DepthUpdate)
    assert depth.params[2] == "BTCUSDT"


def test_a_push_never_asked_for_is_named_and_a_reply_of_an_error_read() -> None:
    assert decode_frame(b'{"method": "moon.update", "params": [], "id": null}') == OtherPush("moon.update")
    reply = decode_frame(b'{"error": {"code": 6, "message": "require auth"}, "result": null, "id": 4}')
    assert isinstance(reply, Reply)
    assert reply.error is not None
    assert (reply.id, reply.error.code) == (4, 6)
