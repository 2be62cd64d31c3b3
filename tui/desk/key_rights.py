"""What follows from what a venue tells about its key."""

from __future__ import annotations

from tui.desk.guards import Guards
from tui.desk.link import Link
from tui.desk.store import Store
from venues.port import Permissions


def heed(permissions: Permissions, link: Link, store: Store, guards: Guards, *, allows_withdrawal: bool) -> str:
    """Has a key that may withdraw refuse to be armed, and one that may only read take no orders.

    Returns the risk in words, empty where there is none.
    """
    key = f"the key for {link.name} {link.account}"
    guards.arming_refusals.pop(link.name, None)
    if permissions.trade is False and link.takes_orders:
        link.fault = f"{key} may only read: rotate it (K) for one that may trade"
        store.change_venue(link.name, fault=link.fault)
    if not permissions.withdraw:
        return ""
    risk = f"{key} may WITHDRAW: whoever gets it can empty the account"
    if not allows_withdrawal:
        guards.arming_refusals[link.name] = (
            f"{risk}. Make one without that right and rotate it (K), or set  allow_withdrawal = true  "
            "under [credentials]"
        )
    return risk
