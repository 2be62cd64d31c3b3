"""Keys are stored, read back in a new process, rotated and deleted, and are nowhere to be seen meanwhile."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from tests.keyring.asking import Answer, Wish, ask
from tests.keyring.buses import (
    Bus,
    make_collection,
    plaintext_backend,
    plaintext_store,
    secret_tool,
    session_bus,
    unlock,
)
from tests.keyring.people import Lookout, Person
from tui.desk.key_entries import KeyringCode

pytestmark = pytest.mark.timeout(90)

PASSWORD, WRONG = "a password of five words", "another password"
KEY, SECRET, PASSPHRASE = "canary-key-0123456789", "canary-secret-0123456789", "canary-passphrase-01"
NEW = {"key": "canary-key-9876543210", "secret": "canary-secret-9876543210"}
OTHER = {"account": "hedge", "key": "canary-key-of-hedge-1", "secret": "canary-secret-of-hedge-1"}
HIDDEN = (PASSWORD, WRONG, KEY, SECRET, PASSPHRASE, *NEW.values(), OTHER["key"], OTHER["secret"])
READ: Wish = {"do": "read", "accounts": ["main", "hedge"]}
WRITE: Wish = {"do": "write", "key": KEY, "secret": SECRET}
# As it is, and as keyrings that are none write it.
NEEDLES = tuple(word.encode() for word in HIDDEN) + tuple(base64.b64encode(word.encode())[:-4] for word in HIDDEN)


@dataclass(frozen=True)
class Place:
    """Where keys are kept, and how it is opened; `stays` are the programs that remain when an answer was given."""

    person: Person
    store: str = "keyring"
    environment: dict[str, str] = field(default_factory=dict)
    password: str | None = PASSWORD
    stays: frozenset[str] = frozenset()
    bus: Bus | None = None

    def ask(self, *wishes: Wish) -> list[Answer]:
        """Asks in a new process, which leaves none behind."""
        always = {"store": self.store, "password": self.password, "venue": "coinex"}
        answers = ask(self.person, self.environment, *({**always, **wish} for wish in wishes))
        assert set(self.person.running()) <= self.stays
        return answers

    def ask_one(self, do: str, **wish: Any) -> Answer:
        """Asks one thing in a new process."""
        [answer] = self.ask({"do": do, **wish})
        return answer


OF_A_BUS = frozenset({"dbus-daemon", "gnome-keyring-daemon"})


@contextmanager
def session_without_bus(person: Person) -> Iterator[Place]:
    yield Place(person)


@contextmanager
def locked_on_a_bus(person: Person) -> Iterator[Place]:
    make_collection(person, PASSWORD)
    with session_bus(person) as bus:
        yield Place(person, environment=bus.environment, stays=OF_A_BUS, bus=bus)


@contextmanager
def new_on_a_bus(person: Person) -> Iterator[Place]:
    with session_bus(person) as bus:
        yield Place(person, environment=bus.environment, stays=OF_A_BUS, bus=bus)


@contextmanager
def unlocked_on_a_bus(person: Person) -> Iterator[Place]:
    with session_bus(person) as bus:
        unlock(person, bus, PASSWORD)
        yield Place(person, environment=bus.environment, password=None, stays=OF_A_BUS, bus=bus)


@contextmanager
def encrypted_file(person: Person) -> Iterator[Place]:
    yield Place(person, store="file", environment=plaintext_backend(person))


Open: TypeAlias = Callable[[Person], AbstractContextManager[Place]]


def in_each(*places: Open) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("open_place", places, ids=lambda place: place.__name__)


@in_each(session_without_bus, locked_on_a_bus, unlocked_on_a_bus, encrypted_file)
def test_stored_read_back_rotated_and_deleted(open_place: Open, person: Person) -> None:
    with open_place(person) as place, Lookout(person, *NEEDLES) as lookout:
        before = time.time_ns()
        assert not place.ask_one(**WRITE, passphrase=PASSPHRASE).fault
        read, other, new = place.ask(READ, {**WRITE, **OTHER}, {**WRITE, **NEW})
        kept = read.keys["main"]
        assert (kept.key, kept.secret, kept.passphrase) == (KEY, SECRET, PASSPHRASE)
        assert (kept.trade, kept.withdraw) == (True, False)
        assert before <= kept.created_at <= time.time_ns()
        assert not other.fault and not new.fault

        both, names = place.ask(READ, {"do": "names"})
        assert names.names == ["coinex hedge", "coinex main"]
        found = {account: (kept.key, kept.secret, kept.passphrase) for account, kept in both.keys.items()}
        assert found == {
            "main": (NEW["key"], NEW["secret"], ""),
            "hedge": (OTHER["key"], OTHER["secret"], ""),
        }
        if place.bus is not None:
            named = ("service", "pitside/coinex", "username", "main")
            assert NEW["secret"] in secret_tool(person, place.bus, "search", "--all", *named).out.decode()

        assert place.ask_one("remove").removed
        left, names = place.ask(READ, {"do": "names"})
        assert list(left.keys) == ["hedge"]
        assert names.names == ["coinex hedge"]
    assert not lookout.sightings
    assert lookout.looked_at["python"] > 10
    assert [path for needle in NEEDLES for path in person.files_with(needle)] == []
    assert not plaintext_store(person).exists()
    assert person.running() == []


@in_each(session_without_bus, locked_on_a_bus, encrypted_file)
def test_a_wrong_password_changes_nothing(open_place: Open, person: Person) -> None:
    with open_place(person) as place:
        denied = KeyringCode.FILE_DENIED if place.store == "file" else KeyringCode.DENIED
        # On a bus the right password would open the keyring for as long as the bus lives.
        is_there = place.bus is None
        if is_there:
            assert not place.ask_one(**WRITE).fault
        refused = place.ask_one(**{**WRITE, **NEW, "password": WRONG})
        assert (refused.fault, refused.code, refused.needs_password) == (True, denied, True)
        read = place.ask_one(**READ)
        assert not read.fault
        assert [kept.key for kept in read.keys.values()] == ([KEY] if is_there else [])


@in_each(session_without_bus, new_on_a_bus, locked_on_a_bus)
def test_without_the_password_it_is_asked_for(open_place: Open, person: Person) -> None:
    with open_place(person) as place:
        refused, written, read = place.ask({**WRITE, "password": None}, WRITE, READ)
        assert (refused.fault, refused.needs_password) == (True, True)
        assert refused.creates == (open_place is not locked_on_a_bus)
        assert not written.fault
        assert list(read.keys) == ["main"]
