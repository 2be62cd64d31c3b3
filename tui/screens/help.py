"""Help for where you are, made from the keymap: it can not name a key that does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keymap import Action, Context, Keymap, key_label

_COLUMN = 56  # cells; two of them side by side from 2 x 56 + the frame


class Help(ModalScreen[None]):
    """The keys of `contexts`, grouped, with the `:` name that does the same."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "leave", "leave"),
        Binding("j,down", "scroll(1)", "down"),
        Binding("k,up", "scroll(-1)", "up"),
    ]

    def __init__(self, keymap: Keymap, contexts: Sequence[Context], where: str) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (2 * _COLUMN + 6, "-wide")]
        self._help = help_groups(keymap, contexts)
        self._where = where

    def compose(self) -> ComposeResult:
        box = VerticalScroll(id="help", classes="dialog")
        box.border_title = Content(f" help: {self._where} ")
        box.border_subtitle = Content(" every key has a : command too · Esc leaves ")
        with box:
            for column in two_columns(self._help):
                words = [group_words(group, actions) for group, actions in column]
                yield Static(Content("\n\n").join(words), classes="help-column")

    def on_mount(self) -> None:
        self.query_one("#help").focus()

    def action_scroll(self, rows: int) -> None:
        self.query_one("#help").scroll_relative(y=rows, animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)


def help_groups(keymap: Keymap, contexts: Sequence[Context]) -> list[tuple[str, list[Action]]]:
    """Returns the actions of `contexts` by group, in the order of the keymap."""
    groups: dict[str, list[Action]] = {}
    for action in keymap.actions(*contexts):
        groups.setdefault(action.group, []).append(action)
    return list(groups.items())


def two_columns(groups: Sequence[tuple[str, list[Action]]]) -> tuple[list[tuple[str, list[Action]]], ...]:
    """Splits the groups into two columns of about the same height, in order."""
    heights = [len(actions) + 2 for _, actions in groups]
    cut = min(range(len(groups) + 1), key=lambda at: abs(sum(heights[:at]) - sum(heights[at:])))
    return list(groups[:cut]), list(groups[cut:])


def group_words(group: str, actions: Sequence[Action]) -> Content:
    """Returns one group of help: a heading, then a line for each action."""
    lines = [Content.styled(group, "bold $primary")]
    for action in actions:
        keys = " ".join(key_label(key) for key in action.keys)
        lines.append(Content.assemble((f" {keys:<10} ", "bold"), action.help))
    return Content("\n").join(lines)
