"""Reading the account again and again: no push of it may be numbered, so that nobody else finds a dropped one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from venues.errors import VenueError
from venues.model import NANOSECONDS, ZERO, Balance
from venues.transport.interval import Interval

logger = logging.getLogger(__name__)

EVERY = 5.0  # seconds
MONEY_EVERY = 2  # rounds

OVERLAP = 10 * NANOSECONDS
"""How far each read of executions begins before the one that went before it."""


class AuditRounds:
    """Compares orders every five seconds, money every ten, in a task from `start` to `stop`.

    `compare_orders` and `compare_money` may raise VenueError: then the next round does what this one did not.
    """

    def __init__(
        self,
        venue: str,
        compare_orders: Callable[[], Awaitable[None]],
        compare_money: Callable[[], Awaitable[None]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        time_scale: float = 1.0,
    ) -> None:
        self._venue = venue
        self._compare_orders = compare_orders
        self._compare_money = compare_money
        self._interval = Interval(EVERY * time_scale, sleep)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> bool:
        """Begins; False where it has begun already. The first round is a pause away."""
        if self._task is not None and not self._task.done():
            return False
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"{self._venue} audit")
        return True

    def stop(self) -> None:
        """Ends, until it is started again."""
        if self._task is not None:
            self._task.cancel()

    def hurry(self) -> None:
        """Has everything compared now: something that was told could not be read."""
        self._interval.hurry()

    async def aclose(self) -> None:
        """Ends for good. May be called twice."""
        self.stop()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        rounds, is_money_due, failure = 0, False, ""
        while True:
            is_money_due |= await self._interval.passed()
            rounds += 1
            is_money_due |= rounds % MONEY_EVERY == 0
            try:
                await self._compare_orders()
                if is_money_due:
                    await self._compare_money()
                    is_money_due = False
                failure = ""
            except VenueError as error:
                if error.message != failure:  # the same again is not said again
                    logger.warning("the account can not be compared: %s", error)
                failure = error.message


def by_currency(listed: Iterable[Balance], told: Iterable[str]) -> dict[str, Balance]:
    """Returns what is held, with nothing of each currency that was told of before and is listed no more."""
    held = {balance.currency: balance for balance in listed}
    for currency in told:
        held.setdefault(currency, Balance(currency=currency, total=ZERO, available=ZERO, locked=ZERO))
    return held
