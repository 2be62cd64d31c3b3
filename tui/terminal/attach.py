"""One call that puts an app on its terminal: `attach(app)`, before `app.run()`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import textual
from textual.app import App

from tui.terminal.driver import DeskDriver
from tui.terminal.gate import PaintGate
from tui.terminal.restore import Attributes, force_restore, is_hung_up, terminal_attributes
from tui.terminal.writer import TerminalWriter

# The private classes below `delta`, `gate` and `driver` were read in this version.
KNOWN_TEXTUAL = "8.2.8"


# Seconds that a leaving UI waits for the terminal to take the last bytes, before they are thrown away.
CLOSE_SECONDS = 0.3


class Terminal:
    """The terminal of one app: its state, and the way to put it back from any thread."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._input = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
        self._fd = open_terminal(self._input)
        self._attributes: Attributes | None = terminal_attributes(self._input)
        self._writer: TerminalWriter | None = None
        self._frame: list[str] | None = None
        self._gate: PaintGate | None = None
        self._is_redraw_wanted = False
        self._on_first_paint: Callable[[], object] | None = None

    @property
    def is_stock(self) -> bool:
        """Whether Textual is not the version that ours was written for, and writes by itself."""
        return not is_known_textual()

    def call_at_first_paint(self, call: Callable[[], object]) -> None:
        """Has `call` called once, on the UI thread, when the first frame was written; never where `is_stock`."""
        self._on_first_paint = call

    @property
    def has_pending(self) -> bool:
        """Whether the terminal has not taken the last frame yet: a new one would not be painted."""
        return self._writer is not None and self._writer.has_pending

    @property
    def bytes_per_second(self) -> int:
        """Bytes that the terminal took within the last second; 0 where `is_stock`."""
        return 0 if self._writer is None else self._writer.bytes_per_second

    @property
    def bytes_written(self) -> int:
        """Bytes that the terminal took since the app was started on it; 0 where `is_stock`."""
        return 0 if self._writer is None else self._writer.bytes_written

    def ask_exit(self) -> None:
        """Asks the app to leave; from any thread, and without waiting for it."""
        self._call_on_loop(self._app.exit)

    def redraw(self) -> None:
        """Paints the whole screen anew; on the UI thread."""
        if self._gate is None:
            self._app.refresh()
        else:
            self._gate.redraw()

    def is_hung_up(self) -> bool:
        """Tells whether the terminal's other side is gone."""
        return is_hung_up(self._input)

    def force_restore(self) -> bool:
        """Puts the terminal back by hand, whatever the UI is doing; takes 0.6 s at most.

        Returns whether the terminal took it. From any thread; nothing is written after it.
        """
        if (writer := self._writer) is not None:
            writer.abort(CLOSE_SECONDS)
        return force_restore(self._fd, self._attributes)

    # What the driver calls.

    def open_writer(self) -> None:
        """Starts a writer on our own descriptor, at the start and after a suspension."""
        self._frame = None
        self._writer = TerminalWriter(self._fd, on_drained=self._reopen_gate)
        self._writer.start()

    def write(self, text: str) -> None:
        """Hands text to the writer, or to the frame that is being collected."""
        if self._frame is not None:
            self._frame.append(text)
        elif self._writer is not None:
            self._writer.write(text)

    def close_writer(self) -> None:
        """Waits shortly for the last bytes; when the terminal does not take them it is restored by hand."""
        self._frame = None
        if self._writer is not None and not self._writer.close(CLOSE_SECONDS):
            self.force_restore()

    def resized(self) -> None:
        """Says that the terminal's cells may have moved; also in a signal handler."""
        if self._gate is not None:
            self._gate.forget()
            if not self._is_redraw_wanted:
                self._is_redraw_wanted = True
                self._call_on_loop(self._app.call_later, self._redraw_after_resize)

    # What the gate calls.

    def begin_frame(self) -> None:
        """Collects what is written until `end_frame`, so that a frame is one write."""
        self._frame = []

    def end_frame(self, is_needed: bool) -> None:
        """Writes what was collected, or nothing when the frame changes nothing."""
        parts, self._frame = self._frame, None
        if is_needed and parts:
            self.write("".join(parts))

    def painted(self) -> None:
        """Says that a frame which shows something was written."""
        call, self._on_first_paint = self._on_first_paint, None
        if call is not None:
            call()

    def take_loss(self) -> bool:
        """Tells once whether anything was dropped on the way to the terminal."""
        return self._writer is not None and self._writer.take_loss()

    def install(self) -> None:
        """Makes the app use this terminal; see `attach`."""
        self._app.driver_class = type("AttachedDriver", (DeskDriver,), {"seat": self})
        self._gate = PaintGate(self._app, self)
        # On the instance: the app's own class stays what it is, and a headless test of it paints as Textual does.
        vars(self._app)["_display"] = self._gate.display

    def _redraw_after_resize(self) -> None:
        self._is_redraw_wanted = False
        self.redraw()

    def _reopen_gate(self) -> None:
        if self._gate is not None:
            self._call_on_loop(self._app.call_later, self._gate.reopen)

    def _call_on_loop(self, call: Callable[..., object], *arguments: object) -> None:
        loop = vars(self._app).get("_loop")
        if loop is not None:
            # The loop may have closed since.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(call, *arguments)


def is_known_textual() -> bool:
    """Tells whether Textual is the version that its private classes were read in."""
    # Its own `__version__` asks importlib.metadata, which brings the mail parser: 15 ms before the first paint.
    installed = Path(textual.__file__).parent.parent / f"textual-{KNOWN_TEXTUAL}.dist-info"
    return installed.is_dir() or textual.__version__ == KNOWN_TEXTUAL


def attach(app: App[Any]) -> Terminal:
    """Puts `app` on the terminal of this process: call it once, on the main thread, before `app.run()`.

    From then on frames are written by our writer, held back while the terminal is behind, and reduced to the
    characters that changed. With another Textual than the known one only the restoring by hand is ours.
    """
    terminal = Terminal(app)
    if not terminal.is_stock:
        terminal.install()
    return terminal


def open_terminal(input_fd: int) -> int:
    """Opens the terminal anew, non-blocking: on the descriptors that the shell gave us that flag would stay."""
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return os.open("/dev/tty", flags)
    except OSError:
        # Not the controlling terminal: under `setsid`, or a supervisor that made none.
        return os.open(os.ttyname(input_fd), flags)
