"""Pushes as the document's protobuf messages (`pushes.proto`): nothing in a frame names its message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from venues.events import Level
from venues.simulators.frames import BinaryFrame
from venues.simulators.pumpkin.bookfeed import DepthPush
from venues.simulators.pumpkin.pushes_pb2 import DealVO, DepthVO, KlineVO, PriceLevel


def kline(row: Mapping[str, Any]) -> BinaryFrame:
    """Returns a candle as a KlineVO."""
    return BinaryFrame(KlineVO(**row).SerializeToString())


def deal(row: Mapping[str, Any], time: int) -> BinaryFrame:
    """Returns a trade as a DealVO, in which time and id are fields of their own."""
    texts = {name: row[name] for name in "spam"}
    return BinaryFrame(DealVO(t=time, id=row["t"], **texts).SerializeToString())


def depth(push: DepthPush) -> BinaryFrame:
    """Returns a book, or the changes of one: a DepthVO does not tell which."""
    message = DepthVO(s=push.s, U=push.U, u=push.u, bids=_levels(push.b), asks=_levels(push.a))
    return BinaryFrame(message.SerializeToString())


def _levels(levels: Iterable[Level]) -> list[PriceLevel]:
    return [PriceLevel(price=price, quantity=quantity) for price, quantity in levels]
