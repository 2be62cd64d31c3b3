"""What is said about API keys below the list and below the form: guidance, and what became of a wish."""

from __future__ import annotations

from collections.abc import Sequence

from tui.desk.key_control import KeyReport, KeyRow, KeysView
from tui.desk.key_entries import KeyName
from tui.widgets.key_form import KeyForm
from tui.widgets.key_table import day_of
from tui.widgets.key_words import Paragraph, said
from tui.widgets.palette import Palette


def guidance(form: KeyForm, rows: Sequence[KeyRow], palette: Palette) -> list[Paragraph]:
    """Returns what is wrong with what was typed, else what is asked for."""
    if form.problem:
        return [Paragraph((("✗ ", palette.alarm), (form.problem, palette.alarm)))]
    if not form.asks_key:
        return _password(form, palette)
    stored = next((row for row in rows if (row.name.venue, row.name.account) == (form.venue, form.account)), None)
    lines = []
    if stored is not None:
        since = f", which is of {day_of(stored.created_at)}" if stored.created_at else ""
        words = f"it takes the place of the key of {stored.name}{since}, once {form.venue} has taken it"
        lines.append(Paragraph((("↻ ", palette.own), (words, palette.strong))))
    lines += [
        Paragraph(
            (
                (f"At {form.venue} make a key that may read and trade, and may ", palette.text),
                ("not withdraw", palette.strong),
                ("; tie it to this machine's address where that is offered.", palette.text),
            )
        ),
        said("What is typed or pasted stays hidden; Space turns the choice.", palette.muted),
    ]
    return lines


def _password(form: KeyForm, palette: Palette) -> list[Paragraph]:
    if form.state is not None and form.state.creates:
        return [
            said("Choose a password, and type it twice. The keys are encrypted with it.", palette.text),
            said("Without it they can not be read again: not by you, and not by pitside.", palette.muted),
        ]
    return [said("It stays hidden, and is kept no longer than this screen is open.", palette.muted)]


def nothing_stored(view: KeysView, palette: Palette) -> list[Paragraph]:
    """Returns what is said where there is no key."""
    if not view.venues:
        return [said("No key is stored, and no venue here takes one.", palette.text)]
    names = ", ".join(name for name, _ in view.venues)
    return [
        said("No key is stored: every venue that needs one can only be watched.", palette.strong),
        said("", palette.text),
        Paragraph((("a", palette.strong), (f" adds one, for {names}.", palette.text))),
        Paragraph(
            (
                ("At the venue make a key that may read and trade, and may ", palette.muted),
                ("not withdraw", palette.text),
                ("; tie it to this machine's address where that is offered.", palette.muted),
            )
        ),
    ]


def report_words(report: KeyReport, palette: Palette) -> list[Paragraph]:
    """Returns what became of a wish, with what it warns of and what can be done."""
    mark = ("✓ ", palette.good) if report.is_done else ("✗ ", palette.alarm)
    lines = [Paragraph((mark, (report.words, palette.strong)))]
    if report.warning:
        lines.append(Paragraph((("! ", palette.alarm), (report.warning, palette.alarm))))
    if report.state is not None and report.state.remedy:
        lines.append(said(report.state.remedy, palette.text))
    return lines


def not_stored(name: KeyName, palette: Palette) -> Paragraph:
    """Returns what is said of a key that its venue does not take."""
    words = "Some venues take a new key only minutes after it was made."
    return said(f"{words} Enter lets you type it again; what was typed for {name} is gone then.", palette.muted)
