"""A bad venue's process, as a test holds it."""

from __future__ import annotations

import http.client
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import msgspec

from tests.support.bad_venues.rules import Rules, Truth

_ROOT = Path(__file__).parents[3]


class RunningVenue:
    """Starts the program, and ends it with the `with` block. `origin` is where the desk finds it."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def __enter__(self) -> RunningVenue:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.bad_venues.server", msgspec.json.encode(self.rules).decode()],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        port, self._control = map(int, self._process.stdout.readline().split())
        self.origin = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)
        assert self._process.returncode == 0

    def truth(self) -> Truth:
        return msgspec.json.decode(self._ask("GET", "/truth"), type=Truth)

    def set_faults(self, rate: float, seed: int = 1) -> None:
        self._ask("POST", "/faults", msgspec.json.encode({"rate": rate, "seed": seed}))

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._control, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Length": str(len(body))})
            return connection.getresponse().read()
        finally:
            connection.close()
