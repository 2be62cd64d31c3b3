"""What all simulators share before their venues' protocols: clock, bans, quotas, and why one can not be made."""

from __future__ import annotations

import pytest

from venues.errors import ConfigurationError
from venues.model import NANOSECONDS
from venues.recording.format import RecordingError
from venues.simulators.faults import Faults
from venues.simulators.gateway import Ban, by_path, http_date, page
from venues.simulators.local_venue import LocalVenue, making
from venues.simulators.port import SimulatorSettings
from venues.simulators.quota import Quota


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000 * NANOSECONDS

    def time_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.passes(seconds)

    def passes(self, seconds: float) -> None:
        self.now += round(seconds * NANOSECONDS)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_skewed_clock_is_the_venues_alone(clock: Clock) -> None:
    faults = Faults()
    venue = LocalVenue(SimulatorSettings(), faults, clock, "key", "secret")
    assert venue.server_time_ns() == clock.now
    faults.switch("skewed-clock=-2.5")
    assert venue.server_time_ns() == clock.now - 2_500_000_000
    assert "secret" not in repr(venue)


def test_queries_see_late_what_is_new(clock: Clock) -> None:
    faults = Faults()
    venue = LocalVenue(SimulatorSettings(), faults, clock, "key", "secret")
    made = clock.now
    assert not venue.is_unseen(made)
    faults.switch("stale-orders=3")
    assert venue.is_unseen(made)
    clock.passes(3)
    assert not venue.is_unseen(made)
    assert faults.done("stale-orders") == 1, "only what was hidden counts"


def test_why_it_can_not_be_made_is_a_setting(clock: Clock) -> None:
    for error in (ValueError("there is no market X"), RecordingError("there is no market X")):
        with pytest.raises(ConfigurationError) as caught, making("here"):
            raise error
        assert (caught.value.venue, caught.value.message) == ("here", "there is no market X")
    with making("here"):
        assert LocalVenue(SimulatorSettings(), Faults(), clock, "key", "secret").api_key == "key"


def test_a_ban_lasts_as_long_as_it_says_and_strikes_anew_only_when_it_was_off(clock: Clock) -> None:
    faults = Faults()
    ban = Ban(clock, faults)
    assert not ban.strikes("read")
    faults.switch("ban@read=10")
    assert not ban.strikes("submit")
    assert ban.strikes("read")
    assert ban.ends_at == 1_700_000_010
    clock.passes(9)
    assert ban.strikes("read")
    clock.passes(1)
    assert not ban.strikes("read")
    faults.heal()
    assert not ban.strikes("read")
    faults.switch("ban@read=10")
    assert ban.strikes("read")
    faults.heal()
    assert not ban.strikes("read")  # what is healed is over at once


def test_a_window_slides(clock: Clock) -> None:
    quota = Quota(2, 10.0)
    assert quota.take(clock.now)
    clock.passes(6)
    assert quota.take(clock.now)
    assert not quota.take(clock.now)
    assert quota.left(clock.now) == 0
    clock.passes(4)
    assert quota.left(clock.now) == 1
    assert quota.take(clock.now)
    assert quota.fullest == 2


def test_the_first_of_some_faults() -> None:
    faults = Faults()
    kinds = ("gap", "nan", "crossed")
    assert faults.first(kinds, "market") == ""
    faults.switch("crossed:1,nan:1*1")
    assert [faults.first(kinds, "market") for _ in range(2)] == ["nan", "crossed"]
    assert (faults.done("nan"), faults.done("crossed")) == (1, 1)


def test_what_a_gateway_says_is_a_page() -> None:
    answer = page(405, "Not Allowed", {"Allow": "GET"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"].startswith("text/html")
    assert b"405 Not Allowed" in bytes(answer.body)
    assert http_date(1_700_000_000 * NANOSECONDS) == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_endpoints_of_one_path_are_found_by_their_method() -> None:
    class Endpoint:
        def __init__(self, method: str, path: str) -> None:
            self.method = method
            self.path = path

    read, place, time = Endpoint("GET", "/order"), Endpoint("POST", "/order"), Endpoint("GET", "/time")
    assert by_path([read, place, time]) == {"/order": {"GET": read, "POST": place}, "/time": {"GET": time}}
