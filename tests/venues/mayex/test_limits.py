"""What each call draws from the quota, and what the settings may say of it."""

from __future__ import annotations

import pytest

from tests.venues.mayex.documented import methods
from venues.errors import ConfigurationError
from venues.mayex.connection import CONNECTS, MESSAGES, make_limiter
from venues.mayex.limits import HEAVIEST, LEAST_QUOTA, pools, weight_of
from venues.mayex.profile import FAIRDESK, Profile
from venues.mayex.settings import Settings


def test_every_private_call_weighs_what_is_listed() -> None:
    for row in methods().values():
        if not row.is_public:
            assert weight_of(row.path) == (("minute", row.weight),), row.method
    assert max(row.weight for row in methods().values()) == HEAVIEST


def test_a_fifth_of_the_quota_is_kept_for_cancels() -> None:
    (minute,) = pools(FAIRDESK)
    assert (minute.units, minute.period, minute.unreserved) == (200, 60.0, 160)


def test_a_quota_that_no_history_fits_in_is_refused_with_the_least_that_will_do() -> None:
    (least,) = pools(Profile(minute_quota=LEAST_QUOTA))
    assert least.unreserved >= HEAVIEST
    with pytest.raises(ConfigurationError, match=f"state {LEAST_QUOTA} or more"):
        pools(Profile(minute_quota=LEAST_QUOTA - 1))
    with pytest.raises(ConfigurationError, match="minute_quota = 3 "):
        make_limiter(Settings(minute_quota=3))


async def test_rest_and_streams_share_their_limits() -> None:
    limiter = make_limiter(Settings(minute_quota=500))
    assert (limiter.free("minute"), limiter.free(CONNECTS.name)) == (400, 600)
    assert [pool.units for pool in MESSAGES] == [10]
