"""What a person can do about an answer that concerns the API key: said where the error is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from venues.errors import AuthenticationError, MissingCredentials, NotSent, TransientError, VenueError

E = TypeVar("E", bound=VenueError)


class Remedies:
    """What to do about the codes of one venue, and about a key that is not there."""

    def __init__(self, venue: str, name: str, words: Mapping[str, str]) -> None:
        """`name` is how the venue writes itself ("CoinEx"); `words` has the remedy of each code that has one."""
        self._venue = venue
        self._words = words
        self.no_key = f"there is no API key: add one of {name} to trade here and to see the account"

    def add(self, error: E) -> E:
        """Returns `error` with what to do about it, where that is known. The venue's words come after ours.

        What passes by itself needs no remedy.
        """
        remedy = self._words.get(error.code or "")
        if remedy is None or isinstance(error, TransientError) or error.message.startswith(remedy):
            return error
        return type(error)(error.venue, f"{remedy} ({error.message})", error.code)

    def refused_login(self, error: VenueError) -> VenueError:
        """Returns what the refusal of a login is: an AuthenticationError, but for what passes by itself."""
        if isinstance(error, TransientError):
            return error
        return self.add(AuthenticationError(self._venue, error.message, error.code))

    def missing_key(self) -> MissingCredentials:
        """Returns what a read without an API key raises."""
        return MissingCredentials(self._venue, self.no_key)

    def not_sent_without_key(self) -> NotSent:
        """Returns what a command without an API key raises."""
        return NotSent(self._venue, self.no_key)
