"""The venue's clock, and the jumps of ours."""

from __future__ import annotations

import pytest

from venues.errors import ClockSkew
from venues.transport.clock import Jump, JumpKind, JumpWatch, ServerClock, boottime_ns

MS = 1_000_000
SECOND = 1_000 * MS


class Time:
    """Our clocks, moved by hand: the wall's and one that nobody sets."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000 * SECOND
        self.steady = 5 * SECOND

    def pass_by(self, nanoseconds: int) -> None:
        self.wall += nanoseconds
        self.steady += nanoseconds


@pytest.fixture
def time() -> Time:
    return Time()


def clock_on(time: Time, *, is_corrected: bool = False) -> ServerClock:
    return ServerClock("testing", is_corrected=is_corrected, wall=lambda: time.wall, monotonic=lambda: time.steady)


async def measure(
    clock: ServerClock, time: Time, offset: int, there: int, back: int, resolution: int = 1, set_by: int = 0
) -> bool:
    async def read() -> int:
        time.pass_by(there)
        server = time.wall + offset
        time.pass_by(back)
        time.wall += set_by
        return server // resolution * resolution

    return await clock.measure(read, resolution)


async def test_an_even_round_trip_gives_the_offset(time: Time) -> None:
    clock = clock_on(time)
    assert (clock.offset, clock.uncertainty) == (None, None)
    assert await measure(clock, time, 300 * MS, 20 * MS, 20 * MS)
    assert clock.offset == 300 * MS
    assert clock.uncertainty == 20 * MS
    assert clock.now() == time.wall + 300 * MS


@pytest.mark.parametrize(("there", "back"), [(1, 79), (79, 1), (40, 40)])
async def test_the_truth_is_always_within_the_uncertainty(time: Time, there: int, back: int) -> None:
    clock = clock_on(time)
    await measure(clock, time, -70 * MS, there * MS, back * MS)
    assert clock.offset is not None
    assert clock.uncertainty is not None
    assert abs(clock.offset + 70 * MS) <= clock.uncertainty


@pytest.mark.parametrize("late", [0, 1, 499, 980])
async def test_a_clock_of_whole_seconds(time: Time, late: int) -> None:
    clock = clock_on(time)
    time.pass_by(late * MS)
    await measure(clock, time, 0, 10 * MS, 10 * MS, resolution=SECOND)
    assert clock.offset is not None
    assert clock.uncertainty == 510 * MS
    assert abs(clock.offset) <= clock.uncertainty


async def test_the_quickest_of_the_last_eight_is_believed(time: Time) -> None:
    clock = clock_on(time)
    await measure(clock, time, 10 * MS, 1 * MS, 1 * MS)
    for _ in range(7):
        await measure(clock, time, 50 * MS, 30 * MS, 30 * MS)
    assert clock.offset == 10 * MS
    await measure(clock, time, 50 * MS, 30 * MS, 30 * MS)  # the quick one is the ninth now
    assert clock.offset == 50 * MS


async def test_an_answer_during_which_our_clock_was_set_is_dropped(time: Time) -> None:
    clock = clock_on(time)
    assert not await measure(clock, time, 0, 10 * MS, 10 * MS, set_by=SECOND)
    assert clock.offset is None


@pytest.mark.parametrize(("offset", "is_off"), [(499, False), (-499, False), (501, True), (-501, True)])
async def test_half_a_second_is_worth_a_warning(time: Time, offset: int, is_off: bool) -> None:
    clock = clock_on(time)
    await measure(clock, time, offset * MS, 0, 0)
    assert clock.is_off is is_off
    assert clock.signing_time() == time.wall


@pytest.mark.parametrize(("offset", "words"), [(5_001, "5.0 s behind"), (-5_001, "5.0 s ahead of")])
async def test_five_seconds_refuse_to_sign_unless_corrected(time: Time, offset: int, words: str) -> None:
    clock = clock_on(time)
    await measure(clock, time, offset * MS, 0, 0)
    with pytest.raises(ClockSkew, match=words):
        clock.signing_time()
    clock.is_corrected = True
    assert clock.signing_time() == time.wall + offset * MS
    clock.is_corrected = False
    clock.forget()
    assert clock.signing_time() == time.wall


def watch_on(time: Time, jumps: list[Jump]) -> JumpWatch:
    return JumpWatch(jumps.append, wall=lambda: time.wall, boottime=lambda: time.steady)


def test_time_that_goes_on_is_no_jump(time: Time) -> None:
    jumps: list[Jump] = []
    watch = watch_on(time, jumps)
    for passed in (1_000, 1_001, 2_900, 1_000):
        watch.check()
        time.pass_by(passed * MS)
        time.wall += 500_000  # a clock that is slewed, 0.5 ms a second
    assert watch.check() is None
    assert jumps == []


@pytest.mark.parametrize("by", [2_001, -2_001, 3_600_000])
def test_a_clock_that_is_set(time: Time, by: int) -> None:
    jumps: list[Jump] = []
    watch = watch_on(time, jumps)
    watch.check()
    time.pass_by(SECOND)
    time.wall += by * MS
    watch.check()
    time.pass_by(SECOND)
    watch.check()
    assert jumps == [Jump(JumpKind.SET, by * MS)]  # told once


def test_a_program_that_stood_still(time: Time) -> None:
    """Sleep and SIGSTOP: both clocks went on, and we did not."""
    jumps: list[Jump] = []
    watch = watch_on(time, jumps)
    watch.check()
    time.pass_by(8 * SECOND)
    watch.check()
    assert jumps == [Jump(JumpKind.STOPPED, 7 * SECOND)]


async def test_it_looks_at_its_interval_until_it_is_cancelled(time: Time) -> None:
    class Enough(Exception):
        pass

    jumps: list[Jump] = []
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        time.pass_by(round(seconds * SECOND) + (9 * SECOND if len(pauses) == 2 else 0))
        if len(pauses) == 4:
            raise Enough

    watch = JumpWatch(
        jumps.append, interval=0.5, wall=lambda: time.wall, boottime=lambda: time.steady, sleep=pause
    )
    with pytest.raises(Enough):
        await watch.run()
    assert pauses == [0.5] * 4
    assert jumps == [Jump(JumpKind.STOPPED, 9 * SECOND)]


def test_the_time_since_boot_goes_on() -> None:
    assert 0 < boottime_ns() <= boottime_ns()
