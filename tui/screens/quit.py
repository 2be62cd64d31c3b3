"""The quit question: what stays behind when the desk is left."""

from __future__ import annotations

from collections import Counter

from tui.desk.frame import Frame
from tui.formatting import count
from venues.port import Mode


def quit_reasons(state: Frame) -> list[str]:
    """Returns what leaving the desk leaves behind, a line each; nothing when there is nothing."""
    reasons = []
    modes = {view.venue: view.mode for view in state.venues or ()}
    orders = Counter(view.order.instrument.venue for view in state.orders or ())
    for venue, number in sorted(orders.items()):
        if modes.get(venue) is Mode.PAPER:
            reasons.append(f"{venue}: {count(number, 'open order')}, cancelled at exit, told at the next start")
        elif modes.get(venue) is Mode.PRACTICE:
            reasons.append(f"{venue}: {count(number, 'open order')}, gone with the practice exchange")
        else:
            reasons.append(f"{venue}: {count(number, 'open order')}, left working")
    positions = len(state.positions or ())
    if positions:
        reasons.append(f"{count(positions, 'position')}, left open")
    return reasons


def has_open_orders(state: Frame) -> bool:
    """Whether leaving needs a question."""
    return bool(state.orders)
