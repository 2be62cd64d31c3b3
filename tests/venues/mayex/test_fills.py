"""Executions at a Mayex that lists what a test wants: each once, whose they are, and how far a list reaches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from tests.venues.mayex.documented import example
from tests.venues.mayex.orders_rig import BTC_ID, ETH_ID, LISTED
from tests.venues.mayex.scripted_orders import NOW, ScriptedOrders, _data, past, scripted
from tests.venues.scripted_rest import JSON, Answer
from tests.venues.transport.scripted import Received
from venues.events import Event, FillUpdate, Notice, OrderUpdate
from venues.mayex.fills import Execution, Fills
from venues.model import Fill, InstrumentId, Liquidity, OrderStatus, Side

D = Decimal
AT = NOW * 1_000_000


def trade(number: int, order: int = 7, **changes: Any) -> dict[str, Any]:
    """Returns the document's execution, but for what is changed."""
    row: dict[str, Any] = msgspec.json.decode(example("trade_history").raw)["data"]["rows"][0]
    return row | {"tradeId": number, "orderId": order, "transactionTime": NOW + number} | changes


class ScriptedTrades(ScriptedOrders):
    """Lists `trades`, the newest first, besides."""

    def __init__(self) -> None:
        super().__init__()
        self.trades: list[dict[str, Any]] = []
        self.wants_symbol = False

    def _answer(self, request: Received) -> Answer:
        url = urlsplit(request.target)
        if not url.path.endswith("trade-histories"):
            return super()._answer(request)
        if (refusal := self.judge(request)) is not None:
            return refusal
        query = parse_qs(url.query)
        prefix = query.get("symbol", [""])[0]
        if self.wants_symbol and not prefix:
            return 200, JSON, b'{"status":216,"error":"missing","data":null}'
        index = query.get("pageIndex")
        page = 0 if index is None or self.first is None else max(0, int(index[0]) - self.first)
        rows = [row for row in self.trades if row["symbol"].startswith(prefix[:3])]  # by prefix
        rows.sort(key=lambda row: -row["transactionTime"])
        return _data({"rows": rows[page * self.size : (page + 1) * self.size]})


class Told:
    """The executions of one account, and what they told."""

    def __init__(self, venue: ScriptedTrades) -> None:
        self.venue = venue
        self.events: list[Event] = []
        self.executions: list[Execution] = []
        self.active: tuple[InstrumentId, ...] = (BTC_ID,)
        self.fills: Fills

    async def read(self) -> list[Fill]:
        """Reads, and returns what is new."""
        events = await self.fills.read()
        self.events += events
        return fills_in(events)


@asynccontextmanager
async def told(**settings: Any) -> AsyncIterator[Told]:
    venue = ScriptedTrades()
    for name, value in settings.items():
        setattr(venue, name, value)
    async with scripted(venue=venue) as orders:
        made = Told(venue)
        made.fills = Fills(
            orders.client,
            orders.orders.memory,
            orders.orders.lookups,
            LISTED.get,
            active=lambda: made.active,
            on_fill=made.executions.append,
            now=lambda: AT,
        )
        yield made


def fills_in(events: Sequence[Event]) -> list[Fill]:
    return [event.fill for event in events if isinstance(event, FillUpdate)]


def numbers(fills: Sequence[Fill]) -> list[int]:
    return [int(one.trade_id) for one in fills]


async def test_the_fee_is_what_was_charged_and_the_row_says_whose_it_is() -> None:
    async with told(past=[past(7, "s1", status="FILLED", executedQty="0.010", avlPrice="42757.0")]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(1)]
        (fill,) = await rig.read()
        # The document's -0.448948 is 0.035 % of 0.030 at 42757.0: it was paid.
        assert fill.fee == D("0.44894800") == D("0.030") * 42757 * D("0.00035") - D("0.00000050")
        assert (fill.side, fill.price, fill.quantity) == (Side.SELL, D("42757.0"), D("0.030"))
        assert (fill.realized_pnl, fill.liquidity) == (D("1127.64"), Liquidity.TAKER)
        assert (fill.client_order_id, fill.venue_order_id, fill.fee_currency) == ("s1", "7", "USDT")
        (execution,) = rig.executions
        assert (execution.position_id, execution.closes, execution.liquidation) == ("long:cross", True, "")
        (order,) = [event.order for event in rig.events if isinstance(event, OrderUpdate)]
        assert (order.status, order.average_price) == (OrderStatus.FILLED, D("42757.0"))  # as `avlPrice` has it
        assert await rig.read() == []


async def test_a_rebate_is_below_zero() -> None:
    async with told(past=[past(7)]) as rig:
        rig.venue.trades = [trade(1, fee="0.02", maker=True)]
        (fill,) = await rig.fills.fetch(0)
        assert (fill.fee, fill.liquidity) == (D("-0.02"), Liquidity.MAKER)


async def test_what_is_listed_when_it_begins_is_no_news() -> None:
    async with told(past=[past(7)]) as rig:
        rig.venue.trades = [trade(1), trade(2)]
        assert numbers([one.fill for one in await rig.fills.begin(AT)]) == [1, 2]
        rig.venue.trades.append(trade(3))
        assert numbers(await rig.read()) == [3]
        assert numbers(await rig.fills.fetch(0)) == [1, 2, 3]
        assert numbers(await rig.fills.fetch(AT + 2_000_000)) == [2, 3]


