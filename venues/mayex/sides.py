"""How positions are named: by side and margin mode, four of which a contract may have at once ("long:isolated").

Buying opens a long and closes a short, selling the reverse (the samples of place-order and trade-histories).
"""

from __future__ import annotations

from typing import NamedTuple

from venues.mayex.models.words import PositionSide
from venues.model import MarginMode, Side

_WORDS = {PositionSide.LONG: "long", PositionSide.SHORT: "short"}


class PositionName(NamedTuple):
    """What a position's id says."""

    side: PositionSide
    mode: MarginMode

    @property
    def closing_side(self) -> Side:
        return Side.SELL if self.side is PositionSide.LONG else Side.BUY


def position_id_of(side: str, *, isolated: bool) -> str:
    """Returns the id of a position by the venue's word for its side; empty where that is none."""
    word = next((word for known, word in _WORDS.items() if known == side), "")
    mode = MarginMode.ISOLATED if isolated else MarginMode.CROSS
    return f"{word}:{mode}" if word else ""


def name_of(position_id: str) -> PositionName | None:
    """Returns what a position's id says; None where it is none of this venue."""
    return _NAMES.get(position_id)


def closes(side: Side, position_side: str) -> bool:
    """Whether an order of this side takes from a position of that side."""
    return (side is Side.SELL) is (position_side == PositionSide.LONG)


_NAMES = {f"{word}:{mode}": PositionName(side, mode) for side, word in _WORDS.items() for mode in MarginMode}
