"""What a person can do about an answer of Pumpkin that concerns the API key or its settings there."""

from __future__ import annotations

from typing import TypeVar

from venues.errors import VenueError
from venues.pumpkin import VENUE
from venues.pumpkin.codes import QuotaUsedUp
from venues.transport.remedies import Remedies

E = TypeVar("E", bound=VenueError)

_QUOTA = "the key's quota of weight is used up"


class _Remedies(Remedies):
    def add(self, error: E) -> E:
        """Returns `error` with what to do about it; of a quota that is used up, with how long that lasts."""
        if isinstance(error, QuotaUsedUp) and not error.message.startswith(_QUOTA):
            lasts = f", for {error.reset:.0f} s more" if error.reset is not None else ""
            return type(error)(VENUE, f"{_QUOTA}{lasts} ({error.message})", error.code, error.reset)
        return super().add(error)


REMEDIES = _Remedies(
    VENUE,
    "Pumpkin",
    {
        "1": "the key was not accepted: check both halves of it, and the address that it is for",
        "418": "this machine's address is not on the key's list: add it at Pumpkin",
        "467": "the key may not trade this contract: add it to the key's list at Pumpkin",
    },
)
