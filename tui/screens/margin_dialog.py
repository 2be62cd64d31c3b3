"""Borrowing, paying back and transferring: a form, a preview that is frozen, and another key that sends."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

import msgspec

from tui.desk.control import FundsIntent, Outcome
from tui.desk.margin_estimate import (
    FundsContext,
    FundsDraft,
    FundsEvaluation,
    Level,
    estimate_funds,
    evaluate_funds,
    make_funds_context,
)
from tui.screens.preview_dialog import PreviewDialog
from tui.widgets.key_words import Paragraph
from tui.widgets.margin_form import FundsForm
from tui.widgets.margin_preview import preview_words, sends_words, what_words
from tui.widgets.margin_words import KINDS
from tui.widgets.palette import Palette
from venues.port import Mode

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_LEVELS = (Level.NO_DEBT, Level.CALM, Level.UNKNOWN, Level.WARNING, Level.ALARM)


class FundsDialog(PreviewDialog[FundsIntent]):
    """One wish for a margin wallet."""

    def __init__(self, dashboard: Dashboard, venue: str, draft: FundsDraft) -> None:
        self._venue = venue
        self._draft = draft
        self._around: FundsContext | None = make_funds_context(dashboard.state, venue)
        self._evaluation = FundsEvaluation()
        self._fields = FundsForm(draft, self._currencies(draft))
        super().__init__(dashboard, self._fields, draft.amount)

    def _currencies(self, draft: FundsDraft) -> tuple[str, ...]:
        return () if self._around is None else self._around.currencies(draft.kind, draft.currency)

    def work_out(self) -> None:
        self._around = make_funds_context(self.state, self._venue)
        draft = self._fields.read()
        if draft.kind is not self._draft.kind:
            self._fields.offer(self._currencies(draft), draft.currency)
        self._draft = self._fields.read()
        if self._around is None:
            words = f"{self._venue} has no margin wallet that is known now"
            self._evaluation = FundsEvaluation(obstacle=words)
        else:
            self._evaluation = evaluate_funds(self._draft, self._around)
        self._fields.show(self._evaluation.resolved, self._evaluation.problem)

    @property
    def evaluation(self) -> FundsEvaluation:
        """What the fields mean as of the last frame."""
        return self._evaluation

    @property
    def wish(self) -> FundsIntent | None:
        return self._evaluation.intent if self._evaluation.estimate is not None else None

    @property
    def obstacle(self) -> str:
        return self._evaluation.obstacle

    @property
    def gravity(self) -> int:
        expected = self._shown.estimate
        return 0 if expected is None else _LEVELS.index(expected.level_after)

    @property
    def _shown(self) -> FundsEvaluation:
        """What is shown: in a preview the frozen wish, judged by what is known now."""
        if self.frozen is None or self._around is None:
            return self._evaluation
        expected = estimate_funds(self.frozen, self._around)
        return FundsEvaluation(intent=self.frozen, estimate=expected, warnings=self._evaluation.warnings)

    def words(self, palette: Palette) -> list[Paragraph]:
        if self._around is None or (self.frozen is None and self.obstacle):
            return []
        return preview_words(self._shown, self._around, palette, is_empty=not self._draft.amount.strip())

    @property
    def heading(self) -> tuple[str, str, Mode | None]:
        if self._around is None:
            return KINDS[self._draft.kind], self._venue, None
        view = self._around.margin
        return KINDS[self._draft.kind], f"{view.venue} · {view.account} · {view.name}", self._around.mode

    def summary(self, wish: FundsIntent) -> str:
        return what_words(wish) if self._around is None else sends_words(wish, self._around)

    def send(self, wish: FundsIntent, overrides: frozenset[str]) -> Future[Outcome]:
        return self.dashboard.desk.move_funds(msgspec.structs.replace(wish, overrides=wish.overrides | overrides))
