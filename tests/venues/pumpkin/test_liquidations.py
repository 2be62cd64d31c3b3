"""What the venue closes by force is told: its order, its executions, and one alarm in words, once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venues.pumpkin.account_rig import BTC_ID, AccountRig, closing, connected, until
from tests.venues.pumpkin.walking import BTC, Exchange
from venues.bills import Bill, BillKind
from venues.events import Notice
from venues.model import NANOSECONDS, ZERO, Fill, Liquidity, MarginMode, Order, OrderStatus, OrderType, Side
from venues.pumpkin.liquidations import Liquidations
from venues.pumpkin.positions import Facts, Positions

D = Decimal
NOW = 1_800_000_000 * NANOSECONDS


@pytest.fixture
def rig(both_ways: AccountRig) -> AccountRig:
    return both_ways


def alarms(rig: AccountRig) -> list[str]:
    return [notice.text for notice in rig.of(Notice) if notice.is_alarm]


async def test_an_isolated_long_is_liquidated_and_said_once(rig: AccountRig) -> None:
    await rig.isolated()
    position = await rig.opened()
    assert position.liquidation_price is not None
    rig.exchange.mark(position.liquidation_price + D("0.1"))
    await rig.venue.fetch_positions()
    assert rig.held
    rig.exchange.mark(position.liquidation_price - D("0.1"))
    await until(lambda: not rig.held and alarms(rig))
    (row,) = (one for one in rig.shown()["orders"] if one["is_forced"])
    forced = rig.orders[-1]
    assert (forced.venue_order_id, forced.is_liquidation, forced.is_external) == (row["id"], True, False)
    assert (forced.status, forced.side, forced.reduce_only) == (OrderStatus.FILLED, Side.SELL, True)
    (fill,) = rig.fills_of(forced)
    assert (fill.price, fill.quantity, fill.liquidity) == (D("54216.9"), D("0.01"), Liquidity.TAKER)
    assert fill.realized_pnl == D("-57.832")
    cost = next(-D(one["amount"]) for one in rig.shown()["bills"] if one["kind"] == "QIANG_PING_MANAGER")
    paid = f"{round(cost, 6).normalize():f}"
    words = f"LIQUIDATED: long 0.01 BTC/USDT perp at 54216.9; loss 57.83 USDT, fee {paid} USDT"
    assert alarms(rig) == [words]
    await _nothing_more(rig)


async def test_a_cross_short_is_liquidated(rig: AccountRig) -> None:
    position = await rig.opened(Side.SELL, "3")
    rig.exchange.act("fund", currency="usdt", amount="-85000")
    await until(lambda: rig.held[position.position_id].liquidation_price != position.liquidation_price)
    price = rig.held[position.position_id].liquidation_price
    assert price is not None
    rig.exchange.mark(price + 1)
    await until(lambda: not rig.held and alarms(rig))
    (words,) = alarms(rig)
    assert words.startswith(f"LIQUIDATED: short 3 BTC/USDT perp at {price + 1:f}; loss ")
    await _nothing_more(rig)


async def test_what_we_and_others_close_is_no_alarm(rig: AccountRig) -> None:
    position = await rig.opened()
    await rig.venue.submit_order(closing(position, "0.004"))
    await until(lambda: rig.held[position.position_id].quantity == D("0.006"))
    rig.exchange.act(
        "place", symbol=BTC, side="sell", type="market", quantity="0.006", position_id=int(position.position_id)
    )
    await until(lambda: not rig.held)
    await _nothing_more(rig)
    assert alarms(rig) == []


async def test_a_liquidation_of_before_is_no_news(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        await rig.isolated()
        await rig.opened()
        exchange.mark(54_000)
        await until(lambda: alarms(rig))
    async with connected(exchange) as later:
        (fill,) = [one for one in await later.venue.fetch_fills(0) if one.side is Side.SELL]
        assert fill.realized_pnl == D("-60.001")
        await _nothing_more(later)
        assert alarms(later) == []


async def test_one_that_happens_while_the_venue_can_not_be_read_is_told_later(exchange: Exchange) -> None:
    async with connected(exchange, has_topics=True) as rig:
        await rig.isolated()
        await rig.opened()
        exchange.simulator.faults.switch("maintenance")
        exchange.mark(54_000)
        exchange.simulator.faults.heal()
        await until(lambda: not rig.held and alarms(rig))
        assert len(alarms(rig)) == 1
        assert sum(one.is_liquidation for one in rig.orders) == 1


async def _nothing_more(rig: AccountRig) -> None:
    """Lets a few more rounds go by: none of them may tell of it again."""
    before, spent = alarms(rig), rig.exchange.spent
    await until(lambda: rig.exchange.spent > spent + 40)
    assert alarms(rig) == before


class Watch:
    """The rules alone, with what a venue may leave out."""

    def __init__(self) -> None:
        self.at = NOW
        self.positions = positions = Positions(
            instrument=lambda _: None,
            wallets=dict,
            mark=lambda _: None,
            now=lambda: self.at,
            monotonic=lambda: 0.0,
        )
        self.watch = Liquidations(positions, lambda _: None, lambda: self.at)
        self.watch.begin(NOW - NANOSECONDS)
        self.facts = Facts(BTC_ID, "7", D(2), D(100), D(10), MarginMode.ISOLATED, 10, ZERO, D(2))

    def rounds(self, number: int = 6) -> list[str]:
        events = [event for _ in range(number) for event in self.watch.news()]
        assert all(isinstance(one, Notice) and one.is_alarm for one in events)
        return [one.text for one in events if isinstance(one, Notice)]

    def bill(self, words: str, kind: BillKind, amount: str = "-1.5", number: str = "b1") -> None:
        self.watch.take_bills(
            [
                Bill(
                    bill_id=number, kind=kind, currency="USDT", amount=D(amount), ts_event=self.at,
                    instrument=BTC_ID, words=words,
                )
            ]
        )  # fmt: skip

    def close(
        self, quantity: str, *, is_forced: bool = False, position_id: str = "", at: int | None = None
    ) -> None:
        order = Order(
            instrument=BTC_ID, client_order_id="", side=Side.SELL, type=OrderType.MARKET, quantity=D(quantity),
            status=OrderStatus.FILLED, venue_order_id=f"o{quantity}", reduce_only=True, is_liquidation=is_forced,
            filled_quantity=D(quantity), ts_created=self.at, position_id=position_id,
        )  # fmt: skip
        fill = Fill(
            instrument=BTC_ID, trade_id="t", client_order_id="", venue_order_id=f"o{quantity}", side=Side.SELL,
            price=D(90), quantity=D(quantity), fee=ZERO, fee_currency="USDT", liquidity=Liquidity.TAKER,
            ts_event=self.at if at is None else at, realized_pnl=D(-20),
        )  # fmt: skip
        self.watch.take_fill(fill, order)


def test_a_position_that_is_gone_without_an_order_is_looked_up_in_the_bills() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D(2))
    assert watch.watch.is_open
    watch.bill("QIANG_PING_MANAGER", BillKind.LIQUIDATION)
    assert watch.rounds() == ["LIQUIDATED: long 2 btc_usdt, opened at 100; the venue tells no price, fee 1.5 "]
    watch.bill("QIANG_PING_MANAGER", BillKind.LIQUIDATION)
    assert watch.rounds() == [] and not watch.watch.is_open


def test_one_that_was_closed_against_a_loser_is_said_so() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D("0.5"))
    watch.bill("ADL", BillKind.DELEVERAGED, "12")
    assert watch.rounds() == ["DELEVERAGED: long 0.5 btc_usdt, opened at 100; the venue tells no price"]


def test_one_that_nothing_explains_is_an_alarm_as_well() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D(2))
    assert watch.rounds(3) == []  # an execution may come late
    assert watch.rounds() == [
        "GONE: long 2 btc_usdt, opened at 100: no order that is known here has closed it, and no bill says why"
    ]


def test_executions_explain_what_is_gone_in_either_order_and_once() -> None:
    watch = Watch()
    watch.close("1.5")
    watch.watch.take_change(watch.facts, D(2))
    watch.close("0.5", position_id="7")
    assert watch.rounds() == []
    watch.watch.take_change(watch.facts, D(2))  # they have explained one loss, and do not explain another
    assert len(watch.rounds()) == 1


def test_what_closes_another_position_or_was_long_ago_explains_nothing() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D(2))
    watch.close("2", position_id="8")
    watch.close("2", at=NOW - 60 * NANOSECONDS)
    assert len(watch.rounds()) == 1


def test_a_forced_order_waits_for_its_fee_but_not_for_ever() -> None:
    watch = Watch()
    watch.close("2", is_forced=True)
    assert watch.rounds(2) == []
    watch.bill("QIANG_PING_MANAGER", BillKind.LIQUIDATION)
    assert watch.rounds() == ["LIQUIDATED: long 2 btc_usdt at 90; loss 20 , fee 1.5 "]
    watch.close("2", is_forced=True)  # met again, by another read
    assert watch.rounds() == []
    watch.close("3", is_forced=True)
    assert watch.rounds(3) == []
    assert watch.rounds() == ["LIQUIDATED: long 3 btc_usdt at 90; loss 20 "]


def test_what_was_closed_while_nothing_could_be_read_is_no_alarm() -> None:
    """The quota was used up for a minute and a half: the position may have gone at any time since it was seen."""
    watch = Watch()
    watch.positions.read_at = NOW - 90 * NANOSECONDS
    watch.watch.take_change(watch.facts, D(2))
    watch.close("2", at=NOW - 60 * NANOSECONDS)
    assert watch.rounds() == []
    watch.watch.take_change(watch.facts, D(2))
    watch.close("2", at=NOW - 120 * NANOSECONDS)  # of before it was seen
    assert len(watch.rounds()) == 1


def test_a_position_that_a_read_had_left_out_is_not_gone() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D(2))
    assert watch.rounds(2) == []
    watch.positions.newest.values[watch.facts.key] = watch.facts
    assert watch.rounds() == [] and not watch.watch.is_open


def test_a_forced_order_that_is_shown_after_its_bills_is_not_told_again() -> None:
    watch = Watch()
    watch.watch.take_change(watch.facts, D(2))
    watch.bill("QIANG_PING_MANAGER", BillKind.LIQUIDATION)
    assert len(watch.rounds()) == 1
    watch.close("2", is_forced=True)
    assert watch.rounds() == []
    watch.at += 60 * NANOSECONDS
    watch.close("1", is_forced=True)  # another, later
    assert len(watch.rounds()) == 1
