"""The balances: what each account holds of each currency, and apart from that what a margin wallet does."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from tui import formatting
from tui.desk.frame import BalanceView, Frame
from tui.widgets.blotter import MARGIN_MARK, Blotter, Column
from tui.widgets.cells import Span
from tui.widgets.margin_table import amount
from venues.margin import MarginAsset


@dataclass(frozen=True, slots=True)
class MarginHolding:
    """One currency of a venue's margin wallet; `wallet` is the venue's name of that."""

    venue: str
    account: str
    wallet: str
    asset: MarginAsset
    value: Decimal | None = None  # of its net, in the account's currency


class Balances(Blotter[BalanceView | MarginHolding]):
    """One row per venue, account and currency; those of margin wallets below, marked."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("currency", "asset", 5),
        Column("total", "total", 12, 0, "decimal"),
        Column("owed", "owed", 8, 0, "decimal"),
        Column("net", "net", 8, 1, "decimal"),
        Column("available", "available", 12, 0, "decimal"),
        Column("locked", "in orders", 10, 2, "decimal"),
        Column("value", "value", 10, 3, "decimal"),
        Column("account", "account", 7, 5),
        Column("venue", "venue", 8, 4),
    )
    empty: ClassVar[str] = "no balances"

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._spot: tuple[BalanceView, ...] = ()
        self._margin: tuple[MarginHolding, ...] = ()

    def take(self, frame: Frame) -> None:
        if frame.balances is not None:
            self._spot = frame.balances
        if frame.margins is not None:
            self._margin = tuple(
                MarginHolding(view.venue, view.account, view.name, asset, view.values.get(asset.currency))
                for view in frame.margins
                for asset in view.wallet.assets
                if asset.available or asset.locked or asset.debt
            )
        if frame.balances is not None or frame.margins is not None:
            self.set_rows((*self._spot, *self._margin))
        super().take(frame)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        # Nobody without a margin wallet gives up a column for it.
        columns = super().columns_now
        if not self._margin:
            return tuple(column for column in columns if column.name not in ("owed", "net"))
        return tuple(replace(column, rank=1) if column.name == "available" else column for column in columns)

    @property
    def selected_balance(self) -> BalanceView | None:
        """The balance under the cursor, as last seen; None on one of a margin wallet."""
        return self.selected if isinstance(self.selected, BalanceView) else None

    def key_of(self, row: BalanceView | MarginHolding) -> Hashable:
        if isinstance(row, MarginHolding):
            return (row.venue, row.account, row.asset.currency, row.wallet)
        return (row.venue, row.account, row.balance.currency)

    def cells_of(self, row: BalanceView | MarginHolding) -> Mapping[str, Span]:
        if isinstance(row, MarginHolding):
            return self._margin_cells(row)
        palette, balance = self.palette, row.balance
        return {
            "currency": (balance.currency, palette.text),
            "total": (formatting.grouped(balance.total), palette.text),
            "owed": ("", palette.faint),
            "net": ("", palette.faint),
            "available": (formatting.grouped(balance.available), palette.text),
            "locked": (formatting.grouped(balance.locked), palette.warning if balance.locked else palette.muted),
            "value": (formatting.money(row.value), palette.muted),
            "account": (row.account, palette.muted),
            "venue": (row.venue, palette.muted),
        }

    def _margin_cells(self, row: MarginHolding) -> Mapping[str, Span]:
        palette, asset = self.palette, row.asset
        net = palette.sign(formatting.sign_of(asset.net)) if asset.debt else palette.text
        return {
            "currency": (f"{asset.currency} {MARGIN_MARK}", palette.text),
            "total": (amount(asset.available + asset.locked), palette.text),
            "owed": (amount(asset.debt), palette.warning if asset.debt else palette.faint),
            "net": (amount(asset.net), net),
            "available": (amount(asset.available), palette.text),
            "locked": (amount(asset.locked), palette.warning if asset.locked else palette.muted),
            "value": (formatting.money(row.value), palette.muted),
            "account": (f"{row.account} {row.wallet}", palette.muted),
            "venue": (row.venue, palette.muted),
        }
