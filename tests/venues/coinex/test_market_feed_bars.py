"""Candles without a stream of them: read, followed by the trades, and read again once they have ended."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.venues.coinex.scripted_coinex import BAR_TIME, TIME_MS, deal, push
from tests.venues.coinex.venue_rig import BTC, VenueRig, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.events import BarUpdate, Trade
from venues.model import Bar

BARS = Subscription(Channel.BARS, BTC, 60)
NEXT = BAR_TIME + 60


def shown(rig: VenueRig) -> dict[int, Bar]:
    """Returns what a chart shows: the newest state of each bar, by its start in seconds."""
    return {update.bar.ts_open // 10**9: update.bar for update in rig.of(BarUpdate)}


def figures(bar: Bar) -> tuple[str, ...]:
    return tuple(str(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume))


def at(second: float, number: int, price: str, amount: str = "1") -> dict[str, Any]:
    return deal(number, price, amount, time=second)


def say(rig: VenueRig, *deals: dict[str, Any]) -> None:
    rig.stream.push(push("deals.update", "BTCUSDT", deals))


@in_virtual_time
async def test_a_bar_is_read_and_then_follows_the_trades() -> None:
    async with connected() as rig:
        rig.stream.old_deals["BTCUSDT"] = [deal(n) for n in range(1, 50)]  # the read has them already
        await rig.venue.subscribe(BARS)
        await until(lambda: shown(rig))
        assert figures(shown(rig)[BAR_TIME]) == ("100.00", "103.00", "99.00", "101.00", "7.5")
        say(rig, at(BAR_TIME + 30, 51, "98.00"), at(BAR_TIME + 29, 50, "104.00"))
        await until(lambda: len(rig.of(BarUpdate)) == 2)
        assert figures(shown(rig)[BAR_TIME]) == ("100.00", "104.00", "98.00", "98.00", "9.5")
        say(rig, at(BAR_TIME + 30, 51, "98.00"))
        await passes(1)
        assert len(rig.of(BarUpdate)) == 2
        say(rig, at(BAR_TIME + 31, 53, "98.50"))
        say(rig, at(BAR_TIME + 30.5, 52, "97.00"))  # late: it was not the last one
        await until(lambda: figures(shown(rig)[BAR_TIME]) == ("100.00", "104.00", "97.00", "98.50", "11.5"))
        assert rig.of(Trade) == []  # the tape was not asked for
        assert rig.stream.asked("deals.subscribe") == [["BTCUSDT"]]
        assert [query["limit"] for query in rig.rest.asked("/market/kline")] == ["3"]


@in_virtual_time
async def test_a_bar_that_has_ended_is_read_again() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BARS)
        await until(lambda: shown(rig))
        say(rig, at(BAR_TIME + 59.9, 60, "105.00"), at(NEXT + 0.1, 61, "106.00", "0.25"))
        await until(lambda: NEXT in shown(rig))
        assert figures(shown(rig)[BAR_TIME]) == ("100.00", "105.00", "99.00", "105.00", "8.5")
        assert figures(shown(rig)[NEXT]) == ("106.00", "106.00", "106.00", "106.00", "0.25")
        rig.rest.bars = [
            [BAR_TIME, "100.00", "105.00", "107.00", "99.00", "8.75", "0"],
            [NEXT, "105.50", "106.00", "106.00", "105.50", "0.5", "0"],
        ]
        await until(lambda: len(rig.rest.asked("/market/kline")) == 2)
        await until(lambda: figures(shown(rig)[NEXT]) == ("105.50", "106.00", "105.50", "106.00", "0.5"))
        assert NEXT * 10**9 < rig.wall() < (NEXT + 2) * 10**9  # its clock is known to half a second
        assert figures(shown(rig)[BAR_TIME]) == ("100.00", "107.00", "99.00", "105.00", "8.75")
        say(rig, at(BAR_TIME + 59.99, 62, "200.00"))  # it is too late for a bar that was read
        rig.rest.bars[0] = [BAR_TIME, "100.00", "105.00", "107.00", "99.00", "9", "0"]
        await until(lambda: figures(shown(rig)[BAR_TIME])[-1] == "9", 7)
        assert len(rig.rest.asked("/market/kline")) == 3
        assert figures(shown(rig)[BAR_TIME])[1] == "107.00"
        assert figures(shown(rig)[NEXT])[1] == "106.00"


@in_virtual_time
async def test_a_bar_is_read_at_each_end_though_nobody_trades() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BARS)
        await passes(185)
        # The first was planned by a clock that was known to half a second.
        assert len(rig.rest.asked("/market/kline")) in (1 + 2 * 3, 2 + 2 * 3)
        assert len(rig.of(BarUpdate)) == 1


@in_virtual_time
async def test_a_bar_is_read_again_after_a_lost_connection() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BARS)
        await until(lambda: shown(rig))
        rig.rest.bars = [[BAR_TIME, "100.00", "90.00", "110.00", "80.00", "20", "0"]]
        rig.stream.old_deals["BTCUSDT"] = [at(BAR_TIME + 21, 70, "90.00")]
        rig.stream.peer.reset()
        await until(lambda: figures(shown(rig)[BAR_TIME]) == ("100.00", "110.00", "80.00", "90.00", "20"))


@in_virtual_time
async def test_a_read_that_lags_takes_nothing_from_a_forming_bar() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BARS)
        await until(lambda: shown(rig))
        say(rig, at(BAR_TIME + 25, 80, "120.00", "5"))
        await until(lambda: figures(shown(rig)[BAR_TIME])[-1] == "12.5")
        rig.stream.peer.reset()  # what is read then does not hold the trade yet
        await until(lambda: len(rig.rest.asked("/market/kline")) == 2)
        await passes(1)
        assert figures(shown(rig)[BAR_TIME]) == ("100.00", "120.00", "99.00", "120.00", "12.5")


@in_virtual_time
async def test_what_is_read_of_a_bar_that_has_ended_is_the_truth() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BARS)
        await until(lambda: shown(rig))
        say(rig, at(BAR_TIME + 19, 80, "120.00", "5"))
        await until(lambda: figures(shown(rig)[BAR_TIME])[-1] == "12.5")
        rig.rest.bars = [[BAR_TIME, "100.00", "101.00", "103.00", "99.00", "8", "0"]]
        await until(lambda: figures(shown(rig)[BAR_TIME]) == ("100.00", "103.00", "99.00", "101.00", "8"))
        assert rig.wall() >= NEXT * 10**9


@in_virtual_time
async def test_a_failed_read_is_tried_again() -> None:
    async with connected() as rig:
        rig.rest.refusals["/v1/market/kline"] = 2
        await rig.venue.subscribe(BARS)
        await until(lambda: len(rig.rest.asked("/market/kline")) == 2, 5)
        rig.rest.refusals.clear()
        await until(lambda: shown(rig), 5)


@in_virtual_time
async def test_several_intervals_share_the_trades() -> None:
    async with connected() as rig:
        longer = Subscription(Channel.BARS, BTC, 3600)
        await asyncio.gather(rig.venue.subscribe(BARS), rig.venue.subscribe(longer))
        await until(lambda: len(rig.of(BarUpdate)) == 2)
        say(rig, at(TIME_MS / 1000 + 1, 90, "111.00"))
        await until(lambda: len(rig.of(BarUpdate)) == 4)
        assert {update.bar.interval for update in rig.of(BarUpdate)[-2:]} == {60, 3600}
        await rig.venue.unsubscribe(BARS)
        say(rig, at(TIME_MS / 1000 + 2, 91, "112.00"))
        await until(lambda: len(rig.of(BarUpdate)) == 5)
        assert rig.stream.asked("deals.unsubscribe") == []
        await rig.venue.unsubscribe(longer)
        await until(lambda: rig.stream.asked("deals.unsubscribe"))
