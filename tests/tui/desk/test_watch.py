"""Which tickers a desk follows besides those that are looked at: whatever its limits and its account count by."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec

from tests.tui.desk.rig import ScriptedVenue, instrument, intent, ticker, until
from tui.desk.control import Verdict
from tui.desk.guards import Limits
from tui.desk.session import Session
from venues.commands import Channel, Subscription
from venues.errors import BadRequest
from venues.model import NANOSECONDS, Balance, Instrument, InstrumentId

D = Decimal


def spot(base: str, quote: str) -> Instrument:
    name = InstrumentId("test", f"{base}-{quote}")
    return msgspec.structs.replace(instrument(name), base=base, quote=quote, settle=quote)


class Crowded(ScriptedVenue):
    """A venue with more markets than are watched by themselves; it remembers the tickers that are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.instruments = [spot(f"C{number}", "USDT") for number in range(60)]
        self.instruments += [spot("BTC", "USDT"), spot("ETH", "BTC"), spot("USDT", "TWD"), spot("BTC", "TWD")]
        self.asked: list[str] = []
        self.gone: set[str] = set()
        self.refused = 0
        self.prices = {"BTC-USDT": D(90_000), "USDT-TWD": D(32), "BTC-TWD": D(2_880_000), "ETH-BTC": D("0.04")}

    async def subscribe(self, subscription: Subscription) -> None:
        name = subscription.instrument
        if name is not None and name.symbol in self.gone:
            self.refused += 1
            raise BadRequest("test", "no such market")
        if subscription.channel is Channel.TICKER and name is not None:
            self.asked.append(name.symbol)
            self.tell(ticker(self.prices.get(name.symbol, D(1)), name))
        elif subscription.channel is not Channel.BOOK:
            await super().subscribe(subscription)


def holds(currency: str, total: str) -> Balance:
    return Balance(currency=currency, total=D(total), available=D(total), locked=D(0))


@asynccontextmanager
async def opened(venue: Crowded, shown: str = "C0-USDT", max_notional: int = 100_000) -> AsyncIterator[Session]:
    limits = Limits(max_notional=D(max_notional))
    session = Session((venue,), tell=lambda _fact: None, shown=InstrumentId("test", shown), limits=limits)
    await session.open()
    try:
        await until(lambda: session.store.shown is not None and session.links["test"].is_reconciled)
        yield session
    finally:
        await session.aclose()


def equity(session: Session) -> Decimal | None:
    frame = session.store.frame(0)
    return frame.accounts[0].equity if frame is not None and frame.accounts else None


async def test_what_is_owned_is_priced_however_many_markets_there_are() -> None:
    venue = Crowded()
    venue.balances = [holds("USDT", "1000"), holds("ETH", "2"), holds("TWD", "3200"), holds("C59", "0")]
    async with opened(venue) as session:
        venue.tell(ticker(D(1), InstrumentId("test", "C0-USDT")))
        await until(lambda: {"ETH-BTC", "BTC-USDT", "USDT-TWD"} <= set(venue.asked))
        await until(lambda: equity(session) == 1000 + 2 * D("0.04") * 90_000 + 100)
        assert "C59-USDT" not in venue.asked, "nothing of it is owned"
        assert len(venue.asked) == len(set(venue.asked))


async def test_a_market_that_is_refused_keeps_no_other_from_being_followed() -> None:
    venue, gone = Crowded(), {f"C{number}-USDT" for number in range(45, 55)}
    venue.gone = gone
    venue.balances = [holds(f"C{number}", "1") for number in range(40, 60)]
    async with opened(venue) as session:
        venue.tell(ticker(D(1), InstrumentId("test", "C0-USDT")))
        await until(lambda: {f"C{number}-USDT" for number in (*range(40, 45), *range(55, 60))} <= set(venue.asked))
        await until(lambda: session.links["test"].ts_priced > time.time_ns() + 20 * NANOSECONDS)
        venue.tell(ticker(D(1), InstrumentId("test", "C1-USDT")))
        await until(lambda: session.store.markets[InstrumentId("test", "C1-USDT")].last == 1)
        assert venue.refused == len(gone), "once each, and not with every word of the venue"


async def test_a_limit_counts_what_is_quoted_in_another_currency() -> None:
    venue = Crowded()
    async with opened(venue, "BTC-TWD", max_notional=100) as session:
        await until(lambda: session.store.rates.rate("test", "TWD", "USDT") is not None)
        wish = intent(instrument=InstrumentId("test", "BTC-TWD"), quantity=D("0.001"), price=D(2_880_000))
        assert (await session.check(wish)).verdict is Verdict.SENT, "2,880 TWD are 90 USDT"
        denied = await session.check(msgspec.structs.replace(wish, quantity=D("0.002")))
        assert denied.verdict is Verdict.DENIED
        assert [reason.text for reason in denied.reasons] == ["180.00 USDT is above your limit of 100.00 an order"]
        await session.submit(wish)
        assert session.guards.budget_used == 90
        assert session.store.budget_used == 90
