"""Orders of Pumpkin: create, cancel, and all the lists of them. There is no amend, and no lookup by client id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from venues.simulators.orders import LocalOrder
from venues.simulators.pumpkin.calls import Call, query, trade
from venues.simulators.pumpkin.entrusts import STATES as PLAN_STATES
from venues.simulators.pumpkin.entrusts import Plan
from venues.simulators.pumpkin.params import Params, is_whole
from venues.simulators.pumpkin.refusals import Refusal, invalid
from venues.simulators.pumpkin.rows import (
    STATES,
    fill_row,
    is_in_state,
    mixed_plan_row,
    mixed_row,
    order_row,
)
from venues.simulators.pumpkin.tickets import TIMES_IN_FORCE, Draft, Exit, Exits, Ticket

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_MOST_ITEMS = 20  # of a batch
_LEVELS = ("1", "5", "10", "15")
_Pair = tuple[LocalOrder, Ticket]


def read_exits(params: Params, *, required: bool = False) -> Exits:
    """Reads take-profit and stop: a LIMIT one needs its price."""
    found: list[Exit | None] = []
    for name in ("Profit", "Stop"):
        trigger = params.optional_number(f"trigger{name}Price")
        kind = params.one_of(f"{name.lower()}OrderType", ("MARKET", "LIMIT"), "MARKET")
        price = params.optional_number(f"{name.lower()}OrderPrice")
        if trigger is None:
            found.append(None)
            continue
        if kind == "LIMIT" and price is None:
            raise invalid("price")
        found.append(Exit(trigger, price if kind == "LIMIT" else None))
    exits = Exits(*found)
    if required and exits == Exits():
        raise invalid("param")
    return exits


def read_draft(params: Params) -> Draft:
    """Reads an order. Raises Refusal: a parameter is missing or invalid."""
    symbol, is_market = params.symbol(), params.one_of("orderType", ("LIMIT", "MARKET")) == "MARKET"
    position_side = params.position_side()
    time_in_force = params.one_of("timeInForce", TIMES_IN_FORCE, "IOC" if is_market else "GTC")
    if is_market and time_in_force not in ("IOC", "FOK"):
        raise invalid("time_in_force")
    params.one_of("marketOrderLevel", _LEVELS, "1")
    price = params.optional_number("price")
    return Draft(
        symbol=symbol,
        side=params.side(),
        position_side=position_side,
        is_market=is_market,
        time_in_force=time_in_force,
        contracts=params.contracts(),
        price=None if is_market else price,
        position_id=params.integer("positionId", 0),
        reduce_only=params.flag("reduceOnly"),
        leverage=params.integer("leverage", 0),
        client_id=params.client_id(),
        exits=read_exits(params),
    )


def _create(venue: PumpkinSimulator, params: Params) -> str:
    draft = read_draft(params)
    if venue.faults.on("late-booking", "submit"):
        venue.book_later(lambda: venue.orders.place(draft), venue.faults.number("late-booking", "submit"))
        raise Refusal("fail")
    return str(venue.orders.place(draft))


def _items(params: Params, name: str) -> list[Any]:
    try:
        items = json.loads(params.text(name), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise invalid("param") from None
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_ITEMS:
        raise invalid("param")
    return items


def _create_batch(venue: PumpkinSimulator, params: Params) -> bool:
    """Does what it can: the answer does not tell which of the items were refused."""
    items = _items(params, "list")
    if not all(isinstance(item, dict) for item in items):
        raise invalid("param")
    found = [Params(item, params.instruments) for item in items]
    for one in found:
        # Before anything is done: 467 tells that nothing was.
        if one.flag("isCreate"):
            venue.check_whitelist(one.text("symbol", ""))
    if venue.faults.on("late-booking", "submit"):
        venue.book_later(lambda: _do_batch(venue, found), venue.faults.number("late-booking", "submit"))
        raise Refusal("fail")
    return _do_batch(venue, found)


def _do_batch(venue: PumpkinSimulator, items: list[Params]) -> bool:
    for one in items:
        try:
            if not one.flag("isCreate"):
                venue.orders.cancel(one.integer("orderId"))
                continue
            venue.orders.place(read_draft(one))
        except Refusal:
            continue
    return True


def _cancel(venue: PumpkinSimulator, params: Params) -> None:
    params.optional_symbol()
    venue.orders.cancel(params.integer("orderId"))


def _cancel_batch(venue: PumpkinSimulator, params: Params) -> bool:
    for item in _items(params, "orders"):
        if not is_whole(str(item)):
            raise invalid("param")
        if int(item) in venue.market.records.open:
            venue.orders.cancel(int(item))
    return True


def _cancel_all(venue: PumpkinSimulator, params: Params) -> bool:
    venue.orders.cancel_all(params.optional_symbol())
    return True


def _filtered(venue: PumpkinSimulator, params: Params) -> list[_Pair]:
    """Returns open and ended orders, newest first."""
    symbol, state = params.optional_symbol(), params.one_of("state", STATES, "") if params.has("state") else ""
    found = [*venue.orders.open(symbol), *venue.orders.ended(symbol)]
    found.sort(key=lambda pair: pair[0].id, reverse=True)
    return [pair for pair in params.within(found, _created) if is_in_state(pair[0], state)]


def _created(pair: _Pair) -> int:
    return pair[0].ts_created


def _list(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    found = _filtered(venue, params)
    page, size, rows = params.page(found)
    return {"page": page, "ps": size, "total": len(found), "items": [order_row(*pair) for pair in rows]}


def _history(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    """Returns ended orders by a cursor, in the envelope of a page, as the document's sample has it."""
    found = [pair for pair in _filtered(venue, params) if not pair[0].is_open]
    _, _, rows = params.cursor(found, lambda pair: pair[0].id)
    items = [order_row(*pair) for pair in rows]
    return {"page": 1, "ps": params.integer("limit", 10), "total": len(found), "items": items}


