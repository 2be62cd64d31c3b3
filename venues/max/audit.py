"""What dropped pushes never told: no push of the account is numbered, so what rests is read again and again.

Every five seconds the open orders are compared with what was told of them, every ten executions and wallets.
What differs is told as the stream would have told it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from venues.events import BalanceUpdate, Event, FillUpdate, OrderUpdate
from venues.max import VENUE
from venues.max.doubts import Doubts
from venues.max.executions import Executions
from venues.max.lookups import Lookups
from venues.max.memory import OrderMemory
from venues.model import NANOSECONDS, Balance
from venues.transport.auditing import OVERLAP, AuditRounds, by_currency

_SKEW = NANOSECONDS  # how far `as_of` may lie before the truth, the venue's clock being told in seconds


class Audit:
    """Compares in a task of its own, from `start` to `stop`; `emit` gets what differs. `wall` is nanoseconds."""

    def __init__(
        self,
        memory: OrderMemory,
        lookups: Lookups,
        executions: Executions,
        doubts: Doubts,
        emit: Callable[[Sequence[Event]], None],
        *,
        wall: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float,
        compare_margin: Callable[[], Awaitable[Sequence[Event]]],
    ) -> None:
        self._compare_margin = compare_margin
        self._memory = memory
        self._lookups = lookups
        self._executions = executions
        self._doubts = doubts
        self._emit = emit
        self._wall = wall
        self._rounds = AuditRounds(
            VENUE, self._compare_orders, self._compare_money, sleep=sleep, time_scale=time_scale
        )
        self.began = 0  # the venue's clock: executions of before are no news
        self._since = 0  # from which executions are read
        self._balances: dict[str, tuple[Balance, int]] = {}  # as last told, and the venue's time of that

    def start(self) -> None:
        """Begins, where it has not: what was before is not asked about."""
        if not self.began:
            self.began = self._since = self._lookups.as_of() or self._wall()
        self._rounds.start()

    def stop(self) -> None:
        """Ends, until it is started again."""
        self._rounds.stop()

    def hurry(self) -> None:
        """Has everything compared now: something that was told could not be read."""
        self._rounds.hurry()

    async def aclose(self) -> None:
        """Ends for good."""
        await self._rounds.aclose()

    def take_balance(self, balance: Balance, ts_event: int) -> Event | None:
        """Takes what a push tells of a currency; returns it as an event, None where it is older than was told."""
        told = self._balances.get(balance.currency)
        if told is not None and ts_event < told[1]:
            return None
        self._balances[balance.currency] = (balance, ts_event)
        return BalanceUpdate(VENUE, (balance,), ts_event)

    async def _compare_orders(self) -> None:
        """Raises VenueError."""
        before = {id(known): (known, known.last) for known in self._memory.open_orders()}
        listed: set[int] = set()
        news: list[Event] = []
        for order in await self._lookups.open_orders():
            known = self._memory.find("", order.venue_order_id)
            if known is None:
                continue
            listed.add(id(known))
            _, last = before.get(id(known), (known, None))
            if last is not order:  # a read that told nothing new gives back what was known
                news.append(OrderUpdate(order))
        if news:
            self._emit(news)
        for known, last in before.values():
            if last is not None and id(known) not in listed and known.last is last and known.order_id:
                self._doubts.about(known)

    async def _compare_money(self) -> None:
        """Raises VenueError."""
        at = self._lookups.as_of()
        fills = self._executions.take_untold(await self._lookups.trades(self._since - OVERLAP), self.began)
        if fills:
            self._emit([FillUpdate(fill) for fill in fills])
        self._since = max(self._since, at - OVERLAP)
        await self._compare_balances()
        self._emit(await self._compare_margin())

    async def _compare_balances(self) -> None:
        at = self._lookups.as_of()
        held = by_currency(await self._lookups.balances(), self._balances)
        self._emit(list(self._differences(held.values(), at)))

    def _differences(self, held: Iterable[Balance], at: int) -> Iterable[Event]:
        for balance in held:
            told = self._balances.get(balance.currency)
            if told is not None and (told[0] == balance or told[1] > at - _SKEW):
                continue  # a push may be newer than the read: the next round tells
            self._balances[balance.currency] = (balance, at)
            yield BalanceUpdate(VENUE, (balance,), at)
