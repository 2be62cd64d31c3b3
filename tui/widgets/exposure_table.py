"""The net exposure: one row per asset, a column per venue."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from tui import formatting
from tui.desk.exposure import Exposure, Share, currency_of, exposures, untold_venues
from tui.desk.frame import Frame
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span, plain
from tui.widgets.key_words import Paragraph
from tui.widgets.margin_table import amount
from tui.widgets.palette import Palette
from tui.widgets.pane import silent_venues

_AT = "at "  # begins the name of a venue's column


class ExposureTable(Blotter[Exposure]):
    """What there is of each asset over all venues, and at each; a venue that fell silent is marked."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("currency", "asset", 5, widest=10),
        Column("net", "net", 9, 0, "decimal"),
        Column("value", "value", 9, 1, "decimal"),
    )
    empty: ClassVar[str] = "nothing is held anywhere but the account's own currency"

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._venues: tuple[str, ...] = ()
        self._silent: frozenset[str] = frozenset()

    def take(self, frame: Frame) -> None:
        """Takes the whole state of the desk."""
        self._venues = tuple(view.venue for view in frame.venues or ())
        self._silent = silent_venues(frame.venues or ())
        self.set_rows(exposures(frame))
        super().take(frame)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        each = (
            Column(f"{_AT}{venue}", self._heading(venue), 8, 2 + at, "decimal")
            for at, venue in enumerate(self._venues)
        )
        return (*self.columns, *each)

    def _heading(self, venue: str) -> str:
        return f"◐ {venue}" if venue in self._silent else venue

    def key_of(self, row: Exposure) -> Hashable:
        return row.asset

    def cells_of(self, row: Exposure) -> Mapping[str, Span]:
        palette = self.palette
        net = palette.sign(formatting.sign_of(row.net))
        cells = {
            "currency": (row.asset, palette.strong),
            "net": (signed_amount(row.net), net),
            "value": (formatting.signed(row.value), net if row.value is not None else palette.faint),
        }
        for venue in self._venues:
            held = row.at(venue)
            style = palette.muted if venue in self._silent else palette.text
            cells[f"{_AT}{venue}"] = (
                (formatting.NONE, palette.faint) if held is None else (signed_amount(held), style)
            )
        return cells


def signed_amount(value: Decimal) -> str:
    """Returns an amount of an asset with its sign and without the zeros behind it: "+0.35"."""
    value = value.normalize()
    return f"+{amount(value)}" if value > 0 else amount(value)


def exposure_heading(rows: Sequence[Exposure], state: Frame, palette: Palette) -> list[Paragraph]:
    """Returns what all of it is worth: what is long, what is short, and both together."""
    values = [row.value for row in rows if row.value is not None]
    long, short = sum(value for value in values if value > 0), sum(value for value in values if value < 0)
    spans: list[Span] = []
    for label, value in (("long ", long), ("short ", short), ("net ", long + short)):
        style = palette.sign(formatting.sign_of(Decimal(value)))
        spans += [(label, palette.muted), (formatting.signed(Decimal(value)), style), ("   ", palette.text)]
    spans[-1] = (f" {plain(currency_of(state))}", palette.muted)
    return [Paragraph(tuple(spans))]


def exposure_words(
    row: Exposure | None, rows: Sequence[Exposure], state: Frame, palette: Palette
) -> list[Paragraph]:
    """Returns what an asset's net is made of, and what is not in it."""
    lines: list[Paragraph] = []
    if row is not None:
        name = (("── ", palette.faint), (f"{signed_amount(row.net)} {plain(row.asset)}", palette.strong))
        lines.append(Paragraph(name, is_rule=True))
        lines += [Paragraph(_share_spans(share, palette), share.venue) for share in row.shares]
    if untold := untold_venues(state):
        lines.append(Paragraph(((f"not counted, not read yet: {', '.join(untold)}", palette.warning),), "!"))
    if unpriced := [one.asset for one in rows if one.value is None and one.net]:
        words = f"no price is known of {', '.join(map(plain, unpriced))}: not in the sums above"
        lines.append(Paragraph(((words, palette.warning),), "!"))
    return lines


def _share_spans(share: Share, palette: Palette) -> tuple[Span, ...]:
    sign = palette.sign(formatting.sign_of(share.quantity))
    return (signed_amount(share.quantity), sign), (f"  {plain(share.what)}", palette.muted)
