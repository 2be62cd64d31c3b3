"""Signatures, byte for byte."""

from __future__ import annotations

import base64
from typing import TypeAlias

import msgspec
import pytest

from venues.errors import BadRequest
from venues.max.auth import (
    account_headers,
    build_auth_headers,
    encode_payload,
    sign_nonce,
    sign_payload,
    sign_with,
)
from venues.max.parameters import Value
from venues.port import Credentials
from venues.transport.exchange import Request

SECRET = "SK_TEST_0123456789abcdef"
KEY = Credentials("AK_TEST", SECRET)
NONCE = 1_700_000_000_000

Worked: TypeAlias = "tuple[str, str, dict[str, Value], int, str, str]"

INFO: Worked = (
    "GET", "/api/v3/info", {}, NONCE,
    "eyJub25jZSI6MTcwMDAwMDAwMDAwMCwicGF0aCI6Ii9hcGkvdjMvaW5mbyJ9",
    "7ed2db60bd66d9d7b01c46e098c95ab2574f468c7e7a5830a073e24a1929f3c3",
)  # fmt: skip
ACCOUNTS: Worked = (
    "GET", "/api/v3/wallet/spot/accounts", {"currency": "btc"}, NONCE,
    "eyJub25jZSI6MTcwMDAwMDAwMDAwMCwiY3VycmVuY3kiOiJidGMiLCJwYXRoIjoiL2FwaS92My93YWxsZXQvc3BvdC9hY2NvdW50cyJ9",
    "a249cd353d8c7318a5aa6f0949cd6481d808949a5d557df84fbd1da50d5c20f3",
)  # fmt: skip
ORDER: Worked = (
    "POST", "/api/v3/wallet/spot/order",
    {
        "market": "btctwd", "side": "buy", "volume": "0.001", "price": "2800000.0", "ord_type": "limit",
        "client_oid": "demo-1",
    },
    NONCE + 1,
    (
        "eyJub25jZSI6MTcwMDAwMDAwMDAwMSwibWFya2V0IjoiYnRjdHdkIiwic2lkZSI6ImJ1eSIsInZvbHVtZSI6IjAuMDAxIiwicHJpY2UiOiIy"
        "ODAwMDAwLjAiLCJvcmRfdHlwZSI6ImxpbWl0IiwiY2xpZW50X29pZCI6ImRlbW8tMSIsInBhdGgiOiIvYXBpL3YzL3dhbGxldC9zcG90L29y"
        "ZGVyIn0="
    ),
    "e3a8b0f0aab70fd46b2962a11f852e517cd8a2b5fe1759313532dfd403e9f017",
)  # fmt: skip
EXAMPLES = pytest.mark.parametrize(
    ("verb", "path", "params", "nonce", "payload", "signature"),
    [INFO, ACCOUNTS, ORDER],
    ids=["without parameters", "query", "body"],
)


def request(verb: str, path: str, params: object, query: str = "", sub_account: str = "") -> Request:
    headers = account_headers(sub_account)
    body = msgspec.json.encode(params)
    return Request(what="test", method=verb, path=path, body=body, headers=headers, is_private=True, query=query)


@EXAMPLES
def test_worked_examples(
    verb: str, path: str, params: dict[str, Value], nonce: int, payload: str, signature: str
) -> None:
    assert encode_payload(path, params, nonce) == payload
    assert sign_payload(payload, SECRET) == signature
    signed = sign_with(KEY)(request(verb, path, params), nonce)
    assert signed.headers == build_auth_headers(KEY, path, params, nonce)
    assert dict(signed.headers) == {
        "X-MAX-ACCESSKEY": "AK_TEST",
        "X-MAX-PAYLOAD": payload,
        "X-MAX-SIGNATURE": signature,
    }


def test_where_the_parameters_go() -> None:
    sign = sign_with(KEY)
    verb, path, params, nonce, *_ = ACCOUNTS
    read = sign(request(verb, path, params), nonce)
    assert (read.query, read.body) == ("nonce=1700000000000&currency=btc", b"")
    verb, path, params, nonce, *_ = ORDER
    command = sign(request(verb, path, params), nonce)
    assert command.query == ""
    assert msgspec.json.decode(command.body) == {"nonce": nonce, **params}
    assert b'"path"' not in command.body


def test_login_of_the_stream() -> None:
    expected = "9e0b422b41a525be6e8da56aac3ea3911ba33c5f94f5fa4d106e76c2ed689bb5"
    assert sign_nonce(NONCE, SECRET) == expected


def test_numbers_stay_numbers_and_lists_lose_their_brackets_in_the_payload() -> None:
    signed = sign_with(KEY)(request("GET", "/api/v3/x", {"limit": 5, "asc": False, "markets": ["a", "b"]}), 7)
    said = msgspec.json.decode(base64.b64decode(dict(signed.headers)["X-MAX-PAYLOAD"]))
    assert said == {"nonce": 7, "limit": 5, "asc": False, "markets": ["a", "b"], "path": "/api/v3/x"}
    assert signed.query == "nonce=7&limit=5&asc=false&markets%5B%5D=a&markets%5B%5D=b"


def test_a_sub_account_is_named_in_a_header_alone_and_never_forgotten() -> None:
    """Without that header the call would be for the main account."""
    sign = sign_with(Credentials("AK_TEST", SECRET, sub_account="s1-example"))
    unsigned = request("GET", "/api/v3/info", {}, sub_account="s1-example")
    assert dict(unsigned.headers)["X-Sub-Account"] == "s1-example"
    assert dict(sign(unsigned, NONCE).headers)["X-MAX-SIGNATURE"] == INFO[-1]
    for other in ("", "s2-example"):
        with pytest.raises(BadRequest, match="another account"):
            sign(request("GET", "/api/v3/info", {}, sub_account=other), NONCE)
    with pytest.raises(BadRequest, match="another account"):
        sign_with(KEY)(unsigned, NONCE)


@pytest.mark.parametrize(
    "wrong",
    [
        request("GET", "/api/v3/x", {"nonce": 1}),
        request("POST", "/api/v3/x", {"path": "/api/v3/y"}),
        request("POST", "/api/v3/x", {"price": 1.5}),
        request("POST", "/api/v3/x", {"nested": {"a": "b"}}),
        request("POST", "/api/v3/x", {"a": None}),
        request("POST", "/api/v3/x", ["a"]),
        request("GET", "/api/v3/x", {}, query="a=b"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_signed(wrong: Request) -> None:
    with pytest.raises(BadRequest):
        sign_with(KEY)(wrong, NONCE)


def test_nothing_shows_the_secret() -> None:
    signed = sign_with(KEY)(request("POST", "/api/v3/x", {"a": "b"}), NONCE)
    assert SECRET not in repr((signed, KEY)) + str(signed.headers) + signed.query + signed.body.decode()
