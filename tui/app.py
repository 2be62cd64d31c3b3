"""The application: themes, the keymap, the frame timer, and what becomes of an error."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any, ClassVar

from rich.segment import Segments
from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.message import Message
from textual.notifications import Notify, SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from tui.config import Config
from tui.desk.control import Desk
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.inert import sanitise
from tui.fault_words import places_of, short_words
from tui.key_guard import KeyGuard
from tui.key_order import PATIENCE, KeyOrder
from tui.keymap import Context, Keymap
from tui.screens.dashboard import Dashboard
from tui.screens.error import ErrorDialog
from tui.screens.following import FollowsDesk
from tui.theming import DEFAULT_THEME, THEMES, load_themes
from tui.toasts import LONGEST, Toasts
from venues.port import Mode

FRAME_INTERVAL = 0.1  # seconds: ten frames a second are what an eye follows, and cost a tenth of all of them
_SHEETS = (
    "base",
    "dashboard",
    "dialogs",
    "ticket",
    "confirm",
    "recovery",
    "keys",
    "margin",
    "positions",
    "exposure",
)
_MOST_TOASTS = 3
_SEVERITIES: tuple[SeverityLevel, ...] = ("information", "warning", "error")


class PitsideApp(App[None], inherit_bindings=False):
    """The full-screen desk. It sees a `Desk` and nothing behind it.

    `clock` gives seconds of the monotonic clock that key events carry; `pause` waits for the type-ahead guard;
    `gate_clock` gives nanoseconds, for the moment in which a question is deaf. `note_key` hears of every key,
    `clean` takes secrets out of what an end by an error prints.
    """

    TITLE = "pitside"
    CSS_PATH: ClassVar[list[str | PurePath]] = [THEMES / f"{name}.tcss" for name in _SHEETS]
    BINDINGS: ClassVar[list[BindingType]] = []
    NOTIFICATION_TIMEOUT = 6
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self,
        desk: Desk,
        *,
        config: Config | None = None,
        keymap: Keymap | None = None,
        themes: Mapping[str, Theme] | None = None,
        theme: str | None = None,
        notices: Iterable[str] = (),
        frame_interval: float = FRAME_INTERVAL,
        guard: KeyGuard | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        gate_clock: Callable[[], int] = time.monotonic_ns,
        note_key: Callable[[], object] = lambda: None,
        clean: Callable[[str], str] = str,
    ) -> None:
        super().__init__()
        self.config = config or Config()
        self.keymap = keymap or Keymap()
        self.bytes_per_second: Callable[[], int] | None = None  # to the terminal, where somebody counts them
        self._desk = desk
        self._notices = list(notices)
        self._frame_interval = frame_interval
        self._guard = guard or KeyGuard()
        self._key_order = KeyOrder(self._deliver, clock)
        self._clock = clock
        self._pause = pause
        self._note_key = note_key
        self._clean = clean
        self._toasts = Toasts(self)
        self._last_tick = self._last_key = clock()
        self._is_stalled = False
        self._dashboard = Dashboard(desk, self.keymap, self.config, clock=gate_clock)
        for key in self.keymap.keys("desk.panic"):
            # On the app, and first of all: it works from inputs, and over every dialog.
            self._bindings.bind(key, "panic_now", "panic", show=False, priority=True)
        for known in (themes if themes is not None else load_themes()[0]).values():
            self.register_theme(known)
        wanted = theme or self.config.desk.theme
        if wanted in self.available_themes:
            self.theme = wanted
        else:
            self._notices.append(f"there is no theme {wanted!r}; {DEFAULT_THEME} is used")
            self.theme = DEFAULT_THEME

    def get_default_screen(self) -> Screen[Any]:
        # The mode is on the screen from the first paint on.
        frame = self._desk.take_frame()
        if frame is not None:
            self._dashboard.take(frame)
        return self._dashboard

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a user's theme may leave out and the style sheets need."""
        dark = {"muted": "#8490a0", "faint": "#4a5462", "own": "#e5b94e", "rule": "#2b3440", "alarm": "#ff5d5d",
                "buy": "#4cc38a", "sell": "#ee6a6a", "cursor": "#1d3350"}  # fmt: skip
        modes = {"live": "#f2555a", "paper": "#4a8fdc", "replay": "#a78bfa", "practice": "#39b8b8",
                 "read-only": "#8490a0"}  # fmt: skip
        return dark | {f"mode-{name}": colour for name, colour in modes.items()}

    def on_mount(self) -> None:
        for name in [name for name in self.available_themes if name.startswith("textual-")]:
            if name != self.theme:
                self.unregister_theme(name)
        for notice in self._notices:
            words = "\n".join(sanitise(line, LONGEST) for line in notice.splitlines())
            self.notify(words, severity="warning", markup=False, timeout=12)
        self._dashboard.commands.offer_recovery()
        self.set_interval(self._frame_interval, self.take_news)
        self.set_interval(PATIENCE, self._key_order.look)

    def action_panic_now(self) -> None:
        """Puts the panic question, wherever the focus is."""
        self._dashboard.perform("desk.panic")

    def action_command_palette(self) -> None:
        """Opens the palette, on the desk only: Textual puts a second one over a dialog, and ends by that."""
        if self.screen is self._dashboard and not self._dashboard.has_ticket_focus:
            super().action_command_palette()

    def take_news(self) -> None:
        """Takes the newest frame and every fact from the desk; called by the frame timer."""
        now = self._clock()
        gap, self._last_tick = now - self._last_tick, now
        frame = self._desk.take_frame()
        if frame is not None:
            self._dashboard.take(frame)
            self._toasts.take(self._dashboard.state)
            for screen in self.screen_stack:
                if isinstance(screen, FollowsDesk):
                    screen.take(self._dashboard.state)
        else:
            self._dashboard.let_time_pass()
        self._dashboard.commands.offer_recovery()
        for fact in self._desk.take_facts():
            self.show_fact(fact)
        if self.bytes_per_second is not None and frame is not None:
            self._dashboard.show_terminal_rate(self.bytes_per_second() / 1000)
        self._lock_if_left_alone(now, gap)

    def _lock_if_left_alone(self, now: float, gap: float) -> None:
        desk = self._dashboard.state.desk
        if desk is None or desk.mode is not Mode.LIVE or not desk.is_armed:
            return
        idle = self.config.lock.idle
        if gap > self.config.lock.stall:
            self._desk.lock(f"the screen stood still for {gap:.1f} s")
        elif idle and now - self._last_key > idle:
            self._desk.lock(f"no key for {idle} s")
            self._last_key = now

    def show_fact(self, fact: Fact) -> None:
        """Shows one fact: a toast, a bell, a dialog, or nothing where its row and the log say it already."""
        if fact.receipt is not None:
            self._dashboard.wishes.show_receipt(fact.receipt)
        elif fact.kind is FactKind.CONFIGURATION and fact.severity is Severity.ALARM:
            self.push_screen(ErrorDialog("configuration", fact.text))
        else:
            self._toasts.show(fact)

    def on_notify(self, _event: Notify) -> None:
        """Makes room for a toast: of too many, the oldest of the least severe goes."""
        toasts = list(self._notifications)
        while len(toasts) >= _MOST_TOASTS:
            # An alarm that stays until it is dismissed has the longest time.
            least = min(toasts, key=lambda toast: (_SEVERITIES.index(toast.severity), toast.timeout))
            toasts.remove(least)
            self._unnotify(least, refresh=False)

    def on_dashboard_dismiss_requested(self) -> None:
        self._toasts.dismiss()

    def post_message(self, message: Message) -> bool:
        if isinstance(message, events.Key) and not message.is_forwarded:
            self._guard.saw(message.time)
        return super().post_message(message)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._last_key = self._clock()
            self._note_key()
            if isinstance(event, events.Key) and event.key in self.keymap.keys("desk.panic"):
                # Panic waits for nothing.
                await super().on_event(event)
            else:
                await self._key_order.take(event)
        else:
            await super().on_event(event)

    async def _deliver(self, event: events.Key | events.Paste) -> list[DOMNode]:
        """Forwards a key or a paste to the focus; returns the way it goes from there, none when it was dropped."""
        if isinstance(event, events.Key) and await self._is_type_ahead(event):
            return []
        way = (self.focused or self.screen).ancestors_with_self
        await super().on_event(event)
        return way

    async def _is_type_ahead(self, key: events.Key) -> bool:
        """Whether a key that could trade was not pressed for what the screen shows now: then it is dropped."""
        if not self.keymap.is_trading(key.key) or isinstance(self.focused, Input):
            return False
        if self._guard.is_stale(key.time, self._clock()):
            self.notify("keys from before the screen caught up were dropped", severity="warning", markup=False)
            return True
        if not self._guard.is_burst(key.time):
            # Only after the window has passed is it known how many keys came with this one.
            await self._pause(self._guard.burst_window)
        if self._guard.is_burst(key.time):
            self.notify("a burst of keys was dropped: it may have been pasted", severity="warning", markup=False)
            return True
        return False

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the keymap, and the themes; nothing else is in the palette."""
        del screen  # the palette is the same everywhere
        for action in self.keymap.actions(Context.DESK, Context.EVERYWHERE):
            if action.id.startswith(("move.", "pane.", "palette.")):
                continue
            name = action.commands[0] if action.commands else action.help
            title = f"{name}  ({self.keymap.label(action.id)})"
            yield SystemCommand(title, action.help, lambda id_=action.id: self._dashboard.perform(id_))
        for name in sorted(self.available_themes):
            yield SystemCommand(f"theme {name}", "change the colours", lambda to=name: setattr(self, "theme", to))

    def _fatal_error(self) -> None:
        """Ends the app after an error nobody caught. Textual's own would print every local, secrets too."""
        error = sys.exc_info()[1] or self._exception
        lines = [Text(self._clean(f"pitside ended by an error: {short_words(error, self._clean)}"), end="\n")]
        lines += [Text(f"  {self._clean(place)}", end="\n") for place in places_of(error)]
        lines.append(Text("Orders that were working are still working at their venues.", end="\n"))
        self._exit_renderables.append(
            Segments([segment for line in lines for segment in self.console.render(line)])
        )
        self._close_messages_no_wait()
