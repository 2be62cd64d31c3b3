"""Stop orders of CoinEx. Document: "Trading API", the stop endpoints.

Submitting one gives no id: it is to be looked for among the pending ones. It holds no money until it is triggered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venues.errors import OrderError
from venues.model import Instrument, OrderType
from venues.simulators.coinex.answers import finished_stop_row, pending_stop_row
from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.params import Params
from venues.simulators.coinex.refusals import Refusal, refusal_of
from venues.simulators.coinex.rest_orders import (
    check_amount,
    check_price,
    limit_wish,
    market_wish,
    read_account,
)
from venues.simulators.coinex.rest_queries import paged, read_accounts
from venues.simulators.orders import LocalStop, OrderWish

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator


def _enter(venue: CoinexSimulator, params: Params, wish: OrderWish) -> None:
    trigger = params.amount("stop_price")
    if venue.faults.on("late-booking", "submit"):
        venue.book_later(wish, trigger)
        raise Refusal(36)
    try:
        venue.market.place_stop(wish, trigger)
    except OrderError as error:
        raise refusal_of(error) from None


def _stop_limit(venue: CoinexSimulator, params: Params) -> Any:
    _enter(venue, params, limit_wish(venue, params, params.option()))
    return {"status": "success"}


def _stop_market(venue: CoinexSimulator, params: Params) -> Any:
    """The amount is in the base currency unless `asset` says otherwise, for buys too."""
    params.option()
    _enter(venue, params, market_wish(venue, params, is_quote_by_default=False))


def _modify(venue: CoinexSimulator, params: Params) -> Any:
    instrument = params.market()
    stop = _waiting(venue, params.integer("id"), instrument)
    price, amount = params.optional_amount("price"), params.optional_amount("amount")
    trigger = params.optional_amount("stop_price")
    if price is None and amount is None and trigger is None:
        raise Refusal(2, "price, amount or stop_price must be given")
    if amount is not None and not stop.wish.is_quote:
        check_amount(instrument, amount)
    if price is not None:
        if stop.wish.type is not OrderType.LIMIT:
            raise Refusal(2, "a market order has no price")
        check_price(instrument, price)
    try:
        venue.market.amend_stop(stop.id, price=price, quantity=amount, trigger_price=trigger)
    except OrderError as error:
        raise refusal_of(error) from None
    return {"status": "success"}


def _waiting(venue: CoinexSimulator, number: int, instrument: Instrument) -> LocalStop:
    stop = venue.market.stops.waiting.get(number)
    if stop is None or stop.instrument != instrument.id:
        raise Refusal(600)
    return stop


def _pending(venue: CoinexSimulator, params: Params) -> Any:
    rows = venue.market.waiting_stops(
        accounts=read_accounts(venue, params),
        symbol=params.optional_market(),
        side=params.optional_side(),
        client_id=params.client_id(),
    )
    rows = [stop for stop in rows if not venue.is_unseen(stop.ts_created)]
    instruments = venue.market.instruments
    return paged(
        params, rows, lambda stop: pending_stop_row(stop, instruments[stop.instrument.symbol]), has_total=True
    )


def _finished(venue: CoinexSimulator, params: Params) -> Any:
    rows = venue.market.finished_stops(accounts=read_accounts(venue, params), symbol=params.optional_market())
    return paged(params, rows, finished_stop_row)


def _cancel(venue: CoinexSimulator, params: Params) -> Any:
    """Answers with an empty object, as live captures show it; the document's example has null."""
    stop = _waiting(venue, params.integer("order_id"), params.market())
    venue.market.cancel_stop(stop.id)
    return {}


def _cancel_all(venue: CoinexSimulator, params: Params) -> None:
    instrument = params.market()
    account = read_account(venue, params, instrument)
    for stop in venue.market.waiting_stops(accounts=(account,), symbol=instrument.id.symbol):
        venue.market.cancel_stop(stop.id)


def _cancel_by_client_id(venue: CoinexSimulator, params: Params) -> Any:
    instrument = params.market()
    account = read_account(venue, params, instrument)
    found = venue.market.waiting_stops(
        accounts=(account,), symbol=instrument.id.symbol, client_id=params.text("client_id")
    )
    for stop in found:
        venue.market.cancel_stop(stop.id)
    return [
        {"code": 0, "order": {**pending_stop_row(stop, instrument), "id": stop.id}, "message": ""}
        for stop in found
    ]


CALLS = (
    Call("POST", "/order/stop/limit", _stop_limit, "submit", is_signed=True, quota="order"),
    Call("POST", "/order/stop/market", _stop_market, "submit", is_signed=True, quota="order"),
    Call("POST", "/order/stop/modify", _modify, "submit", is_signed=True, quota="order"),
    Call("GET", "/order/stop/pending", _pending, "query", is_signed=True),
    Call("GET", "/order/stop/finished", _finished, "query", is_signed=True),
    Call("DELETE", "/order/stop/pending", _cancel_all, "cancel", is_signed=True, quota="cancel"),
    Call(
        "DELETE",
        "/order/stop/pending/by_client_id",
        _cancel_by_client_id,
        "cancel",
        is_signed=True,
        quota="cancel",
    ),
    Call("DELETE", "/order/stop/pending/{order_id:int}", _cancel, "cancel", is_signed=True, quota="cancel"),
)
