"""A dialog for what only a person can mend: a wrong key, a wrong setting. Market data goes on behind it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.cells import plain


class ErrorDialog(ModalScreen[None]):
    """Says what is wrong and the remedy; the text may be a venue's and is never read as markup."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "leave", "leave")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._heading = title
        self._text = text

    def compose(self) -> ComposeResult:
        lines = [Content(plain(line)) for line in self._text.splitlines()]
        lines += [Content(""), Content.assemble(("Esc", "bold"), "  leave")]
        box = Static(Content("\n").join(lines), id="error", classes="dialog -alarm")
        box.border_title = Content(f" {plain(self._heading)} ")
        yield box

    def action_leave(self) -> None:
        self.dismiss(None)
