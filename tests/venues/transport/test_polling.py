"""Polls in the place of a stream: how often, what the chip says of them, and who has the word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import AuthenticationError, ConnectionLost, RateLimited, VenueError
from venues.events import LinkState, StreamStatus
from venues.transport.polling import Polls, Standby, stretch_of
from venues.transport.ratelimit import Pool, RateLimiter, Urgency

VENUE = "somewhere"
LIVE, STALE = LinkState.LIVE, LinkState.STALE
RECONNECTING, DOWN, CONNECTING = LinkState.RECONNECTING, LinkState.DOWN, LinkState.CONNECTING


class Rig:
    """A standby and its polls, at the loop's time, and what the chip was told."""

    def __init__(self, *, has_stream: bool = False, free: Callable[[], float] = lambda: 1.0) -> None:
        self.loop = asyncio.get_running_loop()
        self.told: list[tuple[float, LinkState, str]] = []
        self.faults: list[BaseException] = []
        self.is_silent = True
        self.error: VenueError | None = None
        self.reads: list[float] = []
        self.standby = Standby(
            VENUE,
            self.show,
            has_stream=has_stream,
            stands_in=lambda: self.is_silent,
            wall=lambda: round(self.loop.time() * 1e9),
            monotonic=self.loop.time,
        )
        self.polls = Polls(self.standby, on_fault=self.faults.append, free=free)

    def show(self, status: StreamStatus) -> None:
        assert status.venue == VENUE
        self.told.append((self.loop.time(), status.state, status.detail))

    async def read(self) -> None:
        self.reads.append(self.loop.time())
        if self.error is not None:
            raise self.error

    def stream(self, state: LinkState, detail: str = "") -> None:
        self.standby.heard(StreamStatus(VENUE, state, detail))

    @property
    def states(self) -> list[LinkState]:
        told = [state for _, state, _ in self.told]
        return [state for at, state in enumerate(told) if at == 0 or told[at - 1] is not state]

    @property
    def detail(self) -> str:
        return self.told[-1][2]


@in_virtual_time
async def test_polls_alone_are_live_with_their_age() -> None:
    rig = Rig()
    rig.polls.start()
    rig.polls.begin("book", rig.read, every=1.0)
    await passes(5.1)
    assert len(rig.reads) == 6
    assert rig.states == [LIVE]
    ages = {detail for _, _, detail in rig.told}
    assert all(detail.startswith("polling, ") and detail.endswith(" s") for detail in ages)
    assert {float(detail.split()[1]) for detail in ages} - {0.0} and 4 <= len(rig.told) <= 8
    await rig.polls.aclose()
    await rig.polls.aclose()
    assert rig.faults == []


@in_virtual_time
async def test_silence_is_stale_within_two_seconds_then_lost_then_down_and_over_with_an_answer() -> None:
    rig = Rig()
    rig.polls.start()
    held = asyncio.Event()
    held.set()

    async def read() -> None:
        await held.wait()

    rig.polls.begin("book", read, every=1.0)
    await passes(3.5)
    held.clear()
    await passes(0.5)
    silent_since = 3.0  # of the last answer
    await until(lambda: rig.told[-1][1] is STALE)
    assert rig.loop.time() - silent_since <= 2.2
    assert rig.detail.startswith("polling, ")
    await until(lambda: rig.told[-1][1] is RECONNECTING)
    assert rig.loop.time() - silent_since <= 9.0
    await until(lambda: rig.told[-1][1] is DOWN)
    held.set()
    await until(lambda: rig.told[-1][1] is LIVE)
    assert rig.states == [LIVE, STALE, RECONNECTING, DOWN, LIVE]
    await rig.polls.aclose()


@in_virtual_time
async def test_what_never_answers_says_why() -> None:
    rig = Rig()
    rig.error = ConnectionLost(VENUE, "the connection was refused")
    rig.polls.start()
    rig.polls.begin("book", rig.read, every=1.0)
    await until(lambda: RECONNECTING in rig.states)
    assert rig.states == [CONNECTING, RECONNECTING]
    assert rig.detail == "polling: the connection was refused"
    # Each failure doubles the pause, up to four times.
    pauses = [b - a for a, b in zip(rig.reads, rig.reads[1:], strict=False)]
    assert pauses == pytest.approx([1.0, 2.0, 4.0][: len(pauses)], abs=0.01)
    await rig.polls.aclose()


