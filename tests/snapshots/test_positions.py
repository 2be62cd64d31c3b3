"""Perpetuals with both sides at once, as pictures: the desk, positions and margin, a change of it, the orders."""

from __future__ import annotations

import pytest

from tests.snapshots.test_desk import DESK, Compare, Picture
from tests.support.pumpkin_desk import bills, both_sides, exits, margin_move, pumpkin_frame, several_on_a_side
from tui.desk.frame import Frame


def picture(frame: Frame, *keys: str) -> Picture:
    shown = Picture(frame, *keys)
    shown.desk.bills = bills()
    return shown


@pytest.mark.parametrize("size", [DESK, (80, 24), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_positions_and_margin(snap_compare: Compare, size: tuple[int, int]) -> None:
    shown = picture(pumpkin_frame(positions=both_sides(funds=(margin_move(),))), "M")
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.prepare)


def test_more_margin(snap_compare: Compare) -> None:
    shown = picture(pumpkin_frame(), "M", "a", "5", "0", "enter")
    assert snap_compare(shown.app, terminal_size=(80, 24), run_before=shown.prepare)


@pytest.mark.parametrize("size", [DESK, (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_desk_with_both_sides(snap_compare: Compare, size: tuple[int, int]) -> None:
    shown = picture(pumpkin_frame(positions=several_on_a_side(), orders=exits()), "2")
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.prepare)


def test_a_ticket_that_opens_beside(snap_compare: Compare) -> None:
    shown = picture(pumpkin_frame(), "s", "tab", "0", "full_stop", "1")
    assert snap_compare(shown.app, terminal_size=DESK, run_before=shown.prepare)
