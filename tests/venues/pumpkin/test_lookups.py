"""What the venue's rows say of orders, and what is kept of them: told late, twice, in part or in words unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.pumpkin.client_rig import client_at
from tests.venues.pumpkin.orders_rig import BTC_ID, ETH_ID, Terms, rig, served, wish
from tests.venues.pumpkin.scripted_pumpkin import ScriptedPumpkin
from tests.venues.pumpkin.test_checks import BTC_PERP
from tests.venues.pumpkin.walking import BTC
from tests.venues.transport.scripted import Received
from venues.errors import DecodeError, MissingCredentials, OrderNotFound
from venues.model import Instrument, InstrumentId, Order, OrderStatus, OrderType, Side, TimeInForce
from venues.pumpkin import VENUE
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.memory import Kind, Known, OrderMemory, split_id
from venues.pumpkin.models import Order as Row
from venues.pumpkin.models import PlanOrder, ProfitStop
from venues.pumpkin.parse_orders import parse_order
from venues.pumpkin.plan_orders import parse_exit, parse_plan
from venues.pumpkin.readings import Readings
from venues.transport.clock import ServerClock

D = Decimal
MADE = 1_769_672_287_213
ROW: dict[str, Any] = {
    "orderId": "587077935051136448", "clientOrderId": "s1", "symbol": BTC, "orderType": "LIMIT",
    "orderSide": "BUY", "positionSide": "LONG", "timeInForce": "GTC", "closePosition": False, "price": "59000",
    "origQty": "100", "avgPrice": "0", "executedQty": "0", "marginFrozen": "0", "triggerProfitPrice": None,
    "triggerStopPrice": None, "sourceId": None, "forceClose": False, "closeProfit": None, "state": "NEW",
    "createdTime": MADE,
}  # fmt: skip
PLAN: dict[str, Any] = {
    "entrustId": "7", "symbol": BTC, "entrustType": "STOP", "orderSide": "BUY", "positionSide": "LONG",
    "timeInForce": "GTC", "price": "61100", "origQty": "10", "stopPrice": "61000",
    "triggerPriceType": "MARK_PRICE", "state": "NOT_TRIGGERED", "createdTime": MADE,
}  # fmt: skip
EXIT: dict[str, Any] = {
    "profitId": "9", "symbol": BTC, "positionSide": "LONG", "origQty": "10", "triggerPriceType": "MARK_PRICE",
    "triggerProfitPrice": "62000", "triggerStopPrice": None, "positionSize": "25", "state": "NOT_TRIGGERED",
    "createdTime": MADE,
}  # fmt: skip


class ByPath(ScriptedPumpkin):
    """Answers what is asked at once, in whatever order it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.by_path: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def _answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        answer = super()._answer(request)
        return self.by_path.get(self.calls[-1].path, answer)


class OneContract:
    """A listing with nothing but BTC in it."""

    def known(self, instrument: InstrumentId) -> Instrument | None:
        return BTC_PERP if instrument == BTC_ID else None

    async def one(self, instrument: InstrumentId) -> Instrument:
        assert instrument == BTC_ID
        return BTC_PERP

    async def all(self) -> Mapping[InstrumentId, Instrument]:
        return {BTC_ID: BTC_PERP}


def order_of(**changes: Any) -> Order:
    return parse_order(msgspec.convert(ROW | changes, Row, strict=False), BTC_PERP)


def plan_of(**changes: Any) -> Order:
    return parse_plan(msgspec.convert(PLAN | changes, PlanOrder, strict=False), BTC_PERP)


def exit_of(**changes: Any) -> Order:
    return parse_exit(msgspec.convert(EXIT | changes, ProfitStop, strict=False), BTC_PERP, "77")


