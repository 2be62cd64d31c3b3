"""Tries an API key: one signed read at its venue, and what the venue tells of what the key may do."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from enum import StrEnum

import msgspec

from tui.desk.authentication import refusal_words
from tui.desk.inert import sanitise
from tui.desk.key_entries import KeyEntry
from venues.errors import AuthenticationError, ConfigurationError, VenueError
from venues.port import Capabilities, Credentials, Permissions, TellsPermissions, Venue
from venues.secret import MASK, Secret

PATIENCE = 10.0  # seconds for the whole test: a venue that answers at all does so in two
_CLOSING = 2.0  # seconds; a venue closes within one
_SHORTEST = 4  # characters: masking a shorter part would tear holes into every sentence
_LONGEST_REASON = 300


class Verdict(StrEnum):
    """What a test says about a key."""

    WORKS = "works"
    REFUSED = "refused"  # by the venue, in so many words
    UNTESTED = "untested"  # nobody answered, or nothing that says anything about the key
    UNUSABLE = "unusable"  # the configuration does not even let the venue be opened


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """How a test ended. `reason` is the venue's words where it did not pass, or why it tells no permissions."""

    verdict: Verdict
    reason: str = ""
    permissions: Permissions = Permissions()


async def try_key(entry: KeyEntry, open_with: Callable[[KeyEntry], Venue], patience: float = PATIENCE) -> Trial:
    """Opens a venue with a key, reads its balances and permissions, and closes it. `patience` is in seconds."""

    def ended(verdict: Verdict, error: VenueError, can: Capabilities | None = None) -> Trial:
        said = reason_of(error, entry.credentials)
        return Trial(verdict=verdict, reason=said if can is None else refusal_words(entry.name.venue, can, said))

    try:
        # An adapter's import and the roots of TLS take up to a tenth of a second: not on a desk's loop.
        venue = await asyncio.to_thread(open_with, entry)
    except VenueError as error:
        return ended(Verdict.UNUSABLE, error)
    try:
        async with asyncio.timeout(patience):
            return await _read(venue, entry.credentials)
    except TimeoutError:
        return Trial(verdict=Verdict.UNTESTED, reason=f"no answer within {patience:g} s")
    except AuthenticationError as error:
        return ended(Verdict.REFUSED, error, venue.capabilities)
    except ConfigurationError as error:
        return ended(Verdict.UNUSABLE, error)
    except VenueError as error:
        return ended(Verdict.UNTESTED, error)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await venue.aclose()


async def _read(venue: Venue, credentials: Credentials) -> Trial:
    await venue.fetch_balances()
    if not isinstance(venue, TellsPermissions):
        return Trial(verdict=Verdict.WORKS)
    try:
        told = await venue.fetch_permissions()
    except VenueError as error:  # the account was read: the key is a good one all the same
        return Trial(verdict=Verdict.WORKS, reason=reason_of(error, credentials))
    return Trial(verdict=Verdict.WORKS, permissions=told)


def reason_of(error: VenueError, credentials: Credentials) -> str:
    """Returns a venue's words: harmless to a terminal, and without any part of the key, should they quote it."""
    code = f" [{error.code}]" if error.code else ""
    text = f"{error.message}{code}"
    parts = [credentials.key, credentials.secret, credentials.passphrase, Secret(credentials.sub_account)]
    # The longest first: what remained of a part within another one would be left standing.
    for part in sorted((each.reveal() for each in parts), key=len, reverse=True):
        if len(part) >= _SHORTEST:
            text = re.sub(re.escape(part), MASK, text, flags=re.IGNORECASE)
    return sanitise(text, _LONGEST_REASON)
