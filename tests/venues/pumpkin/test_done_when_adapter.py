"""The adapter's part of what Pumpkin has to be, a test by name for each point: by streams, and by polls alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.documented import decoded
from tests.venues.pumpkin.test_done_when import CLOSINGS, trade
from tests.venues.pumpkin.walking import BTC as SYMBOL
from tests.venues.pumpkin.walking import PRICE, SIZE, TAKER, Exchange, exchange
from tests.venues.transport.stream_rig import until
from tests.venues.transport.venue_rig import Consumer
from venues.bills import BillKind
from venues.commands import Channel, OrderRequest, Subscription
from venues.events import BarUpdate, BookSnapshot, PositionUpdate, Trade
from venues.model import Bar, Fill, InstrumentId, OrderStatus, OrderType, Position, Side
from venues.port import Credentials
from venues.pumpkin.bills import parse_bill
from venues.pumpkin.venue import PumpkinVenue, Settings
from venues.simulators.pumpkin.calls import Call

D = Decimal
BTC = InstrumentId("pumpkin", SYMBOL)
MINUTE = 60
MODES = ("stream", "protobuf", "polled")
QUOTA = 1_000_000


class Desk(Consumer[PumpkinVenue]):
    """The venue at the local exchange, and all that it told."""

    def __init__(self, there: Exchange, mode: str) -> None:
        super().__init__(0)
        practice = there.practice
        self.there = there
        address = "" if mode == "polled" else practice.ws_url
        settings = Settings(
            rest_url=practice.rest_url,
            ws_url=address,
            user_ws_url=address,
            credentials=Credentials(practice.api_key, practice.api_secret),
            is_practice=True,
            time_scale=0.05,
            minute_quota=QUOTA,
        )
        self.venue = PumpkinVenue(settings, tls=shared_tls())
        self.follow()

    @property
    def positions(self) -> list[Position]:
        return [event.position for event in self.of(PositionUpdate)]

    @property
    def bars(self) -> list[Bar]:
        return [event.bar for event in self.of(BarUpdate)]

    @property
    def filled(self) -> set[tuple[Decimal, Decimal]]:
        """What was asked for and what was filled, of the orders that events tell to be filled."""
        filled = [one for one in self.orders if one.status is OrderStatus.FILLED]
        return {(one.quantity, one.filled_quantity) for one in filled}

    async def buy(self, quantity: str, **changes: Any) -> None:
        """Has an order filled at the market."""
        fields: dict[str, Any] = {
            "instrument": BTC, "client_order_id": f"buy{len(self.events)}", "side": Side.BUY,
            "type": OrderType.MARKET, "quantity": D(quantity),
        }  # fmt: skip
        await self.venue.submit_order(OrderRequest(**fields | changes))

    async def first(self, find: Callable[[], list[Any]]) -> Any:
        """Waits for what `find` returns, and returns the first of it."""
        await until(lambda: bool(find()))
        return find()[0]


@pytest.fixture
def there() -> Iterator[Exchange]:
    with exchange() as opened:
        opened.act("quota", minute=QUOTA, day=QUOTA)
        yield opened


@asynccontextmanager
async def desk(there: Exchange, mode: str, *wishes: Subscription) -> AsyncIterator[Desk]:
    there.act("frames", binary=mode == "protobuf")
    there.act("pushes", bare=mode == "bare stream")
    made = Desk(there, mode)
    try:
        await made.venue.connect()
        for wish in wishes:
            await made.venue.subscribe(wish)
        yield made
    finally:
        await made.aclose()


ACCOUNT = Subscription(Channel.ACCOUNT)
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.mark.parametrize("mode", ["stream", "bare stream", "polled"])
async def test_fee_sign(there: Exchange, mode: str) -> None:
    """What was paid is above zero, as it is told and as it is read; its bill is below zero.

    A bare stream tells neither an execution's number nor its fee.
    """
    async with desk(there, mode, ACCOUNT) as opened:
        await opened.buy("0.01")
        told: Fill = await opened.first(lambda: opened.fills)
        (read,) = await opened.venue.fetch_fills(0)
        (bill,) = [one for one in await opened.venue.fetch_bills(10) if one.kind is BillKind.FEE]
    paid = D("0.01") * told.price * TAKER
    assert len(opened.fills) == 1
    assert told.fee == read.fee == paid > 0
    assert bill.amount == -paid
    assert told.fee_currency == read.fee_currency == bill.currency


def test_fee_sign_of_the_documents_sample() -> None:
    """A fill's 0.0044 is what the bill of the same order takes."""
    sample = decoded("fills").items[0]
    funding, fee = [parse_bill(row) for row in decoded("bills").items]
    assert (sample.fee_paid, fee.amount) == (D("0.0044"), D("-0.0044"))
    assert (funding.kind, funding.amount, fee.kind) == (BillKind.FUNDING, D("-0.0008"), BillKind.FEE)


