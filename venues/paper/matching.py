"""One instrument's price-time book, in whole ticks and lots.

Prices and quantities are integers inside and `Decimal` at the edges, so that every sum is exact and nothing is
hashed but small integers. A new order is first *planned* (read only) and then *executed*: what was checked
against the plan (funds, fill-or-kill) is exactly what happens.

Self-trade prevention cancels the resting order ("cancel oldest"); the house may trade with itself.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeAlias

from venues.events import Level
from venues.model import Instrument
from venues.paper.ledger import HOUSE
from venues.rounding import is_multiple

_MAX_TEXTS = 2_048  # cached texts per instrument and kind, about 0.4 MB; then the cache starts anew


class RestingOrder:
    """An order in the book. `sign` is +1 for a buy; `lots` is what is still unfilled."""

    __slots__ = ("lots", "number", "owner", "reduce_only", "sign", "ticks")

    def __init__(
        self, number: int, owner: str, sign: int, ticks: int, lots: int, reduce_only: bool = False
    ) -> None:
        self.number = number
        self.owner = owner
        self.sign = sign
        self.ticks = ticks
        self.lots = lots
        self.reduce_only = reduce_only


class PriceLevel:
    """All orders at one price, first come first served, and the sum of their lots."""

    __slots__ = ("lots", "orders")

    def __init__(self) -> None:
        self.lots = 0
        self.orders: dict[int, RestingOrder] = {}


class BookSide:
    """One side of the book. `keys` ascend to the best price: ticks for bids, negated ticks for asks."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, PriceLevel] = {}

    def best(self) -> int | None:
        """Returns the best price in ticks."""
        return self.keys[-1] * self.sign if self.keys else None


class Plan:
    """What an incoming order would do now. `value` is the sum of ticks times lots."""

    __slots__ = ("cancels", "fills", "lots", "value")

    def __init__(self) -> None:
        self.fills: list[tuple[RestingOrder, int]] = []
        self.cancels: list[RestingOrder] = []  # own orders in the way
        self.lots = 0
        self.value = 0


Closable: TypeAlias = Callable[[str, int], int]
"""(owner, sign of an order) -> how many lots of the owner's position such an order can still reduce."""


def _nothing_closable(_owner: str, _sign: int) -> int:
    return 0


