"""What the desk does about positions beside orders: details, margin, leverage, and the venue's bills."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from tui.desk.frame import PositionView
from tui.desk.position_estimate import why_not_flat
from tui.widgets.positions import Positions
from venues.commands import FundsKind
from venues.model import MarginMode

if TYPE_CHECKING:
    from tui.screens.dashboard import Dashboard

_WAYS = {"add": FundsKind.ADD_MARGIN, "out": FundsKind.REMOVE_MARGIN}


def show_margin(dashboard: Dashboard, words: str) -> None:
    """Opens what the margin key means at the venue that is shown, or at the one that `words` names.

    `words` may be "add 50" or "out 50" too: then the dialog is opened on it, which sends nothing by itself.
    """
    from tui.screens.position_margin import name_of, open_positions, position_margin_venue

    way, _, amount = words.partition(" ")
    kind = _WAYS.get(way)
    venue = position_margin_venue(dashboard.state, "" if kind is not None else words)
    if venue:
        view = selected_position(dashboard)
        at = name_of(view) if view is not None and view.position.instrument.venue == venue else None
        open_positions(dashboard, venue, at, kind=kind, amount=amount)
    elif kind is not None:
        dashboard.wishes.say("no venue that is open here lets the margin of a position be changed", is_bad=True)
    else:
        from tui.screens.margin import open_margin  # few venues have a margin wallet

        open_margin(dashboard, venue=words)


def show_details(dashboard: Dashboard) -> None:
    """Opens the details of the position under the cursor of its pane, where its venue has more to say of it."""
    from tui.screens.position_margin import name_of, open_positions, venues_of

    if not isinstance(dashboard.focused, Positions):
        return
    view = dashboard.focused.selected_position
    if view is not None and view.position.instrument.venue in venues_of(dashboard.state):
        open_positions(dashboard, view.position.instrument.venue, name_of(view))


def show_bills(dashboard: Dashboard, words: str) -> None:
    """Opens the bills of the venue that is shown, or of the one that `words` names."""
    from tui.screens.position_margin import open_positions, position_margin_venue

    venue = position_margin_venue(dashboard.state, words)
    if venue:
        open_positions(dashboard, venue, shows_bills=True)
    else:
        where = f"{words!r} tells no bills" if words else "no venue that is open here tells its bills"
        dashboard.wishes.say(where, is_bad=True)


def selected_position(dashboard: Dashboard) -> PositionView | None:
    """Returns the position under the cursor of its pane; from elsewhere the first in what is shown."""
    pane = dashboard.query_one("#positions", Positions)
    if dashboard.focused is pane:
        return pane.selected_position
    shown = dashboard.ladder.instrument
    held = dashboard.state.positions or ()
    return next((each for each in held if shown is not None and each.position.instrument == shown.id), None)


def set_leverage(dashboard: Dashboard, rest: str) -> None:
    """Sets leverage and margin mode of what is shown; what its venue refuses is said instead of being asked."""
    instrument = dashboard.ladder.instrument
    number, _, mode = rest.partition(" ")
    try:
        leverage = Decimal(number.rstrip("x"))
    except InvalidOperation:
        leverage = Decimal("NaN")
    if not leverage.is_finite():
        dashboard.wishes.say("leverage: say a number, and cross or isolated", is_bad=True)
    elif instrument is None or not instrument.is_perpetual:
        dashboard.wishes.say("the shown instrument has no leverage", is_bad=True)
    elif not 1 <= leverage <= instrument.max_leverage:
        most = f"{instrument.name} takes a leverage from 1 to {instrument.max_leverage}"
        dashboard.wishes.say(most, is_bad=True)
    elif mode not in set(MarginMode):  # never a default: it would turn isolated into cross without a word
        dashboard.wishes.say(f"leverage {number}: say cross or isolated as well", is_bad=True)
    elif refusal := why_not_flat(dashboard.state, instrument):
        dashboard.wishes.say(refusal, is_bad=True)
    else:
        dashboard.wishes.set_leverage(instrument, leverage, MarginMode(mode))
