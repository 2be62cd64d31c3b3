"""What a busy desk weighs, counted where the quota is: at the exchange, over minutes of virtual time.

The venue's document has lost the size of its quotas, so that each of these states its own. With everything polled
and an order and a cancel a second a desk needs more than 1,500 a minute for its commands alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

from tests.contract.waiting import passes, until
from tests.soak.loop import VirtualClock, VirtualLoop
from tui.desk.control import OrderIntent, Outcome, Verdict
from tui.desk.frame import Fact
from tui.desk.guards import Limits
from tui.desk.orders import Tracked
from tui.desk.session import Session
from venues.model import NANOSECONDS, InstrumentId, OrderStatus, OrderType, Side
from venues.port import Credentials
from venues.pumpkin import VENUE
from venues.pumpkin.settings import Settings
from venues.pumpkin.venue import PumpkinVenue
from venues.simulators.faults import Faults
from venues.simulators.port import SimulatorSettings
from venues.simulators.pumpkin.exchange import PumpkinSimulator, create
from venues.simulators.pumpkin.weights import TooHeavy, Weights
from venues.simulators.serving import serving_simulator

SYMBOLS = ("btc_usdt", "eth_usdt", "sol_usdt")
BTC = InstrumentId(VENUE, SYMBOLS[0])
SIZE = Decimal("0.001")
MINUTE = 60
STATED, STATED_BY_DEFAULT = 3_000, 600
ORDER = 20  # what one weighs
MOST_ON_ITS_WAY = 12  # requests at a time: an order, a round of the account's and one of the market's


class ExchangeClock:
    """The exchange's clock on the loop's own time."""

    def __init__(self, now: VirtualClock) -> None:
        self.time_ns = now

    async def sleep(self, seconds: float) -> None:
        await passes(seconds)


class Scales(Weights):
    """The exchange's quotas, which keep what was weighed and when, and what was refused."""

    def __init__(self, minute: int) -> None:
        super().__init__()
        self.limits["minute"] = minute
        self.taken: list[tuple[int, int]] = []  # (nanoseconds UTC, weight)
        self.refused = 0

    def take(self, weight: int, now: int) -> TooHeavy | None:
        heavy = super().take(weight, now)
        if heavy is None:
            self.taken.append((now, weight))
        else:
            self.refused += 1
        return heavy

    def most(self, seconds: float = MINUTE) -> int:
        """Returns the most that came within any such time."""
        width = round(seconds * NANOSECONDS)
        return max(
            sum(weight for at, weight in self.taken if begin <= at < begin + width) for begin, _ in self.taken
        )


