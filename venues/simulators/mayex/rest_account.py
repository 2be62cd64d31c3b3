"""Positions, money and stream tokens of Mayex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venues.simulators.figures import milliseconds
from venues.simulators.mayex.calls import HEAVY, Call
from venues.simulators.mayex.params import Params
from venues.simulators.mayex.refusals import Refusal
from venues.simulators.mayex.rows import asset_row, position_row
from venues.simulators.mayex.tokens import Token
from venues.simulators.perpetuals.positions import MarginType

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator


def _assets(venue: MayexSimulator, _params: Params) -> dict[str, Any]:
    return asset_row(venue, venue.stale_pnl())


def _positions(venue: MayexSimulator, _params: Params) -> list[dict[str, Any]]:
    return [position_row(venue, one) for one in venue.book.of()]


def _leverage(venue: MayexSimulator, params: Params) -> dict[str, Any]:
    """Sets a leverage; the answer names no symbol, and the leverage is a number in it."""
    symbol, is_isolated, leverage = params.symbol(), params.flag("isolated"), params.integer("leverage")
    margin_type = MarginType.ISOLATED if is_isolated else MarginType.CROSSED
    venue.positions.set_leverage(symbol, margin_type, leverage)
    return {"symbol": None, "isolated": is_isolated, "leverage": leverage, "maxNotionalValue": 0}


def _margin(venue: MayexSimulator, params: Params) -> dict[str, Any]:
    symbol, side, change = params.symbol(), params.position_side(), params.number("changeAmount", 1009)
    venue.positions.adjust_margin(symbol, side, change)
    return {"symbol": symbol, "positionSide": side.value, "changeAmount": params.text("changeAmount")}


def _token(venue: MayexSimulator, token: Token) -> dict[str, Any]:
    return {"apiKey": venue.api_key, "wsToken": token.text, "expiry": milliseconds(token.until)}


def _create_token(venue: MayexSimulator, _params: Params) -> dict[str, Any]:
    return _token(venue, venue.tokens.make(venue.clock.time_ns()))


def _refresh_token(venue: MayexSimulator, _params: Params) -> dict[str, Any]:
    found = venue.tokens.refresh(venue.clock.time_ns())
    if found is None:
        raise Refusal(400, "error-code.api.ws-token.not-created")
    return _token(venue, found)


def _delete_token(venue: MayexSimulator, _params: Params) -> None:
    venue.tokens.delete()


_U, _A = "/user/v1/private", "/order/v1/private/accounts"
CALLS: tuple[Call, ...] = (
    Call("GET", f"{_U}/account/asset", _assets, "query"),
    Call("GET", f"{_U}/positions/current-positions", _positions, "query", HEAVY),
    Call("PUT", f"{_A}/adjust-leverage", _leverage, "leverage"),
    Call("PUT", f"{_A}/adjust-position-margin", _margin, "margin"),
    Call("POST", f"{_U}/token/create", _create_token, "query", is_documented=False),
    Call("POST", f"{_U}/token/refresh", _refresh_token, "query", is_documented=False),
    Call("DELETE", f"{_U}/token/delete", _delete_token, "query", is_documented=False),
)
