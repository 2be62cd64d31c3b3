"""The examples of CoinEx's document, as data, and the type that each of them has.

`tests/data/coinex/*.jsonl` holds an example a line: {name, kind, message}. What was no JSON there (comments,
commas too many, "...") was taken away; blanks inside keys and texts were left.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from tests.venues.documented import Example, read_lines
from venues.coinex import endpoints, messages, orders, wire


@functools.cache
def examples(file: str) -> tuple[Example, ...]:
    return read_lines("coinex", f"{file}.jsonl", Example)


def rest(name: str, *, number: int = 0) -> Example:
    """Returns the answer of an endpoint such as "GET /market/list"."""
    return [each for each in examples("rest") if each.name == name and each.kind == "answer"][number]


def stream(name: str, kind: str = "push") -> Example:
    """Returns a push, answer or request of a method such as "depth.update"."""
    return next(each for each in examples("stream") if each.name == name and each.kind == kind)


def answer(name: str, into: Any, *, number: int = 0) -> Any:
    """Returns the data of an endpoint's documented answer."""
    return msgspec.json.decode(rest(name, number=number).raw, type=into).data


# What else the document shows is no business of a desk: it is held to the envelope alone.
ANSWERS: dict[str, Any] = {
    "GET /market/list": endpoints.MarketList,
    "GET /market/info": endpoints.MarketInfo,
    "GET /market/detail": endpoints.MarketDetail,
    "GET /market/depth": endpoints.Depth,
    "GET /market/deals": endpoints.Deals,
    "GET /market/kline": endpoints.Bars,
    "GET /market/ticker": endpoints.TickerAt,
    "GET /market/ticker/all": endpoints.Tickers,
    "GET /margin/market": endpoints.MarginMarkets,
    "GET /balance/info": endpoints.Balances,
    "GET /margin/account": endpoints.MarginAccountAnswer,
    "GET /account/market/fee": endpoints.FeeRates,
    "POST /order/limit": orders.Submitted,
    "POST /order/limit/batch": orders.SubmittedBatch,
    "POST /order/market": orders.Submitted,
    "POST /order/ioc": orders.Submitted,
    "POST /order/stop/limit": orders.StopSubmitted,
    "POST /order/stop/market": orders.StopSubmitted,
    "GET /order/status": endpoints.OrderAnswer,
    "GET /order/status/batch": endpoints.OrderBatch,
    "GET /order/deals": endpoints.OrderDeals,
    "GET /order/stop/finished": endpoints.Stops,
    "GET /order/pending": endpoints.Orders,
    "GET /order/finished": endpoints.Orders,
    "GET /order/stop/pending": endpoints.Stops,
    "GET /order/user/deals": endpoints.UserDeals,
    "DELETE /order/pending": orders.Canceled,
    "DELETE /order/pending/batch": orders.Done,
    "DELETE /order/stop/pending/<int:order_id>": orders.Done,
    "DELETE /order/stop/pending": orders.Done,
    "GET /order/user/trade/fee": endpoints.UserFees,
    "GET /order/market/trade/info": endpoints.MarketTradings,
    "POST /order/modify": orders.Modified,
    "POST /order/stop/modify": orders.StopModified,
    "DELETE /order/pending/by_client_id": orders.CanceledByClientId,
    "DELETE /order/stop/pending/by_client_id": orders.StopsCanceledByClientId,
}
CANCELS_ALL = "DELETE /order/pending"  # the second of its two answers is that of the call without an id

RESULTS: dict[str, Any] = {
    "server.sign": messages.StreamStatusWord,
    "server.ping": str,
    "server.time": int,
    "kline.query": tuple[wire.WireBar, ...],
    "state.query": messages.StreamState,
    "deals.query": tuple[messages.StreamDeal, ...],
    "deals.query_user": tuple[messages.StreamDeal, ...],
    "depth.query": wire.WireDepth,
    "order.query": messages.StreamRecords,
    "order.account_query": messages.StreamRecords,
    "order.query_stop": messages.StreamStopRecords,
    "order.account_query_stop": messages.StreamStopRecords,
    "asset.query": dict[str, wire.WireAsset],
    "asset.account_query": dict[str, wire.WireAsset],
    "asset.account_query_all": dict[str, dict[str, wire.WireAsset]],
    "index.query": messages.StreamIndex,
    "index.list": dict[str, messages.StreamIndex],
}


def answer_type(example: Example, *, is_second: bool = False) -> Any:
    return orders.Done if is_second else ANSWERS.get(example.name, wire.Envelope[object])


def result_type(name: str) -> Any:
    return RESULTS.get(name, str)
