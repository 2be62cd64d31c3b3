"""Textual's Linux driver with our writer below it, and an input thread that no byte can end."""

from __future__ import annotations

import codecs
import os
import select
from collections.abc import Callable
from typing import ClassVar, Protocol

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_READ_BYTES = 4096
_IDLE_SECONDS = 0.1
# A lone Esc is told from a sequence by ESCDELAY, 25 ms; the stock look every 100 ms would make that 125.
_ESCAPE_LOOK_SECONDS = 0.01


class Seat(Protocol):
    """What the driver needs of the terminal it sits on."""

    def open_writer(self) -> None: ...

    def write(self, text: str) -> None: ...

    def close_writer(self) -> None: ...

    def resized(self) -> None: ...


class DeskParser(XTermParser):
    """Textual's parser of terminal input, without what is never asked for."""

    def parse_mouse_code(self, code: str) -> Message | None:
        # A forged in-band resize report turns pixel mode on; with a width of 0 the next mouse event divided by it.
        self.mouse_pixels = False
        return super().parse_mouse_code(code)


class DeskDriver(LinuxDriver):
    """The driver of the desk. `attach` makes a subclass that knows its `seat`."""

    seat: ClassVar[Seat]

    def write(self, data: str) -> None:
        self.seat.write(data)

    def start_application_mode(self) -> None:
        self.seat.open_writer()
        # The stock driver starts a writer thread of its own as well; it is never given anything.
        start: Callable[[], None] = super().start_application_mode
        start()

    def close(self) -> None:
        super().close()
        self.seat.close_writer()

    def _get_terminal_size(self) -> tuple[int, int]:
        # Asked for at the start and on SIGWINCH. Terminals move and cut the screen as they like when resized,
        # even if the size is the old one again by the time it is read.
        self.seat.resized()
        return super()._get_terminal_size()

    def run_input_thread(self) -> None:
        """Reads keys until the driver leaves or the terminal is gone."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        parser = DeskParser(self._debug)
        is_waiting = False
        while not self.exit_event.is_set():
            ready, _, _ = select.select(
                [self.fileno], [], [], _ESCAPE_LOOK_SECONDS if is_waiting else _IDLE_SECONDS
            )
            try:
                data = os.read(self.fileno, _READ_BYTES) if ready else None
            except BlockingIOError:
                data = None
            except OSError:
                data = b""
            if data == b"":
                # Hung up. Reading on would spin at 68 % of a core; the signal thread sees it too and leaves.
                return
            try:
                if data is not None:
                    for message in parser.feed(decoder.decode(data)):
                        self.process_message(message)
                    is_waiting = data.endswith(b"\x1b") or b"\x1b" in data[-32:]
                else:
                    is_waiting = False
                for message in parser.tick():
                    self.process_message(message)
            except (ArithmeticError, LookupError, ValueError):
                # The sequence is dropped with the parser that choked on it.
                parser = DeskParser(self._debug)

    def process_message(self, message: Message) -> None:
        # The only resizes that come by the input are in-band reports, which are never asked for: a forged one
        # of 99999 x 99999 cells would make the compositor build them.
        if isinstance(message, events.Resize):
            return
        super().process_message(message)
