"""The desk over MAX's adapter and the exchange at hand: borrow, sell short, pay back; a lost answer, a restart."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.max.client_rig import shared_tls
from tests.venues.max.wallet_rig import BTC, SYMBOLS, LoopClock
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from tui.desk.control import FundsIntent, OrderIntent, Outcome, Verdict
from tui.desk.frame import Fact, FactKind, FundsView, MarginView
from tui.desk.guards import Limits
from tui.desk.inheritance import Inherited
from tui.desk.journal_export import verify
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.session import Session
from tui.desk.takeover import inherit
from venues.commands import FundsKind
from venues.max.venue import MaxVenue, Settings
from venues.model import OrderType, Position, Side
from venues.port import Credentials
from venues.simulators.faults import Faults
from venues.simulators.max.exchange import MaxSimulator, create
from venues.simulators.port import SimulatorSettings
from venues.simulators.serving import Practice, serving_simulator

D = Decimal


class MaxDesk:
    """A session over the adapter; `simulator` is the exchange that it talks to."""

    def __init__(self, simulator: MaxSimulator, practice: Practice, clock: LoopClock, **settings: Any) -> None:
        self.simulator = simulator
        self.facts: list[Fact] = []
        keys = Credentials(practice.api_key, practice.api_secret)
        venue = MaxVenue(
            Settings(
                rest_url=practice.rest_url,
                ws_url=practice.ws_url,
                credentials=keys,
                is_practice=True,
                seed=4,
            ),
            tls=shared_tls(),
            wall=clock.time_ns,
            monotonic=asyncio.get_running_loop().time,
        )
        self.session = Session(
            [venue], tell=self.facts.append, limits=Limits(max_notional=D(10**9), session_budget=D(10**9)),
            clock=clock.time_ns, random=random.Random(3), shown=BTC, **settings,
        )  # fmt: skip
        self.store = self.session.store

    @property
    def texts(self) -> str:
        return "\n".join(fact.text for fact in self.facts)

    @property
    def view(self) -> MarginView:
        (view,) = self.store.margins.views(
            self.store.account_of, lambda venue: self.store.funds.views(venue, self.store.provable_funds)
        )
        return view

    @property
    def newest(self) -> FundsView:
        return self.view.funds[0]

    def debt(self, currency: str = "BTC") -> Decimal:
        asset = self.view.wallet.asset(currency)
        return asset.debt if asset is not None else D(0)

    def short(self) -> Position | None:
        held = self.store.ledger.positions.values()
        return next((one for one in held if one.in_margin_wallet and one.quantity < 0), None)

    def quote(self, bid: str, ask: str) -> None:
        act = self.simulator.act
        act({"do": "clear", "symbol": "BTCUSDT"})
        act({"do": "quote", "symbol": "BTCUSDT", "side": "buy", "price": bid, "quantity": "50"})
        act({"do": "quote", "symbol": "BTCUSDT", "side": "sell", "price": ask, "quantity": "50"})

    async def move(self, kind: FundsKind, amount: str, currency: str = "BTC", **changes: Any) -> Outcome:
        intent = FundsIntent(venue="max", kind=kind, currency=currency, amount=D(amount), **changes)
        outcome = await self.session.move_funds(intent)
        await self.session.settled()
        return outcome

    async def trade(self, side: Side, quantity: str) -> None:
        intent = OrderIntent(
            instrument=BTC, side=side, type=OrderType.MARKET, quantity=D(quantity), in_margin_wallet=True
        )
        outcome = await self.session.submit(intent)
        assert outcome.verdict is Verdict.SENT, outcome
        await self.session.settled()


@asynccontextmanager
async def exchange(clock: LoopClock) -> AsyncIterator[tuple[MaxSimulator, Practice]]:
    simulator = create(SimulatorSettings(seed=7, rate=0, symbols=SYMBOLS), Faults(""), clock=clock)
    async with serving_simulator(simulator) as practice:
        simulator.act({"do": "m_wallet", "enabled": True})
        yield simulator, practice


@asynccontextmanager
async def desk(
    simulator: MaxSimulator, practice: Practice, clock: LoopClock, **more: Any
) -> AsyncIterator[MaxDesk]:
    rig = MaxDesk(simulator, practice, clock, **more)
    rig.quote("88000", "88002")
    try:
        await rig.session.open()
        await until(lambda: rig.session.links["max"].is_reconciled)
        await until(lambda: rig.store.markets[BTC].book is not None and rig.store.markets[BTC].mid() is not None)
        yield rig
    finally:
        await rig.session.aclose()


@in_virtual_time
async def test_borrow_sell_short_the_ratio_falls_and_it_is_paid_back() -> None:
    clock = LoopClock()
    async with exchange(clock) as (simulator, practice), desk(simulator, practice, clock) as rig:
        assert rig.view.name == "M-wallet"
        for kind, amount, currency in (
            (FundsKind.TRANSFER_OUT, "100000", "TWD"),
            (FundsKind.TRANSFER_OUT, "9000", "USDT"),
            (FundsKind.TRANSFER_IN, "5000", "USDT"),
            (FundsKind.BORROW, "0.1", "BTC"),
        ):
            outcome = await rig.move(kind, amount, currency)
            assert outcome.verdict is Verdict.SENT, outcome
        await until(lambda: rig.debt() >= D("0.1"))
        assert "BORROW 0.1 BTC at max: done" in rig.texts
        await rig.trade(Side.SELL, "0.1")
        await until(lambda: rig.short() is not None)
        await until(lambda: rig.view.wallet.ratio is not None)
        assert "AD ratio" not in rig.texts
        rig.quote("109000", "109002")
        await until(lambda: "is below 1.5 (a level of this desk's own, max names none)" in rig.texts)
        rig.quote("119000", "119002")
        await until(lambda: "is BELOW 1.25" in rig.texts)
        assert rig.texts.count("AD ratio") == 2
        await rig.session.lock("that is enough")
        short = rig.short()
        assert short is not None
        closed = await rig.session.close_position(short.instrument, short.position_id, 100)
        assert closed.verdict is Verdict.SENT, closed
        await rig.session.settled()
        asset = rig.view.wallet.asset("BTC")
        assert asset is not None
        await until(lambda: (now := rig.view.wallet.asset("BTC")) is not None and now.available >= D("0.0998"))
        held = rig.view.wallet.asset("BTC")
        assert held is not None
        owed = rig.debt()
        paid = await rig.move(FundsKind.REPAY, f"{min(held.available, owed):f}")
        assert paid.verdict is Verdict.SENT, paid
        await until(lambda: rig.debt() < owed)
        assert "REPAY" in rig.texts
        assert not [fact for fact in rig.facts if fact.kind is FactKind.UNKNOWN]
        denied = await rig.move(FundsKind.BORROW, "0.1")
        assert (denied.verdict, denied.reasons[0].guard) == (Verdict.DENIED, "lock")


@pytest.mark.parametrize("fault", ["lost-reply@submit=close*1", "reset-after@submit*1"])
def test_a_lost_answer_ends_in_what_the_exchange_did(fault: str) -> None:
    @in_virtual_time
    async def run() -> None:
        clock = LoopClock()
        async with exchange(clock) as (simulator, practice), desk(simulator, practice, clock) as rig:
            await rig.move(FundsKind.TRANSFER_IN, "5000", "USDT")
            simulator.faults.switch(fault)
            assert (await rig.move(FundsKind.BORROW, "0.01")).verdict is Verdict.SENT
            assert "BORROW 0.01 BTC at max: UNKNOWN" in rig.texts
            assert rig.newest.ts_provable is not None or rig.newest.is_over
            await until(lambda: not rig.store.funds.open("max"))
            is_executed = fault.startswith("lost-reply")
            assert rig.newest.state == ("done" if is_executed else "refused"), rig.newest
            assert len(simulator.wallet.loans) == is_executed
            owed = D("0.01") if is_executed else D(0)
            await until(lambda: owed <= rig.debt() < owed + D("0.0001"))  # and its interest

    run()


@in_virtual_time
async def test_a_desk_that_starts_after_a_lost_answer_finds_the_loan(tmp_path: Path) -> None:
    clock = LoopClock()
    began = clock.time_ns()  # the journal is read on another thread, where no loop tells the time

    def take_over() -> Inherited:
        journal = SqliteJournal(journal_path(tmp_path), desk="PRACTICE/main")
        return inherit(journal, "PRACTICE/main", lambda: began, "max")

    async with exchange(clock) as (simulator, practice):
        async with desk(simulator, practice, clock, inherit=take_over) as rig:
            await rig.move(FundsKind.TRANSFER_IN, "5000", "USDT")
            simulator.faults.switch("lost-reply@submit=close*1")
            await rig.move(FundsKind.BORROW, "0.01")
        async with desk(simulator, practice, clock, inherit=take_over) as rig:
            view = rig.store.recovery()
            assert view is not None
            assert [row.text for row in view.rows] == ["BORROW 0.01 BTC at max"]
            await until(lambda: not rig.store.funds.open("max"))
            assert rig.newest.state == "done"
            assert len(simulator.wallet.loans) == 1
    assert not verify(journal_path(tmp_path)).problems
