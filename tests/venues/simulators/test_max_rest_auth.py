"""Who asks MAX: the document's worked examples byte for byte, nonces, and how strangers are answered."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.venues.simulators.max_rig import KEY, ROOT, SECRET, Rig, headers_of, payload_of, rig, signed
from venues.simulators.max.signing import is_signature, parse_payload, signature

NONCE = 1_700_000_000_000
# The worked examples of the document: what is signed, its path, the payload, the signature.
EXAMPLES: tuple[tuple[dict[str, Any], str, str, str], ...] = (
    (
        {"nonce": NONCE},
        "/api/v3/info",
        "eyJub25jZSI6MTcwMDAwMDAwMDAwMCwicGF0aCI6Ii9hcGkvdjMvaW5mbyJ9",
        "7ed2db60bd66d9d7b01c46e098c95ab2574f468c7e7a5830a073e24a1929f3c3",
    ),
    (
        {"nonce": NONCE, "currency": "btc"},
        "/api/v3/wallet/spot/accounts",
        "eyJub25jZSI6MTcwMDAwMDAwMDAwMCwiY3VycmVuY3kiOiJidGMiLCJwYXRoIjoiL2FwaS92My93YWxsZXQvc3BvdC9hY2NvdW50cyJ9",
        "a249cd353d8c7318a5aa6f0949cd6481d808949a5d557df84fbd1da50d5c20f3",
    ),
    (
        {
            "nonce": NONCE + 1, "market": "btctwd", "side": "buy", "volume": "0.001", "price": "2800000.0",
            "ord_type": "limit", "client_oid": "demo-1",
        },
        "/api/v3/wallet/spot/order",
        ("eyJub25jZSI6MTcwMDAwMDAwMDAwMSwibWFya2V0IjoiYnRjdHdkIiwic2lkZSI6ImJ1eSIsInZvbHVtZSI6IjAuMDAxIiwicHJpY2U"
        "iOiIyODAwMDAwLjAiLCJvcmRfdHlwZSI6ImxpbWl0IiwiY2xpZW50X29pZCI6ImRlbW8tMSIsInBhdGgiOiIvYXBpL3YzL3dhbGxldC"
        "9zcG90L29yZGVyIn0="),
        "e3a8b0f0aab70fd46b2962a11f852e517cd8a2b5fe1759313532dfd403e9f017",
    ),
)  # fmt: skip


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


@pytest.mark.parametrize(("params", "path", "payload", "digest"), EXAMPLES)
def test_the_worked_examples_byte_for_byte(params: Any, path: str, payload: str, digest: str) -> None:
    assert payload_of(params, path) == payload
    assert signed(payload) == signature(payload, SECRET) == digest
    assert is_signature(payload, SECRET, digest) and not is_signature(payload, SECRET, digest.upper())
    assert parse_payload(payload) == {**params, "nonce": str(params["nonce"]), "path": path}


def test_the_streams_worked_example() -> None:
    digest = "9e0b422b41a525be6e8da56aac3ea3911ba33c5f94f5fa4d106e76c2ed689bb5"
    assert signed(str(NONCE)) == signature(str(NONCE), SECRET) == digest


async def test_the_worked_examples_are_accepted_on_the_wire(opened: Rig) -> None:
    """The rig's clock stands at the examples' nonce."""
    http = opened.rest.http
    for params, path, payload, digest in EXAMPLES:
        headers = {"X-MAX-ACCESSKEY": KEY, "X-MAX-PAYLOAD": payload, "X-MAX-SIGNATURE": digest}
        if path.endswith("order"):
            answer = await http.post(path, json=params, headers=headers)
            assert answer.json()["client_oid"] == "demo-1"
        elif path.endswith("info"):
            answer = await http.get(f"{path}?nonce={NONCE}", headers=headers)
            assert answer.json()["email"]
        else:
            # The second one has the first one's nonce: right in every other way, and used.
            answer = await http.get(path, params=params, headers=headers)
            assert answer.json()["error"]["code"] == 2006
            continue
        assert answer.status_code == 200


async def test_the_order_of_what_is_signed_is_free(opened: Rig) -> None:
    path = f"{ROOT}/wallet/spot/accounts"
    values: dict[str, Any] = {"currency": "btc", "nonce": NONCE}
    text = json.dumps({"path": path, "nonce": str(NONCE), "currency": "btc"}, indent=2)
    payload = base64.b64encode(text.encode()).decode()
    headers = {"X-MAX-ACCESSKEY": KEY, "X-MAX-PAYLOAD": payload, "X-MAX-SIGNATURE": signed(payload)}
    answer = await opened.rest.http.get(path, params=values, headers=headers)
    assert [row["currency"] for row in answer.json()] == ["btc"]


async def ask(opened: Rig, path: str, params: dict[str, Any], headers: dict[str, str]) -> tuple[int, int]:
    answer = await opened.rest.http.get(path, params=params, headers=headers)
    return answer.status_code, answer.json().get("error", {}).get("code", 0)


async def test_strangers_are_refused_by_their_code(opened: Rig) -> None:
    path, params = f"{ROOT}/info", {"nonce": NONCE}
    right = headers_of(params, path)
    for headers, code in (
        ({}, 2001),
        ({**right, "X-MAX-SIGNATURE": ""}, 2001),
        ({**right, "X-MAX-ACCESSKEY": "nobody"}, 2008),
        ({**right, "X-MAX-SIGNATURE": "0" * 64}, 2005),
        (headers_of(params, path, secret="wrong"), 2005),
        ({**right, "X-MAX-SIGNATURE": right["X-MAX-SIGNATURE"].upper()}, 2005),
        (headers_of(params, f"{ROOT}/orders"), 2005),
        (headers_of({"nonce": NONCE, "more": 1}, path), 2005),
        ({**right, "X-MAX-PAYLOAD": "%%%", "X-MAX-SIGNATURE": signed("%%%")}, 2001),
        ({**right, "X-MAX-PAYLOAD": "WzFd", "X-MAX-SIGNATURE": signed("WzFd")}, 2001),
    ):
        assert await ask(opened, path, params, headers) == (401, code)
    assert await ask(opened, path, {**params, "x": "y"}, right) == (401, 2005)
    assert await ask(opened, path, params, {**right, "X-Sub-Account": "other"}) == (400, 4002)
    assert await ask(opened, path, params, right) == (200, 0), "no refused request has used the nonce"


async def test_a_nonce_is_within_thirty_seconds_and_used_once(opened: Rig) -> None:
    path = f"{ROOT}/info"
    for nonce, code in (
        (NONCE - 30_001, 2007),
        (NONCE + 30_001, 2007),
        (NONCE - 30_000, 0),
        (NONCE + 30_000, 0),
        (NONCE - 30_000, 2006),
        (NONCE + 30_000, 2006),
        (NONCE - 5, 0),  # not ascending: it only has to be new
        ("soon", 2007),
        ("", 2007),
    ):
        params: dict[str, Any] = {"nonce": nonce}
        assert (await ask(opened, path, params, headers_of(params, path)))[1] == code, nonce
    opened.clock.turn(59)
    params = {"nonce": NONCE + 30_000}
    assert (await ask(opened, path, params, headers_of(params, path)))[1] == 2006, "remembered while it is near"


async def test_the_nonce_is_held_against_the_venues_own_clock(opened: Rig) -> None:
    opened.faults.switch("skewed-clock=90")
    assert await opened.rest.refusal("GET", "/info") == (401, 2007)
    assert (await opened.rest.read("/timestamp"))["timestamp"] == NONCE // 1000 + 90
    opened.faults.switch("skewed-clock=-20")
    assert (await opened.rest.do("GET", "/info"))["level"] == 2


@pytest.mark.parametrize(
    "body", [b"not json", b"[1]", b"[" * 100_000, b'{"nonce":1,"nonce"', b"\xff", b'{"a":{}}', b'{"a":[[]]}']
)
async def test_bodies_that_are_no_parameters(opened: Rig, body: bytes) -> None:
    answer = await opened.rest.http.post(f"{ROOT}/wallet/spot/order", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 1001)


async def test_errors_have_the_documented_shape(opened: Rig) -> None:
    answer = await opened.rest.http.get(f"{ROOT}/depth", params={"market": "nothing"})
    assert answer.status_code == 400
    words = {"code": 1001, "message": "market does not have a valid value", "info": {}}
    assert answer.json() == {"success": False, "error": words}
    assert len(answer.headers["x-request-id"]) == 32
    for path in ("/api/v3/nothing", "/api/v2/markets", "/", "/api/v3/wallet/other/accounts"):
        answer = await opened.rest.http.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, 404)
        assert "info" not in answer.json()["error"]
    assert (await opened.rest.http.put(f"{ROOT}/info")).status_code == 404


async def test_a_refused_key_and_a_maintenance(opened: Rig) -> None:
    opened.faults.switch("auth-refused")
    assert await opened.rest.refusal("GET", "/info") == (401, 2005)
    assert await opened.rest.read("/markets")
    opened.faults.switch("maintenance")
    assert await opened.rest.refusal("GET", "/info") == (503, 503)
    status: httpx.Response = await opened.rest.http.get("/api/status/max-api")
    assert (status.json()["service"], status.json()["status"]) == ("max-api", "maintenance")
    opened.faults.heal()
    assert (await opened.rest.http.get("/api/status/max-api")).json()["status"] == "online"


async def test_twelve_hundred_requests_a_minute_and_no_more(opened: Rig) -> None:
    quotas = opened.simulator._rest._quotas
    for is_signed, path in ((False, "/timestamp"), (True, "/info")):
        for _ in range(1_198):
            assert quotas[is_signed].take(opened.clock.now)
        answers = [await opened.rest.respond("GET", path) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[2].json() == {"success": False, "error": {"code": 429, "message": "Too Many Requests"}}
    opened.clock.turn(60)
    assert (await opened.rest.read("/timestamp"))["timestamp"] == NONCE // 1000 + 60
    assert await opened.rest.do("GET", "/info")


async def test_too_many_requests_is_said_in_every_form(opened: Rig) -> None:
    opened.faults.switch("rate-limit=7")
    assert (await opened.rest.respond("DELETE", "/order", id=1)).json()["error"]["code"] == 429
    said = []
    for _ in range(3):
        answer = await opened.rest.respond("GET", "/info")
        assert answer.status_code == 429
        said.append((answer.headers["content-type"].split(";")[0], answer.headers.get("retry-after")))
    assert sorted(said, key=str) == [
        ("application/json", str(NONCE // 1000 + 7)),
        ("application/json", None),
        ("text/html", "7"),
    ]


async def test_a_ban_lasts_for_its_seconds(opened: Rig) -> None:
    opened.faults.switch("ban=5")
    answer = await opened.rest.http.get(f"{ROOT}/markets")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, str(NONCE // 1000 + 5))
    assert (await opened.rest.respond("GET", "/info")).status_code == 429
    opened.clock.turn(5)
    assert await opened.rest.do("GET", "/info")
    opened.faults.switch("ban@submit=60")
    assert await opened.rest.do("GET", "/info")
    assert (await opened.rest.respond("POST", "/wallet/spot/order")).status_code == 429
    opened.faults.heal()
    assert await opened.rest.refusal("POST", "/wallet/spot/order") == (400, 1001)


async def test_the_secret_is_not_shown(opened: Rig) -> None:
    assert SECRET not in repr(opened.simulator)
