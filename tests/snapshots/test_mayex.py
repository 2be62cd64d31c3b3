"""Orders that each say their margin mode, and four venues at once, as pictures."""

from __future__ import annotations

import pytest

from tests.snapshots.test_desk import DESK, Compare, Picture
from tests.support.frames import desk_view
from tests.support.mayex_desk import BTC, BTC_SPOT, exits, four_frame, four_venues, mayex_frame
from tui.desk.control import Bills
from tui.desk.frame import Frame
from venues.port import Mode


def picture(frame: Frame, *keys: str) -> Picture:
    shown = Picture(frame, *keys)
    shown.desk.bills = Bills(refusal="mayex tells no bills of an account", are_kept=False)
    return shown


@pytest.mark.parametrize("size", [DESK, (80, 24), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_four_venues_one_of_which_has_not_proven_how_it_signs(
    snap_compare: Compare, size: tuple[int, int]
) -> None:
    desk = desk_view(BTC, mode=Mode.LIVE, is_armed=False, lock_reason="a LIVE desk starts locked")
    shown = picture(four_frame(desk=desk, venues=four_venues(Mode.LIVE, is_proven=False)))
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.prepare)


@pytest.mark.parametrize("size", [DESK, (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_net_exposure(snap_compare: Compare, size: tuple[int, int]) -> None:
    shown = picture(four_frame(), "N")
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.prepare)


def test_a_preview_of_an_order_with_its_mode(snap_compare: Compare) -> None:
    shown = picture(mayex_frame(orders=exits()), "b", "tab", "0", "full_stop", "1", "enter")
    assert snap_compare(shown.app, terminal_size=(80, 24), run_before=shown.prepare)


def test_positions_by_side_and_mode(snap_compare: Compare) -> None:
    shown = picture(mayex_frame(), "M", "j")
    assert snap_compare(shown.app, terminal_size=(80, 24), run_before=shown.prepare)


def test_a_market_that_is_only_watched(snap_compare: Compare) -> None:
    shown = picture(mayex_frame(shown=BTC_SPOT), "b")
    assert snap_compare(shown.app, terminal_size=(80, 24), run_before=shown.prepare)
