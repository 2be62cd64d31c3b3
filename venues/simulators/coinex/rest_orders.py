"""Orders of CoinEx: submit, modify, cancel. Document: "Trading API".

Forgetting `id` in DELETE /order/pending cancels every order of that market and account: so it is there, so it is
here. A maker-only order that would take, and a market order that meets no book, are refused with code 2: the
document has no code for them. An order that is killed at once (IOC, FOK) is answered as cancelled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.errors import OrderError
from venues.model import Instrument, OrderType, Side, TimeInForce
from venues.simulators.coinex.answers import finished_row, pending_row, submitted_row
from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.params import MOST_ROWS, Params, plain_texts
from venues.simulators.coinex.refusals import MESSAGES, Refusal, refusal_of
from venues.simulators.orders import MAIN, LocalOrder, OrderWish

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

_FARTHEST = 10  # how many times the last price a buy may bid, and what share of it a sell may ask


def read_account(venue: CoinexSimulator, params: Params, instrument: Instrument) -> int:
    """Reads which account an order of this market trades from: the main one, or the market's margin account."""
    account = params.integer("account_id", MAIN)
    if account not in (MAIN, venue.margin_accounts.get(instrument.id.symbol, MAIN)):
        raise Refusal(2, f"account_id {account} is not an account of {instrument.id.symbol}")
    return account


def limit_wish(venue: CoinexSimulator, params: Params, option: tuple[TimeInForce, bool]) -> OrderWish:
    """Reads a limit order and checks what can be checked without the book."""
    instrument = params.market()
    amount, price = params.amount("amount"), params.amount("price")
    check_amount(instrument, amount)
    check_price(instrument, price)
    return OrderWish(
        symbol=instrument.id.symbol,
        side=params.side(),
        type=OrderType.LIMIT,
        quantity=amount,
        price=price,
        time_in_force=option[0],
        post_only=option[1],
        account=read_account(venue, params, instrument),
        client_id=params.client_id(),
        source=params.text("source_id", ""),
        is_hidden=params.flag("hide"),
    )


def check_amount(instrument: Instrument, amount: Decimal) -> None:
    """Raises Refusal where an amount of the base currency is too small or has too many decimals."""
    if amount % instrument.lot_size:
        raise Refusal(2, f"amount has at most {instrument.quantity_decimals} decimals")
    if amount < instrument.min_quantity:
        raise Refusal(602)


def check_price(instrument: Instrument, price: Decimal) -> None:
    if price % instrument.tick_size:
        raise Refusal(2, f"price has at most {instrument.price_decimals} decimals")


def _check_distance(venue: CoinexSimulator, wish: OrderWish) -> None:
    last = venue.market.last(wish.symbol)
    if wish.price is None:
        return
    if wish.price > last * _FARTHEST if wish.side is Side.BUY else wish.price * _FARTHEST < last:
        raise Refusal(606)


def place(venue: CoinexSimulator, wish: OrderWish) -> LocalOrder:
    """Enters an order. Raises Refusal with the venue's code for what the exchange refuses."""
    _check_distance(venue, wish)
    try:
        return venue.market.place(wish)
    except OrderError as error:
        raise refusal_of(error) from None


def _entered(venue: CoinexSimulator, wish: OrderWish) -> dict[str, Any]:
    """Enters an order, or says that it timed out and enters it later (the fault late-booking)."""
    if venue.faults.on("late-booking", "submit"):
        venue.book_later(wish)
        raise Refusal(36)
    return submitted_row(place(venue, wish), venue.market.instruments[wish.symbol])


def _limit(venue: CoinexSimulator, params: Params) -> Any:
    return _entered(venue, limit_wish(venue, params, params.option()))


def _ioc(venue: CoinexSimulator, params: Params) -> Any:
    return _entered(venue, limit_wish(venue, params, (TimeInForce.IOC, False)))


