"""The venue-neutral local exchange: money, orders and what its listeners are told, under everything at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.venues.simulators.coinex_rest import SYMBOLS, TurnedClock, limit_wish, make_simulator
from venues.errors import InsufficientFunds, OrderError, OrderNotFound, OrderRejected, VenueError
from venues.events import BookDelta, PositionUpdate, Trade
from venues.model import MarginMode, OrderStatus, OrderType, Side, TimeInForce
from venues.paper.instruments import listings as paper_listings
from venues.simulators.coinex.markets import DAY_RATE, DEPOSITS
from venues.simulators.core import LocalExchange
from venues.simulators.orders import (
    BalancesChanged,
    Change,
    Filled,
    LocalEvent,
    LocalOrder,
    OrderChanged,
    OrderWish,
    StopChanged,
    StopStatus,
)
from venues.simulators.pulse import Pulse

D = Decimal


class Diary:
    """A listener that keeps what it is told, and rebuilds orders and balances from it."""

    def __init__(self, market: LocalExchange) -> None:
        self.events: list[LocalEvent] = []
        self.orders: dict[int, LocalOrder] = {}
        self.balances: dict[tuple[int, str], tuple[Decimal, Decimal]] = {}
        self.stop = market.listen(self.take)

    def take(self, events: Sequence[LocalEvent]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, OrderChanged):
                assert (event.change is Change.PUT) is (event.order.id not in self.orders)
                assert (event.change is Change.FINISH) is not event.order.is_open
                self.orders[event.order.id] = event.order
            elif isinstance(event, BalancesChanged):
                for balance in event.balances:
                    self.balances[event.account, balance.currency] = balance.available, balance.locked

    def changes(self) -> list[Change]:
        return [event.change for event in self.events if isinstance(event, OrderChanged)]


def quiet_market() -> LocalExchange:
    market = make_simulator(TurnedClock(), symbols=("BTCUSDT",)).market
    for act in (
        {"do": "clear"},
        {"do": "quote", "side": "buy", "price": "60000", "quantity": "2"},
        {"do": "quote", "side": "sell", "price": "60010", "quantity": "2"},
    ):
        market.act({"symbol": "BTCUSDT", **act})
    return market


@pytest.mark.parametrize("seed", range(6))
def test_money_is_conserved_and_everything_is_told_under_random_trading(seed: int) -> None:
    clock = TurnedClock()
    market = make_simulator(clock, rate=500, seed=seed).market
    diary, rng = Diary(market), random.Random(seed)
    assert isinstance(market.life, Pulse)
    refused = 0
    for step in range(400):
        clock.turn(rng.choice((0.01, 0.05, 0.3)))
        market.life.step()
        try:
            _act_at_random(market, rng)
        except VenueError:
            refused += 1
        if step % 20 == 0:
            _check(market, diary)
    _check(market, diary)
    assert refused < 250
    assert len(market.records.fills) > 20
    assert any(fill.account for fill in market.records.fills), "the margin account has traded too"
    assert any(stop.status is StopStatus.TRIGGERED for stop in market.stops.ended.values())


def _act_at_random(market: LocalExchange, rng: random.Random) -> None:
    symbol = rng.choice(SYMBOLS)
    account = rng.choice((0, 0, {"BTCUSDT": 2, "ETHUSDT": 1}.get(symbol, 0)))
    tick, last = market.instruments[symbol].tick_size, market.last(symbol)
    price = (last * D(rng.randint(980, 1020)) / 1000 // tick + 1) * tick
    side = rng.choice((Side.BUY, Side.SELL))
    amount = (D(rng.randint(20, 400)) / last).quantize(D("1e-8")) + market.instruments[symbol].min_quantity
    wish = limit_wish(
        symbol, side, str(amount), str(price), account=account, client_id=rng.choice(("", "a", "b")),
        time_in_force=rng.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)),
    )  # fmt: skip
    choice = rng.random()
    open_orders = market.open_orders()
    if choice < 0.35:
        market.place(wish)
    elif choice < 0.5:
        is_quote = rng.random() < 0.5
        quantity = D(rng.randint(10, 500)) if is_quote else amount
        market.place(
            OrderWish(
                symbol=symbol,
                side=side,
                type=OrderType.MARKET,
                quantity=quantity,
                is_quote=is_quote,
                account=account,
            )
        )
    elif choice < 0.65:
        market.place_stop(wish, (last * D(rng.randint(9990, 10010)) / 10000 // tick) * tick)
    elif choice < 0.75 and open_orders:
        market.amend(rng.choice(open_orders).id, price=price)
    elif choice < 0.8 and open_orders:
        market.amend(rng.choice(open_orders).id, quantity=amount)
    elif choice < 0.9 and open_orders:
        market.cancel(rng.choice(open_orders).id)
    elif choice < 0.95 and account:
        market.accounts.transfer(0, account, "USDT", D(rng.randint(1, 2000)), market.now)
        market.settle()
    elif account:
        loans, now = market.accounts.loans, market.now
        loans.borrow(account, "USDT", D(rng.randint(1, 99)), day_rate=DAY_RATE, is_renewed=False, now=now)
        loans.repay(account, "USDT", loans.debt(account, "USDT", now).interest, loan_id=None, now=now)
        market.settle()


def _check(market: LocalExchange, diary: Diary) -> None:
    sums = market.paper.sums()
    assert {currency: total for currency, total in sums.items() if total} == dict(DEPOSITS)
    for account in market.accounts.numbers:
        for balance in market.balances(account):
            assert balance.available >= 0 and balance.locked >= 0
            assert diary.balances.get((account, balance.currency), (balance.available, balance.locked)) == (
                balance.available,
                balance.locked,
            )
    for order in (*market.records.open.values(), *market.records.ended.values()):
        assert diary.orders[order.id] == order
        fills = [fill for fill in market.records.fills if fill.order_id == order.id]
        assert order.filled == sum(fill.quantity for fill in fills)
        assert order.filled_value == sum(fill.value for fill in fills)
        assert order.fee == sum(fill.fee for fill in fills)
        for fill in fills:
            rate = order.maker_rate if fill.liquidity == "maker" else order.taker_rate
            assert abs(fill.fee - fill.value * rate) <= D("1e-12")
    _check_holds(market)


def _check_holds(market: LocalExchange) -> None:
    for symbol, instrument in market.instruments.items():
        del symbol
        base = sum(
            (
                one.left
                for one in market.records.open.values()
                if one.side is Side.SELL and one.instrument == instrument.id
            ),
            D(0),
        )
        assert base == sum(market.balance(account, instrument.base).locked for account in market.accounts.numbers)


def test_the_same_seed_gives_the_same_market() -> None:
    told: list[list[LocalEvent]] = []
    for seed in (3, 3, 4):
        clock = TurnedClock()
        market = make_simulator(clock, rate=500, seed=seed).market
        diary = Diary(market)
        assert isinstance(market.life, Pulse)
        clock.turn(1)
        while market.life.step() == 0.0:
            pass
        told.append(diary.events)
    assert told[0] == told[1] != told[2]
    assert sum(isinstance(event, BookDelta) for event in told[0]) > 300
    assert any(isinstance(event, Trade) for event in told[0])


def test_a_listener_hears_put_updates_and_finish_with_the_fills_between() -> None:
    market = quiet_market()
    diary = Diary(market)
    order = market.place(limit_wish("BTCUSDT", Side.SELL, "0.3", "60005", client_id="x"))
    market.act({"do": "trade", "symbol": "BTCUSDT", "side": "buy", "quantity": "0.1"})
    market.amend(order.id, quantity=D("0.25"))
    market.act({"do": "trade", "symbol": "BTCUSDT", "side": "buy", "quantity": "0.5"})
    assert diary.changes() == [Change.PUT, Change.UPDATE, Change.UPDATE, Change.FINISH]
    done = diary.orders[order.id]
    assert (done.status, done.filled, done.quantity, done.left) == (OrderStatus.FILLED, D("0.25"), D("0.25"), D(0))
    assert done.last_fill is not None and done.last_fill.quantity == D("0.15")
    kinds = [type(event) for event in diary.events if isinstance(event, (OrderChanged, Filled, BalancesChanged))]
    assert kinds[:2] == [OrderChanged, BalancesChanged]
    assert kinds.index(Filled) < kinds.index(OrderChanged, 2)
    diary.stop()
    diary.stop()
    heard = len(diary.events)
    market.cancel(market.place(limit_wish("BTCUSDT", Side.SELL, "0.3", "61000")).id)
    assert len(diary.events) == heard


def test_numbers_are_given_in_order_and_a_refused_order_takes_none() -> None:
    market = quiet_market()
    first = market.place(limit_wish("BTCUSDT", Side.BUY, "0.01", "30000"))
    with pytest.raises(InsufficientFunds):
        market.place(limit_wish("BTCUSDT", Side.BUY, "90", "30000"))
    with pytest.raises(OrderRejected):
        market.place_stop(limit_wish("BTCUSDT", Side.BUY, "90", "30000"), D("59000.001"))
    stop = market.place_stop(limit_wish("BTCUSDT", Side.BUY, "90", "30000"), D("59000"))
    second = market.place(limit_wish("BTCUSDT", Side.BUY, "0.01", "30000"))
    assert [stop.id, second.id] == [first.id + 1, first.id + 2]


def test_own_orders_do_not_trade_with_each_other() -> None:
    market = quiet_market()
    market.act({"do": "clear", "symbol": "BTCUSDT"})
    resting = market.place(limit_wish("BTCUSDT", Side.SELL, "0.1", "60000"))
    with pytest.raises(OrderRejected):
        market.place(
            OrderWish(symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=D(600), is_quote=True)
        )
    assert market.records.open == {resting.id: resting}
    crossing = market.place(limit_wish("BTCUSDT", Side.BUY, "0.1", "60000"))
    assert crossing.is_open
    with pytest.raises(OrderNotFound):
        market.open_order(resting.id)
    assert not market.records.fills


def test_a_stop_that_triggers_another_stop() -> None:
    market = quiet_market()
    diary = Diary(market)
    market.act({"do": "quote", "symbol": "BTCUSDT", "side": "sell", "price": "60020", "quantity": "1"})
    buy = OrderWish(symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=D("0.5"))
    market.act({"do": "trade", "symbol": "BTCUSDT", "side": "sell", "quantity": "0.1"})
    second = market.place_stop(buy, D("60020"))
    first = market.place_stop(buy, D("60010"))
    market.act({"do": "trade", "symbol": "BTCUSDT", "side": "buy", "quantity": "1.6"})
    ended = [
        event.stop for event in diary.events if isinstance(event, StopChanged) and event.change is Change.FINISH
    ]
    assert [stop.id for stop in ended] == [first.id, second.id]
    orders = [market.order(stop.order_id) for stop in ended]
    assert [order.stop_id for order in orders] == [first.id, second.id]
    assert all(order.status is OrderStatus.FILLED for order in orders)


def test_the_control_api_acts_as_somebody_elsewhere() -> None:
    market = quiet_market()
    placed = market.act(
        {"do": "place", "symbol": "BTCUSDT", "side": "buy", "type": "limit", "quantity": "0.01", "price": "50000"}
    )
    assert market.order(int(placed["id"])).is_foreign
    state = market.state()
    assert [row["id"] for row in state["orders"]] == [placed["id"]]
    assert state["orders"][0]["status"] == "new" and state["orders"][0]["client_id"] == ""
    assert state["books"]["BTCUSDT"]["bids"] == [["60000.00", "2.00000000"], ["50000.00", "0.01000000"]]
    assert state["balances"]["USDT"] == {"available": "99499.00000000", "frozen": "501.00000000"}
    market.act({"do": "cancel", "id": placed["id"]})
    assert [row["status"] for row in market.state()["orders"]] == ["canceled"]
    stop = market.place_stop(limit_wish("BTCUSDT", Side.BUY, "1", "30000"), D("59000"))
    assert market.act({"do": "cancel", "id": stop.id})["order"]["status"] == "canceled"
    foreign = market.act(
        {
            "do": "place",
            "symbol": "BTCUSDT",
            "side": "sell",
            "type": "market",
            "quantity": "0.1",
            "trigger": "59000",
        }
    )
    assert market.waiting_stop(int(foreign["id"])).wish.is_foreign
    taken = market.act({"do": "quote", "symbol": "BTCUSDT", "side": "buy", "price": "60010", "quantity": "2"})
    assert taken["rests"] is False
    assert (
        market.act({"do": "trade", "symbol": "BTCUSDT", "side": "buy", "quantity": "1"})["filled"] == "0.00000000"
    )
    assert market.act({"do": "notice", "text": "soon"}) == {}


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"do": "nonsense"},
        {"do": "cancel"},
        {"do": "cancel", "id": "1"},
        {"do": "quote", "symbol": "NOSUCH", "side": "buy", "price": "1", "quantity": "1"},
        {"do": "quote", "symbol": "BTCUSDT", "side": "up", "price": "1", "quantity": "1"},
        {"do": "quote", "symbol": "BTCUSDT", "side": "buy", "price": "0.001", "quantity": "1"},
        {"do": "trade", "symbol": "BTCUSDT", "side": "buy", "quantity": "NaN"},
        {"do": "place", "symbol": "BTCUSDT", "side": "buy", "quantity": "10", "price": "60000000"},
        {"do": "place", "symbol": "BTCUSDT", "side": "buy", "quantity": "-1", "price": "1"},
        {"do": "fund", "currency": 1, "amount": "1"},
        {"do": "fund", "currency": "USDT", "amount": "1", "account": [1]},
        {"do": "notice", "lasts": "soon"},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_in_words(wish: dict[str, object]) -> None:
    market = quiet_market()
    before = market.state()
    with pytest.raises(ValueError, match=r"\w"):
        market.act(wish)
    assert market.state() == before


def test_orders_that_end_unfilled_are_kept_where_the_venue_keeps_them() -> None:
    market = quiet_market()
    order = market.place(limit_wish("BTCUSDT", Side.BUY, "0.01", "30000"))
    market.cancel(order.id)
    with pytest.raises(OrderError):
        market.order(order.id)
    market.records._keeps_unfilled = True
    assert market.order(order.id).status is OrderStatus.CANCELED
    assert [one.id for one in market.finished_orders()] == [order.id]


def test_what_the_exchange_does_by_itself_is_told_like_any_order() -> None:
    """On a perpetual: a liquidation is an order with a number of its own."""
    clock = TurnedClock()
    perpetual = next(one for one in paper_listings() if one.instrument.is_perpetual)
    market = LocalExchange((perpetual,), venue="paper", clock=clock, deposits={"USDT": D(1000)}, rate=0)
    diary, name = Diary(market), perpetual.id
    market.paper.set_leverage("trader", name, D(50), MarginMode.ISOLATED)
    order = market.place(OrderWish(symbol=name.symbol, side=Side.BUY, type=OrderType.MARKET, quantity=D("0.1")))
    assert order.status is OrderStatus.FILLED
    low = perpetual.opening_price * D("0.8")
    market.act({"do": "clear", "symbol": name.symbol})
    market.act({"do": "quote", "symbol": name.symbol, "side": "buy", "price": str(low // 1), "quantity": "1"})
    market.act({"do": "quote", "symbol": name.symbol, "side": "sell", "price": str(low // 1 + 1), "quantity": "1"})
    market.paper.set_index(name, low)
    market.settle()
    forced = diary.orders[order.id + 1]
    assert forced.is_foreign and forced.source == "exchange" and forced.reason == "liquidation"
    assert (forced.status, forced.filled, forced.side) == (OrderStatus.FILLED, D("0.1"), Side.SELL)
    assert [event.position.quantity for event in diary.events if isinstance(event, PositionUpdate)] == [
        D("0.1"),
        D(0),
    ]
    assert market.paper.sums()["USDT"] == D(1000)
