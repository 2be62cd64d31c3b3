"""Open orders where the venue wants a market to be named: which are asked for, and that it is said once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.max.margin_rows import account, has_wallet
from tests.venues.max.scripted_max import Call
from tests.venues.max.scripted_venue import TIME_MS, market_row, order_row
from tests.venues.max.venue_rig import BOOK, BTC, VenueRig, connected
from tests.venues.max.wallet_rig import BTC as BTCUSDT
from tests.venues.max.wallet_rig import D, WalletDesk, wallet_desk
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import OrderRequest
from venues.errors import AuthenticationError, BadRequest, ProtocolError
from venues.max.open_orders import WORDS
from venues.model import OrderStatus, OrderType, Side

INVALID = b'{"success": false, "error": {"code": 1001, "message": "market does not have a valid value"}}'
LISTED = ("btctwd", "ethtwd", "usdttwd", "btcusdt", "ethusdt", "soltwd", "maxtwd")


def wants_a_market(rig: VenueRig, resting: dict[str, list[str]]) -> None:
    """Has the venue list open orders of a named market only; `resting` are the markets with one, by wallet."""
    rig.rest.on("GET /markets", [market_row(name, m_wallet_supported=name != "maxtwd") for name in LISTED])
    for wallet in ("spot", "m"):

        def answer(call: Call, wallet: str = wallet) -> Any:
            market = call.parameters.get("market")
            if market not in LISTED:
                return INVALID
            number = 100 * (wallet == "m") + LISTED.index(market) + 1
            row = order_row(id=number, market=market, wallet_type=wallet, client_oid=None)
            return [row] if market in resting.get(wallet, []) else []

        rig.rest.on(f"GET /wallet/{wallet}/orders/open", answer)


def asked(rig: VenueRig, wallet: str) -> set[str]:
    return {call.parameters["market"] for call in asking(rig, wallet)}


def asking(rig: VenueRig, wallet: str) -> list[Call]:
    return [each for each in rig.rest.of(f"GET /wallet/{wallet}/orders/open") if "market" in each.parameters]


@in_virtual_time
async def test_the_markets_that_matter_are_asked_for() -> None:
    async with connected(has_key=True) as rig:
        wants_a_market(rig, {"spot": ["soltwd"], "m": ["btcusdt"]})
        # SOL is held, BTC of the M-wallet is locked by a sale: both of its markets may have it.
        rig.rest.on("GET /wallet/spot/accounts", [account("sol", "2"), account("twd", "100")])
        has_wallet(rig.rest, account("btc", "0", locked="0.1"))
        found = {each.venue_order_id: each for each in await rig.venue.fetch_open_orders()}
        assert {(each.instrument.symbol, each.in_margin_wallet) for each in found.values()} == {
            ("SOLTWD", False), ("BTCUSDT", True),
        }  # fmt: skip
        assert (asked(rig, "spot"), asked(rig, "m")) == ({"soltwd"}, {"btctwd", "btcusdt"})
        await until(lambda: WORDS in rig.notices)
        assert len(rig.rest.of("GET /wallet/spot/orders/open")) == 2, "without a market only once"
        await rig.venue.fetch_open_orders()
        assert rig.notices.count(WORDS) == 1
        assert len(rig.rest.of("GET /wallet/spot/orders/open")) == 3


@in_virtual_time
async def test_locked_money_may_pay_for_anything_and_what_is_shown_is_asked_for() -> None:
    async with connected(has_key=True) as rig:
        wants_a_market(rig, {"spot": ["ethtwd"]})
        await rig.venue.subscribe(BOOK)
        assert await rig.venue.fetch_open_orders() == []
        assert (asked(rig, "spot"), asked(rig, "m")) == ({"btctwd"}, {"btctwd"})
        rig.rest.on("GET /wallet/spot/accounts", [account("twd", "1", locked="100")])
        has_wallet(rig.rest, account("twd", "0", locked="5"))
        assert [each.instrument.symbol for each in await rig.venue.fetch_open_orders()] == ["ETHTWD"]
        with_twd = {"btctwd", "ethtwd", "usdttwd", "soltwd", "maxtwd"}
        assert asked(rig, "spot") == with_twd
        assert asked(rig, "m") == with_twd - {"maxtwd"}, "which the M-wallet does not trade"


@in_virtual_time
async def test_one_market_is_asked_for_as_ever() -> None:
    async with connected(has_key=True) as rig:
        wants_a_market(rig, {})
        rig.rest.on("DELETE /wallet/spot/orders", [{"error": None, "order": order_row()}])
        rig.rest.on("DELETE /wallet/m/orders", [])
        rig.rest.on("GET /order", order_row(state="cancel"))
        ended = await rig.venue.cancel_all_orders(BTC)
        assert [each.status for each in ended] == [OrderStatus.CANCELED]
        assert asked(rig, "spot") == {"btctwd"}
        assert WORDS not in rig.notices


@in_virtual_time
async def test_other_refusals_are_refusals() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.refuse("GET /wallet/spot/orders/open", 4000, 404)
        with pytest.raises(BadRequest):
            await rig.venue.fetch_open_orders()
        rig.rest.refuse("GET /wallet/spot/orders/open", 2008, 401)
        with pytest.raises(AuthenticationError):
            await rig.venue.fetch_open_orders()
        assert rig.notices == []


@in_virtual_time
async def test_more_than_a_page_holds_are_all_there() -> None:
    async with connected(has_key=True) as rig:
        rows = [
            order_row(id=number, client_oid=None, created_at=TIME_MS - number // 3) for number in range(1, 2_346)
        ]

        def page(call: Call) -> list[dict[str, Any]]:
            assert call.parameters["order_by"] == "desc"
            last = int(call.parameters.get("timestamp", TIME_MS))
            return [row for row in rows if row["created_at"] <= last][: int(call.parameters["limit"])]

        rig.rest.on("GET /wallet/spot/orders/open", page)
        found = await rig.venue.fetch_open_orders()
        assert len(found) == len({each.venue_order_id for each in found}) == 2_345
        assert len(rig.rest.of("GET /wallet/spot/orders/open")) == 4, "the last of which brings nothing new"
        assert len(rig.rest.of("GET /wallet/m/orders/open")) == 1


@in_virtual_time
async def test_a_page_that_is_missing_is_no_shorter_list() -> None:
    async with connected(has_key=True) as rig:
        rows = [order_row(id=number, client_oid=None, created_at=TIME_MS - number) for number in range(1, 1_500)]
        rig.rest.on(
            "GET /wallet/spot/orders/open",
            lambda call: INVALID if "timestamp" in call.parameters else rows[: int(call.parameters["limit"])],
        )
        with pytest.raises(ProtocolError):
            await rig.venue.fetch_open_orders()
        assert WORDS not in rig.notices


def rests(desk: WalletDesk, name: str, symbol: str, account: int = 0) -> None:
    """Has an order placed elsewhere, on MAX's site for example."""
    price = "70000" if symbol.endswith("USDT") else "2000000"
    desk.act(
        "place", symbol=symbol, side="buy", type="limit", quantity="0.01", price=price, client_id=name,
        account=account,
    )  # fmt: skip


