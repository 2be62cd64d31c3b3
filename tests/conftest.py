"""What every test stands on: the environment that textual reads when it is imported, and a home of its own."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((place for place, name in enumerate(_LONGEST) if name in item.nodeid), len(_LONGEST))

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Leaves what was imported and collected, a million objects that stay, out of every search for garbage.

    That search took a sixth of the time of a test that opens the app, and reading the style sheets a fifth.
    """
    parse_styles_once()
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
