"""A real recording of ten perpetuals, against books and fills that are worked out here, from the JSON alone."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.recording.tape import Player, TapeClock, order
from venues.book import Book
from venues.commands import Channel, Subscription
from venues.errors import OrderRejected
from venues.events import BookDelta, BookSnapshot, FillUpdate, LinkState, OrderUpdate, StreamStatus, Trade
from venues.model import InstrumentId, InstrumentKind, OrderStatus, Side
from venues.recording.reader import RecordingReader
from venues.recording.venue import ReplayVenue, Settings
from venues.recording.writer import record

RECORDING = Path(__file__).parents[4] / "shared" / "data" / "perp-market-30s.jsonl"
pytestmark = pytest.mark.skipif(not RECORDING.exists(), reason="the real recording is not beside this project")

Levels = dict[Decimal, Decimal]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORDING.read_text().splitlines()]


class Rebuilt:
    """Books made of plain dicts."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, Levels]] = {}

    def apply(self, row: dict[str, Any]) -> None:
        if row["kind"] == "snapshot":
            self.sides[row["symbol"]] = {"bids": {}, "asks": {}}
        if row["kind"] not in {"snapshot", "delta"}:
            return
        for name in ("bids", "asks"):
            side = self.sides[row["symbol"]][name]
            for price, quantity in row[name]:
                side.pop(Decimal(price), None)
                if Decimal(quantity):
                    side[Decimal(price)] = Decimal(quantity)

    def best(self, symbol: str) -> tuple[Decimal, Decimal]:
        return max(self.sides[symbol]["bids"]), min(self.sides[symbol]["asks"])


async def open_replay(symbols: list[str] | None = None, speed: str = "1") -> Player:
    clock = TapeClock()
    venue = ReplayVenue(
        Settings(path=str(RECORDING), speed=speed), clock=clock.read, sleep=clock.sleep, run="test"
    )
    await venue.connect()
    await venue.subscribe(Subscription(Channel.ACCOUNT))
    for one in await venue.fetch_instruments():
        if symbols is None or one.id.symbol in symbols:
            await venue.subscribe(Subscription(Channel.BOOK, one.id))
            await venue.subscribe(Subscription(Channel.TRADES, one.id))
    return Player(venue)


@pytest.mark.parametrize("speed", ["1", "5", "max"])
async def test_every_row_arrives_and_the_books_are_those_of_the_file(
    speed: str, rows: list[dict[str, Any]]
) -> None:
    assert len(rows) == 4539
    assert len(list(RecordingReader(RECORDING))) == 4539
    player = await open_replay(speed=speed)
    await player.to_end()
    kinds = Counter(type(event) for event in player.seen)
    assert (kinds[BookSnapshot], kinds[BookDelta], kinds[Trade]) == (10, 4268, 251)
    assert sum(event.state is LinkState.ENDED for event in player.seen if isinstance(event, StreamStatus)) == 1

    consumer: dict[InstrumentId, Book] = {}
    for event in player.seen:
        if isinstance(event, BookSnapshot | BookDelta):
            book = consumer.setdefault(event.instrument, Book(event.instrument))
            assert book.apply(event), book.detail
            bid, ask = book.best_bid(), book.best_ask()
            assert bid is not None
            assert ask is not None
            assert bid[0] < ask[0]

    rebuilt = Rebuilt()
    for row in rows:
        rebuilt.apply(row)
    for instrument, book in consumer.items():
        standing = await player.venue.fetch_order_book(instrument, 100)
        sides = rebuilt.sides[instrument.symbol]
        best_bid, best_ask = rebuilt.best(instrument.symbol)
        assert book.best_bid() == (best_bid, sides["bids"][best_bid])
        assert book.best_ask() == (best_ask, sides["asks"][best_ask])
        assert [Decimal(price) for price, _ in standing.bids] == sorted(sides["bids"], reverse=True)
        assert {Decimal(p): Decimal(q) for p, q in standing.asks} == sides["asks"]
    assert len(consumer) == 10
    await player.aclose()


