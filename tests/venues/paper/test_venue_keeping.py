"""The paper account over restarts, and a consumer that is too slow."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.paper.venue_setup import (
    ACCOUNT,
    BTC_PERP,
    PATIENCE,
    Listener,
    LocalBook,
    desk,
    limit,
    market,
)
from venues.commands import Channel, Subscription
from venues.errors import ConfigurationError
from venues.events import BalanceUpdate, BookDelta, BookSnapshot, FillUpdate, Notice, OrderUpdate, Trade
from venues.model import NANOSECONDS, InstrumentId, OrderStatus, Side
from venues.paper.state import StateFile
from venues.paper.venue import PaperVenue, Settings


def settings(tmp_path: Path, seed: int = 1, *, fresh: bool = False) -> Settings:
    return Settings(seed=seed, fresh=fresh, state_path=str(tmp_path / "paper.json"))


async def prices(venue: PaperVenue) -> dict[InstrumentId, Decimal]:
    tickers = await venue.fetch_tickers([one.id for one in await venue.fetch_instruments()])
    return {ticker.instrument: ticker.last for ticker in tickers}


async def trade(listener: Listener) -> None:
    """Leaves a position of 0.2 BTC and two resting orders."""
    venue = listener.venue
    await venue.submit_order(market("p-in", Side.BUY, "0.2"))
    bid = Decimal((await venue.fetch_order_book(BTC_PERP, 1)).bids[0][0])
    await venue.submit_order(limit("p-low", Side.BUY, bid - 3000))
    await venue.submit_order(limit("p-high", Side.SELL, bid + 3000))


async def test_the_account_goes_on_and_prices_do_not_jump(tmp_path: Path) -> None:
    async with desk(settings(tmp_path), ACCOUNT) as first:
        await trade(first)
        fills = await first.venue.fetch_fills(0)
        position = (await first.venue.fetch_positions())[0]
        left = await prices(first.venue)
    assert [e.order.status for e in first.of(OrderUpdate)][-2:] == [OrderStatus.CANCELED] * 2
    kept = StateFile(tmp_path / "paper.json").load()
    assert kept is not None
    assert kept.is_clean
    assert [order.client_order_id for order in kept.resting] == ["p-low", "p-high"]
    assert all(order.ts_event <= kept.ts_saved for order in kept.resting)

    async with desk(settings(tmp_path), ACCOUNT) as second:
        await second.until(lambda: bool(second.of(Notice)))
        text = second.of(Notice)[0].text
        assert text.startswith("2 resting orders were cancelled at the last exit: buy 0.010 BTC-PERP at ")
        assert await second.venue.fetch_fills(0) == fills
        again = (await second.venue.fetch_positions())[0]
        assert (again.quantity, again.entry_price) == (position.quantity, position.entry_price)
        assert await second.venue.fetch_open_orders() == ()
        assert (await second.venue.fetch_order(BTC_PERP, "p-low")).status is OrderStatus.CANCELED
        for name, price in (await prices(second.venue)).items():
            assert abs(price / left[name] - 1) < Decimal("0.004"), name
        await second.venue.submit_order(market("p-out", Side.SELL, "0.2"))
        assert await second.venue.fetch_positions() == ()
        trade_ids = [fill.trade_id for fill in await second.venue.fetch_fills(0)]
        assert len(set(trade_ids)) == len(trade_ids)
    later = StateFile(tmp_path / "paper.json").load()
    assert later is not None
    assert later.session == kept.session + 1
    assert later.ts_saved > kept.ts_saved


@pytest.mark.parametrize(("seed", "fresh", "suffix"), [(1, True, "old"), (2, False, "seed1")])
async def test_fresh_or_another_seed_starts_anew_and_keeps_the_old_file(
    tmp_path: Path, seed: int, fresh: bool, suffix: str
) -> None:
    async with desk(settings(tmp_path)) as first:
        await trade(first)
        initial = Decimal(100_000)
    before = (tmp_path / "paper.json").read_bytes()
    async with desk(settings(tmp_path, seed, fresh=fresh)) as second:
        await second.until(lambda: bool(second.of(Notice)))
        assert str(tmp_path / f"paper.json.{suffix}") in second.of(Notice)[0].text
        assert await second.venue.fetch_positions() == ()
        assert await second.venue.fetch_fills(0) == ()
        balances = {balance.currency: balance.total for balance in await second.venue.fetch_balances()}
        assert balances["USDT"] == initial
    assert (tmp_path / f"paper.json.{suffix}").read_bytes() == before


async def test_a_broken_file_is_kept_aside_and_told(tmp_path: Path) -> None:
    (tmp_path / "paper.json").write_bytes(b'{"version": 1, "seed"')
    async with desk(settings(tmp_path)) as listener:
        await listener.until(lambda: bool(listener.of(Notice)))
        notice = listener.of(Notice)[0]
        assert notice.is_alarm
        assert "paper.json.broken" in notice.text
    assert (tmp_path / "paper.json.broken").read_bytes() == b'{"version": 1, "seed"'
    assert StateFile(tmp_path / "paper.json").load() is not None


@pytest.mark.parametrize("damage", ["owners", "ledger", "number", "prices"])
async def test_a_file_whose_account_makes_no_sense_is_kept_aside_too(tmp_path: Path, damage: str) -> None:
    async with desk(settings(tmp_path)) as first:
        await trade(first)
    path = tmp_path / "paper.json"
    content = json.loads(path.read_bytes())
    if damage == "prices":
        content["prices"]["BTC-PERP"] = "cheap"
    else:
        content["account"][damage] = {"nobody": 3} if damage != "number" else "many"
    path.write_text(json.dumps(content))
    async with desk(settings(tmp_path)) as second:
        await second.until(lambda: bool(second.of(Notice)))
        assert second.of(Notice)[0].is_alarm
        assert await second.venue.fetch_positions() == ()
    assert json.loads((tmp_path / "paper.json.broken").read_bytes()) == content


async def test_a_newer_file_stops_the_start_and_stays(tmp_path: Path) -> None:
    (tmp_path / "paper.json").write_bytes(b'{"version": 99}')
    venue = PaperVenue(settings(tmp_path))
    with pytest.raises(ConfigurationError, match="newer version"):
        await venue.connect()
    await venue.aclose()
    assert (tmp_path / "paper.json").read_bytes() == b'{"version": 99}'
    async with desk(settings(tmp_path, fresh=True)):
        pass
    assert (tmp_path / "paper.json.old").read_bytes() == b'{"version": 99}'


async def test_after_a_kill_the_last_background_save_is_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "paper.json"
    async with desk(settings(tmp_path), ACCOUNT) as first:
        await trade(first)
        await first.until(lambda: any(e.order.client_order_id == "p-high" for e in first.of(OrderUpdate)))
        await first.until(lambda: holds_both(path))
        killed = path.read_bytes()
        fills = await first.venue.fetch_fills(0)
    path.write_bytes(killed)
    async with desk(settings(tmp_path)) as second:
        await second.until(lambda: bool(second.of(Notice)))
        assert "2 resting orders were cancelled when the desk ended without closing" in second.of(Notice)[0].text
        assert second.of(Notice)[0].is_alarm
        assert await second.venue.fetch_fills(0) == fills
        assert (await second.venue.fetch_positions())[0].quantity == Decimal("0.2")
        assert (await second.venue.fetch_order(BTC_PERP, "p-low")).status is OrderStatus.CANCELED
        balance = next(one for one in await second.venue.fetch_balances() if one.currency == "USDT")
        assert balance.total == balance.available + balance.locked


def holds_both(path: Path) -> bool:
    kept = StateFile(path).load()
    return kept is not None and len(kept.resting) == 2


async def test_an_account_that_can_not_be_kept_is_told_and_raised_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("not a folder")
    venue = PaperVenue(Settings(state_path=str(tmp_path / "plain" / "paper.json")))
    with pytest.raises(ConfigurationError):
        await venue.connect()
    await venue.aclose()


async def test_a_save_that_fails_later_is_an_alarm_and_the_exit_raises(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    venue = PaperVenue(Settings(state_path=str(folder / "paper.json")))
    await venue.connect()
    folder.write_text("a file stands where the folder should be")
    listener = Listener(venue)
    await venue.submit_order(market("p1", Side.BUY))
    await listener.until(lambda: bool(listener.of(Notice)))
    assert listener.of(Notice)[0].is_alarm
    with pytest.raises(ConfigurationError, match="can not be kept"):
        await venue.aclose()
    async with asyncio.timeout(PATIENCE):
        await listener.task


async def test_a_wall_clock_that_went_back_does_not_turn_paper_time(tmp_path: Path) -> None:
    async with desk(settings(tmp_path)) as first:
        await trade(first)
    kept = StateFile(tmp_path / "paper.json").load()
    assert kept is not None
    venue = PaperVenue(settings(tmp_path), clock=lambda: kept.ts_saved - 3600 * NANOSECONDS)
    await venue.connect()
    assert (await venue.fetch_tickers([BTC_PERP]))[0].ts_event >= kept.ts_saved
    await venue.aclose()


async def test_a_slow_consumer_gets_a_fresh_book_and_every_fill(tmp_path: Path) -> None:
    channels = (Subscription(Channel.BOOK, BTC_PERP), Subscription(Channel.TRADES, BTC_PERP), ACCOUNT)
    venue = PaperVenue(Settings(rate=5000, speed=20, most_behind=600, state_path=str(tmp_path / "paper.json")))
    for channel in channels:
        await venue.subscribe(channel)
    await venue.connect()
    numbers = [f"p{number}" for number in range(40)]
    sequence = 0
    for number in numbers:  # nobody reads meanwhile
        await venue.submit_order(market(number, Side.BUY if int(number[1:]) % 2 else Side.SELL))
    while sequence < 5000:
        sequence = (await venue.fetch_order_book(BTC_PERP, 1)).sequence
    listener = Listener(venue)
    await listener.until(lambda: bool(listener.of(BookDelta)) and len(listener.of(FillUpdate)) >= 40)
    fills = [event.fill for event in listener.of(FillUpdate)]
    assert [fill.trade_id for fill in fills] == [fill.trade_id for fill in await venue.fetch_fills(0)]
    assert {fill.client_order_id for fill in fills} == set(numbers)
    assert isinstance(next(e for e in listener.events if isinstance(e, BalanceUpdate)), BalanceUpdate)
    book = LocalBook(BTC_PERP)
    for event in listener.events:
        book.apply(event)
    assert listener.of(BookSnapshot)[0].sequence > 3000
    first_delta = listener.events.index(listener.of(BookDelta)[0])
    assert sum(isinstance(event, Trade) for event in listener.events[:first_delta]) <= 700
    await venue.aclose()
    await listener.task


async def test_unpaced_the_consumer_sets_the_pace_and_misses_nothing() -> None:
    async with desk(Settings(speed=None, start=NANOSECONDS), Subscription(Channel.BOOK, BTC_PERP)) as listener:
        await listener.until(lambda: len(listener.of(BookDelta)) >= 20_000)
        book = LocalBook(BTC_PERP)
        for event in listener.events:
            book.apply(event)
        assert book.snapshots == 1
        assert listener.of(BookDelta)[-1].ts_event > 100 * NANOSECONDS
