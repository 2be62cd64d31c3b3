"""Tokens that open the account's stream for an hour. The document has none; they are those of its kin."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from venues.model import NANOSECONDS

LIFE = 3_600 * NANOSECONDS
USER = 100177


class Token(NamedTuple):
    text: str
    until: int  # nanoseconds UTC


class Tokens:
    """The user's only token. `life` is in nanoseconds."""

    def __init__(self, seed: int, life: int = LIFE) -> None:
        self._seed = seed
        self._made = 0
        self.life = life
        self.current: Token | None = None

    def make(self, now: int) -> Token:
        """Returns the token: the one that is good still, or another."""
        if self.current is None or self.current.until <= now:
            self._made += 1
            text = hashlib.md5(f"{self._seed}:{self._made}:{now}".encode(), usedforsecurity=False).hexdigest()
            self.current = Token(f"web.{USER}.{text.upper()}", now + self.life)
        return self.current

    def refresh(self, now: int) -> Token | None:
        """Returns the token with another life before it; None where there is none that is good."""
        if self.current is None or self.current.until <= now:
            return None
        self.current = self.current._replace(until=now + self.life)
        return self.current

    def delete(self) -> None:
        self.current = None

    def is_good(self, token: str, now: int) -> bool:
        return self.current is not None and self.current.text == token and now < self.current.until
