"""The one-line panes: header, summary, status bar, mode badge."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.frames import NOW, desk_view, empty_frame, recovery_view, sample_frame, spot_frame, venue_view
from tests.tui.widgets.harness import lines, on_stage, repainted
from tui.desk.frame import Frame
from tui.widgets.header import Header, hang_up_words
from tui.widgets.mode_badge import ModeBadge
from tui.widgets.palette import VARIABLES, Palette
from tui.widgets.status_bar import StatusBar
from tui.widgets.summary import Summary
from venues.events import LinkState
from venues.model import NANOSECONDS
from venues.port import Mode


async def test_the_header_of_a_perpetual() -> None:
    async with on_stage(Header(), 120, 1) as (header, _):
        header.take(sample_frame())
        assert lines(header)[0].split() == [
            "PAPER", "BTC/USDT", "perp", "60,624.5", "▲", "+1.21%", "mark", "60,624.9", "idx", "60,622.3", "fund",
            "+0.0100%", "in", "02:56:53", "main", "ARMED",
        ]  # fmt: skip


async def test_the_header_of_a_spot_market_has_no_mark_and_no_funding() -> None:
    async with on_stage(Header(), 120, 1) as (header, _):
        header.take(spot_frame())
        assert "fund" not in lines(header)[0]
        assert "BTC/USDT" in lines(header)[0]


@pytest.mark.parametrize("width", [50, 60, 80])
async def test_a_narrow_header_keeps_mode_price_and_lock(width: int) -> None:
    async with on_stage(Header(), width, 1) as (header, _):
        header.take(sample_frame(desk=desk_view(is_armed=False, mode=Mode.LIVE)))
        text = lines(header)[0]
        assert all(word in text for word in ("LIVE", "BTC/USDT perp", "60,624.5", "LOCKED"))
        assert "idx" not in text


async def test_the_header_says_why_it_is_locked() -> None:
    async with on_stage(Header(), 140, 1) as (header, _):
        header.take(sample_frame(desk=desk_view(is_armed=False, lock_reason="idle for 15 min")))
        assert lines(header)[0].endswith("LOCKED idle for 15 min")


async def test_the_funding_countdown_runs_without_news() -> None:
    async with on_stage(Header(), 120, 1) as (header, _):
        header.take(sample_frame())
        header.tick(NOW + 53 * NANOSECONDS)
        assert "in 02:56:00" in lines(header)[0]


async def test_nothing_new_paints_nothing() -> None:
    async with on_stage(Header(), 120, 1) as (header, pilot):
        header.take(sample_frame())
        await pilot.pause()
        header.take(sample_frame(2))
        assert await repainted(header, pilot) == []


async def test_a_desk_that_shows_nothing_yet() -> None:
    async with on_stage(Header(), 80, 1) as (header, _):
        header.take(empty_frame())
        assert "no instrument" in lines(header)[0]


@pytest.mark.parametrize(
    ("desk", "words"),
    [
        ({"detach_policy": "cancel_all"}, "hang-up cancels all"),
        ({"detach_policy": "cancel_session"}, "hang-up cancels this session's orders"),
        (
            {"detach_policy": "cancel_all", "detach_when": "after 15 min idle"},
            "hang-up cancels all, also after 15 min idle",
        ),
        ({}, "hang-up leaves orders"),
    ],
)
async def test_what_a_hang_up_does_is_said_before_it_happens(desk: dict[str, Any], words: str) -> None:
    async with on_stage(Header(), 160, 1) as (header, _):
        header.take(sample_frame(desk=desk_view(**desk)))
        assert words in lines(header)[0]
        assert hang_up_words(desk_view(**desk)) == words


@pytest.mark.parametrize("policy", ["leave", "cancel_session", "cancel_all"])
async def test_on_a_narrow_header_a_detach_policy_pushes_nothing_out(policy: str) -> None:
    async with on_stage(Header(), 80, 1) as (header, _):
        header.take(sample_frame())
        before = lines(header)
        header.take(sample_frame(2, desk=desk_view(detach_policy=policy, detach_when="after 15 min idle")))
        assert lines(header) == before
        assert "02:56:53" in before[0] and "main" in before[0] and "ARMED" in before[0]


@pytest.mark.parametrize("width", [50, 80, 120])
async def test_a_desk_that_recovers_is_locked_whatever_else_it_is(width: int) -> None:
    async with on_stage(Header(), width, 1) as (header, _):
        header.take(sample_frame(recovery=recovery_view()))
        assert "LOCKED" in lines(header)[0] and "ARMED" not in lines(header)[0]
        assert ("recovery: u" in lines(header)[0]) is (width >= 100)
        header.take(Frame(number=2, ts=NOW, recovery=recovery_view(is_over=True)))
        assert "ARMED" in lines(header)[0]


@pytest.mark.parametrize("width", [50, 80, 120])
async def test_a_desk_that_only_watches_is_read_only_on_every_width(width: int) -> None:
    reason = "another pitside holds this profile"
    async with on_stage(Header(), width, 1) as (header, _):
        header.take(sample_frame(desk=desk_view(mode=Mode.LIVE, read_only_reason=reason)))
        text = lines(header)[0]
        assert text.startswith(" READ-ONLY ")
        assert "60,624.5" in text and "LIVE" not in text and "ARMED" not in text
        assert width < 80 or "02:56:53" in text
        assert (reason in text) is (width >= 100)


async def test_summary() -> None:
    async with on_stage(Summary(), 120, 1) as (summary, _):
        summary.take(sample_frame())
        assert lines(summary)[0] == (
            " equity 25,061.37 USDT   day P&L +71.12 (fees -4.10, funding +0.22)   budget 40,000 of 250,000"
        )


async def test_status_bar_has_a_chip_per_venue_and_the_hints_at_the_right() -> None:
    async with on_stage(StatusBar(), 120, 1) as (bar, _):
        bar.take(sample_frame())
        bar.set_terminal(31.2, 24_000_000)
        bar.set_hints([("b", "buy"), ("?", "help")])
        text = lines(bar)[0]
        assert text.startswith(" paper ● 0.2 ms  clock 0 ms   1,004 msg/s   31 KB/s   term 24 ms")
        assert text.endswith("b buy   ? help")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (LinkState.LIVE, "●"), (LinkState.STALE, "◐ stale 7 s"), (LinkState.RECONNECTING, "○ reconnecting"),
        (LinkState.CONNECTING, "○ connecting"), (LinkState.DOWN, "✕ down"), (LinkState.ENDED, "■ ended"),
    ],
)  # fmt: skip
async def test_every_state_has_a_glyph_and_words(state: LinkState, words: str) -> None:
    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        view = venue_view("max", state, ts_last_data=NOW - 7 * NANOSECONDS)
        bar.take(Frame(number=1, ts=NOW, venues=(view,)))
        assert f"max {words}" in lines(bar)[0]


async def test_a_live_venue_that_is_polled_says_so_with_its_age() -> None:
    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        view = venue_view("max", round_trip=None, detail="polling, 1.2 s")
        bar.take(Frame(number=1, ts=NOW, venues=(view,)))
        assert "max ● polling, 1.2 s" in lines(bar)[0]
        bar.take(Frame(number=2, ts=NOW, venues=(msgspec.structs.replace(view, detail="another word"),)))
        assert "another" not in lines(bar)[0]


async def test_a_clock_that_is_off_is_marked() -> None:
    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        bar.take(Frame(number=1, ts=NOW, venues=(venue_view(clock_offset=-240_000_000),)))
        assert "clock !-240 ms" in lines(bar)[0]


async def test_on_a_narrow_line_hints_go_before_venues() -> None:
    async with on_stage(StatusBar(), 60, 1) as (bar, _):
        bar.take(sample_frame(venues=(venue_view("paper"), venue_view("max", LinkState.DOWN))))
        bar.set_hints([(key, "something") for key in "bscx?"])
        assert "max ✕ down" in lines(bar)[0]
        assert "? something" not in lines(bar)[0]


@pytest.mark.parametrize("mode", list(Mode))
async def test_the_badge_is_the_modes_word(mode: Mode) -> None:
    async with on_stage(ModeBadge(), 11, 1) as (badge, _):
        badge.take(sample_frame(desk=desk_view(mode=mode)))
        assert lines(badge)[0].strip() == mode.value
        badge.take(sample_frame(2, desk=desk_view(mode=mode, read_only_reason="the profile is in use")))
        assert lines(badge)[0].strip() == "READ-ONLY"


def test_a_theme_sets_the_colours_and_a_mistake_in_it_falls_back() -> None:
    plain = Palette.of({})
    themed = Palette.of(dict.fromkeys(VARIABLES, "#102030"))
    broken = Palette.of(dict.fromkeys(VARIABLES, "no colour at all"))
    assert str(themed.buy.color) != str(plain.buy.color)
    assert themed.buy_depth.color is not None
    assert themed.buy_depth.color.get_truecolor() == (16, 32, 48)
    assert broken == plain


def test_the_terminals_own_sixteen_colours_stay_its_own() -> None:
    palette = Palette.of({"foreground": "ansi_default", "success": "ansi_green", "primary": "ansi_blue"})
    assert palette.buy.color is not None
    assert palette.buy.color.number == 2
    assert palette.muted.dim
    assert palette.cursor.reverse


def test_without_colour_an_alarm_is_not_fainter_than_text() -> None:
    palette = Palette.of({"error": "#400000"}).without_colour()
    assert palette.sell == palette.buy == palette.text
    assert palette.alarm.bold
    assert palette.alarm.color == palette.text.color
    assert palette.cursor.reverse
