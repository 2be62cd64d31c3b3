"""The fields of an order ticket, in rows: texts, choices and marks, each with a word beside it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.desk.draft import Draft, Evaluation, Field
from tui.widgets.cells import plain
from venues.model import Instrument, MarginMode, OrderType, TimeInForce
from venues.port import Capabilities

V = TypeVar("V")
TEXTS = (Field.TRIGGER, Field.PRICE, Field.SIZE, Field.LEVERAGE, Field.TAKE_PROFIT, Field.STOP_LOSS)


class Edited(Message):
    """A field of the form was changed."""


class TextField(Input):
    """A line of text; while frozen it takes no key and no paste."""

    def __init__(self, *, name: str) -> None:
        super().__init__(id=name, compact=True, select_on_focus=True)
        self.is_frozen = False

    def on_key(self, event: events.Key) -> None:
        if self.is_frozen:
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        if self.is_frozen:
            event.prevent_default()
            event.stop()


class Choice(Widget, Generic[V], can_focus=True):
    """One of a few values; left and right (or Space) go through them. It never opens and never traps a key."""

    def __init__(self, *, name: str) -> None:
        super().__init__(id=name)
        self.is_frozen = False
        self._options: tuple[tuple[V, str], ...] = ()
        self._at = 0

    def offer(self, options: Sequence[tuple[V, str]], value: V) -> None:
        """Sets what there is to choose from; the first one when `value` is not among them."""
        self._options = tuple(options)
        self._at = next((i for i, (option, _) in enumerate(self._options) if option == value), 0)
        self.refresh()

    @property
    def value(self) -> V | None:
        return self._options[self._at][0] if self._options else None

    def render(self) -> Content:
        label = self._options[self._at][1] if self._options else ""
        if len(self._options) < 2:
            return Content(f"  {label}")
        arrow = "$text-muted"
        return Content.assemble(("‹ ", arrow), label, (" ›", arrow))

    def on_key(self, event: events.Key) -> None:
        step = {"left": -1, "right": 1, "space": 1}.get(event.key)
        if step is None or self.is_frozen:
            return
        event.stop()
        if len(self._options) > 1:
            self._at = (self._at + step) % len(self._options)
            self.refresh()
            self.post_message(Edited())


class Mark(Widget, can_focus=True):
    """A yes or no, turned by Space."""

    def __init__(self, label: str, *, name: str) -> None:
        super().__init__(id=name)
        self.is_frozen = False
        self._label = label
        self._is_on = False

    @property
    def is_on(self) -> bool:
        return self._is_on

    def turn(self, is_on: bool) -> None:
        """Sets it without a message."""
        self._is_on = is_on
        self.refresh()

    def render(self) -> Content:
        # The box is text, not markup: square brackets would be read as a tag.
        return Content(f"[{'x' if self._is_on else ' '}] {self._label}")

    def on_key(self, event: events.Key) -> None:
        if event.key != "space" or self.is_frozen:
            return
        event.stop()
        self.turn(not self._is_on)
        self.post_message(Edited())


AnyField = TextField | Mark | Choice[OrderType] | Choice[TimeInForce] | Choice[MarginMode | None] | Choice[bool]


class TicketForm(Widget):
    """All fields there can be; those that do not apply are not displayed. Tells of changes by `Edited`."""

    def __init__(self) -> None:
        super().__init__()
        self._texts = {field: TextField(name=f"field-{field.name.lower()}") for field in TEXTS}
        self._type: Choice[OrderType] = Choice(name="field-type")
        self._tif: Choice[TimeInForce] = Choice(name="field-time_in_force")
        self._margin: Choice[MarginMode | None] = Choice(name="field-margin_mode")
        self._wallet: Choice[bool] = Choice(name="field-wallet")
        self._post_only = Mark("post-only", name="field-post_only")
        self._reduce_only = Mark("reduce-only", name="field-reduce_only")
        self._choices: dict[Field, AnyField] = {
            Field.TYPE: self._type,
            Field.TIME_IN_FORCE: self._tif,
            Field.WALLET: self._wallet,
            Field.MARGIN_MODE: self._margin,
            Field.POST_ONLY: self._post_only,
            Field.REDUCE_ONLY: self._reduce_only,
        }
        self._labels = {
            field: Static(field.value, classes="label", id=f"label-{field.lower()}", markup=False)
            for field in Field
        }
        self._notes = {
            field: Static("", classes="note", id=f"note-{field.lower()}", markup=False) for field in TEXTS
        }
        self._fields: tuple[Field, ...] = ()
        self._draft: Draft | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield self._labels[Field.TYPE]
            yield self._type
            yield self._labels[Field.TIME_IN_FORCE]
            yield self._tif
        yield Horizontal(self._labels[Field.WALLET], self._wallet, classes="row")
        for field in (Field.TRIGGER, Field.PRICE, Field.SIZE):
            yield self._text_row(field)
        with Horizontal(classes="row"):
            yield self._labels[Field.LEVERAGE]
            yield self._texts[Field.LEVERAGE]
            yield self._notes[Field.LEVERAGE]
            yield self._labels[Field.MARGIN_MODE]
            yield self._margin
        with Horizontal(classes="row"):
            yield Static("", classes="label")
            yield self._post_only
            yield self._reduce_only
        for field in (Field.TAKE_PROFIT, Field.STOP_LOSS):
            yield self._text_row(field)

    def _text_row(self, field: Field) -> Horizontal:
        return Horizontal(self._labels[field], self._texts[field], self._notes[field], classes="row")

    def load(
        self, draft: Draft, instrument: Instrument, capabilities: Capabilities, leverage: Decimal | None = None
    ) -> None:
        """Fills the fields. `leverage` is what is set at the venue, shown where the field is empty."""
        self._draft = draft
        types = [t for t in OrderType if t in capabilities.order_types] or [draft.type]
        self._type.offer([(t, t.value.replace("_", " ").capitalize()) for t in types], draft.type)
        times = [t for t in TimeInForce if t in capabilities.times_in_force] or [draft.time_in_force]
        self._tif.offer([(t, t.value.upper()) for t in times], draft.time_in_force)
        modes: list[tuple[MarginMode | None, str]] = []
        modes += [] if capabilities.margin_mode_of_order else [(None, "as set")]
        modes += [(m, m.value) for m in MarginMode if m in capabilities.margin_modes]
        self._margin.offer(modes, draft.margin_mode)
        wallets = [(False, "spot"), (True, plain(capabilities.margin_wallet or "margin wallet"))]
        self._wallet.offer(wallets, draft.in_margin_wallet)
        self._post_only.turn(draft.post_only)
        self._reduce_only.turn(draft.reduce_only)
        written = {
            Field.TRIGGER: draft.trigger,
            Field.PRICE: draft.price,
            Field.SIZE: draft.size,
            Field.LEVERAGE: draft.leverage,
            Field.TAKE_PROFIT: draft.take_profit,
            Field.STOP_LOSS: draft.stop_loss,
        }
        with self.prevent(Input.Changed):
            for field, text in written.items():
                self._texts[field].value = text
        self._texts[Field.LEVERAGE].placeholder = "as set" if leverage is None else f"{leverage:f}x"
        self._labels[Field.SIZE].update(f"size {plain(instrument.base)}")

    def read(self) -> Draft:
        """Returns what stands in the fields now."""
        if self._draft is None:
            raise RuntimeError("the form was not loaded")
        return Draft(
            side=self._draft.side,
            type=self._type.value or self._draft.type,
            time_in_force=self._tif.value or self._draft.time_in_force,
            margin_mode=self._margin.value,
            post_only=self._post_only.is_on,
            reduce_only=self._reduce_only.is_on,
            position_id=self._draft.position_id,
            in_margin_wallet=bool(self._wallet.value),
            trigger=self._texts[Field.TRIGGER].value,
            price=self._texts[Field.PRICE].value,
            size=self._texts[Field.SIZE].value,
            leverage=self._texts[Field.LEVERAGE].value,
            take_profit=self._texts[Field.TAKE_PROFIT].value,
            stop_loss=self._texts[Field.STOP_LOSS].value,
        )

    def show_fields(self, fields: tuple[Field, ...]) -> None:
        """Displays these fields only. A focus that would vanish goes to the first one left."""
        if fields == self._fields:
            return
        self._fields = fields
        self.set_class(Field.LEVERAGE not in fields, "-no-leverage")
        for field in Field:
            is_shown = field in fields
            self._labels[field].display = is_shown
            self._widget_of(field).display = is_shown
            if field in self._notes:
                self._notes[field].display = is_shown
        for row in self.query(".row"):
            row.display = any(child.display for child in row.children if not child.has_class("label"))

    def show(self, evaluation: Evaluation) -> None:
        """Writes beside each field what it was read as, or what is wrong with it."""
        for field, note in self._notes.items():
            problem = evaluation.problems.get(field)
            is_empty = not self._texts[field].value.strip()
            words = evaluation.resolved.get(field, "") if problem is None else problem
            # An empty field is not a mistake yet.
            is_wrong = problem is not None and not is_empty
            note.update(f"✗ {plain(words)}" if is_wrong else plain(words), layout=False)
            note.set_class(is_wrong, "-wrong")
            self._texts[field].set_class(is_wrong, "-wrong")
        for mark, field in ((self._post_only, Field.POST_ONLY), (self._reduce_only, Field.REDUCE_ONLY)):
            mark.set_class(field in evaluation.problems, "-wrong")
        self._type.set_class(Field.TYPE in evaluation.problems, "-wrong")

    def freeze(self, is_frozen: bool) -> None:
        """While frozen no field takes a key: what was previewed stays what it is."""
        for field in Field:
            self._widget_of(field).is_frozen = is_frozen
        self.set_class(is_frozen, "-frozen")

    def focus_field(self, field: Field) -> None:
        """Gives a field the focus, with its text selected."""
        widget = self._widget_of(field)
        self.screen.set_focus(widget)
        if isinstance(widget, Input):
            widget.select_all()

    @property
    def focused_field(self) -> Field | None:
        return next((field for field in Field if self._widget_of(field) is self.screen.focused), None)

    def step(self, by: int) -> None:
        """Moves the focus by so many fields, round the end."""
        order = [field for field in Field if field in self._fields]
        if not order:
            return
        at = self.focused_field
        if at not in order:
            self.focus_field(order[0 if by > 0 else -1])
        else:
            self.focus_field(order[(order.index(at) + by) % len(order)])

    def _widget_of(self, field: Field) -> AnyField:
        return self._texts[field] if field in self._texts else self._choices[field]

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Edited())
