"""What to do about a refused key, and how an adapter's settings say what it may."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from venues.errors import AuthenticationError, MissingCredentials, NotSent, OrderRejected, RateLimited
from venues.port import Credentials, Mode
from venues.transport.remedies import Remedies
from venues.transport.settings import VenueSettings

REMEDIES = Remedies("here", "Here", {"24": "no such key: check it"})
KEY = Credentials("key", "secret")


def test_the_remedy_stands_before_the_venues_own_words_and_once() -> None:
    error = REMEDIES.add(OrderRejected("here", "bad key", "24"))
    assert (type(error), error.message, error.code) == (OrderRejected, "no such key: check it (bad key)", "24")
    assert REMEDIES.add(error) is error


def test_what_needs_none_stays_as_it_is() -> None:
    for error in (
        AuthenticationError("here", "bad key", "25"),
        AuthenticationError("here", "bad key"),
        RateLimited("here", "too many", "24", 3.0),
    ):
        assert REMEDIES.add(error) is error


def test_a_login_that_is_refused_is_a_key_that_is_not_taken_unless_it_passes() -> None:
    error = REMEDIES.refused_login(OrderRejected("here", "bad key", "24"))
    assert (type(error), error.message) == (AuthenticationError, "no such key: check it (bad key)")
    limited = RateLimited("here", "too many", "24", 3.0)
    assert REMEDIES.refused_login(limited) is limited


def test_without_a_key() -> None:
    read, command = REMEDIES.missing_key(), REMEDIES.not_sent_without_key()
    assert isinstance(read, MissingCredentials)
    assert isinstance(command, NotSent)
    assert read.message == command.message == REMEDIES.no_key
    assert "Here" in REMEDIES.no_key


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({}, Mode.READ_ONLY),
        ({"credentials": KEY}, Mode.LIVE),
        ({"credentials": KEY, "may_trade": False}, Mode.READ_ONLY),
        ({"credentials": KEY, "is_practice": True}, Mode.PRACTICE),
    ],
)
def test_the_mode_follows_from_the_key(changes: dict[str, Any], mode: Mode) -> None:
    assert VenueSettings(rest_url="", ws_url="", **changes).mode is mode


def test_a_setting_that_is_none_is_refused() -> None:
    class Settings(VenueSettings, frozen=True, kw_only=True):
        rest_url: str = "https://here"
        ws_url: str = "wss://here"

    assert msgspec.convert({"time_scale": 0.5}, Settings).time_scale == 0.5
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"time_scales": 0.5}, Settings)
