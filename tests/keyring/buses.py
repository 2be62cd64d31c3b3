"""Session buses as a user may meet them, with the real dbus-daemon and gnome-keyring-daemon.

with session_bus(person) as bus:
    unlock(person, bus, "the keyring's password")
    person.run(["secret-tool", "search", "--all", "service", "pitside/coinex"], bus.environment)
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.keyring.people import PATIENCE, Done, Person, until

SERVICE = "org.freedesktop.secrets"
PROMPTER = "org.gnome.keyring.SystemPrompter"
_STANDARD = "/usr/share/dbus-1/session.conf"
# A bus of its own policy from which nothing can be started: what is not there already does not answer.
_BARREN = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <servicedir>{folder}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
# Owns the prompter's name, takes every wish to prompt, and never lets anybody answer.
_SILENT_PROMPTER = """\
import sys
from jeepney import HeaderFields, MessageType, DBusAddress, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection()
owner = DBusAddress("/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus")
bus.send_and_get_reply(new_method_call(owner, "RequestName", "su", (sys.argv[1], 0)))
print("ready", flush=True)
while True:
    message = bus.receive()
    if message.header.message_type is MessageType.method_call:
        print(message.header.fields[HeaderFields.member], flush=True)
        bus.send(new_method_return(message))
"""


@dataclass(frozen=True)
class Bus:
    """A bus that runs, or ran, and where its daemon writes what it has to say."""

    address: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"DBUS_SESSION_BUS_ADDRESS": self.address}


@contextmanager
def session_bus(person: Person, *, is_barren: bool = False) -> Iterator[Bus]:
    """Runs a session bus of the person's; a barren one has no service that could be started on it."""
    configuration = Path(_STANDARD)
    if is_barren:
        services = person.make_folder(person.base / "services")
        configuration = person.write_file(person.base / "barren.conf", _BARREN.format(folder=services))
    log = person.write_file(person.base / "bus.log", "")
    daemon = person.start(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile", "--print-address=1"], log=log
    )
    with _ending(daemon):
        yield Bus(_first_line(daemon), log)
    # A keyring that the bus has started ends with it.
    until(lambda: "gnome-keyring-d" not in _names(person), what="the end of the bus's keyring")


def stale_address(person: Person) -> str:
    """Returns the address of a bus that has ended, as an old tmux session still has it."""
    with session_bus(person, is_barren=True) as bus:
        return bus.address


def unlock(person: Person, bus: Bus, password: str) -> None:
    """Starts the bus's keyring with its login collection made or opened, by the daemon's own means.

    It must be the first on that bus that has to do with the keyring.
    """
    done = person.run(
        ["gnome-keyring-daemon", "--unlock", "--components=secrets"], bus.environment, given=password.encode()
    )
    assert done.code == 0, done
    # It goes into the background before it is on the bus; whoever called it now would have a second one started.
    until(lambda: _is_owned(person, bus, SERVICE), what="the keyring on the bus")
    # That command says 0 for a wrong password as well: the proof is that something can be stored.
    secret_tool(person, bus, "store", "--label=proof", "proof", "yes", given=b"proof")
    assert secret_tool(person, bus, "lookup", "proof", "yes").out == b"proof"


def make_collection(person: Person, password: str) -> None:
    """Makes a login collection with a password, on a bus that is gone afterwards: it is locked then."""
    with session_bus(person) as bus:
        unlock(person, bus, password)
    assert (person.home / ".local/share/keyrings/login.keyring").is_file()


def secret_tool(person: Person, bus: Bus, *arguments: str, given: bytes = b"") -> Done:
    """Runs libsecret's own command on a bus: a second witness, beside pitside, of what is stored."""
    done = person.run(["secret-tool", *arguments], bus.environment, given=given)
    assert done.code == 0, done
    return done


@contextmanager
def silent_prompter(person: Person, bus: Bus) -> Iterator[list[str]]:
    """Runs a prompter on the bus that nobody answers; the list has what it was asked, once it is over."""
    asked: list[str] = []
    process = person.start([person.python, "-c", _SILENT_PROMPTER, PROMPTER], bus.environment)
    try:
        assert _first_line(process) == "ready"
        yield asked
    finally:
        process.kill()
        out, err = process.communicate()
        asked += out.decode().split()
        assert err == b""


def without_daemons(person: Person) -> dict[str, str]:
    """Returns a PATH on which there is neither a bus nor a keyring to be started."""
    folder = person.make_folder(person.base / "bin")
    for name in ("sh", "env", "cat"):
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to(f"/usr/bin/{name}")
    return {"PATH": f"{person.installation}/bin:{folder}"}


def plaintext_backend(person: Person) -> dict[str, str]:
    """Installs a backend that stores in clear, as keyrings.alt does, and returns what lets Python find it.

    Where it would store is `plaintext_store`.
    """
    folder = person.base / "site"
    person.write_file(folder / "keyrings/alt/__init__.py", "")
    person.write_file(folder / "keyrings/alt/file.py", _PLAINTEXT.format(path=str(plaintext_store(person))))
    metadata = folder / "keyrings.alt-5.0.2.dist-info"
    person.write_file(metadata / "METADATA", "Metadata-Version: 2.1\nName: keyrings.alt\nVersion: 5.0.2\n")
    person.write_file(metadata / "entry_points.txt", "[keyring.backends]\nfile = keyrings.alt.file\n")
    return {"PYTHONPATH": str(folder)}


def plaintext_store(person: Person) -> Path:
    """Returns the file that the backend in clear writes to when it is used."""
    return person.base / "in-clear"


_PLAINTEXT = """\
from keyring.backend import KeyringBackend
class PlaintextKeyring(KeyringBackend):
    priority = 0.5
    def get_password(self, service, username):
        return None
    def set_password(self, service, username, password):
        with open({path!r}, "a") as file:
            file.write(password)
    def delete_password(self, service, username):
        pass
"""


def _names(person: Person) -> set[str]:
    return {process.program for process in person.processes()}


def _is_owned(person: Person, bus: Bus, name: str) -> bool:
    to_bus = ("--dest=org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner")
    done = person.run(["dbus-send", "--session", "--print-reply", *to_bus, f"string:{name}"], bus.environment)
    assert done.code == 0, done
    return b"boolean true" in done.out


def _first_line(process: subprocess.Popen[bytes]) -> str:
    stream = process.stdout
    assert stream is not None
    if not select.select([stream], [], [], PATIENCE)[0]:
        raise TimeoutError("a daemon said nothing")
    return os.fsdecode(stream.readline()).strip()


@contextmanager
def _ending(daemon: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        daemon.terminate()
        try:
            daemon.wait(PATIENCE)
        finally:
            for stream in (daemon.stdin, daemon.stdout, daemon.stderr):
                if stream is not None:
                    stream.close()
