"""Plan orders, take-profits and stops of Pumpkin."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from venues.simulators.pumpkin.calls import Call, query, trade
from venues.simulators.pumpkin.checks import check_price
from venues.simulators.pumpkin.entrusts import LATEST, PLAN_TYPES, PRICE_TYPES, STATES, Plan, Protection, State
from venues.simulators.pumpkin.params import Params
from venues.simulators.pumpkin.refusals import Refusal, invalid
from venues.simulators.pumpkin.rest_orders import read_exits
from venues.simulators.pumpkin.rows import plan_row, protection_row
from venues.simulators.pumpkin.tickets import TIMES_IN_FORCE, Draft, Exit, Exits

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_LEVELS = ("1", "2", "5", "10", "15")
_E = TypeVar("_E", Plan, Protection)


def _required(params: Params, name: str) -> Decimal:
    found = params.optional_number(name)
    if found is None:
        raise invalid("stop_price" if name == "stopPrice" else "price")
    return found


def _create_plan(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    instrument = params.instrument()
    kind = params.one_of("entrustType", PLAN_TYPES)
    is_market = kind.endswith("_MARKET")
    price = None if is_market else _required(params, "price")
    if price is not None:
        check_price(price, instrument, "price")
    time_in_force = params.one_of("timeInForce", TIMES_IN_FORCE, "GTC")
    draft = Draft(
        symbol=instrument.id.symbol,
        side=params.side(),
        position_side=params.position_side(),
        is_market=is_market,
        # GTC is what the document's own market sample sends; a market order can not rest.
        time_in_force="IOC" if is_market and time_in_force in ("GTC", "GTX") else time_in_force,
        contracts=params.contracts(),
        price=price,
        position_id=params.integer("positionId", 0),
    )
    if draft.contracts < 1:
        raise invalid("quantity")
    if draft.is_closing:
        position = venue.book.open.get(draft.position_id)
        if position is None or position.side is not draft.position_side or position.symbol != draft.symbol:
            raise invalid("position_id")
        draft = draft._replace(reduce_only=True)
    level = params.one_of("marketOrderLevel", _LEVELS, "") if params.has("marketOrderLevel") else ""
    plan = Plan(
        0, kind, draft, _required(params, "stopPrice"), params.one_of("triggerPriceType", PRICE_TYPES),
        int(level) if level else None, params.expiry(), 0, 0,
    )  # fmt: skip
    if venue.faults.on("late-booking", "plan"):
        venue.book_later(lambda: venue.entrusts.plan(plan), venue.faults.number("late-booking", "plan"))
        raise Refusal("fail")
    number = venue.entrusts.plan(plan)
    return {
        "entrustId": str(number), "symbol": plan.symbol, "entrustType": kind, "state": plan.state.value
    }  # fmt: skip


def _create_profit(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    """Adds to the position that is named, or to the one of the side that is."""
    symbol, number = params.symbol(), params.integer("positionId", 0)
    if number:
        position = venue.book.open.get(number)
    else:
        params.side()
        side = params.position_side()
        position = next((one for one in venue.book.of(symbol) if one.side is side), None)
    if position is None or position.symbol != symbol:
        raise invalid("position_id" if number else "position")
    params.one_of("profitFlag", ("1", "2"), "1")
    params.flag("reduceOnly", True)
    price_type = params.one_of("triggerPriceType", PRICE_TYPES, LATEST)
    wanted = params.contracts(), read_exits(params, required=True), price_type, params.expiry()
    if venue.faults.on("late-booking", "exit"):
        venue.book_later(
            lambda: venue.entrusts.protect(position, *wanted), venue.faults.number("late-booking", "exit")
        )
        raise Refusal("fail")
    found = venue.entrusts.protect(position, *wanted)
    return {
        "profitId": str(found.id),
        "symbol": symbol,
        "positionSide": found.side.value,
        "state": found.state.value,
    }


def _update_profit(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    found = venue.entrusts.protections.get(params.integer("profitId"))
    if found is None:
        raise invalid("order")
    if found.state is not State.WAITING:
        raise invalid("state")
    params.one_of("profitFlag", ("0", "1", "2"), "1")
    given = read_exits(params)
    exits = Exits(
        _changed(params, "profit", found.exits.profit, given.profit),
        _changed(params, "stop", found.exits.stop, given.stop),
    )
    contracts = params.contracts() if params.has("origQty") else found.contracts
    price_type = params.one_of("triggerPriceType", PRICE_TYPES, found.price_type)
    venue.entrusts.change(found, contracts, exits, price_type)
    return {"adjustId": venue.market.take_number(), "status": "PROCESSING"}


def _changed(params: Params, name: str, before: Exit | None, given: Exit | None) -> Exit | None:
    """Returns an exit with what was named of it changed."""
    if given is not None:
        has_kind = params.has(f"{name}OrderType")
        return given if has_kind or before is None else Exit(given.trigger, before.price)
    return before


def _cancel_plan(venue: PumpkinSimulator, params: Params) -> None:
    venue.entrusts.cancel(params.integer("entrustId"), venue.entrusts.plans)


def _cancel_profit(venue: PumpkinSimulator, params: Params) -> None:
    venue.entrusts.cancel(params.integer("profitId"), venue.entrusts.protections)


def _cancel_all_plans(venue: PumpkinSimulator, params: Params) -> bool:
    venue.entrusts.cancel_all(Plan, params.optional_symbol())
    return True


def _cancel_all_profits(venue: PumpkinSimulator, params: Params) -> bool:
    venue.entrusts.cancel_all(Protection, params.optional_symbol())
    return True


def _page(params: Params, found: Sequence[_E]) -> tuple[dict[str, Any], list[_E]]:
    """Returns the envelope of a page, and the rows that the cursor chooses."""
    _, _, rows = params.cursor(found, lambda one: one.id)
    return {"page": 1, "size": params.integer("limit", 10), "total": len(found)}, rows


def _plans(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    """Returns plan orders of a state, those that wait where none is named."""
    symbol = params.optional_symbol()
    state = params.one_of("state", STATES, State.WAITING.value)
    envelope, rows = _page(params, _chosen(venue, venue.entrusts.plans.values(), symbol, state))
    return {**envelope, "items": [plan_row(one) for one in rows]}


def _chosen(venue: PumpkinSimulator, entrusts: Any, symbol: str, state: str) -> list[Any]:
    found = [
        one
        for one in entrusts
        if symbol in ("", one.symbol) and one.state.value == state and not venue.is_unseen(one.ts_created)
    ]
    return found[::-1]


def _plan_history(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol = params.optional_symbol()
    ended = [
        one
        for one in reversed(venue.entrusts.plans.values())
        if symbol in ("", one.symbol) and one.state is not State.WAITING
    ]
    envelope, rows = _page(params, params.within(ended, lambda one: one.ts_created))
    return {**envelope, "items": [plan_row(one) for one in rows]}


def _plan(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    found = venue.entrusts.plans.get(params.integer("entrustId"))
    if found is None or venue.is_unseen(found.ts_created):
        raise invalid("order")
    return plan_row(found)


def _profits(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    symbol = params.optional_symbol()
    state = params.one_of("state", STATES, State.WAITING.value)
    envelope, rows = _page(params, _chosen(venue, venue.entrusts.protections.values(), symbol, state))
    return {**envelope, "items": [protection_row(venue, one) for one in rows]}


def _profit(venue: PumpkinSimulator, params: Params) -> dict[str, Any]:
    found = venue.entrusts.protections.get(params.integer("profitId"))
    if found is None or venue.is_unseen(found.ts_created):
        raise invalid("order")
    return protection_row(venue, found)


_P = "/v2/entrust"
CALLS: tuple[Call, ...] = (
    trade(f"{_P}/create-plan", _create_plan, 10, "plan", has_whitelist=True),
    trade(f"{_P}/cancel-plan", _cancel_plan, 5, "cancel"),
    trade(f"{_P}/cancel-all-plan", _cancel_all_plans, 8, "cancel"),
    query(f"{_P}/plan-list", _plans, 2, label="message"),
    query(f"{_P}/plan-list-history", _plan_history, 2, label="message"),
    query(f"{_P}/plan-detail", _plan, 1, label="message"),
    trade(f"{_P}/create-profit", _create_profit, 8, "exit", has_whitelist=True),
    trade(f"{_P}/cancel-profit-stop", _cancel_profit, 5, "cancel"),
    trade(f"{_P}/update-profit-stop", _update_profit, 3, "exit"),
    trade(f"{_P}/cancel-all-profit-stop", _cancel_all_profits, 8, "cancel"),
    query(f"{_P}/profit-list", _profits, 2, label="message"),
    query(f"{_P}/profit-detail", _profit, 1, label="message"),
)
