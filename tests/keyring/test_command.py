"""`pitside keys` as the unprivileged user types it: over a login without a bus, and in a session with one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.e2e.pty_session import PtySession
from tests.keyring.buses import secret_tool, session_bus, unlock
from tests.keyring.people import Done, Lookout, Person
from venues.simulators.serving import Practice, served_in_thread

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]

PASSWORD, WRONG = "a password of five words", "another password"
PATIENCE = 20.0  # seconds for a step with the keyring in it
CONFIGURATION = """\
[venues.coinex]
rest_url = "{rest_url}"
ws_url = "{ws_url}"
"""


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", rate=0.0) as practice:
        yield practice


@pytest.fixture
def customer(person: Person, practice: Practice) -> Iterator[Person]:
    """The person with a venue on this machine; no secret may be seen while they do anything."""
    text = CONFIGURATION.format(rest_url=practice.rest_url, ws_url=practice.ws_url)
    person.write_file(person.home / ".config/pitside/default/config.toml", text)
    hidden = [word.encode() for word in (PASSWORD, practice.api_key, practice.api_secret)]
    with Lookout(person, *hidden) as lookout:
        yield person
    assert lookout.sightings == set()
    assert [path for word in hidden for path in person.files_with(word)] == []


class Prompts:
    """`pitside keys ...` on a terminal, question by question."""

    def __init__(self, person: Person, *arguments: str) -> None:
        self._person = person
        self._session = person.terminal(["pitside", "keys", *arguments])
        self._seen = 0

    def answer(self, question: str, text: str) -> None:
        """Waits for a question that was not answered before, and answers it."""
        found = self._wait(question)
        self._seen += found.end()
        self._session.type(f"{text}\r")

    def end(self, words: str, code: int = 0) -> None:
        """Waits for the end, which must say these words, show nothing hidden and leave nothing running."""
        with self._session as session:
            try:
                end = session.wait_exit(PATIENCE)
            finally:
                written = session.bytes_written().decode()
            assert re.search(words, written[self._seen :]), written
            assert end.code == code, written
            assert session.modes().is_restored
        assert not [word for word in (PASSWORD, WRONG, "SECRET") if word in written]
        assert self._person.running() == []

    def _wait(self, question: str) -> re.Match[str]:
        found: list[re.Match[str]] = []

        def look(session: PtySession) -> bool:
            match = re.search(question, session.bytes_written().decode(errors="replace")[self._seen :])
            found[:] = [match] if match else []
            return match is not None

        self._session.wait_for(look, PATIENCE)
        return found[0]


def test_by_prompts_where_there_is_no_bus(customer: Person, practice: Practice) -> None:
    adding = Prompts(customer, "add", "coinex")
    adding.answer(r"no D-Bus session bus[^\n]*\n[^\n]*new password[^\n]*: ", PASSWORD)
    adding.answer(r"the same again[^\n]*: ", PASSWORD)
    adding.answer(r"API key[^\n]*: ", practice.api_key)
    adding.answer(r"secret[^\n]*: ", practice.api_secret)
    adding.end(r"coinex main: tested and stored")

    listing = Prompts(customer, "list")
    listing.answer(r"password[^\n]*\(not shown\): ", WRONG)
    listing.answer(r"not the password of the keyring[^$]*\(not shown\): ", PASSWORD)
    listing.end(rf"coinex +main +{re.escape(practice.api_key[:4])}… .*the keyring")

    testing = Prompts(customer, "test", "coinex")
    testing.answer(r"password[^\n]*\(not shown\): ", PASSWORD)
    testing.end(r"coinex main: works, the account was read")

    removing = Prompts(customer, "remove", "coinex")
    removing.answer(r"Delete the key of coinex main\?[^\n]*: ", "y")
    removing.answer(r"password[^\n]*\(not shown\): ", PASSWORD)
    removing.end(r"coinex main: removed")
    Prompts(customer, "test", "coinex").end(r"there is no key of coinex main", code=1)


def test_from_a_pipe_into_an_unlocked_keyring(customer: Person, practice: Practice) -> None:
    with session_bus(customer) as bus:
        unlock(customer, bus, PASSWORD)

        def keys(*arguments: str, given: str = "") -> Done:
            return customer.run(["pitside", "keys", *arguments], bus.environment, given=given.encode())

        key = f"{practice.api_key} {practice.api_secret}\n"
        assert keys("add", "coinex", given=key).code == 0
        assert keys("add", "coinex", "--account", "second", "--read-only", given=key).code == 0
        listed = keys("list").out.decode()
        assert re.search(r"^coinex +main +\S{4}… ", listed, re.MULTILINE)
        assert re.search(r"^coinex +second +\S{4}… .* reads only \(you said\) ", listed, re.MULTILINE)

        # A key that the venue refuses takes no other one's place, unless it is to.
        named = ("service", "pitside/coinex", "username", "main")
        refused = keys("add", "coinex", given="0123456789ABCDEF 0123456789ABCDEF\n")
        assert refused.code == 1
        assert b"coinex does not take this key" in refused.err
        assert practice.api_secret.encode() in secret_tool(customer, bus, "lookup", *named).out
        assert keys("add", "coinex", "--untested", given="0123456789ABCDEF 0123456789ABCDEF\n").code == 0
        assert b"0123456789ABCDEF" in secret_tool(customer, bus, "lookup", *named).out

        assert keys("remove", "coinex", "--yes").code == 0
        assert re.findall(r"^coinex +(\S+)", keys("list").out.decode(), re.MULTILINE) == ["second"]
        assert set(customer.running()) <= {"dbus-daemon", "gnome-keyring-daemon"}


def test_a_key_is_no_argument(person: Person) -> None:
    done = person.run(["pitside", "keys", "add", "coinex", "AKEY", "ASECRET"])
    assert done.code == 2
    assert b"ASECRET" not in done.err + done.out
    assert person.run(["pitside", "keys", "export", "coinex"]).code == 2
