"""The log file: private, bounded, one line a record, no secret; and a desk that does not notice a bad disk."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tui.logs import KEPT, LARGEST, LOG_NAME, Log, open_log
from tui.redaction import Redactor
from venues.secret import Secret

CANARY = "CANARY0123456789SECRET"
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (WARNING|ERROR|CRITICAL) [\w.]+: .+")
logger = logging.getLogger("tui.desk.testing")


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor()
    made.learn(Secret(CANARY))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "default"


@pytest.fixture
def log(folder: Path, redactor: Redactor) -> Iterator[Log]:
    with open_log(folder, redactor) as opened:
        yield opened


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        pause.wait(0.002)


def lines_of(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:  # not there yet, or just being turned over
        return []


def test_a_warning_is_one_private_line(log: Log, folder: Path) -> None:
    before = time.time()
    logger.warning("opened %s in %.1f s", "coinex", 0.25)
    logger.info("nothing that needs to be kept")
    log.close()
    (line,) = lines_of(folder / LOG_NAME)
    assert _LINE.fullmatch(line)
    assert line.endswith("Z WARNING tui.desk.testing: opened coinex in 0.2 s")
    assert line[:16] == time.strftime("%Y-%m-%dT%H:%M", time.gmtime(before))
    assert stat.S_IMODE((folder / LOG_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_nothing_is_made_before_the_first_line(log: Log, folder: Path) -> None:
    log.close()
    assert not folder.exists()


def test_neither_a_key_nor_what_a_terminal_acts_on_gets_in(log: Log, folder: Path) -> None:
    logger.warning("refused: %s\x1b[2J\nsecond line", CANARY)
    try:
        raise ValueError(f"bad {CANARY}")
    except ValueError:
        logger.exception("it broke with signature=FF00")
    logging.getLogger("anything").error("password=hunter2")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"careless {CANARY}", UserWarning, stacklevel=1)
    log.close()
    lines = lines_of(folder / LOG_NAME)
    assert len(lines) == 4
    assert all(_LINE.fullmatch(line) and line.isprintable() for line in lines)
    text = "\n".join(lines)
    assert CANARY not in text
    assert "hunter2" not in text
    assert "FF00" not in text
    assert "refused: ***" in lines[0]
    assert "| ValueError: bad *** | " in lines[1]
    assert "test_logs.py" in lines[1]


def test_the_libraries_tell_nothing_below_a_warning(log: Log, folder: Path) -> None:
    for name in ("httpx", "httpcore.connection", "websockets.client", "keyring.backend", "jeepney", "asyncio"):
        logging.getLogger(name).debug("GET https://a/?signature=FF00")
        logging.getLogger(name).info("GET https://a/?signature=FF00")
    logging.getLogger("asyncio").error("Task exception was never retrieved")
    log.close()
    assert [line.partition("Z ")[2] for line in lines_of(folder / LOG_NAME)] == [
        "ERROR asyncio: Task exception was never retrieved"
    ]


def test_nothing_of_it_reaches_the_screen_and_all_is_as_before_at_the_end(
    folder: Path, redactor: Redactor, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()

    def state() -> tuple[object, ...]:
        hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
        return (root.level, list(root.handlers), logging.lastResort, logging.raiseExceptions, *hooks)

    before = state()
    with open_log(folder, redactor) as log:
        silent = logging.Logger("without a handler")
        silent.parent = None
        silent.warning("nobody hears it")
        logger.warning("two %s %s", "one")
        log.close()
        log.close()
    assert state() == before
    logger.warning("after the end: for whoever listens then")
    assert "two %s %s (its arguments do not fit: TypeError)" in (folder / LOG_NAME).read_text()
    assert capfd.readouterr().err == ""


def test_an_error_of_a_thread_is_in_the_log_and_not_on_the_screen(
    log: Log, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(secret: str) -> None:
        raise ValueError(f"bad key {secret}")

    thread = threading.Thread(target=fail, args=(CANARY,), name="engine")
    thread.start()
    thread.join()
    log.close()
    (line,) = lines_of(folder / LOG_NAME)
    assert "ERROR tui.logs: an error that nobody caught in engine | ValueError: bad key *** | " in line
    assert line.endswith(" in fail")
    assert capfd.readouterr().err == ""


_DYING = """
import sys
from pathlib import Path
from tui.hardening import harden
from tui.logs import open_log
from tui.redaction import Redactor
from venues.secret import Secret
harden()
redactor = Redactor()
redactor.learn(Secret(sys.argv[2]))
with open_log(Path(sys.argv[1]), redactor):
    raise ValueError("bad " + sys.argv[2])
