"""What is asked: paths and parameters as documented, and cancels that can not cancel what was not meant."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.coinex.documented import examples
from venues.coinex import VENUE, channels, endpoints, orders
from venues.coinex.limits import POOLS
from venues.commands import AmendRequest, OrderRequest
from venues.errors import BadRequest, NotSupported
from venues.model import Instrument, InstrumentId, InstrumentKind, MarginMode, OrderType, Side, TimeInForce
from venues.transport.exchange import Request
from venues.transport.ratelimit import RateLimiter, Urgency

BTC = Instrument(
    id=InstrumentId(VENUE, "BTCUSDT"), name="BTC/USDT", kind=InstrumentKind.SPOT, base="BTC", quote="USDT",
    settle="USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.00000001"),
)  # fmt: skip
NS = 1_000_000_000


def order(kind: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
    fields: dict[str, Any] = {
        "instrument": BTC.id, "client_order_id": "p1-a_B", "side": Side.BUY, "type": kind,
        "quantity": Decimal("0.00000010"),
    }  # fmt: skip
    if kind.has_price:
        fields["price"] = Decimal("1E+2")
    if kind.has_trigger:
        fields["trigger_price"] = Decimal("99.5")
    return OrderRequest(**fields | changes)


def query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.query, keep_blank_values=True))


def body(request: Request) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(request.body)
    return decoded


READS: dict[str, Callable[[], Request]] = {
    "GET /market/list": endpoints.market_list,
    "GET /market/info": endpoints.market_info,
    "GET /market/detail": lambda: endpoints.market_detail("BTCUSDT"),
    "GET /market/depth": lambda: endpoints.market_depth("ETHUSDT", 10, "0.01"),
    "GET /market/deals": lambda: endpoints.market_deals("ETHUSDT", 10),
    "GET /market/kline": lambda: endpoints.market_bars("ETHUSDT", 86_400, 10),
    "GET /market/ticker": lambda: endpoints.market_ticker("ETHUSDT"),
    "GET /market/ticker/all": endpoints.all_tickers,
    "GET /margin/market": endpoints.margin_markets,
    "GET /order/market/trade/info": endpoints.market_tradings,
    "GET /balance/info": endpoints.balances,
    "GET /margin/account": lambda: endpoints.margin_account("ETHUSDT"),
    "GET /account/market/fee": lambda: endpoints.fee_rates("ETHUSDT"),
    "GET /order/user/trade/fee": endpoints.user_fees,
    "GET /order/status": lambda: endpoints.order_status("ETHUSDT", "420291"),
    "GET /order/status/batch": lambda: endpoints.order_status_batch("ETHUSDT", ["420291", "420292"]),
    "GET /order/deals": lambda: endpoints.order_deals("462672"),
    "GET /order/stop/finished": lambda: endpoints.finished_stops("ETHUSDT"),
    "GET /order/pending": lambda: endpoints.pending_orders("ETHUSDT", client_id="client1", side=Side.BUY),
    "GET /order/finished": lambda: endpoints.finished_orders(
        "ETHUSDT", since=1636451914 * NS, until=1681724907 * NS, client_id="client1", side=Side.BUY,
        stop_id="423842",
    ),
    "GET /order/stop/pending": lambda: endpoints.pending_stops("ETHUSDT", client_id="client1", side=Side.BUY),
    "GET /order/user/deals": lambda: endpoints.user_deals(
        "ETHUSDT", since=1636451914 * NS, until=1681724907 * NS
    ),
}  # fmt: skip
# What the document's request shows beyond ours, or with other values; a signature adds the first two.
OWN = {"access_id", "tonce"}
NOT_OURS = {"GET /order/user/deals": {"type"}, "GET /market/detail": {"market"}}


@pytest.mark.parametrize("name", READS)
def test_reads_are_as_documented(name: str) -> None:
    request = READS[name]()
    assert f"{request.method} {request.path}" == name.replace(" /", " /v1/")
    shown = [each for each in examples("rest") if each.name == name and each.kind == "request"]
    if shown:
        documented = dict(parse_qsl(shown[0].value["query"]))
        # The table of this one says that it needs no signature, its example shows one.
        assert request.is_private is ("access_id" in documented and name != "GET /order/market/trade/info")
        left_out = OWN | NOT_OURS.get(name, set())
        expected = {key: value for key, value in documented.items() if key not in left_out}
        ours = {key: value for key, value in query(request).items() if key not in left_out}
        assert ours == expected
    else:
        assert query(request) == {}


COMMANDS: dict[str, Callable[[], Request]] = {
    "POST /order/limit": lambda: orders.submit(order(), BTC),
    "POST /order/limit/batch": lambda: orders.submit_batch([order(), order()], BTC),
    "POST /order/market": lambda: orders.submit(order(OrderType.MARKET), BTC),
    "POST /order/ioc": lambda: orders.submit(order(time_in_force=TimeInForce.IOC), BTC),
    "POST /order/stop/limit": lambda: orders.submit(order(OrderType.STOP_LIMIT), BTC),
    "POST /order/stop/market": lambda: orders.submit(order(OrderType.STOP), BTC),
    "POST /order/modify": lambda: orders.amend(change()),
    "POST /order/stop/modify": lambda: orders.amend(change(trigger_price=Decimal(7)), is_stop=True),
    "DELETE /order/pending": lambda: orders.cancel("BTCUSDT", "462672"),
    "DELETE /order/pending/batch": lambda: orders.cancel_batch("BTCUSDT", ["462672", "462673"]),
    "DELETE /order/pending/by_client_id": lambda: orders.cancel_by_client_id("BTCUSDT", "client1"),
    "DELETE /order/stop/pending": lambda: orders.cancel_every_stop("BTCUSDT"),
    "DELETE /order/stop/pending/by_client_id": lambda: orders.cancel_stop_by_client_id("BTCUSDT", "client1"),
}


def change(**changes: Any) -> AmendRequest:
    fields: dict[str, Any] = {
        "instrument": BTC.id, "client_order_id": "p1", "venue_order_id": "462672", "price": Decimal("1.10"),
    }  # fmt: skip
    return AmendRequest(**fields | changes)


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_as_documented(name: str) -> None:
    request = COMMANDS[name]()
    assert f"{request.method} {request.path}" == name.replace(" /", " /v1/")
    assert request.is_private
    assert request.is_cancel is name.startswith("DELETE")
    documented = next(each for each in examples("rest") if each.name == name and each.kind == "request").value
    if request.method == "POST":
        assert set(body(request)) <= set(documented)
        assert all(isinstance(value, str | int) for value in body(request).values())
        assert request.query == ""
    else:
        assert set(query(request)) <= set(dict(parse_qsl(documented["query"])))
        assert request.body == b""


@pytest.mark.parametrize(
    ("wish", "path", "option"),
    [
        (order(), "/limit", "NORMAL"),
        (order(post_only=True), "/limit", "MAKER_ONLY"),
        (order(time_in_force=TimeInForce.FOK), "/limit", "FOK"),
        (order(time_in_force=TimeInForce.IOC), "/ioc", None),
        (order(OrderType.MARKET), "/market", None),
        (order(OrderType.MARKET, time_in_force=TimeInForce.IOC), "/market", None),
        (order(OrderType.STOP_LIMIT), "/stop/limit", "NORMAL"),
        (order(OrderType.TAKE_PROFIT_LIMIT, post_only=True), "/stop/limit", "MAKER_ONLY"),
        (order(OrderType.STOP_LIMIT, time_in_force=TimeInForce.IOC), "/stop/limit", "IOC"),
        (order(OrderType.STOP), "/stop/market", None),
        (order(OrderType.TAKE_PROFIT, time_in_force=TimeInForce.FOK), "/stop/market", "FOK"),
    ],
)
def test_order_types_and_options(wish: OrderRequest, path: str, option: str | None) -> None:
    request = orders.submit(wish, BTC, account_id=2)
    sent = body(request)
    assert request.path == "/v1/order" + path
    assert sent.get("option") == option
    assert sent.get("asset") == (None if wish.type.has_price else "BTC")
    assert (sent["amount"], sent["type"], sent["account_id"]) == ("0.00000010", "buy", 2)
    assert sent["client_id"] == "p1-a_B"
    assert sent.get("price") == ("100" if wish.type.has_price else None)
    assert sent.get("stop_price") == ("99.5" if wish.type.has_trigger else None)
    assert "hide" not in sent


@pytest.mark.parametrize(
    "wish",
    [
        order(reduce_only=True), order(leverage=Decimal(3)), order(margin_mode=MarginMode.CROSS),
        order(take_profit=Decimal(3)), order(stop_loss=Decimal(3)), order(position_id="x"),
        order(OrderType.MARKET, time_in_force=TimeInForce.FOK),
    ],
)  # fmt: skip
def test_what_the_venue_can_not_do_is_not_sent(wish: OrderRequest) -> None:
    with pytest.raises(NotSupported):
        orders.submit(wish, BTC)


def test_a_batch_is_text_within_the_body() -> None:
    sent = body(orders.submit_batch([order(), order(side=Side.SELL)], BTC))
    rows = msgspec.json.decode(sent["batch_orders"])
    assert [row["type"] for row in rows] == ["buy", "sell"]
    assert rows[0] == {"type": "buy", "amount": "0.00000010", "price": "100", "source_id": "p1-a_B"}
    for wrong in ([], [order()] * 101):
        with pytest.raises(BadRequest):
            orders.submit_batch(wrong, BTC)
    with pytest.raises(NotSupported):
        orders.submit_batch([order(post_only=True)], BTC)


def test_an_amendment_of_a_trigger_is_one_of_a_stop() -> None:
    assert body(orders.amend(change())) == {"market": "BTCUSDT", "id": 462672, "price": "1.10"}
    with pytest.raises(NotSupported):
        orders.amend(change(trigger_price=Decimal(1)))
    with pytest.raises(BadRequest):
        orders.amend(change(venue_order_id=""))


@pytest.mark.parametrize(
    "ident", ["", "0", "00", " ", "-1", "1.0", "None", "1 2", "\u0661", "x", "1" * 20, "1&id="]
)
def test_a_cancel_without_an_id_can_not_be_made(ident: str) -> None:
    for build in (orders.cancel, orders.cancel_stop):
        with pytest.raises(BadRequest):
            build("BTCUSDT", ident)
    for batch in ([], [ident], ["1", ident], ["1"] * 101):
        with pytest.raises(BadRequest):
            orders.cancel_batch("BTCUSDT", batch)


@pytest.mark.parametrize("ident", ["", " ", "a" * 33, "a b", "\u00e9", "a&market=", "a\n"])
def test_a_cancel_without_a_client_id_can_not_be_made(ident: str) -> None:
    for build in (orders.cancel_by_client_id, orders.cancel_stop_by_client_id):
        with pytest.raises(BadRequest):
            build("BTCUSDT", ident)
    with pytest.raises(BadRequest):
        orders.submit(order(client_order_id=ident or " "), BTC)


def test_only_who_means_all_cancels_all() -> None:
    every = orders.cancel_every_order("BTCUSDT")
    assert (every.path, query(every)) == ("/v1/order/pending", {"market": "BTCUSDT", "account_id": "0"})
    one = orders.cancel("BTCUSDT", "7", account_id=2)
    assert (one.path, query(one)) == ("/v1/order/pending", {"market": "BTCUSDT", "account_id": "2", "id": "7"})
    assert orders.cancel_stop("BTCUSDT", "7").path == "/v1/order/stop/pending/7"
    for path, reach, more in (
        ("/order/pending", "one", {}), ("/order/stop/pending", "one", {}), ("/order/pending", "every", {"id": 7}),
        ("/order/pending", "one", {"id": 0}), ("/order/pending/batch", "one", {"batch_ids": ""}),
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            orders._delete("cancel", path, (), "BTCUSDT", 0, reach, **more)


@given(market=st.text(max_size=50), ident=st.text(max_size=30))
def test_no_text_slips_into_another_parameter(market: str, ident: str) -> None:
    try:
        request = orders.cancel(market, ident)
    except BadRequest:
        return
    assert query(request) == {"market": market, "account_id": "0", "id": ident}


@given(value=st.decimals(min_value="1e-18", max_value="1e18", allow_nan=False, allow_infinity=False))
def test_prices_and_sizes_go_out_exactly(value: Decimal) -> None:
    sent = body(orders.submit(order(quantity=value, price=value), BTC))
    assert Decimal(sent["price"]) == value == Decimal(sent["amount"])
    assert not set(sent["price"]) - set("0123456789.")


async def test_every_call_fits_into_the_limits() -> None:
    limiter = RateLimiter(VENUE, POOLS)
    requests = [build() for build in (*READS.values(), *COMMANDS.values())]
    for request in (*requests, orders.cancel_every_order("BTCUSDT")):
        assert limiter._checked(request.weight, _urgency(request)) == dict(request.weight) != {}
    assert endpoints.urgent(endpoints.balances()).is_cancel


def _urgency(request: Request) -> Urgency:
    return Urgency.CANCEL if request.is_cancel else Urgency.COMMAND if request.method == "POST" else Urgency.READ


def test_depth_and_bars_are_what_the_venue_has() -> None:
    assert [query(endpoints.market_depth("X", depth))["limit"] for depth in (1, 5, 6, 21, 50, 500)] == [
        "5", "5", "10", "50", "50", "50",
    ]  # fmt: skip
    with pytest.raises(BadRequest):
        endpoints.market_bars("X", 61, 5)
    for merge in ("0", "0.1", "0.00000001", "1", "10", "1000"):
        assert query(endpoints.market_depth("X", 5, merge))["merge"] == merge
    for merge in ("", "0.2", "00", "-1", "1e-3", "20"):
        with pytest.raises(BadRequest):
            endpoints.market_depth("X", 5, merge)


SENT: dict[str, channels.Call] = {
    "server.ping": channels.PING,
    "server.time": channels.SERVER_TIME,
    "kline.query": channels.query_bars("BTCUSDT", 1639982322, 1639985922, 60),
    "state.subscribe": channels.subscribe_states(["BTCUSD"]),
    "deals.subscribe": channels.subscribe_deals(["BTCUSDT"]),
    "deals.unsubscribe": channels.subscribe_deals([]),
    "depth.subscribe": channels.subscribe_depth(channels.DepthWish(market="BTCUSDT", limit=10)),
    "depth.subscribe_multi": channels.subscribe_depths(
        [
            channels.DepthWish(market="BTCUSDT", limit=10),
            channels.DepthWish(market="ETHUSDT", limit=10, is_incremental=False),
        ]
    ),
    "depth.unsubscribe_multi": channels.subscribe_depths([]),
    "depth.query": channels.query_depth(channels.DepthWish(market="BTCUSDT", limit=10)),
    "order.subscribe": channels.subscribe_orders(["BTCUSDT"]),
    "order.account_query": channels.query_orders("BTCUSDT", 12, limit=10),
    "order.account_query_stop": channels.query_stops("BTCUSDT", 12, limit=10),
    "asset.subscribe": channels.subscribe_assets(["BTC"]),
    "asset.account_query": channels.query_margin_assets(0, ["BTC", "ETH"]),
    "index.subscribe": channels.subscribe_index(),
    "notice.subscribe": channels.subscribe_notices(),
    "deals_own.subscribe": channels.subscribe_own_deals(["BTCUSDT"]),
    "order.unsubscribe": channels.unsubscribe("order"),
}


@pytest.mark.parametrize("name", SENT)
def test_stream_calls_are_as_documented(name: str) -> None:
    documented = next(each for each in examples("stream") if each.name == name and each.kind == "request").value
    sent = msgspec.json.decode(SENT[name].frame(9))
    assert (sent["method"], sent["params"], sent["id"]) == (name, documented["params"], 9)
    assert SENT[name].is_private is (name.split(".")[0] in {"order", "asset", "deals_own", "notice"})


def test_a_subscription_that_would_mean_something_else_is_not_made() -> None:
    twice = channels.DepthWish(market="BTCUSDT")
    for wrong in ([twice, twice], [channels.DepthWish(market="X", limit=7)], [channels.DepthWish(market="")]):
        with pytest.raises(BadRequest):
            channels.subscribe_depths(wrong)
    with pytest.raises(BadRequest):
        channels.subscribe_assets([])
