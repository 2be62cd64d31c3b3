"""The fields of a change of a position's margin, and of leverage and margin mode."""

from __future__ import annotations

from collections.abc import Sequence

from tui.widgets.position_words import TITLES
from tui.widgets.ticket_form import Choice
from tui.widgets.wish_form import WishForm
from venues.commands import FundsKind
from venues.model import MarginMode


class MarginForm(WishForm):
    """Add or take out, and how much."""

    def __init__(self, kind: FundsKind) -> None:
        super().__init__(text_label="amount")
        self._kind: Choice[FundsKind] = Choice(name="wish-kind")
        self._kind.offer(list(TITLES.items()), kind)

    @property
    def choices(self) -> Sequence[tuple[str, Choice[FundsKind]]]:
        return (("what", self._kind),)

    @property
    def kind(self) -> FundsKind:
        return self._kind.value or FundsKind.ADD_MARGIN


class LeverageForm(WishForm):
    """A leverage and a margin mode."""

    def __init__(self, modes: Sequence[MarginMode], mode: MarginMode) -> None:
        super().__init__(text_label="leverage")
        self._mode: Choice[MarginMode] = Choice(name="wish-mode")
        self._mode.offer([(each, each.value) for each in modes], mode)

    @property
    def choices(self) -> Sequence[tuple[str, Choice[MarginMode]]]:
        return (("margin", self._mode),)

    @property
    def mode(self) -> MarginMode | None:
        return self._mode.value
