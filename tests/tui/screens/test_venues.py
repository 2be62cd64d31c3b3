"""The venue picker: how each venue is doing, going to one, opening one more."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.desk_app import Running, running
from tests.support.frames import BTC_PERP, BTC_SPOT, NOW, desk_view, venue_view
from tests.support.hostile import HOSTILE
from tests.support.scripted_desk import ScriptedDesk
from tests.support.venues import (
    COINEX_BTC,
    COINEX_ETH,
    LIVE_OFFER,
    coinex_quotes,
    coinex_view,
    several_frame,
    troubled_frame,
    watching_frame,
)
from tui.desk.control import Outcome, Reason, Verdict
from tui.desk.frame import Frame, VenueOffer
from tui.screens.confirm import Confirm
from tui.screens.help import Help
from tui.screens.venues import VenuePicker, instrument_of
from tui.widgets.venue_table import VenueTable
from venues.events import LinkState
from venues.model import NANOSECONDS
from venues.port import Mode

SIZES = [(200, 60), (120, 40), (80, 24), (40, 10)]
REFUSED = Outcome(verdict=Verdict.DENIED, reasons=(Reason("venue", "max is open already"),))


def scripted(*frames: Frame) -> ScriptedDesk:
    return ScriptedDesk(frames)


def table_of(desk: Running) -> VenueTable:
    return desk.app.screen.query_one(VenueTable)


async def go_to(desk: Running, venue: str) -> None:
    """Opens the picker and puts its cursor on a venue."""
    await desk.press("V", "g")
    for _ in range([row.venue for row in table_of(desk).rows].index(venue)):
        await desk.press("j")
    selected = table_of(desk).selected
    assert selected is not None
    assert selected.venue == venue


@pytest.mark.parametrize("size", SIZES)
async def test_each_venue_has_a_row_with_mode_and_state_at_every_size(size: tuple[int, int]) -> None:
    wanted = {
        "coinex": ("LIVE", "● live"), "pumpkin": ("LIVE", "○ reconnecting"), "max": ("LIVE", "● live"),
        "mayex": ("READ-ONLY", "● live"), "replay": ("REPLAY", "· not open"),
    }  # fmt: skip
    async with running(scripted(troubled_frame()), size) as desk:
        await desk.press("V", "g")
        assert desk.shows(VenuePicker)
        for venue, words in wanted.items():
            line = next(line for line in desk.text.splitlines() if f"▶{venue} " in line)
            assert all(word in line for word in words), line
            await desk.press("j")


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_lies_outside_and_nothing_is_wider_than_the_terminal(size: tuple[int, int]) -> None:
    async with running(scripted(troubled_frame()), size) as desk:
        await desk.press("V")
        screen = desk.app.screen
        for name in ("#venues", "#venue-table", "#venue-details"):
            assert screen.region.contains_region(screen.query_one(name).region), name
        assert not screen.query_one("#venue-table").region.overlaps(screen.query_one("#venue-details").region)
        assert screen.query_one("#venue-details").region.height >= 3


async def test_the_figures_of_a_venue() -> None:
    async with running(scripted(several_frame()), (200, 60)) as desk:
        await go_to(desk, "coinex")
        line = next(line for line in desk.text.splitlines() if "▶coinex" in line)
        assert "0.1 s" in line and "48 ms" in line and "-12 ms" in line and " 2? " in line
        assert "limit market stop stop-limit · amend" in line
        assert "1 of 2 orders UNKNOWN" in desk.text
        assert "limit, market, stop, stop-limit" in desk.text
        assert "GTC IOC FOK, post-only, amended in place" in desk.text
        assert "balances, no positions" in desk.text


@pytest.mark.parametrize("size", SIZES)
async def test_what_a_narrow_table_has_no_room_for_stands_below_it(size: tuple[int, int]) -> None:
    async with running(scripted(several_frame()), size) as desk:
        await go_to(desk, "coinex")
        assert "48 ms" in desk.text and "-12 ms" in desk.text and "0.1 s" in desk.text


@pytest.mark.parametrize(
    ("venue", "words"),
    [
        ("pumpkin", "no answer to the heartbeat for 10 s"),
        ("pumpkin", "the newest is 14 s old"),
        ("max", "none can be sent: the key was refused: signature error (25)"),
        ("mayex", "off: there is no key for mayex: press K to add one, or  pitside keys add mayex"),
        ("mayex", "`pitside --venue mayex --practice` trades on a local copy of it"),
        ("coinex", "!-240 ms from ours"),
        ("replay", "REPLAY and PAPER can not be on one desk"),
    ],
)
async def test_what_is_wrong_is_said_in_words(venue: str, words: str) -> None:
    async with running(scripted(troubled_frame())) as desk:
        await go_to(desk, venue)
        assert words in desk.text


async def test_a_venues_own_remedy_goes_before_ours() -> None:
    views = (venue_view(), coinex_view(Mode.READ_ONLY, fault="the keyring is locked: pitside doctor"))
    async with running(scripted(watching_frame(venues=views))) as desk:
        await go_to(desk, "coinex")
        assert "off: the keyring is locked: pitside doctor" in desk.text
        assert "--practice" not in desk.text


async def test_enter_shows_the_same_market_of_another_venue() -> None:
    async with running(scripted(several_frame(shown=BTC_SPOT))) as desk:
        await go_to(desk, "coinex")
        assert "Enter shows BTC/USDT" in desk.text
        await desk.press("enter")
        assert desk.desk.calls == [("show", COINEX_BTC.id)]
        assert not desk.shows(VenuePicker)


async def test_enter_shows_what_was_shown_there_last() -> None:
    first, then = several_frame(1, shown=COINEX_ETH), several_frame(2, shown=BTC_SPOT)
    async with running(scripted(first, then)) as desk:
        desk.app.take_news()
        await go_to(desk, "coinex")
        await desk.press("enter")
        assert desk.desk.calls == [("show", COINEX_ETH.id)]


def test_a_favourite_goes_before_the_same_market_and_the_same_market_before_the_first() -> None:
    frame = several_frame(shown=BTC_SPOT)
    assert instrument_of(frame, "coinex") == COINEX_BTC
    eth = msgspec.structs.replace(coinex_quotes()[1], is_favourite=True)
    liked = several_frame(shown=BTC_SPOT, quotes=(coinex_quotes()[0], eth))
    assert instrument_of(liked, "coinex") == COINEX_ETH
    assert instrument_of(liked, "coinex", COINEX_BTC.id) == COINEX_BTC
    other = several_frame(shown=BTC_PERP, quotes=(), instruments=(COINEX_ETH, COINEX_BTC))
    assert instrument_of(other, "coinex") == COINEX_ETH
    assert instrument_of(several_frame(instruments=(), quotes=()), "coinex") is None


async def test_a_venue_of_which_nothing_is_known_yet_says_so_and_stays() -> None:
    async with running(scripted(troubled_frame())) as desk:
        await go_to(desk, "pumpkin")
        await desk.press("enter")
        assert desk.shows(VenuePicker)
        assert desk.asked == []
        assert desk.toasts == ["pumpkin: no instrument of it is known yet"]


async def test_enter_opens_a_venue_that_is_not_open_and_the_picker_shows_it_come() -> None:
    frame = watching_frame()
    opening = watching_frame(
        2, venues=(*(frame.venues or ()), coinex_view(Mode.READ_ONLY, LinkState.CONNECTING, "max"))
    )
    async with running(scripted(frame)) as desk:
        await go_to(desk, "max")
        assert "Enter opens it READ-ONLY" in desk.text
        await desk.press("enter")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("open_venue", "max")]
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["max is being opened, READ-ONLY: its public data, without a key: no orders"]
        desk.desk.frames.append(opening)
        desk.app.take_news()
        await desk.pilot.pause()
        assert desk.shows(VenuePicker)
        selected = table_of(desk).selected
        assert selected is not None and selected.venue == "max" and selected.view is not None
        assert "▶max" in desk.text and "○ connecting" in desk.text


async def test_a_refusal_of_the_desk_is_said() -> None:
    desk_that_refuses = scripted(watching_frame())
    desk_that_refuses.outcomes.append(REFUSED)
    async with running(desk_that_refuses) as desk:
        await go_to(desk, "max")
        await desk.press("enter")
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["max is not opened. max is open already"]


async def test_a_venue_that_can_not_join_is_not_asked_for() -> None:
    async with running(scripted(watching_frame())) as desk:
        await go_to(desk, "replay")
        assert "Enter opens" not in desk.text
        await desk.press("enter")
        assert desk.asked == []
        assert desk.toasts == ["replay can not be opened: REPLAY and PAPER can not be on one desk"]


@pytest.mark.parametrize("answer", ["n", "y"])
async def test_a_venue_on_which_orders_are_real_is_asked_about(answer: str) -> None:
    live = desk_view(COINEX_BTC, mode=Mode.LIVE, offers=(LIVE_OFFER,))
    async with running(scripted(troubled_frame(desk=live))) as desk:
        await go_to(desk, "hobart")
        await desk.press("enter")
        await desk.until(lambda: desk.shows(Confirm))
        assert "Open hobart LIVE?" in desk.text
        assert "orders on it are real" in desk.text
        assert desk.asked == []
        await desk.wait()
        await desk.press(answer)
        await desk.until(lambda: not desk.shows(Confirm))
        if answer == "y":
            await desk.until(lambda: desk.asked)
        assert desk.asked == (["open_venue"] if answer == "y" else [])
        assert desk.shows(VenuePicker)


async def test_esc_leaves_and_changes_nothing() -> None:
    for key in ("escape", "q", "V"):
        async with running(scripted(several_frame())) as desk:
            await desk.press("V", "j", key)
            assert not desk.shows(VenuePicker)
            assert desk.asked == []
            assert desk.focus == "book"


async def test_trading_keys_do_nothing_in_the_picker() -> None:
    async with running(scripted(several_frame())) as desk:
        await desk.press("V", "b", "s", "B", "S", "c", "C", "x", "X", "t", "A", "e", "2")
        assert desk.shows(VenuePicker)
        assert desk.asked == []
        assert not desk.dashboard.ticket.is_open


async def test_it_follows_the_desk_and_the_cursor_keeps_its_venue() -> None:
    async with running(scripted(several_frame())) as desk:
        await go_to(desk, "coinex")
        down = coinex_view(state=LinkState.DOWN, detail="connection refused")
        desk.desk.frames.append(Frame(number=2, ts=NOW + NANOSECONDS, venues=(coinex_view(venue="aaa"), down)))
        desk.app.take_news()
        await desk.pilot.pause()
        assert "▶coinex" in desk.text and "✕ down" in desk.text and "connection refused" in desk.text


async def test_ages_run_on_while_nothing_comes() -> None:
    async with running(scripted(several_frame())) as desk:
        await desk.press("V")
        assert "12 s" not in desk.text
        desk.clock.pass_seconds(12)
        await desk.until(lambda: "12 s" in desk.text)


async def test_what_a_venue_says_is_only_text() -> None:
    async with running(scripted(troubled_frame()), (80, 24)) as desk:
        await desk.press("V")
        for number, hostile in enumerate(HOSTILE.values(), 2):
            text = hostile.text
            views = (coinex_view(state=LinkState.DOWN, venue="max", detail=text, fault=text),)
            offers = (VenueOffer(venue="zz", mode=Mode.READ_ONLY, words=text, refusal=text if number % 2 else ""),)
            frame = troubled_frame(number, venues=views, desk=desk_view(COINEX_BTC, mode=Mode.LIVE, offers=offers))
            desk.desk.frames.append(frame)
            desk.app.take_news()
            for key in ("g", "G"):
                await desk.press(key)
                assert [c for line in desk.text.splitlines() for c in line if not c.isprintable()] == []
                assert {len(line) for line in desk.text.splitlines()} == {80}


async def test_the_line_goes_to_a_venue_by_its_name() -> None:
    async with running(scripted(watching_frame(shown=BTC_SPOT))) as desk:
        desk.dashboard.commands.run_line("venues coinex")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("show", COINEX_BTC.id)]
        desk.dashboard.commands.run_line("venues max")
        await desk.until(lambda: len(desk.asked) == 2)
        assert desk.desk.calls[1] == ("open_venue", "max")
        desk.dashboard.commands.run_line("venues mars")
        await desk.until(lambda: "there is no venue 'mars'" in desk.toasts)
        desk.dashboard.commands.run_line("venues")
        await desk.until(lambda: desk.shows(VenuePicker))


async def test_help_lists_it() -> None:
    async with running(size=(120, 60)) as desk:
        await desk.press("question_mark")
        assert desk.shows(Help)
        assert "V          venues: how each is doing" in desk.text
