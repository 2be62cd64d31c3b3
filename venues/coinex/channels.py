"""Calls over CoinEx's WebSocket: subscriptions, the heartbeat, the login, and the queries that REST lacks.

A subscription replaces the one before it on the same channel, so each names all that is wanted at once; an
unsubscription drops all of it. The venue expects no protocol pings: `server.ping` is the heartbeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from venues.coinex import VENUE
from venues.coinex.auth import sign_parameters
from venues.coinex.depth import DEPTHS
from venues.coinex.endpoints import checked_market, checked_merge
from venues.errors import BadRequest
from venues.port import Credentials

MAINTENANCE = 101


class Call(msgspec.Struct, frozen=True):
    """A method and its parameters; `is_private` ones need `server.sign` first. Its repr shows no parameters."""

    method: str
    params: tuple[Any, ...] = ()
    is_private: bool = False

    def frame(self, call_id: int) -> str:
        """Returns the text frame; its answer bears the same id."""
        return msgspec.json.encode({"method": self.method, "params": self.params, "id": call_id}).decode()

    def __repr__(self) -> str:
        return f"Call({self.method!r})"


class DepthWish(msgspec.Struct, frozen=True, kw_only=True):
    """The book of one market: `limit` levels a side (5, 10, 20, 50), merged to `merge`, changes or full books."""

    market: str
    limit: int = 50
    merge: str = "0"
    is_incremental: bool = True


PING = Call("server.ping")
SERVER_TIME = Call("server.time")  # answers in seconds


def sign(credentials: Credentials, tonce: int) -> Call:
    """The login; `tonce` in milliseconds."""
    return Call("server.sign", sign_parameters(credentials, tonce))


def subscribe_depths(wishes: Sequence[DepthWish]) -> Call:
    """All books at once, which ends every other subscription of books.

    Raises:
        BadRequest: a number of levels or a merge level that the venue does not have, or a market twice.
    """
    if not wishes:
        return Call("depth.unsubscribe_multi")
    if len({wish.market for wish in wishes}) != len(wishes):
        raise BadRequest(VENUE, "one market can have one subscription of its book only")
    return Call("depth.subscribe_multi", tuple(_depth(wish) for wish in wishes))


def subscribe_depth(wish: DepthWish) -> Call:
    """One book, which ends every other subscription of books. Raises BadRequest."""
    return Call("depth.subscribe", _depth(wish))


def subscribe_deals(markets: Iterable[str]) -> Call:
    """The public trades of these markets."""
    return _markets("deals", markets)


def subscribe_states(markets: Iterable[str]) -> Call:
    """The day's summary of these markets."""
    return _markets("state", markets)


def subscribe_index() -> Call:
    """The index prices of all markets."""
    return Call("index.subscribe")


def subscribe_orders(markets: Iterable[str] = ()) -> Call:
    """Our orders and stops, of all markets where none is named."""
    return Call("order.subscribe", _checked(markets), is_private=True)


def subscribe_own_deals(markets: Iterable[str] = ()) -> Call:
    """Our executions, of all markets where none is named."""
    return Call("deals_own.subscribe", _checked(markets), is_private=True)


def subscribe_assets(currencies: Iterable[str]) -> Call:
    """Our balances in these currencies; name every one, since what none means is not documented.

    Raises:
        BadRequest: none is named.
    """
    named = _checked(currencies)
    if not named:
        raise BadRequest(VENUE, "a subscription of balances names its currencies")
    return Call("asset.subscribe", named, is_private=True)


def subscribe_notices() -> Call:
    """The announcements of temporary maintenance."""
    return Call("notice.subscribe", (MAINTENANCE,), is_private=True)


def unsubscribe(channel: str) -> Call:
    """Ends a channel: depth, depth_multi is `subscribe_depths(())`; deals, state, index, order, asset, ..."""
    return Call(f"{channel}.unsubscribe", is_private=channel in {"order", "deals_own", "asset", "notice"})


def query_depth(wish: DepthWish) -> Call:
    """The book of one market, with its checksum. Raises BadRequest."""
    return Call("depth.query", _depth(wish)[:3])


def query_bars(market: str, since: int, until: int, interval: int) -> Call:
    """The bars from `since` to `until` (seconds UTC) of `interval` seconds."""
    return Call("kline.query", (checked_market(market), since, until, interval))


def query_margin_assets(account_id: int, currencies: Iterable[str] = ()) -> Call:
    """What a margin account holds."""
    return Call("asset.account_query", (account_id, _checked(currencies)), is_private=True)


def query_every_asset() -> Call:
    """What every account holds: spot is "0", the margin accounts are named by their ids."""
    return Call("asset.account_query_all", is_private=True)


def query_orders(market: str, account_id: int = 0, offset: int = 0, limit: int = 100) -> Call:
    """The orders that rest in one market, of both sides."""
    return Call("order.account_query", (account_id, checked_market(market), 0, offset, limit), is_private=True)


def query_stops(market: str, account_id: int = 0, offset: int = 0, limit: int = 100) -> Call:
    """The stop orders that wait in one market, of both sides."""
    return Call(
        "order.account_query_stop", (account_id, checked_market(market), 0, offset, limit), is_private=True
    )


def _depth(wish: DepthWish) -> tuple[str, int, str, bool]:
    if wish.limit not in DEPTHS:
        raise BadRequest(VENUE, f"a book has 5, 10, 20 or 50 levels here, not {wish.limit}")
    return checked_market(wish.market), wish.limit, checked_merge(wish.merge), wish.is_incremental


def _markets(channel: str, markets: Iterable[str]) -> Call:
    """None is the end of it here: to the venue an empty list of a subscription would mean all markets."""
    named = _checked(markets)
    return Call(f"{channel}.subscribe", named) if named else unsubscribe(channel)


def _checked(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(checked_market(name) for name in names))
