"""Panic: from anywhere, by two different keys, with a receipt that claims nothing that was not read back."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from tests.support.desk_app import running
from tests.support.frames import BTC_SPOT, NOW, order_view, sample_frame, venue_view
from tests.support.scripted_desk import RECEIPT, ScriptedDesk
from tui.config import Config, ConfirmSection
from tui.desk.frame import Fact, FactKind, PanicReceipt, Severity
from tui.screens.command_line import CommandLine
from tui.screens.error import ErrorDialog
from tui.screens.help import Help
from tui.screens.panic import PanicOverlay, Receipt, panic_scopes
from venues.port import Capabilities, Mode


def test_the_overlay_counts_external_orders_apart_and_values_positions() -> None:
    (scope,) = panic_scopes(sample_frame())
    assert scope.words == "5 orders (1 placed elsewhere), 2 positions ~22,250 USDT"


def test_a_venue_without_positions_keeps_its_balances() -> None:
    spot = venue_view("max", capabilities=Capabilities(mode=Mode.LIVE))
    frame = sample_frame(venues=(spot,), orders=(), positions=())
    assert panic_scopes(frame)[0].words == "0 orders; balances stay as they are"


def test_an_order_of_an_unknown_venue_is_counted_too() -> None:
    frame = sample_frame(venues=(), positions=(), orders=(order_view("a", BTC_SPOT, account="second"),))
    assert [(s.venue, s.account, s.orders) for s in panic_scopes(frame)] == [("paper", "second", 1)]


async def test_ctrl_x_then_y_panics_and_shows_the_receipt() -> None:
    async with running() as desk:
        await desk.press("ctrl+x")
        assert desk.shows(PanicOverlay)
        assert "paper  main  5 orders (1 placed elsewhere)" in desk.text
        assert desk.asked == []
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.shows(Receipt))
        assert desk.asked == ["panic"]
        for words in (
            "14:03:07 UTC",
            "1.8 s",
            "✓ proven",
            "NOT PROVEN: banned until 14:09:00",
            "1 order, 0 positions",
        ):
            assert words in desk.text
        await desk.press("escape")
        assert desk.shows(type(desk.dashboard))


async def test_y_is_deaf_at_first_and_a_held_key_keeps_it_so() -> None:
    async with running() as desk:
        await desk.press("ctrl+x")
        for _ in range(60):
            await desk.press("y")
            desk.clock.pass_seconds(1 / 30)
        assert desk.shows(PanicOverlay)
        assert desk.asked == []


@pytest.mark.parametrize("key", ["escape", "n", "q"])
async def test_it_is_dropped_by_other_keys(key: str) -> None:
    async with running() as desk:
        await desk.press("ctrl+x")
        await desk.wait()
        await desk.press(key)
        assert desk.shows(type(desk.dashboard))
        assert desk.asked == []


async def test_ctrl_x_again_does_not_confirm_and_makes_no_second_overlay() -> None:
    async with running() as desk:
        await desk.press("ctrl+x")
        await desk.wait()
        await desk.press("ctrl+x", "ctrl+x", "enter")
        assert desk.shows(PanicOverlay)
        assert len(desk.app.screen_stack) == 2
        assert desk.asked == []


@pytest.mark.parametrize("opening", [("b",), ("colon",), ("slash",), ("question_mark",), ("X",), ("ctrl+p",)])
async def test_it_works_from_inputs_and_dialogs(opening: tuple[str, ...]) -> None:
    async with running() as desk:
        await desk.press(*opening)
        await desk.press("ctrl+x")
        await desk.until(lambda: desk.shows(PanicOverlay))
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: "panic" in desk.asked)


async def test_counts_follow_the_market_while_the_question_stands() -> None:
    desk = ScriptedDesk([sample_frame(), sample_frame(2, orders=())])
    async with running(desk) as app:
        await app.press("ctrl+x")
        app.app.take_news()
        await app.pilot.pause()
        assert "0 orders, 2 positions" in app.text


async def test_a_panic_that_breaks_is_said_in_a_dialog() -> None:
    desk = ScriptedDesk([sample_frame()])
    desk.panic_future = Future()
    desk.panic_future.set_exception(RuntimeError("the engine does not run"))
    async with running(desk) as app:
        await app.press("ctrl+x")
        await app.wait()
        await app.press("y")
        await app.until(lambda: app.shows(ErrorDialog))
        assert "PANIC DID NOT FINISH" in app.text
        assert "the engine does not run" in app.text
        assert "venue's own site" in app.text


async def test_panic_is_not_started_twice_while_it_runs() -> None:
    desk = ScriptedDesk([sample_frame()])
    desk.panic_future = Future()
    async with running(desk) as app:
        await app.press("ctrl+x")
        await app.wait()
        await app.press("y", "ctrl+x")
        assert app.asked == ["panic"]
        assert not app.shows(PanicOverlay)
        desk.panic_future.set_result(RECEIPT)
        await app.until(lambda: app.shows(Receipt))


async def test_a_receipt_that_comes_as_a_fact_too_is_shown_once() -> None:
    desk = ScriptedDesk([sample_frame()])
    async with running(desk) as app:
        await app.press("ctrl+x")
        await app.wait()
        await app.press("y")
        await app.until(lambda: app.shows(Receipt))
        desk.facts.append(
            Fact(ts=NOW, kind=FactKind.PANIC, severity=Severity.ALARM, text="panic", receipt=RECEIPT)
        )
        app.app.take_news()
        await app.press("escape")
        assert app.shows(type(app.dashboard))


async def test_the_question_can_be_switched_off() -> None:
    config = Config(confirm=ConfirmSection(panic="none"))
    async with running(config=config) as desk:
        await desk.press("ctrl+x")
        await desk.until(lambda: desk.shows(Receipt))
        assert desk.asked == ["panic"]


async def test_a_receipt_without_venues_claims_nothing() -> None:
    desk = ScriptedDesk([sample_frame()])
    desk.receipt = PanicReceipt(ts=NOW + 1, duration=0, lines=())
    async with running(desk) as app:
        await app.press("ctrl+x")
        await app.wait()
        await app.press("y")
        await app.until(lambda: app.shows(Receipt))
        assert "nothing was cancelled, nothing was read back" in app.text
        assert not app.shows(Help) and not app.shows(CommandLine)
