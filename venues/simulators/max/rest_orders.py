"""Orders of MAX: submit, and cancel one, some or all.

Both are asynchronous: status 200 says that it was accepted, and the book comes to it a little later. There is no
amend. DELETE /order answers with the order where an id is given, as it was met and clients read it, and with
`{"success": true}`, as it is documented, where a client_oid is.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from venues.model import Instrument, OrderType, Side, TimeInForce
from venues.simulators.max.answers import ACCOUNTS, order_row
from venues.simulators.max.calls import Call
from venues.simulators.max.markets import ACTIVE, terms_of
from venues.simulators.max.orders import KINDS, Shown
from venues.simulators.max.params import Params, invalid
from venues.simulators.max.refusals import (
    CANCEL_FAILED,
    CREATE_FAILED,
    FORBIDDEN,
    NO_FUNDS,
    NO_ORDER,
    TOO_SMALL,
    Refusal,
)
from venues.simulators.max.wallet import M
from venues.simulators.orders import OrderWish

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

WALLETS = ("spot", "m")


def read_wallet(params: Params) -> int:
    """Reads whose orders are meant from the path: the spot wallet's or the M-wallet's."""
    return ACCOUNTS[params.one_of("wallet", WALLETS)]


def _create(venue: MaxSimulator, params: Params) -> Any:
    account, instrument = read_wallet(params), params.market()
    terms = terms_of(instrument)
    if account == M and not terms.is_on_m:
        raise Refusal(FORBIDDEN, f"{instrument.id.symbol.lower()} is not supported by M-wallet")
    wish, trigger = _wish(params, instrument, account)
    if terms.status != ACTIVE:
        raise Refusal(CREATE_FAILED, f"Failed to create order. Reason: the market is {terms.status}")
    _check_amounts(venue, wish, trigger, instrument)
    if wish.client_id and venue.orders.is_taken(wish.client_id):
        raise Refusal(CREATE_FAILED, "Failed to create order. Reason: client_oid has already been taken")
    if trigger is None:
        _check_funds(venue, wish, instrument)
    elif trigger == venue.market.last(instrument.id.symbol):
        # Some refusals of orders come with status 200.
        return Refusal(CREATE_FAILED, "Failed to create order. Reason: stop_price is the last price").short_body()
    is_late = venue.faults.on("late-booking", "submit")
    shown = venue.orders.accept(wish, trigger, is_hidden=is_late)
    book = partial(venue.orders.book, shown.id, wish, trigger)
    if is_late:
        venue.queue.put_late(book, venue.faults.number("late-booking", "submit"))
        raise Refusal(CREATE_FAILED)
    venue.queue.put(book)
    return order_row(shown)


def _wish(params: Params, instrument: Instrument, account: int) -> tuple[OrderWish, Decimal | None]:
    """Reads an order, and at what price it is triggered where it is a stop."""
    kind = params.one_of("ord_type", KINDS, "limit")
    is_market = kind in ("market", "stop_market")
    trigger = _price(params, "stop_price", instrument) if kind.startswith("stop") else None
    volume = params.amount("volume")
    if volume % instrument.lot_size:
        raise invalid("volume")
    wish = OrderWish(
        symbol=instrument.id.symbol,
        side=params.side(),
        type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=volume,
        price=None if is_market else _price(params, "price", instrument),
        time_in_force=TimeInForce.IOC if kind == "ioc_limit" else TimeInForce.GTC,
        post_only=kind == "post_only",
        account=account,
        client_id=params.client_oid(),
        source=str(params.group_id() or ""),
    )
    return wish, trigger


def _price(params: Params, name: str, instrument: Instrument) -> Decimal:
    price = params.amount(name)
    if price % instrument.tick_size:
        raise invalid(name)
    return price


def _check_amounts(venue: MaxSimulator, wish: OrderWish, trigger: Decimal | None, instrument: Instrument) -> None:
    price = wish.price or trigger or venue.market.last(wish.symbol)
    if wish.quantity < instrument.min_quantity or wish.quantity * price < instrument.min_notional:
        raise Refusal(TOO_SMALL)


def _check_funds(venue: MaxSimulator, wish: OrderWish, instrument: Instrument) -> None:
    """Refuses what can not be paid now; whether it still can when the book comes to it, is seen then."""
    need = wish.quantity
    if wish.side is Side.BUY:
        price = wish.price or venue.market.last(wish.symbol)
        need = wish.quantity * price
    currency = instrument.quote if wish.side is Side.BUY else instrument.base
    if need > venue.market.balance(wish.account, currency).available:
        raise Refusal(NO_FUNDS)


def _cancel(venue: MaxSimulator, params: Params) -> Any:
    """Accepts the cancel of an order that is open, or on its way into the book."""
    is_by_id = params.has("id")
    number = params.integer("id") if is_by_id else venue.orders.number_of(params.text("client_oid"))
    shown = venue.orders.cancellable(number)
    if shown is None:
        if venue.orders.find(number) is None:
            raise Refusal(NO_ORDER)
        raise Refusal(CANCEL_FAILED, "Failed to cancel order. Reason: it is done or cancelled already")
    venue.queue.put(partial(venue.orders.cancel, number))
    return order_row(shown) if is_by_id else {"success": True}


def _cancel_some(venue: MaxSimulator, params: Params) -> Any:
    """Cancels what is open of a market, side or group, all where none is named; an answer for each."""
    account, symbol = read_wallet(params), params.optional_market()
    side = params.side() if params.has("side") else None
    group = params.group_id()
    found = [*venue.orders.open(account, symbol), *venue.orders.accepted(account)]
    answers = []
    for shown in found:
        if _is_meant(shown, symbol, side, group):
            venue.queue.put(partial(venue.orders.cancel, shown.id))
            answers.append({"error": None, "order": order_row(shown)})
    return answers


def _is_meant(shown: Shown, symbol: str, side: Side | None, group: int | None) -> bool:
    return symbol in ("", shown.symbol) and side in (None, shown.side) and group in (None, shown.group_id)


CALLS = (
    Call("POST", "/wallet/{wallet}/order", _create, "submit"),
    Call("DELETE", "/wallet/{wallet}/orders", _cancel_some, "cancel"),
    Call("DELETE", "/order", _cancel, "cancel"),
)
