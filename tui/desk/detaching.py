"""What becomes of the orders when nobody is at the desk any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tui.desk.control import CancelScope
from tui.desk.dispatch import outcome_of
from tui.desk.exits import is_bound
from tui.desk.keeping import Keeper
from tui.desk.store import Store
from tui.desk.trading import Trader

DETACH_POLICIES = ("leave", "cancel_session", "cancel_all")


class DetachReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a detach policy achieved. `left` are orders of those concerned that are not known to be over."""

    policy: str
    cancelled: int
    left: int

    def words(self) -> str:
        if self.policy == "leave":
            return f"detach policy leave: {self.left} orders were left as they were"
        return f"detach policy {self.policy}: {self.cancelled} orders cancelled, {self.left} not known to be over"


async def carry_out(
    policy: str,
    why: str,
    *,
    store: Store,
    trader: Trader,
    keeper: Keeper,
    settled: Callable[[], Awaitable[None]],
) -> DetachReport:
    """Carries out `leave`, `cancel_session` or `cancel_all`; `why` is kept in the journal.

    Raises:
        ValueError: there is no such policy.
    """
    if policy not in DETACH_POLICIES:
        raise ValueError(f"a detach policy is one of {', '.join(DETACH_POLICIES)}")
    trader.sequels.stop("the desk was left")
    why = f"{why}: " if why else ""
    concerned = [
        tracked
        for tracked in store.orders.open_orders()
        # Nobody is here to watch a position: what would end it by itself stays.
        if policy == "cancel_all" or not (tracked.order.is_external or is_bound(tracked.order))
    ]
    if policy != "leave":
        words = f"detach policy {policy} began on {len(concerned)} orders, how it ended is not known"
        keeper.note(f"{why}{words}", "detach")
    if policy == "cancel_session":
        for tracked in concerned:
            await trader.cancel(tracked.key)
    elif policy == "cancel_all":
        await trader.cancel_all(CancelScope())
    await settled()
    left = sum(not tracked.status.is_terminal for tracked in concerned)
    report = DetachReport(policy=policy, cancelled=len(concerned) - left, left=left)
    if why or report.left or policy != "leave":
        keeper.note(f"{why}{report.words()}", "detach")
    await outcome_of(keeper.flush())
    return report
