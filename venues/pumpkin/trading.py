"""New orders at Pumpkin: plain ones, plan orders that open, exits that close.

They end in the order as it then is, or raise an OrderError, NotSent or OutcomeUnknown, and nothing else. What can
be checked is checked first, and nothing is ever sent again: the venue knows no life of a request, and no rule
against an id that comes twice. An answer whose code proves a refusal is one; all else is unknown, an HTML page of
the venue's firewall (403) too: it is documented as refused, and not told in the venue's own envelope.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from venues.commands import OrderRequest
from venues.errors import NotSent, OrderError, OutcomeUnknown, VenueError
from venues.model import Instrument, InstrumentId, Order, OrderStatus, OrderType, TimeInForce
from venues.port import Depart, Departure
from venues.pumpkin import VENUE
from venues.pumpkin.checks import check_abilities, check_leverage, check_size, leverage_of
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.intake import Instruments, Terms
from venues.pumpkin.means import Means
from venues.pumpkin.memory import Kind, Known
from venues.pumpkin.models import TimeInForce as Time
from venues.pumpkin.models import TriggerPriceType
from venues.pumpkin.new_orders import exit_of, kind_of, order_of, plan_of
from venues.transport.exchange import Dispatch
from venues.transport.order_checks import check_attached, check_band, check_ticks, check_trigger, value_of

_LOOK = 1.0  # seconds for a look at what was accepted

_OTHER_LEVERAGE, _BAD_LEVERAGE = "order_leverage_not_match_position_leverage", "invalid_leverage"


class Commands:
    """Places the orders of one account.

    `mark` is the newest mark price of a contract, None where none is fresh: then it is read.
    """

    def __init__(
        self,
        means: Means,
        listing: Instruments,
        terms: Terms,
        *,
        mark: Callable[[InstrumentId], Decimal | None],
        trigger: TriggerPriceType,
    ) -> None:
        self._means = means
        self._listing = listing
        self._terms = terms
        self._mark = mark
        self._trigger = trigger

    async def submit(self, request: OrderRequest, depart: Depart | None) -> Order:
        """Places an order."""
        self._means.sender.require_key()
        kind = kind_of(request)
        leverage: int | None = None
        try:
            instrument = await self._listing.one(request.instrument)
            contracts = await self._check(request, instrument)
            set_to = self._terms.leverage_of(request.instrument, request.position_id or "")
            if kind is Kind.ORDER:
                leverage = leverage_of(request, set_to, instrument)
            else:
                check_leverage(request, set_to)
            call = self._call(kind, request, contracts, leverage)
            self._check_name(request)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        known = self._means.memory.submitted(request, kind, leverage)

        async def departing(departure: Departure) -> None:
            known.sent_after = self._means.lookups.as_of()
            if depart is not None:
                await depart(departure)

        try:
            number = await self._means.sender.send(call, departing)
        except (OrderError, NotSent) as error:
            known.last = known.as_asked(OrderStatus.REJECTED, self._means.lookups.now())
            raise _told(error, leverage) from None
        finally:
            known.is_on_its_way = False
        return await self._accepted(known, number)

    async def _accepted(self, known: Known, number: str) -> Order:
        """Returns an order that the venue has taken, as it is shown within a moment."""
        if not (number.isdecimal() and number.isascii()):
            raise OutcomeUnknown(VENUE, "taken, and the answer has no id that can be one")
        if known.number != number:
            known = self._means.memory.claim(known, number)
        if known.last is None:
            known.last = known.as_asked(OrderStatus.NEW, self._means.lookups.now())
        await self._means.asides.find(
            self._means.lookups.order(known.instrument, known.client_id, known.order_id), _LOOK
        )
        asked, last = known.asked, known.last
        if last is None:
            raise OutcomeUnknown(VENUE, "taken, and not remembered")
        is_brief = asked is not None and (
            asked.type is OrderType.MARKET or asked.time_in_force is not TimeInForce.GTC
        )
        if is_brief and known.kind is Kind.ORDER and last.is_open:
            self._means.doubts.about(known)
        return last

    async def _check(self, request: OrderRequest, instrument: Instrument) -> int:
        """Returns the contracts of an order that can be sent. Raises BadRequest or NotSent."""
        check_abilities(request, instrument, self._terms.margin_mode_of(request.instrument))
        check_ticks(request, instrument)
        if request.type.has_trigger:
            is_mark = self._trigger is TriggerPriceType.MARK_PRICE
            price = await (self._find_mark(request) if is_mark else self._find_last(request))
            name = "mark price" if is_mark else "last price"
            if price is None:
                words = f"the {name} can not be read, and on which side of it the trigger lies is unknown"
                raise NotSent(VENUE, words)
            check_trigger(request, price, name)
            check_band(request, instrument, request.trigger_price)
            return check_size(request, instrument, value_of(request, price))
        closes_now = request.reduce_only and request.type is OrderType.MARKET
        mark = None if closes_now else await self._find_mark(request)
        check_band(request, instrument, mark)
        check_attached(request, mark)
        return check_size(request, instrument, value_of(request, mark))

    async def _find_mark(self, request: OrderRequest) -> Decimal | None:
        """Returns the mark price, read for a moment where none is fresh; None leaves checking to the venue."""
        if (mark := self._mark(request.instrument)) is not None:
            return mark
        found = await self._means.asides.find(self._means.client.mark_price(symbol_of(request.instrument)), _LOOK)
        return None if found is None else found.price

    async def _find_last(self, request: OrderRequest) -> Decimal | None:
        found = await self._means.asides.find(self._means.client.ticker(symbol_of(request.instrument)), _LOOK)
        return None if found is None else found.last

    def _check_name(self, request: OrderRequest) -> None:
        """No document says that the venue would refuse the second. Raises NotSent."""
        known = self._means.memory.find(request.client_order_id, "")
        if known is not None and (known.asked is not None or known.number):
            raise NotSent(VENUE, "an order with this client id was sent before")

    def _call(
        self, kind: Kind, request: OrderRequest, contracts: int, leverage: int | None
    ) -> Callable[[Dispatch], Awaitable[str]]:
        """Returns what sends an order, and returns its number. Raises BadRequest."""
        if kind is Kind.PLAN:
            plan = plan_of(request, contracts, self._trigger)
            plan.fields()

            async def place_plan(dispatch: Dispatch) -> str:
                return (await self._means.client.create_plan(plan, dispatch=dispatch)).entrust_id

            return place_plan
        if kind is Kind.EXIT:
            exits = exit_of(request, contracts, self._trigger)
            exits.fields()

            async def place_exit(dispatch: Dispatch) -> str:
                return (await self._means.client.create_profit_stop(exits, dispatch=dispatch)).profit_id

            return place_exit
        order = order_of(request, contracts, leverage)
        order.fields()
        # What closes at once may use what the quotas keep for cancels; what rests may wait.
        is_urgent = request.reduce_only and order.time_in_force in (Time.IOC, Time.FOK)

        async def place(dispatch: Dispatch) -> str:
            return await self._means.client.create_order(order, is_urgent=is_urgent, dispatch=dispatch)

        return place


def _told(error: OrderError | NotSent, leverage: int | None) -> VenueError:
    """Returns an error of a command, with what it means where the venue's word does not say it."""
    if error.message == _OTHER_LEVERAGE:
        words = "the contract has another leverage, and none can be chosen over a position or open orders"
    elif leverage is None and error.message == _BAD_LEVERAGE:
        words = "the venue wants it named, and the contract's is not known here: name the leverage in the order"
    else:
        return error
    return type(error)(error.venue, f"{words} ({error.message})", error.code)
