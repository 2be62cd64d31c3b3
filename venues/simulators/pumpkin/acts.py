"""What the control API does to Pumpkin, where that is not the same for every venue.

place     {symbol, side, type, quantity, price?, position_side?, position_id?, trigger?, leverage?, take_profit?,
           stop_loss?}                as somebody with the same key, in base units; with a trigger: a plan order
cancel    {id}                        an order, a plan order, or a take-profit and stop
fund      {currency, amount}          a transfer in, a negative amount out
mark      {symbol, price}             trades at a price, quotes the book closely around it, sets the index to it
funding   {symbol, rate}              settles a funding time of a symbol now
funding_every {seconds}               how long it is between two funding times of all symbols; 0 is 8 hours again
quota     {minute?, day?}             the weights that a key has
whitelist {symbols}                   what the key may trade; empty is all
ip        {allowed}                   whether our address is on the key's list
signing   {raw}                       whether values are signed as they are, and not encoded as they are sent
public_key {required}                 whether market data needs a signature
frames    {binary}                    whether market pushes are protobuf messages
pushes    {bare}                      whether executions are pushed without their number and their fee
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from venues.model import ZERO, Instrument, Side
from venues.simulators.acts import perform as perform_common
from venues.simulators.pumpkin.entrusts import LATEST, Plan
from venues.simulators.pumpkin.markets import COIN
from venues.simulators.pumpkin.positions import PositionSide
from venues.simulators.pumpkin.refusals import Refusal
from venues.simulators.pumpkin.state import order_row, plan_row
from venues.simulators.pumpkin.tickets import TIMES_IN_FORCE, Draft, Exit, Exits
from venues.simulators.pumpkin.wallet import TRANSFER

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_DEEP = 100_000  # contracts of a quote that `mark` leaves


def perform(venue: PumpkinSimulator, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Does one wish and returns what came of it.

    Raises:
        ValueError: it makes no sense, or the exchange refuses it; the words say why.
    """
    symbol = wish.get("symbol")
    if isinstance(symbol, str):
        wish = {**wish, "symbol": symbol.lower()}
    try:
        done = _perform(venue, wish)
    except Refusal as refusal:
        raise ValueError(refusal.msg) from None
    return perform_common(venue.market, wish) if done is None else done


def _perform(venue: PumpkinSimulator, wish: Mapping[str, Any]) -> dict[str, Any] | None:
    """Does what is Pumpkin's own; None where it is none of that."""
    match wish.get("do"):
        case "place":
            return _place(venue, wish)
        case "cancel":
            return _cancel(venue, int(_number(wish, "id")))
        case "fund":
            coin, moved = str(wish.get("currency", COIN)).lower(), _number(wish, "amount")
            if venue.wallet.purse(coin).available + moved < 0:
                raise ValueError(f"not enough {coin}")
            venue.wallet.move(TRANSFER, moved, venue.market.now, coin=coin)
            venue.market.settle()
        case "mark":
            _mark(venue, _instrument(venue, wish), _number(wish, "price"))
        case "funding":
            instrument = _instrument(venue, wish)
            mark = venue.mark(instrument.id.symbol)
            venue.positions.fund(instrument.id, _number(wish, "rate"), mark, venue.market.now)
            venue.market.settle()
        case "funding_every":
            venue.funding.set_every(_number(wish, "seconds"), venue.clock.time_ns())
        case "quota":
            for kind in venue.weights.limits:
                if wish.get(kind) is not None:
                    venue.weights.limits[kind] = int(_number(wish, kind))
        case "whitelist":
            venue.weights.allow([str(one).lower() for one in wish.get("symbols", [])])
        case "ip":
            venue.is_ip_allowed = _flag(wish, "allowed")
        case "signing":
            venue.signs_raw = _flag(wish, "raw")
        case "public_key":
            venue.requires_key = _flag(wish, "required")
        case "frames":
            venue.publisher.market.is_binary = _flag(wish, "binary")
        case "pushes":
            venue.publisher.account.is_bare = _flag(wish, "bare")
        case _:
            return None
    return {}


