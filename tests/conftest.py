"""What every test stands on: the environment that textual reads when it is imported, and a home of its own."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from tests.support.idle import wait_for_the_loop
from tests.support.parsed_styles import parse_styles_once

os.environ.update(
    {
        "TEXTUAL_ANIMATIONS": "none",
        "TEXTUAL_DISABLE_KITTY_KEY": "1",
        "TEXTUAL_FPS": "240",
        "TEXTUAL_SMOOTH_SCROLL": "0",
        "ESCDELAY": "25",
        # A snapshot must not depend on the terminal that the tests were started from.
        "COLORTERM": "truecolor",
        "TERM": "xterm-256color",
    }
)
# httpcore looks for it at each request, in vain and so in all folders anew: a tenth of a request's time here.
_modules: dict[str, Any] = sys.modules
_modules["sniffio"] = None
for name in ("NO_COLOR", "FORCE_COLOR", "SSLKEYLOGFILE", "COLUMNS", "LINES"):
    os.environ.pop(name, None)


def pytest_xdist_auto_num_workers() -> int:
    """Returns how many processes share the tests. Half of their time is waiting, for a terminal or a clock."""
    return 2 * (os.cpu_count() or 1)


# What takes more than 5 s alone, longest first, by `--durations=40`. It is the first process's, and most of it is
# waiting, so that the others have the processor meanwhile; whatever runs at the end runs alone.
_LONGEST = (
    "test_the_engine_does_not_notice_a_terminal_that_nobody_reads",
    "test_kills",
    "test_a_day_of_failures_leaves_no_secret_anywhere",
    "test_ssh",
    "test_every_order_that_the_venue_saw_is_in_the_journal",
    "tests/soak/",
    "test_monkey.py",
    "test_the_life_of_a_key",
    "test_the_whole_life_of_a_key",
    "tests/e2e/test_disk",
    "tests/e2e/test_restart",
    "tests/e2e/test_desk",
    "test_bad_venues",
    "order_machine/test_sequences",
)
# Two more kinds of which the half is waiting, or more. Each begins in a process of its own.
_WAITING = ("tests/contract/", "tests/e2e/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    queues: list[list[pytest.Item]] = [[], *([] for _ in _WAITING)]
    others: list[pytest.Item] = []
    for item in items:
        if _rank(item) < len(_LONGEST):
            queues[0].append(item)
        else:
            place = next((at for at, name in enumerate(_WAITING, 1) if item.nodeid.startswith(name)), None)
            (others if place is None else queues[place]).append(item)
    queues[0].sort(key=_rank)
    items[:] = _dealt(queues, others, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _rank(item: pytest.Item) -> int:
    return next((place for place, name in enumerate(_LONGEST) if name in item.nodeid), len(_LONGEST))


def _dealt(queues: list[list[pytest.Item]], others: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """Lays them out so that each queue begins a share: each process begins with one of equal shares of the whole.

    What it has not begun others take from its end, once they have nothing left.
    """
    dealt: list[pytest.Item] = []
    left, rest = sum(map(len, queues)) + len(others), iter(others)
    for number in range(processes):
        share = left // (processes - number)
        left -= share
        begun = queues[number] if number < len(queues) else []
        dealt += begun
        dealt += islice(rest, max(0, share - len(begun)))
    dealt += rest
    return dealt + [item for queue in queues[processes:] for item in queue]


def pytest_collection_finish() -> None:
    """Leaves what was imported and collected, a million objects that stay, out of every search for garbage.

    That search took a sixth of the time of a test that opens the app, and reading the style sheets a fifth.
    """
    parse_styles_once()
    wait_for_the_loop()
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names folders that are not there yet. `mktemp` looks at all that it has made before it makes another."""
    beneath = tmp_path_factory.mktemp("homes")
    return (beneath / str(number) for number in count())


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives each test an empty home, so that none reads or writes the user's profile."""
    home = next(homes)
    home.mkdir(0o700)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    return home


@pytest.fixture(scope="session")
def project_root() -> Path:
    return Path(__file__).parent.parent