def _limit_batch(venue: CoinexSimulator, params: Params) -> Any:
    """`batch_orders` is a text that holds JSON; each order is answered by itself."""
    instrument = params.market()
    account = read_account(venue, params, instrument)
    try:
        orders = json.loads(params.text("batch_orders"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise Refusal(2, "batch_orders is not JSON") from None
    if not isinstance(orders, list) or not 1 <= len(orders) <= MOST_ROWS:
        raise Refusal(2, f"batch_orders is a list of 1 to {MOST_ROWS} orders")
    if not all(isinstance(one, dict) for one in orders):
        raise Refusal(2, "batch_orders holds something that is no order")
    rows = [plain_texts(one) for one in orders]
    shared = {"market": instrument.id.symbol, "account_id": str(account)}

    def enter(order: dict[str, str]) -> Callable[[], dict[str, Any]]:
        wish = Params({**order, **shared}, venue.market.instruments)
        return lambda: _entered(venue, limit_wish(venue, wish, wish.option()))

    return [_item(enter(one), "data") for one in rows]


def _item(answer: Callable[[], Any], key: str, message: str = "OK") -> dict[str, Any]:
    """Returns one item of a batch's answer: its own code, data and message."""
    try:
        return {"code": 0, key: answer(), "message": message}
    except Refusal as refusal:
        return {"code": refusal.code, key: None, "message": refusal.words}


def _market(venue: CoinexSimulator, params: Params) -> Any:
    return _entered(venue, market_wish(venue, params, is_quote_by_default=params.side() is Side.BUY))


def market_wish(venue: CoinexSimulator, params: Params, *, is_quote_by_default: bool) -> OrderWish:
    """Reads a market order: `asset` says which of the market's two currencies the amount is in."""
    instrument = params.market()
    default = instrument.quote if is_quote_by_default else instrument.base
    is_quote = params.one_of("asset", (instrument.base, instrument.quote), default) == instrument.quote
    amount = params.amount("amount")
    if not is_quote:
        check_amount(instrument, amount)
    elif amount < venue.market.last(instrument.id.symbol) * instrument.min_quantity:
        raise Refusal(602)
    return OrderWish(
        symbol=instrument.id.symbol,
        side=params.side(),
        type=OrderType.MARKET,
        quantity=amount,
        is_quote=is_quote,
        account=read_account(venue, params, instrument),
        client_id=params.client_id(),
        source=params.text("source_id", ""),
    )


def _modify(venue: CoinexSimulator, params: Params) -> Any:
    """The id stays. `amount` is the order's whole amount, what is filled included."""
    instrument = params.market()
    price, amount = params.optional_amount("price"), params.optional_amount("amount")
    if price is None and amount is None:
        raise Refusal(2, "price or amount must be given")
    if amount is not None:
        check_amount(instrument, amount)
    order = _open_order(venue, params.integer("id"), instrument)
    try:
        changed = venue.market.amend(order.id, price=price, quantity=amount)
    except OrderError as error:
        raise refusal_of(error) from None
    return submitted_row(changed, instrument)


def _open_order(venue: CoinexSimulator, number: int, instrument: Instrument) -> LocalOrder:
    order = venue.market.records.open.get(number)
    if order is None or order.instrument != instrument.id:
        raise Refusal(600)
    return order


def _cancel(venue: CoinexSimulator, params: Params) -> Any:
    """With an id: that order, answered as it stood before. Without: all of the market and account."""
    instrument = params.market()
    account = read_account(venue, params, instrument)
    if not params.values.get("id"):
        for order in venue.market.open_orders(accounts=(account,), symbol=instrument.id.symbol):
            venue.market.cancel(order.id)
        return {}
    order = _open_order(venue, params.integer("id"), instrument)
    if order.account != account and params.values.get("account_id"):
        raise Refusal(600)
    venue.market.cancel(order.id)
    return pending_row(order, instrument)


def _cancel_batch(venue: CoinexSimulator, params: Params) -> Any:
    """Answers each id by itself, as live captures show it; the document's example has null, its table a list."""
    instrument = params.market()

    def cancel(number: int) -> Callable[[], dict[str, Any]]:
        def one() -> dict[str, Any]:
            order = _open_order(venue, number, instrument)
            venue.market.cancel(number)
            return pending_row(order, instrument)

        return one

    return [_item(cancel(number), "data", "") for number in params.numbers("batch_ids")]


def _cancel_by_client_id(venue: CoinexSimulator, params: Params) -> Any:
    """Cancels all that share the client id; an item has its order under `order`."""
    instrument = params.market()
    account = read_account(venue, params, instrument)
    client_id = params.text("client_id")
    found = venue.market.open_orders(accounts=(account,), symbol=instrument.id.symbol, client_id=client_id)
    for order in found:
        venue.market.cancel(order.id)
    return [{"code": 0, "order": finished_row(order, instrument), "message": ""} for order in found]


def status_item(order: LocalOrder | None, instrument: Instrument) -> dict[str, Any]:
    """Returns one item of a batch status query."""
    if order is None:
        return {"code": 600, "data": None, "message": MESSAGES[600]}
    return {"code": 0, "data": finished_row(order, instrument), "message": ""}


CALLS = (
    Call("POST", "/order/limit", _limit, "submit", is_signed=True, quota="order"),
    Call("POST", "/order/limit/batch", _limit_batch, "submit", is_signed=True, quota="order"),
    Call("POST", "/order/market", _market, "submit", is_signed=True, quota="order"),
    Call("POST", "/order/ioc", _ioc, "submit", is_signed=True, quota="order"),
    Call("POST", "/order/modify", _modify, "submit", is_signed=True, quota="order"),
    Call("DELETE", "/order/pending", _cancel, "cancel", is_signed=True, quota="cancel"),
    Call("DELETE", "/order/pending/batch", _cancel_batch, "cancel", is_signed=True, quota="cancel"),
    Call("DELETE", "/order/pending/by_client_id", _cancel_by_client_id, "cancel", is_signed=True, quota="cancel"),
)
