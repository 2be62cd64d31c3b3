"""The keys screen: which API keys are stored; adding, testing, replacing and removing them while the desk runs.

A key's secret only ever goes in: it is shown nowhere, and leaves the form as a `Secret`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from tui.desk.key_control import KeyReport, KeyRow, KeysView
from tui.desk.key_entries import KeyName, KeyringCode, KeyringState
from tui.desk.key_gate import KeyGate
from tui.formatting import age
from tui.screens.board import LEAST_TABLE, LEAST_WORDS, LIST_KEYS, BoardScreen, give
from tui.screens.key_wishes import Wish, adding, opening, removing, testing
from tui.screens.recovery import Decision
from tui.widgets.key_form import KeyForm
from tui.widgets.key_guidance import guidance, not_stored, nothing_stored, report_words
from tui.widgets.key_table import KeyTable, details_of, state_words
from tui.widgets.key_words import KeyWords, Paragraph, hints, said
from venues.secret import Secret

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_TICK = 0.2  # seconds: the age of a wait is shown in tenths
_ROOMY = 18  # lines from which on there are blank ones between the parts
_REFUSALS = frozenset({KeyringCode.DENIED, KeyringCode.FILE_DENIED})
_BROKEN = KeyReport(is_done=False, words="the desk did not answer: look at the list for what became of it")


class Step(StrEnum):
    """Where the screen stands."""

    LISTING = "listing"
    EDITING = "editing"  # a form is open
    WAITING = "waiting"  # the desk was asked
    REFUSED = "refused"  # the venue does not take the key: store it all the same?


class KeysScreen(BoardScreen, inherit_bindings=False):
    """Lists the stored keys. `venue` is the one that a new key is for, unless another is chosen.

    The keyring's password is kept, as a `Secret`, for as long as the screen is open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *LIST_KEYS,
        Binding("a", "add", "add a key"),
        Binding("r", "rotate", "a new key in its place"),
        Binding("enter", "enter", "a new key in its place"),
        Binding("t", "test", "test it"),
        Binding("d", "remove", "remove it"),
        Binding("p", "open_keyring", "open the keyring"),
        Binding("o", "store_untested", "store it untested"),
    ]

    def __init__(self, dashboard: Dashboard, venue: str = "") -> None:
        super().__init__(dashboard, "keys", box="api-keys")
        self._desk = dashboard.desk
        self._clock = dashboard.clock
        self._gate = KeyGate()
        self._wanted_venue = venue
        self._view: KeysView | None = None
        self._step = Step.LISTING
        self._since = self._clock()
        self._wish: Wish | None = None
        self._number = 0  # of the wait: an answer to one that was left changes nothing here
        self._password: Secret | None = None
        self._report: KeyReport | None = None
        self._state = KeyWords(id="keys-state")
        self._table = KeyTable(id="keys-table")
        self._form = KeyForm(name="keys-form")
        for key in dashboard.keymap.keys("keys.manage"):
            self._bindings.bind(key, "leave_list", "leave", show=False)
        for key in dashboard.keymap.keys("app.quit"):
            self._bindings.bind(key, "quit_question", "quit", show=False)

    def compose(self) -> ComposeResult:
        with self._box:
            yield self._state
            yield self._table
            yield self._form
            yield self._words
            yield self._hints

    def on_mount(self) -> None:
        self._box.border_title = Content(" API keys ")
        self._is_ready = True
        self._look_again()
        self._show()
        self.set_interval(_TICK, self.let_time_pass)

    def on_unmount(self) -> None:
        self._is_ready = False
        self._form.forget()
        self._password = self._wish = None

    def show_all(self) -> None:
        self._show(keeps_place=True)

    @property
    def _rows(self) -> Sequence[KeyRow]:
        return self._view.rows if self._view is not None else ()

    @property
    def _selected(self) -> KeyRow | None:
        return self._table.selected if self._rows else None

    def _look_again(self) -> None:
        self._dashboard.wishes.start(self._list(), "list the keys")

    async def _list(self) -> None:
        view = await asyncio.wrap_future(self._desk.list_keys(self._password))
        self._take(view)

    def _take(self, view: KeysView) -> None:
        if self._is_ready:
            self._view = view
            self._table.set_rows(view.rows)
            self._show(keeps_place=True)

    def let_time_pass(self) -> None:
        if self._view is None or self._step is Step.WAITING:
            self._show(keeps_place=True)

    def _show(self, *, keeps_place: bool = False) -> None:
        """Says everything anew, and shares the room among the parts."""
        is_editing = self._step is Step.EDITING
        self._state.say(self._state_said(), keeps_place=keeps_place)
        self._words.say(self._said(), keeps_place=keeps_place)
        self._share_room()
        self._table.redraw()
        if not is_editing:
            wanted = self._table if self._table.display else None
            if self.focused is not wanted and self.is_current:
                self.set_focus(wanted)

    def _share_room(self) -> None:
        width, height = self._box.content_size
        if not height:
            return
        is_roomy, is_editing = height >= _ROOMY, self._step is Step.EDITING
        shown = hints(self._keys(is_roomy=is_roomy), width, self._palette)
        self._hints.say(shown, keeps_place=True)
        low = max(1, min(len(shown), 3))
        gap = 1 if is_roomy and self.has_class("-tall") else 0
        state = min(self._state.height_at(width), max(1, height // 3))
        if not is_roomy and is_editing and self._form.state is None:
            state = 0  # the fields need the lines more
        needs = self._words.height_at(width)
        free = height - low - (state + gap if state else 0)
        give(self._state, state)
        give(self._hints, low)
        # What became of a wish is read as a whole if possible; the details of a row may be paged through.
        least = min(needs, max(LEAST_WORDS, free - gap - 3)) if self._is_news else LEAST_WORDS
        is_listed = bool(self._rows) and not is_editing and (is_roomy or not self._is_news)
        give(
            self._table,
            max(2, min(max(LEAST_TABLE, len(self._rows) + 1), free - gap - least)) if is_listed else 0,
        )
        least = min(needs, 6 if is_roomy else 2)
        give(self._form, max(2, min(self._form.height_wanted, free - gap - least)) if is_editing else 0)

    @property
    def _is_news(self) -> bool:
        return self._step is not Step.LISTING or self._report is not None

    def _state_said(self) -> list[Paragraph]:
        palette = self._palette
        if self._view is None:
            words = f"asking how the keys are kept … {age(self._clock() - self._since)}"
            return [Paragraph((("○ ", palette.muted), (words, palette.text)))]
        asked = self._form.state if self._step is Step.EDITING else None
        is_roomy = self._box.content_size.height >= _ROOMY
        if asked is not None and self._form.asks_key:
            asked = msgspec.structs.replace(asked, remedy="")  # a field of the form is the remedy
        return state_words(asked or self._view.state, palette, is_roomy=is_roomy)

    def _said(self) -> list[Paragraph]:
        palette = self._palette
        match self._step:
            case Step.EDITING:
                return guidance(self._form, self._rows, palette)
            case Step.WAITING if self._wish is not None:
                waited = f"  {age(self._clock() - self._since)}"
                return [Paragraph(((f"… {self._wish.doing}", palette.strong), (waited, palette.muted)))]
        if self._report is not None:
            lines = report_words(self._report, palette)
            if self._step is Step.REFUSED and self._wish is not None and self._wish.wanted is not None:
                lines += [said("", palette.text), not_stored(self._wish.wanted.name, palette)]
            return lines
        row = self._selected
        if row is not None:
            return details_of(row, palette)
        return nothing_stored(self._view, palette) if self._view is not None and not self._rows else []

    def _keys(self, *, is_roomy: bool) -> list[tuple[str, str]]:
        """Returns the keys that do something now, with what they do."""
        panic = [(self._dashboard.keymap.label("desk.panic"), "panic")] if is_roomy else []
        match self._step:
            case Step.EDITING:
                return [("Enter", self._form.enter_does), ("Tab", "next"), ("Esc", "drops it"), *panic]
            case Step.WAITING:
                return [("Esc", "leaves the wait"), *panic]
            case Step.REFUSED:
                return [("o", "store it untested"), ("Enter", "type it again"), ("Esc", "drops it"), *panic]
        view = self._view
        if view is None:
            return [("Esc", "leaves"), *panic]
        keys = [("p", "password")] if view.state.needs_password else []
        keys += [("a", "add")] if view.venues else []
        if self._selected is not None:
            keys += [("r", "replace")] if view.venues else []
            keys += [("t", "test"), ("d", "remove")]
        return [*keys, ("Esc", "leaves"), *panic]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is one of the step that the screen is at; panic and leaving are of every one."""
        del parameters
        match action:
            case "leave" | "page" | "quit_question" | "enter":
                return True
            case "store_untested":
                return self._step is Step.REFUSED
        return self._step is Step.LISTING

    def action_quit_question(self) -> None:
        self._dashboard.perform("app.quit")

    def action_leave_list(self) -> None:
        self.dismiss(None)

    def action_leave(self) -> None:
        """Esc: out of a wait or a question to the list, and from there to the desk."""
        wish, step = self._wish, self._step
        if step is Step.LISTING:
            self.dismiss(None)
            return
        self._number += 1
        report = KeyReport(is_done=False, words=wish.left) if step is Step.WAITING and wish is not None else None
        self._list_again(report)

    def _list_again(self, report: KeyReport | None = None) -> None:
        """Goes back to the list, with a report if there is one."""
        self._wish, self._report, self._step = None, report, Step.LISTING
        self._look_again()
        self._show()

    def _move(self, move: Callable[[], None]) -> None:
        self._report = None
        move()
        self._show()

    def action_cursor(self, rows: int) -> None:
        self._move(partial(self._table.move_cursor, rows))

    def action_go_to(self, row: int) -> None:
        self._move(partial(self._table.move_to, row))

    def action_page(self, pages: int) -> None:
        self._state.page(pages)
        self._words.page(pages)

    def action_add(self) -> None:
        stored = {row.name for row in self._rows}
        venues = [name for name, _ in self._view.venues] if self._view is not None else []
        keyless = [name for name in venues if not any(key.venue == name for key in stored)]
        venue = self._wanted_venue if self._wanted_venue in venues else next(iter(keyless + venues), "")
        # A name that is taken is only ever typed: a key is not replaced by leaving a field as it was.
        self._ask_key(venue=venue, account="" if KeyName(venue) in stored else KeyName(venue).account)

    def action_rotate(self) -> None:
        row = self._selected
        if row is not None:
            self._ask_key(row.name)

    def action_enter(self) -> None:
        """Enter on a row is a new key for it; on a refusal the same form again. A held Enter is neither."""
        if self._step not in (Step.LISTING, Step.REFUSED) or not self._gate.let_through(self._clock()):
            return
        wish = self._wish
        if self._step is Step.LISTING:
            self.action_rotate()
        elif wish is not None and wish.wanted is not None:
            name = wish.wanted.name
            is_stored = any(row.name == name for row in self._rows)
            self._ask_key(name if is_stored else None, venue=name.venue, account=name.account, is_again=True)

    def _ask_key(
        self, name: KeyName | None = None, *, venue: str = "", account: str = "", is_again: bool = False
    ) -> None:
        view = self._view
        if view is None or not view.venues:
            self._dashboard.wishes.say(
                "no venue here takes a key" if view else "the keyring has not answered", is_bad=True
            )
            return
        self._step, self._wish, self._report = Step.EDITING, None, None
        state = view.state if view.state.needs_password and self._password is None else None
        self._form.display = True  # what is not displayed takes no focus
        self._form.ask_key(view.venues, state, name=name, venue=venue, account=account, is_again=is_again)
        self._show()

    def action_open_keyring(self) -> None:
        if self._view is not None and self._view.state.needs_password:
            self._ask_password(opening(self._desk, self._take), self._view.state)

    def _ask_password(self, wish: Wish, state: KeyringState) -> None:
        """Asks for the keyring's password; the wish is asked again with it."""
        self._step, self._wish, self._report = Step.EDITING, wish, None
        self._form.display = True
        self._form.ask_password(state)
        self._show()

    def on_key_form_turned(self) -> None:
        if self._is_ready and self._step is Step.EDITING:
            self._show()

    def on_key_form_dropped(self) -> None:
        if self._step is Step.EDITING:
            self._list_again()

    def on_key_form_filled(self, message: KeyForm.Filled) -> None:
        if self._step is not Step.EDITING:
            return
        if message.wanted is not None:
            self._carry_out(adding(self._desk, message.wanted), message.password or self._password)
        elif self._wish is not None:
            self._carry_out(self._wish, message.password)

    def action_store_untested(self) -> None:
        wish = self._wish
        if wish is not None and wish.wanted is not None and self._gate.let_through(self._clock()):
            wanted = msgspec.structs.replace(wish.wanted, is_untested=True)
            self._carry_out(adding(self._desk, wanted), self._password)

    def action_test(self) -> None:
        row = self._selected
        if row is not None:
            self._carry_out(testing(self._desk, row.name), self._password)

    def action_remove(self) -> None:
        row = self._selected
        if row is None:
            return
        venue = row.name.venue
        use = (
            f"{venue} goes on without a key: it can only be watched"
            if row.is_in_use
            else "no venue of this desk uses it now"
        )
        question = Decision(
            f"Remove the key of {row.name}?",
            (use, f"at {venue} it stays valid until you delete it there", "it can not be brought back from here"),
            yes="remove it",
            clock=self._clock,
        )
        self.app.push_screen(question, partial(self._removed, row.name))

    def _removed(self, name: KeyName, is_sure: bool | None) -> None:
        if is_sure:
            self._carry_out(removing(self._desk, name), self._password)

    def _carry_out(self, wish: Wish, password: Secret | None) -> None:
        self._number += 1
        self._step, self._wish, self._report, self._since = Step.WAITING, wish, None, self._clock()
        self._show()
        self._dashboard.wishes.start(self._wait(wish, password, self._number), "keys")

    async def _wait(self, wish: Wish, password: Secret | None, number: int) -> None:
        report = _BROKEN
        try:
            report = await wish.ask(password)
        finally:
            self._hear(wish, password, number, report)

    def _hear(self, wish: Wish, password: Secret | None, number: int, report: KeyReport) -> None:
        """Takes what became of a wish; one whose wait was left is only told of."""
        if not self._is_ready or number != self._number:
            if self._dashboard.app.is_running:
                words = f"{report.words}. {report.warning}" if report.warning else report.words
                self._dashboard.wishes.say(words, is_bad=not report.is_done or bool(report.warning))
            if self._is_ready and self._step is Step.LISTING:
                self._look_again()
            return
        state = report.state
        if state is not None and (state.code in _REFUSALS or state.needs_password):
            self._password = None
        elif password is not None:
            self._password = password
        self._gate.put(self._clock())
        if state is not None and state.needs_password:
            self._ask_password(wish, state)
        elif report.is_refused and wish.wanted is not None:
            self._step, self._report = Step.REFUSED, report
            self._show()
        else:
            self._list_again(report)
