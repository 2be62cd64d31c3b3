"""The `:` line: every action by its id or a short name, and a few commands that take a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.keymap import Keymap

# What the line knows besides the actions: name, what follows it, what it does.
EXTRA_COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("show", "BTC", "show an instrument"),
    ("theme", "light", "change the colours"),
    ("interval", "5m", "candles of this interval"),
    ("venues", "coinex", "show a venue's market, or open the venue"),
    ("close", "50", "close so much per cent of the selected position"),
    ("leverage", "10 isolated", "set the shown instrument's leverage and margin mode"),
    ("margin add", "50", "to the margin of the selected position: opens the form, sends nothing"),
    ("margin out", "50", "from the margin of the selected position: opens the form, sends nothing"),
    ("bills", "", "what the venue wrote down of the account's money"),
    ("borrow", "0.1 btc", "a loan into the margin wallet: opens the form, sends nothing"),
    ("repay", "all btc", "pay a loan back: opens the form, sends nothing"),
    ("transfer", "in 100 twd", "into the margin wallet, or out: opens the form, sends nothing"),
    ("quit", "", "leave the desk"),
)
_SHOWN = 8


class CommandLine(ModalScreen[str | None]):
    """One line at the bottom; dismisses with what was entered, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave"),
        Binding("tab", "complete", "complete", priority=True),
    ]

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._commands = command_help(keymap)

    def compose(self) -> ComposeResult:
        with Vertical(id="command"):
            yield Static(id="command-hints")
            yield Input(id="command-input", placeholder="buy, cancel all, show ETH, theme light …", compact=True)

    def on_mount(self) -> None:
        self.query_one("#command-input").focus()
        self._show_hints("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show_hints(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

    def _show_hints(self, typed: str) -> None:
        found = matching_commands(typed, self._commands)
        shown = found[:_SHOWN]
        lines = [Content.assemble((f" {name:<20} ", "bold"), (words, "$muted")) for name, words in shown]
        if len(found) > len(shown):
            lines.append(Content.styled(f" … {len(found) - len(shown)} more", "$muted"))
        if not found:
            lines.append(Content.styled(" no such command; Esc leaves", "$warning"))
        self.query_one("#command-hints", Static).update(Content("\n").join(lines))

    def action_complete(self) -> None:
        field = self.query_one("#command-input", Input)
        found = matching_commands(field.value, self._commands)
        if found:
            field.value = found[0][0] + " "
            field.cursor_position = len(field.value)

    def action_leave(self) -> None:
        self.dismiss(None)


def command_help(keymap: Keymap) -> list[tuple[str, str]]:
    """Returns every command's name and what it does; an action goes by its shortest name."""
    commands = [(f"{name} {word}".strip(), words) for name, word, words in EXTRA_COMMANDS]
    taken = {name for name, _, _ in EXTRA_COMMANDS}
    for action in keymap.actions():
        if not action.is_fixed:
            commands += [(name, action.help) for name in (action.commands or (action.id,)) if name not in taken]
    return commands


def matching_commands(typed: str, commands: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the commands that `typed` may become: those that begin with it, then those that hold it."""
    wanted = typed.strip().lower()
    first = wanted.split(" ", 1)[0]
    begin = [pair for pair in commands if pair[0].startswith(wanted)]
    hold = [pair for pair in commands if wanted in pair[0] and pair not in begin]
    if begin or hold:
        return begin + hold
    return [pair for pair in commands if pair[0].split(" ", 1)[0] == first]
