"""The only module that knows keyring and its encrypted file; it runs in a child process of its own.

`python -m tui.desk.credentials` reads one `Request` from its input and writes `Line`s to its output. A prompt
that nobody answers, a library that writes to the screen and a daemon that hangs then trouble a process that can
be killed. Backends are allowed by their class, and made by name: what keyring itself would choose, by the
environment, its configuration file or what happens to be installed, is not heeded.
"""

from __future__ import annotations

import base64
import configparser
import importlib.metadata
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import keyring.backend
import keyring.core
import keyring.errors
import keyring.util.platform_
import msgspec
from argon2.low_level import Type, hash_secret_raw
from Crypto.Cipher import AES

from tui.desk import vault_words
from tui.desk.key_entries import KeyName, KeyringFault, KeyringState, KeyStore
from tui.desk.key_file import Open, serve_file
from tui.desk.private_bus import (
    BUS_PROGRAM,
    KEYRING_PROGRAM,
    NotPermitted,
    PrivateBusError,
    die_with_parent,
    find_program,
    private_bus,
)
from tui.desk.vault_wire import SERVICE_PREFIX, Line, Request, Stored, Verb
from tui.hardening import harden

ON_LINUX = "keyring.backends.SecretService.Keyring"
KWALLETS = ("keyring.backends.kwallet.DBusKeyring", "keyring.backends.kwallet.DBusKeyringKWallet4")
NATIVE = {"Darwin": "keyring.backends.macOS.Keyring", "Windows": "keyring.backends.Windows.WinVaultKeyring"}
TRUSTED = frozenset({ON_LINUX, *KWALLETS, *NATIVE.values()})
KWALLET_NOTE = "KWallet gives keys to every program of the desktop that asks"
_OURS = ("keyring.", "keyrings.cryptfile.", f"{__name__}.")  # what pitside brings itself is never a find
_MARGIN = 0.5  # seconds before the deadline, in which a bus that did not come up is taken down and told of
# What loading somebody else's module may raise.
_LOADING = (ImportError, AttributeError, RuntimeError, OSError, ValueError, TypeError, SyntaxError)

Tell: TypeAlias = Callable[[Line], None]

if TYPE_CHECKING:  # it ships no types: this is what is used of it

    class CryptFileKeyring(keyring.backend.KeyringBackend):
        file_path: str
        keyring_key: str
        time_cost: int
        memory_cost: int
        parallelism: int

        def __init__(self) -> None: ...

        def get_password(self, service: str, username: str) -> str | None: ...

        def set_password(self, service: str, username: str, password: str) -> None: ...

else:
    from keyrings.cryptfile.cryptfile import CryptFileKeyring


class KeyFile(CryptFileKeyring):
    """The encrypted file, with argon2 run once (0.6 s) instead of at each of its three reads and two writes.

    For that the file has one salt, drawn when it is made; the nonce is drawn anew at each writing. `derived` holds
    the key of each salt that was met.
    """

    def __init__(self, path: Path, password: str, derived: dict[bytes, bytes]) -> None:
        """Opens a file, or makes it. Raises ValueError where the password is another."""
        super().__init__()
        self.file_path = str(path)
        self._derived = derived
        self.keyring_key = password

    def encrypt(self, password: bytes, assoc: bytes | None = None) -> bytes:
        """Returns the text of the library's own format: salt, nonce, ciphertext and its tag."""
        salt = next(iter(self._derived), None) or os.urandom(16)
        cipher = self._create_cipher(self.keyring_key, salt)
        if assoc is not None:
            cipher.update(assoc)
        data, mac = cipher.encrypt_and_digest(password)
        parts = {"salt": salt, "data": data, "mac": mac, "nonce": cipher.nonce}
        return msgspec.json.encode({name: base64.b64encode(part).decode() for name, part in parts.items()})

    def _create_cipher(self, password: str, salt: bytes, nonce: bytes | None = None) -> Any:
        if salt not in self._derived:
            self._derived[salt] = hash_secret_raw(
                secret=password.encode(),
                salt=salt,
                time_cost=self.time_cost,
                memory_cost=self.memory_cost,
                parallelism=self.parallelism,
                hash_len=16,
                type=Type.ID,
            )
        return AES.new(self._derived[salt], AES.MODE_GCM, nonce=nonce)


def encrypted_files(password: str) -> Open:
    """Returns what opens or makes encrypted files of one password. It raises ValueError where that is another."""
    derived: dict[bytes, bytes] = {}
    return lambda path: KeyFile(path, password, derived)


