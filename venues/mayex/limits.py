"""What each call weighs, and the quota that it draws from.

The document has a 429 for who breaks a limit, and says that the weight of current-positions is "very high".
Inferred from the platform: 200 calls a minute that are ours, one unit each, five of a history; positions are taken
for five as well. What everybody may read has no known limit, and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from venues.errors import ConfigurationError
from venues.mayex import VENUE
from venues.mayex.endpoints import ORDERS, POSITIONS, TRADES
from venues.mayex.profile import Profile
from venues.transport.ratelimit import Pool, Weight

MINUTE = "minute"

WEIGHTS: Mapping[str, int] = {TRADES: 5, ORDERS: 5, POSITIONS: 5}
HEAVIEST = max(WEIGHTS.values())
LEAST_QUOTA = 2 * HEAVIEST  # four fifths of it hold the heaviest call


def pools(profile: Profile) -> tuple[Pool, ...]:
    """Returns the quota of a key, a fifth of it kept for cancels. Raises ConfigurationError: it is too small."""
    if profile.minute_quota < LEAST_QUOTA:
        words = f"minute_quota = {profile.minute_quota} lets no history be read: state {LEAST_QUOTA} or more"
        raise ConfigurationError(VENUE, words)
    return (Pool(name=MINUTE, units=profile.minute_quota, period=60.0),)


def weight_of(path: str) -> Weight:
    """Returns what a call of `path`, without what the base address adds, draws."""
    return ((MINUTE, WEIGHTS.get(path, 1)),)
