"""What the day's P&L counts from on a desk of several venues, whose accounts are not read at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.tui.desk.rig import D, Rig, ScriptedVenue, until
from tui.desk.inheritance import Inherited
from tui.desk.store import Topic
from venues.events import BalanceUpdate
from venues.model import Balance, Order


class LateVenue(ScriptedVenue):
    """Its account can not be read before `may_be_read` is set."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.may_be_read = asyncio.Event()

    async def fetch_open_orders(self) -> Sequence[Order]:
        await self.may_be_read.wait()
        return await super().fetch_open_orders()


def shown(rig: Rig) -> tuple[object, object]:
    """Returns equity and P&L of the day, as the summary line has them."""
    rig.store.mark_dirty(Topic.ACCOUNTS)
    frame = rig.store.frame(rig.clock())
    assert frame is not None
    assert frame.accounts is not None
    return frame.accounts[0].equity, frame.accounts[0].day_pnl


async def test_an_account_that_is_read_later_brings_no_profit() -> None:
    late = LateVenue("second")
    async with Rig(ScriptedVenue("test"), open_more=lambda _: late) as rig:
        assert shown(rig) == (D(1000), D(0))
        await rig.session.open_venue("second")
        told = Balance(currency="USDT", total=D(1000), available=D(1000), locked=D(0))
        late.tell(BalanceUpdate("second", (told,), 0))
        await until(lambda: "second" in rig.store.ledger.balances)
        assert shown(rig) == (D(1000), D(0))
        late.may_be_read.set()
        await until(lambda: rig.session.links["second"].is_reconciled)
        assert shown(rig) == (D(2000), D(0))
        assert rig.store.day_pnl() == 0


async def test_a_day_that_began_with_two_is_not_lost_while_one_is_not_read() -> None:
    late = LateVenue("second")
    rig = Rig(ScriptedVenue("test"), late, inherit=lambda: Inherited(day_open=D(2010)))
    await rig.session.open()
    await until(lambda: rig.session.links["test"].is_reconciled)
    assert shown(rig) == (D(1000), None)
    assert rig.store.day_pnl() is None
    late.may_be_read.set()
    await until(lambda: rig.session.links["second"].is_reconciled)
    assert shown(rig) == (D(2000), D(-10))
    assert rig.store.day_pnl() == -10
    await rig.session.aclose()
