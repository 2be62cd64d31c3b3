"""Borrowing, paying back and transferring: one deliberate Enter and `y` send one, and nothing else does."""

from __future__ import annotations

from concurrent.futures import Future
from decimal import Decimal

import msgspec
import pytest
from textual import events
from textual.widgets import Input

from tests.support.desk_app import Running, running
from tests.support.margin_desk import max_frame, max_margin
from tests.support.scripted_desk import NEEDS_YES, ScriptedDesk
from tests.support.ticket import LETTERS, NAMES
from tui.desk.control import FundsIntent, Outcome, Reason, Verdict
from tui.desk.frame import Frame
from tui.key_guard import KeyGuard
from tui.screens.margin import MarginScreen
from tui.screens.margin_dialog import FundsDialog
from tui.screens.panic import PanicOverlay
from tui.widgets.ticket_preview import Step
from venues.commands import FundsKind

D = Decimal
LOCKED = Outcome(verdict=Verdict.DENIED, reasons=(Reason("lock", "the desk is locked: by hand"),))


def desk_of(frame: Frame | None = None) -> ScriptedDesk:
    return ScriptedDesk([frame or max_frame()])


class SlowDesk(ScriptedDesk):
    """A desk that has not yet decided about what was asked of it."""

    def __init__(self) -> None:
        super().__init__([max_frame()])
        self.answer: Future[Outcome] = Future()

    def move_funds(self, intent: FundsIntent) -> Future[Outcome]:
        super().move_funds(intent)
        return self.answer


def dialog(desk: Running) -> FundsDialog:
    screen = desk.app.screen
    assert isinstance(screen, FundsDialog)
    return screen


def sent(desk: Running) -> list[FundsIntent]:
    """What was asked of the desk about funds."""
    return [call[1] for call in desk.desk.calls if call[0] == "move_funds"]


async def type_in(desk: Running, text: str) -> None:
    await desk.press(*(NAMES.get(letter, letter) for letter in text))


async def preview(desk: Running, *keys: str, amount: str = "0.1") -> None:
    """Opens the form from the BTC row, types an amount and previews it."""
    await desk.press("M", "j", *(keys or ("b",)))
    await type_in(desk, amount)
    await desk.press("enter")
    assert dialog(desk).step is Step.PREVIEW


async def burst(desk: Running, *keys: str) -> None:
    """Delivers keys at once, as a link does that was stuck."""
    for key in keys:
        letter = next((letter for letter, name in NAMES.items() if name == key), key)
        desk.app.post_message(events.Key(key, letter if len(letter) == 1 else None))
    await desk.pilot.pause()
    await desk.pilot.pause()


async def test_enter_then_y_sends_exactly_what_was_shown() -> None:
    async with running(desk_of()) as desk:
        await preview(desk)
        for words in ("BORROW 0.1 BTC · max · main · M-wallet", "2.29 calm  →  about 1.97 calm",
                      "costs ~0.000000175 BTC an hour, ~0.0000042 a day", "0.30001575 → 0.40001575 BTC",
                      "0.02 → 0.12 BTC"):  # fmt: skip
            assert words in desk.text
        assert sent(desk) == []
        desk.clock.pass_seconds(0.5)
        await desk.press("y")
        await desk.until(lambda: desk.shows(MarginScreen))
        assert sent(desk) == [FundsIntent(venue="max", kind=FundsKind.BORROW, currency="BTC", amount=D("0.1"))]


async def test_each_kind_goes_by_its_key() -> None:
    wanted = {
        "p": ("0.01", FundsKind.REPAY, "0.01"),
        "t": ("50%", FundsKind.TRANSFER_IN, "0.02500000"),
        "o": ("all", FundsKind.TRANSFER_OUT, "0.02"),
    }
    async with running(desk_of(), (80, 24)) as desk:
        await desk.press("M", "j")
        for key, (amount, kind, expected) in wanted.items():
            await desk.press(key)
            await type_in(desk, amount)
            await desk.press("enter")
            desk.clock.pass_seconds(1)
            await desk.press("y")
            await desk.until(lambda: desk.shows(MarginScreen))
            assert sent(desk)[-1] == FundsIntent(venue="max", kind=kind, currency="BTC", amount=D(expected))
        assert len(sent(desk)) == 3


