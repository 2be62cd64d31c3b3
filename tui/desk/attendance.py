"""Whether anybody is there: the detach policy is also due after a time without a key, or without a tmux client.

tmux hides a dropped link from the desk, so tmux is asked. Where it does not answer it is not known whether anybody
is there, and such a time never counts as nobody. A link that died without a word stays attached until sshd notices
(its ClientAliveInterval).
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping

from tui.desk.signals import unblocked_in_child

ASK_SECONDS = 3.0  # between two questions to tmux: each is a process
ANSWER_SECONDS = 1.0
LOOK_SECONDS = 0.5


class Attendance:
    """Says, once for each absence, that the detach policy is due. A key, or a client that comes back, ends one.

    `idle` and `without_client` are in seconds, 0 for never; `has_client` tells whether a tmux client is attached,
    None where that is not known; without it the desk runs in no tmux. `clock` is monotonic, in seconds: while
    the machine is suspended nobody is idle, or its owner would find the policy carried out on coming back.
    """

    def __init__(
        self,
        *,
        idle: float = 0.0,
        without_client: float = 0.0,
        has_client: Callable[[], bool | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle = idle
        self._without_client = without_client
        self._has_client = has_client
        self._clock = clock
        self._seen = clock()  # the last key, or the moment at which a client was back
        self._served: float | None = None  # the `_seen` of the absence that the policy was carried out for
        self._asked = clock() - ASK_SECONDS
        self._has_nobody = False  # as tmux last knew
        self._was_nobody = False  # and as it answered the last time, which may be nothing
        self._alone = 0.0  # seconds known to be without a client, within this absence
        self._alone_since = self._seen  # the `_seen` of that absence

    def note_key(self) -> None:
        """Hears of a key. Any thread may call it."""
        self._seen = self._clock()

    @property
    def asks_tmux(self) -> bool:
        return self._without_client > 0 and self._has_client is not None

    @property
    def is_wanted(self) -> bool:
        """Whether `look` can ever find anything."""
        return self._idle > 0 or self.asks_tmux

    @property
    def fault(self) -> str:
        """Why a setting has no effect; empty where all have."""
        if self._without_client > 0 and self._has_client is None:
            return "detach.tmux_seconds has no effect: this desk does not run in tmux"
        return ""

    def words(self) -> str:
        """Returns what besides a hang-up it is due on: "after 15 min idle", "after 60 s without tmux client"."""
        parts = []
        if self._idle > 0:
            parts.append(f"after {_length(self._idle)} idle")
        if self.asks_tmux:
            parts.append(f"after {_length(self._without_client)} without tmux client")
        return ", ".join(parts)

    def look(self) -> str:
        """Returns why the policy is due now, empty where it is not. One thread calls it; it may wait for tmux."""
        now = self._clock()
        if self.asks_tmux and now - self._asked >= ASK_SECONDS:
            self._ask(now)
            now = self._clock()
        seen = self._seen
        if seen == self._served:
            return ""
        why = ""
        if self.asks_tmux and self._alone_since == seen and self._alone >= self._without_client:
            why = f"no tmux client for {_length(self._without_client)}"
        elif self._idle > 0 and now - seen >= self._idle:
            why = f"no key for {_length(self._idle)}"
        if why:
            self._served = seen
        return why

    def _ask(self, now: float) -> None:
        # Of the time between two answers no more counts than there should have been: the process may have stood.
        since = min(now - self._asked, 2 * ASK_SECONDS)
        self._asked = now
        is_attached = self._has_client() if self._has_client is not None else None
        if self._alone_since != self._seen:  # a key came: who pressed it was there
            self._alone, self._alone_since, self._was_nobody = 0.0, self._seen, False
        if is_attached is None:
            self._was_nobody = False
        elif is_attached:
            if self._has_nobody:
                self._seen = self._clock()
            self._alone, self._alone_since = 0.0, self._seen
            self._has_nobody = self._was_nobody = False
        else:
            self._alone += since if self._was_nobody else 0.0
            self._has_nobody = self._was_nobody = True


class AttendanceWatch:
    """Looks on a thread of its own, since tmux may be slow; `due` is called on it, with the reason in words."""

    def __init__(self, attendance: Attendance, due: Callable[[str], object], pause: float = LOOK_SECONDS) -> None:
        self._attendance = attendance
        self._due = due
        self._pause = pause
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attendance", daemon=True)

    def start(self) -> None:
        """Starts the thread where there is anything to watch; `mask_signals` was called before."""
        if self._attendance.is_wanted:
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread; waits for it no longer than tmux may take."""
        self._is_over.set()
        if self._thread.ident is not None:
            self._thread.join(2 * ANSWER_SECONDS)

    def _run(self) -> None:
        while not self._is_over.wait(self._pause):
            if why := self._attendance.look():
                self._due(why)


class Tmux:
    """Asks the tmux server at `socket` who looks at `pane`. `start` and `seconds` are seams for tests."""

    def __init__(
        self,
        socket: str,
        pane: str,
        *,
        start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._socket = socket
        self._pane = pane
        self._start = start
        self._seconds = seconds

    def has_client(self) -> bool | None:
        """Says whether a client is attached to a session that holds the pane; None where tmux is gone or slow."""
        # All sessions' panes: the pane's window may be linked into several, and sessions may be grouped.
        listing = "#{pane_id} #{session_attached} #{session_group_attached}"
        command = ("tmux", "-S", self._socket, "list-panes", "-a", "-F", listing)
        quiet = subprocess.DEVNULL
        try:
            with unblocked_in_child():
                # A session of its own: nothing of it can reach our terminal, which belongs to the screen.
                child = self._start(
                    command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, start_new_session=True
                )
        except OSError:
            return None
        with child:
            try:
                answer, _ = child.communicate(timeout=self._seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                return None
        return _parse_attached(answer.decode(errors="replace"), self._pane) if child.returncode == 0 else None


def find_tmux(environ: Mapping[str, str] = os.environ) -> Tmux | None:
    """Returns the tmux that this process runs in, None where it runs in none."""
    # "socket,pid,session": the path may hold commas itself.
    socket, pane = environ.get("TMUX", "").rsplit(",", 2)[0], environ.get("TMUX_PANE", "")
    return Tmux(socket, pane) if socket and pane else None


def _parse_attached(text: str, pane: str) -> bool | None:
    # A session that is in no group has no count for it: then there is but one number.
    rows = [line.split() for line in text.splitlines()]
    counts = [int(word) for name, *words in rows if name == pane for word in words if word.isdecimal()]
    return any(counts) if counts else None


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 and seconds % 60 == 0 else f"{seconds:g} s"
