"""Signatures: HMAC-SHA256 in lower-case hex over path + query + expiry + body.

Inferred: the document has no authentication; this is how the platform signs that the venue is a white label of.
The query goes without its "?", the body as the very bytes that are sent, and the expiry is the moment in
milliseconds after which the request is refused. There is no nonce: each request lives `LIFE` seconds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from venues.errors import ConfigurationError
from venues.mayex import VENUE
from venues.mayex.profile import Profile, SecretDecoding
from venues.port import Credentials
from venues.secret import Secret
from venues.transport.exchange import Headers, Request, Signed, Signer

LIFE = 60.0  # seconds, as the platform's own samples have it
_MILLISECONDS = 1_000


class Expired(Request, frozen=True, kw_only=True):
    """A read that is signed as if it had expired `by` seconds ago: a venue that heeds expiries refuses it."""

    by: float

    def __repr__(self) -> str:
        return f"Expired({self.what!r})"


def hmac_key(secret: Secret, decoding: SecretDecoding) -> bytes:
    """Returns the key of the HMAC: the text of the API secret, or what it says in base64url.

    Raises:
        ConfigurationError: it is no base64url.
    """
    text = secret.reveal()
    if decoding == "raw":
        return text.encode()
    try:
        padded = text.rstrip("=")
        padded += "=" * (-len(padded) % 4)
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        words = 'the API secret is not base64url: set secret_decoding to "raw", or check the secret'
        raise ConfigurationError(VENUE, words) from None


def text_to_sign(path: str, query: str, expiry: int, body: bytes) -> bytes:
    """Returns what is signed; `expiry` in milliseconds."""
    return f"{path}{query}{expiry}".encode() + body


def sign_text(text: bytes, key: bytes) -> str:
    """Returns the HMAC of `text` in hex, the request-signature header."""
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def build_auth_headers(
    credentials: Credentials, profile: Profile, *, path: str, query: str, expiry: int, body: bytes
) -> Headers:
    """Returns the three headers that sign a call. Raises ConfigurationError."""
    text = text_to_sign(path, query, expiry, body)
    return (
        (f"{profile.header_prefix}access-key", credentials.key.reveal()),
        (f"{profile.header_prefix}request-expiry", str(expiry)),
        (
            f"{profile.header_prefix}request-signature",
            sign_text(text, hmac_key(credentials.secret, profile.secret_decoding)),
        ),
    )


def sign_with(credentials: Credentials, profile: Profile, *, prefix: str = "", life: float = LIFE) -> Signer:
    """Returns the signer of REST calls, whose nonce is the expiry, `life` seconds from now.

    `prefix` is the path of the base address.

    Raises:
        ConfigurationError: the secret is not written as the profile says.
    """
    hmac_key(credentials.secret, profile.secret_decoding)
    is_bare = profile.signed_path == "bare"

    def sign(request: Request, nonce: int) -> Signed:
        expiry = nonce
        if isinstance(request, Expired):
            expiry -= round((life + request.by) * _MILLISECONDS)
        path = request.path.removeprefix(prefix) if is_bare else request.path
        headers = build_auth_headers(
            credentials, profile, path=path, query=request.query, expiry=expiry, body=request.body
        )
        return Signed(query=request.query, body=request.body, headers=headers)

    return sign
