"""Pumpkin's signature: hex HMAC-SHA256 over the parameters, sorted by name, as they were sent."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import unquote_plus

from venues.simulators.gateway import fits


def signed_text(query: str, body: str, *, is_raw: bool = False) -> str:
    """Returns what is signed of a request: empty without parameters.

    Where a name is in both the query wins. The document leaves open whether the values are signed encoded, as they
    were sent, or `is_raw`.
    """
    pairs = dict(_pairs(body)) | dict(_pairs(query))
    text = "&".join(pairs[name] for name in sorted(pairs))
    return unquote_plus(text) if is_raw else text


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(pair.partition("=")[0], pair) for pair in text.split("&") if pair]


def signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_signature(secret: str, text: str, given: str) -> bool:
    """Says whether a signature fits; what is no ASCII never does."""
    return fits(signature(secret, text), given)