async def test_the_trades_and_their_order_are_those_of_the_file(rows: list[dict[str, Any]]) -> None:
    player = await open_replay(speed="max")
    await player.to_end()
    told = [
        (e.instrument.symbol, e.trade_id, e.side.value, e.price, e.quantity, e.ts_event // 1_000_000)
        for e in player.seen
        if isinstance(e, Trade)
    ]
    assert told == [
        (row["symbol"], row["id"], row["side"], Decimal(row["price"]), Decimal(row["qty"]), row["ts"])
        for row in rows
        if row["kind"] == "trade"
    ]
    await player.aclose()


async def test_instruments_are_described_and_inverse_ones_are_only_shown() -> None:
    player = await open_replay()
    listed = {one.id.symbol: one for one in await player.venue.fetch_instruments()}
    assert len(listed) == 10
    assert {name for name, one in listed.items() if not one.is_tradable} == {"BTCUSD", "EOSUSD"}
    assert (listed["BCHUSDT"].tick_size, listed["BCHUSDT"].lot_size) == (Decimal("0.05"), Decimal("0.01"))
    assert listed["BTCUSD"].kind is InstrumentKind.INVERSE_PERPETUAL
    assert "not traded" in listed["BTCUSD"].note
    await player.until(lambda event: isinstance(event, BookSnapshot) and event.instrument.symbol == "BTCUSD")
    with pytest.raises(OrderRejected, match="inverse contract"):
        await player.venue.submit_order(order(Side.BUY, "100", instrument=listed["BTCUSD"].id))
    await player.aclose()


def place(rows: list[dict[str, Any]], symbol: str) -> tuple[int, Rebuilt]:
    """Returns the index after all rows of the time of `symbol`'s snapshot, and the books there."""
    rebuilt = Rebuilt()
    at = next(row["ts"] for row in rows if row["kind"] == "snapshot" and row["symbol"] == symbol)
    index = 0
    while rows[index]["ts"] <= at:
        rebuilt.apply(rows[index])
        index += 1
    return index, rebuilt


async def play_to(player: Player, ts: int) -> None:
    """Plays until all rows up to `ts` (milliseconds) are applied, and none after them."""
    await player.until(
        lambda event: isinstance(event, BookSnapshot | BookDelta) and player.venue.now >= ts * 10**6
    )
    assert player.venue.now == ts * 10**6


async def test_a_marketable_order_takes_the_displayed_levels(rows: list[dict[str, Any]]) -> None:
    index, rebuilt = place(rows, "LTCUSDT")
    asks = rebuilt.sides["LTCUSDT"]["asks"]
    prices = sorted(asks)[:3]
    # All of the two best levels and half of the third, in whole lots.
    third = (asks[prices[2]] / 2 / Decimal("0.1")).to_integral_value(rounding="ROUND_CEILING") * Decimal("0.1")
    wanted = [(prices[0], asks[prices[0]]), (prices[1], asks[prices[1]]), (prices[2], third)]
    quantity = sum((amount for _, amount in wanted), Decimal(0))

    player = await open_replay()
    await play_to(player, rows[index - 1]["ts"])
    name = InstrumentId("replay", "LTCUSDT")
    answer = await player.venue.submit_order(order(Side.BUY, str(quantity), str(prices[2]), instrument=name))
    assert answer.status is OrderStatus.FILLED
    fills = await player.venue.fetch_fills(0)
    assert [(fill.price, fill.quantity) for fill in fills] == wanted
    assert answer.average_price == sum((price * amount for price, amount in wanted), Decimal(0)) / quantity
    await player.aclose()


def expected_fills(
    rows: list[dict[str, Any]],
    start: int,
    symbol: str,
    price: Decimal,
    quantity: Decimal,
    ahead: Decimal,
    lot: Decimal,
) -> list[tuple[int, Decimal]]:
    """The stated rule for a bid, worked out on the JSON: (row time, filled quantity)."""
    displayed, unexplained, fills = ahead, Decimal(0), []
    for row in rows[start:]:
        if row["symbol"] != symbol or not quantity:
            continue
        if row["kind"] == "trade":
            traded, at = Decimal(row["qty"]), Decimal(row["price"])
            if at < price:
                fills.append((row["ts"], quantity))
                quantity = Decimal(0)
            elif at == price and row["side"] == "sell":
                unexplained += traded
                through = max(Decimal(0), traded - ahead)
                ahead = max(Decimal(0), ahead - traded)
                filled = min(quantity, through // lot * lot)
                if filled:
                    fills.append((row["ts"], filled))
                    quantity -= filled
        for text, size in row.get("bids", []):
            if Decimal(text) != price:
                continue
            fall = displayed - Decimal(size)
            if fall > 0:
                explained = min(fall, unexplained)
                unexplained -= explained
                left = displayed - explained
                if fall > explained:
                    ahead = min(ahead, round(ahead * Decimal(size) / left, 12))
                ahead = min(ahead, Decimal(size))
            displayed = Decimal(size)
    return fills


def candidates(rows: list[dict[str, Any]]) -> dict[str, tuple[int, Decimal, Decimal]]:
    """Finds by search two places to join the best bid: one later filled in part, one traded through."""
    lots = {row["symbol"]: Decimal(row["lot"]) for row in rows if row["kind"] == "instrument"}
    tradable = {row["symbol"] for row in rows if row.get("type") == "linear_perpetual"}
    rebuilt, found = Rebuilt(), dict[str, tuple[int, Decimal, Decimal]]()
    for index, row in enumerate(rows):
        rebuilt.apply(row)
        is_last_of_its_time = index + 1 == len(rows) or rows[index + 1]["ts"] > row["ts"]
        symbol = row["symbol"]
        if row["kind"] != "delta" or symbol not in tradable or not is_last_of_its_time:
            continue
        bid, _ = rebuilt.best(symbol)
        ahead = rebuilt.sides[symbol]["bids"][bid]
        large = lots[symbol] * 1000
        fills = expected_fills(rows, index + 1, symbol, bid, large, ahead, lots[symbol])
        trades = {
            (r["ts"], Decimal(r["price"])) for r in rows[index:] if r["kind"] == "trade" and r["symbol"] == symbol
        }
        for ts, filled in fills[:1]:
            is_through = any(at < bid for when, at in trades if when == ts)
            found.setdefault("through" if is_through else "partial", (index, bid, filled))
        if len(found) == 2:
            break
    return found


@pytest.mark.parametrize("kind", ["partial", "through"])
async def test_a_bid_joined_at_the_touch_fills_by_the_rule(kind: str, rows: list[dict[str, Any]]) -> None:
    index, price, first = candidates(rows)[kind]
    symbol = rows[index]["symbol"]
    lot = next(Decimal(r["lot"]) for r in rows if r["kind"] == "instrument" and r["symbol"] == symbol)
    rebuilt = Rebuilt()
    for row in rows[: index + 1]:
        rebuilt.apply(row)
    ahead = rebuilt.sides[symbol]["bids"][price]
    quantity = lot * 1000
    expected = expected_fills(rows, index + 1, symbol, price, quantity, ahead, lot)
    assert expected[0][1] == first
    assert (first < quantity) is (kind == "partial")

    player = await open_replay()
    await play_to(player, rows[index]["ts"])
    request = order(Side.BUY, str(quantity), str(price), instrument=InstrumentId("replay", symbol))
    assert (await player.venue.submit_order(request)).status is OrderStatus.NEW
    await player.to_end()
    fills = [event.fill for event in player.seen if isinstance(event, FillUpdate)]
    assert [(fill.ts_event // 1_000_000, fill.quantity) for fill in fills] == expected
    assert {fill.price for fill in fills} == {price}
    last = [event.order for event in player.seen if isinstance(event, OrderUpdate)][-1]
    assert last.filled_quantity == sum((amount for _, amount in expected), Decimal(0))
    await player.aclose()


async def test_a_copy_of_it_plays_the_same(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    player = await open_replay([], speed="max")
    names = [one.id for one in await player.venue.fetch_instruments()]
    summary = await record(player.venue, names, tmp_path / "copy", compression="zstd")
    await player.aclose()
    assert (summary.rows, summary.skipped) == (4539, 0)
    rebuilt, copied = Rebuilt(), Rebuilt()
    for row in rows:
        rebuilt.apply(row)
    for one in RecordingReader(tmp_path / "copy"):
        copied.apply(
            {
                "kind": one.__struct_config__.tag,
                **{field: getattr(one, field) for field in one.__struct_fields__},
            }
        )
    assert copied.sides == rebuilt.sides
