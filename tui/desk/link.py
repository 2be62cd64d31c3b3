"""One venue as the session holds it: the connection, what is subscribed, and how far it has been read back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

from tui.desk.clientid import ClientOrderIds
from venues.commands import Channel, Subscription
from venues.events import Event
from venues.model import InstrumentId
from venues.port import KeepsBooks, Mode, Venue


class Link:
    """A venue's state within the session. `has_account` turns false where no private half can be had."""

    def __init__(self, venue: Venue, account: str, ids: ClientOrderIds) -> None:
        self.name = venue.name
        self.account = account
        self.losses = 0  # how often its account may have moved unseen
        self.was_lost = False  # the connection has been lost since the account was last read back
        self.reconcile_wanted = asyncio.Event()
        self.ts_reconciled = 0
        self.ts_inherited = 0  # of the journal's last row, from the run before
        self.fills_kept: frozenset[tuple[str, str]] = (
            frozenset()
        )  # (venue, trade id) of executions before the start
        self.adopt(venue, ids)

    def adopt(self, venue: Venue, ids: ClientOrderIds) -> None:
        """Goes on with `venue`, of which nothing is subscribed and nothing read back yet."""
        self.venue = venue
        self.next_id = ids
        self.has_account = venue.capabilities.reads_account
        self.keeps_books = isinstance(venue, KeepsBooks)  # and mends them
        self.fault = ""  # why no order can be sent
        self.is_refused = False  # the venue takes the key no more: what rests there is still ours
        self.is_reconciled = False
        self.stream: AsyncIterator[Sequence[Event]] | None = None
        self.backlog: deque[Event] = deque()  # received and not yet applied
        self.subscribed: set[Subscription] = set()
        self.ts_marked = 0  # when marks were last asked for
        self.ts_priced = 0  # when it was last seen whether prices of what is owned are missing

    @property
    def takes_orders(self) -> bool:
        """Whether anything can be sent to it, or at least has to be tried: not with a key that may only read."""
        return (self.has_account or self.is_refused) and self.venue.capabilities.mode is not Mode.READ_ONLY

    async def subscribe(self, *wanted: Subscription) -> None:
        """Subscribes at once to what is not subscribed: some venues have one call for all. Raises VenueError."""
        venue, subscribed = self.venue, self.subscribed  # another one may be adopted meanwhile, with nothing yet
        missing = [one for one in dict.fromkeys(wanted) if one not in subscribed]
        outcomes = await asyncio.gather(*map(venue.subscribe, missing), return_exceptions=True)
        for subscription, outcome in zip(missing, outcomes, strict=True):
            if outcome is None:
                subscribed.add(subscription)
        if venue is not self.venue:
            await self.subscribe(*wanted)
            return
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def unsubscribe(self, *unwanted: Subscription) -> None:
        """Raises VenueError."""
        for subscription in unwanted:
            if subscription in self.subscribed:
                self.subscribed.discard(subscription)
                await self.venue.unsubscribe(subscription)

    async def resubscribe(self, subscription: Subscription) -> None:
        """Has the venue begin anew, which on a book brings a snapshot in the right place of the stream."""
        await self.unsubscribe(subscription)
        await self.subscribe(subscription)


def shown_channels(instrument: InstrumentId, interval: int) -> tuple[Subscription, ...]:
    """Returns what the panes of the shown instrument live on."""
    return (
        Subscription(Channel.BOOK, instrument),
        Subscription(Channel.TRADES, instrument),
        Subscription(Channel.BARS, instrument, interval),
    )
