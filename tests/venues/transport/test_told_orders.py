"""What rests no more, by comparing a list with what is remembered; and orders that are short of executions."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal

import msgspec
import pytest

from venues.commands import OrderRequest
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Side
from venues.transport.order_memory import ToldOrder, ToldOrders, order_as_asked
from venues.transport.pursuit import MOST_MISSES
from venues.transport.short_orders import ShortOrders

HERE = InstrumentId("here", "BTCUSDT")


class Memory(ToldOrders[ToldOrder]):
    def __init__(self) -> None:
        super().__init__(ToldOrder)

    def learn(self, number: str, filled: str = "0") -> ToldOrder:
        known = self._add(ToldOrder(HERE, f"mine-{number}"))
        self.numbered(known, number)
        known.take(listed(number, filled), 5)
        return known


def listed(number: str, filled: str = "0") -> Order:
    asked = OrderRequest(
        instrument=HERE,
        client_order_id=f"mine-{number}",
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(3),
        price=Decimal(10),
    )
    order = order_as_asked(asked, OrderStatus.NEW, 5, venue_order_id=number)
    return msgspec.structs.replace(order, filled_quantity=Decimal(filled))


async def test_what_a_list_has_no_longer_is_gone_but_what_was_told_of_meanwhile() -> None:
    memory = Memory()
    rests, gone, told_of = memory.learn("1"), memory.learn("2"), memory.learn("3")
    lost = memory._add(ToldOrder(HERE, "lost"))  # of this nobody has told anything

    async def listing() -> Iterable[Order]:
        told_of.take(listed("3", filled="1"), 7)  # a push, while the list was on its way
        return [listed("1"), listed("9")]

    there, no_more = await memory.compare(listing())
    assert there == [rests]
    assert no_more == [gone]
    assert lost not in no_more


def test_what_the_venue_does_not_list_is_waited_for_so_long_and_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    memory = Memory()
    short = ShortOrders(memory)
    whole, half = memory.learn("1"), memory.learn("2", filled="2")
    half.told = Decimal(1)
    assert not short.want(whole)
    assert short.want(half)
    with caplog.at_level(logging.WARNING):
        for _ in range(MOST_MISSES - 1):
            short.count()
        assert short.is_any() and not caplog.records
        assert short.late(MOST_MISSES - 1) == [half]
        short.restart()
        assert short.late(1) == []
        for _ in range(MOST_MISSES):
            short.count()
    assert [record.getMessage() for record in caplog.records] == [
        "the venue does not list all executions of order 2"
    ]
    assert not short.is_any() and not half.is_short


def test_what_adds_up_is_wanted_no_more() -> None:
    memory = Memory()
    short = ShortOrders(memory)
    known = memory.learn("1", filled="2")
    assert short.want(known)
    known.told = Decimal(2)
    assert not short.is_any()
    assert memory.news()[0].filled_quantity == Decimal(2)
