"""Keys at the start of a desk: nothing is asked for nothing, and whatever is not read is said with its remedy."""

from __future__ import annotations

from tests.tui.desk.key_rig import LOCKED, MAIN, OPEN, OTHER_KEY, OTHER_SECRET, WRONG, MemoryVault, entry_of
from tui.desk.key_entries import KeyName, KeyringCode, KeyringState
from tui.unlocking import TRIES, Unlocked, keys_for, unlocked
from venues.port import Credentials
from venues.secret import Secret

PASSWORD = "open sesame"
KEY = entry_of(Credentials(OTHER_KEY, OTHER_SECRET))
ABSENT = KeyringState(
    code=KeyringCode.FILE_ABSENT, words="there is no file yet", needs_password=True, creates=True
)
GONE = KeyringState(code=KeyringCode.NO_DAEMON, words="nothing keeps keys here", remedy="install something")


class Person:
    """Answers one question after the other; None is Enter alone."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = iter(answers)
        self.asked: list[tuple[KeyringState, str]] = []

    def __call__(self, state: KeyringState, otherwise: str) -> Secret | None:
        self.asked.append((state, otherwise))
        answer = next(self._answers)
        return None if answer is None else Secret(answer)


def notice_of(state: KeyringState) -> str:
    return f"no key of coinex main was read: {state.words}; its password opens it, by K in the desk"


def test_a_desk_whose_venues_have_no_key_opens_and_asks_nothing() -> None:
    vault, person = MemoryVault(KEY, password=PASSWORD), Person()
    assert keys_for([], vault, ask=person) == Unlocked()
    assert keys_for([KeyName("coinex", "other")], vault, ask=person) == Unlocked()
    assert vault.opened == 0 and not person.asked


def test_what_is_open_is_read_without_a_question() -> None:
    person = Person()
    found = keys_for([MAIN, KeyName("coinex", "other"), MAIN], MemoryVault(KEY), ask=person)
    assert found == Unlocked(entries={MAIN: KEY}) and not person.asked


def test_what_is_locked_is_asked_for_until_the_password_is_right() -> None:
    person = Person("guess", PASSWORD)
    found = keys_for([MAIN], MemoryVault(KEY, password=PASSWORD), ask=person)
    assert found == Unlocked(entries={MAIN: KEY})
    assert [state for state, _ in person.asked] == [LOCKED, WRONG]
    assert all("Enter alone goes on without keys" in otherwise for _, otherwise in person.asked)


def test_three_wrong_passwords_are_enough() -> None:
    person = Person(*["guess"] * (TRIES + 1))
    found = keys_for([MAIN], MemoryVault(KEY, password=PASSWORD), ask=person)
    assert len(person.asked) == TRIES
    assert found.entries == {} and found.notices == [notice_of(WRONG)]


def test_enter_alone_and_nobody_to_ask_go_on_without() -> None:
    vault = MemoryVault(KEY, password=PASSWORD)
    assert keys_for([MAIN], vault, ask=Person(None)) == Unlocked(notices=[notice_of(LOCKED)])
    assert keys_for([MAIN], vault, ask=None) == Unlocked(notices=[notice_of(LOCKED)])


def test_where_no_password_helps_none_is_asked_for() -> None:
    remedies = {ABSENT: "add it again with  pitside keys add", GONE: GONE.remedy}
    for state, remedy in remedies.items():
        vault, person = MemoryVault(KEY), Person()
        vault.fault = state
        found = keys_for([MAIN], vault, ask=person)
        assert not person.asked
        assert found.notices == [f"no key of coinex main was read: {state.words}; {remedy}"]


def test_a_key_that_is_listed_and_not_there_is_said() -> None:
    vault = MemoryVault()
    vault.listed = [MAIN]
    found = keys_for([MAIN], vault, ask=Person())
    assert found.entries == {}
    (notice,) = found.notices
    assert notice.startswith(
        "the key of coinex main is not where it was stored: add it again with  pitside keys add"
    )


def test_the_place_is_opened_or_made_before_anything_is_to_be_stored() -> None:
    vault = MemoryVault(password=PASSWORD)
    assert unlocked(vault, ABSENT, Person(PASSWORD)) == (Secret(PASSWORD), OPEN)
    assert unlocked(vault, LOCKED, Person("guess", PASSWORD)) == (Secret(PASSWORD), OPEN)
    assert unlocked(vault, LOCKED, Person(None)) == (None, LOCKED)
    assert unlocked(vault, LOCKED, Person(*["guess"] * TRIES)) == (None, WRONG)
    vault.fault = GONE
    assert unlocked(vault, LOCKED, Person("guess")) == (None, GONE)
