"""Reads back from a venue what its stream may have missed, and brings the store to it in one pass.

A read that failed says nothing: it raises, and the account stays unread. An order that the venue does not list
as open is asked for by itself, and one that is not found then is UNKNOWN, not gone.
"""

from __future__ import annotations

from collections.abc import Callable

from tui.desk.frame import Severity
from tui.desk.ledger import midnight
from tui.desk.link import Link
from tui.desk.settling import Settler
from tui.desk.store import Store, Topic
from venues.errors import NotSupported, PermissionDenied, VenueError
from venues.model import NANOSECONDS, Fill
from venues.port import HasMarginWallet

_MOST_ASKED = 20  # orders by which something was traded elsewhere; each is a request
OVERLAP = 60 * NANOSECONDS  # fills are read again from this long before the last time


async def reconcile_account(link: Link, store: Store, settler: Settler, clock: Callable[[], int]) -> None:
    """Reads orders, fills, positions, balances and the margin wallet into the store.

    Raises:
        VenueError: a read failed; what was read before it has been taken, and nothing else concluded.
    """
    venue, name = link.venue, link.name
    began = clock()
    is_first = link.ts_reconciled == 0
    standing = [tracked for tracked in store.orders.open_orders(name) if tracked.in_flight == 0]
    listed = await venue.fetch_open_orders()
    for order in listed:
        if store.instrument(order.instrument) is not None:
            store.confirm(order)
    since = link.ts_reconciled - OVERLAP
    if is_first:
        since = midnight(began)
        if link.ts_inherited:  # what was filled since the desk was last here
            since = min(since, link.ts_inherited - OVERLAP)
    asked: set[str] = set()
    for fill in await venue.fetch_fills(since):
        is_from_before = is_first and (not link.ts_inherited or (name, fill.trade_id) in link.fills_kept)
        if not is_from_before and venue.capabilities.position_sides:
            await _ask_who_traded(link, store, fill, asked)
        store.take_fill(fill, is_told=not is_from_before)
    named = ({order.client_order_id for order in listed} | {order.venue_order_id for order in listed}) - {""}
    for tracked in standing:
        order = tracked.order
        if tracked.in_flight or not tracked.order.is_open:
            continue
        if order.client_order_id not in named and order.venue_order_id not in named:
            await settler.ask(link, tracked)
    await read_money(link, store, clock, began)
    store.mark_dirty(Topic.ORDERS, Topic.FILLS)
    link.ts_reconciled = began


async def _ask_who_traded(link: Link, store: Store, fill: Fill, asked: set[str]) -> None:
    """Asks for the order of an execution that nobody here knows: a position may have been closed by force."""
    known = store.orders.get(fill.client_order_id) or store.orders.by_venue_id(link.name, fill.venue_order_id)
    is_seen = fill.trade_id in store.ledger.mine.get(fill.instrument, {})
    if known is not None or is_seen or not fill.venue_order_id or fill.venue_order_id in asked:
        return
    if len(asked) >= _MOST_ASKED:
        return
    asked.add(fill.venue_order_id)
    try:
        order = await link.venue.fetch_order(fill.instrument, fill.client_order_id, fill.venue_order_id)
    except VenueError:
        return  # then it is told as any other
    if order.is_liquidation:
        store.take_order(order)


async def read_money(link: Link, store: Store, clock: Callable[[], int], began: int | None = None) -> None:
    """Reads positions, balances and the margin wallet; what a stream told since `began` is newer.

    Raises:
        VenueError: a read failed; what was read before it has been taken.
    """
    venue, name = link.venue, link.name
    since = began if began is not None else clock()
    if venue.capabilities.positions:
        positions = await venue.fetch_positions()
        if venue is not link.venue:
            return
        store.ledger.replace_positions(name, positions, since)
        store.note_positions()
    # The wallet first: what the account is worth is not reckoned before there are balances.
    if isinstance(venue, HasMarginWallet) and venue.capabilities.margin_wallet:
        try:
            wallet = await venue.fetch_margin_account()
        except (NotSupported, PermissionDenied) as error:  # none for this account or key: spot is as good as any
            if not store.margins.is_absent(name):
                store.log(f"{error}", Severity.WARNING)
            if store.margins.get(name) is None:  # what was read before with this key is not gone by that
                store.margins.note_absent(name)
                store.mark_dirty(Topic.MARGINS, Topic.ACCOUNTS)
        else:
            if venue is link.venue:  # else it is of the key before
                store.replace_margin(wallet, since)
    balances = await venue.fetch_balances()
    if venue is not link.venue:
        return
    store.ledger.replace_balances(name, balances, since)
    link.ts_priced = 0  # with the next word of the venue it is seen what of it has no price
    store.mark_dirty(Topic.BALANCES, Topic.ACCOUNTS)
