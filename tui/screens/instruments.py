"""The instrument picker: type a few letters, in order, and Enter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.desk.frame import Frame, QuoteView
from tui.formatting import percent, price, trend
from tui.widgets.cells import fit
from venues.model import Instrument, InstrumentId

_MOST = 200  # rows; whoever has more to choose from types another letter


class InstrumentPicker(ModalScreen[InstrumentId | None]):
    """Dismisses with the chosen instrument, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave"),
        Binding("down,ctrl+n", "cursor(1)", "down"),
        Binding("up", "cursor(-1)", "up"),
        Binding("pagedown", "cursor(10)", "down"),
        Binding("pageup", "cursor(-10)", "up"),
    ]

    def __init__(self, state: Frame) -> None:
        super().__init__()
        self._instruments = tuple(state.instruments or ())
        self._quotes = {quote.instrument.id: quote for quote in state.quotes or ()}
        self._found: list[Instrument] = []

    def compose(self) -> ComposeResult:
        box = Vertical(id="picker", classes="dialog")
        box.border_title = Content(" instruments ")
        box.border_subtitle = Content(" Enter shows · Esc leaves ")
        with box:
            yield Input(id="picker-input", placeholder="btc perp", compact=True)
            options = OptionList(id="picker-list", compact=True, markup=False)
            options.can_focus = False
            yield options

    def on_mount(self) -> None:
        self.query_one("#picker-input").focus()
        self._list_found("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._list_found(event.value)

    def _list_found(self, typed: str) -> None:
        favourites = {key for key, quote in self._quotes.items() if quote.is_favourite}
        self._found = find_instruments(typed, self._instruments, favourites)[:_MOST]
        options = self.query_one("#picker-list", OptionList)
        options.clear_options()
        options.add_options(
            [Option(picker_row(each, self._quotes.get(each.id))) for each in self._found]
            or [Option(Content.styled("nothing like that here", "$muted"), disabled=True)]
        )
        if self._found:
            options.highlighted = 0

    def on_input_submitted(self) -> None:
        row = self.query_one("#picker-list", OptionList).highlighted
        if row is not None and row < len(self._found):
            self.dismiss(self._found[row].id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_index < len(self._found):
            self.dismiss(self._found[event.option_index].id)

    def action_cursor(self, rows: int) -> None:
        options = self.query_one("#picker-list", OptionList)
        if self._found:
            now = options.highlighted or 0
            options.highlighted = max(0, min(len(self._found) - 1, now + rows))

    def action_leave(self) -> None:
        self.dismiss(None)


def find_instruments(
    typed: str, instruments: Iterable[Instrument], favourites: Iterable[InstrumentId] = ()
) -> list[Instrument]:
    """Returns the instruments that hold the letters of `typed` in order, the closest first; of the same closeness
    favourites before others, and what takes no orders last.
    """
    liked = set(favourites)
    words = typed.lower().split()
    scored = []
    for place, instrument in enumerate(instruments):
        fields = [text.lower() for text in (instrument.name, instrument.id.symbol, instrument.id.venue)]
        score = _score(words, fields)
        if score is not None:
            scored.append((score, instrument.id not in liked, not instrument.is_tradable, place, instrument))
    return [instrument for *_, instrument in sorted(scored, key=lambda row: row[:4])]


def _score(words: Sequence[str], fields: Sequence[str]) -> int | None:
    """Returns how far `words` are from `fields`: each from its closest one; None when a word is in none."""
    total = 0
    for word in words:
        distances = [found for field in fields if (found := _distance(word, field)) is not None]
        if not distances:
            return None
        total += min(distances)
    return total


def _distance(word: str, field: str) -> int | None:
    """Returns 0 for a word at the field's start, a little for one inside, more for its letters with gaps."""
    at = field.find(word)
    if at >= 0:
        return 0 if at == 0 else 1 if not field[at - 1].isalnum() else 2
    position, gaps = -1, 0
    for letter in word:
        found = field.find(letter, position + 1)
        if found < 0:
            return None
        gaps += found - position - 1
        position = found
    return 10 + gaps


def picker_row(instrument: Instrument, quote: QuoteView | None) -> Content:
    """Returns a row of the picker: name, venue, last price, and change, or that it can only be watched."""
    star = "★ " if quote is not None and quote.is_favourite else "  "
    last = price(quote.last, instrument) if quote is not None else ""
    change = quote.change if quote is not None else None
    moved = f"{trend(change)} {percent(change, sign=True)}" if change is not None else ""
    style = "$buy" if change is not None and change > 0 else "$sell" if change is not None and change < 0 else ""
    style = style if instrument.is_tradable else "$muted"
    return Content.assemble(
        (star, "$own"),
        fit(instrument.name, 18),
        (fit(instrument.id.venue, 10), "$muted"),
        fit(last, 14, "right"),
        (fit(moved if instrument.is_tradable else "no orders", 11, "right"), style),
    )