def _detail(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    found = venue.orders.find(params.integer("orderId"))
    if found is None:
        raise invalid("order")
    return order_row(*found)


def _fills(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol, number = params.optional_symbol(), params.integer("orderId", 0)
    fills = [
        fill
        for fill in venue.market.fills(symbol=symbol)
        if number in (0, fill.order_id) and not venue.is_unseen(fill.ts_event)
    ]
    found = params.within(fills, lambda fill: fill.ts_event)
    page, size, rows = params.page(found)
    items = [fill_row(fill, fill.instrument.symbol) for fill in rows]
    return {"page": page, "ps": size, "total": len(found), "items": items}


def _unfinished(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    return [order_row(*pair) for pair in venue.orders.open(params.symbol(), params.side("direction"))]


def _all_unfinished(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    symbols = params.text("list").split(",")
    if any(symbol not in params.instruments for symbol in symbols):
        raise invalid("symbol")
    return [order_row(*pair) for pair in venue.orders.open() if pair[1].symbol in symbols]


def _by_ids(venue: PumpkinSimulator, params: Params) -> list[dict[str, Any]]:
    numbers = params.text("ids").split(",")
    if not all(map(is_whole, numbers)):
        raise invalid("param")
    found = [venue.orders.find(int(number)) for number in numbers]
    return [order_row(*pair) for pair in found if pair is not None]


def _mixed(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    """Returns orders or plan orders, or both by their time where no type is given."""
    kind = params.one_of("type", ("ORDER", "ENTRUST"), "") if params.has("type") else ""
    forced = params.flag("forceClose") if params.has("forceClose") else None
    state = params.one_of("state", (*STATES, *PLAN_STATES), "") if params.has("state") else ""
    rows: list[dict[str, Any]] = []
    if kind != "ENTRUST" and state in ("", *STATES):
        rows += [mixed_row(*pair) for pair in _filtered(venue, params)]
    if kind != "ORDER":
        symbol = params.optional_symbol()
        plans = [
            one
            for one in venue.entrusts.plans.values()
            if symbol in ("", one.symbol) and not venue.is_unseen(one.ts_created)
        ]
        chosen = params.within(plans, lambda one: one.ts_created)
        rows += [mixed_plan_row(one) for one in chosen if state in ("", one.state.value)]
    rows = [row for row in rows if forced in (None, row["forceClose"])]
    rows.sort(key=lambda row: int(row["id"]), reverse=True)
    page, size, shown = params.page(rows)
    return {"page": page, "ps": size, "total": len(rows), "items": shown}


def _cancel_mixed(venue: PumpkinSimulator, params: Params) -> None:
    number = params.integer("id")
    if params.one_of("type", ("ORDER", "ENTRUST")) == "ORDER":
        venue.orders.cancel(number)
    else:
        venue.entrusts.cancel(number, venue.entrusts.plans)


def _cancel_all_mixed(venue: PumpkinSimulator, params: Params) -> bool:
    symbol = params.optional_symbol()
    venue.orders.cancel_all(symbol)
    venue.entrusts.cancel_all(Plan, symbol)
    return True


CALLS: tuple[Call, ...] = (
    trade("/v2/order/create", _create, 20, "submit", label="msg", has_whitelist=True),
    trade("/v2/order/create-batch", _create_batch, 15, "submit", label="msg"),
    trade("/v2/order/cancel", _cancel, 5, "cancel"),
    trade("/v2/order/cancel-batch", _cancel_batch, 8, "cancel"),
    trade("/v2/order/cancel-all", _cancel_all, 10, "cancel"),
    query("/v2/order/list", _list, 2),
    query("/v2/order/list-history", _history, 2),
    query("/v2/order/detail", _detail, 1),
    query("/v2/order/trade-list", _fills, 2),
    query("/v2/order/listUnfinished", _unfinished, 1, label="message"),
    query("/v2/order/all/listUnfinished", _all_unfinished, 1, label="message"),
    trade("/v2/order/list-by-ids", _by_ids, 1, "query"),
    query("/v2/order-entrust/list", _mixed, 2),
    trade("/v2/order-entrust/cancel", _cancel_mixed, 5, "cancel"),
    trade("/v2/order-entrust/cancel-all", _cancel_all_mixed, 8, "cancel"),
)