def test_an_order_as_the_document_shows_it() -> None:
    order = order_of()
    assert (order.instrument, order.side, order.type) == (BTC_ID, Side.BUY, OrderType.LIMIT)
    assert (order.quantity, order.price, order.average_price) == (D("0.01"), D(59_000), None)
    assert order.ts_created == order.ts_event == MADE * 1_000_000
    market = order_of(
        orderType="MARKET", timeInForce="IOC", price="0", avgPrice="88256.7", executedQty="100", state="FILLED"
    )
    assert (market.type, market.price, market.average_price) == (OrderType.MARKET, None, D("88256.7"))
    assert (market.status, market.time_in_force) == (OrderStatus.FILLED, TimeInForce.IOC)


@pytest.mark.parametrize(
    ("state", "executed", "status"),
    [
        ("NEW", "0", OrderStatus.NEW),
        ("PARTIALLY_FILLED", "40", OrderStatus.PARTIALLY_FILLED),
        ("NEW", "40", OrderStatus.PARTIALLY_FILLED),
        ("PARTIALLY_CANCELED", "40", OrderStatus.CANCELED),
        ("CANCELED", "0", OrderStatus.CANCELED),
        ("FILLED", "100", OrderStatus.FILLED),
        ("PARTIALLY_FILLED", "100", OrderStatus.FILLED),
        ("REJECTED", "0", OrderStatus.REJECTED),
        ("EXPIRED", "0", OrderStatus.EXPIRED),
        ("PONDERING", "0", OrderStatus.UNKNOWN),
    ],
)
def test_states(state: str, executed: str, status: OrderStatus) -> None:
    order = order_of(state=state, executedQty=executed, avgPrice="59000")
    assert (order.status, order.filled_quantity) == (status, D(executed) * D("0.0001"))
    assert ("PONDERING" in order.reason) is (status is OrderStatus.UNKNOWN)


def test_sides_tell_what_closes_and_force_is_only_where_nothing_waited() -> None:
    told = {
        (side, position): order_of(orderSide=side, positionSide=position).reduce_only
        for side in ("BUY", "SELL")
        for position in ("LONG", "SHORT", "BOTH")
    }
    assert {pair for pair, closes in told.items() if closes} == {("BUY", "SHORT"), ("SELL", "LONG")}
    assert order_of(forceClose=True).is_liquidation
    assert not order_of(forceClose=True, sourceId=7).is_liquidation
    assert not order_of().is_liquidation


