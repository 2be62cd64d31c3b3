"""Positions at Pumpkin: both sides at once, margin and its types, funding, brackets and liquidation."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.pumpkin_rig import BTC, ETH, RESTING, D, Rig, rig
from venues.simulators.perpetuals.margin import Stake, bracket_of, liquidation_price
from venues.simulators.pumpkin.markets import TERMS

SHORT = {"orderSide": "SELL", "positionSide": "SHORT"}
SIZE = D("0.0001")


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def test_a_position_is_as_the_document_has_it(opened: Rig) -> None:
    await opened.order(leverage=20)
    (row,) = await opened.positions()
    assert row | {"positionId": ""} == {
        "symbol": BTC, "positionId": "", "positionType": "CROSSED", "positionSide": "LONG", "positionSize": "100",
        "closeOrderSize": "0", "availableCloseSize": "100", "entryPrice": "60000.1", "isolatedMargin": "30.00005",
        "openOrderMarginFrozen": "0", "realizedProfit": "0", "autoMargin": False, "leverage": 20,
        "contractSize": "0.0001",
    }  # fmt: skip
    balance = await opened.balance()
    assert balance["crossedMargin"] == D("30.00005") and balance["isolatedMargin"] == 0
    held = ("isolatedMargin", "crossedMargin", "openOrderMarginFrozen")
    assert balance["availableBalance"] == balance["walletBalance"] - sum(balance[name] for name in held)


async def test_a_long_and_a_short_at_once_and_profits_of_their_own(opened: Rig) -> None:
    await opened.order()
    await opened.order(**SHORT, origQty="50")
    long, short = await opened.positions()
    sizes = [(one["positionSide"], one["positionSize"]) for one in (long, short)]
    assert sizes == [("LONG", "100"), ("SHORT", "50")]
    opened.mark("61000")
    shown = [D(opened.held(one["positionId"])["pnl"]) for one in (long, short)]
    assert shown == [(61_000 - D("60000.1")) * 100 * SIZE, (D("59999.9") - 61_000) * 50 * SIZE]
    assert await opened.rest.post("/v2/position/close-all", symbol=BTC) is True
    assert await opened.positions() == []
    bills = (await opened.rest.get("/v2/balance/bills", type="CLOSE_POSITION"))["items"]
    sums = [(D("60999.9") - D("60000.1")) * 100 * SIZE, (D("59999.9") - D("61000.1")) * 50 * SIZE]
    assert sorted(D(row["amount"]) for row in bills) == sorted(sums)


async def test_positions_are_several_a_side_where_they_are_not_joined(opened: Rig) -> None:
    await opened.isolate(10, model="DISAGGREGATION")
    for _ in range(2):
        await opened.order()
    first, second = await opened.positions()
    assert first["positionId"] != second["positionId"]
    closing = {"orderSide": "SELL", "positionId": second["positionId"], "reduceOnly": "true"}
    await opened.order(**closing)
    assert [one["positionId"] for one in await opened.positions()] == [first["positionId"]]


async def test_what_can_not_change_while_a_position_is_open(opened: Rig) -> None:
    await opened.isolate(10)
    await opened.order()
    post = "POST"
    leverage = await opened.rest.refusal(post, "/v2/position/adjust-leverage", symbol=BTC, leverage=5)
    assert leverage[2] == "exist_position_can_not_adjust_leverage"
    change = {"symbol": BTC, "positionType": "CROSSED", "positionModel": "AGGREGATION"}
    refusal = await opened.rest.refusal(post, "/v2/position/change-type", **change)
    assert refusal[2] == "exist_position_or_order_can_not_change_type"
    for wrong in (0, 126):
        refusal = await opened.rest.refusal(post, "/v2/position/adjust-leverage", symbol=ETH, leverage=wrong)
        assert refusal[2] == "invalid_leverage"


async def test_isolated_margin_is_added_and_taken_off(opened: Rig) -> None:
    await opened.isolate(10)
    await opened.order()
    (position,) = await opened.positions()
    number, path = position["positionId"], "/v2/position/margin"
    assert (position["positionType"], position["isolatedMargin"]) == ("ISOLATED", "60.0001")
    named = {"symbol": BTC, "positionSide": "LONG", "positionId": number}
    before = D(opened.held(number)["liquidation_price"])
    assert await opened.rest.post(path, **named, margin="40", type="ADD") is None
    (position,) = await opened.positions()
    assert position["isolatedMargin"] == "100.0001"
    assert (await opened.balance())["isolatedMargin"] == D("100.0001")
    assert D(opened.held(number)["liquidation_price"]) < before
    too_much = await opened.rest.refusal("POST", path, **named, margin="41", type="SUB")
    assert too_much[2] == "invalid_margin"
    assert await opened.rest.post(path, **named, margin="39", type="SUB") is None
    refusal = await opened.rest.refusal("POST", path, **named, margin="99999", type="ADD")
    assert refusal[2] == "insufficient_balance"
    await opened.order(symbol=ETH)
    (crossed,) = await opened.positions(ETH)
    named = {"symbol": ETH, "positionSide": "LONG", "positionId": crossed["positionId"]}
    refusal = await opened.rest.refusal("POST", path, **named, margin="1", type="ADD")
    assert refusal[2] == "not_isolated_position"


async def test_funding_is_paid_by_longs_to_shorts_and_shown(opened: Rig) -> None:
    await opened.order()
    await opened.order(**SHORT, origQty="50")
    rate = await opened.rest.get("/v2/public/q/funding-rate", symbol=BTC)
    now = opened.clock.now // 1_000_000
    assert now < rate["nextCollectionTime"] <= now + 8 * 3_600_000
    records = await opened.rest.get("/v2/public/q/funding-rate-record", symbol=BTC, limit=100)
    await opened.turn((rate["nextCollectionTime"] - now) / 1_000)
    bills = (await opened.rest.get("/v2/balance/bills", type="FUND"))["items"]
    paid = [D(row["amount"]) for row in bills]
    due = D(rate["fundingRate"]) * 60_000 * SIZE
    assert paid == [50 * due, -100 * due] and [row["side"] for row in bills] == ["ADD", "SUB"]
    assert [D(one["realizedProfit"]) for one in await opened.positions()] == [-100 * due, 50 * due]
    after = await opened.rest.get("/v2/public/q/funding-rate-record", symbol=BTC, limit=100)
    newest, before = after["items"][0], records["items"][0]
    assert newest["createdTime"] == rate["nextCollectionTime"] and before == after["items"][1]
    assert newest["collectionInternal"] == 28_800


async def test_an_isolated_position_is_liquidated_at_its_price_and_costs_its_margin(opened: Rig) -> None:
    await opened.isolate(10)
    await opened.order()
    (position,) = await opened.positions()
    held = opened.held(position["positionId"])
    price = D(held["liquidation_price"])
    closing = {"orderSide": "SELL", "positionId": position["positionId"], "reduceOnly": "true"}
    resting = await opened.order(**closing | RESTING | {"price": "61000", "origQty": "10"})
    before = await opened.balance()
    opened.mark(f"{price + D('0.1'):f}")
    assert await opened.positions()
    opened.mark(f"{price - D('0.1'):f}")
    assert await opened.positions() == []
    assert (await opened.detail(resting))["state"] == "CANCELED"
    forced = (await opened.rest.get("/v2/order-entrust/list", forceClose="true"))["items"]
    (row,) = forced
    assert (row["orderType"], row["orderSide"], row["executedQty"], row["state"]) == (
        "MARKET",
        "SELL",
        "100",
        "FILLED",
    )
    assert D(row["avgPrice"]) == price - D("0.1")
    fees = (await opened.rest.get("/v2/balance/bills", type="QIANG_PING_MANAGER"))["items"]
    assert [D(one["amount"]) < 0 for one in fees] == [True]
    after = await opened.balance()
    lost = before["walletBalance"] - after["walletBalance"]
    assert D("56") < lost <= D(position["isolatedMargin"]), "never more than what stood behind it"


async def test_a_gap_through_the_bankruptcy_price_is_paid_by_the_insurance(opened: Rig) -> None:
    await opened.isolate(10)
    await opened.order()
    (position,) = await opened.positions()
    before = (await opened.balance())["walletBalance"]
    opened.mark("50000")
    assert await opened.positions() == []
    assert before - (await opened.balance())["walletBalance"] == D(position["isolatedMargin"])
    assert len((await opened.rest.get("/v2/balance/bills", type="TAKE_OVER"))["items"]) == 1


async def test_cross_positions_share_what_stands_behind_them(opened: Rig) -> None:
    opened.act("fund", amount="-99000")
    await opened.order(leverage=100, origQty="1000")
    await opened.order(**SHORT, origQty="200")
    await opened.order(symbol=ETH, orderType="LIMIT", timeInForce="GTC", price="2300", origQty="10")
    long, short = await opened.positions()
    prices = {opened.held(one["positionId"])["liquidation_price"] for one in (long, short)}
    assert len(prices) == 1, "both sides of a symbol end at one mark"
    price = D(prices.pop())
    opened.mark(f"{price + D('0.1'):f}")
    assert len(await opened.positions()) == 2
    opened.mark(f"{price - D('0.2'):f}")
    assert [one["positionSide"] for one in await opened.positions()] == ["SHORT"], "the worst goes first"
    assert await opened.rest.get("/v2/order/all/listUnfinished", list=ETH) == []


def test_brackets_ask_for_the_same_at_their_seams() -> None:
    for terms in TERMS.values():
        for lower, upper in zip(terms.brackets, terms.brackets[1:], strict=False):
            assert bracket_of(terms.brackets, lower.max_position) is lower
            assert bracket_of(terms.brackets, lower.max_position + 1) is upper
            assert (
                upper.rate > lower.rate and upper.max_leverage < lower.max_leverage and upper.amount > lower.amount
            )


def test_the_liquidation_price_is_where_the_margin_ends_for_ten_thousand_positions() -> None:
    """The price against what decides: a tick before it the position stands, a tick beyond it it does not."""
    draw = random.Random(7)
    seen: set[tuple[int, int, bool]] = set()
    for _ in range(10_000):
        symbol = draw.choice((BTC, ETH))
        terms = TERMS[symbol]
        bracket = draw.choice(terms.brackets)
        low = terms.brackets[bracket.number - 2].max_position if bracket.number > 1 else Decimal(0)
        contracts = Decimal(draw.randint(int(low) + 1, int(bracket.max_position)))
        sign, is_isolated = draw.choice((1, -1)), draw.random() < 0.5
        tick, entry = D("0.1"), Decimal(draw.randint(20_000, 1_000_000)) / 10
        quantity = sign * contracts * terms.contract_size
        stake = Stake(quantity, quantity * entry, contracts, terms.brackets)
        backing = abs(stake.cost) / draw.randint(1, bracket.max_leverage)
        stakes = [stake]
        if not is_isolated:
            other = contracts // 3
            base = -sign * other * terms.contract_size
            stakes.append(Stake(base, base * (entry + draw.randint(-50, 50)), other, terms.brackets))
        price = liquidation_price(stakes, backing, tick)
        if price is None:
            assert _left(stakes, backing, tick) > 0
            continue
        assert _left(stakes, backing, price + sign * tick) > 0 >= _left(stakes, backing, price - sign * tick)
        seen.add((bracket.number, sign, is_isolated))
    assert len(seen) == 16, "every bracket, long and short, isolated and cross"


def _left(stakes: list[Stake], backing: Decimal, mark: Decimal) -> Decimal:
    due: Any = sum((stake.maintenance(mark) for stake in stakes), Decimal(0))
    return backing + sum((stake.pnl(mark) for stake in stakes), Decimal(0)) - Decimal(due)
