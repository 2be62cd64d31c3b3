"""How one order is found at CoinEx, by its id or by its client id.

It is looked for in the direction of its life (a stop, the order it becomes, the order's end), so that one that
moves on between two reads is found by the second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

from venues.coinex import VENUE, endpoints
from venues.coinex.lookups import Lookups
from venues.coinex.memory import Known, OrderMemory
from venues.coinex.parse_orders import parse_order, sole
from venues.coinex.wire import WireOrder
from venues.errors import OrderNotFound
from venues.model import NANOSECONDS, InstrumentId, Order, OrderStatus

_PAST = 500 * 86_400 * NANOSECONDS  # how far back ended orders are looked for; the document asks for 524 days
_AHEAD = 120 * NANOSECONDS  # the end of a span lies after the venue's clock, whatever ours says
_STOP_PAGES = 3  # of the stops that ended, newest first


class Finder:
    """Finds orders of one account. `now` is the venue's clock as far as it is known, nanoseconds UTC."""

    def __init__(self, lookups: Lookups, memory: OrderMemory, now: Callable[[], int]) -> None:
        self._lookups = lookups
        self._memory = memory
        self._now = now

    async def find(self, instrument: InstrumentId, client_id: str, venue_id: str) -> Order:
        """Returns one order. Raises OrderNotFound, also for one that ended without a fill."""
        found = await self._find(instrument, client_id, venue_id)
        if client_id and not found.client_order_id and (known := self._memory.by_id(found.venue_order_id)):
            self._memory.name(known, client_id)  # asked for by both, and told without it
            return known.complete(found)
        return found

    async def _find(self, instrument: InstrumentId, client_id: str, venue_id: str) -> Order:
        market = instrument.symbol
        known = self._memory.find(client_id, venue_id)
        if known is not None:
            client_id = client_id or known.client_id
        account = known.account_id if known is not None else 0
        is_stop = known.is_stop if known is not None else None
        order_id = known.order_id if known is not None else venue_id
        if order_id and not is_stop:
            found = await self._by_status(market, order_id, client_id)
            is_doubtful = known is not None and known.may_be_reissued
            if found is not None and not (is_doubtful and found.status is OrderStatus.CANCELED):
                return found
        else:
            found = None
        if is_stop is not False and (stop := await self._waiting(market, client_id, venue_id, known)) is not None:
            return stop
        ended = None
        stop_id = known.stop_id if known is not None else venue_id
        if stop_id and is_stop is not False:
            ended = await self._ended_stop(market, stop_id, account)
        became = await self._by_client_id(market, client_id, account)
        if became is None:
            became = await self._by_stop_id(market, stop_id, account)
        if became is not None:
            return became
        if ended is not None and ended.status.is_terminal:
            return ended
        if found is not None:
            return found
        raise OrderNotFound(VENUE, "the venue does not have the order: not resting, and nothing of it is filled")

    async def _by_status(self, market: str, order_id: str, client_id: str) -> Order | None:
        at = self._lookups.as_of()
        try:
            row = (await self._lookups.fetch(endpoints.order_status(market, order_id), endpoints.OrderAnswer)).data
        except OrderNotFound:
            return None
        # A stop's id may be that of another order: the two are counted apart.
        if client_id and row.client_id and row.client_id != client_id:
            return None
        return self._lookups.take(row, at)

    async def _waiting(self, market: str, client_id: str, venue_id: str, known: Known | None) -> Order | None:
        account = known.account_id if known is not None else 0
        ids = {venue_id} | ({known.stop_id} if known is not None else set())
        for order in await self._lookups.open_stops(market, client_id=client_id, account_id=account):
            if order.venue_order_id in ids or (client_id and order.client_order_id == client_id):
                return order
        return None

    async def _ended_stop(self, market: str, stop_id: str, account: int) -> Order | None:
        at, count = self._lookups.as_of(), 0
        found = self._lookups.pages(
            lambda page: endpoints.finished_stops(market, page=page, account_id=account), endpoints.Stops
        )
        async with aclosing(found) as pages:
            async for page in pages:
                for row in page.data:
                    if str(row.order_id) == stop_id:
                        return self._lookups.take_stop(row, at)
                count += 1
                if count == _STOP_PAGES:
                    break
        return None

    async def _by_client_id(self, market: str, client_id: str, account: int) -> Order | None:
        if not client_id:
            return None
        at, now = self._lookups.as_of(), self._now()
        resting = await self._lookups.listed(
            lambda page: endpoints.pending_orders(market, page=page, client_id=client_id, account_id=account),
            endpoints.Orders,
        )
        if (found := self._only(resting, client_id, at)) is not None:
            return found
        ended = await self._lookups.listed(
            lambda page: endpoints.finished_orders(
                market,
                since=now - _PAST,
                until=now + _AHEAD,
                page=page,
                client_id=client_id,
                account_id=account,
            ),
            endpoints.Orders,
        )
        return self._only(ended, client_id, at)

    async def _by_stop_id(self, market: str, stop_id: str, account: int) -> Order | None:
        if not stop_id:
            return None
        at, now = self._lookups.as_of(), self._now()
        rows = await self._lookups.listed(
            lambda page: endpoints.finished_orders(
                market, since=now - _PAST, until=now + _AHEAD, page=page, stop_id=stop_id, account_id=account
            ),
            endpoints.Orders,
        )
        for row in rows:
            known = self._memory.by_id(stop_id)
            if known is not None and not known.order_id:
                self._memory.learn(known.instrument, str(row.id), row.client_id or "", stop_id=stop_id)
            return self._lookups.take(row, at)
        return None

    def _only(self, rows: Sequence[WireOrder], client_id: str, at: int) -> Order | None:
        """Returns the order with this client id. Raises ProtocolError where several share one that is not ours."""
        known = self._memory.by_client_id(client_id)
        if known is None or known.asked is None:
            sole([parse_order(row) for row in rows], client_id)
        orders = [self._lookups.take(row, at) for row in rows]
        return next((order for order in orders if order.client_order_id == client_id), None)
