"""What each call draws from the venue's limits, and which may use what is kept for cancels."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

import pytest

from tests.venues.max.client_rig import place
from tests.venues.max.documented import methods
from tests.venues.max.test_calls import CALLS
from venues.errors import NotSent
from venues.max import VENUE, Client
from venues.max.client.session import make_limiter
from venues.max.limits import POOLS, PRIVATE, PUBLIC
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
        raise NotSent(VENUE, "nothing is sent here")


async def request_of(call: Any) -> Request:
    recorder = Recorder()
    with pytest.raises(NotSent):
        await call(Client(session=recorder))
    (request,) = recorder.asked
    return request


@pytest.mark.parametrize("name", CALLS)
async def test_weights_and_urgency(name: str) -> None:
    row = methods()[name]
    request = await request_of(CALLS[name][0])
    assert request.weight == (PRIVATE if row.is_signed else PUBLIC)
    assert (request.is_private, request.is_cancel) == (row.is_signed, row.verb == "DELETE")
    urgency = Urgency.CANCEL if request.is_cancel else Urgency.READ
    assert make_limiter()._checked(request.weight, urgency) == dict(request.weight)


async def test_who_has_to_prove_a_cancel_may_look_as_urgently() -> None:
    for call in (
        lambda c: c.order(order_id=1, is_urgent=True),
        lambda c: c.order_trades(order_id=1, is_urgent=True),
        lambda c: c.open_orders(is_urgent=True),
    ):
        assert (await request_of(call)).is_cancel
    assert not (await request_of(place)).is_cancel


def test_the_limits_are_the_documents() -> None:
    assert {pool.name: (pool.units, pool.period) for pool in POOLS} == {
        "public": (1_200, 60.0),
        "private": (1_200, 60.0),
    }
