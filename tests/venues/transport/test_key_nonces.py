"""One API key in several programs: no nonce is ever drawn twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from venues.errors import ConfigurationError, RateLimited
from venues.secret import Secret
from venues.transport.nonces import KeyNonces, Nonces, shared_path

START = 1_700_000_000_000
CALLS = 3_000

DRAWING = f"""
import sys
from pathlib import Path
from venues.secret import Secret
from venues.transport.nonces import KeyNonces
draw = KeyNonces(Secret("canary-key"), "max", path=Path(sys.argv[1]), now_ms=lambda: {START}, most_ahead_ms=20_000)
sys.stdin.readline()
print(*(draw() for _ in range(int(sys.argv[2]))))
draw.close()
"""


def begin(path: Path, project_root: Path, calls: int = CALLS) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRAWING, str(path), str(calls)]
    return subprocess.Popen(command, cwd=project_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(*processes: subprocess.Popen[str]) -> list[list[int]]:
    """Lets all of them draw at once, and returns what each drew."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    drawn = [[int(word) for word in process.communicate()[0].split()] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return drawn


def test_four_processes_of_3000_calls_and_one_after_them(tmp_path: Path, project_root: Path) -> None:
    path = tmp_path / "state" / "nonces.sqlite3"
    drawn = go(*(begin(path, project_root) for _ in range(4)))
    assert all(numbers == sorted(numbers) and len(numbers) == CALLS for numbers in drawn)
    every = {number for numbers in drawn for number in numbers}
    assert len(every) == 4 * CALLS
    # None was skipped either: a burst runs no farther ahead of the clock than it has to.
    assert (min(every), max(every)) == (START, START + 4 * CALLS - 1)
    ((after,),) = go(begin(path, project_root, 1))
    assert after == START + 4 * CALLS


def test_a_process_that_is_killed_takes_no_number_with_it(tmp_path: Path, project_root: Path) -> None:
    path = tmp_path / "nonces.sqlite3"
    process = begin(path, project_root, 1_000_000)
    assert process.stdin is not None
    draw = KeyNonces(Secret("canary-key"), "max", path=path, now_ms=lambda: START, most_ahead_ms=1_000_000)
    process.stdin.write("go\n")
    process.stdin.flush()
    numbers = [draw()]
    while numbers[-1] - numbers[0] < len(numbers):  # until the other has drawn as well
        numbers.append(draw())
    process.kill()
    process.communicate()
    numbers += [draw() for _ in range(100)]
    assert numbers == sorted(set(numbers))
    draw.close()


def test_the_file_is_opened_by_the_first_call_and_after_a_close(tmp_path: Path) -> None:
    path = tmp_path / "state" / "nonces.sqlite3"
    draw = KeyNonces(Secret("canary-key"), "max", path=path, now_ms=lambda: START)
    draw.close()
    assert not path.parent.exists()
    assert draw() == START
    draw.close()
    assert draw() == START + 1
    draw.close()
    assert "canary" not in repr(draw) + repr(vars(draw))
    assert b"canary" not in path.read_bytes()


def test_opening_waits_for_who_has_the_file_and_not_for_ever(tmp_path: Path) -> None:
    """Two that begin a new file at once: SQLite tells one of them that it is busy, without any wait of its own."""
    path = tmp_path / "nonces"
    path.touch(mode=0o600)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(ConfigurationError, match="another program"):
        Nonces(path, patience=0.0, sleep=lambda _: None)
    waits: list[float] = []

    def release(seconds: float) -> None:
        waits.append(seconds)
        other.close()

    with Nonces(path, now_ms=lambda: START, sleep=release) as nonces:
        assert nonces.next("key", "max") == START
    assert len(waits) == 1


def test_keys_do_not_share_their_numbers(tmp_path: Path) -> None:
    one, other = (
        KeyNonces(Secret(key), "max", path=tmp_path / "nonces", now_ms=lambda: START) for key in ("a", "b")
    )
    assert (one(), one(), other()) == (START, START + 1, START)
    one.close()
    other.close()


def test_a_burst_waits_and_a_file_of_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nonces"
    draw = KeyNonces(Secret("key"), "max", path=path, now_ms=lambda: START, most_ahead_ms=0)
    draw()
    with pytest.raises(RateLimited):
        draw()
    draw.close()
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="yours alone"):
        draw()


def test_every_program_of_a_user_has_the_same_file(home: Path) -> None:
    draw = KeyNonces(Secret("key"), "max", now_ms=lambda: START)
    assert draw() == START
    draw.close()
    assert shared_path() == home / "state" / "pitside" / "nonces.sqlite3"
    assert shared_path().stat().st_mode & 0o777 == 0o600
    assert shared_path().parent.stat().st_mode & 0o777 == 0o700
