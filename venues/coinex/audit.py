"""What dropped pushes never told: no push of the account is numbered, so what rests is read again and again.

Every five seconds the open orders are compared with what was told of them, every ten our executions and balances.
What differs is told as the stream would have told it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from venues.coinex import VENUE
from venues.coinex.doubts import Doubts
from venues.coinex.executions import Executions
from venues.coinex.lookups import Lookups
from venues.coinex.memory import Known, OrderMemory
from venues.events import BalanceUpdate, Event, FillUpdate, OrderUpdate
from venues.model import Balance, Order, OrderStatus
from venues.transport.auditing import OVERLAP, AuditRounds, by_currency

_PATIENCE = 2  # looks that miss an order before it is called over: a venue may be late in listing


class Audit:
    """Compares in a task of its own, from `start` to `stop`; `emit` gets what differs.

    `wall` is our clock in nanoseconds UTC, by which a push of balances is dated that names no time.
    """

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
    ) -> None:
        self._memory = memory
        self._lookups = lookups
        self._executions = executions
        self._doubts = doubts
        self._emit = emit
        self._wall = wall
        self._rounds = AuditRounds(
            VENUE, self._compare_orders, self._compare_money, sleep=sleep, time_scale=time_scale
        )
        self._since = 0  # the venue's clock, from which executions are read
        self._balances: dict[str, Balance] = {}  # as last told
        self._pushed: dict[str, int] = {}  # when a push told of a currency
        self._is_dated = False  # pushes of balances name the venue's time
        self._misses: dict[int, int] = {}  # looks in a row that missed an order, by the identity of what is known

    def start(self) -> None:
        """Begins, where it has not: what was before is not asked about."""
        if self._rounds.start():
            self._since = self._lookups.as_of()

    def stop(self) -> None:
        """Ends, until it is started again."""
        self._rounds.stop()

    async def aclose(self) -> None:
        """Ends for good."""
        await self._rounds.aclose()

    def note_balances(self, told: BalanceUpdate, *, is_dated: bool) -> None:
        """Takes what a push tells; `is_dated` where it names the venue's time."""
        if is_dated is not self._is_dated:
            self._pushed.clear()  # of another clock
        self._is_dated = is_dated
        self._balances |= {balance.currency: balance for balance in told.balances}
        self._pushed |= {balance.currency: told.ts_event for balance in told.balances}

    async def _compare_orders(self) -> None:
        """Raises VenueError."""
        before = {id(known): (known, known.last) for known in self._memory.open_orders()}
        listed: set[int] = set()
        news: list[Event] = []
        for order in await self._lookups.open_orders():
            known = self._memory.by_id(order.venue_order_id)
            if known is None:
                continue
            listed.add(id(known))
            _, last = before.get(id(known), (known, None))
            if last is None or _differ(last, order):
                news.append(OrderUpdate(order))
        if news:
            self._emit(news)
        await self._look_for(
            [
                known
                for known, last in before.values()
                if last is not None and id(known) not in listed and known.last is last and not known.is_amending
            ]
        )

    async def _look_for(self, missing: Sequence[Known]) -> None:
        """Tells what became of orders that were told to rest, and do not. Raises VenueError."""
        self._misses = {id(known): self._misses.get(id(known), 0) + 1 for known in missing}
        markets: dict[str, list[Known]] = {}
        for known in missing:
            if known.order_id:
                markets.setdefault(known.instrument.symbol, []).append(known)
            elif self._misses[id(known)] >= _PATIENCE:
                self._doubts.about(known)
        for market, orders in markets.items():
            states = await self._lookups.states(market, [known.order_id for known in orders])
            for known in orders:
                if known.order_id not in states:
                    continue
                order = states[known.order_id] or self._vanished(known)
                if order is not None:
                    self._emit([OrderUpdate(order)])

    def _vanished(self, known: Known) -> Order | None:
        """Returns the end of an order that the venue has no more; None while that is not sure."""
        last = known.last
        if last is None or last.filled_quantity or self._misses[id(known)] < _PATIENCE:
            return None
        known.last = known.as_asked(OrderStatus.CANCELED, self._lookups.now())
        return known.last

    async def _compare_money(self) -> None:
        """Raises VenueError."""
        at, wall = self._lookups.as_of(), self._wall()
        if not self._since:  # the venue's clock was not known when it began
            self._since = at or wall
        for account_id in tuple(self._lookups.accounts):
            deals = await self._lookups.deals(self._since - OVERLAP, account_id)
            fills = await self._executions.take_untold(deals, self._since)
            if fills:
                self._emit([FillUpdate(fill) for fill in fills])
        held = by_currency(await self._lookups.balances(), self._balances)
        dated = at if self._is_dated else wall
        news = tuple(
            balance
            for currency, balance in held.items()
            # A push may be newer than the read, or only look so: the next round tells.
            if self._balances.get(currency) != balance and self._pushed.get(currency, 0) <= dated
        )
        self._balances |= {balance.currency: balance for balance in news}
        if news:
            self._emit([BalanceUpdate(VENUE, news, dated)])
        self._since = max(self._since, at - OVERLAP)


def _differ(before: Order, after: Order) -> bool:
    return any(
        getattr(before, name) != getattr(after, name)
        for name in ("venue_order_id", "status", "filled_quantity", "price", "quantity", "trigger_price")
    )
