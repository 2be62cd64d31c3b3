"""The order ticket: docked beside the ladder, which stays live. Enter previews, a different key sends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypedDict, Unpack

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget

from tui.desk.appraisal import Appraisal, Context, appraise, make_context
from tui.desk.control import AmendIntent, OrderIntent, Outcome, Reason, Verdict
from tui.desk.draft import (
    Draft,
    Evaluation,
    Field,
    draft_of,
    edit_fields,
    evaluate,
    evaluate_edit,
    fields_for,
    why_not_editable,
)
from tui.desk.drift import Drift
from tui.desk.expressions import Anchor
from tui.desk.frame import Frame, OrderView
from tui.desk.key_gate import QUIET, KeyGate
from tui.desk.margin_modes import opening_mode
from tui.formatting import percent
from tui.widgets.palette import Palette
from tui.widgets.ticket_form import Edited, TicketForm
from tui.widgets.ticket_preview import Shown, Step, TicketKeys, TicketPreview
from tui.widgets.ticket_words import dress_of, leverage_now, means_words, place_words, title_words
from venues.model import NANOSECONDS, Instrument, MarginMode, OrderType, Side

Clock = Callable[[], int]

SEND_KEY = "y"
# Another key than `y`: a guard's question that comes while `y` is still held is not answered by it.
OVERRIDE_KEY = "o"
MOVED = Decimal("0.003")


class Placement(TypedDict, total=False):
    """Where a widget stands: Textual's own arguments."""

    id: str
    classes: str