class BusyDesk:
    """A desk with everything polled, on an exchange that weighs."""

    def __init__(self, session: Session, simulator: PumpkinSimulator, scales: Scales, facts: list[Fact]) -> None:
        self.session = session
        self.simulator = simulator
        self.scales = scales
        self.facts = facts
        self.sent: list[str] = []

    def orders(self) -> list[Tracked]:
        """Returns what has become of the orders that were sent, first to last."""
        found = [self.session.store.orders.get(key) for key in self.sent]
        return [one for one in found if one is not None]

    def open_at_exchange(self) -> int:
        return len(self.simulator.orders.all_open())

    async def submit(self, *more_yes: str, **wish: Any) -> Outcome:
        intent = OrderIntent(
            instrument=BTC, quantity=SIZE, overrides=frozenset({"duplicate", "band", *more_yes}),
            **{"type": OrderType.LIMIT, "side": Side.BUY} | wish,
        )  # fmt: skip
        outcome = await self.session.submit(intent)
        if outcome.verdict is Verdict.SENT:
            self.sent.append(outcome.order_key)
        return outcome

    async def hold_both_sides(self) -> None:
        """Opens a long and a short."""
        for side in Side:
            assert (await self.submit(side=side, type=OrderType.MARKET)).verdict is Verdict.SENT
        await until(lambda: len(self.session.store.held()) == 1 and self.positions() == 2, what="two positions")

    def positions(self) -> int:
        return sum(1 for one in self.session.store.ledger.positions.values() if one.quantity)

    async def each_second(self, seconds: int, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for second in range(seconds):
            await work(second)
            await passes(max(0.0, began + second + 1 - loop.time()))

    async def order_and_cancel(self, second: int) -> None:
        """Places an order below the market, and takes away the one of three seconds ago."""
        outcome = await self.submit(price=self.below(second))
        assert outcome.verdict is Verdict.SENT, outcome
        if len(self.sent) > 5:
            await self.session.cancel(self.sent[-4])

    def below(self, second: int) -> Decimal:
        return Decimal(57_000) + second % 50


@asynccontextmanager
async def busy_desk(loop: VirtualLoop, stated: int, quota: int | None = None) -> AsyncIterator[BusyDesk]:
    """Opens a desk that states a quota of so much a minute, at an exchange that has `quota` (or just as much)."""
    clock = VirtualClock(loop)
    simulator = create(SimulatorSettings(rate=5.0, symbols=SYMBOLS), Faults(), clock=ExchangeClock(clock))
    scales = simulator.weights = Scales(stated if quota is None else quota)
    facts: list[Fact] = []
    async with serving_simulator(simulator) as practice:
        settings = Settings(
            rest_url=practice.rest_url, ws_url="", user_ws_url="", minute_quota=stated, is_practice=True,
            credentials=Credentials(practice.api_key, practice.api_secret),
        )  # fmt: skip
        venue = PumpkinVenue(settings, wall=clock, monotonic=loop.time)
        session = Session(
            [venue], tell=facts.append, limits=Limits(session_budget=Decimal(10**9)), clock=clock,
            boottime=clock.boottime, random=Random(7), shown=BTC,
        )  # fmt: skip
        await session.open()
        try:
            link = session.links[VENUE]
            await until(lambda: link.is_reconciled and session.store.shown, 60, f"it does not come up: {facts}")
            yield BusyDesk(session, simulator, scales, facts)
        finally:
            await session.aclose()


def on_virtual_loop(work: Callable[[VirtualLoop], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        runner.run(work(loop))


def test_a_busy_session_stays_inside_the_stated_quota() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with busy_desk(loop, STATED) as desk:
            await desk.hold_both_sides()
            await desk.each_second(3 * MINUTE, desk.order_and_cancel)
            await until(lambda: not any(one.in_flight for one in desk.orders()), what="something is on its way")
            assert desk.scales.refused == 0
            # Within any sixty seconds, wherever the venue's own minute begins.
            assert desk.scales.most() <= STATED
            ends = [one.status for one in desk.orders()]
            assert len(ends) == 2 + 3 * MINUTE
            assert ends[:2] == [OrderStatus.FILLED] * 2
            assert set(ends[2:-3]) == {OrderStatus.CANCELED}
            assert ends[-3:] == [OrderStatus.NEW] * 3 and desk.open_at_exchange() == 3
            # And it still knows what there is, from reads that came between.
            assert desk.session.links[VENUE].is_reconciled

    on_virtual_loop(work)


def test_what_the_quota_can_not_carry_is_refused_in_words_before_it_is_sent_and_cancels_go_on() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with busy_desk(loop, STATED_BY_DEFAULT) as desk:
            before = len(desk.scales.taken)

            async def order(second: int) -> None:
                # Reads come last, and are late by then.
                outcome = await desk.submit("fresh", price=desk.below(second))
                assert outcome.verdict is Verdict.SENT, outcome

            await desk.each_second(MINUTE // 2, order)
            await until(lambda: not any(one.in_flight for one in desk.orders()), what="something is on its way")
            refused = [one for one in desk.orders() if one.status is OrderStatus.REJECTED]
            resting = [one for one in desk.orders() if one.status is OrderStatus.NEW]
            assert refused and resting and len(refused) + len(resting) == len(desk.sent)
            orders = [weight for _, weight in desk.scales.taken[before:] if weight == ORDER]
            assert len(orders) == len(resting) == desk.open_at_exchange(), "one left that was called refused"
            said = [fact.text for fact in desk.facts if "request limit is used up for" in fact.text]
            assert len(said) >= len(refused)

            # The quota is used up but for its fifth, which is for cancels: each of them goes out at once.
            began = loop.time()
            for one in resting:
                await desk.session.cancel(one.order.client_order_id)
            await until(lambda: not desk.open_at_exchange(), 2.0, "a cancel did not go out")
            assert loop.time() - began < 2.0
            assert desk.scales.refused == 0
            assert desk.scales.most() <= STATED_BY_DEFAULT
            assert {one.status for one in resting} == {OrderStatus.CANCELED}

    on_virtual_loop(work)


def test_a_quota_that_is_smaller_than_stated_is_heeded_once_the_venue_tells() -> None:
    async def work(loop: VirtualLoop) -> None:
        async with busy_desk(loop, STATED, quota=STATED_BY_DEFAULT) as desk:

            async def order(second: int) -> None:
                outcome = await desk.submit("fresh", price=desk.below(second))
                # While it can not read either, it says that, and sends nothing.
                assert outcome.verdict is Verdict.SENT or outcome.reasons[0].guard == "reconciling", outcome

            await desk.each_second(2 * MINUTE, order)
            await until(lambda: not any(one.in_flight for one in desk.orders()), what="something is on its way")
            # Told once what is used up, nobody asks for more before it begins anew: but for what was on its way.
            assert 0 < desk.scales.refused <= 2 * MOST_ON_ITS_WAY
            ends = [one.status for one in desk.orders()]
            assert set(ends) == {OrderStatus.NEW, OrderStatus.REJECTED}
            assert ends.count(OrderStatus.NEW) == desk.open_at_exchange() > MINUTE // 4

    on_virtual_loop(work)
