"""Messages of the market that are not what they should be: 200,000 of them, and nothing but DecodeError inside."""

from __future__ import annotations

import json
import random
from typing import Literal

import pytest

from tests.venues.mayex.depth_market import DepthMarket
from tests.venues.mayex.documented import messages
from tests.venues.mayex.scripted_market import (
    BARS,
    BOOK,
    BTC,
    MARK,
    TICKER,
    TRADES,
    depth_message,
    kline,
    mark,
    ticker,
    trade,
)
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import DecodeError
from venues.events import BarUpdate, BookDelta, BookSnapshot, Event, MarkPrice, Ticker, Trade
from venues.mayex.calls import stream_error
from venues.mayex.venue import MayexVenue, Settings
from venues.mayex.wire import decode, read_reply
from venues.transport.frames import Frame

INPUTS = 200_000
PIECES = (
    b"", b"null", b"true", b"-1", b"0", b'"0"', b'"NaN"', b'"1e999999"', b"9" * 30, b"1e400", b"[]", b"{}", b'"',
    b'{"e":', b'"e":"depthUpdate"', b'"e":"trade"',
    b'"u":1,', b'"pu":-1,', b'"b":[]', b"\xff", b"\\ud800", b"[[[[",
    b'"id":1,', b"\x00", b'["0.0024","0"]',
)  # fmt: skip


def mutated(raw: bytes, rng: random.Random) -> bytes:
    """Returns a message with one piece of it gone, replaced or put in."""
    start = int(rng.random() * len(raw))
    kind = rng.random()
    if kind < 0.4:
        return raw[:start] + bytes((int(rng.random() * 256),)) + raw[start + 1 :]
    if kind < 0.6:
        return raw[:start] + raw[start + 1 + int(rng.random() * 12) :]
    piece = PIECES[int(rng.random() * len(PIECES))]
    return raw[:start] + piece + raw[start + int(rng.random() * 6) :]


def originals() -> list[bytes]:
    market = DepthMarket(1, size=4)
    books = [depth_message("btcusdt", wire) for wire in (market.whole(), *market.move(), *market.move())]
    made = [*books, trade(7), kline(), ticker(), mark()]
    return [each.raw for each in messages()] + [json.dumps(each).encode() for each in made]


@pytest.mark.parametrize("setting", ["auto", "diff"])
@in_virtual_time
async def test_mutated_messages_break_nothing_but_what_they_are_about(setting: Literal["auto", "diff"]) -> None:
    settings = Settings(rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:1", depth=setting)
    venue = MayexVenue(settings, wall=lambda: 0)
    try:
        host, rng = venue._market.contracts, random.Random(5)
        for wish in (BOOK, TRADES, BARS, TICKER, MARK):
            host.subscribe(wish, "btcusdt")
        raws, kinds = originals(), set()
        for number in range(INPUTS // 200):
            frames = [
                Frame(mutated(raws[at % len(raws)], rng), is_text=True, ts_recv=number, connection=1)
                for at in range(100)
            ]
            events: list[Event] = []
            host._intake.take(frames, events)
            kinds |= {type(event) for event in events}
            book = host.books.book("btcusdt")
            if book is not None and not book.is_valid:
                host._asks("btcusdt@depth100")
        assert kinds == {Trade, BarUpdate, Ticker, MarkPrice, BookSnapshot, BookDelta}
        assert INPUTS // 20 < venue.quarantined < INPUTS // 2
        assert BTC in host.marks
    finally:
        await venue.aclose()


def test_whatever_the_bytes_a_reply_is_one_or_none() -> None:
    rng, raws, replies = random.Random(6), originals(), 0
    for number in range(10_000):
        raw = mutated(raws[number % len(raws)], rng)
        reply = read_reply(raw)
        if reply is not None:
            replies += 1
            assert (stream_error(reply) is None) == reply.is_success
        try:
            decode(raw)
        except DecodeError as error:
            assert error.message
    assert replies > 100
