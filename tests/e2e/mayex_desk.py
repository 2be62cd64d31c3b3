"""A desk on the local Mayex, on which nobody else trades."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.perpetual_desk import PLENTY, SCALE, SIZE, START, PerpetualTrader
from venues.simulators.serving import Practice, served_in_thread

SYMBOL = "btcusdt"


@contextmanager
def exchange() -> Iterator[Practice]:
    """Serves an exchange on which nobody trades but the desk, at a price of 60,000."""
    with served_in_thread("mayex", rate=20.0, seed=1, symbols=(SYMBOL, "ethusdt"), time_scale=SCALE) as practice:
        practice.simulator.act({"do": "quota", "minute": PLENTY})
        yield practice


@contextmanager
def desk_on(home: Path, practice: Practice, *, has_streams: bool = True) -> Iterator[MayexTrader]:
    settings = settings_of(has_streams)
    with MayexTrader(home, SIZE, practice, time_scale=SCALE, settings=settings) as trader:
        trader.begin_at(START)
        trader.tab(4, "USDT ")  # the account is read
        yield trader


def settings_of(has_streams: bool) -> dict[str, Any]:
    return {"minute_quota": PLENTY} | ({} if has_streams else {"private_stream": "none"})


class MayexTrader(PerpetualTrader):
    """A trader there."""

    symbol, tick = SYMBOL, Decimal("0.5")
    stops_before_exits = 3  # margin mode, reduce-only, and the first of them
