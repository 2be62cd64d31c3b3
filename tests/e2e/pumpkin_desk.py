"""A desk on the local Pumpkin, on which nobody else trades, and what a trader of perpetuals does there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.served_desk import ServedTrader
from tests.e2e.trader import Size
from venues.simulators.serving import Practice, served_in_thread

BTC, SYMBOL = "BTC/USDT perp", "btc_usdt"
SIZE = Size(120, 40)
START = Decimal(60_000)
TICK = Decimal("0.1")
SCALE = 0.2  # of the adapter's times
PLENTY = 10**9  # of a quota that is not what is tried
DIALOG = "Enter preview"


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
        trader.act(do="quiet")
        trader.mark(START)
        trader.tab(4, "USDT ")  # the account is read
        yield trader


def settings_of(practice: Practice, has_streams: bool) -> dict[str, Any]:
    urls = {"user_ws_url": practice.ws_url} if has_streams else {"ws_url": "", "user_ws_url": ""}
    return {"minute_quota": PLENTY} | urls


class PumpkinTrader(ServedTrader):
    """A trader on perpetuals."""

    def mark(self, price: Decimal) -> None:
        """Moves the market."""
        self.act(do="mark", symbol=SYMBOL, price=f"{price:f}")
        self.wait_for(lambda: f"mark {price:,.1f}" in self.desk.line(0))

    def true_position(self, side: str) -> dict[str, Any]:
        """Returns the exchange's record of the only position of this side."""
        (found,) = [row for row in self.truth()["positions"] if row["side"] == side]
        return dict(found)

    def row(self, side: str) -> dict[str, str]:
        """Returns the row of a position, where that tab is up; empty where there is none."""
        return next((row for row in self.table() if row.get("side") == side), {})

    def wait_for_row(self, side: str, *columns: str) -> dict[str, str]:
        """Waits for a position's row with all of these columns."""
        self.press("1")
        found: list[dict[str, str]] = []

        def look() -> bool:
            found[:] = [self.row(side)]
            return set(columns) <= found[0].keys()

        self.wait_for(look)
        return found[0]

    def shows_end_of(self, side: str) -> bool:
        """Whether the estimate in a position's row is the exchange's own price, to a tick."""
        shown = self.row(side).get("liq", "")
        if not shown.startswith("~"):
            return False
        true = Decimal(self.true_position(side)["liquidation_price"])
        return abs(money(shown[1:]) - true) <= TICK

    def fill_ticket(self, size: str, take_profit: str = "", stop_loss: str = "") -> None:
        """Fills in a market order's ticket: size, then past leverage, margin and reduce-only to the exits."""
        self.fill_in("size", size)
        if take_profit:
            self.press("tab", "tab", "tab", "tab")
            self.fill_in("TP", take_profit)
            self.press("tab")
            self.fill_in("SL", stop_loss)

    def set_leverage(self, words: str) -> None:
        self.press(":")
        self.wait_for("show an instrument")
        self.desk.type(f"leverage {words}")
        self.wait_for(f"leverage {words}")
        self.press("enter")

    def select(self, side: str) -> None:
        """Puts the cursor on a position's row."""
        self.press("1")
        self.press("G" if [row.get("side") for row in self.table()][-1] == side else "g")
        self.wait_to_see(rf"▶\S.* {side} ")

    def plan(self, key: str, trigger: str, size: str) -> None:
        """Sends an order that waits for a price, and then goes at the market."""
        self.open_ticket(key)
        self.press("shift+tab", "shift+tab")
        self.choose("type", "Stop")
        self.press("tab")
        self.fill_in("trigger", trigger)
        self.press("tab")
        self.fill_in("size", size)
        self.send_ticket()

    def choose(self, label: str, wanted: str) -> None:
        """Turns the choice that has the focus until it is the one that is wanted."""
        while (shown := self.wait_to_see(rf"{label} +‹ (.+?) ›")[1]) != wanted:
            self.press("right")
            self.wait_for(partial(self._shows_another, label, shown))

    def _shows_another(self, label: str, than: str) -> bool:
        match = self.sees(rf"{label} +‹ (.+?) ›")
        return match is not None and match[1] != than


def money(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def open_positions(trader: PumpkinTrader) -> None:
    trader.press("M")
    trader.wait_for("positions and margin")
    trader.wait_for("add margin")


def leave_positions(trader: PumpkinTrader) -> None:
    trader.press("esc")
    trader.wait_for(lambda: "positions and margin" not in trader.desk.text)


def open_long(trader: PumpkinTrader) -> None:
    """Opens half a bitcoin, ten times what it costs, with both exits."""
    trader.set_leverage("10 isolated")
    trader.wait_for(lambda: trader.truth()["settings"][SYMBOL]["type"] == "ISOLATED")
    trader.open_ticket("B")
    trader.fill_ticket("0.5", "70000", "55000")
    trader.send_ticket()
    trader.wait_for_position("LONG", "0.5")


def add_margin(trader: PumpkinTrader, amount: str) -> None:
    """Fills in the dialog, reads what it does to the liquidation, and sends it."""
    trader.press("a")
    trader.wait_for(DIALOG)
    trader.fill_in("amount", amount)
    trader.wait_to_see(rf"sends +ADD MARGIN {amount} USDT · LONG 0\.5\d* BTC")
    trader.press("enter")
    trader.answer("y", to="y send it")
    trader.wait_for(lambda: not trader.sees("y send it|on its way|Enter preview"))
