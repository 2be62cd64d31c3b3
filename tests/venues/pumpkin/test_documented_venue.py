"""The venue at an exchange that answers everything with the document's own examples."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.documented import example, methods
from tests.venues.pumpkin.scripted_pumpkin import KEY, SECRET, ScriptedPumpkin
from tests.venues.transport.scripted import Received
from venues.bills import BillKind
from venues.model import InstrumentId, MarginMode, Side
from venues.port import Credentials
from venues.pumpkin import PREFIX
from venues.pumpkin.venue import PumpkinVenue, Settings

D = Decimal
BTC = InstrumentId("pumpkin", "btc_usdt")
MS = 1_000_000  # nanoseconds
BY_PATH = {(row.verb, PREFIX + row.path): row.method for row in methods().values()}


class Documented(ScriptedPumpkin):
    """Answers every call as the document shows it."""

    def _answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        name = BY_PATH[request.method, request.target.partition("?")[0]]
        self.answers = deque()
        self.answer_as(example(name))
        return super()._answer(request)


@pytest.fixture
async def venue() -> AsyncIterator[PumpkinVenue]:
    async with Documented() as there:
        settings = Settings(rest_url=there.origin, ws_url="", credentials=Credentials(KEY, SECRET))
        opened = PumpkinVenue(settings, tls=shared_tls())
        try:
            yield opened
        finally:
            await opened.aclose()


async def test_contracts_have_bands_and_tiers_in_base_units(venue: PumpkinVenue) -> None:
    listed = {one.id.symbol: one for one in await venue.fetch_instruments()}
    btc = listed["btc_usdt"]
    assert (btc.contract_size, btc.lot_size, btc.min_quantity, btc.tick_size) == (
        D("0.0001"), D("0.0001"), D("0.0001"), D("0.1"),
    )  # fmt: skip
    assert (btc.band_up, btc.band_down, btc.min_notional) == (D("0.1"), D("0.1"), D(1))
    assert [(tier.max_quantity, tier.max_leverage) for tier in btc.brackets] == [
        (D("0.1"), D(125)),
        (D("0.5"), D(100)),
    ]


async def test_books_trades_candles_and_days(venue: PumpkinVenue) -> None:
    """Contracts are base units: 11630 of them are 1.163 bitcoin."""
    book = await venue.fetch_order_book(BTC, 50)
    assert (book.sequence, book.bids[0], book.asks[0]) == (
        586765918776852548, ("89390.8", "1.163"), ("89392", "0.224"),
    )  # fmt: skip
    trades = await venue.fetch_trades(BTC, 10)
    assert {(one.side, one.price, one.quantity) for one in trades} >= {(Side.SELL, D("89300.7"), D("0.0003"))}
    newest = (await venue.fetch_bars(BTC, 3_600, 2))[-1]
    assert (newest.volume, newest.close) == (D("6.303605"), D("89308.7"))
    day = next(one for one in await venue.fetch_tickers([BTC]) if one.instrument == BTC)
    assert day.last > 80_000 and day.volume is not None and day.volume < 100_000, "bitcoin, and no contracts"


async def test_the_account(venue: PumpkinVenue) -> None:
    """One contract, its margin as of a leverage of 20, a wallet whose parts add up, and fees that were paid."""
    (position,) = await venue.fetch_positions()
    assert (position.position_id, position.quantity, position.entry_price) == (
        "587077935156970752", D("0.0001"), D("88256.7"),
    )  # fmt: skip
    assert (position.margin, position.leverage, position.margin_mode) == (D("0.4413"), D(20), MarginMode.CROSS)
    (balance, *_) = [one for one in await venue.fetch_balances() if one.currency == "USDT"]
    assert (balance.total, balance.available, balance.locked) == (
        D("93164.5884631"), D("93164.1471631"), D("0.4413"),
    )  # fmt: skip
    (fill,) = await venue.fetch_fills(0)  # the other's order is in none of the examples
    assert (fill.trade_id, fill.fee, fill.fee_currency) == ("587077935538634818", D("0.0044"), "USDT")
    assert (fill.side, fill.quantity, fill.price) == (Side.BUY, D("0.0001"), D("88256.7"))
    bills = await venue.fetch_bills(2)
    assert [(one.kind, one.amount) for one in bills] == [
        (BillKind.FUNDING, D("-0.0008")), (BillKind.FEE, D("-0.0044")),
    ]  # fmt: skip
    assert bills[1].ts_event == 1769672287366 * MS
