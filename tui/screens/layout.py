"""Which panes stand on the screen at which size: the grid itself is in `themes/dashboard.tcss`."""

from __future__ import annotations

from enum import StrEnum

TABS = ("positions", "orders", "fills", "balances", "log", "watch", "chart", "book", "tape")
"""The panes by their key, 1 to 9."""

LOWER = ("positions", "orders", "fills", "balances", "log")
"""Those that share the lower part of the screen."""

LABELS = {"book": "ladder", "chart": "candles"}


class Shape(StrEnum):
    """A size of the terminal; the value is the screen's class in the style sheets."""

    HOPELESS = "-hopeless"  # nothing can be read: orders are off
    ONE_PANE = "-one-pane"
    NARROW = "-narrow"
    NORMAL = "-normal"
    WIDE = "-wide"


def shape_of(width: int, height: int) -> Shape:
    """Returns the shape of a terminal of this many cells."""
    if width < 40 or height < 10:
        return Shape.HOPELESS
    if width < 60 or height < 16:
        return Shape.ONE_PANE
    if width < 100 or height < 28:
        return Shape.NARROW
    return Shape.WIDE if width >= 160 and height >= 40 else Shape.NORMAL


def is_cramped(width: int, height: int) -> bool:
    """Whether the trader should be told that the desk wants more room."""
    return width < 60 or height < 20


def tabs_of(shape: Shape) -> tuple[str, ...]:
    """Returns the panes that share one place in this shape, and so need a strip of tabs."""
    return {
        Shape.WIDE: (),
        Shape.NORMAL: LOWER,
        Shape.NARROW: TABS[:7],
    }.get(shape, TABS)


def panes_on(shape: Shape, tab: str, *, is_ticket_open: bool, height: int) -> tuple[str, ...]:
    """Returns the panes that are on the screen, in the order of the focus. `tab` is the chosen one of the tabs."""
    tabs = tabs_of(shape)
    chosen = tab if tab in tabs else next(iter(tabs), "")
    if shape is Shape.HOPELESS:
        return ()
    if shape is Shape.ONE_PANE:
        return ("ticket",) if is_ticket_open else (chosen if tab in tabs else "book",)
    if shape is Shape.NARROW:
        if is_ticket_open:
            # The ticket has 16 lines; below it there is room for a table only on a tall terminal.
            return ("book", "ticket", chosen) if height >= 34 else ("book", "ticket")
        return ("book", "tape", chosen)
    if shape is Shape.NORMAL:
        middle = ("ticket",) if is_ticket_open else ("tape", "chart")
        return ("book", *middle, "watch", chosen)
    second = "ticket" if is_ticket_open else "tape"
    return ("book", second, "chart", "watch", *LOWER)
