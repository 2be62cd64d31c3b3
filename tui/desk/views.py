"""Builds the views of positions, balances, books and orders: arithmetic on what is known, and no state."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tui.desk.frame import BalanceView, BookLevel, BookView, FundsView, OrderView, PositionView, QuoteView
from tui.desk.inert import is_symbol, sanitise
from tui.desk.orders import Tracked
from venues.book import Book, Fault, Verification
from venues.model import ZERO, Balance, Instrument, Order, Position

BOOK_LEVELS = 400  # of each side: a ladder of 60 rows grouped by 5 and more; making one costs 0.5 us


def book_view(instrument: Instrument, book: Book | None, ts_recv: int) -> BookView:
    """Builds the ladder's view. An invalid book gives no levels, only the reason."""
    if book is None or not book.is_valid:
        fault = "waiting for the book" if book is None or book.fault is Fault.WAITING else book.detail
        return BookView(
            instrument=instrument, bids=(), asks=(), is_valid=False, fault=sanitise(fault), ts_recv=ts_recv
        )
    bids, asks = book.levels(BOOK_LEVELS)
    return BookView(
        instrument=instrument,
        bids=tuple(BookLevel(*level) for level in bids),
        asks=tuple(BookLevel(*level) for level in asks),
        is_valid=True,
        fault="unverified" if book.verification is Verification.UNVERIFIED else "",
        sequence=book.sequence,
        ts_event=book.ts_event,
        ts_recv=ts_recv,
    )


def position_view(
    position: Position,
    instrument: Instrument,
    account: str,
    mark: Decimal | None,
    *,
    funding_rate: Decimal | None = None,
    funds: tuple[FundsView, ...] = (),
) -> PositionView:
    """Builds a position's row: P&L, notional, the next funding and the distance to liquidation at the mark.

    Profit and loss of a linear contract; for an inverse one, which is shown and not traded, they stay None.
    """
    size = position.quantity
    if mark is None or not size or instrument.kind.value.startswith("inverse"):
        return PositionView(position=position, instrument=instrument, account=account, mark=mark, funds=funds)
    liquidation = position.liquidation_price
    is_funded = funding_rate is not None and instrument.is_perpetual and not position.in_margin_wallet
    return PositionView(
        position=position,
        instrument=instrument,
        account=account,
        mark=mark,
        unrealized_pnl=(mark - position.entry_price) * size,
        break_even=break_even(position, instrument),
        liquidation_distance=abs(mark - liquidation) / mark if liquidation is not None and mark > 0 else None,
        notional=abs(size) * mark,
        # At a rate above zero the longs pay the shorts.
        next_funding=-size * mark * funding_rate if funding_rate is not None and is_funded else None,
        funds=funds,
    )


def break_even(position: Position, instrument: Instrument) -> Decimal | None:
    """Returns the price at which closing as taker leaves zero after all fees and funding, on the next tick.

    From (price - entry) x size + realized + funding - fees - |size| x price x taker fee = 0.
    """
    size = position.quantity
    costs = position.fees - position.funding - position.realized_pnl
    per_unit = size - abs(size) * instrument.taker_fee
    if per_unit == 0:
        return None
    price = (position.entry_price * size + costs) / per_unit
    if price <= 0:
        return None
    ticks = (price / instrument.tick_size).to_integral_value("ROUND_CEILING" if size > 0 else "ROUND_FLOOR")
    return (ticks * instrument.tick_size).quantize(instrument.tick_size)


def balance_view(venue: str, account: str, balance: Balance, rate: Decimal | None) -> BalanceView:
    """Builds a balance's row; `rate` is what a unit is worth in the account's currency."""
    value = balance.total * rate if rate is not None else ZERO if not balance.total else None
    return BalanceView(venue=venue, account=account, balance=balance, value=value)


def order_view(
    tracked: Tracked, instrument: Instrument, account: str, ts_provable: int | None = None
) -> OrderView:
    """Builds an order's row, all of the venue's words made inert."""
    return OrderView(
        key=tracked.key,
        order=inert_order(tracked.order),
        instrument=instrument,
        account=account,
        unknown_since=tracked.unknown_since,
        is_late_fill=tracked.is_late_fill,
        ts_provable=ts_provable,
        margin_mode=tracked.margin_mode,
    )


def inert_order(order: Order) -> Order:
    """Returns `order` with its texts made inert, itself where they already are."""
    reason = sanitise(order.reason)
    client, venue = sanitise(order.client_order_id, 64), sanitise(order.venue_order_id, 64)
    if (reason, client, venue) == (order.reason, order.client_order_id, order.venue_order_id):
        return order
    return msgspec.structs.replace(order, reason=reason, client_order_id=client, venue_order_id=venue)


def inert_instrument(instrument: Instrument) -> Instrument | None:
    """Returns `instrument` with its texts made inert; None where symbol or currencies can not be trusted."""
    if not is_symbol(instrument.id.symbol):
        return None
    if not all(is_symbol(c.upper()) for c in (instrument.base, instrument.quote, instrument.settle)):
        return None
    name, note = sanitise(instrument.name, 40), sanitise(instrument.note)
    if (name, note) == (instrument.name, instrument.note):
        return instrument
    return msgspec.structs.replace(instrument, name=name, note=note)


def in_watch_order(quotes: Iterable[QuoteView]) -> tuple[QuoteView, ...]:
    """Puts favourites first, and leaves the order otherwise."""
    return tuple(sorted(quotes, key=lambda quote: not quote.is_favourite))
