"""Signatures: MD5 in upper-case hex over all parameters, sorted, and the secret, which itself is never sent.

What is signed is the text of each value before any percent-encoding. `access_id` and `tonce` (milliseconds; the
venue takes 60 s to either side of its own clock) travel with the other parameters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode

import msgspec

from venues.coinex import VENUE
from venues.errors import BadRequest
from venues.port import Credentials
from venues.transport.exchange import Request, Signed, Signer

Value: TypeAlias = str | int | bool

ORDER_LIFE = 60.0  # seconds by which a tonce may be off: after it an unexecuted request is provably dead
_HEADER = "authorization"


def signature(parameters: Mapping[str, Value], secret: str) -> str:
    """Returns the MD5 of `a=1&b=2&secret_key=...` in upper-case hex, the names in ASCII order."""
    text = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    digest = hashlib.md5(f"{text}&secret_key={secret}".encode(), usedforsecurity=False)
    return digest.hexdigest().upper()


def sign_with(credentials: Credentials) -> Signer:
    """Returns the signer of REST calls; its nonce is the tonce, in milliseconds.

    Raises (the signer):
        BadRequest: a parameter is given twice, is one of the signature's own, or is nested.
    """

    def sign(request: Request, nonce: int) -> Signed:
        own: dict[str, Value] = {"access_id": credentials.key.reveal(), "tonce": nonce}
        is_post = request.method == "POST"
        parameters = {**_parameters_of(request, is_post), **own}
        headers = ((_HEADER, signature(parameters, credentials.secret.reveal())),)
        if is_post:
            return Signed(query=request.query, body=msgspec.json.encode(parameters), headers=headers)
        return Signed(query=urlencode(parameters), headers=headers)

    return sign


def sign_parameters(credentials: Credentials, tonce: int) -> tuple[str, str, int]:
    """Returns the parameters of `server.sign`; `tonce` in milliseconds."""
    access_id = credentials.key.reveal()
    signed = signature({"access_id": access_id, "tonce": tonce}, credentials.secret.reveal())
    return access_id, signed, tonce


def _parameters_of(request: Request, is_post: bool) -> dict[str, Value]:
    given: dict[str, Value]
    if is_post:
        try:
            given = msgspec.json.decode(request.body or b"{}", type=dict[str, str | int | bool])
        except msgspec.MsgspecError:
            raise BadRequest(VENUE, f"{request.what}: parameters that can not be signed") from None
        is_clean = not request.query
    else:
        try:
            pairs = parse_qsl(request.query, keep_blank_values=True, strict_parsing=bool(request.query))
        except ValueError:
            raise BadRequest(VENUE, f"{request.what}: parameters that can not be signed") from None
        given = dict(pairs)
        is_clean = not request.body and len(given) == len(pairs)
    if not is_clean or "access_id" in given or "tonce" in given:
        raise BadRequest(VENUE, f"{request.what}: parameters that can not be signed")
    return given
