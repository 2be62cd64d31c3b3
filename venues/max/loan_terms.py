"""What the M-wallet lends: rates by the hour, how much, and in which steps; the same for everybody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

import msgspec

from venues.errors import VenueError
from venues.margin import MarginAsset
from venues.max.client import Client
from venues.max.models import InterestRate
from venues.max.parse import step_of
from venues.transport.together import together

logger = logging.getLogger(__name__)

_FRESH = 300.0  # seconds
_AGAIN = 30.0


class LoanTerms:
    """Reads limits and rates once in five minutes, and keeps what it had while they can not be read.

    `monotonic` returns seconds.
    """

    def __init__(
        self, client: Client, *, time_scale: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._fresh = _FRESH * time_scale
        self._again = _AGAIN * time_scale
        self._monotonic = monotonic
        self._rates: Mapping[str, InterestRate] = {}
        self._limits: Mapping[str, Decimal] = {}  # how much may be owed
        self._decimals: Mapping[str, int] = {}
        self._steps: Mapping[str, Decimal] = {}
        self._due = float("-inf")
        self._decimals_due = float("-inf")
        self._reading = asyncio.Lock()

    @property
    def lent(self) -> Iterable[str]:
        """The currencies that are lent ("BTC"), as far as they are known."""
        return dict.fromkeys([*self._limits, *self._rates])

    async def read(self, owed: Callable[[], Mapping[str, Decimal]]) -> None:
        """Makes sure that they were read not long ago, where they can be; `owed` are the principals by currency.

        What the venue tells is how much may still be borrowed: what is owed already comes on top of that.
        """
        async with self._reading:
            if self._monotonic() < self._due:
                return
            self._due = self._monotonic() + self._again
            with contextlib.suppress(VenueError):  # without them an amount is held against nothing here
                await self._read_decimals()
            try:
                limits, rates = await together(
                    self._client.m_wallet_limits(), self._client.m_wallet_interest_rates()
                )
            except VenueError as error:
                logger.warning("what the M-wallet lends can not be read: %s", error)
                return
            principals = owed()
            left = {currency.upper(): limit for currency, limit in limits.items()}
            self._limits = {name: limit + principals.get(name, Decimal(0)) for name, limit in left.items()}
            self._rates = {currency.upper(): rate for currency, rate in rates.items()}
            self._due = self._monotonic() + self._fresh

    def complete(self, asset: MarginAsset) -> MarginAsset:
        """Returns a currency of the wallet with its terms."""
        rate = self._rates.get(asset.currency)
        return msgspec.structs.replace(
            asset,
            hourly_rate=None if rate is None else rate.hourly_interest_rate,
            next_hourly_rate=None if rate is None else rate.next_hourly_interest_rate,
            borrow_limit=self._limits.get(asset.currency),
            step=self._steps.get(asset.currency),
        )

    async def decimals(self, currency: str) -> int | None:
        """Returns how many digits an amount of a currency ("BTC") may have; None for one that is not listed.

        Raises VenueError where that was never read.
        """
        async with self._reading:
            await self._read_decimals()
        return self._decimals.get(currency)

    async def _read_decimals(self) -> None:
        if self._monotonic() < self._decimals_due:
            return
        try:
            rows = await self._client.currencies()
        except VenueError:
            if not self._decimals:
                raise
        else:
            self._decimals = {row.currency.upper(): row.precision for row in rows}
            self._steps = {name: step_of(decimals) for name, decimals in self._decimals.items()}
            self._decimals_due = self._monotonic() + self._fresh
