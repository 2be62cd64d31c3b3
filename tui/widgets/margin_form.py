"""The fields of a wish for a margin wallet: what, of which currency, how much."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.desk.margin_estimate import FundsDraft
from tui.widgets.cells import plain
from tui.widgets.margin_words import KINDS
from tui.widgets.ticket_form import Choice, Edited, TextField
from venues.commands import FundsKind


class FundsForm(Widget):
    """Three rows. Tells of changes by `Edited`; while frozen no field takes a key or a paste."""

    def __init__(self, *, name: str) -> None:
        super().__init__(id=name)
        self._kind: Choice[FundsKind] = Choice(name="funds-kind")
        self._currency: Choice[str] = Choice(name="funds-currency")
        self._amount = TextField(name="funds-amount")
        self._note = Static("", classes="note", id="funds-note", markup=False)

    def compose(self) -> ComposeResult:
        for label, *parts in (
            ("what", self._kind),
            ("currency", self._currency),
            ("amount", self._amount, self._note),
        ):
            yield Horizontal(Static(str(label), classes="label", markup=False), *parts, classes="row")

    def load(self, draft: FundsDraft, currencies: Sequence[str]) -> None:
        """Fills the fields; nobody is told."""
        self._kind.offer([(kind, words) for kind, words in KINDS.items()], draft.kind)
        self.offer(currencies, draft.currency)
        with self.prevent(Input.Changed):
            self._amount.value = draft.amount

    def offer(self, currencies: Sequence[str], wanted: str) -> None:
        """Sets the currencies to choose from."""
        self._currency.offer([(each, plain(each)) for each in currencies], wanted)

    def read(self) -> FundsDraft:
        """Returns what stands in the fields now."""
        return FundsDraft(
            kind=self._kind.value or FundsKind.BORROW,
            currency=self._currency.value or "",
            amount=self._amount.value,
        )

    def show(self, resolved: str, problem: str) -> None:
        """Writes beside the amount what it was read as, or what is wrong with it."""
        is_wrong = bool(problem) and bool(self._amount.value.strip())  # an empty field is not a mistake yet
        self._note.update(f"✗ {plain(problem)}" if is_wrong else plain(resolved), layout=False)
        self._note.set_class(is_wrong, "-wrong")
        self._amount.set_class(is_wrong, "-wrong")

    def freeze(self, is_frozen: bool) -> None:
        """While frozen what was previewed stays what it is."""
        for field in (self._kind, self._currency, self._amount):
            field.is_frozen = is_frozen
        self.set_class(is_frozen, "-frozen")

    def focus_amount(self) -> None:
        """Gives the amount the focus, with its text selected."""
        self.screen.set_focus(self._amount)
        self._amount.select_all()

    def step(self, by: int) -> None:
        """Moves the focus by so many fields, round the end."""
        order: list[Widget] = [self._kind, self._currency, self._amount]
        focused = self.screen.focused
        at = order.index(focused) if focused in order else -by
        self.screen.set_focus(order[(at + by) % len(order)])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Edited())
