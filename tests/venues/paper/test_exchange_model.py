"""Exchange and accounts under random trading: money, locks, positions, books; and the same again byte by byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.venues.paper.exchange_setup import ETH_PERP, ME, PERP, SPOT, D, amend_request, exchange, request
from venues.errors import OrderNotFound, OrderRejected
from venues.events import BookDelta, Event, FillUpdate
from venues.model import Fill, InstrumentId, MarginMode, OrderType, Side, TimeInForce
from venues.paper.exchange import PaperExchange

OWNERS = st.sampled_from([ME, "other"])
MARKETS = st.sampled_from([SPOT, PERP, PERP, ETH_PERP])
SIDES = st.sampled_from(list(Side))
PRICES = st.integers(185, 215).map(lambda ticks: ticks * D("0.5"))
QUANTITIES = st.integers(1, 900).map(lambda lots: lots * D("0.01"))
RARELY = st.sampled_from([False, False, False, True])
LEVERAGES = st.sampled_from([None, D(1), D(10), D(50)])
DEPOSITS = {owner: {"USDT": D(800), "BTC": D(20)} for owner in (ME, "other")}

Call = Callable[[PaperExchange], object]


def attempt(paper: PaperExchange, call: Call) -> None:
    """A refusal is fine: what it must not do is change anything, which the invariants see."""
    try:
        call(paper)
    except (OrderRejected, OrderNotFound):
        return


class ExchangeModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.paper = exchange(deposits=DEPOSITS)
        self.sums = self.paper.sums()
        self.number = 0
        self.flow: list[int] = []
        self.seen = {ME: 0, "other": 0}
        self.net: dict[tuple[str, InstrumentId], Decimal] = defaultdict(Decimal)
        self.books: dict[InstrumentId, tuple[int, dict[str, str], dict[str, str]]] = {}

    @initialize()
    def open_markets(self) -> None:
        for market in (SPOT, PERP, ETH_PERP):
            for distance in (D("2.5"), D("4.5"), D("6.5")):
                for side in Side:
                    self.flow_limit(market, side, 100 - side.sign * distance, D(50))
            if market != SPOT:
                self.index(market, D(100))

    def do(self, call: Call) -> None:
        self.calls.append(call)
        attempt(self.paper, call)

    @rule(market=MARKETS, side=SIDES, price=PRICES, quantity=QUANTITIES)
    def flow_limit(self, market: InstrumentId, side: Side, price: Decimal, quantity: Decimal) -> None:
        self.do(lambda paper: self.flow.append(paper.flow_limit(market, side, price, quantity)))

    @rule(market=MARKETS, middle=st.integers(185, 215))
    def quote(self, market: InstrumentId, middle: int) -> None:
        for side in Side:
            self.flow_limit(market, side, (middle - side.sign) * D("0.5"), D(50))
        if market != SPOT:
            self.index(market, middle * D("0.5"))

    @rule(market=MARKETS, side=SIDES, quantity=QUANTITIES)
    def flow_market(self, market: InstrumentId, side: Side, quantity: Decimal) -> None:
        self.do(lambda paper: paper.flow_market(market, side, quantity))

    @rule(pick=st.integers(0, 10_000))
    def flow_cancel(self, pick: int) -> None:
        if self.flow:
            number = self.flow[pick % len(self.flow)]
            self.do(lambda paper: paper.flow_cancel(number))

    @rule(market=st.sampled_from([PERP, ETH_PERP]), price=PRICES)
    def index(self, market: InstrumentId, price: Decimal) -> None:
        self.do(lambda paper: paper.set_index(market, price))

    @rule(seconds=st.sampled_from([0.4, 1, 3_600, 40_000]))
    def advance(self, seconds: float) -> None:
        self.do(lambda paper: paper.advance(paper.now + int(seconds * 1e9)))

    @rule(
        owner=OWNERS,
        market=MARKETS,
        side=SIDES,
        price=PRICES,
        quantity=QUANTITIES,
        kind=st.sampled_from(["limit", "limit", "post-only", "ioc", "fok"]),
        leverage=LEVERAGES,
        mode=st.sampled_from([None, None, None, *MarginMode]),
        is_reducing=RARELY,
        exits=RARELY,
    )
    def limit(
        self,
        owner: str,
        market: InstrumentId,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        kind: str,
        leverage: Decimal | None,
        mode: MarginMode | None,
        is_reducing: bool,
        exits: bool,
    ) -> None:
        fields: dict[str, Any] = {"price": price, "type": OrderType.LIMIT}
        fields["post_only"] = kind == "post-only"
        if kind in ("ioc", "fok"):
            fields["time_in_force"] = TimeInForce(kind)
        if market != SPOT:
            fields |= {"leverage": leverage, "margin_mode": mode, "reduce_only": is_reducing}
            if exits and not is_reducing:
                fields |= {"take_profit": price + 2 * side.sign, "stop_loss": price - 3 * side.sign}
        self.submit(owner, market, side, quantity, fields)

    @rule(owner=OWNERS, market=MARKETS, side=SIDES, quantity=QUANTITIES, is_reducing=RARELY)
    def market(self, owner: str, market: InstrumentId, side: Side, quantity: Decimal, is_reducing: bool) -> None:
        self.submit(owner, market, side, quantity, {"reduce_only": is_reducing and market != SPOT})

    @rule(
        owner=OWNERS,
        market=MARKETS,
        side=SIDES,
        quantity=QUANTITIES,
        kind=st.sampled_from([kind for kind in OrderType if kind.has_trigger]),
        trigger=PRICES,
        price=PRICES,
        is_reducing=RARELY,
    )
    def triggered(
        self,
        owner: str,
        market: InstrumentId,
        side: Side,
        quantity: Decimal,
        kind: OrderType,
        trigger: Decimal,
        price: Decimal,
        is_reducing: bool,
    ) -> None:
        fields = {"type": kind, "trigger_price": trigger, "reduce_only": is_reducing and market != SPOT}
        self.submit(owner, market, side, quantity, fields | {"price": price if kind.has_price else None})

    def submit(
        self, owner: str, market: InstrumentId, side: Side, quantity: Decimal, fields: dict[str, Any]
    ) -> None:
        self.number += 1
        body = request(f"c{self.number}", side, str(quantity), instrument=market, **fields)
        self.do(lambda paper: paper.submit(owner, body))
        if body.post_only:
            took = [f for f in self.paper.fills(owner) if f.client_order_id == body.client_order_id]
            assert took == [], "a post-only order has taken"
        if body.time_in_force is TimeInForce.FOK:
            filled = sum(f.quantity for f in self.paper.fills(owner) if f.client_order_id == body.client_order_id)
            assert filled in (0, quantity) or body.reduce_only

    @rule(owner=OWNERS, pick=st.integers(0, 10_000), price=PRICES, quantity=QUANTITIES, what=st.integers(1, 3))
    def amend(self, owner: str, pick: int, price: Decimal, quantity: Decimal, what: int) -> None:
        found = self.paper.open_orders(owner)
        if found:
            order = found[pick % len(found)]
            changes: dict[str, Any] = {
                "price": price if what & 1 else None,
                "quantity": quantity if what & 2 else None,
            }
            body = amend_request(order.client_order_id, instrument=order.instrument, **changes)
            self.do(lambda paper: paper.amend(owner, body))

    @rule(owner=OWNERS, market=st.sampled_from([None, SPOT, PERP]), side=st.sampled_from([None, *Side]))
    def cancel_all(self, owner: str, market: InstrumentId | None, side: Side | None) -> None:
        self.do(lambda paper: paper.cancel_all(owner, market, side))

    @invariant()
    def money_is_conserved(self) -> None:
        assert self.paper.sums() == self.sums

    @invariant()
    def locks_are_right(self) -> None:
        for owner in (ME, "other"):
            account, open_orders = self.paper.account(owner), self.paper.open_orders(owner)
            for balance in account.balances():
                assert balance.locked >= 0
                assert balance.total == balance.available + balance.locked
                if not open_orders and not account.positions():
                    assert balance.locked == 0
                if balance.available < 0:
                    assert balance.currency == "USDT"
                    assert account.positions(), "only an open position can have lost what is locked"
                    assert not [o for o in self.resting(owner) if o.instrument != SPOT or o.side is Side.BUY]
            if not account.positions():
                assert account.total("USDT") >= 0

    def resting(self, owner: str) -> list[Any]:
        found = self.paper.open_orders(owner)
        return [o for o in found if not o.reduce_only and (o.is_triggered or not o.type.has_trigger)]

    @invariant()
    def positions_are_the_sum_of_the_fills(self) -> None:
        for owner in (ME, "other"):
            fills = self.paper.fills(owner)
            for fill in fills[self.seen[owner] :]:
                self.check_fill(owner, fill)
            self.seen[owner] = len(fills)
            held = {position.instrument: position.quantity for position in self.paper.positions(owner)}
            for market in (PERP, ETH_PERP):
                assert held.get(market, 0) == self.net[owner, market]

    def check_fill(self, owner: str, fill: Fill) -> None:
        key = owner, fill.instrument
        before, change = self.net[key], fill.side.sign * fill.quantity
        self.net[key] = before + change
        order = self.paper.order(owner, fill.instrument, fill.client_order_id)
        assert order.filled_quantity <= order.quantity
        if order.reduce_only:
            assert before * change < 0
            assert abs(change) <= abs(before), "a reduce-only order has flipped the position"
        if fill.client_order_id.startswith("liq"):
            assert self.net[key] == 0, "a liquidation closes the position"

    @invariant()
    def reduce_only_orders_fit_the_position(self) -> None:
        for owner in (ME, "other"):
            for order in self.paper.open_orders(owner):
                if order.reduce_only:
                    assert order.remaining <= -self.net[owner, order.instrument] * order.side.sign

    @invariant()
    def nothing_that_is_due_stays_open(self) -> None:
        for owner in (ME, "other"):
            account = self.paper.account(owner)
            assert not account.is_cross_due("USDT") or account.equity("USDT") > 0
            assert not any(account.is_isolated_due(market) for market in (PERP, ETH_PERP))

    @invariant()
    def deltas_give_the_book(self) -> None:
        events = self.paper.drain()
        self.events += events
        for event in events:
            if isinstance(event, BookDelta):
                sequence, bids, asks = self.books.setdefault(event.instrument, (0, {}, {}))
                assert event.previous == sequence
                for side, levels in ((bids, event.bids), (asks, event.asks)):
                    side.update(levels)
                    for price, quantity in levels:
                        if quantity == "0":
                            del side[price]
                self.books[event.instrument] = event.sequence, bids, asks
        for market, (sequence, bids, asks) in self.books.items():
            book = self.paper.snapshot(market, 1_000)
            assert (book.sequence, dict(book.bids), dict(book.asks)) == (sequence, bids, asks)
            if bids and asks:
                assert max(map(Decimal, bids)) < min(map(Decimal, asks)), "the book is crossed"

    def teardown(self) -> None:
        fills = [event.fill for event in self.events if isinstance(event, FillUpdate)]
        assert fills == list(self.paper.fills(ME)), "every fill was told, once and in order"
        again, events = exchange(deposits=DEPOSITS), []
        for call in self.calls:
            attempt(again, call)
            events += again.drain()
        assert msgspec.json.encode(events) == msgspec.json.encode(self.events)


TestExchangeModel = ExchangeModel.TestCase
TestExchangeModel.settings = settings(
    max_examples=250, stateful_step_count=50, deadline=None, database=None, derandomize=True
)
