"""The desk's state as the lines of an answer: read from the store, with all texts made inert."""

from __future__ import annotations

import os
from collections.abc import Iterator

from tui.desk.facts import is_margin_told
from tui.desk.frame import RecoveryView, VenueView
from tui.desk.inert import sanitise
from tui.desk.orders import Tracked
from tui.desk.remote_messages import DeskLine, OrderLine, PositionLine, VenueLine
from tui.desk.store import Store
from tui.desk.views import inert_order, position_view
from venues.model import OrderStatus
from venues.port import Mode


def order_lines(store: Store) -> Iterator[OrderLine]:
    """Yields what is open or UNKNOWN, newest first."""
    for tracked in reversed(list(store.orders.open_orders())):
        yield order_line(store, tracked)


def order_line(store: Store, tracked: Tracked) -> OrderLine:
    order = inert_order(tracked.order)
    return OrderLine(
        key=sanitise(tracked.key, 64),
        venue=order.instrument.venue,
        account=store.account_of(order.instrument.venue),
        symbol=sanitise(order.instrument.symbol, 32),
        side=order.side.value,
        order_type=order.type.value,
        quantity=order.quantity,
        filled=order.filled_quantity,
        status=order.status.value,
        price=order.price,
        trigger_price=order.trigger_price,
        reduce_only=order.reduce_only,
        is_external=order.is_external and not order.is_liquidation,
        position_id=sanitise(order.position_id, 64),
        stop_loss=order.stop_loss,
        take_profit=order.take_profit,
        is_liquidation=order.is_liquidation,
        ts_created=order.ts_created,
        unknown_since=tracked.unknown_since,
        reason=order.reason,
        in_margin_wallet=order.in_margin_wallet,
        margin_mode=tracked.margin_mode.value if tracked.margin_mode is not None else "",
    )


def position_lines(store: Store) -> Iterator[PositionLine]:
    """Yields what is held, of instruments that are not known any more too."""
    for (held, position_id), position in list(store.ledger.positions.items()):
        account, market = store.account_of(held.venue), store.markets.get(held)
        view = None
        if market is not None:
            view = position_view(position, market.instrument, account, market.price())
        yield PositionLine(
            venue=held.venue,
            account=account,
            symbol=sanitise(held.symbol, 32),
            position_id=sanitise(position_id, 64),
            side="long" if position.quantity > 0 else "short",
            quantity=position.quantity,
            entry_price=position.entry_price,
            mark=view.mark if view is not None else None,
            unrealized_pnl=view.unrealized_pnl if view is not None else None,
            liquidation_price=position.liquidation_price,
            liquidation_is_estimate=position.liquidation_is_estimate,
            margin=position.margin if is_margin_told(position) else None,
            margin_mode=position.margin_mode.value,
            leverage=position.leverage or None,
            in_margin_wallet=position.in_margin_wallet,
        )


def venue_lines(store: Store) -> Iterator[VenueLine]:
    for view in list(store.venues.values()):
        orders = [tracked.order for tracked in store.orders.open_orders(view.venue)]
        yield VenueLine(
            venue=view.venue,
            account=view.account,
            mode=view.mode.value,
            state=view.state.value,
            detail=sanitise(view.detail),
            is_reconciling=view.is_reconciling,
            orders=len(orders),
            external=sum(order.is_external and not order.is_liquidation for order in orders),
            unknown=sum(order.status is OrderStatus.UNKNOWN for order in orders),
            positions=sum(held.venue == view.venue for held, _ in store.ledger.positions),
            is_read=not _is_unread(store, view),
        )


def unread_lines(store: Store) -> Iterator[VenueLine]:
    """Yields the venues of which nothing is known: that nothing of theirs is listed means nothing."""
    return (line for line in venue_lines(store) if not line.is_read)


def _is_unread(store: Store, view: VenueView) -> bool:
    """Whether there is a key, and nothing was learnt with it: it was refused, as a rule."""
    return bool(view.fault) and view.mode is not Mode.READ_ONLY and view.venue not in store.ledger.balances


def desk_line(store: Store) -> DeskLine:
    desk, recovery = store.desk, store.recovery() or RecoveryView()
    return DeskLine(
        pid=os.getpid(),
        mode=desk.mode.value,
        account=desk.account,
        is_armed=desk.is_armed,
        lock_reason=sanitise(desk.lock_reason),
        detach_policy=desk.detach_policy,
        unsettled=sum(not row.is_settled for row in recovery.rows),
    )
