"""The pushes that the document shows, and the same in protobuf, written field by field.

The writing shares nothing with the adapter's generated code: a field number that is wrong there is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

KLINE: dict[str, Any] = {
    "e": "kline",
    "s": "trx_usdt",
    "k": {
        "s": "trx_usdt", "i": "1m", "t": 1646382900000, "o": "0.31865", "c": "0.31862", "h": "0.31865",
        "l": "0.31862", "v": "369", "a": "117.57114",
    },
}  # fmt: skip
DEAL: dict[str, Any] = {
    "e": "trade", "s": "btc_usdt", "t": 1234567890123456, "p": "95150.62", "a": "7", "m": "BID",
}  # fmt: skip
DEPTH: dict[str, Any] = {
    "e": "depth", "s": "btc_usdt", "U": 1234567890, "u": 1234567891,
    "b": [["45000.00", "1.2345"], ["44999.50", "0.9876"], ["44999.00", "2.3456"]],
    "a": [["45001.00", "0.5432"], ["45001.50", "1.2345"], ["45002.00", "0.8765"]],
}  # fmt: skip
DEPTH_CHANGE: dict[str, Any] = {
    "e": "depth.update", "s": "btc_usdt", "U": 1234567890, "u": 1234567891, "b": [["45000.00", "1.2345"]],
    "a": [["45001.00", "0.5432"]],
}  # fmt: skip


def as_json(message: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(message)


def kline_protobuf(message: Mapping[str, Any]) -> bytes:
    """Returns a KlineVO: s o c h l a v i are its fields 1 to 8, t the 9th."""
    row = message["k"]
    texts = [text_field(number, row[name]) for number, name in enumerate("sochlavi", 1)]
    return b"".join(texts) + int_field(9, row["t"])


def deal_protobuf(message: Mapping[str, Any], time: int) -> bytes:
    """Returns a DealVO: t s p a m id."""
    texts = [text_field(number, message[name]) for number, name in enumerate("spam", 2)]
    return int_field(1, time) + b"".join(texts) + int_field(6, message["t"])


def depth_protobuf(message: Mapping[str, Any]) -> bytes:
    """Returns a DepthVO: s U u bids asks."""
    rows = [
        bytes_field(number, text_field(1, price) + text_field(2, quantity))
        for number, side in ((4, "b"), (5, "a"))
        for price, quantity in message[side]
    ]
    return text_field(1, message["s"]) + int_field(2, message["U"]) + int_field(3, message["u"]) + b"".join(rows)


def int_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def bytes_field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def text_field(number: int, text: str) -> bytes:
    return bytes_field(number, text.encode())


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
