"""Orders of Mayex: place, cancel and the lists of them. There is no amend, and no lookup of one order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from venues.model import Instrument
from venues.simulators.mayex.calls import HEAVY, Call
from venues.simulators.mayex.markets import COIN
from venues.simulators.mayex.params import Params
from venues.simulators.mayex.refusals import TIMEOUT, Refusal
from venues.simulators.mayex.rows import fill_row, open_row, order_row, past_row
from venues.simulators.mayex.tickets import TIMES_IN_FORCE, Draft, OrderKind, Shown

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

_RESPONSES = ("ACK", "RESULT", "NO_ACK")


def read_draft(params: Params) -> Draft:
    """Reads an order. Raises Refusal: a parameter is missing or invalid."""
    symbol, kind = params.symbol(), OrderKind(params.one_of("type", tuple(OrderKind), 211))
    if params.flag("conditional", default=kind.is_conditional) is not kind.is_conditional:
        raise Refusal(4013)
    close_position = params.flag("closePosition", default=False)
    price = params.optional_number("price", 203)
    return Draft(
        symbol=symbol,
        client_id=params.client_id(),
        side=params.side(),
        position_side=params.position_side(),
        is_isolated=params.flag("isolated"),
        kind=kind,
        time_in_force=params.one_of("timeInForce", TIMES_IN_FORCE, 219),
        lots=params.lots(is_optional=close_position),
        price=None if kind.is_market else price,
        close_position=close_position,
        trigger=params.trigger(),
        profit=params.trigger("tp"),
        stop=params.trigger("sl"),
    )


def _place(venue: MayexSimulator, params: Params) -> dict[str, Any] | None:
    draft = read_draft(params)
    response = params.one_of("orderRespType", _RESPONSES, 219, "ACK")
    if venue.faults.on("late-booking", "submit"):
        venue.book_later(lambda: venue.orders.place(draft), venue.faults.number("late-booking", "submit"))
        raise Refusal(TIMEOUT)
    number = venue.orders.place(draft)
    if response == "NO_ACK":
        return None
    return order_row(venue.orders.shown_now(number), status="NEW" if response == "ACK" else "")


def _cancel(venue: MayexSimulator, params: Params) -> dict[str, Any]:
    """Answers with the order as it was: that it is cancelled is told later."""
    return order_row(venue.orders.cancel(params.symbol(), params.integer("orderId")))


def _cancel_all(venue: MayexSimulator, params: Params) -> list[dict[str, Any]]:
    params.one_of("settleCcy", (COIN,), 250)
    return [order_row(one) for one in venue.orders.cancel_all(params.optional_symbol())]


def _open(venue: MayexSimulator, params: Params) -> list[dict[str, Any]]:
    found = venue.orders.listed(params.text("symbol", ""), is_open=True)
    return [_row(venue, number, open_row) for number in found]


def _row(
    venue: MayexSimulator, number: int, write: Callable[[Shown, Instrument], dict[str, Any]]
) -> dict[str, Any]:
    shown = venue.orders.shown_now(number)
    return write(shown, venue.market.instruments[shown.symbol])


def _ended(venue: MayexSimulator, params: Params) -> dict[str, Any]:
    number = params.integer("orderId", 0)
    found = [one for one in venue.orders.listed(params.text("symbol", ""), is_open=False) if number in (0, one)]
    return {"rows": [_row(venue, one, past_row) for one in params.page(found)]}


def _fills(venue: MayexSimulator, params: Params) -> dict[str, Any]:
    symbol, number = params.text("symbol", ""), params.integer("orderId", 0)
    found = [
        fill
        for fill in venue.market.fills()
        if fill.instrument.symbol.startswith(symbol)
        and number in (0, fill.order_id)
        and venue.orders.knows(fill.order_id)
        and not venue.is_unseen(fill.ts_event)
    ]
    return {"rows": [fill_row(venue, fill) for fill in params.page(found)]}


_O, _U = "/order/v1/private/orders", "/user/v1/private/order"
CALLS: tuple[Call, ...] = (
    Call("POST", f"{_O}/place-order", _place, "submit"),
    Call("POST", f"{_O}/cancel-order", _cancel, "cancel"),
    Call("POST", f"{_O}/cancel-all-order", _cancel_all, "cancel"),
    Call("GET", f"{_U}/open-orders", _open, "query"),
    Call("GET", f"{_U}/order-histories", _ended, "query", HEAVY, error=None),
    Call("GET", f"{_U}/trade-histories", _fills, "query", HEAVY, error=None),
)
