"""The positions and margin screen: what stands behind each position, what funding does, and the venue's bills."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from tui.desk.control import Bills
from tui.desk.frame import Frame, PositionView, VenueView
from tui.keymap import Context
from tui.screens.board import LEAST_TABLE, LEAST_WORDS, LIST_KEYS, ROOMY, TICK, BoardScreen, give
from tui.screens.help import Help
from tui.screens.position_dialogs import LeverageDialog, MarginDialog
from tui.widgets.bill_table import BillTable, heading_words
from tui.widgets.cells import plain
from tui.widgets.key_words import KeyWords, Paragraph
from tui.widgets.margin_words import funds_words
from tui.widgets.pane import silent_venues
from tui.widgets.position_table import PositionTable
from tui.widgets.position_words import balance_words, funding_words, held_at, position_words
from venues.commands import FundsKind
from venues.model import Instrument, InstrumentId

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_MOST_BILLS = 50
_BOTH = 20  # lines from which on words and bills stand on the screen together
_BROAD = 56  # cells from which on a change of margin says when and why
PositionName = tuple[InstrumentId, str, str]
"""An instrument, the position's id and the account."""


def name_of(view: PositionView) -> PositionName:
    """Returns what names a position for as long as it lives."""
    return view.position.instrument, view.position.position_id, view.account


