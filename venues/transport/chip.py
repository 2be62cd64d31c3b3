"""What the venue's chip says: the states of its streams as one, and what could not be read."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from venues.events import LinkState, Notice, StreamStatus
from venues.transport.link import Quarantined
from venues.transport.outbox import Outbox

logger = logging.getLogger(__name__)

_WORST_FIRST = (
    LinkState.DOWN,
    LinkState.RECONNECTING,
    LinkState.CONNECTING,
    LinkState.STALE,
    LinkState.LIVE,
)
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})
_PAUSE = 1.0  # seconds between two times that the account has to be read back
_QUIET = 5.0  # seconds between two notices of what could not be read


class Chip:
    """Tells one state of all streams: the worst one. LIVE is told only where the account's stream lives as well.

    A link that is back is told as LIVE before its silence is: whoever reads the account back waits for that word.
    """

    def __init__(
        self, venue: str, outbox: Outbox, *, time_scale: float = 1.0, wall: Callable[[], int] = time.time_ns
    ) -> None:
        self._venue = venue
        self._outbox = outbox
        self._pause = _PAUSE * time_scale
        self._wall = wall
        self._market = StreamStatus(venue, LinkState.CONNECTING)
        self._further: dict[str, StreamStatus] = {}  # other streams of the market, by their names
        self._account: StreamStatus | None = None
        self._clock_offset: int | None = None
        self._told: StreamStatus | None = None
        self._missed = ""
        self._alarm: asyncio.TimerHandle | None = None

    def market(self, status: StreamStatus) -> None:
        """Takes the state of the market's stream."""
        self._market = status
        self._tell()

    def further(self, name: str, status: StreamStatus | None) -> None:
        """Takes the state of another stream of the market; None where it is not in use."""
        if status is not None:
            self._further[name] = status
        elif self._further.pop(name, None) is None:
            return
        self._tell()

    def account(self, status: StreamStatus | None) -> None:
        """Takes the state of the account's stream; None where there is none.

        A new attempt says nothing of why there is one: the reason stands until the stream is back.
        """
        if status is not None and not status.detail and self._account is not None and status.state in _LOST:
            status = msgspec.structs.replace(status, detail=self._account.detail.split("; the next attempt")[0])
        self._account = status
        self._tell()

    def clock(self, offset: int | None) -> None:
        """Takes the venue's time minus ours, in nanoseconds."""
        if offset != self._clock_offset:
            self._clock_offset = offset
            self._tell()

    def missed(self, why: str) -> None:
        """Has the account read back although no connection was lost: something that it told can not be read.

        Once a second at most: what is missed meanwhile is read back together.
        """
        self._missed = why
        if self._alarm is None:
            self._tell_missed()

    def close(self) -> None:
        """Tells nothing more by itself."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _tell_missed(self) -> None:
        self._alarm = None
        if not self._missed:
            return
        why, self._missed = self._missed, ""
        if self._told is not None and self._told.state not in _LOST:
            self._send(msgspec.structs.replace(self._told, state=LinkState.RECONNECTING, detail=why))
            self._tell()
        self._alarm = asyncio.get_running_loop().call_later(self._pause, self._tell_missed)

    @property
    def _worst(self) -> tuple[str, StreamStatus]:
        """Returns the name and the state of the worst, the market's own before others that are as bad."""
        states = [("", self._market), *self._further.items()]
        if self._account is not None:
            states.append(("account", self._account))
        return min(states, key=lambda each: _WORST_FIRST.index(each[1].state))

    def _tell(self) -> None:
        name, worst = self._worst
        detail = worst.detail
        if name and worst.state is not LinkState.LIVE:
            detail = f"{name}: {detail or 'no answer'}"
        status = StreamStatus(
            self._venue,
            worst.state,
            detail,
            self._market.round_trip,
            self._clock_offset,
            self._wall(),
        )
        if status.state is LinkState.STALE and self._told is not None and self._told.state in _LOST:
            self._send(msgspec.structs.replace(status, state=LinkState.LIVE, detail=""))
        self._send(status)

    def _send(self, status: StreamStatus) -> None:
        self._told = status
        self._outbox.push_status(status)


class QuarantineDesk:
    """Counts the frames that could not be used, and tells of them now and then, never of what they said."""

    def __init__(
        self, venue: str, outbox: Outbox, *, time_scale: float = 1.0, wall: Callable[[], int] = time.time_ns
    ) -> None:
        self._venue = venue
        self._outbox = outbox
        self._quiet = _QUIET * time_scale
        self._wall = wall
        self._untold = 0
        self._why = ""
        self._alarm: asyncio.TimerHandle | None = None
        self.count = 0

    def take(self, frame: Quarantined) -> None:
        """Takes one; the first is told at once, those that follow together."""
        self.count += 1
        self._untold += 1
        self._why = frame.why
        if self._alarm is None:
            self._tell()

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()

    def _tell(self) -> None:
        self._alarm = None
        if not self._untold:
            return
        what = "1 frame" if self._untold == 1 else f"{self._untold} frames"
        text = f"{what} could not be read: {self._why}"
        self._untold = 0
        logger.warning("%s: %s", self._venue, text)
        self._outbox.push((Notice(self._venue, text, ts_event=self._wall()),))
        self._alarm = asyncio.get_running_loop().call_later(self._quiet, self._tell)
