"""A blotter whose rows each belong to a market: choosing one asks for that market, silent venues are known."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from textual.message import Message

from tui.desk.frame import Frame
from tui.widgets.blotter import Blotter
from tui.widgets.pane import silent_venues
from venues.model import Instrument


class MarketRow(Protocol):
    """A view of something on one market."""

    @property
    def instrument(self) -> Instrument: ...


M = TypeVar("M", bound=MarketRow)


class MarketBlotter(Blotter[M]):
    """What the watchlist, the positions and the open orders have in common."""

    class InstrumentChosen(Message):
        """The trader wants to see the market of this row."""

        def __init__(self, instrument: Instrument) -> None:
            super().__init__()
            self.instrument = instrument

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._silent: frozenset[str] = frozenset()

    def take(self, frame: Frame) -> None:
        if frame.venues is not None:
            self._silent = silent_venues(frame.venues)
        super().take(frame)

    def choose(self) -> None:
        """Posts `InstrumentChosen` for the row under the cursor."""
        if (row := self.selected) is not None:
            self.post_message(self.InstrumentChosen(row.instrument))