"""


def test_the_error_that_ends_the_process_is_cleaned_though_the_log_is_closed(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _DYING, str(folder), CANARY],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("pitside: ValueError: bad ***\n")
    assert CANARY not in result.stderr


def test_a_large_file_is_turned_over_and_few_are_kept(folder: Path, redactor: Redactor) -> None:
    logged: list[int] = []
    with open_log(folder, redactor, largest=2_000) as log:
        for number in range(200):
            logged.append(number)
            logger.warning("line %03d %s", number, "x" * 50)
            if not number % 10:
                until(lambda: f"line {logged[-1]:03}" in "".join(lines_of(folder / LOG_NAME)))
        log.close()
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [LOG_NAME, f"{LOG_NAME}.1", f"{LOG_NAME}.2"]
    assert len(files) == KEPT
    assert all(0 < file.stat().st_size <= 2_000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    kept = [line for file in reversed(files) for line in lines_of(file)]
    numbers = [int(line.split("line ")[1][:3]) for line in kept]
    assert numbers == list(range(numbers[0], 200)), "the newest, in order, none lost"


def test_two_desks_write_one_file_and_follow_when_it_is_turned_over(folder: Path, redactor: Redactor) -> None:
    path = folder / LOG_NAME
    with open_log(folder, redactor) as log:
        logger.warning("before")
        until(lambda: len(lines_of(path)) == 1)
        path.rename(folder / f"{LOG_NAME}.1")  # as another process would
        logger.warning("after")
        until(lambda: len(lines_of(path)) == 1)
        path.unlink()
        logger.warning("again")
        log.close()
    assert [line[-5:] for line in lines_of(path)] == ["again"]


def test_a_full_disk_is_counted_and_the_desk_goes_on(folder: Path, redactor: Redactor) -> None:
    is_full = True

    def write(descriptor: int, raw: bytes) -> int:
        if is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, raw)

    log = open_log(folder, redactor, write=write)
    for number in range(5):
        logger.warning("line %d", number)
    until(lambda: log.lost == 5)
    is_full = False
    logger.warning("there is space again")
    log.close()
    (line,) = lines_of(folder / LOG_NAME)
    assert line.endswith("there is space again")


def test_a_line_that_broke_off_does_not_swallow_the_next(folder: Path, redactor: Redactor) -> None:
    writes: list[bytes] = []

    def write(descriptor: int, raw: bytes) -> int:
        writes.append(raw)
        return os.write(descriptor, raw[:40] if len(writes) == 1 else raw)

    log = open_log(folder, redactor, write=write)
    logger.warning("the first, of which only a part is written")
    until(lambda: log.lost == 1)
    logger.warning("the second")
    log.close()
    lines = lines_of(folder / LOG_NAME)
    assert len(lines) == 2
    assert _LINE.fullmatch(lines[1])


@pytest.mark.parametrize("kind", ["file", "link", "pipe", "folder", "others"])
def test_a_place_that_is_unfit_is_left_alone_and_nothing_raises(
    kind: str, folder: Path, tmp_path: Path, redactor: Redactor, capfd: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious\n")
    if kind == "file":
        folder.parent.mkdir()
        folder.write_text("no folder")
    else:
        folder.mkdir(parents=True)
    if kind == "link":
        (folder / LOG_NAME).symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(folder / LOG_NAME)
    elif kind == "folder":
        (folder / LOG_NAME).mkdir()
    elif kind == "others":
        folder.chmod(0o777)
    log = open_log(folder, redactor)
    logger.warning("nobody will read this")
    until(lambda: log.lost == 1)
    log.close()
    assert elsewhere.read_text() == "precious\n"
    assert capfd.readouterr().err == ""


def test_a_disk_that_hangs_holds_up_nobody_and_what_is_left_out_is_said(folder: Path, redactor: Redactor) -> None:
    may_go = threading.Event()
    began = threading.Event()

    def write(descriptor: int, raw: bytes) -> int:
        began.set()
        assert may_go.wait(30)
        return os.write(descriptor, raw)

    log = open_log(folder, redactor, write=write)
    logger.warning("the first")
    assert began.wait(10)
    slowest = 0.0
    for number in range(1_200):
        before = time.thread_time()
        logger.warning("line %d", number)
        slowest = max(slowest, time.thread_time() - before)
    assert log.lost == 200
    assert slowest < 0.1  # seconds; 1 ms here
    before_close = time.monotonic()
    log.close()
    assert time.monotonic() - before_close < 3
    may_go.set()
    until(lambda: any("200 lines were left out" in line for line in lines_of(folder / LOG_NAME)))
    until(lambda: not any(thread.name == "log" for thread in threading.enumerate()))
    assert all(file.stat().st_size <= LARGEST for file in folder.iterdir())
    # What had waited for the disk is written when it answers, though the log was closed before.
    assert len(lines_of(folder / LOG_NAME)) == 1 + 1_000 + 1


def test_its_thread_takes_no_signal_from_those_who_wait_for_them(log: Log, folder: Path) -> None:
    logger.warning("now there is a thread")
    until(lambda: bool(lines_of(folder / LOG_NAME)))
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "log"]
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    blocked = int(re.findall(r"SigBlk:\s+(\w+)", status)[0], 16)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1):
        assert blocked >> (number - 1) & 1
    assert thread.daemon
