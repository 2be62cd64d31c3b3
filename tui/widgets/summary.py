"""The summary: what the account is worth, and what the day has made of it."""

from __future__ import annotations

from typing import Any

import msgspec

from tui import formatting
from tui.desk.exposure import Exposure, exposure_in
from tui.desk.frame import AccountView, Frame, MarginView, PositionView
from tui.desk.margin_estimate import Level, level_now
from tui.widgets.cells import Part, Span, plain
from tui.widgets.exposure_table import signed_amount
from tui.widgets.line import Line
from tui.widgets.margin_words import ratio_spans, request_words, unknown_of
from tui.widgets.pane import silent_venues


class Summary(Line):
    """Equity, the day's P&L with the fees and the funding in it, and how much of the budget is used."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._accounts: tuple[AccountView, ...] = ()
        self._account = ""
        self._margins: tuple[MarginView, ...] = ()
        self._positions: tuple[PositionView, ...] = ()
        self._silent: frozenset[str] = frozenset()
        self._held = Frame(number=0, ts=0)
        self._exposure: Exposure | None = None  # of the shown market's base

    def take(self, frame: Frame) -> None:
        if frame.accounts is not None:
            self._accounts = frame.accounts
        if frame.desk is not None:
            self._account = frame.desk.account
        if frame.margins is not None:
            self._margins = frame.margins
        if frame.positions is not None:
            self._positions = frame.positions
        if frame.venues is not None:
            self._silent = silent_venues(frame.venues)
        self._count(frame)
        super().take(frame)

    def _count(self, frame: Frame) -> None:
        """Keeps what the net is made of, and works it out anew where any of that has changed."""
        counted = ["desk", "venues", "balances", "margins", "positions"]
        counted += ["accounts"] if self._held.accounts is None else []  # for its currency alone
        news = {name: view for name in counted if (view := getattr(frame, name)) is not None}
        if not news:
            return
        self._held = msgspec.structs.replace(self._held, **news)
        desk, venues = self._held.desk, self._held.venues or ()
        shown = desk.shown if desk is not None else None
        self._exposure = exposure_in(self._held, shown.base) if shown is not None and len(venues) > 1 else None

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
            *self._owed(),
            Part(1, self._day(view)),
        ]  # fmt: skip
        left += self._net()
        if view.budget is not None:
            used = formatting.money(view.budget_used, 0)
            is_spent = view.budget_used is not None and view.budget_used >= view.budget
            colour = palette.alarm if is_spent else palette.text
            words = f" of {formatting.money(view.budget, 0)}{' spent' if is_spent else ''}"
            left.append(Part(3, (("budget ", palette.muted), (used, colour), (words, palette.muted))))
        return left, []

    def _owed(self) -> list[Part]:
        """Returns the ratio of each margin wallet that owes anything, with the venue's name where several do."""
        owing = [view for view in self._margins if view.wallet.has_debt]
        parts = []
        for view in owing:
            name = [(f"{view.venue} ", self.palette.muted)] if len(owing) > 1 else []
            is_old = view.venue in self._silent
            # What is calm gives way to the day's figures; what is not is never dropped for anything.
            rank = 2 if level_now(view) is Level.CALM and not is_old else 0
            parts.append(Part(rank, (*name, *ratio_spans(view, self.palette, is_old=is_old))))
        # Neither the orders nor the balances would show it.
        unknown = [each for view in self._margins for each in unknown_of(view)]
        unknown += [each for view in self._positions for each in unknown_of(view)]
        if unknown:
            what = request_words(unknown[0].request) if len(unknown) == 1 else f"{len(unknown)} moves of funds"
            parts.append(Part(0, ((f"? {what} UNKNOWN", self.palette.alarm),)))
        return parts

    def _net(self) -> list[Part]:
        """Returns what is held of the shown market's base over all venues, where more than one is open."""
        if self._exposure is None:
            return []
        words, sign = signed_amount(self._exposure.net), formatting.sign_of(self._exposure.net)
        label = f"net {plain(self._exposure.asset)} "
        return [Part(2, ((label, self.palette.muted), (words, self.palette.sign(sign))))]

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
