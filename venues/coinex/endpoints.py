"""The reads of CoinEx as requests for `HttpClient.fetch`, each beside the shape of its answer.

Raises (all that take a market or an id):
    BadRequest: it is not written as the venue writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import urlencode

import msgspec

from venues.coinex import PREFIX, VENUE
from venues.coinex.depth import DEPTHS
from venues.coinex.limits import ACCOUNT, LOOKUP, MOST_A_BATCH, MOST_A_PAGE, PUBLIC
from venues.coinex.wire import (
    Envelope,
    Page,
    WireAsset,
    WireBar,
    WireBatchItem,
    WireDeal,
    WireDepth,
    WireFeeRates,
    WireMarginAccount,
    WireMarket,
    WireMarketTrading,
    WireOrder,
    WireOrderDeal,
    WireStop,
    WireTickerAt,
    WireTickers,
    WireUserDeal,
    WireUserFees,
)
from venues.errors import BadRequest
from venues.model import NANOSECONDS, Side
from venues.transport.exchange import Request
from venues.transport.ratelimit import Weight

BAR_TYPES = {
    60: "1min",
    180: "3min",
    300: "5min",
    900: "15min",
    1_800: "30min",
    3_600: "1hour",
    7_200: "2hour",
    14_400: "4hour",
    21_600: "6hour",
    43_200: "12hour",
    86_400: "1day",
    259_200: "3day",
    604_800: "1week",
}
MOST_DEALS = 1_000
MOST_BARS = 1_000

MarketList = Envelope[tuple[str, ...]]
MarketInfo = Envelope[dict[str, WireMarket]]
MarketDetail = Envelope[WireMarket]
MarketTradings = Envelope[dict[str, WireMarketTrading]]
MarginMarkets = Envelope[dict[str, int]]
Depth = Envelope[WireDepth]
Deals = Envelope[tuple[WireDeal, ...]]
Bars = Envelope[tuple[WireBar, ...]]
TickerAt = Envelope[WireTickerAt]
Tickers = Envelope[WireTickers]
Balances = Envelope[dict[str, WireAsset]]
FeeRates = Envelope[WireFeeRates]
UserFees = Envelope[WireUserFees]
MarginAccountAnswer = Envelope[WireMarginAccount]
OrderAnswer = Envelope[WireOrder]
OrderBatch = Envelope[tuple[WireBatchItem, ...]]
Orders = Envelope[Page[WireOrder]]
Stops = Envelope[Page[WireStop]]
UserDeals = Envelope[Page[WireUserDeal]]
OrderDeals = Envelope[Page[WireOrderDeal]]

_is_market = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII).fullmatch
_is_order_id = re.compile(r"[1-9][0-9]{0,18}", re.ASCII).fullmatch
_is_client_id = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII).fullmatch


def market_list() -> Request:
    return _read("list markets", "/market/list")


def market_info() -> Request:
    return _read("read markets", "/market/info")


def market_detail(market: str) -> Request:
    return _read("read market", "/market/detail", market=checked_market(market))


def market_tradings() -> Request:
    """The merge levels of every market's book."""
    return _read("read merge levels", "/order/market/trade/info")


def margin_markets() -> Request:
    """The margin account's id of every market that has one."""
    return _read("list margin markets", "/margin/market")


def market_depth(market: str, depth: int, merge: str = "0") -> Request:
    """The best levels, at least `depth` of them where the venue shows so many; `merge` is a step, "0" for none."""
    limit = next((limit for limit in DEPTHS if limit >= depth), DEPTHS[-1])
    return _read(
        "read order book", "/market/depth", market=checked_market(market), merge=checked_merge(merge), limit=limit
    )


def market_deals(market: str, limit: int, last_id: int = 0) -> Request:
    """The newest `limit` public trades, those after `last_id`."""
    shown = min(max(limit, 1), MOST_DEALS)
    return _read("read trades", "/market/deals", market=checked_market(market), last_id=last_id, limit=shown)


def market_bars(market: str, interval: int, limit: int) -> Request:
    """The newest `limit` bars of `interval` seconds, one of `BAR_TYPES`."""
    kind = BAR_TYPES.get(interval)
    if kind is None:
        raise BadRequest(VENUE, f"there are no bars of {interval} s")
    shown = min(max(limit, 1), MOST_BARS)
    return _read("read bars", "/market/kline", market=checked_market(market), type=kind, limit=shown)


def market_ticker(market: str) -> Request:
    return _read("read ticker", "/market/ticker", market=checked_market(market))


def all_tickers() -> Request:
    return _read("read tickers", "/market/ticker/all")


def balances() -> Request:
    """The spot account."""
    return _signed("read balances", "/balance/info", ACCOUNT)


def fee_rates(market: str) -> Request:
    """The account's own rates in one market."""
    return _signed(
        "read fees", "/account/market/fee", ACCOUNT, market=checked_market(market), business_type="SPOT"
    )


def user_fees() -> Request:
    """The account's own rates, by market or for all."""
    return _signed("read fees", "/order/user/trade/fee", ACCOUNT)


def margin_account(market: str) -> Request:
    return _signed("read margin account", "/margin/account", ACCOUNT, market=checked_market(market))


def order_status(market: str, order_id: str) -> Request:
    return _signed(
        "look up order", "/order/status", LOOKUP, market=checked_market(market), id=checked_order_id(order_id)
    )


