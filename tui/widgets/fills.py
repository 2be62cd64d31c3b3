"""The fills: what was executed, newest first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import ClassVar

from tui import formatting
from tui.desk.frame import FillView, Frame
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span
from venues.model import Liquidity

_FEE_DECIMALS = 4


class Fills(Blotter[FillView]):
    """One row per execution. A fee that is paid is negative here, a rebate positive: it is money to us."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("time", "time UTC", 12),
        Column("instrument", "instrument", 13),
        Column("side", "side", 4),
        Column("size", "size", 6, 0, "decimal"),
        Column("price", "price", 9, 0, "decimal"),
        Column("liquidity", "as", 5, 4),
        Column("fee", "fee", 8, 3, "decimal"),
        Column("currency", "", 4, 3),
        Column("realized", "realized", 8, 1, "decimal"),
        Column("order", "order", 10, 6),
        Column("account", "account", 7, 7),
        Column("venue", "venue", 6, 5),
    )
    stays_on_top: ClassVar[bool] = True
    empty: ClassVar[str] = "no fills yet"

    def take(self, frame: Frame) -> None:
        if frame.fills is not None:
            self.set_rows(frame.fills)
        super().take(frame)

    def key_of(self, row: FillView) -> Hashable:
        return (row.fill.instrument.venue, row.fill.trade_id, row.fill.instrument)

    def cells_of(self, row: FillView) -> Mapping[str, Span]:
        palette, instrument, fill = self.palette, row.instrument, row.fill
        realized = formatting.signed(fill.realized_pnl) if fill.realized_pnl else ""
        return {
            "time": (self.time_of_day(fill.ts_event), palette.muted),
            "instrument": (self.market_name(instrument, in_margin_wallet=fill.in_margin_wallet), palette.text),
            "side": (fill.side.value.upper(), palette.side(fill.side)),
            "size": (formatting.quantity(fill.quantity, instrument), palette.text),
            "price": (formatting.price(fill.price, instrument), palette.text),
            "liquidity": ("maker" if fill.liquidity is Liquidity.MAKER else "taker", palette.muted),
            "fee": (formatting.signed(-fill.fee, _fee_decimals(fill.fee)), palette.muted),
            "currency": (fill.fee_currency, palette.muted),
            "realized": (realized, palette.sign(formatting.sign_of(fill.realized_pnl))),
            "order": (fill.client_order_id or fill.venue_order_id, palette.muted),
            "account": (row.account, palette.muted),
            "venue": (instrument.id.venue, palette.muted),
        }


def _fee_decimals(fee: Decimal) -> int:
    """Returns how many digits behind the point a fee needs: four, or two that are not zero: in BTC it is small."""
    if not fee or not fee.is_finite() or fee == round(fee, _FEE_DECIMALS):
        return _FEE_DECIMALS
    return max(_FEE_DECIMALS, 1 - fee.adjusted())
