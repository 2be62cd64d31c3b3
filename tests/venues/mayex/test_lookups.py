"""Look-ups that the venue does not have: what rests, then the history, as far back as it has to be read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.mayex.orders_rig import BTC, BTC_ID, ETH_ID, D, Exchange, rig, served, wish
from tests.venues.mayex.scripted_orders import NOW, Scripted, answer_row, past, row, scripted
from tests.venues.mayex.test_trading_answers import pushed
from venues.errors import DecodeError, OrderNotFound, OutcomeUnknown, RateLimited, VenueUnavailable
from venues.model import Fill, Liquidity, Order, OrderStatus, OrderType, Side

OPEN, HISTORY = "open-orders", "order-histories"
HOUR = 3_600_000


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


def older(count: int, *, since: int = NOW, step: int = 1_000) -> list[dict[str, Any]]:
    """Returns so many past orders of others, newest first."""
    return [past(1_000 - n, f"x{n}", transactTime=since - n * step) for n in range(count)]


async def lost(s: Scripted, client_id: str = "s1") -> None:
    """Sends an order whose answer is lost."""
    s.venue.refusal(100)
    with pytest.raises(OutcomeUnknown):
        await s.orders.submit(wish(client_order_id=client_id))
    s.venue.calls.clear()


async def find(s: Scripted, client_id: str = "s1", number: str = "") -> Order:
    return await s.orders.fetch_order(BTC_ID, client_id, number)


async def test_what_rests_is_read_first_and_the_history_only_then() -> None:
    async with scripted() as s:
        s.venue.resting, s.venue.past = [row(7, "s1")], [past(6, "s0")]
        assert (await find(s)).venue_order_id == "7"
        assert s.venue.paths == [OPEN]
        assert (await find(s, "s0")).status is OrderStatus.CANCELED
        assert s.venue.paths == [OPEN, OPEN, HISTORY]
        assert s.venue.calls[-1].values == {"symbol": "btcusdt"}


async def test_all_who_ask_at_once_share_the_reads() -> None:
    """A history weighs five of the 200 units a minute."""
    async with scripted() as s:
        names = [f"x{n}" for n in range(30)]
        s.venue.past = older(30)
        found = await asyncio.gather(*(find(s, name) for name in names))
        assert [each.client_order_id for each in found] == names
        assert s.venue.paths == [OPEN, HISTORY]
        # What was asked for later is not answered by what was read before.
        s.venue.resting = [row(7, "s1")]
        assert (await find(s)).status is OrderStatus.NEW


async def test_what_is_urgent_draws_from_what_is_kept_for_cancels(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish())
        r.noted.made.clear()
        await asyncio.gather(
            r.orders.lookups.order(BTC_ID, order.client_order_id, "", is_urgent=True),
            r.orders.lookups.order(BTC_ID, order.client_order_id, ""),
        )
        assert sorted(each.is_cancel for each in r.noted.made) == [False, True]


async def test_a_miss_counts_where_the_history_reaches_back_to_the_command() -> None:
    async with scripted() as s:
        await lost(s)
        for rows in (
            [],  # there is nothing
            older(9),  # no page is as small as this
            older(50, step=2_000),  # the last is older than the command
        ):
            s.venue.past = rows
            with pytest.raises(OrderNotFound):
                await find(s)
        assert HISTORY in s.venue.paths


async def test_a_miss_in_what_is_cut_before_is_none() -> None:
    async with scripted() as s:
        await lost(s)
        s.venue.first = None  # it heeds no index, and 50 orders have ended since
        s.venue.past = older(80, since=NOW + HOUR)
        with pytest.raises(VenueUnavailable, match="does not reach back"):
            await find(s)
        # Not in order of what is told of them: that one was made long ago does not say what is cut.
        s.venue.past = [
            past(2, "y2", transactTime=NOW),
            *older(48, since=NOW + HOUR),
            past(1, "y1", transactTime=1),
        ]
        with pytest.raises(VenueUnavailable):
            await find(s)
        s.venue.past[25] = past(7, "s1")
        assert (await find(s)).venue_order_id == "7"


@pytest.mark.parametrize("first", [0, 1])
async def test_the_history_is_read_on_whichever_number_its_first_page_has(first: int) -> None:
    async with scripted() as s:
        await lost(s)
        s.venue.first = first
        s.venue.past = [*older(130, since=NOW + HOUR), past(7, "s1", status="FILLED", executedQty="0.010")]
        found = await find(s)
        assert (found.status, found.venue_order_id) == (OrderStatus.FILLED, "7")
        assert s.venue.paths == [OPEN, HISTORY, HISTORY, HISTORY] + [HISTORY] * first


async def test_an_empty_page_is_the_end_of_it_and_a_total_is_not_believed() -> None:
    async with scripted() as s:
        await lost(s)
        s.venue.past = older(100, since=NOW + HOUR)
        with pytest.raises(OrderNotFound):
            await find(s)
        s.venue.past, s.venue.total, s.venue.first = older(80, since=NOW + HOUR), 50, None
        s.orders.memory.forgotten += 1
        with pytest.raises(VenueUnavailable):
            await find(s)


async def test_a_program_that_was_started_anew_reads_it_to_its_end_once() -> None:
    """It knows no moment at which the order left."""
    async with scripted() as s:
        s.venue.past = older(120, since=NOW - HOUR)
        with pytest.raises(OrderNotFound):
            await find(s)
        assert s.venue.paths == [OPEN] + [HISTORY] * 5
        s.venue.calls.clear()
        with pytest.raises(OrderNotFound):
            await find(s, "s2")
        assert s.venue.paths == [OPEN, HISTORY]


async def test_what_has_vanished_is_looked_for_from_when_it_was_last_seen() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1")]
        await s.orders.fetch_open_orders()
        s.venue.resting, s.venue.past = [], older(50, step=2_000)
        with pytest.raises(OrderNotFound):
            await find(s, "s1", "7")
        s.venue.past.insert(0, past(7, "s1"))
        assert (await find(s, "s1", "7")).status is OrderStatus.CANCELED


async def test_what_is_over_stays_over_and_what_has_traded_only_grows() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1", executedQty="0.004", status="PARTIALLY_FILLED")]
        made = (await find(s)).ts_created
        s.venue.resting = [row(7, "s1", transactTime=NOW + HOUR)]  # a read that is late, whatever it says
        assert (await find(s)).filled_quantity == D("0.004")
        s.venue.resting = [row(7, "s1", executedQty="0.005", transactTime=NOW + HOUR)]
        changed = await find(s)
        assert (changed.filled_quantity, changed.ts_created) == (D("0.005"), made)
        s.venue.resting = [row(7, "s1")]
        assert (await find(s)).filled_quantity == D("0.005")
        s.orders.take_push(pushed(7, "s1", filled=D("0.010"), average_price=D(59_000)))
        assert await s.orders.fetch_open_orders() == []
        assert (await find(s)).status is OrderStatus.FILLED


async def test_orders_of_other_contracts_and_of_none_that_is_listed() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1", symbol="newusdt"), row(8, "s2", symbol="BTCUSDT")]
        (found,) = await s.orders.fetch_open_orders()
        assert (found.instrument, found.client_order_id) == (BTC_ID, "s2")
        with pytest.raises(OrderNotFound, match="another contract"):
            await s.orders.fetch_order(ETH_ID, "s2")
        assert await s.orders.lookups.open_orders(ETH_ID) == []


async def test_a_row_that_can_not_be_read_is_no_empty_list() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1", side="HOLD")]
        with pytest.raises(DecodeError):
            await s.orders.fetch_open_orders()
        with pytest.raises(DecodeError):
            await find(s)


async def test_a_push_tells_of_what_is_known_and_of_what_is_plain() -> None:
    async with scripted() as s:
        assert await s.orders.fetch_open_orders() == []
        assert s.orders.take_push(pushed(7, "x", type="CONDITIONAL_LIMIT", trigger_price=D(61_000))) is None
        assert s.orders.take_push(pushed(7, "x", side=None)) is None
        assert s.orders.take_push(pushed(7, "x", symbol="newusdt")) is None
        plain = s.orders.take_push(pushed(7, "x"))
        assert plain is not None and plain.last is not None and plain.last.type is OrderType.LIMIT
        waiting = row(8, "y", type="CONDITIONAL_LIMIT", triggerPrice="58000.0", triggerType="MARK_PRICE")
        s.venue.resting = [waiting]
        await s.orders.fetch_open_orders()
        # It has become a limit order, which is what the push says.
        known = s.orders.take_push(pushed(8, "y", trigger_price=D(58_000)))
        assert known is not None and known.last is not None
        assert (known.last.type, known.last.is_triggered) == (OrderType.TAKE_PROFIT_LIMIT, True)
        gone = s.orders.take_push(pushed(8, "y", execution="E_CANCELED"))
        assert gone is known and known.last.status is OrderStatus.CANCELED
        assert known.last.type is OrderType.TAKE_PROFIT_LIMIT


async def test_ends_in_the_history_of_the_exchange_itself(venue: Exchange) -> None:
    async with rig(venue) as r:
        for _ in range(3):
            await r.cancel(await r.submit(wish()))
        long = await r.submit(wish(OrderType.MARKET))
        assert (await r.another().fetch_order(BTC_ID, "", long.venue_order_id)).average_price == D("60000.5")
        venue.act("leverage", symbol=BTC, leverage=50, isolated=True)
        await r.submit(wish(OrderType.MARKET, quantity=D(1)))
        venue.mark(50_000)
        (forced,) = [each for each in venue.orders() if each["type"] == "market" and each["side"] == "sell"][-1:]
        found = await r.another().fetch_order(BTC_ID, "", str(forced["id"]))
        assert (found.side, found.is_liquidation, found.reduce_only) == (Side.SELL, True, True)
        assert (found.position_id, found.status) == ("long:isolated", OrderStatus.FILLED)


async def test_what_was_forgotten_is_read_again() -> None:
    async with scripted() as s:
        s.venue.past = older(60, since=NOW - HOUR)
        for missing in ("s1", "s2"):
            with pytest.raises(OrderNotFound):
                await find(s, missing)
        s.venue.calls.clear()
        s.orders.memory.forgotten += 1  # the memory is full: one that was taken then is not remembered
        with pytest.raises(OrderNotFound):
            await find(s, "s3")
        assert s.venue.paths.count(HISTORY) == 4


async def test_the_average_of_what_rests_is_that_of_its_executions() -> None:
    """A row of open-orders has none: it is held back until its executions are read."""
    async with scripted() as s:
        s.venue.data(answer_row(7, "s1"))
        s.venue.resting = [row(7, "s1", executedQty="0.004", status="PARTIALLY_FILLED")]
        order = await s.orders.submit(wish(client_order_id="s1"))
        assert (order.filled_quantity, order.average_price, s.told) == (D("0.004"), None, [])
        known, memory = s.orders.memory.find("s1", ""), s.orders.memory
        assert known is not None and memory.has_unpriced
        for quantity, price in ((D("0.001"), D(59_000)), (D("0.003"), D(58_000))):
            assert memory.news(holds_unpriced=True) == []
            known.note(fill(quantity, price))
        (told,) = memory.news(holds_unpriced=True)
        assert (told.filled_quantity, told.average_price) == (D("0.004"), D(58_250))
        assert (await find(s)).average_price == D(58_250)  # the same row again takes nothing away
        s.venue.resting = [row(7, "s1", executedQty="0.005", status="PARTIALLY_FILLED")]
        assert (await find(s)).average_price is None
        (untold,) = memory.news()
        assert untold.filled_quantity == D("0.005")


def fill(quantity: Decimal, price: Decimal) -> Fill:
    return Fill(
        instrument=BTC_ID, trade_id="1", client_order_id="s1", venue_order_id="7", side=Side.BUY, price=price,
        quantity=quantity, fee=D(0), fee_currency="USDT", liquidity=Liquidity.MAKER, ts_event=NOW,
    )  # fmt: skip


async def test_one_row_that_can_not_be_read_hides_no_other() -> None:
    async with scripted() as s:
        s.venue.resting = [row(7, "s1", side="HOLD"), row(8, "s2")]
        for _ in range(2):
            assert [each.venue_order_id for each in await s.orders.fetch_open_orders()] == ["8"]
        (notice,) = s.notices
        assert notice.is_alarm and "order 7 of btcusdt" in notice.text
        for number, client_id in (("7", ""), ("", "s1")):
            with pytest.raises(VenueUnavailable, match="it is there, and can not be read"):
                await s.orders.fetch_order(BTC_ID, client_id, number)
        s.venue.resting[0] = row(7, "s1")
        assert (await find(s)).venue_order_id == "7"
        s.venue.resting = [row(7, "s1", origQty="0.001", executedQty="0.002"), row(8, "s2")]
        listed = await s.orders.fetch_open_orders()
        assert {each.venue_order_id for each in listed} == {"7", "8"}  # it is there, as it was told last


async def test_an_order_with_our_id_that_is_not_as_it_was_asked_for_is_no_miss() -> None:
    async with scripted() as s:
        await lost(s)
        s.venue.past = [past(7, "s1", origQty="0.020")]
        with pytest.raises(VenueUnavailable, match="not as it was asked for"):
            await find(s)


async def test_a_history_without_moments_proves_no_miss() -> None:
    async with scripted() as s:
        await lost(s)
        s.venue.first = None
        s.venue.past = [past(1_000 - n, f"x{n}", transactTime=0) for n in range(80)]
        with pytest.raises(VenueUnavailable, match="does not reach back"):
            await find(s)


async def test_a_look_up_leaves_most_of_the_quota() -> None:
    async with scripted() as s:
        s.venue.past = older(1_500, since=NOW + HOUR)
        with pytest.raises(VenueUnavailable):
            await find(s)
        assert s.venue.paths.count(HISTORY) <= 8  # 40 of 160 units


async def test_where_little_is_left_a_look_up_leaves_it_to_orders() -> None:
    """One that never ends, of a lost order, is asked for several times a second."""
    async with scripted(free=0.2) as s:
        await lost(s)
        with pytest.raises(RateLimited) as refused:
            await find(s)
        assert refused.value.retry_after == 5.0 and HISTORY not in s.venue.paths
        s.venue.past = [past(7, "s1")]
        assert (await s.orders.lookups.order(BTC_ID, "s1", "", is_urgent=True)).venue_order_id == "7"
