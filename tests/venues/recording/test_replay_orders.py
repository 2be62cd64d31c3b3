"""The fill rule on recordings small enough to work out by hand. Rows come one second apart, row 0 at START."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.recording.tape import (
    ABC,
    FOK,
    INSTRUMENT,
    IOC,
    Player,
    cancel,
    delta,
    open_player,
    order,
    snapshot,
    trade,
    write_rows,
)
from venues.commands import AmendRequest
from venues.errors import (
    DuplicateClientOrderId,
    InsufficientFunds,
    OrderNotFound,
    OrderRejected,
)
from venues.events import Notice
from venues.model import OrderStatus, OrderType, Side

BIDS = [("100.0", "10"), ("99.9", "20"), ("99.8", "5")]
ASKS = [("100.1", "3"), ("100.2", "4"), ("106.0", "50")]
BOOK = [INSTRUMENT, snapshot(BIDS, ASKS)]
AT_BOOK = 1.0  # the recording's time, in seconds, at which the book of BOOK stands


@asynccontextmanager
async def playing(
    path: Path, following: Sequence[dict[str, Any]], until: float = AT_BOOK, **more: Any
) -> AsyncIterator[Player]:
    """Plays until the book stands; `following` are the rows after it, from second 2 on."""
    player = await open_player(write_rows(path / "tape.jsonl", [*BOOK, *following]), **more)
    await player.until_ts(until)
    yield player
    await player.aclose()


FAR = trade("buy", "100.1", "0.5")  # keeps a recording from ending at the row under test


async def test_a_marketable_order_takes_the_displayed_levels_and_rests_the_rest(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("sell", "100.2", "1.0"), trade("buy", "103", "1")]) as player:
        answer = await player.venue.submit_order(order(Side.BUY, "9", "100.2"))
        assert answer.status is OrderStatus.PARTIALLY_FILLED
        assert answer.average_price == (Decimal("100.1") * 3 + Decimal("100.2") * 4) / 7
        await player.to_end()
        # Nothing was displayed at our price on our side: the next seller there is ours.
        assert player.fills() == [("100.1", "3"), ("100.2", "4"), ("100.2", "1")]


async def test_an_order_queues_behind_what_is_displayed(tmp_path: Path) -> None:
    rows = [trade("sell", "100.0", "8"), trade("buy", "100.0", "50"), trade("sell", "100.0", "3.5"), FAR]
    async with playing(tmp_path, rows) as player:
        await player.venue.submit_order(order(Side.BUY, "4", "100.0"))
        await player.until_ts(3)
        assert player.fills() == []
        await player.to_end()
        assert player.fills() == [("100.0", "1.5")]
        (open_order,) = await player.venue.fetch_open_orders()
        assert open_order.status is OrderStatus.PARTIALLY_FILLED
        assert open_order.remaining == Decimal("2.5")


async def test_cancels_there_are_ahead_in_proportion(tmp_path: Path) -> None:
    rows = [
        delta(bids=[("100.0", "25")]),  # 15 join behind
        trade("sell", "100.0", "5"),  # 5 ahead, 20 displayed when it arrives
        delta(bids=[("100.0", "12")]),  # 13 fewer, 5 explained: 8 of 20 left, 2 of them ahead
        trade("sell", "100.0", "5"),
        FAR,
    ]
    async with playing(tmp_path, rows) as player:
        await player.venue.submit_order(order(Side.BUY, "4", "100.0"))
        await player.to_end()
        assert player.fills() == [("100.0", "2")]


async def test_a_trade_through_the_price_fills_at_once_and_in_full(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("sell", "99.9", "0.5"), FAR]) as player:
        await player.venue.submit_order(order(Side.BUY, "40", "100.0"))
        await player.to_end()
        assert player.fills() == [("100.0", "40")]
        assert [one.status for one in player.orders()] == [OrderStatus.NEW, OrderStatus.FILLED]


async def test_two_own_orders_do_not_share_one_trade(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("sell", "100.0", "13"), trade("sell", "99.5", "1"), FAR]) as player:
        await player.venue.submit_order(order(Side.BUY, "2", "100.0", "o1"))
        await player.venue.submit_order(order(Side.BUY, "2", "100.0", "o2"))
        await player.until_ts(2)
        assert (player.fills("o1"), player.fills("o2")) == ([("100.0", "2")], [("100.0", "1")])
        await player.to_end()
        assert player.fills("o2") == [("100.0", "1"), ("100.0", "1")]


async def test_a_trade_through_fills_every_own_order(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("sell", "99.0", "0.5"), FAR]) as player:
        for name, price in (("o1", "100.0"), ("o2", "100.0"), ("o3", "99.9")):
            await player.venue.submit_order(order(Side.BUY, "7", price, name))
        await player.to_end()
        assert [player.fills(name) for name in ("o1", "o2", "o3")] == [
            [("100.0", "7")],
            [("100.0", "7")],
            [("99.9", "7")],
        ]


async def test_a_level_that_leaves_the_recorded_depth_was_not_cancelled(tmp_path: Path) -> None:
    better = [
        delta(bids=[("99.8", "0"), ("100.05", "1")]),  # still three bids: 99.8 went out of sight
        delta(bids=[("100.05", "0"), ("99.8", "5")]),
        trade("sell", "99.8", "5.5"),
        FAR,
    ]
    async with playing(tmp_path, better) as player:
        await player.venue.submit_order(order(Side.BUY, "2", "99.8"))
        await player.to_end()
        assert player.fills() == [("99.8", "0.5")]


async def test_an_order_out_of_sight_joins_behind_what_comes_into_sight(tmp_path: Path) -> None:
    rows = [delta(bids=[("99.9", "0"), ("99.5", "4")]), trade("sell", "99.5", "5"), FAR]
    async with playing(tmp_path, rows) as player:
        await player.venue.submit_order(order(Side.BUY, "2", "99.5"))
        await player.to_end()
        assert player.fills() == [("99.5", "1")]


async def test_a_level_that_was_removed_leaves_nobody_ahead(tmp_path: Path) -> None:
    async with playing(tmp_path, [delta(bids=[("99.8", "0")]), trade("sell", "99.8", "1"), FAR]) as player:
        await player.venue.submit_order(order(Side.BUY, "2", "99.8"))
        await player.to_end()
        assert player.fills() == [("99.8", "1")]


async def test_market_orders_stop_at_the_protection(tmp_path: Path) -> None:
    async with playing(tmp_path, [FAR]) as player:
        answer = await player.venue.submit_order(order(Side.BUY, "10"))
        assert player.venue.capabilities.mode == "REPLAY"
        assert answer.status is OrderStatus.CANCELED
        assert answer.filled_quantity == 7  # 106.0 is more than 5 % above 100.1
        assert "protection" in answer.reason


async def test_immediate_or_cancel_and_fill_or_kill(tmp_path: Path) -> None:
    async with playing(tmp_path, [FAR]) as player:
        ioc = await player.venue.submit_order(order(Side.SELL, "12", "100.0", "o1", **IOC))
        assert (ioc.status, ioc.filled_quantity) == (OrderStatus.CANCELED, Decimal(10))
        killed = await player.venue.submit_order(order(Side.SELL, "12", "100.0", "o2", **FOK))
        assert (killed.status, killed.filled_quantity) == (OrderStatus.CANCELED, Decimal(0))
        filled = await player.venue.submit_order(order(Side.SELL, "12", "99.9", "o3", **FOK))
        assert (filled.status, filled.average_price) == (
            OrderStatus.FILLED,
            (Decimal(1000) + Decimal("199.8")) / 12,
        )
        assert await player.venue.fetch_open_orders() == ()


async def test_post_only_is_refused_where_it_would_take(tmp_path: Path) -> None:
    async with playing(tmp_path, [FAR]) as player:
        with pytest.raises(OrderRejected, match="post-only"):
            await player.venue.submit_order(order(Side.BUY, "1", "100.1", post_only=True))
        answer = await player.venue.submit_order(order(Side.BUY, "1", "100.0", post_only=True))
        assert answer.status is OrderStatus.NEW


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "reached_by"),
    [
        (OrderType.STOP, Side.BUY, "101", "101.0"),
        (OrderType.STOP, Side.SELL, "99", "98.9"),
        (OrderType.TAKE_PROFIT, Side.SELL, "101", "101.2"),
        (OrderType.TAKE_PROFIT, Side.BUY, "99", "99.0"),
    ],
)
async def test_triggers_are_reached_by_trades(
    kind: OrderType, side: Side, trigger: str, reached_by: str, tmp_path: Path
) -> None:
    rows = [trade("buy", "100.0", "1"), trade("sell", reached_by, "0.5"), FAR]
    async with playing(tmp_path, rows) as player:
        request = order(side, "2", type=kind, trigger_price=Decimal(trigger))
        assert (await player.venue.submit_order(request)).status is OrderStatus.NEW
        await player.until_ts(2)
        assert player.fills() == []
        await player.until_ts(3)
        assert player.fills() == [("100.1" if side is Side.BUY else "100.0", "2")]
        assert player.orders()[-1].is_triggered


async def test_a_triggered_limit_order_rests(tmp_path: Path) -> None:
    rows = [trade("sell", "99.9", "0.5"), trade("buy", "100.1", "1"), FAR]
    async with playing(tmp_path, rows) as player:
        request = order(Side.SELL, "2", "100.1", type=OrderType.STOP_LIMIT, trigger_price=Decimal("99.9"))
        await player.venue.submit_order(request)
        await player.to_end()
        (resting,) = await player.venue.fetch_open_orders()
        assert resting.is_triggered
        assert player.fills() == []  # 3 are displayed ahead of it


async def test_a_trigger_that_is_reached_already_is_refused(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("sell", "100.0", "1"), FAR], until=2.0) as player:
        with pytest.raises(OrderRejected, match="reached already"):
            await player.venue.submit_order(
                order(Side.BUY, "1", type=OrderType.STOP, trigger_price=Decimal("100.0"))
            )


async def test_reduce_only_never_opens_and_ends_with_the_position(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("buy", "101", "1"), FAR]) as player:
        venue = player.venue
        with pytest.raises(OrderRejected, match="reduce-only"):
            await venue.submit_order(order(Side.SELL, "1", "101", reduce_only=True))
        await venue.submit_order(order(Side.BUY, "3", "100.1", "buy"))
        target = await venue.submit_order(order(Side.SELL, "5", "100.5", "target", reduce_only=True))
        assert target.quantity == 3
        await venue.submit_order(order(Side.SELL, "3", "102", "other", reduce_only=True))
        await player.to_end()
        assert player.fills("target") == [("100.5", "3")]
        other = await venue.fetch_order(ABC, "other")
        assert (other.status, other.reason) == (OrderStatus.CANCELED, "reduce-only: the position is closed")
        assert await venue.fetch_positions() == ()


async def test_amending_down_keeps_the_place_and_a_new_price_does_not(tmp_path: Path) -> None:
    rows = [trade("sell", "100.0", "11"), trade("sell", "100.0", "1"), FAR]
    async with playing(tmp_path, rows) as player:
        await player.venue.submit_order(order(Side.BUY, "4", "100.0", "less"))
        await player.venue.submit_order(order(Side.BUY, "4", "99.9", "moved"))
        less = AmendRequest(instrument=ABC, client_order_id="less", venue_order_id="", quantity=Decimal(2))
        moved = AmendRequest(instrument=ABC, client_order_id="moved", venue_order_id="", price=Decimal("100.0"))
        assert (await player.venue.amend_order(less)).quantity == 2
        assert (await player.venue.amend_order(moved)).price == 100
        await player.to_end()
        assert player.fills("less") == [("100.0", "1"), ("100.0", "1")]
        assert player.fills("moved") == []
        with pytest.raises(OrderNotFound, match="filled already"):
            await player.venue.amend_order(less)


async def test_an_order_that_was_moved_away_and_back_is_behind_ones_own_too(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("sell", "100.0", "11"), FAR]) as player:
        for name in ("first", "second"):
            await player.venue.submit_order(order(Side.BUY, "4", "100.0", name))
        for price in ("99.9", "100.0"):
            wish = AmendRequest(instrument=ABC, client_order_id="first", venue_order_id="", price=Decimal(price))
            await player.venue.amend_order(wish)
        await player.to_end()
        assert (player.fills("second"), player.fills("first")) == ([("100.0", "1")], [])


async def test_an_amendment_may_take(tmp_path: Path) -> None:
    async with playing(tmp_path, [FAR]) as player:
        await player.venue.submit_order(order(Side.BUY, "2", "99.9"))
        wish = AmendRequest(instrument=ABC, client_order_id="", venue_order_id="r-o1", price=Decimal("100.1"))
        assert (await player.venue.amend_order(wish)).status is OrderStatus.FILLED


async def test_cancelling(tmp_path: Path) -> None:
    async with playing(tmp_path, [trade("sell", "99.0", "9"), FAR]) as player:
        venue = player.venue
        for name, side, price in (("o1", Side.BUY, "99.9"), ("o2", Side.BUY, "99.8"), ("o3", Side.SELL, "101")):
            await venue.submit_order(order(side, "1", price, name))
        (balance,) = await venue.fetch_balances()
        assert balance.locked > 99
        assert (await venue.cancel_order(cancel("o1"))).status is OrderStatus.CANCELED
        with pytest.raises(OrderNotFound):
            await venue.cancel_order(cancel("o1"))
        with pytest.raises(OrderNotFound):
            await venue.cancel_order(cancel("never"))
        gone = await venue.cancel_all_orders(ABC, Side.BUY)
        assert [(one.client_order_id, one.status) for one in gone] == [("o2", OrderStatus.CANCELED)]
        assert [one.client_order_id for one in await venue.fetch_open_orders()] == ["o3"]
        assert len(await venue.cancel_all_orders()) == 1
        (balance,) = await venue.fetch_balances()
        assert balance.locked == 0
        await player.to_end()
        assert player.fills("o1") == player.fills("o2") == []


async def test_money_follows_the_fills(tmp_path: Path) -> None:
    rows = [trade("buy", "100.4", "9"), trade("buy", "101", "1"), FAR]
    async with playing(tmp_path, rows, deposit={"USDT": "1000"}) as player:
        venue = player.venue
        await venue.submit_order(order(Side.BUY, "3", "100.1", "in"))
        await venue.submit_order(order(Side.SELL, "3", "100.5", "out"))
        await player.to_end()
        paid = Decimal("300.3") * Decimal("0.0005") + Decimal("301.5") * Decimal("0.0002")
        (balance,) = await venue.fetch_balances()
        assert balance.total == 1000 + Decimal("1.2") - paid
        fills = await venue.fetch_fills(0)
        assert [fill.realized_pnl for fill in fills] == [0, Decimal("1.2")]
        assert len({fill.trade_id for fill in fills}) == 2
        assert await venue.fetch_fills(fills[-1].ts_event) == fills[-1:]


async def test_what_can_not_be_paid_is_refused_and_leverage_helps(tmp_path: Path) -> None:
    async with playing(tmp_path, [FAR], deposit={"USDT": "100"}) as player:
        with pytest.raises(InsufficientFunds, match="USDT"):
            await player.venue.submit_order(order(Side.BUY, "3", "100.1", "a"))
        answer = await player.venue.submit_order(order(Side.BUY, "3", "100.1", "b", leverage=Decimal(10)))
        assert answer.status is OrderStatus.FILLED
        (position,) = await player.venue.fetch_positions()
        assert position.leverage == 10


async def test_a_position_that_can_not_be_held_is_liquidated(tmp_path: Path) -> None:
    crash = [snapshot([("50", "9")], [("50.1", "9")]), FAR]
    async with playing(tmp_path, crash, deposit={"USDT": "100"}) as player:
        await player.venue.submit_order(order(Side.BUY, "3", "100.1", leverage=Decimal(10)))
        await player.to_end()
        assert await player.venue.fetch_positions() == ()
        (balance,) = await player.venue.fetch_balances()
        assert balance.total >= 0
        assert any(isinstance(e, Notice) and e.is_alarm and "LIQUIDATED" in e.text for e in player.seen)
        assert player.fills("liq1-test") == [("50.05", "3")]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (order(Side.BUY, "0.7", "100"), "multiple of 0.5 ABC"),
        (order(Side.BUY, "1", "100.05"), "multiple of 0.1"),
        (order(Side.BUY, "1", "100", take_profit=Decimal(101)), "exits"),
        (order(Side.BUY, "1", "100", instrument=ABC._replace(symbol="NONE")), "not in this recording"),
    ],
)
async def test_what_makes_no_sense_is_refused(request_: Any, words: str, tmp_path: Path) -> None:
    async with playing(tmp_path, [FAR]) as player:
        with pytest.raises(OrderRejected, match=words):
            await player.venue.submit_order(request_)
        assert await player.venue.fetch_open_orders() == ()


async def test_a_client_order_id_is_used_once(tmp_path: Path) -> None:
    async with playing(tmp_path, [FAR]) as player:
        await player.venue.submit_order(order(Side.BUY, "1", "99"))
        with pytest.raises(DuplicateClientOrderId):
            await player.venue.submit_order(order(Side.BUY, "2", "99"))


async def test_without_a_valid_book_nothing_is_taken_in(tmp_path: Path) -> None:
    crossed = [delta(bids=[("100.5", "1")]), trade("sell", "100.0", "50"), snapshot(BIDS, ASKS), FAR]
    async with playing(tmp_path, crossed, until=2.0) as player:
        with pytest.raises(OrderRejected, match="no valid book"):
            await player.venue.submit_order(order(Side.BUY, "1"))
        assert any(isinstance(e, Notice) and "broken" in e.text for e in player.seen)
        await player.until_ts(4)
        assert (await player.venue.submit_order(order(Side.BUY, "1"))).status is OrderStatus.FILLED
