"""Pushes as the document's protobuf messages, written field by field: nothing in them names their type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from venues.simulators.frames import BinaryFrame
from venues.simulators.pumpkin.bookfeed import DepthPush

_VARINT, _BYTES = 0, 2  # wire types


def kline(row: Mapping[str, Any]) -> BinaryFrame:
    """Returns a candle as a KlineVO."""
    texts = [_text(number, row[name]) for number, name in enumerate("sochlavi", 1)]
    return BinaryFrame(b"".join(texts) + _integer(9, row["t"]))


def deal(row: Mapping[str, Any], time: int) -> BinaryFrame:
    """Returns a trade as a DealVO, in which time and id are fields of their own."""
    texts = [_text(number, row[name]) for number, name in enumerate("spam", 2)]
    return BinaryFrame(_integer(1, time) + b"".join(texts) + _integer(6, row["t"]))


def depth(push: DepthPush) -> BinaryFrame:
    """Returns a book, or the changes of one: a DepthVO does not tell which."""
    head = _text(1, push.s) + _integer(2, push.U) + _integer(3, push.u)
    levels = [(4, level) for level in push.b] + [(5, level) for level in push.a]
    rows = [_bytes(number, _text(1, price) + _text(2, quantity)) for number, (price, quantity) in levels]
    return BinaryFrame(head + b"".join(rows))


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())
