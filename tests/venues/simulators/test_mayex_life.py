"""Mayex's simulator over a random day, and under parameters without sense: money adds up, nothing breaks."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.venues.simulators.coinex_rest import TurnedClock
from tests.venues.simulators.mayex_rig import ACCOUNT, BTC, ETH, KEY, ORDERS, SYMBOLS, Rig, rig, signature
from venues.errors import ConfigurationError
from venues.simulators.faults import Faults
from venues.simulators.mayex.exchange import MayexSimulator, create
from venues.simulators.mayex.params import Params
from venues.simulators.mayex.refusals import Refusal
from venues.simulators.mayex.rest import CALLS
from venues.simulators.mayex.tickets import OrderTold
from venues.simulators.port import SimulatorSettings
from venues.simulators.serving import serving

BY_PATH = {call.path: call for call in CALLS}
ACCOUNTS = "/order/v1/private/accounts"


def call(venue: MayexSimulator, path: str, **values: Any) -> Any:
    """Calls an endpoint past the wire; a refusal is answered with its code."""
    try:
        return BY_PATH[path].handle(venue, Params(values, venue.market.instruments))
    except Refusal as refusal:
        return refusal.code


def check(venue: MayexSimulator) -> None:
    """Money is what the bills say, holds are what positions and orders hold, and no position is overdrawn."""
    wallet = venue.wallet
    assert wallet.cash["USDT"] == 100_000 + sum((bill.amount for bill in wallet.bills), Decimal(0))
    purse = wallet.purse()
    assert purse.frozen >= 0 and purse.isolated >= 0 and purse.crossed >= 0
    names = [(one.symbol, one.side, one.margin_type) for one in venue.book.of()]
    assert len(set(names)) == len(names), "one of a kind"
    for position in venue.book.of():
        assert position.size > 0 and position.margin >= 0 and position.cost > 0
        assert 0 <= venue.orders.closing(position) <= position.size
        assert not (position.is_isolated and wallet.is_due(position))
        assert position.leverage == venue.book.leverage(position.symbol, position.margin_type)
    assert not wallet.is_cross_due()
    for one in venue.orders.waiting():
        if one.is_closing:
            assert (one.symbol, one.position_side, one.draft.margin_type) in names, "no exit outlives its position"


class Told:
    """What the orders' pushes say, kept as their reader would keep it."""

    def __init__(self, venue: MayexSimulator) -> None:
        self.status: dict[int, str] = {}
        self.filled: dict[int, Decimal] = {}
        self._tell = venue.orders.told
        venue.orders.told = self._heard

    def _heard(self, told: OrderTold) -> None:
        number, parent = told.shown.number, told.shown.parent
        assert number in self.status or not parent or parent in self.filled, "what protects comes after its parent"
        self.status[number] = told.shown.status.name.lower()
        if told.fill is not None:
            self.filled[number] = self.filled.get(number, Decimal(0)) + told.fill.quantity
            assert self.filled[number] == told.shown.filled, "each fill with the sum so far"
        self._tell(told)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_day_keeps_the_books_straight(seed: int) -> None:
    draw, clock = random.Random(seed), TurnedClock()
    venue = create(SimulatorSettings(seed=seed, rate=0, symbols=SYMBOLS), Faults(), clock=clock)
    told = Told(venue)
    prices = {BTC: 60_000, ETH: 2_300}
    for symbol, price in prices.items():
        venue.act({"do": "mark", "symbol": symbol, "price": str(price)})
    venue.act({"do": "fund", "amount": "-95000"})
    for number in range(500):
        symbol = draw.choice(SYMBOLS)
        price, held = prices[symbol], venue.book.of(symbol)
        lot = venue.market.instruments[symbol].lot_size
        sides = draw.choice((("BUY", "LONG"), ("SELL", "SHORT")))
        order: dict[str, Any] = {"symbol": symbol, "side": sides[0], "positionSide": sides[1]}
        order |= {"isolated": draw.random() < 0.5, "timeInForce": "GTC", "clientOrderId": f"R{number}"}
        sign = 1 if sides[0] == "BUY" else -1
        match draw.randrange(9):
            case 0 | 1 | 2:
                order["quantity"] = f"{lot * draw.randint(1, 400):f}"
                if draw.random() < 0.6:
                    stop = price - sign * draw.randint(1, price // 20)
                    order |= {"type": "MARKET", "slTriggerType": "LAST_PRICE", "slTriggerPrice": str(stop)}
                else:
                    order |= {"type": "LIMIT", "price": str(price - sign * draw.randint(1, price // 30))}
                call(venue, f"{ORDERS}/place-order", **order)
            case 3 | 4 if held:
                one = draw.choice(held)
                order |= {"side": one.side.closing.name, "positionSide": one.side.value}
                order |= {"isolated": one.is_isolated, "quantity": f"{lot * draw.randint(1, one.size):f}"}
                kind = draw.choice(("MARKET", "LIMIT", "STOP_LOSS_MARKET", "TAKE_PROFIT_LIMIT"))
                trigger = str(price + draw.choice((-1, 1)) * draw.randint(1, price // 20))
                order |= {"type": kind, "price": str(price), "triggerType": "MARK_PRICE"}
                if kind not in ("MARKET", "LIMIT"):
                    order |= {"triggerPrice": trigger}
                call(venue, f"{ORDERS}/place-order", **order)
            case 5 if held:
                one, change = draw.choice(held), str(draw.randint(-100, 300))
                named = {"symbol": symbol, "positionSide": one.side.value, "changeAmount": change}
                call(venue, f"{ACCOUNTS}/adjust-position-margin", **named)
            case 6:
                leverage = {
                    "symbol": symbol,
                    "isolated": draw.random() < 0.5,
                    "leverage": draw.choice((5, 20, 50)),
                }
                call(venue, f"{ACCOUNTS}/adjust-leverage", **leverage)
            case 7:
                clock.turn(draw.choice((1, 60, 3_600)))
                venue.look()
                if draw.random() < 0.1:
                    call(venue, f"{ORDERS}/cancel-all-order", settleCcy="USDT")
            case _:
                moved = draw.gauss(0, 0.01 if draw.random() < 0.9 else 0.06)
                prices[symbol] = max(500, round(price * (1 + moved)))
                venue.act({"do": "mark", "symbol": symbol, "price": str(prices[symbol])})
        check(venue)
    kinds = {bill.kind for bill in venue.wallet.bills}
    assert {"Commission", "FundingFee", "RealizedPnl", "InsuranceClear"} <= kinds
    rows = venue.state()["orders"]
    assert {row["id"]: row["status"] for row in rows} == {str(name): one for name, one in told.status.items()}
    assert sum(row["is_forced"] for row in rows) and any(row["parent_id"] for row in rows)
    sums = {str(number): f"{filled:f}" for number, filled in told.filled.items()}
    assert {row["id"]: row["filled"] for row in rows if Decimal(row["filled"])} == sums


VALUES: tuple[Any, ...] = (
    "", "0", "-1", "1", "1e5", "NaN", "9" * 23, "BUY", "LONG", BTC, "x" * 41, "é", "\ud800", None, True, False, 0,
    -1, 1.5, 10**20, [], {}, [1], {"a": 1},
)  # fmt: skip


async def test_no_parameter_makes_the_venue_fail() -> None:
    async with rig() as opened:
        await opened.order()
        known = {
            "symbol": BTC, "clientOrderId": "abc", "side": "SELL", "positionSide": "LONG", "isolated": True,
            "closePosition": False, "quantity": "0.01", "price": "61000", "type": "LIMIT", "timeInForce": "GTC",
            "conditional": False, "triggerType": "MARK_PRICE", "triggerPrice": "60500",
            "tpTriggerType": "LAST_PRICE", "tpTriggerPrice": "62000", "slTriggerType": "LAST_PRICE",
            "slTriggerPrice": "58000", "orderRespType": "ACK", "orderId": 5, "settleCcy": "USDT",
            "leverage": "10", "changeAmount": "1", "pageIndex": "1", "pageSize": "5",
        }  # fmt: skip
        draw = random.Random(3)
        for one in CALLS:
            for _ in range(8):
                values: dict[str, Any] = {
                    name: value if draw.random() < 0.7 else draw.choice(VALUES) for name, value in known.items()
                }
                values = {name: value for name, value in values.items() if draw.random() < 0.8}
                if one.method in ("GET", "DELETE"):
                    values = {name: str(one).replace("\ud800", "?") for name, one in values.items()}
                answer = await opened.rest.respond(one.method, one.path, **values)
                assert answer.status_code == 200, (one.path, values, answer.text)
                assert set(answer.json()) == {"status", "error", "data"}
        for body in (b"[1]", b"{", b"\xff", b"[" * 100_000, b'{"symbol": 1}'):
            assert (await raw(opened, body)).json()["status"] in (216, 219, 4040)


async def raw(opened: Rig, body: bytes) -> httpx.Response:
    """Sends any bytes as an order, signed."""
    path, expiry = f"/api{ORDERS}/place-order", str(opened.now_ms() + 60_000)
    named = {"access-key": KEY, "request-expiry": expiry, "request-signature": signature(path, "", expiry, body)}
    headers = {f"x-fairdesk-{name}": one for name, one in named.items()}
    return await opened.rest.http.post(path, content=body, headers=headers)


async def test_it_is_served_by_its_name() -> None:
    async with serving("mayex", rate=500, symbols=("BTCUSDT", "dogeusdt")) as practice:
        async with httpx.AsyncClient(base_url=practice.rest_url, trust_env=False) as http:
            rows = (await http.get("/user/v1/public/instrument/products")).json()["data"]
            pairs = (await http.get("/user/v1/public/spot-marketing/all-pair")).json()["data"]
        assert [row["symbol"] for row in rows] == ["btcusdt", "dogeusdt"] and len(practice.api_key) > 10
        assert [row["symbol"] for row in pairs] == ["btcusdt"]


def test_what_it_can_not_be_made_from_is_said() -> None:
    for settings, words in (
        (SimulatorSettings(symbols=("goldusdt",)), "there is no contract goldusdt"),
        (SimulatorSettings(replay=Path("a.rec")), "can not be replayed"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            create(settings, Faults())


async def test_spot_pairs_are_quoted_and_traded_by_others_only() -> None:
    async with rig() as opened:
        name = f"{BTC}.spot"
        opened.act("clear", symbol=name)
        opened.act("quote", symbol=name, side="sell", price="60001", quantity="0.5")
        assert opened.act("trade", symbol=name, side="buy", quantity="0.2")["filled"] == "0.20000"
        state = opened.simulator.state()
        assert state["books"][name] == {"bids": [], "asks": [["60001.00", "0.30000"]]}
        assert state["spot"] == [name, f"{ETH}.spot"] and state["instruments"] == [BTC, ETH]
        assert await opened.refused(symbol=name) == 300
        assert await opened.rest.do("GET", f"{ACCOUNT}/order/open-orders") == []
        opened.act("quiet")
        assert opened.simulator.spot.life.is_quiet and opened.simulator.market.life.is_quiet
