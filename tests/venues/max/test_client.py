"""The client as a whole: what is tried again, what never is, what errors become, and who closes what."""

from __future__ import annotations

import asyncio
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.max.client_rig import FIRST_NONCE, client_at, place
from tests.venues.max.documented import example
from tests.venues.max.scripted_max import KEY, SECRET, ScriptedMax
from venues.errors import (
    BadRequest,
    ClockSkew,
    ConfigurationError,
    MissingCredentials,
    NotSent,
    OutcomeUnknown,
    VenueUnavailable,
)
from venues.max import Client
from venues.max.client import make_session
from venues.model import NANOSECONDS
from venues.port import Credentials
from venues.secret import Secret
from venues.transport.clock import ServerClock
from venues.transport.nonces import Nonces, shared_path

ORDER = example("create_order", "met")


async def test_a_read_is_tried_again_with_a_nonce_of_its_own() -> None:
    async with client_at() as (client, venue):
        venue.answer("gone", 502)
        venue.error(2006, 401)  # another program had drawn it
        venue.answer_as(example("order"))
        assert (await client.order(order_id=87)).id == 87
        assert [call.nonce for call in venue.calls] == [FIRST_NONCE, FIRST_NONCE + 1, FIRST_NONCE + 2]


async def test_a_read_that_makes_no_sense_is_not_tried_again() -> None:
    async with client_at() as (client, venue):
        venue.error(1001)
        with pytest.raises(BadRequest, match="the venue's words"):
            await client.accounts()
        assert len(venue.calls) == 1


async def test_without_a_key_only_what_is_public_is_asked() -> None:
    async with client_at(has_key=False) as (client, venue):
        with pytest.raises(MissingCredentials):
            await client.accounts()
        with pytest.raises(MissingCredentials):
            await client.request("GET", "/info", auth=True)
        with pytest.raises(NotSent):
            await place(client)
        assert venue.calls == []
        venue.answer_as(example("markets"))
        assert [market.id for market in await client.markets()] == ["btctwd"]


def test_what_can_not_be_opened_is_said() -> None:
    for wrong in (("key", None), (None, "secret"), ("", "secret")):
        with pytest.raises(ConfigurationError, match="both halves"):
            Client(*wrong)
    with pytest.raises(ConfigurationError, match="https"):
        Client(base_url="http://max-api.maicoin.com")
    with pytest.raises(ConfigurationError, match="nonces"):
        make_session(Credentials("key", "secret"))


async def test_any_other_call() -> None:
    rewards = "/api/v3/fund_transactions/rewards"
    async with client_at() as (client, venue):
        venue.answer(b'{"rate": 8.0e-05, "rows": [1, "2", null, true]}')
        for path in (rewards, "fund_transactions/rewards", "/fund_transactions/rewards"):
            answer = await client.request("get", path, {"limit": 5, "names": ["a", "b"]}, auth=True)
            assert answer == {"rate": Decimal("0.00008"), "rows": [1, "2", None, True]}
        assert await client.request("PUT", "/thing", {"a": "b"}, auth=True) == answer
        assert await client.request("GET", "/thing") == answer
        assert [(call.verb, call.path, call.nonce is None) for call in venue.calls] == [
            *[("GET", rewards, False)] * 3, ("PUT", "/api/v3/thing", False), ("GET", "/api/v3/thing", True),
        ]  # fmt: skip
        assert venue.calls[0].parameters == {"limit": "5", "names": ["a", "b"]}
        venue.answers.clear()
        venue.error(404, 404)
        with pytest.raises(OutcomeUnknown):
            await client.request("POST", "/thing", auth=True)


async def test_a_session_of_ones_own() -> None:
    async with ScriptedMax() as venue:
        venue.answer_as(ORDER)
        key = Credentials(KEY, SECRET, sub_account="s1-example")
        session = make_session(key, base_url=venue.origin, nonces=lambda: FIRST_NONCE)
        with pytest.raises(ConfigurationError, match="a session signs by itself"):
            Client(KEY, SECRET, session=session)
        async with Client(session=session) as stranger:
            with pytest.raises(NotSent, match="another account"):
                await place(stranger)
        assert venue.calls == []
        session = make_session(key, base_url=venue.origin, nonces=lambda: FIRST_NONCE)
        async with Client(session=session, sub_account="s1-example") as client:
            assert client.session is session
            assert (await place(client)).id == 1234567890
        assert venue.call.headers["x-sub-account"] == "s1-example"
        with pytest.raises(NotSent):
            await place(client)


