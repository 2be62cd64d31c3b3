"""A trader at the desk: what a person does with keys and reads off the screen, on a real pseudo-terminal.

Every step waits for what it should bring about. Keys are pressed a moment apart, as by hand; what comes at once,
as a slow line delivers it, goes through `desk.send_bytes`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

from tests.e2e.pty_session import PtySession


def money(text: str) -> Decimal:
    """Returns a figure as the screen groups it."""
    return Decimal(text.replace(",", ""))


class Size(NamedTuple):
    """Of a terminal, in cells."""

    columns: int
    rows: int

    def __str__(self) -> str:
        return f"{self.columns}x{self.rows}"


SIZES = (Size(80, 24), Size(120, 40))
PAPER = ("--seed", "1", "--rate", "100")
DESK = [sys.executable, "-m", "tui"]
BTC_PERP = "BTC/USDT perp"
ETH_PERP = "ETH/USDT perp"
START_SECONDS = 30
STEP_SECONDS = 15
# A question is deaf for 0.4 s after it was put; seen on the screen it has been put already.
READ_SECONDS = 0.45
KEY_SECONDS = 0.03
# A key that follows an Esc at once could be a part of it, for any terminal.
AFTER_ESC_SECONDS = 0.15

QUESTIONS = r"Enter preview|send it|spite of it|Esc +back|Enter s|Esc leaves|Esc  leave|n  no | PANIC |Quit\?"
_FRAME = "│┃╭╮╰╯┏┓┗┛"


@dataclass(frozen=True)
class Held:
    """A position as its row says it."""

    side: str
    size: Decimal
    pnl: Decimal


class Trader:
    """One run of the desk. Leave the `with` block to have it ended."""

    def __init__(self, home: Path, size: Size, *arguments: str, venue: str = "paper") -> None:
        self.columns, self.rows = size
        self.venue = venue
        # The paper exchange is in the desk itself: that it needs no network is proven by taking it away.
        self.desk = PtySession(
            [*DESK, *arguments], home=home, rows=self.rows, columns=self.columns, has_network=venue != "paper"
        )
        self._next_key = 0.0

    def __enter__(self) -> Self:
        self.desk.__enter__()
        self.wait_for(lambda: "ARMED" in self.desk.line(0) and "spread" in self.desk.text, START_SECONDS)
        return self

    def __exit__(self, *error: object) -> None:
        self.desk.__exit__(None, None, None)

    # Looking.

    def wait_for(self, condition: str | Callable[[], object], timeout: float = STEP_SECONDS) -> None:
        """Waits for a text on the screen, or until a condition holds."""
        if isinstance(condition, str):
            self.desk.wait_for(condition, timeout)
        else:
            self.desk.wait_for(lambda _: bool(condition()), timeout)

    def sees(self, pattern: str) -> re.Match[str] | None:
        """Finds a pattern on the screen."""
        return re.search(pattern, self.desk.text)

    def wait_to_see(self, pattern: str, timeout: float = STEP_SECONDS) -> re.Match[str]:
        """Waits until a pattern is on the screen, and returns what matched."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            match = self.sees(pattern)
            found[:] = [match] if match else []
            return bool(found)

        self.wait_for(look, timeout)
        return found[0]

    def has_question(self) -> bool:
        """Whether a ticket, a preview or a dialog waits for an answer."""
        return self.sees(QUESTIONS) is not None

    def let_pass(self, seconds: float) -> None:
        """Waits until a time has passed: a person reading, or proof that nothing happens meanwhile."""
        until = self.desk.clock() + seconds
        self.wait_for(lambda: self.desk.clock() >= until, seconds + STEP_SECONDS)

    def table(self) -> list[dict[str, str]]:
        """Returns the rows of the table in the lower part, by heading."""
        lines = [line.strip(_FRAME) for line in self.desk.text.split("\n")]
        at = next((y for y in reversed(range(len(lines))) if re.match(r" (instrument|time UTC) ", lines[y])), None)
        if at is None:
            return []
        headings = [(m.start(), m.end(), m[0]) for m in re.finditer(r"\S+(?: \S+)*", lines[at])]
        rows = []
        for line in lines[at + 1 :]:
            if not line.strip() or "─" in line or "━" in line:
                break
            cells = {}
            for cell in re.finditer(r"\S+(?: \S+)*", line.replace("▶", " ").replace("▷", " ")):
                span = cell.start(), cell.end()
                nearest = min(headings, key=lambda h: max(h[0], span[0]) - min(h[1], span[1]))
                cells[nearest[2]] = cell[0]
            rows.append(cells)
        return rows

    def ladder(self) -> list[str]:
        """Returns the lines of the ladder, between its borders."""
        lines = self.desk.text.split("\n")
        edge = min(x for x in map(lines[1].find, "╮┓") if x > 0)
        body = []
        for line in lines[2:]:
            if line[0] in "╰┗":
                break
            body.append(line[1:edge])
        return body

    def prices(self) -> list[str]:
        """Returns the prices on the ladder's axis."""
        return [match[0] for row in self.ladder() if (match := re.search(r"\d+,\d{3}\.\d+", row))]

    def _shows_other_prices(self, than: list[str]) -> bool:
        """Whether the axis has moved, and is drawn in whole: one step after the other."""
        prices = self.prices()
        figures = [money(price) for price in prices]
        steps = {above - below for above, below in pairwise(figures)}
        return prices != than and len(steps) == 1

    def own_size_at(self, price: str) -> Decimal | None:
        """Returns the own size that the ladder marks on the row of a price below the market."""
        for row in self.ladder():
            _, _, after = row.partition(f" {price} ")
            numbers = re.findall(r"\d[\d.]*", after)
            # After the price stands the mark, in words where there is room, and then the cumulative size.
            if numbers and (len(numbers) == 2 or "you " in after):
                return Decimal(numbers[0])
        return None

    def order_count(self) -> int | None:
        """Returns how many open orders the strip of tabs counts; None while it is not on the screen."""
        match = self.sees(r"2 orders(?: (\d+))? ")
        return match and int(match[1] or 0)

    def orders(self) -> list[dict[str, str]]:
        """Returns the rows of the open orders, when that tab is up; those that rest, and are wholly painted."""
        return [row for row in self.table() if row.get("state") == "resting" and row.get("price")]

    def wait_for_order(self, **cells: str) -> dict[str, str]:
        """Goes to the open orders and waits until the only one rests, with these cells; returns its row."""
        self.press("2")
        found: list[dict[str, str]] = []

        def has_come() -> bool:
            found[:] = self.orders()
            return self.order_count() == len(found) == 1 and cells.items() <= found[0].items()

        self.wait_for(has_come)
        return found[0]

    def position(self, name: str = BTC_PERP) -> Held | None:
        """Returns what the row of a position says, when that tab is up."""
        for row in self.table():
            if row.get("instrument") == name and {"side", "size", "P&L"} <= row.keys():
                size, profit = _number(row["size"]), _number(row["P&L"])
                # A row that is being painted, or has a toast over it, says nothing yet.
                return None if size is None or profit is None else Held(row["side"], size, profit)
        return None

    def wait_for_position(self, side: str, size: str) -> Held:
        """Goes to the positions and waits for that of the BTC perpetual."""
        self.press("1")
        found: list[Held] = []

        def look() -> bool:
            held = self.position()
            found[:] = [held] if held else []
            return held is not None and (held.side, held.size) == (side, Decimal(size))

        self.wait_for(look)
        return found[0]

    def budget_used(self) -> int:
        """Returns the notional that was sent in this session; a narrow desk is widened for the look."""
        size = Size(self.columns, self.rows)
        self.resize(120, 40)
        used = self.wait_to_see(r"budget ([\d,]+) of ")[1]
        self.resize(*size)
        return int(used.replace(",", ""))

    # Doing.

    def press(self, *keys: str) -> None:
        """Presses keys one after another."""
        for key in keys:
            self.wait_for(lambda: self.desk.clock() >= self._next_key)
            self.desk.send(key)
            self._next_key = self.desk.clock() + (AFTER_ESC_SECONDS if key == "esc" else KEY_SECONDS)

    def answer(self, key: str, *, to: str) -> None:
        """Reads a question, and then answers it."""
        self.wait_for(to)
        self.let_pass(READ_SECONDS)
        self.press(key)

    def resize(self, columns: int, rows: int) -> None:
        """Makes the terminal another size and waits until the desk has drawn itself anew."""
        if (columns, rows) == (self.columns, self.rows):
            return
        self.columns, self.rows = columns, rows
        before = len(self.desk.bytes_written())
        self.desk.resize(rows, columns)
        words = "ARMED" if rows >= 10 else "too small"
        self.wait_for(lambda: len(self.desk.bytes_written()) > before and self.sees(words))

    def show(self, words: str, name: str) -> None:
        """Picks the instrument that the ladder shows."""
        self.press("/")
        self.wait_for("Enter shows")
        self.desk.type(words)
        self.wait_to_see(rf"[┃│] *{words} ")
        self.wait_to_see(rf"[┃│][ ★]+{re.escape(name)} +{self.venue}")
        self.press("enter")
        self.wait_for(lambda: "Enter shows" not in self.desk.text and f" {name} " in self.desk.line(0))
        self.wait_for(lambda: f"─ {name} · " in self.desk.line(1).replace("━", "─"))

    def walk_ladder_to(self, price: str) -> None:
        """Walks the ladder's cursor down until a price is in view: the axis follows it."""
        self.press("8")
        self.wait_for(lambda: self.desk.line(1).startswith("┏"))
        while " step " in self.desk.line(1):
            before = self.prices()
            self.press("-")
            self.wait_for(partial(self._shows_other_prices, before))
        while not any(f" {price} " in row for row in self.ladder()):
            before = self.prices()
            wanted = money(price)
            self.press("pagedown" if wanted < money(before[-1]) else "pageup")
            self.wait_for(partial(self._shows_other_prices, before))

    def tab(self, number: int, words: str) -> None:
        """Brings a tab up and waits for what it should say."""
        self.press(str(number))
        self.wait_for(words)

    def open_ticket(self, key: str) -> None:
        """Opens a ticket on the shown instrument."""
        # From the log: in the ladder the key would draw a preview line, and on a row it would mean that row.
        self.tab(5, "what happened")
        self.press(key)
        self.wait_for("Enter preview")

    def fill_in(self, label: str, text: str) -> None:
        """Types into the field that has the focus, and waits until it is all there, and understood."""
        self.desk.type(text)
        self.wait_to_see(rf"{label}(?: \w+)? +{re.escape(text)} ")

    def place(self, key: str, size: str, price: str = "") -> None:
        """Sends an order from a ticket: fields, Enter, then `y`."""
        self.open_ticket(key)
        if price:
            self.fill_in("price", price)
            self.press("tab")
        self.fill_in("size", size)
        self.wait_for("sends")
        self.send_ticket()

    def send_ticket(self) -> None:
        """Previews what stands in the ticket, reads it, and sends it."""
        self.press("enter")
        self.answer("y", to=" y  ")
        self.wait_for(lambda: not self.sees(r"Enter preview|Esc  back|on its way"))

    def quit(self) -> None:
        """Leaves the desk, and says yes where it asks; the terminal must be as it was before."""
        self.press("q")
        self.wait_for(lambda: "Quit?" in self.desk.text or not self.desk.is_running())
        if self.desk.is_running():
            self.answer("y", to="Quit?")
        end = self.desk.wait_exit(STEP_SECONDS)
        assert end.code == 0, self.desk.text
        assert self.desk.modes().is_restored


def _number(text: str) -> Decimal | None:
    """Returns the number that a cell shows, None where it is none."""
    plain = text.replace(",", "").lstrip("+")
    return Decimal(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain) else None
