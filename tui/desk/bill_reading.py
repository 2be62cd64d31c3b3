"""Reads what a venue wrote down of an account's money, for whoever wants to look at it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tui.desk.control import Bills
from tui.desk.inert import sanitise
from tui.desk.link import Link
from venues.errors import VenueError
from venues.port import HasBills

MOST = 1_000
_CURRENCY = 32


async def read_bills(links: Mapping[str, Link], venue: str, limit: int) -> Bills:
    """Returns the newest bills of a venue, all of its words made inert, or why there are none to read."""
    link = links.get(venue)
    if link is None:
        return Bills(refusal=f"there is no venue {sanitise(venue, 32)} here")
    if not isinstance(link.venue, HasBills):
        return Bills(refusal=f"{link.name} tells no bills of an account", are_kept=False)
    if not link.has_account:
        return Bills(refusal=link.fault or f"{link.name} is open without a key: add one to read the account")
    try:
        found = await link.venue.fetch_bills(max(1, min(limit, MOST)))
    except VenueError as error:
        return Bills(refusal=f"the bills could not be read: {sanitise(str(error))}: ask again")
    return Bills(
        bills=tuple(
            msgspec.structs.replace(
                one,
                bill_id=sanitise(one.bill_id, 64),
                currency=sanitise(one.currency, _CURRENCY),
                words=sanitise(one.words),
            )
            for one in found
        )
    )
