"""Starts pitside's own bus, and is killed at a moment that otherwise only bad luck would find.

    python dying.py SCRATCH dbus-daemon|gnome-keyring-daemon forked|started

It is laid down where the person can read it, and stands alone: nothing of the tests is there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui.desk.private_bus import private_bus


def main(scratch: str, program: str, moment: str) -> None:
    def start(command: tuple[str, ...], *, preexec_fn: Callable[[], None], **rest: Any) -> subprocess.Popen[bytes]:
        is_meant = Path(command[0]).name == program
        parent = os.getpid()

        def before_exec() -> None:
            if is_meant and moment == "forked":
                os.kill(parent, signal.SIGKILL)
                while os.getppid() == parent:
                    os.sched_yield()
            preexec_fn()

        process = subprocess.Popen(command, preexec_fn=before_exec, **rest)
        if is_meant and moment == "started":  # it is a new program now, and has done nothing yet
            os.kill(parent, signal.SIGKILL)
        return process

    with private_bus(scratch, until=time.monotonic() + 10.0, is_up=lambda address: False, start=start):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
