"""CoinEx's stream: the login, and the methods that need it.

Document: "Authorization", "Order Query" to "Cancel Asset Subscription", "Latest Transaction Query of User",
"Temporary Maintenance Notice", "Personal Transaction Info".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from venues.model import NANOSECONDS, Balance
from venues.simulators.coinex.asking import (
    REQUIRE_AUTH,
    SUCCESS,
    Answer,
    Desk,
    Method,
    Refused,
    integer,
    names,
    one_of,
    page,
)
from venues.simulators.coinex.client import NOTHING, Client
from venues.simulators.coinex.private import (
    SIDES,
    asset_rows,
    deal_row,
    order_row,
    stop_rates,
    stop_row,
)
from venues.simulators.coinex.pushes import MAINTENANCE
from venues.simulators.figures import milliseconds
from venues.simulators.orders import MAIN

_TONCE_OFF = 60_000  # milliseconds that a tonce may lie beside the venue's clock
_TONCE_GUESSED = 1_000  # milliseconds around now that are tried where the tonce was not told
_ALL, _ALL_MARGIN = -1, -2


def _sign(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
    """The document's table asks for the tonce, its example leaves it out: then those around now are tried."""
    if not 2 <= len(params) <= 3 or not all(isinstance(each, str) for each in params[:2]):
        raise Refused
    access_id, signature = params[:2]
    now = milliseconds(desk.simulator.server_time_ns())
    if len(params) == 3:
        tonce = params[2]
        if not isinstance(tonce, int) or isinstance(tonce, bool):
            raise Refused
        tonces: Sequence[int] = (tonce,) if abs(tonce - now) <= _TONCE_OFF else ()
    else:
        tonces = sorted(range(now - _TONCE_GUESSED, now + _TONCE_GUESSED), key=lambda each: abs(each - now))
    if access_id != desk.simulator.api_key or not any(
        desk.simulator.is_signed({"access_id": access_id, "tonce": tonce}, signature) for tonce in tonces
    ):
        raise Refused(REQUIRE_AUTH)
    client.is_signed = True
    return Answer({"status": SUCCESS})


def _accounts(desk: Desk, number: Any) -> Collection[int]:
    """Reads an account: 0 spot, a market's margin account, -1 all of them, -2 all margin accounts."""
    margin = desk.simulator.margin_accounts.values()
    if number == _ALL:
        return (MAIN, *margin)
    if number == _ALL_MARGIN:
        return tuple(margin)
    if isinstance(number, bool) or number not in (MAIN, *margin):
        raise Refused
    return (number,)


