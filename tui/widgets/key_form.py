"""The form for an API key, for the keyring's password, or both. What is hidden leaves it as a `Secret` only."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.desk.key_control import KeyField, NewKey
from tui.desk.key_entries import KeyName, KeyringCode, KeyringState, key_name
from tui.widgets.cells import plain
from tui.widgets.ticket_form import Choice, Edited, Mark, TextField
from venues.errors import ConfigurationError
from venues.port import Credentials
from venues.secret import Secret

_LONGEST = 2048  # characters: no key is longer, and a file pasted by mistake is not a key
_KEY_LIKE = 16  # characters: the shortest key ids of any venue have as many
_ATTRIBUTES = ("key", "secret", "passphrase", "sub_account")


class HiddenField(TextField):
    """A line that shows dots. What is typed leaves by `take` only: no message and no clipboard ever carries it."""

    ALLOW_SELECT = False

    def __init__(self, *, name: str, is_stripped: bool) -> None:
        super().__init__(name=name)
        self._is_forgetting = False
        self.password = True
        self.max_length = _LONGEST
        self._is_stripped = is_stripped

    @property
    def is_filled(self) -> bool:
        return bool(self._text)

    @property
    def has_blank(self) -> bool:
        """Whether there is a blank within it, as of a line that was broken when it was copied."""
        return len(self._text.split()) > 1

    @property
    def _text(self) -> str:
        return self.value.strip() if self._is_stripped else self.value

    def take(self) -> Secret:
        """Returns what was typed, and forgets it."""
        taken = Secret(self._text)
        self.forget()
        return taken

    def forget(self) -> None:
        """Drops what was typed; nobody is told that it was changed."""
        self._is_forgetting = True
        self.value = ""
        self._is_forgetting = False

    def post_message(self, message: Message) -> bool:
        # Textual's own would carry the text, and show it in their repr.
        if isinstance(message, Input.Changed):
            return not self._is_forgetting and super().post_message(Edited())
        return not isinstance(message, Input.Blurred | Input.Submitted) and super().post_message(message)

    def on_paste(self, event: events.Paste) -> None:
        # Textual's own would take the first line although it is empty.
        event.prevent_default()
        event.stop()
        lines = [line for line in event.text.splitlines() if line.strip()]
        if lines and not self.is_frozen:
            self.replace(lines[0].strip() if self._is_stripped else lines[0], *self.selection)

    def action_copy(self) -> None:
        """Nothing is copied; the key goes on to what it means elsewhere. Textual's own would copy the text."""
        raise SkipAction

    def action_cut(self) -> None:
        self.delete_selection()


class AccountField(TextField):
    """The account's name, which can be read and is stored openly: it is typed, since a paste may be a key."""

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.app.notify("type the account's name: what was pasted may be a key", severity="warning", markup=False)


class StoreLine(Widget, can_focus=True):
    """The last line of the form: Enter on it sends."""

    def __init__(self, *, name: str) -> None:
        super().__init__(id=name)
        self._words = ""

    def label(self, words: str) -> None:
        """Says what Enter does."""
        self._words = words
        self.refresh()

    def render(self) -> Content:
        return Content(f"▸ {self._words}")