@pytest.mark.parametrize("mode", ["stream", "polled"])
async def test_contract_counts(there: Exchange, mode: str) -> None:
    """Base units in the desk, whole contracts at the wire: 0.0123 bitcoin are 123."""
    async with desk(there, mode, ACCOUNT) as opened:
        await opened.buy("0.0123")
        fill: Fill = await opened.first(lambda: opened.fills)
        held: Position = await opened.first(lambda: [one for one in opened.positions if one.quantity])
        await opened.buy("0.0007", side=Side.SELL)
        short: Position = await opened.first(lambda: [one for one in opened.positions if one.quantity < 0])
        (long_row, short_row) = there.simulator.state()["positions"]
        (read, _) = await opened.venue.fetch_positions()
        await until(lambda: len(opened.filled) == 2)
    assert (long_row["contracts"], short_row["contracts"]) == (123, 7)
    assert fill.quantity == held.quantity == read.quantity == D("0.0123")
    assert short.quantity == D("-0.0007")
    assert opened.filled == {(D("0.0123"), D("0.0123")), (D("0.0007"), D("0.0007"))}


@every_mode
async def test_contract_counts_of_the_market(there: Exchange, mode: str) -> None:
    """A book's and the tape's contracts are base units as well."""
    wishes = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADES, BTC)
    async with desk(there, mode, *wishes) as opened:
        await opened.first(lambda: opened.of(BookSnapshot))
        if mode != "polled":
            there.simulator.faults.switch("maintenance@read")  # only the stream can tell
        there.act("quote", symbol=SYMBOL, side="buy", price="59990", quantity="0.0042")

        def quoted() -> list[Decimal]:
            book = opened.books[BTC]
            bids, _ = book.top(5)
            return [D(quantity) for price, quantity in bids if D(price) == 59_990]

        assert await opened.first(quoted) == D("0.0042")
        there.act("trade", symbol=SYMBOL, side="sell", quantity="0.0006")
        there.act("trade", symbol=SYMBOL, side="buy", quantity="0.0008")
        sold: Trade = await opened.first(lambda: [one for one in opened.of(Trade) if one.quantity == D("0.0006")])
        bought: Trade = await opened.first(
            lambda: [one for one in opened.of(Trade) if one.quantity == D("0.0008")]
        )
        there.simulator.faults.heal()
        read = await opened.venue.fetch_trades(BTC, 5)
    assert (sold.side, bought.side) == (Side.SELL, Side.BUY)
    assert {(one.side, one.quantity) for one in read} >= {(Side.SELL, D("0.0006")), (Side.BUY, D("0.0008"))}


@every_mode
async def test_kline_volume_and_turnover_swapped_between_rest_and_stream(there: Exchange, mode: str) -> None:
    """One candle by the stream and by REST has one volume: `v` over there and `a` here, in base units."""
    async with desk(there, mode, Subscription(Channel.BARS, BTC, MINUTE)) as opened:
        await opened.first(lambda: opened.bars)
        if mode != "polled":
            there.simulator.faults.switch("maintenance@read")  # only the stream can tell
        before = len(opened.events)
        there.act("trade", symbol=SYMBOL, side="buy", quantity="0.0007")

        def newest() -> list[Bar]:
            """Our minute as it was told since, once it has the volume that the exchange's own books say."""
            volumes = [bar.volume for bar in there.simulator.market.bars(SYMBOL, MINUTE, 3)]
            told = [event.bar for event in opened.events[before:] if isinstance(event, BarUpdate)]
            return [bar for bar in told if bar.volume in volumes][-1:]

        told: Bar = await opened.first(newest)
        there.simulator.faults.heal()
        read = [bar for bar in await opened.venue.fetch_bars(BTC, MINUTE, 3) if bar.ts_open == told.ts_open]
    assert [bar.volume for bar in read] == [told.volume]
    assert told.volume % SIZE == 0 and D("0.0007") <= told.volume < 100, "no money, and no contracts"
    assert (told.high, told.low) == (read[0].high, read[0].low)


