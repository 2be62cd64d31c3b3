"""The one market that all measured programs show: the paper venue on an engine thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tui.desk.engine import Engine
from tui.desk.session import Session
from venues.registry import create_venue


@contextmanager
def open_desk(rate: float, seed: int = 1) -> Iterator[Engine]:
    """Runs the desk without a screen on a fresh paper market of `rate` messages a second."""
    engine = Engine(lambda tell: Session([create_venue("paper", {"seed": seed, "rate": rate})], tell=tell))
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()
