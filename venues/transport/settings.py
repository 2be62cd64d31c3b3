"""How a venue is opened."""

from __future__ import annotations

import msgspec

from venues.port import Credentials, Mode


class VenueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a venue is and who we are. `time_scale` multiplies every constant of time; the venue's limits stay.

    Without `credentials` the venue can only be watched. `seed` makes the pauses between attempts repeatable. An
    adapter gives the two addresses their defaults.
    """

    rest_url: str  # an origin: the venue's own prefix is added
    ws_url: str
    credentials: Credentials | None = None
    may_trade: bool = True  # with a key that may only read it is READ-ONLY, and its account is shown
    account: str = "main"
    proxy: str | None = None  # "http://host:port" or "https://host:port", for what goes out by TLS
    is_practice: bool = False
    time_scale: float = 1.0
    seed: int | None = None

    @property
    def mode(self) -> Mode:
        if self.is_practice:
            return Mode.PRACTICE
        return Mode.LIVE if self.credentials is not None and self.may_trade else Mode.READ_ONLY
