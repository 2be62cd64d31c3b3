"""Every example of the document's WebSocket part: the simulator's answers and pushes have its form."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.simulators.coinex_streams import Rig, StreamClient, rig
from venues.model import OrderType, Side
from venues.simulators.orders import OrderWish

_LINES = (Path(__file__).parents[2] / "data" / "coinex" / "stream.jsonl").read_bytes().splitlines()
_CHANNELS = ("state", "deals", "index", "order", "asset", "deals_own")


@functools.cache
def documented(kind: str) -> dict[str, Any]:
    """Returns the messages of a kind by their method, without the blanks that the document has inside keys."""
    found = [json.loads(line) for line in _LINES]
    return {each["name"]: _stripped(each["message"]) for each in found if each["kind"] == kind}


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.strip(' "'): _stripped(each) for key, each in value.items()}
    return [_stripped(each) for each in value] if isinstance(value, list) else value


def lacks(ours: Any, example: Any, where: str = "") -> list[str]:
    """Returns what the example has and ours has not, or has in another JSON type."""
    if ours is None or example is None:
        return []  # fee_asset, error
    if isinstance(example, dict) and isinstance(ours, dict):
        if all(key == key.upper() for key in example):  # keyed by asset, market or account
            values = list(example.values())
            return [text for key, each in ours.items() for text in lacks(each, values[0], f"{where}.{key}")]
        missing = [f"{where}.{key}" for key in example if key not in ours]
        return missing + [
            text for key in example if key in ours for text in lacks(ours[key], example[key], f"{where}.{key}")
        ]
    if isinstance(example, list) and isinstance(ours, list):
        if not ours:
            return [f"{where}[0]"] if example else []
        if len(example) == len(ours):
            pairs = zip(ours, example, strict=True)
            return [text for one, other in pairs for text in lacks(one, other, f"{where}[]")]
        return lacks(ours[0], example[0], f"{where}[0]") if example else []
    is_number = isinstance(example, (int, float)) and isinstance(ours, (int, float))
    is_same = type(example) is type(ours) or (is_number and not isinstance(example, bool))
    return [] if is_same else [f"{where}: {ours!r} for {example!r}"]


def _listed(value: Any, start: int) -> Any:
    """Puts what the simulator has in place of the example's market, account and times."""
    if isinstance(value, list):
        return [_listed(each, start) for each in value]
    return {"BTCUSD": "BTCUSDT", 12: 0, 1639982322: start, 1639985922: start + 3600}.get(value, value)


async def _busy_client(opened: Rig) -> StreamClient:
    """Returns a client whose user has resting orders, stop orders and deals on both sides."""
    client = await opened.client(is_signed=True)
    for channel in _CHANNELS:
        await client.result(f"{channel}.subscribe")
    await client.result("notice.subscribe", 101)
    await client.result("depth.subscribe", "BTCUSDT", 10, "0")
    for side, price in ((Side.BUY, "50000"), (Side.SELL, "70000")):
        for kind in (OrderType.MARKET, OrderType.LIMIT):
            limit = Decimal(price) if kind is OrderType.LIMIT else None
            wish = OrderWish(symbol="BTCUSDT", side=side, type=kind, quantity=Decimal("0.01"), price=limit)
            opened.market.place(wish)
        opened.market.place_stop(wish, Decimal(price))
    opened.simulator.act({"do": "notice"})
    await opened.clock.advance(1)
    return client


@pytest.mark.parametrize("method", [name for name in documented("request") if name != "server.sign"])
async def test_a_documented_request_gets_an_answer_of_the_documented_form(method: str) -> None:
    async with rig(rate=100) as opened:
        client = await _busy_client(opened)
        start = opened.clock.now // 10**9 - 3600
        if method == "deals.query_user":
            start += 1800

        answer = await client.ask(method, *_listed(documented("request")[method]["params"], start))

        assert answer["error"] is None
        assert lacks(answer, documented("answer")[method]) == []


async def test_every_documented_push_comes_in_the_documented_form() -> None:
    async with rig(rate=100, faults="order-array") as opened:
        client = await _busy_client(opened)
        await opened.clock.advance(1)
        pushes = {push["method"]: push for push in client.pushes}

        assert set(documented("push")) <= set(pushes)
        found = {name: lacks(pushes[name], example) for name, example in documented("push").items()}
        assert not any(found.values()), found
