"""Signatures (section "Signature Algorithm"): HMAC-SHA256 in lower-case hex over the parameters, sorted by name
and form-encoded.

What is signed is the query of a GET or the body of a POST, exactly as it is sent; the empty text where there are
no parameters. Verb, path and key are not signed, and neither is a time or a nonce: nothing bounds a request's
life.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import unquote_plus

from venues.errors import BadRequest
from venues.port import Credentials
from venues.pumpkin import VENUE
from venues.transport.exchange import Headers, Request, Signed, Signer

FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)
"""The headers that every call has, GETs too."""


def text_to_sign(sent: str, *, is_encoded: bool = True) -> str:
    """Returns what is signed of parameters that are sent as `sent`: it itself, or its values before encoding."""
    return sent if is_encoded else unquote_plus(sent)


def sign_text(text: str, api_secret: str) -> str:
    """Returns the HMAC of `text` in hex, the X_SIGNATURE header."""
    return hmac.new(api_secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def build_auth_headers(credentials: Credentials, sent: str, *, is_encoded: bool = True) -> Headers:
    """Returns the headers that sign a call; their names have underscores, which some proxies drop."""
    text = text_to_sign(sent, is_encoded=is_encoded)
    return (
        ("X_ACCESS_KEY", credentials.key.reveal()),
        ("X_SIGNATURE", sign_text(text, credentials.secret.reveal())),
    )


def sign_with(credentials: Credentials, *, signs_encoded: bool = True) -> Signer:
    """Returns the signer of REST calls.

    Raises (the signer):
        BadRequest: parameters in the query and in the body: the document does not say what is signed then.
    """

    def sign(request: Request, _nonce: int) -> Signed:
        if request.query and request.body:
            raise BadRequest(
                VENUE, f"{request.what}: parameters go into the query or into the body, not into both"
            )
        sent = request.query or request.body.decode("ascii")
        headers = build_auth_headers(credentials, sent, is_encoded=signs_encoded)
        return Signed(query=request.query, body=request.body, headers=headers)

    return sign
