"""One engine a profile: the lock dies with its process, no child keeps it, and it says who has it."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.tui.desk.rig import START
from tui.desk.instance import (
    LOCK_FILE,
    Holder,
    InstanceError,
    InstanceHeld,
    InstanceLock,
    find_holder,
    last_holder,
)

HOLDER = """
import subprocess, sys
from pathlib import Path
from tui.desk.instance import InstanceLock

lock = InstanceLock(Path(sys.argv[1]))
lock.acquire("LIVE", ("coinex",), "main")
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
print(child.pid, flush=True)
input()
"""


def lines_of(child: subprocess.Popen[str]) -> IO[str]:
    assert child.stdout is not None
    return child.stdout


@contextmanager
def holding(folder: Path, project_root: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the lock, and the number of its child, which outlives it."""
    argv = [sys.executable, "-c", HOLDER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=project_root, stdin=pipe, stdout=pipe, text=True) as child:
        grandchild = int(lines_of(child).readline())
        try:
            yield child, grandchild
        finally:
            child.kill()
            os.kill(grandchild, signal.SIGKILL)


def lock_of(folder: Path) -> InstanceLock:
    return InstanceLock(folder, clock=lambda: START, sleep=lambda _: None)


def test_another_process_is_refused_and_told_who_holds_it(tmp_path: Path, project_root: Path) -> None:
    with holding(tmp_path / "p", project_root) as (child, _):
        lock = lock_of(tmp_path / "p")
        with pytest.raises(InstanceHeld, match=rf"LIVE/main, process {child.pid}, since 20\d\d-.* UTC") as caught:
            lock.acquire("PAPER")
        assert not lock.is_held
        assert caught.value.holder.venues == ("coinex",)
        assert "--profile" in str(caught.value)
        found = find_holder(tmp_path / "p")
        assert found is not None
        assert (found.pid, found.mode, found.account) == (child.pid, "LIVE", "main")
        assert stat.S_IMODE((tmp_path / "p" / LOCK_FILE).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "p").stat().st_mode) == 0o700


def test_a_killed_holder_leaves_nothing_locked_though_its_child_lives(tmp_path: Path, project_root: Path) -> None:
    for _ in range(5):
        with holding(tmp_path, project_root) as (child, grandchild):
            child.send_signal(signal.SIGKILL)
            assert child.wait(10) == -signal.SIGKILL
            os.kill(grandchild, 0)
            assert find_holder(tmp_path) is None
            lock = lock_of(tmp_path)
            lock.acquire("PAPER")
            lock.release()


def test_the_file_says_who_had_it_last(tmp_path: Path) -> None:
    assert last_holder(tmp_path) is None
    lock = lock_of(tmp_path)
    lock.acquire("LIVE", ("coinex", "max"), "second")
    lock.acquire("LIVE")
    assert lock.is_held
    lock.release()
    lock.release()
    assert find_holder(tmp_path) is None
    assert last_holder(tmp_path) == Holder(
        pid=os.getpid(), mode="LIVE", venues=("coinex", "max"), account="second", since=START
    )
    shorter = lock_of(tmp_path)
    shorter.acquire("PAPER")
    held = last_holder(tmp_path)
    assert held is not None
    assert (held.mode, held.venues) == ("PAPER", ())
    shorter.release()


def test_a_question_at_the_wrong_moment_does_not_turn_a_desk_away(tmp_path: Path) -> None:
    asked = os.open(tmp_path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(asked, fcntl.LOCK_SH)
    lock = InstanceLock(tmp_path, sleep=lambda _: fcntl.flock(asked, fcntl.LOCK_UN))
    lock.acquire("PAPER")
    assert lock.is_held
    lock.release()
    os.close(asked)


def test_a_file_that_was_taken_away_does_not_make_two_holders(tmp_path: Path) -> None:
    """Who waits with the old file open would else hold a lock that nobody sees."""

    def flock(descriptor: int, operation: int) -> None:
        fcntl.flock(descriptor, operation)
        if not tries:
            (tmp_path / LOCK_FILE).unlink()
        tries.append(descriptor)

    tries: list[int] = []
    lock = InstanceLock(tmp_path, flock=flock, sleep=lambda _: None)
    lock.acquire("PAPER")
    assert len(tries) == 2
    with pytest.raises(InstanceHeld):
        lock_of(tmp_path).acquire("PAPER")
    lock.release()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_disk_without_locks_is_said_with_the_remedy(number: int, tmp_path: Path) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(InstanceError, match=r"has no file locks.*keep the profile on a local disk"):
        InstanceLock(tmp_path, flock=flock).acquire("LIVE")
    with pytest.raises(InstanceError, match="has no file locks"):
        find_holder(tmp_path, flock=flock)


def test_a_text_that_is_none_of_ours_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / LOCK_FILE
    for text in (
        b"",
        b"\xff\xfe garbage",
        b"[" * 5_000,
        b'{"pid": "1"}',
        b'{"pid": 7, "since": 99999999999999999999999999}',
        b'{"pid": 7, "since": 9223372036854775807, "mode": 3}',
    ):
        path.write_bytes(text)
        assert last_holder(tmp_path) is None
    path.write_bytes(b'{"pid": 7, "mode": "LIVE\\u001b]0;x\\u0007", "account": "m\\u202ea", "since": 0}')
    held = last_holder(tmp_path)
    assert held is not None
    assert held.words().isprintable()
    assert "1970-01-01" in held.words()
    lock = lock_of(tmp_path)
    lock.acquire("PAPER")
    assert last_holder(tmp_path) is not None
    lock.release()


def test_a_lock_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    folder = tmp_path / "p"
    folder.mkdir(mode=0o700)
    (folder / LOCK_FILE).symlink_to(target)
    with pytest.raises(InstanceError, match="symbolic link"):
        lock_of(folder).acquire("PAPER")
    (folder / LOCK_FILE).unlink()
    (folder / LOCK_FILE).hardlink_to(target)
    with pytest.raises(InstanceError, match="not a file of yours alone"):
        lock_of(folder).acquire("PAPER")
    (folder / LOCK_FILE).unlink()
    os.mkfifo(folder / LOCK_FILE)
    with pytest.raises(InstanceError, match="not a file of yours alone"):
        lock_of(folder).acquire("PAPER")
    assert target.read_text() == "precious"


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(InstanceError, match="may be written by others"):
        lock_of(folder).acquire("PAPER")