def _place(venue: PumpkinSimulator, wish: Mapping[str, Any]) -> dict[str, Any]:
    instrument = _instrument(venue, wish)
    symbol, side = instrument.id.symbol, Side(wish.get("side", ""))
    position_id = int(_number(wish, "position_id", "0"))
    named = venue.book.open.get(position_id)
    default = named.side.value if named else ("LONG" if side is Side.BUY else "SHORT")
    is_market = wish.get("type", "limit") == "market"
    time_in_force = str(wish.get("time_in_force", "ioc" if is_market else "gtc")).upper()
    if wish.get("post_only"):
        time_in_force = "GTX"
    if time_in_force not in TIMES_IN_FORCE:
        raise ValueError(f"there is no time in force {time_in_force}")
    quantity = _number(wish, "quantity") / instrument.contract_size
    if quantity != quantity.to_integral_value():
        raise ValueError("the quantity is no whole number of contracts")
    profit, stop = (_number(wish, name, "0") for name in ("take_profit", "stop_loss"))
    draft = Draft(
        symbol=symbol,
        side=side,
        position_side=PositionSide(str(wish.get("position_side", default)).upper()),
        is_market=is_market,
        time_in_force=time_in_force,
        contracts=int(quantity),
        price=None if is_market else _number(wish, "price"),
        position_id=position_id,
        reduce_only=bool(position_id),
        leverage=int(_number(wish, "leverage", "0")),
        client_id=str(wish.get("client_id", "")),
        exits=Exits(Exit(profit) if profit else None, Exit(stop) if stop else None),
        is_foreign=True,
    )
    if wish.get("trigger") is None:
        return _shown(venue, venue.orders.place(draft))
    trigger = _number(wish, "trigger")
    rises = trigger > venue.market.last(symbol)
    kind = ("STOP" if rises is (side is Side.BUY) else "TAKE_PROFIT") + ("_MARKET" if is_market else "")
    number = venue.entrusts.plan(Plan(0, kind, draft, trigger, LATEST, None, 0, 0, 0, is_foreign=True))
    return {"id": str(number), "order": plan_row(venue, venue.entrusts.plans[number])}


def _shown(venue: PumpkinSimulator, number: int) -> dict[str, Any]:
    return {"id": str(number), "order": order_row(venue, number)}


def _cancel(venue: PumpkinSimulator, number: int) -> dict[str, Any]:
    for known in (venue.entrusts.plans, venue.entrusts.protections):
        if number in known:
            venue.entrusts.cancel(number, known)
            return {"id": str(number)}
    venue.orders.cancel(number)
    return _shown(venue, number)


def _mark(venue: PumpkinSimulator, instrument: Instrument, price: Decimal) -> None:
    """Moves a market to a price: book, last price, index and so the mark."""
    market, tick = venue.market, instrument.tick_size
    size = _DEEP * instrument.contract_size
    if price <= tick or price % tick:
        raise ValueError(f"'price' must be a multiple of {tick:f}")
    for number in market.paper.quotes(instrument.id):
        market.paper.flow_cancel(number)
    for side, quoted in ((Side.BUY, price - tick), (Side.SELL, price + tick)):
        market.paper.flow_limit(instrument.id, side, quoted, size)
    market.paper.flow_limit(instrument.id, Side.SELL, price, instrument.lot_size)
    market.paper.flow_market(instrument.id, Side.BUY, instrument.lot_size)
    market.paper.set_index(instrument.id, price)
    market.settle()


def _instrument(venue: PumpkinSimulator, wish: Mapping[str, Any]) -> Instrument:
    symbol = str(wish.get("symbol", ""))
    if symbol not in venue.market.instruments:
        raise ValueError(f"{symbol[:40]!r} is not listed; listed are {', '.join(venue.market.instruments)}")
    return venue.market.instruments[symbol]


def _number(wish: Mapping[str, Any], key: str, default: str = "") -> Decimal:
    try:
        number = Decimal(str(wish.get(key, default)))
    except InvalidOperation:
        raise ValueError(f"{key!r} must be given, as a number") from None
    if not number.is_finite():
        raise ValueError(f"{key!r} must be a number")
    return number or ZERO


def _flag(wish: Mapping[str, Any], name: str) -> bool:
    value = wish.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"{name!r} must be true or false")
    return value
