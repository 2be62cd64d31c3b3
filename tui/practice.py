"""A practice exchange in a process of its own, beside the desk that trades on it and never longer than that.

The child has the read end of a pipe as its standard input, and ends when the desk does not hold the other end any
more, whatever ended the desk. It leads a session of its own: a terminal that hangs up, or a Ctrl+C, must not take
the exchange away while the desk still cancels its orders there.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from tui.desk.inert import sanitise
from tui.desk.signals import unblocked_in_child
from venues.errors import ConfigurationError, VenueError, VenueUnavailable
from venues.port import Credentials

STARTING = 10.0  # seconds that it gets to say where it listens; it takes one on an idle machine
_ENDING = 0.5  # seconds after SIGTERM: it has nothing to save
_LONGEST_LINE = 4_096  # bytes; ours has about 200
_LAST_WORDS = 4_096  # bytes of what it said on stderr
_WHOLE = 500  # characters: the remedy stands at the end


class PracticeSite(msgspec.Struct, frozen=True, kw_only=True):
    """Where a practice exchange listens, and its demo key; its repr shows no key."""

    venue: str
    rest_url: str
    ws_url: str
    api_key: str
    api_secret: str

    def __repr__(self) -> str:
        return f"PracticeSite({self.venue!r}, {self.rest_url!r})"

    def settings(self, account: str) -> dict[str, Any]:
        """Returns what the venue's adapter is made with to trade there."""
        return {
            "rest_url": self.rest_url,
            "ws_url": self.ws_url,
            "credentials": Credentials(self.api_key, self.api_secret),
            "account": account,
            "is_practice": True,
        }


class PracticeChild:
    """Starts the practice exchange of `venue` at once; leave the `with` block to have it ended.

    `arguments` go to `pitside practice`. `start` makes the process, `clock` is in seconds: seams for tests.
    """

    def __init__(
        self,
        venue: str,
        *,
        arguments: Sequence[str] = (),
        start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.venue = venue
        self._clock = clock
        self._since = clock()
        self._is_ending = False
        self._watcher: threading.Thread | None = None
        self._site: PracticeSite | None = None
        # A file and no pipe: nobody has to read it for the child to go on.
        self._stderr = _nameless_file()
        try:
            with unblocked_in_child():
                self._process = start(
                    practice_command(venue, arguments),
                    # Whatever else is called tui in the folder that the user stands in, this one is run.
                    cwd=Path(__file__).parents[1],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._stderr,
                    bufsize=0,
                    start_new_session=True,
                )
        except OSError as error:
            os.close(self._stderr)
            raise VenueUnavailable(venue, f"its practice exchange can not be started: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def site(self, patience: float = STARTING) -> PracticeSite:
        """Waits until it says where it listens, for at most `patience` seconds from its start.

        Raises:
            ConfigurationError: it ended; the message is what it said, with the remedy.
            VenueUnavailable: it said nothing in time, or nothing that can be understood.
        """
        if self._site is not None:
            return self._site
        line = self._first_line(self._since + patience)
        try:
            site = msgspec.json.decode(line, type=PracticeSite)
        except msgspec.MsgspecError:
            raise VenueUnavailable(self.venue, "the practice exchange said nothing that makes sense") from None
        if site.venue != self.venue:
            raise VenueUnavailable(self.venue, f"the practice exchange is one of {sanitise(site.venue, 32)}")
        self._site = site
        return site

    def words(self) -> str:
        """Returns a line for the log: where it listens, and how to disturb it."""
        return f"practice exchange: {self.site().rest_url}; its faults are switched at /practice/faults"

    def watch(self, told: Callable[[str], object]) -> None:
        """Has `told` called, on a thread of its own, with words when it ends before it is stopped."""

        def wait() -> None:
            self._process.wait()
            if not self._is_ending:
                told(
                    f"the practice exchange of {self.venue} has ended ({self._last_words()}): start the desk again"
                )

        self._watcher = threading.Thread(target=wait, name="practice", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Ends it, within a second. May be called twice."""
        if self._is_ending:
            return
        self._is_ending = True
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._watcher is not None:
            self._watcher.join(_ENDING)
        os.close(self._stderr)

    def _first_line(self, deadline: float) -> bytes:
        pipe = self._process.stdout
        said = b""
        while pipe is not None and b"\n" not in said:
            left = deadline - self._clock()
            if left <= 0 or len(said) > _LONGEST_LINE:
                raise VenueUnavailable(self.venue, "the practice exchange did not say where it listens in time")
            if select.select([pipe], [], [], left)[0]:
                piece = pipe.read(_LONGEST_LINE)
                if not piece:
                    raise self._failure()
                said += piece
        return said.partition(b"\n")[0]

    def _failure(self) -> VenueError:
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            return VenueUnavailable(self.venue, "the practice exchange closed its output and said nothing")
        words = self._last_words().removeprefix("pitside: ").removeprefix(f"{self.venue}: ")
        return ConfigurationError(self.venue, words)

    def _last_words(self) -> str:
        """Returns the last line that it said on stderr, its exit code where it said nothing."""
        size = os.fstat(self._stderr).st_size
        lines = (
            os.pread(self._stderr, _LAST_WORDS, max(0, size - _LAST_WORDS)).decode("utf-8", "replace").split("\n")
        )
        said = [line for each in lines if (line := sanitise(each, _WHOLE).strip())]
        return said[-1] if said else f"exit code {self._process.returncode}"


def _nameless_file() -> int:
    """Returns the descriptor of a file that is gone once it is closed."""
    descriptor, name = tempfile.mkstemp(prefix="pitside-practice-")
    Path(name).unlink()
    return descriptor


def practice_command(venue: str, arguments: Sequence[str] = ()) -> list[str]:
    """Returns the command that serves a venue's practice exchange for as long as its standard input is open."""
    return [
        sys.executable, "-m", "tui", "practice", venue, *arguments, "--json", "--until-stdin-closes",
    ]  # fmt: skip