def _query_orders(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    return _orders_of(desk, (MAIN,), params)


def _query_account_orders(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    return _orders_of(desk, _accounts(desk, params[0] if params else None), params[1:])


def _orders_of(desk: Desk, accounts: Collection[int], params: Sequence[Any]) -> Answer:
    """Params are market, side (0 for both), offset and limit."""
    listed = desk.simulator.market.instruments
    market = one_of(params, 0, listed)
    found = desk.simulator.market.open_orders(accounts=accounts, symbol=market, side=_side(params, 1))
    row = partial(order_row, quote=listed[market].quote)
    return _records(params, 2, [row(order) for order in found])


def _query_stops(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    return _stops_of(desk, (MAIN,), params)


def _query_account_stops(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    return _stops_of(desk, _accounts(desk, params[0] if params else None), params[1:])


def _stops_of(desk: Desk, accounts: Collection[int], params: Sequence[Any]) -> Answer:
    listed = desk.simulator.market.instruments
    market = one_of(params, 0, listed)
    found = desk.simulator.market.waiting_stops(accounts=accounts, symbol=market, side=_side(params, 1))
    return _records(params, 2, [stop_row(stop, *stop_rates(listed[market])) for stop in found])


def _records(params: Sequence[Any], index: int, rows: Sequence[Any]) -> Answer:
    offset, limit, records = page(params, index, rows)
    return Answer({"records": records, "total": len(rows), "limit": limit, "offset": offset})


def _side(params: Sequence[Any], index: int) -> Any:
    number = integer(params, index)
    if number not in (0, *SIDES):
        raise Refused
    return SIDES.get(number)


def _query_own_deals(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    """Params are account, market, side, start and end (seconds, 0 for no limit), offset and limit."""
    accounts = _accounts(desk, params[0] if params else None)
    market = one_of(params, 1, desk.simulator.market.instruments)
    side, start, end = _side(params, 2), integer(params, 3), integer(params, 4)
    found = desk.simulator.market.fills(accounts=accounts, symbol=market, side=side)
    rows = [
        deal_row(fill)
        for fill in found
        if start <= fill.ts_event // NANOSECONDS and (not end or fill.ts_event // NANOSECONDS <= end)
    ]
    return Answer(page(params, 5, rows)[2])


def _currencies(desk: Desk) -> Collection[str]:
    listed = desk.simulator.market.instruments.values()
    return dict.fromkeys(currency for one in listed for currency in (one.base, one.quote))


def _assets_of(desk: Desk, account: int, wanted: Any) -> dict[str, dict[str, str]]:
    """Returns the money of one account; an asset that it has nothing of is shown with zeros."""
    currencies = names(wanted, _currencies(desk))
    balances = desk.simulator.market.accounts.balances(account)
    held: dict[str, Balance] = {balance.currency: balance for balance in balances}
    rows = asset_rows(held[currency] for currency in _currencies(desk) if currency in currencies & held.keys())
    nothing = {currency: {"available": "0", "frozen": "0"} for currency in sorted(currencies - rows.keys())}
    return rows | nothing


def _query_assets(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    return Answer(_assets_of(desk, MAIN, params))


def _query_account_assets(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    if len(params) != 2 or not _is_one_account(params[0]):
        raise Refused
    (account,) = _accounts(desk, params[0])
    return Answer(_assets_of(desk, account, params[1]))


def _is_one_account(number: Any) -> bool:
    return isinstance(number, int) and number >= 0


def _query_all_assets(desk: Desk, _client: Client, _params: Sequence[Any]) -> Answer:
    accounts = _accounts(desk, _ALL)
    balances = desk.simulator.market.accounts.balances
    return Answer({str(account): asset_rows(balances(account)) for account in accounts})


def _subscribe(channel: str) -> Method:
    """The document lists markets; an empty list is all of them, as its clients send it."""

    def run(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
        known = _currencies(desk) if channel == "assets" else desk.simulator.market.instruments
        setattr(client, channel, names(params, known))
        return Answer(SUCCESS)

    return Method(run, is_private=True, is_subscribe=True)


def _unsubscribe(channel: str) -> Method:
    def run(_desk: Desk, client: Client, _params: Sequence[Any]) -> Answer:
        setattr(client, channel, NOTHING)
        return Answer(SUCCESS)

    return Method(run, is_private=True)


def _subscribe_notices(_desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
    if list(params) != [MAINTENANCE]:
        raise Refused
    client.notices = True
    return Answer(SUCCESS)


def _unsubscribe_notices(_desk: Desk, client: Client, _params: Sequence[Any]) -> Answer:
    client.notices = False
    return Answer(SUCCESS)


SIGN = "server.sign"
ACCOUNT_METHODS: Mapping[str, Method] = {
    SIGN: Method(_sign),
    "order.query": Method(_query_orders, is_private=True),
    "order.query_stop": Method(_query_stops, is_private=True),
    "order.account_query": Method(_query_account_orders, is_private=True),
    "order.account_query_stop": Method(_query_account_stops, is_private=True),
    "order.subscribe": _subscribe("orders"),
    "order.unsubscribe": _unsubscribe("orders"),
    "asset.query": Method(_query_assets, is_private=True),
    "asset.account_query": Method(_query_account_assets, is_private=True),
    "asset.account_query_all": Method(_query_all_assets, is_private=True),
    "asset.subscribe": _subscribe("assets"),
    "asset.unsubscribe": _unsubscribe("assets"),
    "deals.query_user": Method(_query_own_deals, is_private=True),
    "deals_own.subscribe": _subscribe("own_deals"),
    "deals_own.unsubscribe": _unsubscribe("own_deals"),
    "notice.subscribe": Method(_subscribe_notices, is_private=True, is_subscribe=True),
    "notice.unsubscribe": Method(_unsubscribe_notices, is_private=True),
}
