"""What a margin wallet looks like, as pictures: with a debt, and just before more is borrowed."""

from __future__ import annotations

import pytest

from tests.snapshots.test_desk import DESK, Compare, Picture
from tests.support.margin_desk import max_frame, max_margin

SIZES = [DESK, (80, 24)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_wallet_that_owes(snap_compare: Compare, size: tuple[int, int]) -> None:
    shown = Picture(max_frame(margins=(max_margin("1.42"),)), "M", "j")
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.prepare)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_preview(snap_compare: Compare, size: tuple[int, int]) -> None:
    shown = Picture(max_frame(), "M", "j", "b", "0", "full_stop", "5", "enter")
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.prepare)
