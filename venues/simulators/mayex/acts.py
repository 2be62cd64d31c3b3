"""What the control API does to Mayex, where that is not the same for every venue.

place     {symbol, side, type, quantity, price?, time_in_force?, post_only?, position_side?, isolated?, trigger?,
           trigger_type?, take_profit?, stop_loss?, client_id?}
                                      as somebody with the same key; with a trigger: it waits for it
cancel    {id}                        an order that is in the book or waits
fund      {currency, amount}          a transfer in, a negative amount out
mark      {symbol, price}             trades at a price, quotes the book closely around it, sets the index to it
funding   {symbol, rate}              settles a funding time of a symbol now
funding_every {seconds}               how long it is between two funding times of all symbols; 0 is 8 hours again
leverage  {symbol, leverage, isolated?}   as somebody with the same key
margin    {symbol, position_side, amount}  the same: adds to an isolated margin, or takes off
quota     {minute}                    the units that a key has a minute
signing   {prefix?, secret?, path?}   how requests are signed: raw | base64url, url | bare
expiry    {enforced}                  whether a request whose expiry is past is refused
endpoints {products?, token?}         whether the endpoints are there that the document does not have
depth, pushes                         as in socket_acts
quote, trade, clear                   of a spot pair as well, named as in `btcusdt.spot`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from venues.model import Side
from venues.simulators.acts import perform as perform_common
from venues.simulators.acts import read_flag, read_instrument, read_number
from venues.simulators.mayex.markets import COIN, SPOT
from venues.simulators.mayex.refusals import Refusal
from venues.simulators.mayex.signing import BARE, DECODED, RAW, WHOLE
from venues.simulators.mayex.socket_acts import perform as perform_stream
from venues.simulators.mayex.state import order_state
from venues.simulators.mayex.tickets import TIMES_IN_FORCE, TRIGGER_KINDS, Draft, OrderKind, Trigger
from venues.simulators.perpetuals.acts import fund, move_market, settle_funding
from venues.simulators.perpetuals.positions import MarginType, PositionSide, position_side_of

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

_ENDPOINTS = {"products": "/user/v1/public/instrument/products", "token": "/user/v1/private/token/"}


def perform(venue: MayexSimulator, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Does one wish and returns what came of it.

    Raises:
        ValueError: it makes no sense, or the exchange refuses it; the words say why.
    """
    symbol = wish.get("symbol")
    if isinstance(symbol, str):
        wish = {**wish, "symbol": symbol.lower().removesuffix(SPOT)}
        if symbol.lower().endswith(SPOT):
            if wish.get("do") not in ("quote", "trade", "clear"):
                raise ValueError("spot pairs are market data alone")
            return perform_common(venue.spot, wish)
    try:
        done = _perform(venue, wish)
    except Refusal as refusal:
        raise ValueError(refusal.text) from None
    if done is None:
        done = perform_stream(venue, wish)
    if done is not None:
        return done
    if wish.get("do") in ("quiet", "resume"):
        perform_common(venue.spot, wish)
    return perform_common(venue.market, wish)


