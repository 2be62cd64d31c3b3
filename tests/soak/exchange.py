"""What is true at one exchange: its books, and the orders, fills, position and balances of our account.

Synchronous and without faults: those are the wire's. Whatever happens is told to `tell`, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum, auto
from random import Random

import msgspec

from tests.soak.market import Market
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import DuplicateClientOrderId, OrderNotFound, OrderRejected
from venues.events import BalanceUpdate, Event, FillUpdate, OrderUpdate, PositionUpdate
from venues.model import (
    ZERO,
    Balance,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
)


class Kind(Enum):
    """What an exchange can tell of an order whose answer was lost."""

    BY_ID = auto()  # found by our own id, over or not
    SCANNING = auto()  # found only by reading lists and looking through them
    UNBOUNDED = auto()  # a request may arrive at any time, so that a miss proves nothing
    VANISHING = auto()  # an order that ended unfilled is not found any more


def instruments_of(venue: str) -> tuple[Instrument, ...]:
    """The same two symbols everywhere, so that whoever mixes up venues is found out."""
    maker, taker = Decimal("0.0002"), Decimal("0.0005")
    return (
        Instrument(
            id=InstrumentId(venue, "BTC-PERP"), name="BTC/USDT perp", kind=InstrumentKind.LINEAR_PERPETUAL,
            base="BTC", quote="USDT", settle="USDT", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"),
            min_quantity=Decimal("0.001"), max_leverage=Decimal(10), maker_fee=maker,
            taker_fee=taker,
        ),
        Instrument(
            id=InstrumentId(venue, "ETH-USDT"), name="ETH/USDT", kind=InstrumentKind.SPOT,
            base="ETH", quote="USDT", settle="USDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.01"),
            min_quantity=Decimal("0.01"), maker_fee=maker, taker_fee=taker,
        ),
    )  # fmt: skip


class Exchange:
    """One exchange with our account on it. `clock` is its own, in nanoseconds UTC."""

    def __init__(
        self, name: str, kind: Kind, clock: Callable[[], int], random: Random, tell: Callable[[Event], None]
    ) -> None:
        self.name = name
        self.kind = kind
        self.random = random
        self.markets = {one.id: Market(one, random) for one in instruments_of(name)}
        self.orders: dict[str, Order] = {}  # resting ones, and those that ended lately
        self.vanished: dict[str, Order] = {}  # what a VANISHING exchange does not show any more
        self.external: set[str] = set()  # ids of orders that were placed elsewhere
        self.fills: list[Fill] = []  # of late, oldest first
        self.positions: dict[InstrumentId, Position] = {}
        self.totals = {"USDT": Decimal(10_000_000), "ETH": Decimal(100_000)}
        self.sent_twice: list[str] = []
        self.count_orders = 0
        self.count_fills = 0
        self._resting: dict[str, Order] = {}
        self._clock = clock
        self._tell = tell
        self._ids: dict[str, str] = {}  # client order id -> venue order id
        self._ts = 0

    def now(self) -> int:
        return self._clock()

    def rests(self) -> list[Order]:
        return list(self._resting.values())

    def balances(self) -> list[Balance]:
        locked = dict.fromkeys(self.totals, ZERO)
        for order in self._resting.values():
            instrument = self.markets[order.instrument].instrument
            if not instrument.is_perpetual and order.price is not None:
                is_buy = order.side is Side.BUY
                held = order.remaining * order.price if is_buy else order.remaining
                locked[instrument.quote if is_buy else instrument.base] += held
        return [
            Balance(currency=currency, total=total, available=total - locked[currency], locked=locked[currency])
            for currency, total in self.totals.items()
        ]

    def find(self, client_order_id: str, venue_order_id: str) -> Order | None:
        return self.orders.get(venue_order_id or self._ids.get(client_order_id, ""))

    def is_placed(self, client_order_id: str) -> bool:
        """Says whether an order with this id was ever taken, as far back as is remembered."""
        return client_order_id in self._ids

    # What we, or others, ask for.

    def submit(self, request: OrderRequest, *, is_external: bool = False) -> Order:
        """Takes an order. Raises OrderRejected."""
        market, side = self.markets[request.instrument], request.side
        if request.client_order_id in self._ids:
            self.sent_twice.append(request.client_order_id)
            raise DuplicateClientOrderId(self.name, "this id was used before")
        quantity = request.quantity
        if request.reduce_only:
            held = self.positions.get(request.instrument)
            if held is None or held.quantity * side.sign >= 0:
                raise OrderRejected(self.name, "there is nothing to reduce")
            quantity = min(quantity, abs(held.quantity))
        self.count_orders += 1
        number = str(1_000 + self.count_orders)  # the same numbers on every exchange
        now = self._next_ts()
        is_nameless = is_external and self.random.random() < 0.5
        order = Order(
            instrument=request.instrument, venue_order_id=number, side=side, type=request.type,
            client_order_id="" if is_nameless else request.client_order_id, quantity=request.quantity,
            status=OrderStatus.NEW, price=request.price, time_in_force=request.time_in_force,
            post_only=request.post_only, reduce_only=request.reduce_only, ts_created=now, ts_event=now,
        )  # fmt: skip
        if order.client_order_id:
            self._ids[order.client_order_id] = number
        if is_external:
            self.external.add(number)
        self._put(order)
        price = market.touch(side)
        if order.type is OrderType.MARKET or (order.price is not None and _crosses(order, price)):
            parts = [quantity] if quantity <= market.instrument.lot_size else market.halves(quantity)
            for part in parts:
                self._fill(number, part, price, Liquidity.TAKER)
            if self.orders[number].is_open and order.type is OrderType.MARKET:
                self._end(number, OrderStatus.CANCELED, "nothing left to reduce")
        self._tell_balances()
        return self.orders[number]

    def cancel(self, request: CancelRequest) -> Order:
        """Raises OrderNotFound, for an order that is over too."""
        order = self._resting_one(request.client_order_id, request.venue_order_id)
        ended = self._end(order.venue_order_id, OrderStatus.CANCELED, "")
        self._tell_balances()
        return ended

    def cancel_all(self, instrument: InstrumentId | None, side: Side | None) -> list[Order]:
        targets = [o for o in self.rests() if instrument in (None, o.instrument) and side in (None, o.side)]
        ended = [self._end(order.venue_order_id, OrderStatus.CANCELED, "") for order in targets]
        self._tell_balances()
        return ended

    def amend(self, request: AmendRequest) -> Order:
        """Raises OrderNotFound, or OrderRejected where more is filled than is asked for."""
        before = self._resting_one(request.client_order_id, request.venue_order_id)
        quantity = request.quantity or before.quantity
        if quantity <= before.filled_quantity:
            raise OrderRejected(self.name, "more than that is filled")
        after = msgspec.structs.replace(
            before, price=request.price or before.price, quantity=quantity, ts_event=self._next_ts()
        )
        is_told = self.random.random() < 0.5  # else the answer says it, or the fill that follows
        self._put(after, is_told=is_told)
        price = self.markets[after.instrument].touch(after.side)
        if _crosses(after, price):
            self._fill(after.venue_order_id, after.remaining, price, Liquidity.TAKER)
        elif quantity > before.quantity and after.price is not None and self.random.random() < 0.3:
            # What trades at once is just as much as the order was for, which must not end it.
            self._fill(after.venue_order_id, before.remaining, after.price, Liquidity.MAKER)
        self._tell_balances()
        return self.orders[after.venue_order_id]

    def _resting_one(self, client_order_id: str, venue_order_id: str) -> Order:
        order = self._resting.get(venue_order_id or self._ids.get(client_order_id, ""))
        if order is None:
            raise OrderNotFound(self.name, "no such order")
        return order

    # What happens by itself.

    def trade(self) -> None:
        """Fills what the market has reached, now and then in parts, and lets others act on our account."""
        was_told = False
        for order in self.rests():
            market = self.markets[order.instrument]
            if order.price is not None and _crosses(order, market.touch(order.side)):
                parts = market.halves(order.remaining)
                self._fill(order.venue_order_id, self.random.choice(parts), order.price, Liquidity.MAKER)
                was_told = True
        dice = self.random.random()
        if dice < 0.02 and len(self.rests()) < 40:
            self._place_elsewhere()
        elif dice < 0.03 and self._resting:
            status = OrderStatus.EXPIRED if dice < 0.022 else OrderStatus.CANCELED
            self._end(self.random.choice(self.rests()).venue_order_id, status, "by the venue")
            was_told = True
        if was_told:
            self._tell_balances()

    def _place_elsewhere(self) -> None:
        market = self.random.choice(list(self.markets.values()))
        side = self.random.choice(list(Side))
        instrument = market.instrument
        self.submit(
            OrderRequest(
                instrument=instrument.id, client_order_id=f"other{self.count_orders}", side=side,
                type=OrderType.LIMIT, quantity=instrument.lot_size * self.random.randint(1, 40),
                price=market.price_near(side, self.random.randint(0, 12)),
            ),
            is_external=True,
        )  # fmt: skip

    def place_and_end(self, name: InstrumentId | None = None) -> None:
        """Has others place an order on our account that is over at once, in two fills; `name`: of this market."""
        turn = list(self.markets.values())[self.count_orders // 2 % 2]
        instrument = (self.markets[name] if name is not None else turn).instrument
        self.submit(
            OrderRequest(
                instrument=instrument.id, client_order_id=f"other{self.count_orders}", type=OrderType.MARKET,
                side=Side.BUY if self.count_orders % 2 else Side.SELL, quantity=instrument.lot_size * 2,
            ),
            is_external=True,
        )  # fmt: skip

    def forget(self, before: int) -> None:
        """Drops what ended before `before`, as exchanges do; nobody asks for it any more."""
        for kept in (self.orders, self.vanished):
            for number in [n for n, one in kept.items() if not one.is_open and one.ts_event < before]:
                self._ids.pop(kept.pop(number).client_order_id, None)
                self.external.discard(number)
        self.fills = [fill for fill in self.fills if fill.ts_event >= before]

    def _next_ts(self) -> int:
        self._ts = max(self._ts + 1, self._clock())
        return self._ts

    def _put(self, order: Order, *, is_told: bool = True) -> None:
        number = order.venue_order_id
        self.orders[number] = order
        if order.is_open:
            self._resting[number] = order
        else:
            self._resting.pop(number, None)
            if self.kind is Kind.VANISHING and not order.filled_quantity:
                self.vanished[number] = self.orders.pop(number)
        if is_told:
            self._tell(OrderUpdate(order))

    def _end(self, number: str, status: OrderStatus, reason: str) -> Order:
        ended = msgspec.structs.replace(
            self.orders[number], status=status, reason=reason, ts_event=self._next_ts()
        )
        self._put(ended)
        return ended

    def _fill(self, number: str, quantity: Decimal, price: Decimal, liquidity: Liquidity) -> None:
        before, ts = self.orders[number], self._next_ts()
        instrument = self.markets[before.instrument].instrument
        filled = before.filled_quantity + quantity
        paid = (before.average_price or ZERO) * before.filled_quantity + price * quantity
        is_whole = filled == before.quantity
        after = msgspec.structs.replace(
            before, filled_quantity=filled, average_price=paid / filled, ts_event=ts,
            status=OrderStatus.FILLED if is_whole else OrderStatus.PARTIALLY_FILLED,
        )  # fmt: skip
        is_fill_first = self.random.random() < 0.5  # two channels, and nobody says which is faster
        if not is_fill_first:
            self._put(after)
        self.count_fills += 1
        rate = instrument.maker_fee if liquidity is Liquidity.MAKER else instrument.taker_fee
        fee = price * quantity * rate
        pnl = ZERO
        self.totals["USDT"] -= fee
        if instrument.is_perpetual:
            pnl = self._move_position(instrument.id, quantity * before.side.sign, price, fee)
            self.totals["USDT"] += pnl
        else:
            self.totals[instrument.base] += quantity * before.side.sign
            self.totals[instrument.quote] -= quantity * price * before.side.sign
        fill = Fill(
            instrument=before.instrument, trade_id=f"t{self.count_fills}", client_order_id=before.client_order_id,
            venue_order_id=number, side=before.side, price=price, quantity=quantity, fee=fee,
            fee_currency="USDT", liquidity=liquidity, ts_event=ts, realized_pnl=pnl,
        )  # fmt: skip
        self.fills.append(fill)
        self._tell(FillUpdate(fill))
        if is_fill_first:
            self._put(after)

    def _move_position(self, name: InstrumentId, change: Decimal, price: Decimal, fee: Decimal) -> Decimal:
        ts = self._next_ts()
        before = self.positions.get(name)
        if before is None or not before.quantity:
            before = Position(instrument=name, quantity=ZERO, entry_price=price, ts_opened=ts)
        closed = min(abs(change), abs(before.quantity)) if before.quantity * change < 0 else ZERO
        sign = 1 if before.quantity > 0 else -1
        pnl = closed * (price - before.entry_price) * sign
        quantity = before.quantity + change
        entry = before.entry_price
        if not closed:
            entry = (abs(before.quantity) * entry + abs(change) * price) / abs(quantity)
        elif closed < abs(change):  # through zero, and out on the other side
            entry = price
        after = msgspec.structs.replace(
            before, quantity=quantity, entry_price=entry, realized_pnl=before.realized_pnl + pnl,
            fees=before.fees + fee, ts_event=ts,
        )  # fmt: skip
        if quantity:
            self.positions[name] = after
        else:
            self.positions.pop(name)
        self._tell(PositionUpdate(after))
        return pnl

    def _tell_balances(self) -> None:
        self._tell(BalanceUpdate(self.name, tuple(self.balances()), self._next_ts()))

    def move(self, name: InstrumentId, steps: int) -> Iterator[Event]:
        """Moves a market on, and yields what its feed says."""
        yield from self.markets[name].move(steps, self._next_ts())


def _crosses(order: Order, touch: Decimal) -> bool:
    if order.price is None:
        return False
    return order.price >= touch if order.side is Side.BUY else order.price <= touch
