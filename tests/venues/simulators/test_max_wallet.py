"""Money at MAX: accounts, the M-wallet from a loan to its repayment, converts and withdrawals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.max_rig import NOW, Rig, rig

D = Decimal


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig(symbols=("BTCTWD", "BTCUSDT", "USDTTWD", "MAXTWD")) as made:
        made.book("BTCUSDT", "88000", "88002", "5")
        made.book("USDTTWD", "31.499", "31.501", "100000")
        yield made


async def account(opened: Rig, currency: str, wallet: str = "m") -> Any:
    (row,) = await opened.rest.do("GET", f"/wallet/{wallet}/accounts", currency=currency)
    return row


async def ratio(opened: Rig) -> Decimal:
    return D((await opened.rest.do("GET", "/wallet/m/ad_ratio"))["ad_ratio"])


async def test_accounts_of_both_wallets(opened: Rig) -> None:
    spot = {row["currency"]: row for row in await opened.rest.do("GET", "/wallet/spot/accounts")}
    assert spot["twd"] == {"currency": "twd", "balance": "3000000.0", "locked": "0.0", "staked": None}
    assert spot["max"]["staked"] == "0.0"
    await opened.place(price="2000000")
    assert (await account(opened, "twd", "spot"))["locked"] == "20000.0"
    assert await account(opened, "usdt") == {
        "currency": "usdt", "balance": "10000.0", "locked": "0.0", "staked": None, "principal": "0.0",
        "interest": "0.0",
    }  # fmt: skip
    assert await opened.rest.refusal("GET", "/wallet/spot/accounts", currency="doge") == (400, 1001)


async def test_a_short_with_borrowed_coins_from_loan_to_repayment(opened: Rig) -> None:
    do = opened.rest.do
    calm = await do("GET", "/wallet/m/ad_ratio")
    assert (calm["ad_ratio"], calm["debt_in_usdt"]) == ("999999.0", "0.0")
    assert D(calm["asset_in_usdt"]) == D(10_000) + round(100_000 / D("31.5"), 8)

    loan = await do("POST", "/wallet/m/loan", currency="btc", amount="0.2")
    assert (loan["amount"], loan["currency"], loan["state"], loan["created_at"]) == (
        "0.2",
        "btc",
        "confirmed",
        NOW,
    )
    borrowed = await ratio(opened)
    assert 1 < borrowed < 2
    row = await account(opened, "btc")
    assert (row["balance"], row["principal"], row["interest"]) == ("0.2", "0.2", "0.00000062")

    order = await opened.place("m", market="btcusdt", side="sell", volume="0.2", price="88000")
    assert order["wallet_type"] == "m"
    assert (await opened.order(order["id"]))["state"] == "done"
    sold = await ratio(opened)
    opened.book("BTCUSDT", "90000", "90002", "5")
    assert await ratio(opened) < sold < borrowed, "the fee first, and then the price"

    await opened.turn(3 * 3600)
    debts = await do("GET", "/wallet/m/interests", currency="btc", order="asc")
    assert [row["created_at"] - NOW for row in debts] == [0, 3_600_000, 7_200_000, 10_800_000]
    assert {(row["principal"], row["interest_rate"]) for row in debts} == {("0.2", "0.0000031")}
    owed = await account(opened, "btc")
    assert owed["interest"] == "0.00000248" and D(owed["interest"]) == sum(D(row["amount"]) for row in debts)

    back = str(D(owed["principal"]) + D(owed["interest"]))
    assert await opened.rest.refusal("POST", "/wallet/m/repayment", currency="btc", amount=back) == (400, 2018)
    await opened.place("m", market="btcusdt", volume="0.21", price="90002")
    assert await opened.rest.refusal("POST", "/wallet/m/repayment", currency="btc", amount="0.205") == (400, 4002)
    repaid = await do("POST", "/wallet/m/repayment", currency="btc", amount=back)
    assert (repaid["principal"], repaid["interest"], repaid["state"]) == ("0.2", "0.00000248", "confirmed")
    assert (await account(opened, "btc"))["principal"] == "0.0"
    assert await ratio(opened) == 999_999
    for name in ("loans", "repayments"):
        (row,) = await do("GET", f"/wallet/m/{name}", currency="btc")
        assert row in (loan, repaid)
    assert await do("GET", "/wallet/m/loans", currency="usdt") == []


async def test_what_may_be_borrowed_has_its_bounds(opened: Rig) -> None:
    limits = await opened.rest.read("/wallet/m/limits")
    for currency, amount in (("btc", "2.1"), ("btc", "0.00001"), ("usdt", "90000"), ("btc", "0.6")):
        answer = await opened.rest.refusal("POST", "/wallet/m/loan", currency=currency, amount=amount)
        assert answer == (400, 4002), amount
    assert await opened.rest.refusal("POST", "/wallet/m/loan", currency="doge", amount="1") == (400, 1001)
    await opened.rest.do("POST", "/wallet/m/loan", currency="twd", amount="1000")
    after = await opened.rest.read("/wallet/m/limits")
    assert D(limits["twd"]) - D(after["twd"]) == 1000
    assert set(await opened.rest.read("/wallet/m/interest_rates")) == set(limits) == {"twd", "btc", "eth", "usdt"}


async def test_money_goes_in_and_comes_out_while_enough_is_left(opened: Rig) -> None:
    do, path = opened.rest.do, "/wallet/m/transfer"
    moved = await do("POST", path, currency="usdt", amount="5000", side="in")
    assert (moved["side"], moved["amount"]) == ("in", "5000.0")
    assert (await account(opened, "usdt"))["balance"] == "15000.0"
    assert (await account(opened, "usdt", "spot"))["balance"] == "45000.0"
    out = await do("POST", path, currency="usdt", amount="1000", side="out")
    await do("POST", "/wallet/m/loan", currency="btc", amount="0.15")
    assert await opened.rest.refusal("POST", path, currency="usdt", amount="9000", side="out") == (400, 4002)
    assert await opened.rest.refusal("POST", path, currency="btc", amount="0.1", side="out") == (400, 4002)
    assert await opened.rest.refusal("POST", path, currency="usdt", amount="99000", side="in") == (400, 2018)
    assert await do("GET", "/wallet/m/transfers", currency="usdt", side="in") == [moved]
    assert await do("GET", "/wallet/m/transfers", currency="usdt", side="out") == [out]


async def test_only_some_markets_are_on_the_m_wallet(opened: Rig) -> None:
    order = {"market": "maxtwd", "side": "buy", "volume": "100", "price": "5", "ord_type": "limit"}
    assert await opened.rest.refusal("POST", "/wallet/m/order", **order) == (400, 4002)
    supported = {row["id"]: row["m_wallet_supported"] for row in await opened.rest.read("/markets")}
    assert supported == {"btctwd": True, "btcusdt": True, "usdttwd": True, "maxtwd": False}


async def test_a_convert_changes_money_and_is_answered_with_201(opened: Rig) -> None:
    answer = await opened.rest.respond(
        "POST", "/convert", from_currency="twd", to_currency="usdt", from_amount="31500"
    )
    row = answer.json()
    assert answer.status_code == 201
    assert (row["from_amount"], row["to_amount"], row["fee_currency"]) == ("31500.0", "998.0", "usdt")
    assert row["created_at"] == NOW // 1000, "seconds here"
    assert (await account(opened, "twd", "spot"))["balance"] == "2968500.0"
    assert (await account(opened, "usdt", "spot"))["balance"] == "50998.0"
    assert await opened.rest.do("GET", "/convert", sn=row["sn"]) == row
    assert (await opened.rest.do("GET", "/converts"))[0] == row
    wanted = await opened.rest.do("POST", "/convert", from_currency="usdt", to_currency="btc", to_amount="0.01")
    assert wanted["to_amount"] == "0.01"
    for words in ({}, {"from_amount": "400", "to_amount": "10"}, {"from_amount": "x"}):
        answered = await opened.rest.refusal("POST", "/convert", from_currency="twd", to_currency="usdt", **words)
        assert answered == (400, 1001)
    poor = await opened.rest.respond(
        "POST", "/convert", from_currency="twd", to_currency="usdt", from_amount="9000000"
    )
    assert (poor.status_code, poor.json()["error"]["code"]) == (200, 2018)


async def test_withdrawals_take_the_money_and_are_listed(opened: Rig) -> None:
    (address,) = await opened.rest.do("GET", "/withdraw_addresses", currency="usdt")
    made = await opened.rest.do("POST", "/withdrawal", withdraw_address_uuid=address["uuid"], amount="100")
    assert (made["state"], made["amount"], made["fee"], made["created_at"]) == ("processing", "100.0", "1.0", NOW)
    assert (await account(opened, "usdt", "spot"))["balance"] == "49899.0"
    assert await opened.rest.do("GET", "/withdrawal", uuid=made["uuid"]) == made
    assert await opened.rest.do("GET", "/withdrawals", state="processing") == [made]
    twd = await opened.rest.do("POST", "/withdrawal/twd", amount="1000")
    assert (await opened.rest.do("GET", "/withdrawals", currency="twd")) == [twd]
    assert await opened.rest.refusal("POST", "/withdrawal/twd", amount="50") == (400, 2016)
    assert await opened.rest.refusal("POST", "/withdrawal/twd", amount="9000000") == (400, 2018)
    assert await opened.rest.refusal("POST", "/withdrawal", withdraw_address_uuid="x", amount="1") == (404, 4000)


async def test_what_is_not_there_is_told_by_its_own_code(opened: Rig) -> None:
    for path, words, refusal in (
        ("/deposit", {"txid": "x"}, (404, 2012)),
        ("/deposit", {"uuid": "x"}, (404, 2013)),
        ("/deposit", {}, (400, 1001)),
        ("/withdrawal", {"uuid": "x"}, (404, 4000)),
        ("/convert", {"sn": "x"}, (404, 4000)),
        ("/wallet/m/liquidation", {"sn": "x"}, (404, 4000)),
        ("/fund_transactions/deposit", {"sn": "x"}, (404, 4000)),
        ("/deposit_address", {"currency_version": "x"}, (400, 1001)),
        ("/rewards", {"reward_type": "x"}, (400, 1001)),
        ("/internal_transfers", {}, (400, 1001)),
    ):
        assert await opened.rest.refusal("GET", path, **words) == refusal, path


async def test_lists_of_funds_have_times_orders_and_limits(opened: Rig) -> None:
    do = opened.rest.do
    rows = await do("GET", "/deposits")
    times = [row["created_at"] for row in rows]
    assert times == sorted(times, reverse=True) and len(rows) == 4
    assert await do("GET", "/deposits", order="asc", limit=1) == rows[-1:]
    assert await do("GET", "/deposits", timestamp=times[1]) == rows[1:]
    assert await do("GET", "/deposits", timestamp=times[1], order="asc") == [rows[1], rows[0]]
    assert [row["currency"] for row in await do("GET", "/deposits", currency="btc")] == ["btc"]
    assert [row["type"] for row in await do("GET", "/rewards", reward_type="commission")] == ["commission"]
    (transfer,) = await do("GET", "/internal_transfers", side="in")
    assert "side" not in transfer
