"""The venue picker: how each venue is doing, what it can do, and which others may be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from tui.desk.frame import Frame
from tui.screens.board import HORIZONTAL, LIST_KEYS, VERTICAL
from tui.widgets.cells import plain
from tui.widgets.venue_table import VenueDetails, VenueRow, VenueTable
from venues.model import Instrument, InstrumentId

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_TICK = 0.5  # seconds: ages run on while nothing comes
_FEWEST_DETAILS = 3  # lines: below that there is a table only


class VenuePicker(ModalScreen[None], inherit_bindings=False):
    """Lists the venues; the app hands it the newest state (`take`)."""

    follows_desk = True

    BINDINGS: ClassVar[list[BindingType]] = [
        *LIST_KEYS,
        Binding("enter", "choose", "show or open"),
    ]

    def __init__(self, dashboard: Dashboard) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS = HORIZONTAL, VERTICAL
        self._dashboard = dashboard
        self._hint = ""
        self._is_ready = False  # until the widgets are there
        for key in dashboard.keymap.keys("venue.pick"):
            self._bindings.bind(key, "leave", "leave", show=False)
        for key in dashboard.keymap.keys("keys.manage"):
            self._bindings.bind(key, "manage_keys", "API keys", show=False)
        for key in dashboard.keymap.keys("app.quit"):
            self._bindings.bind(key, "quit_question", "quit", show=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="venues") as box:
            box.border_title = Content(" venues ")
            yield VenueTable(id="venue-table")
            yield VenueDetails(id="venue-details")

    def on_mount(self) -> None:
        if not self.query(VenueTable):
            return  # the desk was left before anything was put up
        self._is_ready = True
        self._table.focus()
        self.take(self._dashboard.state)
        self._go_to_shown()
        self.set_interval(_TICK, self._let_time_pass)

    def on_resize(self) -> None:
        if self._is_ready:
            self._share_room()

    @property
    def _table(self) -> VenueTable:
        return self.query_one("#venue-table", VenueTable)

    def take(self, state: Frame) -> None:
        """Takes the newest state of the desk."""
        if self._is_ready:
            self._table.take(state)
            self._share_room()
            self._show_details()

    def _let_time_pass(self) -> None:
        self._table.tick(self._dashboard.engine_now())
        self._show_details()

    def _go_to_shown(self) -> None:
        """Puts the cursor on the venue of the instrument that is shown."""
        desk = self._dashboard.state.desk
        shown = desk.shown.id.venue if desk is not None and desk.shown is not None else None
        names = [row.venue for row in self._table.rows]
        self._table.move_to(names.index(shown) if shown in names else 0)
        self._show_details()

    def _share_room(self) -> None:
        """Gives the table its rows, and the details what is left."""
        height = self.query_one("#venues").content_size.height
        if height:
            wanted = len(self._table.rows) + 1
            self._table.styles.height = min(wanted, max(2, height - _FEWEST_DETAILS))

    def _show_details(self) -> None:
        row = self._table.selected
        enter = self._what_enter_does(row)
        box = self.query_one("#venues")
        is_bordered = bool(box.styles.border_top[0])
        self.query_one(VenueDetails).show(row, self._dashboard.engine_now(), "" if is_bordered else enter)
        hint = f" {enter} · Esc leaves " if enter else " Esc leaves "
        if hint != self._hint:
            self._hint = hint
            box.border_subtitle = Content(hint)

    def _what_enter_does(self, row: VenueRow | None) -> str:
        if row is None or (row.offer is not None and row.offer.refusal):
            return ""
        if row.offer is not None:
            return f"Enter opens it {row.offer.mode}"
        target = self._dashboard.commands.instrument_of(row.venue)
        return f"Enter shows {plain(target.name)}" if target is not None else ""

    def action_cursor(self, rows: int) -> None:
        self._table.move_cursor(rows)
        self._show_details()

    def action_go_to(self, row: int) -> None:
        self._table.move_to(row)
        self._show_details()

    def action_page(self, pages: int) -> None:
        self.query_one(VenueDetails).page(pages)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_quit_question(self) -> None:
        self._dashboard.perform("app.quit")

    def action_manage_keys(self) -> None:
        row = self._table.selected
        self._dashboard.perform("keys.manage", row.venue if row is not None else "")

    def action_choose(self) -> None:
        """Enter: shows an instrument of an open venue, and leaves; or has one opened, and stays to be seen."""
        row = self._table.selected
        if row is not None and self._dashboard.commands.go_to_venue(row.venue):
            self.dismiss(None)


def instrument_of(state: Frame, venue: str, last: InstrumentId | None = None) -> Instrument | None:
    """Returns what to show of a venue: `last`, the one shown there last; else a favourite of it; else the same
    market as is shown now; else the first of its watchlist, else of its list. None while nothing is known of it.
    """
    listed = [each for each in state.instruments or () if each.id.venue == venue]
    quotes = [quote for quote in state.quotes or () if quote.instrument.id.venue == venue]
    shown = state.desk.shown if state.desk is not None else None
    wanted = [each for each in listed if each.id == last]
    wanted += [quote.instrument for quote in quotes if quote.is_favourite]
    wanted += [each for each in listed if shown is not None and each.name == shown.name]
    wanted += [quote.instrument for quote in quotes]
    wanted += [each for each in listed if each.is_tradable]
    return next(iter(wanted + listed), None)
