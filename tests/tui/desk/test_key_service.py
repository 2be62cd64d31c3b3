"""A key is tried before it is kept, nothing is lost by trying, and the running desk hears of what works."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.tui.desk.key_rig import (
    CANARIES,
    LOCKED,
    MAIN,
    NOW,
    OTHER_KEY,
    OTHER_SECRET,
    WRONG,
    Desk,
    MemoryVault,
    Rig,
    Telling,
    entry_of,
    spoken,
    wrong_secret,
)
from tui.desk.key_control import NewKey
from tui.desk.key_entries import KeyEntry, KeyName
from tui.desk.key_service import keyed_venues
from venues.coinex.settings import Settings
from venues.errors import ConfigurationError, RequestTimeout, VenueError
from venues.port import Credentials, Permissions, Venue
from venues.secret import Secret
from venues.simulators.serving import Practice, served_in_thread

SECOND = KeyName("coinex", "second")
NOBODYS = Credentials(OTHER_KEY, OTHER_SECRET)


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", rate=0.0) as served:
        yield served


@pytest.fixture
def rig(practice: Practice) -> Iterator[Rig]:
    practice.faults.heal()
    yield Rig(practice, MemoryVault(), Desk())
    practice.faults.heal()


def holding(practice: Practice, credentials: Credentials, *in_use: KeyName) -> Rig:
    """A service that has stored a key already."""
    return Rig(practice, MemoryVault(entry_of(credentials)), Desk(*in_use))


async def test_a_key_that_works_is_stored_and_used_at_once(rig: Rig) -> None:
    report = await rig.add(rig.good())
    assert report.is_done and not report.is_refused and not report.warning
    assert report.words == (
        "coinex main: tested and stored; coinex does not tell whether a key may withdraw: make it without the "
        "right to withdraw; the desk heard of coinex main"
    )
    assert rig.stored() == KeyEntry(name=MAIN, credentials=rig.good(), created_at=NOW)
    assert rig.desk.told == [(MAIN, rig.good())]


@pytest.mark.parametrize(
    ("is_key_known", "remedy"),
    [(True, "the secret does not belong to the key"), (False, "give a new one ten minutes")],
)
async def test_a_key_that_is_refused_is_not_stored_and_its_remedy_is_said(
    rig: Rig, is_key_known: bool, remedy: str
) -> None:
    report = await rig.add(wrong_secret(rig.practice) if is_key_known else NOBODYS)
    assert report.is_refused and not report.is_done
    assert remedy in report.words and "nothing was stored" in report.words
    assert rig.stored() is None and rig.vault.opened == 0 and not rig.desk.told
    assert not any(canary in spoken(report) for canary in CANARIES)


async def test_a_rotation_that_is_refused_leaves_the_older_key(rig: Rig) -> None:
    older = holding(rig.practice, rig.good(), MAIN)
    report = await older.add(NOBODYS)
    assert report.is_refused and "the key that is stored stays as it is" in report.words
    assert older.stored() == entry_of(rig.good())
    assert not older.desk.told


async def test_a_rotation_that_works_takes_its_place(rig: Rig) -> None:
    older = holding(rig.practice, NOBODYS, MAIN)
    report = await older.add(rig.good())
    assert report.is_done and "stored in the place of the older one" in report.words
    assert older.stored() == KeyEntry(name=MAIN, credentials=rig.good(), created_at=NOW)
    assert older.desk.told == [(MAIN, rig.good())]


async def test_a_new_key_that_the_venue_does_not_take_yet_waits_for_a_test(rig: Rig) -> None:
    older = holding(rig.practice, NOBODYS, MAIN)
    rig.practice.faults.switch("auth-refused")
    report = await older.add(rig.good(), is_untested=True)
    assert report.is_done and "although coinex does not take it" in report.words
    assert "the desk goes on with the older one until a test of it passes" in report.words
    assert older.stored() == KeyEntry(name=MAIN, credentials=rig.good(), created_at=NOW)

    refused = await older.service.test(MAIN)
    assert refused.is_refused and not refused.is_done and not older.desk.told
    rig.practice.faults.heal()
    works = await older.service.test(MAIN)
    assert works.is_done and older.desk.told == [(MAIN, rig.good())]
    await older.service.test(MAIN)
    assert len(older.desk.told) == 1, "once it is in use, a test only tests"


async def test_a_key_is_stored_untested_where_the_venue_can_not_be_reached(rig: Rig) -> None:
    rig.practice.faults.switch("refuse")
    report = await rig.add(rig.good())
    assert report.is_done and "coinex main: stored, not tested: " in report.words
    assert rig.stored() is not None and rig.desk.told, "nothing else is in use"

    older = holding(rig.practice, NOBODYS, MAIN)
    report = await older.add(rig.good())
    assert report.is_done and not older.desk.told, "what works is not given up for what nobody tried"
    assert "the desk goes on with the older one" in report.words


async def test_a_venue_that_never_answers_is_not_waited_for(practice: Practice) -> None:
    quick = Rig(practice, MemoryVault(), Desk(), patience=0.2)
    practice.faults.switch("never-executed")
    try:
        report = await quick.add(quick.good())
    finally:
        practice.faults.heal()
    assert report.is_done and "not tested: no answer within 0.2 s" in report.words
    assert quick.stored() is not None


async def test_what_the_venue_quotes_of_a_key_is_masked_and_harmless(rig: Rig) -> None:
    def quote(entry: KeyEntry) -> Venue:
        raise ConfigurationError("coinex", f"bad\x1b[31m {OTHER_KEY} and {OTHER_SECRET.lower()}\r\n", "7")

    rig.make = quote
    report = await rig.add(NOBODYS, is_untested=True)
    assert not report.is_done and not report.is_refused and rig.stored() is None
    assert "the venue can not be opened: bad\ufffd[31m *** and ***" in report.words
    assert report.words.isprintable()
    assert not any(canary.lower() in spoken(report).lower() for canary in CANARIES)


async def test_a_key_that_may_withdraw_is_warned_of(rig: Rig) -> None:
    rig.tells = Permissions(trade=True, withdraw=True, told_by="the venue")
    report = await rig.add(rig.good())
    assert report.is_done and "it may trade" in report.words
    for word in ("coinex main may WITHDRAW", "empty the account", "without the right to withdraw", "IP address",
                 "refuses to arm", "allow_withdrawal = true"):  # fmt: skip
        assert word in report.warning
    stored = rig.stored()
    assert stored is not None and stored.permissions == rig.tells
    assert (await rig.service.test(MAIN)).warning == report.warning


@pytest.mark.parametrize(("is_told", "told_by"), [(True, "the venue"), (False, "you")])
async def test_a_key_that_only_reads_makes_the_venue_read_only(rig: Rig, is_told: bool, told_by: str) -> None:
    rig.tells = Permissions(trade=not is_told, withdraw=False, told_by="the venue")
    report = await rig.add(rig.good(), is_read_only=not is_told)
    assert report.is_done and "the venue will be READ-ONLY" in report.words
    assert "it may not withdraw" in report.words
    stored = rig.stored()
    assert stored is not None and not stored.may_trade and stored.permissions.told_by == told_by
    assert rig.venue_of(stored).capabilities.mode == "READ-ONLY"


async def test_what_its_owner_said_outlasts_what_the_venue_tells(rig: Rig) -> None:
    await rig.add(rig.good(), is_read_only=True)
    rig.tells = Permissions(trade=True, withdraw=True, told_by="the venue")
    report = await rig.service.test(MAIN)
    stored = rig.stored()
    assert stored is not None and stored.permissions == Permissions(trade=False, withdraw=True, told_by="you")
    assert "you said that it is for reading only" in report.words and "WITHDRAW" in report.warning


async def test_rights_that_can_not_be_read_do_not_make_a_key_a_bad_one(rig: Rig) -> None:
    rig.tells = RequestTimeout("coinex", "too slow")
    report = await rig.add(rig.good())
    assert report.is_done and "does not tell whether a key may withdraw (too slow)" in report.words


async def test_whatever_a_test_says_its_venue_is_closed(rig: Rig) -> None:
    for credentials in (rig.good(), NOBODYS):
        await rig.add(credentials)
    for venue in rig.opened:
        with pytest.raises(VenueError, match="closed"):
            await venue.connect()
    assert len(rig.opened) == 2


async def test_a_locked_place_is_reported_and_opens_with_its_password(rig: Rig) -> None:
    rig.vault.password = "open sesame"
    wanted = NewKey(name=MAIN, credentials=rig.good())
    report = await rig.service.add(wanted)
    assert not report.is_done and report.state == LOCKED and report.words == LOCKED.sentence
    assert (await rig.service.add(wanted, Secret("guess"))).state == WRONG
    assert rig.stored() is None and not rig.desk.told
    password = Secret("open sesame")
    assert (await rig.service.add(wanted, password)).is_done
    for do in (rig.service.test, rig.service.remove):
        assert (await do(MAIN)).state == LOCKED
    assert (await rig.service.test(MAIN, password)).is_done
    assert (await rig.service.remove(MAIN, password)).is_done


@pytest.mark.parametrize("meanwhile", ["rotated", "removed"])
async def test_what_happens_to_a_key_while_it_is_tested_is_not_undone(practice: Practice, meanwhile: str) -> None:
    older = Credentials(practice.api_key, practice.api_secret)
    rig = holding(practice, older)
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(Telling):
        async def fetch_permissions(self) -> Permissions:
            asked.set()
            await answer.wait()
            return Permissions(trade=True, withdraw=False, told_by="the venue")

    rig.make = lambda entry: Slow(Settings(**rig.settings(entry)))
    test = asyncio.ensure_future(rig.service.test(MAIN))
    await asked.wait()
    rig.make = rig.venue_of
    if meanwhile == "rotated":
        assert (await rig.add(older)).is_done  # of a later day: the exchange knows one key only
    else:
        assert (await rig.service.remove(MAIN)).is_done
    kept = rig.stored()
    answer.set()
    assert "replaced or removed meanwhile" in (await test).words
    assert rig.stored() == kept
    assert kept is None or kept.created_at == NOW


async def test_a_key_by_which_a_desk_would_lose_sight_of_orders_is_not_stored(practice: Practice) -> None:
    rig = holding(practice, NOBODYS, MAIN)

    async def compare(entry: KeyEntry) -> str:
        assert entry.credentials == rig.good()
        return "the new key seems to be of another account"

    rig.service.compare = compare
    report = await rig.add(rig.good())
    assert not report.is_done and "seems to be of another account; nothing was stored" in report.words
    stored = rig.stored()
    assert stored is not None and stored.credentials == NOBODYS
    assert rig.desk.told == []


async def test_the_list_shows_how_each_begins_and_no_more(rig: Rig) -> None:
    rig.vault = MemoryVault(entry_of(NOBODYS, SECOND), entry_of(rig.good()), password="open sesame")
    rig.service.vault = rig.vault
    rig.vault.listed.append(KeyName("coinex", "gone"))
    rig.desk.keys.add(MAIN)

    locked = await rig.service.list()
    assert locked.state == LOCKED and rig.vault.opened == 0
    assert [(str(row.name), row.masked, row.is_in_use) for row in locked.rows] == [
        ("coinex gone", "", False), ("coinex main", "", True), ("coinex second", "", False),
    ]  # fmt: skip

    view = await rig.service.list(Secret("open sesame"))
    gone, main, second = view.rows
    assert view.state.is_open and (gone.masked, gone.created_at) == ("", 0)
    assert main.masked == f"{rig.practice.api_key[:4]}…" and main.created_at == NOW - 1 and main.is_in_use
    assert second.masked == "ACCE…"
    assert not any(canary in repr(view) for canary in CANARIES)
    assert ("coinex", ["key", "secret"]) in [
        (name, [field.attribute for field in fields]) for name, fields in view.venues
    ]
    assert view.venues == keyed_venues()


async def test_removing_tells_the_desk(rig: Rig) -> None:
    older = holding(rig.practice, rig.good(), MAIN)
    report = await older.service.remove(MAIN)
    assert report.is_done and report.words == "coinex main: removed; the desk heard of coinex main"
    assert older.stored() is None and older.desk.told == [(MAIN, None)]
    again = await older.service.remove(MAIN)
    assert not again.is_done and again.words == "there is no key of coinex main" and len(older.desk.told) == 1
    assert not (await older.service.test(MAIN)).is_done


async def test_stored_keys_are_used_where_a_venue_lacks_one(rig: Rig) -> None:
    vault = MemoryVault(entry_of(rig.good()), entry_of(NOBODYS, SECOND))
    asked = Rig(rig.practice, vault, Desk())
    asked.service.lacking = lambda: {MAIN}
    report = await asked.service.use()
    assert report.is_done and asked.desk.told == [(MAIN, rig.good())]
    assert report.words == "the desk heard of coinex main"
    again = await asked.service.use()
    assert not again.is_done and "no key is stored that" in again.words
    assert vault.opened == 1, "nothing is opened for nothing"


async def test_a_desk_that_can_not_take_a_key_over_is_told_of(rig: Rig) -> None:
    rig.desk.failure = ConfigurationError("coinex", f"no room for {rig.practice.api_secret}")
    report = await rig.add(rig.good())
    assert report.is_done and rig.stored() is not None
    assert report.words.endswith("the desk could not take it over: no room for ***")
