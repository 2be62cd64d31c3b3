"""Keeps each venue going: opened, its events taken in, its account read back at the start and after each loss.

Whatever breaks takes down its own venue only, is told, and is begun anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from tui.desk.authentication import refusal_words
from tui.desk.clientid import Random
from tui.desk.frame import FactKind, Severity
from tui.desk.inert import sanitise
from tui.desk.link import Link
from tui.desk.reconcile import reconcile_account
from tui.desk.settling import Settler
from tui.desk.store import Store
from tui.desk.watch import Watch
from venues.commands import Channel, Subscription
from venues.errors import AuthenticationError, ConfigurationError, NotSupported, RateLimited, VenueError
from venues.events import LinkState, StreamStatus
from venues.model import NANOSECONDS
from venues.port import Permissions, TellsPermissions

logger = logging.getLogger(__name__)

_HEALTHY = 30 * NANOSECONDS  # a venue that ran this long begins its backoff anew
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})
_LEAST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
_WHOLE = 400  # characters: the remedy stands at the end


class Outlet(Protocol):
    """Where what happens is told, and work goes that must not hold up a stream."""

    def say(self, kind: FactKind, severity: Severity, text: str) -> None: ...

    def begin_background(self, work: Coroutine[Any, Any, None]) -> None: ...

    def note_reconciled(self, link: Link) -> None: ...

    def note_permissions(self, link: Link, permissions: Permissions) -> None: ...


def backoff(attempt: int, random: Random) -> float:
    """Returns how many seconds to wait before trying again: anything from 0.25 to 0.5, 1, 2 ... 30.

    The whole span is drawn from, so that desks that lost a venue together do not come back together.
    """
    longest = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(attempt, 8))
    return _LEAST_PAUSE + random.getrandbits(32) / 2**32 * (longest - _LEAST_PAUSE)


class Supervisor:
    """Runs the venues of one session. `clock` returns nanoseconds UTC, `sleep` takes seconds."""

    def __init__(
        self,
        store: Store,
        watch: Watch,
        settler: Settler,
        outlet: Outlet,
        clock: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        random: Random,
    ) -> None:
        self._store = store
        self._watch = watch
        self._settler = settler
        self._outlet = outlet
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self.is_closing = False

    async def run(self, link: Link) -> None:
        """Runs one venue until its stream has ended for good, or the desk closes."""
        attempt = 0
        while not self.is_closing:
            began = self._clock()
            error = await _end_of(self._serve(link))
            if error is None:
                if self.is_closing or self._store.venues[link.name].state is LinkState.ENDED:
                    return
                why = "the venue's stream has ended"
            else:
                fault = _first_of(error)
                why = sanitise(str(fault))
                if isinstance(fault, (AuthenticationError, ConfigurationError)):
                    self._outlet.say(FactKind.CONFIGURATION, Severity.ALARM, why)
                elif not isinstance(fault, VenueError):
                    logger.error("the session of %s failed", link.name, exc_info=fault)
                    why = f"{type(fault).__name__} in the desk, see pitside.log"
            self.lose(link)
            self._store.apply(StreamStatus(link.name, LinkState.DOWN, why, ts_event=self._clock()))
            attempt = 1 if self._clock() - began > _HEALTHY else attempt + 1
            await self._sleep(backoff(attempt - 1, self._random))

    def lose(self, link: Link) -> None:
        """Keeps new orders off a venue whose account may have moved unseen, until it has been read back."""
        link.losses += 1
        link.was_lost = True
        link.is_reconciled = False
        self._store.change_venue(link.name, is_reconciling=True)

    def distrust(self, link: Link) -> None:
        """Has everything of a venue read back: time has passed in which nobody looked."""
        self.lose(link)
        if self._store.venues[link.name].state is LinkState.LIVE:
            link.reconcile_wanted.set()

    async def _serve(self, link: Link) -> None:
        await link.venue.connect()
        if link.stream is None:
            link.stream = aiter(link.venue.events())
        else:  # the fault was ours, and the connection has stood all the while
            self._store.apply(StreamStatus(link.name, LinkState.LIVE, ts_event=self._clock()))
        async with asyncio.TaskGroup() as group:
            tending = group.create_task(self._tend(link))
            await self._pump(link)
            tending.cancel()

    async def _pump(self, link: Link) -> None:
        """Feeds the store until the stream ends."""
        self._drain(link)
        while link.stream is not None:
            # A stream that raises or is cancelled has ended; one whose events broke something here goes on.
            stream, link.stream = link.stream, None
            try:
                batch = await anext(stream)
            except StopAsyncIteration:
                return
            link.stream = stream
            link.backlog.extend(batch)
            self._drain(link, is_data=any(type(event) is not StreamStatus for event in batch))

    def _drain(self, link: Link, *, is_data: bool = False) -> None:
        backlog = link.backlog
        while backlog:
            event = backlog.popleft()  # before it is applied: one that breaks something is not applied twice
            if type(event) is StreamStatus:
                self._follow(link, event)
            self._store.apply(event)
        now = self._clock()
        if is_data and now - self._store.venues[link.name].ts_last_data > NANOSECONDS // 4:
            self._store.change_venue(link.name, ts_last_data=now)
            self._learn_abilities(link)
        for work in self._watch.wanted_work(link, now):
            self._outlet.begin_background(work)

    def _learn_abilities(self, link: Link) -> None:
        """Shows what the venue has found out of itself by now: that it signs rightly, how long a request lives."""
        before, can = self._store.venues[link.name].capabilities, link.venue.capabilities
        if can == before or can.mode is not before.mode:
            return
        if before.authentication_unverified and not can.authentication_unverified:
            self._store.log(f"{link.name}: a signed call has succeeded: it signs rightly", Severity.GOOD)
        self._store.change_venue(link.name, capabilities=can)

    def _follow(self, link: Link, status: StreamStatus) -> None:
        if status.state in _LOST:
            self.lose(link)
        elif status.state is LinkState.LIVE and link.was_lost:
            link.reconcile_wanted.set()

    async def _tend(self, link: Link) -> None:
        """Brings a venue up, then reads its account back now and after each loss of the connection."""
        await self._repeat(link, self._watch.subscribe_all)
        while True:
            link.reconcile_wanted.clear()
            if link.has_account:
                await self._repeat(link, self._read_account)
            else:
                self._store.change_venue(link.name, is_reconciling=False)
            await link.reconcile_wanted.wait()

    async def _repeat(self, link: Link, step: Callable[[Link], Awaitable[None]]) -> None:
        """Tries again for as long as it may pass by itself."""
        attempt = 0
        while True:
            pause = 0.0
            try:
                await step(link)
                return
            except (AuthenticationError, ConfigurationError) as error:
                can, said = link.venue.capabilities, str(error)
                is_refused = isinstance(error, AuthenticationError)
                link.fault = sanitise(refusal_words(link.name, can, said) if is_refused else said, _WHOLE)
                link.has_account = False
                link.is_refused = is_refused
                self._store.change_venue(link.name, is_reconciling=False, fault=link.fault)
                if not isinstance(error, NotSupported):
                    self._outlet.say(FactKind.CONFIGURATION, Severity.ALARM, link.fault)
                return
            except RateLimited as error:
                pause = error.retry_after or 0.0
                self._store.log(f"{error}; trying again", Severity.WARNING)
            except VenueError as error:
                self._store.log(f"{error}; trying again", Severity.WARNING)
            await self._sleep(max(pause, backoff(attempt, self._random)))
            attempt += 1

    async def _read_account(self, link: Link) -> None:
        link.was_lost = False
        await self._read_permissions(link)
        await link.subscribe(Subscription(Channel.ACCOUNT))
        await reconcile_account(link, self._store, self._settler, self._clock)
        self._learn_abilities(link)
        if not link.was_lost:
            link.is_reconciled = True
            self._store.change_venue(link.name, is_reconciling=False)
            self._outlet.note_reconciled(link)

    async def _read_permissions(self, link: Link) -> None:
        """Hears what the key may do, before anything can be sent with it; that it is not told holds up nothing."""
        if not isinstance(link.venue, TellsPermissions):
            return
        try:
            permissions = await link.venue.fetch_permissions()
        except AuthenticationError:
            raise
        except VenueError as error:
            self._store.log(f"what the key may do is not known: {error}", Severity.WARNING)
        else:
            self._outlet.note_permissions(link, permissions)


async def _end_of(work: Coroutine[Any, Any, None]) -> BaseException | None:
    """Runs `work` to its end and returns what it raised. Whoever stops waiting has it ended first."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    return asyncio.CancelledError() if task.cancelled() else task.exception()


def _first_of(error: BaseException) -> BaseException:
    """Returns what a task group's exception is about."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
