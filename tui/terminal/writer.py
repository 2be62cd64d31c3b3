"""What is written to the terminal, without ever waiting for it.

Textual's own writer is a queue of 30 with a blocking put on the UI loop: six unread seconds stopped every key
after 1.2 s. This one writes at once what the terminal takes, keeps the rest for a thread, and says so, so that
no frame is started while an older one is still on its way.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

# Bytes. A 400 x 120 screen with a colour change at every cell is 2 MB; more than a few of those is no screen.
BACKLOG_LIMIT = 8 * 1024 * 1024
# Bytes handed over in one go; a pty takes 64 KiB at most.
_CHUNK = 65536
# Seconds until a stalled thread looks whether it shall stop.
_STALL_LOOK = 0.05


class TerminalWriter:
    """Writes to `fd`, a non-blocking descriptor of our own: O_NONBLOCK on the shell's would outlive us.

    `on_drained` is called on the writer's thread each time a backlog has gone out. `write` may be called from
    any thread and never blocks.
    """

    def __init__(
        self,
        fd: int,
        *,
        on_drained: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        limit: int = BACKLOG_LIMIT,
    ) -> None:
        self._fd = fd
        self._on_drained = on_drained
        self._clock = clock
        self._limit = limit
        self._backlog = bytearray()
        self._changed = threading.Condition()
        self._is_closing = False
        self._aborted = threading.Event()
        self._is_gone = False
        self._has_lost = False
        self._recent: deque[tuple[float, int]] = deque()
        self.bytes_written = 0
        self._thread = threading.Thread(target=self._write_backlog, name="terminal-output", daemon=True)

    @property
    def has_pending(self) -> bool:
        """Whether bytes are still to be taken by the terminal, or it is gone: nothing new should be painted."""
        return bool(self._backlog) or self._is_gone

    @property
    def bytes_per_second(self) -> int:
        """Bytes that the terminal took within the last second."""
        with self._changed:
            self._forget_before(self._clock() - 1)
            return sum(count for _, count in self._recent)

    def start(self) -> None:
        """Starts the thread that writes what the terminal did not take at once."""
        self._thread.start()

    def write(self, text: str) -> None:
        """Writes, or keeps for later. Beyond the limit the text is dropped whole, and `take_loss` tells."""
        data = text.encode("utf-8", "replace")
        with self._changed:
            if self._is_closing or self._is_gone:
                return
            if len(self._backlog) + len(data) > self._limit:
                self._has_lost = True
                return
            was_idle = not self._backlog
            self._backlog += data
            if was_idle:
                self._hand_over()
                if self._backlog:
                    self._changed.notify_all()

    def take_loss(self) -> bool:
        """Tells once whether anything was dropped, so that the screen must be painted anew."""
        with self._changed:
            has_lost, self._has_lost = self._has_lost, False
            return has_lost

    def close(self, timeout: float) -> bool:
        """Takes no more, waits up to `timeout` seconds for the backlog; returns whether all of it went out."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            is_drained = self._changed.wait_for(lambda: not self._backlog or self._is_gone, timeout)
        is_stopped = self.abort(timeout=4 * _STALL_LOOK)
        return is_drained and is_stopped and not self._is_gone

    def abort(self, timeout: float) -> bool:
        """Stops at once and drops the backlog; returns whether the thread ended within `timeout` seconds."""
        with self._changed:
            self._is_closing = True
            self._aborted.set()
            self._backlog.clear()
            self._changed.notify_all()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _write_backlog(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._backlog or self._is_closing)
                if self._aborted.is_set() or not self._backlog:
                    return
            select.select([], [self._fd], [], _STALL_LOOK)
            with self._changed:
                if self._aborted.is_set():
                    return
                self._hand_over()
                is_drained = not self._backlog
                if is_drained:
                    self._changed.notify_all()
            if is_drained:
                self._on_drained()

    def _hand_over(self) -> None:
        """Gives the terminal as much as it takes now. Called with the lock held, which it never holds for long."""
        while self._backlog:
            try:
                count = os.write(self._fd, self._backlog[:_CHUNK])
            except BlockingIOError:
                return
            except OSError:
                # The terminal is gone for good; whoever watches it for a hang-up ends the program.
                self._is_gone = True
                self._backlog.clear()
                return
            del self._backlog[:count]
            self.bytes_written += count
            now = self._clock()
            self._forget_before(now - 1)
            self._recent.append((now, count))

    def _forget_before(self, horizon: float) -> None:
        while self._recent and self._recent[0][0] <= horizon:
            self._recent.popleft()
