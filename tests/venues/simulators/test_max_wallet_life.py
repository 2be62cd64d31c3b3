"""What happens to MAX's M-wallet by itself: interest by the hour, the AD ratio, liquidation; and its switches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.simulators.max_rig import NOW, Rig, Socket, rig
from venues.max.models import MWalletLiquidationDetail
from venues.simulators.max.liquidation import LIQUIDATION_RATIO

D = Decimal
SYMBOLS = ("BTCTWD", "ETHTWD", "BTCUSDT", "ETHUSDT", "USDTTWD")


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig(symbols=SYMBOLS) as made:
        made.book("BTCUSDT", "88000", "88002", "50")
        made.book("ETHUSDT", "3000", "3001", "500")
        made.book("USDTTWD", "31.499", "31.501", "1000000")
        made.book("BTCTWD", "2772000", "2772100", "50")
        made.book("ETHTWD", "94500", "94510", "500")
        yield made


async def debts(opened: Rig) -> dict[str, tuple[Decimal, Decimal]]:
    rows = await opened.rest.do("GET", "/wallet/m/accounts")
    return {row["currency"]: (D(row["principal"]), D(row["interest"])) for row in rows if D(row["principal"])}


async def held(opened: Rig, currency: str) -> Decimal:
    (row,) = await opened.rest.do("GET", "/wallet/m/accounts", currency=currency)
    return D(row["balance"]) + D(row["locked"])


async def newest(opened: Rig) -> Any:
    return (await opened.rest.do("GET", "/wallet/m/liquidations", limit=1))[0]


async def short(opened: Rig, amount: str = "0.2") -> None:
    """Sells borrowed coins short."""
    await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount=amount)
    await opened.place("m", market="btcusdt", side="sell", volume=amount, price="88000")


async def told_debt(socket: Socket) -> Any:
    return (await socket.find("borrowing_update"))["db"][0]


# Interest.


async def test_interest_is_charged_and_told_as_each_hour_begins(opened: Rig) -> None:
    await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.1")
    assert (await debts(opened))["btc"][1] == D("0.00000031")
    await opened.turn(3_540)
    async with opened.socket() as socket:
        await socket.log_in("borrowing")
        await opened.turn(58)
        await opened.turn(3)
        assert (await told_debt(socket))["dbi"] == "0.00000062"
        await opened.rest.do("POST", "/wallet/m/repayment", currency="btc", amount="0.05")
        assert (await told_debt(socket))["dbp"] == "0.05000062"
    await opened.turn(3_600)
    assert (await debts(opened))["btc"][1] == D("0.00000016"), "rounded up: what is shown is enough"


async def test_hours_can_be_let_pass(opened: Rig) -> None:
    await opened.rest.do("POST", "/wallet/m/loan", currency="twd", amount="10000")
    await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.1")
    async with opened.socket() as socket:
        await socket.log_in("borrowing")
        opened.act("hours", hours=10)
        assert {(await told_debt(socket))["cu"] for _ in range(2)} == {"twd", "btc"}
    assert await debts(opened) == {
        "twd": (D(10_000), D("0.682")), "btc": (D("0.1"), D("0.00000341")),
    }  # fmt: skip
    rows = await opened.rest.do("GET", "/wallet/m/interests", currency="btc", limit=1_000)
    assert (len(rows), max(row["created_at"] for row in rows)) == (11, NOW), "none of them is in the future"
    opened.act("hours", hours=1)
    assert (await debts(opened))["btc"][1] == D("0.00000372")
    for wrong in (0, -1, "3", 1.5, None, 10**9):
        with pytest.raises(ValueError, match="hours"):
            opened.act("hours", hours=wrong)


# The AD ratio, and what comes of it.


async def test_the_ratio_is_told_as_prices_move(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.log_in("ad_ratio")
        await short(opened)
        ratios = []
        for price in (90_000, 95_000, 100_000):
            opened.book("BTCUSDT", str(price), str(price + 2), "50")
            await opened.turn()
            ratio = (await opened.rest.do("GET", "/wallet/m/ad_ratio"))["ad_ratio"]
            while (told := (await socket.find("ad_ratio_update"))["ad"])["ad"] != ratio:
                pass
            assert {row["M"]: row["p"] for row in told["idxp"]}["btcusdt"] == f"{price + 1}.0"
            ratios.append(D(ratio))
        assert ratios == sorted(ratios, reverse=True) and len(set(ratios)) == 3


async def test_above_the_level_nothing_happens(opened: Rig) -> None:
    await short(opened)
    before = await newest(opened)
    opened.book("BTCUSDT", "139000", "139002", "50")
    await opened.turn(1)
    found = D((await opened.rest.do("GET", "/wallet/m/ad_ratio"))["ad_ratio"])
    assert LIQUIDATION_RATIO < found < D("1.13")
    assert await newest(opened) == before


async def test_a_wallet_below_it_is_liquidated(opened: Rig) -> None:
    await short(opened)
    rests = await opened.place("m", market="btcusdt", side="buy", volume="0.01", price="80000")
    opened.book("BTCUSDT", "150000", "150002", "50")
    async with opened.socket() as socket:
        await socket.log_in("mwallet_order", "mwallet_account", "borrowing")
        await opened.turn()
        begun = await newest(opened)
        assert begun["state"] == "processing"
        assert 1 < D(begun["ad_ratio"]) < LIQUIDATION_RATIO
        assert set(begun) == {"sn", "ad_ratio", "expected_ad_ratio", "created_at", "state"}
        assert (await opened.order(rests["id"]))["state"] == "cancel", "what rests is cancelled first"
        assert await debts(opened), "and paid back afterwards"
        await opened.turn()
        while D((await told_debt(socket))["dbp"]):
            pass
        updates = [(await socket.find("mwallet_order_update"))["o"][0] for _ in range(2)]
        assert (updates[0]["i"], updates[0]["S"]) == (rests["id"], "cancel")
        assert (updates[1]["M"], updates[1]["sd"]) == ("btcusdt", "bid")
        assert (await socket.find("mwallet_account_update"))["B"]
    assert await debts(opened) == {}
    ended = await newest(opened)
    assert ended == begun | {"state": "liquidated"}
    detail = await opened.rest.do("GET", "/wallet/m/liquidation", sn=ended["sn"])
    sales = [(sale["market"], sale["type"], sale["price"]) for sale in detail["liquidations"]]
    assert sales == [("btcusdt", "buy", "150002.0"), ("btctwd", "buy", "2772100.0")], (
        "money of one kind, then more"
    )
    paid = [sale["repayment"] for sale in detail["liquidations"]]
    assert sum(D(row["principal"]) for row in paid) == D("0.2")
    assert all(D(row["amount"]) == D(row["principal"]) + D(row["interest"]) for row in paid)
    assert msgspec.json.decode(msgspec.json.encode(detail), type=MWalletLiquidationDetail, strict=False)
    assert await held(opened, "usdt") < 10_000
    await opened.turn(1)
    assert await newest(opened) == ended, "once"


async def test_assets_that_no_market_trades_against_the_debt_go_another_way(opened: Rig) -> None:
    """ETH is sold for USDT, and that buys the BTC that are owed."""
    await opened.rest.do("POST", "/wallet/m/transfer", currency="eth", amount="8", side="in")
    for currency, amount in (("usdt", "10000"), ("twd", "100000")):
        await opened.rest.do("POST", "/wallet/m/transfer", currency=currency, amount=amount, side="out")
    await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.2")
    await opened.place("m", market="btcusdt", side="sell", volume="0.2", price="88000")
    opened.book("ETHUSDT", "1050", "1051", "500")
    opened.book("BTCUSDT", "126000", "126002", "50")
    await opened.turn()
    for _ in range(4):
        await opened.turn()
    ended = await newest(opened)
    assert ended["state"] == "liquidated"
    detail = await opened.rest.do("GET", "/wallet/m/liquidation", sn=ended["sn"])
    assert {(row["market"], row["type"]) for row in detail["liquidations"]} == {
        ("ethusdt", "sell"), ("btcusdt", "buy"),
    }  # fmt: skip
    assert await debts(opened) == {}


async def test_a_debt_that_nothing_covers_is_left_to_be_paid(opened: Rig) -> None:
    await short(opened)
    opened.book("BTCUSDT", "400000", "400002", "50")
    opened.book("USDTTWD", "31.499", "31.501", "1000000")
    for _ in range(8):
        await opened.turn()
    recovering = await newest(opened)
    assert recovering["state"] == "debt_recovery"
    (left,) = (await debts(opened)).values()
    assert 0 < left[0] < D("0.2")
    await opened.rest.do("POST", "/wallet/m/transfer", currency="btc", amount=str(sum(left)), side="in")
    await opened.turn()
    assert await debts(opened) == {}, "what comes in is taken"
    assert (await newest(opened)) == recovering | {"state": "liquidated"}


async def test_where_nobody_trades_it_is_tried_until_somebody_does(opened: Rig) -> None:
    await short(opened)
    opened.book("BTCUSDT", "150000", "150002", "50")
    opened.book("BTCTWD", "4700000", "4700100", "50")
    await opened.turn()
    for symbol in ("BTCUSDT", "BTCTWD"):
        opened.act("clear", symbol=symbol)
    opened.act("trade", symbol="BTCUSDT", side="buy", quantity="0.1")
    for _ in range(3):
        await opened.turn()
    assert (await newest(opened))["state"] == "processing"
    assert await debts(opened)
    opened.book("BTCUSDT", "150000", "150002", "50")
    opened.book("BTCTWD", "4700000", "4700100", "50")
    for _ in range(3):
        await opened.turn()
    assert (await newest(opened))["state"] == "liquidated"


async def test_what_was_done_can_be_looked_at(opened: Rig) -> None:
    loan = await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.1")
    moved = await opened.rest.do("POST", "/wallet/m/transfer", currency="usdt", amount="5", side="in")
    assert opened.simulator.state()["m_wallet"] == {
        "loans": [{"sn": loan["sn"], "currency": "BTC", "amount": "0.1", "interest": "0", "side": ""}],
        "transfers": [{"sn": moved["sn"], "currency": "USDT", "amount": "5", "interest": "0", "side": "in"}],
        "repayments": [],
    }


# Switches.


async def test_an_account_without_an_m_wallet(opened: Rig) -> None:
    opened.act("m_wallet", enabled=False)
    assert not (await opened.rest.do("GET", "/info"))["m_wallet_enabled"]
    for method, path, words in (
        ("GET", "/wallet/m/accounts", {}),
        ("GET", "/wallet/m/ad_ratio", {}),
        ("POST", "/wallet/m/loan", {"currency": "btc", "amount": "0.1"}),
        ("POST", "/wallet/m/order", {"market": "btcusdt", "side": "buy", "volume": "1", "price": "1"}),
    ):
        assert await opened.rest.refusal(method, path, **words) == (400, 4002), path
    assert await opened.rest.read("/wallet/m/limits"), "which is public"
    assert await opened.rest.do("GET", "/wallet/spot/accounts")
    opened.act("m_wallet", enabled=True)
    assert await opened.rest.do("GET", "/wallet/m/accounts")
    with pytest.raises(ValueError, match="enabled"):
        opened.act("m_wallet", enabled="no")


async def test_open_orders_of_one_market_only(opened: Rig) -> None:
    order = await opened.place()
    path = "/wallet/spot/orders/open"
    assert [row["id"] for row in await opened.rest.do("GET", path)] == [order["id"]]
    opened.act("require_market", required=True)
    assert await opened.rest.refusal("GET", path) == (400, 1001)
    assert [row["id"] for row in await opened.rest.do("GET", path, market="btctwd")] == [order["id"]]
    assert await opened.rest.do("GET", path, market="btcusdt") == []
    assert await opened.rest.do("GET", "/wallet/spot/orders/closed") == []
    opened.act("require_market", required=False)
    assert await opened.rest.do("GET", path)


# Faults.

FUNDS = (
    ("loan", "loans", {"currency": "btc", "amount": "0.1"}),
    ("transfer", "transfers", {"currency": "usdt", "amount": "5", "side": "in"}),
    ("repayment", "repayments", {"currency": "btc", "amount": "0.1"}),
)


@pytest.mark.parametrize(("name", "listed", "words"), FUNDS)
async def test_one_that_is_refused_and_done_later_all_the_same(
    opened: Rig, name: str, listed: str, words: dict[str, str]
) -> None:
    await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.11")
    at = {one: value for one, value in words.items() if one != "amount"}
    count = len(await opened.rest.do("GET", f"/wallet/m/{listed}", **at))
    opened.faults.switch("late-booking@submit=3*1")
    assert await opened.rest.refusal("POST", f"/wallet/m/{name}", **words) == (400, 2002)
    await opened.turn(2)
    assert len(await opened.rest.do("GET", f"/wallet/m/{listed}", **at)) == count
    await opened.turn(2)
    assert len(await opened.rest.do("GET", f"/wallet/m/{listed}", **at)) == count + 1


async def test_lists_that_do_not_know_yet_what_is_new(opened: Rig) -> None:
    opened.faults.switch("stale-orders@query=3")
    loan = await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.1")
    assert await opened.rest.do("GET", "/wallet/m/loans", currency="btc") == []
    await opened.turn(4)
    assert await opened.rest.do("GET", "/wallet/m/loans", currency="btc") == [loan]


async def test_a_late_one_that_can_not_be_done_by_then_is_not(opened: Rig) -> None:
    opened.faults.switch("late-booking@submit=1*1")
    words = {"currency": "btc", "amount": "0.6"}
    assert await opened.rest.refusal("POST", "/wallet/m/loan", **words) == (400, 2002)
    await opened.turn(2)
    assert await opened.rest.do("GET", "/wallet/m/loans", currency="btc") == []