async def test_the_client_names_a_sub_account() -> None:
    async with client_at(sub_account="s1-example") as (client, venue):
        venue.answer_as(example("info"))
        await client.info()
        assert venue.call.headers["x-sub-account"] == "s1-example"


class Clocks:
    """Our clock, which is `behind` nanoseconds behind the venue's."""

    def __init__(self, behind: int) -> None:
        self.now = FIRST_NONCE * 1_000_000 - behind

    def __call__(self) -> int:
        return self.now


async def test_nonces_are_drawn_by_the_venues_clock_from_the_file_of_the_user(home: Path) -> None:
    wall = Clocks(behind=3_600 * NANOSECONDS)
    clock = ServerClock("max", is_corrected=True, wall=wall, monotonic=lambda: 0)
    async with (
        ScriptedMax() as venue,
        Client(Secret(KEY), Secret(SECRET), base_url=venue.origin, clock=clock) as client,
    ):
        venue.answer({"timestamp": FIRST_NONCE // 1000})
        assert await client.measure_clock()
        venue.answers.clear()
        venue.answer_as(example("info"))
        for _ in range(3):
            await client.info()
        drawn = [call.nonce for call in venue.calls if call.nonce]
        # Within the second to which the venue's clock is known, and none twice while ours stands still.
        assert drawn == [drawn[0], drawn[0] + 1, drawn[0] + 2]
        assert abs(drawn[0] - FIRST_NONCE) <= 1_000
        assert shared_path().is_relative_to(home)
        assert shared_path().stat().st_mode & 0o777 == 0o600
        with Nonces(shared_path(), now_ms=lambda: wall.now // 1_000_000 + 3_600_000) as nonces:
            assert nonces.next(KEY, "max") == drawn[-1] + 1  # another program goes on where this one is
    with sqlite3.connect(shared_path()) as database:
        rows = database.execute("select key from nonce").fetchall()
    database.close()
    assert len(rows) == 1
    assert KEY not in rows[0][0]


async def test_a_clock_that_is_off_and_not_corrected_signs_nothing() -> None:
    clock = ServerClock("max", wall=Clocks(behind=60 * NANOSECONDS), monotonic=lambda: 0)
    async with ScriptedMax() as venue, Client(KEY, SECRET, base_url=venue.origin, clock=clock) as client:
        venue.answer({"timestamp": FIRST_NONCE // 1000})
        await client.measure_clock()
        with pytest.raises(ClockSkew):
            await client.info()
        with pytest.raises(NotSent, match="clock"):
            await place(client)
        assert len(venue.calls) == 1


async def test_calls_at_once_draw_different_nonces() -> None:
    async with client_at() as (client, venue):
        venue.answer_as(ORDER)
        orders = await asyncio.gather(*(place(client) for _ in range(20)))
        assert len(orders) == len(venue.nonces) == 20


async def test_what_the_venue_quotes_of_the_key_is_masked_and_nothing_else() -> None:
    async with client_at() as (client, venue):
        venue.answer_as(example("fund_transaction_transfer"))
        await client.fund_transaction_transfer("18022603540001")
        signature = venue.call.headers["x-max-signature"]
        venue.answers.clear()
        venue.error(1001, 400, f"not {SECRET} nor {signature}, but application/json")
        with pytest.raises(BadRequest) as caught:
            await client.accounts()
        assert caught.value.message == "not *** nor ***, but application/json"


async def test_nothing_shows_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    async with client_at() as (client, venue):
        venue.answer({}, 503)
        with pytest.raises(OutcomeUnknown) as caught:
            await place(client)
        shown = repr(client) + repr(vars(client)) + repr(caught.value) + str(caught.value)
    assert SECRET not in shown
    assert KEY not in shown
    assert capsys.readouterr() == ("", "")


async def test_a_read_gives_up_in_time() -> None:
    async with client_at(attempts=2) as (client, venue):
        venue.answer({}, 503)
        with pytest.raises(VenueUnavailable):
            await client.markets()
        assert len(venue.calls) == 2


async def test_it_may_be_closed_twice() -> None:
    async with client_at() as (client, venue):
        venue.answer_as(example("info"))
        await client.info()
        await client.aclose()
        await client.aclose()
