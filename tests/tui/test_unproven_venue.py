"""A venue of which it is inferred how it signs, as the commands without a screen tell of it."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.mayex_desk import CAN, SETTINGS, UNVERIFIED
from tests.tui.desk.mode_rig import SETTINGS as SAME_SETTINGS
from tests.tui.desk.rig import START
from tests.tui.desk.test_authentication import SETTINGS_WORDS, InferredVenue, entry
from tui.desk.authentication import UNPROVEN
from tui.doctor import venues as doctor
from tui.doctor.findings import Finding, Severity
from tui.doctor.venues import Patient, addresses_of, check_venue
from tui.venues_command import Support, table_of, text_of, unverified_of
from venues.errors import AuthenticationError
from venues.port import VenueTime

NARROW = 80
INFERRED = Support(
    venue="mayex", can=msgspec.structs.replace(CAN, authentication_unverified=True), is_public=True, practice="yes"
)
PROVEN = msgspec.structs.replace(INFERRED, can=CAN)


def test_the_list_of_venues_says_it_first_among_what_is_inferred() -> None:
    lines = unverified_of([INFERRED])
    assert max(map(len, lines)) <= NARROW
    said = " ".join(" ".join(lines).split())
    assert f"- {UNPROVEN}: no signed call has succeeded yet" in said
    assert all(name in said for name in (*SETTINGS, "[venues.mayex]"))
    assert said.index(UNPROVEN) < said.index(UNVERIFIED[0])
    assert UNPROVEN not in " ".join(unverified_of([PROVEN]))
    alone = msgspec.structs.replace(INFERRED, can=msgspec.structs.replace(INFERRED.can, unverified=()))
    assert len(unverified_of([alone])) > 2, "also where nothing else is inferred"


def test_programs_are_told_as_well_and_who_names_the_mode() -> None:
    told = INFERRED.as_json()
    assert (told["authentication_unverified"], told["margin_mode_of_order"], told["leverage_of_order"]) == (
        True, True, False,
    )  # fmt: skip
    assert PROVEN.as_json()["authentication_unverified"] is False


def test_the_table_says_where_each_order_names_its_mode() -> None:
    rows = {row[0]: row[1] for row in table_of([INFERRED])}
    assert (rows["cross margin"], rows["isolated margin"]) == ("by order", "by order")
    assert max(map(len, text_of(table_of([INFERRED] * 5)).splitlines())) <= NARROW


def found_in(found: list[Finding], words: str) -> Finding:
    (one,) = (each for each in found if words in each.words)
    return one


@pytest.mark.parametrize("is_refused", [True, False])
async def test_the_doctor_names_the_settings_where_the_key_is_refused(
    monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    assert SETTINGS == SAME_SETTINGS
    venue = InferredVenue()
    venue.time = VenueTime(START, 0)
    if is_refused:
        venue.faults["fetch_balances"] = [AuthenticationError("test", "Signature invalid", "401")]
    monkeypatch.setattr(doctor, "create_venue", lambda *_: venue)
    found = await check_venue(Patient("test", {}, Severity.FAULT, "", entry()), wall=lambda: START)
    if is_refused:
        refused = found_in(found, "is refused")
        assert "Signature invalid" in refused.words and SETTINGS_WORDS in refused.words
    else:
        assert found_in(found, "is taken: a signed read")
        assert not [one for one in found if UNPROVEN in one.words]


async def test_the_doctor_says_without_a_key_that_it_is_unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = InferredVenue()
    venue.time = VenueTime(START, 0)
    monkeypatch.setattr(doctor, "create_venue", lambda *_: venue)
    found = await check_venue(Patient("test", {}, Severity.NOTE), wall=lambda: START)
    assert found_in(found, UNPROVEN).severity is Severity.NOTE


def test_each_host_of_a_venue_is_looked_at() -> None:
    class Settings:
        rest_url, ws_url, spot_ws_url = "https://a.test/api", "wss://b.test", "wss://c.test/spot-ws/"

    class Elsewhere(InferredVenue):
        settings = Settings()

    assert [(address.host, is_asked) for address, is_asked in addresses_of(Elsewhere())] == [
        ("a.test", True), ("b.test", False), ("c.test", False),
    ]  # fmt: skip
