"""Positions of both sides, one or several of each per symbol, and how each symbol's are margined."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from venues.simulators.perpetuals.positions import HeldPosition, MarginType, OpenPositions, PositionSide
from venues.simulators.pumpkin.markets import TERMS


class PositionModel(StrEnum):
    AGGREGATION = "AGGREGATION"
    DISAGGREGATION = "DISAGGREGATION"


class SymbolSettings(msgspec.Struct):
    """How new positions of a symbol are margined; it can change while none is open."""

    leverage: int
    margin_type: MarginType = MarginType.CROSSED
    model: PositionModel = PositionModel.AGGREGATION


class PositionBook(OpenPositions):
    """All open positions by their id, and the settings of every symbol."""

    def __init__(self) -> None:
        super().__init__()
        self._settings: dict[str, SymbolSettings] = {}

    def settings(self, symbol: str) -> SymbolSettings:
        found = self._settings.get(symbol)
        if found is None:
            found = self._settings[symbol] = SymbolSettings(TERMS[symbol].first_leverage)
        return found

    def joined(self, symbol: str, side: PositionSide) -> HeldPosition | None:
        """Returns the position that an opening order adds to, if the symbol's positions are aggregated."""
        if self.settings(symbol).model is PositionModel.DISAGGREGATION:
            return None
        return next((one for one in self.of(symbol) if one.side is side), None)

    def begin(self, number: int, symbol: str, side: PositionSide, now: int) -> HeldPosition:
        settings, terms = self.settings(symbol), TERMS[symbol]
        position = HeldPosition(
            number, symbol, side, settings.margin_type, settings.leverage, terms.contract_size, terms.brackets,
            ts_opened=now, ts_event=now,
        )  # fmt: skip
        self.open[number] = position
        return position
