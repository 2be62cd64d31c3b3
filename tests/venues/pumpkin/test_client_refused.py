"""What the client makes of each refusal of the local exchange: proven, unknown, or held back from now on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

import pytest

from tests.contract.waiting import until_found
from tests.venues.pumpkin.walking import BTC, ETH, Exchange, Walk, exchange, order, resting
from venues.errors import (
    AuthenticationError,
    InsufficientFunds,
    NotSent,
    OrderError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    UnknownInstrument,
    VenueUnavailable,
)
from venues.pumpkin import Client
from venues.pumpkin.codes import QuotaUsedUp
from venues.pumpkin.requests import NewPlan, NewProfitStop
from venues.transport.verdicts import RefusedByLimit

Command: TypeAlias = Callable[[Client], Awaitable[object]]

PLAN = NewPlan(
    symbol=BTC, entrust_type="STOP_MARKET", order_side="BUY", position_side="LONG", orig_qty=1, stop_price=61_000,
    trigger_price_type="LATEST_PRICE",
)  # fmt: skip
# All that a whitelist is for, but for batches.
TRADES: tuple[Command, ...] = (
    lambda client: client.create_order(order()),
    lambda client: client.create_plan(PLAN),
    lambda client: client.create_profit_stop(
        NewProfitStop(symbol=BTC, orig_qty=0, position_id=7, trigger_profit_price=61_000)
    ),
    lambda client: client.set_leverage(BTC, 10),
    lambda client: client.change_margin(BTC, "LONG", 7, 1, "ADD"),
    lambda client: client.change_position_type(BTC, "ISOLATED", "AGGREGATION"),
)


@pytest.fixture
def venue() -> Iterator[Exchange]:
    with exchange() as opened:
        yield opened


async def refused(made: Awaitable[object]) -> tuple[type[OrderError], str | None, str]:
    with pytest.raises(OrderError) as caught:
        await made
    return type(caught.value), caught.value.code, caught.value.message


async def nothing_rests(walk: Walk) -> bool:
    return not await walk.client.open_orders_of([BTC, ETH])


async def test_439_holds_back_all_but_cancels(venue: Exchange) -> None:
    placed = venue.act("place", symbol=BTC, side="buy", quantity="0.01", price="59000")
    venue.practice.faults.switch("rate-limit=30*1")
    async with venue.walking() as walk:
        with pytest.raises(QuotaUsedUp) as caught:
            await walk.client.create_order(order())
        assert (caught.value.code, caught.value.message, caught.value.reset) == ("439", "weight_exceeded", 30)
        asked = venue.practice.requests
        with pytest.raises(NotSent):
            await walk.client.create_order(order())
        with pytest.raises(RateLimited):
            await walk.client.order(placed["id"])
        assert venue.practice.requests == asked
        await walk.client.cancel_order(placed["id"])


async def test_439_of_a_quota_that_is_used_up(venue: Exchange) -> None:
    placed = venue.act("place", symbol=BTC, side="buy", quantity="0.01", price="59000")
    for quota in ({"minute": 19}, {"minute": 1_200, "day": 19}):
        venue.act("quota", **quota)
        async with venue.walking() as walk:
            with pytest.raises(QuotaUsedUp) as caught:
                await walk.client.create_order(order())
            assert caught.value.reset is not None
            assert caught.value.reset >= 1
    async with venue.walking() as walk:
        await walk.client.cancel_order(placed["id"])  # which weighs less
    venue.act("quota", day=0)
    for made in (Client.time, lambda client: client.orders_by_ids(["1"])):
        async with venue.walking() as walk:
            with pytest.raises(RateLimited) as held:
                await made(walk.client)
            assert held.value.code == "439"
            assert held.value.retry_after


@pytest.mark.parametrize("command", TRADES)
async def test_467_of_each_call_that_trades(venue: Exchange, command: Command) -> None:
    venue.act("whitelist", symbols=[ETH])
    async with venue.walking() as walk:
        assert await refused(command(walk.client)) == (OrderRejected, "467", "symbol-not-in-allowed")
        assert await walk.client.positions() == []


async def test_467_of_a_batch_proves_that_none_of_it_was_done(venue: Exchange) -> None:
    async with venue.walking() as walk:
        before = await walk.client.create_order(resting())
        venue.act("whitelist", symbols=[ETH])
        rests = resting(symbol=ETH, price="2300", leverage=10)
        batch = walk.client.create_orders([rests, resting()], cancels=[(BTC, before)])
        assert (await refused(batch))[:2] == (OrderRejected, "467")
        assert [each.order_id for each in await walk.client.open_orders_of([BTC, ETH])] == [before]
        await walk.client.create_orders([rests], cancels=[(BTC, before)])
        assert [each.symbol for each in await walk.client.open_orders_of([BTC, ETH])] == [ETH]


async def test_418_refuses_and_stops_nothing(venue: Exchange) -> None:
    async with venue.walking() as walk:
        venue.act("ip", allowed=False)
        assert (await refused(walk.client.create_order(resting())))[:2] == (OrderRejected, "418")
        with pytest.raises(PermissionDenied):
            await walk.client.positions()
        venue.act("ip", allowed=True)
        assert await nothing_rests(walk)


async def test_429_stops_everything(venue: Exchange) -> None:
    venue.practice.faults.switch("rate-limit=9")
    async with venue.walking() as first:
        with pytest.raises(QuotaUsedUp) as quota:
            await first.client.create_order(resting())
        assert quota.value.reset == 9
    async with venue.walking() as walk:
        with pytest.raises(RefusedByLimit) as caught:
            await walk.client.create_order(resting())
        assert (caught.value.code, caught.value.message, caught.value.retry_after) == (
            "429",
            "ip_high_frequency",
            9,
        )
        venue.practice.faults.heal()
        asked = venue.practice.requests
        with pytest.raises(RateLimited):
            await walk.client.positions()
        with pytest.raises(NotSent):
            await walk.client.cancel_all_orders()
        assert venue.practice.requests == asked
    async with venue.walking() as walk:
        assert await nothing_rests(walk)


async def test_403_of_the_firewall_leaves_a_command_unknown(venue: Exchange) -> None:
    venue.practice.faults.switch("ban=600")
    async with venue.walking() as walk:
        with pytest.raises(OutcomeUnknown):
            await walk.client.create_order(resting())
        venue.practice.faults.heal()
        with pytest.raises(RateLimited):
            await walk.client.positions()
    venue.practice.faults.switch("ban=600")
    async with venue.walking() as walk:
        with pytest.raises(RateLimited) as caught:
            await walk.client.time()
        assert caught.value.code == "403"


async def test_1_of_a_wrong_signature(venue: Exchange) -> None:
    async with venue.walking(secret="ANOTHER") as walk:
        assert await refused(walk.client.create_order(resting())) == (OrderRejected, "1", "sign-error")
        with pytest.raises(AuthenticationError):
            await walk.client.positions()
    async with venue.walking(key="ANOTHER") as walk:
        assert await refused(walk.client.create_order(resting())) == (OrderRejected, "-1", "not-find-user-api")
        with pytest.raises(AuthenticationError):
            await walk.client.positions()


async def test_minus_1_of_what_the_venue_does_not_take(venue: Exchange) -> None:
    async with venue.walking() as walk:
        client = walk.client
        with pytest.raises(UnknownInstrument):
            await client.symbol("no_such")
        far = resting(price="60000.05")
        for made, kind, words in (
            (client.create_order(order(orig_qty=99_999, leverage=1)), InsufficientFunds, "insufficient_balance"),
            (client.create_order(far), OrderRejected, "invalid_price"),
            (client.create_order(resting(price="66100")), OrderRejected, "invalid_price"),
            (
                client.create_order(resting(price=60_001, time_in_force="GTX")),
                OrderRejected,
                "gtx_order_would_take",
            ),
            (client.create_order(order(position_side="BOTH")), OrderRejected, "invalid_position_side"),
            (client.create_order(order(order_side="SELL")), OrderRejected, "invalid_position_id"),
            (client.create_order(order(leverage=126)), OrderRejected, "invalid_leverage"),
            (client.cancel_order(7), OrderNotFound, "invalid_order"),
            (client.cancel_order_entrust("ENTRUST", 7), OrderNotFound, "invalid_order"),
        ):
            assert await refused(made) == (kind, "-1", words)
        assert await nothing_rests(walk)


async def test_minus_1_of_what_an_open_position_forbids(venue: Exchange) -> None:
    async with venue.walking() as walk:
        client = walk.client
        await client.change_position_type(BTC, "CROSSED", "DISAGGREGATION")
        for _ in range(2):
            await client.create_order(order(orig_qty=10))
        first, second = await client.positions()
        assert (first.position_side, second.position_side, first.position_id != second.position_id) == (
            "LONG", "LONG", True,
        )  # fmt: skip
        closes = {"order_side": "SELL", "position_id": first.position_id, "reduce_only": True}
        for made, words in (
            (client.create_order(order(leverage=20)), "order_leverage_not_match_position_leverage"),
            (client.create_order(order(**closes, orig_qty=11)), "quantity_more_than_available_close"),
            (client.create_order(order(**(closes | {"reduce_only": None}))), "invalid_reduce_only"),
            (client.set_leverage(BTC, 20), "exist_position_can_not_adjust_leverage"),
            (client.change_margin(BTC, "LONG", first.position_id, 1, "ADD"), "not_isolated_position"),
            (
                client.change_position_type(BTC, "ISOLATED", "AGGREGATION"),
                "exist_position_or_order_can_not_change_type",
            ),
        ):
            assert await refused(made) == (OrderRejected, "-1", words)
        await client.create_order(order(**closes, orig_qty=10))
        assert await client.positions() == [second]


async def test_words_of_a_failing_server_leave_a_command_unknown(venue: Exchange) -> None:
    async with venue.walking() as walk:
        venue.practice.faults.switch("maintenance")
        with pytest.raises(OutcomeUnknown):
            await walk.client.create_order(resting())
        with pytest.raises(VenueUnavailable):
            await walk.client.positions()
        venue.practice.faults.switch("late-booking=0.01*1")
        with pytest.raises(OutcomeUnknown):
            await walk.client.create_order(resting(client_order_id="late_1"))
        venue.practice.faults.switch("lost-reply=close@submit*1")
        with pytest.raises(OutcomeUnknown):
            await walk.client.create_order(resting(client_order_id="lost_1"))

        async def are_found() -> bool:
            rows = await walk.client.open_orders_of([BTC])
            return {each.client_order_id for each in rows} == {"late_1", "lost_1"}

        await until_found(are_found)
