"""Each call of the document's table: verb, path, parameters and answer, at a venue that checks the signature."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
import pytest

from tests.venues.documented import RestExample
from tests.venues.max.client_rig import FIRST_NONCE, client_at
from tests.venues.max.documented import SHAPES, examples, methods
from venues.max import Client
from venues.max.models import OrderSide, OrderType
from venues.transport.strict_json import decode_json

D = Decimal
MS = 1_700_000_000_000
PAGE: dict[str, Any] = {"timestamp": MS, "order": "asc", "limit": 7}
PAGE_SENT = {"timestamp": str(MS), "order": "asc", "limit": "7"}

Made: TypeAlias = "tuple[Callable[[Client], Coroutine[Any, Any, Any]], dict[str, Any]]"

# Each call with all of its parameters, and how they are sent: in a query everything is text.
CALLS: dict[str, Made] = {
    "markets": (lambda c: c.markets(), {}),
    "currencies": (lambda c: c.currencies(), {}),
    "timestamp": (lambda c: c.timestamp(), {}),
    "kline": (
        lambda c: c.kline("btctwd", limit=10_000, period=240, timestamp=1_700_000_000),
        {"market": "btctwd", "limit": "10000", "period": "240", "timestamp": "1700000000"},
    ),
    "depth": (
        lambda c: c.depth("btctwd", limit=300, sort_by_price=False),
        {"market": "btctwd", "limit": "300", "sort_by_price": "false"},
    ),
    "trades": (
        lambda c: c.trades("btctwd", timestamp=MS, limit=1_000),
        {"market": "btctwd", "timestamp": str(MS), "limit": "1000"},
    ),
    "tickers": (lambda c: c.tickers(["btctwd", "ethtwd"]), {"markets": ["btctwd", "ethtwd"]}),
    "ticker": (lambda c: c.ticker("btctwd"), {"market": "btctwd"}),
    "m_wallet_index_prices": (lambda c: c.m_wallet_index_prices(), {}),
    "m_wallet_historical_index_prices": (
        lambda c: c.m_wallet_historical_index_prices("usdttwd", start_time=MS, end_time=MS + 60_000),
        {"market": "usdttwd", "start_time": str(MS), "end_time": str(MS + 60_000)},
    ),
    "m_wallet_limits": (lambda c: c.m_wallet_limits(), {}),
    "m_wallet_interest_rates": (lambda c: c.m_wallet_interest_rates(), {}),
    "info": (lambda c: c.info(), {}),
    "accounts": (lambda c: c.accounts(wallet_type="m", currency="btc"), {"currency": "btc"}),
    "wallet_trades": (
        lambda c: c.wallet_trades(wallet_type="m", market="btctwd", from_id=12, **PAGE),
        {"market": "btctwd", "from_id": "12"} | PAGE_SENT,
    ),
    "open_orders": (
        lambda c: c.open_orders(
            wallet_type="m", market="btctwd", timestamp=MS, order_by="desc_updated_at", limit=3
        ),
        {"market": "btctwd", "timestamp": str(MS), "order_by": "desc_updated_at", "limit": "3"},
    ),
    "closed_orders": (
        lambda c: c.closed_orders(wallet_type="m", market="btctwd", timestamp=MS, order_by="asc", limit=3),
        {"market": "btctwd", "timestamp": str(MS), "order_by": "asc", "limit": "3"},
    ),
    "order_history": (
        lambda c: c.order_history("btctwd", wallet_type="m", from_id=9, limit=3),
        {"market": "btctwd", "from_id": "9", "limit": "3"},
    ),
    "order": (lambda c: c.order(order_id=87), {"id": "87"}),
    "create_order": (
        lambda c: c.create_order(
            "btctwd", OrderSide.SELL, D("1E+1"), wallet_type="m", price="2800000.0", client_oid="demo-1",
            stop_price=D("2790000"), ord_type=OrderType.STOP_LIMIT, group_id=5,
        ),
        {
            "market": "btctwd", "side": "sell", "volume": "10", "price": "2800000.0", "client_oid": "demo-1",
            "stop_price": "2790000", "ord_type": "stop_limit", "group_id": 5,
        },
    ),
    "cancel_order": (lambda c: c.cancel_order(order_id=87), {"id": 87}),
    "cancel_orders": (
        lambda c: c.cancel_orders(wallet_type="m", market="btctwd", side="buy", group_id=5),
        {"market": "btctwd", "side": "buy", "group_id": 5},
    ),
    "order_trades": (lambda c: c.order_trades(order_id=87), {"order_id": "87"}),
    "withdrawal": (lambda c: c.withdrawal("18022603540001"), {"uuid": "18022603540001"}),
    "create_withdrawal": (
        lambda c: c.create_withdrawal(
            withdraw_address_uuid="508c9af6-ccc1-4122-b38f-a407e3bac96c", amount=D("0.019")
        ),
        {"withdraw_address_uuid": "508c9af6-ccc1-4122-b38f-a407e3bac96c", "amount": "0.019"},
    ),
    "create_twd_withdrawal": (lambda c: c.create_twd_withdrawal(D(100)), {"amount": "100"}),
    "withdrawals": (
        lambda c: c.withdrawals(currency="usdt", state="done", **PAGE),
        {"currency": "usdt", "state": "done"} | PAGE_SENT,
    ),
    "withdraw_addresses": (
        lambda c: c.withdraw_addresses("usdt", limit=7, offset=0),
        {"currency": "usdt", "limit": "7", "offset": "0"},
    ),
    "deposit": (lambda c: c.deposit(txid="0x8daa98e0"), {"txid": "0x8daa98e0"}),
    "deposits": (lambda c: c.deposits(currency="usdt", **PAGE), {"currency": "usdt"} | PAGE_SENT),
    "deposit_address": (lambda c: c.deposit_address("trc20usdt"), {"currency_version": "trc20usdt"}),
    "internal_transfers": (
        lambda c: c.internal_transfers("out", currency="eth", **PAGE),
        {"side": "out", "currency": "eth"} | PAGE_SENT,
    ),
    "rewards": (
        lambda c: c.rewards(reward_type="trading_reward", currency="eth", **PAGE),
        {"reward_type": "trading_reward", "currency": "eth"} | PAGE_SENT,
    ),
    "fund_transaction_deposits": (lambda c: c.fund_transaction_deposits(**PAGE), PAGE_SENT),
    "fund_transaction_deposit": (lambda c: c.fund_transaction_deposit("18022"), {"sn": "18022"}),
    "fund_transaction_withdrawals": (lambda c: c.fund_transaction_withdrawals(**PAGE), PAGE_SENT),
    "fund_transaction_withdrawal": (lambda c: c.fund_transaction_withdrawal("18022"), {"sn": "18022"}),
    "fund_transaction_transfers": (lambda c: c.fund_transaction_transfers(**PAGE), PAGE_SENT),
    "fund_transaction_transfer": (lambda c: c.fund_transaction_transfer("18022"), {"sn": "18022"}),
    "create_convert": (
        lambda c: c.create_convert(from_currency="btc", to_currency="usdt", from_amount=D("0.01")),
        {"from_currency": "btc", "to_currency": "usdt", "from_amount": "0.01"},
    ),
    "convert": (lambda c: c.convert("6322d9bd-736b"), {"sn": "6322d9bd-736b"}),
    "converts": (lambda c: c.converts(**PAGE), PAGE_SENT),
    "create_m_wallet_loan": (
        lambda c: c.create_m_wallet_loan(currency="eth", amount="0.019"),
        {"currency": "eth", "amount": "0.019"},
    ),
    "m_wallet_loans": (lambda c: c.m_wallet_loans("eth", **PAGE), {"currency": "eth"} | PAGE_SENT),
    "create_m_wallet_transfer": (
        lambda c: c.create_m_wallet_transfer(currency="eth", amount="0.019", side="in"),
        {"currency": "eth", "amount": "0.019", "side": "in"},
    ),
    "m_wallet_transfers": (
        lambda c: c.m_wallet_transfers(currency="eth", side="out", **PAGE),
        {"currency": "eth", "side": "out"} | PAGE_SENT,
    ),
    "create_m_wallet_repayment": (
        lambda c: c.create_m_wallet_repayment(currency="eth", amount="0.15"),
        {"currency": "eth", "amount": "0.15"},
    ),
    "m_wallet_repayments": (lambda c: c.m_wallet_repayments("eth", **PAGE), {"currency": "eth"} | PAGE_SENT),
    "m_wallet_liquidations": (lambda c: c.m_wallet_liquidations(**PAGE), PAGE_SENT),
    "m_wallet_liquidation": (lambda c: c.m_wallet_liquidation("21040"), {"sn": "21040"}),
    "m_wallet_interests": (
        lambda c: c.m_wallet_interests(currency="eth", **PAGE),
        {"currency": "eth"} | PAGE_SENT,
    ),
    "m_wallet_ad_ratio": (lambda c: c.m_wallet_ad_ratio(), {}),
}  # fmt: skip
# The other of two parameters that exclude each other.
ALTERNATIVES: dict[str, Made] = {
    "order": (lambda c: c.order(client_oid="demo-1"), {"client_oid": "demo-1"}),
    "cancel_order": (lambda c: c.cancel_order(client_oid="demo-1"), {"client_oid": "demo-1"}),
    "order_trades": (lambda c: c.order_trades(client_oid="demo-1"), {"client_oid": "demo-1"}),
    "deposit": (lambda c: c.deposit(uuid="18022603540001"), {"uuid": "18022603540001"}),
    "create_convert": (
        lambda c: c.create_convert(from_currency="btc", to_currency="usdt", to_amount="290"),
        {"from_currency": "btc", "to_currency": "usdt", "to_amount": "290"},
    ),
}
# Those of whose parameters some may be left out, with none but what must be given.
LEAST: dict[str, Made] = {
    "kline": (lambda c: c.kline("btctwd"), {"market": "btctwd", "limit": "30", "period": "1"}),
    "depth": (lambda c: c.depth("btctwd"), {"market": "btctwd"}),
    "accounts": (lambda c: c.accounts(), {}),
    "wallet_trades": (lambda c: c.wallet_trades(), {}),
    "open_orders": (lambda c: c.open_orders(is_urgent=True), {}),
    "order_history": (lambda c: c.order_history("btctwd"), {"market": "btctwd"}),
    "create_order": (
        lambda c: c.create_order("btctwd", "buy", "0.001", price="2800000.0"),
        {"market": "btctwd", "side": "buy", "volume": "0.001", "price": "2800000.0"},
    ),
    "cancel_orders": (lambda c: c.cancel_orders(), {}),
    "withdrawals": (lambda c: c.withdrawals(), {}),
    "m_wallet_loans": (lambda c: c.m_wallet_loans("eth"), {"currency": "eth"}),
    "m_wallet_interests": (lambda c: c.m_wallet_interests(), {}),
}
ANSWERED = [each for each in examples() if each.kind != "error"]


def label(each: RestExample) -> str:
    return each.label


@pytest.mark.parametrize("example", ANSWERED, ids=label)
async def test_each_call_is_as_documented_and_answers_with_what_was_sent(example: RestExample) -> None:
    make, parameters = CALLS[example.name]
    answer = await asked(example.name, make, parameters, example, wallet="m")
    assert answer == expected(example)


@pytest.mark.parametrize("name", ALTERNATIVES)
async def test_either_of_two_parameters(name: str) -> None:
    make, parameters = ALTERNATIVES[name]
    await asked(name, make, parameters, answer_of(name), wallet="spot")


@pytest.mark.parametrize("name", LEAST)
async def test_what_is_left_out_is_not_sent(name: str) -> None:
    make, parameters = LEAST[name]
    await asked(name, make, parameters, answer_of(name), wallet="spot")


async def asked(name: str, make: Any, parameters: dict[str, Any], example: RestExample, wallet: str) -> Any:
    """Makes a call, holds what was sent against the table, and returns the answer."""
    row = methods()[name]
    async with client_at(has_key=row.is_signed) as (client, venue):
        venue.answer_as(example)
        answer = await make(client)
        call = venue.call
    assert (call.verb, call.path) == (row.verb, "/api/v3" + row.path.replace("{wallet}", wallet))
    assert call.nonce == (FIRST_NONCE if row.is_signed else None)
    assert ("x-max-signature" in call.headers) is row.is_signed
    assert call.parameters == parameters
    return answer


def test_all_parameters_of_the_table_are_tried() -> None:
    assert set(CALLS) == set(methods())
    for name, row in methods().items():
        tried = set(CALLS[name][1]) | set(ALTERNATIVES.get(name, (None, {}))[1])
        assert tried == {parameter.removesuffix("[]") for parameter in row.parameters}, name


def answer_of(name: str) -> RestExample:
    return next(each for each in ANSWERED if each.name == name)


def expected(example: RestExample) -> Any:
    """What the call returns: the answer decoded, but where the client makes more of it."""
    match example.name:
        case "cancel_order":
            return None if example.value == {"success": True} else decode_json(example.raw, SHAPES["order"])
        case "kline":
            return [row.line() for row in decode_json(example.raw, SHAPES["kline"])]
        case "m_wallet_historical_index_prices":
            return [row.index_price() for row in decode_json(example.raw, SHAPES[example.name])]
        case "m_wallet_index_prices" | "m_wallet_limits":
            return msgspec.json.decode(example.raw, type=dict[str, Decimal])
        case _:
            return decode_json(example.raw, SHAPES[example.name])
