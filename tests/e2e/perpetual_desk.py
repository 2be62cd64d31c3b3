"""A desk on a local exchange of perpetuals on which nobody else trades, and what a trader does there."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from typing import Any

from tests.e2e.served_desk import ServedTrader
from tests.e2e.trader import Size, money

BTC = "BTC/USDT perp"
SIZE = Size(120, 40)
START = Decimal(60_000)
SCALE = 0.2  # of the adapter's times
PLENTY = 10**9  # of a quota that is not what is tried
DIALOG = "Enter preview"


class PerpetualTrader(ServedTrader):
    """A trader on perpetuals. `symbol` is the contract's, as the exchange spells it, and `tick` its step."""

    symbol = ""
    tick = Decimal(0)
    stops_before_exits = 4  # of the Tab key, from a ticket's size: leverage, margin mode, reduce-only, the first

    def mark(self, price: Decimal) -> None:
        """Moves the market."""
        self.act(do="mark", symbol=self.symbol, price=f"{price:f}")
        self.wait_for(lambda: f"mark {price:,.1f}" in self.desk.line(0))

    def begin_at(self, price: Decimal) -> None:
        """Has the market stand still at a price, in the ladder too: a ticket heeds what moves while it is open."""
        self.act(do="quiet")
        self.mark(price)
        self.wait_for(lambda: abs(self.best_bid() - price) < price / 1_000)

    def best_bid(self) -> Decimal:
        """Returns the highest price of the ladder that has a bid; 0 without one, or while there is no ladder."""
        header, *rows = self.ladder()
        if "bids" not in header:
            return Decimal(0)
        edge = header.index("bids") + len("bids")
        prices = [match[0] for row in rows if row[:edge].strip() and (match := _price_in(row[edge:]))]
        return max(map(money, prices), default=Decimal(0))

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

    def sizes(self) -> dict[str, Decimal]:
        """Returns the sizes of the rows by their side; nothing of a row that is only half drawn."""
        rows = [row for row in self.table() if {"side", "size"} <= row.keys()]
        return {row["side"]: money(row["size"]) for row in rows if _is_number(row["size"])}

    def shows_end_of(self, side: str) -> bool:
        """Whether the estimate in a position's row is the exchange's own price, to a tick."""
        shown = self.row(side).get("liq", "")
        if not shown.startswith("~"):
            return False
        true = Decimal(self.true_position(side)["liquidation_price"])
        return abs(money(shown[1:]) - true) <= self.tick

    def fill_ticket(self, size: str, take_profit: str = "", stop_loss: str = "") -> None:
        """Fills in a market order's ticket: size, then past what is between to the exits."""
        self.fill_in("size", size)
        if take_profit:
            self.press(*["tab"] * self.stops_before_exits)
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


_price_in = re.compile(r"[0-9,]+\.[0-9]+", re.ASCII).search
_is_number = re.compile(r"[0-9,]+(?:\.[0-9]+)?", re.ASCII).fullmatch


def open_positions(trader: PerpetualTrader) -> None:
    trader.press("M")
    trader.wait_for("positions and margin")
    trader.wait_for("add margin")


def leave_positions(trader: PerpetualTrader) -> None:
    trader.press("esc")
    trader.wait_for(lambda: "positions and margin" not in trader.desk.text)


def add_margin(trader: PerpetualTrader, amount: str) -> None:
    """Fills in the dialog, reads what it does to the liquidation, and sends it."""
    trader.press("a")
    trader.wait_for(DIALOG)
    trader.fill_in("amount", amount)
    trader.wait_to_see(rf"sends +ADD MARGIN {amount} USDT · LONG 0\.5\d* BTC")
    trader.press("enter")
    trader.answer("y", to="y send it")
    trader.wait_for(lambda: not trader.sees("y send it|on its way|Enter preview"))


def agree(trader: PerpetualTrader) -> None:
    """Holds the fills and the balance that the desk shows against the exchange's record of them."""
    truth = trader.truth()
    true = sorted((one["side"].upper(), Decimal(one["price"]), Decimal(one["quantity"])) for one in truth["fills"])

    def fills() -> list[tuple[str, Decimal, Decimal]]:
        whole = [row for row in trader.table() if {"side", "price", "size"} <= row.keys()]
        return sorted((row["side"], money(row["price"]), money(row["size"])) for row in whole)

    trader.press("3")
    trader.wait_for(lambda: fills() == true)
    purse = next(row for coin, row in truth["balances"].items() if coin.upper() == "USDT")
    total = round(Decimal(purse["available"]) + Decimal(purse["frozen"]), 2)
    trader.tab(4, f"{total:,.2f}")
    trader.wait_to_see(rf"equity {total:,.2f} USDT")
