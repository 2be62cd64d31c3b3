"""Over a real sshd, as on a box without a desktop: a key is added and traded with, and outlives a dropped line."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Self

import pytest

from tests.e2e.pty_session import PtySession
from tests.e2e.served_desk import ServedTrader
from tests.e2e.trader import START_SECONDS
from tests.keyring.people import Lookout, Person, until
from tests.keyring.remote import PROMPT, SshServer, ssh_server
from venues.simulators.serving import Practice, served_in_thread

pytestmark = [pytest.mark.pty, pytest.mark.timeout(120)]

PASSWORD = "a password of five words"
CONFIGURATION = """\
[venues.coinex]
rest_url = "{rest_url}"
ws_url = "{ws_url}"

[detach]
policy = "cancel_session"
"""
COLUMNS, ROWS = 120, 40
PATIENCE = 30.0  # seconds for a step with the keyring in it
ETH = "ETH/USDT"


class RemoteTrader(ServedTrader):
    """A trader at a desk on the far end of an ssh connection."""

    def __init__(self, line: PtySession, practice: Practice) -> None:
        self.columns, self.rows = COLUMNS, ROWS
        self.venue = practice.venue
        self.practice = practice
        self.time_scale = 1.0
        self.desk = line
        self._next_key = 0.0

    def __enter__(self) -> Self:
        self.desk.__enter__()
        self.wait_for_shell()
        return self

    def enter_line(self, text: str) -> None:
        """Types a line, as at the shell or a prompt."""
        self.desk.type(f"{text}\r")

    def answer_prompt(self, words: str, text: str) -> None:
        """Waits for a prompt that is the last thing on the screen, and answers it."""
        self.wait_for(lambda: re.search(words, last_line(self.desk)), PATIENCE)
        self.enter_line(text)
        self.wait_for(lambda: not re.search(words, last_line(self.desk)), PATIENCE)

    def wait_for_shell(self) -> None:
        """Waits until the shell takes the next command."""
        self.wait_for(self.is_at_shell, PATIENCE)

    def is_at_shell(self) -> bool:
        """Whether the last that was written is the shell's prompt: the desk's picture may still be around it."""
        return self.desk.bytes_written().endswith(PROMPT.encode())

    def wait_for_desk(self, word: str) -> None:
        """Waits until the desk is up, says this of itself and has the venue's market."""
        self.wait_for(lambda: word in self.desk.line(0) and "spread" in self.desk.text, START_SECONDS)
        self.wait_for(self.is_live, PATIENCE)

    def open_desk_with_key(self) -> None:
        """Opens the desk with the stored key."""
        self.enter_line(f"pitside --venue {self.venue}")
        self.give_password()

    def give_password(self) -> None:
        """Answers the keyring's password, after which the desk is LIVE and locked."""
        self.answer_prompt(r"(?i)password", PASSWORD)
        self.wait_for_desk("LIVE")
        assert "LOCKED" in self.desk.line(0)

    def arm_and_place(self) -> None:
        """Arms the desk and has an order rest at the exchange."""
        self.press("A")
        self.wait_for("ARMED: orders that add risk are sent")
        self.show("eth usdt", ETH)
        self.place("b", "0.2", "bid-400t")
        self.wait_for_order(side="BUY")
        assert len(self.open_orders()) == 1

    def fill_in_key(self, *, passwords: int) -> None:
        """Types the key, secret and password from the key's field on, and sends them off."""
        self.desk.type(self.practice.api_key)
        self.press("tab")
        self.desk.type(self.practice.api_secret)
        self.press("tab")
        for _ in range(passwords):
            self.press("tab")
            self.desk.type(PASSWORD)
        self.press("enter")

    def quit_to_shell(self) -> None:
        """Leaves the desk; its terminal is the shell's again."""
        self.press("q")
        self.wait_for(lambda: "Quit?" in self.desk.text or self.is_at_shell())
        if "Quit?" in self.desk.text:
            self.answer("y", to="Quit?")
        self.wait_for_shell()

    def open_orders(self) -> list[Decimal]:
        """Returns the prices of the orders that rest at the exchange."""
        found = [order for order in self.truth()["orders"] if order["status"] in ("new", "partially_filled")]
        return [Decimal(order["price"]) for order in found]


def last_line(session: PtySession) -> str:
    return session.text.rstrip().rpartition("\n")[2].rstrip()


@pytest.fixture
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", seed=1, rate=50.0) as practice:
        yield practice


@pytest.fixture
def server(person: Person, practice: Practice) -> Iterator[SshServer]:
    text = CONFIGURATION.format(rest_url=practice.rest_url, ws_url=practice.ws_url)
    person.write_file(person.home / ".config/pitside/default/config.toml", text)
    with ssh_server(person) as server:
        yield server


def logged_in(server: SshServer, home: Path, practice: Practice) -> RemoteTrader:
    """Comes in over ssh; enter it to wait for the shell."""
    return RemoteTrader(server.login(home, rows=ROWS, columns=COLUMNS), practice)


