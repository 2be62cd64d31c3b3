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
from typing import TYPE_CHECKING, Any

from venues.model import Side
from venues.simulators.acts import perform as perform_common
from venues.simulators.acts import read_flag, read_instrument, read_number
from venues.simulators.perpetuals.acts import fund, move_market, settle_funding
from venues.simulators.perpetuals.positions import PositionSide
from venues.simulators.pumpkin.entrusts import LATEST, Plan
from venues.simulators.pumpkin.markets import COIN
from venues.simulators.pumpkin.refusals import Refusal
from venues.simulators.pumpkin.state import order_row, plan_row
from venues.simulators.pumpkin.tickets import TIMES_IN_FORCE, Draft, Exit, Exits

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator


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
            return _cancel(venue, int(read_number(wish, "id")))
        case "fund":
            fund(venue, str(wish.get("currency", COIN)).lower(), read_number(wish, "amount"))
        case "mark":
            move_market(venue.market, read_instrument(venue.market, wish), read_number(wish, "price"))
        case "funding":
            settle_funding(venue, read_instrument(venue.market, wish), read_number(wish, "rate"))
        case "funding_every":
            venue.funding.set_every(read_number(wish, "seconds"), venue.clock.time_ns())
        case "quota":
            for kind in venue.weights.limits:
                if wish.get(kind) is not None:
                    venue.weights.limits[kind] = int(read_number(wish, kind))
        case "whitelist":
            venue.weights.allow([str(one).lower() for one in wish.get("symbols", [])])
        case "ip":
            venue.is_ip_allowed = read_flag(wish, "allowed")
        case "signing":
            venue.signs_raw = read_flag(wish, "raw")
        case "public_key":
            venue.requires_key = read_flag(wish, "required")
        case "frames":
            venue.publisher.market.is_binary = read_flag(wish, "binary")
        case "pushes":
            venue.publisher.account.is_bare = read_flag(wish, "bare")
        case _:
            return None
    return {}


def _place(venue: PumpkinSimulator, wish: Mapping[str, Any]) -> dict[str, Any]:
    instrument = read_instrument(venue.market, wish)
    symbol, side = instrument.id.symbol, Side(wish.get("side", ""))
    position_id = int(read_number(wish, "position_id", "0"))
    named = venue.book.open.get(position_id)
    default = named.side.value if named else ("LONG" if side is Side.BUY else "SHORT")
    is_market = wish.get("type", "limit") == "market"
    time_in_force = str(wish.get("time_in_force", "ioc" if is_market else "gtc")).upper()
    if wish.get("post_only"):
        time_in_force = "GTX"
    if time_in_force not in TIMES_IN_FORCE:
        raise ValueError(f"there is no time in force {time_in_force}")
    quantity = read_number(wish, "quantity") / instrument.contract_size
    if quantity != quantity.to_integral_value():
        raise ValueError("the quantity is no whole number of contracts")
    profit, stop = (read_number(wish, name, "0") for name in ("take_profit", "stop_loss"))
    draft = Draft(
        symbol=symbol,
        side=side,
        position_side=PositionSide(str(wish.get("position_side", default)).upper()),
        is_market=is_market,
        time_in_force=time_in_force,
        contracts=int(quantity),
        price=None if is_market else read_number(wish, "price"),
        position_id=position_id,
        reduce_only=bool(position_id),
        leverage=int(read_number(wish, "leverage", "0")),
        client_id=str(wish.get("client_id", "")),
        exits=Exits(Exit(profit) if profit else None, Exit(stop) if stop else None),
        is_foreign=True,
    )
    if wish.get("trigger") is None:
        return _shown(venue, venue.orders.place(draft))
    trigger = read_number(wish, "trigger")
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
