"""A program that is killed at any moment: whatever a venue saw of it, the journal had before."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sized
from pathlib import Path

from tui.desk.journal_events import EventKind
from tui.desk.journal_export import read_rows, verify
from tui.desk.journal_fold import fold
from tui.desk.journal_store import journal_path

KILLS = 40

SENDER = """
import asyncio, sys, time
from pathlib import Path
from tests.tui.desk.rig import START, order, request
from tui.desk.journal_store import SqliteJournal
from venues.port import Departure

async def main(path, port, run):
    journal = SqliteJournal(path)
    journal.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(100_000):
        key = f"{run}-{number}"
        await journal.intent(request(key), START)
        await journal.sending(request(key), Departure(), START)
        writer.write(key.encode() + b"\\n")
        await writer.drain()
        if number % 3:
            await journal.answered(request(key), order(key), START)

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
"""


class CountingVenue:
    """Takes connections on loopback, and remembers each order that it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.ended: list[int] = []  # connections, by how many orders had been seen
        self.changed = threading.Condition()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                try:
                    for line in lines:
                        if line.endswith(b"\n"):
                            with self.changed:
                                self.seen.append(line.decode().strip())
                                self.changed.notify_all()
                except ConnectionResetError:
                    pass
            with self.changed:
                self.ended.append(len(self.seen))
                self.changed.notify_all()

    def wait_until(self, what: Sized, count: int) -> None:
        """Waits, with `changed` held, until there are more than `count`."""
        assert self.changed.wait_for(lambda: len(what) > count, 30)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)


def test_every_order_that_the_venue_saw_is_in_the_journal(tmp_path: Path, project_root: Path) -> None:
    path = journal_path(tmp_path)
    chance = random.Random(40)
    venue = CountingVenue()
    for run in range(KILLS):
        enough = len(venue.seen) + chance.randrange(0, 60)
        argv = [sys.executable, "-c", SENDER, str(path), str(venue.port), str(run)]
        with subprocess.Popen(argv, cwd=project_root) as child, venue.changed:
            venue.wait_until(venue.seen, enough)
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL
        with venue.changed:
            venue.wait_until(venue.ended, run)
        sent = {row.client_order_id for row in read_rows(path) if row.kind == EventKind.SENDING}
        assert set(venue.seen) <= sent, f"lost in run {run}"
    venue.close()
    assert len(venue.seen) == len(set(venue.seen)) > 10 * KILLS
    rows = list(read_rows(path))
    answered = {row.client_order_id for row in rows if row.kind == EventKind.ANSWERED}
    state = fold(rows)
    # What nobody answered is listed, and nothing else: a start after it knows all that may stand at the venue.
    assert {
        one.command.client_order_id for one in state.unresolved() if hasattr(one.command, "client_order_id")
    } == ({row.client_order_id for row in rows if row.kind == EventKind.SENDING} - answered)
    assert verify(path).problems == ()
    # The copy that is made of a -wal before it is opened stays behind where the kill comes in that moment.
    assert [name.name for name in tmp_path.glob("*broken*") if not name.name.endswith("-wal")] == []
