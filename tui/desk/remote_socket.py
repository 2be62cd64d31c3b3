"""Where the control socket lies, and how it is made: private before anybody can connect, whatever the umask."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tui.desk.remote_messages import SOCKET_FILE
from tui.paths import UnsafePath, make_private_dir

_BACKLOG = 128
LONGEST_PATH = 100  # bytes: Linux has room for 107, macOS for 103


class SocketError(OSError):
    """There can be no control socket here; the message says why, and the remedy."""


class ControlSocket:
    """A listening unix socket, reached through `state_dir`. Only who holds the profile's lock may make one.

    Raises:
        SocketError: it can not be made.
    """

    def __init__(self, state_dir: Path) -> None:
        self._made: list[tuple[Path, tuple[int, int]]] = []
        self.name = state_dir / SOCKET_FILE
        try:
            make_private_dir(state_dir)
            self.socket, self.path = self._listen()
        except (UnsafePath, OSError) as error:
            self._remove()
            why = getattr(error, "strerror", None) or error
            raise SocketError(f"other commands can not reach this desk: {self.name}: {why}") from error

    def close(self) -> None:
        """Stops listening and takes the files away, where they are still ours."""
        self.socket.close()
        self._remove()

    def _listen(self) -> tuple[socket.socket, Path]:
        error: OSError | None = None
        for path in self._places():
            try:
                listening = self._bind(path)
            except OSError as refused:  # a disk that has no sockets: the next place may be on another
                if refused.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL, errno.ENAMETOOLONG):
                    raise
                error = refused
                continue
            if path != self.name:
                fresh = self.name.with_suffix(".new")
                fresh.unlink(missing_ok=True)
                fresh.symlink_to(path)
                fresh.rename(self.name)
                self._note(self.name)
            return listening, path
        raise error or OSError(errno.ENAMETOOLONG, "its path is too long: use a shorter TMPDIR or profile folder")

    def _places(self) -> Iterator[Path]:
        if _fits(self.name):
            yield self.name
        if _fits(short := _short_name(self.name)):
            yield short

    def _bind(self, path: Path) -> socket.socket:
        """Binds beside the name and renames: nobody finds the socket before it is private and listens."""
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.setblocking(False)
            listening.bind(os.fspath(fresh))
            fresh.chmod(0o600)
            listening.listen(_BACKLOG)
            fresh.rename(path)
        except OSError:
            listening.close()
            fresh.unlink(missing_ok=True)
            raise
        self._note(path)
        return listening

    def _note(self, path: Path) -> None:
        status = path.lstat()
        self._made.append((path, (status.st_dev, status.st_ino)))

    def _remove(self) -> None:
        while self._made:
            path, identity = self._made.pop()
            try:
                status = path.lstat()
                if (status.st_dev, status.st_ino) == identity:
                    path.unlink()
            except OSError:
                continue


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_PATH


def _short_name(name: Path) -> Path:
    """Returns a short path of the profile's own in a folder that only its owner may enter. Raises UnsafePath."""
    runtime = Path("/run/user") / str(os.getuid())
    folder = (
        runtime / "pitside" if _is_private(runtime) else Path(tempfile.gettempdir()) / f"pitside-{os.getuid()}"
    )
    _check_parents(folder)
    digest = hashlib.sha256(os.fsencode(name.resolve())).hexdigest()
    return make_private_dir(folder) / f"{digest[:16]}.sock"


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


def _check_parents(folder: Path) -> None:
    """Raises UnsafePath where another user could put a folder of his own in the place of this one."""
    for parent in folder.resolve().parents:
        status = parent.stat()
        is_shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
        if is_shared or status.st_uid not in {0, os.getuid()}:
            raise UnsafePath(f"{parent} may be changed by others: set TMPDIR to a folder of your own")