@in_virtual_time
async def test_a_ban_is_waited_out() -> None:
    rig = Rig()
    rig.error = RateLimited(VENUE, "too many", "429", retry_after=30.0)
    rig.polls.begin("book", rig.read, every=1.0)
    await passes(29.0)
    assert len(rig.reads) == 1
    rig.error = None
    await until(lambda: len(rig.reads) > 1)
    assert rig.reads[1] == pytest.approx(30.0, abs=0.1)
    await rig.polls.aclose()


@in_virtual_time
async def test_a_stream_has_the_word_until_it_is_lost_and_from_when_it_is_back() -> None:
    rig = Rig(has_stream=True)
    rig.is_silent = False
    rig.polls.start()
    rig.polls.begin("book", rig.read, every=1.0, is_due=lambda: rig.is_silent, stands_in=lambda: rig.is_silent)
    rig.stream(LIVE)
    await passes(3.0)
    assert rig.reads == [] and rig.states == [LIVE] and rig.detail == ""
    rig.is_silent = True
    rig.stream(RECONNECTING, "the connection broke off")
    assert rig.told[-1][1:] == (RECONNECTING, "the connection broke off")  # told, however soon it is made good
    lost_at = rig.loop.time()
    rig.polls.hurry_all()
    await until(lambda: rig.told[-1][1] is LIVE)
    assert rig.loop.time() - lost_at < 0.5 and rig.detail.startswith("polling, ")
    # Attempts of the stream that fail are nobody's business meanwhile.
    rig.stream(RECONNECTING)
    rig.stream(DOWN, "the connection was refused")
    await passes(2.0)
    assert rig.told[-1][1] is LIVE
    rig.is_silent = False
    rig.stream(LIVE)
    assert rig.told[-1][1:] == (LIVE, "")
    count = len(rig.reads)
    await passes(3.0)
    assert len(rig.reads) == count
    await rig.polls.aclose()


@in_virtual_time
async def test_a_key_that_is_refused_is_told_though_the_stream_stands() -> None:
    rig = Rig(has_stream=True)
    rig.polls.start()
    rig.polls.begin("account", rig.read, every=2.0)
    rig.stream(LIVE)
    await passes(3.0)
    rig.error = ConnectionLost(VENUE, "no route")
    await passes(30.0)
    assert rig.states == [LIVE]  # the stream tells what happens: an audit that is lost is made up for
    rig.error = AuthenticationError(VENUE, "the key was not accepted")
    await until(lambda: rig.told[-1][1:] == (STALE, "the key was not accepted"))
    rig.stream(LIVE)
    assert rig.told[-1][1] is STALE
    rig.error = None
    await until(lambda: rig.told[-1][1:] == (LIVE, ""))
    assert rig.states == [LIVE, STALE, LIVE]
    await rig.polls.aclose()


@in_virtual_time
async def test_where_both_are_gone_the_streams_reason_is_shown() -> None:
    rig = Rig(has_stream=True)
    rig.polls.start()
    rig.stream(LIVE)
    rig.stream(RECONNECTING, "the connection broke off")
    rig.error = ConnectionLost(VENUE, "no route")
    rig.polls.begin("book", rig.read, every=1.0)
    await passes(3.0)
    assert rig.told[-1][1:] == (RECONNECTING, "the connection broke off")
    rig.error = None
    await until(lambda: rig.told[-1][1] is LIVE)
    rig.error = ConnectionLost(VENUE, "no route")
    rig.stream(DOWN, "the connection was refused")
    await until(lambda: rig.told[-1][1] is DOWN)
    assert rig.states == [LIVE, RECONNECTING, LIVE, STALE, DOWN]
    assert rig.detail == "the connection was refused"
    await rig.polls.aclose()


@in_virtual_time
async def test_a_stream_that_is_silent_for_long_is_stood_in_for() -> None:
    rig = Rig(has_stream=True)
    rig.is_silent = False
    rig.polls.start()
    rig.polls.begin("day", rig.read, every=2.0, stands_in=lambda: rig.is_silent)  # what no stream tells
    rig.stream(LIVE)
    rig.stream(STALE, "no data for 1.8 s")
    await passes(3.0)
    assert rig.told[-1][1:] == (STALE, "no data for 1.8 s")
    rig.is_silent = True
    await until(lambda: rig.told[-1][1] is LIVE)
    assert rig.detail.startswith("polling, ")
    await rig.polls.aclose()


