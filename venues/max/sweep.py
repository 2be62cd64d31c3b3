"""Cancel many: every order of a market, of a side, or of all markets, in both wallets.

The venue has one command for each wallet, and answers with every order that it meant and what became of its
cancel. All of these are queued: what was accepted is looked after until it rests no more, for a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from venues.errors import DecodeError, OrderError, OutcomeUnknown, VenueError
from venues.max import VENUE
from venues.max.means import Means
from venues.max.memory import Known
from venues.max.models import MultiOrder
from venues.max.parse import market_name
from venues.max.profile import MARGIN, Profile
from venues.model import InstrumentId, Order, Side
from venues.port import Depart
from venues.transport.exchange import Dispatch
from venues.transport.means import Tally, as_it_is
from venues.transport.together import together

_PAUSES = (0.05, 0.15, 0.4, 0.8)  # seconds before each look at what still rests
_LOOK = 3.0
_AT_ONCE = 4
_MOST_LOOKS = 100  # orders that are looked up one by one; of more, the stream tells


class Sweep:
    """Cancels many orders of one account."""

    def __init__(self, means: Means, profile: Profile) -> None:
        self._means = means
        self._profile = profile

    async def run(self, instrument: InstrumentId | None, side: Side | None, depart: Depart | None) -> list[Order]:
        """Cancels what rests now; returns the orders as they then are.

        Raises:
            OrderError, NotSent, OutcomeUnknown: as one cancel does; the last also where some were cancelled.
        """
        self._means.sender.require_key()
        market = market_name(instrument) if instrument is not None else None
        meant: list[Known] = []
        tally = Tally(VENUE)
        for wallet in self._profile.wallets:
            try:
                items = await self._means.sender.send(self._command(wallet, market, side), depart)
                meant += self._meant(items, wallet)
                tally.done += 1
            except VenueError as error:
                if wallet == MARGIN and tally.done and isinstance(error, OrderError):
                    continue  # an account without an M-wallet is refused to cancel in it
                tally.note(error)
        await self._wait_for(meant, instrument)
        tally.raise_worst()
        return [as_it_is(VENUE, known) for known in meant if known.last is not None]

    def _command(
        self, wallet: str, market: str | None, side: Side | None
    ) -> Callable[[Dispatch], Awaitable[list[MultiOrder]]]:
        async def cancel(dispatch: Dispatch) -> list[MultiOrder]:
            word = side.value if side is not None else None
            return await self._means.client.cancel_orders(
                wallet_type=wallet, market=market, side=word, dispatch=dispatch
            )

        return cancel

    def _meant(self, items: Sequence[MultiOrder], wallet: str) -> list[Known]:
        """Returns the orders of an answer. Raises OutcomeUnknown where one of them can not be read."""
        found: list[Known] = []
        for item in items:
            if item.order is None:
                continue
            try:
                order = self._means.lookups.take(item.order, wallet)
            except DecodeError as error:
                raise OutcomeUnknown(VENUE, f"accepted, and {error.message}") from None
            known = self._means.memory.find("", order.venue_order_id)
            if known is not None:
                known.is_cancelling = item.error is None
                found.append(known)
        return found

    async def _wait_for(self, meant: Sequence[Known], instrument: InstrumentId | None) -> None:
        """Looks after the orders until none of those rests whose cancel was accepted, for a moment."""
        for pause in _PAUSES:
            if all(known.is_over or not known.is_cancelling for known in meant):
                break
            await self._means.pause(pause)
            await self._means.asides.find(self._look(meant, instrument), _LOOK)
        for known in meant:
            if known.is_cancelling and not known.is_over:
                self._means.doubts.about(known)

    async def _look(self, meant: Sequence[Known], instrument: InstrumentId | None) -> None:
        """Raises VenueError."""
        rests = {
            order.venue_order_id for order in await self._means.lookups.open_orders(instrument, is_urgent=True)
        }  # fmt: skip
        gone = [known for known in meant if not known.is_over and known.order_id not in rests][:_MOST_LOOKS]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def read(known: Known) -> None:
            async with gate:
                with contextlib.suppress(VenueError):  # the others are read all the same
                    await self._means.lookups.order(
                        known.instrument, known.client_id, known.order_id, is_urgent=True
                    )

        await together(*(read(known) for known in gone))
