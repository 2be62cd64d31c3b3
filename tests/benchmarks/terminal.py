"""A program on a pseudo-terminal, seen from outside: its bytes, its processor time, its memory, its answers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Terminal:
    """Runs `argv` on a fresh pty of `rows` x `columns`.

    With `bytes_per_second` the other side is read no faster than that, as over a slow link.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        rows: int = 40,
        columns: int = 120,
        bytes_per_second: int | None = None,
    ) -> None:
        self.received = 0
        self.started = time.perf_counter()
        self._allowance = bytes_per_second
        self._last_read = self.started
        self.tail = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], list(argv), dict(environment))
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout: float) -> bytes:
        """Returns what arrived within `timeout` seconds, at once when anything did; empty when nothing did."""
        limit = 65536
        if self._allowance is not None:
            # A slow link: one slice of 10 ms of the allowance, and not before the last slice's time is over.
            limit = max(1, self._allowance // 100)
            pause = self._last_read + 0.01 - time.perf_counter()
            if pause > 0:
                select.select([], [], [], min(pause, timeout))
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return b""
        try:
            data = os.read(self.master, limit)
        except OSError:
            return b""
        self._last_read = time.perf_counter()
        self.received += len(data)
        self.tail = (self.tail + data)[-65536:]
        return data

    def drain_for(self, seconds: float) -> int:
        """Reads for that long; returns how many bytes came."""
        before = self.received
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(min(left, 0.05))
        return self.received - before

    def wait_for(self, pattern: bytes, timeout: float) -> float:
        """Reads until `pattern` has come; returns the seconds since the program was started.

        Raises:
            TimeoutError: it did not come; the message ends with what came instead.
        """
        end = time.perf_counter() + timeout
        seen = b""
        while time.perf_counter() < end:
            seen = seen[-4096:] + self.read(0.05)
            if re.search(pattern, seen):
                return time.perf_counter() - self.started
        raise TimeoutError(f"{pattern!r} never came; the last bytes were {self.tail[-600:]!r}")

    def key_to(self, key: bytes, answer: bytes, timeout: float = 5.0) -> float:
        """Sends a key and returns the seconds until `answer` was painted."""
        while self.read(0):
            pass
        start = time.perf_counter()
        os.write(self.master, key)
        seen = b""
        while time.perf_counter() < start + timeout:
            seen = seen[-64:] + self.read(0.05)
            if answer in seen:
                return time.perf_counter() - start
        raise TimeoutError(f"no {answer!r} after {key!r}")

    def cpu_seconds(self) -> float:
        """Returns the processor time that the program has used, all threads, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self) -> float:
        """Returns the resident set in megabytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE / 1e6

    def wait_end(self, timeout: float, *, reads: bool = True) -> bool:
        """Waits until the program has ended by itself; returns whether it did, killing it where it did not."""
        end = time.perf_counter() + timeout
        is_over = False
        while not is_over and time.perf_counter() < end:
            if reads:
                self.read(0.005)
            else:
                time.sleep(0.005)
            is_over = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        if not is_over:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)
        return is_over

    def close(self) -> None:
        """Ends the program and its terminal."""
        os.kill(self.pid, signal.SIGTERM)
        self.wait_end(5)


def child_environment(home: Path) -> dict[str, str]:
    """Returns an environment for a child: a home of its own, a terminal that can do everything."""
    keep = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "VIRTUAL_ENV"}}
    return keep | {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


def quantile(samples: Sequence[float], share: float) -> float:
    """Returns the sample below which `share` of them lie."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
