"""The margin screen: a venue's margin wallet, what it owes and at which rate, and what was asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from tui.desk.frame import Frame, MarginView
from tui.desk.margin_estimate import FundsDraft, read_wish
from tui.keymap import Context
from tui.screens.board import LEAST_TABLE, LEAST_WORDS, LIST_KEYS, ROOMY, TICK, BoardScreen, give
from tui.screens.help import Help
from tui.screens.margin_dialog import FundsDialog
from tui.widgets.key_words import KeyWords, Paragraph
from tui.widgets.margin_table import MarginTable
from tui.widgets.margin_words import asset_words, funds_words, head_words, no_wallet_words
from tui.widgets.pane import silent_venues
from venues.commands import FundsKind
from venues.margin import MarginAsset
from venues.port import Mode

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_BROAD = 56  # cells from which on the requests of the session say when and why


class MarginScreen(BoardScreen, inherit_bindings=False):
    """Shows one margin wallet at a time; the app hands it the newest state (`take`)."""

    follows_desk = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *LIST_KEYS,
        Binding("h,left", "turn(-1)", "the venue before"),
        Binding("l,right", "turn(1)", "the next venue"),
        Binding("b", "wish('borrow')", "borrow"),
        Binding("p", "wish('repay')", "pay back"),
        Binding("t", "wish('transfer_in')", "transfer in"),
        Binding("o", "wish('transfer_out')", "transfer out"),
        Binding("question_mark,f1", "help", "help"),
    ]

    def __init__(self, dashboard: Dashboard, venue: str = "") -> None:
        super().__init__(dashboard, "margin")
        self._venue = venue
        self._head = KeyWords(id="margin-head")
        self._table = MarginTable(id="margin-table")
        self.bind_desk("margin.show", "venue.pick", "keys.manage", "recovery.open", "app.quit")

    def compose(self) -> ComposeResult:
        with self._box:
            yield self._head
            yield self._table
            yield self._words
            yield self._hints

    def on_mount(self) -> None:
        self._is_ready = True
        if self._view is None and self._views:
            self._venue = self._venue_to_begin_with()
        self.take(self._dashboard.state)
        self.set_interval(TICK, self.let_time_pass)

    @property
    def _views(self) -> Sequence[MarginView]:
        return self._dashboard.state.margins or ()

    @property
    def _view(self) -> MarginView | None:
        return next((view for view in self._views if view.venue == self._venue), None)

    @property
    def selected(self) -> MarginAsset | None:
        """The currency under the cursor."""
        return self._table.selected if self._view is not None else None

    def _venue_to_begin_with(self) -> str:
        """Returns the venue of what is shown, where it has a wallet; else the first that has."""
        desk = self._dashboard.state.desk
        shown = desk.shown.id.venue if desk is not None and desk.shown is not None else ""
        names = [view.venue for view in self._views]
        return shown if shown in names else names[0]

    def take(self, state: Frame) -> None:
        """Takes the newest state of the desk."""
        del state  # the dashboard has it
        if not self._is_ready:
            return
        if not self._venue and self._views:  # never from one venue's wallet to another's by itself
            self._venue = self._venue_to_begin_with()
        self._table.set_rows(rows_of(self._view))
        self.show_all()

    def show_all(self) -> None:
        """Says everything anew, and shares the room among the parts."""
        now, view, palette = self._dashboard.engine_now(), self._view, self._palette
        width, height = self._box.content_size
        is_roomy = height >= ROOMY
        if view is None:
            self._head.say(no_wallet_words(self._dashboard.state, palette))
            self._words.say(())
        else:
            is_old = view.venue in silent_venues(self._dashboard.state.venues or ())
            head = head_words(view, now, palette, width, is_roomy=is_roomy, is_old=is_old)
            self._head.say(head, keeps_place=True)
            self._words.say(self._said(view, now, is_broad=width >= _BROAD), keeps_place=True)
        self._dress(view)
        self._share_room(width, height, is_roomy=is_roomy)
        self._table.redraw()
        wanted = self._table if self._table.display else None
        if self.is_current and self.focused is not wanted:
            self.set_focus(wanted)

    def _said(self, view: MarginView, now: int, *, is_broad: bool) -> list[Paragraph]:
        """Returns the words below the table: requests that are not over come first, since they have to be seen."""
        palette, clock = self._palette, self._words.time_of_day if is_broad else None
        asset = self._table.selected
        open_ones = [each for each in view.funds if not each.is_over]
        lines = funds_words(open_ones, now, palette, clock, heading="on their way") if open_ones else []
        lines += asset_words(asset, palette) if asset is not None else []
        over = [each for each in view.funds if each.is_over]
        if over or not open_ones:
            lines += funds_words(over, now, palette, clock, heading="requests of this session")
        return lines

    def _dress(self, view: MarginView | None) -> None:
        if view is None:
            self._box.border_title = Content(" margin wallet ")
            return
        names = [each.venue for each in self._views]
        self.entitle(view.name, view.venue, view.account, self._mode_of(view.venue), names)

    def _mode_of(self, venue: str) -> Mode | None:
        return next((each.mode for each in self._dashboard.state.venues or () if each.venue == venue), None)

    def _share_room(self, width: int, height: int, *, is_roomy: bool) -> None:
        if not height:
            return
        low, gap = self.say_hints(self._keys(is_roomy=is_roomy), width, is_roomy=is_roomy)
        head = min(self._head.height_at(width), max(1, height // 3) if self._view is not None else height - low)
        if not is_roomy and self._view is not None:
            head = min(head, 2)
        free = height - low - head - gap
        rows = len(self._table.rows) + 1
        table = max(2, min(max(LEAST_TABLE, rows), free - gap - LEAST_WORDS)) if self._view is not None else 0
        give(self._head, head)
        give(self._hints, low)
        give(self._table, table)

    def _keys(self, *, is_roomy: bool) -> list[tuple[str, str]]:
        if self._view is None:
            venues = self._dashboard.keymap.label("venue.pick")
            return [(venues, "venues"), ("Esc", "leaves")]
        if self.has_class("-small"):
            return [("b", "borrow"), ("p", "repay"), ("t", "in"), ("o", "out"), ("Esc", "")]
        keys = [("b", "borrow"), ("p", "pay back"), ("t", "transfer in"), ("o", "out")]
        keys += [("←→", "venue")] if len(self._views) > 1 else []
        panic = [(self._dashboard.keymap.label("desk.panic"), "panic")] if is_roomy else []
        return [*keys, ("?", "help"), ("Esc", "leaves"), *panic]

    def action_help(self) -> None:
        contexts = (Context.MARGIN, Context.EVERYWHERE)
        self.app.push_screen(Help(self._dashboard.keymap, contexts, "the margin wallet"))

    def action_cursor(self, rows: int) -> None:
        self._table.move_cursor(rows)
        self.show_all()

    def action_go_to(self, row: int) -> None:
        self._table.move_to(row)
        self.show_all()

    def action_page(self, pages: int) -> None:
        self._head.page(pages)
        self._words.page(pages)

    def action_turn(self, places: int) -> None:
        names = [view.venue for view in self._views]
        if len(names) > 1 and self._venue in names:
            self._venue = names[(names.index(self._venue) + places) % len(names)]
            self.take(self._dashboard.state)

    def action_wish(self, kind: str) -> None:
        """Opens the dialog on the currency under the cursor."""
        asset = self.selected
        self.ask(FundsDraft(kind=FundsKind(kind), currency=asset.currency if asset is not None else ""))

    def ask(self, draft: FundsDraft) -> None:
        """Opens the dialog, filled in; whatever opens it sends nothing."""
        if self._view is None:
            self._dashboard.wishes.say("there is no margin wallet here", is_bad=True)
            return
        self.app.push_screen(FundsDialog(self._dashboard, self._venue, draft))


def open_margin(dashboard: Dashboard, kind: FundsKind | None = None, words: str = "", *, venue: str = "") -> None:
    """Opens the screen, once; with a `kind` its dialog on it, filled in with what a `:` line said besides.

    `words` are an amount, a currency, or both in this order: "0.1 BTC".
    """
    draft = read_wish(kind, words) if kind is not None else None
    shown = dashboard.app.screen
    if isinstance(shown, MarginScreen):
        if draft is not None:
            shown.ask(draft)
        return
    screen = MarginScreen(dashboard, venue)
    mounted = dashboard.app.push_screen(screen)
    if draft is not None:
        wanted = draft

        async def ask() -> None:
            await mounted
            screen.ask(wanted)

        dashboard.wishes.start(ask(), "margin wallet")


def rows_of(view: MarginView | None) -> tuple[MarginAsset, ...]:
    """Returns a wallet's currencies: those of which there is something, then those that could be borrowed."""
    if view is None:
        return ()
    assets = view.wallet.assets
    held = [asset for asset in assets if asset.debt or asset.available or asset.locked]
    return (*held, *(asset for asset in assets if asset not in held))
