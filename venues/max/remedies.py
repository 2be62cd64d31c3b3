"""What a person can do about an answer that concerns the API key: said where the error is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from venues.errors import MissingCredentials, NotSent, TransientError, VenueError
from venues.max import VENUE

E = TypeVar("E", bound=VenueError)

NO_KEY = "there is no API key: add one of MAX to trade here and to see the account"

_REMEDIES: Mapping[str, str] = {
    "1006": "the time of this machine is wrong: set its clock",
    "1007": "the key was not accepted: check both halves of it, and the addresses that it is for",
    "2005": "the secret does not belong to the key: enter both again",
    "2007": "the time of this machine is wrong: set its clock",
    "2008": "no such key: check it",
    "2009": "the key is switched off: switch it on at MAX",
    "2010": "the key has expired: renew it at MAX",
    "2011": "the key may not do this: see its permissions at MAX",
    "4002": "the account or the key may not do this: see its settings at MAX",
}


def with_remedy(error: E) -> E:
    """Returns `error` with what to do about it, where that is known. The venue's words come after ours."""
    remedy = _REMEDIES.get(error.code or "")
    if remedy is None or isinstance(error, TransientError) or error.message.startswith(remedy):
        return error
    return type(error)(error.venue, f"{remedy} ({error.message})", error.code)


def no_key() -> MissingCredentials:
    """Returns what a read without an API key raises."""
    return MissingCredentials(VENUE, NO_KEY)


def not_sent_without_key() -> NotSent:
    """Returns what a command without an API key raises."""
    return NotSent(VENUE, NO_KEY)
