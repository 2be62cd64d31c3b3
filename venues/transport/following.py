"""How an account is followed: read in rounds, and told by a private stream besides where there is one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from venues.events import Event, LinkState, Notice, StreamStatus
from venues.transport.crew import Crew, Part
from venues.transport.polling import Polls, Standby, stretch_of

_KEY = "account"
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})


class Rounds(Protocol):
    """The reads of an account, several of which make a round."""

    async def round(self) -> None:
        """Raises VenueError; what it did not come to, the next one does."""
        ...

    def want(self) -> None:
        """Has the next rounds read everything."""
        ...

    @property
    def age(self) -> float:
        """Seconds since the last round began."""
        ...

    @property
    def is_due(self) -> bool: ...


class Following:
    """Follows one account from `begin` to `close`.

    `pause` is how many seconds the venue's limit allows between two rounds, `hurried` between two that something
    has caused, where that is less; `free` is the share of the limit that is left. `lost` is told that the stream
    is lost. `on_fault` gets what breaks the polls, which is a fault of ours; without it a notice says so.
    """

    def __init__(
        self,
        venue: str,
        rounds: Rounds,
        *,
        pause: float,
        hurried: float | None = None,
        free: Callable[[], float],
        lost: Callable[[], None],
        emit: Callable[[Sequence[Event]], None],
        show: Callable[[StreamStatus | None], None],
        on_fault: Callable[[BaseException], None] | None = None,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._venue = venue
        self._rounds = rounds
        self._pause = pause
        self._hurried = pause if hurried is None else hurried
        self._free = free
        self._lost = lost
        self._emit = emit
        self._show = show
        self._on_fault = on_fault or self._tell_fault
        self._scale = time_scale
        self._wall = wall
        self._monotonic = monotonic
        self._sleep = sleep
        self._stream_state = LinkState.CONNECTING
        self._has_spoken = False  # the stream, since it was subscribed
        self._standby: Standby | None = None
        self._polls: Polls | None = None
        self._crew: Crew | None = None

    @property
    def is_open(self) -> bool:
        return self._polls is not None

    @property
    def hears(self) -> bool:
        """Whether the stream stands."""
        return self._stream_state is LinkState.LIVE

    @property
    def is_told(self) -> bool:
        """Whether the stream tells what happens: where nobody documents it, it may stand and stay silent."""
        return self.hears and self._has_spoken

    def begin(self, *, has_stream: bool, beside: Mapping[str, Part] | None = None) -> None:
        """Reads from now on, and runs what goes on `beside` it."""
        self._standby = standby = Standby(
            self._venue,
            self._show,
            has_stream=has_stream,
            time_scale=self._scale,
            wall=self._wall,
            monotonic=self._monotonic,
        )
        self._polls = polls = Polls(
            standby, on_fault=self._on_fault, free=self._free, time_scale=self._scale, sleep=self._sleep
        )
        self._crew = Crew(self._on_fault)
        standby.answered()
        polls.start()
        polls.begin(_KEY, self._rounds.round, every=self._pause, is_due=lambda: self._rounds.is_due)
        for name, part in (beside or {}).items():
            self._crew.keep(name, part)

    async def close(self) -> None:
        """Ends the rounds: nobody wants to hear of the account any more. May be called twice."""
        polls, crew = self._polls, self._crew
        self._polls = self._standby = self._crew = None
        if polls is not None:
            await polls.aclose()
            self._show(None)
        if crew is not None:
            await crew.aclose()

    def spoke(self) -> None:
        """Is told of a push that tells something."""
        self._has_spoken = True

    def resynced(self) -> None:
        """Is told each time the stream has been subscribed: what was told meanwhile is read."""
        self._has_spoken = False
        self.read_all()

    def lose(self) -> None:
        """Is told that the stream is closed, or lost."""
        self._stream_state = LinkState.DOWN
        self._lost()

    def heard(self, status: StreamStatus) -> None:
        """Takes the state of the stream."""
        was, self._stream_state = self._stream_state, status.state
        if self._standby is not None:
            self._standby.heard(status)
        if status.state in _LOST and was not in _LOST:
            self.lose()
            self.read_all()

    def changed(self) -> None:
        """A command of ours has changed something: the stream tells it, or it is read."""
        if not self.is_told:
            self.read_all()

    def read_all(self) -> None:
        """Has everything read, as soon as the limit allows."""
        self._rounds.want()
        self.hurry()

    def hurry(self) -> None:
        """Has a round begin now; where the one before is younger than the limit allows, it comes by itself."""
        pause = self._hurried * self._scale * stretch_of(self._free())
        if self._polls is not None and self._rounds.age >= pause:
            self._polls.hurry(_KEY)

    def _tell_fault(self, fault: BaseException) -> None:
        words = f"the account is not read any more: a fault of this program ({type(fault).__name__})"
        self._emit([Notice(self._venue, words, True, self._wall())])
