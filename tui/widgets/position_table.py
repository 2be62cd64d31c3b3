"""A venue's positions with what stands behind each: margin, liquidation, and what funding does to it."""

from __future__ import annotations

from typing import ClassVar

from tui.widgets.blotter import Column
from tui.widgets.positions import Positions


class PositionTable(Positions):
    """The same rows as in the positions pane; margin and liquidation stay longest."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("instrument", "instrument", 13),
        Column("side", "side", 5),
        Column("id", "id", 7, 2),
        Column("size", "size", 6, 1, "decimal"),
        Column("margin", "margin", 8, 0, "decimal"),
        Column("leverage", "lev", 4, 3, "right"),
        Column("liquidation", "liq", 9, 0, "decimal"),
        Column("distance", "away", 6, 0, "right"),
        Column("pnl", "P&L", 8, 4, "decimal"),
        Column("funding", "funding", 7, 6, "decimal"),
        Column("next", "next funding", 14, 5),
        Column("entry", "entry", 9, 7, "decimal"),
        Column("mark", "mark", 9, 7, "decimal"),
        Column("account", "account", 7, 11),
    )