def serve(request: Request, tell: Tell) -> Line:
    """Does what is asked for and returns the last line; `tell` takes the lines before it."""
    try:
        if request.store is KeyStore.FILE:
            return serve_file(request, encrypted_files(request.password or ""))
        if platform.system() == "Linux":
            return _serve_linux(request, tell)
        return _serve_native(request, tell, platform.system())
    except KeyringFault as fault:
        return Line(state=fault.state)
    except keyring.errors.KeyringLocked:
        return Line(state=vault_words.locked(can_unlock=False))
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        return Line(state=_failed(error))


def allowed(backend: keyring.backend.KeyringBackend) -> keyring.backend.KeyringBackend:
    """Returns a backend of one of the classes that pitside trusts.

    Raises:
        KeyringFault: it is of another class, be it one that is derived of them.
    """
    found = type(backend)
    name = f"{found.__module__}.{found.__qualname__}"
    if name not in TRUSTED or getattr(sys.modules.get(found.__module__), found.__name__, None) is not found:
        raise KeyringFault(refusal([name]) or vault_words.refused_backend(name))
    return backend


def refusal(names: Iterable[str]) -> KeyringState | None:
    """Returns the state of a machine that has only these backends' classes, None for none at all."""
    ordered = sorted(set(names), key=lambda name: ("plain" not in name.lower(), name))
    if not ordered:
        return None
    worst = ordered[0]
    return (vault_words.plaintext_only if "plain" in worst.lower() else vault_words.refused_backend)(worst)


def other_backends(forced: str = "") -> list[str]:
    """Returns the classes of the backends that somebody installed or asked for, besides those of keyring's own."""
    names = [forced] if forced else []
    for entry in importlib.metadata.entry_points(group="keyring.backends"):
        if not f"{entry.value}.".startswith(_OURS):
            with suppress(*_LOADING):
                loaded = entry.load()
                if callable(loaded):
                    loaded()
    classes = [keyring.backend.KeyringBackend]
    for known in classes:  # grows while it is gone through
        classes.extend(kind for kind in known.__subclasses__() if kind not in classes)
    names.extend(
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in classes[1:]
        if not f"{kind.__module__}.".startswith(_OURS) and not kind.__abstractmethods__
    )
    return [name for name in names if name != ON_LINUX]


def configured_backend() -> str:
    """Returns the class that keyring's own configuration file asks for, empty where it asks for none."""
    found = configparser.RawConfigParser()
    with suppress(OSError, configparser.Error, UnicodeError):
        found.read(keyring.util.platform_.config_root() / "keyringrc.cfg", encoding="utf-8")
        return found.get("backend", "default-keyring", fallback="").strip()
    return ""


def _serve_linux(request: Request, tell: Tell) -> Line:
    # D-Bus is Linux's: these are not installed elsewhere.
    from tui.desk.secret_service import find_bus, is_served

    bus = find_bus()
    if bus.address:
        return _serve_bus(request, tell, bus.address, is_private=False)
    has_keyring = bool(find_program(KEYRING_PROGRAM))
    forced = request.forced or configured_backend()
    needs_bus = forced == ON_LINUX
    if not has_keyring and not bus.stale and not needs_bus:
        return Line(state=refusal(other_backends(forced)) or vault_words.no_daemon())
    keyrings = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share", "keyrings")
    state = vault_words.without_bus(
        address=bus.stale,
        forced=forced,
        needs_bus=needs_bus,
        has_bus_daemon=bool(find_program(BUS_PROGRAM)),
        has_keyring=has_keyring,
        creates=not any(keyrings.glob("*.keyring")),
    )
    if request.password is None or not state.needs_password:
        return Line(state=state)
    try:
        with private_bus(request.scratch, until=request.until - _MARGIN, is_up=is_served) as address:
            line = _serve_bus(request, tell, address, is_private=True)
        if request.verb in {Verb.WRITE, Verb.REMOVE}:
            _mark_changed(keyrings)
        return line
    except NotPermitted as error:
        return Line(state=vault_words.not_permitted(error.program, error.why))
    except PrivateBusError as error:
        return Line(state=vault_words.broken(str(error)))


def _mark_changed(folder: Path) -> None:
    """Has a daemon of another session see that its file has changed, before it writes over what is new.

    It compares the folder's time and the file's in whole seconds: a change within the second of its own last one
    is none to it, and its next one takes the key away (1 of 5 in a trial).
    """
    for path in (folder, *folder.glob("*.keyring")):
        with suppress(OSError):
            times = path.stat()
            if time.time() - times.st_mtime < 10.0:  # seconds, more than our daemon can have had
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 2_000_000_000))


