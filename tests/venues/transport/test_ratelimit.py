"""The limiter on the loop's own time: what leaves when, and that nothing gets lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soak.loop import VirtualLoop
from venues.errors import ConfigurationError, RateLimited
from venues.transport.ratelimit import Pool, RateLimiter, Urgency, Weight

T = TypeVar("T")

CANCEL, COMMAND, READ = Urgency.CANCEL, Urgency.COMMAND, Urgency.READ
ONE = (("ip", 1),)
TEN = Pool(name="ip", units=10, period=1.0)
LONG = 1_000.0


def on_virtual_time(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def reach(moment: float) -> None:
    """Lets the time go by."""
    loop = asyncio.get_running_loop()
    reached = loop.create_future()
    loop.call_at(moment, reached.set_result, None)
    await reached


async def call(
    limiter: RateLimiter, weight: Weight = ONE, urgency: Urgency = READ, patience: float = LONG, takes: float = 0.0
) -> float:
    """Makes a call and returns when it was admitted."""
    async with limiter.admitted(weight, urgency, patience):
        admitted_at = now()
        if takes:
            await reach(admitted_at + takes)
    return admitted_at


async def wait_error(limiter: RateLimiter, weight: Weight, urgency: Urgency, patience: float = 0.0) -> float:
    """Returns the `retry_after` of a call that is refused."""
    with pytest.raises(RateLimited) as caught:
        await call(limiter, weight, urgency, patience)
    assert caught.value.retry_after is not None
    return caught.value.retry_after


def start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.get_running_loop().create_task(work)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_pool_is_used_in_one_burst_and_again_a_period_later() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        moments = await asyncio.gather(*(call(limiter) for _ in range(20)))
        assert moments == [0.0] * 8 + [1.0] * 8 + [2.0] * 4

    on_virtual_time(work)


def test_a_fifth_is_for_cancels_only_and_they_may_use_all() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        for _ in range(8):
            await call(limiter, patience=0)
        assert await wait_error(limiter, ONE, READ) == 1.0
        assert await wait_error(limiter, ONE, COMMAND) == 1.0
        for _ in range(2):
            assert await call(limiter, urgency=CANCEL, patience=0) == 0.0
        assert await wait_error(limiter, ONE, CANCEL) == 1.0
        await reach(1.0)
        for _ in range(10):
            assert await call(limiter, urgency=CANCEL, patience=0) == 1.0

    on_virtual_time(work)


@pytest.mark.parametrize(("units", "others"), [(2, 1), (4, 3), (5, 4), (9, 7), (10, 8), (1200, 960)])
def test_the_reserve_is_never_less_than_a_fifth(units: int, others: int) -> None:
    assert Pool(name="ip", units=units).unreserved == others
    assert Pool(name="ip", units=units, has_reserve=False).unreserved == units


def test_neither_cancels_nor_orders_starve_behind_a_thousand_reads() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        reads = [start(call(limiter)) for _ in range(1_000)]
        await settle()
        assert await call(limiter, urgency=CANCEL, patience=0) == 0.0
        await reach(0.9)
        assert await call(limiter, urgency=CANCEL, patience=0) == 0.9
        order = start(call(limiter, urgency=COMMAND, patience=0.5))
        third = start(call(limiter, urgency=CANCEL, patience=0.5))
        assert await third == 1.0
        assert await order == 1.0
        done = await asyncio.gather(*reads)
        assert done == sorted(done)
        assert max(done) == pytest.approx(125.0)  # with the order 1,001 at 8 a second

    on_virtual_time(work)


def test_an_order_that_would_leave_too_late_is_refused_at_once() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        await call(limiter, (("ip", 8),))
        await reach(0.2)
        assert await wait_error(limiter, ONE, COMMAND, patience=0.5) == pytest.approx(0.8)
        assert now() == 0.2
        await reach(0.6)
        assert await call(limiter, urgency=COMMAND, patience=0.5) == 1.0

    on_virtual_time(work)


def test_who_waits_longer_than_expected_is_refused_when_the_patience_ends() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        await call(limiter, (("ip", 8),))
        first = start(call(limiter, (("ip", 8),), COMMAND, patience=2.0))
        second = start(call(limiter, (("ip", 8),), COMMAND, patience=1.5))
        assert await first == 1.0
        with pytest.raises(RateLimited, match=r"0\.5 s more"):
            await second
        assert now() == 1.5
        assert await call(limiter, (("ip", 8),)) == 2.0

    on_virtual_time(work)


def test_units_count_until_a_period_after_the_call_ended() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        slow = start(call(limiter, (("ip", 8),), takes=5.0))
        await settle()
        assert await call(limiter) == 6.0
        assert await slow == 0.0

    on_virtual_time(work)


def test_a_call_draws_from_all_its_pools_or_from_none() -> None:
    async def work() -> None:
        account = Pool(name="account", units=5, period=10.0)
        limiter = RateLimiter("test", [TEN, account])
        both = (("ip", 4), ("account", 4))
        await call(limiter, both)
        assert await wait_error(limiter, both, COMMAND, patience=0.5) == 10.0
        await call(limiter, (("ip", 4),), patience=0)  # nothing of it was taken by the one that was refused
        await reach(1.0)
        waiting = start(call(limiter, (("account", 1),)))
        await settle()
        # Who waits for one pool does not hold up those that only want another.
        assert await call(limiter, (("ip", 8),), patience=0) == 1.0
        assert await waiting == 10.0

    on_virtual_time(work)


def test_who_gives_up_leaves_nothing_behind() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        await call(limiter, (("ip", 8),))
        waiting = [start(call(limiter, (("ip", 8),))) for _ in range(3)]
        await settle()
        for task in waiting:
            task.cancel()
        assert await call(limiter, (("ip", 8),)) == 1.0
        assert all(task.cancelled() for task in waiting)

    on_virtual_time(work)


def test_a_small_call_does_not_overtake_a_large_one_until_that_gives_up() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN, Pool(name="account", units=5)])
        await call(limiter, (("ip", 3),))
        large = start(call(limiter, (("ip", 8),)))
        small = start(call(limiter))
        await reach(0.5)
        assert not small.done()
        large.cancel()
        assert await small == 0.5

    on_virtual_time(work)


@pytest.mark.parametrize("moment", [1.0 - 1e-10, 1.0])
def test_who_is_cancelled_in_the_moment_of_admission_leaves_nothing_behind(moment: float) -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        await call(limiter, (("ip", 8),))
        lucky = start(call(limiter, (("ip", 8),)))
        await settle()
        # In one turn of the loop it is admitted by the limiter's alarm and cancelled, in this order or the other.
        asyncio.get_running_loop().call_at(moment, lucky.cancel)
        await reach(1.0)
        await settle()
        assert lucky.cancelled()
        assert await call(limiter, (("ip", 8),), patience=0) == 1.0

    on_virtual_time(work)


def test_an_error_in_the_call_gives_its_units_back_in_time() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        with pytest.raises(OSError, match="broken"):
            async with limiter.admitted((("ip", 8),), READ, 0):
                raise OSError("broken")
        assert await call(limiter, (("ip", 8),)) == 1.0

    on_virtual_time(work)


def test_a_ban_stops_everything_cancels_too_until_it_is_over() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        await call(limiter, (("ip", 8),))
        waiting = start(call(limiter))
        await settle()
        limiter.stop(30)
        limiter.stop(5)  # a shorter one does not end the longer
        with pytest.raises(RateLimited, match=r"silent for 30\.0 s"):
            await waiting
        for urgency in Urgency:
            assert await wait_error(limiter, ONE, urgency, patience=LONG) == 30.0
        assert await wait_error(limiter, (), CANCEL) == 30.0
        await reach(29.5)
        assert await wait_error(limiter, ONE, CANCEL) == 0.5
        await reach(30.0)
        assert await call(limiter, urgency=CANCEL, patience=0) == 30.0

    on_virtual_time(work)


def test_what_no_waiting_can_help_is_said_at_once() -> None:
    async def work() -> None:
        limiter = RateLimiter("test", [TEN])
        for weight, urgency in (
            ((("ip", 9),), READ),
            ((("ip", 11),), CANCEL),
            ((("ip", 5), ("ip", 4)), COMMAND),
            ((("accounts", 1),), READ),
            ((("ip", -1),), READ),
        ):
            with pytest.raises(ConfigurationError):
                await call(limiter, weight, urgency)
        await call(limiter, (("ip", 5), ("ip", 3)), COMMAND, patience=0)

    on_virtual_time(work)
    for pool in (
        Pool(name="ip", units=1),
        Pool(name="ip", units=0, has_reserve=False),
        Pool(name="ip", units=9, period=0),
    ):
        with pytest.raises(ConfigurationError):
            RateLimiter("test", [pool])


class Plan(msgspec.Struct, frozen=True):
    """One call of a random sequence; in seconds."""

    starts: float
    weight: Weight
    urgency: Urgency
    patience: float
    takes: float
    reaches: float  # the fraction of `takes` after which the venue sees it
    cancelled_after: float | None


def tenths(most: int) -> st.SearchStrategy[float]:
    return st.integers(0, most).map(lambda count: count / 10)


plans = st.lists(
    st.builds(
        Plan,
        tenths(60),
        st.sampled_from(
            [ONE, (("ip", 3),), (("account", 2),), (("ip", 1), ("account", 1)), (("ip", 5), ("account", 2))]
        ),
        st.sampled_from(Urgency),
        tenths(40),
        tenths(15),
        st.sampled_from([0.0, 0.5, 1.0]),
        st.none() | tenths(30),
    ),
    min_size=1,
    max_size=60,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(plans, st.integers(7, 12), st.integers(3, 5), st.sampled_from([0.5, 1.0, 2.5]))
def test_no_period_ever_sees_more_than_the_limit(made: list[Plan], ip: int, account: int, period: float) -> None:
    pools = (Pool(name="ip", units=ip, period=1.0), Pool(name="account", units=account, period=period))
    arrivals: list[tuple[float, Plan]] = []

    async def perform(limiter: RateLimiter, plan: Plan) -> None:
        await reach(plan.starts)
        try:
            async with limiter.admitted(plan.weight, plan.urgency, plan.patience):
                assert now() - plan.starts <= plan.patience + 1e-6
                if plan.reaches:
                    await reach(now() + plan.takes * plan.reaches)
                arrivals.append((now(), plan))
                await reach(now() + plan.takes * (1 - plan.reaches))
        except RateLimited as error:
            assert error.retry_after is not None
            assert error.retry_after >= 0
            assert now() - plan.starts <= plan.patience + 1e-6

    async def work() -> None:
        limiter = RateLimiter("test", pools)
        loop = asyncio.get_running_loop()
        tasks = [start(perform(limiter, plan)) for plan in made]
        for plan, task in zip(made, tasks, strict=True):
            if plan.cancelled_after is not None:
                loop.call_at(plan.starts + plan.cancelled_after, task.cancel)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
        await reach(now() + 2.51)
        # All of it is back, each share of it.
        await call(limiter, tuple((pool.name, pool.unreserved) for pool in pools), READ, patience=0)
        await call(limiter, tuple((pool.name, pool.units - pool.unreserved) for pool in pools), CANCEL, patience=0)

    on_virtual_time(work)
    for pool in pools:
        for began, _ in arrivals:
            seen = [
                (units, plan.urgency)
                for at, plan in arrivals
                for name, units in plan.weight
                if name == pool.name and began <= at < began + pool.period - 1e-6
            ]
            assert sum(units for units, _ in seen) <= pool.units
            assert sum(units for units, urgency in seen if urgency is not CANCEL) <= pool.units * 0.8
