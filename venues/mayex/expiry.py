"""Whether the venue refuses what has expired: then a request is dead after its expiry, and a miss can be proof.

The document has neither expiries nor signatures. It is tried when the account is opened, with three reads of the
balances, the one in the middle signed as if it had just expired. Commands are never tried.
"""

from __future__ import annotations

import logging
import re

from venues.errors import AuthenticationError, RequestError, VenueError
from venues.mayex import VENUE
from venues.mayex.auth import LIFE
from venues.mayex.client import Client
from venues.mayex.remedies import REMEDIES
from venues.transport.sending import Sender

logger = logging.getLogger(__name__)

_PAST = 3.0  # seconds
"""How long ago: a venue that allows for clocks that differ must not look as if it heeded the very moment.

More than our clock can be wrong by a Date, and less than a look-up waits after the expiry for what was taken.
"""
_UNSIGNED = "HTTP 401"  # in the venue's envelope: a proxy's own answer has none
_of_expiry = re.compile(r"expir", re.IGNORECASE)


class ExpiryProof:
    """What is proven of expiries at the venue. Without `is_wanted` nothing is tried, and nothing is proven.

    `time_scale` multiplies the life of a request.
    """

    def __init__(self, client: Client, *, is_wanted: bool, time_scale: float = 1.0) -> None:
        self._client = client
        self._is_wanted = is_wanted
        self._life = LIFE * time_scale
        self._is_enforced = False

    @property
    def life(self) -> float | None:
        """The seconds after which a request is dead at the venue; None while that is not proven."""
        return self._life if self._is_enforced else None

    def make_sender(self, *, has_credentials: bool) -> Sender:
        """Returns what sends commands: their nonce is their expiry, and once that is proven their deadline."""
        return Sender(VENUE, REMEDIES, life=self._after_expiry, has_credentials=has_credentials)

    async def verify(self) -> None:
        """Tries it, unless it is proven. A read that fails otherwise proves nothing."""
        if not self._is_wanted or self._is_enforced:
            return
        try:
            await self._client.assets()
            was_refused = await self._is_refused()
            await self._client.assets()
        except VenueError as error:
            logger.warning("whether expiries are heeded could not be tried: %s", error)
            return
        self._is_enforced = was_refused
        if not was_refused:
            logger.warning("the venue takes requests that have expired: what is lost stays unknown")

    async def _is_refused(self) -> bool:
        """Raises VenueError where the answer says neither."""
        try:
            await self._client.assets(expired_by=_PAST)
        except (AuthenticationError, RequestError) as error:
            return error.code == _UNSIGNED or _of_expiry.search(error.message) is not None
        return False

    def _after_expiry(self) -> float | None:
        return 0.0 if self._is_enforced else None
