"""The positions: what is open, what it has made, and how far it is from being liquidated."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import ClassVar

from tui import formatting
from tui.desk.frame import Frame, PositionView
from tui.widgets.blotter import Column
from tui.widgets.cells import Span
from tui.widgets.market_blotter import MarketBlotter

NEAR_LIQUIDATION = Decimal("0.05")
"""A liquidation price nearer to the mark than this fraction is shown as an alarm."""


class Positions(MarketBlotter[PositionView]):
    """One row per position. Choosing a row shows its market; whatever acts on it takes `selected_position`."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("instrument", "instrument", 13),
        Column("side", "side", 5),
        Column("size", "size", 6, 0, "decimal"),
        Column("entry", "entry", 9, 1, "decimal"),
        Column("mark", "mark", 9, 4, "decimal"),
        Column("pnl", "P&L", 8, 0, "decimal"),
        Column("break_even", "break-even", 10, 6, "decimal"),
        Column("liquidation", "liq", 9, 2, "decimal"),
        Column("distance", "away", 6, 2, "right"),
        Column("margin", "margin", 8, 5, "decimal"),
        Column("leverage", "lev", 4, 7, "right"),
        Column("funding", "funding", 7, 8, "decimal"),
        Column("notional", "notional", 9, 9, "decimal"),
        Column("mode", "margin mode", 8, 10),
        Column("account", "account", 7, 11),
        Column("venue", "venue", 6, 10),
        Column("note", "owed, risk", 26, 4, stretches=True),
    )
    empty: ClassVar[str] = "no open positions"

    def take(self, frame: Frame) -> None:
        if frame.positions is not None:
            self.set_rows(frame.positions)
        super().take(frame)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        # Margin accounts have loans and interest; nobody else gives up a column for them.
        has_notes = any(row.position.note for row in self.rows)
        return tuple(column for column in super().columns_now if has_notes or column.name != "note")

    @property
    def selected_position(self) -> PositionView | None:
        """The position under the cursor, as last seen."""
        return self.selected

    def key_of(self, row: PositionView) -> Hashable:
        return (row.position.instrument, row.account, row.position.position_id)

    def cells_of(self, row: PositionView) -> Mapping[str, Span]:
        palette, instrument, position = self.palette, row.instrument, row.position
        direction = formatting.sign_of(position.quantity)
        side = palette.sign(direction)
        is_old = instrument.id.venue in self._silent
        gain = palette.muted if is_old else palette.sign(formatting.sign_of(row.unrealized_pnl))
        mark = formatting.price(row.mark, instrument)
        # What a wallet holds has come from many orders, and from transfers: there is no one price.
        is_priced = bool(position.entry_price) or not position.in_margin_wallet
        distance = row.liquidation_distance
        liquidation = formatting.price(position.liquidation_price, instrument)
        if position.liquidation_is_estimate and position.liquidation_price is not None:
            liquidation = "~" + liquidation
        is_near = distance is not None and distance < NEAR_LIQUIDATION
        return {
            "instrument": (self.market_name(instrument, in_margin_wallet=position.in_margin_wallet), palette.text),
            "side": (("FLAT", "LONG", "SHORT")[direction], side),
            "size": (formatting.quantity(abs(position.quantity), instrument), palette.text),
            "entry": (
                formatting.price(position.entry_price if is_priced else None, instrument),
                palette.text,
            ),
            "mark": (f"◐ {mark}", palette.warning) if is_old else (mark, palette.text),
            "pnl": (formatting.signed(row.unrealized_pnl), gain),
            "break_even": (formatting.price(row.break_even, instrument), palette.muted),
            "liquidation": (liquidation, palette.alarm if is_near else palette.text),
            "distance": (
                ("! " if is_near else "") + formatting.percent(distance, 1),
                palette.alarm if is_near else palette.muted,
            ),
            "margin": (formatting.money(position.margin), palette.text),
            "leverage": (f"{formatting.grouped(position.leverage)}x", palette.muted),
            "funding": (formatting.signed(position.funding), palette.muted),
            "notional": (formatting.money(row.notional), palette.muted),
            "mode": ("wallet" if position.in_margin_wallet else position.margin_mode.value, palette.muted),
            "account": (row.account, palette.muted),
            "venue": (instrument.id.venue, palette.muted),
            "note": (position.note, palette.text),
        }