def _serve_bus(request: Request, tell: Tell, address: str, *, is_private: bool) -> Line:
    from tui.desk import secret_service

    os.environ["DBUS_SESSION_BUS_ADDRESS"] = address  # keyring looks nowhere else
    has_display = not is_private and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    try:
        with secret_service.SecretService(address) as service:
            if not service.is_available():
                return _serve_kwallet(request, tell)
            path = service.open(
                request.password,
                may_ask=request.verb is not Verb.STATE and not is_private,
                may_ask_for_new=request.verb is Verb.WRITE and not is_private,
                has_display=has_display,
                until=request.until,
                tell=lambda: tell(Line(is_asking=True)),
            )
            backend = allowed(keyring.core.load_keyring(ON_LINUX))
            done = _carry_out(request, backend.with_properties(preferred_collection=path))
            state = vault_words.ready(forced=_unheeded(request), is_private=is_private)
            return msgspec.structs.replace(done, state=state, listed=service.names(path))
    except secret_service.SecretServiceNotAvailableException as error:
        return Line(state=vault_words.no_daemon(str(error)))
    except secret_service.SecretStorageException as error:
        is_lost = type(error) is secret_service.ItemNotFoundException
        return Line(state=vault_words.written_elsewhere() if is_lost else _failed(error))
    except secret_service.DBusErrorResponse as error:
        if error.name.startswith(
            ("org.freedesktop.DBus.Error.Spawn", "org.freedesktop.DBus.Error.ServiceUnknown")
        ):
            return Line(state=vault_words.no_daemon(" ".join(map(str, error.data))))
        return Line(state=_failed(error))


def _serve_kwallet(request: Request, tell: Tell) -> Line:
    for name in KWALLETS:
        with suppress(RuntimeError):  # it is not there, or Python's dbus is not
            return _serve_backend(request, tell, keyring.core.load_keyring(name), KWALLET_NOTE)
    why = "the session bus knows of none" if find_program(KEYRING_PROGRAM) else ""
    others = other_backends(request.forced or configured_backend())
    return Line(state=refusal(others) or vault_words.no_daemon(why))


def _serve_native(request: Request, tell: Tell, system: str) -> Line:
    if system not in NATIVE:
        return Line(state=vault_words.no_daemon())
    return _serve_backend(request, tell, keyring.core.load_keyring(NATIVE[system]))


def _serve_backend(request: Request, tell: Tell, backend: keyring.backend.KeyringBackend, note: str = "") -> Line:
    tell(Line(is_asking=True))  # each call may have the system ask
    try:
        if request.verb is Verb.STATE:
            allowed(backend).get_password(f"{SERVICE_PREFIX}state", "state")
        done = _carry_out(request, allowed(backend))
    except keyring.errors.KeyringError as error:
        # errSecInteractionNotAllowed: nobody could answer the keychain's prompt.
        is_keychain = f"{type(backend).__module__}.Keyring" == NATIVE["Darwin"]
        if "-25308" in str(error) or (is_keychain and isinstance(error, keyring.errors.KeyringLocked)):
            return Line(state=vault_words.keychain_locked(str(error)))
        raise
    return msgspec.structs.replace(done, state=vault_words.ready(forced=_unheeded(request), note=note))


def _carry_out(request: Request, backend: keyring.backend.KeyringBackend) -> Line:
    match request.verb:
        case Verb.READ:
            return Line(values=tuple(_read(backend, request.names)))
        case Verb.WRITE:
            [name] = request.names
            backend.set_password(SERVICE_PREFIX + name.venue, name.account, request.value)
            if backend.get_password(SERVICE_PREFIX + name.venue, name.account) != request.value:
                raise KeyringFault(vault_words.broken("what was stored does not read back as it was written"))
        case Verb.REMOVE:
            [name] = request.names
            if backend.get_password(SERVICE_PREFIX + name.venue, name.account) is not None:
                backend.delete_password(SERVICE_PREFIX + name.venue, name.account)
                return Line(was_there=True)
        case Verb.STATE:
            pass
    return Line()


def _read(backend: keyring.backend.KeyringBackend, names: Iterable[KeyName]) -> Iterable[Stored]:
    for name in names:
        value = backend.get_password(SERVICE_PREFIX + name.venue, name.account)
        if value is not None:
            yield Stored(name, value)


def _unheeded(request: Request) -> str:
    forced = request.forced or configured_backend()
    return "" if forced in TRUSTED else forced


def _failed(error: Exception) -> KeyringState:
    return vault_words.broken(f"{error}" or type(error).__name__)


def main() -> int:
    """Answers one request. Nothing but the answer goes to the output, whatever a library prints."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # the desk's engine blocks them, and the mask is inherited
    die_with_parent()
    output = os.dup(1)
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.umask(0o077)
    harden()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    if os.getppid() != request.parent or time.monotonic() > request.until:
        return 1

    def tell(line: Line) -> None:
        rest = memoryview(msgspec.json.encode(line) + b"\n")
        while rest:
            rest = rest[os.write(output, rest) :]

    tell(serve(request, tell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
