"""Frames of the streams: what each says, whatever form it comes in."""

from __future__ import annotations

import gzip
import random
import zlib
from decimal import Decimal

import pytest

from tests.venues.pumpkin.frames import (
    DEAL,
    DEPTH,
    DEPTH_CHANGE,
    KLINE,
    as_json,
    deal_protobuf,
    depth_protobuf,
    kline_protobuf,
)
from venues.errors import DecodeError
from venues.pumpkin.wire import (
    LARGEST,
    Push,
    Reply,
    WireBar,
    WireDeal,
    WireDepth,
    decode,
    read_reply,
)


def test_the_documents_own_pushes() -> None:
    bar = decode(as_json(KLINE))
    assert isinstance(bar, WireBar)
    assert (bar.symbol, bar.interval, bar.time) == ("trx_usdt", "1m", 1646382900000)
    deal = decode(as_json(DEAL))
    assert deal == WireDeal("btc_usdt", "95150.62", "7", "BID", 1234567890123456, None)
    depth = decode(as_json(DEPTH))
    assert isinstance(depth, WireDepth)
    assert depth.is_whole is True and (depth.first, depth.last) == (1234567890, 1234567891)
    assert depth.bids[0] == ("45000.00", "1.2345") and depth.asks[-1] == ("45002.00", "0.8765")
    change = decode(as_json(DEPTH_CHANGE))
    assert isinstance(change, WireDepth) and change.is_whole is False


def test_volume_and_turnover_of_a_streamed_candle_are_swapped_against_rest() -> None:
    for raw in (as_json(KLINE), kline_protobuf(KLINE)):
        bar = decode(raw)
        assert isinstance(bar, WireBar)
        assert (bar.volume, bar.turnover) == ("369", "117.57114")
        # The turnover is what the volume is worth, which tells which is which.
        assert abs(Decimal(bar.volume) * Decimal(bar.close) / Decimal(bar.turnover) - 1) < Decimal("0.001")


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_json_and_protobuf_of_one_message_say_the_same(wrap: type[bytes]) -> None:
    assert decode(wrap(as_json(KLINE))) == decode(wrap(kline_protobuf(KLINE)))
    known = decode(wrap(as_json(DEAL)))
    told = decode(wrap(deal_protobuf(DEAL, 1646382900123)))
    assert isinstance(known, WireDeal) and isinstance(told, WireDeal)
    assert (told.symbol, told.price, told.quantity, told.side, told.number) == (
        known.symbol, known.price, known.quantity, known.side, known.number,
    )  # fmt: skip
    assert told.time == 1646382900123  # of which JSON has nothing
    for message in (DEPTH, DEPTH_CHANGE):
        plain, binary = decode(wrap(as_json(message))), decode(wrap(depth_protobuf(message)))
        assert isinstance(plain, WireDepth) and isinstance(binary, WireDepth)
        assert (plain.symbol, plain.first, plain.last) == (binary.symbol, binary.first, binary.last)
        assert (plain.bids, plain.asks) == (binary.bids, binary.asks)
        assert binary.is_whole is None


def test_numbers_above_two_to_the_53() -> None:
    number = 586765918776852548
    message = DEPTH | {"U": number, "u": number + 1}
    for raw in (as_json(message), depth_protobuf(message)):
        depth = decode(raw)
        assert isinstance(depth, WireDepth) and (depth.first, depth.last) == (number, number + 1)


@pytest.mark.parametrize(
    ("t", "number", "time"),
    [(1234567890123456, 1234567890123456, None), (1646382900123, None, 1646382900123), (7, 7, None)],
)
def test_t_of_a_trade_is_a_moment_only_where_it_has_thirteen_digits(
    t: int, number: int | None, time: int | None
) -> None:
    deal = decode(as_json(DEAL | {"t": t}))
    assert isinstance(deal, WireDeal) and (deal.number, deal.time) == (number, time)


def test_answers_and_private_pushes() -> None:
    assert decode(b'{"code": 0,"msg": "success"}') == Reply(0, "success")
    assert read_reply(b'{"code": 40002,"message": "Topic not found"}') == Reply(40002, "Topic not found")
    assert read_reply(as_json(DEAL)) is None
    assert read_reply(b'{"code": "0"') is None
    push = decode(b'{"topic":"order","event":"order@KEY","data":{"orderId":"1"}}')
    assert isinstance(push, Push) and (push.topic, push.event, bytes(push.data)) == (
        "order",
        "order@KEY",
        b'{"orderId":"1"}',
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"pong", b"[]", b"{}", b'{"e":"trade"', b'{"e":"nothing"}', b'{"e":"trade","s":"a_b","a":[]}',
        b'{"e":"depth","s":"a_b","b":[],"a":[]}', b'{"e":"depth","s":"a_b","u":-1,"b":[],"a":[]}', b"\xff\xfe\x00",
        b'{"e":"kline","s":"a_b"}', b'{"topic":"order","data":{"x":1,"x":2}}', b"\x1f\x8b\x08 no gzip",
        gzip.compress(b"{}", mtime=0)[:-4], b"\x0a\x08btc_usdt", b"{" * 100_000,
    ],
    ids=lambda raw: str(raw[:40]),
)  # fmt: skip
def test_what_is_none_of_them_is_a_decode_error(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(raw)


def test_a_small_frame_that_unpacks_to_a_huge_one() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b" " * (LARGEST + 1)) + packer.flush()
    assert len(bomb) < LARGEST // 100
    with pytest.raises(DecodeError):
        decode(bomb)


def test_two_hundred_thousand_mutated_frames() -> None:
    """Nothing but DecodeError comes out, and what is read has all that its kind needs."""
    rng = random.Random(7)
    plain = [
        kline_protobuf(KLINE), deal_protobuf(DEAL, 1646382900123), depth_protobuf(DEPTH),
        depth_protobuf(DEPTH_CHANGE), as_json(KLINE), as_json(DEAL), as_json(DEPTH_CHANGE),
    ]  # fmt: skip
    frames = [*plain, *(gzip.compress(each, mtime=0) for each in plain[:4])]
    read = refused = 0
    kinds = set()
    for _ in range(200_000):
        frame = bytearray(frames[rng.getrandbits(16) % len(frames)])
        for _ in range(1 + (rng.getrandbits(2) == 0)):
            at = rng.getrandbits(16) % max(1, len(frame))
            match rng.getrandbits(2):
                case 0:
                    frame[at : at + 1] = bytes((rng.getrandbits(8),))
                case 1:
                    frame[at:at] = rng.randbytes(1 + rng.getrandbits(2))
                case 2:
                    del frame[at : at + 1 + rng.getrandbits(3)]
                case _:
                    other = plain[rng.getrandbits(8) % len(plain)]
                    frame[at : at + 8] = other[at % len(other) : at % len(other) + rng.getrandbits(4)]
        try:
            said = decode(bytes(frame))
        except DecodeError:
            refused += 1
        else:
            read += 1
            kinds.add(type(said))
            assert isinstance(said, WireBar | WireDeal | WireDepth | Reply | Push)
    assert read + refused == 200_000
    assert refused > 100_000 and read > 10_000 and {WireBar, WireDeal, WireDepth} <= kinds
