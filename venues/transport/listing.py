"""What a venue lists, read when it is first asked for, and kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from venues.errors import UnknownInstrument, VenueError
from venues.model import Instrument, InstrumentId

_FRESH = 300.0  # seconds


class InstrumentList:
    """The instruments of a venue in the order in which `read` returns them; a desk begins at the top.

    `read` may raise VenueError. `monotonic` is in seconds.
    """

    def __init__(
        self,
        venue: str,
        read: Callable[[], Awaitable[dict[InstrumentId, Instrument]]],
        *,
        time_scale: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._venue = venue
        self._read_all = read
        self._fresh = _FRESH * time_scale
        self._monotonic = monotonic
        self._instruments: dict[InstrumentId, Instrument] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    @property
    def is_read(self) -> bool:
        return self._read_at is not None

    def known(self, instrument: InstrumentId) -> Instrument | None:
        """Returns an instrument as it was read last; None for one that is not listed, or not read yet."""
        return self._instruments.get(instrument)

    async def one(self, instrument: InstrumentId) -> Instrument:
        """Raises UnknownInstrument, and VenueError where the list can not be read."""
        found = self._instruments.get(instrument) or (await self.all()).get(instrument)
        if found is None:
            raise UnknownInstrument(self._venue, f"{instrument.symbol[:40]} is not listed here")
        return found

    async def require(self, instrument: InstrumentId) -> None:
        """Raises UnknownInstrument. Where the list can not be read now, the stream has the last word."""
        try:
            await self.one(instrument)
        except UnknownInstrument:
            raise
        except VenueError:
            if instrument.venue != self._venue:
                raise

    async def all(self) -> Mapping[InstrumentId, Instrument]:
        """Returns the instruments, read anew after five minutes. Raises VenueError."""
        async with self._reading:  # whoever waits gets what the first one read
            if self._read_at is None or self._monotonic() - self._read_at >= self._fresh:
                self._instruments = await self._read_all()
                self._read_at = self._monotonic()
        return MappingProxyType(self._instruments)
