"""Positions and margin: what stands behind each position, what funding does, and the venue's bills."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from tests.support.desk_app import Running, running
from tests.support.frames import NOW
from tests.support.hostile import HOSTILE
from tests.support.margin_desk import max_frame, max_margin, max_view
from tests.support.pumpkin_desk import (
    BTC,
    bills,
    both_sides,
    flat_frame,
    margin_move,
    margin_request,
    pumpkin_frame,
    pumpkin_view,
    several_on_a_side,
)
from tests.support.scripted_desk import ScriptedDesk
from tui.desk.control import Bills
from tui.desk.frame import Frame
from tui.keymap import ACTIONS, Context
from tui.screens.confirm import CloseChooser, Confirm
from tui.screens.help import Help
from tui.screens.margin import MarginScreen
from tui.screens.position_dialogs import LeverageDialog, MarginDialog
from tui.screens.position_margin import PositionMarginScreen
from tui.screens.recovery import RecoveryScreen
from tui.widgets.bill_table import BillTable
from venues.commands import FundsKind
from venues.events import LinkState
from venues.model import NANOSECONDS

TEXTS = [each.text for each in HOSTILE.values()]
SMALL, TINY = (80, 24), (40, 10)
EACH = ("1,514.96 I", "303.55 I", "142.26 C", "LONG", "SHORT")  # margin and side of every position


def desk_of(frame: Frame | None = None, told: Bills | Future[Bills] | None = None) -> ScriptedDesk:
    desk = ScriptedDesk([frame or pumpkin_frame()])
    desk.bills = told or bills()
    return desk


def screen_of(desk: Running) -> PositionMarginScreen:
    screen = desk.app.screen
    assert isinstance(screen, PositionMarginScreen)
    return screen


async def line_in(desk: Running, line: str) -> None:
    """Carries out a `:` line."""
    desk.dashboard.commands.run_line(line)
    await desk.pilot.pause()
    await desk.pilot.pause()


async def take(desk: Running, frame: Frame) -> None:
    desk.desk.frames.append(frame)
    desk.app.take_news()
    await desk.pilot.pause()


async def test_it_says_what_there_is_and_what_stands_behind_each_position() -> None:
    async with running(desk_of()) as desk:
        await desk.press("M")
        for words in (
            "wallet 9,412.88   available 7,342.51   held 2,070.37   equity 9,447.42 USDT",
            "funding so far -0.27   next ~-1.09 in 2:56:53",
            "1,514.96 USDT isolated, 10x; nothing of it may be taken out",
            "~54,780.2  9.6% from the mark; our estimate: 0.40% of its worth has to be kept",
            "0.31 paid so far   next ~-1.52 in 2:56:53 at +0.0100%",
            "0.2500 BTC = 2,500 contracts   worth 15,156.22 USDT",
            "60,598.2   mark 60,624.9   P&L +6.68   break-even 60,670.9",
            "positions and margin · pumpkin · main  PRACTICE",
        ):
            assert words in desk.text, words
        desk.clock.pass_seconds(54)
        screen_of(desk).let_time_pass()  # ages and countdowns run while nothing comes
        await desk.pilot.pause()
        assert "next ~-1.52 in 2:55:59" in desk.text and "as of 54 s ago" in desk.text
        silent = pumpkin_view(state=LinkState.STALE, ts_last_data=NOW - 60 * NANOSECONDS)
        await take(desk, pumpkin_frame(2, venues=(silent,)))
        assert "◐ stale" in desk.text
        await desk.press("j", "j")
        assert "142.26 USDT cross, 50x; all that is available stands behind it" in desk.text


async def test_bills_are_read_once_and_again_by_key_and_a_refusal_says_why() -> None:
    slow: Future[Bills] = Future()
    async with running(desk_of(told=slow)) as desk:
        await desk.press("M", "b", "b")
        assert "bills  being read …" in desk.text
        slow.set_result(bills())
        await desk.until(lambda: "realised P&L" in desk.text)
        assert [call for call in desk.desk.calls if call[0] == "fetch_bills"] == [("fetch_bills", "pumpkin", 50)]
        assert "LIQUIDATION" in desk.text and "-42.07" in desk.text and "9,412.88  FUND" in desk.text
        await desk.press("b")
        assert desk.asked.count("fetch_bills") == 2
        # A refusal says why, and what was read before stays.
        desk.clock.pass_seconds(90)
        desk.desk.bills = Bills(refusal="the quota is used up: again in 42 s")
        await desk.press("b")
        assert "bills  can not be read: the quota is used up: again in 42 s" in desk.text
        assert "realised P&L" in desk.text


async def test_on_a_small_terminal_tab_goes_to_the_bills_and_back() -> None:
    async with running(desk_of(), TINY) as desk:
        await desk.press("M")
        for words in EACH:
            assert words in desk.text
        assert "funding " not in desk.text
        await desk.press("tab")
        assert "funding" in desk.text and "-0.31" in desk.text and "303.55 I" not in desk.text
        await desk.press("G", "tab")
        assert "303.55 I" in desk.text


async def test_enter_on_a_row_of_the_positions_opens_its_details() -> None:
    async with running(desk_of(pumpkin_frame(positions=several_on_a_side())), SMALL) as desk:
        await desk.press("1", "j", "enter")
        selected = screen_of(desk).selected
        assert selected is not None and selected.position.position_id == "88219"
        assert ("show", BTC.id) in desk.desk.calls
        await desk.press("enter")
        assert not desk.shows(PositionMarginScreen)


async def test_the_row_keys_mean_the_row() -> None:
    async with running(desk_of(pumpkin_frame(positions=several_on_a_side()))) as desk:
        await desk.press("M", "j", "x")
        assert desk.shows(CloseChooser) and "close LONG 0.0500 BTC/USDT perp #88219" in desk.text
        await desk.wait()
        await desk.press("2")
        await desk.until(lambda: "close_position" in desk.asked)
        assert desk.desk.calls[-1][1:] == (BTC.id, "88219", 50)
        await desk.press("j", "t")
        await desk.until(lambda: desk.shows(Confirm))
        assert "Reverse SHORT 0.1000 BTC/USDT perp?" in desk.text
        assert "LONG 0.2500 BTC/USDT perp #88213 is open" in " ".join(desk.text.split())
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: "reverse_position" in desk.asked)
        assert desk.desk.calls[-1][1:] == (BTC.id, "88214")


@pytest.mark.parametrize("size", [(120, 40), TINY])
async def test_a_change_that_nobody_has_answered_is_seen_and_can_be_decided(size: tuple[int, int]) -> None:
    frame = pumpkin_frame(positions=both_sides(funds=(margin_move(words="its margin is compared"),)))
    async with running(desk_of(frame), size) as desk:
        await desk.press("M")
        assert "ADD MARGIN 50 USDT" in desk.text and "UNKNOWN 5.0 s" in desk.text
        if size[0] > 40:
            assert "no moment of proof is known: look at the venue, then u" in desk.text
        await desk.press("u")
        assert desk.shows(RecoveryScreen)
        await desk.press("d")
        await desk.until(lambda: desk.shows(Confirm))
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: "decide_gone" in desk.asked)
        assert desk.desk.calls[-1] == ("decide_gone", "f1")
        await desk.press("escape")

        taken = margin_request(FundsKind.REMOVE_MARGIN, "20", key="f2")
        moot = msgspec.structs.replace(margin_move("moot"), is_over=True, words="its position is closed")
        over = (margin_move("done"), margin_move("refused", taken, "insufficient"), moot)
        await take(desk, pumpkin_frame(2, positions=both_sides(funds=over)))
        if size[0] > 40:
            assert "✓ ADD MARGIN 50 USDT  done" in desk.text
            await desk.press("pagedown")
            assert "✕ TAKE MARGIN OUT 20 USDT  refused" in desk.text and "insufficient" in desk.text
            await desk.press("pagedown")
            assert "· ADD MARGIN 50 USDT  moot" in desk.text


async def test_a_single_position_has_a_heading_and_without_one_leverage_can_still_be_set() -> None:
    async with running(desk_of(pumpkin_frame(positions=both_sides()[:1])), (120, 40)) as desk:
        await desk.press("M")
        assert "1,514.96 I" in desk.text and "away" in desk.text.split("wallet")[1].split("1,514.96 I")[0]
        await take(desk, flat_frame(number=2))
        assert "no position at pumpkin; l sets leverage and margin mode" in desk.text
        await desk.press("a")
        assert "there is no position here whose margin could be changed" in desk.toasts[-1]
        await desk.press("l")
        assert desk.shows(LeverageDialog)


async def test_each_venue_has_the_screen_that_fits_it() -> None:
    given: dict[str, Any] = {"venues": (pumpkin_view(), max_view()), "margins": (max_margin(),)}
    async with running(desk_of(pumpkin_frame(**given)), SMALL) as desk:
        await desk.press("M")
        assert desk.shows(PositionMarginScreen)
        await desk.press("escape")
        await line_in(desk, "margin max")
        assert desk.shows(MarginScreen)
    async with running(desk_of(max_frame(**given)), SMALL) as desk:
        await desk.press("M")
        assert desk.shows(MarginScreen)
        await desk.press("escape")
        await line_in(desk, "margin pumpkin")
        assert desk.shows(PositionMarginScreen)


async def test_two_venues_with_positions_are_turned_through() -> None:
    other = msgspec.structs.replace(pumpkin_view(), venue="other")
    async with running(desk_of(pumpkin_frame(venues=(pumpkin_view(), other))), SMALL) as desk:
        await desk.press("M", "right")
        assert screen_of(desk).venue == "other" and "no position at other" in desk.text
        assert ("fetch_bills", "other", 50) in desk.desk.calls
        await desk.press("left")
        assert "1,514.96 I" in desk.text


async def test_commands_send_nothing_and_say_what_the_venue_refuses() -> None:
    async with running(desk_of()) as desk:
        await line_in(desk, "leverage 20 isolated")
        assert "SHORT 0.1 BTC/USDT perp #88214 first" in desk.toasts[-1] and "set_leverage" not in desk.asked
        await line_in(desk, "margin add 25")
        await desk.until(lambda: desk.shows(MarginDialog))
        assert "1,514.96  →  1,539.96 USDT" in desk.text and "move_funds" not in desk.asked


async def test_a_desk_without_such_a_venue_says_so() -> None:
    async with running() as desk:
        await line_in(desk, "margin out 25")
        assert "no venue that is open here lets the margin of a position be changed" in desk.toasts[-1]
        await line_in(desk, "bills")
        assert "no venue that is open here tells its bills" in desk.toasts[-1]


async def test_what_a_venue_says_stays_text() -> None:
    first = bills().bills[0]
    rows = tuple(
        msgspec.structs.replace(first, bill_id=str(number), words=text) for number, text in enumerate(TEXTS)
    )
    funds = tuple(margin_move("refused", words=text) for text in TEXTS)
    async with running(
        desk_of(pumpkin_frame(positions=both_sides(funds=funds)), Bills(bills=rows)), SMALL
    ) as desk:
        await desk.press("M", "tab")
        for text in TEXTS[:2]:
            desk.desk.bills = Bills(refusal=text)
            await desk.press("b")
            assert desk.shows(PositionMarginScreen) and "\x1b" not in desk.text


async def test_bills_open_by_command_and_every_key_that_the_help_names_is_bound() -> None:
    async with running(desk_of(), SMALL) as desk:
        await line_in(desk, "bills")
        assert isinstance(desk.app.focused, BillTable)
        await desk.press("j")
        assert "▶14:02:05" in desk.text
        for words in EACH:
            assert words in desk.text
        bound = set(screen_of(desk)._bindings.key_to_bindings)
        in_forms = {"holding.send"}
        for action in ACTIONS:
            if action.context is Context.POSITIONS and action.id not in in_forms:
                assert set(action.keys) <= bound, action.id
        await desk.press("question_mark")
        assert desk.shows(Help) and "add margin: a form, then a preview" in desk.text