def test_a_key_is_added_traded_with_and_there_again_after_a_dropped_line(
    server: SshServer, person: Person, practice: Practice, tmp_path: Path
) -> None:
    hidden = [word.encode() for word in (PASSWORD, practice.api_secret, practice.api_key)]
    with Lookout(person, *hidden) as lookout:
        with logged_in(server, tmp_path, practice) as trader:
            trader.enter_line("pitside keys add coinex")
            trader.answer_prompt(r"(?i)new.*password", PASSWORD)
            trader.answer_prompt(r"(?i)again", PASSWORD)
            trader.answer_prompt(r"(?i)key \(not shown\)", practice.api_key)
            trader.answer_prompt(r"(?i)secret \(not shown\)", practice.api_secret)
            trader.wait_for_shell()
            assert person.running() == ["-bash"]

            trader.open_desk_with_key()
            trader.arm_and_place()
            written = trader.desk.bytes_written()
            # The client is gone without a word, as with a link that drops.
            trader.desk.signal(signal.SIGKILL)
            trader.desk.wait_exit()
            until(lambda: not trader.open_orders(), what="the detach policy")
        until(lambda: not person.running(), what="the end of the desk that was left")

        with logged_in(server, tmp_path, practice) as trader:
            trader.enter_line("pitside keys list")
            trader.answer_prompt(r"(?i)password", PASSWORD)
            trader.wait_for_shell()
            assert re.search(rf"coinex +main +{re.escape(practice.api_key[:4])}…", trader.desk.text)

            trader.open_desk_with_key()
            trader.tab(5, "when this desk was last left:")
            trader.wait_to_see(r"1 orders? cancelled")
            trader.quit_to_shell()
            written += trader.desk.bytes_written()
    assert not [word for word in hidden if word in written]
    assert lookout.sightings == set()
    assert not [path for word in hidden for path in person.files_with(word)]


def test_a_key_added_on_the_desk_makes_its_venue_tradable_at_once(
    server: SshServer, person: Person, practice: Practice, tmp_path: Path
) -> None:
    with logged_in(server, tmp_path, practice) as trader:
        trader.enter_line("pitside --venue coinex")
        trader.wait_for_desk("READ-ONLY")
        trader.press("K")
        trader.wait_for("No key is stored")
        trader.press("a")
        trader.wait_for("new password")
        trader.press("tab", "tab")
        trader.fill_in_key(passwords=2)
        trader.wait_to_see(r"coinex main: tested and stored;", PATIENCE)
        trader.press("esc")
        trader.wait_for_desk("LIVE")
        assert "LOCKED" in trader.desk.line(0)
        trader.arm_and_place()

        # Rotated while it is used: the desk goes on with what it has.
        trader.press("K")
        trader.wait_to_see(r"coinex +main +locked .*● in use")
        trader.press("r")
        trader.wait_for("use it for reading only")
        trader.fill_in_key(passwords=1)
        trader.wait_to_see(r"stored in the place of the older one", PATIENCE)
        trader.press("esc")
        trader.wait_for(trader.is_live)
        assert len(trader.open_orders()) == 1
        # The server's side of the line ends: as with a link that drops, nobody says goodbye.
        server.drop_connections()
        trader.desk.wait_exit()
        until(lambda: not trader.open_orders(), what="the detach policy")
    until(lambda: not person.running(), what="the end of the desk that was left")
    with logged_in(server, tmp_path, practice) as trader:
        trader.open_desk_with_key()
        trader.tab(5, "when this desk was last left:")
        trader.wait_to_see(r"1 orders? cancelled")
        trader.quit_to_shell()


def test_in_tmux_a_dropped_line_leaves_the_desk_as_it_is(
    server: SshServer, person: Person, practice: Practice, tmp_path: Path
) -> None:
    lines = f"{practice.api_key} {practice.api_secret}\n{PASSWORD}\n"
    assert person.run(["pitside", "keys", "add", "coinex"], given=lines.encode()).code == 0
    person.write_file(person.home / ".tmux.conf", "set -g status off\nset -sg escape-time 10\n")
    tmux = "tmux -u -S ~/tmux.socket new -A -s desk pitside --venue coinex"
    with logged_in(server, tmp_path, practice) as trader:
        trader.enter_line(tmux)
        trader.give_password()
        trader.arm_and_place()
        trader.desk.signal(signal.SIGKILL)
        trader.desk.wait_exit()
    until(lambda: not server.sessions(), what="the end of the connection")
    with logged_in(server, tmp_path, practice) as trader:
        trader.enter_line(tmux)
        trader.wait_for_desk("ARMED")
        trader.wait_for_order(side="BUY")
        assert len(trader.open_orders()) == 1
        trader.press("c")
        trader.wait_for("no open orders")
        trader.quit_to_shell()
    until(lambda: not person.running(), what="the end of all")
