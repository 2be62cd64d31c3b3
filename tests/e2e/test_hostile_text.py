"""A recording full of hostile text is played, traded on and left: nothing of it acts on the terminal.

Each of the twelve texts of `tests.support.hostile` stands in instruments' names and notes, in announcements, in
trade ids, in symbols and in the recording's own file name. The real program shows it wherever a recording's text
goes: in each outlet it is waited for on the screen, with the first letters of its harmless form. Of the bytes
that the program wrote, every one is accounted for.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.e2e.hostile_recording import (
    ALARM,
    FILE,
    INFO,
    INVERSE,
    NAME,
    PASTE,
    SYMBOL,
    broken_recording,
    hostile_file_name,
    live_recording,
    pasted,
)
from tests.e2e.pty_session import PtySession
from tests.e2e.terminal_output import examine
from tests.support.hostile import HOSTILE, Hostile
from tui.cli import run

DESK = [sys.executable, "-m", "tui"]
ROWS, COLUMNS = 40, 99  # so narrow that one table at a time has the whole width below the ladder
DEAF_SECONDS = 0.5  # a question takes no yes for 0.4 s
# Where a line of a dialog or a toast may be broken: what stands behind it goes on until the next line's beginning.
WRAP = r"(?:.*\n.*[┃▌])?\s+"

OUTLETS = (
    "header", "ladder title", "toast of an announcement", "toast of an alarm", "log of an announcement",
    "log of an alarm", "log of rows left out", "watchlist", "instrument picker", "picker filtered",
    "command line", "toast of an unknown command", "toast of a command's answer", "ticket", "ticket preview",
    "toast of a fill", "positions", "log of a fill", "fills", "close chooser", "reverse question",
    "flatten question", "flatten's positions", "open orders", "cancel question", "edit ticket",
    "header of another instrument", "ticket of another instrument", "toast of a refusal",
)  # fmt: skip
BROKEN_OUTLETS = (
    "notice at the start", "toast of a broken recording", "status bar", "log of a connection",
    "log of a broken recording",
)  # fmt: skip


class Walk:
    """A walk through the desk that notes in which outlets the hostile text was seen."""

    def __init__(self, session: PtySession, hostile: Hostile) -> None:
        self.session = session
        self.seen: list[str] = []
        self._inert = hostile.inert

    def sees(self, outlet: str, pattern: str) -> None:
        """Waits until a line of the screen has `pattern`; `{}` in it is where a canary is followed by the text."""
        self.wait(pattern.replace("{}", re.escape(self._inert)))
        self.seen.append(outlet)

    def wait(self, pattern: str) -> None:
        self._until(pattern, is_there=True)

    def gone(self, pattern: str) -> None:
        self._until(pattern, is_there=False)

    def press(self, *keys: str) -> None:
        self.session.send(*keys)

    def ask(self, line: str) -> None:
        """Gives a `:` line."""
        self.press(":")
        self.wait("theme light")
        self.session.type(line)
        self.wait(rf"^ {line}")
        self.press("enter")
        self.gone("Esc leaves|theme light|more$")

    def let_it_listen(self) -> None:
        begun = self.session.clock()
        self.session.wait_for(lambda session: session.clock() - begun > DEAF_SECONDS)

    def _until(self, pattern: str, *, is_there: bool) -> None:
        wanted = re.compile(pattern, re.MULTILINE)
        try:
            self.session.wait_for(lambda session: (wanted.search(session.text) is not None) == is_there)
        except TimeoutError as error:
            raise AssertionError(f"{pattern!r} is_there={is_there} never came: {error}") from None


def look_at_the_start(walk: Walk) -> None:
    walk.sees("header", rf"^ REPLAY +{NAME}{{}}")
    walk.sees("ladder title", rf"^.[─━] {NAME}{{}}")
    walk.sees("toast of an announcement", rf"▌ replay:{WRAP}{INFO}{{}}")
    walk.sees("toast of an alarm", rf"▌ replay:{WRAP}{ALARM}{{}}")
    walk.press("5")
    walk.sees("log of an announcement", rf"·  replay:{WRAP}{INFO}{{}}")
    walk.sees("log of an alarm", rf"‼  replay:{WRAP}{ALARM}{{}}")
    walk.sees("log of rows left out", rf"1 rows left out, their symbols are none: '{SYMBOL}")
    walk.press("6")
    walk.sees("watchlist", rf"  {NAME}{{}}.* 100\.0 ")


def type_and_pick(walk: Walk, hostile: Hostile) -> None:
    walk.press("/")
    walk.sees("instrument picker", rf"  {INVERSE}{{}}.*replay +9\.9")
    walk.session.type(NAME.lower())
    walk.wait(rf"{NAME.lower()} ")
    walk.sees("picker filtered", rf"  {NAME}{{}}.*replay +100\.0")
    walk.press("esc")
    walk.gone(NAME.lower())
    walk.press(":")
    walk.wait("theme light")
    walk.session.paste(pasted(hostile))
    walk.sees("command line", rf"^ {PASTE}")
    walk.press("enter")
    walk.sees("toast of an unknown command", rf"there is no command{WRAP}'{PASTE}")
    walk.ask("leverage 999")
    walk.sees("toast of a command's answer", rf"▌ {NAME}{{}}")


def buy(walk: Walk) -> None:
    walk.press("B")
    walk.sees("ticket", rf"▲ BUY {NAME}{{}}")
    walk.session.type("1")
    walk.wait("notional")
    walk.press("enter")
    walk.wait("y.*send")
    walk.sees("ticket preview", rf"▲ BUY {NAME}{{}}")
    walk.let_it_listen()
    walk.press("y")
    walk.sees("toast of a fill", rf"▌ bought 1{WRAP}{NAME}{{}}")
    walk.press("1")
    walk.sees("positions", rf"{NAME}{{}}.*LONG")
    walk.press("5")
    walk.sees("log of a fill", rf"bought 1{WRAP}{NAME}{{}}.*at 100\b")
    walk.press("3")
    walk.sees("fills", rf"{NAME}{{}}.*BUY +1\.0 .*taker")


def question_the_position(walk: Walk) -> None:
    walk.press("1")
    walk.wait("┏━ 1 positions")
    walk.press("x")
    walk.sees("close chooser", rf"close LONG 1\.0{WRAP}{NAME}{{}}")
    walk.press("esc")
    walk.gone("close LONG")
    walk.press("t")
    walk.sees("reverse question", rf"Reverse LONG 1\.0{WRAP}{NAME}{{}}")
    walk.press("esc")
    walk.gone("Reverse LONG")
    walk.press("X")
    walk.sees("flatten question", rf"Flatten{WRAP}{NAME}{{}}")
    walk.sees("flatten's positions", rf"closes 1 position; LONG 1\.0{WRAP}{NAME}{{}}")
    walk.press("esc")
    walk.gone("Flatten")


def rest_an_order(walk: Walk) -> None:
    walk.press("2")
    walk.wait("no open orders")
    walk.press("8")
    walk.wait(rf"^┏━ {NAME}")
    walk.press("j")
    walk.wait(r"^┃▶.*99\.9 ")
    walk.press("b")
    walk.wait("» BUY")
    walk.press("enter")
    walk.sees("open orders", rf"{NAME}{{}}.*BUY .*resting")
    walk.press("C")
    walk.sees("cancel question", rf"Cancel all orders on{WRAP}{NAME}{{}}")
    walk.press("esc")
    walk.gone("Cancel all")
    walk.press("e")
    walk.sees("edit ticket", rf"EDIT ▲ BUY {NAME}{{}}")
    walk.press("esc")
    walk.gone("EDIT")


def try_the_untradable(walk: Walk) -> None:
    walk.ask("show xyzusd")
    walk.sees("header of another instrument", rf"^ REPLAY +{INVERSE}{{}}")
    walk.press("B")
    walk.sees("ticket of another instrument", rf"▲ BUY {INVERSE}{{}}")
    walk.press("esc")
    walk.gone("▲ BUY")
    walk.press("8")
    walk.press("j")
    walk.wait(r"^┃▶")
    walk.press("b")
    walk.sees("toast of a refusal", rf"▌ {INVERSE}{{}}")


def panic_and_leave(walk: Walk) -> None:
    walk.press("ctrl+x")
    walk.wait("PANIC")
    walk.let_it_listen()
    walk.press("y")
    walk.wait("PANIC RECEIPT")
    walk.press("esc")
    walk.gone("PANIC RECEIPT")
    walk.press("?")
    walk.wait("help: ladder.*[┓╮]")
    walk.press("esc")
    walk.gone("help: ladder")
    walk.press("q")


@pytest.mark.pty
@pytest.mark.parametrize("name", HOSTILE)
def test_no_outlet_lets_it_act_on_the_terminal(name: str, tmp_path: Path) -> None:
    hostile = HOSTILE[name]
    program = [*DESK, "replay", str(live_recording(tmp_path, hostile))]
    with PtySession(program, home=tmp_path, rows=ROWS, columns=COLUMNS) as session:
        walk = Walk(session, hostile)
        look_at_the_start(walk)
        type_and_pick(walk, hostile)
        buy(walk)
        question_the_position(walk)
        rest_an_order(walk)
        try_the_untradable(walk)
        panic_and_leave(walk)
        end = session.wait_exit()
        assert session.modes().is_restored
        output = examine(session.bytes_written())
    assert end.code == 0
    assert tuple(walk.seen) == OUTLETS
    assert output.faults == []
    assert output.bells >= 1


@pytest.mark.pty
@pytest.mark.parametrize("name", HOSTILE)
def test_nor_does_a_broken_recording_or_a_files_name(name: str, tmp_path: Path) -> None:
    hostile = HOSTILE[name]
    themes = tmp_path / "config" / "pitside" / "default" / "themes"
    themes.mkdir(parents=True)
    (themes / f"{hostile_file_name(hostile)}.toml").write_text("")
    program = [*DESK, "replay", str(broken_recording(tmp_path, hostile)), "--speed", "max"]
    with PtySession(program, home=tmp_path, rows=27, columns=150) as session:
        walk = Walk(session, hostile)
        walk.sees("notice at the start", rf"could not be used:[^▌]*▌ {FILE}")
        walk.sees("toast of a broken recording", rf"▌ replay:{WRAP}{FILE}")
        walk.sees("status bar", f"■ ended {FILE}")
        walk.press("5")
        walk.sees("log of a connection", rf"·  replay ended:{WRAP}{FILE}")
        walk.sees("log of a broken recording", rf"‼  replay:{WRAP}{FILE}")
        walk.press("q")
        end = session.wait_exit()
        output = examine(session.bytes_written())
    assert end.code == 0
    assert tuple(walk.seen) == BROKEN_OUTLETS
    assert output.faults == []
    assert output.bells >= 1


@pytest.mark.parametrize("name", HOSTILE)
def test_nor_do_the_words_of_the_command_line(
    name: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file_name = hostile_file_name(HOSTILE[name])
    there = tmp_path / file_name
    there.touch()
    quick = ["--instrument", "BTC-USDT", "--seconds", "0.1"]
    for arguments, code in (
        (["replay", str(tmp_path / "none" / file_name)], 2),
        (["record", "paper", "--out", str(there)], 2),
        (["record", "paper", *quick, "--out", str(tmp_path / file_name / "x")], 1),
        (["record", "paper", *quick, "--out", str(tmp_path / f"new {file_name}")], 0),
        (["record", "paper", "--instrument", file_name, "--out", str(tmp_path / "symbol")], 1),
        (["replay", str(there), "--speed", file_name], 2),
        (["--profile", file_name], 2),
        ([f"--{file_name}"], 2),
        ([file_name], 2),
    ):
        assert run(arguments) == code
        said = capfdbinary.readouterr()
        assert said.out == b""
        assert FILE.encode() in said.err
        assert examine(said.err).faults == []


def test_the_outlets_are_twenty_and_more() -> None:
    assert len({*OUTLETS, *BROKEN_OUTLETS}) == len(OUTLETS) + len(BROKEN_OUTLETS) >= 20
    assert len(HOSTILE) == 12
