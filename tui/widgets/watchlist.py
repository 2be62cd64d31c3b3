"""The watchlist: what each market trades at, favourites first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import ClassVar

from textual.message import Message

from tui import formatting
from tui.desk.frame import Frame, QuoteView
from tui.widgets.blotter import Column
from tui.widgets.cells import Span
from tui.widgets.market_blotter import MarketBlotter
from venues.model import Instrument, InstrumentId

_ROOM_FOR_NAMES = 36
_ROOM_FOR_VENUES = 8  # cells more, where they stand beside the names


class Watchlist(MarketBlotter[QuoteView]):
    """One row per market. Choosing a row asks for it to be shown; it never trades."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("star", "", 1),
        Column("name", "market", 8),
        Column("last", "last", 8, 1, "right"),
        Column("change", "24 h", 6, 2, "right"),
        Column("bid", "bid", 8, 5, "right"),
        Column("ask", "ask", 8, 5, "right"),
        Column("volume", "volume", 6, 4, "right"),
        Column("funding", "funding", 8, 6, "right"),
        Column("venue", "venue", 5, 3),
    )
    least_gap: ClassVar[int] = 1
    empty: ClassVar[str] = "no markets yet"

    class FavouriteRequested(Message):
        """The trader wants this market among the favourites, or no longer."""

        def __init__(self, instrument: Instrument, is_favourite: bool) -> None:
            super().__init__()
            self.instrument = instrument
            self.is_favourite = is_favourite

    def take(self, frame: Frame) -> None:
        if frame.quotes is not None:
            self.set_rows(frame.quotes)
            self.set_pane_title("watchlist")
        super().take(frame)

    @property
    def selected_instrument(self) -> Instrument | None:
        row = self.selected
        return row.instrument if row is not None else None

    def toggle_favourite(self) -> None:
        """Posts `FavouriteRequested` for the row under the cursor."""
        if (row := self.selected) is not None:
            self.post_message(self.FavouriteRequested(row.instrument, not row.is_favourite))

    def move_to_instrument(self, instrument: InstrumentId) -> None:
        """Puts the cursor on this market's row, if it has one."""
        index = next((i for i, row in enumerate(self.rows) if row.instrument.id == instrument), None)
        if index is not None:
            self.move_to(index)

    def _name_of(self, instrument: Instrument) -> str:
        """Where it is narrow a perpetual goes by its base: the quote is the same all the way down."""
        room = _ROOM_FOR_NAMES + (_ROOM_FOR_VENUES if self._names_venues else 0)
        if instrument.is_perpetual and self.size.width < room:
            return f"{instrument.base} perp"
        return instrument.name

    def key_of(self, row: QuoteView) -> Hashable:
        return row.instrument.id

    def cells_of(self, row: QuoteView) -> Mapping[str, Span]:
        palette, instrument = self.palette, row.instrument
        change = formatting.sign_of(row.change)
        is_old = instrument.id.venue in self._silent
        name = palette.text if instrument.is_tradable else palette.muted
        star = "★" if row.is_favourite else " "
        return {
            "star": ("◐", palette.warning) if is_old else (star, palette.own),
            "name": (self._name_of(instrument), name),
            "last": (formatting.price(row.last, instrument), palette.muted if is_old else palette.text),
            "change": (
                formatting.percent(row.change, 1, sign=True),
                palette.muted if is_old else palette.sign(change),
            ),
            "bid": (formatting.price(row.bid, instrument), palette.muted),
            "ask": (formatting.price(row.ask, instrument), palette.muted),
            "volume": (formatting.compact(row.volume), palette.muted),
            "funding": (
                formatting.percent(row.funding_rate, 4, sign=True) if instrument.is_perpetual else "",
                palette.muted,
            ),
            "venue": (instrument.id.venue, palette.muted),
        }
