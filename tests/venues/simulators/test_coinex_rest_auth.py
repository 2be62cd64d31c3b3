"""Who may call the CoinEx simulator's REST: signatures, tonces, limits, and the faults that refuse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import pytest

from tests.venues.simulators.coinex_rest import (
    KEY,
    NOW_MS,
    RESTING,
    SECRET,
    RestClient,
    TurnedClock,
    make_simulator,
    sign,
)
from venues.simulators.coinex.signing import signature

JSON = {"content-type": "application/json"}


@pytest.fixture
async def client() -> AsyncIterator[RestClient]:
    clock = TurnedClock()
    async with RestClient(make_simulator(clock), clock) as client:
        yield client


def test_the_wikis_worked_example() -> None:
    params = {
        "access_id": "4DA36FFC61334695A66F8D29020EB589",
        "amount": "1.0",
        "market": "BTCBCH",
        "price": "680",
        "tonce": "1513746038205",
        "type": "buy",
    }
    assert signature(params, "B51068CF10B34E7789C374AB932696A05E0A629BE7BFC62F") == (
        "610AB90A1D31D45901D173E4F59C9384"
    )


async def test_a_signed_read_of_the_worked_examples(client: RestClient) -> None:
    answer = await client.raw(
        "GET",
        f"/balance/info?access_id={KEY}&tonce={NOW_MS}",
        headers={"Authorization": "6E8A426057D4C7CA98D55B3EB14D43C2"},
    )
    assert answer.json()["code"] == 0
    assert answer.json()["data"]["USDT"] == {"available": "100000", "frozen": "0"}


@pytest.mark.parametrize("tonce", [NOW_MS, str(NOW_MS)])
async def test_a_signed_order_of_the_worked_examples(client: RestClient, tonce: object) -> None:
    body = {
        "market": "BTCUSDT", "type": "buy", "amount": "0.01", "price": "30000", "client_id": "demo_1",
        "option": "NORMAL", "access_id": KEY, "tonce": tonce,
    }  # fmt: skip
    headers = JSON | {"authorization": "ACA39C2A7E107DFAA2C79E4846C83763"}
    answer = await client.raw("POST", "/order/limit", content=json.dumps(body), headers=headers)
    assert answer.json()["code"] == 0
    assert answer.json()["data"]["client_id"] == "demo_1"


async def test_a_signed_cancel_of_the_worked_examples(client: RestClient) -> None:
    answer = await client.raw(
        "DELETE",
        f"/order/pending?market=BTCUSDT&id=12345&access_id={KEY}&tonce={NOW_MS}",
        headers={"authorization": "F2038AB736C1D698A95AA4C05D1ED929"},
    )
    assert answer.json()["code"] == 600, "signed as it should be, and there is no such order"


@pytest.mark.parametrize("digest", ["C3958232D828C4BE38A56E23F3F7E769", "lower"])
async def test_a_boolean_is_signed_as_the_demos_write_it(client: RestClient, digest: str) -> None:
    """The worked example has only these three; the rest of the order is missing, which is refused later."""
    body = {"hide": True, "market": "BTCUSDT", "type": "sell", "amount": "1", "price": "1.5"}
    signed = {**body, "hide": "true", "access_id": KEY, "tonce": NOW_MS}
    given = sign(signed) if digest == "lower" else digest
    answer = await client.raw(
        "POST",
        "/order/limit",
        content=json.dumps({**body, "access_id": KEY, "tonce": NOW_MS}),
        headers=JSON | {"authorization": given},
    )
    assert answer.json()["code"] == 606, "the signature is right; the price is not"


async def test_a_number_is_signed_with_the_text_that_it_was_sent_with(client: RestClient) -> None:
    text = (
        f'{{"market":"BTCUSDT","type":"buy","amount":0.0100,"price":30000.0,"access_id":"{KEY}","tonce":{NOW_MS}}}'
    )
    values = {"market": "BTCUSDT", "type": "buy", "amount": "0.0100", "price": "30000.0"}
    headers = JSON | {"authorization": sign(values | {"access_id": KEY, "tonce": NOW_MS})}
    answer = await client.raw("POST", "/order/limit", content=text, headers=headers)
    assert answer.json()["code"] == 0


async def test_wrong_signatures_are_refused(client: RestClient) -> None:
    params = {"access_id": KEY, "tonce": str(NOW_MS)}
    for given in (
        "",
        sign(params).lower(),
        sign(params, SECRET + "x"),
        sign({**params, "market": "BTCUSDT"}),
        "é",
    ):
        answer = await client.raw(
            "GET", "/balance/info", params=params, headers=[(b"authorization", given.encode())]
        )
        assert answer.json() == {"code": 25, "data": {}, "message": "signature error"}
    assert await client.code("GET", "/balance/info") == 0


async def test_unknown_keys_and_far_tonces_are_refused(client: RestClient) -> None:
    for params, code in (
        ({"access_id": "SOMEBODY", "tonce": str(NOW_MS)}, 24),
        ({"tonce": str(NOW_MS)}, 24),
        ({"access_id": KEY}, 227),
        ({"access_id": KEY, "tonce": "soon"}, 227),
        ({"access_id": KEY, "tonce": str(NOW_MS - 60_001)}, 227),
        ({"access_id": KEY, "tonce": str(NOW_MS + 60_001)}, 227),
        ({"access_id": KEY, "tonce": str(NOW_MS - 60_000)}, 0),
        ({"access_id": KEY, "tonce": str(NOW_MS + 60_000)}, 0),
    ):
        headers = {"authorization": sign(params)}
        answer = await client.raw("GET", "/balance/info", params=params, headers=headers)
        assert answer.json()["code"] == code, params


async def test_the_tonce_is_held_against_the_venues_own_clock(client: RestClient) -> None:
    client.simulator.faults.switch("skewed-clock=90")
    assert await client.code("GET", "/balance/info") == 227
    client.simulator.faults.switch("skewed-clock=-30")
    assert await client.code("GET", "/balance/info") == 0


async def test_bodies_that_are_no_parameters(client: RestClient) -> None:
    for body in (b"not json", b"[1]", b'{"market": {"name": 1}}', b"[" * 100_000):
        answer = await client.raw("POST", "/order/limit", content=body, headers=JSON)
        assert answer.json()["code"] == 2, body[:20]


async def test_put_takes_its_parameters_from_the_query(client: RestClient) -> None:
    assert await client.call("PUT", "/account/settings", cet_discount="True") == {}
    assert await client.call("PUT", "/v1/account/settings", cet_discount="True") == {}


async def test_two_hundred_orders_in_ten_seconds_and_no_more(client: RestClient) -> None:
    first = await client.respond("POST", "/order/limit", {**RESTING, "amount": "0.0001"})
    assert first.headers["x-ratelimit-limit"] == "200" and first.headers["x-ratelimit-remaining"] == "199"
    for _ in range(199):
        await client.respond("POST", "/order/limit", {})
    refused = await client.respond("POST", "/order/limit", {**RESTING, "amount": "0.0001"})
    assert refused.json() == {"code": 213, "data": {}, "message": "too many requests"}
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert await client.code("DELETE", "/order/pending", market="BTCUSDT", id=1) == 600, "cancels count apart"
    client.clock.turn(10)
    assert await client.code("POST", "/order/limit", **RESTING) == 0


async def test_five_loans_in_five_seconds_and_no_more(client: RestClient) -> None:
    wish = {"market": "BTCUSDT", "coin_type": "USDT", "amount": "0.5"}
    codes = [await client.code("POST", "/margin/loan", **wish) for _ in range(6)]
    assert codes == [602] * 5 + [213]


async def test_a_ban_lasts_for_its_seconds(client: RestClient) -> None:
    client.simulator.faults.switch("ban=5")
    answer = (await client.raw("GET", "/market/list")).json()
    assert answer["code"] == 23 and "ip not allow visit" in answer["message"].lower()
    assert await client.code("GET", "/balance/info") == 23
    client.clock.turn(5)
    assert await client.code("GET", "/balance/info") == 0
    client.simulator.faults.heal()
    assert await client.code("GET", "/balance/info") == 0
    client.simulator.faults.switch("ban@submit=60")
    assert await client.code("GET", "/balance/info") == 0
    assert await client.code("POST", "/order/limit", **RESTING) == 23
    client.simulator.faults.heal()
    assert await client.code("POST", "/order/limit", **RESTING) == 0


async def test_the_faults_that_refuse(client: RestClient) -> None:
    for spec, code in (("auth-refused", 25), ("maintenance", 35)):
        client.simulator.faults.switch(spec)
        assert await client.code("POST", "/order/limit", **RESTING) == code
        assert client.simulator.market.open_orders() == []
    client.simulator.faults.switch("auth-refused")
    assert (await client.raw("GET", "/market/list")).json()["code"] == 0


async def test_too_many_requests_is_said_in_every_form(client: RestClient) -> None:
    client.simulator.faults.switch("rate-limit=7")
    for _ in range(2):
        assert await client.code("POST", "/order/limit", **RESTING) == 213, "a command is always told by the code"
    said: dict[str, float] = {}
    for _ in range(4):
        answer = await client.respond("GET", "/order/pending", {"page": 1, "limit": 10})
        after = answer.headers.get("retry-after", "")
        if answer.status_code == 200:
            assert answer.json()["code"] == 213
            said["code"] = 7
        elif not after.isdigit():
            assert answer.status_code == 429
            said["date"] = parsedate_to_datetime(after).timestamp() - NOW_MS / 1000
        else:
            assert answer.status_code == 429
            said["unix" if int(after) > 1000 else "seconds"] = int(after) % (NOW_MS // 1000)
    assert said == {"code": 7, "date": 7, "unix": 7, "seconds": 7}
    assert client.simulator.market.open_orders() == []


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(make_simulator(TurnedClock()))
