"""A command on its way: the journal hears of it before it leaves, and when it will be dead."""

from __future__ import annotations

import pytest

from tests.venues.transport.desk import Ack, Call, client, refusals, request_for
from tests.venues.transport.scripted import Fault, ScriptedVenue
from venues.errors import BadRequest, ConnectionLost, MissingCredentials, NotSent, OrderRejected, VenueError
from venues.port import Departure
from venues.transport.exchange import Dispatch
from venues.transport.remedies import Remedies
from venues.transport.sending import HttpSender, Sender

NONCE = 1_700_000_000_123  # milliseconds
REMEDIES = Remedies("here", "Here", {"107": "no money: send some"})


def sender(*, has_credentials: bool = True) -> Sender:
    return Sender("here", REMEDIES, life=30.0, has_credentials=has_credentials)


async def test_it_is_in_the_journal_before_it_leaves_and_dead_a_life_after_its_nonce() -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin, nonce=lambda: NONCE) as http:
        departed: list[Departure] = []

        async def depart(departure: Departure) -> None:
            assert not venue.received
            departed.append(departure)

        commands = HttpSender(http, sender())
        await commands.send(request_for(Call.CREATE), Ack, refusals, depart)
        await commands.send(request_for(Call.CANCEL), Ack, refusals, None)
        assert len(venue.received) == 2
        (departure,) = departed
        assert departure.nonce == NONCE
        assert departure.deadline == NONCE * 1_000_000 + 30_000_000_000
        assert departure.body_hash


async def test_a_life_that_has_to_be_found_out_counts_from_then_on() -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin, nonce=lambda: NONCE) as http:
        departed: list[int | None] = []

        async def depart(departure: Departure) -> None:
            departed.append(departure.deadline)

        lives = iter((None, 0.0))
        found_out = Sender("here", REMEDIES, life=lambda: next(lives), has_credentials=True)
        for _ in range(2):
            await HttpSender(http, found_out).send(request_for(Call.CREATE), Ack, refusals, depart)
        assert departed == [None, NONCE * 1_000_000]


async def test_a_journal_that_denies_it_keeps_it_here() -> None:
    async def depart(_: Departure) -> None:
        raise ConnectionLost("here", "the disk is full")

    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        with pytest.raises(NotSent, match="the disk is full"):
            await HttpSender(http, sender()).send(request_for(Call.CREATE), Ack, refusals, depart)
        assert not venue.received


async def test_a_refusal_comes_with_its_remedy() -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (200, {}, b'{"code": 107, "message": "balance not enough"}')
        with pytest.raises(OrderRejected) as caught:
            await HttpSender(http, sender()).send(request_for(Call.CREATE), Ack, refusals, None)
        assert caught.value.message == "no money: send some (balance not enough)"


@pytest.mark.parametrize("error", [BadRequest("here", "no such size", "7"), MissingCredentials("here", "no key")])
async def test_what_is_found_before_it_leaves_was_not_sent(error: VenueError) -> None:
    async def call(_: Dispatch) -> Ack:
        raise error

    with pytest.raises(NotSent) as caught:
        await sender().send(call, None)
    assert (caught.value.message, caught.value.code) == (error.message, error.code)


async def test_without_a_key_nothing_is_tried() -> None:
    async def call(_: Dispatch) -> Ack:
        raise AssertionError("it was tried")

    keyless = sender(has_credentials=False)
    with pytest.raises(NotSent, match="no API key"):
        keyless.require_key()
    with pytest.raises(NotSent, match="no API key"):
        await keyless.send(call, None)
