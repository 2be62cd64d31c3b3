"""The demo user's orders and fills, as the venue remembers them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

import msgspec

from venues.model import Fill, Instrument, Order, Side
from venues.simulators.orders import Change, LocalFill, LocalOrder, LocalStop, OrderWish

ENDED_KEPT = 5_000  # ended orders, and fills
_Kind = TypeVar("_Kind", LocalOrder, LocalStop, LocalFill)


class OrderRecords:
    """Orders by number: the open ones, and the newest that have ended.

    `keeps_unfilled` False: an order that ends without any fill can not be found any more.
    """

    def __init__(self, numbers: Callable[[], int], *, keeps_unfilled: bool) -> None:
        """`numbers` gives the next free number, for orders that the matching makes by itself (liquidations)."""
        self._numbers = numbers
        self._keeps_unfilled = keeps_unfilled
        self._made: dict[str, int] = {}  # the matching's name of an order that it made -> our number
        self._wishes: dict[int, OrderWish] = {}
        self.open: dict[int, LocalOrder] = {}
        self.ended: dict[int, LocalOrder] = {}
        self.fills: deque[LocalFill] = deque(maxlen=ENDED_KEPT)

    def expect(self, number: int, wish: OrderWish) -> None:
        """Notes what the order of this number is, before the matching tells of it."""
        self._wishes[number] = wish

    def forget(self, number: int) -> None:
        """The order of this number was refused."""
        self._wishes.pop(number, None)

    def find(self, number: int) -> LocalOrder | None:
        """Returns an order that can still be asked for."""
        found = self.open.get(number) or self.ended.get(number)
        return found if found is not None and self.is_remembered(found) else None

    def is_remembered(self, order: LocalOrder) -> bool:
        """Says whether the venue still answers for it."""
        return order.is_open or self._keeps_unfilled or bool(order.filled)

    def remembered(self) -> list[LocalOrder]:
        """Returns the ended orders that can still be asked for, newest first."""
        return [order for order in reversed(self.ended.values()) if self.is_remembered(order)]

    def update(self, order: Order, instrument: Instrument) -> tuple[Change, LocalOrder] | None:
        """Takes the matching's news of an order; None where a client would see nothing new in it."""
        number = self._number(order.client_order_id)
        known = self.open.get(number)
        if known is None:
            if order.client_order_id in self._made:
                self._wishes[number] = _wish_of(order)
            wish = self._wishes.pop(number, None)
            if wish is None:
                return None
            known = self.open[number] = _new_order(number, wish, order, instrument)
            return Change.PUT, known
        quantity = known.quantity if known.is_quote else order.quantity
        changed = msgspec.structs.replace(
            known, price=order.price, quantity=quantity, status=order.status, reason=order.reason,
            ts_event=order.ts_event,
        )  # fmt: skip
        if not changed.is_open:
            del self.open[number]
            self._end(changed)
            return Change.FINISH, changed
        self.open[number] = changed
        is_amended = changed.price != known.price or changed.quantity != known.quantity
        return (Change.UPDATE, changed) if is_amended else None

    def fill(self, fill: Fill) -> tuple[LocalFill, LocalOrder]:
        """Books a fill and returns it with its order as it then is."""
        number = self._number(fill.client_order_id)
        order = self.open[number]
        local = LocalFill(
            trade_id=int(fill.trade_id), order_id=number, client_id=order.client_id, account=order.account,
            instrument=fill.instrument, side=fill.side, price=fill.price, quantity=fill.quantity, fee=fill.fee,
            fee_currency=fill.fee_currency, liquidity=fill.liquidity, ts_event=fill.ts_event,
        )  # fmt: skip
        self.fills.append(local)
        changed = msgspec.structs.replace(
            order, filled=order.filled + local.quantity, filled_value=order.filled_value + local.value,
            fee=order.fee + local.fee, fee_currency=local.fee_currency, last_fill=local, ts_event=local.ts_event,
        )  # fmt: skip
        self.open[number] = changed
        return local, changed

    def _number(self, name: str) -> int:
        if name.isdecimal():
            return int(name)
        if name not in self._made:
            self._made[name] = self._numbers()
        return self._made[name]

    def _end(self, order: LocalOrder) -> None:
        if len(self.ended) >= ENDED_KEPT:
            del self.ended[next(iter(self.ended))]
        self.ended[order.id] = order


def chosen(
    found: Iterable[_Kind],
    accounts: Collection[int] | None,
    symbol: str,
    side: Side | None,
    client_id: str,
) -> list[_Kind]:
    """Returns those of the given accounts (None: all), symbol, side and client id (empty or None: any)."""
    return [
        one
        for one in found
        if (accounts is None or one.account in accounts)
        and symbol in ("", one.instrument.symbol)
        and side in (None, one.side)
        and client_id in ("", one.client_id)
    ]


def _wish_of(order: Order) -> OrderWish:
    return OrderWish(
        symbol=order.instrument.symbol, side=order.side, type=order.type, quantity=order.quantity,
        price=order.price, reduce_only=order.reduce_only, source="exchange", is_foreign=True,
    )  # fmt: skip


def _new_order(number: int, wish: OrderWish, order: Order, instrument: Instrument) -> LocalOrder:
    return LocalOrder(
        id=number,
        account=wish.account,
        instrument=instrument.id,
        client_id=wish.client_id,
        side=wish.side,
        type=wish.type,
        quantity=wish.quantity,
        is_quote=wish.is_quote,
        price=wish.price,
        time_in_force=wish.time_in_force,
        post_only=wish.post_only,
        is_hidden=wish.is_hidden,
        source=wish.source,
        stop_id=wish.stop_id,
        is_foreign=wish.is_foreign,
        maker_rate=instrument.maker_fee,
        taker_rate=instrument.taker_fee,
        fee_currency=instrument.settle,
        status=order.status,
        ts_created=order.ts_created,
        ts_event=order.ts_event,
    )
