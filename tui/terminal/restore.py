"""Putting the terminal back by hand, when the UI cannot: it is wedged, or nobody reads what it writes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import time
from collections.abc import Callable

Attributes = list[int | list[bytes | int]]

# CAN and ST first: what the terminal has read so far may end in the middle of an escape sequence.
_RESYNC = b"\x18\x1b\\"
RESTORE = _RESYNC + b"".join(
    (
        b"\x1b[?2026l",  # synchronised output off, or the terminal would go on showing the old screen
        b"\x1b[?2004l",  # bracketed paste
        b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l",  # every mouse mode
        b"\x1b[?1004l",  # focus events
        b"\x1b[?2048l",  # in-band resize
        b"\x1b[<u",  # kitty keys: pop; before the alternate screen is left, which has its own stack
        b"\x1b[0m",
        b"\x1b[?1049l",  # alternate screen
        b"\x1b[?7h",  # autowrap
        b"\x1b[?25h",  # cursor
        b"\x1b[0m",
    )
)

_ATTEMPTS = 50
_PAUSE_SECONDS = 0.005


def terminal_attributes(fd: int) -> Attributes | None:
    """Returns the line settings of the terminal `fd`, to be put back later, or None when it has none."""
    try:
        return termios.tcgetattr(fd)
    except termios.error:
        return None


def is_hung_up(fd: int) -> bool:
    """Tells whether the other side of the terminal `fd` is gone."""
    poll = select.poll()
    poll.register(fd, 0)  # hang-up and error are always reported
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))


def force_restore(fd: int, attributes: Attributes | None, *, pause: Callable[[float], None] = time.sleep) -> bool:
    """Leaves all modes on the terminal `fd`, a non-blocking descriptor that nobody else writes to any more.

    What is queued is thrown away first: on a stalled terminal there is no room for another byte. Takes 0.25 s
    at most and returns whether everything was handed over.
    """
    # A background process that touches the terminal would be stopped by this signal, and never leave.
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with contextlib.suppress(termios.error):
            termios.tcflush(fd, termios.TCOFLUSH)
        rest = RESTORE
        for _ in range(_ATTEMPTS):
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                # Flushing again is right only while nothing of ours is in the queue.
                if rest == RESTORE:
                    with contextlib.suppress(termios.error):
                        termios.tcflush(fd, termios.TCOFLUSH)
            except OSError:
                break
            if not rest:
                break
            pause(_PAUSE_SECONDS)
        if attributes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(fd, termios.TCSANOW, attributes)
        return not rest
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
