"""A monkey at the desk in a real terminal: keys nobody would press, sizes nobody has, bytes no terminal sends.

A seed gives the same keys again. One that never presses what sends (Enter, `y`, `o`) must send nothing, whatever
else it does; one that presses everything trades, and the desk only has to live through it. CI runs two seeds for a
short while; `PITSIDE_MONKEY_SEEDS=1-40 PITSIDE_MONKEY_KEYS=3000` runs more, for longer.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.trader import PAPER, READ_SECONDS, Size, Trader
from tests.support.effort import tries
from tui.keymap import ACTIONS

KEYS = int(os.environ.get("PITSIDE_MONKEY_KEYS") or tries(150, 300))
SEEDS = os.environ.get("PITSIDE_MONKEY_SEEDS", "1-2")
SENDING = frozenset({"enter", "y", "o"})
# Without open orders it ends the desk at once, which is what the test does in the end.
LEAVING = frozenset({"q"})
PACE = 0.012  # seconds between keys: above the window in which keys count as pasted

NAMES = {
    "question_mark": "?", "slash": "/", "colon": ":", "plus": "+", "minus": "-", "comma": ",", "full_stop": ".",
    "left_square_bracket": "[", "right_square_bracket": "]",
}  # fmt: skip
KEYMAP = sorted({NAMES.get(key, key) for action in ACTIONS for key in action.keys})
TYPED = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .%+-@#!'\"\\|~`^&*(){}<>=_;$"]
MOVES = ["up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab", "shift+tab", "escape", "n"]
OTHERS = ["backspace", "delete", "insert", "f1", "f2", "f5", "f12", "ctrl+a", "ctrl+z", "ctrl+\\", "ctrl+d",
          "ctrl+l", "ctrl+v", "ctrl+w", "alt+x", "alt+b", "ctrl+up", "shift+left", "ctrl+s", "ctrl+q",
          "ctrl+r"]  # fmt: skip
WORDS = ["bid-2t", "0.5", "5% balance", "50%p", "btc", "mid+0.1%", "1e9", "999999999999999999", "0", ".",
         "flatten all", "panic", "buy market", "cancel everywhere", "theme none",
         "set leverage 10", "10000 usdt"]  # fmt: skip
# In brackets as a terminal pastes: whatever is in it is text, Enter and `y` too.
PASTES = [
    "0.25",
    "bid\ry\r",
    "\n\n\ny\ny\no\n",
    "y" * 300,
    "🦀" * 40,
    "\x1b[31m[red]x[/]",
    "1" * 5000,
    "é́́́\u202e",
    "\t\t",
]
NASTY = [
    b"\x1b[", b"\x1b]", b"\x1b]52;c;eXk=\x07", b"\x1bP1;2|x\x1b\\", b"\x1b[9999;9999H", b"\x1b[200~", b"\x1b[201~",
    b"\x1b[<0;10;10M\x1b[<0;10;10m", b"\x1b[<64;10;10M", b"\x1b[<35;999;999M", b"\x1b[M !!", b"\x1b[I", b"\x1b[O",
    b"\x1b[?2026;2$y", b"\x1b[?1;2c", b"\x1b[24;80R", b"\x1b]11;rgb:0/0/0\x07", b"\x1b[97;5u", b"\x1b[27;5;97~",
    b"\x1b[;;;;;;;;;m", b"\x1b\x1b\x1b\x1b", b"\xff\xfe\x80", b"\xc3", b"\xed\xa0\x80", b"\x00\x00",
    b"\x1b[1;1;1;1A", b"\x9b31m", b"\x1b[" + b"9" * 400 + b"A", b"\x7f" * 50, b"\x1bO",
    b"\x1b[200~abc\x1b[20", b"1~",
]  # fmt: skip

pytestmark = [pytest.mark.pty, pytest.mark.timeout(120 + KEYS // 4)]


def seeds() -> list[int]:
    """Returns the seeds asked for: "3", "1-2", "7-9"."""
    first, _, last = SEEDS.partition("-")
    return list(range(int(first), int(last or first) + 1))


class DeskLeftError(AssertionError):
    """The desk has ended, of its own will or not."""


class Monkey:
    """Presses keys on a desk. `spared` are the keys that it never presses by themselves."""

    def __init__(self, trader: Trader, seed: int, spared: frozenset[str]) -> None:
        self.trader = trader
        self.desk = trader.desk
        self.random = random.Random(seed)
        self.spared = spared
        self.done: list[str] = []

    def run(self, count: int) -> None:
        """Does `count` things, each once the desk has read the one before."""
        does: list[Callable[[], None]] = [
            self._press_key, self._press_key, self._press_key, self._press_key, self._press_key, self._press_move,
            self._press_move, self._type, self._other, self._burst, self._paste, self._write, self._resize,
        ]  # fmt: skip
        weights = [5, 5, 5, 5, 5, 5, 5, 3, 2, 1, 1, 2, 1]
        for _ in range(count):
            self.random.choices(does, weights)[0]()
            self._settle()

    def _settle(self) -> None:
        until = self.desk.clock() + PACE
        self.trader.wait_for(lambda: self.desk.unread_bytes() == 0 and self.desk.clock() >= until, 30)
        if not self.desk.is_running():
            raise DeskLeftError(self.story())

    def _send(self, *keys: str) -> None:
        for key in keys:
            if key not in self.spared:
                self.done.append(key)
                self.desk.send(key)

    def _press_key(self) -> None:
        self._send(self.random.choice(KEYMAP))

    def _press_move(self) -> None:
        self._send(self.random.choice(MOVES))

    def _other(self) -> None:
        self._send(self.random.choice(OTHERS))

    def _type(self) -> None:
        words = self.random.choice(WORDS) if self.random.random() < 0.5 else self.random.choice(TYPED)
        for letter in words:
            self._send(letter)
            self._settle()

    def _burst(self) -> None:
        self._send(*self.random.choices(KEYMAP, k=self.random.randint(2, 40)))

    def _paste(self) -> None:
        text = self.random.choice(PASTES)
        self.done.append(f"paste {text[:20]!r}")
        self.desk.paste(text)

    def _write(self) -> None:
        data = self.random.choice(NASTY)
        self.done.append(repr(data[:30]))
        self.desk.send_bytes(data)
        if data.startswith(b"\x1b[200~"):
            # A paste that never ends would take every key after it, as it should.
            self.desk.send_bytes(b"\x1b[201~")

    def _resize(self) -> None:
        size = Size(self.random.randint(30, 200), self.random.randint(8, 60))
        self.done.append(f"resize {size}")
        self.desk.resize(size.rows, size.columns)

    def story(self) -> str:
        """Returns the last things done and the screen after them."""
        return f"after {' '.join(self.done[-60:])}\n{self.desk.text}"

    def calm_down(self) -> None:
        """Leaves every dialog and ticket, on a screen of a usual size."""
        self.desk.send_bytes(b"\x1b[201~")
        self.desk.resize(40, 120)
        for attempt in range(60):
            self.trader.let_pass(0.15)
            if self.trader.sees(r"budget [\d,]+ of ") and not self.trader.has_question() and not self._has_input():
                self.desk.send("5")
                self.trader.let_pass(0.4)
                if self.trader.sees("what happened"):
                    return
            # A ticket may stand there without the focus.
            self.desk.send(*(("tab", "esc") if attempt % 3 == 2 else ("esc",)))
        raise AssertionError(f"it does not come to rest {self.story()}")

    def _has_input(self) -> bool:
        return self.trader.sees(r"Enter shows|PANIC RECEIPT|Esc closes|Search for") is not None


def message_rate(trader: Trader) -> int:
    """Returns what the status bar counts."""
    return int(trader.wait_to_see(r" (\d+) msg/s")[1])


def prove_it_lives(monkey: Monkey) -> None:
    """The engine counts messages, the prices move on, and nowhere on the way was a traceback."""
    trader = monkey.trader
    assert b"Traceback" not in trader.desk.bytes_written(), monkey.story()
    assert "internal fault" not in trader.desk.text, monkey.story()
    trader.wait_for(lambda: message_rate(trader) > 0)
    before = trader.sees(r" \d+ msg/s +(\d+) KB/s") and trader.desk.line(39)
    trader.wait_for(lambda: trader.desk.line(39) != before)


@pytest.mark.parametrize("seed", seeds())
def test_a_monkey_that_never_says_yes_sends_nothing(seed: int, tmp_path: Path) -> None:
    with Trader(tmp_path, Size(120, 40), *PAPER) as trader:
        monkey = Monkey(trader, seed, SENDING | LEAVING)
        monkey.run(KEYS)
        monkey.calm_down()
        prove_it_lives(monkey)
        assert re.search(r"budget 0 of ", trader.desk.text), monkey.story()
        trader.tab(2, "no open orders")
        trader.tab(3, "no fills yet")
        trader.tab(1, "no open positions")
        trader.quit()


@pytest.mark.parametrize("seed", seeds())
def test_a_monkey_that_presses_everything_does_not_break_the_desk(seed: int, tmp_path: Path) -> None:
    with Trader(tmp_path, Size(120, 40), *PAPER) as trader:
        monkey = Monkey(trader, seed + 1000, LEAVING)
        try:
            for _ in range(KEYS // 25):
                monkey.run(20)
                # Now and then it means it: what stands on the screen is read, and answered.
                trader.let_pass(READ_SECONDS)
                monkey.done.append("answer")
                trader.desk.send(monkey.random.choice(["y", "o", "enter", "1", "3"]))
            monkey.calm_down()
        except DeskLeftError as left:
            # By the palette or a `:` line it may leave at any time, as it should.
            end = trader.desk.wait_exit()
            assert end.code == 0, left
            assert trader.desk.modes().is_restored, left
            return
        prove_it_lives(monkey)
        trader.quit()


def test_a_character_in_pieces_is_one_character(tmp_path: Path) -> None:
    with Trader(tmp_path, Size(120, 40), *PAPER) as trader:
        trader.press("/")
        trader.wait_for("Enter shows")
        first, second = "é".encode()[:1], "é".encode()[1:]
        trader.desk.send_bytes(first)
        trader.wait_for(lambda: trader.desk.unread_bytes() == 0)
        trader.let_pass(0.2)
        trader.desk.send_bytes(second)
        trader.wait_to_see("[┃│] *é ")
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("Enter shows"))
        trader.quit()
