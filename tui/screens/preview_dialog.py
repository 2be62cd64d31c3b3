"""A form, a preview that is frozen, and another key that sends: what the dialogs of margin have in common."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style

from tui.desk.control import Outcome, Reason, Verdict
from tui.desk.frame import Frame
from tui.desk.key_gate import QUIET, KeyGate
from tui.screens.board import HORIZONTAL, PAGE_KEYS, VERTICAL
from tui.screens.wishes import reasons_text
from tui.widgets.cells import plain
from tui.widgets.key_words import KeyWords, Paragraph, hints
from tui.widgets.palette import Palette
from tui.widgets.ticket_form import Edited
from tui.widgets.ticket_preview import Step
from tui.widgets.wish_form import WishForm, WishPreview, reason_words
from venues.model import NANOSECONDS
from venues.port import Mode

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

W = TypeVar("W")
"""What is sent."""

SEND_KEY = "y"
# Another key than `y`: a guard's question that comes while `y` is still held is not answered by it.
OVERRIDE_KEY = "o"
_KEYS = frozenset({"enter", "escape", "tab", "shift+tab", "up", "down", "left", "right"})


class PreviewDialog(ModalScreen[None], Generic[W], inherit_bindings=False):
    """One wish. Enter previews what stands in the fields, `y` sends exactly that, once.

    A subclass works out in `work_out` what the fields mean (`wish`, or `obstacle`), says it in `words`, and sends
    it in `send`. `gravity` is how grave the preview is now: more of it pushes the moment of the answer on.
    """

    follows_desk = True
    BINDINGS: ClassVar[list[BindingType]] = [*PAGE_KEYS]

    def __init__(self, dashboard: Dashboard, form: WishForm, text: str = "") -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS = HORIZONTAL, VERTICAL
        self.dashboard = dashboard
        self.state = dashboard.state
        self.frozen: W | None = None  # what is shown in the preview is what is sent
        self._form = form
        self._text = text
        self._clock = dashboard.clock
        self._step = Step.EDITING
        self._gate = KeyGate()
        self._gravity = 0  # that the preview was put with
        self._reasons: tuple[Reason, ...] = ()
        self._answered: frozenset[str] = frozenset()  # guards that were told to let it pass
        self._is_denied = False
        self._is_sent = False
        self._is_ready = False  # while the widgets are there
        self._preview = WishPreview(id="wish-preview")
        self._hints = KeyWords(id="wish-hints")
        for key in dashboard.keymap.keys("app.quit"):
            self._bindings.bind(key, "quit_question", "quit", show=False)

    @abstractmethod
    def work_out(self) -> None:
        """Reads the fields and judges them by what is known now."""

    @property
    @abstractmethod
    def wish(self) -> W | None:
        """What the fields mean; None while something is missing."""

    @property
    @abstractmethod
    def obstacle(self) -> str:
        """Why nothing of the kind can be sent now."""

    @property
    def gravity(self) -> int:
        """How grave what is previewed is now."""
        return 0

    @abstractmethod
    def words(self, palette: Palette) -> list[Paragraph]:
        """Returns what the fields, or what is frozen, would send and do."""

    @property
    @abstractmethod
    def heading(self) -> tuple[str, str, Mode | None]:
        """What it is, where, and in which mode."""

    @abstractmethod
    def summary(self, wish: W) -> str:
        """Returns a wish in one line."""

    @abstractmethod
    def send(self, wish: W, overrides: frozenset[str]) -> Future[Outcome]:
        """Sends it, with the names of the guards that were answered."""

    def sent(self, wish: W) -> None:
        """Says what has to be said once the desk has taken it."""
        del wish

    def compose(self) -> ComposeResult:
        with Vertical(id="wish"):
            yield self._form
            yield self._preview
            yield self._hints

    def on_mount(self) -> None:
        self._is_ready = True
        self._form.fill(self._text)
        self._form.focus_text()
        self._judge()

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

    def take(self, state: Frame) -> None:
        """Takes the newest state of the desk; what was previewed stays what it is."""
        self.state = state
        if self._is_ready:
            self._judge()

    def on_edited(self, event: Edited) -> None:
        event.stop()
        if self._is_ready and self._step is Step.EDITING:
            self._judge()

    def _judge(self) -> None:
        self.work_out()
        if self._step is Step.PREVIEW and self.obstacle:
            self._back_to_editing()
        elif self._step is Step.PREVIEW:
            if self.gravity > self._gravity:
                # What has become graver under a preview must have been seen before a key can answer it.
                self._gate.push_on(self._clock(), NANOSECONDS)
            self._gravity = self.gravity
        self._paint()

    def _paint(self) -> None:
        palette = self._preview.palette
        lines = self.words(palette)
        if self.obstacle:
            lines = [Paragraph(((self.obstacle, palette.warning),), "not now"), *lines]
        # What the desk says against it comes first where there is little room for words.
        told = reason_words(self._reasons, palette, is_denied=self._is_denied)
        self._preview.say([*lines[:1], *told, *lines[1:]] if told else lines, keeps_place=True)
        self._hints.say(hints(self._keys(), self._hints.size.width or 60, palette), keeps_place=True)
        self._dress(palette)

    def _dress(self, palette: Palette) -> None:
        box, (what, where, mode) = self.query_one("#wish"), self.heading
        title: list[Content | str | tuple[str, str | Style]] = [(f" {plain(what)} ", Style(bold=True))]
        if mode is not None:
            title.append((f" {mode} ", Style.from_rich_style(palette.badges[mode])))
            for each in Mode:
                box.set_class(each is mode, f"-{each.value.lower()}")
        box.border_title = Content.assemble(*title)
        box.border_subtitle = Content(f" {plain(where)} ")
        box.set_class(self._step is Step.PREVIEW, "-preview")

    def _keys(self) -> Sequence[tuple[str, str]]:
        match self._step:
            case Step.SENDING:
                return [("…", "on its way"), ("Esc", "leaves the wait")]
            case Step.PREVIEW if self._is_denied:
                return [("Esc", "back")]
            case Step.PREVIEW if self._reasons:
                return [(OVERRIDE_KEY, "send in spite of it"), ("Esc", "back")]
            case Step.PREVIEW:
                return [(SEND_KEY, "send it"), ("Esc", "back")]
        if self.obstacle:
            return [("Tab", "next"), ("←→", "choose"), ("Esc", "leaves")]
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
            self._judge()
        else:
            self.dismiss(None)

    def _back_to_editing(self) -> None:
        self._step, self.frozen = Step.EDITING, None
        self._reasons, self._answered, self._is_denied = (), frozenset(), False
        self._form.freeze(False)
        self._form.focus_text()

    def _ask(self) -> None:
        """Enter: puts the preview, unless there is nothing to preview."""
        self._judge()
        if self.wish is None:
            self._form.focus_text()
            return
        self.frozen = self.wish
        self._step = Step.PREVIEW
        self._gravity = self.gravity
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
        if not self._gate.let_through(now) or self._is_denied or self.frozen is None:
            return
        if key != (OVERRIDE_KEY if self._reasons else SEND_KEY):
            return
        if self.dashboard.is_hopeless:
            self.dashboard.wishes.say("this terminal is too small to trade on", is_bad=True)
            return
        self._answered |= {reason.guard for reason in self._reasons}
        self._step = Step.SENDING
        self.dashboard.wishes.start(self._send(self.frozen, self._answered), self.summary(self.frozen))
        self._paint()

    async def _send(self, wish: W, overrides: frozenset[str]) -> None:
        summary = self.summary(wish)
        outcome = await asyncio.wrap_future(self.send(wish, overrides))
        if outcome.verdict is Verdict.SENT and not outcome.reasons:  # a reason says that the outcome is unknown
            self.sent(wish)
        # A dialog that was left while it sent must not swallow the desk's no.
        if not self._hear(outcome, wish) and outcome.verdict is not Verdict.SENT:
            self.dashboard.wishes.say(f"{summary}: not sent. {reasons_text(outcome)}", is_bad=True)

    def _hear(self, outcome: Outcome, wish: W) -> bool:
        """Takes the desk's word; False where that is not what stands here any more."""
        if not self._is_ready or self._step is not Step.SENDING or wish is not self.frozen:
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
        self.dashboard.perform("app.quit")
