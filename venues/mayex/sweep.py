"""Cancel many: everything that rests or waits, of a contract, of a side, or all of it.

One command ends all of a contract, or all that settles in a currency; it heeds no side, so that with one each
order is cancelled by its number. No document says whether it reaches what waits for a trigger, nor what it
answers: what rests is read before and after, and what it has left is cancelled singly.
"""

from __future__ import annotations

from collections.abc import Sequence

from venues.errors import OrderError, OrderNotFound, VenueError
from venues.mayex import VENUE
from venues.mayex.cancels import Cancels
from venues.mayex.figures import is_spot, symbol_of
from venues.mayex.means import Means
from venues.mayex.memory import Known
from venues.mayex.models.trading import Order as Answer
from venues.model import InstrumentId, Order, Side
from venues.port import Depart
from venues.transport.exchange import Dispatch
from venues.transport.listing import InstrumentList
from venues.transport.means import Tally
from venues.transport.sweeping import LOOK, Sweeping, Wish

_PAUSES = (0.05, 0.2, 0.6)  # seconds before each look at what still rests
_LIST = 1.0  # seconds that the list of contracts may take
_USUAL = "USDT"  # what contracts settle in, where nobody has told of another


class Sweep(Sweeping[Known]):
    """Cancels many orders of one account."""

    _means: Means

    def __init__(self, means: Means, cancels: Cancels, listing: InstrumentList) -> None:
        super().__init__(VENUE, means, symbol_of, _PAUSES)
        self._cancels = cancels
        self._listing = listing

    async def run(self, instrument: InstrumentId | None, side: Side | None, depart: Depart | None) -> list[Order]:
        """As of any venue; a spot pair has no orders, and the symbol of a contract that has."""
        if instrument is not None and is_spot(instrument):
            self._means.sender.require_key()
            return []
        return await super().run(instrument, side, depart)

    async def _cancel(self, wish: Wish, meant: Sequence[Known], tally: Tally) -> None:
        if wish.side is None:
            currencies = await self._currencies(wish.instrument)
            await self._cancel_whole(wish.symbol, currencies, meant, wish.depart, tally)
        else:
            await self._cancel_each(meant, wish.depart, tally)

    async def _currencies(self, instrument: InstrumentId | None) -> list[str]:
        """Returns what the contracts settle in that are meant, as far as they can be listed."""
        if instrument is not None:
            one = self._listing.known(instrument)
            return [one.settle if one is not None else _USUAL]
        listed = await self._means.asides.find(self._listing.all(), _LIST) or {}
        return sorted({_USUAL} | {one.settle for one in listed.values() if one.is_perpetual})

    async def _cancel_whole(
        self,
        symbol: str | None,
        currencies: Sequence[str],
        meant: Sequence[Known],
        depart: Depart | None,
        tally: Tally,
    ) -> None:
        """Cancels by a command for each currency, and then each order that still rests.

        A command that is refused is made up for by those for each order, where it is known which these are.
        """
        refusal: OrderError | None = None
        for settle in currencies:

            async def call(dispatch: Dispatch, settle: str = settle) -> list[Answer]:
                return await self._means.client.cancel_all_orders(symbol=symbol, settle=settle, dispatch=dispatch)

            try:
                await self._means.sender.send(call, depart)
            except OrderNotFound:  # there was nothing
                tally.done += 1
            except OrderError as error:
                refusal = error
            except VenueError as error:
                tally.note(error)
            else:
                tally.done += 1
                for known in meant:
                    known.is_cancelling |= symbol is not None or self._settles_in(known, settle)
        await self._wait_for(meant)
        left = await self._means.asides.find(self._left_of(meant), LOOK)
        await self._cancel_each(left or (), depart, tally)
        if refusal is not None and (left is None or not meant or not all(known.is_over for known in meant)):
            tally.note(refusal)

    async def _cancel_each(self, meant: Sequence[Known], depart: Depart | None, tally: Tally) -> None:
        """Cancels exactly these, one by one, and looks after them."""
        for known in meant:
            try:
                await self._cancels.send(known, depart)
            except OrderNotFound:  # it was over before
                tally.done += 1
            except VenueError as error:
                tally.note(error)
            else:
                tally.done += 1
        await self._wait_for([known for known in meant if known.is_cancelling])

    async def _left_of(self, meant: Sequence[Known]) -> list[Known]:
        """Returns those of the orders that still rest. Raises VenueError."""
        if all(known.is_over for known in meant):
            return []
        listed = {order.venue_order_id for order in await self._means.lookups.open_orders(is_urgent=True)}
        return [known for known in meant if known.order_id in listed]

    async def _look(self, meant: Sequence[Known], *, is_urgent: bool) -> None:
        await self._means.lookups.look_at([known for known in meant if not known.is_over], is_urgent=is_urgent)

    def _settles_in(self, known: Known, settle: str) -> bool:
        one = self._listing.known(known.instrument)
        return one is None or one.settle == settle
