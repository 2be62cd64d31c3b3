"""Borrowing, paying back and transferring: a form, a preview that is frozen, and another key that sends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style

from tui.desk.control import FundsIntent, Outcome, Reason, Verdict
from tui.desk.frame import Frame
from tui.desk.key_gate import QUIET, KeyGate
from tui.desk.margin_estimate import (
    FundsContext,
    FundsDraft,
    FundsEvaluation,
    Level,
    estimate_funds,
    evaluate_funds,
    make_funds_context,
)
from tui.screens.wishes import reasons_text
from tui.widgets.cells import plain
from tui.widgets.key_words import KeyWords, Paragraph, hints
from tui.widgets.margin_form import FundsForm
from tui.widgets.margin_preview import FundsPreview, preview_words, reason_words, sends_words
from tui.widgets.margin_words import KINDS
from tui.widgets.palette import Palette
from tui.widgets.ticket_form import Edited
from tui.widgets.ticket_preview import Step
from venues.model import NANOSECONDS

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

SEND_KEY = "y"
# Another key than `y`: a guard's question that comes while `y` is still held is not answered by it.
OVERRIDE_KEY = "o"
_KEYS = frozenset({"enter", "escape", "tab", "shift+tab", "up", "down", "left", "right"})
_LEVELS = (Level.NO_DEBT, Level.CALM, Level.UNKNOWN, Level.WARNING, Level.ALARM)


class FundsDialog(ModalScreen[None], inherit_bindings=False):
    """One wish for a margin wallet. Enter previews what stands in the fields, `y` sends exactly that, once."""

    follows_desk = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page(1)", "more of the words"),
        Binding("pageup", "page(-1)", "back in the words"),
    ]

    def __init__(self, dashboard: Dashboard, venue: str, draft: FundsDraft) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-small"), (60, "-plain"), (100, "-broad")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-tall")]
        self._dashboard = dashboard
        self._clock = dashboard.clock
        self._venue = venue
        self._draft = draft
        self._step = Step.EDITING
        self._gate = KeyGate()
        self._around: FundsContext | None = make_funds_context(dashboard.state, venue)
        self._evaluation = FundsEvaluation()
        self._intent: FundsIntent | None = None  # frozen at the preview: what is shown is what is sent
        self._level = Level.NO_DEBT  # that the preview was put with
        self._reasons: tuple[Reason, ...] = ()
        self._is_denied = False
        self._is_sent = False
        self._is_ready = False  # while the widgets are there
        self._form = FundsForm(name="funds-form")
        self._preview = FundsPreview(id="funds-preview")
        self._hints = KeyWords(id="funds-hints")
        for key in dashboard.keymap.keys("app.quit"):
            self._bindings.bind(key, "quit_question", "quit", show=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="funds"):
            yield self._form
            yield self._preview
            yield self._hints

    def on_mount(self) -> None:
        self._is_ready = True
        self._form.load(self._draft, self._currencies(self._draft))
        self._form.focus_amount()
        self._work_out()

    def on_unmount(self) -> None:
        self._is_ready = False

    def on_resize(self) -> None:
        if self._is_ready:
            self.call_after_refresh(self._paint)

    def on_screen_resume(self) -> None:
        if self._is_sent:  # while another dialog lay over this one
            self.dismiss(None)

    @property
    def step(self) -> Step:
        """Where it stands: editing, preview or sending."""
        return self._step

    @property
    def evaluation(self) -> FundsEvaluation:
        """What the fields mean as of the last frame."""
        return self._evaluation

    @property
    def _palette(self) -> Palette:
        return self._preview.palette

    def _currencies(self, draft: FundsDraft) -> tuple[str, ...]:
        return () if self._around is None else self._around.currencies(draft.kind, draft.currency)

    def take(self, state: Frame) -> None:
        """Takes the newest state of the desk; what was previewed stays what it is."""
        self._around = make_funds_context(state, self._venue)
        if self._is_ready:
            self._work_out()

    def on_edited(self, event: Edited) -> None:
        event.stop()
        if not self._is_ready or self._step is not Step.EDITING:
            return
        draft = self._form.read()
        if draft.kind is not self._draft.kind:
            self._form.offer(self._currencies(draft), draft.currency)
        self._draft = self._form.read()
        self._work_out()

    def _work_out(self) -> None:
        around = self._around
        if around is None:
            words = f"{self._venue} has no margin wallet that is known now"
            self._evaluation = FundsEvaluation(obstacle=words)
        else:
            self._evaluation = evaluate_funds(self._draft, around)
        if self._step is Step.PREVIEW and self._evaluation.obstacle:
            self._back_to_editing()
        elif self._step is Step.PREVIEW and self._shown.estimate is not None:
            self._note_level(self._shown.estimate.level_after)
        self._form.show(self._evaluation.resolved, self._evaluation.problem)
        self._paint()

    def _note_level(self, level: Level) -> None:
        """What has become graver under a preview must have been seen before a key can answer it."""
        if _LEVELS.index(level) > _LEVELS.index(self._level):
            self._gate.push_on(self._clock(), NANOSECONDS)
        self._level = level

    @property
    def _shown(self) -> FundsEvaluation:
        """What is shown: in a preview the frozen wish, judged by what is known now."""
        if self._intent is None or self._around is None:
            return self._evaluation
        expected = estimate_funds(self._intent, self._around)
        return FundsEvaluation(intent=self._intent, estimate=expected, warnings=self._evaluation.warnings)

    def _paint(self) -> None:
        palette, around = self._palette, self._around
        if around is None:
            lines = [Paragraph(((self._evaluation.obstacle, palette.warning),), "not now")]
        else:
            is_empty = not self._draft.amount.strip()
            lines = preview_words(self._shown, around, palette, is_empty=is_empty)
        # What the desk says against it comes first where there is little room for words.
        told = reason_words(self._reasons, palette, is_denied=self._is_denied)
        self._preview.say([*lines[:1], *told, *lines[1:]] if told else lines, keeps_place=True)
        self._hints.say(hints(self._keys(), self._hints.size.width or 60, palette), keeps_place=True)
        self._dress()

    def _dress(self) -> None:
        """Says in the border what this is: what, venue, account, wallet and mode."""
        box, palette = self.query_one("#funds"), self._palette
        around = self._around
        title: list[Content | str | tuple[str, str | Style]] = [(f" {KINDS[self._draft.kind]} ", Style(bold=True))]
        if around is not None:
            view = around.margin
            title.append((f" {around.mode} ", Style.from_rich_style(palette.badges[around.mode])))
            box.border_subtitle = Content(plain(f" {view.venue} · {view.account} · {view.name} "))
            for mode in type(around.mode):
                box.set_class(mode is around.mode, f"-{mode.value.lower()}")
        box.border_title = Content.assemble(*title)
        box.set_class(self._step is Step.PREVIEW, "-preview")

    def _keys(self) -> list[tuple[str, str]]:
        match self._step:
            case Step.SENDING:
                return [("…", "on its way"), ("Esc", "leaves the wait")]
            case Step.PREVIEW if self._is_denied:
                return [("Esc", "back")]
            case Step.PREVIEW if self._reasons:
                return [(OVERRIDE_KEY, "send in spite of it"), ("Esc", "back")]
            case Step.PREVIEW:
                return [(SEND_KEY, "send it"), ("Esc", "back")]
        return [("Enter", "preview"), ("Tab", "next"), ("←→", "choose"), ("Esc", "drops it")]

    def on_key(self, event: events.Key) -> None:
        """Every printable key ends here: nothing below the dialog hears any of them."""
        if not (event.is_printable or event.key in _KEYS):
            return
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self._go_back()
        elif self._step is Step.EDITING:
            self._edit_key(event.key)
        elif self._step is Step.PREVIEW:
            self._answer(event.key)

    def _edit_key(self, key: str) -> None:
        match key:
            case "enter":
                self._ask()
            case "tab" | "down":
                self._form.step(1)
            case "shift+tab" | "up":
                self._form.step(-1)

    def _go_back(self) -> None:
        if self._step is Step.PREVIEW:
            self._back_to_editing()
            self._work_out()
        else:
            self.dismiss(None)

    def _back_to_editing(self) -> None:
        self._step, self._intent = Step.EDITING, None
        self._reasons, self._is_denied = (), False
        self._form.freeze(False)
        self._form.focus_amount()

    def _ask(self) -> None:
        """Enter: puts the preview, unless there is nothing to preview."""
        self._draft = self._form.read()
        self._work_out()
        expected = self._evaluation.estimate
        if self._evaluation.intent is None or expected is None:
            self._form.focus_amount()
            return
        self._intent, self._level = self._evaluation.intent, expected.level_after
        self._step = Step.PREVIEW
        self._gate = KeyGate()
        self._gate.put(self._clock())
        self._form.freeze(True)
        self.set_focus(self._preview)
        self._paint()

    def _answer(self, key: str) -> None:
        """A key while a preview stands. Enter made it, so Enter only pushes the moment of the answer on."""
        now = self._clock()
        if key == "enter":
            self._gate.push_on(now)
            return
        if not self._gate.let_through(now) or self._is_denied or self._intent is None:
            return
        if key != (OVERRIDE_KEY if self._reasons else SEND_KEY):
            return
        if self._dashboard.is_hopeless:
            self._dashboard.wishes.say("this terminal is too small to trade on", is_bad=True)
            return
        overrides = self._intent.overrides | {reason.guard for reason in self._reasons}
        self._intent = msgspec.structs.replace(self._intent, overrides=overrides)
        self._step = Step.SENDING
        words = sends_words(self._intent, self._around) if self._around is not None else ""
        self._dashboard.wishes.start(self._send(self._intent, words), "move funds")
        self._paint()

    async def _send(self, intent: FundsIntent, words: str) -> None:
        outcome = await asyncio.wrap_future(self._dashboard.desk.move_funds(intent))
        # A dialog that was left while it sent must not swallow the desk's no.
        if not self._hear(outcome, intent) and outcome.verdict is not Verdict.SENT:
            self._dashboard.wishes.say(f"{words}: not sent. {reasons_text(outcome)}", is_bad=True)

    def _hear(self, outcome: Outcome, intent: FundsIntent) -> bool:
        """Takes the desk's word; False where that is not what stands here any more."""
        if not self._is_ready or self._step is not Step.SENDING or intent != self._intent:
            return False
        if outcome.verdict is Verdict.SENT:
            if self.is_active:
                self.dismiss(None)
            else:
                self._is_sent = True  # it closes when it is the topmost again
            return True
        now = self._clock()
        self._step = Step.PREVIEW
        self._reasons = outcome.reasons or (Reason("desk", "the desk refused it"),)
        self._is_denied = outcome.verdict is Verdict.DENIED
        self._gate.put(now)
        self._gate.push_on(now, QUIET)
        self._paint()
        return True

    def action_page(self, pages: int) -> None:
        self._preview.page(pages)

    def action_quit_question(self) -> None:
        self._dashboard.perform("app.quit")
