"""The venue's request limits, kept on this side: a call that would break one waits here, or is refused here.

A pool is a limit of the venue ("30 a second", "1,200 units a minute"); a call may draw from several, and gets all
it needs or nothing. Its units count from the moment it is admitted until a whole period after it ended: wherever
between the two it reached the venue, no period there sees more than the limit. A pool may be used up in one burst;
what comes then waits for the rest of the period.

A fifth of each pool is kept for cancels. These go first, then other commands, then reads, each in the order of
asking; who waits for a pool holds up only those behind it that want the same pool. While a ban lasts nothing goes,
cancels neither: a call during a ban can begin it anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import msgspec

from venues.errors import ConfigurationError, RateLimited

Weight: TypeAlias = tuple[tuple[str, int], ...]
"""What a call draws: (the pool's name, units)."""

_SHARE = 5  # one unit in so many is kept for cancels


class Urgency(IntEnum):
    """Who goes first, and who may use the reserve: CANCEL alone."""

    CANCEL = 0
    COMMAND = 1
    READ = 2


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of the venue: `units` within any `period` seconds.

    `has_reserve` is False for a pool that no cancel draws from.
    """

    name: str
    units: int
    period: float = 1.0
    has_reserve: bool = True

    @property
    def unreserved(self) -> int:
        """The units that others than cancels may use: four fifths, rounded down."""
        return self.units - -(-self.units // _SHARE) if self.has_reserve else self.units


class RateLimiter:
    """The pools of one venue, for one event loop; several clients may share them.

    Raises:
        ConfigurationError: a pool is too small to be used.
    """

    def __init__(self, venue: str, pools: Iterable[Pool]) -> None:
        self.venue = venue
        self._gauges = {pool.name: _Gauge(pool) for pool in pools}
        self._waiting: tuple[dict[_Waiter, None], ...] = tuple({} for _ in Urgency)  # in the order of asking
        self._stopped_until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        for gauge in self._gauges.values():
            if gauge.pool.unreserved < 1 or gauge.pool.period <= 0:
                raise ConfigurationError(venue, f"the limit {gauge.pool.name} leaves nothing to use")

    @asynccontextmanager
    async def admitted(self, weight: Weight, urgency: Urgency, patience: float) -> AsyncIterator[None]:
        """Within it the call may be made. Waits `patience` seconds at most to enter.

        Raises:
            RateLimited: it would have to wait longer, or a ban lasts. Nothing was used.
            ConfigurationError: no waiting helps: there is no such pool, or it never holds that much.
        """
        draws = self._checked(weight, urgency)
        await self._enter(_Waiter(draws, urgency), patience)
        try:
            yield
        finally:
            self._leave(draws, urgency)

    def stop(self, seconds: float) -> None:
        """Admits nothing for so long, cancels neither; who waits is refused now."""
        self._stopped_until = max(self._stopped_until, _now() + seconds)
        refused = [waiter for queue in self._waiting for waiter in queue]
        for queue in self._waiting:
            queue.clear()
        for waiter in refused:
            waiter.refuse(self._banned())

    def penalty_left(self) -> float:
        """Returns the seconds until the ban is over."""
        return max(0.0, self._stopped_until - _now())

    def free(self, name: str) -> int:
        """Returns how many units of a pool others than cancels may use now."""
        gauge = self._gauges[name]
        gauge.forget_until(_now())
        return max(0, gauge.left_to_others)

    def _checked(self, weight: Weight, urgency: Urgency) -> Mapping[str, int]:
        draws: dict[str, int] = {}
        for name, units in weight:
            draws[name] = draws.get(name, 0) + units
        for name, units in draws.items():
            gauge = self._gauges.get(name)
            if gauge is None or not 0 <= units <= gauge.most(urgency):
                raise ConfigurationError(
                    self.venue, f"a call needs {units} of the limit {name}, more than there is"
                )
        return draws

    async def _enter(self, waiter: _Waiter, patience: float) -> None:
        if self.penalty_left() > 0:
            raise self._banned()
        queue = self._waiting[waiter.urgency]
        queue[waiter] = None
        self._admit_waiting()
        if waiter.admission.done():
            return
        has_entered = False
        try:
            # Decided at once: an order that can not leave in time is refused while the trader still looks.
            if (wait := self._shortest_wait(waiter)) > patience:
                raise self._used_up(wait)
            async with asyncio.timeout(patience):
                await waiter.admission
            has_entered = True
        except TimeoutError:
            raise self._used_up(self._shortest_wait(waiter)) from None
        finally:
            if not has_entered:
                self._give_up(waiter)

    def _give_up(self, waiter: _Waiter) -> None:
        """Forgets one that waited in vain, or was admitted in the very moment in which it stopped waiting."""
        self._waiting[waiter.urgency].pop(waiter, None)
        if waiter.is_admitted:
            for name, units in waiter.draws.items():
                self._gauges[name].return_unused(units, waiter.urgency)
        self._admit_waiting()

    def _leave(self, draws: Mapping[str, int], urgency: Urgency) -> None:
        now = _now()
        for name, units in draws.items():
            self._gauges[name].end(units, urgency, now)
        if any(self._waiting):
            self._admit_waiting()

    def _admit_waiting(self) -> None:
        """Admits whom there is room for, and sets the alarm for the next."""
        now = _now()
        for gauge in self._gauges.values():
            gauge.forget_until(now)
        claimed: set[str] = set()
        admitted: list[_Waiter] = []
        for waiter in (waiter for queue in self._waiting for waiter in queue):
            if len(claimed) == len(self._gauges) > 0:
                break
            if waiter.admission.done():  # its task was cancelled, and takes it out of the queue when it runs
                continue
            if claimed.isdisjoint(waiter.draws) and self._has_room(waiter):
                for name, units in waiter.draws.items():
                    self._gauges[name].begin(units, waiter.urgency)
                admitted.append(waiter)
            else:
                claimed.update(waiter.draws)
        for waiter in admitted:
            del self._waiting[waiter.urgency][waiter]
            waiter.admission.set_result(None)
        self._set_alarm(claimed)

    def _has_room(self, waiter: _Waiter) -> bool:
        return all(self._gauges[name].has_room(units, waiter.urgency) for name, units in waiter.draws.items())

    def _set_alarm(self, claimed: Iterable[str]) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        moments = [moment for name in claimed if (moment := self._gauges[name].next_free) is not None]
        if moments:
            self._alarm = asyncio.get_running_loop().call_at(min(moments), self._admit_waiting)

    def _shortest_wait(self, waiter: _Waiter) -> float:
        """Returns the seconds it waits if all who stand before it ask for nothing."""
        now = _now()
        return max(
            (self._gauges[name].wait(units, waiter.urgency, now) for name, units in waiter.draws.items()),
            default=0.0,
        )

    def _used_up(self, wait: float) -> RateLimited:
        words = f"the venue's request limit is used up for {wait:.1f} s more"
        return RateLimited(self.venue, words, retry_after=wait)

    def _banned(self) -> RateLimited:
        left = self.penalty_left()
        words = f"the venue told us to be silent for {left:.1f} s more"
        return RateLimited(self.venue, words, retry_after=left)


class _Waiter:
    """A call that asks to be admitted."""

    __slots__ = ("admission", "draws", "urgency")

    def __init__(self, draws: Mapping[str, int], urgency: Urgency) -> None:
        self.draws = draws
        self.urgency = urgency
        self.admission: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_admitted(self) -> bool:
        done = self.admission.done() and not self.admission.cancelled()
        return done and self.admission.exception() is None

    def refuse(self, error: RateLimited) -> None:
        if not self.admission.done():
            self.admission.set_exception(error)


class _Use(NamedTuple):
    free_at: float  # the loop's seconds
    units: int
    is_cancel: bool


class _Gauge:
    """How much of one pool is in use."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._used = 0  # by calls under way and by those that ended less than a period ago
        self._used_by_others = 0  # of these, not by cancels
        self._ended: deque[_Use] = deque()

    @property
    def next_free(self) -> float | None:
        return self._ended[0].free_at if self._ended else None

    def most(self, urgency: Urgency) -> int:
        return self.pool.units if urgency is Urgency.CANCEL else self.pool.unreserved

    def has_room(self, units: int, urgency: Urgency) -> bool:
        return self._short(units) <= 0 and (urgency is Urgency.CANCEL or self._short_of_share(units) <= 0)

    @property
    def left_to_others(self) -> int:
        """The units that others than cancels may use now."""
        return min(-self._short(0), -self._short_of_share(0))

    def begin(self, units: int, urgency: Urgency) -> None:
        self._used += units
        if urgency is not Urgency.CANCEL:
            self._used_by_others += units

    def return_unused(self, units: int, urgency: Urgency) -> None:
        self._used -= units
        if urgency is not Urgency.CANCEL:
            self._used_by_others -= units

    def end(self, units: int, urgency: Urgency, now: float) -> None:
        self._ended.append(_Use(now + self.pool.period, units, urgency is Urgency.CANCEL))

    def forget_until(self, now: float) -> None:
        while self._ended and self._ended[0].free_at <= now:
            use = self._ended.popleft()
            self.return_unused(use.units, Urgency.CANCEL if use.is_cancel else Urgency.READ)

    def wait(self, units: int, urgency: Urgency, now: float) -> float:
        """Returns the seconds until there is room; at least a period where calls under way must end first."""
        short = self._short(units)
        short_of_share = self._short_of_share(units) if urgency is not Urgency.CANCEL else 0
        if short <= 0 and short_of_share <= 0:
            return 0.0
        for use in self._ended:
            short -= use.units
            short_of_share -= 0 if use.is_cancel else use.units
            if short <= 0 and short_of_share <= 0:
                return max(0.0, use.free_at - now)
        return self.pool.period

    def _short(self, units: int) -> int:
        return self._used + units - self.pool.units

    def _short_of_share(self, units: int) -> int:
        return self._used_by_others + units - self.pool.unreserved


def _now() -> float:
    return asyncio.get_running_loop().time()
