"""The venues: how each that is open is doing, and what those are that may be opened beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tui import abilities, formatting
from tui.desk.authentication import unproven_words
from tui.desk.frame import Frame, VenueOffer, VenueView
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span, plain, width_of, wrapped
from tui.widgets.mode_badge import badge
from tui.widgets.palette import Palette
from tui.widgets.pane import Pane
from tui.widgets.status_bar import detail_of, gravity_of, is_barred, is_clock_off, state_of
from venues.events import LinkState
from venues.model import NANOSECONDS, OrderStatus
from venues.port import Capabilities, Mode

_OLD = 3 * NANOSECONDS  # an age that is shown as a warning
_LABEL = 9  # cells
_ROOM_FOR_FIGURES = 62  # cells from which on the table itself has all figures


@dataclass(frozen=True, slots=True)
class VenueRow:
    """One venue: `view` while it is open, else `offer`. The counts are of what rests or is held there."""

    venue: str
    view: VenueView | None = None
    offer: VenueOffer | None = None
    orders: int = 0
    unknown: int = 0
    positions: int = 0

    @property
    def capabilities(self) -> Capabilities | None:
        if self.view is not None:
            return self.view.capabilities
        return self.offer.capabilities if self.offer is not None else None

    @property
    def mode(self) -> Mode:
        """The mode that it is open in, or would be."""
        found = self.view or self.offer
        return found.mode if found is not None else Mode.READ_ONLY


def venue_rows(state: Frame) -> tuple[VenueRow, ...]:
    """Returns the venues that are open, then those that may be opened, from all that is known."""
    orders = Counter(view.order.instrument.venue for view in state.orders or ())
    unknown = Counter(
        view.order.instrument.venue for view in state.orders or () if view.order.status is OrderStatus.UNKNOWN
    )
    positions = Counter(view.position.instrument.venue for view in state.positions or ())
    rows = [
        VenueRow(
            venue=view.venue,
            view=view,
            orders=orders[view.venue],
            unknown=unknown[view.venue],
            positions=positions[view.venue],
        )
        for view in state.venues or ()
    ]
    names = {row.venue for row in rows}
    offers = state.desk.offers if state.desk is not None else ()
    rows += [VenueRow(venue=offer.venue, offer=offer) for offer in offers if offer.venue not in names]
    return tuple(rows)


def age_of(view: VenueView, now: int) -> int | None:
    """Returns how old the newest of a venue's data is, in nanoseconds; None before anything has come."""
    return max(0, now - view.ts_last_data) if view.ts_last_data else None


class VenueTable(Blotter[VenueRow]):
    """One row per venue, those that are not open below."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("venue", "venue", 7),
        Column("mode", " mode", 11),
        Column("state", "state", 14),
        Column("age", "age", 6, 2, "right"),
        Column("trip", "trip", 6, 4, "right"),
        Column("clock", "clock", 7, 3, "right"),
        Column("orders", "orders", 6, 1, "right"),
        Column("positions", "pos", 3, 5, "right"),
        Column("can", "takes", 34, 6, widest=72),
    )
    empty: ClassVar[str] = "no venue is known"

    def take(self, frame: Frame) -> None:
        """Takes the whole state of the desk."""
        self.set_rows(venue_rows(frame))
        super().take(frame)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        return self.columns

    def key_of(self, row: VenueRow) -> Hashable:
        return row.venue

    def cells_of(self, row: VenueRow) -> Mapping[str, Span]:
        palette, can = self.palette, row.capabilities
        cells = {
            "venue": (row.venue, palette.strong if row.view is not None else palette.muted),
            "can": (abilities.in_short(can) if can is not None else "", palette.muted),
        }
        if row.view is None:
            return cells | {
                "mode": (f" {row.mode.value}", palette.faint),
                "state": ("· not open", palette.muted),
            }
        return cells | self._live_cells(row, row.view)

    def _live_cells(self, row: VenueRow, view: VenueView) -> dict[str, Span]:
        palette, age = self.palette, age_of(view, self.now)
        is_watched = view.mode is Mode.READ_ONLY
        orders = f"{row.orders}{'?' if row.unknown else ''}"
        none = ("–", palette.faint)
        return {
            "mode": badge(view.mode, palette),
            "state": state_in_words(view, self.now, palette),
            "age": none if age is None else (formatting.age(age), palette.warning if age > _OLD else palette.text),
            "trip": none if view.round_trip is None else (formatting.milliseconds(view.round_trip), palette.text),
            "clock": none
            if view.clock_offset is None
            else (clock_in_words(view), palette.warning if is_clock_off(view) else palette.text),
            "orders": none
            if is_watched and not row.orders
            else (orders, palette.alarm if row.unknown else palette.text),
            "positions": none
            if not view.capabilities.positions and not row.positions
            else (str(row.positions), palette.text),
        }


class VenueDetails(Pane):
    """All that is known of one venue, in words."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._row: VenueRow | None = None
        self._hint = ""
        self._details_top = 0

    def show(self, row: VenueRow | None, now: int, hint: str = "") -> None:
        """Shows this venue at `now` (nanoseconds, the engine's clock); `hint` stands at the end of the heading."""
        if row is None or self._row is None or row.venue != self._row.venue:
            self._details_top = 0
        self._row, self._hint = row, hint
        self.tick(now)

    def page(self, pages: int) -> None:
        """Goes on by screenfuls, or back; the heading stays."""
        self._details_top += pages * max(1, self.size.height - 2)
        self.redraw()

    def lay_out(self) -> Sequence[Hashable]:
        row, width = self._row, self.size.width
        if row is None:
            return []
        palette = self.palette
        room = max(8, width - _LABEL)
        hint = f" {self._hint}" if self._hint else ""
        ruled = "─" * max(0, width - width_of(plain(row.venue)) - width_of(hint) - 4)
        heading = (
            ("── ", palette.faint),
            (row.venue, palette.strong),
            (f" {ruled}", palette.faint),
            (hint, palette.muted),
        )
        lines: list[Hashable] = [heading]
        said = details_of(row, self.now, palette)
        if row.view is not None and width < _ROOM_FOR_FIGURES:
            said.insert(0, ("link", _figures(row, row.view, self.now, palette)))
        for label, spans in said:
            for index, part in enumerate(wrapped(spans, room)):
                lines.append(((f"{label if not index else '':<{_LABEL}}", palette.muted), *part))
        room_below = max(1, self.size.height - 1)
        self._details_top = max(0, min(self._details_top, len(lines) - 1 - room_below))
        shown = lines[1 + self._details_top : 1 + self._details_top + room_below]
        if shown and self._details_top + room_below < len(lines) - 1:
            shown[-1] = _with_arrow(shown[-1], width, palette)
        return [lines[0], *shown]

    def draw(self, key: Hashable) -> Sequence[Span]:
        return key if isinstance(key, tuple) else ()


