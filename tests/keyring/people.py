"""The unprivileged user that the keyring's tests act as, each time with a home of its own.

    with person_at(installation) as person:
        done = person.run(["pitside", "keys", "list"], {"DBUS_SESSION_BUS_ADDRESS": address})
        with person.terminal(["pitside"]) as desk:
            desk.wait_for("PAPER")

`installation` is what `.ci/test-user` has made. Programs get that user's ids, no group besides and nothing of the
test's environment; what they have started is found again by the home in their environment.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.pty_session import PtySession

USER = "pitside-test"
PATIENCE = 20.0  # seconds for what takes one or two on a machine that does nothing else
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def until(condition: Callable[[], object], seconds: float = PATIENCE, what: str = "") -> None:
    """Waits until a condition holds. Raises TimeoutError: it did not in that time."""
    end = time.monotonic() + seconds
    look = threading.Event()
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what or condition}")
        look.wait(0.01)


@dataclass(frozen=True)
class Done:
    """How a program ended, all that it wrote, and how many seconds it took."""

    code: int
    out: bytes
    err: bytes
    seconds: float


@dataclass(frozen=True)
class Process:
    """A running process: its arguments and its environment, as the kernel has them."""

    pid: int
    arguments: bytes
    environment: bytes

    @property
    def program(self) -> str:
        return Path(os.fsdecode(self.arguments.split(b"\0")[0])).name


class Person:
    """The test user with one home. `base` holds it, and what else a test lays down for the user to read."""

    def __init__(self, base: Path, installation: Path) -> None:
        self.base = base
        self.home = base / "home"
        self.installation = installation
        account = pwd.getpwnam(USER)
        self.uid, self.gid = account.pw_uid, account.pw_gid
        self.make_folder(base)
        self.make_folder(self.home)

    @property
    def runtime(self) -> Path:
        """A runtime folder as a login makes it; nothing knows of it until XDG_RUNTIME_DIR says so."""
        return self.make_folder(self.base / "run")

    @property
    def python(self) -> str:
        return str(self.installation / "bin" / "python")

    def make_folder(self, path: Path) -> Path:
        """Makes a folder that only the user may enter, and returns it."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(path, self.uid, self.gid)
        return path

    def write_file(self, path: Path, text: str | bytes, mode: int = 0o600) -> Path:
        """Writes a file of the user's, with the folders it needs, and returns it."""
        for folder in reversed(path.relative_to(self.base).parents):
            self.make_folder(self.base / folder)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        os.chown(path, self.uid, self.gid)
        return path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Returns what a login over ssh would give: no bus, no runtime folder, no display."""
        return {
            "HOME": str(self.home),
            "USER": USER,
            "LOGNAME": USER,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "PATH": f"{self.installation}/bin:{_SYSTEM_PATH}",
            **(extra or {}),
        }

    # Running.

    def start(
        self, argv: Sequence[str], extra: Mapping[str, str] | None = None, *, log: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a program on pipes, in a session of its own; what it complains of goes to `log`, if given."""
        environment = self.environment(extra)
        with contextlib.ExitStack() as files:
            errors = subprocess.PIPE if log is None else files.enter_context(log.open("ab")).fileno()
            return subprocess.Popen(
                [shutil.which(argv[0], path=environment["PATH"]) or argv[0], *argv[1:]],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                cwd=self.home, env=environment, start_new_session=True,
                user=self.uid, group=self.gid, extra_groups=[], umask=0o022,
            )  # fmt: skip

    def run(
        self,
        argv: Sequence[str],
        extra: Mapping[str, str] | None = None,
        *,
        given: bytes = b"",
        timeout: float = PATIENCE,
    ) -> Done:
        """Runs a program to its end, with `given` on its standard input."""
        began = time.monotonic()
        process = self.start(argv, extra)
        try:
            out, err = process.communicate(given, timeout)
        finally:
            _end(process)
        return Done(process.returncode, out, err, time.monotonic() - began)

    def terminal(
        self, argv: Sequence[str], extra: Mapping[str, str] | None = None, *, rows: int = 40, columns: int = 120
    ) -> PtySession:
        """Starts a program of the user's on a pty; it is not taken from this test's network."""
        words = [f"{name}={value}" for name, value in self.environment(extra).items()]
        return PtySession(
            [
                "setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--",
                "env", "-i", "-C", str(self.home), *words, *argv,
            ],
            home=self.home, rows=rows, columns=columns, has_network=True,
        )  # fmt: skip

    # Looking.

    def processes(self) -> list[Process]:
        """Returns what runs with this home; what has ended and is only not reaped yet is left out."""
        mark = b"HOME=" + os.fsencode(self.home)
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if folder.stat().st_uid not in (self.uid, 0):
                    continue
                environment = (folder / "environ").read_bytes()
                if mark in environment.split(b"\0"):
                    found.append(Process(int(folder.name), (folder / "cmdline").read_bytes(), environment))
        return found

    def running(self) -> list[str]:
        """Returns the names of the programs that run with this home."""
        return sorted(process.program for process in self.processes())

    def files_with(self, needle: bytes) -> list[Path]:
        """Returns the user's files that have `needle` in them."""
        return [path for path in self.files() if needle in path.read_bytes()]

    def files(self) -> list[Path]:
        """Returns all files below the home and the runtime folder."""
        return [path for path in self.base.rglob("*") if path.is_file() and not path.is_symlink()]

    def end_all(self) -> None:
        """Ends whatever still runs with this home."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        until(lambda: not self.processes(), what="the end of all that the user ran")


@contextmanager
def person_at(installation: Path) -> Iterator[Person]:
    """Gives the user a new home, and takes it away again with all that runs in it."""
    # The test's own folders are root's alone; a socket's path in here must stay below 108 bytes.
    base = Path(tempfile.mkdtemp(prefix="pt-", dir=installation.parent))
    person = Person(base, installation)
    try:
        yield person
    finally:
        person.end_all()
        shutil.rmtree(base)


class Lookout:
    """Looks all the time for texts in the arguments and environments of what a person runs.

    Leave the `with` block to have it end; `sightings` then says where it was seen, `looked_at` how often.
    """

    def __init__(self, person: Person, *needles: bytes) -> None:
        self.sightings: set[str] = set()
        self.looked_at: dict[str, int] = {}
        self._person = person
        self._needles = needles
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        # A look takes 2 ms, and the shortest-lived of what is looked at lives for 60.
        while not self._is_over.wait(0.02):
            for process in self._person.processes():
                name = process.program
                self.looked_at[name] = self.looked_at.get(name, 0) + 1
                for place, content in (("cmdline", process.arguments), ("environ", process.environment)):
                    if any(needle in content for needle in self._needles):
                        self.sightings.add(f"{place} of {name}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
