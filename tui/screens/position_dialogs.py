"""The two dialogs of a position: more or less margin, and leverage with its margin mode."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

import msgspec

from tui.desk.control import FundsIntent, Outcome
from tui.desk.frame import PositionView
from tui.desk.position_estimate import (
    LeverageEvaluation,
    LeverageWish,
    MarginEvaluation,
    PositionContext,
    estimate_leverage,
    estimate_margin,
    evaluate_leverage,
    evaluate_margin,
    gravity_of,
    make_position_context,
)
from tui.screens.preview_dialog import PreviewDialog
from tui.widgets.key_words import Paragraph
from tui.widgets.palette import Palette
from tui.widgets.position_form import LeverageForm, MarginForm
from tui.widgets.position_words import (
    TITLES,
    change_words,
    leverage_effect_words,
    leverage_words,
    most_words,
    sends_words,
    settings_words,
    side_words,
    what_words,
)
from venues.commands import FundsKind
from venues.model import Instrument, MarginMode, Position
from venues.port import Mode

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_MOST_WARNINGS = 3


class MarginDialog(PreviewDialog[FundsIntent]):
    """Adds to the margin of one isolated position, or takes from it."""

    def __init__(self, dashboard: Dashboard, view: PositionView, kind: FundsKind, amount: str = "") -> None:
        self._fields = MarginForm(kind)
        super().__init__(dashboard, self._fields, amount)
        self._view = view
        self._around: PositionContext | None = None
        self._evaluation = MarginEvaluation()

    def work_out(self) -> None:
        position = self._view.position
        self._around = make_position_context(
            self.state, position.instrument, position.position_id, self._view.account
        )
        if self._around is None:
            self._evaluation = MarginEvaluation(obstacle=f"{side_words(self._view)} is not there any more")
        else:
            self._evaluation = evaluate_margin(self._fields.kind, self._fields.text, self._around)
        self._fields.show(self._evaluation.resolved, self._evaluation.problem)

    @property
    def evaluation(self) -> MarginEvaluation:
        """What the fields mean as of the last frame."""
        return self._evaluation

    @property
    def wish(self) -> FundsIntent | None:
        return self._evaluation.intent

    @property
    def obstacle(self) -> str:
        return self._evaluation.obstacle

    @property
    def gravity(self) -> int:
        intent = self.frozen or self.wish
        if intent is None or self._around is None:
            return 0
        return gravity_of(estimate_margin(intent, self._around).distance_after)

    def words(self, palette: Palette) -> list[Paragraph]:
        intent, around = self.frozen or self.wish, self._around
        if around is None or (intent is None and self.obstacle):
            return []
        if intent is None:
            style = palette.text if self._fields.text.strip() else palette.muted
            asked = Paragraph(((self._evaluation.problem, style),), "amount")
            return [asked, *most_words(self._fields.kind, around, palette)]
        lines = change_words(intent, estimate_margin(intent, around), around, palette)
        warnings = [
            Paragraph(((text, palette.warning),), "!") for text in self._evaluation.warnings[:_MOST_WARNINGS]
        ]
        # What is grave stands high: on a small terminal the rest has to be paged to.
        return [*lines[:1], *warnings, *lines[1:]]

    @property
    def heading(self) -> tuple[str, str, Mode | None]:
        view, around = self._view, self._around
        where = f"{side_words(view)} · {view.position.instrument.venue} · {view.account}"
        return TITLES[self._fields.kind], where, None if around is None else around.mode

    def summary(self, wish: FundsIntent) -> str:
        return what_words(wish) if self._around is None else sends_words(wish, self._around)

    def send(self, wish: FundsIntent, overrides: frozenset[str]) -> Future[Outcome]:
        return self.dashboard.desk.move_funds(msgspec.structs.replace(wish, overrides=wish.overrides | overrides))


class LeverageDialog(PreviewDialog[LeverageWish]):
    """Sets leverage and margin mode of one instrument. What the venue refuses is said before anything is asked."""

    def __init__(self, dashboard: Dashboard, instrument: Instrument, *, at: Position | None = None) -> None:
        state, venue = dashboard.state, instrument.id.venue
        held = at or next(
            (each.position for each in state.positions or () if each.position.instrument == instrument.id), None
        )
        view = next((each for each in state.venues or () if each.venue == venue), None)
        allowed = view.capabilities.margin_modes if view is not None else frozenset()
        modes = [mode for mode in MarginMode if mode in allowed] or [MarginMode.CROSS]
        self._fields = LeverageForm(modes, held.margin_mode if held is not None else modes[-1])
        super().__init__(
            dashboard, self._fields, f"{held.leverage:f}" if held is not None and held.leverage else ""
        )
        self._instrument = instrument
        self._mode = view.mode if view is not None else None
        self._is_of_order = view is not None and view.capabilities.margin_mode_of_order
        self._evaluation = LeverageEvaluation()

    def work_out(self) -> None:
        self._evaluation = evaluate_leverage(self._fields.text, self._fields.mode, self._instrument, self.state)
        self._fields.show("", self._evaluation.problem)

    @property
    def wish(self) -> LeverageWish | None:
        return self._evaluation.wish

    @property
    def obstacle(self) -> str:
        return self._evaluation.obstacle

    @property
    def gravity(self) -> int:
        wish = self.frozen or self.wish
        changes = estimate_leverage(wish, self.state) if wish is not None else []
        return max((gravity_of(expected.distance_after) for _, expected in changes), default=0)

    def words(self, palette: Palette) -> list[Paragraph]:
        wish, lines = self.frozen or self.wish, settings_words(self._instrument, self.state, palette)
        if wish is not None:
            what = Paragraph(
                ((leverage_words(wish), palette.strong), (f" on {self._place}", palette.text)), "sends"
            )
            effects = leverage_effect_words(estimate_leverage(wish, self.state), palette)
            # What is grave stands high: on a small terminal the rest has to be paged to.
            return [what, *effects, *lines]
        if self._evaluation.problem:
            style = palette.text if self._fields.text.strip() else palette.muted
            return [Paragraph(((self._evaluation.problem, style),), "leverage"), *lines]
        return lines

    @property
    def _place(self) -> str:
        return f"{self._instrument.name} · {self._instrument.id.venue}"

    @property
    def heading(self) -> tuple[str, str, Mode | None]:
        return "leverage" if self._is_of_order else "leverage and margin mode", self._place, self._mode

    def summary(self, wish: LeverageWish) -> str:
        return f"leverage {leverage_words(wish)} on {self._place}"

    def send(self, wish: LeverageWish, overrides: frozenset[str]) -> Future[Outcome]:
        del overrides  # nothing asks about it
        return self.dashboard.desk.set_leverage(wish.instrument, wish.leverage, wish.margin_mode)

    def sent(self, wish: LeverageWish) -> None:
        self.dashboard.wishes.say(f"{self.summary(wish)}: set")
