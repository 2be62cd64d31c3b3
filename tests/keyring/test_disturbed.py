"""Keys are stored, or nothing is left behind, while something is in the way."""

from __future__ import annotations

import os
import shutil
import signal
import struct
from pathlib import Path

import pytest

from tests.keyring.asking import LONGEST, Wish, ask, ask_together, asking
from tests.keyring.buses import (
    make_collection,
    plaintext_backend,
    plaintext_store,
    session_bus,
    silent_prompter,
)
from tests.keyring.people import Person, until

pytestmark = pytest.mark.timeout(60)

PASSWORD = "a password of five words"
OPEN: Wish = {"venue": "coinex", "password": PASSWORD}
WRITE: Wish = {**OPEN, "do": "write", "key": "KEYKEYKEYKEY", "secret": "SECRETSECRET"}
READ: Wish = {**OPEN, "do": "read", "accounts": ["main", "hedge"]}


def test_a_prompter_that_nobody_answers_is_not_needed_with_the_password(person: Person) -> None:
    make_collection(person, PASSWORD)
    with session_bus(person) as bus:
        with silent_prompter(person, bus) as asked:
            written, read = ask(person, bus.environment, WRITE, READ)
        assert asked == []
    assert not written.fault
    assert read.keys["main"].secret == "SECRETSECRET"


def test_a_backend_that_the_environment_asks_for_is_not_heeded(person: Person) -> None:
    chosen = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", **plaintext_backend(person)}
    person.write_file(
        person.home / ".config/python_keyring/keyringrc.cfg",
        "[backend]\ndefault-keyring=keyrings.alt.file.PlaintextKeyring\n",
    )
    written, read = ask(person, chosen, WRITE, READ)
    assert not written.fault
    assert read.keys["main"].secret == "SECRETSECRET"
    assert not plaintext_store(person).exists()
    assert person.files_with(b"SECRETSECRET") == []


def test_two_at_once_both_store(person: Person) -> None:
    first, second = ask_together(person, {}, WRITE, {**WRITE, "account": "hedge"})
    assert (first.fault, second.fault) == (False, False)
    [read] = ask(person, {}, READ)
    assert sorted(read.keys) == ["hedge", "main"]
    assert person.running() == []


@pytest.mark.parametrize("program", ["dbus-daemon", "gnome-keyring-daemon"])
def test_what_is_killed_leaves_no_open_keyring_behind(program: str, person: Person) -> None:
    assert not ask(person, {}, WRITE)[0].fault
    with asking(person, {}, *[READ] * 20) as process:
        until(lambda: program in person.running(), LONGEST, what=program)
        process.kill()
        process.wait()
        until(lambda: not person.running(), LONGEST, what="the end of what was started")


@pytest.mark.parametrize("moment", ["forked", "started"])
@pytest.mark.parametrize("program", ["dbus-daemon", "gnome-keyring-daemon"])
def test_a_death_while_a_program_starts_leaves_nothing_behind(program: str, moment: str, person: Person) -> None:
    die(person, program, moment)


@pytest.mark.parametrize("program", ["dbus-daemon", "gnome-keyring-daemon"])
def test_a_program_starts_for_nobody_who_is_dead_though_a_group_is_shared(program: str, person: Person) -> None:
    die(person, program, "forked", shares_group=True)


def test_a_death_that_the_kernel_does_not_tell_of_leaves_nothing_behind(person: Person) -> None:
    """It tells no file that has capabilities, and without its bus that daemon waits for ever."""
    usual = Path(shutil.which("gnome-keyring-daemon") or "")
    capable = person.write_file(person.base / "bin" / usual.name, usual.read_bytes(), 0o755)
    lock_memory = 1 << 14
    os.setxattr(capable, "security.capability", struct.pack("<5I", 0x0200_0000, lock_memory, 0, 0, 0))
    die(person, usual.name, "started", path=f"{capable.parent}:{person.environment()['PATH']}")


def die(person: Person, program: str, moment: str, *, shares_group: bool = False, path: str = "") -> None:
    """Kills whoever starts pitside's own bus while it starts a program, and waits until none is left."""
    source = Path(__file__).with_name("dying.py").read_bytes()
    script = person.write_file(person.base / "dying.py", source)
    argv = [person.python, str(script), str(person.make_folder(person.base / "scratch")), program, moment]
    if shares_group:
        argv = ["sh", "-c", '"$@"; exit $?', "sh", *argv]
    done = person.run(argv, {"PATH": path} if path else None)
    assert done.code == (128 + signal.SIGKILL if shares_group else -signal.SIGKILL), done.err.decode()
    until(lambda: not person.running(), LONGEST, what="the end of what was started")
