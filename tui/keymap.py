"""Every action of the desk with its keys, as data: bindings, help, palette and `:` commands come from here.

An id is `area.verb`. Keys have Textual's names ("question_mark"); in the configuration "?" does as well.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple


class Context(StrEnum):
    """Where an action is on."""

    EVERYWHERE = "everywhere"  # from inputs and dialogs too
    DESK = "the desk"  # while no ticket and no dialog has the focus
    LADDER = "the ladder"  # the desk, with the focus on the ladder
    TICKET = "the ticket"
    DIALOG = "a dialog"
    RECOVERY = "the recovery screen"
    MARGIN = "the margin screen"
    POSITIONS = "the positions and margin screen"


class Action(NamedTuple):
    id: str
    keys: tuple[str, ...]
    help: str
    group: str
    context: Context = Context.DESK
    commands: tuple[str, ...] = ()  # further names for the `:` line
    is_trading: bool = False  # dropped when keys pile up
    is_fixed: bool = False  # a dialog's own key: shown in help, not rebindable


_TABS = ("positions", "open orders", "fills", "balances", "log", "watchlist", "candles", "ladder", "tape")

ACTIONS: tuple[Action, ...] = (
    Action("order.buy", ("b",), "buy: a ticket, in the ladder a preview", "orders",
           commands=("buy",), is_trading=True),
    Action("order.sell", ("s",), "sell: a ticket, in the ladder a preview", "orders",
           commands=("sell",), is_trading=True),
    Action("order.buy_market", ("B",), "buy ticket, at market", "orders",
           commands=("buy market",), is_trading=True),
    Action("order.sell_market", ("S",), "sell ticket, at market", "orders",
           commands=("sell market",), is_trading=True),
    Action("order.cancel", ("c",), "cancel the selected order", "orders",
           commands=("cancel",), is_trading=True),
    Action("order.cancel_all", ("C",), "cancel all orders shown (asks)", "orders",
           commands=("cancel all",), is_trading=True),
    Action("recovery.open", ("u",), "orders that nobody has answered for", "orders", commands=("recovery",)),
    Action("order.edit", ("e",), "edit the selected order", "orders", commands=("edit",), is_trading=True),
    Action("position.close", ("x",), "close 25, 50 or 100 % of the position", "positions",
           commands=("close",), is_trading=True),
    Action("position.reverse", ("t",), "reverse the position (asks)", "positions",
           commands=("reverse",), is_trading=True),
    Action("position.flatten", ("X",), "flatten: cancel and close all (asks)", "positions",
           commands=("flatten",), is_trading=True),
    Action("desk.arm", ("A",), "arm or lock", "desk", commands=("arm", "lock"), is_trading=True),
    Action("desk.panic", ("ctrl+x",), "panic: cancel all, flatten, prove it", "desk",
           Context.EVERYWHERE, commands=("panic",)),
    Action("alarm.dismiss", ("escape",), "dismiss an alarm that stays", "desk", commands=("dismiss",),
           is_fixed=True),
    Action("margin.show", ("M",), "margin: the wallet, or the positions with theirs", "desk",
           commands=("margin",)),
    Action("preview.send", ("enter",), "send the preview line", "ladder", Context.LADDER, is_trading=True,
           is_fixed=True),
    Action("preview.drop", ("escape",), "drop the preview line", "ladder", Context.LADDER, is_fixed=True),
    Action("book.recentre", ("space",), "recentre the ladder", "ladder", commands=("recentre",)),
    Action("book.coarser", ("plus",), "group more prices", "ladder", commands=("coarser",)),
    Action("book.finer", ("minus",), "group fewer prices", "ladder", commands=("finer",)),
    Action("book.cumulative", ("v",), "cumulative sizes on or off", "ladder", commands=("cumulative",)),
    Action("size.less", ("left_square_bracket",), "one size step less", "ladder"),
    Action("size.more", ("right_square_bracket",), "one size step more", "ladder"),
    Action("size.previous", ("comma",), "previous size preset", "ladder"),
    Action("size.next", ("full_stop",), "next size preset", "ladder"),
    Action("pane.next", ("tab",), "next pane", "moving"),
    Action("pane.previous", ("shift+tab",), "previous pane", "moving"),
    Action("move.down", ("j", "down"), "down", "moving"),
    Action("move.up", ("k", "up"), "up", "moving"),
    Action("move.left", ("h", "left"), "left", "moving"),
    Action("move.right", ("l", "right"), "right", "moving"),
    Action("move.page_down", ("pagedown",), "a page down", "moving"),
    Action("move.page_up", ("pageup",), "a page up", "moving"),
    Action("move.top", ("g", "home"), "to the first row", "moving"),
    Action("move.bottom", ("G", "end"), "to the last row", "moving"),
    Action("row.show", ("enter",), "show the row's instrument", "moving"),
    *(
        Action(f"tab.{number}", (str(number),), name, "panes", commands=(name,))
        for number, name in enumerate(_TABS, 1)
    ),
    Action("instrument.pick", ("slash",), "pick an instrument", "view", commands=("instruments",)),
    Action("venue.pick", ("V",), "venues: how each is doing; show or open one", "view", commands=("venues",)),
    Action("exposure.show", ("N",), "net exposure: each asset over all venues", "view", commands=("exposure",)),
    Action("keys.manage", ("K",), "API keys: add, test, remove", "view", commands=("keys",)),
    Action("instrument.favourite", ("f",), "favourite on or off", "view", commands=("favourite",)),
    Action("chart.interval", ("i",), "next candle interval", "view", commands=("interval",)),
    Action("tape.filter", ("m",), "next minimum size on the tape", "view", commands=("tape filter",)),
    Action("help.show", ("question_mark", "f1"), "help for where you are", "view", commands=("help",)),
    Action("command.open", ("colon",), "command line", "view"),
    Action("palette.open", ("ctrl+p",), "palette of all actions", "view", commands=("palette",)),
    Action("app.back", ("q",), "quit (asks when orders are open)", "view",
           commands=("back",)),
    Action("app.quit", ("ctrl+c",), "copy in inputs, else the quit question", "view",
           Context.EVERYWHERE, commands=("quit", "q")),
    Action("ticket.preview", ("enter",), "check and preview; Enter alone never sends", "ticket",
           Context.TICKET, is_fixed=True),
    Action("ticket.send", ("y",), "send what the preview shows", "ticket", Context.TICKET,
           is_trading=True, is_fixed=True),
    Action("ticket.override", ("o",), "send although a guard asks", "ticket", Context.TICKET,
           is_trading=True, is_fixed=True),
    Action("ticket.next", ("tab",), "next field", "ticket", Context.TICKET, is_fixed=True),
    Action("ticket.drop", ("escape",), "drop the ticket", "ticket", Context.TICKET, is_fixed=True),
    Action("dialog.yes", ("y",), "yes, do it", "dialog", Context.DIALOG, is_trading=True, is_fixed=True),
    Action("dialog.no", ("escape", "n"), "no, leave", "dialog", Context.DIALOG, is_fixed=True),
    Action("recovery.go_on", ("enter", "g"), "go on; asks while something is UNKNOWN", "recovery",
           Context.RECOVERY, is_trading=True, is_fixed=True),
    Action("recovery.gone", ("d",), "I looked: it is not at the venue (asks)", "recovery", Context.RECOVERY,
           is_trading=True, is_fixed=True),
    Action("recovery.cancel", ("c",), "cancel it, to be sure", "recovery", Context.RECOVERY,
           is_trading=True, is_fixed=True),
    Action("recovery.down", ("j", "down"), "down", "recovery", Context.RECOVERY, is_fixed=True),
    Action("recovery.up", ("k", "up"), "up", "recovery", Context.RECOVERY, is_fixed=True),
    Action("recovery.help", ("question_mark", "f1"), "this help", "recovery", Context.RECOVERY, is_fixed=True),
    Action("recovery.leave", ("escape", "q", "u"), "look at the desk; changes nothing", "recovery",
           Context.RECOVERY, is_fixed=True),
    Action("margin.borrow", ("b",), "borrow: a form, then a preview", "margin wallet", Context.MARGIN,
           is_trading=True, is_fixed=True),
    Action("margin.repay", ("p",), "pay back", "margin wallet", Context.MARGIN, is_trading=True, is_fixed=True),
    Action("margin.transfer_in", ("t",), "transfer in, from spot", "margin wallet", Context.MARGIN,
           is_trading=True, is_fixed=True),
    Action("margin.transfer_out", ("o",), "transfer out, to spot", "margin wallet", Context.MARGIN,
           is_trading=True, is_fixed=True),
    Action("margin.preview", ("enter",), "preview the form; it never sends", "margin wallet",
           Context.MARGIN, is_fixed=True),
    Action("margin.send", ("y",), "send what the preview shows", "margin wallet", Context.MARGIN,
           is_trading=True, is_fixed=True),
    Action("margin.down", ("j", "down"), "down", "margin wallet", Context.MARGIN, is_fixed=True),
    Action("margin.up", ("k", "up"), "up", "margin wallet", Context.MARGIN, is_fixed=True),
    Action("margin.venue", ("left", "right"), "another venue's wallet", "margin wallet", Context.MARGIN,
           is_fixed=True),
    Action("margin.words", ("pagedown", "pageup"), "more of the words below", "margin wallet", Context.MARGIN,
           is_fixed=True),
    Action("margin.leave", ("escape", "q"), "back to the desk", "margin wallet", Context.MARGIN, is_fixed=True),
    *(
        Action(f"holding.{verb}", keys, words, "positions and margin", Context.POSITIONS, is_trading=trades,
               is_fixed=True)
        for verb, keys, words, trades in (
            ("add_margin", ("a",), "add margin: a form, then a preview", True),
            ("take_margin", ("o",), "take margin out", True),
            ("leverage", ("l",), "leverage and margin mode", True),
            ("close", ("x",), "close 25, 50 or 100 % of the position", True),
            ("reverse", ("t",), "reverse the position (asks)", True),
            ("preview", ("enter",), "show its market; in a form: preview it, never send", False),
            ("send", ("y",), "send what the preview shows", True),
            ("bills", ("b",), "read the bills anew", False),
            ("other", ("tab",), "positions or bills", False),
            ("down", ("j", "down"), "down", False),
            ("up", ("k", "up"), "up", False),
            ("venue", ("left", "right"), "another venue's positions", False),
            ("words", ("pagedown", "pageup"), "more of the words", False),
            ("leave", ("escape", "q"), "back to the desk", False),
        )
    ),
)  # fmt: skip

_OVERLAPS = {
    Context.EVERYWHERE: frozenset(Context),
    Context.DESK: frozenset({Context.EVERYWHERE, Context.DESK}),
    # The ladder's own keys go first there, so Enter and Esc may mean something else on the desk.
    Context.LADDER: frozenset({Context.EVERYWHERE, Context.LADDER}),
    Context.TICKET: frozenset({Context.EVERYWHERE, Context.TICKET}),
    Context.DIALOG: frozenset({Context.EVERYWHERE, Context.DIALOG}),
    Context.RECOVERY: frozenset({Context.EVERYWHERE, Context.RECOVERY}),
    Context.MARGIN: frozenset({Context.EVERYWHERE, Context.MARGIN}),
    Context.POSITIONS: frozenset({Context.EVERYWHERE, Context.POSITIONS}),
}

# What has keys of its own (a ticket, a dialog) is not there while a line is typed.
_NAMED = frozenset({Context.EVERYWHERE, Context.DESK, Context.LADDER})

_RESERVED = {
    "ctrl+s": "stops the output of many terminals",
    "ctrl+q": "starts the output of many terminals",
    "ctrl+z": "suspends programs",
    "ctrl+b": "is tmux's own key",
    "escape": "only ever dismisses",
    "ctrl+enter": "does not survive SSH and tmux",
    "shift+enter": "does not survive SSH and tmux",
}

_SHORT_NAMES = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "hyphen_minus": "minus",
    "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip

_SHOWN = {
    "question_mark": "?", "slash": "/", "colon": ":", "plus": "+", "minus": "-", "comma": ",",
    "full_stop": ".", "left_square_bracket": "[", "right_square_bracket": "]", "space": "Space",
    "enter": "Enter", "escape": "Esc", "tab": "Tab", "shift+tab": "Shift+Tab", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
}  # fmt: skip


def key_name(written: str) -> str:
    """Returns Textual's name of a key as a person writes it: "?" is "question_mark", "Ctrl+X" is "ctrl+x"."""
    if len(written) == 1:
        if written.isalnum():
            return written
        name = unicodedata.name(written, "").lower().replace("-", "_").replace(" ", "_")
        return _SHORT_NAMES.get(name, name)
    return written.strip().lower()


