"""Mayex's signature: hex HMAC-SHA256 over path, query, expiry and body, as they were sent. It is inferred."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

RAW, DECODED = "raw", "base64url"
WHOLE, BARE = "url", "bare"


class SigningRule(NamedTuple):
    """What the document leaves open: the headers' prefix, what the key is, and which path is signed."""

    prefix: str = "x-fairdesk-"
    secret: str = RAW  # the secret's own characters, or what they decode to
    path: str = WHOLE  # as in the URL, or without what the base URL adds


def signature(rule: SigningRule, secret: str, path: str, query: str, expiry: str, body: bytes) -> str:
    """Returns the signature of a request; the query comes without its question mark."""
    message = f"{path}{query}{expiry}".encode("utf-8", "surrogateescape") + body
    return hmac.new(_key(rule, secret), message, hashlib.sha256).hexdigest()


def _key(rule: SigningRule, secret: str) -> bytes:
    if rule.secret == RAW:
        return secret.encode()
    try:
        return base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
    except (binascii.Error, ValueError):
        return b""
