"""What the venue closes by force is told: its order, its executions, and one alarm in words, once."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tests.venues.mayex.account_rig import BTC, BTC_ID, AccountRig, Exchange, closing, connected, until
from tests.venues.mayex.orders_rig import LISTED
from tests.venues.mayex.test_positions import Book, row
from venues.events import Notice
from venues.mayex.fills import Execution
from venues.mayex.liquidations import Liquidations
from venues.mayex.models import Fill as Row
from venues.model import NANOSECONDS, Fill, Liquidity, Order, OrderStatus, OrderType, Side

D = Decimal


def alarms(rig: AccountRig) -> list[str]:
    return [notice.text for notice in rig.of(Notice) if notice.is_alarm]


async def test_an_isolated_long_is_liquidated_and_said_once(rig: AccountRig) -> None:
    position = await rig.opened()
    assert position.liquidation_price is not None and position.liquidation_is_estimate
    rig.exchange.mark(position.liquidation_price + 20, BTC)
    await rig.venue.fetch_positions()
    assert rig.held
    rig.exchange.mark(position.liquidation_price - 20, BTC)
    await until(lambda: not rig.held and alarms(rig))
    (words,) = alarms(rig)
    assert words.startswith("LIQUIDATED: long 0.01 BTC/USDT perp at 54")
    assert ", opened at 60000.5; loss 5" in words and ", fee 0." in words
    forced = next(one for one in reversed(rig.orders) if one.is_liquidation)
    assert (forced.status, forced.side, forced.reduce_only) == (OrderStatus.FILLED, Side.SELL, True)
    (fill,) = rig.fills_of(forced)
    assert (fill.quantity, fill.realized_pnl < -50) == (D("0.01"), True)
    before = len(rig.fills)
    await rig.opened()  # rounds go by: none of them may tell of it again
    await until(lambda: len(rig.fills) > before)
    assert alarms(rig) == [words]


async def test_what_we_and_others_close_is_no_alarm(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        position = await rig.opened()
        await rig.venue.submit_order(closing(position, "0.004"))
        await until(lambda: rig.held["long:isolated"].quantity == D("0.006"))
        exchange.act(
            "place", symbol=BTC, side="sell", type="market", quantity="0.006", position_side="LONG", isolated=True
        )
        await until(lambda: not rig.held)
        spent = len(rig.events)
        await rig.opened(Side.SELL)
        await until(lambda: len(rig.events) > spent + 3)
        assert alarms(rig) == []


async def test_a_liquidation_of_before_is_no_news(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        await rig.opened()
        exchange.mark(54_000, BTC)
        await until(lambda: alarms(rig))
    async with connected(exchange) as later:
        (fill,) = [one for one in await later.venue.fetch_fills(0) if one.side is Side.SELL]
        assert fill.realized_pnl < -50
        await later.opened(Side.SELL)
        assert alarms(later) == []


class Watch:
    """The rules alone."""

    def __init__(self) -> None:
        self.book = Book()
        self.positions = self.book.book
        self.watch = Liquidations(
            self.positions, LISTED.get, lambda: round(self.book.at * 1e9) + 100 * NANOSECONDS
        )
        self.watch.begin(90 * NANOSECONDS)
        (self.facts,) = (facts for facts, _ in self.positions.parsed([row(quantity=D(2))]))

    def rounds(self, number: int = 6) -> list[str]:
        events = [event for _ in range(number) for event in self.watch.news()]
        assert all(isinstance(one, Notice) and one.is_alarm for one in events)
        return [one.text for one in events if isinstance(one, Notice)]

    def close(self, quantity: str, kind: str = "L_NONE", *, order: int = 7, side: Side = Side.SELL) -> None:
        found = Row(
            trade_id=1, order_id=order, symbol=BTC, side=side.upper(), position_side="LONG", fee=D("-0.5"),
            last_qty=D(quantity), last_price=D(90), transaction_time=100_000, isolated=True, liquidation_type=kind,
        )  # fmt: skip
        fill = Fill(
            instrument=BTC_ID, trade_id="1", client_order_id="", venue_order_id=str(order), side=side, price=D(90),
            quantity=D(quantity), fee=D("0.5"), fee_currency="USDT", liquidity=Liquidity.TAKER,
            ts_event=100 * NANOSECONDS, realized_pnl=D(-20),
        )  # fmt: skip
        self.watch.take_fill(Execution(found, fill))

    def order(self, filled: str, number: str = "7") -> None:
        self.watch.take_order(
            Order(
                instrument=BTC_ID, client_order_id="LIQ7", side=Side.SELL, type=OrderType.MARKET,
                quantity=D(filled), status=OrderStatus.FILLED, venue_order_id=number, filled_quantity=D(filled),
                is_liquidation=True, ts_event=100 * NANOSECONDS,
            )
        )  # fmt: skip


def test_what_nothing_explains_is_an_alarm() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D(2))
    assert watch.watch.is_open
    assert watch.rounds(3) == []  # an execution may come late
    assert watch.rounds() == ["GONE: long 2 BTC/USDT perp, opened at 42745.5: no execution has closed it"]
    assert not watch.watch.is_open


def test_executions_explain_what_is_gone_in_either_order() -> None:
    watch = Watch()
    watch.close("1.5")
    watch.watch.take_change(watch.facts, D(2))
    watch.close("0.5", order=8)
    watch.close("3", order=9, side=Side.BUY)  # it opened
    assert watch.rounds() == []


def test_the_executions_of_a_liquidation_are_one_alarm() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D(2))
    watch.close("1.5", "L_LIQUIDATION")
    watch.order("2")
    assert watch.rounds(1) == []
    watch.close("0.5", "L_LIQUIDATION")
    assert watch.rounds() == [
        "LIQUIDATED: long 2 BTC/USDT perp at 90, opened at 42745.5; loss 40 USDT, fee 1 USDT"
    ]
    watch.order("2")  # met again, by another read
    watch.close("0.5", "L_LIQUIDATION")
    assert watch.rounds() == []


def test_one_of_which_only_the_order_is_shown_is_told_as_well() -> None:
    watch = Watch()
    watch.order("2", "9")
    assert watch.rounds(3) == []
    assert watch.rounds() == ["LIQUIDATED: long 2 BTC/USDT perp"]


def test_a_winner_that_is_closed_against_a_loser_is_said_so() -> None:
    watch = Watch()
    watch.close("1", "L_ADL")
    assert watch.rounds() == ["DELEVERAGED: long 1 BTC/USDT perp at 90; loss 20 USDT, fee 0.5 USDT"]


def test_what_was_before_is_no_news() -> None:
    watch = Watch()
    watch.watch.begin(200 * NANOSECONDS)  # it has begun already
    order = Order(
        instrument=BTC_ID, client_order_id="", side=Side.SELL, type=OrderType.MARKET, quantity=D(1),
        status=OrderStatus.FILLED, venue_order_id="5", is_liquidation=True, filled_quantity=D(1),
        ts_event=80 * NANOSECONDS,
    )  # fmt: skip
    watch.watch.take_order(order)
    assert watch.rounds() == []
    watch.watch.take_order(msgspec.structs.replace(order, ts_event=95 * NANOSECONDS))
    assert watch.rounds() == ["LIQUIDATED: long 1 BTC/USDT perp"]
