"""Queries of MAX's orders and trades: one, open, closed, history, and trades of an order or a wallet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from venues.simulators.figures import milliseconds
from venues.simulators.max.answers import order_row, paired, trade_row
from venues.simulators.max.calls import Call
from venues.simulators.max.orders import Shown
from venues.simulators.max.params import Params, invalid
from venues.simulators.max.refusals import NO_ORDER, Refusal
from venues.simulators.max.rest_orders import read_wallet
from venues.simulators.orders import LocalFill

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

_LAUNCHED = 1_529_539_200_000  # milliseconds: 2018-06-21, before which closed orders can not be asked for
_ORDERS = ("asc", "desc", "asc_updated_at", "desc_updated_at")


def _find(venue: MaxSimulator, params: Params, name: str) -> Shown:
    if params.has(name):
        shown = venue.orders.find(params.integer(name))
    else:
        shown = venue.orders.named(params.text("client_oid"))
    if shown is None:
        raise Refusal(NO_ORDER)
    return shown


def _order(venue: MaxSimulator, params: Params) -> Any:
    return order_row(_find(venue, params, "id"))


def _open(venue: MaxSimulator, params: Params) -> Any:
    symbol = params.market().id.symbol if venue.requires_market else params.optional_market()
    return _listed(params, venue.orders.open(read_wallet(params), symbol))


def _closed(venue: MaxSimulator, params: Params) -> Any:
    at = params.moment()
    if at is not None and at < _LAUNCHED:
        raise invalid("timestamp")
    return _listed(params, venue.orders.ended(read_wallet(params), params.optional_market()))


def _listed(params: Params, found: Iterable[Shown]) -> list[dict[str, Any]]:
    """Returns a page: backwards from the time, or forwards, by the time of creation or of the newest change."""
    order_by, limit = params.one_of("order_by", _ORDERS, "desc"), params.limit(50, 1_000)
    is_ascending, since = order_by.startswith("asc"), params.moment()

    def at(shown: Shown) -> int:
        return milliseconds(shown.ts_event if order_by.endswith("updated_at") else shown.ts_created)

    rows = sorted(found, key=lambda shown: (at(shown), shown.id), reverse=not is_ascending)
    if since is not None:
        rows = [one for one in rows if (at(one) >= since if is_ascending else at(one) <= since)]
    return [order_row(shown) for shown in rows[:limit]]


def _history(venue: MaxSimulator, params: Params) -> Any:
    """All orders of a market from an id on, the oldest first: open and ended ones."""
    account, symbol = read_wallet(params), params.market().id.symbol
    first, limit = params.integer("from_id", 1), params.limit(100, 1_000)
    found = [*venue.orders.open(account, symbol), *venue.orders.ended(account, symbol)]
    rows = sorted((one for one in found if one.id >= first), key=lambda one: one.id)
    return [order_row(shown) for shown in rows[:limit]]


def _wallet_trades(venue: MaxSimulator, params: Params) -> Any:
    """Where both cursors are given, the time holds. Descending goes backwards from the cursor."""
    account, symbol = read_wallet(params), params.optional_market()
    is_ascending = params.one_of("order", ("asc", "desc"), "desc") == "asc"
    limit, since, first = params.limit(50, 1_000), params.moment(), params.integer("from_id", 0)
    found = sorted(
        venue.market.fills(accounts=(account,), symbol=symbol),
        key=lambda fill: fill.trade_id,
        reverse=not is_ascending,
    )
    if since is not None:
        found = [fill for fill in found if _is_beyond(milliseconds(fill.ts_event), since, is_ascending)]
    elif first:
        found = [fill for fill in found if _is_beyond(fill.trade_id, first, is_ascending)]
    return _trade_rows(venue, found)[:limit]


def _is_beyond(value: int, bound: int, is_ascending: bool) -> bool:
    return value >= bound if is_ascending else value <= bound


def _order_trades(venue: MaxSimulator, params: Params) -> Any:
    """A trade with oneself is told whole, whichever of its two orders is asked for."""
    shown = _find(venue, params, "order_id")
    fills = venue.market.fills(accounts=(shown.account,), symbol=shown.symbol)
    numbers = {fill.trade_id for fill in fills if fill.order_id == shown.id}
    return _trade_rows(venue, [fill for fill in reversed(fills) if fill.trade_id in numbers])


def _trade_rows(venue: MaxSimulator, fills: Sequence[LocalFill]) -> list[dict[str, Any]]:
    listed = venue.market.instruments
    return [
        trade_row(fill, bid, listed[fill.instrument.symbol], has_fee=venue.has_fee(fill.ts_event))
        for fill, bid in paired(fills)
        if not venue.is_unseen(fill.ts_event)
    ]


CALLS = (
    Call("GET", "/order", _order, "query"),
    Call("GET", "/order/trades", _order_trades, "query"),
    Call("GET", "/wallet/{wallet}/orders/open", _open, "query"),
    Call("GET", "/wallet/{wallet}/orders/closed", _closed, "query"),
    Call("GET", "/wallet/{wallet}/orders/history", _history, "query"),
    Call("GET", "/wallet/{wallet}/trades", _wallet_trades, "query"),
)
