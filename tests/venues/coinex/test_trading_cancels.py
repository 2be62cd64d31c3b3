"""Cancels of one order, of a side, of a market and of everything: what leaves, and what it leaves behind."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.coinex.account_rig import (
    BTC,
    ETH,
    Refused,
    Rig,
    order_row,
    orders_in,
    page,
    request_for,
    rig,
    stop_row,
)
from venues.commands import CancelRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.model import OrderStatus, OrderType, Side

STOPS = "/order/stop/pending"


def cancel_of(client_id: str = "s1", venue_id: str = "") -> CancelRequest:
    return CancelRequest(instrument=BTC.id, client_order_id=client_id, venue_order_id=venue_id)


def refusing(code: int, words: str = "no") -> Any:
    def refuse(_: object) -> object:
        raise Refused(code, words)

    return refuse


async def place(desk: Rig, **changes: Any) -> None:
    desk.venue.on("POST /order/limit", order_row(**changes))
    await desk.account.submit_order(request_for())


async def place_stop(desk: Rig) -> None:
    desk.venue.on("POST /order/stop/limit", {"status": "success"})
    desk.venue.on(f"GET {STOPS}", page(stop_row()))
    await desk.account.submit_order(request_for(OrderType.STOP_LIMIT))


async def test_a_cancel_names_the_order() -> None:
    async with rig() as desk:
        await place(desk)
        desk.venue.on(
            "DELETE /order/pending", order_row(status="part_deal", deal_amount="0.4", deal_money="12000")
        )
        desk.venue.on("GET /order/user/deals", page())
        order = await desk.account.cancel_order(cancel_of(venue_id="501"), depart=desk.depart)
        assert (order.status, order.filled_quantity, order.client_order_id) == (
            OrderStatus.CANCELED, Decimal("0.4"), "s1",
        )  # fmt: skip
        assert desk.venue.of("DELETE /order/pending") == [{"market": "BTCUSDT", "account_id": "0", "id": "501"}]
        assert len(desk.departures) == 1


async def test_an_order_whose_answer_was_lost_is_cancelled_by_its_client_id() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/limit", refusing(36, "service timeout"))
        with pytest.raises(OutcomeUnknown):
            await desk.account.submit_order(request_for())
        item = {"code": 0, "order": order_row(), "message": ""}
        desk.venue.on("DELETE /order/pending/by_client_id", [item])
        order = await desk.account.cancel_order(cancel_of())
        assert (order.status, order.venue_order_id) == (OrderStatus.CANCELED, "501")
        assert desk.venue.commands[1:] == ["DELETE /order/pending/by_client_id"]


async def test_an_order_that_nobody_finds_is_looked_for_as_a_stop_too() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/limit", refusing(36))
        with pytest.raises(OutcomeUnknown):
            await desk.account.submit_order(request_for())
        desk.venue.on("DELETE /order/pending/by_client_id", [])
        desk.venue.on(f"DELETE {STOPS}/by_client_id", refusing(600))
        with pytest.raises(OrderNotFound):
            await desk.account.cancel_order(cancel_of(), depart=desk.depart)
        assert desk.venue.commands[1:] == ["DELETE /order/pending/by_client_id", f"DELETE {STOPS}/by_client_id"]
        assert len(desk.departures) == 2


async def test_a_lost_stop_is_cancelled_as_a_stop_first() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/stop/limit", refusing(35))
        with pytest.raises(OutcomeUnknown):
            await desk.account.submit_order(request_for(OrderType.STOP_LIMIT))
        desk.venue.on(f"DELETE {STOPS}/by_client_id", [{"code": 0, "order": stop_row(), "message": ""}])
        order = await desk.account.cancel_order(cancel_of())
        assert (order.status, order.type, order.quantity) == (
            OrderStatus.CANCELED, OrderType.STOP_LIMIT, Decimal(1),
        )  # fmt: skip
        assert desk.venue.commands[1:] == [f"DELETE {STOPS}/by_client_id"]


async def test_a_stop_is_cancelled_by_its_own_id() -> None:
    async with rig() as desk:
        await place_stop(desk)
        desk.venue.on(f"DELETE {STOPS}/701", None)
        order = await desk.account.cancel_order(cancel_of(venue_id="701"))
        assert (order.status, order.venue_order_id, order.trigger_price) == (
            OrderStatus.CANCELED, "701", Decimal(31_000),
        )  # fmt: skip


async def test_a_stop_that_was_triggered_meanwhile_is_cancelled_as_the_order_it_became() -> None:
    async with rig() as desk:
        await place_stop(desk)
        desk.venue.on(f"DELETE {STOPS}/701", refusing(600))
        desk.venue.on("DELETE /order/pending/by_client_id", [{"code": 0, "order": order_row(), "message": ""}])
        order = await desk.account.cancel_order(cancel_of(venue_id="701"))
        assert (order.status, order.type, order.venue_order_id) == (
            OrderStatus.CANCELED, OrderType.STOP_LIMIT, "501",
        )  # fmt: skip


async def test_of_an_order_from_before_the_id_alone_is_known() -> None:
    """It may be that of a stop: the venue counts both alike."""
    async with rig() as desk:
        desk.venue.on("GET /order/status", refusing(600))
        desk.venue.on(f"GET {STOPS}", page(stop_row(client_id="")))
        desk.venue.on(f"DELETE {STOPS}/701", None)
        order = await desk.account.cancel_order(cancel_of(client_id="", venue_id="701"))
        assert (order.status, order.type) == (OrderStatus.CANCELED, OrderType.STOP_LIMIT)
        assert desk.venue.commands == [f"DELETE {STOPS}/701"]


async def test_a_cancel_leaves_even_where_nothing_can_be_read_before_it() -> None:
    async with rig() as desk:
        desk.venue.on("GET /order/status", refusing(3))
        desk.venue.on("DELETE /order/pending", refusing(600))
        desk.venue.on(f"DELETE {STOPS}/701", refusing(600))
        with pytest.raises(OrderNotFound):
            await desk.account.cancel_order(cancel_of(venue_id="701"))
        assert desk.venue.commands == ["DELETE /order/pending", f"DELETE {STOPS}/701"]
        assert desk.venue.of("DELETE /order/pending")[0]["id"] == "701"


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([{"code": 600, "order": None, "message": "gone"}], OrderNotFound),
        ([{"code": 36, "order": None, "message": "timeout"}], OutcomeUnknown),
        ([{"code": 0, "order": None, "message": ""}], OutcomeUnknown),
        ([{"code": 2, "order": None, "message": "bad"}], OrderRejected),
    ],
)
async def test_what_the_answers_for_a_shared_client_id_prove(items: list[Any], kind: type[Exception]) -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/limit", refusing(36))
        with pytest.raises(OutcomeUnknown):
            await desk.account.submit_order(request_for())
        desk.venue.on("DELETE /order/pending/by_client_id", items)
        desk.venue.on(f"DELETE {STOPS}/by_client_id", [])
        with pytest.raises(kind) as caught:
            await desk.account.cancel_order(cancel_of())
        assert type(caught.value) is kind


async def test_the_others_of_a_shared_client_id_are_told_of() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/limit", refusing(36))
        with pytest.raises(OutcomeUnknown):
            await desk.account.submit_order(request_for())
        items = [{"code": 0, "order": order_row(id=number), "message": ""} for number in (501, 502)]
        desk.venue.on("DELETE /order/pending/by_client_id", items)
        assert (await desk.account.cancel_order(cancel_of())).venue_order_id == "501"
        (other,) = orders_in(desk.emitted)
        assert (other.venue_order_id, other.client_order_id, other.status) == ("502", "", OrderStatus.CANCELED)


# Many at once


async def test_a_market_is_swept_whole() -> None:
    async with rig() as desk:
        lists = iter([page(order_row(), order_row(id=502, client_id="", type="sell")), page()])
        stops = iter([page(stop_row(client_id="x")), page()])
        desk.venue.on("GET /order/pending", lambda _: next(lists))
        desk.venue.on(f"GET {STOPS}", lambda _: next(stops))
        desk.venue.on("DELETE /order/pending", {})
        desk.venue.on(f"DELETE {STOPS}", None)
        done = order_row(id=502, type="sell", status="done", deal_amount="1", deal_money="30000", left="0")
        items = [{"code": 600, "data": None, "message": "gone"}, {"code": 0, "data": done, "message": ""}]
        desk.venue.on("GET /order/status/batch", items)
        desk.venue.on("GET /order/user/deals", page())
        orders = await desk.account.cancel_all_orders(BTC.id, depart=desk.depart)
        assert {(order.venue_order_id, order.status) for order in orders} == {
            ("501", OrderStatus.CANCELED), ("502", OrderStatus.FILLED), ("701", OrderStatus.CANCELED),
        }  # fmt: skip
        assert desk.venue.commands == ["DELETE /order/pending", f"DELETE {STOPS}"]
        assert desk.venue.of("DELETE /order/pending") == [{"market": "BTCUSDT", "account_id": "0"}]
        assert len(desk.departures) == 2


async def test_a_market_is_swept_though_nothing_is_listed_there() -> None:
    """An order that was sent and never answered may rest there, and not be listed yet."""
    async with rig() as desk:
        desk.venue.on("GET /order/pending", page())
        desk.venue.on(f"GET {STOPS}", page())
        desk.venue.on("DELETE /order/pending", refusing(600))
        desk.venue.on(f"DELETE {STOPS}", None)
        assert list(await desk.account.cancel_all_orders(BTC.id)) == []
        assert desk.venue.commands == ["DELETE /order/pending", f"DELETE {STOPS}"]


async def test_a_market_is_swept_though_it_can_not_be_listed() -> None:
    async with rig() as desk:
        gate = desk.venue.held[f"GET {STOPS}"] = asyncio.Event()
        desk.venue.on(f"GET {STOPS}", refusing(3))
        desk.venue.on("DELETE /order/pending", {})
        desk.venue.on(f"DELETE {STOPS}", None)
        await desk.account.cancel_all_orders(BTC.id)
        gate.set()
        assert desk.venue.commands == ["DELETE /order/pending", f"DELETE {STOPS}"]


async def test_a_side_is_cancelled_by_ids_alone() -> None:
    async with rig() as desk:
        many = [order_row(id=1000 + number, client_id=f"c{number}") for number in range(150)]
        sell = order_row(id=9, client_id="", type="sell")

        def pending(params: dict[str, str]) -> dict[str, Any]:
            number = int(params["page"])
            rows = [*many, sell][(number - 1) * 100 : number * 100]
            return page(*rows, has_next=number < 2, total=151)

        desk.venue.on("GET /order/pending", pending)
        desk.venue.on(
            f"GET {STOPS}", page(stop_row(client_id="t"), stop_row(order_id=702, type="sell", client_id=""))
        )
        desk.venue.on("DELETE /order/pending/batch", None)
        desk.venue.on(f"DELETE {STOPS}/701", None)
        await desk.account.cancel_all_orders(BTC.id, Side.BUY)
        assert desk.venue.commands == ["DELETE /order/pending/batch"] * 2 + [f"DELETE {STOPS}/701"]
        batches = [params["batch_ids"].split(",") for params in desk.venue.of("DELETE /order/pending/batch")]
        assert [len(batch) for batch in batches] == [100, 50]
        assert sorted(number for batch in batches for number in batch) == sorted(str(row["id"]) for row in many)


async def test_everything_is_every_market_in_which_something_rests() -> None:
    async with rig() as desk:
        desk.venue.on("GET /order/pending", page(order_row(), order_row(id=502, market="ETHUSDT", client_id="e")))
        desk.venue.on(f"GET {STOPS}", page(stop_row(client_id="t")))
        desk.venue.on("DELETE /order/pending", {})
        desk.venue.on(f"DELETE {STOPS}", None)
        await desk.account.cancel_all_orders()
        assert {params["market"] for params in desk.venue.of("DELETE /order/pending")} == {
            BTC.id.symbol, ETH.id.symbol,
        }  # fmt: skip
        assert [params["market"] for params in desk.venue.of(f"DELETE {STOPS}")] == ["BTCUSDT"]
        assert len(desk.venue.commands) == 3


@pytest.mark.parametrize("side", [None, Side.SELL])
async def test_what_can_not_be_listed_is_not_called_empty(side: Side | None) -> None:
    async with rig() as desk:
        desk.venue.on(f"GET {STOPS}", refusing(3, "internal error"))
        with pytest.raises(NotSent, match="could not be listed"):
            await desk.account.cancel_all_orders(None, side)
        assert desk.venue.commands == []


@pytest.mark.parametrize(("code", "kind"), [(36, OutcomeUnknown), (2, OutcomeUnknown)])
async def test_a_part_that_failed_leaves_the_whole_open(code: int, kind: type[Exception]) -> None:
    async with rig() as desk:
        desk.venue.on("GET /order/pending", page(order_row()))
        desk.venue.on(f"GET {STOPS}", page())
        desk.venue.on("DELETE /order/pending", {})
        desk.venue.on(f"DELETE {STOPS}", refusing(code))
        with pytest.raises(kind):
            await desk.account.cancel_all_orders(BTC.id)


async def test_all_refused_is_refused() -> None:
    async with rig() as desk:
        desk.venue.on("GET /order/pending", page(order_row()))
        desk.venue.on(f"GET {STOPS}", page())
        desk.venue.on("DELETE /order/pending", refusing(115))
        desk.venue.on(f"DELETE {STOPS}", refusing(115))
        with pytest.raises(OrderRejected, match="may not trade"):
            await desk.account.cancel_all_orders(BTC.id)
