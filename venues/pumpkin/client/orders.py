"""Orders placed and cancelled (section "Trading and Account Interface").

A command is never sent twice. Nothing bounds a request's life, and there is no look-up by our own id: whoever lost
an answer looks for the `client_order_id` among the open orders and in the history. A hit settles it, a miss never.

Raises (the commands):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    OrderError: provably refused.
    NotSent: no byte of it has left.
    OutcomeUnknown: anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from venues.errors import BadRequest
from venues.pumpkin import VENUE
from venues.pumpkin.client.calls import Calls
from venues.pumpkin.codes import judge_cancel
from venues.pumpkin.models import EntrustKind
from venues.pumpkin.parameters import MOST_A_PAGE, id_of, ids_of, one_of, symbol_of
from venues.pumpkin.requests import NewOrder, cancel_item
from venues.transport.exchange import Dispatch
from venues.transport.parameters import compact, given

_ORDER, _MIXED = "/v2/order", "/v2/order-entrust"


class OrderCalls(Calls):
    """A fresh order may be missing for a moment from what is read. Cancels use what the quotas keep for them."""

    async def create_order(
        self, order: NewOrder, *, is_urgent: bool = False, dispatch: Dispatch | None = None
    ) -> str:
        """Places an order, of whole contracts; returns its id (section "Create Order").

        One that closes may be urgent as a cancel.
        """
        if is_urgent and not order.reduce_only:
            raise BadRequest(VENUE, "only what closes is as urgent as a cancel")
        return await self._command(
            "place order", f"{_ORDER}/create", str, order.fields(), dispatch=dispatch, is_cancel=is_urgent
        )

    async def create_orders(
        self,
        orders: Sequence[NewOrder] = (),
        *,
        cancels: Sequence[tuple[str, str | int]] = (),
        dispatch: Dispatch | None = None,
    ) -> None:
        """Places orders and cancels others, each by symbol and id, in one call (section "Batch Create Orders").

        The answer tells neither ids nor what became of each: it says that all were taken. Their own
        `client_order_id` alone finds them.
        """
        items: list[dict[str, Any]] = [order.item() for order in orders]
        items += [cancel_item(symbol, order_id) for symbol, order_id in cancels]
        if not 1 <= len(items) <= MOST_A_PAGE:
            raise BadRequest(VENUE, f"a batch has between 1 and {MOST_A_PAGE} items")
        found = compact(list=msgspec.json.encode(items).decode())
        await self._act("place orders", f"{_ORDER}/create-batch", found, dispatch=dispatch)

    async def cancel_order(
        self, order_id: str | int, *, symbol: str | None = None, dispatch: Dispatch | None = None
    ) -> None:
        """Asks for the end of one order (section "Cancel Order"). Fills may win the race."""
        found = compact(orderId=id_of(order_id, "an order's id"), symbol=given(symbol, symbol_of))
        await self._cancel("cancel order", f"{_ORDER}/cancel", found, dispatch)

    async def cancel_orders(self, order_ids: Sequence[str | int], *, dispatch: Dispatch | None = None) -> None:
        """Asks for the end of several orders (section "Batch Cancel Orders").

        Inferred: a form with the name `orders`, as in the samples; the table shows a bare JSON array.
        """
        found = compact(orders=msgspec.json.encode(ids_of(order_ids, "orders")).decode())
        await self._cancel("cancel orders", f"{_ORDER}/cancel-batch", found, dispatch)

    async def cancel_all_orders(self, *, symbol: str | None = None, dispatch: Dispatch | None = None) -> None:
        """Asks for the end of all orders of a contract, without one **of all** (section "Cancel All Orders")."""
        found = compact(symbol=given(symbol, symbol_of))
        await self._cancel("cancel all orders", f"{_ORDER}/cancel-all", found, dispatch)

    async def cancel_order_entrust(
        self, kind: EntrustKind | str, order_id: str | int, *, dispatch: Dispatch | None = None
    ) -> None:
        """Asks for the end of an order or of a plan order (section "Cancel Order Entrust")."""
        found = compact(type=one_of(kind, tuple(EntrustKind), "a kind"), id=id_of(order_id, "an id"))
        await self._cancel("cancel order", f"{_MIXED}/cancel", found, dispatch)

    async def cancel_all_order_entrusts(
        self, *, symbol: str | None = None, dispatch: Dispatch | None = None
    ) -> None:
        """Asks for the end of all orders and plan orders of a contract, without one **of all**.

        Section "Cancel All Order Entrusts".
        """
        found = compact(symbol=given(symbol, symbol_of))
        await self._cancel("cancel all orders", f"{_MIXED}/cancel-all", found, dispatch)

    async def _cancel(self, what: str, path: str, found: dict[str, Any], dispatch: Dispatch | None) -> None:
        await self._act(what, path, found, judge=judge_cancel, dispatch=dispatch, is_cancel=True)
