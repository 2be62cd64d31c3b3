"""The other side of the control socket: asks the desk that runs for a profile, and waits no longer than it may.

Whoever gets no answer can rely on it that a request which the desk has not begun by then is dropped.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tui.desk.remote_messages import (
    LONGEST_ANSWER,
    Answer,
    Done,
    Failed,
    Heard,
    NotUnderstood,
    Request,
    Verb,
    Working,
    encode,
    find_socket,
    parse_answer,
    peer_uid,
)
from venues.model import NANOSECONDS
from venues.transport.clock import boottime_ns

PATIENCE = 1.0  # seconds for the first answer
SILENCE = 3.0  # between two lines of a desk that has begun, which gives a sign of life each half second
WHOLE = 75.0  # for all of it
# A desk that begins at the last moment is still heard.
_GRACE = 0.25
_RETRY = 0.05
_MOST_LINES = 100_000


class RemoteFault(Exception):
    """No whole answer came; the message says what is known."""


class NoDesk(RemoteFault):
    """No desk can be reached."""


class SilentDesk(RemoteFault):
    """There is one, and it did not begin in time: what was asked is dropped."""


class LostDesk(RemoteFault):
    """It began, and then its answer broke off: nobody knows how far it came."""


def ask(
    state_dir: Path,
    verb: Verb,
    argument: str = "",
    *,
    is_sure: bool = False,
    patience: float = PATIENCE,
    silence: float = SILENCE,
    whole: float = WHOLE,
    clock: Callable[[], int] = boottime_ns,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Answer]:
    """Yields what the desk answers, signs of life left out; the last is a `Failed` where it could not do it.

    `patience` is for the first answer, `silence` between two, `whole` for all; in seconds. `clock` is nanoseconds
    since boot.

    Raises:
        NoDesk, SilentDesk, LostDesk: by how far it came.
    """
    began = clock()
    request = Request(verb=verb, argument=argument, is_sure=is_sure, deadline=began + int(patience * NANOSECONDS))
    while True:
        for answer in _converse(state_dir, request, silence, began + int(whole * NANOSECONDS), clock):
            if isinstance(answer, Failed) and answer.is_busy and clock() < request.deadline:
                break
            yield answer
        else:
            return
        sleep(_RETRY)


def _converse(
    state_dir: Path, request: Request, silence: float, end: int, clock: Callable[[], int]
) -> Iterator[Answer]:
    line = encode(request)
    path = find_socket(state_dir)
    if path is None:
        raise NoDesk("no desk runs")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        limit = request.deadline + int(_GRACE * NANOSECONDS)
        try:
            connection.settimeout(_left(limit, clock))
            connection.connect(os.fspath(path))
            if peer_uid(connection) not in (None, os.getuid()):
                raise NoDesk("another user's program listens there")
            # A desk that is full says so and does not read: its words are there all the same.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(line)
        except (TimeoutError, BlockingIOError) as error:
            raise SilentDesk("it takes no requests") from error
        except OSError as error:
            raise NoDesk(error.strerror or str(error)) from error
        lines = _Lines(connection, clock)
        has_begun = False
        for _ in range(_MOST_LINES):
            try:
                answer = parse_answer(lines.take(limit))
            except (OSError, EOFError, NotUnderstood) as error:
                why = str(error) or "no answer"
                raise (LostDesk(why) if has_begun else SilentDesk(why)) from error
            has_begun = has_begun or isinstance(answer, Heard)
            limit = min(end, clock() + int(silence * NANOSECONDS))
            if isinstance(answer, Done):
                return
            if not isinstance(answer, (Heard, Working)):
                yield answer
            if isinstance(answer, Failed):
                return
        raise LostDesk("its answer has no end")


class _Lines:
    """Reads lines off a socket, each until a moment of `clock`."""

    def __init__(self, connection: socket.socket, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._clock = clock
        self._rest = b""

    def take(self, limit: int) -> bytes:
        """Returns the next line. Raises OSError (TimeoutError when it took too long) and EOFError."""
        while b"\n" not in self._rest:
            if self._clock() >= limit:
                raise TimeoutError("no answer")
            if len(self._rest) > LONGEST_ANSWER:
                raise EOFError("its answer is not one of ours")
            self._connection.settimeout(_left(limit, self._clock))
            received = self._connection.recv(65_536)
            if not received:
                raise EOFError("it hung up")
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\n")
        return line


def _left(limit: int, clock: Callable[[], int]) -> float:
    """Returns the seconds to a moment, never none: a socket without a timeout would block for ever."""
    return max(0.001, (limit - clock()) / NANOSECONDS)
