"""Holds a desk against what is true at an exchange, at a moment when nothing moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from tests.soak.exchange import Exchange, Kind
from tui.desk import orders
from tui.desk.ledger import FILLS
from tui.desk.orders import Tracked
from tui.desk.store import Store
from venues.model import NANOSECONDS, ZERO, Balance, Fill, Order, OrderStatus, Position

_NEAR_MIDNIGHT = 5 * NANOSECONDS
_LATEST = 610 * NANOSECONDS  # from the desk's making of an order until its exchange has it


def divergences(store: Store, exchange: Exchange, since: int) -> Iterator[str]:
    """Yields what the desk has wrong about our account at an exchange.

    What ended before `since` is forgotten on both sides.
    """
    for text in (
        *_open_orders(store, exchange),
        *_ended_orders(store, exchange, since),
        *_fills(store, exchange, since),
        *_fees(store, exchange, since),
        *_positions(store, exchange),
        *_balances(store, exchange),
        *(f"{key} was sent twice" for key in exchange.sent_twice),
    ):
        yield f"{exchange.name}: {text}"


def _open_orders(store: Store, exchange: Exchange) -> Iterator[str]:
    desk, unknown = {}, []
    for tracked in store.orders.open_orders(exchange.name):
        if tracked.status is OrderStatus.UNKNOWN:
            unknown.append(tracked)
        else:
            desk[tracked.order.venue_order_id or tracked.key] = _essence(tracked.order)
    external = exchange.external
    truth = {one.venue_order_id: _essence(one, one.venue_order_id in external) for one in exchange.rests()}
    yield from _differences("resting order", desk, truth)
    for tracked in unknown:
        # Nobody can know what becomes of a request that may still arrive; of all else the exchange can tell.
        if exchange.kind is not Kind.UNBOUNDED or _is_placed(exchange, tracked):
            yield f"{tracked.key} is UNKNOWN to the desk, the exchange has {_truth_of(exchange, tracked)}"


def _ended_orders(store: Store, exchange: Exchange, since: int) -> Iterator[str]:
    ended = {
        number: order
        for number, order in {**exchange.orders, **exchange.vanished}.items()
        if not order.is_open and order.ts_event >= since
    }
    over = [tracked.order for tracked in store.orders._orders.values() if tracked.status.is_terminal]
    oldest = next((order.ts_created for order in over if not order.is_external), since)
    kept_since = oldest + _LATEST if len(over) >= orders._KEPT_OVER else since
    for number, order in ended.items():
        tracked = store.orders.find(order)
        if tracked is None and order.ts_created <= kept_since:
            continue  # the desk keeps the newest only
        if tracked is None:
            if number not in exchange.external:
                yield f"order {number} ({order.client_order_id}) is not known to the desk"
            continue
        held = (tracked.order.venue_order_id or number, tracked.status, tracked.order.filled_quantity)
        wanted = (number, order.status, order.filled_quantity)
        is_shown_as_gone = number in exchange.vanished and tracked.status is OrderStatus.CANCELED and not held[2]
        if held != wanted and not is_shown_as_gone:
            yield f"ended order {number} ({tracked.key}): desk {held}, exchange {wanted}"
        if tracked.is_overfilled:
            yield f"order {number} has more executions than quantity on the desk"
    for tracked in list(store.orders._orders.values()):
        order = tracked.order
        is_ours = order.instrument.venue == exchange.name and not order.is_external
        is_over = order.ts_created >= since and tracked.status.is_terminal
        if is_ours and is_over and not _is_placed(exchange, tracked):
            may_be_gone = tracked.status is OrderStatus.CANCELED and exchange.kind is Kind.VANISHING
            if tracked.status is not OrderStatus.REJECTED and not may_be_gone:
                yield f"{tracked.key} is {tracked.status} on the desk, the exchange never had it"


def wrong_verdicts(verdicts: Iterable[tuple[Tracked, set[OrderStatus]]], exchange: Exchange) -> Iterator[str]:
    """Yields which orders the desk has called over, if only for a moment, in a way that was never so."""
    for tracked, said in verdicts:
        number = tracked.order.venue_order_id
        truth = exchange.find(tracked.order.client_order_id, number) or exchange.vanished.get(number)
        if truth is not None:
            # Of what has vanished the desk can only say that it is gone, unfilled.
            wrong = said - {truth.status, OrderStatus.CANCELED if number in exchange.vanished else truth.status}
            what = truth.status.value
        else:
            wrong = said - {OrderStatus.REJECTED, OrderStatus.CANCELED}
            wrong |= said & {OrderStatus.REJECTED if _is_placed(exchange, tracked) else None}
            what = "let it vanish" if _is_placed(exchange, tracked) else "never had it"
        if wrong:
            said_so = ", ".join(sorted(wrong))
            yield f"{exchange.name}: a wrong verdict on {tracked.key}: {said_so}; the exchange: {what}"


def _fills(store: Store, exchange: Exchange, since: int) -> Iterator[str]:
    kept = store.ledger.fills
    if len(kept) == FILLS:  # the desk's list is full: only what is younger than its oldest must be there
        since = max(since, kept[-1].ts_event + 1)
    of_desk = [fill for fill in kept if fill.instrument.venue == exchange.name and fill.ts_event >= since]
    if len({fill.trade_id for fill in of_desk}) != len(of_desk):
        yield "a fill is counted twice"
    desk: dict[str, Fill] = {fill.trade_id: fill for fill in of_desk}
    truth = {fill.trade_id: fill for fill in exchange.fills if fill.ts_event >= since}
    yield from _differences("fill", desk, truth)


def _fees(store: Store, exchange: Exchange, since: int) -> Iterator[str]:
    day = store.ledger.day
    if day < since:
        return  # the exchange has forgotten some of the day's
    if any(abs(fill.ts_event - day) < _NEAR_MIDNIGHT for fill in exchange.fills):
        return  # which day it counts into is a matter of two clocks
    truth = sum((fill.fee for fill in exchange.fills if fill.ts_event >= day), ZERO)
    desk = store.ledger.day_fees.get((exchange.name, "USDT"), ZERO)
    if desk != truth:
        yield f"fees of the day: desk {desk}, exchange {truth}"


def _positions(store: Store, exchange: Exchange) -> Iterator[str]:
    def essence(one: Position) -> tuple[Decimal, ...]:
        return one.quantity, one.entry_price, one.realized_pnl, one.fees

    desk = {k[0].symbol: essence(p) for k, p in store.ledger.positions.items() if k[0].venue == exchange.name}
    truth = {name.symbol: essence(position) for name, position in exchange.positions.items()}
    yield from _differences("position", desk, truth)
    for name in exchange.positions:
        if name not in store.held():
            yield f"{name} is not counted as held"


def _balances(store: Store, exchange: Exchange) -> Iterator[str]:
    def by_currency(balances: Iterable[Balance]) -> dict[str, Balance]:
        return {one.currency: one for one in balances if one.total}

    desk = by_currency(store.ledger.balances.get(exchange.name, {}).values())
    yield from _differences("balance", desk, by_currency(exchange.balances()))


def book_divergences(store: Store, exchange: Exchange) -> Iterator[str]:
    """Yields what is wrong with the book that is shown, where it is one of this exchange's."""
    shown = store.shown
    if shown is None or shown.instrument.id.venue != exchange.name:
        return
    if shown.book is None or not shown.book.is_valid:
        yield f"the book of {shown.instrument.id} is not valid: {shown.book.detail if shown.book else 'none'}"
        return
    bids, asks = shown.book.top(10_000)
    market = exchange.markets[shown.instrument.id]
    if (tuple(bids), tuple(asks)) != market.levels():
        yield f"the book of {shown.instrument.id} differs, desk at {shown.book.sequence}, {market.sequence}"


def _essence(order: Order, is_external: bool | None = None) -> tuple[object, ...]:
    return (
        order.instrument.symbol, order.side, order.type, order.price, order.quantity, order.filled_quantity,
        order.status, order.average_price if order.filled_quantity else None,
        order.is_external if is_external is None else is_external,
    )  # fmt: skip


def _differences(what: str, desk: Mapping[str, object], truth: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(desk.keys() | truth.keys()):
        if desk.get(name) != truth.get(name):
            yield f"{what} {name}: desk {desk.get(name)}, exchange {truth.get(name)}"


def _is_placed(exchange: Exchange, tracked: Tracked) -> bool:
    return exchange.is_placed(tracked.order.client_order_id)


def _truth_of(exchange: Exchange, tracked: Tracked) -> str:
    found = exchange.find(tracked.order.client_order_id, tracked.order.venue_order_id)
    if found is None:
        return "it not" if not _is_placed(exchange, tracked) else "let it vanish"
    return f"it {found.status}"