async def test_all_that_came_since_is_read_page_by_page_whatever_they_are_counted_from() -> None:
    for first in (0, 1):
        async with told(past=[past(7)], size=10, first=first) as rig:
            await rig.fills.begin(AT)
            rig.venue.trades = [trade(number) for number in range(1, 26)]
            assert numbers(await rig.read()) == list(range(1, 26))
            asked = len(rig.venue.calls)
            rig.venue.trades.append(trade(26))
            assert numbers(await rig.read()) == [26]
            assert len(rig.venue.calls) == asked + 1  # one page reaches back now


async def test_a_list_that_knows_no_pages_is_said_to_be_short() -> None:
    async with told(past=[past(7)], size=10, first=None) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(number) for number in range(1, 26)]
        assert numbers(await rig.read()) == list(range(16, 26))
        (notice,) = [event for event in rig.events if isinstance(event, Notice)]
        assert notice.is_alarm and "may be missing" in notice.text
        rig.venue.trades.append(trade(26))
        assert numbers(await rig.read()) == [26]
        assert sum(isinstance(event, Notice) for event in rig.events) == 1


async def test_where_a_symbol_is_wanted_each_contract_is_read_by_itself() -> None:
    async with told(past=[past(7)], wants_symbol=True) as rig:
        rig.active = (BTC_ID, ETH_ID)
        assert await rig.fills.begin(AT) == []
        rig.venue.trades = [trade(1), trade(2, symbol="ethusdt"), trade(3, symbol="btcusdc")]
        assert sorted(numbers(await rig.read())) == [1, 2]  # "btc" is answered by prefix
        assert numbers(await rig.fills.fetch(0)) == [1, 2]


async def test_an_order_that_nothing_shows_hides_no_execution_for_long() -> None:
    async with told() as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(1, 99)]
        for _ in range(2):
            assert await rig.read() == []  # it may be ours, and on its way
            assert rig.fills.wants_read
        (fill,) = await rig.read()
        assert not rig.fills.wants_read
        assert (fill.venue_order_id, fill.client_order_id) == ("99", "")


async def test_a_row_that_is_none_does_not_hide_the_others() -> None:
    async with told(past=[past(7)]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [
            trade(1, lastQty="0"), trade(2), trade(3, side="BOTH"), trade(4, positionSide="UNI"),
        ]  # fmt: skip
        assert numbers(await rig.read()) == [2]


async def test_an_execution_by_force_is_marked_and_so_is_its_order() -> None:
    async with told(past=[past(7, "LIQ7", status="FILLED", executedQty="0.010", avlPrice="1")]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(1, liquidationType="L_LIQUIDATION", isolated=True)]
        await rig.read()
        assert [one.liquidation for one in rig.executions] == ["L_LIQUIDATION"]
        assert [event.order.is_liquidation for event in rig.events if isinstance(event, OrderUpdate)] == [True]


async def test_an_execution_that_is_listed_after_a_later_one_is_told() -> None:
    """Each contract has a list of its own behind the one that is read, and one may be late."""
    async with told(past=[past(7)]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(9)]
        assert numbers(await rig.read()) == [9]
        rig.venue.trades.append(trade(5, transactionTime=NOW + 5))
        assert numbers(await rig.read()) == [5]
        assert await rig.read() == []


async def test_a_moment_of_the_future_hides_no_execution() -> None:
    async with told(past=[past(7)]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(1, transactionTime=NOW + 10**10)]
        assert numbers(await rig.read()) == [1]
        rig.venue.trades = [trade(number) for number in range(2, 30)]
        rig.venue.trades.append(trade(1, transactionTime=NOW + 10**10))
        assert numbers(await rig.read()) == list(range(2, 30))


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
async def test_moments_are_read_in_whichever_unit_they_are(unit: int) -> None:
    async with told(past=[past(7, transactTime=NOW * unit)]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(1, transactionTime=(NOW + 1) * unit)]
        (fill,) = await rig.read()
        assert fill.ts_event == (NOW + 1) * 1_000_000
        (order,) = [event.order for event in rig.events if isinstance(event, OrderUpdate)]
        assert order.ts_created == NOW * 1_000_000


async def test_an_order_beyond_what_the_history_shows_hides_no_execution() -> None:
    """A forced one may be listed nowhere, and the history may be longer than can be read."""
    async with told(past=[past(1_000 + n, transactTime=NOW + 50_000) for n in range(2_000)]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(1, 99), trade(2, 1_000)]
        found: list[int] = []
        for _ in range(4):
            found += numbers(await rig.read())
        assert sorted(found) == [1, 2]
        assert numbers(await rig.fills.fetch(0)) == [1, 2]


async def test_an_execution_of_what_is_not_listed_hides_no_other() -> None:
    async with told(past=[past(7)]) as rig:
        await rig.fills.begin(AT)
        rig.venue.trades = [trade(1, 98, symbol="btcusd"), trade(2)]
        found: list[int] = []
        for _ in range(4):
            found += numbers(await rig.read())
        assert sorted(found) == [1, 2]
