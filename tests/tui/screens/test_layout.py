"""Every pane has a place, and every tab a key, at each size."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.widgets._toast import Toast

from tests.support.desk_app import running
from tests.support.frames import desk_view, sample_frame
from tests.support.scripted_desk import ScriptedDesk
from tui.screens.layout import TABS, Shape, panes_on, shape_of, tabs_of
from venues.port import Mode

SIZES = {
    (200, 60): Shape.WIDE,
    (160, 40): Shape.WIDE,
    (120, 40): Shape.NORMAL,
    (100, 30): Shape.NORMAL,
    (80, 24): Shape.NARROW,
    (60, 20): Shape.NARROW,
    (50, 20): Shape.ONE_PANE,
    (80, 12): Shape.ONE_PANE,
    (39, 20): Shape.HOPELESS,
    (80, 9): Shape.HOPELESS,
}


@pytest.mark.parametrize(("size", "shape"), SIZES.items())
def test_shapes(size: tuple[int, int], shape: Shape) -> None:
    assert shape_of(*size) is shape


@pytest.mark.parametrize("shape", [Shape.WIDE, Shape.NORMAL, Shape.NARROW, Shape.ONE_PANE])
def test_every_pane_can_be_brought_to_the_screen(shape: Shape) -> None:
    always = set(panes_on(shape, "fills", is_ticket_open=False, height=24))
    assert set(TABS) <= always | set(tabs_of(shape))


@pytest.mark.parametrize("shape", [Shape.WIDE, Shape.NORMAL, Shape.NARROW])
def test_the_ladder_stays_beside_the_ticket(shape: Shape) -> None:
    assert {"book", "ticket"} <= set(panes_on(shape, "orders", is_ticket_open=True, height=24))


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (80, 24), (50, 20)])
async def test_each_tab_key_shows_its_pane_and_gives_it_the_focus(size: tuple[int, int]) -> None:
    async with running(size=size) as desk:
        for number, name in enumerate(TABS, 1):
            await desk.press(str(number))
            pane = desk.dashboard.query_one(f"#{name}")
            assert pane.display, name
            assert desk.focus == name
            assert pane.region.width >= 20, name
            assert pane.region.height >= 5, name


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (80, 24), (60, 20), (50, 20)])
async def test_no_pane_lies_over_another_or_outside(size: tuple[int, int]) -> None:
    async with running(size=size) as desk:
        for key in ("1", "6", "7", "b"):
            await desk.press(key)
            shown = [pane for pane in desk.dashboard.query("#floor > *") if pane.display]
            for index, pane in enumerate(shown):
                assert desk.app.screen.region.contains_region(pane.region), (key, pane.id)
                for other in shown[:index]:
                    assert not pane.region.overlaps(other.region), (key, pane.id, other.id)


async def test_the_strip_of_tabs_counts_and_goes_back_when_the_pane_leaves_it() -> None:
    async with running(size=(80, 24)) as desk:
        assert "1 positions 2  2 orders 5" in desk.text
        await desk.press("7")
        assert "7 candles" in str(desk.dashboard.query_one("#chart").border_title)
        await desk.pilot.resize_terminal(120, 40)
        await desk.pilot.pause()
        assert str(desk.dashboard.query_one("#chart").border_title) == "candles 1m"


async def test_a_hopeless_terminal_trades_nothing_and_survives() -> None:
    async with running(size=(120, 40)) as desk:
        await desk.pilot.resize_terminal(10, 3)
        await desk.pilot.pause()
        assert "too small" in desk.text.replace("\n", " ")
        await desk.press("b", "s", "X", "t")
        assert desk.desk.calls == []
        assert not desk.dashboard.ticket.is_open
        await desk.pilot.resize_terminal(120, 40)
        await desk.pilot.pause()
        assert "60,624.5" in desk.text


async def test_a_cramped_terminal_says_so() -> None:
    async with running(size=(50, 18)) as desk:
        assert "small terminal" in desk.text


async def test_tab_goes_round_all_panes_on_the_screen_and_back() -> None:
    async with running() as desk:
        seen = []
        for _ in range(5):
            seen.append(desk.focus)
            await desk.press("tab")
        assert seen == ["book", "tape", "chart", "watch", "positions"]
        assert desk.focus == "book"
        await desk.press("shift+tab")
        assert desk.focus == "positions"


async def test_the_widest_screen_shows_every_pane_at_once() -> None:
    async with running(size=(200, 60)) as desk:
        assert all(desk.dashboard.query_one(f"#{name}").display for name in TABS)


async def test_tab_leads_back_to_an_open_ticket() -> None:
    async with running() as desk:
        await desk.press("b")
        desk.dashboard.query_one("#tape").display = False
        desk.dashboard.ladder.focus()
        await desk.pilot.pause()
        assert desk.focus == "book"
        await desk.press("tab")
        assert desk.dashboard.has_ticket_focus
        desk.dashboard.query_one("#watch").focus()
        await desk.pilot.pause()
        await desk.press("shift+tab")
        assert desk.dashboard.has_ticket_focus


@pytest.mark.parametrize("keys", [(), ("b",)], ids=["desk", "ticket"])
@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_toasts_cover_neither_the_ticket_nor_the_lines_above_and_below(
    size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    async with running(size=size, draws_toasts=True) as desk:
        await desk.press(*keys)
        for number in range(5):
            desk.app.notify(f"toast {number}: " + "many words " * 12, markup=False)
            await desk.pilot.pause()
        desk.app.notify("an alarm", severity="error", markup=False)
        desk.app.notify("and a last word", markup=False)
        await desk.pilot.pause()
        await desk.until(lambda: len(desk.app.screen.query(Toast)) == 3)
        await desk.pilot.pause()
        assert desk.toasts[1:] == ["an alarm", "and a last word"]
        clear = [desk.dashboard.query_one(f"#{name}").region for name in ("header", "summary", "status")]
        if keys:
            clear.append(desk.dashboard.ticket.region)
        else:
            clear.append(desk.dashboard.ladder.region)
        for toast in desk.app.screen.query(Toast):
            assert toast.region.width > 20
            assert not any(toast.region.overlaps(region) for region in clear)


@pytest.mark.parametrize("mode", ["LIVE", "PAPER", "REPLAY", "PRACTICE", "READ-ONLY"])
async def test_the_border_has_the_modes_colour(mode: str) -> None:
    async with running(ScriptedDesk([sample_frame(desk=desk_view(mode=Mode(mode)))])) as desk:
        wanted = Color.parse(desk.app.theme_variables[f"mode-{mode.lower()}"])
        kind, colour = desk.dashboard.ladder.styles.border_top
        assert (kind, colour) == ("heavy", wanted)
        assert mode in desk.text
