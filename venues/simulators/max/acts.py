"""What the control API does to MAX beside what it does to every venue.

hours           {hours}     every loan of the M-wallet is so many hours older, and owes their interest
m_wallet        {enabled}   whether the user has an M-wallet
require_market  {required}  whether open orders are listed of one market only, as one document has it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from venues.simulators.acts import read_flag

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

_MOST_HOURS = 100_000


def perform(venue: MaxSimulator, wish: Mapping[str, Any]) -> bool:
    """Does a wish; False where it is none of these. Raises ValueError: it makes no sense."""
    match wish.get("do"):
        case "hours":
            hours = wish.get("hours")
            if type(hours) is not int or not 1 <= hours <= _MOST_HOURS:
                raise ValueError(f"'hours' must be a number between 1 and {_MOST_HOURS}")
            venue.wallet.age(hours)
        case "m_wallet":
            venue.wallet.is_enabled = read_flag(wish, "enabled")
        case "require_market":
            venue.requires_market = read_flag(wish, "required")
        case _:
            return False
    return True
