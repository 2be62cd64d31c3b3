"""The form of one wish, and the words of its preview: what each dialog has that asks before it sends."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.desk.control import Reason
from tui.widgets.cells import plain
from tui.widgets.key_words import KeyWords, Paragraph
from tui.widgets.palette import Palette
from tui.widgets.ticket_form import Choice, Edited, TextField
from venues.commands import FundsKind
from venues.model import MarginMode

MOST_REASONS = 3
_BOLD = Style(bold=True)


class WishPreview(KeyWords, can_focus=True):
    """The lines; it takes the focus while a preview stands, so that no field can take the answer."""


def reason_words(reasons: Sequence[Reason], palette: Palette, *, is_denied: bool) -> list[Paragraph]:
    """Returns what the desk says against it, three reasons at most."""
    glyph, style = ("✗", palette.alarm) if is_denied else ("?", palette.warning + _BOLD)
    return [Paragraph(((plain(reason.text), style),), glyph) for reason in reasons[:MOST_REASONS]]


class WishForm(Widget):
    """Rows of fields, the text among them with a word beside it. While frozen no field takes a key or a paste."""

    def __init__(self, *, text_label: str) -> None:
        super().__init__(id="wish-form")
        self._text_label = text_label
        self._text = TextField(name="wish-text")
        self._note = Static("", classes="note", id="wish-note", markup=False)

    @property
    def choices(self) -> Sequence[tuple[str, Choice[FundsKind] | Choice[MarginMode] | Choice[str]]]:
        """The fields above the text, each with its label."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        for label, field in self.choices:
            yield Horizontal(Static(label, classes="label", markup=False), field, classes="row")
        yield Horizontal(
            Static(self._text_label, classes="label", markup=False), self._text, self._note, classes="row"
        )

    @property
    def text(self) -> str:
        return self._text.value

    def fill(self, text: str) -> None:
        """Fills the text; nobody is told."""
        with self.prevent(Input.Changed):
            self._text.value = text

    def show(self, resolved: str, problem: str) -> None:
        """Writes beside the text what it was read as, or what is wrong with it."""
        is_wrong = bool(problem) and bool(self._text.value.strip())  # an empty field is not a mistake yet
        self._note.update(f"✗ {plain(problem)}" if is_wrong else plain(resolved), layout=False)
        self._note.set_class(is_wrong, "-wrong")
        self._text.set_class(is_wrong, "-wrong")

    def freeze(self, is_frozen: bool) -> None:
        """While frozen what was previewed stays what it is."""
        self._text.is_frozen = is_frozen
        for _, field in self.choices:
            field.is_frozen = is_frozen
        self.set_class(is_frozen, "-frozen")

    def focus_text(self) -> None:
        """Gives the text the focus, all of it selected."""
        self.screen.set_focus(self._text)
        self._text.select_all()

    def step(self, by: int) -> None:
        """Moves the focus by so many fields, round the end."""
        order: list[Widget] = [*(field for _, field in self.choices), self._text]
        focused = self.screen.focused
        at = order.index(focused) if focused in order else -by
        self.screen.set_focus(order[(at + by) % len(order)])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Edited())
