"""The margin mode of an order, where each order says whether its position is isolated or cross.

One that names none goes to the position that is there already: an isolated and a cross one of the same side stand
beside each other, and nothing merges them afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tui.desk.control import OrderIntent
from tui.desk.frame import Frame
from venues.model import Instrument, MarginMode, Position, Side
from venues.port import Capabilities


def opening_mode(
    can: Capabilities, instrument: Instrument, positions: Iterable[Position], side: Side
) -> MarginMode | None:
    """Returns the mode of an order that opens and names none; None where orders say nothing of it.

    It is that of the position of its side, and the usual one where there is none, or one of each.
    """
    if not can.margin_mode_of_order or not instrument.is_perpetual:
        return None
    found = {each.margin_mode for each in positions if each.quantity * side.sign > 0}
    if len(found) == 1:
        return found.pop()
    takes_usual = can.usual_margin_mode in can.margin_modes or not can.margin_modes
    return can.usual_margin_mode if takes_usual else next(iter(can.margin_modes))


def opening_mode_in(frame: Frame, instrument: Instrument, side: Side) -> MarginMode | None:
    """Returns the same by what a screen knows."""
    venue = next((each for each in frame.venues or () if each.venue == instrument.id.venue), None)
    if venue is None:
        return None
    held = [each.position for each in frame.positions or () if each.position.instrument == instrument.id]
    return opening_mode(venue.capabilities, instrument, held, side)


def with_mode(
    intent: OrderIntent, can: Capabilities, instrument: Instrument, positions: Iterable[Position]
) -> OrderIntent:
    """Returns the wish with the mode that it is sent with; what closes has that of its position."""
    if intent.reduce_only or intent.margin_mode is not None:
        return intent
    mode = opening_mode(can, instrument, positions, intent.side)
    return intent if mode is None else msgspec.structs.replace(intent, margin_mode=mode)
