"""The signed reads: what rests, one order, our fills, balances, and margin accounts as positions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.coinex.account_rig import (
    BTC,
    ETH,
    NOW,
    TONCE,
    Refused,
    deal_row,
    order_push,
    order_row,
    orders_in,
    page,
    request_for,
    rig,
    stop_row,
)
from tests.venues.coinex.documented import rest
from venues.coinex.account import capabilities
from venues.coinex.endpoints import BAR_TYPES
from venues.coinex.remedies import REMEDIES
from venues.errors import (
    AuthenticationError,
    ClockSkew,
    MissingCredentials,
    NotSupported,
    OrderNotFound,
    PermissionDenied,
    ProtocolError,
    VenueUnavailable,
)
from venues.model import Liquidity, MarginMode, OrderStatus, OrderType, Side
from venues.port import Mode

SECOND = 1_000_000_000
LATER = TONCE // 1000 + 9
STOPS = "GET /order/stop/pending"
PLACES = ("GET /order/status", STOPS, "GET /order/pending", "GET /order/finished", "GET /order/stop/finished")


def refusing(code: int, words: str = "no") -> Any:
    def refuse(_: object) -> object:
        raise Refused(code, words)

    return refuse


def test_the_capabilities_are_the_venues() -> None:
    can = capabilities(Mode.LIVE)
    assert can.order_types == frozenset(OrderType)
    assert (can.order_life, can.settle, can.forgets_unfilled, can.lookup_covers_closed) == (60.0, 2.0, True, True)
    assert can.post_only and can.amend and can.positions and not can.leverage and not can.reduce_only
    assert can.bar_intervals == tuple(BAR_TYPES)
    # The tonce is the venue's rule, which no test can shorten; what we wait for it to settle is ours.
    quick = capabilities(Mode.READ_ONLY, 0.1, reads_account=False)
    assert (quick.order_life, quick.settle, quick.positions) == (60.0, 0.2, False)


async def test_what_rests_is_read_from_all_pages_of_all_markets() -> None:
    async with rig() as desk:
        rows = [order_row(id=number, client_id=f"c{number}", market="ETHUSDT") for number in range(1, 131)]

        def pending(params: dict[str, str]) -> dict[str, Any]:
            number = int(params["page"])
            return page(*rows[(number - 1) * 100 : number * 100], has_next=number == 1, total=130)

        desk.venue.on("GET /order/pending", pending)
        desk.venue.on(STOPS, page(stop_row(client_id="", market="BTCUSDT")))
        orders = await desk.account.fetch_open_orders()
        assert len(orders) == 131
        assert {order.instrument for order in orders} == {BTC.id, ETH.id}
        stop = next(order for order in orders if order.venue_order_id == "701")
        assert (stop.type, stop.trigger_price) == (OrderType.STOP_LIMIT, Decimal(31_000))
        assert all("market" not in params for params in desk.venue.of("GET /order/pending"))
        assert [params["page"] for params in desk.venue.of("GET /order/pending")] == ["1", "2"]


async def test_a_list_that_moves_while_its_pages_are_read_is_read_again() -> None:
    """One that leaves the first page draws the first of the second page onto it, unread."""
    async with rig() as desk:
        rows = [order_row(id=number, client_id=f"c{number}") for number in range(1, 151)]

        def pending(params: dict[str, str]) -> dict[str, Any]:
            number = int(params["page"])
            shown = page(*rows[(number - 1) * 100 : number * 100], has_next=number == 1, total=len(rows))
            if len(rows) == 150:
                del rows[0]
            return shown

        desk.venue.on("GET /order/pending", pending)
        desk.venue.on(STOPS, page())
        orders = await desk.account.fetch_open_orders()
        assert {order.venue_order_id for order in orders} == {str(number) for number in range(2, 151)}


async def test_a_page_that_is_empty_is_not_the_end() -> None:
    async with rig() as desk:
        desk.venue.on(STOPS, page(has_next=True))
        with pytest.raises(ProtocolError):
            await desk.account.fetch_open_orders()


async def test_a_stop_that_becomes_an_order_between_two_lists_is_one_order() -> None:
    async with rig() as desk:
        desk.venue.on(STOPS, page(stop_row(client_id="x")))
        desk.venue.on("GET /order/pending", page(order_row(client_id="x")))
        (order,) = await desk.account.fetch_open_orders()
        assert (order.venue_order_id, order.type, order.is_triggered) == ("501", OrderType.STOP_LIMIT, True)
        assert (order.trigger_price, order.price) == (Decimal(31_000), Decimal(30_000))


async def test_what_was_read_is_as_new_as_the_read() -> None:
    """The answer names the second in which an order was made: it is older than every push."""
    async with rig() as desk:
        desk.venue.on("GET /order/pending", page(order_row(create_time=1_600_000_000)))
        desk.venue.on(STOPS, page())
        (order,) = await desk.account.fetch_open_orders()
        assert order.ts_created == 1_600_000_000 * SECOND
        assert order.ts_event == NOW


@pytest.mark.parametrize(
    ("place", "status", "type_", "triggered"),
    [
        ("GET /order/pending", OrderStatus.NEW, OrderType.LIMIT, False),
        ("GET /order/finished", OrderStatus.FILLED, OrderType.LIMIT, False),
        (STOPS, OrderStatus.NEW, OrderType.STOP_LIMIT, False),
    ],
)
async def test_an_order_is_found_by_its_client_id_wherever_it_is(
    place: str, status: OrderStatus, type_: OrderType, *, triggered: bool
) -> None:
    async with rig() as desk:
        for each in PLACES:
            desk.venue.on(each, page())
        row = stop_row() if place == STOPS else order_row()
        if place == "GET /order/finished":
            row = order_row(status="done", deal_amount="1", deal_money="30000", left="0")
        desk.venue.on(place, page(row))
        order = await desk.account.fetch_order(BTC.id, "s1")
        assert (order.status, order.type, order.is_triggered) == (status, type_, triggered)
        assert {params["client_id"] for params in desk.venue.of(place)} == {"s1"}


async def test_an_order_is_found_by_its_id() -> None:
    async with rig() as desk:
        desk.venue.on("GET /order/status", order_row(status="part_deal", deal_amount="0.4", deal_money="12000"))
        order = await desk.account.fetch_order(BTC.id, "", "501")
        assert (order.status, order.filled_quantity, order.client_order_id) == (
            OrderStatus.PARTIALLY_FILLED, Decimal("0.4"), "s1",
        )  # fmt: skip
        assert desk.venue.calls == ["GET /order/status"]


@pytest.mark.parametrize("code", [600, 601])
@pytest.mark.parametrize(("client_id", "venue_id"), [("s1", ""), ("", "501"), ("s1", "501")])
async def test_an_order_that_vanished_is_not_found(code: int, client_id: str, venue_id: str) -> None:
    async with rig() as desk:
        for each in PLACES:
            desk.venue.on(each, page())
        desk.venue.on("GET /order/status", refusing(code, "order does not exist"))
        with pytest.raises(OrderNotFound, match="not resting"):
            await desk.account.fetch_order(BTC.id, client_id, venue_id)


async def test_a_client_id_that_others_share_names_no_order() -> None:
    async with rig() as desk:
        for each in PLACES:
            desk.venue.on(each, page())
        desk.venue.on("GET /order/pending", page(order_row(), order_row(id=502)))
        with pytest.raises(ProtocolError, match="2 orders share one client id"):
            await desk.account.fetch_order(BTC.id, "s1")
        # Ours is ours, whoever uses its name beside us.
        desk.venue.on("POST /order/limit", order_row(id=502))
        await desk.account.submit_order(request_for())
        desk.venue.on("GET /order/status", refusing(600))
        assert (await desk.account.fetch_order(BTC.id, "s1")).venue_order_id == "502"


async def test_a_read_that_fails_is_not_a_miss() -> None:
    async with rig() as desk:
        for each in PLACES:
            desk.venue.on(each, page())
        desk.venue.on("GET /order/finished", refusing(35, "service unavailable"))
        with pytest.raises(VenueUnavailable):
            await desk.account.fetch_order(BTC.id, "s1")


@pytest.mark.parametrize(("word", "status"), [("cancel", OrderStatus.CANCELED), ("fail", OrderStatus.REJECTED)])
async def test_a_stop_that_ended_is_known_by_its_word(word: str, status: OrderStatus) -> None:
    async with rig() as desk:
        for each in PLACES:
            desk.venue.on(each, page())
        desk.venue.on("GET /order/status", refusing(600))
        desk.venue.on("GET /order/stop/finished", page(stop_row(status=word)))
        assert (await desk.account.fetch_order(BTC.id, "", "701")).status is status


async def test_an_ended_stop_keeps_the_client_id_that_the_venue_leaves_out() -> None:
    async with rig() as desk:
        for each in PLACES:
            desk.venue.on(each, page())
        desk.venue.on("GET /order/status", refusing(600))
        desk.venue.on("GET /order/stop/finished", page(stop_row(status="cancel", client_id=None)))
        assert (await desk.account.fetch_order(BTC.id, "s1", "701")).client_order_id == "s1"


async def test_an_order_that_was_late_in_being_listed_gets_its_client_id() -> None:
    async with rig() as desk:
        desk.venue.on("GET /order/user/deals", page(deal_row()))
        desk.venue.on("GET /order/status/batch", [{"code": 600, "data": None, "message": ""}])
        (fill,) = await desk.account.fetch_fills(NOW)
        assert (fill.client_order_id, fill.venue_order_id) == ("", "501")
        (order,) = orders_in(desk.push(order_push(1)))
        assert order.client_order_id == "s1"
        (fill,) = await desk.account.fetch_fills(NOW)
        assert fill.client_order_id == "s1"


async def test_a_triggered_stop_is_looked_for_by_the_id_that_it_had() -> None:
    async with rig() as desk:
        for each in PLACES:
            desk.venue.on(each, page())
        desk.venue.on("GET /order/status", refusing(600))
        desk.venue.on("GET /order/stop/finished", page(stop_row(status="active", client_id="")))

        def finished(params: dict[str, str]) -> dict[str, Any]:
            done = order_row(status="done", deal_amount="1", deal_money="30000", left="0", client_id="")
            return page(done) if params.get("stop_order_id") == "701" else page()

        desk.venue.on("GET /order/finished", finished)
        order = await desk.account.fetch_order(BTC.id, "", "701")
        assert (order.status, order.venue_order_id, order.type, order.is_triggered) == (
            OrderStatus.FILLED, "501", OrderType.STOP_LIMIT, True,
        )  # fmt: skip


async def test_fills_are_read_with_fee_role_and_client_id() -> None:
    async with rig() as desk:
        deals = [
            deal_row(
                id=903, order_id=502, role="taker", fee="0.5", fee_asset="CET", create_time=TONCE // 1000 + 9
            ),
            deal_row(),
            deal_row(id=902, market="ETHUSDT", order_id=600, fee_asset=""),
        ]
        desk.venue.on("GET /order/user/deals", page(*deals))
        status: dict[str, list[Any]] = {
            "BTCUSDT": [order_row(), order_row(id=502, client_id="other")],
            "ETHUSDT": [None],
        }

        def states(params: dict[str, str]) -> list[dict[str, Any]]:
            rows = status[params["market"]]
            return [{"code": 0 if row else 600, "data": row, "message": ""} for row in rows]

        desk.venue.on("GET /order/status/batch", states)
        fills = await desk.account.fetch_fills(NOW)
        assert [(fill.trade_id, fill.client_order_id, fill.venue_order_id) for fill in fills] == [
            ("901", "s1", "501"), ("902", "", "600"), ("903", "other", "502"),
        ]  # fmt: skip
        first, second, last = fills
        assert (first.fee, first.fee_currency, first.liquidity) == (Decimal(24), "USDT", Liquidity.MAKER)
        assert (second.instrument, second.fee_currency) == (ETH.id, "USDT")
        assert (last.fee, last.fee_currency, last.liquidity) == (Decimal("0.5"), "CET", Liquidity.TAKER)
        asked = desk.venue.of("GET /order/user/deals")
        assert asked == [{"account_id": "0", "page": "1", "limit": "100", "start_time": str(NOW // SECOND)}]
        # Asked for once: neither their orders nor those that the venue does not find are looked up again.
        desk.venue.asked.clear()
        assert len(await desk.account.fetch_fills(NOW)) == 3
        assert desk.venue.calls == ["GET /order/user/deals"]


async def test_fills_of_the_second_in_question_are_among_them() -> None:
    async with rig() as desk:
        deals = [deal_row(), deal_row(id=900, create_time=TONCE // 1000 - 1)]
        desk.venue.on("GET /order/user/deals", page(*deals))
        desk.venue.on("GET /order/status/batch", [{"code": 600, "data": None, "message": ""}])
        assert [fill.trade_id for fill in await desk.account.fetch_fills(NOW + SECOND // 2)] == ["901"]


async def test_an_order_told_by_rest_is_known_to_the_stream() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/limit", order_row())
        await desk.account.submit_order(request_for(post_only=True))
        (order,) = orders_in(desk.push(order_push(2, deal_stock="0.4", left="0.6", deal_money="12000")))
        assert (order.post_only, order.side, order.status) == (True, Side.BUY, OrderStatus.PARTIALLY_FILLED)
        desk.venue.on("GET /order/user/deals", page())


async def test_balances_are_what_there_is() -> None:
    async with rig() as desk:
        desk.venue.on("GET /balance/info", {"BTC": {"available": "1.5", "frozen": "0.5"}})
        (balance,) = await desk.account.fetch_balances()
        assert (balance.currency, balance.total, balance.locked) == ("BTC", Decimal(2), Decimal("0.5"))


def margin_row(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = rest("GET /margin/account").value["data"] | changes
    return row


async def test_a_margin_account_that_owes_is_a_position() -> None:
    nothing = {"sell_type": "0", "buy_type": "0"}
    empty = {"balance": nothing, "frozen": nothing, "loan": nothing, "interest": nothing}
    owing = {
        "account_id": 12, "leverage": 10, "market_type": "BTCUSDT", "sell_asset_type": "BTC",
        "buy_asset_type": "USDT", "balance": {"sell_type": "3", "buy_type": "100"},
        "frozen": {"sell_type": "0.5", "buy_type": "0"}, "loan": {"sell_type": "0", "buy_type": "60000"},
        "interest": {"sell_type": "0", "buy_type": "54"}, "warn_rate": "135.5", "liquidation_price": "24000.5",
    }  # fmt: skip
    accounts = {"BTCUSDT": margin_row(**owing), "ETHUSDT": margin_row(**empty, market_type="ETHUSDT")}

    async with rig() as desk:
        desk.venue.on("GET /margin/market", {"BTCUSDT": 12, "ETHUSDT": 13})
        desk.venue.on("GET /margin/account", lambda params: accounts[params["market"]])
        names = ("buy", "buy_amount", "sell", "sell_amount", "open", "high", "low", "vol")
        desk.venue.on(
            "GET /market/ticker", {"date": TONCE, "ticker": {"last": "30000"} | dict.fromkeys(names, "1")}
        )
        (position,) = await desk.account.fetch_positions()
        assert (position.instrument, position.quantity, position.position_id) == (
            BTC.id, Decimal("3.5"), "margin-12",
        )  # fmt: skip
        assert (position.liquidation_price, position.margin_mode) == (Decimal("24000.5"), MarginMode.ISOLATED)
        assert position.margin == Decimal(100) - Decimal(60_054) + Decimal("3.5") * 30_000
        assert position.note == "loan 60000 USDT, interest 54 USDT, risk rate 135.5 %"
        # From then on only what is in use is read, and its orders with it.
        desk.venue.asked.clear()
        assert len(await desk.account.fetch_positions()) == 1
        assert desk.venue.of("GET /margin/account") == [{"market": "BTCUSDT"}]
        desk.venue.on(
            "GET /order/pending", lambda params: page(order_row()) if params["account_id"] == "12" else page()
        )
        desk.venue.on(STOPS, page())
        assert len(await desk.account.fetch_open_orders()) == 1


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (24, AuthenticationError, "give a new one ten minutes"),
        (25, AuthenticationError, "enter both again"),
        (34, AuthenticationError, "renew it"),
        (23, PermissionDenied, "this machine's address"),
        (227, ClockSkew, "set its clock"),
    ],
)
async def test_a_key_that_is_not_taken_comes_with_the_remedy(
    code: int, kind: type[Exception], remedy: str
) -> None:
    async with rig() as desk:
        desk.venue.on("GET /balance/info", refusing(code, "said the venue"))
        with pytest.raises(kind, match=remedy) as caught:
            await desk.account.fetch_balances()
        assert "said the venue" in str(caught.value)


async def test_without_a_key_a_read_says_what_is_missing() -> None:
    async with rig(has_key=False) as desk:
        for read in (
            desk.account.fetch_balances(), desk.account.fetch_open_orders(), desk.account.fetch_fills(0),
            desk.account.fetch_positions(),
            desk.account.fetch_order(BTC.id, "s1"),
        ):  # fmt: skip
            with pytest.raises(MissingCredentials) as caught:
                await read
            assert caught.value.message == REMEDIES.no_key
        assert desk.venue.calls == []


async def test_there_is_no_leverage_to_set() -> None:
    async with rig() as desk:
        with pytest.raises(NotSupported, match="can not be set"):
            await desk.account.set_leverage(BTC.id, Decimal(3), MarginMode.ISOLATED)