class KeyForm(Widget):
    """The fields of a key, of the keyring's password, or of both; one at a time has the focus.

    Enter goes on to the next one, and sends on the last. `problem` says what is wrong with what was sent.
    """

    class Filled(Message):
        """All is filled in. `wanted` is None where only the password was asked for."""

        def __init__(self, wanted: NewKey | None, password: Secret | None) -> None:
            super().__init__()
            self.wanted = wanted
            self.password = password

    class Dropped(Message):
        """The trader has left the form; nothing of it is kept."""

    class Turned(Message):
        """Another field has the focus, or what stands in one was changed."""

    def __init__(self, *, name: str) -> None:
        super().__init__(id=name)
        self.problem = ""
        self._venue: Choice[str] = Choice(name="key-venue")
        self._account = AccountField(name="key-account")
        self._parts = {name: HiddenField(name=f"key-{name}", is_stripped=True) for name in _ATTRIBUTES}
        self._read_only = Mark("use it for reading only", name="key-read_only")
        # Of a password every blank counts.
        self._password = HiddenField(name="key-password", is_stripped=False)
        self._again = HiddenField(name="key-again", is_stripped=False)
        self._store = StoreLine(name="key-store")
        self._body = VerticalScroll(can_focus=False)
        self._rows: dict[Widget, tuple[Horizontal, Static]] = {}
        self._venues: dict[str, tuple[KeyField, ...]] = {}
        self._fixed: KeyName | None = None
        self._asks_key = True
        self._state: KeyringState | None = None
        self._shown: object = None

    def compose(self) -> ComposeResult:
        with self._body:
            for widget, label in (
                (self._venue, "venue"),
                (self._account, "account"),
                *((field, name) for name, field in self._parts.items()),
                (self._read_only, ""),
                (self._password, "password"),
                (self._again, "again"),
                (self._store, ""),
            ):
                text = Static(label, classes="label", markup=False)
                row = Horizontal(text, widget, classes="row")
                self._rows[widget] = (row, text)
                yield row

    def ask_key(
        self,
        venues: Sequence[tuple[str, tuple[KeyField, ...]]],
        state: KeyringState | None,
        *,
        name: KeyName | None = None,
        venue: str = "",
        account: str = "",
        is_again: bool = False,
    ) -> None:
        """Asks for a key, and the keyring's password where a `state` is given. With a `name` it is a new one for
        that; else `venue` and `account` are what the fields begin with. `is_again` begins below those.
        """
        self._venues = {
            each: tuple(field for field in fields if field.attribute in self._parts) for each, fields in venues
        }
        self._fixed, self._asks_key, self._state = name, True, state
        self._venue.offer([(each, plain(each)) for each in self._venues], venue)
        self._account.value = account
        self._account.placeholder = "a name of yours for it, such as main"
        self._read_only.turn(False)
        self._begin("test it, then store it", first=2 if is_again and name is None else 0)

    def ask_password(self, state: KeyringState, words: str = "") -> None:
        """Asks for the keyring's password alone; `words` say what it is for."""
        self._fixed, self._asks_key, self._state = None, False, state
        self._begin(words or ("make it" if state.creates else "open it"))

    def _begin(self, sends: str, first: int = 0) -> None:
        self.forget()
        self._store.label(sends)
        self._show_fields()
        self.screen.set_focus(self._order[first])
        self._body.scroll_home(animate=False)

    def forget(self) -> None:
        """Drops whatever is hidden in the fields."""
        self.problem = ""
        for field in self._hidden:
            field.forget()

    @property
    def _hidden(self) -> tuple[HiddenField, ...]:
        return (*self._parts.values(), self._password, self._again)

    @property
    def venue(self) -> str:
        """The venue that the key is for, as the form stands now."""
        return self._fixed.venue if self._fixed is not None else self._venue.value or ""

    @property
    def account(self) -> str:
        return self._fixed.account if self._fixed is not None else self._account.value.strip()

    @property
    def asks_key(self) -> bool:
        """Whether it asks for a key, and not for the password alone."""
        return self._asks_key

    @property
    def state(self) -> KeyringState | None:
        """The keyring's state where its password is asked for."""
        return self._state

    @property
    def height_wanted(self) -> int:
        """Lines of the fields that are shown."""
        return len(self._order)

    @property
    def _fields(self) -> tuple[KeyField, ...]:
        return self._venues.get(self.venue, ()) if self._asks_key else ()

    @property
    def _order(self) -> list[Widget]:
        """Returns the fields that are shown, top to bottom."""
        order: list[Widget] = []
        if self._asks_key:
            order += [] if self._fixed is not None else [self._venue, self._account]
            order += [self._parts[field.attribute] for field in self._fields]
            order.append(self._read_only)
        if self._state is not None:
            order += [self._password, self._again] if self._state.creates else [self._password]
        return [*order, self._store]

    def _show_fields(self) -> None:
        if self._shown == (shown := (self.venue, self._fixed, self._fields, self._state)):
            return  # to write a label lays the whole screen out again
        self._shown = shown
        order = self._order
        for widget, (row, _) in self._rows.items():
            row.display = widget in order
        for field in self._fields:
            part = self._parts[field.attribute]
            part.password = field.is_hidden
            part.placeholder = "may be empty" if field.is_optional else "paste it here" if field.is_hidden else ""
            self._rows[part][1].update(Content(plain(field.label)))
        place = "the encrypted file" if self._state is not None and is_file(self._state) else "the keyring"
        self._password.placeholder = f"for {place}, which is made" if self._creates else f"of {place}"
        self._again.placeholder = "the same once more"
        self._rows[self._password][1].update("new password" if self._creates else "password")

    @property
    def _creates(self) -> bool:
        return self._state is not None and self._state.creates

    def take_focus(self) -> None:
        """Takes the focus to the first field, unless one of them has it."""
        if self.screen.focused not in self._order:
            self.screen.set_focus(self._order[0])

    def on_edited(self, event: Edited) -> None:
        event.stop()
        self._show_fields()
        self._note_turn()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._note_turn()

    def on_descendant_focus(self) -> None:
        self.post_message(self.Turned())

    def _note_turn(self) -> None:
        self.problem = ""
        self.post_message(self.Turned())

    def on_key(self, event: events.Key) -> None:
        """Keeps every printable key, so that none typed here means anything else."""
        if not (event.is_printable or event.key in {"enter", "escape", "tab", "shift+tab", "up", "down"}):
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "escape":
                self.forget()
                self.post_message(self.Dropped())
            case "enter":
                self._go_on()
            case "tab" | "down":
                self._step(1)
            case "shift+tab" | "up":
                self._step(-1)

    @property
    def _is_at_end(self) -> bool:
        """Whether Enter sends: on the last line, and on a password that stands before it."""
        order, focused = self._order, self.screen.focused
        return focused is self._store or (focused is order[-2] and isinstance(focused, Input))

    @property
    def enter_does(self) -> str:
        """What Enter does now, in a word or two."""
        if not self._is_at_end:
            return "goes on"
        return "tests and stores it" if self._asks_key else "opens it"

    def _step(self, by: int) -> None:
        order = self._order
        focused = self.screen.focused
        at = order.index(focused) if focused in order else -by
        self.screen.set_focus(order[(at + by) % len(order)])

    def _go_on(self) -> None:
        """Enter: on to the next field; sends on the last line, and on the last password."""
        if not self._is_at_end:
            self._step(1)
        elif (wrong := self._problem()) is not None:
            self.problem = wrong[0]
            self.screen.set_focus(wrong[1])
            self.post_message(self.Turned())
        else:
            self._send()

    def _send(self) -> None:
        wanted = None
        if self._asks_key:
            # One after the other: no text of them is held but by a `Secret`.
            taken = {field.attribute: self._parts[field.attribute].take() for field in self._fields}
            sub_account = taken.pop("sub_account", Secret("")).reveal()
            wanted = NewKey(
                name=self._fixed or key_name(self.venue, self.account),
                credentials=Credentials(
                    key=taken.get("key", ""),
                    secret=taken.get("secret", ""),
                    passphrase=taken.get("passphrase", ""),
                    sub_account=sub_account,
                ),
                is_read_only=self._read_only.is_on,
            )
        password = self._password.take() if self._state is not None else None
        self.forget()
        self.post_message(self.Filled(wanted, password))

    def _problem(self) -> tuple[str, Widget] | None:
        """Returns what is not yet right, and where."""
        if self._asks_key:
            try:
                key_name(self.venue, self.account)
            except ConfigurationError as error:
                return str(error), self._account
            if self._fixed is None and looks_like_a_key(self.account):
                return "this looks like a key, and an account's name is shown: choose a plain word", self._account
        for field in self._fields:
            widget, label = self._parts[field.attribute], plain(field.label)
            if not widget.is_filled and not field.is_optional:
                return f"{label}: type or paste it; it is asked for by {plain(self.venue)}", widget
            if widget.has_blank and field.attribute in ("key", "secret"):
                return f"{label}: there is a blank in it: paste it again, in one line", widget
        if self._state is None:
            return None
        if not self._password.is_filled:
            return "the password: type it", self._password
        if self._state.creates and self._password.value != self._again.value:
            self._again.forget()
            return "the two passwords are not the same: type the second one again", self._again
        return None


def looks_like_a_key(name: str) -> bool:
    """Whether an account's name may be a key, pasted one line too high."""
    return len(name) >= _KEY_LIKE and name.isalnum() and not name.isalpha()


def is_file(state: KeyringState) -> bool:
    """Whether the keys are in the encrypted file, and not in a keyring."""
    return state.code in {
        KeyringCode.FILE_OPEN,
        KeyringCode.FILE_DENIED,
        KeyringCode.FILE_LOCKED,
        KeyringCode.FILE_ABSENT,
        KeyringCode.FILE_BROKEN,
    }
