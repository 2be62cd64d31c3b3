"""Venues as a desk would open them: a practice exchange, its faults, and addresses where nobody is."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from tests.tui.doctor.servers import HOST, certified, listening, refused, silent
from tui.config import Config, NetworkSection, VenueSection
from tui.desk.key_entries import KeyEntry, KeyName
from tui.doctor.findings import Finding, Severity, Topic, worst_of
from tui.doctor.venues import Patient, check_practice, check_venue, check_venues, patients_of, real_venues
from venues.port import Credentials, Permissions
from venues.simulators.serving import Practice, served_in_thread

WHOLE = 5.0  # seconds that a venue may take, closing included
_SLACK = 1.0  # of a machine that does other things as well


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", seed=1) as served:
        yield served


def key_of(practice: Practice, secret: str = "", permissions: Permissions | None = None) -> KeyEntry:
    credentials = Credentials(practice.api_key, secret or practice.api_secret)
    return KeyEntry(name=KeyName("coinex"), credentials=credentials, permissions=permissions or Permissions())


def patient(
    rest_url: str, ws_url: str, severity: Severity = Severity.FAULT, key: KeyEntry | None = None, proxy: str = ""
) -> Patient:
    settings: dict[str, Any] = {"rest_url": rest_url, "ws_url": ws_url}
    if key is not None:
        settings["credentials"] = key.credentials
    if proxy:
        settings["proxy"] = proxy
    return Patient("coinex", settings, severity, proxy, key)


def at(practice: Practice, key: KeyEntry | None = None) -> Patient:
    return patient(practice.rest_url, practice.ws_url, key=key)


def said(found: list[Finding], words: str) -> Finding:
    (one,) = (each for each in found if words in each.words)
    return one


async def test_a_venue_that_is_there_is_reached_read_and_its_clock_compared(practice: Practice) -> None:
    began = time.monotonic()
    found = await check_venue(at(practice))
    assert time.monotonic() - began < WHOLE
    assert worst_of(found) is Severity.OK
    assert "round trip" in said(found, "instruments read").words
    assert str(practice.port) in said(found, "instruments read").words
    assert said(found, "stream is open")
    assert said(found, "difference").topic is Topic.CLOCK
    assert not any("key" in each.words for each in found), "without one nothing is said of it"


async def test_a_stored_key_is_tried_by_a_signed_read_and_never_shown(practice: Practice) -> None:
    key = key_of(practice)
    found = await check_venue(at(practice, key))
    assert worst_of(found) is Severity.OK
    assert "a signed read in" in said(found, "the key of the account main").words
    wrong = "canary-secret-of-nobody-0123456789"
    refused_key = await check_venue(at(practice, key_of(practice, wrong)))
    assert said(refused_key, "is refused").severity is Severity.FAULT
    assert "pitside keys add coinex" in said(refused_key, "is refused").remedy
    for secret in (practice.api_key, practice.api_secret, wrong):
        assert secret not in f"{found} {refused_key}"


async def test_a_key_that_may_withdraw_is_a_warning_and_one_that_may_only_read_a_note(practice: Practice) -> None:
    risky = await check_venue(at(practice, key_of(practice, permissions=Permissions(withdraw=True))))
    assert said(risky, "may withdraw").severity is Severity.WARNING
    reading = await check_venue(at(practice, key_of(practice, permissions=Permissions(trade=False))))
    assert said(reading, "may only read").severity is Severity.NOTE


@pytest.mark.parametrize(("skew", "severity"), [(0, Severity.OK), (2, Severity.WARNING), (-10, Severity.FAULT)])
async def test_a_clock_that_is_off_is_seen(practice: Practice, skew: int, severity: Severity) -> None:
    found = await check_venue(at(practice), wall=lambda: time.time_ns() - skew * 10**9)
    clock = [each for each in found if each.topic is Topic.CLOCK]
    assert [each.severity for each in clock] == [severity]


async def test_a_stream_that_reads_stand_in_for_is_a_note_and_so_is_what_is_unverified() -> None:
    with served_in_thread("pumpkin", seed=1, rate=0) as practice:
        settings = {"rest_url": practice.rest_url, "ws_url": ""}
        polled = await check_venue(Patient("pumpkin", settings, Severity.FAULT))
        streamed = await check_venue(
            Patient("pumpkin", settings | {"ws_url": practice.ws_url}, Severity.FAULT),
        )
    assert worst_of(polled) is worst_of(streamed) is Severity.NOTE
    assert "made up for: polling" in said(polled, "stream is not open").words
    assert said(streamed, "its stream is open").severity is Severity.OK
    for found in (polled, streamed):
        assert said(found, "readings are inferred, and unverified").remedy == "pitside venues  tells them"


@pytest.mark.parametrize("severity", [Severity.FAULT, Severity.WARNING, Severity.NOTE])
async def test_who_is_not_there_is_as_bad_as_it_is_wanted(severity: Severity) -> None:
    with refused() as nobody:
        (found,) = await check_venue(patient(f"http://{nobody}", f"ws://{nobody}", severity))
    assert (found.severity, found.topic) == (severity, Topic.VENUES)
    assert found.words == f"coinex: {nobody} refuses connections: nothing listens there"


async def test_a_stream_that_can_not_be_had_is_a_fault_of_its_own(practice: Practice) -> None:
    def other(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with listening(other) as elsewhere:
        found = await check_venue(patient(practice.rest_url, f"ws://{elsewhere}/"))
    assert said(found, "instruments read").severity is Severity.OK
    stream = said(found, "stream is not open")
    assert stream.severity is Severity.FAULT
    assert "WebSockets" in stream.remedy


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("502", "status 502"),
        ("html-200", "reached, and not read"),
        ("maintenance", "reached, and not read"),
        ("never-executed", "connected, and no answer within 2 s"),
    ],
)
async def test_a_venue_that_is_reached_and_answers_otherwise(fault: str, words: str) -> None:
    with served_in_thread("coinex", seed=1) as practice:
        practice.faults.switch(fault)
        began = time.monotonic()
        found = await check_venue(at(practice))
        took = time.monotonic() - began
    assert took < WHOLE + _SLACK
    assert worst_of(found) is Severity.FAULT, found
    assert any(words in each.words for each in found), found


async def test_a_certificate_that_is_not_trusted_is_named_and_nothing_is_read() -> None:
    with listening(silent, certified(trustme.CA())) as address:
        (found,) = await check_venue(patient(f"https://{address}", f"wss://{address}/"))
    assert "its certificate is not accepted" in found.words


async def test_a_proxy_that_is_not_there_is_what_is_said() -> None:
    with refused() as nobody:
        (found,) = await check_venue(
            patient("https://api.example.com", "wss://s.example.com", proxy=f"http://{nobody}")
        )
    assert f"the proxy {nobody} refuses connections" in found.words
    assert "api.example.com" not in found.words
    assert "[network]" in found.remedy


async def test_many_that_never_answer_take_as_long_as_one() -> None:
    """5 s for each, all together, whatever they do: accept and say nothing, or never accept."""
    with socket.socket() as full, listening(silent) as mute:
        full.bind((HOST, 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex((HOST, port))
        patients = [
            patient(f"http://{mute}", f"ws://{mute}"),
            patient(f"http://{HOST}:{port}", f"ws://{HOST}:{port}"),
            patient(f"https://{HOST}:{mute.port}", f"wss://{HOST}:{mute.port}"),
        ]
        began = time.monotonic()
        found = await check_venues(patients)
        took = time.monotonic() - began
        for each in waiting:
            each.close()
    assert took < WHOLE
    assert [each.severity for each in found] == [Severity.FAULT] * 3
    assert len({each.words.partition(": ")[2].partition(" ")[2] for each in found}) == 3, "each its own words"


async def test_a_wrong_setting_is_said_and_nothing_opened() -> None:
    (found,) = await check_venue(Patient("coinex", {"rest_url": "http://example.com"}, Severity.FAULT))
    assert found.severity is Severity.FAULT
    assert "https://" in found.words


def test_whom_to_look_at_is_what_is_configured_then_asked_then_everybody() -> None:
    config = Config()
    both = patients_of(("paper", "coinex"), ("coinex",), "main", config, {})
    assert [(one.name, one.severity) for one in both] == [("coinex", Severity.FAULT)]
    asked = patients_of(("paper",), ("coinex", "paper"), "main", config, {})
    assert [(one.name, one.severity) for one in asked] == [("coinex", Severity.WARNING)]
    known = patients_of(("paper",), (), "main", config, {})
    assert [(one.name, one.severity) for one in known] == [(name, Severity.NOTE) for name in real_venues()]
    assert "paper" not in real_venues()


def test_proxy_address_and_key_are_those_of_the_configuration() -> None:
    config = Config(
        network=NetworkSection(proxy="http://proxy:3128"),
        venues={"coinex": VenueSection(rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:1")},
    )
    key = KeyEntry(name=KeyName("coinex", "hedge"), credentials=Credentials("k", "s"))
    (one,) = patients_of(("coinex",), (), "hedge", config, {"coinex": key})
    assert (one.proxy, one.key) == ("http://proxy:3128", key)
    assert one.settings["rest_url"] == "http://127.0.0.1:1"
    assert one.settings["credentials"] == key.credentials
    assert one.settings["account"] == "hedge"


def test_whether_practice_can_be_started_is_a_matter_of_two_packages() -> None:
    (found,) = check_practice()
    assert found.severity is Severity.OK
    assert "coinex" in found.words
