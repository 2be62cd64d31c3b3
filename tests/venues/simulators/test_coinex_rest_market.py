"""The public half of the CoinEx simulator's REST, and what the gateway in front of it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from email.utils import parsedate_to_datetime

import pytest

from tests.venues.simulators.coinex_rest import NOW_MS, RestClient, TurnedClock, make_simulator
from venues.simulators.coinex.markets import listings


@pytest.fixture
async def client() -> AsyncIterator[RestClient]:
    clock = TurnedClock()
    async with RestClient(make_simulator(clock), clock) as client:
        yield client


def test_there_are_markets_for_a_watchlist_of_twenty() -> None:
    found = listings()
    assert len(found) >= 20
    assert len({listing.instrument.tick_size for listing in found}) >= 5
    for listing in found:
        assert listing.id.symbol == f"{listing.instrument.base}{listing.instrument.quote}"
        assert listing.opening_price % listing.instrument.tick_size == 0
    with pytest.raises(ValueError, match="NOSUCH"):
        listings(("NOSUCH",))


async def test_markets_are_listed_with_their_terms(client: RestClient) -> None:
    assert await client.read("/market/list") == ["BTCUSDT", "ETHUSDT", "CETUSDT"]
    info = await client.read("/market/info")
    assert info["BTCUSDT"] == await client.read("/market/detail", market="BTCUSDT")
    assert info["BTCUSDT"] == {
        "taker_fee_rate": "0.002",
        "pricing_name": "USDT",
        "trading_name": "BTC",
        "min_amount": "0.0001",
        "name": "BTCUSDT",
        "trading_decimal": 8,
        "maker_fee_rate": "0.0016",
        "pricing_decimal": 2,
    }


async def test_a_book_has_the_quotes_best_first_and_merges_them(client: RestClient) -> None:
    client.book("BTCUSDT", "60000.49", "60010.51")
    client.act("quote", symbol="BTCUSDT", side="buy", price="60000.41", quantity="0.25")
    depth = await client.read("/market/depth", market="BTCUSDT", merge="0")
    assert depth["bids"] == [["60000.49", "1.00000000"], ["60000.41", "0.25000000"]]
    assert depth["asks"] == [["60010.51", "1.00000000"]]
    assert depth["time"] == NOW_MS
    merged = await client.read("/market/depth", market="BTCUSDT", merge="0.1", limit=5)
    assert merged["bids"] == [["60000.40", "1.25000000"]]
    assert merged["asks"] == [["60010.60", "1.00000000"]]


async def test_a_book_is_cut_to_its_limit(client: RestClient) -> None:
    depth = await client.read("/market/depth", market="BTCUSDT", merge="0", limit=50)
    assert len(depth["bids"]) >= 20 and len(depth["asks"]) >= 20
    short = await client.read("/market/depth", market="BTCUSDT", merge="0", limit=5)
    assert short["bids"] == depth["bids"][:5] and short["asks"] == depth["asks"][:5]
    prices = [Decimal(price) for price, _ in depth["bids"]]
    assert prices == sorted(prices, reverse=True)
    assert prices[0] < Decimal(depth["asks"][0][0])


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/market/depth", {"market": "BTCUSDT"}, 2),
        ("/market/depth", {"market": "BTCUSDT", "merge": "0.3"}, 651),
        ("/market/depth", {"market": "BTCUSDT", "merge": "0", "limit": "7"}, 2),
        ("/market/depth", {"merge": "0"}, 2),
        ("/market/detail", {"market": "NOSUCH"}, 2),
        ("/market/deals", {"market": "BTCUSDT", "limit": "1001"}, 2),
        ("/market/deals", {"market": "BTCUSDT", "limit": "x"}, 2),
        ("/market/kline", {"market": "BTCUSDT", "type": "7min"}, 2),
        ("/market/kline", {"market": "BTCUSDT"}, 2),
        ("/market/ticker", {}, 2),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: RestClient, path: str, params: dict[str, str], code: int
) -> None:
    answer = (await client.raw("GET", path, params=params)).json()
    assert answer["code"] == code
    assert answer["message"] and answer["data"] == {}


async def test_deals_are_newest_first_and_follow_an_id(client: RestClient) -> None:
    client.book("BTCUSDT", "60000", "60010")
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.1")
    client.clock.turn(1)
    client.act("trade", symbol="BTCUSDT", side="sell", quantity="0.2")
    deals = await client.read("/market/deals", market="BTCUSDT")
    assert [(deal["type"], deal["price"], deal["amount"]) for deal in deals] == [
        ("sell", "60000.00", "0.20000000"),
        ("buy", "60010.00", "0.10000000"),
    ]
    assert deals[0]["date_ms"] == NOW_MS + 1000 and deals[0]["date"] == NOW_MS // 1000 + 1
    newer = await client.read("/market/deals", market="BTCUSDT", last_id=deals[1]["id"])
    assert newer == deals[:1]
    assert await client.read("/market/deals", market="BTCUSDT", limit=1) == deals[:1]


async def test_candles_have_the_close_before_the_high(client: RestClient) -> None:
    client.book("BTCUSDT", "60000", "60010")
    for side in ("buy", "sell"):
        client.act("trade", symbol="BTCUSDT", side=side, quantity="0.1")
    rows = await client.read("/market/kline", market="BTCUSDT", type="1min", limit=3)
    assert len(rows) == 3
    start, opened, close, high, low, volume, value = rows[-1]
    assert start == NOW_MS // 1000 // 60 * 60
    assert close == "60000.00"
    assert Decimal(high) >= max(Decimal(opened), Decimal(60010)) and Decimal(low) <= Decimal(close)
    assert Decimal(value) / Decimal(volume) == pytest.approx(Decimal(60000), rel=Decimal("0.2"))


@pytest.mark.parametrize(
    ("period", "seconds"),
    [("1min", 60), ("3min", 180), ("30min", 1800), ("2hour", 7200), ("6hour", 21600), ("1week", 604800)],
)
async def test_candles_of_every_period_are_whole(client: RestClient, period: str, seconds: int) -> None:
    rows = await client.read("/market/kline", market="ETHUSDT", type=period, limit=30)
    starts = [row[0] for row in rows]
    assert len(rows) == 30
    assert starts == list(range(starts[0], starts[0] + 30 * seconds, seconds))
    assert starts[0] % seconds == 0
    for _, *prices, _, _ in rows:
        opened, close, high, low = map(Decimal, prices)
        assert low <= min(opened, close) <= max(opened, close) <= high


async def test_tickers_tell_of_the_day_and_the_touch(client: RestClient) -> None:
    client.book("BTCUSDT", "60000", "60010", "2")
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.5")
    one = await client.read("/market/ticker", market="BTCUSDT")
    every = await client.read("/market/ticker/all")
    assert every["ticker"]["BTCUSDT"] == one["ticker"]
    assert set(every["ticker"]) == {"BTCUSDT", "ETHUSDT", "CETUSDT"}
    ticker = one["ticker"]
    assert one["date"] == NOW_MS
    assert (ticker["buy"], ticker["sell"], ticker["last"]) == ("60000.00", "60010.00", "60010.00")
    assert (ticker["buy_amount"], ticker["sell_amount"]) == ("2.00000000", "1.50000000")
    assert Decimal(ticker["low"]) <= Decimal(ticker["last"]) <= Decimal(ticker["high"])
    assert Decimal(ticker["vol"]) > 0


async def test_an_empty_book_is_a_book_without_levels(client: RestClient) -> None:
    client.act("clear", symbol="BTCUSDT")
    depth = await client.read("/market/depth", market="BTCUSDT", merge="0")
    assert depth["bids"] == [] and depth["asks"] == []
    ticker = (await client.read("/market/ticker", market="BTCUSDT"))["ticker"]
    assert (ticker["buy"], ticker["sell_amount"]) == ("0", "0")


async def test_the_other_public_lists(client: RestClient) -> None:
    rates = await client.read("/common/currency/rate")
    assert rates["USDT_to_USD"] == "1" and Decimal(rates["BTC_to_USD"]) > 1000
    assert set(await client.read("/common/asset/config", coin_type="CET")) == {"CET-CSC"}
    assert len(await client.read("/common/asset/config")) == 4
    assert await client.read("/amm/market") == ["CETUSDT"]
    assert await client.read("/margin/market") == {"ETHUSDT": 1, "BTCUSDT": 2}
    info = await client.read("/order/market/trade/info")
    assert info["BTCUSDT"]["depths"] == ["10", "1", "0.1", "0.01"]
    assert info["CETUSDT"]["is_amm_market"] is True
    assert await client.read("/common/maintain/info") == []
    assert await client.read("/common/temp-maintain/info") == []


async def test_the_gateway_answers_what_the_venue_does_not_know(client: RestClient) -> None:
    unknown = await client.raw("GET", "/no/such/path")
    assert unknown.status_code == 404 and "text/html" in unknown.headers["content-type"]
    wrong = await client.raw("PATCH", "/market/list")
    assert wrong.status_code == 405
    nobody = await client.raw("GET", "/market/list", headers={"user-agent": ""})
    assert nobody.status_code == 403


async def test_every_answer_is_dated_by_the_venues_clock(client: RestClient) -> None:
    client.simulator.faults.switch("skewed-clock=-120")
    answer = await client.raw("GET", "/market/ticker", params={"market": "BTCUSDT"})
    assert answer.json()["data"]["date"] == NOW_MS - 120_000
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == NOW_MS // 1000 - 120


def test_the_gate_learns_what_a_request_is() -> None:
    simulator = make_simulator(TurnedClock())
    assert simulator.call_of("POST", "/v1/order/limit") == "submit"
    assert simulator.call_of("DELETE", "/v1/order/pending") == "cancel"
    assert simulator.call_of("DELETE", "/v1/order/stop/pending/35000001") == "cancel"
    assert simulator.call_of("GET", "/v1/order/pending") == "query"
    assert simulator.call_of("GET", "/v1/balance/info") == "read"
    assert simulator.call_of("GET", "/elsewhere") == "read"
