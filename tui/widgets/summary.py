"""The summary: what the account is worth, and what the day has made of it."""

from __future__ import annotations

from typing import Any

from tui import formatting
from tui.desk.frame import AccountView, Frame
from tui.widgets.cells import Part, Span
from tui.widgets.line import Line


class Summary(Line):
    """Equity, the day's P&L with the fees and the funding in it, and how much of the budget is used."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._accounts: tuple[AccountView, ...] = ()
        self._account = ""

    def take(self, frame: Frame) -> None:
        if frame.accounts is not None:
            self._accounts = frame.accounts
        if frame.desk is not None:
            self._account = frame.desk.account
        super().take(frame)

    def parts(self) -> tuple[list[Part], list[Part]]:
        palette = self.palette
        view = next((a for a in self._accounts if a.account == self._account), None)
        view = view or next(iter(self._accounts), None)
        if view is None:
            return [Part(0, ((" no account yet", palette.muted),))], []
        currency = "" if view.currency in {"", "USDT"} and self.size.width < 100 else f" {view.currency}"
        left = [
            Part(0, ((" equity ", palette.muted), (formatting.money(view.equity), palette.strong),
                     (currency, palette.muted))),
            Part(1, self._day(view)),
        ]  # fmt: skip
        if view.budget is not None:
            used = formatting.money(view.budget_used, 0)
            is_spent = view.budget_used is not None and view.budget_used >= view.budget
            colour = palette.alarm if is_spent else palette.text
            words = f" of {formatting.money(view.budget, 0)}{' spent' if is_spent else ''}"
            left.append(Part(3, (("budget ", palette.muted), (used, colour), (words, palette.muted))))
        return left, []

    def _day(self, view: AccountView) -> tuple[Span, ...]:
        palette = self.palette
        colour = palette.sign(formatting.sign_of(view.day_pnl))
        spans = [("day P&L ", palette.muted), (formatting.signed(view.day_pnl), colour)]
        costs = []
        if view.day_fees is not None:
            costs.append(f"fees {formatting.signed(view.day_fees)}")
        if view.day_funding is not None:
            costs.append(f"funding {formatting.signed(view.day_funding)}")
        if costs and self.size.width >= 70:
            spans.append((f" ({', '.join(costs)})", palette.muted))
        return tuple(spans)
