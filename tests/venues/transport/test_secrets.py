"""Canaries in the key and the secret: nothing that is logged, shown or raised may hold them."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator

import pytest

from tests.venues.transport.desk import KEY, PATIENT, QUICK, SECRET, Call, client, outcome_of, request_for, sign
from tests.venues.transport.scripted import Fault, ScriptedVenue
from venues.errors import VenueError
from venues.transport.exchange import Dispatch
from venues.transport.privacy import quiet_loggers

NAMES = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "stamina")


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """Collects what reaches the root at DEBUG, and puts the libraries' loggers back afterwards."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, NAMES)]
    before = [(logger, logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        for logger, level, propagate, handlers in before:
            logger.setLevel(level)
            logger.propagate = propagate
            logger.handlers[:] = handlers


def leaks(text: str) -> bool:
    signature = dict(sign(request_for(Call.CREATE), 0).headers)["X-Signature"]
    return any(canary in text for canary in (KEY, SECRET, signature, "canary"))


def locals_of_ours(report: traceback.TracebackException | None) -> list[str]:
    found: list[str] = []
    while report is not None:
        for frame in report.stack:
            if "/venues/transport/" in frame.filename and "/tests/" not in frame.filename:
                found.append(repr(frame.locals))
        found += locals_of_ours(report.__cause__)
        report = report.__context__
    return found


async def test_the_libraries_do_tell_unless_they_are_quieted(everything_logged: io.StringIO) -> None:
    """The canaries would be found: without the quieting this test's collector holds one."""
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (200, {"Set-Cookie": "canary"}, b'{"id": "o-1"}')
        await outcome_of(http, Call.CREATE)
    assert leaks(everything_logged.getvalue())


@pytest.mark.parametrize("call", Call)
@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.FIXED])
async def test_nothing_holds_a_canary(fault: Fault, call: Call, everything_logged: io.StringIO) -> None:
    quiet_loggers()
    timing = QUICK if fault in (Fault.SILENT, Fault.SILENT_UNDONE, Fault.DRIP) else PATIENT
    async with ScriptedVenue(fault) as venue, client(venue.origin, timing=timing) as http:
        dispatch = Dispatch()
        outcome = await outcome_of(http, call, dispatch)
        shown = [repr(dispatch), repr(dispatch.signed), repr(dispatch.answer), repr(http), repr(request_for(call))]
        if isinstance(outcome, VenueError):
            shown += [str(outcome), repr(outcome)]
            # A crash report with locals; the test's own frames apart, which hold the keys by their nature.
            report = traceback.TracebackException.from_exception(outcome, capture_locals=True)
            ours = locals_of_ours(report)
            assert ours
            shown += ours
    assert not leaks("\n".join(shown))
    assert not leaks(everything_logged.getvalue())


async def test_a_connection_that_is_never_made_tells_nothing_either(everything_logged: io.StringIO) -> None:
    quiet_loggers()
    for call in Call:
        async with client("https://exchange.invalid") as http:
            outcome = await outcome_of(http, call)
            assert isinstance(outcome, VenueError)
            assert not leaks("".join(traceback.format_exception(outcome)))
    assert not leaks(everything_logged.getvalue())
