"""What a venue wrote down of an account: each change of a balance, with its cause."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from tui import formatting
from tui.desk.control import Bills
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span
from tui.widgets.key_words import Paragraph
from tui.widgets.palette import Palette
from venues.bills import Bill, BillKind
from venues.model import NANOSECONDS, Instrument, InstrumentId

_CENT = Decimal("0.01")
_DAY = 86_400 * NANOSECONDS
_OLD = 60 * NANOSECONDS  # an age that is shown as a warning
_KINDS = {
    BillKind.TRANSFER: "transfer",
    BillKind.REALIZED: "realised P&L",
    BillKind.FUNDING: "funding",
    BillKind.FEE: "fee",
    BillKind.LIQUIDATION: "LIQUIDATION",
    BillKind.DELEVERAGED: "DELEVERAGED",
    BillKind.OTHER: "other",
}
_GRAVE = frozenset({BillKind.LIQUIDATION, BillKind.DELEVERAGED})


class BillTable(Blotter[Bill]):
    """One row per bill, newest first."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("time", "time UTC", 8, 1, widest=14),
        Column("kind", "what", 12),
        Column("amount", "amount", 9, 0, "decimal"),
        Column("currency", "", 4, 2),
        Column("instrument", "instrument", 13, 3),
        Column("after", "balance after", 13, 4, "decimal"),
        Column("words", "venue's word", 12, 5, stretches=True),
    )
    empty: ClassVar[str] = "no bills"

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._instruments: dict[InstrumentId, Instrument] = {}

    def show(self, bills: Sequence[Bill], instruments: Sequence[Instrument], now: int) -> None:
        """Shows these bills at `now` (nanoseconds, the engine's clock)."""
        self._instruments = {each.id: each for each in instruments}
        self.set_rows(bills)
        self.tick(now)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        # Not every venue tells what is left after each.
        tells_rest = any(row.balance_after is not None for row in self.rows)
        return tuple(column for column in super().columns_now if tells_rest or column.name != "after")

    def key_of(self, row: Bill) -> Hashable:
        return row.bill_id

    def cells_of(self, row: Bill) -> Mapping[str, Span]:
        palette = self.palette
        kind = palette.alarm if row.kind in _GRAVE else palette.text
        name = ""
        if row.instrument is not None:
            known = self._instruments.get(row.instrument)
            name = known.name if known is not None else row.instrument.symbol
        time = self.time_of_day(row.ts_event, milliseconds=False)
        if self.now - row.ts_event >= _DAY // 2:
            time = f"{formatting.date(row.ts_event)} {time}"
        return {
            "time": (time, palette.muted),
            "kind": (_KINDS[row.kind], kind),
            "amount": (formatting.signed(short(row.amount), None), palette.sign(formatting.sign_of(row.amount))),
            "currency": (row.currency, palette.muted),
            "instrument": (name, palette.text),
            "after": (formatting.grouped(short(row.balance_after)), palette.muted),
            "words": (row.words, palette.faint),
        }


def short(amount: Decimal | None) -> Decimal | None:
    """Returns the same amount without the zeros that say nothing: "-13.60000000" as "-13.60"."""
    if amount is None or not amount.is_finite():
        return amount
    least = amount.normalize()
    exponent = least.as_tuple().exponent
    return least.quantize(_CENT) if isinstance(exponent, int) and exponent > -2 else least


def heading_words(
    bills: Bills | None, read_at: int, now: int, palette: Palette, *, is_reading: bool
) -> list[Paragraph]:
    """Returns the line above the bills: their age, or why there are none; `read_at` by the engine's clock."""
    spans: list[Span] = [("── ", palette.faint), ("bills", palette.strong)]
    if bills is not None and not bills.are_kept:
        return [Paragraph((("bills: ", palette.muted), (bills.refusal, palette.muted)))]
    if is_reading:
        spans.append(("  being read …", palette.muted))
    elif bills is not None and bills.refusal:
        spans.append((f"  can not be read: {bills.refusal}", palette.warning))
    elif bills is not None:
        age = now - read_at
        words = f"  as of {formatting.age(age)} ago, the newest {len(bills.bills)}"
        spans.append((words, palette.warning if age > _OLD else palette.muted))
    return [Paragraph(tuple(spans), is_rule=bills is None or not bills.refusal)]
