"""The folders and files of a profile: whose they are, who else may read or write them, and the disk below them."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tui.doctor.findings import Finding, Severity, Topic, fault, note, ok, warning
from tui.paths import Paths

_MOUNTS = Path("/proc/self/mountinfo")
_LOW, _EMPTY = 100_000_000, 5_000_000  # bytes: a busy day's journal is some ten million
_MOST = 500  # files that are looked at; a profile has some twenty
_MOST_SAID = 8  # problems of one kind
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH | stat.S_IXGRP | stat.S_IXOTH
# Where locks or shared memory are not what SQLite's write-ahead log needs, or are not known to be.
_NETWORK = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2",
        "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs",
    }
)  # fmt: skip
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


class Disk(NamedTuple):
    """The disk below a folder: its kind where that is known, what is free for us, and whether it takes writes."""

    kind: str
    free: int  # bytes
    is_read_only: bool


def check_files(paths: Paths, *, me: int, mounts: Path = _MOUNTS) -> list[Finding]:
    """Looks at every folder and file of the profile, and at what is kept of keys. `me` is the user's number."""
    found: list[Finding] = []
    folders = {"configuration": paths.config_dir, "state": paths.state_dir}
    for name, folder in folders.items():
        found += _check_folder(name, folder, me)
    found += _check_keys(paths.keys_dir, me)
    found += _check_parents(folders.values())
    found += check_disk(paths.state_dir, disk_below(paths.state_dir, mounts))
    return found


def _check_folder(name: str, folder: Path, me: int) -> list[Finding]:
    if not os.path.lexists(folder):
        return check_future(folder) if name == "state" else []  # nobody needs a configuration
    # No secret stands in the configuration, and who writes one by hand makes it readable.
    when_read = Severity.NOTE if name == "configuration" else Severity.WARNING
    problems = check_path(folder, me, is_folder=True, when_read=when_read)
    if folder.is_symlink() or not folder.is_dir():
        return problems
    if not os.access(folder, os.R_OK | os.X_OK):
        return [
            *problems,
            fault(Topic.FILES, f"{folder} can not be read by you", f"chmod u+rwx {_quoted(folder)}"),
        ]
    if not os.access(folder, os.W_OK):
        remedy = f"chmod u+rwx {_quoted(folder)}; where that is refused, look whose it is and how it is mounted"
        say = fault if name == "state" else note
        problems.append(say(Topic.FILES, f"{folder} can not be written by you", remedy))
    count = 0
    for count, path in enumerate(_below(folder), 1):
        problems += check_path(path, me, when_read=when_read)
        if count == _MOST:
            break
    if problems:
        return _shortened(problems)
    inside = {0: "and empty", 1: "and so is the one file in it"}.get(count, f"and so are the {count} files in it")
    return [ok(Topic.FILES, f"the {name} folder {folder} is yours alone, {inside}")]


def check_future(folder: Path, access: Callable[[Path, int], bool] = os.access) -> list[Finding]:
    """Says whether a desk can make a folder that is not there yet."""
    there = _nearest(folder)
    if access(there, os.W_OK | os.X_OK):
        return [ok(Topic.FILES, f"the state folder {folder} is not there yet: a desk makes it, for you alone")]
    words = f"the state folder {folder} can not be made: {there} is not yours to write"
    if there.lstat().st_uid == os.getuid():
        return [fault(Topic.FILES, words, f"chmod u+rwx {_quoted(there)}")]
    return [fault(Topic.FILES, words, "is HOME right? XDG_STATE_HOME says where the state is kept instead")]


def _nearest(folder: Path) -> Path:
    """Returns the folder itself, or the nearest one above it that is there."""
    for path in (folder, *folder.parents):
        with suppress(OSError):  # what is above it may not be ours to enter
            if path.exists():
                return path
    return Path("/")


def _check_keys(folder: Path, me: int) -> list[Finding]:
    if not os.path.lexists(folder):
        return []
    try:
        there = sorted(path for path in folder.iterdir() if not path.is_dir())
    except OSError:  # said below, or of the profile's own folder
        there = []
    problems = check_path(folder, me, is_folder=True)
    if not there:
        # Above the profiles, made by the user's umask: without keys in it, it tells no more than their names.
        return [problem for problem in problems if problem.severity is Severity.FAULT]
    for path in there:
        problems += check_path(path, me)
    if problems:
        return problems
    return [ok(Topic.FILES, f"what is kept of keys is yours alone: {', '.join(path.name for path in there)}")]


def _below(folder: Path) -> Iterator[Path]:
    """Yields every path below a folder; links are named and not followed."""
    for parent, folders, files in os.walk(folder, followlinks=False):
        for name in sorted([*folders, *files]):
            yield Path(parent) / name


