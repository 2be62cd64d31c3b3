"""The private pushes: an order's news at once, each execution once, with its fee and its role."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.coinex.account_rig import (
    NOW,
    TONCE,
    Refused,
    Rig,
    deal_row,
    fills_in,
    notices_in,
    order_push,
    order_row,
    orders_in,
    own_deal_push,
    page,
    push_of,
    request_for,
    rig,
    stop_push,
    stop_row,
)
from tests.venues.coinex.documented import stream
from venues.errors import DecodeError
from venues.events import BalanceUpdate, Notice
from venues.model import Liquidity, OrderStatus, OrderType

STOPS = "GET /order/stop/pending"
LIVE: dict[str, Any] = {
    "last_deal_amount": "0.4", "last_deal_price": "30000", "last_deal_time": TONCE / 1000 + 0.25,
    "last_deal_id": 901, "last_role": 1, "deal_stock": "0.4", "deal_money": "12000", "left": "0.6",
    "money_fee": "24",
}  # fmt: skip
REST: dict[str, Any] = {"deal_stock": "0.4", "deal_money": "12000", "left": "0.6", "money_fee": "24"}


def refusing(code: int) -> Any:
    def refuse(_: object) -> object:
        raise Refused(code)

    return refuse


async def placed(desk: Rig, kind: OrderType = OrderType.LIMIT) -> None:
    desk.venue.on("POST /order/limit", order_row())
    await desk.account.submit_order(request_for(kind))


async def test_an_update_that_tells_all_is_an_order_and_a_fill() -> None:
    async with rig() as desk:
        await placed(desk)
        events = desk.push(order_push(2, **LIVE))
        (order,), (fill,) = orders_in(events), fills_in(events)
        assert (order.status, order.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.4"))
        assert (fill.trade_id, fill.client_order_id, fill.venue_order_id) == ("901", "s1", "501")
        assert (fill.fee, fill.fee_currency, fill.liquidity) == (Decimal(24), "USDT", Liquidity.MAKER)
        assert fill.ts_event == NOW + 250_000_000
        # The same execution by the other push, and the same update again: no other fill, and nothing to ask for.
        assert desk.push(own_deal_push()) == []
        assert fills_in(desk.push(order_push(2, **LIVE))) == []
        second = LIVE | {
            "last_deal_amount": "0.6", "last_deal_id": 902, "deal_stock": "1", "deal_money": "30000", "left": "0",
            "money_fee": "84", "last_role": 2,
        }  # fmt: skip
        (fill,) = fills_in(desk.push(order_push(3, **second)))
        assert (fill.trade_id, fill.fee, fill.liquidity) == ("902", Decimal(60), Liquidity.TAKER)
        assert [call for call in desk.venue.calls if call.startswith("GET")] == []


@pytest.mark.parametrize("is_deal_first", [True, False])
async def test_what_no_push_tells_is_read(*, is_deal_first: bool) -> None:
    async with rig() as desk:
        await placed(desk)
        desk.venue.on("GET /order/user/deals", page(deal_row(), deal_row(id=1, order_id=7)))
        pushes = [order_push(2, **REST), own_deal_push()]
        told = [event for push in pushes[:: -1 if is_deal_first else 1] for event in desk.push(push)]
        assert [order.filled_quantity for order in orders_in(told)] == [Decimal("0.4")]
        assert fills_in(told) == []
        (fill,) = fills_in(await desk.emits(lambda events: bool(fills_in(events))))
        assert (fill.trade_id, fill.fee, fill.liquidity, fill.client_order_id) == (
            "901", Decimal(24), Liquidity.MAKER, "s1",
        )  # fmt: skip
        assert fill.ts_event == NOW + 250_000_000  # of the push: the answer's is cut to seconds
        assert fills_in(desk.push(order_push(2, **LIVE))) == []


async def test_several_executions_in_one_update_are_read() -> None:
    async with rig() as desk:
        await placed(desk)
        deals = [deal_row(amount="0.1", id=901), deal_row(amount="0.3", id=902, role="taker", fee_asset="CET")]
        answers = iter([[], deals[:1], deals])
        desk.venue.on("GET /order/user/deals", lambda _: page(*next(answers, deals)))
        assert fills_in(desk.push(order_push(3, **LIVE | {"last_deal_amount": "0.3", "last_deal_id": 902}))) == []
        await desk.emits(lambda events: len(fills_in(events)) == 2)
        assert [(fill.trade_id, fill.fee_currency) for fill in fills_in(desk.emitted)] == [
            ("901", "USDT"), ("902", "CET"),
        ]  # fmt: skip
        assert len(desk.venue.of("GET /order/user/deals")) == 3


async def test_a_read_that_fails_is_done_again() -> None:
    async with rig() as desk:
        await placed(desk)
        failures = iter([35, 3, 24])

        def deals(_: object) -> dict[str, Any]:
            code = next(failures, 0)
            if code:
                raise Refused(code)
            return page(deal_row())

        desk.venue.on("GET /order/user/deals", deals)
        desk.push(own_deal_push())
        (fill,) = fills_in(await desk.emits(lambda events: bool(fills_in(events))))
        assert fill.trade_id == "901"


async def test_an_order_that_was_filled_by_its_answer_gets_its_fills() -> None:
    """No push need come: the stream may be away."""
    async with rig() as desk:
        desk.venue.on("POST /order/limit", order_row(status="done", deal_amount="1", deal_money="30000", left="0"))
        desk.venue.on("GET /order/user/deals", page(deal_row(amount="1")))
        order = await desk.account.submit_order(request_for())
        assert order.status is OrderStatus.FILLED
        (fill,) = fills_in(await desk.emits(lambda events: bool(fills_in(events))))
        assert (fill.quantity, fill.client_order_id) == (Decimal(1), "s1")


async def test_what_had_traded_before_it_was_first_seen_is_not_told_again() -> None:
    async with rig() as desk:
        partly = order_row(status="part_deal", deal_amount="0.4", deal_money="12000", money_fee="24")
        desk.venue.on("GET /order/pending", page(partly))
        desk.venue.on(STOPS, page())
        await desk.account.fetch_open_orders()
        more: dict[str, Any] = LIVE | {
            "last_deal_amount": "0.1", "last_deal_id": 902, "deal_stock": "0.5", "left": "0.5", "money_fee": "30",
        }  # fmt: skip
        (fill,) = fills_in(desk.push(order_push(2, **more)))
        assert (fill.trade_id, fill.fee) == ("902", Decimal(6))
        assert desk.venue.of("GET /order/user/deals") == []


async def test_a_deal_that_the_venue_never_lists_is_told_without_its_fee_and_that_is_said() -> None:
    async with rig() as desk:
        await placed(desk)
        desk.venue.on("GET /order/user/deals", page())
        desk.push(own_deal_push())
        await desk.emits(lambda events: bool(fills_in(events)))
        (fill,), (notice,) = fills_in(desk.emitted), notices_in(desk.emitted)
        assert (fill.trade_id, fill.fee, fill.client_order_id) == ("901", Decimal(0), "s1")
        assert "fee of trade 901 is not known" in notice.text


@pytest.mark.parametrize("seed", range(12))
async def test_in_whatever_order_pushes_come_each_fill_is_told_once(seed: int) -> None:
    """Dropped, doubled and reordered: what is left is read."""
    rng = random.Random(seed)
    pushes: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    stock = Decimal(0)
    for number in range(6):
        part = Decimal(rng.randint(1, 5)) / 100
        stock += part
        rows.append(deal_row(id=900 + number, amount=str(part), fee=str(part * 60)))
        pushes.append(
            order_push(
                2, deal_stock=str(stock), deal_money=str(stock * 30_000), left=str(1 - stock),
                money_fee=str(stock * 60), last_deal_amount=str(part), last_deal_price="30000",
                last_deal_id=900 + number, last_role=1, mtime=TONCE / 1000 + number,
            )
        )  # fmt: skip
        pushes.append(own_deal_push(id=900 + number, amount=str(part)))
    sent = [push for push in pushes for _ in range(rng.choice((0, 1, 1, 2)))] or pushes[-2:]
    rng.shuffle(sent)
    async with rig() as desk:
        await placed(desk)
        desk.venue.on("GET /order/user/deals", page(*rows))
        told = [event for push in sent for event in desk.push(push)]
        stocks = [Decimal(p["params"][1]["deal_stock"]) for p in sent if p["method"] == "order.update"]
        known = max(stocks, default=Decimal(0))
        named = {str(p["params"][1][0]["id"]) for p in sent if p["method"] == "deals_own.update"}

        def all_told(_: object) -> bool:
            fills = fills_in([*told, *desk.emitted])
            return sum(fill.quantity for fill in fills) >= known and named <= {fill.trade_id for fill in fills}

        await desk.emits(all_told)
        fills = fills_in([*told, *desk.emitted])
        ids = [fill.trade_id for fill in fills]
        assert len(ids) == len(set(ids))
        truth = {str(row["id"]): (Decimal(row["amount"]), Decimal(row["fee"])) for row in rows}
        assert all(truth[fill.trade_id] == (fill.quantity, fill.fee) for fill in fills)


async def test_an_execution_that_makes_no_sense_does_not_cost_the_order_its_news() -> None:
    async with rig() as desk:
        await placed(desk)
        desk.venue.on("GET /order/user/deals", page(deal_row()))
        events = desk.push(order_push(2, **LIVE | {"last_deal_price": "0"}))
        assert [order.filled_quantity for order in orders_in(events)] == [Decimal("0.4")]
        assert [fill.trade_id for fill in fills_in(await desk.emits(lambda events: bool(fills_in(events))))] == [
            "901"
        ]


async def test_a_push_with_a_bad_order_changes_nothing() -> None:
    async with rig() as desk:
        push = order_push(2, in_array=True, **LIVE)
        bad = push["params"][1][0] | {"side": 7}
        push["params"][1].append(bad)
        with pytest.raises(DecodeError):
            desk.account.take(push_of(push), NOW)
        assert len(fills_in(desk.push(order_push(2, **LIVE)))) == 1


async def test_an_order_from_elsewhere_is_told_as_it_is() -> None:
    async with rig() as desk:
        (order,) = orders_in(desk.push(order_push(1, id=88, client_id="robot")))
        (twin,) = orders_in(desk.push(order_push(1, id=89, client_id="robot")))
        assert (order.client_order_id, order.venue_order_id) == ("robot", "88")
        assert (twin.client_order_id, twin.venue_order_id) == ("", "89")


async def test_a_stop_waits_triggers_and_becomes_an_order() -> None:
    async with rig() as desk:
        desk.venue.on("POST /order/stop/limit", {"status": "success"})
        desk.venue.on(STOPS, page())
        for place in ("GET /order/pending", "GET /order/finished"):
            desk.venue.on(place, page())
        await desk.account.submit_order(request_for(OrderType.STOP_LIMIT))
        (waiting,) = orders_in(desk.push(stop_push(1)))
        assert (waiting.venue_order_id, waiting.status, waiting.is_triggered) == ("701", OrderStatus.NEW, False)
        (triggered,) = orders_in(desk.push(stop_push(3, status=1)))
        assert (triggered.status, triggered.is_triggered) == (OrderStatus.NEW, True)
        (order,) = orders_in(desk.push(order_push(1, stop_id=701, client_id="")))
        assert (order.client_order_id, order.venue_order_id, order.type, order.is_triggered) == (
            "s1", "501", OrderType.STOP_LIMIT, True,
        )  # fmt: skip
        # What the stream says of the stop afterwards is of what it no longer is.
        assert desk.push(stop_push(3, status=1)) == []


@pytest.mark.parametrize("row", [None, "finished"])
async def test_a_stop_that_ended_without_a_word_is_looked_up(row: str | None) -> None:
    async with rig() as desk:
        (waiting,) = orders_in(desk.push(stop_push(1)))
        for place in (STOPS, "GET /order/pending", "GET /order/finished", "GET /order/stop/finished"):
            desk.venue.on(place, page())
        if row:
            done = order_row(status="done", deal_amount="1", deal_money="30000", left="0")
            desk.venue.on("GET /order/finished", page(done))
            desk.venue.on("GET /order/user/deals", page(deal_row(amount="1")))
        assert desk.push(stop_push(3, status=None)) == []
        await desk.emits(lambda events: bool(orders_in(events)))
        (end,) = orders_in(desk.emitted)
        expected = OrderStatus.FILLED if row else OrderStatus.CANCELED
        assert (end.status, end.client_order_id, end.type) == (expected, "s1", waiting.type)


async def test_a_stop_that_triggered_into_nothing_has_ended() -> None:
    """Its order was killed at once, and the venue keeps no order that ended without a fill."""
    async with rig() as desk:
        desk.push(stop_push(1))
        for place in (STOPS, "GET /order/pending", "GET /order/finished"):
            desk.venue.on(place, page())
        desk.venue.on("GET /order/stop/finished", page(stop_row(status="active")))
        desk.push(stop_push(3, status=1))
        await desk.emits(lambda events: bool(orders_in(events)))
        (end,) = orders_in(desk.emitted)
        assert (end.status, end.venue_order_id) == (OrderStatus.CANCELED, "701")


async def test_balances_are_told_as_pushed() -> None:
    async with rig() as desk:
        (told,) = desk.push(stream("asset.update").value)
        assert isinstance(told, BalanceUpdate)
        assert [(each.currency, each.available, each.locked) for each in told.balances] == [
            ("BTC", Decimal(250), Decimal(10))
        ]
        assert told.ts_event == NOW


async def test_a_maintenance_is_announced() -> None:
    async with rig() as desk:
        (told,) = desk.push(stream("notice.update").value)
        assert isinstance(told, Notice) and told.is_alarm


async def test_after_a_reconnect_what_was_missing_is_asked_for_again() -> None:
    async with rig() as desk:
        await placed(desk)
        desk.venue.on("GET /order/user/deals", page())
        desk.push(order_push(2, **REST))
        await desk.asks("GET /order/user/deals", 12)
        desk.venue.on("GET /order/user/deals", page(deal_row()))
        assert fills_in(desk.emitted) == []
        # The next news of the order, whichever it is, finds what is still missing.
        later = REST | {"deal_stock": "0.6", "left": "0.4", "mtime": TONCE / 1000 + 3}
        desk.venue.on("GET /order/user/deals", page(deal_row(), deal_row(id=902, amount="0.2")))
        desk.push(order_push(2, **later))
        desk.account.resynced()
        await desk.emits(lambda events: len(fills_in(events)) == 2)


async def test_closing_ends_every_look_up() -> None:
    async with rig() as desk:
        desk.push(stop_push(1))
        desk.push(stop_push(3, status=None))
        desk.push(own_deal_push())
        await desk.account.aclose()
        await desk.account.aclose()
        assert desk.emitted == []
        assert [task for task in asyncio.all_tasks() if task.get_name().startswith("coinex")] == []
