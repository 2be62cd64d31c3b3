"""A session over the real paper market with the real journal: what is kept adds up to what the desk knew."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from tests.tui.desk.journal_rig import kept, open_journal
from tests.tui.desk.rig import until
from tui.desk.control import AmendIntent, CancelScope, OrderIntent, Verdict
from tui.desk.frame import Fact
from tui.desk.journal_export import verify
from tui.desk.journal_fold import JournalState, fold
from tui.desk.journal_store import SqliteJournal
from tui.desk.orders import Tracked
from tui.desk.session import Session
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Side
from venues.paper.venue import PaperVenue, Settings

D = Decimal
PERP = InstrumentId("paper", "BTC-PERP")


def wish(side: Side, quantity: str, price: Decimal | None = None) -> OrderIntent:
    return OrderIntent(
        instrument=PERP, side=side, quantity=D(quantity), price=price,
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
    )  # fmt: skip


class PaperDesk:
    def __init__(self, journal: SqliteJournal) -> None:
        self.facts: list[Fact] = []
        self.venue = PaperVenue(Settings(seed=7, fresh=True))
        self.session = Session([self.venue], tell=self.facts.append, journal=journal, shown=PERP)

    async def __aenter__(self) -> PaperDesk:
        await self.session.open()
        await until(lambda: self.session.links["paper"].is_reconciled)
        market = self.session.store.markets[PERP]
        await until(lambda: market.book is not None and market.book.is_valid and market.ticker is not None)
        await self.session.arm()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.aclose()

    def tracked(self, key: str) -> Tracked:
        found = self.session.store.orders.get(key)
        assert found is not None
        return found

    async def send(self, intent: OrderIntent, status: OrderStatus) -> str:
        outcome = await self.session.submit(intent)
        assert outcome.verdict is Verdict.SENT, outcome
        await self.session.settled()
        tracked = self.tracked(outcome.order_key)
        await until(
            lambda: tracked.status is status and (len(tracked.fills) > 0) is (status is OrderStatus.FILLED)
        )
        return outcome.order_key


def comparable(order: Order) -> Order:
    # The desk noted an order a moment before the journal did.
    return msgspec.structs.replace(order, ts_created=0)


async def test_the_fold_equals_the_store(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        async with PaperDesk(journal) as desk:
            session = desk.session
            keys = [await desk.send(wish(Side.BUY, "0.010"), OrderStatus.FILLED)]
            snapshot = await desk.venue.fetch_order_book(PERP, 1)
            price = D(snapshot.bids[0][0]) - 200
            keys.append(await desk.send(wish(Side.BUY, "0.020", price), OrderStatus.NEW))
            amended = await session.amend(AmendIntent(key=keys[1], price=price - 10))
            assert amended.verdict is Verdict.SENT
            await session.settled()
            resting = desk.tracked(keys[1])
            await until(lambda: resting.order.price == price - 10 and resting.status is OrderStatus.NEW)
            assert (await session.cancel(keys[1])).verdict is Verdict.SENT
            await session.settled()
            await until(lambda: resting.status is OrderStatus.CANCELED)
            for offset in (20, 30):
                keys.append(await desk.send(wish(Side.BUY, "0.015", price - offset), OrderStatus.NEW))
            await session.cancel_all(CancelScope())
            await session.settled()
            await until(lambda: not list(session.store.orders.open_orders()))
            keys.append(await desk.send(wish(Side.SELL, "0.004"), OrderStatus.FILLED))
            keys.append(await desk.send(wish(Side.SELL, "0.012"), OrderStatus.FILLED))
            executed = await desk.venue.fetch_fills(0)
            await until(lambda: len(session.store.ledger.fills) == len(executed))
            known = {key: desk.tracked(key) for key in keys}
            told = {fill.trade_id: fill for fill in session.store.ledger.fills}
        assert not [fact.text for fact in desk.facts if "journal" in fact.text]
    rows = kept(tmp_path)
    state = fold(rows)
    assert_same(state, known)
    assert {fill.trade_id: fill for fill in state.fills} == told == {fill.trade_id: fill for fill in executed}
    assert list(state.unresolved()) == []
    earned = state.earnings[PERP]
    assert earned.position == D("-0.006")
    assert earned.realized_pnl == sum((fill.realized_pnl for fill in executed), D(0)) != 0
    assert abs(earned.average_pnl - earned.realized_pnl) < D("0.000001")
    assert earned.fees["USDT"] == sum((fill.fee for fill in executed), D(0)) > 0
    assert verify(journal.path).problems == ()


def assert_same(state: JournalState, known: dict[str, Tracked]) -> None:
    assert set(state.orders) == set(known)
    for key, tracked in known.items():
        folded = state.orders[key]
        assert comparable(folded.order) == comparable(tracked.order)
        assert folded.fills == tracked.fills
        assert folded.in_flight == tracked.in_flight == 0


async def test_a_desk_that_ended_with_an_order_resting_finds_it_in_the_journal(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal, PaperDesk(journal) as desk:
        snapshot = await desk.venue.fetch_order_book(PERP, 1)
        key = await desk.send(wish(Side.BUY, "0.020", D(snapshot.bids[0][0]) - 200), OrderStatus.NEW)
        state = fold(kept(tmp_path))  # as a program sees it that starts after this one was killed
        state.close_off(1)
        assert [tracked.key for tracked in state.open_orders()] == [key]
        assert comparable(state.orders[key].order) == comparable(desk.tracked(key).order)
