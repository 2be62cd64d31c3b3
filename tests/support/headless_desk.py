"""A desk without a screen, as a process of its own: the lock, the session and the control socket.

    python -m tests.support.headless_desk STATE_DIR VENUE

It says "ready" once its venue has been read back, and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.shelf_venue import install
from tests.tui.desk.rig import until
from tui.desk.instance import InstanceLock
from tui.desk.remote import RemoteControl
from tui.desk.session import Session
from venues.model import InstrumentId
from venues.registry import create_venue


async def serve(state_dir: Path, name: str) -> None:
    settings: dict[str, dict[str, Any]] = {
        "paper": {"fresh": True, "seed": 7},
        "shelf": {"path": str(state_dir / "shelf.json")},
    }
    install()
    venue = create_venue(name, settings[name])
    lock = InstanceLock(state_dir)
    lock.acquire(venue.capabilities.mode.value, (venue.name,), "main")
    session = Session([venue], tell=lambda _: None, shown=InstrumentId(venue.name, "BTC-PERP"))
    remote = RemoteControl(session, state_dir, lock)
    halt = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, halt.set)
    await session.open()
    link = session.links[venue.name]
    await until(lambda: link.is_reconciled and session.store.shown is not None, 30)
    await remote.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await halt.wait()
    await remote.aclose()
    await session.aclose()
    lock.release()


@contextmanager
def headless_desk(state_dir: Path, venue: str = "paper") -> Iterator[subprocess.Popen[str]]:
    """Runs one until the end of the block, ready when it begins; killed where it did not end by itself."""
    argv = [sys.executable, "-m", "tests.support.headless_desk", str(state_dir), venue]
    root = Path(__file__).parents[2]
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            said = []
            for line in child.stdout:
                said.append(line)
                if line == "ready\n":
                    break
            assert said and said[-1] == "ready\n", said
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.kill()


def pitside(*arguments: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the program with the venue on the shelf installed."""
    program = (
        "import json, sys\nfrom tests.support.shelf_venue import install\ninstall()\n"
        "from tui.cli import run\nsys.exit(run(json.loads(sys.argv[1])))"
    )
    return subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)], cwd=Path(__file__).parents[2],
        env=os.environ | environment, input=answer, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
