"""Textual's Linux driver with our writer below it, and an input thread that no byte can end."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from typing import ClassVar, Protocol

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from tui.desk.inert import sanitise

_READ_BYTES = 4096
_LONGEST_PASTE = 1_000  # characters of a line
_IDLE_SECONDS = 0.1
# A lone Esc is told from a sequence by ESCDELAY, 25 ms; the stock look every 100 ms would make that 125, and a
# key that comes meanwhile would be joined with the Esc: "2" would be "™".
_ESCAPE_LOOK_SECONDS = 0.01


class Seat(Protocol):
    """What the driver needs of the terminal it sits on."""

    def open_writer(self) -> None: ...

    def write(self, text: str) -> None: ...

    def close_writer(self) -> None: ...

    def resized(self) -> None: ...


class DeskParser(XTermParser):
    """Textual's parser of terminal input, without what is never asked for."""

    @property
    def is_undecided(self) -> bool:
        """Whether an Esc has come, and it is not known yet whether more belongs to it."""
        return self._timeout_time is not None

    def parse_mouse_code(self, code: str) -> Message | None:
        # A forged in-band resize report turns pixel mode on; with a width of 0 the next mouse event divided by it.
        self.mouse_pixels = False
        return super().parse_mouse_code(code)


class DeskDriver(LinuxDriver):
    """The driver of the desk. `attach` makes a subclass that knows its `seat`."""

    seat: ClassVar[Seat]
    _is_size_wanted = False
    _sizes_read = 0

    def write(self, data: str) -> None:
        self.seat.write(data)

    def start_application_mode(self) -> None:
        self.seat.open_writer()
        # The stock driver starts a writer thread of its own as well; it is never given anything.
        start: Callable[[], None] = super().start_application_mode
        before = self._sizes_read
        start()
        loop = asyncio.get_running_loop()

        def ask_for_size(_number: int, _frame: object) -> None:
            if not self._is_size_wanted:
                self._is_size_wanted = True
                with contextlib.suppress(RuntimeError):  # the loop has just closed
                    loop.call_soon_threadsafe(self._tell_size)

        # The stock handler reads the size, then tells it: one that is interrupted in between by the next tells the
        # older size last, and the app keeps that.
        signal.signal(signal.SIGWINCH, ask_for_size)
        if self._sizes_read > before + 1:  # there was a signal meanwhile
            ask_for_size(signal.SIGWINCH, None)

    def close(self) -> None:
        super().close()
        self.seat.close_writer()

    def _tell_size(self) -> None:
        """Reads the size and tells it, in the loop: what is told last is then what was read last."""
        self._is_size_wanted = False
        size = Size(*self._get_terminal_size())
        self._app.post_message(events.Resize(size, size))

    def _get_terminal_size(self) -> tuple[int, int]:
        # Asked for at the start and after SIGWINCH. Terminals move and cut the screen as they like when resized,
        # even if the size is the old one again by the time it is read.
        self._sizes_read += 1
        self.seat.resized()
        return super()._get_terminal_size()

    def run_input_thread(self) -> None:
        """Reads keys until the driver leaves or the terminal is gone."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        parser = DeskParser(self._debug)
        while not self.exit_event.is_set():
            patience = _ESCAPE_LOOK_SECONDS if parser.is_undecided else _IDLE_SECONDS
            ready, _, _ = select.select([self.fileno], [], [], patience)
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
                    # What was read at once came at once, however slowly this thread gets to run now: it is by
                    # their times that a burst of keys is told from keys that were pressed.
                    taken = time.monotonic()
                    # A line may deliver a character in pieces. Of the first there is no text yet, and no text
                    # is the end of all input to the parser.
                    text = decoder.decode(data)
                    for message in parser.feed(text) if text else ():
                        message.time = taken
                        self.process_message(message)
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
        if isinstance(message, events.Paste):
            # An input shows what it is given, C1 controls too, and takes the first line of it.
            message = events.Paste("\n".join(sanitise(line, _LONGEST_PASTE) for line in message.text.splitlines()))
        super().process_message(message)
