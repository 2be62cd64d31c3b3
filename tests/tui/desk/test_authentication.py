"""What is said of a venue that may not sign rightly, until it does, and when a key is refused meanwhile."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.tui.desk.mode_rig import SETTINGS
from tests.tui.desk.rig import START, Rig, ScriptedVenue, capabilities, ticker, until
from tui.desk import key_words
from tui.desk.authentication import UNPROVEN, refusal_words, unproven_words
from tui.desk.frame import FactKind, LogLine, Severity
from tui.desk.key_entries import KeyEntry, KeyName
from tui.desk.key_trial import Verdict, try_key
from venues.errors import AuthenticationError, MissingCredentials, RequestTimeout
from venues.events import StreamStatus
from venues.model import Balance, Position
from venues.port import Capabilities, Credentials, Mode

SETTINGS_WORDS = "header_prefix, secret_decoding, signed_path or rest_url of [venues.test]"
REFUSED = AuthenticationError("test", "Signature invalid", "401")


def unproven(mode: Mode = Mode.LIVE) -> Capabilities:
    return capabilities(mode=mode, authentication_unverified=True, authentication_settings=SETTINGS)


class InferredVenue(ScriptedVenue):
    """It is proven by the first read that is signed and answered."""

    def __init__(self, mode: Mode = Mode.LIVE) -> None:
        super().__init__(caps=unproven(mode))

    async def fetch_balances(self) -> list[Balance]:
        found = list(await super().fetch_balances())
        self.capabilities = msgspec.structs.replace(self.capabilities, authentication_unverified=False)
        return found


class DeafVenue(InferredVenue):
    """Its account can not be read before it `may` be."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def fetch_positions(self) -> list[Position]:
        await self.may.wait()
        return list(await super().fetch_positions())


def log_of(rig: Rig) -> list[LogLine]:
    frame = rig.store.frame(rig.clock())
    return list(frame.log or ()) if frame is not None else []


def is_unproven(rig: Rig) -> bool:
    return rig.store.venues["test"].capabilities.authentication_unverified


def test_the_words_name_the_settings_and_are_none_where_nothing_is_in_doubt() -> None:
    assert unproven_words("test", capabilities()) == ""
    assert unproven_words("test", unproven()).endswith(f"if a right key is refused, try {SETTINGS_WORDS}")
    bare = msgspec.structs.replace(unproven(), authentication_settings=())
    assert unproven_words("test", bare) == f"{UNPROVEN}: no signed call has succeeded yet"
    assert refusal_words("test", bare, "no") == "no"
    one = msgspec.structs.replace(unproven(), authentication_settings=("prefix",))
    assert refusal_words("test", one, "no").endswith("try prefix of [venues.test]")


def test_a_refusal_is_not_explained_twice_nor_after_a_call_has_succeeded() -> None:
    assert refusal_words("test", unproven(), "no") == (
        f"no; how it signs is inferred: if the key is right, try {SETTINGS_WORDS}"
    )
    told = "no: try header_prefix = x-mayex- in [venues.test]"
    assert refusal_words("test", unproven(), told) == told
    proven = msgspec.structs.replace(unproven(), authentication_unverified=False)
    assert refusal_words("test", proven, "no") == "no"


async def test_a_live_desk_says_it_once_and_takes_it_back_when_the_account_was_read() -> None:
    venue = DeafVenue()
    rig = Rig(venue)
    await rig.session.open()
    try:
        await until(lambda: venue.called("fetch_open_orders") == 1)
        assert is_unproven(rig)
        said = [line for line in log_of(rig) if UNPROVEN in line.text]
        assert [(line.severity, SETTINGS_WORDS in line.text) for line in said] == [(Severity.WARNING, True)]
        venue.may.set()
        await until(lambda: rig.session.links["test"].is_reconciled)
        assert not is_unproven(rig)
        told = [line for line in log_of(rig) if "it signs rightly" in line.text]
        assert [line.severity for line in told] == [Severity.GOOD]
    finally:
        await rig.session.aclose()


@pytest.mark.parametrize("mode", [Mode.PRACTICE, Mode.PAPER])
async def test_where_nothing_is_real_nothing_is_logged_of_it(mode: Mode) -> None:
    async with Rig(InferredVenue(mode)) as rig:
        assert not [line for line in log_of(rig) if UNPROVEN in line.text]


async def test_what_a_venue_finds_out_later_is_shown_with_its_data() -> None:
    venue = ScriptedVenue(caps=capabilities(mode=Mode.LIVE))
    async with Rig(venue) as rig:
        venue.capabilities = msgspec.structs.replace(venue.capabilities, order_life=60.0)
        await rig.tell(StreamStatus("test", rig.store.venues["test"].state, ts_event=START))
        assert rig.store.venues["test"].capabilities.order_life is None, "no data has come"
        rig.clock.pass_seconds(1)
        await rig.tell(ticker())
        assert rig.store.venues["test"].capabilities.order_life == 60.0


async def test_a_key_that_is_refused_meanwhile_is_a_fault_that_names_the_settings() -> None:
    venue = InferredVenue()
    venue.faults["fetch_open_orders"] = [REFUSED]
    rig = Rig(venue)
    await rig.session.open()
    try:
        await until(lambda: bool(rig.session.links["test"].fault))
        assert rig.store.venues["test"].fault.endswith(SETTINGS_WORDS)
        (fact,) = [one for one in rig.facts if one.kind is FactKind.CONFIGURATION]
        assert "Signature invalid" in fact.text and SETTINGS_WORDS in fact.text
        assert rig.session.links["test"].is_refused
    finally:
        await rig.session.aclose()


def entry() -> KeyEntry:
    return KeyEntry(name=KeyName("test", "main"), credentials=Credentials("key-1234", "secret-1234"))


@pytest.mark.parametrize(
    ("error", "verdict", "is_named"),
    [
        (REFUSED, Verdict.REFUSED, True),
        (RequestTimeout("test", "no answer"), Verdict.UNTESTED, False),
        (MissingCredentials("test", "no key"), Verdict.UNUSABLE, False),
    ],
)
async def test_a_test_of_a_key_names_the_settings_where_the_key_was_refused(
    error: Exception, verdict: Verdict, is_named: bool
) -> None:
    venue = InferredVenue()
    venue.faults["fetch_balances"] = [error]
    trial = await try_key(entry(), lambda _: venue)
    assert trial.verdict is verdict
    assert (SETTINGS_WORDS in key_words.tested_words(entry(), trial)) is is_named


async def test_a_test_that_passes_says_nothing_of_settings() -> None:
    trial = await try_key(entry(), lambda _: InferredVenue())
    assert trial.verdict is Verdict.WORKS
    assert "inferred" not in key_words.tested_words(entry(), trial)
