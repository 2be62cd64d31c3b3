"""One order: looked up, placed, cancelled; and cancels of several.

Orders and cancels are queued: what a command returns was accepted and no more. A command is never sent twice;
where its outcome is unknown, `order(client_oid=...)` tells; a miss proves nothing before the nonce has expired.

Raises (the commands):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    OrderError: provably refused.
    NotSent: no byte of it has left.
    OutcomeUnknown: anything else.
"""

from __future__ import annotations

import msgspec

from venues.errors import BadRequest, OutcomeUnknown
from venues.max import VENUE
from venues.max.client.calls import Calls
from venues.max.codes import judge_cancel, judge_cancel_one, judge_read_order
from venues.max.models import MultiOrder, Order, OrderSide, OrderType, PrivateTrade
from venues.max.parameters import (
    Figure,
    Value,
    client_oid_of,
    exactly_one,
    figure_of,
    group_id_of,
    id_of,
    market_of,
    one_of,
    wallet_of,
    word_of,
)
from venues.transport.exchange import Dispatch
from venues.transport.parameters import compact, given
from venues.transport.strict_json import BadJson, decode_json

_SIDES = tuple(OrderSide)
_PRICED = frozenset({None, OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.POST_ONLY, OrderType.IOC_LIMIT})
_STOPS = frozenset({OrderType.STOP_LIMIT, OrderType.STOP_MARKET})


class OrderCalls(Calls):
    """A `wallet_type` is "spot", or "m" for the M-wallet."""

    async def order(
        self, *, order_id: int | None = None, client_oid: str | None = None, is_urgent: bool = False
    ) -> Order:
        """Returns one order. Raises OrderNotFound, which proves nothing soon after it was sent."""
        named = _named("look up order", "id", order_id, client_oid)
        return await self._read(
            "look up order", "/order", Order, named, judge=judge_read_order, is_urgent=is_urgent
        )

    async def order_trades(
        self, *, order_id: int | None = None, client_oid: str | None = None, is_urgent: bool = False
    ) -> list[PrivateTrade]:
        """Returns the trades of one order. Raises OrderNotFound."""
        named = _named("list fills", "order_id", order_id, client_oid)
        return await self._read(
            "list fills", "/order/trades", list[PrivateTrade], named, judge=judge_read_order, is_urgent=is_urgent
        )

    async def create_order(
        self,
        market: str,
        side: OrderSide | str,
        volume: Figure,
        *,
        wallet_type: str = "spot",
        price: Figure | None = None,
        client_oid: str | None = None,
        stop_price: Figure | None = None,
        ord_type: OrderType | str | None = None,
        group_id: int | None = None,
        dispatch: Dispatch | None = None,
    ) -> Order:
        """Places an order of `volume` base units, of a market buy too; without an `ord_type` it is a limit order.

        A `client_oid` is unique for 24 h only. Whoever gives none can not find out what became of a lost answer.
        """
        kind = given(ord_type, word_of, "an order type")
        if (kind in _PRICED and price is None) or (kind == OrderType.MARKET and price is not None):
            raise BadRequest(VENUE, "a limit order needs a price, a market order takes none")
        if (kind in _STOPS) is not (stop_price is not None):
            raise BadRequest(VENUE, "a stop order needs a stop_price, and no other takes one")
        parameters = compact(
            market=market_of(market),
            side=one_of(side, _SIDES, "a side"),
            volume=figure_of(volume, "the volume"),
            price=None if price is None else figure_of(price, "the price"),
            client_oid=given(client_oid, client_oid_of),
            stop_price=None if stop_price is None else figure_of(stop_price, "the stop price"),
            ord_type=kind,
            group_id=given(group_id, group_id_of),
        )
        path = f"/wallet/{wallet_of(wallet_type)}/order"
        return await self._command("place order", "POST", path, Order, parameters, dispatch=dispatch)

    async def cancel_order(
        self, *, order_id: int | None = None, client_oid: str | None = None, dispatch: Dispatch | None = None
    ) -> Order | None:
        """Asks for the end of one order; returns it as it was then, None where the venue only says that it heard.

        Fills may win the race.
        """
        what = "cancel order"
        named = _named(what, "id", order_id, client_oid)
        answer = await self._command(
            what, "DELETE", "/order", msgspec.Raw, named, judge=judge_cancel_one, dispatch=dispatch
        )
        if "id" not in msgspec.json.decode(answer, type=dict[str, msgspec.Raw]):
            return None
        try:
            return decode_json(bytes(answer), Order)
        except BadJson as error:
            raise OutcomeUnknown(VENUE, f"{what}: the answer is {error}") from None

    async def cancel_orders(
        self,
        *,
        wallet_type: str = "spot",
        market: str | None = None,
        side: OrderSide | str | None = None,
        group_id: int | None = None,
        dispatch: Dispatch | None = None,
    ) -> list[MultiOrder]:
        """Asks for the end of all orders of a wallet that fit every filter; without one, **of all**.

        Returns each with what became of the cancel.
        """
        parameters = compact(
            market=given(market, market_of),
            side=given(side, one_of, _SIDES, "a side"),
            group_id=given(group_id, group_id_of),
        )
        path = f"/wallet/{wallet_of(wallet_type)}/orders"
        return await self._command(
            "cancel orders", "DELETE", path, list[MultiOrder], parameters, judge=judge_cancel, dispatch=dispatch
        )


def _named(what: str, name: str, order_id: int | None, client_oid: str | None) -> dict[str, Value]:
    """Returns the one parameter that names an order; without any, a cancel could mean another one."""
    return exactly_one(
        what,
        **{
            name: given(order_id, id_of, "an order's id"),
            "client_oid": given(client_oid, client_oid_of),
        },
    )
