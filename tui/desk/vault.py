"""Where API keys are kept, as the rest of pitside sees it: every call ends within a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import msgspec

import tui
from tui.desk import vault_words
from tui.desk.key_codec import decode_entry, encode_entry
from tui.desk.key_entries import KeyEntry, KeyName, KeyringFault, KeyringState, KeyStore
from tui.desk.key_file import closed_state
from tui.desk.vault_index import LockHeld, VaultIndex, vault_lock
from tui.desk.vault_wire import Line, Request, Verb
from tui.paths import UnsafePath
from venues.secret import Secret

DEADLINE = 4.5  # seconds, of one child; with killing it that is five
# Opening the encrypted file is slow on purpose (0.6 s of both cores, much more on a small machine), and it asks
# nobody: what is slow there is no hung prompt.
_FILE_PATIENCE = 3
_LONGEST_FOLDER = 64  # bytes
_SCRATCH = "pitside-bus-"
_FORCED = "PYTHON_KEYRING_BACKEND"
# What would have the child choose, or show, something else; keyring sets KEYRING_PROPERTY_* on whatever it makes.
_DROPPED = (_FORCED, "KEYCHAIN_PATH", "PYTHONWARNINGS", "PYTHONINSPECT", "PYTHONSTARTUP")
_DROPPED_PREFIX = "KEYRING_PROPERTY_"
_CHANGING = frozenset({Verb.WRITE, Verb.REMOVE})


class Vault:
    """Reads and writes keys by a child process, which is killed when it has not answered in time.

    Every method but `names` blocks, for `deadline` seconds at most (three times that for the encrypted file): call
    it on a thread of its own. `folder` holds the list of names (no secret is in it) and the encrypted file.
    `environment` is the one the child gets. `command` and `start` are seams for tests.
    """

    def __init__(
        self,
        folder: Path,
        *,
        store: KeyStore = KeyStore.KEYRING,
        deadline: float = DEADLINE,
        environment: Mapping[str, str] = os.environ,
        command: Sequence[str] = (sys.executable, "-m", "tui.desk.credentials"),
        start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    ) -> None:
        self.store = store
        self._folder = folder
        self._deadline = deadline * (_FILE_PATIENCE if store is KeyStore.FILE else 1)
        self._environment = environment
        self._command = tuple(command)
        self._start = start
        self._index = VaultIndex(folder)
        self._children: set[subprocess.Popen[bytes]] = set()

    def abort(self) -> None:
        """Ends what is under way, as at its deadline; from any thread."""
        for child in list(self._children):
            if child.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)

    def names(self) -> list[KeyName]:
        """Returns whose keys are stored, without opening the keyring."""
        return self._index.names(self.store)

    def state(self, password: Secret | None = None) -> KeyringState:
        """Returns how the place is; with a password, how it is once that has been tried.

        Without one nothing is asked of the user. A place that is not there yet is made with the password.
        """
        try:
            return self._ask(Verb.STATE, (), password)[0]
        except KeyringFault as fault:
            return fault.state

    def read(self, names: Iterable[KeyName], password: Secret | None = None) -> dict[KeyName, KeyEntry]:
        """Returns the keys of these names that are stored. Raises KeyringFault."""
        line = self._open(Verb.READ, tuple(names), password)
        return {stored.name: decode_entry(stored.name, stored.value) for stored in line.values}

    def write(self, entry: KeyEntry, password: Secret | None = None) -> None:
        """Stores a key in the place of the one of the same name, and reads it back. Raises KeyringFault."""
        self._open(Verb.WRITE, (entry.name,), password, encode_entry(entry))

    def remove(self, name: KeyName, password: Secret | None = None) -> bool:
        """Deletes a key; says whether there was one. Raises KeyringFault."""
        return self._open(Verb.REMOVE, (name,), password).was_there

    def _open(self, verb: Verb, names: tuple[KeyName, ...], password: Secret | None, value: str = "") -> Line:
        state, line = self._ask(verb, names, password, value)
        if not state.is_open:
            raise KeyringFault(state)
        return line

    def _ask(
        self, verb: Verb, names: tuple[KeyName, ...], password: Secret | None, value: str = ""
    ) -> tuple[KeyringState, Line]:
        until = time.monotonic() + self._deadline
        if self.store is KeyStore.FILE and password is None:
            return closed_state(self._folder), Line()
        try:
            with self._held(verb, password, until), self._scratch(password) as scratch:
                request = Request(
                    parent=os.getpid(),
                    store=self.store,
                    folder=str(self._folder.absolute()),
                    scratch=scratch,
                    verb=verb,
                    names=names,
                    value=value,
                    password=password.reveal() if password is not None else None,
                    until=until,
                    forced=self._environment.get(_FORCED, ""),
                )
                return self._carry_out(request)
        except LockHeld:
            raise KeyringFault(vault_words.busy(self._deadline)) from None
        except UnsafePath as error:
            raise KeyringFault(vault_words.broken(str(error))) from error
        except UnicodeError:
            raise KeyringFault(vault_words.broken("the password is not UTF-8", "type it again")) from None
        except OSError as error:
            why = f"{error.filename or self._folder}: {error.strerror or error}"
            raise KeyringFault(vault_words.broken(why, f"see to {self._folder}")) from error

    def _scratch(self, password: Secret | None) -> AbstractContextManager[str]:
        """Returns a folder for a daemon's socket; only with a password is one started."""
        if password is None or self.store is KeyStore.FILE:
            return nullcontext("")
        folder = _short_folder()
        _sweep(folder)
        return tempfile.TemporaryDirectory("", _SCRATCH, folder, ignore_cleanup_errors=True)

    @contextmanager
    def _held(self, verb: Verb, password: Secret | None, until: float) -> Iterator[None]:
        """Holds the lock where something may change: a password may make a keyring, or have a daemon started."""
        with ExitStack() as stack:
            if verb in _CHANGING:
                stack.enter_context(vault_lock(self._folder, until))
            elif password is not None:
                with suppress(OSError, UnsafePath):  # a disk that is full or read-only can be read all the same
                    stack.enter_context(vault_lock(self._folder, until))
            yield

    def _carry_out(self, request: Request) -> tuple[KeyringState, Line]:
        before = self._index.names(self.store)
        if request.verb is Verb.WRITE:  # first: a key that is in no list would be one that nobody finds
            self._index.put(self.store, [*before, *request.names])
        line = self._run(request)
        if line.state is None or not line.state.is_open:
            if request.verb is Verb.WRITE:
                self._index.put(self.store, before)
            return line.state or vault_words.broken("it ended without an answer"), line
        with suppress(OSError, UnsafePath, LockHeld):  # what was asked for is done; the next call lists anew
            self._note(request, before, line.listed)
        return line.state, line

    def _note(self, request: Request, before: list[KeyName], listed: tuple[KeyName, ...] | None) -> None:
        if request.verb in _CHANGING:
            gone = request.names if request.verb is Verb.REMOVE else ()
            known = {*before, *(listed or ()), *request.names}.difference(gone)
            # The file's list is all there is. A daemon's may lack what another process has stored.
            is_whole = self.store is KeyStore.FILE and listed is not None
            self._index.put(self.store, listed if listed is not None and is_whole else known)
        elif missing := set(listed or ()).difference(before):
            held = nullcontext() if request.password is not None else vault_lock(self._folder, until=0.0)
            with held:
                self._index.put(self.store, missing.union(self._index.names(self.store)))

    def _run(self, request: Request) -> Line:
        question = msgspec.json.encode(request)
        child = self._start(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._child_environment(),
            # `-m` looks in this folder first: it must be where this program is, not where the user is.
            cwd=Path(tui.__file__).parent.parent,
            start_new_session=True,
        )
        is_late = False
        self._children.add(child)
        with child:
            try:
                answer, _ = child.communicate(question, timeout=max(0.0, request.until - time.monotonic()))
            except subprocess.TimeoutExpired:
                is_late = True
                # All that it has started is in its process group. It was not waited for: the number is its own.
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                answer, _ = child.communicate()
            finally:
                self._children.discard(child)
        lines = _parse(answer)
        if lines and lines[-1].state is not None:
            return lines[-1]
        if not is_late:
            return Line(state=vault_words.broken("it ended without an answer"))
        if any(line.is_asking for line in lines):
            can_unlock = sys.platform.startswith("linux")
            return Line(state=vault_words.unanswered(self._deadline, needs_password=can_unlock))
        return Line(state=vault_words.no_answer(self._deadline))

    def _child_environment(self) -> dict[str, str]:
        return {
            name: value
            for name, value in self._environment.items()
            if name not in _DROPPED and not name.startswith(_DROPPED_PREFIX)
        }


def _short_folder() -> str:
    """Returns a folder for temporary ones; a socket's path has 107 bytes at most, and TMPDIR may have them all."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST_FOLDER else str(Path(os.sep, "tmp"))


def _sweep(folder: str) -> None:
    """Takes away what a process that was killed has left: empty folders, a minute old at least."""
    for path in Path(folder).glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            status = path.lstat()
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > 60:
                path.rmdir()


def _parse(answer: bytes) -> list[Line]:
    lines = []
    for text in answer.splitlines():
        with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            lines.append(msgspec.json.decode(text, type=Line))
    return lines
