"""A screen that is one box of parts over the desk: a table with a cursor, words about it, and hints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.style import Style
from textual.widget import Widget

from tui.widgets.cells import plain
from tui.widgets.key_words import KeyWords, hints
from tui.widgets.palette import Palette
from venues.port import Mode

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

TICK = 0.5  # seconds: ages and countdowns run on while nothing comes
ROOMY = 14  # lines from which on the head has all its lines
LEAST_TABLE = 3  # lines: with fewer it has no heading
LEAST_WORDS = 3  # lines that are left to the words below the table
HORIZONTAL = [(0, "-small"), (60, "-plain"), (100, "-broad")]
VERTICAL = [(0, "-low"), (20, "-tall")]
LIST_KEYS: tuple[BindingType, ...] = (
    Binding("escape,q", "leave", "leave"),
    Binding("j,down", "cursor(1)", "down"),
    Binding("k,up", "cursor(-1)", "up"),
    Binding("g,home", "go_to(0)", "first"),
    Binding("G,end", "go_to(-1)", "last"),
    Binding("pagedown", "page(1)", "more of the words"),
    Binding("pageup", "page(-1)", "back in the words"),
)
PAGE_KEYS = LIST_KEYS[-2:]


class Board(Vertical):
    """The box that all of it stands in. A screen is not told when one of its parts gets another size."""

    class Resized(Message):
        """It has a size, or another one."""

    def on_resize(self) -> None:
        self.post_message(self.Resized())


class BoardScreen(ModalScreen[None], inherit_bindings=False):
    """Says everything anew in `show_all` whenever the box has another size, and while time passes."""

    BINDINGS: ClassVar[list[BindingType]] = [*LIST_KEYS]

    def __init__(self, dashboard: Dashboard, name: str, *, box: str = "") -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS = HORIZONTAL, VERTICAL
        self._dashboard = dashboard
        self._is_ready = False  # while the widgets are there
        self._box = Board(id=box or name)
        self._words = KeyWords(id=f"{name}-words")
        self._hints = KeyWords(id=f"{name}-hints")

    def bind_desk(self, own: str, *action_ids: str) -> None:
        """Makes the key that opened it leave it, and binds keys of the desk that work on it as well."""
        keymap = self._dashboard.keymap
        for key in keymap.keys(own):
            self._bindings.bind(key, "leave", "leave", show=False)
        for action_id in action_ids:
            for key in keymap.keys(action_id):
                self._bindings.bind(key, f"desk('{action_id}')", action_id, show=False)

    def show_all(self) -> None:
        """Says everything anew, and shares the room among the parts."""
        raise NotImplementedError

    def let_time_pass(self) -> None:
        """Ages and countdowns run on."""
        if self._is_ready:
            self.show_all()

    def on_unmount(self) -> None:
        self._is_ready = False

    def on_board_resized(self) -> None:
        if self._is_ready:
            self.show_all()

    def entitle(
        self, title: str, venue: str, account: str, mode: Mode | None, venues: Sequence[str], note: str = ""
    ) -> None:
        """Writes into the border what is shown, where, in which mode, which of `venues` it is; `note` warns."""
        parts: list[Content | str | tuple[str, str | Style]] = [
            (f" {plain(title)} ", Style(bold=True)),
            plain(f"· {venue} · {account} "),
        ]
        if mode is not None:
            parts.append((f" {mode} ", Style.from_rich_style(self._palette.badges[mode])))
        parts += [(note, "$warning")] if note else []
        self._box.border_title = Content.assemble(*parts)
        place = f" ‹ {venues.index(venue) + 1} of {len(venues)} › " if len(venues) > 1 else ""
        self._box.border_subtitle = Content(place)

    def say_hints(self, keys: Sequence[tuple[str, str]], width: int, *, is_roomy: bool) -> tuple[int, int]:
        """Says the keys that do something now; returns the lines they take, and those that stay blank above."""
        shown = hints(keys, width, self._palette)
        self._hints.say(shown, keeps_place=True)
        gap = 1 if is_roomy and self.has_class("-tall") else 0
        return max(1, min(len(shown), 2 if is_roomy else 1)), gap

    @property
    def _palette(self) -> Palette:
        return self._words.palette

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_desk(self, action_id: str) -> None:
        """Carries out an action of the desk that this screen names, too."""
        self._dashboard.perform(action_id)


def give(part: Widget, lines: int) -> None:
    """Gives a part of the screen so many lines; without any it is not there."""
    part.display = lines > 0
    if lines:
        part.styles.height = lines