class Ticket(Widget):
    """A docked order ticket, hidden until it is opened.

    The owner calls `take(frame)` with EVERY frame (open or not), opens it with `open_new` / `open_edit`, answers
    `Previewed` with the guards' word (`show_reasons`), and `SubmitRequested` / `AmendRequested` with
    `show_outcome`: SENT closes it, NEEDS_YES asks again, DENIED is shown. One order is in flight at most, and
    whatever made a preview never sends it. `clock` gives nanoseconds; a move of the market of `move_threshold`
    (a fraction) since it was opened is said, and makes Enter wait for `move_wait` nanoseconds.
    """

    class Previewed(Message):
        """A preview stands: ask the guards (`Desk.check`) and hand their word to `show_reasons`."""

        def __init__(self, intent: OrderIntent) -> None:
            super().__init__()
            self.intent = intent

    class SubmitRequested(Message):
        """The trader said yes to exactly this order."""

        def __init__(self, intent: OrderIntent) -> None:
            super().__init__()
            self.intent = intent

    class AmendRequested(Message):
        """The trader said yes to exactly this change."""

        def __init__(self, intent: AmendIntent) -> None:
            super().__init__()
            self.intent = intent

    class Dropped(Message):
        """The ticket was closed by the trader and nothing was sent."""

    class Closed(Message):
        """The ticket was closed, and its order is on its way."""

    def __init__(
        self,
        *,
        clock: Clock = time.monotonic_ns,
        move_threshold: Decimal = MOVED,
        move_wait: int = NANOSECONDS,
        **placement: Unpack[Placement],
    ) -> None:
        super().__init__(**placement)
        self._clock = clock
        self._move_threshold = move_threshold
        self._move_wait = move_wait
        self._form = TicketForm()
        self._preview = TicketPreview()
        self._keys = TicketKeys()
        self._body = VerticalScroll(can_focus=False)
        self._seen: Frame | None = None
        self._known: Context | None = None  # as of the last frame, while open
        self._edited: OrderView | None = None  # the order that is being changed
        self._came_from: Widget | None = None
        self._is_open = False
        self.display = False
        self._start_over()

    def _start_over(self) -> None:
        self._step = Step.EDITING
        self._gate = KeyGate()
        self._evaluation = Evaluation()
        self._previewed: Draft | None = None
        self._intent: OrderIntent | None = None  # frozen at the preview: what is shown is what is sent
        self._amend: AmendIntent | None = None
        self._judged: OrderIntent | None = None
        self._reasons: tuple[Reason, ...] = ()
        self._is_denied = False
        self._hint = ""
        self._drift = Drift(self._move_threshold)
        self._waits_until = 0
        self._dressed = (False, False)  # what the border says

    def compose(self) -> ComposeResult:
        with self._body:
            yield self._form
            yield self._preview
        yield self._keys

    @property
    def is_open(self) -> bool:
        """Says whether the ticket is open; whether there is room to display it is the screen's affair."""
        return self._is_open

    @property
    def _around(self) -> Context:
        if self._known is None:
            raise RuntimeError("the ticket was never opened")
        return self._known

    @property
    def step(self) -> Step:
        """Where the ticket stands: editing, preview or sending."""
        return self._step

    @property
    def evaluation(self) -> Evaluation:
        """What the fields mean as of the last frame."""
        return self._evaluation

    def take(self, frame: Frame) -> None:
        """Takes a frame's news; works out anew what is shown while the ticket is open."""
        self._seen = frame if self._seen is None else frame.over(self._seen)
        if not self.is_open or self._known is None:
            return
        fresh = make_context(self._seen, self._around.instrument, self._around.account)
        if fresh is not None:
            self._known = fresh
        self._note_move()
        self._work_out()

    def open_new(
        self,
        side: Side,
        order_type: OrderType = OrderType.LIMIT,
        *,
        instrument: Instrument | None = None,
        account: str | None = None,
        price: Decimal | None = None,
        size: str = "",
        reduce_only: bool = False,
        position_id: str | None = None,
        in_margin_wallet: bool = False,
        margin_mode: MarginMode | None = None,
    ) -> bool:
        """Opens a new ticket and takes the focus; False when no instrument or its venue is known yet.

        `instrument` is the one shown when None; `price` prefills the limit price (else bid for a buy, ask for a
        sell); `size` prefills the size field in its own notation ("0.1", "50% position"); `margin_mode` is that
        of a position of its side where there is one. False too while another order of this ticket is on its way.
        """
        if instrument is None and self._seen is not None and self._seen.desk is not None:
            instrument = self._seen.desk.shown
        if instrument is None or not self._begin(instrument, account):
            return False
        anchors = self._around.anchors
        at = price or anchors.get(Anchor.BID if side is Side.BUY else Anchor.ASK)
        draft = Draft(
            side=side,
            type=order_type,
            price="" if at is None else f"{at:f}",
            size=size,
            reduce_only=reduce_only,
            margin_mode=margin_mode
            or opening_mode(self._around.capabilities, instrument, self._around.positions, side),
            position_id=position_id,
            in_margin_wallet=in_margin_wallet,
        )
        self._edited = None
        is_priced = order_type is OrderType.LIMIT and price is None
        self._present(draft, Field.PRICE if is_priced else Field.SIZE)
        return True

    def open_edit(self, view: OrderView) -> bool:
        """Opens the ticket on a resting order; False when the order is over or its state is unknown."""
        if why_not_editable(view) or not self._begin(view.instrument, view.account):
            return False
        self._edited = view
        self._present(draft_of(view), edit_fields(view)[0])
        return True

    def show_reasons(
        self, reasons: Sequence[Reason], *, is_denied: bool = False, intent: OrderIntent | None = None
    ) -> None:
        """Shows what the guards said about the preview. Late words about another `intent` are dropped."""
        if self._step is not Step.PREVIEW or (intent is not None and intent != self._intent):
            return
        self._reasons = tuple(reasons)
        self._is_denied = is_denied
        if reasons:
            # What was just written must have been seen before a key can answer it.
            self._gate.put(self._clock())
        self._paint()
        # The newest words are the last ones: on a short screen they must not stand below the edge.
        self.call_after_refresh(self._body.scroll_end, animate=False)

    def show_outcome(self, outcome: Outcome, asked: OrderIntent | AmendIntent | None = None) -> bool:
        """Takes the desk's word on what was just asked for; False where that is not what stands here any more."""
        if self._step is not Step.SENDING or asked not in (None, self._intent, self._amend):
            return False
        if outcome.verdict is Verdict.SENT:
            self._close()
            self.post_message(self.Closed())
            return True
        self._step = Step.PREVIEW
        self._gate.push_on(self._clock(), QUIET)
        self.show_reasons(
            outcome.reasons or (Reason("desk", "the desk refused it"),),
            is_denied=outcome.verdict is Verdict.DENIED,
        )
        return True

    def take_focus(self) -> None:
        """Takes the focus back where the ticket stands: the answer of a preview, else the first field."""
        if not self._is_open or not self.display:
            return
        if self._step is Step.EDITING:
            if self._form.focused_field is None:
                self._form.step(1)
        else:
            self.screen.set_focus(self._preview)

    def on_show(self) -> None:
        # A terminal that was too small for a moment hid the ticket, and with it the focus.
        if self.screen.focused is None:
            self.take_focus()

    def drop(self) -> None:
        """Closes the ticket; posts `Dropped`, or `Closed` when its order is on its way already."""
        if not self.is_open:
            return
        is_on_its_way = self._step is Step.SENDING
        self._close()
        self.post_message(self.Closed() if is_on_its_way else self.Dropped())

    def _begin(self, instrument: Instrument, account: str | None) -> bool:
        if self._seen is None or (self.is_open and self._step is Step.SENDING):
            return False
        context = make_context(self._seen, instrument, account)
        if context is None:
            return False
        if not self.is_open:
            self._came_from = self.screen.focused
        self._start_over()
        self._known = context
        self._drift = Drift(self._move_threshold, context.reference)
        return True

    def _present(self, draft: Draft, focus: Field) -> None:
        around = self._around
        self._form.load(draft, around.instrument, around.capabilities, leverage_now(draft, around))
        self._is_open = self.display = True
        self._dress(draft)
        self._form.freeze(False)
        self._work_out()
        self._form.focus_field(focus)

    def _dress(self, draft: Draft) -> None:
        """Says in the border what this is: side in word, sign and colour, instrument, venue, wallet, mode."""
        context = self._around
        self._dressed = dress_of(draft)
        self.border_title = title_words(
            draft, context, Palette.of(self.app.theme_variables), is_edit=self._edited is not None
        )
        self.border_subtitle = place_words(draft, context)
        for mode in type(context.mode):
            self.set_class(mode is context.mode, f"-{mode.value.lower()}")

    def _close(self) -> None:
        # It stays where it is until the screen, on the message that follows, lays its panes out. Hidden by itself
        # it left its place to the pane beside it for a moment, and the whole screen was painted for that.
        self._is_open = False
        self._form.freeze(False)
        self._start_over()
        came_from, self._came_from = self._came_from, None
        if came_from is not None and came_from.is_attached and came_from.focusable:
            self.screen.set_focus(came_from)
        else:
            self.screen.set_focus(None)

    def _work_out(self) -> None:
        """Reads the fields and judges them by what is known now."""
        draft = self._form.read()
        if dress_of(draft) != self._dressed:
            self._dress(draft)
        if self._edited is None:
            self._evaluation = evaluate(draft, self._around)
            fields = fields_for(draft, self._around)
        else:
            self._edited = self._order_now() or self._edited
            self._evaluation = evaluate_edit(self._edited, draft, self._around)
            if self._order_now() is None:
                self._evaluation = Evaluation(obstacle="this order is no longer open")
            fields = edit_fields(self._edited)
        if self._step is Step.PREVIEW and (draft != self._previewed or self._is_void()):
            self._back_to_editing()
        if self._step is Step.EDITING:
            self._form.show_fields(fields)
        self._form.show(self._evaluation)
        self._paint()

    def _order_now(self) -> OrderView | None:
        orders = () if self._seen is None else self._seen.orders or ()
        return next((view for view in orders if self._edited and view.key == self._edited.key), None)

    def _is_void(self) -> bool:
        """Says whether what was previewed can not be meant any more, whatever the prices did."""
        if self._edited is not None:
            return not self._evaluation.is_ready
        return bool(self._evaluation.obstacle) or Field.REDUCE_ONLY in self._evaluation.problems

    def _note_move(self) -> None:
        """A material move of the market makes the next key wait until it could be read."""
        if not self._drift.saw(self._around.reference):
            return
        self._waits_until = self._clock() + self._move_wait
        if self._step is Step.PREVIEW:
            self._gate.push_on(self._clock(), self._move_wait)

    def _paint(self) -> None:
        move = self._drift.told
        shown = Shown(
            step=self._step,
            instrument=self._around.instrument,
            side=self._form.read().side,
            evaluation=self._evaluation,
            appraisal=self._appraisal(),
            moved="" if move is None else f"market moved {percent(move, sign=True)} since opened",
            reasons=tuple(reason.text for reason in self._reasons),
            is_denied=self._is_denied,
            is_edit=self._edited is not None,
            needs_override=bool(self._reasons) and not self._is_denied,
            hint=self._hint,
            means=means_words(self._judged or self._evaluation.judged, self._around),
        )
        self._preview.present(shown)
        self._keys.present(shown)
        self.set_class(self._step is Step.PREVIEW, "-preview")

    def paint_sending(self) -> None:
        """Shows that what was asked for is on its way."""
        if self._step is Step.SENDING:
            self._paint()

    def _appraisal(self) -> Appraisal | None:
        """What is shown of the order: in a preview the frozen one, judged by the market as it is now."""
        if self._step is Step.EDITING or self._judged is None:
            return self._evaluation.appraisal
        return appraise(self._judged, self._around)

    def on_edited(self, event: Edited) -> None:
        event.stop()
        self._hint = ""
        if self.is_open:
            self._work_out()

    def on_key(self, event: events.Key) -> None:
        """Keeps every printable key, so that none typed here can reach a trading binding."""
        if not self.is_open:
            return
        is_ours = event.is_printable or event.key in {"enter", "escape", "tab", "shift+tab", "up", "down"}
        if not is_ours:
            return
        event.stop()
        event.prevent_default()
        if self._step is Step.EDITING:
            self._edit_key(event.key)
        elif event.key == "escape":
            self._go_back()
        elif self._step is Step.PREVIEW:
            self._answer(event.key)

    def _edit_key(self, key: str) -> None:
        match key:
            case "enter":
                self._ask()
            case "escape":
                self.drop()
            case "tab" | "down":
                self._form.step(1)
            case "shift+tab" | "up":
                self._form.step(-1)

    def _go_back(self) -> None:
        if self._step is Step.SENDING:
            self.drop()
            return
        self._back_to_editing()
        self._work_out()

    def _back_to_editing(self) -> None:
        self._step = Step.EDITING
        self._intent = self._amend = self._judged = self._previewed = None
        self._reasons, self._is_denied = (), False
        self._form.freeze(False)
        if self._preview.has_focus:
            self._form.focus_field(Field.SIZE)

    def _ask(self) -> None:
        """Enter: puts the preview, unless the market has just moved or there is nothing to preview."""
        now = self._clock()
        self._work_out()
        if now < self._waits_until:
            self._hint = "the market has just moved: look again, then Enter"
            self._paint()
            return
        self._hint = ""
        evaluation = self._evaluation
        if not evaluation.is_ready:
            problem = next((f for f in Field if f in evaluation.problems), None)
            if problem is not None:
                self._form.focus_field(problem)
            self._paint()
            return
        self._intent, self._amend = evaluation.intent, evaluation.amend
        self._judged = evaluation.judged
        self._previewed = self._form.read()
        self._step = Step.PREVIEW
        self._gate = KeyGate()
        self._gate.put(now)
        self._form.freeze(True)
        self.screen.set_focus(self._preview)
        self._paint()
        if self._intent is not None:
            self.post_message(self.Previewed(self._intent))

    def _answer(self, key: str) -> None:
        """A key while a preview stands. Enter made it, so Enter only pushes the moment of the answer on."""
        now = self._clock()
        if key == "enter":
            self._gate.push_on(now)
            return
        if not self._gate.let_through(now) or self._is_denied:
            return
        if key != (OVERRIDE_KEY if self._reasons else SEND_KEY):
            return
        self._step = Step.SENDING
        overrides = frozenset(reason.guard for reason in self._reasons)
        if self._intent is not None:
            overrides |= self._intent.overrides
            self._intent = msgspec.structs.replace(self._intent, overrides=overrides)
            self.post_message(self.SubmitRequested(self._intent))
        elif self._amend is not None:
            overrides |= self._amend.overrides
            self._amend = msgspec.structs.replace(self._amend, overrides=overrides)
            self.post_message(self.AmendRequested(self._amend))
        # `paint_sending` shows it once the wish is on its way: restyling the ticket takes 14 ms.
