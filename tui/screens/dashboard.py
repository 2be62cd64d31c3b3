"""The dashboard: every pane, laid out for the terminal's size, and the keys that work while no dialog is open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tui.config import Config
from tui.desk.control import AmendIntent, Desk, OrderIntent, Outcome, Verdict
from tui.desk.frame import Frame, OrderView
from tui.keymap import Action, Context, Keymap
from tui.screens import layout
from tui.screens.commands import Commands
from tui.screens.hand import Hand
from tui.screens.layout import Shape
from tui.screens.ticket import Ticket
from tui.screens.wishes import Wishes, reasons_text, why_no_orders
from tui.widgets import header
from tui.widgets.balances import Balances
from tui.widgets.candles import Candles
from tui.widgets.cells import plain
from tui.widgets.fills import Fills
from tui.widgets.log_pane import LogPane
from tui.widgets.mode_badge import mode_of
from tui.widgets.open_orders import OpenOrders
from tui.widgets.order_book import OrderBook
from tui.widgets.pane import Pane
from tui.widgets.positions import Positions
from tui.widgets.status_bar import StatusBar
from tui.widgets.summary import Summary
from tui.widgets.trade_tape import TradeTape
from tui.widgets.watchlist import Watchlist
from venues.model import Instrument, MarginMode, OrderType, Side
from venues.port import Mode

_HINTS = (
    ("help.show", "help"),
    ("desk.panic", "panic"),
    ("order.buy", "buy"),
    ("order.sell", "sell"),
    ("order.cancel", "cancel"),
    ("position.close", "close"),
)
# What closes or cancels is left to the desk to refuse.
_ADDS_RISK = frozenset(
    {"order.buy", "order.sell", "order.buy_market", "order.sell_market", "order.edit", "preview.send", "desk.arm"}
)
_SENDING_SHOWN_AFTER = 0.05  # seconds: painting a ticket at once would hold up the very order it is about
_SILENCE = 500_000_000  # nanoseconds without a frame after which ages run on by themselves


class Dashboard(Screen[None], inherit_bindings=False):
    """The desk itself. The app hands it frames (`take`) and names of actions (`perform`)."""

    # The two panes between which the focus moves repaint themselves; Textual repaints the whole screen, 20 ms.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    class DismissRequested(Message):
        """The trader has read the alarm that stays."""

    def __init__(
        self, desk: Desk, keymap: Keymap, config: Config, *, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__(id="dashboard")
        self.clock = clock
        self.desk = desk
        self.keymap = keymap
        self._merged = Frame(number=0, ts=0)
        self._taken_at = self._ticked_at = clock()
        self._is_ready = False  # until the panes are there, frames are only kept
        self._tab = "book"
        self._lower = layout.LOWER[0]
        self._shape = Shape.NORMAL
        self._mode: Mode | None = None
        self._read_only_reason = ""
        self._hang_up: tuple[str, ...] = ("",)
        self._all_panes: tuple[Pane, ...] = ()
        self._wanted_titles: dict[str, str | Content] = {}
        self._strips: dict[str, str] = {}
        self._own_titles: dict[str, str] = {}
        self.shows_local_time = config.desk.clock == "local"
        self.wishes = Wishes(
            self,
            self,
            desk,
            asks_before_cancel=config.confirm.cancel == "confirm",
            asks_before_panic=config.confirm.panic == "confirm",
            clock=clock,
        )
        self.hand = Hand(self, config.desk.size_presets)
        self.commands = Commands(self)
        self._does = {**self.hand.actions(), **self.commands.actions()}
        for action in keymap.actions(Context.DESK, Context.EVERYWHERE):
            self._bind(action)

    def _bind(self, action: Action) -> None:
        for key in action.keys:
            self._bindings.bind(key, f"desk('{action.id}')", action.help, show=False)

    def compose(self) -> ComposeResult:
        # Before there is anything to restyle.
        self._classify(*self.app.size)
        if self._merged.desk is not None:
            self._wear(mode_of(self._merged.desk))
        self.set_class(len(self._merged.venues or ()) > 1, "-venues", update=False)
        yield header.Header(id="header")
        with Container(id="floor"):
            yield OrderBook(id="book", classes="pane")
            yield Ticket(id="ticket", clock=self.clock)
            yield TradeTape(id="tape", classes="pane")
            yield Watchlist(id="watch", classes="pane")
            yield Candles(id="chart", classes="pane")
            yield Positions(id="positions", classes="pane -lower")
            yield OpenOrders(id="orders", classes="pane -lower")
            yield Fills(id="fills", classes="pane -lower")
            yield Balances(id="balances", classes="pane -lower")
            yield LogPane(id="log", classes="pane -lower")
        yield Summary(id="summary")
        yield StatusBar(id="status")
        yield Static("", id="cramped")

    def on_mount(self) -> None:
        self.query_one("#status", StatusBar).set_hints(
            [(self.keymap.label(action_id), words) for action_id, words in _HINTS]
        )
        self._all_panes = tuple(self.query(Pane))
        for pane in self._all_panes:
            pane.show_local_time(self.shows_local_time)
        self._is_ready = True
        self.lay_out_panes()
        self.query_one("#book").focus()
        if self._merged.number:
            self.take(self._merged)

    def on_resize(self) -> None:
        self.lay_out_panes()

    @property
    def state(self) -> Frame:
        """All that is known, laid together from the frames so far."""
        return self._merged

    @property
    def account(self) -> str:
        return self._merged.desk.account if self._merged.desk is not None else ""

    @property
    def ladder(self) -> OrderBook:
        return self.query_one("#book", OrderBook)

    @property
    def ticket(self) -> Ticket:
        return self.query_one("#ticket", Ticket)

    @property
    def is_hopeless(self) -> bool:
        """Whether the terminal is too small to trade on."""
        return self._shape is Shape.HOPELESS

    @property
    def has_ticket_focus(self) -> bool:
        return self.focused is not None and self.ticket in self.focused.ancestors_with_self

    def take(self, frame: Frame) -> None:
        """Takes what has changed and hands it to every pane, seen or not."""
        self._merged = frame.over(self._merged)
        if frame.desk is not None:
            self.commands.note_shown(frame.desk.shown)
        self._taken_at = self._ticked_at = self.clock()
        if not self._is_ready:
            return
        for pane in self._all_panes:
            pane.take(frame)
        self.ticket.take(frame)
        if frame.desk is not None:
            if (mode := mode_of(frame.desk)) is not self._mode:
                self._show_mode(mode)
            self._say_read_only(frame.desk.read_only_reason)
            self._say_hang_up()
        if frame.venues is not None:
            self._make_room_for_venues(len(frame.venues) > 1)
        self._label_tabs()
        self.hand.look_again()

    def tick(self, now: int) -> None:
        """Lets ages run on while no frame comes; nanoseconds of the engine's clock."""
        for pane in self._all_panes:
            pane.tick(now)

    def engine_now(self) -> int:
        """Returns the engine's time, nanoseconds UTC: that of the newest frame, and what has passed since."""
        return self._merged.ts + max(0, self.clock() - self._taken_at)

    def let_time_pass(self) -> None:
        """Lets ages and countdowns run on where no frame comes: that of an UNKNOWN order above all."""
        now = self.clock()
        if self._is_ready and self._merged.number and now - self._ticked_at >= _SILENCE:
            self._ticked_at = now
            self.tick(self.engine_now())

    def _say_hang_up(self) -> None:
        """Puts what a hang-up does into the border of the tabs where the header has no room for all of it."""
        desk, words = self._merged.desk, ""
        if desk is not None and desk.detach_policy != "leave" and self.size.width < header.ROOMY:
            words = f" {plain(header.hang_up_words(desk))} "
        tabs = [name for name in layout.tabs_of(self._shape) if name != "book"]  # that says what Enter would send
        if (words, *tabs) != self._hang_up:
            self._hang_up = (words, *tabs)
            for name in layout.TABS:
                if name != "book":
                    said = Content.styled(words, "$warning") if name in tabs else Content("")
                    self.query_one(f"#{name}").border_subtitle = said

    def _say_read_only(self, reason: str) -> None:
        """Says why this desk only watches, once for each reason."""
        if reason != self._read_only_reason:
            self._read_only_reason = reason
            if reason:
                self.wishes.say(f"READ-ONLY: {reason}", is_bad=True)

    def _show_mode(self, mode: Mode) -> None:
        self._mode = mode
        before = self.classes
        self._wear(mode)
        if self.classes != before:
            self.update_node_styles()

    def _make_room_for_venues(self, are_many: bool) -> None:
        """Widens the watchlist where a row has to name its venue too."""
        if self.has_class("-venues") is not are_many:
            self.set_class(are_many, "-venues", update=False)
            self.update_node_styles()

    def _wear(self, mode: Mode) -> None:
        for each in Mode:
            self.set_class(each is mode, f"-mode-{each.value.lower()}", update=False)

    def lay_out_panes(self) -> None:
        """Shows the panes that belong on the screen at this size, and puts the focus on one of them."""
        width, height = self.size
        if not width:
            return
        is_open = self.ticket.is_open
        before = self.classes
        self._classify(width, height)
        self.set_class(is_open, "-ticket", update=False)
        if self.classes != before:
            self.update_node_styles()
        shown = layout.panes_on(self._shape, self._chosen_tab(), is_ticket_open=is_open, height=height)
        for pane in self.query("#floor > *"):
            pane.display = pane.id in shown
        self._say_cramped(width, height)
        self._say_hang_up()
        self._label_tabs()
        if self._shape is not Shape.HOPELESS and (self.focused is None or not self.focused.display):
            self._focus_first(shown)

    def _classify(self, width: int, height: int) -> None:
        """Says to the style sheets what the size is; to restyle everything, 15 ms, is left to the caller."""
        self._shape = layout.shape_of(width, height)
        for each in Shape:
            self.set_class(each is self._shape, each.value, update=False)
        self.set_class(height >= 34, "-tall", update=False)
        self.set_class(width >= 118, "-broad", update=False)

    def _say_cramped(self, width: int, height: int) -> None:
        words = ""
        if self.is_hopeless:
            words = f"{width}x{height} is too small.\nOrders are off.\nCtrl+X panic"
        elif layout.is_cramped(width, height):
            words = " small terminal: 80x24 or more shows the desk"
        line = self.query_one("#cramped", Static)
        line.display = bool(words)
        line.update(Content(words))

    def _focus_first(self, shown: tuple[str, ...]) -> None:
        if self.ticket.is_open or not shown:
            return
        wanted = self._tab if self._tab in shown else shown[0]
        self.query_one(f"#{wanted}").focus()

    def _chosen_tab(self) -> str:
        return self._tab if self._shape is Shape.ONE_PANE else self._lower

    def _label_tabs(self) -> None:
        """Writes the strip of tabs into the border of the pane that has their place; all others keep their own."""
        counts = {"positions": len(self._merged.positions or ()), "orders": len(self._merged.orders or ())}
        tabs = layout.tabs_of(self._shape)
        chosen = self._chosen_tab()
        if chosen not in tabs:
            chosen = next(iter(tabs), "")
        for name in layout.TABS:
            pane = self.query_one(f"#{name}")
            is_written_by_pane = pane.border_title != self._strips.get(name)
            if is_written_by_pane:
                self._own_titles[name] = pane.border_title or ""
            words: str | Content
            if name == chosen:
                words = strip_words(tabs, chosen, counts, self.size.width - 4)
            elif name in layout.LOWER:
                words = strip_words((name,), name, counts, self.size.width)
            else:
                words = self._own_titles.get(name, "")
            # Writing a title repaints the whole pane, even when it reads the same.
            if is_written_by_pane or words != self._wanted_titles.get(name):
                pane.border_title = words
                self._wanted_titles[name] = words
                self._strips[name] = pane.border_title or ""

    def show_tab(self, name: str) -> None:
        """Brings a pane to the screen and gives it the focus."""
        self._tab = name
        if name in layout.tabs_of(self._shape) and self._shape is not Shape.ONE_PANE:
            self._lower = name
        self.lay_out_panes()
        pane = self.query_one(f"#{name}")
        if pane.display:
            pane.focus()

    def panes(self) -> list[Widget]:
        """Returns the panes on the screen, in the order of the focus."""
        is_open = self.ticket.is_open
        names = layout.panes_on(self._shape, self._chosen_tab(), is_ticket_open=is_open, height=self.size.height)
        return [self.query_one(f"#{name}") for name in names]

    def focus_pane(self, places: int) -> None:
        """Moves the focus to the next (+1) or previous (-1) pane."""
        panes = [pane for pane in self.panes() if pane.can_focus or pane is self.ticket]
        if not panes:
            return
        now = self.focused
        at = panes.index(now) if now in panes else -1 if places > 0 else 0
        pane = panes[(at + places) % len(panes)]
        if pane is self.ticket:
            self.ticket.take_focus()
        else:
            pane.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the ticket has the focus, only what works everywhere works."""
        if action == "desk" and self.has_ticket_focus:
            return self.keymap.action(str(parameters[0])).context is Context.EVERYWHERE
        return True

    async def action_desk(self, action_id: str) -> None:
        """Carries out an action of the keymap; a key of it was pressed."""
        self.perform(action_id)

    def perform(self, action_id: str, argument: str = "") -> None:
        """Carries out an action by its id, with what a `:` line gave besides."""
        action = self.keymap.action(action_id)
        if self.is_hopeless and action.is_trading and action_id not in ("order.cancel", "order.cancel_all"):
            self.wishes.say("this terminal is too small to trade on", is_bad=True)
        elif self._read_only_reason and action_id in _ADDS_RISK:
            self.wishes.say(f"READ-ONLY: {self._read_only_reason}", is_bad=True)
        else:
            self._does[action_id](argument)

    def on_key(self, event: events.Key) -> None:
        """The ladder's own two keys: they mean something only while a preview line stands."""
        if self.focused is self.ladder and self.hand.has_preview:
            if event.key == "enter":
                event.stop()
                event.prevent_default()
                self.perform("preview.send")
            elif event.key == "escape":
                event.stop()
                self.perform("preview.drop")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Supervises what runs beside the keys: an error there is said, and ends nothing."""
        if event.state is WorkerState.ERROR:
            self.wishes.say_failure(event.worker.name, event.worker.error)

    def show_terminal_rate(self, kilobytes_per_second: float) -> None:
        """Says in the status bar how much goes to the terminal."""
        if self._is_ready:
            self.query_one("#status", StatusBar).set_terminal(kilobytes_per_second)

    def show_size(self, text: str) -> None:
        """Says the size that the next preview will have."""
        self.ladder.border_subtitle = Content(f" {text} ")

    def is_refused(self, instrument: Instrument | None) -> bool:
        """Whether the venue of an instrument takes no orders from here; then says why, and what can be done."""
        venues = self._merged.venues or ()
        view = next((each for each in venues if instrument and each.venue == instrument.id.venue), None)
        why = why_no_orders(view) if view is not None else ""
        if why:
            self.wishes.say(why, is_bad=True)
        return bool(why)

    def open_ticket(
        self,
        side: Side,
        kind: OrderType,
        *,
        instrument: Instrument | None = None,
        account: str | None = None,
        size: str = "",
        position_id: str | None = None,
        in_margin_wallet: bool = False,
        margin_mode: MarginMode | None = None,
    ) -> None:
        """Opens the ticket beside the ladder; it takes the focus. `position_id` is what reduce-only would mean."""
        self.hand.drop_preview()
        if self.is_refused(instrument or self.ladder.instrument):
            return
        if self.ticket.open_new(
            side,
            kind,
            instrument=instrument,
            account=account,
            size=size,
            position_id=position_id,
            in_margin_wallet=in_margin_wallet,
            margin_mode=margin_mode,
        ):
            self.lay_out_panes()
        else:
            self.wishes.say("no instrument is known yet", is_bad=True)

    def open_edit(self, view: OrderView) -> None:
        """Opens the ticket on a resting order."""
        self.hand.drop_preview()
        if self.is_refused(view.instrument):
            return
        if self.ticket.open_edit(view):
            self.lay_out_panes()
        else:
            self.wishes.say("this order is over, or its state is unknown: it can not be edited", is_bad=True)

    def on_ticket_previewed(self, message: Ticket.Previewed) -> None:
        self.wishes.start(self._check(message.intent), "check")

    async def _check(self, intent: OrderIntent) -> None:
        outcome = await asyncio.wrap_future(self.desk.check(intent))
        if outcome.verdict is not Verdict.SENT:
            self.ticket.show_reasons(outcome.reasons, is_denied=outcome.verdict is Verdict.DENIED, intent=intent)

    def on_ticket_submit_requested(self, message: Ticket.SubmitRequested) -> None:
        self.wishes.start(self._answer(self.desk.submit(message.intent), message.intent), "submit")
        self.ticket.set_timer(_SENDING_SHOWN_AFTER, self.ticket.paint_sending)

    def on_ticket_amend_requested(self, message: Ticket.AmendRequested) -> None:
        self.wishes.start(self._answer(self.desk.amend(message.intent), message.intent), "amend")
        self.ticket.set_timer(_SENDING_SHOWN_AFTER, self.ticket.paint_sending)

    async def _answer(self, future: Future[Outcome], asked: OrderIntent | AmendIntent) -> None:
        outcome = await asyncio.wrap_future(future)
        # A ticket that was left while it sent must not swallow the desk's no.
        if not self.ticket.show_outcome(outcome, asked) and outcome.verdict is not Verdict.SENT:
            self.wishes.say(f"not sent. {reasons_text(outcome)}", is_bad=True)

    def on_ticket_dropped(self) -> None:
        self._close_ticket()

    def on_ticket_closed(self) -> None:
        self._close_ticket()

    def _close_ticket(self) -> None:
        self.lay_out_panes()
        if self.ladder.display:
            self.ladder.focus()


def strip_words(tabs: Sequence[str], chosen: str, counts: Mapping[str, int], width: int) -> Content:
    """Returns the strip of tabs with their keys; where it is too long, the others keep only their keys."""

    def label(name: str, *, is_short: bool) -> str:
        number = str(layout.TABS.index(name) + 1)
        if is_short:
            return number
        count = f" {counts[name]}" if counts.get(name) else ""
        return f"{number} {layout.LABELS.get(name, name)}{count}"

    full = [label(name, is_short=False) for name in tabs]
    room = width - sum(map(len, full))
    gap = " · " if room >= 3 * len(tabs) else "  " if room >= 2 * len(tabs) else " "
    parts: list[str | tuple[str, str]] = []
    for name in tabs:
        if parts:
            parts.append((gap, "$faint"))
        is_chosen = name == chosen
        parts.append((label(name, is_short=gap == " " and not is_chosen), "bold" if is_chosen else "$muted"))
    return Content.assemble(*parts)
