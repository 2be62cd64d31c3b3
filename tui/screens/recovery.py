"""The recovery screen: what was sent and never answered for, what is done about it, and what the trader can do.

It comes up by itself where a desk finds such commands at its start; until the trader goes on from it nothing that
adds risk is sent. Later it shows what is UNKNOWN now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingsMap
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui import formatting
from tui.desk.facts import describe_funds
from tui.desk.frame import Frame, FundsView, OrderView, RecoveryRow, RecoveryView
from tui.desk.key_gate import QUIET, KeyGate
from tui.formatting import count
from tui.keymap import Context
from tui.screens import layout
from tui.screens.confirm import Clock, Confirm
from tui.screens.help import Help
from tui.screens.wishes import order_words
from tui.widgets.cells import plain
from tui.widgets.mode_badge import ModeBadge, mode_of
from tui.widgets.unanswered import Name, Unanswered, name_of
from venues.model import OrderStatus

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

LOCKED = "locked: orders of the run before are being looked up"
_EMPTY = RecoveryView()
_TICK = 0.5  # seconds: ages and countdowns run on while a venue is silent
_ACROSS = [(0, "-small"), (60, "-plain"), (100, "-broad")]
_DOWN = [(0, "-low"), (20, "-middling"), (30, "-tall")]


class Decision(Confirm):
    """A question of the recovery screen; on a small terminal it takes all of it."""

    def __init__(self, question: str, reasons: Sequence[str], *, yes: str, clock: Clock) -> None:
        super().__init__(question, reasons, yes=yes, clock=clock)
        self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS = _ACROSS, _DOWN


class RecoveryScreen(ModalScreen[None], inherit_bindings=False):
    """Lists what nobody has answered for. The app hands it the newest state (`take`).

    Enter goes on at once only when all is settled and that has stood on the screen for a moment; a held key, or a
    burst, never does.
    """

    follows_desk = True

    def __init__(self, dashboard: Dashboard) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS = _ACROSS, _DOWN
        self._dashboard = dashboard
        self._clock = dashboard.clock
        self._gate = KeyGate()
        self._was_settled = self._is_settled
        self._is_ready = False  # until the widgets are there
        self._is_ending = False
        self._cancelled: tuple[Name, int] | None = None
        self._said: dict[str, Content] = {}
        self._does: dict[str, Callable[[], None]] = {
            "recovery.go_on": self._go_on,
            "recovery.gone": self._decide,
            "recovery.cancel": self._cancel,
            "recovery.down": partial(self._move, 1),
            "recovery.up": partial(self._move, -1),
            "recovery.help": self._help,
            "recovery.leave": self._leave,
        }
        self._bindings = BindingsMap()
        for action in dashboard.keymap.actions(Context.RECOVERY):
            for key in action.keys:
                self._bindings.bind(key, f"recovery('{action.id}')", action.help, show=False)
        for key in dashboard.keymap.keys("app.quit"):
            self._bindings.bind(key, "quit_question", "quit", show=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="recovery"):
            with Horizontal(id="recovery-head"):
                desk = self._dashboard.state.desk
                yield ModeBadge(mode_of(desk) if desk is not None else None)
                yield Static("", id="recovery-lock", markup=False)
            yield Static("", id="recovery-words", markup=False)
            yield Unanswered(id="unanswered")
            yield Static("", id="recovery-keys", markup=False)

    def on_mount(self) -> None:
        self._gate.put(self._clock())
        self._list.show_local_time(self._dashboard.shows_local_time)
        self._list.focus()
        self._is_ready = True
        self.take(self._dashboard.state)
        self.set_interval(_TICK, self._show)

    def on_resize(self) -> None:
        if self._is_ready:
            self._show()

    def take(self, state: Frame) -> None:
        """Takes the newest state of the desk."""
        if not self._is_ready:
            return
        if self._is_settled and not self._was_settled:
            # A key on its way was pressed for a list that still had something open.
            self._gate.put(self._clock())
        self._was_settled = self._is_settled
        self.query_one(ModeBadge).take(state)
        self._show()

    @property
    def _list(self) -> Unanswered:
        return self.query_one("#unanswered", Unanswered)

    @property
    def _view(self) -> RecoveryView:
        return self._dashboard.state.recovery or _EMPTY

    @property
    def _is_open(self) -> bool:
        """Whether the desk waits for the trader to go on."""
        view = self._view
        return not view.is_over and bool(view.rows or view.notices)

    @property
    def _unsettled(self) -> list[RecoveryRow]:
        return [row for row in unanswered_rows(self._dashboard.state) if not row.is_settled]

    @property
    def _is_settled(self) -> bool:
        return not self._unsettled

    def _show(self) -> None:
        rows = unanswered_rows(self._dashboard.state)
        self._list.show(rows, self._view.notices, self._dashboard.engine_now())
        unknown = sum(not row.is_settled for row in rows)
        is_calm = not unknown
        box = self.query_one("#recovery")
        box.set_class(is_calm, "-settled")
        lock, words = self._words(len(rows), unknown)
        self._say("recovery-lock", Content.styled(lock, f"bold {'$success' if is_calm else '$alarm'}"))
        self._say("recovery-words", Content(words))
        self._say("recovery-keys", self._keys(box.content_size.width))
        title = Content(f" RECOVERY · {plain(self._dashboard.account)} ")
        if self._said.get("title") != title:
            self._said["title"] = box.border_title = title

    def _say(self, name: str, words: Content) -> None:
        # To update a Static lays the whole screen out again.
        if self._said.get(name) != words:
            self._said[name] = words
            self.query_one(f"#{name}", Static).update(words)

    def _words(self, rows: int, unknown: int) -> tuple[str, str]:
        """Returns what stands beside the mode, and what that means."""
        are = f"{unknown} of {rows}" if unknown != rows else str(unknown)
        are += " is" if unknown == 1 else " are"
        if not self._is_open:
            if unknown:
                funds = sum(self._is_funds(row) for row in self._unsettled)
                if funds == unknown:
                    return (
                        f"{count(unknown, 'command')} UNKNOWN: looked up further",
                        "What is UNKNOWN may have been carried out at the venue. The same again is blocked.",
                    )
                return (
                    f"{count(unknown, 'command' if funds else 'order')} UNKNOWN: looked up further",
                    "What is UNKNOWN may rest or be filled at the venue. An order identical to it is blocked.",
                )
            return "nothing is UNKNOWN", "Everything that was sent is accounted for."
        if unknown:
            return (
                LOCKED,
                f"{are} UNKNOWN: may rest, may be filled; enter nothing twice. Nothing that adds risk is sent.",
            )
        if rows:
            return (
                "✓ ALL SETTLED: read what became of them, then Enter",
                "Every command of the run before is accounted for. The desk stays locked until you go on.",
            )
        return "read this, then Enter goes on", "Nothing is UNKNOWN. This was found when the desk was opened."

    def _keys(self, width: int) -> Content:
        """Returns the keys that do something now, packed into lines of `width` cells."""
        row = self._list.selected
        is_narrow = width < 60
        hints = []
        if row is not None and row.key and not row.is_settled:
            if self._is_funds(row):
                hints.append(("d", "not done" if is_narrow else "it was not carried out"))
            else:
                hints += [
                    ("d", "gone" if is_narrow else "it is not there"),
                    ("c", "cancel" if is_narrow else "cancel it"),
                ]
        if self._is_open:
            hints.append(("Enter", "go on"))
        keymap = self._dashboard.keymap
        hints += [(keymap.label("desk.panic"), "panic"), ("?", "help"), ("Esc", "desk")]
        lines: list[list[tuple[str, str] | str]] = [[]]
        used, gap = 0, 2 if width < 90 else 3
        for key, what in hints:
            size = len(key) + 1 + len(what)
            if used and used + gap + size > max(20, width):
                lines.append([])
                used = 0
            lines[-1] += [(" " * gap, "") if used else "", (key, "bold"), (f" {what}", "$muted")]
            used += size + (gap if used else 0)
        return Content("\n").join(Content.assemble(*line) for line in lines)

    def action_recovery(self, action_id: str) -> None:
        self._does[action_id]()

    def _move(self, by: int) -> None:
        self._list.move(by)
        self._show()

    def action_quit_question(self) -> None:
        self._dashboard.perform("app.quit")

    def _help(self) -> None:
        contexts = [Context.RECOVERY, Context.EVERYWHERE]
        self.app.push_screen(Help(self._dashboard.keymap, contexts, "recovery"))

    def _leave(self) -> None:
        if self._is_open and self._view.rows:
            key = self._dashboard.keymap.label("recovery.open")
            self._dashboard.wishes.say(f"still locked: nothing that adds risk is sent. {key} leads back")
        self.dismiss(None)

    @property
    def _is_too_small(self) -> bool:
        if layout.shape_of(*self.size) is not layout.Shape.HOPELESS:
            return False
        self._dashboard.wishes.say("this terminal is too small to decide on", is_bad=True)
        return True

    def _go_on(self) -> None:
        if not self._is_open:
            if self._gate.let_through(self._clock()):
                self.dismiss(None)
            return
        if not self._gate.let_through(self._clock()) or self._is_ending or self._is_too_small:
            return
        unsettled = self._unsettled
        if not unsettled:
            self._end()
            return
        question = Decision(
            f"Go on with {count(len(unsettled), 'command')} UNKNOWN?",
            (
                "they stay UNKNOWN and are looked up further; u shows them",
                "an order identical to one of them stays blocked",
                "each may rest or be filled at its venue",
            ),
            yes="go on",
            clock=self._clock,
        )
        self.app.push_screen(question, self._end_if_sure)

    def _end_if_sure(self, is_sure: bool | None) -> None:
        self._gate.push_on(self._clock())
        if not is_sure:
            return
        if self._is_settled:
            self._dashboard.wishes.say("all of it is settled meanwhile: read it, then Enter")
        else:
            self._end()

    def _end(self) -> None:
        self._is_ending = True
        self._dashboard.wishes.end_recovery(self._ended)

    def _ended(self, is_over: bool) -> None:
        self._is_ending = False
        if is_over and self.is_current:
            self.dismiss(None)

    def _chosen(self, to_do: str) -> RecoveryRow | None:
        """Returns the row under the cursor if something can be done about it; says so if nothing can."""
        row = self._list.selected
        if row is None:
            self._dashboard.wishes.say(f"choose the order to {to_do} with j and k", is_bad=True)
        elif row.is_settled:
            self._dashboard.wishes.say(f"this one is settled: {row.state}")
        elif not row.key:
            self._dashboard.wishes.say("this is no single order: it is settled when the venue has been read")
        else:
            return row
        return None

    def _is_funds(self, row: RecoveryRow) -> bool:
        """Whether it is a loan, a transfer or a change of margin: none of them rests, or can be cancelled."""
        return bool(row.key) and row.key in {each.request.request_id for each in _moving(self._dashboard.state)}

    def _decide(self) -> None:
        row = self._chosen("decide about")
        if row is None or self._is_too_small:
            return
        is_funds = self._is_funds(row)
        asked = "was not carried out" if is_funds else f"is not at {plain(row.venue)}, neither open nor filled"
        question = Decision(
            f"You looked: {plain(row.text)} {asked}?",
            self._consequences(row),
            yes="it was not carried out" if is_funds else "it is not there",
            clock=self._clock,
        )
        self.app.push_screen(question, partial(self._decided, row))

    def _consequences(self, row: RecoveryRow) -> Sequence[str]:
        now = self._dashboard.engine_now()
        if row.ts_provable is not None and row.ts_provable > now:
            is_local = self._dashboard.shows_local_time
            at = formatting.time_of_day(row.ts_provable, milliseconds=False, is_local=is_local)
            last = f"may yet arrive until {at} {'local' if is_local else 'UTC'}"
        else:
            last = "look at open orders, history and fills there first"
        if self._is_funds(row):
            bounded = row.ts_provable is not None and row.ts_provable > now
            return (
                "taken as not carried out by your word, and looked up no further",
                "the same is let through: if this was carried out after all, it is done twice",
                last if bounded else "look at the margin, the balances and their history there first",
            )
        return (
            "taken as gone by your word, and looked up no further",
            "an equal order is let through: if this one is there after all, you have both",
            last,
        )

    def _decided(self, row: RecoveryRow, is_sure: bool | None) -> None:
        self._gate.push_on(self._clock())
        if not is_sure:
            return
        now = next(
            (each for each in unanswered_rows(self._dashboard.state) if name_of(each) == name_of(row)), None
        )
        if now is None or now.is_settled:
            # The venue has answered while the question stood: its word goes before the trader's.
            state = f": {now.state}" if now is not None else ""
            self._dashboard.wishes.say(f"not taken as gone: it is settled meanwhile{state}", is_bad=True)
        else:
            self._dashboard.wishes.decide_gone(row.key, row.text)

    def _cancel(self) -> None:
        row = self._chosen("cancel")
        if row is None:
            return
        if self._is_funds(row):
            self._dashboard.wishes.say("this is no order: there is nothing to cancel", is_bad=True)
            return
        now, before = self._clock(), self._cancelled
        self._cancelled = (name_of(row), now)
        # A held key is one cancel.
        if before is None or before[0] != name_of(row) or now - before[1] >= QUIET:
            self._dashboard.wishes.cancel_unanswered(row.key, row.text)


def unanswered_rows(state: Frame) -> list[RecoveryRow]:
    """Returns what was found at the start, then whatever else is UNKNOWN now, the oldest first."""
    rows = _up_to_date(state)
    listed = {row.key for row in rows if not row.is_settled}
    unknown = (view for view in reversed(state.orders or ()) if view.order.status is OrderStatus.UNKNOWN)
    moving = [_row_of_funds(view) for view in reversed(_moving(state)) if view.state == "UNKNOWN"]
    return [*rows, *(row for row in (*map(_row_of, unknown), *moving) if row.key not in listed)]


def _moving(state: Frame) -> list[FundsView]:
    """Returns the loans, transfers and changes of a position's margin that are not over, newest first."""
    of_wallets = [view for margin in state.margins or () for view in margin.funds]
    of_positions = [view for held in state.positions or () for view in held.funds]
    return [view for view in (*of_wallets, *of_positions) if not view.is_over]


def _up_to_date(state: Frame) -> Sequence[RecoveryRow]:
    """Returns the rows found at the start; once the desk has gone on, less those that have ended since."""
    view = state.recovery or _EMPTY
    if not view.is_over or state.orders is None:
        return view.rows
    working = {order.key for order in state.orders} | {view.request.request_id for view in _moving(state)}
    return [
        msgspec.structs.replace(row, state="over by now: see the fills and the log", is_settled=True)
        if row.key and not row.is_settled and row.key not in working
        else row
        for row in view.rows
    ]


def _row_of_funds(view: FundsView) -> RecoveryRow:
    return RecoveryRow(
        key=view.request.request_id,
        venue=view.request.venue,
        text=describe_funds(view.request),
        ts_sent=view.ts_sent,
        state=view.words,
        ts_provable=view.ts_provable,
    )


def _row_of(view: OrderView) -> RecoveryRow:
    return RecoveryRow(
        key=view.key,
        venue=view.order.instrument.venue,
        text=order_words(view),
        ts_sent=view.unknown_since or view.order.ts_created,
        state="looked up until the venue has said what became of it",
        ts_provable=view.ts_provable,
    )
