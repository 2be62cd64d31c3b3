"""New orders at MAX.

They end in the order as it then is, or raise an OrderError, NotSent or OutcomeUnknown, and nothing else. Orders
are queued: an answer says that one was accepted and no more. What the stream or a read tells of it is waited for,
for a moment; that nothing is told changes nothing about the command.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from venues.commands import OrderRequest
from venues.errors import DecodeError, NotSent, NotSupported, OrderError, OutcomeUnknown, VenueError
from venues.max import VENUE
from venues.max.means import Means
from venues.max.memory import Known
from venues.max.models import Order as RestOrder
from venues.max.models import OrderType as Kind
from venues.max.parse import market_name
from venues.max.parse_account import parse_order
from venues.max.profile import MARGIN, SPOT
from venues.model import Instrument, InstrumentId, Order, OrderStatus, OrderType, Side, TimeInForce
from venues.port import Depart
from venues.transport.exchange import Dispatch

_HEARING, _LEAST = 0.5, 0.2  # seconds that the stream gets to tell of an order
_LOOK = 1.0

POSITION = "m"
"""The id of every position of the M-wallet: an order that closes one goes to that wallet."""

_KINDS: Mapping[OrderType, Kind] = {
    OrderType.LIMIT: Kind.LIMIT,
    OrderType.MARKET: Kind.MARKET,
    OrderType.STOP: Kind.STOP_MARKET,
    OrderType.STOP_LIMIT: Kind.STOP_LIMIT,
}


class Instruments(Protocol):
    """The markets, as far as they have been read."""

    def known(self, instrument: InstrumentId) -> Instrument | None: ...

    def takes_margin(self, instrument: InstrumentId) -> bool: ...

    async def one(self, instrument: InstrumentId) -> Instrument:
        """Raises UnknownInstrument, or what the read of the markets raises."""
        ...


class Commands:
    """Places the orders of one account. `last_price` is the newest price known, None where it is not fresh."""

    def __init__(
        self,
        means: Means,
        instruments: Instruments,
        *,
        last_price: Callable[[InstrumentId], Decimal | None],
        hears: Callable[[], bool],
    ) -> None:
        self._means = means
        self._instruments = instruments
        self._last_price = last_price
        self._hears = hears

    async def submit(self, request: OrderRequest, depart: Depart | None) -> Order:
        """Places an order."""
        self._means.sender.require_key()
        try:
            instrument = await self._instruments.one(request.instrument)
            wallet = self._wallet_of(request)
            parameters = parameters_of(request)
            self._check_name(request)
            await self._check_side(request, instrument)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        known = self._means.memory.submitted(request, wallet)

        async def place(dispatch: Dispatch) -> RestOrder:
            return await self._means.client.create_order(**parameters, wallet_type=wallet, dispatch=dispatch)

        try:
            row = await self._means.sender.send(place, depart)
        except (OrderError, NotSent):
            known.last = known.as_asked(OrderStatus.REJECTED, self._means.lookups.now())
            raise
        return await self._in_the_market(self._accepted(known, row))

    async def _in_the_market(self, known: Known) -> Order:
        """Returns an order that was accepted, once it is told of or a moment is over."""
        if self._hears():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(_HEARING * self._means.time_scale, _LEAST)):
                    await known.heard.wait()
        if not known.heard.is_set():
            look = self._means.lookups.order(known.instrument, known.client_id, known.order_id)
            await self._means.asides.find(look, _LOOK)
        if known.last is None:
            raise OutcomeUnknown(VENUE, "taken, and not remembered")
        return known.last

    def _accepted(self, known: Known, row: RestOrder) -> Known:
        """Returns what is known of the order of an answer. Raises OutcomeUnknown where it is about another one."""
        try:
            order = parse_order(row)
            if order.instrument != known.instrument or order.client_order_id not in ("", known.client_id):
                raise DecodeError(VENUE, "the answer is about another order")
        except DecodeError as error:
            raise OutcomeUnknown(VENUE, f"taken, and {error.message}") from None
        if not known.order_id:
            order = msgspec.structs.replace(order, client_order_id=known.client_id)
            known = self._means.memory.learn(order, row.wallet_type)
        known.take(order)
        if row.ord_type in (Kind.MARKET, Kind.IOC_LIMIT):  # over in a moment, and the stream may be away
            self._means.doubts.about(known)
        return known

    def _check_name(self, request: OrderRequest) -> None:
        """The venue would refuse it, by a code that says no more than "failed". Raises NotSent."""
        known = self._means.memory.find(request.client_order_id, "")
        if known is not None and known.asked is not None:
            raise NotSent(VENUE, "an order with this client id was sent before")

    def _wallet_of(self, request: OrderRequest) -> str:
        """Returns where the order goes. Raises NotSupported."""
        if request.position_id not in (None, POSITION):
            raise NotSupported(VENUE, "the M-wallet alone has positions here")
        if request.margin_mode is not None:
            raise NotSupported(VENUE, "no margin mode is chosen here: an order goes to the M-wallet, or to spot")
        if not request.in_margin_wallet and request.position_id is None:
            return SPOT
        if not self._instruments.takes_margin(request.instrument):
            raise NotSupported(VENUE, f"the M-wallet does not trade {request.instrument.symbol[:40]}")
        return MARGIN

    async def _check_side(self, request: OrderRequest, instrument: Instrument) -> None:
        """No document says what becomes of a trigger that the market has passed already: it is not sent.

        Raises:
            NotSent: it has, or the last price can not be read.
        """
        trigger = request.trigger_price
        if trigger is None:
            return
        last = self._last_price(request.instrument)
        if last is None:
            try:
                last = (await self._means.client.ticker(market_name(instrument.id))).last
            except VenueError as error:
                words = f"the last price is needed to tell on which side of the market it lies: {error.message}"
                raise NotSent(VENUE, words, error.code) from None
        if (trigger > last) if request.side is Side.BUY else (trigger < last):
            return
        where = "above" if request.side is Side.BUY else "below"
        raise NotSent(VENUE, f"a {request.side} stop has its trigger {where} the last price, {last:f}")


def parameters_of(request: OrderRequest) -> dict[str, Any]:
    """Returns what `Client.create_order` takes. Raises NotSupported for what the venue does not have."""
    kind = _KINDS.get(request.type)
    if kind is None:
        raise NotSupported(VENUE, f"there are no {request.type.replace('_', '-')} orders here")
    if request.take_profit is not None or request.stop_loss is not None:
        raise NotSupported(VENUE, "take profit and stop loss are orders of their own here")
    if request.leverage is not None:
        raise NotSupported(VENUE, "there is no leverage to be chosen here")
    if request.reduce_only and request.position_id != POSITION:
        raise NotSupported(VENUE, "there are no reduce-only orders here")
    if request.time_in_force is TimeInForce.FOK:
        raise NotSupported(VENUE, "there are no FOK orders here")
    is_plain = kind is Kind.LIMIT
    if request.post_only:
        if not is_plain:
            raise NotSupported(VENUE, "only a plain limit order can be post-only here")
        kind = Kind.POST_ONLY
    elif request.time_in_force is not TimeInForce.GTC and kind is not Kind.MARKET:
        if not is_plain:
            raise NotSupported(VENUE, "only a plain limit order can be IOC here")
        kind = Kind.IOC_LIMIT
    return {
        "market": market_name(request.instrument),
        "side": request.side.value,
        "volume": request.quantity,
        "price": request.price,
        "stop_price": request.trigger_price,
        "ord_type": kind,
        "client_oid": request.client_order_id,
    }
