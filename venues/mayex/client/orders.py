"""Orders placed, cancelled and listed.

A command is never sent twice, and no order is looked up by an id: whoever lost an answer looks for the
`client_order_id` among the open orders and in the history. A hit settles it; what a miss proves rests on whether
the venue heeds expiries (`assets` with `expired_by`).

Raises (the commands):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    OrderError: provably refused.
    NotSent: no byte of it has left.
    OutcomeUnknown: anything else.
"""

from __future__ import annotations

from venues.errors import BadRequest
from venues.mayex import VENUE
from venues.mayex.client.calls import Calls
from venues.mayex.codes import judge_cancel
from venues.mayex.endpoints import CANCEL, CANCEL_ALL, OPEN_ORDERS, ORDERS, PLACE, TRADES
from venues.mayex.models import Fill, OpenOrder, Order, PastOrder, Rows
from venues.mayex.parameters import Value, coin_of, order_id_of, page_of, symbol_of
from venues.mayex.requests import NewOrder
from venues.transport.exchange import Dispatch
from venues.transport.parameters import compact, given
from venues.transport.strict_json import BadJson, decode_json


class OrderCalls(Calls):
    """A fresh order may be missing for a moment from what is read. Cancels use what the quota keeps for them."""

    async def place_order(
        self, order: NewOrder, *, is_urgent: bool = False, dispatch: Dispatch | None = None
    ) -> Order | None:
        """Places an order; None where NO_ACK was asked for. One that closes may be urgent as a cancel."""
        if is_urgent and not order.closes:
            raise BadRequest(VENUE, "only what closes is as urgent as a cancel")
        found: Order | None = await self._command(
            "place order", "POST", PLACE, Order | None, order.fields(), dispatch=dispatch, is_cancel=is_urgent
        )
        return found

    async def cancel_order(self, symbol: str, order_id: int, *, dispatch: Dispatch | None = None) -> Order:
        """Asks for the end of one order. It comes back as it still is, mostly NEW; fills may win the race."""
        found: Order = await self._command(
            "cancel order",
            "POST",
            CANCEL,
            Order,
            {"symbol": symbol_of(symbol), "orderId": order_id_of(order_id)},
            judge=judge_cancel,
            dispatch=dispatch,
            is_cancel=True,
        )
        return found

    async def cancel_all_orders(
        self, *, symbol: str | None = None, settle: str = "USDT", dispatch: Dispatch | None = None
    ) -> list[Order]:
        """Asks for the end of all orders of a contract, without one **of all** that settle in `settle`.

        Returns those that the answer tells of. The document calls them "canceled orders" and shows none, so that
        an answer of another shape is an acknowledgement too, and tells of none.
        """
        found = await self._act(
            "cancel all orders",
            "POST",
            CANCEL_ALL,
            {"symbol": None if symbol is None else symbol_of(symbol), "settleCcy": coin_of(settle)},
            judge=judge_cancel,
            dispatch=dispatch,
            is_cancel=True,
        )
        try:
            return decode_json(bytes(found), list[Order])
        except BadJson:
            return []

    async def open_orders(self, *, is_urgent: bool = False) -> list[OpenOrder]:
        """Returns every order that rests or waits for its trigger. Raises VenueError."""
        return await self._read("list open orders", OPEN_ORDERS, list[OpenOrder], is_urgent=is_urgent)

    async def order_history(
        self,
        symbol: str | None = None,
        *,
        order_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        page_index: int | None = None,
        page_size: int | None = None,
        is_urgent: bool = False,
    ) -> Rows[PastOrder]:
        """Returns orders that are over, newest first. Raises VenueError.

        `symbol` is matched by its beginning. All else is the platform's, not in the document; moments in
        milliseconds.
        """
        found = _history(symbol, order_id) | page_of(start_time, end_time, page_index, page_size)
        return await self._read("list past orders", ORDERS, Rows[PastOrder], found, is_urgent=is_urgent)

    async def trade_history(
        self,
        symbol: str | None = None,
        *,
        order_id: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        page_index: int | None = None,
        page_size: int | None = None,
        is_urgent: bool = False,
    ) -> Rows[Fill]:
        """Returns our fills, newest first; parameters as of `order_history`. Raises VenueError."""
        found = _history(symbol, order_id) | page_of(start_time, end_time, page_index, page_size)
        return await self._read("list fills", TRADES, Rows[Fill], found, is_urgent=is_urgent)


def _history(symbol: str | None, order_id: int | None) -> dict[str, Value]:
    return compact(symbol=given(symbol, symbol_of), orderId=given(order_id, order_id_of))
