"""Which orders are remembered, and what a request is while the venue shows no order."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from venues.commands import OrderRequest
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Side, TimeInForce
from venues.transport.order_memory import NewestOrders, order_as_asked

REQUEST = OrderRequest(
    instrument=InstrumentId("here", "BTCUSDT"),
    client_order_id="mine",
    side=Side.BUY,
    type=OrderType.STOP_LIMIT,
    quantity=Decimal(3),
    price=Decimal(10),
    trigger_price=Decimal(11),
    time_in_force=TimeInForce.GTC,
    post_only=False,
    in_margin_wallet=True,
)


class Known:
    def __init__(self, last: Order | None = None) -> None:
        self.last = last


def order(status: OrderStatus) -> Order:
    return order_as_asked(REQUEST, status, 5)


def test_a_request_is_an_order_with_all_that_was_asked_for() -> None:
    made = order_as_asked(REQUEST, OrderStatus.REJECTED, 5, venue_order_id="9", reason="no money")
    for name in set(REQUEST.__struct_fields__) & set(made.__struct_fields__) - {"reduce_only", "position_id"}:
        assert getattr(made, name) == getattr(REQUEST, name), name
    assert (made.status, made.ts_created, made.ts_event) == (OrderStatus.REJECTED, 5, 5)
    assert (made.venue_order_id, made.reason) == ("9", "no money")


def test_the_oldest_that_is_over_is_forgotten_first() -> None:
    forgotten: list[Known] = []
    orders: NewestOrders[Known] = NewestOrders(forgotten.append, most=3)
    nameless, resting, over = Known(), Known(order(OrderStatus.NEW)), Known(order(OrderStatus.FILLED))
    for known in (nameless, resting, over):
        assert orders.add(known) is known
    assert not forgotten
    orders.add(Known(order(OrderStatus.NEW)))
    assert forgotten == [over]
    orders.add(Known(order(OrderStatus.NEW)))
    assert forgotten == [over, nameless]  # none of them is over: then the oldest
    assert len(orders) == 3


def test_open_is_what_is_not_known_to_be_over() -> None:
    orders: NewestOrders[Known] = NewestOrders(lambda _: None)
    nameless = orders.add(Known())
    resting = orders.add(Known(order(OrderStatus.NEW)))
    orders.add(Known(order(OrderStatus.CANCELED)))
    found = orders.open()
    assert next(found) is nameless
    resting.last = msgspec.structs.replace(order(OrderStatus.NEW), status=OrderStatus.FILLED)
    orders.add(Known())  # while somebody looks at them
    assert list(found) == []
