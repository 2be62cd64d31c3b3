"""Which markets are asked for open orders, once the venue has refused to list those of all of them.

One document has the market as a parameter that may be left out, another has it required. One by one they are too
many to be asked for all: those are that hold something of ours, that are watched, or where an order is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from venues.events import Event, Notice
from venues.max import VENUE
from venues.max.client import Client
from venues.max.listing import Listing
from venues.max.memory import OrderMemory
from venues.max.parse import market_name
from venues.max.profile import MARGIN
from venues.model import Instrument, InstrumentId

WORDS = (
    "MAX lists open orders of one market at a time: those of markets are read that hold something of yours, that "
    "are shown here, or where an order is known"
)


class MarketsToAsk:
    """Remembers whether a market has to be named, and says so once. `watched` are the markets that are shown."""

    def __init__(
        self,
        client: Client,
        memory: OrderMemory,
        listing: Listing,
        emit: Callable[[list[Event]], None],
        *,
        watched: Callable[[], Iterable[InstrumentId]],
        wall: Callable[[], int],
    ) -> None:
        """`wall` is ours, nanoseconds UTC."""
        self._client = client
        self._memory = memory
        self._listing = listing
        self._emit = emit
        self._watched = watched
        self._wall = wall
        self.are_named = False

    def require(self) -> None:
        """Is told that the venue wants a market to be named."""
        if not self.are_named:
            self.are_named = True
            self._emit([Notice(VENUE, WORDS, False, self._wall())])

    async def of(self, wallet: str, *, is_whole: bool) -> list[str]:
        """Returns the venue's names of the markets to ask for one wallet's orders. Raises VenueError.

        Only where `is_whole` those are among them where no order is known: a limit allows 1,200 requests a minute.
        """
        known = [each.instrument for each in self._memory.open_orders() if each.wallet == wallet]
        found = dict.fromkeys(known)
        if is_whole:
            await self._listing.all()
            more = [*self._watched(), *(each.id for each in await self._held(wallet))]
            found |= dict.fromkeys(each for each in more if self._may_have_orders(each, wallet))
        return [market_name(instrument) for instrument in found]

    async def _held(self, wallet: str) -> list[Instrument]:
        """Returns the markets of what a wallet holds; a sale locks what is sold, a purchase what pays for it."""
        found: list[Instrument] = []
        for account in await self._client.accounts(wallet_type=wallet):
            currency = account.currency.upper()
            if account.balance or account.locked:
                markets = self._listing.markets_of(currency)
                found += [each for each in markets if account.locked or each.base == currency]
        return found

    def _may_have_orders(self, instrument: InstrumentId, wallet: str) -> bool:
        if self._listing.known(instrument) is None:
            return False
        return wallet != MARGIN or self._listing.takes_margin(instrument)
