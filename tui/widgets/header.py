"""The header: what is shown, what it trades at, in which mode, and whether the desk is armed."""

from __future__ import annotations

from typing import Any

from rich.style import Style

from tui import formatting
from tui.desk.authentication import UNPROVEN
from tui.desk.frame import DeskView, Frame, PositionView, QuoteView, VenueView
from tui.widgets.cells import Part, Span
from tui.widgets.line import Line
from tui.widgets.mode_badge import badge, mode_of
from tui.widgets.status_bar import is_unproven
from venues.model import ZERO, Instrument
from venues.port import Mode

ROOMY = 160
"""Cells below which a header has no room for all of what a hang-up does: the screen says it elsewhere too."""

_NARROW = 100
_HANG_UP = {
    "leave": "hang-up leaves orders",
    "cancel_session": "hang-up cancels this session's orders",
    "cancel_all": "hang-up cancels all",
}


def hang_up_words(desk: DeskView) -> str:
    """Returns what a hang-up does to the orders: "hang-up cancels all, also after 15 min idle"."""
    words = _HANG_UP.get(desk.detach_policy, f"hang-up: {desk.detach_policy}")
    return f"{words}, also {desk.detach_when}" if desk.detach_when and desk.detach_policy != "leave" else words


class Header(Line):
    """Mode, instrument, last price with its change, mark, index, funding with its countdown and what it will bring
    or cost, account, lock.

    Mode, instrument, price and lock stay on the narrowest line; index, mark and account go first. With more than
    one venue open the instrument's is named with it.
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._desk: DeskView | None = None
        self._quotes: tuple[QuoteView, ...] = ()
        self._venues: tuple[VenueView, ...] = ()
        self._positions: tuple[PositionView, ...] = ()
        self._is_recovering = False

    def take(self, frame: Frame) -> None:
        if frame.desk is not None:
            self._desk = frame.desk
        if frame.quotes is not None:
            self._quotes = frame.quotes
        if frame.venues is not None:
            self._venues = frame.venues
        if frame.positions is not None:
            self._positions = frame.positions
        if frame.recovery is not None:
            self._is_recovering = bool(frame.recovery.rows) and not frame.recovery.is_over
        super().take(frame)

    def parts(self) -> tuple[list[Part], list[Part]]:
        palette, desk = self.palette, self._desk
        if desk is None:
            return [Part(0, ((" pitside", palette.muted),))], []
        left = [Part(0, (badge(mode_of(desk), palette),))]
        shown = desk.shown
        if shown is None:
            left.append(Part(1, (("no instrument", palette.muted),)))
        else:
            left.append(Part(1, ((shown.name, palette.strong), *self._venue_spans(shown, mode_of(desk)))))
            quote = next((q for q in self._quotes if q.instrument.id == shown.id), None)
            if quote is not None:
                left.extend(self._quote_parts(quote))
            left.extend(self._doubt_parts(shown))
        left.extend(self._detach_parts(desk))
        left.append(Part(8, ((desk.account, palette.muted),)))
        return left, self._lock_parts(desk)

    def _venue_spans(self, shown: Instrument, mode: Mode) -> list[Span]:
        """Of several venues, the one that the instrument is of, and its mode where that is not the desk's."""
        view = next((view for view in self._venues if view.venue == shown.id.venue), None)
        if view is None or len(self._venues) < 2:
            return []
        spans: list[Span] = [(f"@{view.venue}", self.palette.text)]
        if view.mode is not mode and mode is not Mode.READ_ONLY:
            spans += [(" ", self.palette.text), badge(view.mode, self.palette)]
        return spans

    def _doubt_parts(self, shown: Instrument) -> list[Part]:
        """Says that no signed call has proven yet how the shown venue is spoken to; its chip says it too."""
        is_doubtful = any(view.venue == shown.id.venue and is_unproven(view) for view in self._venues)
        return [Part(4, ((UNPROVEN, self.palette.warning),))] if is_doubtful and self.size.width >= _NARROW else []

    def _detach_parts(self, desk: DeskView) -> list[Part]:
        """What a hang-up does is said before it happens; that it does nothing, only where there is room."""
        width = self.size.width
        if desk.detach_policy == "leave":
            return [Part(11, ((hang_up_words(desk), self.palette.muted),))] if width >= ROOMY else []
        words = hang_up_words(desk) if width >= ROOMY else _HANG_UP.get(desk.detach_policy, "")
        return [Part(6, ((words, self.palette.warning),))] if width >= _NARROW and words else []

    def _lock_parts(self, desk: DeskView) -> list[Part]:
        palette, is_broad = self.palette, self.size.width >= _NARROW
        if desk.read_only_reason:
            # The badge says it already; why is said in a toast too.
            return [Part(7, ((desk.read_only_reason, palette.warning),))] if is_broad else []
        if desk.mode is Mode.READ_ONLY:
            return [Part(7, (("orders are off", palette.muted),))]  # there is nothing that could be armed
        if self._is_recovering:
            reason = " recovery: u" if is_broad else ""
            return [Part(1, (("LOCKED" + reason, palette.alarm),))]
        if desk.is_armed:
            return [Part(1, (("ARMED", palette.warning + Style(bold=True)),))]
        reason = f" {desk.lock_reason}" if desk.lock_reason and is_broad else ""
        return [Part(1, (("LOCKED" + reason, palette.strong),))]

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
            spans = [("fund ", palette.muted), (rate, palette.sign(formatting.sign_of(quote.funding_rate)))]
            if quote.ts_next_funding is not None:
                left = formatting.countdown(quote.ts_next_funding - self.now)
                spans += [(" in ", palette.muted), (left, palette.text)]
            parts.append(Part(5, tuple(spans)))
            parts += self._payment_parts(instrument)
        return parts

    def _payment_parts(self, instrument: Instrument) -> list[Part]:
        """About what the next funding brings or costs the positions in what is shown, both sides together."""
        held = [view for view in self._positions if view.position.instrument == instrument.id]
        amounts = [view.next_funding for view in held if view.next_funding is not None]
        if not amounts:
            return []
        amount, palette = sum(amounts, ZERO), self.palette
        word = "pays ~" if amount < 0 else "gets ~"
        colour = palette.sign(formatting.sign_of(amount))
        return [Part(7, ((word, palette.muted), (formatting.money(abs(amount)), colour)))]
