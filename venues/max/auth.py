"""Signatures: HMAC-SHA256 in lower-case hex over the base64 of a compact JSON of nonce, parameters and path.

The same parameters travel with the nonce and without the path, a GET's in its query and all others' in the body.
The venue decodes the signed text and compares what it says with what it received, so that the order of the names
is free; ours is nonce, parameters, path. A nonce is milliseconds, within 30 s of the venue's clock, and used once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from venues.errors import BadRequest
from venues.max import VENUE
from venues.max.parameters import Value, flat
from venues.port import Credentials
from venues.transport.exchange import Headers, Request, Signed, Signer

ORDER_LIFE = 30.0  # seconds by which a nonce may be off: after it an unexecuted request is provably dead
_SUB_ACCOUNT = "X-Sub-Account"
_OWN = frozenset({"nonce", "path"})


def encode_payload(path: str, params: Mapping[str, Value] | None, nonce: int) -> str:
    """Returns the text that is signed, the X-MAX-PAYLOAD header; `nonce` in milliseconds."""
    whole = {"nonce": nonce, **(params or {}), "path": path}
    return base64.b64encode(msgspec.json.encode(whole)).decode("ascii")


def sign_payload(payload: str, api_secret: str) -> str:
    """Returns the HMAC of `payload` in hex, the X-MAX-SIGNATURE header."""
    return hmac.new(api_secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def build_auth_headers(
    credentials: Credentials, path: str, params: Mapping[str, Value] | None, nonce: int
) -> Headers:
    """Returns the headers that sign a private call; `params` is what is sent beside the nonce."""
    payload = encode_payload(path, params, nonce)
    return (
        ("X-MAX-ACCESSKEY", credentials.key.reveal()),
        ("X-MAX-PAYLOAD", payload),
        ("X-MAX-SIGNATURE", sign_payload(payload, credentials.secret.reveal())),
    )


def account_headers(sub_account: str) -> Headers:
    """Returns the other headers of a private call; it is for the main account where no other is named."""
    headers: Headers = (("Content-Type", "application/json"),)
    return (*headers, (_SUB_ACCOUNT, sub_account)) if sub_account else headers


def sign_nonce(nonce: int, api_secret: str) -> str:
    """Returns the signature of the stream's login, which covers the nonce alone."""
    return sign_payload(str(nonce), api_secret)


def sign_with(credentials: Credentials) -> Signer:
    """Returns the signer of REST calls, whose parameters wait as the JSON object of the request's body.

    Raises (the signer):
        BadRequest: a parameter is one of the signature's own, or is nothing that can be signed; or the request is
            not for the account that the key was given with.
    """
    wanted = account_headers(credentials.sub_account)

    def sign(request: Request, nonce: int) -> Signed:
        if request.headers != wanted:
            raise BadRequest(VENUE, f"{request.what}: it is for another account")
        params = _parameters_of(request)
        headers = build_auth_headers(credentials, request.path, params, nonce)
        whole: dict[str, Value] = {"nonce": nonce, **params}
        if request.method == "GET":
            return Signed(query=urlencode(flat(whole)), headers=headers)
        return Signed(body=msgspec.json.encode(whole), headers=headers)

    return sign


def _parameters_of(request: Request) -> dict[str, Value]:
    try:
        params: dict[str, Any] = msgspec.json.decode(
            request.body or b"{}", type=dict[str, bool | int | str | list[str]]
        )
    except msgspec.MsgspecError:
        raise BadRequest(VENUE, f"{request.what}: parameters that can not be signed") from None
    if request.query or _OWN & params.keys():
        raise BadRequest(VENUE, f"{request.what}: parameters that can not be signed")
    return params
