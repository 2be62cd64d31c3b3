"""What is decided on the recovery screen: by a person who has read it, never by a held key or a burst."""

from __future__ import annotations

from concurrent.futures import Future

import msgspec
import pytest

from tests.support.desk_app import running
from tests.support.frames import (
    recovery_rows,
    recovery_view,
    settled_rows,
)
from tests.support.recovery import found, hold, opened, take
from tests.support.scripted_desk import DENIED, done
from tui.desk.control import Outcome
from tui.screens.dashboard import Dashboard
from tui.screens.recovery import LOCKED, Decision, RecoveryScreen


@pytest.mark.parametrize("key", ["enter", "g"])
async def test_when_all_is_settled_it_says_so_and_one_key_goes_on(key: str) -> None:
    async with running(opened()) as desk:
        await take(desk, found(recovery_view(settled_rows()), 2))
        assert "ALL SETTLED" in desk.text
        assert "never placed: the venue did not have it" in desk.text
        assert LOCKED not in desk.text
        assert desk.asked == []
        await desk.press(key)
        assert desk.asked == []  # too soon after the last one was settled to have been read
        await desk.wait()
        await desk.press(key)
        await desk.until(lambda: desk.shows(Dashboard))
        assert desk.asked == ["end_recovery"]


async def test_remarks_alone_are_read_too() -> None:
    async with running(opened(recovery_view(())), size=(80, 24)) as desk:
        assert "read this" in desk.text
        await desk.press("d", "c")
        await desk.wait()
        await desk.press("enter")
        await desk.until(lambda: desk.shows(Dashboard))
        assert desk.asked == ["end_recovery"]


async def test_with_something_unknown_it_asks_and_says_what_follows() -> None:
    async with running(opened(), size=(80, 24)) as desk:
        await desk.wait()
        await desk.press("enter")
        assert desk.shows(Decision)
        for words in (
            "Go on with 2 commands UNKNOWN?",
            "they stay UNKNOWN",
            "an order identical to one of them stays",
        ):
            assert words in desk.text
        await desk.wait()
        await desk.press("enter")
        assert desk.shows(RecoveryScreen)
        assert desk.asked == []
        await desk.wait()
        await desk.press("g")
        await desk.press("y")
        assert desk.shows(Decision)  # deaf
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.shows(Dashboard))
        assert desk.asked == ["end_recovery"]


async def test_a_yes_to_go_on_with_unknowns_is_none_to_what_was_settled_meanwhile() -> None:
    async with running(opened()) as desk:
        await desk.wait()
        await desk.press("enter")
        await take(desk, found(recovery_view(settled_rows()), 2))
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.shows(RecoveryScreen))
        assert desk.asked == []
        assert "settled meanwhile" in desk.toasts[0]


@pytest.mark.parametrize("is_settled", [False, True], ids=["unsettled", "settled"])
@pytest.mark.parametrize("key", ["enter", "g", "d"])
async def test_a_key_held_while_it_opens_decides_nothing(key: str, is_settled: bool) -> None:
    async with running(opened(recovery_view(settled_rows() if is_settled else None))) as desk:
        await hold(desk, key)
        assert "end_recovery" not in desk.asked or (is_settled and key in "enter g")
        assert "decide_gone" not in desk.asked


@pytest.mark.parametrize("is_settled", [False, True], ids=["unsettled", "settled"])
async def test_enter_that_was_held_before_it_opened_ends_nothing(is_settled: bool) -> None:
    async with running(opened(recovery_view(settled_rows() if is_settled else None))) as desk:
        for _ in range(60):
            await desk.press("enter")
            desk.clock.pass_seconds(1 / 30)
        assert desk.asked == []


async def test_enter_held_long_after_it_opened_ends_nothing_while_something_is_unknown() -> None:
    async with running(opened()) as desk:
        await desk.wait()
        await hold(desk, "enter")
        assert desk.asked == []


@pytest.mark.parametrize("keys", [("enter", "y"), ("d", "y"), ("g", "y", "d", "y", "enter")])
async def test_a_burst_decides_nothing(keys: tuple[str, ...]) -> None:
    async with running(opened()) as desk:
        await desk.wait()
        for _ in range(60 // len(keys)):
            await desk.press(*keys)
        assert desk.asked == []


async def test_a_decision_names_its_consequences_and_needs_another_key() -> None:
    async with running(opened(), size=(80, 24)) as desk:
        await desk.wait()
        await desk.press("d")
        assert desk.shows(Decision)
        text = " ".join(desk.text.replace("┃", " ").split())
        for words in (
            "BUY 0.250 BTC/USDT perp @ 60,000.0 is not at", "neither open nor filled?",
            "taken as gone by your word", "an equal order is let through", "may yet arrive until 14:03:18 UTC",
        ):  # fmt: skip
            assert words in text
        await desk.press("y")
        await desk.press("d", "enter")
        assert desk.asked == []
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("decide_gone", "r1")]
        assert desk.shows(RecoveryScreen)


