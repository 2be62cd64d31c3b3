"""Nonces: unique and rising, whoever asks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from venues.errors import ClockSkew, ConfigurationError, RateLimited
from venues.transport.nonces import Nonces

START = 1_700_000_000_000


class Clock:
    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def test_rising_while_the_clock_stands_still(tmp_path: Path) -> None:
    with Nonces(tmp_path / "state" / "nonces", now_ms=Clock()) as nonces:
        assert [nonces.next("key", "testing") for _ in range(5)] == [START + n for n in range(5)]
        assert nonces.next("another key", "testing") == START


def test_rising_after_a_restart_and_a_clock_that_went_back(tmp_path: Path) -> None:
    clock = Clock()
    with Nonces(tmp_path / "nonces", now_ms=clock) as nonces:
        last = nonces.next("key", "testing")
    clock.now -= 3_000
    with Nonces(tmp_path / "nonces", now_ms=clock) as nonces:
        assert nonces.next("key", "testing") == last + 1
        clock.now += 60_000
        assert nonces.next("key", "testing") == clock.now


def test_a_burst_may_run_only_so_far_ahead(tmp_path: Path) -> None:
    clock = Clock()
    with Nonces(tmp_path / "nonces", now_ms=clock, most_ahead_ms=100) as nonces:
        drawn = [nonces.next("key", "testing") for _ in range(101)]
        assert drawn[-1] == START + 100
        with pytest.raises(RateLimited) as caught:
            nonces.next("key", "testing")
        assert caught.value.retry_after == pytest.approx(0.001)
        clock.now += 1
        assert nonces.next("key", "testing") == START + 101  # the refusal used none up


def test_a_clock_an_hour_back_is_named(tmp_path: Path) -> None:
    clock = Clock()
    with Nonces(tmp_path / "nonces", now_ms=clock) as nonces:
        nonces.next("key", "testing")
        clock.now -= 3_600_000
        with pytest.raises(ClockSkew, match="3600 s behind"):
            nonces.next("key", "testing")


DRAWING = """
import sys
from pathlib import Path
from venues.transport.nonces import Nonces
with Nonces(Path(sys.argv[1]), now_ms=lambda: 1_700_000_000_000) as nonces:
    sys.stdin.readline()
    print(*(nonces.next("key", "testing") for _ in range(500)))
"""


def test_four_processes_never_draw_the_same(tmp_path: Path, project_root: Path) -> None:
    command = [sys.executable, "-c", DRAWING, str(tmp_path / "nonces")]
    drawing = [
        subprocess.Popen(command, cwd=project_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in drawing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    drawn = [[int(word) for word in process.communicate()[0].split()] for process in drawing]
    assert [process.returncode for process in drawing] == [0] * 4
    assert all(numbers == sorted(set(numbers)) and len(numbers) == 500 for numbers in drawn)
    assert len({number for numbers in drawn for number in numbers}) == 2_000


def test_files_are_private_and_hold_no_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Nonces(tmp_path / "state" / "nonces") as nonces:
            nonces.next("canary-key-5b1d", "testing")
            files = sorted((tmp_path / "state").iterdir())
            assert len(files) == 3  # the database, its log and its shared memory
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            assert all(b"canary" not in file.read_bytes() for file in files)
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nonces"
    path.touch()
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="yours alone"):
        Nonces(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch(mode=0o600)
    (tmp_path / "nonces").symlink_to(tmp_path / "target")
    with pytest.raises(ConfigurationError):
        Nonces(tmp_path / "nonces")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nonces"
    path.write_bytes(b"something else entirely" * 100)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="nonce counter"):
        Nonces(path)
