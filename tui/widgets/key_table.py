"""The stored API keys: whose they are, what they may do, and whether they are in use."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from typing import ClassVar

from tui.desk.key_control import KeyRow
from tui.desk.key_entries import KeyringState
from tui.formatting import NONE
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span
from tui.widgets.key_words import Paragraph
from tui.widgets.palette import Palette
from venues.model import NANOSECONDS

_LOCKED = "locked"


class KeyTable(Blotter[KeyRow]):
    """One row per key."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("of", "venue", 6, widest=12),
        Column("account", "account", 7, widest=32),
        Column("key", "key", 6, 2),
        Column("trade", "trade", 9, 4),
        Column("withdraw", "withdraw", 10, 1),
        Column("created", "created", 10, 5),
        Column("use", "in use", 8, 3),
    )
    empty: ClassVar[str] = "no key is stored"

    def key_of(self, row: KeyRow) -> Hashable:
        return row.name

    def cells_of(self, row: KeyRow) -> Mapping[str, Span]:
        palette = self.palette
        return {
            "of": (row.name.venue, palette.strong),
            "account": (row.name.account, palette.text),
            "key": (row.masked, palette.text) if row.masked else (_LOCKED, palette.muted),
            "trade": may_trade(row, palette),
            "withdraw": may_withdraw(row, palette),
            "created": (day_of(row.created_at), palette.muted),
            "use": ("● in use", palette.good) if row.is_in_use else (NONE, palette.faint),
        }


def may_trade(row: KeyRow, palette: Palette) -> Span:
    """Returns whether a key may trade, in a word or two."""
    if not row.masked:
        return (NONE, palette.faint)
    words = {True: ("✓ may", palette.good), False: ("read only", palette.text), None: ("not told", palette.muted)}
    return words[row.permissions.trade]


def may_withdraw(row: KeyRow, palette: Palette) -> Span:
    """Returns whether a key may withdraw, in a word or two; that it may is an alarm."""
    if not row.masked:
        return (NONE, palette.faint)
    words = {True: ("! MAY", palette.alarm), False: ("✓ may not", palette.good), None: ("not told", palette.muted)}
    return words[row.permissions.withdraw]


def day_of(ts: int) -> str:
    """Returns the day (UTC) of a moment in nanoseconds, with its year: "2026-09-28"."""
    return time.strftime("%Y-%m-%d", time.gmtime(ts // NANOSECONDS)) if ts else NONE


def state_words(state: KeyringState, palette: Palette, *, is_roomy: bool = True) -> list[Paragraph]:
    """Returns how the place is that keys are kept in, and what to do about it; where it is roomy, below."""
    if state.is_open:
        mark = ("● ", palette.good)
    else:
        mark = ("○ ", palette.warning) if state.needs_password else ("✕ ", palette.alarm)
    words: list[Span] = [mark, (state.words, palette.text if state.is_open else palette.strong)]
    remedy = (state.remedy, palette.muted if state.is_open else palette.text)
    if not state.remedy or is_roomy:
        return [Paragraph(tuple(words)), *([Paragraph((remedy,))] if state.remedy else [])]
    return [Paragraph((*words, ("  ", palette.text), remedy))]


def details_of(row: KeyRow, palette: Palette) -> list[Paragraph]:
    """Returns all that is known of a key, in words."""
    venue, told = row.name.venue, row.permissions.told_by
    heading = Paragraph((("── ", palette.faint), (str(row.name), palette.strong)), is_rule=True)
    if not row.masked:
        return [
            heading,
            Paragraph((("locked: what it may do is known once the password was given", palette.text),), "key"),
            *_use(row, palette),
        ]
    by = f"  {told or 'nobody'} said so" if row.permissions.trade is not None else ""
    trades = {
        True: (("it may trade", palette.good), (by, palette.muted)),
        False: (("it is for reading only: no orders", palette.text), (by, palette.muted)),
        None: ((f"{venue} does not tell: the first order will", palette.muted),),
    }
    withdraws = {
        True: (
            ("! it MAY WITHDRAW: ", palette.alarm),
            (f"whoever gets hold of it can empty the account. At {venue} make one that may not; ", palette.text),
            ("r puts it in this one's place", palette.strong),
        ),
        False: (("✓ it may not withdraw", palette.good),),
        None: (
            (f"{venue} does not tell: ", palette.text),
            (f"look at {venue}'s own site that this is off", palette.muted),
        ),
    }
    since = f"since {day_of(row.created_at)} UTC" if row.created_at else "it is not known since when"
    return [
        heading,
        Paragraph(withdraws[row.permissions.withdraw], "withdraw"),
        Paragraph(trades[row.permissions.trade], "trade"),
        Paragraph(((row.masked, palette.text), (f"  {since}", palette.muted)), "key"),
        *_use(row, palette),
    ]


def _use(row: KeyRow, palette: Palette) -> list[Paragraph]:
    words = f"● {row.name.venue} is open with it" if row.is_in_use else "no venue of this desk uses it now"
    return [Paragraph(((words, palette.good if row.is_in_use else palette.muted),), "in use")]
