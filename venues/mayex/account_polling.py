"""The account, read again and again: all there is without the private stream, and what proves it with it.

Of 200 units a minute the open orders and the balances take one each, positions and a history five. So a round
reads the two light ones every three seconds, at once after a command. Positions follow where money has moved or
an order has, and each 15 seconds; executions where something may have traded, and each minute; what became of an
order that rests no more is read only where its executions do not tell. The less is left of the quota, the longer
the heavy ones wait for each other: commands have the rest, and a fifth of all is kept for cancels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from venues.errors import VenueError
from venues.events import Event, OrderUpdate
from venues.mayex.balances import Balances
from venues.mayex.client import Client
from venues.mayex.fills import Fills
from venues.mayex.liquidations import Liquidations
from venues.mayex.memory import Known
from venues.mayex.orders import Orders
from venues.mayex.positions import Positions
from venues.model import OrderStatus

_SHORTEST = 1.5  # seconds between two rounds
_AUDIT_EVERY = 10.0  # while the stream tells
_POSITIONS_EVERY, _FILLS_EVERY = 15.0, 60.0  # twice that while the stream tells
# How long a heavy read waits for the one before it, by the share of the quota that is left.
_SPACING = ((0.5, 0.0), (0.35, 3.0), (0.2, 6.0), (0.1, 15.0))
_LONGEST = 45.0
_AFTER = 2  # rounds after a command: the venue books late
_MEAN_WEIGHT = 3.5  # of a round: 2, 5 more each fifth, and 5 each twentieth time
_SHARE = 3  # one part in so many of the quota is for the account's rounds


def pause_for(minute_quota: int) -> float:
    """Returns the seconds between two rounds that the quota allows."""
    return max(_SHORTEST, _MEAN_WEIGHT * _SHARE * 60 / minute_quota)


class AccountRounds:
    """Reads the account in rounds. `hears` says whether the private stream tells; `monotonic` is in seconds.

    `free` is the share of the quota that is left.
    """

    def __init__(
        self,
        client: Client,
        orders: Orders,
        positions: Positions,
        balances: Balances,
        fills: Fills,
        liquidations: Liquidations,
        emit: Callable[[Sequence[Event]], None],
        *,
        hears: Callable[[], bool],
        free: Callable[[], float],
        monotonic: Callable[[], float],
        time_scale: float = 1.0,
    ) -> None:
        self._client = client
        self._orders = orders
        self._positions = positions
        self._balances = balances
        self._fills = fills
        self._liquidations = liquidations
        self._emit = emit
        self._hears = hears
        self._free = free
        self._monotonic = monotonic
        self._scale = time_scale
        self._turn = asyncio.Lock()
        self._began_at = self._positions_at = self._fills_at = self._ends_at = float("-inf")
        self._expected = 0
        self._wants_positions = False
        self._gone: dict[int, Known] = {}  # orders that rest no more, and of whose end nobody has told

    def want(self) -> None:
        """Has the next round read everything: something could not be read, or was not told."""
        self._wants_positions = self._fills.is_wanted = True
        self._expected = max(1, self._expected)

    def expect(self, *, of_positions: bool = False) -> None:
        """Has the next rounds begin at once: something was commanded, with `of_positions` about one of these."""
        self._expected = _AFTER
        self._wants_positions |= of_positions

    @property
    def age(self) -> float:
        """Seconds since the last round began."""
        return self._monotonic() - self._began_at

    @property
    def is_due(self) -> bool:
        if self._expected or not self._hears() or self._wants_heavy:
            return True
        return self._balances.newest.wants_read or self.age >= _AUDIT_EVERY * self._scale

    @property
    def _wants_heavy(self) -> bool:
        return self._asks_for_positions or self._asks_for_fills or bool(self._gone)

    @property
    def _asks_for_positions(self) -> bool:
        return self._wants_positions or self._positions.newest.wants_read

    @property
    def _asks_for_fills(self) -> bool:
        is_open = self._liquidations.is_open or self._positions.funding.wants_fills
        return self._fills.wants_read or is_open or bool(self._gone)

    async def money(self) -> bool:
        """Reads balances; tells what has changed, and returns whether money has moved. Raises VenueError.

        What is available moves with the marks of cross positions: that alone says nothing.
        """
        async with self._turn:  # what was asked first must not come last
            began, before = self._monotonic(), self._balances.totals()
            assets = await self._orders.lookups.read(self._client.assets())
            self._emit(self._balances.take_read(assets.accounts, began))
            self._emit(self._positions.reprice())
            return self._balances.totals() != before

    async def positions(self) -> None:
        """Reads positions, and tells what has changed. Raises VenueError."""
        async with self._turn:
            began = self._monotonic()
            self._wants_positions = False
            try:
                parsed = self._positions.parsed(await self._orders.lookups.read(self._client.positions()))
            except VenueError:
                self._wants_positions = True
                raise
            self._positions_at = began
            self._emit(self._positions.take_read(parsed, began))

    async def round(self) -> None:
        """Raises VenueError; what it did not come to, the next one does."""
        self._began_at = self._monotonic()
        self._expected = max(0, self._expected - 1)
        has_moved = await self._compare_orders()
        has_moved |= await self.money()
        if has_moved:
            self._fills.is_wanted = True
            self._wants_positions |= not self._hears()
        if self._is_due(self._positions_at, _POSITIONS_EVERY, is_wanted=self._asks_for_positions):
            await self.positions()
        if self._is_due(self._fills_at, _FILLS_EVERY, is_wanted=self._asks_for_fills):
            await self._read_fills()
        if self._gone and self._is_due(self._ends_at, 0.0, is_wanted=True):
            await self._look_after_gone()
        self._emit(self._fills.untold_orders())

    async def begin(self) -> None:
        """Reads what there is when the account is first followed. Raises VenueError."""
        await self.money()
        await self.positions()

    def _is_due(self, at: float, every: float, *, is_wanted: bool) -> bool:
        age, free = self._monotonic() - at, self._free()
        spacing = next((seconds for share, seconds in _SPACING if free > share), _LONGEST)
        if not is_wanted:
            spacing = max(spacing, every * (2 if self._hears() else 1))
        return age >= spacing * self._scale

    async def _read_fills(self) -> None:
        """Raises VenueError."""
        self._fills_at = self._monotonic()
        self._emit(await self._fills.read())
        self._emit([*self._positions.funding.looked(), *self._positions.reprice()])
        self._emit(self._liquidations.news())
        for key, known in list(self._gone.items()):
            last = known.last
            # What had traded before it was met may have been told since: that must not count twice.
            if last is not None and last.is_open and known.told >= last.quantity > 0:
                whole = msgspec.structs.replace(last, status=OrderStatus.FILLED, filled_quantity=last.quantity)
                known.take(whole, self._orders.lookups.as_of())
            if known.last is not None and not known.last.is_open:
                del self._gone[key]

    async def _look_after_gone(self) -> None:
        """Raises VenueError."""
        self._ends_at = self._monotonic()
        gone, self._gone = list(self._gone.values()), {}
        await self._orders.lookups.look_at(gone)
        for known in gone:
            self._fills.want(known)
            if known.last is None or known.last.is_open:
                self._orders.doubts.about(known)
            else:
                self._liquidations.take_order(known.last)

    async def _compare_orders(self) -> bool:
        """Reads the open orders; returns whether any of them is not as it was. Raises VenueError."""
        memory, lookups = self._orders.memory, self._orders.lookups
        there, gone = await memory.compare(lookups.open_orders())
        for known in there:
            self._fills.want(known)
        self._gone.update((id(known), known) for known in gone)
        news = memory.news(holds_unpriced=True)  # no row of what rests has an average: its executions tell it
        self._emit([OrderUpdate(order) for order in news])
        for order in news:
            self._liquidations.take_order(order)
        return bool(news) or bool(self._gone) or memory.has_unpriced
