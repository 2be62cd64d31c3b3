"""Four venues at once: each chip right at every width, and a word for one that has not proven how it signs."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.frames import desk_view
from tests.support.mayex_desk import (
    BTC,
    SETTINGS,
    four_frame,
    four_venues,
    mayex_frame,
    mayex_view,
    one_killed,
)
from tests.tui.widgets.harness import assert_inert, lines, on_stage
from tui.abilities import account_in_words
from tui.desk.frame import Frame
from tui.widgets.header import Header
from tui.widgets.palette import Palette
from tui.widgets.status_bar import StatusBar, gravity_of, is_unproven
from tui.widgets.venue_table import details_of, venue_rows
from venues.port import Mode

HINTS = (("?", "help"), ("Ctrl+X", "panic"))
NAMES = ("coinex", "max", "pumpkin", "mayex")
UNPROVEN = "authentication unverified"


async def bar_of(width: int, *frames: Frame) -> str:
    """What the status bar says at a width after these frames."""
    async with on_stage(StatusBar(), width, 1) as (bar, _):
        bar.set_hints(HINTS)
        for frame in frames:
            bar.take(frame)
        assert_inert(bar)
        return lines(bar)[0]


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_each_of_four_venues_has_its_chip(width: int) -> None:
    text = await bar_of(width, four_frame())
    assert [text.index(f" {name} ●") for name in NAMES] == sorted(text.index(f" {name} ●") for name in NAMES)
    assert "61 ms" in text and "112 ms" in text
    assert ("clock 21 ms" in text) is (width == 200)


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_the_one_that_was_killed_is_the_only_chip_that_changes_its_word(width: int) -> None:
    text = await bar_of(width, four_frame(), four_frame(number=2, venues=one_killed()))
    assert "pumpkin ○ reconnecting" in text
    assert [f"{name} ●" in text for name in NAMES] == [True, True, False, True]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
async def test_a_live_venue_that_has_not_proven_how_it_signs_says_so_at_every_width(width: int) -> None:
    frame = four_frame(venues=four_venues(Mode.LIVE, is_proven=False))
    text = await bar_of(width, frame)
    assert f"mayex ● {UNPROVEN}" in text if width == 200 else "mayex ● auth?" in text
    assert (await bar_of(width, frame, four_frame(number=2, venues=four_venues(Mode.LIVE)))).count("auth") == 0


async def test_alone_it_has_room_for_the_whole_word() -> None:
    views = (mayex_view(Mode.LIVE, is_proven=False),)
    assert f"mayex ● {UNPROVEN} 61 ms" in await bar_of(80, mayex_frame(venues=views))


def test_only_where_orders_are_real_and_could_be_sent_it_is_a_matter_of_the_chip() -> None:
    live = mayex_view(Mode.LIVE, is_proven=False)
    assert is_unproven(live) and gravity_of(live) == 1
    assert not is_unproven(mayex_view(Mode.LIVE)) and gravity_of(mayex_view(Mode.LIVE)) == 0
    assert not is_unproven(mayex_view(Mode.PRACTICE, is_proven=False))
    assert not is_unproven(mayex_view(Mode.READ_ONLY, is_proven=False))
    refused = mayex_view(Mode.LIVE, is_proven=False, fault="the key was refused")
    assert not is_unproven(refused), "that no order can be sent is what counts then"


async def test_the_header_says_it_of_the_shown_venue_where_there_is_room() -> None:
    desk = desk_view(BTC, mode=Mode.LIVE)
    for width, is_said in ((80, False), (160, True)):
        for is_proven in (False, True):
            async with on_stage(Header(), width, 1) as (header, _):
                header.take(four_frame(desk=desk, venues=four_venues(Mode.LIVE, is_proven=is_proven)))
                assert (UNPROVEN in lines(header)[0]) is (is_said and not is_proven)


async def test_the_venues_screen_says_what_to_try() -> None:
    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        palette = Palette.of(bar.app.theme_variables)
    for is_proven in (False, True):
        row = venue_rows(four_frame(venues=four_venues(Mode.LIVE, is_proven=is_proven)))[-1]
        told = [
            "".join(text for text, _ in spans) for label, spans in details_of(row, 0, palette) if label == "signs"
        ]
        assert bool(told) is not is_proven
        for words in told:
            assert words.startswith(f"{UNPROVEN}: no signed call has succeeded yet")
            assert all(name in words for name in SETTINGS) and words.endswith("of [venues.mayex]")


def test_what_the_account_can_do_says_who_names_the_mode() -> None:
    can = mayex_view().capabilities
    assert "cross and isolated margin by order" in account_in_words(can)
    assert "by order" not in account_in_words(msgspec.structs.replace(can, margin_mode_of_order=False))
