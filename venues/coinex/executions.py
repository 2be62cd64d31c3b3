"""Our executions, put together from pushes that each tell a part: an order's update, and the deal without its fee.

What an update tells whole goes out with it. For the rest `order/user/deals` is asked, which tells all of it, as
often as it takes until the executions of each order add up to what the venue says has traded. Nothing waits for
that but the execution itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from venues.coinex import VENUE
from venues.coinex.figures import amount, ns_of_seconds
from venues.coinex.lookups import Lookups
from venues.coinex.memory import Known, OrderMemory
from venues.coinex.messages import OwnDealsUpdate, StreamOrder
from venues.coinex.parse_fills import OwnDeal, parse_fees, parse_last_fill, parse_own_deals, parse_user_deals
from venues.coinex.wire import WireUserDeal
from venues.errors import DecodeError
from venues.events import Event, FillUpdate, Notice
from venues.model import NANOSECONDS, ZERO, Fill, Instrument, InstrumentId, Liquidity
from venues.transport.pursuit import MOST_MISSES, Pursuit
from venues.transport.recent import Recent

logger = logging.getLogger(__name__)

_BEFORE = 5 * NANOSECONDS
_UNTOLD = 60 * NANOSECONDS  # how far back an order is looked for of which no time is known
_MOST_TOLD = 20_000


class Executions:
    """Makes `Fill`s, each once. `emit` gets those that had to be asked for.

    `now` is the venue's clock as far as it is known, `wall` ours; nanoseconds UTC.
    """

    def __init__(
        self,
        memory: OrderMemory,
        lookups: Lookups,
        instrument: Callable[[InstrumentId], Instrument | None],
        emit: Callable[[Sequence[Event]], None],
        *,
        now: Callable[[], int],
        wall: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float,
    ) -> None:
        self._memory = memory
        self._lookups = lookups
        self._instrument = instrument
        self._emit = emit
        self._now = now
        self._wall = wall
        self._told: Recent[str, int] = Recent(_MOST_TOLD)  # trade id -> the venue's time
        self._wanted: dict[str, _Wanted] = {}  # deals that were told without their fee, by trade id
        self._short: dict[int, _Short] = {}  # orders that are short, by the identity of what is known of them
        self._pursuit = Pursuit(
            VENUE, "our executions", self._is_wanting, self._read, sleep=sleep, time_scale=time_scale
        )

    def take_order(self, push: StreamOrder, known: Known) -> list[Fill]:
        """Takes an order's update; returns the execution where it tells of exactly one, and whole."""
        stock, before = amount(push.deal_stock), known.stock
        fills: list[Fill] = []
        if stock > before:
            known.stock = stock
            known.claimed = max(known.claimed, stock)
            try:
                fill = self._last_fill(push, known, stock - before)
            except DecodeError as error:  # what it says of the order is good nevertheless
                logger.warning("an execution within an order's update: %s", error)
                fill = None
            if fill is not None and fill.trade_id not in self._told:
                fills.append(self._tell(known, fill))
        if known.is_short:
            self.want(known, ns_of_seconds(push.ctime))
        return fills

    def take_deals(self, push: OwnDealsUpdate) -> None:
        """Takes the executions of a push, each of which lacks its fee and its role. Raises DecodeError."""
        for deal in parse_own_deals(push):
            if deal.trade_id not in self._told and deal.trade_id not in self._wanted:
                self._wanted[deal.trade_id] = _Wanted(deal)
                self._pursuit.wake()

    def want(self, known: Known, ts_created: int = 0) -> None:
        """Has the executions read that the order is short of: they came after what was told of it last."""
        if id(known) not in self._short:
            since = known.last.ts_event if known.last is not None else ts_created
            self._short[id(known)] = _Short(known, since or self._now() - _UNTOLD)
        self._pursuit.wake()

    def parse(self, deals: Iterable[WireUserDeal], since: int = 0) -> list[Fill]:
        """Returns the executions of a read from `since` on, oldest first, whether they were pushed or not.

        A read's times are cut to seconds: where the stream told the moment, that one stays; else the whole second
        of `since` counts. Raises DecodeError.
        """
        deals = tuple(deals)
        names = {str(deal.order_id): self._memory.by_id(str(deal.order_id)) for deal in deals}
        client_ids = {order_id: known.client_id for order_id, known in names.items() if known is not None}
        fills = []
        for fill in parse_user_deals(deals, client_ids):
            exact = self._exact_time(fill.trade_id)
            if (exact or fill.ts_event + NANOSECONDS - 1) < since:
                continue
            currency = fill.fee_currency
            if not currency and (instrument := self._instrument(fill.instrument)) is not None:
                currency = instrument.quote
            fills.append(msgspec.structs.replace(fill, ts_event=exact or fill.ts_event, fee_currency=currency))
        return sorted(fills, key=lambda fill: (fill.ts_event, int(fill.trade_id)))

    async def take_untold(self, deals: Sequence[WireUserDeal], since: int = 0) -> list[Fill]:
        """Returns the executions of a read from `since` on that no push told, each once. Raises VenueError."""
        await self._lookups.name_orders([deal for deal in deals if str(deal.id) not in self._told])
        untold = [fill for fill in self.parse(deals, since) if fill.trade_id not in self._told]
        return [self._tell(self._memory.by_id(fill.venue_order_id), fill) for fill in untold]

    def resynced(self) -> None:
        """Asks at once for what is missing: the stream was away."""
        missing: list[_Missing] = [*self._wanted.values(), *self._short.values()]
        for each in missing:
            each.misses = 0
        if self._wanted or self._short:
            self._pursuit.wake()

    async def aclose(self) -> None:
        """Ends the reads under way."""
        await self._pursuit.aclose()

    def _is_wanting(self) -> bool:
        for key, short in list(self._short.items()):
            if not short.known.is_short:
                del self._short[key]
        for trade_id in [trade_id for trade_id in self._wanted if trade_id in self._told]:
            del self._wanted[trade_id]
        return bool(self._wanted or self._short)

    async def _read(self) -> None:
        """Reads once what is missing, and tells it. Raises VenueError."""
        wanted, short = list(self._wanted.values()), list(self._short.values())
        since: dict[int, int] = {}
        for one in wanted:
            known = self._memory.by_id(one.deal.venue_order_id)
            account = known.account_id if known is not None else 0
            since[account] = min(since.get(account, one.deal.ts_event), one.deal.ts_event)
        for each in short:
            account = each.known.account_id
            since[account] = min(since.get(account, each.since), each.since)
        orders = {each.known.order_id for each in short}
        orders.update(*(each.known.former for each in short))
        ids = {one.deal.trade_id for one in wanted}
        found: list[Fill] = []
        for account, moment in since.items():
            deals = [
                deal
                for deal in await self._lookups.deals(moment - _BEFORE, account)
                if str(deal.order_id) in orders or str(deal.id) in ids
            ]
            found += await self.take_untold(deals)
        if found:
            self._emit([FillUpdate(fill) for fill in found])
        missing: list[_Missing] = [*wanted, *short]
        for one_or_more in missing:
            one_or_more.misses += 1
        self._give_up(wanted, short)

    def _give_up(self, wanted: Iterable[_Wanted], short: Iterable[_Short]) -> None:
        """What the venue does not list after all is told with no fee, which a person has to know."""
        for one in wanted:
            if one.misses < MOST_MISSES or one.deal.trade_id in self._told:
                continue
            instrument = self._instrument(one.deal.instrument)
            fill = one.deal.fill((ZERO, instrument.quote if instrument else ""), Liquidity.TAKER)
            told = self._tell(self._memory.by_id(fill.venue_order_id), fill)
            words = f"the fee of trade {fill.trade_id} is not known: the venue does not list it"
            self._emit([FillUpdate(told), Notice(VENUE, words, False, self._wall())])
        for each in short:
            if each.misses >= MOST_MISSES and each.known.is_short:
                # Its quantity is known from the order itself; what the desk lacks is price and fee.
                logger.warning("the venue does not list all executions of order %s", each.known.order_id)
                each.known.baseline = each.known.claimed - each.known.told

    def _last_fill(self, push: StreamOrder, known: Known, traded: Decimal) -> Fill | None:
        """Returns the execution that the update names, where it is all that has traded. Raises DecodeError."""
        paid, known.fees = known.fees, parse_fees(push)
        instrument = self._instrument(known.instrument)
        if instrument is None or traded != amount(push.last_deal_amount):
            return None
        return parse_last_fill(push, instrument, paid)

    def _exact_time(self, trade_id: str) -> int:
        wanted = self._wanted.get(trade_id)
        return self._told.get(trade_id, 0) if wanted is None else wanted.deal.ts_event

    def _tell(self, known: Known | None, fill: Fill) -> Fill:
        if known is not None:
            known.told += fill.quantity
            fill = msgspec.structs.replace(fill, client_order_id=known.client_id)
        self._told[fill.trade_id] = fill.ts_event
        self._wanted.pop(fill.trade_id, None)
        return fill


class _Missing:
    """What the venue has told in part. `misses` counts the reads after which it was still missing."""

    __slots__ = ("misses",)

    def __init__(self) -> None:
        self.misses = 0


class _Wanted(_Missing):
    """A deal that was told without its fee."""

    __slots__ = ("deal",)

    def __init__(self, deal: OwnDeal) -> None:
        super().__init__()
        self.deal = deal


class _Short(_Missing):
    """An order that is short of executions, the first of which was at `since` or later (nanoseconds UTC)."""

    __slots__ = ("known", "since")

    def __init__(self, known: Known, since: int) -> None:
        super().__init__()
        self.known = known
        self.since = since
