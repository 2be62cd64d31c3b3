"""When nobody is there: on a clock of the tests' own, and with a real tmux server."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tui.desk.attendance import ASK_SECONDS, Attendance, AttendanceWatch, Tmux, find_tmux


class Scene:
    """An attendance whose time and tmux do as they are told. It is looked at twice a second, as in life."""

    def __init__(self, idle: float = 0, without_client: float = 0, is_attached: bool | None = True) -> None:
        self.now = 100.0
        self.is_attached = is_attached
        self.asked: list[float] = []
        self.due: list[tuple[float, str]] = []
        self.attendance = Attendance(
            idle=idle, without_client=without_client, has_client=self._answer, clock=lambda: self.now
        )

    def _answer(self) -> bool | None:
        self.asked.append(self.now)
        return self.is_attached

    def pass_time(self, seconds: float) -> list[str]:
        """Returns what became due meanwhile."""
        known = len(self.due)
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            if why := self.attendance.look():
                self.due.append((self.now - 100, why))
        return [why for _, why in self.due[known:]]


def test_idle_is_due_once_until_a_key_comes() -> None:
    scene = Scene(idle=60)
    assert scene.pass_time(59) == []
    assert scene.pass_time(600) == ["no key for 60 s"]
    assert scene.due[0][0] == 60
    scene.attendance.note_key()
    assert scene.pass_time(59) == []
    scene.attendance.note_key()
    assert scene.pass_time(59) == []
    assert scene.pass_time(600) == ["no key for 60 s"]
    assert scene.asked == []  # no tmux setting, no process


def test_nobody_attached_is_due_once_until_a_client_comes_back() -> None:
    scene = Scene(without_client=60, is_attached=True)
    assert scene.pass_time(1_000) == []
    scene.is_attached = False
    assert scene.pass_time(60) == []
    assert scene.pass_time(1_000) == ["no tmux client for 60 s"]
    assert scene.due[0][0] <= 1_060 + 2 * ASK_SECONDS
    scene.is_attached = True
    assert scene.pass_time(30) == []
    scene.is_attached = False
    assert scene.pass_time(1_000) == ["no tmux client for 60 s"]


def test_tmux_is_asked_every_few_seconds_only() -> None:
    scene = Scene(without_client=60)
    scene.pass_time(60)
    assert len(scene.asked) == pytest.approx(60 / ASK_SECONDS, abs=1)


def test_a_desk_started_without_a_client_is_alone_from_the_start() -> None:
    scene = Scene(without_client=60, is_attached=False)
    assert scene.pass_time(70) == ["no tmux client for 60 s"]


def test_what_tmux_does_not_say_never_counts_as_nobody() -> None:
    scene = Scene(without_client=60, is_attached=None)
    assert scene.pass_time(10_000) == []
    scene.is_attached = False
    assert scene.pass_time(40) == []
    scene.is_attached = None
    assert scene.pass_time(10_000) == []
    scene.is_attached = False
    assert scene.pass_time(15) == []
    assert scene.pass_time(30) == ["no tmux client for 60 s"]


def test_a_client_back_after_silence_of_tmux_counts_as_back() -> None:
    scene = Scene(without_client=60, is_attached=False)
    assert scene.pass_time(70) == ["no tmux client for 60 s"]
    scene.is_attached = None
    scene.pass_time(30)
    scene.is_attached = True
    scene.pass_time(30)
    scene.is_attached = False
    assert scene.pass_time(70) == ["no tmux client for 60 s"]


def test_a_time_in_which_nobody_asked_does_not_count() -> None:
    scene = Scene(without_client=60, is_attached=False)
    scene.pass_time(10)
    scene.now += 3_600  # the process was stopped
    assert scene.pass_time(1) == []
    assert scene.pass_time(60) == ["no tmux client for 60 s"]


def test_a_key_begins_the_count_anew_though_no_client_was_seen() -> None:
    scene = Scene(without_client=60, is_attached=False)
    for _ in range(5):
        assert scene.pass_time(50) == []
        scene.attendance.note_key()
    assert scene.pass_time(70) == ["no tmux client for 60 s"]
    assert scene.pass_time(70) == []
    scene.attendance.note_key()
    assert scene.pass_time(70) == ["no tmux client for 60 s"]


def test_one_absence_is_due_once_by_whichever_comes_first() -> None:
    scene = Scene(idle=600, without_client=60, is_attached=False)
    assert scene.pass_time(3_600) == ["no tmux client for 60 s"]
    scene.is_attached = True
    assert scene.pass_time(590) == []  # coming back is as good as a key
    assert scene.pass_time(30) == ["no key for 10 min"]
    scene.is_attached = False
    assert scene.pass_time(3_600) == []


@pytest.mark.parametrize(
    ("idle", "without_client", "words"),
    [
        (0, 0, ""),
        (900, 0, "after 15 min idle"),
        (0, 60, "after 60 s without tmux client"),
        (90, 120, "after 90 s idle, after 2 min without tmux client"),
    ],
)
def test_the_header_says_when(idle: float, without_client: float, words: str) -> None:
    attendance = Scene(idle=idle, without_client=without_client).attendance
    assert attendance.words() == words
    assert attendance.is_wanted is bool(words)
    assert attendance.fault == ""


def test_outside_of_tmux_the_setting_is_said_to_have_no_effect() -> None:
    outside = Attendance(without_client=60)
    assert outside.words() == ""
    assert not outside.is_wanted
    assert "does not run in tmux" in outside.fault
    assert outside.look() == ""
    assert Attendance(idle=60).fault == ""


def test_the_watch_looks_on_its_own_thread_and_ends() -> None:
    now = [0.0]
    attendance = Attendance(idle=60, clock=lambda: now[0])
    reasons: list[tuple[str, str]] = []
    is_due = threading.Event()

    def due(why: str) -> None:
        reasons.append((threading.current_thread().name, why))
        is_due.set()

    watch = AttendanceWatch(attendance, due, pause=0.01)
    watch.start()
    now[0] = 60.0
    assert is_due.wait(10)
    watch.stop()
    assert reasons == [("attendance", "no key for 60 s")]
    assert "attendance" not in {thread.name for thread in threading.enumerate()}


def test_a_watch_with_nothing_to_watch_starts_no_thread() -> None:
    watch = AttendanceWatch(Attendance(), lambda why: None)
    watch.start()
    assert "attendance" not in {thread.name for thread in threading.enumerate()}
    watch.stop()


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until it holds; tmux and the child processes set the pace."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        pause.wait(0.02)


needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Server:
    """A tmux server on a socket of its own, with one session and one pane."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder / "s,1")
        self.run("-f", "/dev/null", "new-session", "-d", "-s", "desk", "-x", "80", "-y", "24", "cat")
        self.pane = self.run("list-panes", "-a", "-F", "#{pane_id}").strip()
        self.tmux = Tmux(self.socket, self.pane, seconds=20.0)

    def run(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    @contextmanager
    def attached(self, *words: str) -> Iterator[None]:
        """Has a client at a terminal of its own."""
        ours, theirs = pty.openpty()
        client = subprocess.Popen(
            ["tmux", "-S", self.socket, *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        drain = threading.Thread(target=read_all, args=(ours,))
        drain.start()
        try:
            yield
        finally:
            client.kill()
            client.wait()
            drain.join()
            os.close(ours)


def read_all(descriptor: int) -> None:
    try:
        while os.read(descriptor, 65_536):
            pass
    except OSError:  # EIO: the other end is closed
        return


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("TMUX", raising=False)  # tmux refuses to attach within itself
    server = Server(tmp_path)
    yield server
    subprocess.run(["tmux", "-S", server.socket, "kill-server"], capture_output=True, check=False)


@needs_tmux
def test_a_real_tmux_says_who_is_attached(server: Server) -> None:
    tmux = server.tmux
    assert tmux.has_client() is False
    with server.attached("attach-session", "-t", "desk"):
        wait_for(lambda: tmux.has_client() is True)
    wait_for(lambda: tmux.has_client() is False)  # the link dropped: the client is gone, the session is not
    assert Tmux(server.socket, "%99", seconds=20.0).has_client() is None
    server.run("kill-server")
    assert tmux.has_client() is None


@needs_tmux
def test_a_client_of_another_session_counts_where_it_shows_the_same_window(server: Server) -> None:
    tmux = server.tmux
    server.run("new-session", "-d", "-s", "other", "cat")
    with server.attached("attach-session", "-t", "other"):
        wait_for(lambda: "1" in server.run("list-sessions", "-F", "#{session_attached}"))
        assert tmux.has_client() is False
        server.run("link-window", "-s", "desk:0", "-t", "other:9")
        assert tmux.has_client() is True
    with server.attached("new-session", "-t", "desk"):
        wait_for(lambda: tmux.has_client() is True)


@needs_tmux
def test_this_process_finds_the_tmux_it_runs_in(server: Server, project_root: Path, tmp_path: Path) -> None:
    program = "from tui.desk.attendance import find_tmux; print(find_tmux().has_client())"
    answer = tmp_path / "answer"
    part = tmp_path / "part"
    server.run(
        "new-window",
        f"cd '{project_root}' && '{sys.executable}' -c '{program}' > '{part}'; mv '{part}' '{answer}'",
    )
    wait_for(answer.exists)
    assert answer.read_text() == "False\n"


def test_who_runs_in_no_tmux_has_none() -> None:
    assert find_tmux({}) is None
    assert find_tmux({"TMUX": "", "TMUX_PANE": "%1"}) is None
    assert find_tmux({"TMUX": "/run/s,1,0"}) is None


def test_a_tmux_that_hangs_or_is_missing_is_not_known_and_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(command: object, **options: Any) -> subprocess.Popen[bytes]:
        noise = "import sys, signal; print('x'); print('x', file=sys.stderr); signal.pause()"
        child: subprocess.Popen[bytes] = subprocess.Popen([sys.executable, "-c", noise], **options)
        started.append(child)
        return child

    assert Tmux("/nowhere", "%0", start=start, seconds=0.2).has_client() is None
    assert started[0].returncode == -9

    def missing(*_: object, **__: object) -> subprocess.Popen[bytes]:
        raise FileNotFoundError("tmux")

    assert Tmux("/nowhere", "%0", start=missing).has_client() is None
    assert capfd.readouterr() == ("", "")


def test_the_child_is_started_with_its_signals_unblocked(project_root: Path) -> None:
    """A child that inherits the desk's mask ignores SIGTERM and outlives it."""
    child = "import signal; print('%0', int(not signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    program = f"""
import subprocess, sys
from tui.desk.attendance import Tmux
from tui.desk.signals import mask_signals
mask_signals()
start = lambda command, **options: subprocess.Popen([sys.executable, "-c", {child!r}], **options)
print(Tmux("/nowhere", "%0", start=start, seconds=20.0).has_client())
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
