"""Positions at Mayex: by side and margin, their leverage and margin, funding and liquidation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.simulators.mayex_rig import ACCOUNT, BTC, ETH, RESTING, D, Rig, rig

SHORT = {"side": "SELL", "positionSide": "SHORT"}
CLOSE = {"side": "SELL", "positionSide": "LONG"}
CROSS = {"isolated": False}
LEVERAGE = "/order/v1/private/accounts/adjust-leverage"
MARGIN = "/order/v1/private/accounts/adjust-position-margin"


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


def held(opened: Rig, name: str = "long:isolated", symbol: str = BTC) -> dict[str, Any]:
    """Returns what the control API shows of a position."""
    rows: list[dict[str, Any]] = opened.simulator.state()["positions"]
    return next(row for row in rows if (row["id"], row["symbol"]) == (name, symbol))


async def leverage(opened: Rig, value: object, *, isolated: bool = True, symbol: str = BTC) -> Any:
    return await opened.rest.do("PUT", LEVERAGE, symbol=symbol, isolated=isolated, leverage=value)


async def test_four_positions_of_a_symbol_stand_side_by_side(opened: Rig) -> None:
    for sides in ({}, SHORT):
        for margin in ({}, CROSS):
            await opened.order(**sides, **margin)
    rows = await opened.positions()
    found = {(row["positionSide"], row["isolated"]) for row in rows}
    assert found == {(side, kind) for side in ("LONG", "SHORT") for kind in (True, False)}
    assert [row["quantity"] for row in rows] == ["0.01000000"] * 4, "never below zero"
    assert [D(row["isolatedMargin"]) > 0 for row in rows] == [row["isolated"] for row in rows]
    opened.mark("61000")
    await opened.order(**CLOSE, **CROSS)
    assert len(await opened.positions()) == 3
    (fill, *_) = await opened.history("trade")
    assert D(fill["realizedPnl"]) == (D("60999.5") - D("60000.5")) * D("0.01"), "before its fee"
    assert fill["isolated"] is False and D(fill["fee"]) < 0
    short = held(opened, "short:isolated")
    assert D(short["pnl"]) == (D("59999.5") - 61_000) * D("0.01")


async def test_fees_and_funding_are_in_what_a_position_has_realised(opened: Rig) -> None:
    await opened.order()
    await opened.order(**SHORT, quantity="0.005")
    opened.act("funding", symbol=BTC, rate="0.001")
    long, short = await opened.positions()
    assert D(long["cumRealizedPnl"]) == D("-0.21000175") - D("0.6")
    assert D(short["cumRealizedPnl"]) == D("0.3") - D("0.10499912"), "fees have eight digits"
    assert long["lastFundingTime"] == opened.now_ms() and long["curTermRealisedPnl"] == long["cumRealizedPnl"]
    assert D(long["isolatedMargin"]) == D("60.0005") - D("0.6")
    kinds = [(row["kind"], D(row["amount"])) for row in opened.simulator.state()["bills"]][-2:]
    assert kinds == [("FundingFee", D("-0.6")), ("FundingFee", D("0.3"))]


async def test_funding_is_settled_when_the_mark_stream_says_so(opened: Rig) -> None:
    await opened.order()
    rate, at = opened.simulator.funding_of(BTC)
    assert at % 28_800_000 == 0 and 0 < at - opened.now_ms() <= 28_800_000
    await opened.turn((at - opened.now_ms()) / 1_000)
    (row,) = await opened.positions()
    assert row["lastFundingTime"] == at
    assert D(row["cumRealizedPnl"]) == D("-0.21000175") - rate * 600


async def test_leverage_is_of_a_symbol_and_a_margin(opened: Rig) -> None:
    assert await leverage(opened, "20") == {
        "symbol": None, "isolated": True, "leverage": 20, "maxNotionalValue": 0
    }  # fmt: skip
    assert opened.simulator.state()["settings"] == {
        BTC: {"isolated": 20, "cross": 10}, ETH: {"isolated": 10, "cross": 10}
    }  # fmt: skip
    wanted = {"symbol": BTC, "isolated": True}
    for value, code in (("0", 1004), ("101", 1005), ("20", 1006), ("x", 219), (None, 216)):
        assert await opened.rest.refusal("PUT", LEVERAGE, **wanted, leverage=value) == code
    await opened.order()
    assert await opened.rest.refusal("PUT", LEVERAGE, **wanted, leverage="10") == 1012
    await leverage(opened, "40")
    (row,) = await opened.positions()
    assert D(row["isolatedMargin"]) == D("600.005") / 40
    await leverage(opened, 5, isolated=False)
    await opened.order(**CROSS)
    await leverage(opened, 4, isolated=False)
    assert held(opened, "long:cross")["leverage"] == 4, "cross may be lowered"
    opened.mark("59600")
    assert await opened.rest.refusal("PUT", LEVERAGE, **wanted, leverage="100") == 1007
    assert held(opened)["leverage"] == 40


async def test_cross_leverage_is_lowered_while_there_is_money(opened: Rig) -> None:
    opened.act("fund", amount="-99900")
    await opened.order(**CROSS)
    wanted = {"symbol": BTC, "isolated": False}
    assert await opened.rest.refusal("PUT", LEVERAGE, **wanted, leverage="5") == 1007
    assert held(opened, "long:cross")["margin"] == "60.0005"
    assert opened.simulator.state()["settings"][BTC]["cross"] == 10


async def test_isolated_margin_is_added_and_taken_off(opened: Rig) -> None:
    named = {"symbol": BTC, "positionSide": "LONG"}
    assert await opened.rest.refusal("PUT", MARGIN, **named, changeAmount="5") == 5002
    await opened.order(**CROSS)
    assert await opened.rest.refusal("PUT", MARGIN, **named, changeAmount="5") == 5002
    await opened.order()
    before = D(held(opened)["liquidation_price"])
    added = await opened.rest.do("PUT", MARGIN, **named, changeAmount="40")
    assert added == named | {"changeAmount": "40"}
    assert D(held(opened)["liquidation_price"]) < before
    await opened.rest.do("PUT", MARGIN, **named, changeAmount="-30")
    assert D(held(opened)["margin"]) == D("70.0005")
    for change, code in (("-10.01", 5004), ("100000", 5003), ("0", 1009), ("0.000000001", 1009), ("x", 1009)):
        assert await opened.rest.refusal("PUT", MARGIN, **named, changeAmount=change) == code
    moves = [row["amount"] for row in opened.simulator.state()["margin_moves"]]
    assert moves == ["40", "-30"]
    opened.act("margin", symbol=BTC, position_side="long", amount="1")
    opened.act("leverage", symbol=BTC, leverage="20")
    assert D(held(opened)["margin"]) == D("600.005") / 20 + 11


async def test_an_order_freezes_margin_and_fee_and_needs_them(opened: Rig) -> None:
    before = await opened.purse()
    await opened.order(**RESTING)
    assert (await opened.purse())["availBalance"] == before["availBalance"] - 59 - D("590") * D("0.00035")
    await opened.order()
    (row,) = await opened.positions()
    assert D(row["frozenMargin"]) == D("59.2065")
    assert await opened.refused(quantity="20") == 408
    shown, told = await opened.purse(), opened.simulator.state()["balances"]["USDT"]
    assert D(told["available"]) == shown["availBalance"]
    assert D(told["frozen"]) == shown["accountBalance"] - shown["availBalance"], "to the last digit"
    await leverage(opened, 50)
    assert D((await opened.positions())[0]["frozenMargin"]) == D("590") / 50 + D("0.2065")


async def test_an_isolated_position_is_liquidated_at_its_price(opened: Rig) -> None:
    await opened.order(tpTriggerType="LAST_PRICE", tpTriggerPrice="70000")
    await opened.order(**CLOSE | RESTING | {"price": "65000"})
    money = (await opened.purse())["accountBalance"]
    price = D(held(opened)["liquidation_price"])
    # What stands behind it is a tenth, and 0.5 % of its value has to be left: (54000.45 / 0.995) on the tick.
    assert price == D("54272.5") - D("0.5") * (price < D("54272.5"))
    opened.mark(f"{price + 1:f}")
    assert len(await opened.positions()) == 1
    opened.mark(f"{price - D('0.5'):f}")
    assert await opened.positions() == [] and await opened.open_orders() == []
    rows = {row["clientOrderId"][:3]: row for row in await opened.history()}
    (forced,) = [row for row in await opened.history() if row["clientOrderId"].startswith("LIQ")]
    assert forced["liqCounterpartyType"] == "L_LIQUIDATION" and forced["status"] == "FILLED"
    (fill, *_) = await opened.history("trade")
    assert (fill["orderId"], fill["liquidationType"]) == (forced["orderId"], "L_LIQUIDATION")
    assert D(fill["realizedPnl"]) < -57
    left = (await opened.purse())["accountBalance"]
    assert money - D("60.01") <= left < money - 57, "never more than what stood behind it"
    assert {row["status"] for name, row in rows.items() if name != "LIQ"} <= {"CANCELED", "FILLED"}


async def test_cross_positions_carry_each_other_until_nothing_is_left(opened: Rig) -> None:
    opened.act("fund", amount="-99000")
    opened.mark("2000", symbol=ETH)
    await leverage(opened, 100, isolated=False)
    await opened.order(**CROSS, quantity="0.1")
    await opened.order(**CROSS, **SHORT, symbol=ETH, quantity="1")
    await opened.order(**SHORT, quantity="0.001")
    await opened.order(**RESTING | CROSS | {"symbol": ETH, "price": "1500"}, quantity="0.01")
    before = D(held(opened, "long:cross")["liquidation_price"])
    opened.mark("1900", symbol=ETH)
    after = D(held(opened, "long:cross")["liquidation_price"])
    assert D(999) < before - after < D(1_015), "the short's hundred carries a tenth of a bitcoin so far"
    opened.mark(f"{after + 1:f}")
    assert len(await opened.positions()) == 3
    opened.mark(f"{after - 1:f}")
    names = [(row["symbol"], row["isolated"]) for row in await opened.positions()]
    assert (BTC, False) not in names and await opened.open_orders() == []
    short = held(opened, "short:cross", ETH)
    assert (
        (await opened.purse())["accountBalance"] < 0 < D(short["pnl"]) + (await opened.purse())["accountBalance"]
    )


async def test_only_the_document_s_own_coin_is_shown(opened: Rig) -> None:
    money = await opened.rest.do("GET", f"{ACCOUNT}/account/asset")
    (row,) = money["accounts"]
    assert (row["currency"], row["display"], money["totalAccountBalance"]) == ("USDT", "Tether", "100000.00000000")
    opened.act("fund", currency="usdt", amount="50")
    assert (await opened.purse())["availBalance"] == 100_050
    with pytest.raises(ValueError, match="not enough"):
        opened.act("fund", amount="-1000000")
