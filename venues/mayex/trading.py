"""New orders at Mayex.

They end in the order as it then is, or raise an OrderError, NotSent or OutcomeUnknown, and nothing else. What can
be checked is checked first, and nothing is ever sent again, not even to find out whether the first one is there.
An answer says that an order was taken, as NEW; what it has come to is pushed, or read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal

from venues.commands import OrderRequest
from venues.errors import DecodeError, DuplicateClientOrderId, NotSent, OrderError, OutcomeUnknown, VenueError
from venues.mayex import VENUE
from venues.mayex.checks import check_abilities, check_size, is_brief, mode_of, opens_by_trigger
from venues.mayex.figures import symbol_of
from venues.mayex.lookups import Terms
from venues.mayex.means import Means
from venues.mayex.memory import Known
from venues.mayex.models.trading import Order as Answer
from venues.mayex.models.words import TriggerType
from venues.mayex.new_orders import order_of
from venues.mayex.requests import NewOrder
from venues.model import Instrument, InstrumentId, MarginMode, Order, OrderStatus
from venues.port import Depart, Departure
from venues.transport.exchange import Dispatch
from venues.transport.listing import InstrumentList
from venues.transport.order_checks import check_attached, check_band, check_ticks, check_trigger, value_of

_HEARING, _LEAST = 0.5, 0.2  # seconds that the stream gets to tell of an order
_LOOK = 1.0  # seconds for a look at what was taken, or at a price
_LONG_LOOK = 3.0

FindPrice = Callable[[InstrumentId], Awaitable[Decimal | None]]


class Prices:
    """The mark and the last price of a contract: the newest that is fresh, else one that is asked for."""

    def __init__(
        self,
        mark: Callable[[InstrumentId], Decimal | None],
        last: Callable[[InstrumentId], Decimal | None],
        find_mark: FindPrice | None,
        find_last: FindPrice | None,
    ) -> None:
        self.fresh = {TriggerType.MARK_PRICE: mark, TriggerType.LAST_PRICE: last}
        self._find = {TriggerType.MARK_PRICE: find_mark, TriggerType.LAST_PRICE: find_last}

    async def find(self, kind: TriggerType, instrument: InstrumentId) -> Decimal | None:
        """Raises VenueError; None where nobody tells."""
        find = self._find[kind]
        return None if find is None else await find(instrument)


class Commands:
    """Places the orders of one account. `usual` is the margin mode of orders that name none."""

    def __init__(
        self,
        means: Means,
        listing: InstrumentList,
        terms: Terms,
        prices: Prices,
        *,
        trigger: TriggerType,
        usual: MarginMode,
        hears: Callable[[], bool],
    ) -> None:
        self._means = means
        self._listing = listing
        self._terms = terms
        self._prices = prices
        self._trigger = trigger
        self._usual = usual
        self._hears = hears

    async def submit(self, request: OrderRequest, depart: Depart | None) -> Order:
        """Places an order."""
        self._means.sender.require_key()
        try:
            instrument = await self._listing.one(request.instrument)
            order = await self._checked(request, instrument)
            self._check_name(request)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        # What closes at once may use what the quota keeps for cancels; what rests may wait.
        is_urgent = request.reduce_only and is_brief(request) and not request.post_only
        known = self._means.memory.submitted(request)

        async def place(dispatch: Dispatch) -> Answer | None:
            return await self._means.client.place_order(order, is_urgent=is_urgent, dispatch=dispatch)

        async def departing(departure: Departure) -> None:
            known.sent_after = self._means.lookups.as_of()
            if depart is not None:
                await depart(departure)

        try:
            answer = await self._means.sender.send(place, departing)
        except DuplicateClientOrderId as error:
            return await self._found_there(known, error)
        except (OrderError, NotSent) as error:
            if known.number and known.last is not None and known.last.is_open and isinstance(error, OrderError):
                words = f"refused, and yet the venue tells of it: {error.message}"
                raise OutcomeUnknown(VENUE, words, error.code) from None
            self._refused(known)
            raise
        finally:
            known.is_on_its_way = False
        return await self._taken(known, request, answer)

    async def _checked(self, request: OrderRequest, instrument: Instrument) -> NewOrder:
        """Returns an order that can be sent. Raises VenueError."""
        held = self._terms.margin_mode_of(request.instrument, request.side)
        check_abilities(request, instrument, self._leverage_of(request, held))
        check_ticks(request, instrument)
        if request.type.has_trigger:
            await self._check_trigger(request)
            check_band(request, instrument, request.trigger_price)
            check_size(request, instrument, value_of(request, None))
        else:
            mark = await self._mark_for(request, instrument)
            check_band(request, instrument, mark)
            check_attached(request, mark)
            check_size(request, instrument, value_of(request, mark))
        order = order_of(request, mode_of(request, held, self._usual), self._trigger)
        order.fields()
        return order

    def _leverage_of(self, request: OrderRequest, held: MarginMode | None) -> Decimal | None:
        if request.leverage is None or request.reduce_only:
            return None
        return self._terms.leverage_of(request.instrument, mode_of(request, held, self._usual))

    async def _check_trigger(self, request: OrderRequest) -> None:
        """The venue refuses a trigger that is reached (4006), where the type says on which side it has to lie.

        Of a conditional order only the trigger does: beyond the market it would wait for the contrary.

        Raises:
            NotSent: it is conditional, and the price can not be told.
        """
        name = "mark price" if self._trigger is TriggerType.MARK_PRICE else "last price"
        price = self._prices.fresh[self._trigger](request.instrument)
        if price is None and opens_by_trigger(request):
            price = await self._ask_for(self._trigger, request.instrument)
            if price is None:
                words = f"the {name} can not be read, and on which side of it the trigger lies is unknown"
                raise NotSent(VENUE, words)
        if price is not None:
            check_trigger(request, price, name)

    async def _mark_for(self, request: OrderRequest, instrument: Instrument) -> Decimal | None:
        """Returns the mark price, asked for where something hangs on it; None leaves checking to the venue."""
        mark = self._prices.fresh[TriggerType.MARK_PRICE](request.instrument)
        has_band = instrument.band_up is not None or instrument.band_down is not None
        has_exits = request.take_profit is not None or request.stop_loss is not None
        is_needed = (has_band and request.price is not None) or has_exits
        if mark is None and is_needed and not request.reduce_only:
            return await self._ask_for(TriggerType.MARK_PRICE, request.instrument)
        return mark

    async def _ask_for(self, kind: TriggerType, instrument: InstrumentId) -> Decimal | None:
        return await self._means.asides.find(self._prices.find(kind, instrument), _LOOK)

    def _check_name(self, request: OrderRequest) -> None:
        """The venue would refuse it (4014), which says nothing of the one that was sent first. Raises NotSent."""
        known = self._means.memory.find(request.client_order_id, "")
        if known is not None and (known.asked is not None or known.number):
            raise NotSent(VENUE, "an order with this client id was sent before")

    def _refused(self, known: Known) -> None:
        known.last = known.as_asked(OrderStatus.REJECTED, self._means.lookups.now())

    async def _taken(self, known: Known, request: OrderRequest, answer: Answer | None) -> Order:
        """Returns an order that the venue has taken, as it is shown within a moment."""
        if answer is not None:
            known = self._numbered(known, answer)
        is_short = is_brief(request) and not request.type.has_trigger
        if self._hears() and not request.post_only:
            await self._hear(known, lambda: known.is_over or (not is_short and known.heard.is_set()))
        if not (known.is_over or (known.heard.is_set() and not is_short)):
            await self._look(known, _LOOK)
        if known.last is None:
            raise OutcomeUnknown(VENUE, "taken, and the answer does not tell its number")
        if is_short and known.last.is_open:
            self._means.doubts.about(known)
        return known.last

    def _numbered(self, known: Known, answer: Answer) -> Known:
        """Returns what is known of the order of an answer. Raises OutcomeUnknown where it is about another one."""
        asked, name = known.instrument, answer.client_order_id
        if answer.symbol.lower() != symbol_of(asked) or name not in (None, "", known.client_id):
            raise OutcomeUnknown(VENUE, "taken, and the answer is about another order")
        if answer.order_id <= 0:
            raise OutcomeUnknown(VENUE, "taken, and the answer has no number that can be one")
        was_heard = known.last is not None
        known = self._means.memory.claim(known, str(answer.order_id))
        try:
            self._means.lookups.take_answer(known, answer, self._means.lookups.as_of())
        except DecodeError as error:
            raise OutcomeUnknown(VENUE, f"taken, and {error.message}") from None
        if not was_heard:
            known.heard.clear()  # what is told besides the answer counts
        return known

    async def _found_there(self, known: Known, error: DuplicateClientOrderId) -> Order:
        """Returns the order that the venue has under our id already: ours, which has arrived twice on its way.

        Raises:
            DuplicateClientOrderId: it is another one, made before, or of another size.
            OutcomeUnknown: it is not shown.
        """
        await self._look(known, _LONG_LOOK)
        if known.number and known.last is not None:
            return known.last
        if self._means.memory.has_namesake(known.client_id):
            self._refused(known)
            raise error
        words = f"the venue has an order with this client id, which may be this one: {error.message}"
        raise OutcomeUnknown(VENUE, words, error.code)

    async def _hear(self, known: Known, is_enough: Callable[[], bool]) -> None:
        """Waits until the stream has told enough, for a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(_HEARING * self._means.time_scale, _LEAST)):
                while not is_enough():
                    known.heard.clear()
                    await known.heard.wait()

    async def _look(self, known: Known, seconds: float) -> None:
        look = self._means.lookups.order(known.instrument, known.client_id, known.order_id)
        await self._means.asides.find(look, seconds)
