"""Signatures, byte for byte."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from tests.venues.pumpkin.client_rig import client_at, new_order
from tests.venues.pumpkin.scripted_pumpkin import KEY, SECRET, ScriptedPumpkin
from venues.errors import BadRequest, OrderRejected
from venues.port import Credentials
from venues.pumpkin.auth import FORM, build_auth_headers, sign_text, sign_with, text_to_sign
from venues.pumpkin.parameters import Value, encode
from venues.pumpkin.readings import Readings
from venues.transport.exchange import Request

CREDENTIALS = Credentials(KEY, SECRET)
CANCELS: dict[str, Value] = {"orders": '["1","2"]'}
ORDER = (
    "clientOrderId=abc123&leverage=20&orderSide=BUY&orderType=LIMIT&origQty=10&positionSide=LONG&price=89000.1"
    "&symbol=btc_usdt&timeInForce=GTC"
)
EMPTY = "b240f918f30ecc56dc7379b8287051ca76482c2f64bb796a07cf31a684076dc7"
SIGNED_ORDER = "3633040493652f59ed988c7756cd2813f0566c5e0f984ce77b0b1ba693be1777"

EXAMPLES = pytest.mark.parametrize(
    ("params", "sent", "is_encoded", "signature"),
    [
        ({}, "", True, EMPTY),
        (
            {"symbol": "btc_usdt"}, "symbol=btc_usdt", True,
            "62b9b698616e7ebf8e00d717301196dc2a653fae5bc6398103384f33965381b1",
        ),
        (new_order().fields(), ORDER, True, SIGNED_ORDER),
        (
            CANCELS, "orders=%5B%221%22%2C%222%22%5D", True,
            "10d51fe903cfc99dd46db9f86b9778dc006e68490f0ed0165a038560ce315a07",
        ),
        (
            CANCELS, "orders=%5B%221%22%2C%222%22%5D", False,
            "fe51c5646b5fd91f023d5dd3332093237acef3d25ebaba1fb866d3ab1178b6bf",
        ),
    ],
    ids=["without parameters", "query", "order", "JSON, encoded", "JSON, raw"],
)  # fmt: skip


@EXAMPLES
def test_worked_examples(params: dict[str, Value], sent: str, is_encoded: bool, signature: str) -> None:
    assert encode(params) == sent
    assert sign_text(text_to_sign(sent, is_encoded=is_encoded), SECRET) == signature
    headers = dict(build_auth_headers(CREDENTIALS, sent, is_encoded=is_encoded))
    assert headers == {"X_ACCESS_KEY": KEY, "X_SIGNATURE": signature}


@EXAMPLES
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_what_is_signed_is_what_goes_out(
    params: dict[str, Value], sent: str, is_encoded: bool, signature: str, verb: str
) -> None:
    query, body = (sent, b"") if verb == "GET" else ("", sent.encode())
    request = Request(what="test", method=verb, path="/", query=query, body=body, headers=FORM, is_private=True)
    signed = sign_with(CREDENTIALS, signs_encoded=is_encoded)(request, 0)
    assert (signed.query, signed.body) == (query, body)
    assert dict(signed.headers)["X_SIGNATURE"] == signature


def test_names_are_sorted_as_ascii_and_blanks_are_plus_signs() -> None:
    assert encode({"b": 1, "a": True, "B": "x y&z=", "a0": False}) == "B=x+y%26z%3D&a=true&a0=false&b=1"
    assert text_to_sign("B=x+y%26z%3D&a=true", is_encoded=False) == "B=x y&z=&a=true"


def test_parameters_in_both_places_are_not_signed() -> None:
    request = Request(what="test", method="POST", path="/", query="a=1", body=b"b=2", is_private=True)
    with pytest.raises(BadRequest, match="not into both"):
        sign_with(CREDENTIALS)(request, 0)


async def test_an_order_goes_out_as_in_the_example() -> None:
    async with client_at() as (client, venue):
        venue.data("587077935051136448")
        assert await client.create_order(new_order()) == "587077935051136448"
        assert (venue.call.verb, venue.call.sent) == ("POST", ORDER)
        assert venue.call.headers["x_signature"] == SIGNED_ORDER
        assert venue.call.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_read_without_parameters_signs_nothing_but_signs() -> None:
    async with client_at() as (client, venue):
        venue.data([])
        await client.balances()
        assert (venue.call.sent, venue.call.headers["x_signature"]) == ("", EMPTY)


@pytest.mark.parametrize("signs_encoded", [True, False])
async def test_which_of_two_texts_is_signed_is_a_setting(signs_encoded: bool) -> None:
    venue = ScriptedPumpkin(signs_encoded=signs_encoded)
    async with client_at(venue=venue, readings=Readings(signs_encoded=signs_encoded)) as (client, _):
        venue.data(True)
        await client.cancel_orders(["1", "2"])
        assert parse_qs(venue.call.sent) == {"orders": ['["1","2"]']}
    other = ScriptedPumpkin(signs_encoded=not signs_encoded)
    async with client_at(venue=other, readings=Readings(signs_encoded=signs_encoded)) as (client, _):
        with pytest.raises(OrderRejected, match="sign-error"):
            await client.cancel_orders(["1", "2"])


@pytest.mark.parametrize(("has_key", "signs_public"), [(True, True), (True, False), (False, True)])
async def test_public_calls_are_signed_where_there_is_a_key_unless_told_otherwise(
    has_key: bool, signs_public: bool
) -> None:
    async with client_at(has_key=has_key, readings=Readings(signs_public=signs_public)) as (client, venue):
        venue.data([])
        await client.mark_prices()
        assert venue.call.is_signed is (has_key and signs_public)
