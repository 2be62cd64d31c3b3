"""Reads that are asked again and again where no stream tells, and what a chip says of them.

Each wish is read on its own, as often as it may: where less than half of the venue's limit is left for others than
cancels, the pauses grow, up to six times, and to twelve times where a twentieth is left: polls leave room for
commands. A wish that a stream carries is not read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable

import msgspec

from venues.errors import AuthenticationError, RateLimited, VenueError
from venues.events import LinkState, StreamStatus
from venues.transport.crew import Crew
from venues.transport.interval import Interval

_LATE = 0.8  # seconds after which an answer is late: with polls every second silence is seen within 2 s
_LOST = 6.0  # seconds of silence more, after which what is read is called lost
_DOWN = 30.0
_REFUSED = 2  # reads in a row whose key is not taken: a stream that still stands no longer speaks for the account
_LOOK_EVERY = 0.25
_TELL_EVERY = 1.0  # the age, while nothing else changes
_ENOUGH = 0.5  # of a limit: less makes the pauses grow
_LEAST = 0.05
_LITTLE = 0.25  # less makes what is wished for anew wait its turn: whoever leafs through markets leaves the rest
_MOST_STRETCH, _LAST_STRETCH = 6.0, 12.0
_MOST_FAILURES = 3  # in a row that make the pauses grow, each to the double
_LIVELY = frozenset({LinkState.LIVE, LinkState.STALE})


def stretch_of(free: float) -> float:
    """Returns by how much pauses grow where a share of `free` is left of a limit: 1 at a half, 4 at a quarter."""
    if free < _LEAST:
        return _LAST_STRETCH
    return min(_MOST_STRETCH, max(1.0, (_ENOUGH / free) ** 2))


class Standby:
    """What the chip says of a stream that polls stand in for; without a stream, of the polls.

    While the stream is the better of the two, its own state is shown; STALE where it stands and the key of the
    reads beside it is refused. Else it is LIVE while the last answer is no
    older than it may be ("polling, 1.2 s"), then STALE, and after six seconds more what the stream says, or
    RECONNECTING. `stands_in` says whether what the stream would carry is polled now.
    """

    def __init__(
        self,
        venue: str,
        show: Callable[[StreamStatus], None],
        *,
        has_stream: bool,
        stands_in: Callable[[], bool] = lambda: True,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._show = show
        self._stands_in = stands_in
        self._scale = time_scale
        self._wall = wall
        self._monotonic = monotonic
        self._stream = StreamStatus(venue, LinkState.CONNECTING)
        self._has_stream = has_stream
        self._began = monotonic()
        self._answered: float | None = None  # since the stream was lost
        self._error = ""
        self._refused = 0
        self._shown: tuple[LinkState, str, bool] | None = None
        self._told_at = float("-inf")
        self.every = 0.0  # seconds between two polls, the shortest there are

    @property
    def age(self) -> float | None:
        """Seconds since the last answer; None before the first, and where the stream was lost after it."""
        return None if self._answered is None else self._monotonic() - self._answered

    @property
    def is_late(self) -> bool:
        """Nothing was answered for longer than it may take."""
        since = self._began if self._answered is None else self._answered
        return self._monotonic() - since > self.every + _LATE * self._scale

    def heard(self, status: StreamStatus) -> None:
        """Takes the state of the stream."""
        was_lively = self._stream.state in _LIVELY
        self._stream = status
        if status.state not in _LIVELY and was_lively:
            self._answered = None
            self._began = self._monotonic()
            self._error = ""
            self._told_at = float("-inf")
            self._tell(status, is_polled=False)  # a loss is told, however soon the polls make it good
            return
        if status.state in _LIVELY and not was_lively:
            self._shown = None
        self.look(has_news=not self._is_polled())

    def answered(self) -> None:
        """Takes note of an answer to a poll that stands in for the stream."""
        was_late = self._answered is None or self.is_late
        self._answered = self._monotonic()
        self._error = ""
        self._refused = 0
        if was_late:
            self.look()

    def failed(self, error: VenueError) -> None:
        """Takes note of a poll that failed: the reason is shown once the silence is."""
        self._error = error.message
        self._refused = self._refused + 1 if isinstance(error, AuthenticationError) else 0

    def look(self, *, has_news: bool = False) -> None:
        """Tells what there is to be told. Called now and then."""
        if not self._is_polled():
            status = self._stream
            if self._refused >= _REFUSED and status.state is LinkState.LIVE:
                status = msgspec.structs.replace(status, state=LinkState.STALE, detail=self._error)
            if has_news or self._shown is None or self._shown[2] or self._shown[0] is not status.state:
                self._tell(status, is_polled=False)
            return
        state, detail = self._judge()
        is_same = self._shown is not None and self._shown[0] is state and self._shown[2]
        if is_same and self._monotonic() - self._told_at < _TELL_EVERY * self._scale:
            return
        status = msgspec.structs.replace(self._stream, state=state, detail=detail, ts_event=self._wall())
        self._tell(status, is_polled=True)

    def _is_polled(self) -> bool:
        """Whether the polls are what counts now."""
        if not self._has_stream:
            return True
        if self._stream.state is LinkState.LIVE or not self._stands_in() or self.age is None:
            return False
        return self._judge()[0] in _LIVELY

    def _judge(self) -> tuple[LinkState, str]:
        age = self.age
        if age is None:
            silence = self._monotonic() - self._began
            if silence <= self.every + (_LATE + _LOST) * self._scale:
                return LinkState.CONNECTING, ""
            return self._lost(silence)
        if not self.is_late:
            return LinkState.LIVE, f"polling, {age:.1f} s"
        if age <= self.every + (_LATE + _LOST) * self._scale:
            return LinkState.STALE, f"polling, {age:.1f} s"
        return self._lost(age)

    def _lost(self, silence: float) -> tuple[LinkState, str]:
        state = LinkState.DOWN if silence > _DOWN * self._scale else LinkState.RECONNECTING
        return state, f"polling: {self._error or f'no answer for {silence:.0f} s'}"

    def _tell(self, status: StreamStatus, *, is_polled: bool) -> None:
        self._shown = (status.state, status.detail, is_polled)
        self._told_at = self._monotonic()
        self._show(status)


class _Poll:
    def __init__(
        self,
        read: Callable[[], Awaitable[None]],
        every: float,
        is_due: Callable[[], bool],
        stands_in: Callable[[], bool],
        interval: Interval,
    ) -> None:
        self.read = read
        self.every = every
        self.is_due = is_due
        self.stands_in = stands_in
        self.interval = interval
        self.is_wanted = True
        self.failures = 0


class Polls:
    """The wishes that are polled, for one event loop. `free` is the share of the venue's limit that is left.

    `on_fault` gets what broke one, which is a fault of ours.
    """

    def __init__(
        self,
        standby: Standby,
        *,
        on_fault: Callable[[BaseException], None],
        free: Callable[[], float] = lambda: 1.0,
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._standby = standby
        self._free = free
        self._scale = time_scale
        self._sleep = sleep
        self._polls: dict[Hashable, _Poll] = {}
        self._crew = Crew(on_fault)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._polls

    @property
    def shortest(self) -> float:
        """The seconds between two polls of what is asked most often now; zero where nothing is."""
        due = [poll.every for poll in self._polls.values() if poll.is_due()]
        return min(due) * stretch_of(self._free()) if due else 0.0

    def start(self) -> None:
        """Has the chip follow, until `aclose`."""
        self._crew.keep("standby", self._look)

    def begin(
        self,
        key: Hashable,
        read: Callable[[], Awaitable[None]],
        *,
        every: float,
        is_due: Callable[[], bool] = lambda: True,
        stands_in: Callable[[], bool] = lambda: True,
    ) -> None:
        """Reads at once and every `every` seconds while it is due, until `end`; what is begun already goes on.

        Where little is left of the limit the first read waits its turn as the others do. `read` may raise
        VenueError. `stands_in` says whether its answer is what a stream would have told.
        """
        if key in self._polls:
            return
        every *= self._scale
        poll = self._polls[key] = _Poll(read, every, is_due, stands_in, Interval(every, self._sleep))
        self._crew.begin(f"poll {key}", lambda: self._run(poll))

    def end(self, key: Hashable) -> None:
        """Reads it no more; an answer that is on its way is the reader's to leave."""
        poll = self._polls.pop(key, None)
        if poll is not None:
            poll.is_wanted = False
            poll.interval.hurry()

    def hurry(self, key: Hashable, *, is_spare: bool = False) -> None:
        """Has it read as soon as may be; `is_spare`: not where little is left of the limit."""
        if (poll := self._polls.get(key)) is not None and not (is_spare and self._free() < _LITTLE):
            poll.interval.hurry()

    def hurry_all(self) -> None:
        """Has everything read as soon as may be: the stream is gone."""
        for poll in self._polls.values():
            poll.failures = 0
            poll.interval.hurry()

    async def aclose(self) -> None:
        """Ends everything. May be called twice."""
        for key in list(self._polls):
            self.end(key)
        await self._crew.aclose()

    async def _run(self, poll: _Poll) -> None:
        if (free := self._free()) < _LITTLE:
            await poll.interval.passed(poll.every * stretch_of(free))
        while poll.is_wanted:
            pause = poll.every * stretch_of(self._free())
            if poll.is_due():
                pause = max(pause, await self._read(poll))
            await poll.interval.passed(pause)

    async def _read(self, poll: _Poll) -> float:
        """Reads once; returns the least pause that follows, in seconds."""
        try:
            await poll.read()
        except VenueError as error:
            poll.failures = min(_MOST_FAILURES, poll.failures + 1)
            self._standby.failed(error)
            waits = error.retry_after or 0.0 if isinstance(error, RateLimited) else 0.0
            return max(waits, poll.every * 2.0 ** (poll.failures - 1))
        poll.failures = 0
        if poll.stands_in():
            self._standby.every = self.shortest
            self._standby.answered()
        return 0.0

    async def _look(self) -> None:
        while True:
            await self._sleep(_LOOK_EVERY * self._scale)
            self._standby.every = self.shortest
            self._standby.look()
