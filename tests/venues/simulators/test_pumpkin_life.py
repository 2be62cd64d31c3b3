"""Pumpkin's simulator over a random day, and under parameters without sense: money adds up, nothing breaks."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.venues.simulators.coinex_rest import TurnedClock
from tests.venues.simulators.pumpkin_rig import BTC, ETH, SYMBOLS, Rig, rig
from venues.errors import ConfigurationError
from venues.simulators.faults import Faults
from venues.simulators.port import SimulatorSettings
from venues.simulators.pumpkin.exchange import PumpkinSimulator, create
from venues.simulators.pumpkin.params import Params
from venues.simulators.pumpkin.refusals import Refusal
from venues.simulators.pumpkin.rest import CALLS
from venues.simulators.serving import serving

BY_PATH = {call.path: call for call in CALLS}


def call(venue: PumpkinSimulator, path: str, **params: Any) -> Any:
    """Calls an endpoint past the wire; a refusal is answered with its text."""
    try:
        return BY_PATH[path].handle(
            venue, Params({k: str(v) for k, v in params.items()}, venue.market.instruments)
        )
    except Refusal as refusal:
        return refusal.msg


def check(venue: PumpkinSimulator) -> None:
    """Money is what the bills say, holds are what positions and orders hold, and no position is overdrawn."""
    deposited = Decimal(100_000)
    assert venue.wallet.cash["usdt"] == deposited + sum((bill.amount for bill in venue.wallet.bills), Decimal(0))
    purse = venue.wallet.purse()
    assert purse.frozen >= 0 and purse.isolated >= 0 and purse.crossed >= 0
    for position in venue.book.of():
        assert position.size > 0 and position.margin >= 0 and position.cost > 0
        assert 0 <= venue.orders.closing(position) <= position.size
        assert not (position.is_isolated and venue.wallet.is_due(position))
    assert not venue.wallet.is_cross_due()
    waiting = venue.entrusts.waiting()
    named = {getattr(one, "position_id", 0) for one in waiting} - {0}
    assert named <= set(venue.book.open), "no exit outlives its position"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_day_keeps_the_books_straight(seed: int) -> None:
    draw, clock = random.Random(seed), TurnedClock()
    venue = create(SimulatorSettings(seed=seed, rate=0, symbols=SYMBOLS), Faults(), clock=clock)
    prices = {BTC: 60_000, ETH: 2_300}
    for symbol, price in prices.items():
        venue.act({"do": "mark", "symbol": symbol, "price": str(price)})
    venue.act({"do": "fund", "amount": "-90000"})
    if seed % 2 == 0:
        kind = {"positionType": "ISOLATED", "positionModel": "DISAGGREGATION"}
        assert call(venue, "/v2/position/change-type", symbol=BTC, **kind) is None
    liquidated = 0
    for _ in range(500):
        symbol = draw.choice(SYMBOLS)
        price = prices[symbol]
        held = venue.book.of(symbol)
        match draw.randrange(9):
            case 0 | 1 | 2:
                side = draw.choice((("BUY", "LONG"), ("SELL", "SHORT")))
                fields = {"orderSide": side[0], "positionSide": side[1], "origQty": draw.randint(1, 40_000)}
                sign = 1 if side[0] == "BUY" else -1
                if draw.random() < 0.5:
                    fields |= {
                        "orderType": "MARKET",
                        "triggerStopPrice": price - sign * draw.randint(1, price // 20),
                    }
                else:
                    fields |= {"orderType": "LIMIT", "price": price - sign * draw.randint(1, price // 30)}
                call(venue, "/v2/order/create", symbol=symbol, leverage=draw.choice((0, 20, 50)), **fields)
            case 3 if held:
                one = draw.choice(held)
                side = ("SELL", "LONG") if one.side.sign > 0 else ("BUY", "SHORT")
                fields = {"orderSide": side[0], "positionSide": side[1], "origQty": draw.randint(1, one.size)}
                fields |= {"positionId": one.id, "reduceOnly": "true"}
                fields |= draw.choice(({"orderType": "MARKET"}, {"orderType": "LIMIT", "price": price}))
                call(venue, "/v2/order/create", symbol=symbol, **fields)
            case 4 if held:
                one = draw.choice(held)
                named = {"positionSide": one.side.value, "positionId": one.id, "margin": draw.randint(1, 300)}
                call(venue, "/v2/position/margin", symbol=symbol, **named, type=draw.choice(("ADD", "SUB")))
            case 5:
                fields = {"orderSide": "BUY", "positionSide": "LONG", "origQty": draw.randint(1, 500)}
                fields |= {"entrustType": "STOP_MARKET", "stopPrice": price + draw.randint(1, price // 20)}
                call(venue, "/v2/entrust/create-plan", symbol=symbol, triggerPriceType="MARK_PRICE", **fields)
            case 6:
                clock.turn(draw.choice((1, 60, 3_600)))
                venue.look()
            case 7 if draw.random() < 0.1:
                call(venue, draw.choice(("/v2/order/cancel-all", "/v2/position/close-all")))
            case _:
                moved = draw.gauss(0, 0.01 if draw.random() < 0.9 else 0.06)
                prices[symbol] = max(500, round(price * (1 + moved)))
                venue.act({"do": "mark", "symbol": symbol, "price": str(prices[symbol])})
        liquidated = sum(row.get("is_forced", False) for row in venue.state()["orders"])
        check(venue)
    kinds = {bill.kind for bill in venue.wallet.bills}
    assert liquidated and {"FEE", "FUND", "CLOSE_POSITION", "QIANG_PING_MANAGER"} <= kinds


VALUES = (
    "",
    "0",
    "-1",
    "1",
    "1e5",
    "NaN",
    "99999999999999999999999",
    "BUY",
    "LONG",
    "true",
    BTC,
    "x" * 40,
    "é",
    "[]",
)


async def test_no_parameter_makes_the_venue_fail() -> None:
    async with rig() as opened:
        opened.act("quota", minute=10**9, day=10**9)
        await opened.order()
        (position,) = await opened.positions()
        known = {
            "symbol": BTC, "orderType": "LIMIT", "orderSide": "BUY", "positionSide": "LONG", "origQty": "1",
            "price": "59000", "timeInForce": "GTC", "positionId": position["positionId"], "level": "5",
            "interval": "1m", "timeRangeType": "H24", "stopPrice": "61000", "entrustType": "STOP",
            "triggerPriceType": "MARK_PRICE", "orderId": "5", "list": json.dumps([{"isCreate": True}]),
            "orders": '["1"]', "ids": "1,2", "id": "0", "limit": "5", "direction": "NEXT", "page": "1",
            "size": "5",
            "leverage": "10", "margin": "1", "type": "ADD", "positionType": "CROSSED", "coin": "usdt",
            "positionModel": "AGGREGATION", "timestamp": "1769126400000", "ticker_id": "BTC_USDT", "num": "5",
            "entrustId": "5", "profitId": "5", "expireTime": "1", "startTime": "1", "endTime": "2", "state": "NEW",
        }  # fmt: skip
        draw = random.Random(3)
        for one in CALLS:
            for _ in range(6):
                params: dict[str, str] = {
                    name: value if draw.random() < 0.6 else draw.choice(VALUES) for name, value in known.items()
                }
                params = {name: value for name, value in params.items() if draw.random() < 0.8}
                await answered(opened, one.method, one.path, params)


async def answered(opened: Rig, method: str, path: str, params: dict[str, str]) -> None:
    answer = await opened.rest.respond(method, path, **params)
    assert answer.status_code == 200, (path, params, answer.text)
    assert isinstance(answer.json(), dict | list)


async def test_it_is_served_by_its_name() -> None:
    async with serving("pumpkin", rate=500, symbols=("BTC_USDT", "doge_usdt")) as practice:
        async with httpx.AsyncClient(base_url=practice.rest_url, trust_env=False) as http:
            rows = (await http.get("/futures/v2/public/symbol/all")).json()
        assert rows["data"] == ["btc_usdt", "doge_usdt"] and len(practice.api_key) > 10


def test_what_it_can_not_be_made_from_is_said() -> None:
    for settings, words in (
        (SimulatorSettings(symbols=("gold_usdt",)), "there is no perpetual gold_usdt"),
        (SimulatorSettings(replay=Path("a.rec")), "can not be replayed"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            create(settings, Faults())
