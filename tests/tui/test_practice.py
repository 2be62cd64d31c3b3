"""The practice exchange as a child process: what it is given, what it says, and that it never stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tui.test_practice_command import fetched
from tui.desk.signals import BLOCKED
from tui.practice import PracticeChild, PracticeSite, practice_command
from venues.errors import ConfigurationError, VenueError, VenueUnavailable
from venues.port import Credentials, Mode
from venues.registry import create_venue

SITE = PracticeSite(
    venue="coinex",
    rest_url="http://127.0.0.1:9",
    ws_url="ws://127.0.0.1:9/",
    api_key="the-key",
    api_secret="hidden",
)
LINE = json.dumps({name: getattr(SITE, name) for name in SITE.__struct_fields__})
WAITS = "import sys; sys.stdin.read()"
PATIENCE = 20.0


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    news = threading.Event()
    while not condition():
        assert time.monotonic() < end, "not within the time"
        news.wait(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def program(text: str) -> Callable[..., subprocess.Popen[bytes]]:
    """Returns what starts a Python program in place of the exchange."""

    def start(_command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-S", "-c", text], **options)

    return start


@pytest.fixture
def masked() -> Iterator[None]:
    """Blocks the signals as the desk does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("masked")
def test_it_is_an_exchange_with_a_session_and_signals_of_its_own() -> None:
    with PracticeChild("coinex", arguments=["--seed", "7", "--rate", "20"]) as child:
        site = child.site()
        assert child.site() is site
        state = fetched(site.rest_url, "/practice/state")
        assert state["venue"] == "coinex"
        assert "BTCUSDT" in state["instruments"]
        assert site.rest_url in child.words()
        assert os.getsid(child.pid) == child.pid, "a hang-up of the desk's terminal does not reach it"
        process = Path(f"/proc/{child.pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
        assert int(status["SigBlk"], 16) == 0, "a child that inherits the desk's mask ignores SIGTERM"
        for secret in (site.api_key, site.api_secret):
            assert secret.encode() not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert not is_alive(child.pid)
    assert not Path(f"/proc/{child.pid}").exists(), "it was reaped"


def test_it_ends_when_the_desk_is_killed(project_root: Path) -> None:
    desk = """
import sys
from tui.practice import PracticeChild
child = PracticeChild("coinex")
child.site()
print(child.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", desk], cwd=project_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        parent.wait()
    until(lambda: not is_alive(pid), 3)


def test_the_venue_that_is_made_with_it_is_practice() -> None:
    settings = SITE.settings("second")
    venue = create_venue("coinex", settings)
    assert venue.capabilities.mode is Mode.PRACTICE
    assert settings["credentials"] == Credentials("the-key", "hidden")
    assert settings["account"] == "second"
    assert "hidden" not in f"{SITE!r} {SITE} {settings}"


def test_this_very_program_is_run() -> None:
    assert practice_command("coinex", ["--rate", "5"]) == [
        sys.executable, "-m", "tui", "practice", "coinex", "--rate", "5", "--json", "--until-stdin-closes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (
            "import sys; sys.exit('noise\\npitside: coinex: practice needs uvicorn: install \\x1b[2Jit')",
            ConfigurationError,
            "coinex: practice needs uvicorn: install \ufffd[2Jit",
        ),
        ("import sys; sys.exit(3)", ConfigurationError, "coinex: exit code 3"),
        (f"print('hello', flush=True); {WAITS}", VenueUnavailable, "said nothing that makes sense"),
        (f"print({LINE.replace('coinex', 'other')!r}, flush=True); {WAITS}", VenueUnavailable, "is one of other"),
        (f"print('x' * 9000, flush=True); {WAITS}", VenueUnavailable, "did not say where it listens"),
        (f"import os; os.close(1); {WAITS}", VenueUnavailable, "closed its output and said nothing"),
    ],
)
def test_what_went_wrong_is_said_in_its_own_words(text: str, error: type[VenueError], words: str) -> None:
    with PracticeChild("coinex", start=program(text)) as child, pytest.raises(error) as caught:
        child.site()
    assert words in str(caught.value)
    assert not is_alive(child.pid)


def test_one_that_says_nothing_is_given_up() -> None:
    now = iter(range(0, 1000, 11))
    with (
        PracticeChild("coinex", start=program(WAITS), clock=lambda: float(next(now))) as child,
        pytest.raises(VenueUnavailable, match="in time"),
    ):
        child.site()
    assert not is_alive(child.pid)


def test_one_that_can_not_be_started_is_said() -> None:
    def start(*_: object, **__: object) -> subprocess.Popen[bytes]:
        raise OSError(11, "Resource temporarily unavailable")

    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(VenueUnavailable, match="can not be started: Resource temporarily unavailable"):
        PracticeChild("coinex", start=start)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_its_death_is_told_with_its_last_words() -> None:
    told: list[str] = []
    dies = f"import sys; print({LINE!r}, flush=True); sys.stdin.readline(); sys.exit('no \\x1bmemory')"
    with PracticeChild("coinex", start=program(dies)) as child:
        assert child.site() == SITE
        child.watch(told.append)
        os.kill(child.pid, signal.SIGKILL)
        until(lambda: told)
    assert told == ["the practice exchange of coinex has ended (exit code -9): start the desk again"]


def test_its_end_is_not_told_when_it_was_wanted() -> None:
    told: list[str] = []
    with PracticeChild("coinex", start=program(WAITS)) as child:
        child.watch(told.append)
    child.stop()
    assert told == []
    assert not any(thread.name == "practice" for thread in threading.enumerate())


def test_one_that_does_not_listen_to_anybody_is_killed() -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True)\nwhile True: signal.pause()"
    with PracticeChild("coinex", start=program(deaf)) as child:
        with pytest.raises(VenueUnavailable):
            child.site()  # it has said something: SIGTERM is ignored by now
        began = time.monotonic()
    assert time.monotonic() - began < 3
    assert not is_alive(child.pid)
