"""Each state that the place of the keys can be in, in words, and what to do about it."""

from __future__ import annotations

from pathlib import Path

from tui.desk.inert import sanitise
from tui.desk.key_entries import KeyringCode, KeyringState

USE_FILE = 'set [credentials] store = "file": an encrypted file keeps the keys then'
INSTALL = "apt install gnome-keyring dbus"
TYPE_IT = "type the keyring's password: pitside opens it for the moment"
CHOOSE_ONE = "choose a password: pitside makes a keyring with it"
_CHOICE = "PYTHON_KEYRING_BACKEND or keyringrc.cfg"


def ready(*, forced: str = "", is_private: bool = False, note: str = "") -> KeyringState:
    """The keyring is open. `forced` is what keyring was set to in vain, `note` what a person should know of it."""
    words = "the keyring is unlocked and works"
    if is_private:
        words += ", on a bus of pitside's own for the moment"
    words += _unheeded(forced)
    return KeyringState(code=KeyringCode.READY, words=f"{words}; {note}" if note else words)


def without_bus(
    *, address: str, forced: str, needs_bus: bool, has_bus_daemon: bool, has_keyring: bool, creates: bool
) -> KeyringState:
    """No session bus answers.

    `address` is what the environment says of one; `forced` is the backend that keyring was set to, and `needs_bus`
    whether that is the one of the Secret Service.
    """
    is_usable = has_bus_daemon and has_keyring
    if address:
        code = KeyringCode.STALE_BUS
        words = "DBUS_SESSION_BUS_ADDRESS leads to a session bus that is gone, as in an old tmux session"
    elif needs_bus:
        code = KeyringCode.FORCED_WITHOUT_BUS
        words = f"{_name(forced)} is asked for ({_CHOICE}), but there is no D-Bus session bus"
    else:
        code = KeyringCode.NO_BUS
        words = "there is no D-Bus session bus, as is usual over SSH"
    if not needs_bus:
        words += _unheeded(forced)
    usable_remedy = CHOOSE_ONE if creates else TYPE_IT
    remedy = usable_remedy if is_usable else f"{INSTALL}, or {USE_FILE}"
    return KeyringState(
        code=code, words=words, remedy=remedy, needs_password=is_usable, creates=is_usable and creates
    )


def no_daemon(why: str = "") -> KeyringState:
    """Nothing is installed that keeps keys; `why` in the words of whoever should have started it."""
    words = "no Secret Service is installed: nothing keeps keys on this machine"
    if why:
        words = f"the Secret Service can not be started: {sanitise(why, 120)}"
    return KeyringState(code=KeyringCode.NO_DAEMON, words=words, remedy=f"{INSTALL}, or {USE_FILE}")


def not_permitted(program: str, why: str) -> KeyringState:
    """The keyring's program may not be run: in a container that lacks a capability which the file asks for."""
    return KeyringState(
        code=KeyringCode.NO_DAEMON,
        words=f"{sanitise(program, 80)} can not be started: {sanitise(why, 80)}",
        remedy=f"start the container with --cap-add IPC_LOCK, or {USE_FILE}",
    )


def plaintext_only(backend: str) -> KeyringState:
    """Only a backend that writes keys in clear is there."""
    return KeyringState(
        code=KeyringCode.PLAINTEXT_ONLY,
        words=f"the only keyring here is {_name(backend)}, which keeps keys in clear: refused",
        remedy=f"{INSTALL}, or {USE_FILE}",
    )


def refused_backend(backend: str) -> KeyringState:
    """Only a backend is there that pitside does not trust."""
    return KeyringState(
        code=KeyringCode.REFUSED_BACKEND,
        words=f"the only keyring here is {_name(backend)}, which is none of those that pitside trusts: refused",
        remedy=f"{INSTALL}, or {USE_FILE}",
    )


def no_collection(*, can_create: bool, is_dismissed: bool = False) -> KeyringState:
    """The Secret Service runs, and has nowhere to keep anything."""
    words = "the Secret Service runs, but it has no keyring yet"
    if is_dismissed:
        words += ": its prompt for a new one was dismissed"
    return KeyringState(
        code=KeyringCode.NO_COLLECTION,
        words=words,
        remedy=CHOOSE_ONE if can_create else "make one in the password program of your desktop",
        needs_password=can_create,
        creates=can_create,
    )


