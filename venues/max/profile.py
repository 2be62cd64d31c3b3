"""What is true of the account for a while: its fees, and whether it has an M-wallet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from venues.errors import TransientError, VenueError
from venues.max.client import Client
from venues.max.models import UserInfo, VipLevel

_FRESH = 300.0  # seconds
_AGAIN = 30.0
SPOT, MARGIN = "spot", "m"
NO_MARGIN = "this account has no M-wallet: enable it on MAX's site, then connect again"


class Profile:
    """Reads `GET /info`, once in five minutes. `monotonic` returns seconds."""

    def __init__(
        self,
        client: Client,
        *,
        has_credentials: bool,
        time_scale: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._has_credentials = has_credentials
        self._fresh = _FRESH * time_scale
        self._monotonic = monotonic
        self._info: UserInfo | None = None
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    @property
    def wallets(self) -> Sequence[str]:
        """The wallets that may hold something, as far as is known: both, until the venue has said otherwise."""
        return (SPOT,) if self._info is not None and not self._info.m_wallet_enabled else (SPOT, MARGIN)

    async def fees(self) -> VipLevel | None:
        """Returns the account's own rates; None where nobody tells."""
        try:
            await self.read()
        except VenueError:
            return None
        return self._info.current_vip_level if self._info is not None else None

    async def read(self) -> None:
        """Makes sure that it was read not long ago. Raises VenueError where it never was."""
        if not self._has_credentials:
            return
        async with self._reading:
            now = self._monotonic()
            if now - self._read_at < self._fresh:
                return
            try:
                self._info = await self._client.info()
                self._read_at = now
            except TransientError:
                if self._info is None:
                    raise
                self._read_at = now - self._fresh + _AGAIN  # what was read last holds a little longer
            except VenueError:
                self._read_at = now  # a key that may not read it may do other things
