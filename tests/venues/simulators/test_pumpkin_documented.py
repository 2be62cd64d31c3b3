"""Pumpkin's market data: the document's fields and typing errors, units, envelopes, third-party formats."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.venues.simulators.pumpkin_rig import BTC, ETH, D, Rig, rig

P = "/v2/public"
TICKER = set("tschlavor")
AGGREGATE = TICKER | {"i", "m", "bp", "ap"}
CMC = {
    "ticker_id", "base_currency", "target_currency", "last_price", "base_volume", "usd_volume", "target_volume",
    "bid", "ask", "high", "low", "product_type", "open_interest", "open_interest_usd", "index_price",
    "creation_timestamp", "expiry_timestamp", "funding_rate", "next_funding_rate_timestamp", "maker_fee",
    "taker_fee",
}  # fmt: skip
CG = CMC - {"creation_timestamp", "expiry_timestamp"} | {
    "index_currency", "next_funding_rate", "start_timestamp", "end_timestamp"
}  # fmt: skip


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def test_symbols_have_every_field_and_count_whole_contracts(opened: Rig) -> None:
    rows = await opened.rest.get(f"{P}/symbol/list")
    assert [row["symbol"] for row in rows] == [BTC, ETH] == await opened.rest.get(f"{P}/symbol/all")
    row = await opened.rest.get(f"{P}/symbol/detail", symbol=BTC)
    assert row == rows[0] and len(row) == 45
    shown = ("contractSize", "quantityPrecision", "minStepPrice", "state", "minPrice", "multiplierUp", "minQty")
    assert [row[name] for name in shown] == ["0.0001", 0, "0.1", 0, None, "0.1", "1"]
    assert (await opened.rest.refusal("GET", f"{P}/symbol/detail", symbol="BTC_USDT"))[2] == "invalid_symbol"


async def test_tickers_count_contracts_in_a_and_money_in_v(opened: Rig) -> None:
    one = await opened.rest.get(f"{P}/q/ticker", symbol=BTC, timeRangeType="H24")
    assert set(one) == TICKER and one["c"] == "60000.0"
    contracts, value, high, low = (D(one[name]) for name in "avhl")
    assert low * contracts * D("0.0001") <= value <= high * contracts * D("0.0001")
    assert abs(D(one["r"]) - (D(one["c"]) / D(one["o"]) - 1)) < D("0.0001")
    assert [row["s"] for row in await opened.rest.get(f"{P}/q/tickers", timeRangeType="UTC_P_8")] == [BTC, ETH]
    both = await opened.rest.get(f"{P}/q/agg-ticker", symbol=BTC, timeRangeType="UTC_N_5")
    assert set(both) == AGGREGATE and (both["bp"], both["ap"], both["m"]) == ("59999.9", "60000.1", "60000.0")
    assert len(await opened.rest.get(f"{P}/q/agg-tickers", timeRangeType="H24")) == 2
    for wrong in ("H25", "UTC_P_13"):
        refusal = await opened.rest.refusal("GET", f"{P}/q/ticker", symbol=BTC, timeRangeType=wrong)
        assert refusal[2] == "invalid_time_range_type"


async def test_depth_deals_and_candles(opened: Rig) -> None:
    depth = await opened.rest.get(f"{P}/q/depth", symbol=BTC, level=2)
    assert depth["b"] == [["59999.9", "100000"]] and depth["a"] == [["60000.1", "100000"]]
    assert isinstance(depth["u"], int) and depth["u"] > 2**53
    for wrong in (0, 51):
        assert (await opened.rest.refusal("GET", f"{P}/q/depth", symbol=BTC, level=wrong))[2] == "invalid_level"
    opened.act("trade", symbol=BTC, side="sell", quantity="0.0021")
    assert (await opened.rest.get(f"{P}/q/depth", symbol=BTC, level=1))["u"] == depth["u"] + 1
    (newest, _) = await opened.rest.get(f"{P}/q/deal", symbol=BTC, num=2)
    assert newest == {"t": opened.clock.now // 1_000_000, "s": BTC, "p": "59999.9", "a": "21", "m": "ASK"}
    rows = await opened.rest.get(f"{P}/q/kline", symbol=BTC, interval="1m", limit=3)
    assert [row["t"] - rows[-1]["t"] for row in rows] == [120_000, 60_000, 0], "newest first"
    assert set(rows[0]) == set("stochlav") and rows[0]["c"] == "59999.9"
    assert D(rows[0]["v"]) > D(rows[0]["a"]) * D("0.0001") * 50_000, "contracts in a, turnover in v"
    some = await opened.rest.get(f"{P}/q/kline", symbol=BTC, interval="1m", startTime=rows[1]["t"])
    assert [row["t"] for row in some] == [rows[0]["t"], rows[1]["t"]]
    for interval in ("1w", "1M", "6M"):
        assert await opened.rest.get(f"{P}/q/kline", symbol=BTC, interval=interval, limit=1)


async def test_marks_funding_brackets_and_the_rest(opened: Rig) -> None:
    now = opened.clock.now // 1_000_000
    assert await opened.rest.get(f"{P}/q/symbol-mark-price", symbol=BTC) == {"s": BTC, "p": "60000.0", "t": now}
    assert [row["s"] for row in await opened.rest.get(f"{P}/q/mark-price")] == [BTC, ETH]
    assert D((await opened.rest.get(f"{P}/q/symbol-index-price", symbol=BTC))["p"]) == 60_000
    assert len(await opened.rest.get(f"{P}/q/index-price")) == 2
    rows = await opened.rest.get(f"{P}/q/funding-rate-record", symbol=BTC, limit=2)
    assert set(rows["items"][0]) == {"id", "symbol", "fundingRate", "createdTime", "collectionInternal"}
    assert (rows["hasPrev"], rows["hasNext"]) == (False, True)
    listed = await opened.rest.respond("GET", f"{P}/leverage/bracket/list")
    assert set(listed.json()) == {"code", "message", "data"}
    detail = await opened.rest.get(f"{P}/leverage/bracket/detail", symbol=BTC)
    assert detail["leverageBrackets"][0] == {
        "symbolId": 1, "bracket": 1, "maxPosition": "8247.00000000", "maxLeverage": "125",
        "maintenanceMargin": "0.0040", "maintenanceAmount": "0.00000000", "symbol": BTC,
    }  # fmt: skip
    fund = await opened.rest.get(f"{P}/contract/risk-balance", symbol=BTC, limit=1)
    assert fund["items"][0]["coin"] == "usdt" and fund["hasNext"] is True
    interest = await opened.rest.get(f"{P}/contract/open-interest", symbol=BTC)
    assert set(interest) == {"symbol", "openInterest", "openInterestUsd", "time"}


async def test_third_party_formats_are_misspelt_numbers_and_bare(opened: Rig) -> None:
    async def bare(path: str, **params: Any) -> Any:
        return (await opened.rest.http.get(path, params=params)).json()

    common = await opened.rest.get("/common/v2/perpetual/contracts", timestamp=1_769_126_400_000)
    assert set(common[0]) == {
        "symbol", "baseAsset", "quoteAsset", "open", "close", "hign", "low", "Amount", "volume"
    }  # fmt: skip
    assert common[0]["symbol"] == "BTC_USDT" and isinstance(common[0]["hign"], D)
    fee = await opened.rest.get("/common/v2/perpetual/fee", timestamp=1_769_126_400_000)
    volume = sum((D(row["volume"]) for row in common), D(0))
    assert abs(fee["totalFee"] - volume * D("0.0004")) < 1, "a Friday"
    cmc, cg = [await bare(f"/{name}/v2/perpetual/contracts") for name in ("cmc", "cg")]
    assert set(cmc[0]) == CMC and isinstance(cmc[0]["last_price"], str)
    assert set(cg[0]) == CG and isinstance(cg[0]["last_price"], float)
    assert (await bare("/cmc/v2/perpetual/contract_specs", symbol="BTC_USDT"))["contract_price"] == 60_000.0
    assert (await bare("/cg/v2/perpetual/contract_specs", ticker_id="BTC_USDT"))["contract_price"] == "60000"
    for path, name in (("/cmc/v2/perpetual/depth", "symbol"), ("/cg/v2/perpetual/depth", "ticker_id")):
        book = await bare(path, **{name: "BTC_USDT"})
        assert book["ticker_id"] == BTC and book["bids"] == [["59999.9", "10.0000"]], "base units"


async def test_money_keys_and_rebates(opened: Rig) -> None:
    (purse,) = await opened.rest.get("/v2/balance/list")
    assert purse == {
        "coin": "usdt", "walletBalance": "100000", "openOrderMarginFrozen": "0", "isolatedMargin": "0",
        "crossedMargin": "0", "availableBalance": "100000", "bonus": "0",
    }  # fmt: skip
    assert (await opened.rest.get("/v2/balance/detail", coin="btc"))["walletBalance"] == "0"
    assert (await opened.rest.refusal("GET", "/v2/balance/detail", coin="none"))[2] == "invalid_coin"
    key = await opened.rest.get("/v2/user/listen-key")
    assert len(key) == 32 and key == key.upper() and key != await opened.rest.get("/v2/user/listen-key")
    rows = await opened.rest.get("/v2/channel/rebateDetail", symbolId="2")
    assert [row["symbol"] for row in rows] == [ETH] and "pumpkinsUid" in rows[0] and "pumpkinUid" not in rows[0]
    opened.act("fund", amount="50")
    (bill,) = (await opened.rest.get("/v2/balance/bills"))["items"]
    assert _without(bill, "id", "createdTime") == {
        "coin": "usdt", "symbol": None, "type": "EXCHANGE", "amount": "50.00000000", "side": "ADD",
        "afterAmount": None,
    }  # fmt: skip


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