def _perform(venue: MayexSimulator, wish: Mapping[str, Any]) -> dict[str, Any] | None:
    """Does what is Mayex's own; None where it is none of that."""
    match wish.get("do"):
        case "place":
            return _shown(venue, venue.orders.place(_draft(venue, wish)))
        case "cancel":
            number = int(read_number(wish, "id"))
            symbol = venue.orders.symbol_of(number)
            venue.orders.cancel(symbol, number)
            return _shown(venue, number)
        case "fund":
            fund(venue, str(wish.get("currency", COIN)).upper(), read_number(wish, "amount"))
        case "mark":
            move_market(venue.market, read_instrument(venue.market, wish), read_number(wish, "price"))
        case "funding":
            settle_funding(venue, read_instrument(venue.market, wish), read_number(wish, "rate"))
        case "funding_every":
            venue.funding.set_every(read_number(wish, "seconds"), venue.clock.time_ns())
        case "leverage":
            symbol = read_instrument(venue.market, wish).id.symbol
            venue.positions.set_leverage(symbol, _margin_type(wish), int(read_number(wish, "leverage")))
            venue.market.settle()
        case "margin":
            symbol = read_instrument(venue.market, wish).id.symbol
            side = PositionSide(str(wish.get("position_side", "")).upper())
            venue.positions.adjust_margin(symbol, side, read_number(wish, "amount"))
            venue.market.settle()
        case "quota":
            venue.quota.most = int(read_number(wish, "minute"))
        case "signing":
            _sign_otherwise(venue, wish)
        case "expiry":
            venue.enforces_expiry = read_flag(wish, "enforced")
        case "endpoints":
            there = {name: read_flag(wish, name) if name in wish else True for name in _ENDPOINTS}
            venue.missing = tuple(path for name, path in _ENDPOINTS.items() if not there[name])
        case _:
            return None
    return {}


def _margin_type(wish: Mapping[str, Any]) -> MarginType:
    return MarginType.ISOLATED if wish.get("isolated", True) else MarginType.CROSSED


def _sign_otherwise(venue: MayexSimulator, wish: Mapping[str, Any]) -> None:
    rule = venue.signing
    secret, path = str(wish.get("secret", rule.secret)), str(wish.get("path", rule.path))
    if secret not in (RAW, DECODED) or path not in (WHOLE, BARE):
        raise ValueError(f"the secret is {RAW} or {DECODED}, the path {WHOLE} or {BARE}")
    venue.signing = rule._replace(prefix=str(wish.get("prefix", rule.prefix)).lower(), secret=secret, path=path)


def _draft(venue: MayexSimulator, wish: Mapping[str, Any]) -> Draft:
    instrument = read_instrument(venue.market, wish)
    side = Side(wish.get("side", ""))
    position_side = PositionSide(str(wish.get("position_side", position_side_of(side).value)).upper())
    is_market = wish.get("type", "limit") == "market"
    has_trigger = wish.get("trigger") is not None
    if not has_trigger:
        kind = OrderKind.MARKET if is_market else OrderKind.LIMIT
    else:
        kind = OrderKind.CONDITIONAL_MARKET if is_market else OrderKind.CONDITIONAL_LIMIT
    time_in_force = str(wish.get("time_in_force", "GTC")).upper()
    if wish.get("post_only"):
        time_in_force = "POST_ONLY"
    if time_in_force not in TIMES_IN_FORCE:
        raise ValueError(f"there is no time in force {time_in_force}")
    lots = read_number(wish, "quantity") / instrument.lot_size
    if lots != lots.to_integral_value():
        raise ValueError(f"the quantity is no multiple of {instrument.lot_size:f}")
    kinds = tuple(TRIGGER_KINDS)
    trigger_type = str(wish.get("trigger_type", kinds[-1]))
    if trigger_type not in kinds:
        raise ValueError(f"a trigger is one of {', '.join(kinds)}")
    found = {
        name: Trigger(trigger_type, read_number(wish, name)) if wish.get(name) is not None else None
        for name in ("trigger", "take_profit", "stop_loss")
    }
    return Draft(
        symbol=instrument.id.symbol,
        client_id=str(wish.get("client_id", "")),
        side=side,
        position_side=position_side,
        is_isolated=bool(wish.get("isolated", True)),
        kind=kind,
        time_in_force=time_in_force,
        lots=int(lots),
        price=None if is_market else read_number(wish, "price"),
        trigger=found["trigger"],
        profit=found["take_profit"],
        stop=found["stop_loss"],
        is_foreign=True,
    )


def _shown(venue: MayexSimulator, number: int) -> dict[str, Any]:
    return {"id": str(number), "order": order_state(venue.orders.shown_now(number))}