async def test_a_key_within_the_first_moment_or_held_sends_nothing() -> None:
    async with running(desk_of()) as desk:
        await preview(desk)
        await desk.press("y", "y")
        desk.clock.pass_seconds(0.5)  # still quiet: the stray keys have pushed the moment on
        await desk.press("y")
        desk.clock.pass_seconds(1)
        await desk.press("enter")
        await desk.press("y")
        assert sent(desk) == [] and dialog(desk).step is Step.PREVIEW
        desk.clock.pass_seconds(1)
        await desk.press("o")
        assert sent(desk) == []
        await desk.press("y", "y", "y")
        await desk.until(lambda: desk.shows(MarginScreen))
        assert len(sent(desk)) == 1


@pytest.mark.parametrize("keys", [("enter", "y"), ("b", "1", "enter", "y")])
async def test_keys_that_pile_up_send_nothing(keys: tuple[str, ...]) -> None:
    async with running(desk_of()) as desk:
        await desk.press("M", "j", "b")
        await type_in(desk, "0.1")
        await burst(desk, *(keys * (60 // len(keys))))
        assert sent(desk) == []


async def test_a_paste_into_the_terminal_sends_nothing() -> None:
    async with running(desk_of(), guard=KeyGuard()) as desk:
        await desk.press("M", "j")
        await burst(desk, "b", "0", "full_stop", "1", "enter", "y")  # without brackets it comes as keys
        assert sent(desk) == []
        if desk.shows(MarginScreen):
            await desk.press("b")
        desk.app.post_message(events.Paste("0.1\ny\n"))
        await desk.pilot.pause()
        assert sent(desk) == [] and dialog(desk).step is Step.EDITING


async def test_what_was_previewed_can_not_be_changed_by_keys_or_a_paste() -> None:
    async with running(desk_of()) as desk:
        await preview(desk)
        await burst(desk, "9", "backspace", "left", "right", "space", "tab")
        desk.app.post_message(events.Paste("77"))
        await desk.pilot.pause()
        desk.clock.pass_seconds(1)
        await desk.press("y")
        await desk.until(lambda: sent(desk))
        assert sent(desk)[0].amount == D("0.1") and sent(desk)[0].currency == "BTC"


async def test_what_the_desk_asks_needs_another_key() -> None:
    async with running(desk_of()) as desk:
        desk.desk.outcomes.append(NEEDS_YES)
        await preview(desk)
        desk.clock.pass_seconds(1)
        await desk.press("y")
        await desk.until(lambda: dialog(desk).step is Step.PREVIEW)
        assert "the price is 7.1 % from the market" in desk.text and "o send in spite of it" in desk.text
        for _ in range(6):
            await desk.press("y")  # held since before the question
            desk.clock.pass_seconds(0.03)
        desk.clock.pass_seconds(1)
        await desk.press("y")
        assert len(sent(desk)) == 1
        await desk.press("o")
        await desk.until(lambda: len(sent(desk)) == 2)
        assert [intent.overrides for intent in sent(desk)] == [frozenset(), {"band"}]


async def test_what_the_desk_denies_stays_denied() -> None:
    async with running(desk_of(), (80, 24)) as desk:
        desk.desk.outcomes.append(LOCKED)
        await preview(desk)
        desk.clock.pass_seconds(1)
        await desk.press("y")
        await desk.until(lambda: "the desk is locked: by hand" in desk.text)
        desk.clock.pass_seconds(2)
        await desk.press("y", "o", "enter")
        assert len(sent(desk)) == 1 and dialog(desk).step is Step.PREVIEW
        await desk.press("escape")
        assert dialog(desk).step is Step.EDITING and desk.focus == "wish-text"
        await desk.press("escape")
        assert desk.shows(MarginScreen)


async def test_a_no_is_said_where_the_dialog_was_left() -> None:
    slow = SlowDesk()
    async with running(slow) as desk:
        await preview(desk)
        desk.clock.pass_seconds(1)
        await desk.press("y", "escape")
        assert desk.shows(MarginScreen)
        slow.answer.set_result(LOCKED)
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["BORROW 0.1 BTC · max · main · M-wallet: not sent. the desk is locked: by hand"]


async def test_it_closes_although_panic_lay_over_it() -> None:
    slow = SlowDesk()
    async with running(slow) as desk:
        await preview(desk)
        desk.clock.pass_seconds(1)
        await desk.press("y", "ctrl+x")
        assert desk.shows(PanicOverlay)
        slow.answer.set_result(Outcome(verdict=Verdict.SENT))
        await desk.pilot.pause()
        await desk.press("escape")
        await desk.until(lambda: desk.shows(MarginScreen))


async def test_a_mistake_is_said_while_it_is_typed_and_previews_nothing() -> None:
    wrong = {
        "0,5": "no commas: write a point",
        "3": "at most 2.19998425 BTC can still be borrowed",
        "1 twd": "this is in BTC, not twd",
    }
    async with running(desk_of()) as desk:
        await desk.press("M", "j", "b")
        for amount, words in wrong.items():
            dialog(desk)._form.focus_text()
            await desk.press(*("space" if letter == " " else NAMES.get(letter, letter) for letter in amount))
            assert words in desk.text
            assert desk.app.screen.query_one("#wish-text", Input).has_class("-wrong")
            await desk.press("enter")
            assert dialog(desk).step is Step.EDITING and sent(desk) == []


async def test_the_choices_turn_by_the_arrows_and_an_obstacle_is_said() -> None:
    async with running(desk_of()) as desk:
        await desk.press("M", "p")  # on TWD, of which nothing is owed
        assert "no TWD is owed" in desk.text
        await desk.press("shift+tab", "right")
        assert dialog(desk).evaluation.obstacle == ""
        await desk.press("tab")
        await type_in(desk, "0.01")
        await desk.press("enter")
        assert "PAY BACK 0.01 BTC · max · main · M-wallet" in desk.text
        await desk.press("escape", "tab", "right")  # on what is done
        assert "TRANSFER IN 0.01 BTC · max · main · spot → M-wallet" in desk.text
        await desk.press("right")
        assert "TRANSFER OUT 0.01 BTC · max · main · M-wallet → spot" in desk.text


async def test_no_letter_typed_in_it_means_anything_elsewhere() -> None:
    async with running(desk_of()) as desk:
        await desk.press("M", "b")
        for _ in range(3):
            await burst(desk, *(NAMES.get(letter, letter) for letter in LETTERS))
            await desk.press("tab")
        assert desk.desk.calls == [] and isinstance(desk.app.screen, FundsDialog)


async def test_a_graver_ratio_under_the_preview_has_to_be_seen_first() -> None:
    async with running(desk_of()) as desk:
        await preview(desk)
        desk.clock.pass_seconds(1)
        view = max_margin("1.3")
        poorer = msgspec.structs.replace(view, wallet=msgspec.structs.replace(view.wallet, total_assets=D(23645)))
        desk.desk.frames.append(max_frame(2, margins=(poorer,)))
        desk.app.take_news()
        await desk.pilot.pause()
        assert "▲ WARNING" in desk.text
        await desk.press("y")
        assert sent(desk) == []
        desk.clock.pass_seconds(1.5)
        await desk.press("y")
        await desk.until(lambda: sent(desk))


async def test_a_wallet_that_goes_takes_the_preview_back() -> None:
    async with running(desk_of()) as desk:
        await preview(desk)
        desk.desk.frames.append(max_frame(2, margins=()))
        desk.app.take_news()
        await desk.pilot.pause()
        assert dialog(desk).step is Step.EDITING and "no margin wallet that is known" in desk.text
        desk.clock.pass_seconds(1)
        await desk.press("y", "enter", "y")
        assert sent(desk) == []


async def test_a_command_opens_it_filled_in_and_sends_nothing() -> None:
    said = {
        "borrow 0.1 btc": "BORROW 0.1 BTC",
        "transfer in 100 twd": "TRANSFER IN 100 TWD",
        "transfer out 100 twd": "TRANSFER OUT 100 TWD",
        "repay 0.01 btc": "PAY BACK 0.01 BTC",
    }
    async with running(desk_of()) as desk:
        for line, words in said.items():
            desk.dashboard.commands.run_line(line)
            await desk.until(lambda: isinstance(desk.app.screen, FundsDialog))
            await desk.pilot.pause()
            assert f"{words} · max · main" in desk.text
            assert sent(desk) == [] and dialog(desk).step is Step.EDITING
            await desk.press("escape")
            assert desk.shows(MarginScreen)
        await desk.press("escape")
        desk.dashboard.commands.run_line("transfer 100 twd")
        await desk.pilot.pause()
        assert desk.toasts == ["transfer: say in or out, such as transfer in 100 twd"]


@pytest.mark.parametrize("size", [(120, 40), (40, 10)])
async def test_at_every_size_what_is_sent_and_the_key_are_seen(size: tuple[int, int]) -> None:
    async with running(desk_of(), size) as desk:
        await preview(desk, amount="1")
        box = desk.app.screen.query_one("#wish")
        assert desk.app.screen.region.contains_region(box.region)
        for part in box.children:
            assert box.content_region.contains_region(part.region) and part.region.height
        assert "BORROW 1 BTC" in desk.text and "y send it" in desk.text and "AD ratio" in desk.text
