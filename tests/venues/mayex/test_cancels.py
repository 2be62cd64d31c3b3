"""Cancels of one order and of many: what they reach, and what their answers do not say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.waiting import until_found
from tests.venues.mayex.orders_rig import (
    BTC,
    BTC_ID,
    ETH,
    ETH_ID,
    SPOT_ID,
    D,
    Exchange,
    Rig,
    rig,
    served,
    wish,
)
from tests.venues.mayex.scripted_orders import answer_row, past, row, scripted
from tests.venues.perpetual_rig import cancel_of
from tests.venues.transport.stream_rig import until
from venues.commands import CancelRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.model import MarginMode, Order, OrderStatus, OrderType, Side

CANCEL, CANCEL_ALL = "cancel-order", "cancel-all-order"


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


def commands(r: Rig) -> list[str]:
    return [path.rsplit("/", 1)[1] for path in r.noted.commands]


def named(client_id: str = "", number: str = "") -> CancelRequest:
    return CancelRequest(instrument=BTC_ID, client_order_id=client_id, venue_order_id=number)


async def test_exactly_one_is_cancelled_by_whichever_id(venue: Exchange) -> None:
    async with rig(venue) as r:
        left = await r.submit(wish())
        for names in ("both", "number", "client id"):
            order = await r.submit(wish())
            request = named(
                "" if names == "number" else order.client_order_id,
                "" if names == "client id" else order.venue_order_id,
            )
            gone = await r.orders.cancel(request)
            assert (gone.status, gone.venue_order_id) == (OrderStatus.CANCELED, order.venue_order_id)
        assert venue.open_ids() == {left.venue_order_id}


async def test_one_from_elsewhere_is_cancelled_by_a_program_that_remembers_nothing(venue: Exchange) -> None:
    async with rig(venue) as r:
        number = str(
            venue.act("place", symbol=BTC, side="buy", type="limit", quantity="0.01", price="59000")["id"]
        )
        assert (await r.another().cancel(named(number=number))).status is OrderStatus.CANCELED
        assert venue.open_ids() == set()


async def test_an_answer_that_still_says_new_is_a_cancel_on_its_way() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1")]
        s.venue.data(answer_row(7, "s1"))
        order = await s.orders.cancel(named("s1"))
        assert order.status is OrderStatus.PENDING_CANCEL
        s.venue.resting, s.venue.past = [], [past(7, "s1", executedQty="0.004", avlPrice="59000.0")]
        await until(lambda: s.told and s.told[-1].status is OrderStatus.CANCELED)
        assert (s.told[-1].filled_quantity, s.venue.paths.count(CANCEL)) == (D("0.004"), 1)


async def test_a_fill_may_win_the_race() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1")]
        s.venue.data(answer_row(7, "s1"))
        await s.orders.fetch_open_orders()
        s.venue.resting, s.venue.past = (
            [],
            [past(7, "s1", status="FILLED", executedQty="0.010", avlPrice="59000.0")],
        )
        assert (await s.orders.cancel(named("s1"))).status is OrderStatus.FILLED


@pytest.mark.parametrize("code", [4000, 4020])
async def test_what_is_over_can_not_be_cancelled_and_is_told(code: int) -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1")]
        await s.orders.fetch_open_orders()
        s.venue.resting, s.venue.past = (
            [],
            [past(7, "s1", status="FILLED", executedQty="0.010", avlPrice="59000.0")],
        )
        s.venue.refusal(code)
        with pytest.raises(OrderNotFound, match="the order is filled already"):
            await s.orders.cancel(named("s1", "7"))
        assert s.told[-1].status is OrderStatus.FILLED


async def test_what_proves_nothing_about_a_cancel(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish())
        for fault in ("503@cancel=executed", "lost-reply@cancel=reset", "html-200@cancel=executed"):
            order = await r.submit(wish())
            venue.fault(f"{fault}*1")
            with pytest.raises(OutcomeUnknown):
                await r.cancel(order)
            found = await until_status(r, order, OrderStatus.CANCELED)
            assert found.venue_order_id == order.venue_order_id
        assert commands(r).count(CANCEL) == 3
        venue.fault("rate-limit@cancel=0.1*1")
        with pytest.raises(OrderRejected):
            await r.cancel(order)


async def until_status(r: Rig, order: Order, status: OrderStatus) -> Order:
    found: list[Order] = []

    async def is_so() -> bool:
        found.append(await r.orders.fetch_order(order.instrument, order.client_order_id))
        return found[-1].status is status

    await until_found(is_so, 5.0)
    return found[-1]


async def test_an_order_whose_number_nobody_knows_is_looked_for_first() -> None:
    async with scripted() as s:
        s.venue.refusal(100)
        with pytest.raises(OutcomeUnknown):
            await s.orders.submit(wish(client_order_id="s1"))
        with pytest.raises(NotSent, match="which is not known yet"):
            await s.orders.cancel(named("s1"))
        assert CANCEL not in s.venue.paths
        s.venue.resting = [row(7, "s1")]
        s.venue.answers.clear()
        s.venue.data(answer_row(7, "s1"))
        assert (await s.orders.cancel(named("s1"))).venue_order_id == "7"
        assert s.venue.paths.count(CANCEL) == 1


async def test_one_that_never_was_is_not_there_once_a_request_is_known_to_die(venue: Exchange) -> None:
    async with rig(venue) as r:
        with pytest.raises(NotSent):
            await r.orders.cancel(named("s0never"))
    async with rig(venue, proves=True) as r:
        with pytest.raises(OrderNotFound):
            await r.orders.cancel(named("s0never"))
        venue.fault("never-executed@submit*1")
        asked = wish()
        with pytest.raises(OutcomeUnknown):
            await r.submit(asked)
        with pytest.raises(NotSent):  # it may be on its way still
            await r.orders.cancel(named(asked.client_order_id))
        assert r.noted.commands == ["/order/v1/private/orders/place-order"]


async def test_one_that_can_not_be_looked_for_is_cancelled_by_its_number(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish())
        anew = r.another()
        venue.fault("html-200@query")
        gone = await anew.cancel(named(order.client_order_id, order.venue_order_id))
        assert (gone.status, gone.price) == (OrderStatus.PENDING_CANCEL, D(59_000))
        assert venue.open_ids() == set()
        venue.fault("")
        with pytest.raises(NotSent, match="no order of the venue has such an id"):
            await anew.cancel(
                CancelRequest(instrument=ETH_ID, client_order_id="", venue_order_id=order.venue_order_id)
            )


async def resting(r: Rig) -> dict[str, Order]:
    """Places one of everything: both sides, two contracts, a conditional one, an exit, one from elsewhere."""
    await r.opened(wish(OrderType.MARKET))
    orders = {
        "buy": await r.submit(wish()),
        "sell": await r.submit(wish(side=Side.SELL, price=D(61_000), margin_mode=MarginMode.CROSS)),
        "eth": await r.submit(wish(instrument=ETH_ID, quantity=D(1), price=D(2_300))),
        "stop": await r.submit(wish(OrderType.STOP)),
        "exit": await r.submit(
            wish(OrderType.STOP, side=Side.SELL, reduce_only=True, position_id="long:isolated")
        ),
    }
    place: dict[str, Any] = {"symbol": ETH, "side": "sell", "type": "limit", "quantity": "1", "price": "2500"}
    r.venue.act("place", **place)
    (orders["elsewhere"],) = [
        each for each in await r.orders.fetch_open_orders() if each.instrument == ETH_ID and each.side is Side.SELL
    ]
    r.noted.made.clear()
    return orders


@pytest.mark.parametrize(
    ("symbol", "side", "gone", "sent"),
    [
        (None, None, "buy sell eth stop exit elsewhere", [CANCEL_ALL]),
        (BTC, None, "buy sell stop exit", [CANCEL_ALL]),
        (None, Side.SELL, "sell exit elsewhere", [CANCEL] * 3),
        (BTC, Side.BUY, "buy stop", [CANCEL] * 2),
        (ETH, Side.SELL, "elsewhere", [CANCEL]),
    ],
)
async def test_all_of_a_kind_and_no_other(
    venue: Exchange, symbol: str | None, side: Side | None, gone: str, sent: list[str]
) -> None:
    async with rig(venue) as r:
        orders = await resting(r)
        instrument = {BTC: BTC_ID, ETH: ETH_ID}.get(symbol or "")
        done = await r.orders.cancel_all(instrument, side)
        expected = {orders[name].venue_order_id for name in gone.split()}
        assert {each.venue_order_id for each in done} == expected
        assert {each.status for each in done} <= {OrderStatus.CANCELED, OrderStatus.PENDING_CANCEL}
        assert venue.open_ids() == {each.venue_order_id for each in orders.values()} - expected
        assert commands(r) == sent
        if sent == [CANCEL_ALL]:
            body = json.loads(next(each.body for each in r.noted.made if each.method == "POST"))
            assert body == {"symbol": symbol, "settleCcy": "USDT"}
        assert all(each.is_cancel for each in r.noted.made if each.method == "POST")


async def test_nothing_rests_and_all_is_cancelled(venue: Exchange) -> None:
    async with rig(venue) as r:
        assert await r.orders.cancel_all() == []  # 4070: there is nothing
        assert await r.orders.cancel_all(BTC_ID, Side.BUY) == []
        assert commands(r) == [CANCEL_ALL]


async def test_what_one_command_for_all_leaves_is_cancelled_singly() -> None:
    """No document says that it reaches what waits for a trigger."""
    async with scripted() as s:
        waiting = row(8, "s2", type="CONDITIONAL_MARKET", triggerPrice="61000.0", triggerType="MARK_PRICE")
        s.venue.resting = [row(7, "s1"), waiting]
        s.venue.data([])
        s.venue.data(answer_row(8, "s2"))

        def took(number: int) -> None:
            s.venue.resting = [each for each in s.venue.resting if each["orderId"] != number]
            s.venue.past.insert(0, past(number, f"s{number - 6}"))

        s.venue.on_command = lambda path: took(7 if path.endswith(CANCEL_ALL) else 8)
        done = await s.orders.cancel_all()
        assert {each.venue_order_id: each.status for each in done} == dict.fromkeys("78", OrderStatus.CANCELED)
        assert [path for path in s.venue.paths if "cancel" in path] == [CANCEL_ALL, CANCEL]


async def test_a_command_for_all_that_is_refused_is_made_up_for(venue: Exchange) -> None:
    async with rig(venue) as r:
        orders = await resting(r)

        def refuse(request: Any) -> None:
            if request.path.endswith(CANCEL_ALL):
                raise OrderRejected("mayex", "there is no such call", "HTTP 404")

        r.noted.before = refuse
        done = await r.orders.cancel_all()
        assert {each.venue_order_id for each in done} == {each.venue_order_id for each in orders.values()}
        assert venue.open_ids() == set()
        with pytest.raises(OrderRejected, match="there is no such call"):
            await r.orders.cancel_all()


async def test_all_is_cancelled_also_where_nothing_can_be_read(venue: Exchange) -> None:
    async with rig(venue) as r:
        await r.submit(wish())
        anew = r.another()
        venue.fault("html-200@query")
        assert await anew.cancel_all() == []
        assert venue.open_ids() == set()
        with pytest.raises(NotSent, match="which orders are of one side can not be read"):
            await anew.cancel_all(None, Side.BUY)


async def test_a_command_for_all_of_which_nobody_knows_is_unknown_whatever_became_of_the_orders(
    venue: Exchange,
) -> None:
    async with rig(venue) as r:
        await resting(r)
        venue.fault("503@cancel=executed*1")
        with pytest.raises(OutcomeUnknown):
            await r.orders.cancel_all()
        assert venue.open_ids() == set()
        assert all(known.is_over for known in r.orders.memory.open_orders())


async def test_one_exit_that_fills_ends_the_other(venue: Exchange) -> None:
    async with rig(venue) as r:
        await r.submit(wish(OrderType.MARKET, take_profit=D(63_000), stop_loss=D(57_000)))
        exits = {each.type: each for each in await r.orders.fetch_open_orders()}
        venue.mark(63_000)
        stop = exits[OrderType.STOP]
        found: list[Order] = []

        async def is_over() -> bool:
            found.append(await r.orders.fetch_order(BTC_ID, stop.client_order_id, stop.venue_order_id))
            return not found[-1].is_open

        await until_found(is_over, 5.0)
        assert found[-1].status is OrderStatus.CANCELED
        with pytest.raises(OrderNotFound, match="the order is canceled already"):
            await r.orders.cancel(cancel_of(stop))


async def test_nothing_of_a_spot_pair_ends_what_rests_in_the_contract_of_that_symbol() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1")]
        assert await s.orders.cancel_all(SPOT_ID) == []
        with pytest.raises(NotSent, match="market data only"):
            await s.orders.cancel(CancelRequest(instrument=SPOT_ID, client_order_id="", venue_order_id="7"))
        assert s.venue.paths == []


async def test_a_cancel_of_what_nobody_knows_leaves_the_quota_to_cancels() -> None:
    """The history is long, and was never read: three pages weigh fifteen of the forty that are kept."""
    async with scripted() as s:
        s.venue.past = [past(1_000 - n, f"x{n}") for n in range(900)]
        s.venue.data(answer_row(9_999, "s9"))
        await s.orders.cancel(CancelRequest(instrument=BTC_ID, client_order_id="", venue_order_id="9999"))
        before = s.venue.paths[: s.venue.paths.index(CANCEL)]
        assert before.count("order-histories") <= 3


async def test_the_answer_to_a_cancel_about_another_order_tells_nothing_of_this_one() -> None:
    async with scripted() as s:
        s.venue.data(answer_row(8, "x8", origQty="5"))
        with pytest.raises(OutcomeUnknown, match="can not be read"):
            await s.orders.cancel(CancelRequest(instrument=BTC_ID, client_order_id="", venue_order_id="7"))
        known = s.orders.memory.find("", "7")
        assert known is not None and known.last is None
