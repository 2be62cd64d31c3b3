"""What every simulator has: one user's key, a market, and a clock that faults can put wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from venues.errors import ConfigurationError
from venues.model import NANOSECONDS
from venues.recording.format import RecordingError
from venues.simulators.port import Clock, SimulatorSettings

if TYPE_CHECKING:
    from venues.simulators.faults import Faults


class LocalVenue:
    """The part of a simulator that no venue's protocol changes."""

    def __init__(
        self, settings: SimulatorSettings, faults: Faults, clock: Clock, api_key: str, api_secret: str
    ) -> None:
        self.settings = settings
        self.faults = faults
        self.clock = clock
        self.api_key = api_key
        self.api_secret = api_secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings!r})"

    def server_time_ns(self) -> int:
        """Returns the venue's clock: ours, off by the seconds of the fault `skewed-clock`."""
        now = self.clock.time_ns()
        if not self.faults.is_on("skewed-clock"):
            return now
        return now + round(self.faults.number("skewed-clock") * NANOSECONDS)

    def is_unseen(self, ts_created: int) -> bool:
        """Says whether queries do not know yet what was made at `ts_created` (the fault stale-orders)."""
        if not self.faults.is_on("stale-orders", "query"):
            return False
        hidden_for = self.faults.number("stale-orders", "query") * NANOSECONDS
        return self.clock.time_ns() - ts_created < hidden_for and self.faults.on("stale-orders", "query")


@contextmanager
def making(venue: str) -> Iterator[None]:
    """Says in the user's terms why a simulator can not be made.

    Raises:
        ConfigurationError: a symbol is not a market, or the recording can not be played.
    """
    try:
        yield
    except RecordingError as error:
        raise ConfigurationError(venue, error.message) from error
    except ValueError as error:
        raise ConfigurationError(venue, str(error)) from error
