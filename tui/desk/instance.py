"""One engine a profile: a file lock that dies with its process, and says who holds it.

The text of the file stays when the lock is gone: it then says who had it last, and where that desk traded.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from tui.desk.inert import sanitise
from tui.paths import UnsafePath, make_private_dir
from venues.model import NANOSECONDS

LOCK_FILE = "desk.lock"
_LONGEST_TEXT = 4_096  # bytes; ours has about 100
# Whoever asks who holds the lock has it himself for some microseconds: a desk that starts then tries again.
_TRIES = 4
_PAUSE = 0.02
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})

Flock: TypeAlias = Callable[[int, int], object]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A desk as it wrote itself into the lock. `since` is nanoseconds UTC; `pid` 0: the text can not be read."""

    pid: int = 0
    mode: str = ""
    venues: tuple[str, ...] = ()
    account: str = ""
    since: int = 0

    def words(self) -> str:
        """Returns "LIVE/main, process 1234, since 09:41:22 UTC"."""
        if not self.pid:
            return "a process that has not said which"
        since = datetime.fromtimestamp(self.since // NANOSECONDS, UTC)
        return f"{self.mode}/{self.account}, process {self.pid}, since {since:%Y-%m-%d %H:%M:%S} UTC"


class InstanceError(Exception):
    """The lock can not be had; the message says why, and the remedy."""


class InstanceHeld(InstanceError):
    """Another process holds the profile."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(f"another desk holds this profile: {holder.words()}; end it, or use another --profile")
        self.holder = holder


class InstanceLock:
    """The right to trade, to write the journal and to use the nonces of the profile kept in `state_dir`.

    `clock` returns nanoseconds UTC; `sleep` takes seconds. No child process inherits the lock. Not thread-safe.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], object] = time.sleep,
        flock: Flock = fcntl.flock,
    ) -> None:
        self.path = state_dir / LOCK_FILE
        self._clock = clock
        self._sleep = sleep
        self._flock = flock
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Says whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self, mode: str, venues: tuple[str, ...] = (), account: str = "main") -> None:
        """Takes the lock, and keeps it until `release` or the end of the process. Again is no error.

        Raises:
            InstanceHeld: another desk has it.
            InstanceError: the folder can not be locked, or is not private.
        """
        if self._descriptor is not None:
            return
        try:
            make_private_dir(self.path.parent)
        except UnsafePath as error:
            raise InstanceError(str(error)) from error
        except OSError as error:
            raise InstanceError(_words_of(error, self.path.parent)) from error
        descriptor = self._take()
        try:
            self._tell(descriptor, mode, venues, account)
        except InstanceError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def note(self, mode: str, venues: tuple[str, ...], account: str) -> None:
        """Says anew where the desk that has the lock trades. Raises InstanceError."""
        if self._descriptor is not None:
            self._tell(self._descriptor, mode, venues, account)

    def _tell(self, descriptor: int, mode: str, venues: tuple[str, ...], account: str) -> None:
        text = msgspec.json.encode(
            Holder(pid=os.getpid(), mode=mode, venues=venues, account=account, since=self._clock())
        )
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        except OSError as error:
            # A full disk must not cost the lock: then it does not say who has it.
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise InstanceError(_words_of(error, self.path)) from error

    def release(self) -> None:
        """Gives the lock up. Again is no error."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _take(self) -> int:
        for attempt in range(_TRIES):
            if attempt:
                self._sleep(_PAUSE)
            descriptor = _open(self.path, os.O_RDWR | os.O_CREAT)
            try:
                self._flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_same(descriptor, self.path):  # else somebody took the file away meanwhile
                    kept, descriptor = descriptor, -1
                    return kept
            except BlockingIOError:
                pass
            except OSError as error:
                raise InstanceError(_words_of(error, self.path)) from error
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
        raise InstanceHeld(last_holder(self.path.parent) or Holder())


def find_holder(state_dir: Path, *, flock: Flock = fcntl.flock) -> Holder | None:
    """Returns the desk that holds the profile now; None where none does.

    Raises:
        InstanceError: that can not be found out.
    """
    path = state_dir / LOCK_FILE
    if not path.exists():
        return None
    descriptor = _open(path, os.O_RDONLY)
    try:
        flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor)
    except OSError as error:
        raise InstanceError(_words_of(error, path)) from error
    finally:
        os.close(descriptor)
    return None


def last_holder(state_dir: Path) -> Holder | None:
    """Returns the desk that had the profile last, whether it still runs or not; None where none is known."""
    path = state_dir / LOCK_FILE
    if not path.exists():
        return None
    descriptor = _open(path, os.O_RDONLY)
    try:
        holder = _read(descriptor)
    finally:
        os.close(descriptor)
    return holder if holder.pid else None


def _open(path: Path, flags: int) -> int:
    """Opens the lock's file, 0600 and nobody else's. Raises InstanceError."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InstanceError(f"{path} is a symbolic link: remove it") from error
        raise InstanceError(_words_of(error, path)) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_nlink > 1:
        os.close(descriptor)
        raise InstanceError(f"{path} is not a file of yours alone: remove it")
    if status.st_mode & 0o077:
        os.fchmod(descriptor, 0o600)
    return descriptor


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _read(descriptor: int) -> Holder:
    """Returns what stands in the file, made inert; an empty holder where that is nothing of ours."""
    try:
        holder = msgspec.json.decode(os.pread(descriptor, _LONGEST_TEXT, 0), type=Holder)
        datetime.fromtimestamp(holder.since // NANOSECONDS, UTC)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError, OverflowError, ValueError):
        return Holder()
    return Holder(
        pid=max(0, holder.pid),
        mode=sanitise(holder.mode, 16),
        venues=tuple(sanitise(name, 32) for name in holder.venues[:16]),
        account=sanitise(holder.account, 32),
        since=holder.since,
    )


def _words_of(error: OSError, path: Path) -> str:
    if error.errno in _NO_LOCKS:
        return (
            f"{path} can not be locked ({error.strerror}): its disk has no file locks, as with some network "
            "disks; keep the profile on a local disk (XDG_STATE_HOME says where)"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path} can not be written ({error.strerror}): make its folder yours and writable"
    return f"{path}: {error.strerror or error}"
