"""The writer on a real pseudo-terminal: it never blocks, keeps the order, and knows what is still to come."""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tui.terminal.restore import RESTORE, force_restore, is_hung_up, terminal_attributes
from tui.terminal.writer import TerminalWriter


@dataclass
class Pty:
    """A terminal: `master` is its other side, `fd` a non-blocking descriptor of the program's own."""

    master: int
    slave: int
    fd: int

    def read(self, count: int) -> bytes:
        """Reads exactly `count` bytes."""
        data = b""
        while len(data) < count:
            assert select.select([self.master], [], [], 5)[0], f"only {len(data)} bytes of {count} came"
            data += os.read(self.master, count - len(data))
        return data

    def read_all(self) -> bytes:
        """Reads what is there."""
        data = b""
        while select.select([self.master], [], [], 0.05)[0]:
            data += os.read(self.master, 65536)
        return data


@pytest.fixture
def pty() -> Iterator[Pty]:
    master, slave = os.openpty()
    tty.setraw(slave)
    fd = os.open(os.ttyname(slave), os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    made = Pty(master, slave, fd)
    yield made
    for descriptor in (made.fd, made.slave, made.master):
        if descriptor >= 0:
            os.close(descriptor)


def test_what_the_terminal_takes_is_written_at_once(pty: Pty) -> None:
    now = 10.0
    writer = TerminalWriter(pty.fd, clock=lambda: now)
    writer.start()
    writer.write("60,624.5 ▲")
    assert not writer.has_pending
    assert pty.read(12).decode() == "60,624.5 ▲"
    assert (writer.bytes_written, writer.bytes_per_second) == (12, 12)
    now = 11.5
    assert (writer.bytes_written, writer.bytes_per_second) == (12, 0)
    assert writer.close(1)


def test_a_terminal_that_is_not_read_holds_nobody_and_loses_nothing(pty: Pty) -> None:
    drained = threading.Event()
    writer = TerminalWriter(pty.fd, on_drained=drained.set)
    writer.start()
    text = "".join(f"{number:07d};" for number in range(40_000))
    for start in range(0, len(text), 1000):
        writer.write(text[start : start + 1000])
    assert writer.bytes_written < len(text)
    assert not drained.is_set()
    assert pty.read(len(text)).decode() == text
    assert drained.wait(5)
    assert not writer.has_pending
    assert writer.bytes_written == len(text)
    assert writer.close(1)


def test_beyond_the_limit_whole_texts_are_dropped_and_told_once(pty: Pty) -> None:
    writer = TerminalWriter(pty.fd, limit=100_000)
    writer.start()
    writer.write("a" * 90_000)
    assert writer.has_pending
    writer.write("b" * 100_000)
    assert writer.take_loss()
    assert not writer.take_loss()
    assert pty.read(90_000) == b"a" * 90_000
    assert writer.close(5)
    assert pty.read_all() == b""


def test_closing_waits_for_the_last_bytes_but_not_for_ever(pty: Pty) -> None:
    writer = TerminalWriter(pty.fd)
    writer.start()
    writer.write("a" * 200_000)
    assert not writer.close(0.1)
    writer.write("never")
    assert b"never" not in pty.read_all()


def test_a_terminal_that_is_gone_is_not_painted_on(pty: Pty) -> None:
    writer = TerminalWriter(pty.fd)
    writer.start()
    assert not is_hung_up(pty.slave)
    os.close(pty.master)
    pty.master = -1
    assert is_hung_up(pty.slave)
    writer.write("anybody?")
    assert writer.has_pending
    writer.write("no")
    assert not writer.close(1)


def test_the_descriptor_of_the_shell_stays_blocking(pty: Pty) -> None:
    assert not os.get_blocking(pty.fd)
    assert os.get_blocking(pty.slave)


def test_a_stalled_terminal_is_restored(pty: Pty) -> None:
    before = termios.tcgetattr(pty.slave)
    saved = terminal_attributes(pty.slave)
    changed = termios.tcgetattr(pty.slave)
    changed[3] |= termios.ECHO
    termios.tcsetattr(pty.slave, termios.TCSANOW, changed)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(pty.fd, b"x" * 4096)
    assert force_restore(pty.fd, saved)
    assert pty.read_all().endswith(RESTORE)
    assert termios.tcgetattr(pty.slave) == before


def test_restoring_a_terminal_that_is_gone_says_so(pty: Pty) -> None:
    os.close(pty.master)
    pty.master = -1
    assert not force_restore(pty.fd, None)
    reader, other = os.pipe()
    assert terminal_attributes(reader) is None
    os.close(reader)
    os.close(other)
