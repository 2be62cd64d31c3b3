"""The net exposure screen: what is held of each asset over all venues, and what that is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.style import Style

from tui.desk.frame import Frame
from tui.screens.board import LEAST_WORDS, LIST_KEYS, ROOMY, TICK, BoardScreen, give
from tui.widgets.exposure_table import ExposureTable, exposure_heading, exposure_words
from tui.widgets.key_words import KeyWords
from venues.model import InstrumentId

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard


class ExposureScreen(BoardScreen, inherit_bindings=False):
    """Lists the assets; the app hands it the newest state (`take`). Nothing on it trades."""

    follows_desk = True
    BINDINGS: ClassVar[list[BindingType]] = [*LIST_KEYS, Binding("enter", "show_market", "show a market of it")]

    def __init__(self, dashboard: Dashboard) -> None:
        super().__init__(dashboard, "exposure")
        self._head = KeyWords(id="exposure-head")
        self._table = ExposureTable(id="exposure-table")
        self.bind_desk("exposure.show", "venue.pick", "app.quit")

    def compose(self) -> ComposeResult:
        self._box.border_title = Content.assemble((" net exposure ", Style(bold=True)))
        with self._box:
            yield self._head
            yield self._table
            yield self._words
            yield self._hints

    def on_mount(self) -> None:
        self._is_ready = True
        self._table.focus()
        self.take(self._dashboard.state)
        self._go_to_shown()
        self.set_interval(TICK, self.let_time_pass)

    def take(self, state: Frame) -> None:
        """Takes the newest state of the desk."""
        if self._is_ready:
            self._table.take(state)
            self.show_all()

    def _go_to_shown(self) -> None:
        """Puts the cursor on what the shown market is about."""
        desk = self._dashboard.state.desk
        base = desk.shown.base if desk is not None and desk.shown is not None else ""
        assets = [row.asset for row in self._table.rows]
        self._table.move_to(assets.index(base) if base in assets else 0)
        self.show_all()

    def show_all(self) -> None:
        state, palette, rows = self._dashboard.state, self._palette, self._table.rows
        width, height = self._box.content_size
        if not height:
            return
        is_roomy = height >= ROOMY
        self._head.say(exposure_heading(rows, state, palette), keeps_place=True)
        self._words.say(exposure_words(self._table.selected, rows, state, palette), keeps_place=True)
        panic = [(self._dashboard.keymap.label("desk.panic"), "panic")] if is_roomy else []
        keys = [("Enter", "shows a market of it"), (self._dashboard.keymap.label("venue.pick"), "venues")]
        low, gap = self.say_hints([*keys, ("Esc", "leaves"), *panic], width, is_roomy=is_roomy)
        head = 1
        free = height - low - head - gap
        wanted = len(rows) + 1 + gap  # a blank line below the table where there is room for one
        give(self._head, head)
        give(self._table, max(2, min(wanted, free - LEAST_WORDS)))
        give(self._hints, low)

    def action_cursor(self, rows: int) -> None:
        self._table.move_cursor(rows)
        self.show_all()

    def action_go_to(self, row: int) -> None:
        self._table.move_to(row)
        self.show_all()

    def action_page(self, pages: int) -> None:
        self._words.page(pages)

    def action_show_market(self) -> None:
        """Shows a market of the asset: that of its largest position, else one that the desk knows of its base."""
        target = self._market()
        if target is not None:
            self._dashboard.commands.show(target)
            self.dismiss(None)

    def _market(self) -> InstrumentId | None:
        row = self._table.selected
        if row is None:
            return None
        held = sorted((share for share in row.shares if share.instrument), key=lambda share: -abs(share.quantity))
        if held:
            return held[0].instrument
        listed = [each for each in self._dashboard.state.instruments or () if each.base == row.asset]
        venues = {share.venue for share in row.shares}
        return next((each.id for each in sorted(listed, key=lambda one: one.id.venue not in venues)), None)


def show_exposure(dashboard: Dashboard) -> None:
    """Opens the screen, once."""
    if not isinstance(dashboard.app.screen, ExposureScreen):
        dashboard.app.push_screen(ExposureScreen(dashboard))
