"""What the exchange, the adapter and the desk have to agree on about an order, and what it must have come to."""

from __future__ import annotations

from decimal import Decimal

from tests.contract.rig import Desk, Rig, outcome_of
from tests.contract.truth import State, TrueOrder
from venues.commands import OrderRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected
from venues.events import FillUpdate
from venues.model import ZERO, Fill, Order, OrderStatus, OrderType, TimeInForce

OPEN = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
GONE = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED})


def filled_at_once(request: OrderRequest, crossing: Decimal) -> Decimal:
    """Returns what an order fills on arrival where `crossing` is there for it."""
    if request.post_only or request.type.has_trigger:
        return ZERO
    if request.time_in_force is TimeInForce.FOK and crossing < request.quantity:
        return ZERO
    return min(request.quantity, crossing)


def rests(request: OrderRequest) -> bool:
    """Says whether what is not filled at once stays on the book, or waits for its trigger."""
    if request.type.has_trigger:
        return True
    return request.type is OrderType.LIMIT and request.time_in_force is TimeInForce.GTC


async def check_order(
    desk: Desk, request: OrderRequest, acknowledged: Order, filled: Decimal, is_open: bool
) -> None:
    """Holds all that is told of an order against what it must have come to, and against the exchange.

    The acknowledgement may be older than what the order has come to since; it may not be beyond it.
    """
    rig, name = desk.rig, request.client_order_id
    check_identity(acknowledged, request)
    rig.control.note(acknowledged)
    assert acknowledged.filled_quantity <= filled
    truth = await rig.until_true(lambda state: is_in(state, request, filled, is_open), f"{name} at the exchange")
    status = expected_status(request, filled, is_open)

    def is_told() -> bool:
        if not desk.has(name):
            return False
        order = desk.order(name)
        is_amended = (order.quantity, order.price, order.trigger_price) == (
            request.quantity,
            request.price,
            request.trigger_price,
        )
        return order.status in status and order.filled_quantity == filled and (is_amended or not is_open)

    await desk.until(is_told, f"the desk never has {name} as {sorted(status)}, {filled} filled")
    order = desk.order(name)
    check_identity(order, request)
    assert order.venue_order_id or not is_open
    if filled:
        assert order.average_price is not None and order.average_price > 0
        await check_fills_of(desk, request, filled, truth)
    await check_lookup(rig, request, filled, is_open)


def check_identity(order: Order, request: OrderRequest) -> None:
    """Holds what an order is against what was asked for."""
    assert order.instrument == request.instrument
    assert order.client_order_id == request.client_order_id
    assert (order.side, order.type, order.quantity) == (request.side, request.type, request.quantity)
    if request.type.has_price:
        assert order.price == request.price
    if request.type.has_trigger:
        assert order.trigger_price == request.trigger_price


def expected_status(request: OrderRequest, filled: Decimal, is_open: bool) -> frozenset[OrderStatus]:
    if filled == request.quantity:
        return frozenset({OrderStatus.FILLED})
    if is_open:
        return frozenset({OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW})
    return GONE


def is_in(state: State, request: OrderRequest, filled: Decimal, is_open: bool) -> bool:
    """Says whether the exchange has it so. One that ended unfilled may have vanished there."""
    found = state.of_client(request.client_order_id)
    if not found:
        return not is_open and not filled
    if any(order.is_open for order in found) is not is_open:
        return False
    return filled_of(found) == filled


def filled_of(orders: tuple[TrueOrder, ...]) -> Decimal:
    """A stop and the order that it became have one client id, and one amount filled between them."""
    return max((order.filled for order in orders), default=ZERO)


async def check_fills_of(desk: Desk, request: OrderRequest, filled: Decimal, truth: State) -> None:
    """Each execution is told exactly once, and as it was."""
    name = request.client_order_id
    true = {fill.trade_id: fill for fill in truth.fills if fill.client_id == name}
    assert sum(fill.quantity for fill in true.values()) == filled

    def told() -> list[str]:
        return [fill.trade_id for fill in fills_told(desk) if fill.client_order_id == name]

    await desk.until(lambda: len(told()) >= len(true), f"not each fill of {name} is told")
    assert sorted(told()) == sorted(true)
    for fill in fills_told(desk):
        if fill.client_order_id != name:
            continue
        that = true[fill.trade_id]
        assert (fill.side, fill.price, fill.quantity) == (that.side, that.price, that.quantity)
        assert (fill.fee, fill.fee_currency) == (that.fee, that.fee_currency) or not that.fee, fill


def fills_told(desk: Desk) -> list[Fill]:
    return [update.fill for update in desk.of(FillUpdate)]


async def check_lookup(rig: Rig, request: OrderRequest, filled: Decimal, is_open: bool) -> None:
    """Asks the venue for the order, by its client id alone."""
    if not rig.can.lookup_by_client_id:
        return
    open_names = [order.client_order_id for order in await rig.venue.fetch_open_orders()]
    assert open_names.count(request.client_order_id) == int(is_open)
    try:
        order = await rig.venue.fetch_order(request.instrument, request.client_order_id)
    except OrderNotFound:
        assert not is_open and not filled and rig.can.forgets_unfilled
        return
    check_identity(order, request)
    assert order.filled_quantity == filled
    assert order.status in expected_status(request, filled, is_open)


async def check_refused(rig: Rig, request: OrderRequest) -> None:
    """The order is refused in words, by the venue or before it leaves, and nothing of it is at the exchange."""
    before = await rig.state()
    outcome = await outcome_of(rig.venue.submit_order(request))
    if isinstance(outcome, Order):
        # Accepted and ended at once, unfilled, is a refusal too: some venues treat post-only orders so.
        await rig.until_true(
            lambda state: is_in(state, request, ZERO, is_open=False), "it was accepted, and is there"
        )
        assert outcome.status in GONE | {OrderStatus.REJECTED}, outcome
    else:
        assert isinstance(outcome, (NotSent, OrderRejected)), repr(outcome)
        assert outcome.message.strip()
    after = await rig.state()
    assert after.fills == before.fills
    assert {order.id for order in after.open_orders} <= {order.id for order in before.open_orders}
    assert after.balances == before.balances
