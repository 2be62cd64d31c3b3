"""The balances: what each account holds of each currency."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import ClassVar

from tui import formatting
from tui.desk.frame import BalanceView, Frame
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span


class Balances(Blotter[BalanceView]):
    """One row per venue, account and currency."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("currency", "asset", 5),
        Column("total", "total", 12, 0, "decimal"),
        Column("available", "available", 12, 0, "decimal"),
        Column("locked", "in orders", 10, 1, "decimal"),
        Column("value", "value", 10, 2, "decimal"),
        Column("account", "account", 7, 4),
        Column("venue", "venue", 8, 3),
    )
    empty: ClassVar[str] = "no balances"

    def take(self, frame: Frame) -> None:
        if frame.balances is not None:
            self.set_rows(frame.balances)
        super().take(frame)

    @property
    def selected_balance(self) -> BalanceView | None:
        """The balance under the cursor, as last seen."""
        return self.selected

    def key_of(self, row: BalanceView) -> Hashable:
        return (row.venue, row.account, row.balance.currency)

    def cells_of(self, row: BalanceView) -> Mapping[str, Span]:
        palette, balance = self.palette, row.balance
        return {
            "currency": (balance.currency, palette.text),
            "total": (formatting.grouped(balance.total), palette.text),
            "available": (formatting.grouped(balance.available), palette.text),
            "locked": (formatting.grouped(balance.locked), palette.warning if balance.locked else palette.muted),
            "value": (formatting.money(row.value), palette.muted),
            "account": (row.account, palette.muted),
            "venue": (row.venue, palette.muted),
        }
