"""Signatures, byte for byte."""

from __future__ import annotations

import pytest

from tests.venues.mayex.scripted_mayex import DECODED, KEY, PREFIX, SECRET, ScriptedMayex, client_at
from venues.errors import AuthenticationError, ConfigurationError
from venues.mayex.auth import Expired, build_auth_headers, hmac_key, sign_text, sign_with, text_to_sign
from venues.mayex.profile import Profile, SecretDecoding
from venues.port import Credentials
from venues.secret import Secret
from venues.transport.exchange import Request

CREDENTIALS = Credentials(KEY, SECRET)
EXPIRY = 1_700_000_060_000
CANCEL = "/order/v1/private/orders/cancel-order"

TABLE = pytest.mark.parametrize(
    ("path", "query", "body", "raw", "decoded"),
    [
        (
            "/user/v1/private/account/asset", "", b"",
            "3c15b94a0ce526a96d518d21536ff3b17f1dbf20556ce916c5047608a861a5db",
            "8eeb4f13d96192605cf01d5f81de02e6dcbe5e0911154d6e07a9257507e3ecc7",
        ),
        (
            "/user/v1/private/order/order-histories", "symbol=btcusdt", b"",
            "bd0812eb3e2d581302e1c17eaf340a4de068045cf84744371f7df5a514676bf1",
            "139244c56e8542f9dc9668881a73383ef507b43226af38fdd1ada0c1ef8547a9",
        ),
        (
            CANCEL, "", b'{"symbol":"btcusdt","orderId":1521325650}',
            "60dac2283b8d668a9dfda05ad2983bb0f1e7099f2c226610e207ab264e53d38f",
            "c40eccf56f349117a64fd344bd4db88642e2abbe1866a23bcbb89ed95a82afc8",
        ),
    ],
    ids=["bare", "query", "body"],
)  # fmt: skip


@TABLE
@pytest.mark.parametrize("decoding", ["raw", "base64url"])
def test_the_table(path: str, query: str, body: bytes, raw: str, decoded: str, decoding: SecretDecoding) -> None:
    profile = Profile(secret_decoding=decoding)
    headers = dict(build_auth_headers(CREDENTIALS, profile, path=path, query=query, expiry=EXPIRY, body=body))
    assert headers == {
        "x-fairdesk-access-key": KEY,
        "x-fairdesk-request-expiry": str(EXPIRY),
        "x-fairdesk-request-signature": raw if decoding == "raw" else decoded,
    }
    request = Request(what="test", method="GET", path=path, query=query, body=body, is_private=True)
    signed = sign_with(CREDENTIALS, profile)(request, EXPIRY)
    assert (signed.query, signed.body, dict(signed.headers)) == (query, body, headers)


def test_the_very_bytes_are_signed() -> None:
    spaced = text_to_sign(CANCEL, "", EXPIRY, b'{"symbol": "btcusdt", "orderId": 1521325650}')
    assert sign_text(spaced, SECRET.encode()) == "4e93075331829ea59f8965be53787d8d0576f2bb83b945eb901367fff4648e7b"


def test_the_headers_begin_as_the_profile_says() -> None:
    profile = Profile(header_prefix="x-mayex-")
    headers = build_auth_headers(CREDENTIALS, profile, path="/a", query="", expiry=EXPIRY, body=b"")
    assert [name for name, _ in headers] == [
        "x-mayex-access-key", "x-mayex-request-expiry", "x-mayex-request-signature",
    ]  # fmt: skip


@pytest.mark.parametrize("text", [SECRET, SECRET + "=="])
def test_a_secret_may_be_padded_or_not(text: str) -> None:
    assert hmac_key(Secret(text), "base64url") == DECODED
    assert hmac_key(Secret("_-8"), "base64url") == b"\xff\xef", "of the alphabet that URLs take"


@pytest.mark.parametrize("text", ["not base64 at all", "abcde", "ab\xe9d"])
def test_a_secret_that_is_no_base64url_is_said_before_anything_is_sent(text: str) -> None:
    with pytest.raises(ConfigurationError, match="secret_decoding") as caught:
        sign_with(Credentials(KEY, text), Profile(secret_decoding="base64url"))
    assert text not in str(caught.value)
    sign_with(Credentials(KEY, text), Profile())


def test_an_expired_read_is_signed_for_the_past_and_a_bare_path_without_the_prefix() -> None:
    request = Expired(what="test", method="GET", path=PREFIX + "/a", is_private=True, by=60.0)
    headers = dict(sign_with(CREDENTIALS, Profile(signed_path="bare"), prefix=PREFIX)(request, EXPIRY).headers)
    expiry = EXPIRY - 120_000  # a minute before the moment at which it was signed
    assert headers["x-fairdesk-request-expiry"] == str(expiry)
    text = text_to_sign("/a", "", expiry, b"")
    assert headers["x-fairdesk-request-signature"] == sign_text(text, SECRET.encode())
    assert repr(request) == "Expired('test')"


@pytest.mark.parametrize(
    ("venue", "profile"),
    [
        (ScriptedMayex(), Profile()),
        (ScriptedMayex(key=DECODED), Profile(secret_decoding="base64url")),
        (ScriptedMayex(header="x-mayex-"), Profile(header_prefix="x-mayex-")),
        (ScriptedMayex(is_bare=True), Profile(signed_path="bare")),
    ],
    ids=["usual", "decoded secret", "other headers", "bare path"],
)
async def test_each_reading_signs_as_a_venue_of_it_wants(venue: ScriptedMayex, profile: Profile) -> None:
    async with client_at(venue=venue, profile=profile) as (client, there):
        there.data([])
        assert not client.is_verified
        assert await client.open_orders() == []
        assert client.is_verified, "a signed call has succeeded"


async def test_another_reading_is_refused_and_proves_nothing() -> None:
    async with client_at(profile=Profile(signed_path="bare")) as (client, there):
        there.data([])
        with pytest.raises(AuthenticationError) as caught:
            await client.open_orders()
        assert caught.value.code == "HTTP 401"
        assert not client.is_verified


async def test_what_everybody_may_read_is_not_signed_and_verifies_nothing() -> None:
    async with client_at() as (client, there):
        there.data([])
        await client.pairs()
        assert not there.call.is_signed
        assert not client.is_verified


async def test_a_request_lives_a_minute_by_the_venues_clock() -> None:
    async with client_at(now=lambda: 1_700_000_000_000_999_999) as (client, there):
        there.data([])
        await client.open_orders()
        assert there.call.headers["x-fairdesk-request-expiry"] == str(EXPIRY)
