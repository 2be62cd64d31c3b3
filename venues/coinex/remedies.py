"""What a person can do about an answer that concerns the API key: said where the error is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from venues.coinex import VENUE
from venues.errors import MissingCredentials, NotSent, RateLimited, VenueError

E = TypeVar("E", bound=VenueError)

NO_KEY = "there is no API key: add one of CoinEx to trade here and to see the account"

_REMEDIES: Mapping[str, str] = {
    "6": "the key was not accepted: check both halves of it",
    "23": "this machine's address is not on the key's list: add it there, or take the list away",
    "24": "no such key: check it, and give a new one ten minutes",
    "25": "the secret does not belong to the key: enter both again",
    "34": "the key has expired: renew it at CoinEx",
    "40": "the key belongs to another sub-account",
    "115": "the account or the key may not trade: see its settings at CoinEx",
    "227": "the time of this machine is wrong: set its clock",
}


def with_remedy(error: E) -> E:
    """Returns `error` with what to do about it, where that is known. The venue's words come after ours."""
    remedy = _REMEDIES.get(error.code or "")
    if remedy is None or isinstance(error, RateLimited) or error.message.startswith(remedy):
        return error
    return type(error)(error.venue, f"{remedy} ({error.message})", error.code)


def no_key() -> MissingCredentials:
    """Returns what a read without an API key raises."""
    return MissingCredentials(VENUE, NO_KEY)


def not_sent_without_key() -> NotSent:
    """Returns what a command without an API key raises."""
    return NotSent(VENUE, NO_KEY)
