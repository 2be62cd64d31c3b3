"""What is said of a venue of which it is inferred how it signs, until one signed call has succeeded."""

from __future__ import annotations

from venues.port import Capabilities

UNPROVEN = "authentication unverified"


def unproven_words(venue: str, can: Capabilities) -> str:
    """Returns that no signed call has succeeded yet, and what to try; empty where that is not in doubt."""
    if not can.authentication_unverified:
        return ""
    settings = _settings(venue, can)
    remedy = f"; if a right key is refused, try {settings}" if settings else ""
    return f"{UNPROVEN}: no signed call has succeeded yet{remedy}"


def refusal_words(venue: str, can: Capabilities, said: str) -> str:
    """Returns a refusal of the key in the venue's words with what to try, where how it signs may be the fault."""
    settings = _settings(venue, can)
    if not can.authentication_unverified or not settings:
        return said
    if any(name in said for name in can.authentication_settings):  # the adapter has told it already
        return said
    return f"{said}; how it signs is inferred: if the key is right, try {settings}"


def _settings(venue: str, can: Capabilities) -> str:
    *others, last = can.authentication_settings or ("",)
    names = f"{', '.join(others)} or {last}" if others else last
    return f"{names} of [venues.{venue}]" if names else ""