def test_kline_volume_of_the_documents_samples() -> None:
    """REST's 63036.05 contracts, and the stream's 369 beside a turnover of 117.57 at 0.3186."""
    from venues.pumpkin.wire import WireBar, decode  # only here: the stream's half

    (newest, _) = decoded("klines")
    assert newest.volume == D("63036.05")
    sample = (
        b'{"e":"kline","s":"trx_usdt","k":{"s":"trx_usdt","i":"1m","t":1646382900000,"o":"0.31865","c":"0.31862",'
        b'"h":"0.31865","l":"0.31862","v":"369","a":"117.57114"}}'
    )
    said = decode(sample)
    assert isinstance(said, WireBar)
    assert (said.volume, said.turnover) == ("369", "117.57114")


@pytest.fixture(scope="module")
def traded() -> Iterator[Exchange]:
    with exchange() as opened:
        opened.act("quota", minute=QUOTA, day=QUOTA)
        trade(opened, 1 + CLOSINGS)
        yield opened


async def test_pages_of_fills_come_whole_and_each_once(traded: Exchange) -> None:
    """205 of them are three pages."""
    async with desk(traded, "polled") as opened:
        fills = await opened.venue.fetch_fills(0)
    assert len(fills) == 1 + CLOSINGS == len({one.trade_id for one in fills})
    assert {one.trade_id for one in fills} == {row["trade_id"] for row in traded.simulator.state()["fills"]}
    assert [one.ts_event for one in fills] == sorted(one.ts_event for one in fills)
    assert sum(one.quantity if one.side is Side.BUY else -one.quantity for one in fills) == (300 - CLOSINGS) * SIZE


async def test_a_fill_between_two_pages_brings_none_twice_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest row of all moves the last one of a page to the top of the next."""
    with exchange() as there:
        trade(there, 102)
        before = {row["trade_id"] for row in there.simulator.state()["fills"]}
        rest, (position,) = there.simulator._rest, there.simulator.book.of(SYMBOL)
        answer, asked = rest._answer, []

        def heard(call: Call, request: Request, body: str) -> Response:
            found = answer(call, request, body)
            if call.path.endswith("/trade-list"):
                asked.append(call.path)
                closing = {"side": "sell", "type": "market", "quantity": "0.0001", "position_id": position.id}
                there.simulator.act({"do": "place", "symbol": SYMBOL, **closing})
            return found

        monkeypatch.setattr(rest, "_answer", heard)
        async with desk(there, "polled") as opened:
            fills = await opened.venue.fetch_fills(0)
    numbers = [one.trade_id for one in fills]
    assert len(asked) >= 2 and len(numbers) == len(set(numbers)) and set(numbers) >= before


async def test_fills_begin_where_they_are_asked_for(traded: Exchange) -> None:
    async with desk(traded, "polled") as opened:
        fills = await opened.venue.fetch_fills(0)
        since = fills[-3].ts_event
        newest = await opened.venue.fetch_fills(since)
    assert {one.trade_id for one in fills[-3:]} <= {one.trade_id for one in newest}
    assert all(one.ts_event >= since for one in newest)


@pytest.mark.parametrize("limit", [1, 99, 100, 101, 250, 1_000])
async def test_cursors_of_bills_come_whole_and_each_once(traded: Exchange, limit: int) -> None:
    """409 of them are five pages: the newest first, without a gap at the pages' edges."""
    whole = [row["id"] for row in traded.simulator.state()["bills"]][::-1]
    async with desk(traded, "polled") as opened:
        bills = await opened.venue.fetch_bills(limit)
    assert [one.bill_id for one in bills] == whole[:limit]


async def test_a_past_order_is_found_behind_the_first_page(traded: Exchange) -> None:
    first = min(int(row["id"]) for row in traded.simulator.state()["orders"])
    async with desk(traded, "polled") as opened:
        found = await opened.venue.fetch_order(BTC, venue_order_id=str(first))
    assert (found.status, found.quantity) == (OrderStatus.FILLED, 300 * SIZE)
    assert found.average_price is not None and abs(found.average_price - PRICE) < 1