def _with_arrow(line: Hashable, width: int, palette: Palette) -> Hashable:
    """Marks the last line that is shown: there is more below (PgDn)."""
    spans: list[Span] = list(line) if isinstance(line, tuple) else []
    used = sum(width_of(plain(text)) for text, _ in spans)
    if used > width - 2:
        return line
    return (*spans, (" " * (width - 1 - used), palette.text), ("▼", palette.strong))


def state_in_words(view: VenueView, now: int, palette: Palette) -> Span:
    """Returns a venue's state as glyph and words, of a live one too: "● live"."""
    words, style = state_of(view, now, palette)
    return ("● live" if words == "●" else words, style)


def clock_in_words(view: VenueView) -> str:
    """Returns by how much the venue's clock differs from ours: "+12 ms", "!-240 ms"."""
    offset = view.clock_offset or 0
    words = formatting.milliseconds(offset)
    return f"{'!' if is_clock_off(view) else ''}{'+' if offset > 0 else ''}{words}"


def details_of(row: VenueRow, now: int, palette: Palette) -> list[tuple[str, list[Span]]]:
    """Returns what is to be said of a venue: labels and words, what is wrong first."""
    said = _offered(row, palette) if row.view is None else _state_of_things(row, row.view, now, palette)
    can = row.capabilities
    if can is not None:
        changes = f"{abilities.conditions_in_words(can)}, {abilities.amending_in_words(can)}"
        said += [
            ("takes", [(f"{abilities.order_types_in_words(can)}  ", palette.text), (changes, palette.muted)]),
            ("account", [(abilities.account_in_words(can), palette.muted)]),
        ]
        if words := unproven_words(row.venue, can):
            unproven, _, rest = words.partition(":")
            said.insert(0, ("signs", [(f"{unproven}:", palette.warning), (rest, palette.text)]))
        said += [
            (
                "" if number else "assumes",
                [("unverified: ", palette.warning), (words, palette.text)],
            )
            for number, words in enumerate(can.unverified)
        ]
    return said


def _state_of_things(row: VenueRow, view: VenueView, now: int, palette: Palette) -> list[tuple[str, list[Span]]]:
    said: list[tuple[str, list[Span]]] = []
    age = age_of(view, now)
    if is_barred(view):
        said.append(("orders", [(f"none can be sent: {view.fault}", palette.alarm)]))
    if view.detail:
        said.append(("says", [(detail_of(view), palette.warning if gravity_of(view) else palette.text)]))
    if view.state is not LinkState.LIVE and age is not None:
        said.append(("data", [(f"the newest is {formatting.age(age)} old", palette.warning)]))
    if is_clock_off(view):
        words = f"{clock_in_words(view)} from ours: signed requests may be refused"
        said.append(("clock", [(words, palette.warning)]))
    if row.unknown:
        are = f"{row.unknown} of {formatting.count(row.orders, 'order')} UNKNOWN"
        said.append(("orders", [(are, palette.alarm), ("  u shows what is done about it", palette.muted)]))
    if view.mode is Mode.READ_ONLY:
        said.append(
            ("orders", [("off: ", palette.text), (view.fault or abilities.remedy_of(row.venue), palette.text)])
        )
        if not view.fault:
            said.append(("or", [(abilities.practice_instead(row.venue), palette.muted)]))
    return said


def _figures(row: VenueRow, view: VenueView, now: int, palette: Palette) -> list[Span]:
    """Returns what a narrow table has no columns for."""
    age = age_of(view, now)
    parts = [] if age is None else [f"data {formatting.age(age)} old"]
    parts += [] if view.round_trip is None else [f"trip {formatting.milliseconds(view.round_trip)}"]
    parts += [] if view.clock_offset is None or is_clock_off(view) else [f"clock {clock_in_words(view)}"]
    parts += [formatting.count(row.orders, "order")] if row.orders else []
    parts += [formatting.count(row.positions, "position")] if row.positions else []
    return [(", ".join(parts) or "nothing has come yet", palette.text)]


def _offered(row: VenueRow, palette: Palette) -> list[tuple[str, list[Span]]]:
    offer = row.offer
    if offer is None:
        return []
    if offer.refusal:
        return [("no", [(offer.refusal, palette.warning)])]
    return [
        (
            "opens",
            [badge(offer.mode, palette), (f"  {offer.words or abilities.OPENING[offer.mode]}", palette.text)],
        )
    ]
