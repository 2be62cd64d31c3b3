"""CoinEx's stream: the methods that need no login.

Document: "K-Line Query" to "Cancel Multi-Market Depth Subscription", "Index Price Query" to its cancelling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from venues.simulators.coinex.answers import short
from venues.simulators.coinex.asking import SUCCESS, Answer, Desk, Method, Refused, integer, names, one_of
from venues.simulators.coinex.client import NOTHING, Client
from venues.simulators.coinex.depth import INTERVALS, LIMITS, DepthTopic
from venues.simulators.coinex.figures import whole_seconds
from venues.simulators.coinex.market_pushes import DAY, make_deal
from venues.simulators.figures import figure, milliseconds

PERIODS = {
    "1min": 60, "5min": 300, "15min": 900, "30min": 1_800, "1hour": 3_600, "2hour": 7_200,
    "4hour": 14_400, "6hour": 21_600, "12hour": 43_200, "1day": 86_400, "3day": 259_200, "1week": 604_800,
}  # fmt: skip
_MOST_DEALS = 1_000
_MOST_BARS = 1_000
_LONGEST_STATE = 7 * DAY


def _ping(_desk: Desk, _client: Client, _params: Sequence[Any]) -> Answer:
    return Answer("pong")


def _time(desk: Desk, _client: Client, _params: Sequence[Any]) -> Answer:
    return Answer(whole_seconds(desk.simulator.server_time_ns()))


def _query_klines(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    """The table gives the period as text, the example and its clients as a number of seconds: both are read."""
    market = one_of(params, 0, desk.simulator.market.instruments)
    start, end = integer(params, 1), integer(params, 2)
    period = params[3] if len(params) > 3 else None
    seconds = PERIODS.get(period) if isinstance(period, str) else period
    if not isinstance(seconds, int) or seconds not in PERIODS.values() or end < start:
        raise Refused
    bars = desk.simulator.market.bars_between(market, seconds, start, end)
    return Answer(
        [
            [
                whole_seconds(bar.ts_open),
                figure(bar.open),
                figure(bar.close),
                figure(bar.high),
                figure(bar.low),
                short(bar.volume),
                short(bar.volume * (bar.open + bar.high + bar.low + bar.close) / 4),  # candles know no value
            ]
            for bar in bars[-_MOST_BARS:]
        ]
    )


def _query_state(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    market = one_of(params, 0, desk.simulator.market.instruments)
    period = integer(params, 1, DAY)
    if not 0 < period <= _LONGEST_STATE:
        raise Refused
    return Answer(desk.publisher.market.state(market, period))


def _subscribe_state(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
    client.states = names(params, desk.simulator.market.instruments)
    client.outgoing.forget("state")
    return _subscribed(desk, partial(desk.publisher.market.start_states, client))


def _query_deals(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    market = one_of(params, 0, desk.simulator.market.instruments)
    limit, last_id = integer(params, 1), integer(params, 2, 0)
    if not 0 < limit <= _MOST_DEALS:
        raise Refused
    return Answer([make_deal(trade) for trade in desk.simulator.market.trades(market, limit, last_id)])


def _subscribe_deals(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
    client.deals = names(params, desk.simulator.market.instruments)
    return _subscribed(desk, partial(desk.publisher.market.start_deals, client))


def _depth_topic(desk: Desk, params: Any) -> DepthTopic:
    if not isinstance(params, list):
        raise Refused
    market = one_of(params, 0, desk.simulator.market.instruments)
    limit, interval = integer(params, 1), one_of(params, 2, INTERVALS)
    is_diff = params[3] if len(params) > 3 else True
    if limit not in LIMITS or not isinstance(is_diff, bool):
        raise Refused
    return DepthTopic(market, limit, interval, is_diff)


def _query_depth(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    topic = _depth_topic(desk, list(params[:3]))
    return Answer(desk.publisher.market.book(*topic[:3]))


def _subscribe_depth(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
    return _replace_depth(desk, client, [_depth_topic(desk, params)])


def _subscribe_depths(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
    if not params:
        raise Refused
    return _replace_depth(desk, client, [_depth_topic(desk, each) for each in params])


def _replace_depth(desk: Desk, client: Client, topics: Sequence[DepthTopic]) -> Answer:
    """A push names its market alone, so of several topics of one market the last one holds."""
    _forget_depth(client)
    client.depth = tuple({topic.market: topic for topic in topics}.values())
    return _subscribed(desk, partial(desk.publisher.market.start_depth, client))


def _unsubscribe_depth(desk: Desk, client: Client, _params: Sequence[Any]) -> Answer:
    _forget_depth(client)
    client.depth = ()
    return _subscribed(desk)


def _forget_depth(client: Client) -> None:
    for topic in client.depth:
        client.outgoing.forget(topic)


def _query_index(desk: Desk, _client: Client, params: Sequence[Any]) -> Answer:
    market = one_of(params, 0, desk.simulator.market.instruments)
    now = desk.simulator.server_time_ns()
    price = figure(desk.simulator.market.index(market))
    return Answer({"name": market, "time": whole_seconds(now), "index": price})


def _list_indexes(desk: Desk, _client: Client, _params: Sequence[Any]) -> Answer:
    """Here the time is in milliseconds, unlike that of one index."""
    market, now = desk.simulator.market, milliseconds(desk.simulator.server_time_ns())
    return Answer({name: {"time": now, "index": figure(market.index(name))} for name in market.instruments})


def _subscribe_index(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
    markets = names(params, desk.simulator.market.instruments)
    _forget_index(client)
    client.index = markets
    return _subscribed(desk, partial(desk.publisher.market.start_index, client))


def _unsubscribe_index(desk: Desk, client: Client, _params: Sequence[Any]) -> Answer:
    _forget_index(client)
    client.index = NOTHING
    return _subscribed(desk)


def _forget_index(client: Client) -> None:
    for market in client.index:
        client.outgoing.forget(("index", market))


def _unsubscribe_state(desk: Desk, client: Client, _params: Sequence[Any]) -> Answer:
    client.states = NOTHING
    client.outgoing.forget("state")
    return _subscribed(desk)


def _unsubscribe_deals(desk: Desk, client: Client, _params: Sequence[Any]) -> Answer:
    client.deals = NOTHING
    return _subscribed(desk)


def _subscribed(desk: Desk, then: Any = None) -> Answer:
    desk.publisher.subscribed()
    return Answer(SUCCESS, then)


MARKET_METHODS: Mapping[str, Method] = {
    "server.ping": Method(_ping),
    "server.time": Method(_time),
    "kline.query": Method(_query_klines),
    "state.query": Method(_query_state),
    "state.subscribe": Method(_subscribe_state, is_subscribe=True),
    "state.unsubscribe": Method(_unsubscribe_state),
    "deals.query": Method(_query_deals),
    "deals.subscribe": Method(_subscribe_deals, is_subscribe=True),
    "deals.unsubscribe": Method(_unsubscribe_deals),
    "depth.query": Method(_query_depth),
    "depth.subscribe": Method(_subscribe_depth, is_subscribe=True),
    "depth.subscribe_multi": Method(_subscribe_depths, is_subscribe=True),
    "depth.unsubscribe": Method(_unsubscribe_depth),
    "depth.unsubscribe_multi": Method(_unsubscribe_depth),
    "index.query": Method(_query_index),
    "index.list": Method(_list_indexes),
    "index.subscribe": Method(_subscribe_index, is_subscribe=True),
    "index.unsubscribe": Method(_unsubscribe_index),
}
