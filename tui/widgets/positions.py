"""The positions: what is open, what it has made, and how far it is from being liquidated."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from rich.style import Style

from tui import formatting
from tui.desk.facts import is_margin_told, mode_of_id
from tui.desk.frame import Frame, PositionView
from tui.desk.position_estimate import FAR, gravity_of, is_far
from tui.widgets.blotter import Column
from tui.widgets.cells import Span
from tui.widgets.market_blotter import MarketBlotter
from tui.widgets.order_words import short_id
from tui.widgets.palette import Palette
from venues.model import InstrumentId, MarginMode, Position

_MODES = {MarginMode.CROSS: "C", MarginMode.ISOLATED: "I"}


class Positions(MarketBlotter[PositionView]):
    """One row per position. Choosing a row shows its market; whatever acts on it takes `selected_position`."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("instrument", "instrument", 13),
        Column("side", "side", 5),
        Column("size", "size", 6, 0, "decimal"),
        Column("entry", "entry", 9, 1, "decimal"),
        Column("mark", "mark", 9, 4, "decimal"),
        Column("pnl", "P&L", 7, 0, "decimal"),
        Column("break_even", "break-even", 10, 7, "decimal"),
        Column("liquidation", "liq", 9, 2, "decimal"),
        Column("distance", "away", 5, 2, "right"),
        Column("margin", "margin", 8, 5, "decimal"),
        Column("leverage", "lev", 4, 5, "right"),
        Column("next", "next funding", 14, 6),
        Column("funding", "funding", 7, 9, "decimal"),
        Column("notional", "notional", 9, 9, "decimal"),
        Column("id", "id", 7, 3),
        Column("account", "account", 7, 11),
        Column("venue", "venue", 6, 10),
        Column("note", "owed, risk", 26, 4, stretches=True),
    )
    empty: ClassVar[str] = "no open positions"
    is_of_account: ClassVar[bool] = True

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._funded: dict[InstrumentId, int] = {}  # when funding is paid next
        self._optional: frozenset[str] = frozenset()  # columns that some row has a use for
        self._names_modes = False  # two rows of a market and side differ by their margin mode

    def take(self, frame: Frame) -> None:
        if frame.positions is not None:
            self.set_rows(frame.positions)
        if frame.quotes is not None:
            self._funded = {
                quote.instrument.id: quote.ts_next_funding
                for quote in frame.quotes
                if quote.ts_next_funding is not None
            }
        super().take(frame)

    def set_rows(self, rows: Sequence[PositionView]) -> None:
        sides = [(row.position.instrument, row.account, row.position.quantity > 0) for row in rows]
        names = [mode_of_id(row.position.position_id) for row in rows]
        self._names_modes = len(set(sides)) < len(sides) and all(
            name is not None or sides.count(side) == 1 for name, side in zip(names, sides, strict=True)
        )
        has = {
            # Margin accounts have loans and interest; nobody else gives up a column for them.
            "note": any(row.position.note for row in rows),
            "next": any(row.next_funding is not None for row in rows),
            # Only where side and market do not tell rows apart; a margin mode stands beside the side.
            "id": len(set(sides)) < len(sides) and not self._names_modes,
        }
        self._optional = frozenset(name for name, is_needed in has.items() if is_needed)
        super().set_rows(rows)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        left_out = {"note", "next", "id"} - self._optional
        return tuple(column for column in super().columns_now if column.name not in left_out)

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
        return {
            "instrument": (self.market_name(instrument, in_margin_wallet=position.in_margin_wallet), palette.text),
            "side": (f"{('FLAT', 'LONG', 'SHORT')[direction]}{self._mode_beside(position)}", side),
            "size": (formatting.quantity(abs(position.quantity), instrument), palette.text),
            "entry": (
                formatting.price(position.entry_price if is_priced else None, instrument),
                palette.text,
            ),
            "mark": (f"◐ {mark}", palette.warning) if is_old else (mark, palette.text),
            "pnl": (formatting.signed(row.unrealized_pnl), gain),
            "break_even": (formatting.price(row.break_even, instrument), palette.muted),
            "liquidation": (liquidation_words(row), distance_style(row, palette)),
            "distance": (distance_words(row), distance_style(row, palette, calm=palette.muted)),
            "margin": (margin_words(position), palette.text),
            "leverage": (formatting.leverage(position.leverage), palette.muted),
            "next": next_funding_words(row, self._funded.get(position.instrument), self.now, palette),
            "funding": (formatting.signed(position.funding), palette.muted),
            "id": (short_id(position.position_id), palette.muted),
            "notional": (formatting.money(row.notional), palette.muted),
            "account": (row.account, palette.muted),
            "venue": (instrument.id.venue, palette.muted),
            "note": (position.note, palette.text),
        }

    def _mode_beside(self, position: Position) -> str:
        is_told = self._names_modes and mode_of_id(position.position_id) is not None
        return f" {_MODES[position.margin_mode]}" if is_told else ""


def liquidation_words(view: PositionView) -> str:
    """Returns where a position is liquidated, an estimate marked: "~55,102.0"; nothing where that is too far."""
    position = view.position
    if is_far(view.liquidation_distance):
        return formatting.NONE
    is_estimate = position.liquidation_is_estimate and position.liquidation_price is not None
    return ("~" if is_estimate else "") + formatting.price(position.liquidation_price, view.instrument)


def distance_words(view: PositionView) -> str:
    """Returns how far the liquidation is from the mark, what is near with a glyph: "9.1%", "▲ 6.0%", "! 2.1%"."""
    if is_far(view.liquidation_distance):
        return f">{formatting.percent(FAR, 0)}"
    return f"{distance_glyph(view.liquidation_distance)}{formatting.percent(view.liquidation_distance, 1)}"


def distance_glyph(distance: Decimal | None) -> str:
    """Returns what stands before the distance of a liquidation: "! " where it is near, "▲ " where it is close."""
    return ("", "▲ ", "! ")[gravity_of(distance)]


def distance_style(view: PositionView, palette: Palette, calm: Style | None = None) -> Style:
    """Returns the style of a position's liquidation by how far away it is."""
    return nearness_style(view.liquidation_distance, palette, calm)


def nearness_style(distance: Decimal | None, palette: Palette, calm: Style | None = None) -> Style:
    """Returns the style of a liquidation that is so far away, a fraction of the mark."""
    return (palette.text if calm is None else calm, palette.warning, palette.alarm)[gravity_of(distance)]


def margin_words(position: Position) -> str:
    """Returns a position's margin with a letter for its mode: "1,515.00 I" is isolated, "C" is cross; "? C" is
    one of which nobody tells it.
    """
    if not is_margin_told(position):
        return f"? {_MODES[position.margin_mode]}"
    letter = "" if position.in_margin_wallet else f" {_MODES[position.margin_mode]}"
    return f"{formatting.money(position.margin)}{letter}"


def next_funding_words(view: PositionView, at: int | None, now: int, palette: Palette) -> Span:
    """Returns about what the next funding brings or costs, and in how long: "~-1.52 2:56:53"."""
    amount = view.next_funding
    if amount is None:
        return ("", palette.muted)
    left = "" if at is None else f" {hours(at - now)}"
    return (f"~{formatting.signed(amount)}{left}", palette.sign(formatting.sign_of(amount)))


def hours(nanoseconds: int) -> str:
    """Returns the time that is left as "2:56:53"; nothing is left once it is negative."""
    text = formatting.countdown(nanoseconds)
    return text[1:] if text[0] == "0" else text
