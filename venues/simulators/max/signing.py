"""Who asks: MAX's signature over a payload, and nonces that are near to now and used once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

NONCE_WINDOW = 30_000  # milliseconds that a nonce may lie beside the venue's clock
_NONCE = re.compile(r"[0-9]{1,16}")


def signature(message: str, secret: str) -> str:
    """Returns the lower-case hexadecimal HMAC-SHA256."""
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def is_signature(message: str, secret: str, given: str) -> bool:
    return hmac.compare_digest(signature(message, secret).encode(), given.encode())


def parse_payload(payload: str) -> dict[str, Any]:
    """Reads a payload back into the parameters that were signed, numbers as text, the path among them.

    Raises:
        ValueError: it is no base64 of a JSON object.
    """
    try:
        text = base64.b64decode(payload, validate=True)
        values = json.loads(text, parse_int=str, parse_float=str)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ValueError("the payload is no base64 of JSON") from error
    if not isinstance(values, dict) or not are_plain(values):
        raise ValueError("the payload is no JSON object of plain values")
    return values


def are_plain(values: Mapping[str, Any]) -> bool:
    """Says whether all are texts, booleans, null or lists of texts: what a parameter can be."""
    return all(
        value is None
        or isinstance(value, str | bool)
        or (isinstance(value, list) and all(isinstance(one, str) for one in value))
        for value in values.values()
    )


def comparable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns parameters as they are compared: as text, without nulls, arrays without brackets on their name."""
    return {name.removesuffix("[]"): _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


class NonceUsed(Exception):
    """This key has had this nonce already."""


class Nonces:
    """The nonces of one key. Those outside the window need not be remembered: they are refused anyway."""

    def __init__(self) -> None:
        self._used: set[int] = set()
        self._order: deque[tuple[int, int]] = deque()  # (when it was used, the nonce), in milliseconds

    def take(self, text: str, now: int) -> None:
        """Uses a nonce; `now` is the venue's clock in milliseconds.

        Raises:
            NonceUsed: it was used before.
            ValueError: it is none, or too far from now.
        """
        if not _NONCE.fullmatch(text) or abs(int(text) - now) > NONCE_WINDOW:
            raise ValueError("the nonce is not within 30 s of now")
        nonce = int(text)
        while self._order and self._order[0][0] < now - 4 * NONCE_WINDOW:
            self._used.discard(self._order.popleft()[1])
        if nonce in self._used:
            raise NonceUsed
        self._used.add(nonce)
        self._order.append((now, nonce))
