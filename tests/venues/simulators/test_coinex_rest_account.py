"""Balances, fees, history and margin accounts of the CoinEx simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.venues.simulators.coinex_rest import NOW_MS, RESTING, RestClient, TurnedClock, make_simulator

D = Decimal
PAGE = {"page": 1, "limit": 100}


@pytest.fixture
async def client() -> AsyncIterator[RestClient]:
    clock = TurnedClock()
    async with RestClient(make_simulator(clock), clock) as client:
        client.book("BTCUSDT", "60000", "60010", "2")
        client.act("trade", symbol="BTCUSDT", side="sell", quantity="0.001")
        yield client


async def test_balances_leave_out_what_is_zero(client: RestClient) -> None:
    balances = await client.call("GET", "/balance/info")
    assert balances["BTC"] == {"available": "1", "frozen": "0"}
    client.act("fund", currency="BTC", amount="-1")
    client.act("fund", currency="NEW", amount="0.123456789")
    balances = await client.call("GET", "/balance/info")
    assert "BTC" not in balances
    assert balances["NEW"] == {"available": "0.12345678", "frozen": "0"}, "eight decimals, rounded down"
    with pytest.raises(ValueError, match="not enough USDT"):
        client.act("fund", currency="USDT", amount="-100001")


async def test_fees(client: RestClient) -> None:
    assert await client.call("GET", "/account/market/fee", market="BTCUSDT") == {
        "taker": "0.002",
        "maker": "0.0016",
    }
    assert await client.code("GET", "/account/market/fee") == 2
    rates = await client.call("GET", "/order/user/trade/fee")
    assert rates["spot"]["ALL"] == {"taker": "0.002", "maker": "0.0016"}


async def test_the_history_has_what_moved_money(client: RestClient) -> None:
    await client.limit(price="60010", amount="0.5")
    client.clock.turn(10)
    client.act("fund", currency="USDT", amount="7")
    rows = (await client.call("GET", "/account/balance/history", **PAGE))["data"]
    assert [(row["business"], row["asset"], row["change"]) for row in rows] == [
        ("deposit", "USDT", "7.00000000"),
        ("trade", "USDT", "-30065.01000000"),
        ("trade", "BTC", "0.50000000"),
    ]
    assert rows[0]["balance"] == "69941.99000000" and rows[0]["time"] == NOW_MS // 1000 + 10
    trades = await client.call("GET", "/account/balance/history", **PAGE, business="trade", asset="BTC")
    assert [row["balance"] for row in trades["data"]] == ["1.50000000"]
    late = await client.call("GET", "/account/balance/history", **PAGE, start_time=NOW_MS // 1000 + 1)
    assert len(late["data"]) == 1


async def test_the_accounts_that_are_not_practised_are_empty(client: RestClient) -> None:
    assert await client.call("GET", "/account/amm/balance") == []
    assert await client.call("GET", "/account/investment/balance") == []
    assert await client.call("GET", "/sub_account/balance") == {}
    assert D((await client.call("GET", "/credit/info"))["current_balance"]) > 100_000


async def test_money_goes_to_a_margin_account_and_back(client: RestClient) -> None:
    move = {"coin_type": "USDT", "amount": "1000"}
    assert await client.call("POST", "/margin/transfer", from_account=0, to_account=2, **move) is None
    account = await client.call("GET", "/margin/account", market="BTCUSDT")
    assert account == {
        "account_id": 2,
        "leverage": 5,
        "market_type": "BTCUSDT",
        "sell_asset_type": "BTC",
        "buy_asset_type": "USDT",
        "balance": {"sell_type": "0", "buy_type": "1000"},
        "frozen": {"sell_type": "0", "buy_type": "0"},
        "loan": {"sell_type": "0", "buy_type": "0"},
        "interest": {"sell_type": "0", "buy_type": "0"},
        "can_transfer": {"sell_type": "0", "buy_type": "1000"},
        "warn_rate": "",
        "liquidation_price": "",
    }
    assert await client.call("POST", "/margin/transfer", from_account=2, to_account=0, **move) is None
    assert client.balance("USDT") == (D(100_000), D(0))
    for source, target, coin, amount, code in (
        (0, 2, "USDT", "100001", 107),
        (0, 2, "ETH", "1", 2),
        (0, 99, "USDT", "1", 2),
        (0, 0, "USDT", "1", 2),
        (0, 2, "USDT", "0", 2),
    ):
        wish = {"from_account": source, "to_account": target, "coin_type": coin, "amount": amount}
        assert await client.code("POST", "/margin/transfer", **wish) == code


async def test_a_margin_account_trades_on_borrowed_money(client: RestClient) -> None:
    client.book("BTCUSDT", "60000", "60010", "0.002")
    client.act("quote", symbol="BTCUSDT", side="sell", price="60000.01", quantity="0.05")
    await client.call("POST", "/margin/transfer", from_account=0, to_account=2, coin_type="USDT", amount="1000")
    wish = {"market": "BTCUSDT", "coin_type": "USDT"}
    assert await client.code("POST", "/margin/loan", **wish, amount="4001") == 107, "five times what is one's own"
    loan = await client.call("POST", "/margin/loan", **wish, amount="2500", renew=1)
    assert isinstance(loan["loan_id"], int)
    order = await client.limit(account_id=2, amount="0.05", price="60000.01")
    assert order["status"] == "done"
    spot = (await client.call("GET", "/order/pending", **PAGE))["data"]
    resting = await client.limit(account_id=2, type="sell", amount="0.01", price="70000")
    margin = (await client.call("GET", "/order/pending", **PAGE, account_id=2))["data"]
    assert spot == [] and [row["id"] for row in margin] == [resting["id"]]
    everything = (await client.call("GET", "/order/pending", **PAGE, account_id=-1))["data"]
    assert [row["account_id"] for row in everything] == [2]
    account = await client.call("GET", "/margin/account", market="BTCUSDT")
    assert account["balance"]["sell_type"] == "0.04" and account["frozen"]["sell_type"] == "0.01"
    assert account["loan"] == {"sell_type": "0", "buy_type": "2500"}
    assert account["interest"]["buy_type"] == "0.10416666", "2500 at 0.1 % a day, the first hour at once"
    quote = D("1000") + 2500 - D("3000.0005") * D("1.002")
    assert D(account["balance"]["buy_type"]) == quote.quantize(D("1e-8"), rounding="ROUND_DOWN")
    debt = D("2500.104166666667")
    assert D(account["warn_rate"]) == ((D("0.05") * D("60000.01") + quote) / debt * 100).quantize(D("0.01"))
    price = (debt * D("1.1") - quote) / D("0.05")
    assert D(account["liquidation_price"]) == price.quantize(D("0.01"))
    assert client.balance("USDT") == (D(99_000), D(0)), "the main account has no part in it"


async def test_loans_bear_interest_by_the_hour_and_are_repaid(client: RestClient) -> None:
    await client.call("POST", "/margin/transfer", from_account=0, to_account=2, coin_type="USDT", amount="1000")
    wish = {"market": "BTCUSDT", "coin_type": "USDT"}
    loan = await client.call("POST", "/margin/loan", **wish, amount="2400")
    client.clock.turn(3600 * 4)
    owed = await client.call("GET", "/credit/balance")
    assert owed == [{"asset": "USDT", "unflat_amount": "2400.00000000", "interest_amount": "0.50000000"}]
    assert (
        await client.code(
            "POST", "/margin/transfer", from_account=2, to_account=0, coin_type="USDT", amount="1000"
        )
        == 107
    )
    assert await client.code("POST", "/margin/flat", **wish, amount="2401") == 2, "more than is owed"
    assert await client.code("POST", "/margin/flat", **wish, amount="1", loan_id=1) == 2, "another loan"
    assert await client.call("POST", "/margin/flat", **wish, amount="400.5", loan_id=loan["loan_id"]) is None
    account = await client.call("GET", "/margin/account", market="BTCUSDT")
    assert account["loan"]["buy_type"] == "2000" and account["interest"]["buy_type"] == "0"
    await client.call("POST", "/margin/flat", **wish, amount="2000")
    assert await client.call("GET", "/credit/balance") == []
    account = await client.call("GET", "/margin/account", market="BTCUSDT")
    assert account["balance"]["buy_type"] == "999.5" and account["warn_rate"] == ""


async def test_what_margin_accounts_did_is_listed(client: RestClient) -> None:
    for source, target, amount in ((0, 2, "1000"), (2, 0, "250"), (0, 1, "10")):
        wish = {"from_account": source, "to_account": target, "coin_type": "USDT", "amount": amount}
        await client.call("POST", "/margin/transfer", **wish)
    moved = await client.call("GET", "/margin/transfer/history", market="BTCUSDT", **PAGE)
    told = [
        (row["transfer_type"], row["from_account_id"], row["to_account_id"], row["amount"])
        for row in moved["records"]
    ]
    assert (told, moved["total"]) == ([("OUT", 2, 0, "250"), ("IN", 0, 2, "1000")], 2)
    assert (await client.call("GET", "/margin/transfer/history", asset="USDT"))["total"] == 3
    assert (await client.call("GET", "/margin/transfer/history", asset="BTC"))["records"] == []

    wish = {"market": "BTCUSDT", "coin_type": "USDT"}
    numbers = [
        (await client.call("POST", "/margin/loan", **wish, amount=amount))["loan_id"] for amount in ("100", "24")
    ]
    await client.call("POST", "/margin/flat", **wish, amount="24.001", loan_id=numbers[1])
    loans = await client.call("GET", "/margin/loan/history", **PAGE)
    assert (loans["page"], loans["limit"], loans["total"]) == (1, 100, 2)
    assert [
        (row["loan_id"], row["status"], row["loan_amount"], row["unflat_amount"]) for row in loans["data"]
    ] == [
        (numbers[1], "finish", "24", "0.00000000"),
        (numbers[0], "pass", "100", "100.00416666"),
    ]
    kept = await client.call("GET", "/margin/loan/history", market="BTCUSDT", status="pass")
    assert [row["loan_id"] for row in kept["data"]] == [numbers[0]]
    assert (await client.call("GET", "/margin/loan/history", market="ETHUSDT"))["data"] == []


async def test_what_this_exchange_has_none_of_is_an_empty_list(client: RestClient) -> None:
    assert (await client.call("GET", "/balance/coin/deposit", coin_type="USDT"))["data"] == []
    assert await client.call("GET", "/balance/coin/withdraw") == []
    for path in ("/contract/transfer/history", "/investment/transfer/history"):
        assert await client.call("GET", path) == {"records": [], "total": 0}


async def test_margin_terms(client: RestClient) -> None:
    config = await client.call("GET", "/margin/config", market="BTCUSDT")
    assert config["market"] == "BTCUSDT" and config["leverage"] == 5 and config["day_rate"] == "0.001"
    assert D(config["BTC"]["min_amount"]) < D(config["BTC"]["max_amount"])
    every = await client.call("GET", "/margin/config")
    assert [one["market"] for one in every] == ["ETHUSDT", "BTCUSDT"]
    assert await client.code("GET", "/margin/account", market="CETUSDT") == 2
    assert await client.code("GET", "/margin/account") == 2


async def test_cancelling_all_of_the_main_account_leaves_the_margin_account(client: RestClient) -> None:
    await client.call("POST", "/margin/transfer", from_account=0, to_account=2, coin_type="USDT", amount="1000")
    main = await client.limit()
    margin = await client.limit(account_id=2)
    await client.call("DELETE", "/order/pending", market="BTCUSDT")
    left = (await client.call("GET", "/order/pending", **PAGE, account_id=-2))["data"]
    assert [row["id"] for row in left] == [margin["id"]]
    assert main["id"] != margin["id"]
    wrong = {"market": "BTCUSDT", "id": margin["id"], "account_id": 0}
    assert await client.code("DELETE", "/order/pending", **wrong) == 600
    assert await client.call("DELETE", "/order/pending", **(wrong | {"account_id": 2}))
    assert await client.code("POST", "/order/limit", **RESTING, account_id=1) == 2, "that is another market's"