@in_virtual_time
async def test_at_an_exchange_that_requires_it() -> None:
    async with wallet_desk() as desk:
        desk.act("require_market", required=True)
        for name, symbol, wallet in (("a", "BTCTWD", 0), ("b", "BTCUSDT", 1), ("c", "BTCUSDT", 0)):
            rests(desk, name, symbol, wallet)
        found = {each.client_order_id: each.in_margin_wallet for each in await desk.venue.fetch_open_orders()}
        assert found == {"a": False, "b": True, "c": False}
        ended = await desk.venue.cancel_all_orders()
        assert {each.client_order_id for each in ended} == {"a", "b", "c"}
        assert {each.status for each in ended} == {OrderStatus.CANCELED}
        assert await desk.venue.fetch_open_orders() == []
        assert desk.notices.count(WORDS) == 1


@in_virtual_time
@pytest.mark.parametrize("is_required", [False, True])
async def test_pages_at_the_exchange(is_required: bool) -> None:
    async with wallet_desk() as desk:
        desk.act("require_market", required=is_required)
        desk.venue._account._lookups._page_limit = 3
        for number in range(14):
            rests(desk, f"n{number}", ("BTCTWD", "BTCUSDT")[number % 2], number % 4 // 2)
            await passes(number % 3 / 1000)
        found = [each.client_order_id for each in await desk.venue.fetch_open_orders()]
        assert sorted(found) == sorted(f"n{number}" for number in range(14))


@in_virtual_time
async def test_pushes_that_never_come_are_made_up_for_there_too() -> None:
    async with wallet_desk(account=True) as desk:
        desk.act("require_market", required=True)
        request = OrderRequest(
            instrument=BTCUSDT, client_order_id="s1", side=Side.BUY, type=OrderType.LIMIT, quantity=D("0.01"),
            price=D(70_000), in_margin_wallet=True,
        )  # fmt: skip
        placed = await desk.venue.submit_order(request)
        desk.faults.switch("drop@account:1")
        desk.act("cancel", id=int(placed.venue_order_id))
        await until(lambda: desk.orders and desk.orders[-1].status is OrderStatus.CANCELED, 30)
        assert {each.client_order_id for each in desk.orders} == {"s1"}
