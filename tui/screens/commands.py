"""Everything that is not trading: moving, tabs, instruments, help, the `:` line, themes and leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import App

from tui.formatting import bar_interval
from tui.keymap import Context
from tui.screens import layout, positions
from tui.screens.command_line import CommandLine
from tui.screens.confirm import Confirm
from tui.screens.help import Help
from tui.screens.instruments import InstrumentPicker, find_instruments
from tui.screens.quit import has_open_orders, quit_reasons
from tui.widgets.balances import Balances
from tui.widgets.blotter import Blotter
from tui.widgets.candles import Candles
from tui.widgets.fills import Fills
from tui.widgets.open_orders import OpenOrders
from tui.widgets.order_book import OrderBook
from tui.widgets.positions import Positions
from tui.widgets.trade_tape import TradeTape
from tui.widgets.watchlist import Watchlist
from venues.commands import FundsKind
from venues.model import ZERO, Instrument, InstrumentId

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_INTERVALS = (60, 300, 900, 3600, 14_400, 86_400)


class Commands:
    """The actions of the view, and the `:` line, which names all of them."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._shown_last: dict[str, InstrumentId] = {}  # by venue
        self._has_offered_recovery = False

    def actions(self) -> dict[str, Callable[[str], None]]:
        """Returns what carries out each action of the view, by its id."""
        dashboard = self._dashboard
        actions: dict[str, Callable[[str], None]] = {
            "desk.arm": lambda _: dashboard.wishes.toggle_lock(),
            "desk.panic": lambda _: dashboard.wishes.panic(),
            "alarm.dismiss": lambda _: self._dismiss(),
            "recovery.open": lambda _: self._open_recovery(),
            "book.recentre": lambda _: self._recentre(),
            "book.coarser": lambda _: dashboard.ladder.group(1),
            "book.finer": lambda _: dashboard.ladder.group(-1),
            "book.cumulative": lambda _: dashboard.ladder.toggle_cumulative(),
            "pane.next": lambda _: dashboard.focus_pane(1),
            "pane.previous": lambda _: dashboard.focus_pane(-1),
            "move.down": lambda _: self._move(1),
            "move.up": lambda _: self._move(-1),
            "move.left": lambda _: self._sideways(-1),
            "move.right": lambda _: self._sideways(1),
            "move.page_down": lambda _: self._page(1),
            "move.page_up": lambda _: self._page(-1),
            "move.top": lambda _: self._go_to(0),
            "move.bottom": lambda _: self._go_to(-1),
            "row.show": lambda _: self._show_row(),
            "instrument.pick": lambda _: self._pick(),
            "venue.pick": self._pick_venue,
            "exposure.show": lambda _: self._show_exposure(),
            "keys.manage": self._manage_keys,
            "margin.show": self._show_margin,
            "instrument.favourite": lambda _: self._favourite(),
            "chart.interval": self._interval,
            "tape.filter": self._filter,
            "help.show": lambda _: self._help(),
            "command.open": lambda _: self._command_line(),
            "palette.open": lambda _: self._app.action_command_palette(),
            "app.back": lambda _: self._back(),
            "app.quit": lambda _: self._leave(),
        }
        for number, name in enumerate(layout.TABS, 1):
            actions[f"tab.{number}"] = partial(self._tab, name)
        return actions

    @property
    def _app(self) -> App[Any]:
        return self._dashboard.app

    def _tab(self, name: str, _argument: str) -> None:
        self._dashboard.show_tab(name)

    def _move(self, rows: int) -> None:
        match self._dashboard.focused:
            case OrderBook() | Blotter() | TradeTape() as pane:
                pane.move_cursor(rows)

    def _page(self, pages: int) -> None:
        match self._dashboard.focused:
            case OrderBook() | Blotter() | TradeTape() | Candles() as pane:
                pane.page(pages)

    def _go_to(self, row: int) -> None:
        match self._dashboard.focused:
            case Blotter() as pane:
                pane.move_to(row)
            case OrderBook() | TradeTape() | Candles() as pane:
                pane.page(-1 if row == 0 else 1)

    def _sideways(self, places: int) -> None:
        match self._dashboard.focused:
            case Candles() as chart:
                chart.move_cursor(places)

    def _recentre(self) -> None:
        match self._dashboard.focused:
            case TradeTape() | Candles() as pane:
                pane.recentre()
            case _:
                self._dashboard.ladder.recentre()

    def _filter(self, least: str) -> None:
        """Sets the tape's least size, or goes on to the next of a few."""
        tape, shown = self._dashboard.query_one("#tape", TradeTape), self._dashboard.ladder.instrument
        if shown is None:
            return
        steps = [ZERO, *(shown.lot_size * 10**power for power in range(1, 5))]
        try:
            size = Decimal(least) if least else None
        except InvalidOperation:
            size = Decimal("NaN")
        if size is not None and (not size.is_finite() or size < 0):
            self._say(f"tape filter {least!r}: say a size, such as 0.1, or 0 for all")
            return
        following = next((step for step in steps if step > tape.minimum_size), ZERO)
        tape.set_minimum_size(following if size is None else size)

    def instrument_in_focus(self) -> Instrument | None:
        """Returns the instrument of the row under the cursor, else the one that is shown."""
        match self._dashboard.focused:
            case Watchlist() | Positions() | OpenOrders() | Fills() as pane:
                return pane.selected.instrument if pane.selected is not None else None
            case Balances():
                return None
        return self._dashboard.ladder.instrument

    def _show_row(self) -> None:
        if self._dashboard.focused is self._dashboard.ladder:
            return
        instrument = self.instrument_in_focus()
        if instrument is not None:
            self.show(instrument.id)
            positions.show_details(self._dashboard)

    def show(self, instrument: InstrumentId) -> None:
        """Makes the desk show an instrument."""
        self._ask(self._dashboard.desk.show(instrument), f"show {instrument}")

    def _ask(self, future: Future[None], name: str) -> None:
        async def wait() -> None:
            await asyncio.wrap_future(future)

        self._dashboard.wishes.start(wait(), name)

    def _pick(self) -> None:
        def chosen(instrument: InstrumentId | None) -> None:
            if instrument is not None:
                self.show(instrument)

        self._app.push_screen(InstrumentPicker(self._dashboard.state), chosen)

    def note_shown(self, shown: Instrument | None) -> None:
        """Remembers what is shown, as the last of its venue."""
        if shown is not None:
            self._shown_last[shown.id.venue] = shown.id

    def instrument_of(self, venue: str) -> Instrument | None:
        """Returns what going to a venue would show; None while nothing is known of it."""
        from tui.screens.venues import instrument_of

        return instrument_of(self._dashboard.state, venue, self._shown_last.get(venue))

    def _pick_venue(self, wanted: str) -> None:
        from tui.screens.venues import VenuePicker  # most desks have one venue

        if wanted:
            self.go_to_venue(wanted)
        elif not isinstance(self._app.screen, VenuePicker):
            self._app.push_screen(VenuePicker(self._dashboard))

    def _manage_keys(self, venue: str) -> None:
        from tui.screens.keys import KeysScreen  # a paper desk has no keys

        if not isinstance(self._app.screen, KeysScreen):
            self._app.push_screen(KeysScreen(self._dashboard, venue))

    def _show_exposure(self) -> None:
        from tui.screens.exposure import show_exposure  # most desks have one venue

        show_exposure(self._dashboard)

    def _dismiss(self) -> None:
        self._dashboard.post_message(self._dashboard.DismissRequested())

    def _show_margin(self, words: str) -> None:
        positions.show_margin(self._dashboard, words)

    def _move_funds(self, kind: FundsKind, words: str) -> None:
        from tui.screens.margin import open_margin

        open_margin(self._dashboard, kind, words)

    def _transfer(self, rest: str) -> None:
        way, _, words = rest.partition(" ")
        kind = {"in": FundsKind.TRANSFER_IN, "out": FundsKind.TRANSFER_OUT}.get(way)
        if kind is None:
            self._say("transfer: say in or out, such as transfer in 100 twd")
        else:
            self._move_funds(kind, words)

    def go_to_venue(self, venue: str) -> bool:
        """Shows an instrument of a venue that is open, or asks for one that is not to be opened; whether it shows
        one now.
        """
        state = self._dashboard.state
        offers = state.desk.offers if state.desk is not None else ()
        offer = next((each for each in offers if each.venue == venue), None)
        if venue in {view.venue for view in state.venues or ()}:
            target = self.instrument_of(venue)
            if target is not None:
                self.show(target.id)
                return True
            self._say(f"{venue}: no instrument of it is known yet")
        elif offer is not None and not offer.refusal:
            self._dashboard.wishes.open_venue(offer)
        else:
            self._say(f"{venue} can not be opened: {offer.refusal}" if offer else f"there is no venue {venue!r}")
        return False

    def _favourite(self) -> None:
        instrument = self.instrument_in_focus()
        if instrument is None:
            return
        quotes = self._dashboard.state.quotes or ()
        was = any(quote.is_favourite for quote in quotes if quote.instrument.id == instrument.id)
        self._ask(self._dashboard.desk.set_favourite(instrument.id, not was), "favourite")

    def _interval(self, wanted: str) -> None:
        state = self._dashboard.state
        shown = self._dashboard.ladder.instrument
        if shown is None:
            return
        known = next(
            (v.capabilities.bar_intervals for v in state.venues or () if v.venue == shown.id.venue), _INTERVALS
        )
        names = {bar_interval(seconds): seconds for seconds in known}
        if wanted and wanted not in names:
            self._say(f"there are no {wanted} candles here; there are {', '.join(names)}")
            return
        now = state.bars.interval if state.bars is not None else known[-1]
        following = known[(known.index(now) + 1) % len(known)] if now in known else known[0]
        self._ask(self._dashboard.desk.set_bar_interval(names.get(wanted, following)), "interval")

    def _say(self, text: str) -> None:
        self._dashboard.wishes.say(text, is_bad=True)

    def _help(self) -> None:
        dashboard = self._dashboard
        if dashboard.has_ticket_focus:
            contexts, where = [Context.TICKET, Context.EVERYWHERE], "the ticket"
        else:
            where = layout.LABELS.get(name := (dashboard.focused.id or "") if dashboard.focused else "", name)
            contexts = [Context.LADDER] if dashboard.focused is dashboard.ladder else []
            contexts += [Context.DESK, Context.EVERYWHERE]
        self._app.push_screen(Help(dashboard.keymap, contexts, where))

    def offer_recovery(self) -> None:
        """Brings up the recovery screen, once, when the desk has found something that must be read."""
        view = self._dashboard.state.recovery
        if self._has_offered_recovery or view is None or view.is_over or not (view.rows or view.notices):
            return
        if self._app.screen is self._dashboard:
            self._has_offered_recovery = True
            self._open_recovery()

    def _open_recovery(self) -> None:
        from tui.screens.recovery import RecoveryScreen, unanswered_rows  # most starts have nothing to recover

        view = self._dashboard.state.recovery
        if isinstance(self._app.screen, RecoveryScreen):
            return
        if (view is not None and (view.rows or view.notices)) or unanswered_rows(self._dashboard.state):
            self._app.push_screen(RecoveryScreen(self._dashboard))
        else:
            self._dashboard.wishes.say("nothing is UNKNOWN, and nothing was left by the run before")

    def _command_line(self) -> None:
        def entered(line: str | None) -> None:
            if line:
                self.run_line(line)

        self._app.push_screen(CommandLine(self._dashboard.keymap), entered)

    def run_line(self, line: str) -> None:
        """Carries out a `:` line."""
        words = line.lower().split()
        name, rest = words[0], " ".join(words[1:])
        special: dict[str, Callable[[str], None]] = {
            "show": self._show_named,
            "theme": self._theme,
            "leverage": partial(positions.set_leverage, self._dashboard),
            "bills": partial(positions.show_bills, self._dashboard),
            "lock": lambda _: self._dashboard.wishes.lock(),
            "borrow": partial(self._move_funds, FundsKind.BORROW),
            "repay": partial(self._move_funds, FundsKind.REPAY),
            "transfer": self._transfer,
        }
        if name in special:
            special[name](rest)
        elif found := self._dashboard.keymap.find_command(" ".join(words)):
            action, argument = found
            self._dashboard.perform(action.id, argument)
        else:
            self._say(f"there is no command {line!r}; : and Tab show them all")

    def _show_named(self, wanted: str) -> None:
        found = find_instruments(wanted, self._dashboard.state.instruments or ()) if wanted else []
        if found:
            self.show(found[0].id)
        else:
            self._say(f"there is no instrument like {wanted!r} here" if wanted else "show what?")

    def _theme(self, name: str) -> None:
        if name in self._app.available_themes:
            self._app.theme = name
        else:
            self._say(f"there is no theme {name!r}; there are {', '.join(sorted(self._app.available_themes))}")

    def _back(self) -> None:
        if not has_open_orders(self._dashboard.state):
            self._app.exit()
        else:
            self._leave()

    def _leave(self) -> None:
        def answered(is_sure: bool | None) -> None:
            if is_sure:
                self._app.exit()

        if not isinstance(self._app.screen, Confirm):
            dashboard = self._dashboard
            question = Confirm("Quit?", quit_reasons(dashboard.state), yes="quit", clock=dashboard.clock)
            self._app.push_screen(question, answered)
