"""Cancel many: everything that rests or waits, of a contract, of a side, or all of it.

Orders, plan orders and exits have a command each for all of a contract, or of all. None of them heeds a side: with
one, orders are cancelled by their numbers, twenty at a time, and what waits one by one. What rests is read before,
and read again afterwards, since the answers name nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from venues.errors import OrderNotFound, VenueError
from venues.port import Depart
from venues.pumpkin import VENUE
from venues.pumpkin.cancels import Cancels
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.means import Means
from venues.pumpkin.memory import Kind, Known
from venues.transport.exchange import Dispatch
from venues.transport.means import Tally
from venues.transport.sweeping import LOOK, Sweeping, Wish

_PAUSES = (0.0, 0.15, 0.4, 0.8)  # seconds before each look at what still rests
_MOST_AT_ONCE = 20  # orders of one command; no document says how many it may be
_MOST_LOOKS = 20  # plan orders and exits that are looked up one by one


class _Part(NamedTuple):
    """One command, and what it cancels. One that names several may be refused for one that is over."""

    send: Callable[[Depart | None], Awaitable[None]]
    meant: Sequence[Known]
    names_several: bool = False


class Sweep(Sweeping[Known]):
    """Cancels many orders of one account."""

    _means: Means

    def __init__(self, means: Means, cancels: Cancels) -> None:
        super().__init__(VENUE, means, symbol_of, _PAUSES)
        self._cancels = cancels

    async def _cancel(self, wish: Wish, meant: Sequence[Known], tally: Tally) -> None:
        touched: list[Known] = []
        parts = deque(self._whole(wish.symbol, meant) if wish.side is None else self._named(meant))
        while parts:
            part = parts.popleft()
            try:
                await part.send(wish.depart)
            except OrderNotFound:
                if part.names_several:
                    parts.extend(await self._left_of(part))
                    continue
            except VenueError as error:
                tally.note(error)
                continue
            else:
                for known in part.meant:
                    known.is_cancelling = True
            tally.done += 1  # also what was over before
            touched += part.meant
        await self._wait_for(touched)

    def _whole(self, symbol: str | None, meant: Sequence[Known]) -> list[_Part]:
        """Returns the commands that cancel everything, of a contract if one is named."""
        client = self._means.client

        async def orders(dispatch: Dispatch) -> None:
            await client.cancel_all_orders(symbol=symbol, dispatch=dispatch)

        async def plans(dispatch: Dispatch) -> None:
            await client.cancel_all_plans(symbol=symbol, dispatch=dispatch)

        async def exits(dispatch: Dispatch) -> None:
            await client.cancel_all_profit_stops(symbol=symbol, dispatch=dispatch)

        # Plans first: one that is triggered between the two would place an order behind the sweep's back.
        calls = ((plans, Kind.PLAN), (exits, Kind.EXIT), (orders, Kind.ORDER))
        return [self._part(call, [each for each in meant if _waits_as(each) is kind]) for call, kind in calls]

    def _named(self, meant: Sequence[Known]) -> list[_Part]:
        """Returns the commands that cancel exactly these."""
        waiting = [known for known in meant if _waits_as(known) is not Kind.ORDER]
        resting = [known for known in meant if _waits_as(known) is Kind.ORDER]
        parts = range(0, len(resting), _MOST_AT_ONCE)
        several = [self._several(resting[first : first + _MOST_AT_ONCE]) for first in parts]
        return [*map(self._single, waiting), *several]

    def _part(
        self,
        call: Callable[[Dispatch], Awaitable[None]],
        meant: Sequence[Known],
        *,
        names_several: bool = False,
    ) -> _Part:
        async def send(depart: Depart | None) -> None:
            await self._means.sender.send(call, depart)

        return _Part(send, meant, names_several)

    def _single(self, known: Known) -> _Part:
        async def send(depart: Depart | None) -> None:
            await self._cancels.send(known, depart)

        return _Part(send, (known,))

    def _several(self, meant: Sequence[Known]) -> _Part:
        numbers = [known.child or known.number for known in meant]

        async def call(dispatch: Dispatch) -> None:
            await self._means.client.cancel_orders(numbers, dispatch=dispatch)

        return self._part(call, meant, names_several=True)

    async def _left_of(self, part: _Part) -> list[_Part]:
        """Returns a command each for what still rests, where one of several was over and nobody says which."""
        await self._means.asides.find(self._look(part.meant, is_urgent=True), LOOK)
        return [self._single(known) for known in part.meant if not known.is_over]

    async def _look(self, meant: Sequence[Known], *, is_urgent: bool) -> None:
        lookups = self._means.lookups
        left = [known for known in meant if not known.is_over and known.number]
        waiting = [known for known in left if _waits_as(known) is not Kind.ORDER]
        numbers = [known.child or known.number for known in left if _waits_as(known) is Kind.ORDER]
        if numbers:
            await lookups.by_numbers(numbers, is_urgent=is_urgent)
        for known in waiting[:_MOST_LOOKS]:
            await lookups.order(known.instrument, known.client_id, known.order_id, is_urgent=is_urgent)


def _waits_as(known: Known) -> Kind:
    """Returns what an order is now: one that was triggered rests in the book as any other."""
    return Kind.ORDER if known.child else known.kind
