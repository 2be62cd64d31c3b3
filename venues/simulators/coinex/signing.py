"""CoinEx's signature, as its document says it: MD5 of the sorted parameters with the secret at the end."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping


def signed_text(params: Mapping[str, str], secret: str) -> str:
    """Returns the text that is hashed: `k=v` sorted by name, the values as they were sent."""
    return "&".join([*(f"{name}={params[name]}" for name in sorted(params)), f"secret_key={secret}"])


def signature(params: Mapping[str, str], secret: str) -> str:
    """Returns 32 upper-case hexadecimal digits."""
    return hashlib.md5(signed_text(params, secret).encode(), usedforsecurity=False).hexdigest().upper()


def is_signature(params: Mapping[str, str], secret: str, given: str) -> bool:
    """Says whether `given` signs these parameters."""
    return hmac.compare_digest(signature(params, secret).encode(), given.encode())