class PositionMarginScreen(BoardScreen, inherit_bindings=False):
    """Shows one venue's positions; the app hands it the newest state (`take`)."""

    follows_desk = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *LIST_KEYS,
        Binding("left", "turn(-1)", "the venue before"),
        Binding("right", "turn(1)", "the next venue"),
        Binding("tab,shift+tab", "other", "positions or bills"),
        Binding("a", "wish('add_margin')", "add margin"),
        Binding("o", "wish('remove_margin')", "take margin out"),
        Binding("l", "leverage", "leverage and margin mode"),
        Binding("x", "act('close')", "close"),
        Binding("t", "act('reverse')", "reverse"),
        Binding("enter", "show_market", "show its market"),
        Binding("b", "read_bills", "read the bills anew"),
        Binding("question_mark,f1", "help", "help"),
    ]

    def __init__(
        self, dashboard: Dashboard, venue: str, at: PositionName | None = None, *, shows_bills: bool = False
    ) -> None:
        super().__init__(dashboard, "holdings")
        self._venue = venue
        self._at = at
        self._is_on_bills = shows_bills
        self._bills: Bills | None = None
        self._bills_of = ""  # the venue that they are of
        self._read_at = 0  # engine's clock
        self._reading = ""  # the venue of which bills are being read
        self._head = KeyWords(id="holdings-head")
        self._table = PositionTable(id="holdings-table")
        self._bills_head = KeyWords(id="bills-head")
        self._bills_table = BillTable(id="bills-table")
        self.bind_desk("margin.show", "venue.pick", "keys.manage", "recovery.open", "app.quit")

    def compose(self) -> ComposeResult:
        with self._box:
            yield self._head
            yield self._table
            yield self._words
            yield self._bills_head
            yield self._bills_table
            yield self._hints

    def on_mount(self) -> None:
        self._is_ready = True
        self.take(self._dashboard.state)
        self._go_to(self._at)
        self.action_read_bills()
        self.set_interval(TICK, self.let_time_pass)

    @property
    def venue(self) -> str:
        """The venue that is shown."""
        return self._venue

    @property
    def selected(self) -> PositionView | None:
        """The position under the cursor."""
        return self._table.selected_position

    @property
    def _view(self) -> VenueView | None:
        return next((view for view in self._dashboard.state.venues or () if view.venue == self._venue), None)

    def take(self, state: Frame) -> None:
        """Takes the newest state of the desk."""
        if not self._is_ready:
            return
        self._table.take(msgspec.structs.replace(state, positions=held_at(state, self._venue)))
        self.show_all()

    def _go_to(self, name: PositionName | None) -> None:
        for index, row in enumerate(self._table.rows):
            if name is not None and name_of(row) == name:
                self._table.move_to(index)
                self.show_all()

    def let_time_pass(self) -> None:
        if self._is_ready:
            now = self._dashboard.engine_now()
            self._table.tick(now)
            self._bills_table.tick(now)
            self.show_all()

    def show_all(self) -> None:
        """Says everything anew, and shares the room among the parts."""
        now, state, palette = self._dashboard.engine_now(), self._dashboard.state, self._palette
        width, height = self._box.content_size
        is_roomy = height >= ROOMY
        head = balance_words(state, self._venue, palette, width)
        head += funding_words(state, self._venue, now, palette) if is_roomy else []
        self._head.say(head, keeps_place=True)
        self._words.say(self._said(now, is_broad=width >= _BROAD), keeps_place=True)
        is_reading = self._reading == self._venue
        bills = self._bills if self._bills_of == self._venue else None
        self._bills_head.say(heading_words(bills, self._read_at, now, palette, is_reading=is_reading))
        self._dress()
        self._share_room(width, height, is_roomy=is_roomy)
        wanted: Widget | None = self._bills_table if self._is_on_bills else self._table
        if self.is_current and wanted is not None and wanted.display and self.focused is not wanted:
            self.set_focus(wanted)

    def _said(self, now: int, *, is_broad: bool) -> list[Paragraph]:
        """Returns the words below the table: changes that are not over come first, since they have to be seen."""
        palette, clock = self._palette, self._words.time_of_day if is_broad else None
        view, held = self.selected, held_at(self._dashboard.state, self._venue)
        moving = [each for one in held for each in one.funds if not each.is_over]
        lines: list[Paragraph] = []
        if moving:
            lines += funds_words(moving, now, palette, clock, heading="changes of margin on their way")
        if view is not None:
            lines += position_words(view, self._dashboard.state, now, palette)
            over = [each for each in view.funds if each.is_over]
            lines += funds_words(over, now, palette, clock, heading="its margin in this session") if over else []
        elif not held:
            is_of_order = self._view is not None and self._view.capabilities.margin_mode_of_order
            what = "leverage" if is_of_order else "leverage and margin mode"
            words = f"no position at {plain(self._venue)}; l sets {what} for what comes"
            lines.append(Paragraph(((words, palette.muted),)))
        return lines

    def _dress(self) -> None:
        view = self._view
        if view is None:
            self._box.border_title = Content(" positions and margin ")
        else:
            note = f" ◐ {view.state.value} " if view.venue in silent_venues((view,)) else ""
            self.entitle("positions and margin", view.venue, view.account, view.mode, self._venues, note)

    @property
    def _venues(self) -> list[str]:
        return venues_of(self._dashboard.state)

    @property
    def _keeps_bills(self) -> bool:
        """Whether the venue may tell bills; few lines are spent on one that has said that it tells none."""
        return self._bills is None or self._bills_of != self._venue or self._bills.are_kept

    def _share_room(self, width: int, height: int, *, is_roomy: bool) -> None:
        if not height:
            return
        low, gap = self.say_hints(self._keys(is_roomy=is_roomy), width, is_roomy=is_roomy)
        head = min(self._head.height_at(width), 3 if is_roomy else 1)
        free = height - low - head - gap
        held = len(self._table.rows)
        rows = max(LEAST_TABLE, held + 1) if held else 2
        listed = 1 + max(1, len(self._bills_table.rows)) + 1 if self._keeps_bills else 1
        said = self._words.height_at(width)
        over = under = 0  # blank lines about the words
        if height >= _BOTH:
            # The bills have a third at least; the words give way to them, and can be paged.
            if rows + said + listed + 2 <= free:
                over, under = int(held > 1), 1  # below a single row the table has a blank line of its own
            least = min(listed, max(4, free // 3)) if self._keeps_bills else 1
            table = max(2, min(rows, free - least - LEAST_WORDS))
            words = max(LEAST_WORDS, min(said, free - table - least)) + over
            bills = free - table - words
            if not self._keeps_bills:
                words, bills = words + bills - 1 - under, 1 + under
        elif self._is_on_bills:
            table, words, bills = 0, 0, free
        else:
            table = max(2, min(max(LEAST_TABLE, rows), free - LEAST_WORDS))
            words, bills = free - table, 0
        self._words.styles.margin = (over, 0, under, 0)
        words, bills = words - over, bills - under
        give(self._head, head)
        give(self._hints, low)
        give(self._table, table)
        give(self._words, words)
        give(self._bills_head, 1 if bills else 0)
        give(self._bills_table, max(0, bills - 1))

    def _keys(self, *, is_roomy: bool) -> list[tuple[str, str]]:
        other = [("Tab", "positions" if self._is_on_bills else "bills")] if self._keeps_bills else []
        if self.has_class("-small"):
            return [("a", "add"), ("o", "out"), ("l", "lev"), *other, ("Esc", "")]
        keys = [("a", "add margin"), ("o", "take out"), ("l", "leverage"), ("x", "close"), ("t", "reverse")]
        keys += [*other, ("b", "read bills")] if self._keeps_bills else []
        keys += [("←→", "venue")] if len(self._venues) > 1 else []
        panic = [(self._dashboard.keymap.label("desk.panic"), "panic")] if is_roomy else []
        return [*keys, ("?", "help"), ("Esc", "leaves"), *panic]

    def action_help(self) -> None:
        contexts = (Context.POSITIONS, Context.EVERYWHERE)
        self.app.push_screen(Help(self._dashboard.keymap, contexts, "positions and margin"))

    def action_cursor(self, rows: int) -> None:
        (self._bills_table if self._is_on_bills else self._table).move_cursor(rows)
        self.show_all()

    def action_go_to(self, row: int) -> None:
        (self._bills_table if self._is_on_bills else self._table).move_to(row)
        self.show_all()

    def action_page(self, pages: int) -> None:
        if self._is_on_bills:
            self._bills_table.page(pages)
        else:
            self._words.page(pages)

    def action_other(self) -> None:
        """Goes to the bills, or back to the positions."""
        self._is_on_bills = not self._is_on_bills and self._keeps_bills
        self.show_all()

    def action_turn(self, places: int) -> None:
        names = self._venues
        if len(names) > 1 and self._venue in names:
            self._venue = names[(names.index(self._venue) + places) % len(names)]
            self._bills_table.show((), (), self._dashboard.engine_now())
            self.take(self._dashboard.state)
            self.action_read_bills()

    def action_wish(self, kind: str) -> None:
        """Opens the dialog on the position under the cursor."""
        self.ask_margin(FundsKind(kind))

    def ask_margin(self, kind: FundsKind, amount: str = "") -> None:
        """Opens the dialog, filled in; whatever opens it sends nothing."""
        view = self.selected
        if view is None:
            self._dashboard.wishes.say("there is no position here whose margin could be changed", is_bad=True)
            return
        self.app.push_screen(MarginDialog(self._dashboard, view, kind, amount))

    def action_leverage(self) -> None:
        """Opens the dialog on the instrument of the position under the cursor, else on the one that is shown."""
        instrument = self._instrument()
        if instrument is None:
            self._dashboard.wishes.say("no perpetual of this venue is shown", is_bad=True)
            return
        held = self.selected.position if self.selected is not None else None
        self.app.push_screen(LeverageDialog(self._dashboard, instrument, at=held))

    def _instrument(self) -> Instrument | None:
        if (view := self.selected) is not None:
            return view.instrument
        desk = self._dashboard.state.desk
        shown = desk.shown if desk is not None else None
        return shown if shown is not None and shown.is_perpetual and shown.id.venue == self._venue else None

    def action_act(self, what: str) -> None:
        """Closes a part of the position under the cursor, or turns it round, as the desk's own keys do."""
        view = self.selected
        if view is None:
            self._dashboard.wishes.say("no position is selected", is_bad=True)
        elif what == "close":
            self._dashboard.wishes.close(view)
        else:
            self._dashboard.wishes.reverse(view)

    def action_show_market(self) -> None:
        if (view := self.selected) is not None:
            self._dashboard.commands.show(view.position.instrument)
            self.dismiss(None)

    def action_read_bills(self) -> None:
        """Asks the venue for its bills; they are of one moment, and say of which."""
        if self._reading != self._venue:
            self._reading = self._venue
            self._dashboard.wishes.start(self._read_bills(self._venue), "bills")
            self.show_all()

    async def _read_bills(self, venue: str) -> None:
        try:
            bills = await asyncio.wrap_future(self._dashboard.desk.fetch_bills(venue, _MOST_BILLS))
        finally:
            if self._reading == venue:
                self._reading = ""
        if not self._is_ready or venue != self._venue:
            return
        kept = self._bills if self._bills_of == venue else None
        if not bills.refusal:
            self._read_at = self._dashboard.engine_now()
        elif kept is not None:
            bills = msgspec.structs.replace(bills, bills=kept.bills)  # what was read before still stands below
        self._bills, self._bills_of = bills, venue
        self._is_on_bills = self._is_on_bills and bills.are_kept
        self._bills_table.show(bills.bills, self._dashboard.state.instruments or (), self._dashboard.engine_now())
        self.show_all()


def venues_of(state: Frame) -> list[str]:
    """Returns the open venues on which the margin of a position can be changed."""
    return [view.venue for view in state.venues or () if view.capabilities.position_margin]


def position_margin_venue(state: Frame, wanted: str = "") -> str:
    """Returns which venue's positions the margin key means: `wanted`, else that of what is shown.

    Empty where that venue has a margin wallet instead, or no margin of positions that could be changed.
    """
    names = venues_of(state)
    if wanted:
        return wanted if wanted in names else ""
    shown = state.desk.shown.id.venue if state.desk is not None and state.desk.shown is not None else ""
    if shown in names:
        return shown
    return names[0] if names and not state.margins else ""


def open_positions(
    dashboard: Dashboard,
    venue: str,
    at: PositionName | None = None,
    *,
    kind: FundsKind | None = None,
    amount: str = "",
    shows_bills: bool = False,
) -> None:
    """Opens the screen, once; with a `kind` its dialog on it, filled in with the amount that a `:` line said."""
    shown = dashboard.app.screen
    if isinstance(shown, PositionMarginScreen):
        if kind is not None:
            shown.ask_margin(kind, amount)
        return
    screen = PositionMarginScreen(dashboard, venue, at, shows_bills=shows_bills)
    mounted = dashboard.app.push_screen(screen)
    if kind is not None:
        wanted = kind

        async def ask() -> None:
            await mounted
            screen.ask_margin(wanted, amount)

        dashboard.wishes.start(ask(), "margin of a position")
