"""The fields of a wish for a margin wallet: what, of which currency, how much."""

from __future__ import annotations

from collections.abc import Sequence

from tui.desk.margin_estimate import FundsDraft
from tui.widgets.cells import plain
from tui.widgets.margin_words import KINDS
from tui.widgets.ticket_form import Choice
from tui.widgets.wish_form import WishForm
from venues.commands import FundsKind


class FundsForm(WishForm):
    """What is done, of which currency, how much."""

    def __init__(self, draft: FundsDraft, currencies: Sequence[str]) -> None:
        super().__init__(text_label="amount")
        self._kind: Choice[FundsKind] = Choice(name="wish-kind")
        self._kind.offer(list(KINDS.items()), draft.kind)
        self._currency: Choice[str] = Choice(name="wish-currency")
        self.offer(currencies, draft.currency)

    @property
    def choices(self) -> Sequence[tuple[str, Choice[FundsKind] | Choice[str]]]:
        return (("what", self._kind), ("currency", self._currency))

    def offer(self, currencies: Sequence[str], wanted: str) -> None:
        """Sets the currencies to choose from."""
        self._currency.offer([(each, plain(each)) for each in currencies], wanted)

    def read(self) -> FundsDraft:
        """Returns what stands in the fields now."""
        return FundsDraft(
            kind=self._kind.value or FundsKind.BORROW, currency=self._currency.value or "", amount=self.text
        )
