"""Whether the venue refuses what has expired is tried once, with reads; what it proves, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.venues.mayex.orders_rig import Exchange, Rig, rig, served, wish
from tests.venues.mayex.scripted_mayex import ScriptedMayex, client_at
from venues.errors import OutcomeUnknown
from venues.mayex.expiry import ExpiryProof
from venues.mayex.profile import Profile

ASSETS: dict[str, list[object]] = {"accounts": []}
NANOSECONDS_A_MINUTE = 60_000_000_000


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


async def verified(*answers: Any, is_wanted: bool = True) -> tuple[ExpiryProof, ScriptedMayex]:
    """Returns what is proven by a venue that answers so; a number is a refusal of this status."""
    there = ScriptedMayex()
    for each in answers:
        there.data(ASSETS) if each == "good" else there.refusal(each[0], status=each[1])
    async with client_at(venue=there, attempts=1, profile=Profile(minute_quota=10**6)) as (client, _):
        proof = ExpiryProof(client, is_wanted=is_wanted)
        await proof.verify()
        return proof, there


def expiries(there: ScriptedMayex) -> list[int]:
    return [int(call.headers["x-fairdesk-request-expiry"]) for call in there.calls]


async def test_what_is_refused_between_two_that_are_not_is_the_expiry() -> None:
    proof, there = await verified("good", (401, 401), "good")
    assert proof.life == 60.0
    first, old, last = expiries(there)
    assert 62_500 <= first - old <= 64_000 and abs(last - first) < 1_000
    assert [call.path for call in there.calls] == ["/api/user/v1/private/account/asset"] * 3


@pytest.mark.parametrize(
    "answers",
    [
        ("good", "good", "good"),  # it takes what has expired
        ("good", (401, 401), (401, 401)),  # it takes nothing any more
        ((401, 401), (401, 401), (401, 401)),
        ("good", (100, 200), "good"),  # its timeout is no refusal
        ("good", (500, 500), "good"),
        ("good", (429, 429), "good"),
    ],
)
async def test_what_proves_nothing(answers: tuple[Any, ...]) -> None:
    proof, _ = await verified(*answers)
    assert proof.life is None


async def test_it_is_not_tried_where_that_is_set_or_twice() -> None:
    proof, there = await verified("good", is_wanted=False)
    assert (proof.life, there.calls) == (None, [])
    async with client_at(venue=ScriptedMayex(), profile=Profile(minute_quota=10**6)) as (client, again):
        for each in (ASSETS, None, ASSETS):
            again.data(each) if each is not None else again.refusal(401, status=401)
        proof = ExpiryProof(client, is_wanted=True, time_scale=0.5)
        await proof.verify()
        await proof.verify()
        assert (proof.life, len(again.calls)) == (30.0, 3)


async def departed(r: Rig) -> int | None:
    await r.submit(wish())
    departure = r.departures[-1]
    assert departure.nonce > 0
    if departure.deadline is not None:
        assert departure.deadline == departure.nonce * 1_000_000
    return departure.deadline


async def test_a_command_has_a_deadline_once_that_is_proven(venue: Exchange) -> None:
    async with rig(venue) as r:
        assert await departed(r) is None
        await r.expiry.verify()
        assert r.expiry.life == 60.0
        deadline = await departed(r)
        assert deadline is not None
        left = deadline - r.clock.now()
        assert abs(left - NANOSECONDS_A_MINUTE) < 3_000_000_000


async def test_a_venue_that_heeds_no_expiry_leaves_what_is_lost_unknown(venue: Exchange) -> None:
    async with rig(venue) as r:
        venue.act("expiry", enforced=False)
        await r.expiry.verify()
        assert r.expiry.life is None
        venue.fault("never-executed@submit*1")
        with pytest.raises(OutcomeUnknown):
            await r.submit(wish())
        assert r.departures[-1].deadline is None


@pytest.mark.parametrize(
    ("status", "body", "life"),
    [
        (401, {"status": 401, "error": "Unauthorized", "data": None}, 60.0),
        (200, {"status": 9_001, "error": "request expired", "data": None}, 60.0),
        (400, {"status": 213, "error": "Request-Expiry is in the past", "data": None}, 60.0),
        (403, {"status": 403, "error": "no privilege", "data": None}, None),
        (401, {"status": 10500, "error": "Api key not found", "data": None}, None),
        (200, {"status": 401, "error": "account may not trade", "data": None}, None),
        (400, {"status": 300, "error": "no such symbol", "data": None}, None),
        (403, "<html>blocked</html>", None),  # a proxy's own answers
        (401, "<html>sign in</html>", None),
        (400, "<html>bad request</html>", None),
    ],
)
async def test_only_a_refusal_that_is_about_the_signature_or_the_expiry_is_proof(
    status: int, body: object, life: float | None
) -> None:
    there = ScriptedMayex()
    there.data(ASSETS)
    there.answer(body.encode() if isinstance(body, str) else body, status)
    there.data(ASSETS)
    async with client_at(venue=there, attempts=1, profile=Profile(minute_quota=10**6)) as (client, _):
        proof = ExpiryProof(client, is_wanted=True)
        await proof.verify()
        assert proof.life == life
