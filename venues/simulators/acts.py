"""What the control API shows of a local exchange and does to it, the same for every venue.

place   {symbol, side, type: limit | market, quantity, price?, time_in_force?, post_only?, client_id?, account?,
         trigger?}                           with a trigger: a stop order
cancel  {id}, of a stop order too            both as somebody with the same account, from elsewhere
quote   {symbol, side, price, quantity}      a limit order of the crowd: trades, and what is left rests
trade   {symbol, side, quantity}             a market order of the crowd
clear   {symbol}                             takes all of the crowd's orders out of one book
quiet, resume {rate?}                        stops and starts the crowd (or the recording); a rate opens new books
fund    {currency, amount, account?}         a deposit, a negative amount takes out
notice  {text?, starts_in?, lasts?}          announces a maintenance of what `text` says, times in seconds
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from venues.errors import OrderError
from venues.model import NANOSECONDS, Instrument, OrderStatus, OrderType, Side, TimeInForce
from venues.simulators.orders import MAIN, LocalFill, LocalOrder, LocalStop, NoticeGiven, OrderWish

if TYPE_CHECKING:
    from venues.simulators.core import LocalExchange


def perform(exchange: LocalExchange, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Does one wish and returns what came of it.

    Raises:
        ValueError: it makes no sense, or the exchange refuses it; the words say why.
    """
    try:
        match wish.get("do"):
            case "place":
                return _place(exchange, wish)
            case "cancel":
                return _cancel(exchange, int(read_number(wish, "id")))
            case "quote":
                return _quote(exchange, wish)
            case "trade":
                return _trade(exchange, wish)
            case "clear":
                return _clear(exchange, wish)
            case "quiet":
                exchange.life.quiet()
            case "resume":
                exchange.life.resume(None if wish.get("rate") is None else float(read_number(wish, "rate")))
                exchange.settle()
            case "fund":
                account, amount = _account(wish), read_number(wish, "amount")
                exchange.accounts.fund(account, read_text(wish, "currency"), amount, exchange.now)
                exchange.settle()
            case "notice":
                exchange.tell(_notice(exchange, wish))
            case other:
                raise ValueError(f"there is nothing called {str(other)[:40]!r} to do")
    except OrderError as error:
        raise ValueError(error.message) from None
    return {}


def state_of(exchange: LocalExchange) -> dict[str, Any]:
    """Returns all that a test may compare: full books, every order and fill of the user, and balances."""
    ended = sorted([*exchange.records.ended.values(), *exchange.records.open.values()], key=lambda one: one.id)
    stops = sorted([*exchange.stops.ended.values(), *exchange.stops.waiting.values()], key=lambda one: one.id)
    return {
        "venue": exchange.venue,
        "now_ns": exchange.now,
        "instruments": list(exchange.instruments),
        "books": {symbol: _book(exchange, symbol) for symbol in exchange.instruments},
        "orders": [*map(order_row, ended), *map(stop_row, stops)],
        "fills": [fill_row(fill) for fill in exchange.records.fills],
        "balances": _balances(exchange, MAIN),
        "accounts": {str(number): _balances(exchange, number) for number in exchange.accounts.numbers},
        "is_quiet": exchange.life.is_quiet,
    }


def order_row(order: LocalOrder) -> dict[str, Any]:
    return {
        "id": str(order.id),
        "account": order.account,
        "client_id": order.client_id,
        "symbol": order.instrument.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "price": _shown(order.price),
        "trigger": None,
        "quantity": f"{order.quantity:f}",
        "is_quote": order.is_quote,
        "filled": f"{order.filled:f}",
        "value": f"{order.filled_value:f}",
        "fee": f"{order.fee:f}",
        "fee_currency": order.fee_currency,
        "status": order.status.value,
        "is_foreign": order.is_foreign,
        "reason": order.reason,
        "ts_ns": order.ts_event,
    }


def stop_row(stop: LocalStop) -> dict[str, Any]:
    """Returns a stop order in the form of an order; `became` is the id of what it placed."""
    wish = stop.wish
    kind = OrderType.STOP_LIMIT if wish.type is OrderType.LIMIT else OrderType.STOP
    return {
        "id": str(stop.id),
        "account": stop.account,
        "client_id": stop.client_id,
        "symbol": stop.instrument.symbol,
        "side": wish.side.value,
        "type": kind.value,
        "price": _shown(wish.price),
        "trigger": f"{stop.trigger_price:f}",
        "quantity": f"{wish.quantity:f}",
        "is_quote": wish.is_quote,
        "filled": "0",
        "status": OrderStatus.NEW.value if stop.status == "waiting" else stop.status.value,
        "became": str(stop.order_id) if stop.order_id else None,
        "is_foreign": wish.is_foreign,
        "reason": stop.reason,
        "ts_ns": stop.ts_event,
    }


