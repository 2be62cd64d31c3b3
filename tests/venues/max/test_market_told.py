"""What the market's half tells at a scripted MAX: trades, tickers, candles, states of markets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.max.scripted_venue import TIME_MS
from tests.venues.max.venue_rig import BOOK, BTC, connected
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import Channel, Subscription
from venues.errors import BadRequest, UnknownInstrument
from venues.events import BarUpdate, Ticker, Trade
from venues.model import InstrumentId, Side

TRADES = Subscription(Channel.TRADES, BTC)
TICKER = Subscription(Channel.TICKER, BTC)
BARS = Subscription(Channel.BARS, BTC, 60)


def trade_message(*rows: tuple[int, str, str, str], event: str = "update", at: int = 0) -> dict[str, Any]:
    trades = [{"p": price, "v": volume, "T": TIME_MS + time, "tr": trend} for time, price, volume, trend in rows]
    return {"c": "trade", "e": event, "M": "btctwd", "t": trades, "T": TIME_MS + at}


@in_virtual_time
async def test_trades_come_once_with_a_side() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BOOK)
        await until(lambda: rig.books.get(BTC) is not None)
        await rig.venue.subscribe(TRADES)
        first = trade_message((1, "101.0", "0.5", "up"), (2, "99.0", "0.25", "down"), event="snapshot")
        update = trade_message((3, "99.0", "1", "up"), (3, "99.0", "1", "up"), at=5)
        rig.stream.push(first, update, update, trade_message((3, "99.0", "1", "up"), at=6))
        again = [(1, "101.0", "0.5", "up"), (2, "99.0", "0.25", "down"), *[(3, "99.0", "1", "up")] * 3]
        rig.stream.push(trade_message(*again, (4, "100.5", "2", "down"), event="snapshot"))
        await until(lambda: len(rig.of(Trade)) >= 6)
        trades = rig.of(Trade)
        # By the book, whose middle is 100: where the price went tells less.
        assert [trade.side for trade in trades] == [Side.BUY, *[Side.SELL] * 4, Side.BUY]
        assert len({trade.trade_id for trade in trades}) == len(trades) == 6
        rows = [
            {"id": 9, "price": "99.0", "volume": "1.0", "funds": "99", "market": "btctwd", "side": "bid",
             "created_at": TIME_MS + 3},
        ]  # fmt: skip
        rig.rest.on("GET /trades", rows)
        (fetched,) = await rig.venue.fetch_trades(BTC, 5)
        assert fetched.trade_id == trades[2].trade_id  # the same name, wherever it comes from


@in_virtual_time
async def test_without_a_book_the_side_is_where_the_price_went() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(TRADES)
        rig.stream.push(trade_message((1, "101", "1", "up"), (2, "99", "1", "down"), (3, "99", "2", "up")))
        await until(lambda: len(rig.of(Trade)) == 3)
        assert [trade.side for trade in rig.of(Trade)] == [Side.BUY, Side.SELL, Side.SELL]


@in_virtual_time
async def test_a_ticker_has_the_books_prices_and_never_goes_back() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BOOK)
        await until(lambda: rig.books.get(BTC) is not None)
        await rig.venue.subscribe(TICKER)
        body = {"M": "btctwd", "O": "98.0", "H": "103.0", "L": "97.0", "C": "100.0", "v": "12.5", "V": "12.5"}
        new = {"c": "ticker", "e": "update", "M": "btctwd", "tk": body, "T": TIME_MS + 9}
        rig.stream.push(new, new | {"T": TIME_MS + 8})
        await until(lambda: rig.of(Ticker))
        (ticker,) = rig.of(Ticker)
        assert (ticker.bid, ticker.ask, ticker.last) == (Decimal("99.0"), Decimal("101.0"), Decimal("100.0"))


@in_virtual_time
async def test_candles_are_streamed() -> None:
    async with connected() as rig:
        await rig.venue.subscribe(BARS)
        body = {
            "ST": TIME_MS, "ET": TIME_MS + 59_999, "M": "btctwd", "R": "1m", "O": "1", "H": "2", "L": "1",
            "C": "2", "v": "5", "ti": 1, "x": False,
        }  # fmt: skip
        rig.stream.push({"c": "kline", "M": "btctwd", "e": "update", "T": TIME_MS, "k": body})
        await until(lambda: rig.of(BarUpdate))
        assert rig.of(BarUpdate)[0].bar.interval == 60
        with pytest.raises(BadRequest):
            await rig.venue.subscribe(Subscription(Channel.BARS, BTC, 61))
        with pytest.raises(BadRequest):
            await rig.venue.fetch_bars(BTC, 61, 5)


@in_virtual_time
async def test_a_market_that_is_suspended_is_told() -> None:
    async with connected() as rig:
        await rig.venue.fetch_instruments()
        row = {"M": "btctwd", "st": "cancel-only", "bu": "btc", "bup": 8, "mba": 8e-05, "qu": "twd", "qup": 1,
               "mqa": 250, "mws": True}  # fmt: skip
        rig.stream.push({"c": "market_status", "e": "update", "ms": [row], "T": TIME_MS})
        await until(lambda: any("cancel-only" in text for text in rig.notices))
        (listed,) = [each for each in await rig.venue.fetch_instruments() if each.id == BTC]
        assert not listed.is_tradable


@in_virtual_time
async def test_what_there_is_not() -> None:
    async with connected() as rig:
        nowhere = InstrumentId("max", "NOWHERE")
        for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER):
            with pytest.raises(UnknownInstrument):
                await rig.venue.subscribe(Subscription(channel, nowhere))
        with pytest.raises(BadRequest):
            await rig.venue.subscribe(Subscription(Channel.MARK, BTC))
        assert rig.venue.book(nowhere) is None
