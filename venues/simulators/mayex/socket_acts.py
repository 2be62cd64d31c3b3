"""What the control API can do to Mayex's streams.

depth   {mode: replace | diff}      whether books come complete every time, or by changes
pushes  {as_sampled: bool}          every push of an order says E_NEW and NEW, as the platform's example does
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from venues.simulators.acts import read_flag
from venues.simulators.mayex.bookfeed import DepthMode

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator


def perform(venue: MayexSimulator, wish: Mapping[str, Any]) -> dict[str, Any] | None:
    """Does one wish, None where it is not about streams.

    Raises:
        ValueError: it makes no sense; the words say why.
    """
    publisher = venue.publisher
    match wish.get("do"):
        case "depth":
            publisher.market.mode = publisher.spot.mode = DepthMode(wish.get("mode", ""))
        case "pushes":
            publisher.account.is_as_sampled = read_flag(wish, "as_sampled")
        case _:
            return None
    return {}
