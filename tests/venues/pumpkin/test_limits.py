"""What each call draws from the key's quotas, and which may use what is kept for cancels."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

import pytest

from tests.venues.pumpkin.client_rig import client_at, new_order
from tests.venues.pumpkin.documented import methods
from tests.venues.pumpkin.test_calls import CALLS, ID
from venues.errors import BadRequest, ConfigurationError, NotSent
from venues.pumpkin import VENUE, Client
from venues.pumpkin.client import make_limiter
from venues.pumpkin.limits import HEAVIEST, WEIGHTS, pools, weight_of
from venues.pumpkin.readings import Readings
from venues.pumpkin.requests import NewProfitStop
from venues.transport.exchange import Dispatch, Judge, Request
from venues.transport.ratelimit import Urgency

T = TypeVar("T")


class Recorder:
    """A session that sends nothing and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def fetch(self, request: Request, into: type[T], *, judge: Judge | None = None) -> T:
        self._refuse(request)

    async def command(
        self, request: Request, into: type[T], *, refusals: Judge, dispatch: Dispatch | None = None
    ) -> T:
        self._refuse(request)

    async def aclose(self) -> None:
        self.asked.clear()

    def _refuse(self, request: Request) -> NoReturn:
        self.asked.append(request)
        raise BadRequest(VENUE, "nothing is sent here")


async def request_of(call: Any, readings: Readings | None = None) -> Request:
    recorder = Recorder()
    with pytest.raises(BadRequest, match="nothing is sent here"):
        await call(Client(session=recorder, readings=readings))
    (request,) = recorder.asked
    return request


def is_cancel(name: str) -> bool:
    return name.startswith("cancel") or name == "close_all_positions"


@pytest.mark.parametrize("name", CALLS)
async def test_weights_and_urgency(name: str) -> None:
    row = methods()[name]
    request = await request_of(CALLS[name][0])
    assert request.weight == (("minute", row.weight),)
    assert request.is_cancel is is_cancel(name)
    assert request.is_private
    urgency = Urgency.CANCEL if request.is_cancel else Urgency.READ
    assert make_limiter()._checked(request.weight, urgency) == dict(request.weight)


async def test_a_quota_of_the_day_is_drawn_from_where_it_is_known() -> None:
    readings = Readings(minute_quota=1_200, day_quota=100_000)
    assert [(pool.name, pool.units, pool.period) for pool in pools(readings)] == [
        ("minute", 1_200, 60.0), ("day", 100_000, 86_400.0),
    ]  # fmt: skip
    request = await request_of(CALLS["create_order"][0], readings)
    assert request.weight == (("minute", 20), ("day", 20))
    assert [(pool.name, pool.units) for pool in pools(Readings())] == [("minute", 600)]


async def test_who_closes_or_has_to_prove_a_cancel_may_be_as_urgent() -> None:
    closing = new_order(order_side="SELL", reduce_only=True, position_id=ID)
    exits = NewProfitStop(symbol="btc_usdt", orig_qty=0, position_id=ID, trigger_stop_price=44_000)
    for call in (
        lambda c: c.create_order(closing, is_urgent=True),
        lambda c: c.create_profit_stop(exits, is_urgent=True),
        lambda c: c.change_margin("btc_usdt", "LONG", ID, 5, "ADD", is_urgent=True),
        lambda c: c.order(ID, is_urgent=True),
        lambda c: c.orders_by_ids([ID], is_urgent=True),
        lambda c: c.open_orders("btc_usdt", "BUY", is_urgent=True),
        lambda c: c.open_orders_of(["btc_usdt"], is_urgent=True),
        lambda c: c.positions(is_urgent=True),
        lambda c: c.balances(is_urgent=True),
        lambda c: c.plans(is_urgent=True),
        lambda c: c.plan(ID, is_urgent=True),
        lambda c: c.profit_stops(is_urgent=True),
        lambda c: c.profit_stop(ID, is_urgent=True),
    ):
        assert (await request_of(call)).is_cancel
    taking = await request_of(lambda c: c.change_margin("btc_usdt", "LONG", ID, 5, "SUB", is_urgent=True))
    assert not taking.is_cancel
    recorder = Recorder()
    with pytest.raises(BadRequest, match="only what closes"):
        await Client(session=recorder).create_order(new_order(), is_urgent=True)
    assert recorder.asked == []


def test_a_call_that_nobody_listed_weighs_the_most() -> None:
    assert HEAVIEST == max(row.weight for row in methods().values()) == 20
    assert weight_of("/v2/unheard/of", Readings()) == (("minute", 20),)
    private = {row.path: row.weight for row in methods().values() if not row.is_public}
    assert dict(WEIGHTS) == private


async def test_the_quota_is_kept_on_this_side_and_a_fifth_of_it_for_cancels() -> None:
    async with client_at(readings=Readings(minute_quota=50)) as (client, venue):
        venue.data("1")
        for _ in range(2):
            await client.create_order(new_order())
        with pytest.raises(NotSent, match="limit is used up"):  # 40 of 50 are drawn, 10 are kept
            await client.create_order(new_order())
        venue.answers.clear()
        venue.data(None)
        for _ in range(2):
            await client.cancel_order(1)
        assert [call.path.rpartition("/")[2] for call in venue.calls] == ["create"] * 2 + ["cancel"] * 2


def test_a_quota_that_holds_nothing_is_no_quota() -> None:
    with pytest.raises(ConfigurationError):
        make_limiter(Readings(minute_quota=1))
