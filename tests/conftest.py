"""What every test stands on: the environment that textual reads when it is imported, and a home of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
for name in ("NO_COLOR", "FORCE_COLOR", "SSLKEYLOGFILE", "COLUMNS", "LINES"):
    os.environ.pop(name, None)


def pytest_xdist_auto_num_workers() -> int:
    """Returns how many processes share the tests: a third of their time is waiting, for a terminal or a clock."""
    return (os.cpu_count() or 1) + 1


# Whatever runs at the end runs alone: what takes longest, most of it waiting, comes first.
_LONGEST = (
    "test_the_engine_does_not_notice_a_terminal_that_nobody_reads", "tests/soak/", "tests/durability/",
    "test_nothing_a_terminal_acts_on", "test_no_input_ends_the_parser", "tests/keyring/test_ssh",
    "tests/e2e/test_canaries", "tests/e2e/test_monkey",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(name in item.nodeid for name in _LONGEST))


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives each test an empty home, so that none reads or writes the user's profile."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    return home


@pytest.fixture(scope="session")
def project_root() -> Path:
    return Path(__file__).parent.parent
