"""Collects what has happened, and what has changed more than once in one action only once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from venues.events import BalanceUpdate, Event, FillUpdate, Notice, OrderUpdate, PositionUpdate
from venues.model import Balance, Fill, InstrumentId, Position
from venues.paper.market import Market
from venues.paper.orders import PaperOrder, Trader


class Outbox:
    """The events since the last drain. Private ones are those of one owner, `trader`."""

    __slots__ = (
        "_balances",
        "_currencies",
        "_notices",
        "_orders",
        "_positions",
        "_told",
        "events",
        "trader",
        "venue",
    )

    def __init__(self, venue: str, trader: str) -> None:
        self.venue = venue
        self.trader = trader
        self.events: list[Event] = []
        self._orders: dict[int, PaperOrder] = {}
        self._positions: dict[InstrumentId, None] = {}
        self._currencies: dict[str, None] = {}
        self._notices: list[Notice] = []
        self._balances: dict[str, Balance] = {}  # as told last, so that only changes are told
        self._told: dict[InstrumentId, Position] = {}

    @property
    def has_private(self) -> bool:
        return bool(self._orders or self._positions or self._currencies or self._notices)

    def accepted(self, order: PaperOrder) -> None:
        """Tells of a new order at once, so that it comes before its fills."""
        if order.owner == self.trader:
            self.events.append(OrderUpdate(order.to_order()))

    def order(self, order: PaperOrder) -> None:
        if order.owner == self.trader:
            self._orders[order.number] = order

    def fill(self, owner: str, fill: Fill) -> None:
        if owner == self.trader:
            self.events.append(FillUpdate(fill))

    def money(self, owner: str, market: Market) -> None:
        """Notes that the balances and the position of `owner` in this market may have changed."""
        if owner != self.trader:
            return
        instrument = market.instrument
        if instrument.is_perpetual:
            self._positions[market.id] = None
            self._currencies[instrument.settle] = None
        else:
            self._currencies[instrument.quote] = None
            self._currencies[instrument.base] = None

    def notice(self, owner: str, text: str, now: int, *, is_alarm: bool = False) -> None:
        if owner == self.trader:
            self._notices.append(Notice(self.venue, text, is_alarm, now))

    def flush(self, markets: Iterable[Market], trader: Callable[[], Trader], now: int) -> None:
        """Ends an action: book deltas first, then orders, positions, balances and notices."""
        events = self.events
        for market in markets:
            if market.engine.is_touched:
                events.append(market.take_delta(now))
        if not self.has_private:
            return
        account = trader().account
        for order in self._orders.values():
            events.append(OrderUpdate(order.to_order()))
        for name in self._positions:
            position = account.position(name)
            if position is not None and position != self._told.get(name):
                self._told[name] = position
                events.append(PositionUpdate(position))
        changed: list[Balance] = []
        for currency in self._currencies:
            balance = account.balance(currency)
            if balance != self._balances.get(currency):
                self._balances[currency] = balance
                changed.append(balance)
        if changed:
            events.append(BalanceUpdate(self.venue, tuple(changed), now))
        events.extend(self._notices)
        self._orders.clear()
        self._positions.clear()
        self._currencies.clear()
        self._notices.clear()