def check_path(
    path: Path, me: int, *, is_folder: bool = False, when_read: Severity = Severity.WARNING
) -> list[Finding]:
    """Says what is wrong with the owner and the mode of one path; nothing where it is private.

    `when_read` is how bad it is that others may read it.
    """
    try:
        status = path.lstat()
    except OSError:  # it was there a moment ago: a desk is running
        return []
    kind, quoted = status.st_mode, _quoted(path)
    if stat.S_ISLNK(kind):
        return [fault(Topic.FILES, f"{path} is a symbolic link, which a desk refuses", "put the real one there")]
    if is_folder and not stat.S_ISDIR(kind):
        return [fault(Topic.FILES, f"{path} is no folder", f"mv {quoted} {quoted}.old")]
    if status.st_uid not in {me, 0}:
        words = f"{path} belongs to another user (number {status.st_uid})"
        return [fault(Topic.FILES, words, f"sudo chown $USER {quoted}")]
    if kind & _OTHERS_WRITE:
        return [
            fault(Topic.FILES, f"{path} may be written by others (mode {_mode(kind)})", _made_private(path, kind))
        ]
    if status.st_uid != me:
        # Made by a run as root, which leaves what we can read at best.
        words = f"{path} belongs to root: it was made by a run with sudo"
        return [warning(Topic.FILES, words, f"sudo chown $USER {quoted}")]
    if kind & _OTHERS_READ and not stat.S_ISSOCK(kind):
        words = f"{path} may be read by others (mode {_mode(kind)})"
        return [Finding(Topic.FILES, when_read, words, _made_private(path, kind))]
    return []


def _check_parents(folders: Iterable[Path]) -> list[Finding]:
    """Finds folders above ours in which anybody may rename what is ours away."""
    found = {}
    for folder in folders:
        for parent in folder.parents:
            try:
                mode = parent.stat().st_mode
            except OSError:
                continue
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                found[parent] = fault(
                    Topic.FILES,
                    f"{parent} may be written by anybody, who could put folders in the place of yours",
                    f"chmod o-w {_quoted(parent)}",
                )
    return list(found.values())


def disk_below(folder: Path, mounts: Path = _MOUNTS) -> Disk:
    """Returns the disk on which a folder is, or would be."""
    there = _nearest(folder)
    room = os.statvfs(there)
    return Disk(_kind_of(there.resolve(), mounts), room.f_bavail * room.f_frsize, bool(room.f_flag & os.ST_RDONLY))


def _kind_of(path: Path, mounts: Path) -> str:
    """Returns the kind of the file system that holds a path; empty where the system does not tell."""
    kinds: dict[str, str] = {}
    try:
        text = mounts.read_text(errors="surrogateescape")
    except OSError:
        return ""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) > 4 and after:
            place = fields[4].replace(r"\040", " ").replace(r"\011", "\t").replace(r"\134", "\\")
            kinds[place] = after.split()[0]  # a later mount on the same place hides the earlier one
    return next((kinds[str(place)] for place in (path, *path.parents) if str(place) in kinds), "")


def check_disk(folder: Path, disk: Disk) -> list[Finding]:
    """Says whether a journal can be kept on the disk."""
    found = []
    free = f"{disk.free / 1e9:,.1f} GB" if disk.free >= 1e9 else f"{disk.free / 1e6:,.0f} MB"
    where = f"the disk of {folder}"
    if disk.is_read_only:
        remedy = "mount it writable, or keep the state elsewhere: XDG_STATE_HOME says where"
        found.append(fault(Topic.FILES, f"{where} is mounted read-only: no order can be journalled", remedy))
    elif disk.free < _EMPTY:
        words = f"{where} is full ({free} free): orders that can not be journalled are denied"
        found.append(fault(Topic.FILES, words, "free some space"))
    elif disk.free < _LOW:
        found.append(warning(Topic.FILES, f"{where} is nearly full ({free} free)", "free some space"))
    else:
        kind = f", {disk.kind}" if disk.kind else ""
        found.append(ok(Topic.FILES, f"{where} has {free} free{kind}"))
    if disk.kind in _NETWORK:
        words = f"{where} is a network or shared one ({disk.kind}): locks and the journal may not be safe on it"
        found.append(note(Topic.FILES, words, "keep the state on a local disk: XDG_STATE_HOME says where"))
    elif disk.kind in _IN_MEMORY:
        words = f"{where} is in memory ({disk.kind}): the journal is gone after a restart of this machine"
        found.append(warning(Topic.FILES, words, "keep the state on a real disk: XDG_STATE_HOME says where"))
    return found


def _shortened(problems: list[Finding]) -> list[Finding]:
    said = problems[:_MOST_SAID]
    if left := len(problems) - len(said):
        worst = max(problems[_MOST_SAID:], key=lambda found: found.severity.rank)
        said.append(Finding(Topic.FILES, worst.severity, f"and {left} more like these"))
    return said


def _made_private(path: Path, mode: int) -> str:
    return f"chmod {'700' if stat.S_ISDIR(mode) else '600'} {_quoted(path)}"


def _mode(mode: int) -> str:
    return f"{stat.S_IMODE(mode):04o}"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
