"""Every example of MAX's documents, REST and stream: what the simulator sends has its keys and its JSON types."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.venues.simulators.max_rig import NOW, Rig, Socket, rig

_DATA = Path(__file__).parents[2] / "data" / "max"
# Where our document and the examples differ, or where the examples do not agree with each other.
_EITHER = {
    "timestamp",  # of an old index price: text in the document's table, a number in the example
    "withdrawal_fee", "min_withdrawal_amount",
    "mba", "mqa", "min_base_amount", "min_quote_amount",
}  # fmt: skip
_OPTIONAL = {
    "principal", "interest",  # the M-wallet's
    "network_congested", "V", "stk",
    "btctwd", "btcusdt", "ethbtc", "ethusdt", "twdusdt", "usdttwd",  # keys of maps
    "btc", "eth", "usdt", "twd", "doge",
}  # fmt: skip


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_DATA / name).read_bytes().splitlines()]


def differs(ours: Any, example: Any, where: str = "") -> Iterator[str]:
    """Yields what one has and the other has not, or has in another JSON type; null is any type."""
    if ours is None or example is None:
        return
    if isinstance(example, dict) and isinstance(ours, dict):
        for key in sorted(ours.keys() ^ example.keys()):
            if key not in _OPTIONAL:
                yield f"{where}.{key} is only in {'ours' if key in ours else 'the example'}"
        for key in ours.keys() & example.keys():
            if key not in _EITHER:
                yield from differs(ours[key], example[key], f"{where}.{key}")
    elif isinstance(example, list) and isinstance(ours, list):
        if example and not ours:
            yield f"{where}[] is empty"
        for one in ours[:3] if example else []:
            yield from differs(one, example[0], f"{where}[]")
    elif _kind_of(ours) != _kind_of(example):
        yield f"{where}: {ours!r} for {example!r}"


def _kind_of(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


@pytest.fixture(scope="module")
def methods() -> dict[str, dict[str, Any]]:
    return {row["method"]: row for row in _lines("methods.jsonl")}


@pytest.fixture
async def busy() -> AsyncIterator[Rig]:
    """A rig whose user has orders, trades (one with themselves), a loan, transfers and a repayment."""
    async with rig() as opened:
        opened.book("BTCTWD", "2799000", "2801000")
        await opened.place("m", market="btcusdt", ord_type="market", price=None, volume="0.001")
        await opened.place(group_id=3, client_oid="resting")
        await opened.place(ord_type="stop_limit", stop_price="2900000", price="2910000", client_oid="stopped")
        await opened.place("m", market="btcusdt", price="80000", volume="0.001")
        await opened.place(side="sell", price="2800000", client_oid="own")
        await opened.place(price="2800000")
        await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.1")
        await opened.rest.do("POST", "/wallet/m/transfer", currency="btc", amount="0.1", side="in")
        await opened.rest.do("POST", "/wallet/m/repayment", currency="btc", amount="0.05")
        await opened.rest.do("DELETE", "/order", client_oid="resting")
        await opened.turn(0.3)
        yield opened


def params_of(method: str, opened: Rig) -> dict[str, Any]:
    """Returns what a method needs to find something."""
    past = opened.simulator.past
    order = {"market": "btctwd", "side": "buy", "volume": "0.01", "price": "2000000", "ord_type": "limit"}
    resting = next((order.id for order in opened.market.open_orders(symbol="BTCUSDT")), 1)
    money = {"currency": "btc", "amount": "0.001"}
    known: dict[str, dict[str, Any]] = {
        "m_wallet_historical_index_prices": {"market": "btcusdt", "start_time": NOW - 86_400_000, "end_time": NOW},
        "order_history": {"market": "btctwd"},
        "order": {"client_oid": "stopped"},
        "order_trades": {"client_oid": "own"},
        "create_order": order | {"group_id": 1},
        "cancel_order": {"id": resting},
        "withdrawal": {"uuid": past.withdrawals[0]["uuid"]},
        "create_withdrawal": {"withdraw_address_uuid": past.addresses[0]["uuid"], "amount": "100"},
        "create_twd_withdrawal": {"amount": "1000"},
        "withdraw_addresses": {"currency": "usdt"},
        "deposit": {"txid": past.deposits[0]["txid"]},
        "deposit_address": {"currency_version": "usdterc20"},
        "internal_transfers": {"side": "in"},
        "create_convert": {"from_currency": "usdt", "to_currency": "btc", "from_amount": "100"},
        "convert": {"sn": past.converts[0]["sn"]},
        "create_m_wallet_transfer": money | {"side": "in"},
        "m_wallet_transfers": {"currency": "btc", "side": "in"},
        "create_m_wallet_loan": money,
        "create_m_wallet_repayment": money,
        "m_wallet_loans": {"currency": "btc"},
        "m_wallet_repayments": {"currency": "btc"},
        "m_wallet_liquidation": {"sn": past.liquidations[0]["sn"]},
    }
    if method in known:
        return known[method]
    if method in ("kline", "depth", "trades", "ticker"):
        return {"market": "btctwd"}
    return {}


async def call(opened: Rig, methods: dict[str, dict[str, Any]], name: str, wallet: str) -> tuple[int, Any]:
    row, params = methods[name], params_of(name, opened)
    if name.startswith("fund_transaction") and not name.endswith("s"):
        listed = await opened.rest.do("GET", f"{row['path']}s")
        params = {"sn": listed[0]["sn"]}
    path = row["path"].replace("{wallet}", wallet)
    if row["is_signed"]:
        answer = await opened.rest.respond(row["verb"], path, **params)
    else:
        answer = await opened.rest.http.get(f"/api/v3{path}", params=params)
    return answer.status_code, answer.json()


async def test_every_method_answers_as_its_examples(busy: Rig, methods: dict[str, dict[str, Any]]) -> None:
    examples = [row for row in _lines("rest.jsonl") if row["kind"] in ("documented", "met")]
    assert len({row["name"] for row in examples}) > 45
    found = []
    for row in examples:
        if row["name"] == "cancel_order" or row["name"] not in methods:
            continue  # its two forms have a test of their own
        if row["name"] == "cancel_orders":
            await busy.place()
        status, answer = await call(busy, methods, row["name"], "spot")
        if status not in (row["status"], 200):
            found.append(f"{row['name']}: status {status}, {answer}")
        is_old = row["kind"] == "met"  # what was met may be from before a field was added
        texts = [text for text in differs(answer, row["message"]) if not (is_old and text.endswith("in ours"))]
        found += [f"{row['name']}{text}" for text in texts]
        await busy.turn()
    assert not found, "\n".join(found)


async def test_every_method_of_the_table_is_there(busy: Rig, methods: dict[str, dict[str, Any]]) -> None:
    assert len(methods) == 52
    for name in methods:
        for wallet in ("spot", "m"):
            status, answer = await call(busy, methods, name, wallet)
            is_gone = name == "cancel_order" and wallet == "m"
            assert status in (200, 201) or is_gone, (name, wallet, answer)
            await busy.turn()


@pytest.mark.parametrize("row", [row for row in _lines("rest.jsonl") if row["kind"] == "error"], ids=str)
async def test_errors_have_the_shape_of_the_examples(row: dict[str, Any]) -> None:
    async with rig(symbols=("BTCTWD",)) as opened:
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "invalid": ("/wallet/spot/orders/open", {"limit": 0}),
            "not_found": ("/nothing", {}),
            "level": ("/wallet/m/loan", {"currency": "btc", "amount": "100"}),
            "resource": ("/withdrawal", {"uuid": "x"}),
            "limit": ("/withdrawal", {"uuid": "x"}),
            "txid": ("/deposit", {"txid": "x"}),
            "uuid": ("/deposit", {"uuid": "x"}),
        }
        path, params = calls[row["name"]]
        verb = "POST" if row["name"] == "level" else "GET"
        answer = await opened.rest.respond(verb, path, **params)
        body = answer.json()
        if row["name"] != "limit":  # the same code, in another place
            assert answer.status_code == row["status"]
        assert body["error"]["code"] == row["message"]["error"]["code"]
        assert body["error"].pop("info", {}) == {}
        row["message"]["error"].pop("info", None)
        assert list(differs(body, row["message"])) == []


ALL_FILTERS = (
    "order", "trade", "account", "fast_trade_update", "mwallet_order", "mwallet_trade", "mwallet_account",
    "ad_ratio", "borrowing",
)  # fmt: skip


async def _lively(opened: Rig, socket: Socket) -> None:
    """Lets something of every kind happen."""
    await opened.place("m", market="btcusdt", ord_type="market", price=None, volume="0.001")
    await opened.place(ord_type="market", price=None)
    await opened.place(client_oid="pushed", group_id=4)
    await opened.rest.do("POST", "/wallet/m/loan", currency="usdt", amount="100")
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.2")
    opened.act("quote", symbol="BTCTWD", side="buy", price="2799000", quantity="0.2")
    opened.faults.switch("maintenance@market")
    await opened.turn(0.5)


async def test_every_push_is_as_its_example(busy: Rig) -> None:
    examples = [row for row in _lines("stream.jsonl") if row["kind"] in ("push", "user")]
    busy.book("BTCUSDT", "88000", "88002", "5")
    async with busy.socket() as socket:
        await socket.log_in(*ALL_FILTERS)
        await socket.subscribe(
            *({"channel": name, "market": "btctwd"} for name in ("book", "trade", "ticker", "kline")),
            {"channel": "market_status"},
            {"channel": "pool_quota", "currency": "usdt"},
        )
        await _lively(busy, socket)
        for row in examples:
            message = row["message"]
            event = "snapshot" if message["e"] == "snaptshot" else message["e"]
            ours = await socket.find(event, message["c"])
            assert list(differs(ours, message)) == [], (row["name"], event)


async def test_requests_and_answers_are_as_documented(busy: Rig) -> None:
    rows = {row["name"]: row["message"] for row in _lines("stream.jsonl") if row["kind"] in ("request", "answer")}
    async with busy.socket() as socket:
        for request, answer in (("subscribe", "subscribed"), ("unsubscribe", "unsubscribed")):
            await socket.send(**rows[request])
            ours = await socket.find(answer)
            assert ours | {"T": 0} == rows[answer] | {"T": 0}
        await socket.send(**rows["auth"] | socket.login() | {"id": rows["auth"]["id"]})
        ours = await socket.find("authenticated")
        assert ours | {"T": 0} == rows["authenticated"] | {"T": 0}
        await socket.send(action="nothing", id="client1")
        ours = await socket.find("error")
        assert ours | {"T": 0} == rows["error"] | {"T": 0}
