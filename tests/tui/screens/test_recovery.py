"""The recovery screen shows what nobody has answered for, and comes up and goes as the desk needs it."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest

from tests.support.desk_app import running
from tests.support.frames import (
    NOW,
    desk_view,
    order_views,
    recovery_rows,
    recovery_view,
    sample_frame,
)
from tests.support.hostile import HOSTILE
from tests.support.recovery import cursor, found, opened, take, tick
from tests.support.scripted_desk import ScriptedDesk
from tui.desk.frame import RecoveryView
from tui.screens.confirm import Confirm
from tui.screens.dashboard import Dashboard
from tui.screens.help import Help
from tui.screens.panic import PanicOverlay
from tui.screens.recovery import LOCKED, Decision, RecoveryScreen, unanswered_rows
from venues.model import NANOSECONDS
from venues.port import Mode

SIZES = [(40, 10), (80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_a_desk_that_left_something_unanswered_opens_with_it(size: tuple[int, int]) -> None:
    async with running(opened(), size=size) as desk:
        assert desk.shows(RecoveryScreen)
        text = " ".join(desk.text.split())
        for word in LOCKED.split():
            assert word in text
        for words in ("PAPER", "BUY 0.250 BTC/USDT perp @ 60,000.0", "coinex", "14:03:02 UTC", "UNKNOWN 5.2 s"):
            assert words in text
        for words in ("looked up until it is proven", "provable in 00:00:12", "Ctrl+X panic", "? help"):
            assert words in text
        assert desk.asked == []


async def test_all_rows_and_remarks_stand_on_it() -> None:
    async with running(opened(), size=(80, 24)) as desk:
        for words in (
            "SELL 3.00 ETH/USDT perp market", "UNKNOWN 5 m 12 s", "no moment of proof is known",
            "cancelled, 0.12 filled", "09-27 12:00 UTC", "the run before ended", "2 of 4 are UNKNOWN",
        ):  # fmt: skip
            assert words in desk.text


async def test_every_line_can_be_reached_on_the_smallest_terminal() -> None:
    async with running(opened(), size=(40, 10)) as desk:
        seen = set()
        for _ in range(20):
            seen |= {line.strip() for line in desk.text.splitlines()}
            await desk.press("j")
        for words in (
            "you have looked there",
            "cancelled, 0.12 filled",
            "all open orders were read",
            "row is of 14:02:59",
        ):
            assert any(words in line for line in seen), words
        for _ in range(20):
            await desk.press("k")
        assert cursor(desk) == recovery_rows()[0]


@pytest.mark.parametrize(
    "view",
    [None, RecoveryView(), recovery_view(is_over=True), RecoveryView(is_over=True)],
    ids=["none", "empty", "over", "empty and over"],
)
async def test_a_desk_that_found_nothing_opens_as_ever(view: RecoveryView | None) -> None:
    async with running(ScriptedDesk([sample_frame(recovery=view)])) as desk:
        assert desk.shows(Dashboard)


async def test_what_is_found_later_comes_up_as_soon_as_no_dialog_stands() -> None:
    async with running(ScriptedDesk([sample_frame(orders=())])) as desk:
        await desk.press("ctrl+x")
        await take(desk, found(number=2))
        assert desk.shows(PanicOverlay)
        await desk.press("escape")
        desk.app.take_news()
        await desk.pilot.pause()
        assert desk.shows(RecoveryScreen)


async def test_it_follows_the_frames_and_time() -> None:
    async with running(opened()) as desk:
        desk.clock.pass_seconds(1)
        await tick(desk)
        assert "UNKNOWN 6.2 s" in desk.text
        assert "provable in 00:00:11" in desk.text
        first, *rest = recovery_rows()
        rows = (msgspec.structs.replace(first, state="it rests", is_settled=True, ts_provable=None), *rest)
        await take(desk, found(recovery_view(rows), 2))
        assert "it rests" in desk.text
        assert "1 of 4 is UNKNOWN" in desk.text
        assert LOCKED in desk.text
        assert cursor(desk) == rows[0]


async def test_a_moment_of_proof_that_has_passed_is_said() -> None:
    async with running(opened()) as desk:
        desk.clock.pass_seconds(12)
        await tick(desk)
        assert "provable now" in desk.text


async def test_panic_works_over_it_and_over_its_questions() -> None:
    async with running(opened()) as desk:
        await desk.press("d")
        await desk.press("ctrl+x")
        await desk.until(lambda: desk.shows(PanicOverlay))
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.asked)
        assert desk.asked == ["panic"]


@pytest.mark.parametrize("key", ["escape", "q", "u"])
async def test_leaving_it_unlocks_nothing_and_u_leads_back(key: str) -> None:
    async with running(opened(), size=(160, 45)) as desk:
        await desk.press(key)
        assert desk.shows(Dashboard)
        assert "LOCKED recovery: u" in desk.text
        assert "still locked" in desk.toasts[0]
        desk.app.take_news()
        await desk.pilot.pause()
        assert desk.shows(Dashboard)  # it does not push itself forward again
        assert desk.asked == []
        await desk.press("u")
        assert desk.shows(RecoveryScreen)


async def test_ctrl_c_asks_whether_to_quit() -> None:
    async with running(opened()) as desk:
        await desk.press("ctrl+c")
        assert desk.shows(Confirm)
        assert "Quit?" in desk.text


async def test_help_names_its_own_keys() -> None:
    async with running(opened()) as desk:
        await desk.press("question_mark")
        assert desk.shows(Help)
        assert "I looked: it is not at the venue (asks)" in desk.text
        assert "buy:" not in desk.text


@pytest.mark.parametrize("way", ["key", "line"])
async def test_an_order_that_became_unknown_later_is_decided_about_too(way: str) -> None:
    async with running() as desk:
        if way == "key":
            await desk.press("u")
        else:
            desk.dashboard.commands.run_line("recovery")
        await desk.until(lambda: desk.shows(RecoveryScreen))
        await desk.pilot.pause()
        assert "SELL 0.100 BTC/USDT perp @ 60,640.0" in desk.text
        assert LOCKED not in desk.text
        await desk.press("d")
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("decide_gone", "p0004")]
        await desk.wait()
        await desk.press("enter")
        assert desk.shows(Dashboard)
        assert "end_recovery" not in desk.asked


async def test_with_nothing_unknown_u_says_so() -> None:
    async with running(ScriptedDesk([sample_frame(orders=())])) as desk:
        await desk.press("u")
        assert desk.shows(Dashboard)
        assert "nothing is UNKNOWN" in desk.toasts[0]


def test_an_unknown_order_is_listed_once_and_its_proof_is_shown() -> None:
    unknown = msgspec.structs.replace(order_views()[0], ts_provable=NOW + NANOSECONDS)
    own = msgspec.structs.replace(recovery_rows()[0], key=unknown.key)
    assert unanswered_rows(sample_frame(orders=(unknown,), recovery=recovery_view((own,)))) == [own]
    (row,) = unanswered_rows(sample_frame(orders=(unknown,)))
    assert (row.key, row.venue, row.ts_provable) == (unknown.key, "paper", NOW + NANOSECONDS)


def test_after_going_on_a_row_whose_order_has_ended_is_not_called_unknown() -> None:
    over = recovery_view(is_over=True)
    working = msgspec.structs.replace(order_views()[0], key="r2")
    rows = unanswered_rows(sample_frame(orders=(working,), recovery=over))
    assert [(row.key, row.is_settled) for row in rows] == [("r1", True), ("r2", False), ("r3", True), ("", True)]
    assert "over by now" in rows[0].state


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_text_is_inert(name: str) -> None:
    size = (80, 24) if len(name) % 2 else (40, 10)
    text = HOSTILE[name].text
    rows = tuple(
        msgspec.structs.replace(row, venue=text, text=text, state=text, key=text) for row in recovery_rows()
    )
    view = recovery_view(rows, notices=(text, text))
    frame = sample_frame(desk=desk_view(account=text), orders=(), recovery=view)
    async with running(ScriptedDesk([frame]), size=size) as desk:
        for keys in (("j",), ("k", "d")):
            await desk.press(*keys)
            for strip in desk.app.screen._compositor.render_strips():
                assert strip.cell_length == size[0]
                for segment in strip:
                    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in segment.text)
                    assert segment.style is None or (segment.style.link is None)
                    assert segment.style is None or "app.quit" not in str(segment.style.meta)
        assert desk.shows(Decision)


async def test_a_desk_that_only_watches_says_why_and_opens_no_ticket() -> None:
    frame = sample_frame(desk=desk_view(mode=Mode.LIVE, read_only_reason="another pitside holds this profile"))
    async with running(ScriptedDesk([frame])) as desk:
        assert desk.toasts == ["READ-ONLY: another pitside holds this profile"]
        assert "READ-ONLY" in desk.text and "LIVE" not in desk.text
        await desk.press("j", "b", "B", "A")
        assert not desk.dashboard.ticket.is_open
        assert not desk.dashboard.hand.has_preview
        assert desk.asked == []
        assert desk.toasts[-1] == "READ-ONLY: another pitside holds this profile"
        await desk.press("2", "c")
        await desk.until(lambda: desk.asked == ["cancel"])
