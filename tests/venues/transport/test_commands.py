"""Commands: what proves a refusal, what a cancelled task still learns, and that the journal comes first."""

from __future__ import annotations

import asyncio
import itertools
import json

import msgspec
import pytest

from tests.venues.transport.desk import (
    PATIENT,
    REFUSED,
    Ack,
    Call,
    client,
    outcome_of,
    perform,
    refusals,
    request_for,
)
from tests.venues.transport.scripted import Fault, ScriptedVenue
from venues.errors import ClockSkew, NotSent, OrderRejected, OutcomeUnknown, RateLimited, VenueError
from venues.transport.exchange import Dispatch, Request, Signed
from venues.transport.http import HttpClient

REFUSAL = json.dumps({"code": REFUSED, "message": "balance not enough"}).encode()


@pytest.mark.parametrize("status", [200, 400, 401, 422])
async def test_a_listed_code_is_a_refusal_in_the_venues_words(status: int) -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (status, {}, REFUSAL)
        outcome = await outcome_of(http, Call.CREATE)
        assert isinstance(outcome, OrderRejected)
        assert (outcome.message, outcome.code) == ("balance not enough", "107")


@pytest.mark.parametrize("status", [301, 500, 502, 503, 504])
async def test_a_gateway_proves_nothing_even_with_a_listed_code(status: int) -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (status, {}, REFUSAL)
        assert isinstance(await outcome_of(http, Call.CREATE), OutcomeUnknown)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"code": 0}',
        b'{"id": 7}',
        b'{"id": "a", "id": "b"}',
        b'{"id": "a", "x": NaN}',
    ],
)
async def test_a_200_that_does_not_read_as_documented_is_unknown(body: bytes) -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (200, {}, body)
        assert isinstance(await outcome_of(http, Call.CREATE), OutcomeUnknown)


async def test_a_judge_that_stumbles_leaves_it_unknown() -> None:
    def stumbling(status: int, body: object) -> VenueError | None:
        assert isinstance(body, dict)
        raise KeyError(body["no such key"])

    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (400, {}, b"{}")
        with pytest.raises(OutcomeUnknown):
            await http.command(request_for(Call.CREATE), Ack, refusals=stumbling)


async def test_a_429_is_unknown_unless_the_judge_says_that_it_refuses() -> None:
    def lenient(status: int, body: object) -> VenueError | None:
        return OrderRejected("testing", "slow down", "429") if status == 429 else None

    async with ScriptedVenue(Fault.FIXED) as venue:
        venue.answer = (429, {"Retry-After": "0"}, b"{}")
        async with client(venue.origin) as http:
            assert isinstance(await outcome_of(http, Call.CREATE), OutcomeUnknown)
            with pytest.raises(OrderRejected):
                await http.command(request_for(Call.CREATE), Ack, refusals=lenient)


@pytest.mark.parametrize("status", [418, 429])
async def test_after_a_ban_nothing_at_all_is_sent_until_it_is_over(status: int) -> None:
    now = 100.0
    async with (
        ScriptedVenue(Fault.FIXED) as venue,
        client(venue.origin, monotonic=lambda: now) as http,
    ):
        venue.answer = (status, {"Retry-After": "30"}, b"{}")
        await outcome_of(http, Call.CREATE)
        venue.fault = Fault.NONE
        assert len(venue.received) == 1
        for moment in (100.0, 129.9):
            now = moment
            assert isinstance(await outcome_of(http, Call.CANCEL), NotSent)
            read = await outcome_of(http, Call.QUERY)
            assert isinstance(read, RateLimited)
            assert read.retry_after == pytest.approx(130 - moment)
        assert len(venue.received) == 1
        now = 130.1
        assert await outcome_of(http, Call.CANCEL) == Ack("o-1")


async def test_a_limit_that_the_judge_reads_in_a_body_stops_everything_too() -> None:
    def limited(status: int, body: object) -> VenueError | None:
        return RateLimited("testing", "too frequent", "4213", retry_after=30)

    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        with pytest.raises(OutcomeUnknown, match="4213"):
            await http.command(request_for(Call.CREATE), Ack, refusals=limited)
        assert isinstance(await outcome_of(http, Call.CANCEL), NotSent)
        assert len(venue.received) == 1


async def test_the_journal_commits_after_signing_and_before_any_byte() -> None:
    seen: list[tuple[int, str, int]] = []
    async with (
        ScriptedVenue(Fault.NONE) as venue,
        client(venue.origin, nonce=itertools.count(41).__next__) as http,
    ):

        async def commit(signed: Signed) -> None:
            seen.append((signed.nonce, signed.body_hash, venue.connections))
            assert not dispatch.has_begun

        dispatch = Dispatch(commit)
        await perform(http, Call.CREATE, dispatch)
        signed = dispatch.signed
        assert signed is not None
        assert seen == [(41, signed.body_hash, 0)]
        assert venue.received[0].body == signed.body
        assert dispatch.answer is not None
        assert dispatch.answer.status == 200


