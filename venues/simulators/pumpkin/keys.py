"""Listen keys: 32 hexadecimal digits that open the private topics for an hour."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from venues.model import NANOSECONDS

LIFE = 3_600 * NANOSECONDS


class KeyState(StrEnum):
    GOOD = "good"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class ListenKeys:
    """The keys that were given out, and until when they are good."""

    def __init__(self, seed: int, life: int = LIFE) -> None:
        self._seed = seed
        self._life = life
        self._until: dict[str, int] = {}

    def make(self, now: int) -> str:
        """Makes another key; the ones before stay good for their hour."""
        text = f"{self._seed}:{len(self._until)}:{now}"
        key = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
        self._until[key] = now + self._life
        return key

    def state(self, key: str, now: int) -> KeyState:
        until = self._until.get(key)
        if until is None:
            return KeyState.UNKNOWN
        return KeyState.GOOD if now < until else KeyState.EXPIRED