def order_status_batch(market: str, order_ids: Sequence[str]) -> Request:
    """The state of up to 100 orders; each answers with its own code."""
    return _signed(
        "look up orders",
        "/order/status/batch",
        LOOKUP,
        market=checked_market(market),
        batch_ids=checked_batch(order_ids),
    )


def pending_orders(
    market: str = "", *, page: int = 1, client_id: str = "", side: Side | None = None, account_id: int = 0
) -> Request:
    """The orders that rest, of all markets where none is named."""
    return _listing("list open orders", "/order/pending", LOOKUP, market, page, client_id, side, account_id)


def pending_stops(
    market: str = "", *, page: int = 1, client_id: str = "", side: Side | None = None, account_id: int = 0
) -> Request:
    """The stop orders that wait."""
    return _listing("list stops", "/order/stop/pending", LOOKUP, market, page, client_id, side, account_id)


def finished_orders(
    market: str = "",
    *,
    since: int,
    until: int,
    page: int = 1,
    client_id: str = "",
    side: Side | None = None,
    stop_id: str = "",
    account_id: int = 0,
) -> Request:
    """The orders that ended from `since` to `until` (nanoseconds UTC); none that ended without a fill is kept."""
    more: dict[str, str | int] = {"start_time": since // NANOSECONDS, "end_time": -(-until // NANOSECONDS)}
    if stop_id:
        more["stop_order_id"] = checked_order_id(stop_id)
    return _listing(
        "list past orders", "/order/finished", ACCOUNT, market, page, client_id, side, account_id, **more
    )


def finished_stops(market: str = "", *, page: int = 1, account_id: int = 0) -> Request:
    """The stop orders that ended, by a trigger or otherwise."""
    return _listing("list past stops", "/order/stop/finished", ACCOUNT, market, page, "", None, account_id)


def user_deals(
    market: str = "", *, since: int = 0, until: int | None = None, page: int = 1, account_id: int = 0
) -> Request:
    """Our executions from `since` to `until` (nanoseconds UTC)."""
    more = {"start_time": since // NANOSECONDS} if since else {}
    if until is not None:
        more["end_time"] = -(-until // NANOSECONDS)
    return _listing("list fills", "/order/user/deals", ACCOUNT, market, page, "", None, account_id, **more)


def order_deals(order_id: str, *, page: int = 1, account_id: int = 0) -> Request:
    """The executions of one order."""
    ident = checked_order_id(order_id)
    return _listing("list fills", "/order/deals", ACCOUNT, "", page, "", None, account_id, id=ident)


def urgent(read: Request) -> Request:
    """Returns a look-up that may use what the limits keep for cancels, for those who have to prove one."""
    return msgspec.structs.replace(read, is_cancel=True)


def checked_market(market: str) -> str:
    """Returns `market`. Raises BadRequest."""
    if not _is_market(market):
        raise BadRequest(VENUE, "a market of an impossible name")
    return market


def checked_order_id(order_id: str) -> int:
    """Returns the venue's id of an order, never 0 and never nothing. Raises BadRequest."""
    if not _is_order_id(order_id):
        raise BadRequest(VENUE, "an order without an id of the venue")
    return int(order_id)


def checked_client_id(client_id: str) -> str:
    """Returns `client_id`, never empty. Raises BadRequest."""
    if not _is_client_id(client_id):
        raise BadRequest(VENUE, "a client order id takes up to 32 letters, digits, '-' and '_'")
    return client_id


def checked_batch(order_ids: Sequence[str]) -> str:
    """Returns the list of 1 to 100 ids as the venue reads it. Raises BadRequest."""
    if not 1 <= len(order_ids) <= MOST_A_BATCH:
        raise BadRequest(VENUE, f"a batch takes 1 to {MOST_A_BATCH} orders")
    return ",".join(str(checked_order_id(order_id)) for order_id in order_ids)


def checked_merge(merge: str) -> str:
    """Returns a merge level such as "0" or "0.01". Raises BadRequest."""
    if not re.fullmatch(r"0|10{0,3}|0\.0{0,19}1", merge, re.ASCII):
        raise BadRequest(VENUE, "a merge level that is none")
    return merge


def text_of(value: Decimal) -> str:
    """Returns the figure as the venue reads it: all its digits and no exponent."""
    return format(value, "f")


def _listing(
    what: str,
    path: str,
    weight: Weight,
    market: str,
    page: int,
    client_id: str,
    side: Side | None,
    account_id: int,
    **more: str | int,
) -> Request:
    if market:
        more["market"] = checked_market(market)
    if client_id:
        more["client_id"] = checked_client_id(client_id)
    if side is not None:
        more["type"] = side.value
    return _signed(what, path, weight, account_id=account_id, page=max(page, 1), limit=MOST_A_PAGE, **more)


def _read(what: str, path: str, **parameters: str | int) -> Request:
    return Request(
        what=what, method="GET", path=PREFIX + path, query=urlencode(parameters), weight=PUBLIC
    )  # fmt: skip


def _signed(what: str, path: str, weight: Weight, **parameters: str | int) -> Request:
    return Request(
        what=what, method="GET", path=PREFIX + path, query=urlencode(parameters), is_private=True, weight=weight
    )
