"""Pumpkin: frame to event in JSON and in protobuf, twenty books by the stream, and what polling takes."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

import httpx

from tests.benchmarks.many_books import SETTLING, exchange, measured
from tests.benchmarks.table import Table
from tests.venues.coinex.depth_frames import rate
from venues.events import Event
from venues.pumpkin.books import Books
from venues.pumpkin.parse import parse_bar_message
from venues.pumpkin.wire import WireBar, WireDeal, WireDepth, decode
from venues.simulators.pumpkin import protobuf
from venues.simulators.pumpkin.bookfeed import DepthPush
from venues.simulators.pumpkin.markets import listings
from venues.simulators.told_books import Window

_SERVER, _CLIENT = "tests.benchmarks.pumpkin_server", "tests.benchmarks.pumpkin_client"
FRAMES = 6_000
CHANGES = 3  # levels of a change, in the mean
LEVELS = 50
BTC = "btc_usdt"
UPDATES = 10  # of a book in a second
BOOKS = 20
FIRST = 586_765_918_776_852_548  # above 2^53


def run(table: Table, seconds: float) -> None:
    decoding(table)
    with tempfile.TemporaryDirectory() as home, exchange(_SERVER, Path(home)) as served:
        twenty_books(table, served, Path(home), seconds)
        polling(table, served, Path(home), seconds)


def decoding(table: Table) -> None:
    """Processor time from a frame to its event, the book kept and proven by its numbers."""
    table.part("Pumpkin, processor time", "us each", "per s", "bytes")
    pushes = depth_pushes(FRAMES)
    texts = [json.dumps(row(push)).encode() for push in pushes]
    binaries = [bytes(protobuf.depth(push)) for push in pushes]
    speeds: dict[str, float] = {}
    for label, frames in (("depth, JSON", texts), ("depth, protobuf", binaries)):
        speeds[label] = rate(partial(follow, frames), FRAMES)
        table.row(f"{label}: frame to event", (1e6 / speeds[label], speeds[label], _mean(frames)))
    plain = rate(lambda: follow_plainly(texts), FRAMES, rounds=3)
    table.row("json.loads + Decimal, a book and no check", (1e6 / plain, plain, _mean(texts)))
    reading = rate(lambda: [json.loads(text) for text in texts], FRAMES)
    table.row("json.loads alone", (1e6 / reading, reading, _mean(texts)))
    for label, text, binary in small_frames():
        for form, frame in (("JSON", text), ("protobuf", binary)):
            speed = rate(partial(read_often, frame), FRAMES)
            table.row(f"{label}, {form}: frame to what it says", (1e6 / speed, speed, len(frame)))
    for label, speed in speeds.items():
        table.at_most(f"{label}: a frame / json + Decimal", plain / speed, 3)


def twenty_books(table: Table, served: dict[str, str], home: Path, seconds: float) -> None:
    """Processor time of the adapter, beside a reader that keeps no book."""
    whole = BOOKS * UPDATES
    table.part(f"Pumpkin, {BOOKS} books, {UPDATES} updates/s each", f"% at {whole}/s", "us each", "per s")
    cost: dict[str, float] = {}
    for label, kind, is_binary in (
        ("websockets + json.loads, no book", "plain", False),
        ("the adapter, JSON: every book proven", "adapter", False),
        ("the adapter, protobuf", "adapter", True),
        ("websockets + json.loads, once more", "plain", False),
    ):
        _act(served, "frames", binary=is_binary)
        found = measured(_CLIENT, kind, served, home, seconds)
        each = found["cpu"] / found["messages"] * 1e6
        cost.setdefault(label, each)
        table.row(label, (each * whole / 1e4, each, found["messages"] / found["seconds"]))
    _act(served, "frames", binary=False)
    first, json_form, binary_form, again = cost.values()
    plain = (first + again) / 2
    table.at_most("a message: the adapter, JSON / that reader", json_form / plain, 4)
    table.at_most("a message: the adapter, protobuf / that reader", binary_form / plain, 4)


def polling(table: Table, served: dict[str, str], home: Path, seconds: float) -> None:
    """What a processor gives to polls where no stream tells anything, within the quota that is assumed."""
    _act(served, "quota", minute=1_000_000, day=100_000_000)
    table.part("Pumpkin, polled", "% of core", "weight", "seconds")
    shares = {}
    for label, kind in (("the account alone", "idle"), (f"the account and {BOOKS} books", "polling")):
        before = _spent(served)
        found = measured(_CLIENT, kind, served, home, seconds)
        shares[kind] = found["cpu"] / found["seconds"] * 100
        table.row(label, (shares[kind], _spent(served) - before, found["seconds"] + SETTLING))
    table.at_most("polls, % of a core", shares["polling"], 8)


def depth_pushes(count: int) -> list[DepthPush]:
    """Returns a whole book and the changes that follow it."""
    rng = random.Random(1)
    sides: list[dict[int, int]] = [
        {893_900 - step: rng.randint(1, 9_999) for step in range(LEVELS)},
        {893_901 + step: rng.randint(1, 9_999) for step in range(LEVELS)},
    ]
    window, number = _window(sides, FIRST), FIRST
    pushes = [DepthPush("depth", BTC, FIRST, FIRST, list(window.bids.items()), list(window.asks.items()))]
    while len(pushes) < count:
        told: list[list[tuple[str, str]]] = [[], []]
        for _ in range(CHANGES):
            index = rng.randrange(2)
            price = rng.choice(list(sides[index])[:20])
            sides[index][price] = rng.randint(1, 9_999)
            told[index].append((_price(price), str(sides[index][price])))
        pushes.append(DepthPush("depth.update", BTC, number + 1, number + CHANGES, told[0], told[1]))
        number += CHANGES
    return pushes


def _window(sides: Sequence[dict[int, int]], newest: int) -> Window:
    bids, asks = ({_price(price): str(size) for price, size in side.items()} for side in sides)
    return Window(bids, asks, newest)


def _price(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def row(push: DepthPush) -> dict[str, object]:
    return {"e": push.e, "s": push.s, "U": push.U, "u": push.u, "b": push.b, "a": push.a}


def follow(frames: Sequence[bytes]) -> None:
    """Takes frames as the adapter does: decoded, proven, applied, told."""
    (listed, *_) = listings((BTC,))
    books = Books(lambda _: None, lambda: 0.0)
    instrument = listed.instrument
    books.open(instrument, LEVELS)
    events: list[Event] = []
    for frame in frames:
        said = decode(frame)
        assert isinstance(said, WireDepth)
        books.take(said, 1, 1, events)
    assert len(events) == len(frames), f"{len(events)} events of {len(frames)} frames"
    book = books.book(BTC)
    assert book is not None and book.is_valid


def follow_plainly(frames: Sequence[bytes]) -> None:
    """The same as anybody would write it first, without a look at the numbers."""
    sides: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
    size = Decimal("0.0001")
    for frame in frames:
        message = json.loads(frame)
        for name, side in sides.items():
            if message["e"] == "depth":
                side.clear()
            for price, contracts in message[name]:
                if quantity := Decimal(contracts):
                    side[Decimal(price)] = quantity * size
                else:
                    side.pop(Decimal(price), None)
        bids, asks = sorted(sides["b"].items(), reverse=True), sorted(sides["a"].items())
        assert bids[0] < asks[0]


def small_frames() -> list[tuple[str, bytes, bytes]]:
    """Returns a trade and a candle in both forms."""
    deal = {"e": "trade", "s": BTC, "t": 1_234_567_890_123_456, "p": "95150.6", "a": "7", "m": "BID"}
    bar = {
        "s": BTC, "i": "1m", "t": 1_646_382_900_000, "o": "95150.6", "c": "95150.5", "h": "95151.0",
        "l": "95150.0", "v": "369", "a": "3511.05714",
    }  # fmt: skip
    candle = {"e": "kline", "s": BTC, "k": bar}
    return [
        ("a trade", json.dumps(deal).encode(), bytes(protobuf.deal(deal, 1_769_584_725_803))),
        ("a candle", json.dumps(candle).encode(), bytes(protobuf.kline(bar))),
    ]


def read_often(frame: bytes) -> None:
    for _ in range(FRAMES):
        read(frame)


def read(frame: bytes) -> object:
    said = decode(frame)
    if isinstance(said, WireBar):
        (listed, *_) = _LISTED
        return parse_bar_message(listed.instrument, said)
    assert isinstance(said, WireDeal)
    return said


_LISTED = listings((BTC,))


def _mean(frames: Sequence[bytes]) -> float:
    return sum(map(len, frames)) / len(frames)


def _act(served: dict[str, str], do: str, **wish: object) -> None:
    with httpx.Client(trust_env=False) as client:
        client.post(f"{served['rest_url']}/practice/act", json={"do": do, **wish}).raise_for_status()


def _spent(served: dict[str, str]) -> int:
    with httpx.Client(trust_env=False, timeout=30) as client:
        found: int = client.get(f"{served['rest_url']}/practice/state").json()["weights"]["spent"]
    return found