@pytest.mark.parametrize(
    "changes", [{"orderSide": "HOLD"}, {"origQty": "0"}, {"executedQty": "101"}, {"executedQty": "-1"}]
)
def test_rows_that_can_not_be(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        order_of(**changes)


def test_plan_orders_of_every_type() -> None:
    for word, kind in (
        ("STOP", OrderType.STOP_LIMIT), ("STOP_MARKET", OrderType.STOP), ("LIMIT", OrderType.STOP_LIMIT),
        ("TAKE_PROFIT", OrderType.TAKE_PROFIT_LIMIT), ("TAKE_PROFIT_MARKET", OrderType.TAKE_PROFIT),
        ("TRAILING_STOP_MARKET", OrderType.STOP), ("ICEBERG", OrderType.STOP_LIMIT),
    ):  # fmt: skip
        plan = plan_of(entrustType=word)
        assert (plan.type, plan.trigger_price) == (kind, D(61_000))
        assert (plan.price is not None) is kind.has_price
    assert plan_of(price=None).type is OrderType.STOP
    assert plan_of(entrustType="TAKE_PROFIT", price="0").type is OrderType.TAKE_PROFIT
    for state, status in (
        ("TRIGGERING", OrderStatus.NEW), ("TRIGGERED", OrderStatus.NEW), ("USER_REVOCATION", OrderStatus.CANCELED),
        ("PLATFORM_REVOCATION", OrderStatus.CANCELED), ("EXPIRED", OrderStatus.EXPIRED),
        ("ODD", OrderStatus.UNKNOWN),
    ):  # fmt: skip
        assert (plan_of(state=state).status, exit_of(state=state).status) == (status, status)
        assert plan_of(state=state).is_triggered is (state == "TRIGGERED")
    for changes in ({"stopPrice": "0"}, {"origQty": "0"}, {"orderSide": "X"}):
        with pytest.raises(DecodeError):
            plan_of(**changes)


def test_exits_of_one_trigger_or_of_both() -> None:
    profit, stop = exit_of(), exit_of(triggerProfitPrice=None, triggerStopPrice="58000", positionSide="SHORT")
    both = exit_of(triggerStopPrice="58000", origQty="0")
    assert (profit.type, profit.trigger_price, profit.stop_loss) == (OrderType.TAKE_PROFIT, D(62_000), None)
    assert (stop.type, stop.trigger_price, stop.side) == (OrderType.STOP, D(58_000), Side.BUY)
    assert (both.type, both.trigger_price, both.stop_loss) == (OrderType.TAKE_PROFIT, D(62_000), D(58_000))
    assert (profit.quantity, both.quantity) == (D("0.0010"), D("0.0025"))  # 0 contracts are all there are
    assert all(each.reduce_only and each.position_id == "77" for each in (profit, stop, both))
    for changes in ({"triggerProfitPrice": None}, {"positionSide": "BOTH"}):
        with pytest.raises(DecodeError):
            exit_of(**changes)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["NEW", "PARTIALLY_FILLED", "CANCELED", "PARTIALLY_CANCELED", "FILLED"]),
            st.integers(0, 100),
            st.integers(-5, 5),
        ),
        max_size=8,
    )
)
def test_what_is_known_only_grows(told: list[tuple[str, int, int]]) -> None:
    """Reads may be late and in any order: neither time nor what has traded goes back, and an end is for good."""
    known = Known(BTC_ID, "s1")
    known.number = ROW["orderId"]
    before: Order | None = None
    for state, executed, seconds in told:
        at = (MADE * 1_000 + seconds * 1_000_000) * 1_000
        news = known.take(order_of(state=state, executedQty=str(executed), avgPrice="59000"), at)
        assert (news is None) is (known.last is before)
        if before is not None and known.last is not None:
            assert known.last.ts_event >= before.ts_event + (news is not None)  # a desk knows it as newer
            assert known.last.filled_quantity >= before.filled_quantity
            assert not before.status.is_terminal or known.last.status.is_terminal
        before = known.last


def test_names() -> None:
    assert [split_id(each) for each in ("7", "plan:7", "exit:7", "s1")] == [
        (Kind.ORDER, "7"), (Kind.PLAN, "7"), (Kind.EXIT, "7"), (Kind.ORDER, "s1"),
    ]  # fmt: skip


@asynccontextmanager
async def scripted(*, has_key: bool = True) -> AsyncIterator[tuple[Lookups, ByPath, OrderMemory]]:
    venue, memory, readings = ByPath(), OrderMemory(), Readings(minute_quota=10**6)
    async with client_at(has_key=has_key, venue=venue, readings=readings) as (client, _):
        clock = ServerClock(VENUE)
        yield Lookups(client, memory, OneContract(), clock, Terms(), has_credentials=has_key), venue, memory


@pytest.mark.parametrize("style", ["pages", "cursor"])
async def test_the_history_is_read_in_either_style(style: str) -> None:
    async with scripted() as (lookups, venue, _):
        venue.data([])
        venue.data({"page": 1, "ps": 100, "total": 0, "items": []})
        others = [
            ROW | {"orderId": str(number), "clientOrderId": None, "state": "CANCELED"} for number in (90, 80)
        ]
        last = [ROW | {"orderId": "70", "state": "PARTIALLY_CANCELED", "executedQty": "1", "avgPrice": "5"}]
        for items, more in ((others, True), (last, False)):
            pages = {"page": 1, "ps": 2, "total": 3} if style == "pages" else {"hasPrev": False, "hasNext": more}
            venue.data(pages | {"items": items})
        found = await lookups.order(BTC_ID, "s1", "")
        assert (found.venue_order_id, found.status, found.filled_quantity) == (
            "70", OrderStatus.CANCELED, D("0.0001"),
        )  # fmt: skip
        assert [call.path.removeprefix("/futures/v2/order/") for call in venue.calls] == [
            "all/listUnfinished", "list", "list-history", "list-history",
        ]  # fmt: skip
        assert (venue.calls[-1].parameters["id"], venue.calls[-1].parameters["direction"]) == ("80", "NEXT")


