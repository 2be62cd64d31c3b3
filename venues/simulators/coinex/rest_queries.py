"""Queries of CoinEx's orders and deals: status, pending, finished, deals. Document: "Trading API".

Orders that were cancelled without a fill are not kept: their status is code 600, and no history has them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from venues.errors import OrderNotFound
from venues.model import NANOSECONDS, Instrument
from venues.simulators.coinex.answers import finished_row, order_deal_row, pending_row, user_deal_row
from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.params import Params
from venues.simulators.coinex.refusals import Refusal
from venues.simulators.coinex.rest_orders import status_item
from venues.simulators.orders import MAIN, LocalOrder

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator


def read_accounts(venue: CoinexSimulator, params: Params) -> Collection[int]:
    """Reads which account is meant: 0 is the main one, -1 all, -2 all margin accounts."""
    account = params.integer("account_id", MAIN)
    margin = list(venue.margin_accounts.values())
    groups: dict[int, Collection[int]] = {-1: [MAIN, *margin], -2: margin}
    if account in groups:
        return groups[account]
    if account != MAIN and account not in margin:
        raise Refusal(2, f"there is no account {account}")
    return (account,)


def paged(params: Params, rows: Sequence[Any], show: Callable[[Any], Any], *, has_total: bool = False) -> Any:
    """Returns one page of rows in the envelope of lists; `total` stands only in some of them."""
    chosen, page = params.page(rows)
    answer: dict[str, Any] = {"data": [show(one) for one in chosen], **page}
    return {**answer, "total": len(rows)} if has_total else answer


def _found(venue: CoinexSimulator, number: int, instrument: Instrument) -> LocalOrder | None:
    try:
        order = venue.market.order(number)
    except OrderNotFound:
        return None
    is_meant = order.instrument == instrument.id and not venue.is_unseen(order.ts_created)
    return order if is_meant else None


def _status(venue: CoinexSimulator, params: Params) -> Any:
    instrument = params.market()
    order = _found(venue, params.integer("id"), instrument)
    if order is None:
        raise Refusal(600)
    return finished_row(order, instrument)


def _status_batch(venue: CoinexSimulator, params: Params) -> Any:
    instrument = params.market()
    return [status_item(_found(venue, number, instrument), instrument) for number in params.numbers("batch_ids")]


def _pending(venue: CoinexSimulator, params: Params) -> Any:
    rows = venue.market.open_orders(
        accounts=read_accounts(venue, params),
        symbol=params.optional_market(),
        side=params.optional_side(),
        client_id=params.client_id(),
    )
    rows = [order for order in rows if not venue.is_unseen(order.ts_created)]
    instruments = venue.market.instruments
    return paged(
        params, rows, lambda order: pending_row(order, instruments[order.instrument.symbol]), has_total=True
    )


def _finished(venue: CoinexSimulator, params: Params) -> Any:
    """The span is of the moment an order ended, in seconds, both ends included.

    The document calls both ends required; clients that work with the real venue leave them out.
    """
    start, end = params.integer("start_time", 0), params.integer("end_time", 0)
    stop = params.integer("stop_order_id", 0)
    rows = venue.market.finished_orders(
        accounts=read_accounts(venue, params),
        symbol=params.optional_market(),
        side=params.optional_side(),
        client_id=params.client_id(),
    )
    rows = [
        order
        for order in rows
        if _is_within(order.ts_event, start, end)
        and stop in (0, order.stop_id)
        and not venue.is_unseen(order.ts_created)
    ]
    instruments = venue.market.instruments
    return paged(params, rows, lambda order: finished_row(order, instruments[order.instrument.symbol]))


def _order_deals(venue: CoinexSimulator, params: Params) -> Any:
    number, accounts = params.integer("id"), read_accounts(venue, params)
    rows = [fill for fill in venue.market.fills(accounts=accounts) if fill.order_id == number]
    return paged(params, rows, order_deal_row)


def _user_deals(venue: CoinexSimulator, params: Params) -> Any:
    start, end = params.integer("start_time", 0), params.integer("end_time", 0)
    rows = venue.market.fills(
        accounts=read_accounts(venue, params), symbol=params.optional_market(), side=params.optional_side()
    )
    return paged(params, [fill for fill in rows if _is_within(fill.ts_event, start, end)], user_deal_row)


def _is_within(ts: int, start: int, end: int) -> bool:
    """`end` 0 is no end."""
    second = ts // NANOSECONDS
    return start <= second and (not end or second <= end)


CALLS = (
    Call("GET", "/order/status", _status, "query", is_signed=True),
    Call("GET", "/order/status/batch", _status_batch, "query", is_signed=True),
    Call("GET", "/order/pending", _pending, "query", is_signed=True),
    Call("GET", "/order/finished", _finished, "query", is_signed=True),
    Call("GET", "/order/deals", _order_deals, "query", is_signed=True),
    Call("GET", "/order/user/deals", _user_deals, "query", is_signed=True),
)
