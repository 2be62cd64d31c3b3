"""Signatures, byte for byte."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec
import pytest

from venues.coinex.auth import Value, sign_parameters, sign_with, signature
from venues.coinex.channels import sign
from venues.errors import BadRequest
from venues.port import Credentials
from venues.transport.exchange import Request

KEY = Credentials("ACCESS_TEST", "SECRET_TEST")
TONCE = 1_700_000_000_000


def request(method: str, *, query: str = "", body: object = None) -> Request:
    raw = b"" if body is None else msgspec.json.encode(body)
    return Request(what="test", method=method, path="/v1/x", query=query, body=raw, is_private=True)


def test_the_venue_s_own_example() -> None:
    parameters: dict[str, Value] = {
        "tonce": 1513746038205, "access_id": "4DA36FFC61334695A66F8D29020EB589", "amount": "1.0",
        "price": "680", "type": "buy", "market": "BTCBCH",
    }  # fmt: skip
    signed = signature(parameters, "B51068CF10B34E7789C374AB932696A05E0A629BE7BFC62F")
    assert signed == "610AB90A1D31D45901D173E4F59C9384"


@pytest.mark.parametrize(
    ("unsigned", "expected"),
    [
        (request("GET"), "6E8A426057D4C7CA98D55B3EB14D43C2"),
        (
            request("POST", body={
                "market": "BTCUSDT", "type": "buy", "amount": "0.01", "price": "30000", "client_id": "demo_1",
                "option": "NORMAL",
            }),
            "ACA39C2A7E107DFAA2C79E4846C83763",
        ),
        (request("DELETE", query="market=BTCUSDT&id=12345"), "F2038AB736C1D698A95AA4C05D1ED929"),
        (
            request("POST", body={
                "hide": True, "market": "BTCUSDT", "type": "sell", "amount": "1", "price": "1.5"
            }),
            "C3958232D828C4BE38A56E23F3F7E769",
        ),
    ],
    ids=["GET", "POST", "DELETE", "a bool is signed as Python writes it"],
)  # fmt: skip
def test_worked_examples(unsigned: Request, expected: str) -> None:
    signed = sign_with(KEY)(unsigned, TONCE)
    assert signed.headers == (("authorization", expected),)
    sent = signed.query + signed.body.decode()
    assert KEY.secret.reveal() not in sent
    assert "ACCESS_TEST" in sent
    assert str(TONCE) in sent
    if unsigned.method == "POST":
        assert signed.query == ""
        own = {"access_id": "ACCESS_TEST", "tonce": TONCE}
        assert msgspec.json.decode(signed.body) == {**msgspec.json.decode(unsigned.body), **own}
    else:
        assert signed.body == b""


def test_login_of_the_stream() -> None:
    expected = ("ACCESS_TEST", "6E8A426057D4C7CA98D55B3EB14D43C2", TONCE)
    assert sign_parameters(KEY, TONCE) == expected
    call = sign(KEY, TONCE)
    assert msgspec.json.decode(call.frame(3)) == {"method": "server.sign", "params": list(expected), "id": 3}
    assert "6E8A" not in repr(call)
    assert KEY.secret.reveal() not in call.frame(3)


def test_text_is_signed_as_it_was_before_the_percents() -> None:
    signed = sign_with(KEY)(request("DELETE", query="batch_ids=1%2C2&market=BTCUSDT"), TONCE)
    plain: dict[str, Value] = {"access_id": "ACCESS_TEST", "tonce": TONCE, "batch_ids": "1,2", "market": "BTCUSDT"}
    assert signed.headers[0][1] == signature(plain, KEY.secret.reveal())
    assert parse_qs(signed.query)["batch_ids"] == ["1,2"]


@pytest.mark.parametrize(
    "unsigned",
    [
        request("GET", query="id=1&id=2"),
        request("GET", query="tonce=1"),
        request("DELETE", query="id=1", body={"id": 2}),
        request("POST", query="id=1"),
        request("POST", body={"access_id": "x"}),
        request("POST", body={"nested": {"a": 1}}),
        request("POST", body={"price": 1.5}),
        request("POST", body=[1]),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_signed(unsigned: Request) -> None:
    with pytest.raises(BadRequest):
        sign_with(KEY)(unsigned, TONCE)
