"""The signed reads of CoinEx: what rests, how orders stand, our executions, and what the spot account holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from venues.coinex import VENUE, endpoints
from venues.coinex.codes import judge_read
from venues.coinex.figures import amount
from venues.coinex.limits import MOST_A_BATCH
from venues.coinex.memory import Known, OrderMemory
from venues.coinex.parse import instrument_id
from venues.coinex.parse_account import parse_balances
from venues.coinex.parse_fills import parse_fees
from venues.coinex.parse_orders import parse_order
from venues.coinex.parse_stops import parse_stop
from venues.coinex.remedies import REMEDIES
from venues.coinex.wire import Envelope, Page, WireOrder, WireStop, WireUserDeal
from venues.errors import ProtocolError, VenueError
from venues.model import Balance, InstrumentId, Order
from venues.transport.clock import ServerClock
from venues.transport.exchange import Request
from venues.transport.http import HttpClient

T = TypeVar("T")

_MOST_PAGES = 1_000
_MOST_LISTINGS = 3  # of a list that changed while its pages were read
_MOST_NAMELESS = 5_000
_GONE = frozenset({600, 601})


class Lookups:
    """Reads of one account. What they find goes into `memory`, and comes out with what is remembered of it."""

    def __init__(
        self,
        http: HttpClient,
        memory: OrderMemory,
        clock: ServerClock,
        instrument: Callable[[InstrumentId], Any],
        *,
        has_credentials: bool,
        on_short: Callable[[Known], None] = lambda _: None,
    ) -> None:
        """`on_short` hears of orders that have traded more than their executions add up to."""
        self._http = http
        self._memory = memory
        self.as_of = clock.as_of
        self.now = clock.now_if_known
        self._instrument = instrument
        self._has_credentials = has_credentials
        self._on_short = on_short
        self._nameless: dict[str, None] = {}  # orders that have traded, and that the venue does not find
        self.accounts: dict[int, None] = {0: None}  # the spot account, and the margin accounts that were met

    async def fetch(self, request: Request, into: type[T]) -> T:
        """Returns the answer to a signed read. Raises VenueError, with the remedy where there is one."""
        if request.is_private:
            self.require_key()
        try:
            return await self._http.fetch(request, into, judge=judge_read)
        except VenueError as error:
            raise REMEDIES.add(error) from None

    def require_key(self) -> None:
        """Raises MissingCredentials where there is nothing to sign with."""
        if not self._has_credentials:
            raise REMEDIES.missing_key()

    async def balances(self) -> list[Balance]:
        """Returns what the spot account holds."""
        return parse_balances((await self.fetch(endpoints.balances(), endpoints.Balances)).data)

    async def open_orders(self, market: str = "", *, is_urgent: bool = False) -> list[Order]:
        """Returns the orders that rest and the stops that wait, of all markets where none is named."""
        found: dict[int, Order] = {}  # a stop that was triggered between the two lists is the order it became
        for account in tuple(self.accounts):
            for order in await self.open_stops(market, account_id=account, is_urgent=is_urgent):
                found[self._name(order)] = order
            at = self.as_of()
            rows = await self.listed(
                partial(_pending, market, account),
                endpoints.Orders,
                is_urgent=is_urgent,
            )
            for row in rows:
                order = self.take(row, at)
                if order.is_open:
                    found[self._name(order)] = order
        return list(found.values())

    async def open_stops(
        self, market: str = "", *, client_id: str = "", account_id: int = 0, is_urgent: bool = False
    ) -> list[Order]:
        """Returns the stops that wait."""
        at = self.as_of()
        rows = await self.listed(
            lambda page: endpoints.pending_stops(market, page=page, client_id=client_id, account_id=account_id),
            endpoints.Stops,
            is_urgent=is_urgent,
        )
        return [self.take_stop(row, at) for row in rows]

    async def states(self, market: str, order_ids: Sequence[str]) -> dict[str, Order | None]:
        """Returns each order as it stands, None for one that the venue has no more: it ended without a fill."""
        found: dict[str, Order | None] = {}
        for start in range(0, len(order_ids), MOST_A_BATCH):
            batch = order_ids[start : start + MOST_A_BATCH]
            at = self.as_of()
            items = (await self.fetch(endpoints.order_status_batch(market, batch), endpoints.OrderBatch)).data
            for item in items:
                if item.code == 0 and item.data is not None:
                    found[str(item.data.id)] = self.take(item.data, at)
            if len(items) == len(batch):  # else nobody can say which of them is missing
                for order_id, item in zip(batch, items, strict=True):
                    if item.code in _GONE:
                        found.setdefault(order_id, None)
        return found

    async def deals(self, since: int, account_id: int = 0) -> list[WireUserDeal]:
        """Returns our executions from `since` on (nanoseconds UTC), each once."""
        rows: dict[tuple[int, int | None], WireUserDeal] = {}
        async for page in self.pages(
            lambda page: endpoints.user_deals(since=max(since, 0), page=page, account_id=account_id),
            endpoints.UserDeals,
        ):
            rows |= {(row.id, row.order_id): row for row in page.data}
        return list(rows.values())

    async def name_orders(self, deals: Iterable[WireUserDeal]) -> None:
        """Learns the client ids of the orders of `deals`, where they are not known."""
        unnamed: dict[str, dict[str, None]] = {}
        for deal in deals:
            order_id = "" if deal.order_id is None else str(deal.order_id)
            if order_id and order_id not in self._nameless and self._memory.by_id(order_id) is None:
                unnamed.setdefault(deal.market, {})[order_id] = None
        for market, order_ids in unnamed.items():
            states = await self.states(market, tuple(order_ids))
            # Not to be asked for again each time.
            self._nameless |= {order_id: None for order_id in order_ids if states.get(order_id) is None}
            while len(self._nameless) > _MOST_NAMELESS:
                del self._nameless[next(iter(self._nameless))]

    def take(self, row: WireOrder, at: int) -> Order:
        """Returns an order of a REST answer that was true at `at`, and remembers it. Raises DecodeError."""
        order = parse_order(row, self._instrument(instrument_id(row.market)))
        known, is_new = self._memory.learn(
            order.instrument, order.venue_order_id, order.client_order_id, account_id=row.account_id
        )
        if row.account_id:
            self.accounts[row.account_id] = None
        note_progress(known, row, is_new=is_new)
        if known.is_short:
            self._on_short(known)
        return known.complete(order, at)

    def take_stop(self, row: WireStop, at: int) -> Order:
        """Returns a stop of a REST answer that was true at `at`, and remembers it. Raises DecodeError."""
        before = self._memory.by_client_id(row.client_id or "")
        order = parse_stop(row, counts_base=before is not None and before.counts_base)
        known, _ = self._memory.learn(
            order.instrument, order.venue_order_id, order.client_order_id, is_stop=True, account_id=row.account_id
        )
        return known.complete(order, at)

    async def listed(
        self, make: Callable[[int], Request], into: type[Envelope[Page[T]]], *, is_urgent: bool = False
    ) -> list[T]:
        """Returns all rows of a list, each once. Raises VenueError.

        A row that leaves the list while its pages are read moves the next ones up, so that one of them could be
        passed over: where the rows are fewer than the venue ever counted, all is read again.
        """
        rows: dict[Any, T] = {}
        for _ in range(_MOST_LISTINGS):
            rows.clear()
            count, total = 0, 0
            async for page in self.pages(make, into, is_urgent=is_urgent):
                rows |= {getattr(row, "id", None) or getattr(row, "order_id", None): row for row in page.data}
                count, total = count + 1, max(total, page.total or 0)
            if count < 2 or len(rows) >= total:
                break
        return list(rows.values())

    async def pages(
        self, make: Callable[[int], Request], into: type[Envelope[Page[T]]], *, is_urgent: bool = False
    ) -> AsyncGenerator[Page[T], None]:
        """Yields the pages of a list. Raises VenueError."""
        for number in range(1, _MOST_PAGES + 1):
            request = make(number)
            page = (await self.fetch(endpoints.urgent(request) if is_urgent else request, into)).data
            yield page
            if not page.has_next:
                return
            if not page.data:
                raise ProtocolError(VENUE, f"{request.what}: an empty page that is not the last")
        raise ProtocolError(VENUE, "a list that does not end")

    def _name(self, order: Order) -> int:
        return id(self._memory.by_id(order.venue_order_id))


def _pending(market: str, account_id: int, page: int) -> Request:
    return endpoints.pending_orders(market, page=page, account_id=account_id)


def note_progress(known: Known, row: WireOrder, *, is_new: bool = False) -> None:
    """Notes how much of an order has traded; `is_new` for one of which nobody has told before."""
    stock = amount(row.deal_amount)
    if is_new:
        known.begin_at(stock, parse_fees(row))
    known.claimed = max(known.claimed, stock)
