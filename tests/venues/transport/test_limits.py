"""The client behind a limiter: what is refused has neither left nor been signed, and cancels still go."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from tests.venues.transport.desk import PATIENT, Ack, Call, client, refusals, request_for, sign
from tests.venues.transport.scripted import Fault, ScriptedVenue
from venues.errors import NotSent, RateLimited, VenueError
from venues.transport.exchange import Dispatch, Request, Signed
from venues.transport.http import HttpClient
from venues.transport.ratelimit import Pool, RateLimiter
from venues.transport.timing import Timing

IMPATIENT = msgspec.structs.replace(PATIENT, patience=0.01, read=0.05)
HOUR = Pool(name="ip", units=5, period=3_600.0)
DRAWS = (("ip", 1),)


async def outcome(http: HttpClient, call: Call, *, is_cancel: bool = False) -> Ack | VenueError:
    request = msgspec.structs.replace(request_for(call), weight=DRAWS, is_cancel=is_cancel or call is Call.CANCEL)
    try:
        if call is Call.QUERY:
            return await http.fetch(request, Ack)
        return await http.command(request, Ack, refusals=refusals, dispatch=Dispatch())
    except VenueError as error:
        return error


async def test_above_the_limit_orders_and_reads_are_refused_here_and_cancels_go() -> None:
    signed = []

    def noting(request: Request, nonce: int) -> Signed:
        signed.append(request.what)
        return sign(request, nonce)

    limiter = RateLimiter("testing", [HOUR])
    async with (
        ScriptedVenue(Fault.NONE) as venue,
        client(venue.origin, timing=IMPATIENT, limiter=limiter, signer=noting) as http,
    ):
        for _ in range(4):
            assert isinstance(await outcome(http, Call.CREATE), Ack)
        order = await outcome(http, Call.CREATE)
        assert isinstance(order, NotSent)
        assert "place order: the venue's request limit is used up" in order.message
        read = await outcome(http, Call.QUERY)
        assert isinstance(read, RateLimited)
        assert read.retry_after is not None
        assert 3_590 < read.retry_after <= 3_600
        assert signed == ["place order"] * 4
        assert isinstance(await outcome(http, Call.CANCEL), Ack)
        assert [received.method for received in venue.received] == ["POST"] * 4 + ["DELETE"]


async def test_a_read_that_panic_makes_may_use_the_reserve() -> None:
    timing = msgspec.structs.replace(PATIENT, patience=IMPATIENT.patience)
    async with (
        ScriptedVenue(Fault.NONE) as venue,
        client(venue.origin, timing=timing, limiter=RateLimiter("testing", [HOUR])) as http,
    ):
        for _ in range(4):
            assert isinstance(await outcome(http, Call.QUERY), Ack)
        assert isinstance(await outcome(http, Call.QUERY), RateLimited)
        assert isinstance(await outcome(http, Call.QUERY, is_cancel=True), Ack)


async def test_the_nonce_is_drawn_after_the_wait() -> None:
    drawn: list[float] = []

    def nonce() -> int:
        drawn.append(time.monotonic())
        return len(drawn)

    limiter = RateLimiter("testing", [Pool(name="ip", units=2, period=0.2)])
    timing = msgspec.structs.replace(PATIENT, patience=9.0)
    async with (
        ScriptedVenue(Fault.NONE) as venue,
        client(venue.origin, timing=timing, limiter=limiter, nonce=nonce) as http,
    ):
        await asyncio.gather(outcome(http, Call.CREATE), outcome(http, Call.CREATE))
        assert len(venue.received) == 2
    assert drawn[1] - drawn[0] >= 0.19


async def test_a_ban_of_one_client_silences_the_others_of_the_venue() -> None:
    limiter, timing = RateLimiter("testing", [HOUR]), msgspec.structs.replace(PATIENT, patience=0.01)
    async with (
        ScriptedVenue(Fault.FIXED) as venue,
        client(venue.origin, timing=timing, limiter=limiter) as first,
        client(venue.origin, timing=timing, limiter=limiter) as second,
    ):
        venue.answer = (418, {"Retry-After": "30"}, b"{}")
        await outcome(first, Call.QUERY)
        assert len(venue.received) == 1
        for http in (first, second):
            cancel = await outcome(http, Call.CANCEL)
            assert isinstance(cancel, NotSent)
            assert "told us to be silent" in cancel.message
            read = await outcome(http, Call.QUERY)
            assert isinstance(read, RateLimited)
            assert read.retry_after == pytest.approx(30, abs=5)
        assert len(venue.received) == 1


async def test_a_command_that_hangs_keeps_its_units() -> None:
    """The venue may count it as late as when its answer would have come."""
    limiter = RateLimiter("testing", [Pool(name="ip", units=2, period=0.01)])
    async with (
        ScriptedVenue(Fault.SILENT) as venue,
        client(venue.origin, timing=IMPATIENT, limiter=limiter) as http,
    ):
        hanging = asyncio.create_task(outcome(http, Call.CREATE))
        await venue.arrived.wait()
        assert isinstance(await outcome(http, Call.CREATE), NotSent)
        assert len(venue.received) == 1
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)


def test_an_order_is_never_patient() -> None:
    assert Timing().patience <= 0.5


async def test_a_cancel_sits_out_a_short_silence_and_is_not_lost() -> None:
    timing = msgspec.structs.replace(PATIENT, cancel_patience=5.0)
    async with (
        ScriptedVenue(Fault.FIXED) as venue,
        client(venue.origin, timing=timing, limiter=RateLimiter("testing", [HOUR])) as http,
    ):
        acknowledged = venue.answer
        venue.answer = (429, {"Retry-After": "1"}, b"{}")
        assert isinstance(await outcome(http, Call.CREATE), VenueError)
        venue.answer = acknowledged
        order = await outcome(http, Call.CREATE)
        assert isinstance(order, NotSent)
        assert "told us to be silent" in order.message
        began = time.monotonic()
        assert isinstance(await outcome(http, Call.CANCEL), Ack)
        assert 0.5 < time.monotonic() - began < 4
        venue.answer = (429, {"Retry-After": "30"}, b"{}")
        assert isinstance(await outcome(http, Call.CREATE), VenueError)
        assert isinstance(await outcome(http, Call.CANCEL), NotSent)
        assert len(venue.received) == 3
