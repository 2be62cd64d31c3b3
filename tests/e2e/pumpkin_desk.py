"""A desk on the local Pumpkin, on which nobody else trades."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.perpetual_desk import PLENTY, SCALE, SIZE, START, PerpetualTrader
from venues.simulators.serving import Practice, served_in_thread

SYMBOL = "btc_usdt"


@contextmanager
def exchange() -> Iterator[Practice]:
    """Serves an exchange on which nobody trades but the desk, at a price of 60,000."""
    with served_in_thread("pumpkin", rate=20.0, seed=1, symbols=(SYMBOL, "eth_usdt")) as practice:
        practice.simulator.act({"do": "quota", "minute": PLENTY, "day": PLENTY})
        yield practice


@contextmanager
def desk_on(home: Path, practice: Practice, *, has_streams: bool = True) -> Iterator[PumpkinTrader]:
    settings = settings_of(practice, has_streams)
    with PumpkinTrader(home, SIZE, practice, time_scale=SCALE, settings=settings) as trader:
        trader.begin_at(START)
        trader.tab(4, "USDT ")  # the account is read
        yield trader


def settings_of(practice: Practice, has_streams: bool) -> dict[str, Any]:
    urls = {"user_ws_url": practice.ws_url} if has_streams else {"ws_url": "", "user_ws_url": ""}
    return {"minute_quota": PLENTY} | urls


class PumpkinTrader(PerpetualTrader):
    """A trader there."""

    symbol, tick = SYMBOL, Decimal("0.1")


def open_long(trader: PumpkinTrader) -> None:
    """Opens half a bitcoin, ten times what it costs, with both exits."""
    trader.set_leverage("10 isolated")
    trader.wait_for(lambda: trader.truth()["settings"][SYMBOL]["type"] == "ISOLATED")
    trader.open_ticket("B")
    trader.fill_ticket("0.5", "70000", "55000")
    trader.send_ticket()
    trader.wait_for_position("LONG", "0.5")