async def test_the_smallest_terminal_shows_a_whole_decision() -> None:
    async with running(opened(), size=(40, 10)) as desk:
        await desk.press("d")
        text = " ".join(desk.text.split())
        for words in (
            "neither open nor filled?",
            "looked up no further",
            "you have both",
            "14:03:18 UTC",
            "y it is not",
        ):
            assert words in text


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_a_decision_is_dropped(key: str) -> None:
    async with running(opened()) as desk:
        await desk.press("d")
        await desk.wait()
        await desk.press(key)
        assert desk.shows(RecoveryScreen)
        assert desk.asked == []


@pytest.mark.parametrize("is_listed", [True, False], ids=["settled", "gone from the list"])
async def test_the_venues_word_goes_before_the_traders(is_listed: bool) -> None:
    async with running(opened()) as desk:
        await desk.press("d")
        rows = settled_rows() if is_listed else recovery_rows()[1:]
        await take(desk, found(recovery_view(rows), 2))
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.toasts)
        assert "not taken as gone" in desk.toasts[0]
        assert desk.asked == []


async def test_what_is_settled_or_no_single_order_is_not_decided_about() -> None:
    async with running(opened()) as desk:
        await desk.press("j", "j", "d")
        await desk.press("j", "c", "j", "d")
        assert desk.shows(RecoveryScreen)
        assert desk.asked == []
        assert "cancelled, 0.12 filled" in desk.toasts[0]
        rows = (msgspec.structs.replace(recovery_rows()[3], is_settled=False),)
        await take(desk, found(recovery_view(rows), 2))
        await desk.press("k", "d")
        assert "no single order" in desk.toasts[-1]


async def test_a_denied_decision_is_said() -> None:
    scripted = opened()
    scripted.outcomes.append(DENIED)
    async with running(scripted) as desk:
        await desk.press("d")
        await desk.wait()
        await desk.press("y")
        await desk.until(lambda: desk.toasts)
        assert "not taken as gone. 0.5 BTC is above the cap" in desk.toasts[0]


async def test_c_cancels_the_row_once_however_long_it_is_held() -> None:
    async with running(opened()) as desk:
        await hold(desk, "c")
        await desk.press("j", "c")
        await desk.until(lambda: len(desk.asked) == 2)
        assert desk.desk.calls == [("cancel", "r1"), ("cancel", "r2")]
        await desk.wait()
        await desk.press("c")
        await desk.until(lambda: len(desk.asked) == 3)


async def test_a_desk_that_does_not_go_on_stays_on_the_screen() -> None:
    scripted = opened(recovery_view(settled_rows()))
    scripted.outcomes.append(DENIED)
    async with running(scripted) as desk:
        await desk.wait()
        await desk.press("enter")
        await desk.until(lambda: desk.toasts)
        assert "the desk stays locked" in desk.toasts[0]
        assert desk.shows(RecoveryScreen)
        await desk.wait()
        await desk.press("enter")
        await desk.until(lambda: desk.shows(Dashboard))


async def test_going_on_is_asked_once_while_the_desk_thinks_and_again_after_a_fault() -> None:
    scripted = opened(recovery_view(settled_rows()))
    answers: list[Future[Outcome]] = [Future(), done(Outcome(verdict=DENIED.verdict))]
    asked: list[int] = []

    def end_recovery() -> Future[Outcome]:
        asked.append(1)
        return answers[len(asked) - 1]

    async with running(scripted) as desk:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scripted, "end_recovery", end_recovery)
            await desk.wait()
            await desk.press("enter", "g", "enter")
            await desk.until(lambda: asked)
            assert len(asked) == 1
            answers[0].set_exception(RuntimeError("the engine does not run"))
            await desk.until(lambda: desk.toasts)
            assert "the engine does not run" in desk.toasts[0]
            await desk.wait()
            await desk.press("enter")
            await desk.until(lambda: len(asked) == 2)


async def test_a_hopeless_terminal_decides_nothing_but_cancels() -> None:
    async with running(opened(), size=(30, 8)) as desk:
        await desk.wait()
        await desk.press("d", "enter")
        assert desk.shows(RecoveryScreen)
        assert "too small to decide on" in desk.toasts[0]
        await desk.press("c")
        await desk.until(lambda: desk.asked)
        assert desk.asked == ["cancel"]
