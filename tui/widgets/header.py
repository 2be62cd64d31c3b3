"""The header: what is shown, what it trades at, in which mode, and whether the desk is armed."""

from __future__ import annotations

from typing import Any

from rich.style import Style

from tui import formatting
from tui.desk.frame import DeskView, Frame, QuoteView
from tui.widgets.cells import Part
from tui.widgets.line import Line
from tui.widgets.mode_badge import badge


class Header(Line):
    """Mode, instrument, last price with its change, mark, index, funding with its countdown, account, lock.

    Mode, instrument, price and lock stay on the narrowest line; index, mark and account go first.
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._desk: DeskView | None = None
        self._quotes: tuple[QuoteView, ...] = ()
        self._notice = ""

    def take(self, frame: Frame) -> None:
        if frame.desk is not None:
            self._desk = frame.desk
        if frame.quotes is not None:
            self._quotes = frame.quotes
        super().take(frame)

    def show_notice(self, text: str) -> None:
        """Shows a standing remark of the desk (a detach policy, a second writer); empty takes it away."""
        self._notice = text
        self.redraw()

    def parts(self) -> tuple[list[Part], list[Part]]:
        palette, desk = self.palette, self._desk
        if desk is None:
            return [Part(0, ((" pitside", palette.muted),))], []
        left = [Part(0, (badge(desk.mode, palette),))]
        shown = desk.shown
        if shown is None:
            left.append(Part(1, (("no instrument", palette.muted),)))
        else:
            left.append(Part(1, ((shown.name, palette.strong),)))
            quote = next((q for q in self._quotes if q.instrument.id == shown.id), None)
            if quote is not None:
                left.extend(self._quote_parts(quote))
        if self._notice:
            left.append(Part(6, ((self._notice, palette.warning),)))
        if desk.detach_policy != "leave":
            left.append(Part(7, ((f"detach: {desk.detach_policy}", palette.muted),)))
        left.append(Part(8, ((desk.account, palette.muted),)))
        if desk.is_armed:
            lock = Part(1, (("ARMED", palette.warning + Style(bold=True)),))
        else:
            reason = f" {desk.lock_reason}" if desk.lock_reason and self.size.width >= 100 else ""
            lock = Part(1, (("LOCKED" + reason, palette.strong),))
        return left, [lock]

    def _quote_parts(self, quote: QuoteView) -> list[Part]:
        palette, instrument = self.palette, quote.instrument
        sign = formatting.sign_of(quote.change)
        colour = palette.sign(sign)
        price = formatting.price(quote.last, instrument)
        change = f"{formatting.trend(quote.change)} {formatting.percent(quote.change, sign=True)}"
        parts = [
            Part(
                2, ((price, colour + Style(bold=True)), (f" {change}" if quote.change is not None else "", colour))
            )
        ]
        if quote.mark is not None:
            mark = formatting.price(quote.mark, instrument)
            parts.append(Part(9, (("mark ", palette.muted), (mark, palette.text))))
        if quote.index is not None:
            index = formatting.price(quote.index, instrument)
            parts.append(Part(10, (("idx ", palette.muted), (index, palette.text))))
        if quote.funding_rate is not None:
            rate = formatting.percent(quote.funding_rate, 4, sign=True)
            spans = [("fund ", palette.muted), (rate, palette.text)]
            if quote.ts_next_funding is not None:
                left = formatting.countdown(quote.ts_next_funding - self.now)
                spans += [(" in ", palette.muted), (left, palette.text)]
            parts.append(Part(5, tuple(spans)))
        return parts
