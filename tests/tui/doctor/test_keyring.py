"""What is said of each state of the keyring, and which keys are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tui.desk.key_entries import KeyEntry, KeyName, KeyringCode, KeyringFault, KeyringState
from tui.doctor.findings import Severity
from tui.doctor.keyring import check_index, check_keyring
from venues.port import Credentials

MAIN, HEDGE = KeyName("coinex"), KeyName("coinex", "hedge")
READY = KeyringState(code=KeyringCode.READY, words="the keyring is open")


def entry(name: KeyName) -> KeyEntry:
    return KeyEntry(name=name, credentials=Credentials("canary-key", "canary-secret"))


class Shelf:
    """Keys in memory, in a keyring whose state is given."""

    def __init__(self, state: KeyringState, *names: KeyName, missing: Sequence[KeyName] = ()) -> None:
        self._state = state
        self._entries = {name: entry(name) for name in names if name not in missing}
        self._names = list(names)
        self.was_read: list[KeyName] = []

    def names(self) -> list[KeyName]:
        return self._names

    def state(self) -> KeyringState:
        return self._state

    def read(self, names: Sequence[KeyName]) -> Mapping[KeyName, KeyEntry]:
        self.was_read += names
        if not self._state.is_open:
            raise KeyringFault(self._state)
        return {name: self._entries[name] for name in names if name in self._entries}


def state_of(code: KeyringCode, *, needs_password: bool = False) -> KeyringState:
    return KeyringState(code=code, words=f"it is {code}", remedy="do this", needs_password=needs_password)


@pytest.mark.parametrize(
    ("code", "needs_password", "without_keys", "with_keys"),
    [
        (KeyringCode.READY, False, "ok", "ok"),
        (KeyringCode.FILE_OPEN, False, "ok", "ok"),
        (KeyringCode.NO_BUS, True, "note", "note"),
        (KeyringCode.NO_COLLECTION, True, "note", "note"),
        (KeyringCode.LOCKED, True, "note", "note"),
        (KeyringCode.LOCKED, False, "note", "note"),
        (KeyringCode.FILE_LOCKED, True, "note", "note"),
        (KeyringCode.NO_DAEMON, False, "warning", "fault"),
        (KeyringCode.PLAINTEXT_ONLY, False, "warning", "fault"),
        (KeyringCode.REFUSED_BACKEND, False, "warning", "fault"),
        (KeyringCode.NO_ANSWER, False, "warning", "fault"),
        (KeyringCode.BROKEN, False, "warning", "fault"),
    ],
)
def test_each_state_is_one_finding_with_its_own_words_and_remedy(
    code: KeyringCode, needs_password: bool, without_keys: str, with_keys: str
) -> None:
    state = state_of(code, needs_password=needs_password)
    for names, severity in (((), without_keys), ((HEDGE,), with_keys)):
        (found, _), _ = check_keyring(Shelf(state, *names), "main")
        assert (found.severity, found.words) == (Severity(severity), f"it is {code}")
        assert found.remedy.startswith("do this")
        assert ("not asked for here" in found.remedy) is needs_password


def test_keys_are_counted_and_named_and_nothing_of_them_is_shown() -> None:
    found, keys = check_keyring(Shelf(READY, HEDGE, MAIN), "main")
    assert found[1].words == "2 keys are stored: coinex hedge, coinex main"
    assert "canary" not in f"{found} {keys}"
    (_, none), _ = check_keyring(Shelf(READY), "main")
    assert none.severity is Severity.NOTE
    assert "pitside keys add" in none.remedy


def test_only_the_keys_of_the_desks_account_are_read_and_only_from_an_open_keyring() -> None:
    shelf = Shelf(READY, HEDGE, MAIN)
    _, keys = check_keyring(shelf, "hedge")
    assert (shelf.was_read, list(keys)) == ([HEDGE], ["coinex"])
    assert keys["coinex"].name == HEDGE
    shut = Shelf(state_of(KeyringCode.LOCKED, needs_password=True), MAIN)
    assert check_keyring(shut, "main").keys == {}
    assert shut.was_read == [], "that would ask for the password"


def test_a_key_that_is_listed_and_not_there_is_a_fault() -> None:
    found, keys = check_keyring(Shelf(READY, HEDGE, missing=[HEDGE]), "hedge")
    assert keys == {}
    assert (found[-1].severity, found[-1].remedy) == (Severity.FAULT, "pitside keys add coinex --account hedge")


def test_a_list_that_can_not_be_read_is_a_fault() -> None:
    class Torn(Shelf):
        def names(self) -> list[KeyName]:
            raise KeyringFault(state_of(KeyringCode.BROKEN))

    found, keys = check_keyring(Torn(READY), "main")
    assert [each.severity for each in found] == [Severity.FAULT]
    assert keys == {}


def test_a_list_that_is_torn_is_said_although_it_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert check_index(path) == []
    path.write_text('{"keyring": []}')
    assert check_index(path) == []
    path.write_text('{"keyring"')
    (found,) = check_index(path)
    assert found.severity is Severity.WARNING
    assert str(path) in found.words
