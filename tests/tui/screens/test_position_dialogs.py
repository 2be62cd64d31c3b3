"""More or less margin, and leverage. What the form and its preview do with keys is tried in test_margin_dialog."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tests.support.desk_app import Running, running
from tests.support.frames import desk_view
from tests.support.pumpkin_desk import BTC, flat_frame, position_view, pumpkin_frame
from tests.support.scripted_desk import NEEDS_YES, ScriptedDesk
from tests.support.ticket import NAMES
from tui.desk.control import FundsIntent, Outcome, Reason, Verdict
from tui.desk.frame import Frame
from tui.screens.position_dialogs import LeverageDialog, MarginDialog
from tui.screens.position_margin import PositionMarginScreen
from tui.widgets.ticket_preview import Step
from venues.commands import FundsKind
from venues.model import MarginMode
from venues.port import Mode

D = Decimal
LOCKED = Outcome(verdict=Verdict.DENIED, reasons=(Reason("lock", "the desk is locked: by hand"),))
ROOMY = position_view("0.2500", "60598.2", position_id="88213", margin="1900")


def desk_of(frame: Frame | None = None) -> ScriptedDesk:
    return ScriptedDesk([frame or pumpkin_frame(positions=(ROOMY,))])


def dialog(desk: Running) -> MarginDialog | LeverageDialog:
    screen = desk.app.screen
    assert isinstance(screen, MarginDialog | LeverageDialog)
    return screen


def sent(desk: Running) -> list[FundsIntent]:
    return [call[1] for call in desk.desk.calls if call[0] == "move_funds"]


async def take(desk: Running, frame: Frame) -> None:
    desk.desk.frames.append(frame)
    desk.app.take_news()
    await desk.pilot.pause()


async def preview(desk: Running, key: str = "a", amount: str = "50") -> None:
    """Opens the form on the first position, types an amount and previews it."""
    await desk.press("M", key, *(NAMES.get(letter, letter) for letter in amount), "enter")
    assert dialog(desk).step is Step.PREVIEW


def wish(kind: FundsKind = FundsKind.ADD_MARGIN, amount: str = "50") -> FundsIntent:
    return FundsIntent(
        venue="pumpkin", kind=kind, currency="USDT", amount=D(amount), instrument=BTC.id, position_id="88213"
    )


async def test_what_is_shown_is_sent_and_a_guard_is_answered_by_another_key() -> None:
    async with running(desk_of(pumpkin_frame(desk=desk_view(BTC, mode=Mode.LIVE))), (80, 24)) as desk:
        await preview(desk)
        assert "ADD MARGIN 50 USDT" in desk.text and "1,514.96  →  1,564.96 USDT" in desk.text
        assert "~54,780.2 (9.6% away)  →  ~54,556.6 (10.0% away)" in desk.text
        assert "7,342.51  →  7,292.51 USDT" in desk.text
        box = dialog(desk).query_one("#wish")
        assert box.has_class("-practice", "-preview") and "PRACTICE" in desk.text  # the mode of the venue
        assert sent(desk) == []
        desk.clock.pass_seconds(0.5)
        await desk.press("y")
        await desk.until(lambda: desk.shows(PositionMarginScreen))
        assert sent(desk) == [wish()]

        await take(desk, pumpkin_frame(2, positions=(ROOMY,)))
        desk.desk.outcomes.append(NEEDS_YES)
        await desk.press("o")
        assert "385.04 USDT, what is beyond the initial margin" in desk.text
        await desk.press("1", "0", "0", "enter")
        assert "TAKE MARGIN OUT 100 USDT" in desk.text and "1,900.00  →  1,800.00 USDT" in desk.text
        desk.clock.pass_seconds(1)
        await desk.press("y")
        await desk.until(lambda: "7.1 % from the market" in desk.text)
        desk.clock.pass_seconds(2)
        await desk.press("o")
        await desk.until(lambda: desk.shows(PositionMarginScreen))
        out = wish(FundsKind.REMOVE_MARGIN, "100")
        assert sent(desk)[1:] == [out, msgspec.structs.replace(out, overrides=frozenset({"band"}))]


async def test_the_smallest_terminal_shows_what_is_sent() -> None:
    async with running(desk_of(pumpkin_frame()), (40, 12)) as desk:
        await preview(desk)
        assert "ADD MARGIN 50 USDT" in desk.text and "1,514.96  →  1,564.96 USDT" in desk.text


async def test_what_is_previewed_is_frozen_and_judged_by_what_is_known_now() -> None:
    async with running(desk_of(), (80, 24)) as desk:
        await preview(desk)
        await desk.press("9")
        moved = position_view("0.2500", "60598.2", position_id="88213", margin="1910", mark="54600")
        await take(desk, pumpkin_frame(2, positions=(moved,)))
        assert "ADD MARGIN 50 USDT" in desk.text and "1,910.00  →  1,960.00" in desk.text
        desk.clock.pass_seconds(0.5)  # it has become graver: it has to be read first
        await desk.press("y")
        assert sent(desk) == []
        await take(desk, flat_frame(number=3))
        desk.clock.pass_seconds(2)
        await desk.press("y", "enter", "y")
        assert "LONG 0.2500 BTC/USDT perp is not there any more" in desk.text and sent(desk) == []


async def test_what_the_venue_refuses_is_said_before_anything_is_asked() -> None:
    async with running(desk_of(pumpkin_frame()), (80, 24)) as desk:
        await desk.press("M", "j", "j", "a", "5", "enter")
        assert "it is a cross position" in desk.text and dialog(desk).step is Step.EDITING
        await desk.press("escape", "k", "k", "escape")
        await desk.press("M", "l", "2", "0", "enter", "y")
        text = " ".join(desk.text.replace("│", " ").replace("┃", " ").split())
        assert "pumpkin changes neither leverage nor margin mode over a position: close LONG 0.25" in text
        assert "LONG 0.2500 BTC/USDT perp at 10x isolated" in text
        assert dialog(desk).step is Step.EDITING and "set_leverage" not in desk.asked


async def test_leverage_and_mode_are_previewed_and_sent_and_an_unknown_outcome_is_not_said_to_be_set() -> None:
    async with running(desk_of(flat_frame()), (80, 24)) as desk:
        unknown = Outcome(verdict=Verdict.SENT, reasons=(Reason("unknown", "nobody has answered"),))
        desk.desk.outcomes.append(unknown)
        await desk.press("M", "l", "2", "0", "shift+tab", "right", "enter")
        assert "20x cross on BTC/USDT perp · pumpkin" in desk.text
        assert "125x up to 5 BTC, 50x up to 20 BTC" in desk.text
        desk.clock.pass_seconds(1)
        await desk.press("y")
        await desk.until(lambda: desk.shows(PositionMarginScreen))
        assert desk.desk.calls[-1] == ("set_leverage", BTC.id, D(20), MarginMode.CROSS)
        assert desk.toasts == []
        await desk.press("l", "2", "0", "enter")
        desk.clock.pass_seconds(1)
        await desk.press("y")
        await desk.until(lambda: desk.toasts)
        assert desk.toasts == ["leverage 20x isolated on BTC/USDT perp · pumpkin: set"]
