"""What the keys screen looks like, as pictures."""

from __future__ import annotations

import pytest

from tests.snapshots.test_desk import DESK, Compare, Picture
from tests.support.keys import LOCKED, READY, REFUSED, ROWS, keys_view
from tui.desk.key_control import KeyRow
from tui.desk.key_entries import KeyringState


def picture(*keys: str, state: KeyringState = READY, rows: tuple[KeyRow, ...] = ROWS) -> Picture:
    made = Picture(None, "K", *keys)
    made.desk.keys = keys_view(state, rows)
    return made


@pytest.mark.parametrize("size", [DESK, (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_list(snap_compare: Compare, size: tuple[int, int]) -> None:
    shown = picture("j")
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.prepare)


def test_no_keys(snap_compare: Compare) -> None:
    shown = picture(rows=())
    assert snap_compare(shown.app, terminal_size=DESK, run_before=shown.prepare)


def test_a_locked_keyring(snap_compare: Compare) -> None:
    shown = picture(state=LOCKED)
    assert snap_compare(shown.app, terminal_size=DESK, run_before=shown.prepare)


def test_the_form(snap_compare: Compare) -> None:
    shown = picture("a", "enter", *"main", "enter", *"typed", state=LOCKED)
    assert snap_compare(shown.app, terminal_size=DESK, run_before=shown.prepare)


def test_a_refused_key(snap_compare: Compare) -> None:
    shown = picture("r", "x", "enter", "y", "enter", "enter", "enter")
    shown.desk.key_answers.append(REFUSED)
    shown.arrived = lambda: not shown.desk.key_answers
    assert snap_compare(shown.app, terminal_size=DESK, run_before=shown.prepare)
