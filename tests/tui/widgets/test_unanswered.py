"""The rows of the recovery screen: broken between words, scrolled by row, and with a cursor that keeps its own."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from tests.support.frames import NOW, recovery_rows
from tests.tui.widgets.harness import assert_inert, lines, on_stage
from tui.widgets.cells import plain, width_of, wrapped
from tui.widgets.unanswered import Unanswered
from venues.model import NANOSECONDS

NOTICES = ("one remark",)


async def test_rows_above_that_go_leave_the_cursor_on_its_own() -> None:
    async with on_stage(Unanswered(), 80, 20) as (pane, _):
        pane.show(recovery_rows(), NOTICES, NOW)
        pane.move(1)
        assert pane.selected == recovery_rows()[1]
        pane.show(recovery_rows()[1:], NOTICES, NOW)
        assert pane.selected == recovery_rows()[1]


async def test_when_its_row_goes_nothing_is_selected_until_it_is_moved() -> None:
    async with on_stage(Unanswered(), 80, 20) as (pane, _):
        pane.show(recovery_rows(), NOTICES, NOW)
        assert lines(pane)[0].startswith("▶")
        pane.show(recovery_rows()[1:], NOTICES, NOW)
        assert pane.selected is None
        assert lines(pane)[0].startswith("▷")
        pane.move(-1)
        assert pane.selected == recovery_rows()[1]


async def test_two_commands_of_the_same_moment_can_both_be_reached() -> None:
    first = recovery_rows()[0]
    twins = (first, msgspec.structs.replace(first, text="cancel of it"), recovery_rows()[1])
    async with on_stage(Unanswered(), 80, 20) as (pane, _):
        for row in twins:
            pane.show(twins, (), NOW)
            assert pane.selected == row
            pane.move(1)


async def test_a_remark_is_no_row() -> None:
    async with on_stage(Unanswered(), 80, 20) as (pane, _):
        pane.show(recovery_rows()[:1], NOTICES, NOW)
        pane.move(1)
        assert pane.selected is None
        assert any(line.startswith("▶ ! one remark") for line in lines(pane))
        pane.show((), (), NOW)
        pane.move(1)
        assert pane.selected is None


@pytest.mark.parametrize("width", [40, 59, 60, 120])
async def test_ages_and_countdowns_run_and_nothing_is_wider_than_the_pane(width: int) -> None:
    async with on_stage(Unanswered(), width, 6) as (pane, _):
        for seconds in (0, 3, 11, 12, 90_000):
            pane.show(recovery_rows(), NOTICES, NOW + seconds * NANOSECONDS)
            assert_inert(pane)
            for _ in range(12):
                pane.move(1)
                assert_inert(pane)
            for _ in range(12):
                pane.move(-1)
            assert pane.selected == recovery_rows()[0]


@given(st.lists(st.text(), max_size=4), st.integers(8, 40))
def test_broken_lines_fit_and_lose_no_letter(texts: list[str], width: int) -> None:
    broken = wrapped([(text, Style.null()) for text in texts], width)
    assert all(sum(width_of(text) for text, _ in line) <= width for line in broken)
    shown = "".join(text for line in broken for text, _ in line)
    assert shown.replace(" ", "") == "".join(map(plain, texts)).replace(" ", "")
