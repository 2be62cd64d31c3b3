"""The twelve states of the place where keys are kept, by the real daemons: each says its own, in time, quietly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import pytest

from tests.keyring.asking import ask, ask_at_terminal
from tests.keyring.buses import (
    make_collection,
    plaintext_backend,
    plaintext_store,
    session_bus,
    silent_prompter,
    stale_address,
    unlock,
    without_daemons,
)
from tests.keyring.people import Person
from tui.desk.key_entries import KeyringCode

pytestmark = pytest.mark.timeout(60)

PASSWORD, WRONG = "a password of five words", "another password"
FORCED = {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
# What a session bus that the test started may still have running when the vault has answered.
OF_THE_BUS = {"dbus-daemon", "gnome-keyring-daemon"}


class Met(NamedTuple):
    """What a state consists of: the environment, and what is asked for in it."""

    environment: dict[str, str]
    wish: dict[str, Any]


STATE: dict[str, Any] = {"do": "state"}
WRITE: dict[str, Any] = {"do": "write", "venue": "coinex", "key": "KEYKEYKEYKEY", "secret": "SECRETSECRET"}


@contextmanager
def no_bus(person: Person) -> Iterator[Met]:
    yield Met({}, STATE)


@contextmanager
def forced_without_bus(person: Person) -> Iterator[Met]:
    yield Met(FORCED, STATE)


@contextmanager
def stale_bus(person: Person) -> Iterator[Met]:
    yield Met({"DBUS_SESSION_BUS_ADDRESS": stale_address(person)}, STATE)


@contextmanager
def no_collection(person: Person) -> Iterator[Met]:
    with session_bus(person) as bus:
        yield Met(bus.environment, STATE)


@contextmanager
def locked(person: Person) -> Iterator[Met]:
    make_collection(person, PASSWORD)
    with session_bus(person) as bus:
        yield Met(bus.environment, STATE)


@contextmanager
def wrong_password(person: Person) -> Iterator[Met]:
    with locked(person) as met:
        yield Met(met.environment, STATE | {"password": WRONG})


@contextmanager
def unanswered_prompt(person: Person) -> Iterator[Met]:
    make_collection(person, PASSWORD)
    with session_bus(person) as bus, silent_prompter(person, bus) as asked:
        yield Met(bus.environment, WRITE)
    assert "BeginPrompting" in asked


@contextmanager
def no_daemon(person: Person) -> Iterator[Met]:
    with session_bus(person, is_barren=True) as bus:
        yield Met(bus.environment | without_daemons(person), STATE)


@contextmanager
def plaintext_only(person: Person) -> Iterator[Met]:
    with no_daemon(person) as met:
        yield Met(met.environment | plaintext_backend(person), WRITE)
    assert not plaintext_store(person).exists()


@contextmanager
def file_open(person: Person) -> Iterator[Met]:
    ask(person, {}, {**WRITE, "store": "file", "password": PASSWORD})
    yield Met({}, {**STATE, "store": "file", "password": PASSWORD})


@contextmanager
def file_denied(person: Person) -> Iterator[Met]:
    with file_open(person) as met:
        yield Met({}, met.wish | {"password": WRONG})


@contextmanager
def ready(person: Person) -> Iterator[Met]:
    with session_bus(person) as bus:
        unlock(person, bus, PASSWORD)
        yield Met(bus.environment, STATE)


class Case(NamedTuple):
    """A state, and words that its message has and no other one's."""

    meet: Callable[[Person], AbstractContextManager[Met]]
    says: str
    needs_password: bool = False
    creates: bool = False


CASES = {
    KeyringCode.NO_BUS: Case(
        no_bus, "no D-Bus session bus, as is usual over SSH", needs_password=True, creates=True
    ),
    KeyringCode.FORCED_WITHOUT_BUS: Case(
        forced_without_bus, "but there is no D-Bus session bus", needs_password=True, creates=True
    ),
    KeyringCode.STALE_BUS: Case(stale_bus, "a session bus that is gone", needs_password=True, creates=True),
    KeyringCode.NO_COLLECTION: Case(no_collection, "has no keyring yet", needs_password=True, creates=True),
    KeyringCode.LOCKED: Case(locked, "'Login' is locked", needs_password=True),
    KeyringCode.DENIED: Case(wrong_password, "not the password of the keyring", needs_password=True),
    KeyringCode.UNANSWERED_PROMPT: Case(unanswered_prompt, "nobody answered within", needs_password=True),
    KeyringCode.NO_DAEMON: Case(no_daemon, "no Secret Service is installed"),
    KeyringCode.PLAINTEXT_ONLY: Case(plaintext_only, "PlaintextKeyring, which keeps keys in clear: refused"),
    KeyringCode.FILE_OPEN: Case(file_open, "opens with this password"),
    KeyringCode.FILE_DENIED: Case(file_denied, "not the password of the encrypted file", needs_password=True),
    KeyringCode.READY: Case(ready, "is unlocked and works"),
}


@pytest.mark.parametrize("code", CASES, ids=str)
def test_each_state_says_its_own_in_time_and_quietly(code: KeyringCode, person: Person) -> None:
    case = CASES[code]
    with case.meet(person) as met:
        before = set(person.running())
        # Every answer is held to five seconds in there.
        answer, written = ask_at_terminal(person, met.environment, met.wish)
        left = set(person.running())
    assert answer.code == code
    assert written == b""
    assert left <= (before | OF_THE_BUS if before else set())
    assert person.running() == []
    assert [other for other, each in CASES.items() if each.says in answer.words] == [code]
    assert (answer.needs_password, answer.creates) == (case.needs_password, case.creates)
    # A state in which keys can not be had says what to do.
    assert bool(answer.remedy) != (code in {KeyringCode.READY, KeyringCode.FILE_OPEN})