def locked(*, label: str = "login", can_unlock: bool, is_dismissed: bool = False) -> KeyringState:
    """The keyring is there and locked; `can_unlock`: by a password that pitside asks for."""
    words = f"the keyring {sanitise(label, 40)!r} is locked"
    if is_dismissed:
        words += ": its prompt was dismissed"
    return KeyringState(
        code=KeyringCode.LOCKED,
        words=words,
        remedy=TYPE_IT if can_unlock else "unlock it in the password program of your desktop",
        needs_password=can_unlock,
    )


def written_elsewhere() -> KeyringState:
    """The daemon lists a key and can not hand it out: gnome-keyring does so when another one wrote its file."""
    return KeyringState(
        code=KeyringCode.BROKEN,
        words="the keyring's daemon can not hand out a key that it lists: another one has written its file",
        remedy="log out of every session and in again, which starts it anew; no key is lost",
    )


def keychain_locked(why: str) -> KeyringState:
    """macOS's keychain can not be opened from here: over SSH nobody could answer its prompt (-25308)."""
    return KeyringState(
        code=KeyringCode.LOCKED,
        words=f"the keychain is locked: {sanitise(why, 120)}",
        remedy="run  security unlock-keychain  in this session first",
    )


def denied(label: str = "login") -> KeyringState:
    """The password was a wrong one."""
    return KeyringState(
        code=KeyringCode.DENIED,
        words=f"this is not the password of the keyring {sanitise(label, 40)!r}",
        remedy="try again; on a desktop it is the password you log in with, at the time the keyring was made",
        needs_password=True,
    )


def unanswered(seconds: float, *, needs_password: bool = True) -> KeyringState:
    """The keyring has asked on a screen that nobody looks at."""
    return KeyringState(
        code=KeyringCode.UNANSWERED_PROMPT,
        words=f"the keyring asks for its password on another screen, and nobody answered within {seconds:.0f} s",
        remedy="answer it there, or give its password here" if needs_password else "answer it there",
        needs_password=needs_password,
    )


def no_answer(seconds: float) -> KeyringState:
    """Nothing came within the deadline."""
    return KeyringState(
        code=KeyringCode.NO_ANSWER,
        words=f"the keyring did not answer within {seconds:.0f} s",
        remedy=f"try again; where it stays so, end gnome-keyring-daemon, or {USE_FILE}",
    )


def busy(seconds: float) -> KeyringState:
    """Another pitside holds the lock."""
    return KeyringState(
        code=KeyringCode.NO_ANSWER,
        words=f"another pitside has been using the keys for {seconds:.0f} s",
        remedy="try again",
    )


def file_absent(path: Path) -> KeyringState:
    return KeyringState(
        code=KeyringCode.FILE_ABSENT,
        words=f"there is no encrypted file yet ({path})",
        remedy="choose a password for it: without it nobody can read the keys again",
        needs_password=True,
        creates=True,
    )


def file_locked(path: Path) -> KeyringState:
    return KeyringState(
        code=KeyringCode.FILE_LOCKED,
        words=f"the keys are in an encrypted file ({path})",
        remedy="give its password",
        needs_password=True,
    )


def file_open(path: Path) -> KeyringState:
    return KeyringState(code=KeyringCode.FILE_OPEN, words=f"the encrypted file {path} opens with this password")


def file_denied(path: Path) -> KeyringState:
    return KeyringState(
        code=KeyringCode.FILE_DENIED,
        words=f"this is not the password of the encrypted file {path}, or the file was changed",
        remedy="try again; nothing was written",
        needs_password=True,
    )


def file_broken(path: Path, why: str) -> KeyringState:
    return KeyringState(
        code=KeyringCode.FILE_BROKEN,
        words=f"the encrypted file {path} can not be used: {sanitise(why, 120)}",
        remedy="bring it back from a copy, or move it away and add the keys again",
    )


def broken(why: str, remedy: str = "") -> KeyringState:
    """Anything else, in the words of whoever failed."""
    return KeyringState(
        code=KeyringCode.BROKEN,
        words=f"the keyring failed: {sanitise(why, 160)}",
        remedy=remedy or f"pitside doctor says more; or {USE_FILE}",
    )


def _unheeded(forced: str) -> str:
    return f"; {_name(forced)} ({_CHOICE}) is not heeded" if forced else ""


def _name(backend: str) -> str:
    return sanitise(backend, 80)