class MatchingEngine:
    """The book of one instrument.

    `closable` is asked only when a trader's resting order is met, so that one sweep can not flip a position.
    """

    __slots__ = (
        "_closable",
        "_price_texts",
        "_quantity_texts",
        "_touched",
        "asks",
        "bids",
        "instrument",
        "last_ticks",
        "lot_size",
        "orders",
        "tick_size",
    )

    def __init__(self, instrument: Instrument, closable: Closable | None = None) -> None:
        self.instrument = instrument
        self.tick_size = instrument.tick_size
        self.lot_size = instrument.lot_size
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.orders: dict[int, RestingOrder] = {}
        self.last_ticks: int | None = None
        self._closable = closable or _nothing_closable
        self._touched: dict[int, None] = {}  # signed ticks of changed levels: positive bids, negative asks
        self._price_texts: dict[int, str] = {}
        self._quantity_texts: dict[int, str] = {}

    def ticks(self, price: Decimal) -> int:
        """Raises ValueError where `price` is not a positive multiple of the tick size."""
        if price <= 0 or not is_multiple(price, self.tick_size):
            raise ValueError(f"price must be a multiple of {self.tick_size:f}")
        return int(price / self.tick_size)

    def lots(self, quantity: Decimal) -> int:
        """Raises ValueError where `quantity` is not a positive multiple of the lot size."""
        if quantity <= 0 or not is_multiple(quantity, self.lot_size):
            raise ValueError(f"size must be a multiple of {self.lot_size:f} {self.instrument.base}")
        return int(quantity / self.lot_size)

    def price(self, ticks: int) -> Decimal:
        return ticks * self.tick_size

    def quantity(self, lots: int) -> Decimal:
        return lots * self.lot_size

    def value(self, plan_value: int) -> Decimal:
        """Returns a sum of ticks times lots in the quote currency."""
        return plan_value * self.tick_size * self.lot_size

    def side(self, sign: int) -> BookSide:
        return self.bids if sign > 0 else self.asks

    def best(self, sign: int) -> int | None:
        """Returns the best price in ticks of the bids (+1) or the asks (-1)."""
        return (self.bids if sign > 0 else self.asks).best()

    def crosses(self, sign: int, ticks: int) -> bool:
        """Says whether an order at this price would take."""
        best = self.best(-sign)
        return best is not None and (ticks - best) * sign >= 0

    def protected(self, sign: int, protection: Decimal) -> int | None:
        """Returns the worst price of a market order, in ticks, or None where there is nothing to trade with.

        It is the best opposite price, moved by the fraction `protection` and rounded towards the market.
        """
        best = self.best(-sign)
        if best is None:
            return None
        bound = best * (1 + sign * protection)
        return int(bound.to_integral_value(ROUND_FLOOR if sign > 0 else ROUND_CEILING))

    def plan(self, owner: str, sign: int, limit: int, lots: int) -> Plan:
        """Returns what an order would take now, up to the price `limit`; nothing is changed."""
        plan = Plan()
        opposite = self.asks if sign > 0 else self.bids
        levels, left = opposite.levels, lots
        closable: dict[str, int] = {}
        for key in reversed(opposite.keys):
            ticks = key if sign < 0 else -key
            if (limit - ticks) * sign < 0:
                break
            for maker in levels[ticks].orders.values():
                if maker.owner == HOUSE:
                    lots_here = maker.lots
                elif maker.owner == owner:
                    plan.cancels.append(maker)
                    continue
                else:
                    lots_here = self._maker_lots(maker, left, closable)
                if lots_here > left:
                    lots_here = left
                if lots_here > 0:
                    plan.fills.append((maker, lots_here))
                    plan.value += ticks * lots_here
                    left -= lots_here
                    if not left:
                        plan.lots = lots
                        return plan
        plan.lots = lots - left
        return plan

    def _maker_lots(self, maker: RestingOrder, left: int, closable: dict[str, int]) -> int:
        """Returns what a trader's resting order can give, the fills planned before it taken into account."""
        room = closable.get(maker.owner)
        if room is None:
            room = self._closable(maker.owner, maker.sign)
        lots = min(maker.lots, left)
        if maker.reduce_only:
            lots = max(0, min(lots, room))
        closable[maker.owner] = room - lots
        return lots

    def execute(self, plan: Plan) -> None:
        """Carries out a plan made on the book as it is now. Filled makers leave the book."""
        for own in plan.cancels:
            self.remove(own)
        for maker, lots in plan.fills:
            if lots == maker.lots:
                maker.lots = 0
                self._take_out(maker, lots)
            else:
                self.shrink(maker, maker.lots - lots)
            self.last_ticks = maker.ticks

    def rest(self, order: RestingOrder) -> None:
        """Puts an order behind all others at its price. It must not cross."""
        ticks = order.ticks
        side = self.bids if order.sign > 0 else self.asks
        level = side.levels.get(ticks)
        if level is None:
            level = side.levels[ticks] = PriceLevel()
            insort(side.keys, ticks * side.sign)
        level.orders[order.number] = order
        level.lots += order.lots
        self.orders[order.number] = order
        self._touched[ticks * side.sign] = None

    def remove(self, order: RestingOrder) -> None:
        """Takes an order out of the book; its `lots` stay what was unfilled."""
        self._take_out(order, order.lots)

    def _take_out(self, order: RestingOrder, lots: int) -> None:
        ticks = order.ticks
        side = self.bids if order.sign > 0 else self.asks
        level = side.levels[ticks]
        del level.orders[order.number]
        del self.orders[order.number]
        level.lots -= lots
        key = ticks * side.sign
        if not level.orders:
            del side.levels[ticks]
            keys = side.keys
            if keys[-1] == key:
                keys.pop()
            else:
                del keys[bisect_left(keys, key)]
        self._touched[key] = None

    def shrink(self, order: RestingOrder, lots: int) -> None:
        """Makes an order smaller, above zero; it keeps its place in the queue."""
        side = self.bids if order.sign > 0 else self.asks
        side.levels[order.ticks].lots -= order.lots - lots
        order.lots = lots
        self._touched[order.ticks * side.sign] = None

    def queue(self, sign: int, ticks: int) -> Iterator[RestingOrder]:
        """Yields the orders at one price, the next to be filled first."""
        level = self.side(sign).levels.get(ticks)
        return iter(level.orders.values()) if level else iter(())

    def depth(self, sign: int, count: int) -> tuple[Level, ...]:
        """Returns the `count` best levels as text, best first."""
        side = self.side(sign)
        return tuple(
            (self._price_text(key * sign), self._quantity_text(side.levels[key * sign].lots))
            for key in (side.keys[: -count - 1 : -1] if count > 0 else ())
        )

    @property
    def is_touched(self) -> bool:
        return bool(self._touched)

    def take_changes(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Returns the levels changed since the last call, bids and asks, each once and as they now stand."""
        bids: list[Level] = []
        asks: list[Level] = []
        for key in self._touched:
            if key > 0:
                level = self.bids.levels.get(key)
                bids.append((self._price_text(key), self._quantity_text(level.lots) if level else "0"))
            else:
                level = self.asks.levels.get(-key)
                asks.append((self._price_text(-key), self._quantity_text(level.lots) if level else "0"))
        self._touched.clear()
        return tuple(bids), tuple(asks)

    def _price_text(self, ticks: int) -> str:
        text = self._price_texts.get(ticks)
        if text is None:
            if len(self._price_texts) >= _MAX_TEXTS:
                self._price_texts.clear()
            text = self._price_texts[ticks] = f"{ticks * self.tick_size:f}"
        return text

    def _quantity_text(self, lots: int) -> str:
        text = self._quantity_texts.get(lots)
        if text is None:
            if len(self._quantity_texts) >= _MAX_TEXTS:
                self._quantity_texts.clear()
            text = self._quantity_texts[lots] = f"{lots * self.lot_size:f}"
        return text