def key_label(key: str) -> str:
    """Returns how a key is shown to a person: "Ctrl+X", "?", "Space"."""
    if key in _SHOWN:
        return _SHOWN[key]
    *modifiers, last = key.split("+")
    if modifiers:
        return "+".join([*(word.capitalize() for word in modifiers), last.upper()])
    return key if len(key) == 1 else key.upper() if key[0] == "f" else key.replace("_", " ")


class Keymap:
    """The actions with the keys that are in force."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._keys = {action.id: action.keys for action in ACTIONS} | dict(keys or {})
        self._actions = {action.id: action for action in ACTIONS}

    def action(self, action_id: str) -> Action:
        """Returns the action with the keys in force. Raises KeyError for an unknown id."""
        return self._actions[action_id]._replace(keys=self._keys[action_id])

    def actions(self, *contexts: Context) -> list[Action]:
        """Returns the actions of these contexts, or all of them, in the order of help."""
        return [self.action(a.id) for a in ACTIONS if not contexts or a.context in contexts]

    def keys(self, action_id: str) -> tuple[str, ...]:
        return self._keys[action_id]

    def label(self, action_id: str) -> str:
        """Returns the action's first key as shown to a person."""
        keys = self._keys[action_id]
        return key_label(keys[0]) if keys else ""

    def is_trading(self, key: str) -> bool:
        """Whether a key could trade, anywhere."""
        return any(key in self._keys[action.id] for action in ACTIONS if action.is_trading)

    def find_command(self, words: str) -> tuple[Action, str] | None:
        """Returns the action that a `:` line names and what is left of the line, or None.

        The longest name wins: "cancel all" before "cancel".
        """
        wanted = " ".join(words.split())
        names = sorted(
            (
                (name, action)
                for action in ACTIONS
                if action.context in _NAMED
                for name in (action.id, *action.commands)
            ),
            key=lambda pair: -len(pair[0]),
        )
        for name, action in names:
            if wanted == name or wanted.startswith(name + " "):
                return self.action(action.id), wanted[len(name) :].strip()
        return None