@in_virtual_time
async def test_a_wish_is_read_at_once_once_and_until_it_ends() -> None:
    rig = Rig()
    for _ in range(2):
        rig.polls.begin("book", rig.read, every=1.0)
    await passes(0.5)
    assert len(rig.reads) == 1 and "book" in rig.polls
    rig.polls.hurry("book")
    await passes(0.1)
    assert len(rig.reads) == 2
    rig.polls.end("book")
    rig.polls.end("book")
    rig.polls.hurry("book")
    await passes(5.0)
    assert len(rig.reads) == 2 and "book" not in rig.polls
    rig.polls.begin("book", rig.read, every=1.0)
    await passes(0.1)
    assert len(rig.reads) == 3
    await rig.polls.aclose()


@in_virtual_time
async def test_a_fault_of_ours_is_told() -> None:
    rig = Rig()

    async def broken() -> None:
        raise ZeroDivisionError

    rig.polls.begin("book", broken, every=1.0)
    await until(lambda: rig.faults)
    assert isinstance(rig.faults[0], ZeroDivisionError)
    await rig.polls.aclose()


@pytest.mark.parametrize(("free", "stretch"), [(1.0, 1), (0.5, 1), (0.25, 4), (0.125, 6), (0.0, 12)])
def test_pauses_grow_where_the_limit_is_short(free: float, stretch: float) -> None:
    assert stretch_of(free) == pytest.approx(stretch)


@in_virtual_time
async def test_polls_leave_room_for_commands() -> None:
    """Wishes that would use up the limit and more, and a command of a thirtieth of it now and then."""
    limiter = RateLimiter(VENUE, [Pool(name="minute", units=600, period=60.0)])
    rig = Rig(free=lambda: limiter.free("minute") / 480)

    async def read() -> None:
        async with limiter.admitted((("minute", 1),), Urgency.READ, 5.0):
            rig.reads.append(rig.loop.time())

    for number in range(10):
        rig.polls.begin(number, read, every=1.0)
    refused, least = 0, 480
    for _ in range(20):
        await passes(15.0)
        least = min(least, limiter.free("minute"))
        try:
            async with limiter.admitted((("minute", 20),), Urgency.COMMAND, 0.5):
                pass
        except RateLimited:
            refused += 1
    assert refused == 0
    within = [sum(1 for at in rig.reads if start <= at < start + 60) for start in range(60, 240, 10)]
    assert max(within) < 480 and min(within) > 200
    assert least >= 20
    await rig.polls.aclose()


@in_virtual_time
async def test_whoever_leafs_through_markets_leaves_a_quarter_of_the_limit() -> None:
    free = 1.0
    rig = Rig(free=lambda: free)
    rig.polls.begin("one", rig.read, every=1.0)
    await until(lambda: len(rig.reads) == 1)
    rig.polls.end("one")
    free = 0.2
    for number in range(30):
        rig.polls.begin(number, rig.read, every=1.0)
        rig.polls.hurry(number, is_spare=True)
        await passes(0.1)
        rig.polls.end(number)
    assert len(rig.reads) == 1
    rig.polls.begin("two", rig.read, every=1.0)
    rig.polls.begin("three", rig.read, every=1.0)
    rig.polls.hurry("three")
    await passes(0.1)
    assert len(rig.reads) == 2
    await passes(stretch_of(free))
    assert len(rig.reads) == 4  # the first of the one, the second of the other
    await rig.polls.aclose()


@in_virtual_time
async def test_what_is_free_of_a_limit_is_what_others_than_cancels_may_use() -> None:
    limiter = RateLimiter(VENUE, [Pool(name="minute", units=100, period=60.0)])
    assert limiter.free("minute") == 80
    async with limiter.admitted((("minute", 30),), Urgency.READ, 0.0):
        assert limiter.free("minute") == 50
    async with limiter.admitted((("minute", 40),), Urgency.CANCEL, 0.0):
        pass
    assert limiter.free("minute") == 30  # a cancel beyond the reserve leaves less for all
    await passes(61.0)
    assert limiter.free("minute") == 80
