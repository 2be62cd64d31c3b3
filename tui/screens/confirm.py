"""The questions that are put before something is done: yes or no, and how much of a position to close.

A question is never answered by the key that put it, nor by a held one, and Enter never says yes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.desk.key_gate import KeyGate
from tui.widgets.cells import plain

Clock = Callable[[], int]

MOST_REASONS = 3
SHARES = (25, 50, 100)


class Answer(Widget, can_focus=True):
    """One of the two answers, with the key that gives it."""

    def __init__(self, key: str, word: str, *, name: str) -> None:
        super().__init__(id=name)
        self._key = key
        self._word = word

    def render(self) -> Content:
        return Content.assemble((self._key, "bold"), f"  {self._word}")


class Confirm(ModalScreen[bool]):
    """A yes-or-no question. `y` says yes; `n`, Esc, and Enter on "no", where the focus rests, say no.

    `reasons` are shown, three at most. All text is data: nothing in it is read as markup. `yes` says what is
    done ("flatten"). `clock` gives nanoseconds. Use: `app.push_screen(Confirm("Flatten ...?", [...]), callback)`.
    """

    def __init__(
        self, question: str, reasons: Sequence[str] = (), *, yes: str = "yes", clock: Clock = time.monotonic_ns
    ) -> None:
        super().__init__()
        self._question = question
        self._reasons = tuple(reasons[:MOST_REASONS])
        self._yes = yes
        self._clock = clock
        self._gate = KeyGate()

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(Content(plain(self._question)), id="question")
            if self._reasons:
                lines = [Content(f"· {plain(reason)}") for reason in self._reasons]
                yield Static(Content("\n").join(lines), id="reasons")
            else:
                yield Static("", id="reasons")
            with Horizontal(id="answers"):
                yield Answer("n", "no", name="no")
                yield Answer("y", plain(self._yes), name="yes")

    def on_mount(self) -> None:
        self._gate.put(self._clock())
        self.set_focus(self.query_one("#no", Answer))

    def on_key(self, event: events.Key) -> None:
        """Every key ends here: nothing below the question hears any of them."""
        if not (event.is_printable or event.key in {"enter", "escape", "tab", "shift+tab", "left", "right"}):
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "n" | "escape":
                self.dismiss(False)
            case "y":
                if self._gate.let_through(self._clock()):
                    self.dismiss(True)
            case "enter":
                # A held Enter, from whatever put the question, does not take it away before it was read.
                if self._gate.let_through(self._clock()) and self._is_on_no:
                    self.dismiss(False)
            case "tab" | "shift+tab" | "left" | "right":
                self.set_focus(self.query_one("#yes" if self._is_on_no else "#no", Answer))
            case _:
                self._gate.let_through(self._clock())

    @property
    def _is_on_no(self) -> bool:
        return self.focused is self.query_one("#no", Answer)


class Share(Widget, can_focus=True):
    """A part of the position, and what closing it would send."""

    def __init__(self, key: str, percent: int, sends: str) -> None:
        super().__init__(id=f"share-{percent}")
        self.percent = percent
        self._key = key
        self._sends = sends

    def render(self) -> Content:
        return Content.assemble((f"{self._key}  ", "bold"), f"{self.percent:>3} %  ", plain(self._sends))


class CloseChooser(ModalScreen[int | None]):
    """Asks how much of a position to close: dismisses with 25, 50 or 100, or None when dropped.

    Keys 1, 2, 3; or the arrows and `y`. Deaf for the first 0.4 s, so that a held key chooses nothing; Enter
    never chooses. `title` names position, venue, mode and account; `sends` gives for each percentage the line
    that shows what would be sent, or None where that is less than one lot.
    """

    def __init__(
        self, title: str, sends: Callable[[int], str | None], *, clock: Clock = time.monotonic_ns
    ) -> None:
        super().__init__()
        # Not `_title`: that is the screen's own.
        self._heading = title
        self._lines = {percent: sends(percent) for percent in SHARES}
        self._clock = clock
        self._gate = KeyGate()

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(Content(plain(self._heading)), id="question")
            with Vertical(id="choices"):
                for number, percent in enumerate(SHARES, 1):
                    yield Share(str(number), percent, self._lines[percent] or "less than one lot")
            yield Static("1 2 3  sends it   ↑ ↓ then y   Esc  leave", id="keys", markup=False)

    def on_mount(self) -> None:
        self._gate.put(self._clock())
        self.set_focus(self.query_one(f"#share-{SHARES[0]}", Share))

    def on_key(self, event: events.Key) -> None:
        """Every key ends here: nothing below the chooser hears any of them."""
        if not (event.is_printable or event.key in {"enter", "escape", "tab", "shift+tab", "up", "down"}):
            return
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
            return
        if event.key in {"up", "down", "tab", "shift+tab"}:
            self._move(-1 if event.key in {"up", "shift+tab"} else 1)
            return
        if not self._gate.let_through(self._clock()):
            return
        if event.key in {"1", "2", "3"}:
            self._choose(SHARES[int(event.key) - 1])
        elif event.key == "y" and isinstance(self.focused, Share):
            self._choose(self.focused.percent)

    def _move(self, by: int) -> None:
        at = SHARES.index(self.focused.percent) if isinstance(self.focused, Share) else 0
        self.set_focus(self.query_one(f"#share-{SHARES[(at + by) % len(SHARES)]}", Share))

    def _choose(self, percent: int) -> None:
        if self._lines[percent] is not None:
            self.dismiss(percent)
