"""The desk as `python -m tui` runs it, and the engine's longest gap written down.

Each time the detach policy has been carried out (on a signal, and when the desk is left) the file that
PITSIDE_TEST_REPORT names gets the longest time in seconds that the engine's loop was late, and how often.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import Future
from pathlib import Path

import tui.launch
from tui.cli import run
from tui.desk.detaching import DetachReport
from tui.desk.engine import Engine


class ReportingEngine(Engine):
    """The engine, with what it measures of itself written to a file."""

    _times = 0

    def detach(self, policy: str, why: str = "") -> Future[DetachReport]:
        future = super().detach(policy, why)
        future.add_done_callback(self._report)
        return future

    def _report(self, future: Future[DetachReport]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        self._times += 1
        path = Path(os.environ["PITSIDE_TEST_REPORT"])
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"longest_gap": self.longest_gap, "policies": self._times}))
        fresh.replace(path)


def main() -> int:
    # As an attribute by name: the launch module imports the class it starts.
    vars(tui.launch)["Engine"] = ReportingEngine
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
