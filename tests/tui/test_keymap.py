"""The keymap: data without clashes, wishes granted or refused in words."""

from __future__ import annotations

import pytest

from tui.keymap import ACTIONS, Context, Keymap, build_keymap, key_label, key_name

LEFT_ALONE = {"ctrl+s", "ctrl+q", "ctrl+z", "ctrl+b"}


def test_every_id_is_area_and_verb_and_unique() -> None:
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))
    assert all(len(action_id.split(".")) == 2 for action_id in ids)


def test_no_default_key_is_given_twice_where_both_are_on() -> None:
    taken: dict[str, str] = {}
    for action in Keymap().actions(Context.DESK, Context.EVERYWHERE):
        for key in action.keys:
            assert key not in taken, f"{key}: {action.id} and {taken[key]}"
            taken[key] = action.id


def test_defaults_leave_the_terminals_own_keys_alone() -> None:
    keys = {key for action in ACTIONS for key in action.keys}
    assert not keys & LEFT_ALONE
    assert not any("alt+" in key or key.startswith("ctrl+shift") for key in keys)
    assert not keys & {"f4", "f5", "f6", "f7", "r"}


def test_the_products_table_is_the_default() -> None:
    keymap = Keymap()
    table = {
        "help.show": "?", "instrument.pick": "/", "command.open": ":", "palette.open": "Ctrl+P", "order.buy": "b",
        "order.sell": "s", "order.buy_market": "B", "order.sell_market": "S", "order.cancel": "c",
        "order.cancel_all": "C", "order.edit": "e", "position.close": "x", "position.reverse": "t",
        "position.flatten": "X", "desk.arm": "A", "desk.panic": "Ctrl+X", "book.coarser": "+", "book.finer": "-",
        "book.cumulative": "v", "size.less": "[", "size.more": "]", "size.previous": ",", "size.next": ".",
        "chart.interval": "i", "app.quit": "Ctrl+C", "instrument.favourite": "f", "app.back": "q",
        "book.recentre": "Space", "tab.1": "1", "tab.9": "9", "pane.next": "Tab", "move.down": "j",
        "recovery.open": "u",
    }  # fmt: skip
    assert {action_id: keymap.label(action_id) for action_id in table} == table


@pytest.mark.parametrize(
    ("written", "name"),
    [("?", "question_mark"), ("/", "slash"), ("+", "plus"), ("Ctrl+X", "ctrl+x"), ("B", "B"), ("F1", "f1")],
)
def test_keys_may_be_written_as_they_look(written: str, name: str) -> None:
    assert key_name(written) == name
    assert key_label(name) == (written if written != "F1" else "F1")


def test_a_wish_moves_a_key() -> None:
    keymap, problems = build_keymap({"order.buy": "n", "help.show": ["?", "f2"]})
    assert problems == ()
    assert keymap.keys("order.buy") == ("n",)
    assert keymap.keys("help.show") == ("question_mark", "f2")


def test_two_actions_may_swap_their_keys() -> None:
    keymap, problems = build_keymap({"order.buy": "s", "order.sell": "b"})
    assert problems == ()
    assert (keymap.keys("order.buy"), keymap.keys("order.sell")) == (("s",), ("b",))


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"order.buy": "s"}, "order.buy can not be s: that is order.sell"),
        ({"order.buy": "enter"}, "order.buy can not be Enter"),
        ({"order.bye": "n"}, "no action 'order.bye'"),
        ({"order.buy": "ctrl+s"}, "stops the output"),
        ({"order.buy": "alt+b"}, "does not survive SSH"),
        ({"order.buy": "escape"}, "only ever dismisses"),
        ({"dialog.yes": "enter"}, "dialog.yes can not be changed"),
        ({"order.buy": []}, "needs at least one key"),
    ],
)
def test_a_wish_that_can_not_be_granted_is_said_and_the_default_stays(
    wishes: dict[str, str | list[str]], words: str
) -> None:
    keymap, problems = build_keymap(wishes)
    assert len(problems) == 1
    assert words in problems[0]
    assert keymap.keys("order.buy") == ("b",)
    assert keymap.keys("dialog.yes") == ("y",)


def test_what_trades_is_known_by_its_key_also_after_rebinding() -> None:
    keymap, _ = build_keymap({"order.buy": "n"})
    assert keymap.is_trading("n")
    assert keymap.is_trading("enter")  # it sends the ladder's preview
    assert keymap.is_trading("y")
    assert not keymap.is_trading("j")
    assert not keymap.is_trading("ctrl+x")  # panic is never dropped


@pytest.mark.parametrize(
    ("line", "action_id", "rest"),
    [
        ("buy", "order.buy", ""),
        ("buy market", "order.buy_market", ""),
        ("cancel all", "order.cancel_all", ""),
        ("cancel  all buys", "order.cancel_all", "buys"),
        ("cancel", "order.cancel", ""),
        ("desk.panic", "desk.panic", ""),
        ("close 50", "position.close", "50"),
    ],
)
def test_the_longest_command_wins(line: str, action_id: str, rest: str) -> None:
    found = Keymap().find_command(line)
    assert found is not None
    assert (found[0].id, found[1]) == (action_id, rest)


@pytest.mark.parametrize("line", ["ticket.send", "dialog.yes", "recovery.go_on", "recovery.gone"])
def test_the_keys_of_what_is_not_there_are_no_commands(line: str) -> None:
    assert Keymap().find_command(line) is None


def test_no_command_means_two_actions() -> None:
    names = [name for action in ACTIONS for name in (action.id, *action.commands)]
    assert len(names) == len(set(names))
    assert Keymap().find_command("bu") is None
