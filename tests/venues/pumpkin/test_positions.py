"""Positions at the local exchange, told by polls alone and by the private topics: the same either way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.pumpkin.account_rig import BTC_ID, ETH_ID, AccountRig, closing, connected, until
from tests.venues.pumpkin.walking import BTC, ETH, Exchange
from venues.errors import DecodeError
from venues.model import ZERO, MarginMode, Position, Side
from venues.pumpkin.models import Position as Row
from venues.pumpkin.models import PositionModel
from venues.pumpkin.positions import parse_position

D = Decimal


@pytest.fixture
def rig(both_ways: AccountRig) -> AccountRig:
    return both_ways


def kept(rig: AccountRig) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rig.shown()["positions"]}


def agrees(rig: AccountRig) -> bool:
    """Says whether what was told is what the exchange has, the prices that it keeps to itself included."""
    own = kept(rig)
    return rig.held.keys() == own.keys() and all(_is_as(rig.held[number], row) for number, row in own.items())


def _is_as(position: Position, row: dict[str, Any]) -> bool:
    sign = 1 if row["side"] == "LONG" else -1
    price = None if row["liquidation_price"] is None else D(row["liquidation_price"])
    return (
        (position.quantity, position.entry_price, position.margin, position.leverage)
        == (sign * D(row["quantity"]), D(row["entry_price"]), D(row["margin"]), row["leverage"])
        and position.margin_mode.value.upper() in row["type"]
        and position.liquidation_price == price
        and position.liquidation_is_estimate is (price is not None)
        and position.realized_pnl + position.funding == D(row["realized"])
        and position.fees == D(row["fees"])
    )


async def test_long_and_short_stand_side_by_side_and_half_is_closed(rig: AccountRig) -> None:
    await rig.isolated()
    long = await rig.opened()
    short = await rig.opened(Side.SELL, "0.02")
    assert (long.quantity, short.quantity) == (D("0.01"), D("-0.02"))
    assert (long.margin_mode, long.leverage, long.liquidation_price) == (MarginMode.ISOLATED, D(10), D("54217.0"))
    rig.exchange.mark(61_000)
    order = await rig.venue.submit_order(closing(long, "0.005"))
    await rig.fill(order)
    await until(lambda: agrees(rig))
    half = rig.held[long.position_id]
    assert (half.quantity, half.realized_pnl, half.ts_opened) == (D("0.005"), D("4.999"), long.ts_opened)
    assert [one.realized_pnl for one in rig.fills_of(order)] == [D("4.999")]
    assert sorted(await rig.venue.fetch_positions(), key=lambda one: one.position_id) == [
        rig.held[number] for number in sorted(rig.held)
    ]


async def test_a_closed_position_is_told_with_no_size_once(rig: AccountRig) -> None:
    position = await rig.opened()
    await rig.venue.submit_order(closing(position))
    await until(lambda: not rig.held)
    await rig.venue.fetch_balances()
    ends = [one for one in rig.told if one.position_id == position.position_id and not one.quantity]
    assert len(ends) == 1
    assert (ends[0].entry_price, ends[0].margin, ends[0].liquidation_price) == (position.entry_price, D(0), None)
    assert await rig.venue.fetch_positions() == []


async def test_cross_positions_follow_the_marks_of_each_other(rig: AccountRig) -> None:
    await rig.opened(quantity="3")
    await rig.opened(Side.SELL, "20", instrument=ETH_ID)
    await until(lambda: agrees(rig))
    before = {one.instrument: one.liquidation_price for one in rig.held.values()}
    rig.exchange.mark(60_500)
    # The mark of the one moves the other's price; what closes it itself is no matter of its own mark.
    await until(lambda: agrees(rig))
    after = {one.instrument: one.liquidation_price for one in rig.held.values()}
    assert after[BTC_ID] == before[BTC_ID]
    assert after[ETH_ID] != before[ETH_ID]


async def test_prices_follow_the_wallet(rig: AccountRig) -> None:
    await rig.opened(quantity="3")
    await until(lambda: agrees(rig))
    before = [one.liquidation_price for one in rig.held.values()]
    rig.exchange.act("fund", currency="usdt", amount="-30000")
    await until(lambda: agrees(rig) and [one.liquidation_price for one in rig.held.values()] != before)


async def test_several_of_a_side_each_under_its_id(exchange: Exchange) -> None:
    async with connected(exchange, position_model=PositionModel.DISAGGREGATION) as rig:
        await rig.isolated()
        first = await rig.opened()
        second = await rig.opened(quantity="0.02")
        assert first.position_id != second.position_id
        await rig.venue.submit_order(closing(first))
        await until(lambda: list(rig.held) == [second.position_id])
        await until(lambda: agrees(rig))


async def test_funding_is_told_apart_from_profit(rig: AccountRig) -> None:
    await rig.isolated()
    position = await rig.opened()
    rig.exchange.act("funding", symbol=BTC, rate="0.001")
    await until(lambda: rig.held[position.position_id].funding)
    paid = rig.held[position.position_id]
    assert (paid.funding, paid.realized_pnl) == (D("-0.6"), ZERO)
    assert paid.margin == position.margin - D("0.6")
    await until(lambda: agrees(rig))
    assert [text for text in rig.notices if "funding" in text] == [
        "funding: paid 0.6 USDT for long 0.01 BTC/USDT perp"
    ]


async def test_what_was_paid_before_we_looked_is_read_from_the_bills(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        await rig.isolated()
        position = await rig.opened(quantity="0.02")
        exchange.act("funding", symbol=BTC, rate="0.001")
        exchange.mark(61_000)
        await rig.venue.submit_order(closing(position, "0.01"))
        await until(lambda: rig.held[position.position_id].quantity == D("0.01"))
    async with connected(exchange) as later:
        await until(lambda: later.held and later.held[position.position_id].funding)
        found = later.held[position.position_id]
        assert (found.funding, found.realized_pnl, found.ts_opened) == (D("-1.2"), D("9.998"), 0)


async def test_a_position_of_another_program_is_told(rig: AccountRig) -> None:
    rig.exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.5")
    await until(lambda: rig.held)
    await until(lambda: agrees(rig) and rig.fills and rig.orders)
    (found,) = rig.held.values()
    assert (found.instrument, found.quantity) == (ETH_ID, D("-0.5"))
    assert [(one.side, one.quantity, one.client_order_id) for one in rig.fills] == [(Side.SELL, D("0.5"), "")]
    assert rig.orders[-1].filled_quantity == D("0.5")


ROW: dict[str, Any] = {
    "symbol": BTC, "position_id": "1", "position_type": "ISOLATED", "position_side": "SHORT",
    "position_size": D(5), "close_order_size": D(2), "available_close_size": D(3), "entry_price": D(60_000),
    "isolated_margin": D(3), "open_order_margin_frozen": ZERO, "realized_profit": D(-1), "leverage": 10,
    "contract_size": D("0.0001"),
}  # fmt: skip


def test_a_row_in_base_units_with_its_sign() -> None:
    facts = parse_position(Row(**ROW))
    assert (facts.quantity, facts.free, facts.closing_side) == (D("-0.0005"), D("0.0003"), Side.BUY)
    assert parse_position(Row(**(ROW | {"position_type": "CROSS"}))).mode is MarginMode.CROSS


@pytest.mark.parametrize(
    "wrong",
    [
        {"position_side": "BOTH"},
        {"position_type": "NONE"},
        {"position_size": D(-1)},
        {"entry_price": ZERO},
        {"contract_size": ZERO},
        {"leverage": 0},
        {"position_id": ""},
    ],
)
def test_rows_that_can_not_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        parse_position(Row(**(ROW | wrong)))