def fill_row(fill: LocalFill) -> dict[str, Any]:
    return {
        "trade_id": str(fill.trade_id),
        "order_id": str(fill.order_id),
        "account": fill.account,
        "client_id": fill.client_id,
        "symbol": fill.instrument.symbol,
        "side": fill.side.value,
        "price": f"{fill.price:f}",
        "quantity": f"{fill.quantity:f}",
        "fee": f"{fill.fee:f}",
        "fee_currency": fill.fee_currency,
        "liquidity": fill.liquidity.value,
        "ts_ns": fill.ts_event,
    }


def _book(exchange: LocalExchange, symbol: str) -> dict[str, Any]:
    bids, asks = exchange.book(symbol)
    return {"bids": [list(level) for level in bids], "asks": [list(level) for level in asks]}


def _balances(exchange: LocalExchange, account: int) -> dict[str, Any]:
    return {
        balance.currency: {"available": f"{balance.available:f}", "frozen": f"{balance.locked:f}"}
        for balance in exchange.balances(account)
    }


def _shown_order(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "order": row}


def _place(exchange: LocalExchange, wish: Mapping[str, Any]) -> dict[str, Any]:
    order = _order_wish(exchange, wish)
    if wish.get("trigger") is None:
        return _shown_order(order_row(exchange.place(order)))
    return _shown_order(stop_row(exchange.place_stop(order, read_number(wish, "trigger"))))


def _cancel(exchange: LocalExchange, number: int) -> dict[str, Any]:
    if number in exchange.stops.waiting:
        return _shown_order(stop_row(exchange.cancel_stop(number)))
    return _shown_order(order_row(exchange.cancel(number)))


def _quote(exchange: LocalExchange, wish: Mapping[str, Any]) -> dict[str, Any]:
    instrument = read_instrument(exchange, wish)
    now = exchange.now
    number = exchange.paper.flow_limit(
        instrument.id, read_side(wish), read_number(wish, "price"), read_number(wish, "quantity")
    )
    exchange.settle()
    return {"rests": bool(number), "now_ns": now}


def _trade(exchange: LocalExchange, wish: Mapping[str, Any]) -> dict[str, Any]:
    instrument = read_instrument(exchange, wish)
    now = exchange.now
    filled = exchange.paper.flow_market(instrument.id, read_side(wish), read_number(wish, "quantity"))
    exchange.settle()
    return {"filled": f"{filled:f}", "now_ns": now}


def _clear(exchange: LocalExchange, wish: Mapping[str, Any]) -> dict[str, Any]:
    instrument = read_instrument(exchange, wish)
    numbers = exchange.paper.quotes(instrument.id)
    for number in numbers:
        exchange.paper.flow_cancel(number)
    exchange.settle()
    return {"removed": len(numbers)}


def _notice(exchange: LocalExchange, wish: Mapping[str, Any]) -> NoticeGiven:
    now = exchange.now
    start = now + int(read_number(wish, "starts_in", "600") * NANOSECONDS)
    end = start + int(read_number(wish, "lasts", "3600") * NANOSECONDS)
    return NoticeGiven(str(wish.get("text", "SPOT")), start, end, now)


def _order_wish(exchange: LocalExchange, wish: Mapping[str, Any]) -> OrderWish:
    return OrderWish(
        symbol=read_instrument(exchange, wish).id.symbol,
        side=read_side(wish),
        type=OrderType(wish.get("type", "limit")),
        quantity=read_number(wish, "quantity"),
        price=None if wish.get("price") is None else read_number(wish, "price"),
        time_in_force=TimeInForce(wish.get("time_in_force", "gtc")),
        post_only=bool(wish.get("post_only", False)),
        account=_account(wish),
        client_id=str(wish.get("client_id", "")),
        source="elsewhere",
        is_foreign=True,
    )


def read_instrument(exchange: LocalExchange, wish: Mapping[str, Any]) -> Instrument:
    symbol = read_text(wish, "symbol")
    if symbol not in exchange.instruments:
        raise ValueError(f"{symbol[:40]!r} is not listed; listed are {', '.join(exchange.instruments)}")
    return exchange.instruments[symbol]


def _account(wish: Mapping[str, Any]) -> int:
    return int(read_number(wish, "account", str(MAIN)))


def read_side(wish: Mapping[str, Any]) -> Side:
    return Side(read_text(wish, "side"))


def read_text(wish: Mapping[str, Any], key: str) -> str:
    value = wish.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be given, as text")
    return value


def read_number(wish: Mapping[str, Any], key: str, default: str = "") -> Decimal:
    try:
        number = Decimal(str(wish.get(key, default)))
    except InvalidOperation:
        raise ValueError(f"{key!r} must be given, as a number") from None
    if not number.is_finite():
        raise ValueError(f"{key!r} must be a number")
    return number


def read_flag(wish: Mapping[str, Any], key: str) -> bool:
    value = wish.get(key)
    if not isinstance(value, bool):
        raise ValueError(f"{key!r} must be true or false")
    return value


def _shown(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"
