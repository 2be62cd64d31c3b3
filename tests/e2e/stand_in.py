"""A small app on the desk's own terminal, signals and threads, for what must not depend on any screen.

It paints 30 rows ten times a second. `w` wedges the UI loop for good, `q` leaves. The engine is an asyncio loop
on its own thread whose longest gap is written, with the signal, to the file that PITSIDE_TEST_REPORT names: when
the detach policy is carried out, and five times a second. PITSIDE_TEST_POLICY is how long the policy takes, in
seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from tui.desk.signals import SignalWatch, mask_signals
from tui.terminal.environment import prepare

BEAT_SECONDS = 0.01
REPORT_SECONDS = 0.2


class Heart:
    """An engine that does nothing but tell how long its loop was held up."""

    def __init__(self, report: Path, policy_seconds: float) -> None:
        self._report = report
        self._policy_seconds = policy_seconds
        self._longest = 0.0
        self._signal = 0
        self._reported = time.monotonic()
        self.keys = 0
        self.is_wedged = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="engine", daemon=True).start()

    def detach(self, number: int) -> Future[object]:
        done: Future[object] = Future()
        self._loop.call_soon_threadsafe(
            self._loop.call_later, self._policy_seconds, self._carried_out, number, done
        )
        return done

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._next_beat()
        self._loop.run_forever()

    def _next_beat(self) -> None:
        self._loop.call_later(BEAT_SECONDS, self._beat, time.monotonic(), seconds_without_core())

    def _beat(self, last: float, waited: float) -> None:
        now = time.monotonic()
        # What counts is how long this process held its own loop up, not that others had the cores.
        self._longest = max(self._longest, now - last - BEAT_SECONDS - (seconds_without_core() - waited))
        if now - self._reported > REPORT_SECONDS:
            self._reported = now
            self._write()
        self._next_beat()

    def _carried_out(self, number: int, done: Future[object]) -> None:
        self._signal = number
        self._write()
        done.set_result(number)

    def _write(self) -> None:
        fresh = self._report.with_suffix(".new")
        facts = {
            "longest_gap": self._longest,
            "signal": self._signal,
            "keys": self.keys,
            "is_wedged": self.is_wedged,
        }
        fresh.write_text(json.dumps(facts))
        fresh.replace(self._report)


def seconds_without_core() -> float:
    """Returns for how long the kernel has let this thread wait for a core; 0 where it does not tell."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def main() -> int:
    prepare()
    mask_signals()
    heart = Heart(Path(os.environ["PITSIDE_TEST_REPORT"]), float(os.environ.get("PITSIDE_TEST_POLICY", "0")))

    from rich.segment import Segment
    from rich.style import Style
    from textual.app import App, ComposeResult
    from textual.events import Key, Paste
    from textual.strip import Strip
    from textual.widget import Widget

    from tui.terminal.attach import attach

    class Rows(Widget):
        """Rows of numbers of which a few change at a time."""

        DEFAULT_CSS = "Rows { height: 1fr; }"

        def __init__(self) -> None:
            super().__init__()
            self._random = random.Random(1)
            self._cells = [[0] * 8 for _ in range(40)]
            self.pressed = 0

        def render_line(self, y: int) -> Strip:
            if y == 0:
                # The number stands before the word, so that a test finds both on one line.
                segments = [Segment(f"{self.pressed} keys", Style(bold=True))]
            else:
                colour = ("green", "red", "#3050a0", None)
                cells = self._cells[y % 40]
                segments = [Segment(f"{n:>9}", Style(color=colour[(x + y) % 4])) for x, n in enumerate(cells)]
            return Strip(segments).adjust_cell_length(self.size.width)

        def change(self) -> None:
            for _ in range(30):
                y, x = self._random.randrange(40), self._random.randrange(8)
                self._cells[y][x] = self._random.randrange(10**6)
            self.refresh()

    class StandIn(App[None]):
        ENABLE_COMMAND_PALETTE = False

        def compose(self) -> ComposeResult:
            yield Rows()

        def on_mount(self) -> None:
            self.set_interval(0.1, self.query_one(Rows).change)

        def on_key(self, event: Key) -> None:
            rows = self.query_one(Rows)
            rows.pressed += 1
            heart.keys = rows.pressed
            rows.refresh()
            if event.key == "w":
                self.set_timer(0.05, self.wedge)
            elif event.key == "q":
                self.exit()

        def wedge(self) -> None:
            heart.is_wedged = True
            threading.Event().wait()

        def on_paste(self, _event: Paste) -> None:
            self.query_one(Rows).pressed += 1

    app = StandIn()
    terminal = attach(app)
    watch = SignalWatch(
        detach=heart.detach,
        exit_ui=terminal.ask_exit,
        force_restore=terminal.force_restore,
        is_hung_up=terminal.is_hung_up,
    )
    watch.start()
    app.run(mouse=False)
    watch.ui_finished()
    return watch.exit_code if watch.exit_code is not None else app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
