"""What the tests of the vault share: keys, an environment of their own, and a session bus with real daemons."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from jeepney.io.blocking import open_dbus_connection
from secretstorage import Collection

from tui.desk.key_entries import KeyEntry, KeyName
from venues.port import Credentials, Permissions
from venues.secret import Secret

MAIN = KeyName("coinex", "main")
SECOND = KeyName("coinex", "second")
PASSWORD = Secret("correct hörse ")
WRONG = Secret("correct hörse \n")
PROGRAMS = ("dbus-daemon", "gnome-keyring-daemon")

needs_daemons = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"needs {' and '.join(PROGRAMS)} to be installed"
)


def entry(name: KeyName = MAIN, key: str = "CANARY-KEY-1") -> KeyEntry:
    return KeyEntry(
        name=name,
        credentials=Credentials(key, "CANARY-SECRET-1", "CANARY-PASS-1", "sub 7"),
        permissions=Permissions(trade=True, withdraw=False, told_by="the venue"),
        created_at=1_700_000_000_000_000_001,
    )


def environment_at(home: Path, **more: str) -> dict[str, str]:
    """Returns an environment without a bus: XDG_RUNTIME_DIR is empty, so that none of this machine is met."""
    runtime = home / "runtime"
    runtime.mkdir(parents=True, exist_ok=True)
    return {"HOME": str(home), "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(runtime), **more}


def eventually(is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Says whether it came to be so within `seconds`."""
    until = time.monotonic() + seconds
    while not (so := is_so()) and time.monotonic() < until:
        os.sched_yield()
    return so


def is_alive(pid: int) -> bool:
    """Says whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def processes_with(text: str) -> list[int]:
    """Returns the living processes, but for this one, that have a text in their environment or arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            seen = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        pid = int(folder.name)
        if text.encode() in seen and pid != os.getpid() and is_alive(pid):
            found.append(pid)
    return found


@contextmanager
def session_bus(environment: Mapping[str, str], listen: str = "", configuration: str = "") -> Iterator[str]:
    """A session bus as a login has it: gnome-keyring is started when it is first called."""
    command = ["dbus-daemon", f"--config-file={configuration}" if configuration else "--session", "--nofork"]
    command.append(f"--address={listen or f'unix:abstract=pitside-test-{secrets.token_hex(8)}'}")
    command += ["--nopidfile", "--print-address=1"]
    bus = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert bus.stdout is not None
    with bus:
        try:
            yield bus.stdout.readline().decode().strip()
        finally:
            bus.kill()


def lock(address: str, collection: str = "login") -> None:
    with open_dbus_connection(address) as connection:
        found = Collection(connection, f"/org/freedesktop/secrets/collection/{collection}")
        found.lock()
        assert found.is_locked()