def build_keymap(wishes: Mapping[str, str | Sequence[str]]) -> tuple[Keymap, tuple[str, ...]]:
    """Lays the configuration's keys over the defaults; returns the keymap and what was wrong, in words.

    A wish that can not be granted leaves its action with the default keys.
    """
    actions = {action.id: action for action in ACTIONS}
    granted: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for action_id, written in wishes.items():
        action = actions.get(action_id)
        keys = tuple(key_name(key) for key in ([written] if isinstance(written, str) else written))
        refusal = _refusal(action_id, action, keys)
        if refusal:
            problems.append(refusal)
        else:
            granted[action_id] = keys
    while clash := _first_clash(actions.values(), granted):
        key, wish, other = clash
        del granted[wish]
        problems.append(f"keys: {wish} can not be {key_label(key)}: that is {other}; it keeps its default")
    return Keymap(granted), tuple(problems)


def _refusal(action_id: str, action: Action | None, keys: tuple[str, ...]) -> str:
    if action is None:
        return f"keys: there is no action {action_id!r}; `pitside` help (?) lists them all"
    if action.is_fixed:
        return f"keys: {action_id} can not be changed"
    if not keys or not all(keys):
        return f"keys: {action_id} needs at least one key; it keeps its default"
    for key in keys:
        if reason := _reserved(key):
            return f"keys: {action_id} can not be {key_label(key)}, which {reason}; it keeps its default"
    return ""


def _reserved(key: str) -> str:
    if "alt+" in key or ("ctrl+" in key and "shift+" in key):
        return "does not survive SSH and tmux"
    return _RESERVED.get(key, "")


def _first_clash(actions: Iterable[Action], granted: Mapping[str, tuple[str, ...]]) -> tuple[str, str, str] | None:
    """Finds a key that two actions of overlapping contexts would share: (key, the wish, the other)."""
    everyone = list(actions)
    for action_id, keys in granted.items():
        context = next(a.context for a in everyone if a.id == action_id)
        for other in everyone:
            if other.id == action_id or other.context not in _OVERLAPS[context] | _reach(context):
                continue
            for key in keys:
                if key in granted.get(other.id, other.keys):
                    return key, action_id, other.id
    return None


def _reach(context: Context) -> frozenset[Context]:
    # A desk key would be hidden by the ladder's own key of the same name.
    return frozenset({Context.LADDER}) if context is Context.DESK else frozenset()