async def test_a_journal_that_can_not_commit_denies_the_order() -> None:
    async def full(signed: Signed) -> None:
        raise NotSent("testing", "the journal's disk is full")

    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        dispatch = Dispatch(full)
        outcome = await outcome_of(http, Call.CREATE, dispatch)
        assert isinstance(outcome, NotSent)
        assert "disk is full" in outcome.message
        assert venue.connections == 0


async def test_a_signer_that_refuses_denies_the_order() -> None:
    def refuse(request: Request, nonce: int) -> Signed:
        raise ClockSkew("testing", "9 s behind")

    async with ScriptedVenue(Fault.NONE) as venue:
        http = HttpClient("testing", venue.origin, sign=refuse)
        assert isinstance(await outcome_of(http, Call.CREATE), NotSent)
        await http.aclose()
        assert venue.connections == 0


async def test_one_dispatch_is_one_command() -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        dispatch = Dispatch()
        await perform(http, Call.CREATE, dispatch)
        assert isinstance(await outcome_of(http, Call.CREATE, dispatch), NotSent)
        assert len(venue.received) == 1


async def test_a_command_cancelled_after_its_bytes_left_has_begun() -> None:
    async with ScriptedVenue(Fault.SILENT) as venue, client(venue.origin) as http:
        dispatch = Dispatch()
        task = asyncio.create_task(perform(http, Call.CREATE, dispatch))
        await venue.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert dispatch.has_begun
        assert dispatch.answer is None
        assert len(venue.executed) == 1


async def test_a_command_cancelled_while_it_waits_for_a_connection_has_not_begun() -> None:
    async with ScriptedVenue(Fault.SILENT) as venue, client(venue.origin, connections=1) as http:
        first = asyncio.create_task(perform(http, Call.CREATE, Dispatch()))
        await venue.arrived.wait()
        signed = asyncio.Event()

        async def note(_: Signed) -> None:
            signed.set()

        dispatch = Dispatch(note)
        second = asyncio.create_task(perform(http, Call.CANCEL, dispatch))
        await signed.wait()
        for task in (second, first):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert not dispatch.has_begun
        assert len(venue.received) == 1


async def test_cancelling_at_any_step_never_calls_an_executed_order_unsent() -> None:
    """Cancels after 0, 1, 2, ... turns of the loop, until the answer wins."""
    began = []
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        await http.warm()
        for turns in range(400):
            known = len(venue.executed)
            dispatch = Dispatch()
            task = asyncio.create_task(perform(http, Call.CREATE, dispatch))
            for _ in range(turns):
                await asyncio.sleep(0)
            is_late = not task.cancel()
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            await perform(http, Call.QUERY)  # the server has by now seen whatever was sent before
            creates = [done for done in venue.executed[known:] if "client_id" in done]
            assert dispatch.has_begun or not creates
            began.append(dispatch.has_begun)
            if is_late:
                assert isinstance(outcome, Ack)
                break
    assert began[0] is False
    assert began[-1] is True
    assert True in began[:-1]  # some were cancelled on the wire


async def test_until_a_send_was_seen_running_out_of_time_is_not_called_unsent() -> None:
    """The proof is the trace of a library that is not pinned: it must have shown itself to work."""
    async with ScriptedVenue(Fault.SILENT) as venue, client(venue.origin, connections=1) as http:
        long = asyncio.create_task(outcome_of(http, Call.CREATE))
        await venue.arrived.wait()
        http.timing = msgspec.structs.replace(PATIENT, command=0.02)  # runs out in the queue for the connection
        assert isinstance(await outcome_of(http, Call.CANCEL), NotSent)
        http._sees_sends = False
        assert isinstance(await outcome_of(http, Call.CANCEL), OutcomeUnknown)
        assert len(venue.received) == 1
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)


async def test_a_ban_that_comes_while_the_journal_commits_still_counts() -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (418, {"Retry-After": "60"}, b"{}")

        async def commit(_: Signed) -> None:
            await outcome_of(http, Call.QUERY)

        dispatch = Dispatch(commit)
        assert isinstance(await outcome_of(http, Call.CREATE, dispatch), NotSent)
        assert [received.method for received in venue.received] == ["GET"]
        assert not dispatch.has_begun


async def test_closed_means_not_sent() -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        await http.aclose()
        assert isinstance(await outcome_of(http, Call.CREATE), NotSent)
        assert venue.connections == 0


async def test_closing_while_an_order_is_on_its_way_leaves_it_unknown() -> None:
    async with ScriptedVenue(Fault.SILENT) as venue, client(venue.origin) as http:
        task = asyncio.create_task(outcome_of(http, Call.CREATE))
        await venue.arrived.wait()
        await http.aclose()
        assert isinstance(await task, OutcomeUnknown)


@pytest.mark.parametrize(
    "broken",
    [
        {"headers": (("X-A", "a\r\nX-B: b"),)},
        {"headers": (("bad name", "a"),)},
        {"path": "/a b"},
        {"path": "no-slash"},
        {"path": "/ä"},
        {"query": "a=b#c"},
    ],
)
async def test_what_can_not_be_sent_as_it_was_signed_is_denied(broken: dict[str, object]) -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        request = msgspec.structs.replace(request_for(Call.CREATE), **broken)
        with pytest.raises(NotSent):
            await http.command(request, Ack, refusals=refusals)
        assert venue.connections == 0