async def test_one_row_of_a_contract_that_is_not_listed_hides_no_other() -> None:
    async with scripted() as (lookups, venue, _):
        rows = [ROW | {"symbol": "new_usdt"}, ROW | {"orderId": "8"}]
        plans = [PLAN | {"symbol": "new_usdt"}]
        for path, items in (("order/list", rows), ("entrust/plan-list", plans), ("entrust/profit-list", [EXIT])):
            venue.data({"page": 1, "size": 100, "total": len(items), "items": items})
            venue.by_path[f"/futures/v2/{path}"] = venue.answers.pop()
        venue.data(None)
        found = await lookups.open_orders()
        assert {each.venue_order_id for each in found} == {"8", "exit:9"}


async def test_without_a_key_nothing_is_asked() -> None:
    async with scripted(has_key=False) as (lookups, venue, _):
        for read in (lookups.open_orders(), lookups.order(BTC_ID, "s1", ""), lookups.by_number("7")):
            with pytest.raises(MissingCredentials, match="there is no API key"):
                await read
        assert venue.calls == []


async def test_pushes_tell_in_part_and_only_of_what_is_known() -> None:
    async with scripted() as (lookups, venue, memory):
        with pytest.raises(OrderNotFound):
            lookups.take_push("70", "NEW", D(0), D(0))
        venue.data(ROW | {"orderId": "70"})
        order = await lookups.by_number("70")
        assert lookups.take_push("70", "NEW", D(0), D(0)) is None
        news = lookups.take_push("70", "PARTIALLY_FILLED", D(40), D(58_999))
        assert news is not None
        assert (news.status, news.filled_quantity, news.average_price) == (
            OrderStatus.PARTIALLY_FILLED, D("0.004"), D(58_999),
        )  # fmt: skip
        assert news.quantity == order.quantity
        assert lookups.take_push("70", "NEW", D(0), D(0)) is None
        known = memory.find("", "70")
        assert known is not None
        assert (known.claimed, known.is_short) == (D("0.004"), True)


async def test_what_was_learnt_goes_out_once_whoever_learnt_it() -> None:
    """A push, a read and an answer come in any order: none of them may swallow the only event of an order."""
    async with scripted() as (lookups, venue, memory):
        venue.data(ROW | {"orderId": "70"})
        order = await lookups.by_number("70")
        assert memory.news() == [order]
        await lookups.by_number("70")
        assert memory.news() == []
        news = lookups.take_push("70", "CANCELED", D(0), D(0))
        assert (memory.news(), memory.news()) == ([news], [])


async def test_an_order_of_another_contract_is_not_the_one() -> None:
    with served() as venue:
        async with rig(venue) as r:
            order = await r.submit(wish())
            for names in ((order.client_order_id, order.venue_order_id), ("", order.venue_order_id)):
                with pytest.raises(OrderNotFound, match="another contract"):
                    await r.orders.fetch_order(ETH_ID, *names)
            for number in ("elsewhere", "plan:", "exit:x"):
                with pytest.raises(OrderNotFound):
                    await r.orders.fetch_order(BTC_ID, "", number)


async def test_what_the_venue_closes_by_force_is_told_so() -> None:
    with served() as venue:
        async with rig(venue) as r:
            await r.client.change_position_type(BTC, "ISOLATED", "AGGREGATION")
            await r.submit(wish(OrderType.MARKET, leverage=D(125)))
            venue.mark(59_000)
            rows = (await r.client.orders(symbol=BTC)).items
            forced = [each for each in rows if each.force_close]
            (order,) = await r.orders.lookups.by_numbers([each.order_id for each in forced])
            assert (order.is_liquidation, order.reduce_only, order.side) == (True, True, Side.SELL)
