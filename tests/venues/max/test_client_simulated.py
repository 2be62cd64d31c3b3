"""Every call of the client at the local exchange, which is written from the same document by other hands."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count, pairwise
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import pytest

from tests.contract.waiting import until_found
from tests.venues.max.client_rig import shared_tls
from tests.venues.max.documented import methods
from tests.venues.watched import Watched
from venues.errors import BadRequest, ClockSkew, InsufficientFunds, OrderNotFound, OrderRejected
from venues.max import Client
from venues.max.client import make_session
from venues.max.models import OrderState
from venues.port import Credentials
from venues.simulators.serving import serving
from venues.transport.exchange import Request

T = TypeVar("T")
D = Decimal
_EXPIRED = 40_000  # milliseconds; the venue takes a nonce of up to 30 s ago

PUBLIC = {
    "markets", "currencies", "timestamp", "kline", "depth", "trades", "tickers", "ticker",
    "m_wallet_index_prices", "m_wallet_historical_index_prices", "m_wallet_limits", "m_wallet_interest_rates",
}  # fmt: skip
ORDERS = {
    "info", "accounts", "create_order", "order", "open_orders", "cancel_order", "closed_orders", "order_history",
    "cancel_orders", "wallet_trades", "order_trades",
}  # fmt: skip
FUNDS = {
    "withdrawal", "create_withdrawal", "create_twd_withdrawal", "withdrawals", "withdraw_addresses", "deposit",
    "deposits", "deposit_address", "internal_transfers", "rewards", "create_convert", "convert", "converts",
    "fund_transaction_deposits", "fund_transaction_deposit", "fund_transaction_withdrawals",
    "fund_transaction_withdrawal", "fund_transaction_transfers", "fund_transaction_transfer",
}  # fmt: skip
MARGIN = {
    "create_m_wallet_transfer", "m_wallet_transfers", "create_m_wallet_loan", "m_wallet_loans",
    "create_m_wallet_repayment", "m_wallet_repayments", "m_wallet_liquidations", "m_wallet_liquidation",
    "m_wallet_interests", "m_wallet_ad_ratio",
}  # fmt: skip


class Walk:
    """A client at the local exchange, and the calls that it has made."""

    def __init__(self, client: Client, watched: Watched) -> None:
        self.client = client
        self.watched = watched
        self.made: set[str] = set()
        self.late = 0  # milliseconds by which a nonce is older than it should be

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Makes a call, and holds its verb, path and parameters against the table."""
        method = getattr(self.client, name)
        answer = await method(*args, **kwargs)
        row, request = methods()[name], self.watched.last
        assert request is not None
        path = row.path.replace("{wallet}", kwargs.get("wallet_type", "spot"))
        assert (request.method, request.path, request.is_private) == (row.verb, f"/api/v3{path}", row.is_signed)
        given = {**inspect.signature(method).bind(*args, **kwargs).arguments}
        given.pop("wallet_type", None)
        if name in ("order", "cancel_order") and "order_id" in given:
            given["id"] = given.pop("order_id")
        sent = sent_by(request)
        assert sent.items() >= {(key, said(value)) for key, value in given.items()}
        assert sent.keys() <= {parameter.removesuffix("[]") for parameter in row.parameters}
        self.made.add(name)
        return answer

    async def become(self, order_id: int, is_so: Callable[[Any], bool]) -> Any:
        """Waits until an order is as wanted, and returns it: commands are queued."""
        found: list[Any] = []

        async def look() -> bool:
            try:
                found.append(await self.call("order", order_id=order_id))
            except OrderNotFound:
                return False
            return is_so(found[-1])

        await until_found(look)
        return found[-1]


def sent_by(request: Request) -> dict[str, str]:
    """Returns the parameters as text: of a public call they wait in the query, of a signed one in the body."""
    pairs = parse_qsl(request.query) if not request.is_private else json.loads(request.body).items()
    sent: dict[str, str] = {}
    for key, value in pairs:
        name = key.removesuffix("[]")
        sent[name] = f"{sent[name]},{value}" if name in sent else said(value)
    return sent


def said(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


@asynccontextmanager
async def walking() -> AsyncIterator[Walk]:
    """Opens an exchange where nobody but us acts, and a client of it."""
    async with serving("max", seed=5, rate=0, time_scale=0.05) as practice:
        async with Client(base_url=practice.rest_url, tls=shared_tls()) as public:
            await public.measure_clock()
        numbers = count(public.clock.signing_time() // 1_000_000)
        key = Credentials(practice.api_key, practice.api_secret)
        session = make_session(
            key, nonces=lambda: next(numbers) - walk.late, base_url=practice.rest_url, tls=shared_tls()
        )
        watched = Watched(session)
        async with Client(session=watched) as client:
            walk = Walk(client, watched)
            yield walk


def test_every_call_is_made() -> None:
    assert set(methods()) == PUBLIC | ORDERS | FUNDS | MARGIN
    assert {name for name in methods() if not methods()[name].is_signed} == PUBLIC


async def test_public_calls() -> None:
    async with walking() as walk:
        markets = await walk.call("markets")
        btc = next(market for market in markets if market.id == "btctwd")
        assert (btc.base_unit, btc.quote_unit, btc.m_wallet_supported) == ("btc", "twd", True)
        currencies = {each.currency: each for each in await walk.call("currencies")}
        assert currencies["twd"].type == "fiat"
        now = (await walk.call("timestamp")).timestamp
        bars = await walk.call("kline", "btctwd", limit=5, period=60)
        assert [later.timestamp - bar.timestamp for bar, later in pairwise(bars)] == [3_600] * 4
        assert all(bar.low <= bar.open <= bar.high for bar in bars)
        book = await walk.call("depth", "btctwd", limit=10)
        assert len(book.asks) == len(book.bids) == 10
        assert book.asks[-1] == book.best_ask > book.best_bid == book.bids[0]
        assert await walk.call("trades", "btctwd", limit=3) == []
        tickers = await walk.call("tickers", ["btctwd", "usdttwd"])
        assert {each.market for each in tickers} == {"btctwd", "usdttwd"}
        one = await walk.call("ticker", "btctwd")
        assert (one.buy, one.sell) == (book.best_bid[0], book.best_ask[0])
        prices = await walk.call("m_wallet_index_prices")
        past = await walk.call(
            "m_wallet_historical_index_prices", "usdttwd", start_time=(now - 7_200) * 1000, end_time=now * 1000
        )
        assert all(abs(each.price / prices["usdttwd"] - 1) < D("0.5") for each in past)
        limits, rates = await walk.call("m_wallet_limits"), await walk.call("m_wallet_interest_rates")
        assert set(limits) == set(rates) == {"twd", "btc", "eth", "usdt"}
        with pytest.raises(BadRequest):
            await walk.call("ticker", "nosuch")
        assert walk.made == PUBLIC


async def test_orders_fills_and_balances() -> None:
    async with walking() as walk:
        assert (await walk.call("info")).m_wallet_enabled
        before = {each.currency: each for each in await walk.call("accounts")}
        book = await walk.client.depth("btctwd")
        bid, ask = book.best_bid, book.best_ask
        assert bid
        assert ask
        low = bid[0] - 100_000
        placed = await walk.call(
            "create_order", "btctwd", "buy", D("0.01"), price=low, client_oid="ours-1", group_id=7
        )
        assert (placed.state, placed.executed_volume, placed.client_oid) == (OrderState.WAIT, 0, "ours-1")
        resting = await walk.become(placed.id, lambda order: order.state == OrderState.WAIT)
        assert (resting.price, resting.volume, resting.group_id) == (low, D("0.01"), 7)
        assert [each.id for each in await walk.call("open_orders", market="btctwd")] == [placed.id]
        (twd,) = await walk.call("accounts", currency="twd")
        assert twd.locked >= low * D("0.01")
        assert twd.net == before["twd"].net

        first = await walk.call("cancel_order", client_oid="ours-1")
        await walk.become(placed.id, lambda order: order.state == OrderState.CANCEL)
        other = await walk.call("create_order", "btctwd", "buy", "0.01", price=low, ord_type="post_only")
        await walk.become(other.id, lambda order: order.state == OrderState.WAIT)
        second = await walk.call("cancel_order", order_id=other.id)
        await walk.become(other.id, lambda order: order.state == OrderState.CANCEL)
        # This exchange answers in either form, by turns.
        assert sorted((first is None, second is None)) == [False, True]

        market_order = await walk.call("create_order", "btctwd", "buy", "0.02", ord_type="market")
        done = await walk.become(market_order.id, lambda order: order.state == OrderState.DONE)
        assert (done.executed_volume, done.price) == (D("0.02"), None)
        assert done.avg_price >= ask[0]
        (fill,) = await walk.call("order_trades", order_id=done.id)
        assert (fill.order_id, fill.volume, fill.liquidity) == (done.id, D("0.02"), "taker")
        assert [leg.side for leg in fill.legs()] == ["buy"]
        assert [each.id for each in await walk.call("wallet_trades", market="btctwd")] == [fill.id]
        assert [each.id async for each in walk.client.iter_wallet_trades(page_limit=1)] == [fill.id]
        closed = await walk.call("closed_orders", market="btctwd")
        assert {each.id for each in closed} == {placed.id, other.id, done.id}
        assert [each.id for each in await walk.call("order_history", "btctwd")] == [placed.id, other.id, done.id]
        paged = [each.id async for each in walk.client.iter_order_history("btctwd", page_limit=2)]
        assert paged == [placed.id, other.id, done.id]

        for side, price in (("buy", low), ("sell", ask[0] + 100_000)):
            await walk.call("create_order", "btctwd", side, "0.01", price=price)
        await until_found(lambda: _has_open(walk, 2))
        (one,) = await walk.call("cancel_orders", market="btctwd", side="sell")
        assert (one.error, one.order.side) == (None, "sell")
        await until_found(lambda: _has_open(walk, 1))
        assert walk.made == ORDERS


def _has_open(walk: Walk, number: int) -> Awaitable[bool]:
    async def look() -> bool:
        return len(await walk.call("open_orders")) == number

    return look()


async def test_refusals() -> None:
    async with walking() as walk:
        client = walk.client
        with pytest.raises(InsufficientFunds):
            await client.create_order("btctwd", "buy", "10000", price="2000000")
        with pytest.raises(OrderRejected):
            await client.create_order("btctwd", "buy", "0.00000001", price="2000000")
        with pytest.raises(OrderNotFound):
            await client.order(client_oid="nobody-s")
        with pytest.raises(OrderNotFound):
            await client.cancel_order(client_oid="nobody-s")
        walk.late = _EXPIRED
        with pytest.raises(OrderRejected) as caught:
            await client.create_order("btctwd", "buy", "0.01", price="2000000")
        assert caught.value.code == "2007"
        with pytest.raises(ClockSkew):
            await client.accounts()


async def test_funds() -> None:
    async with walking() as walk:
        addresses = await walk.call("withdraw_addresses", "usdt")
        sent = await walk.call("create_withdrawal", withdraw_address_uuid=addresses[0].uuid, amount="25")
        assert (await walk.call("withdrawal", sent.uuid)).amount == 25
        assert (await walk.call("create_twd_withdrawal", "1000")).currency == "twd"
        assert sent.uuid in {each.uuid for each in await walk.call("withdrawals", currency="usdt")}
        deposits = await walk.call("deposits", currency="usdt")
        by_uuid = await walk.call("deposit", uuid=deposits[0].uuid)
        assert await walk.call("deposit", txid=by_uuid.txid) == by_uuid == deposits[0]
        version = next(each for each in await walk.client.currencies() if each.currency == "usdt").networks[0].id
        assert (await walk.call("deposit_address", version)).currency == "usdt"
        assert [each.currency for each in await walk.call("internal_transfers", "in")] == ["usdt"]
        rewards = await walk.call("rewards", reward_type="airdrop_reward")
        assert {each.type for each in rewards} == {"airdrop_reward"}
        made = await walk.call("create_convert", from_currency="usdt", to_currency="twd", from_amount="100")
        assert (made.from_amount, made.from_currency) == (100, "usdt")
        assert await walk.call("convert", made.sn) == made
        assert made.sn in {each.sn for each in await walk.call("converts", limit=5)}
        for kind in ("deposit", "withdrawal", "transfer"):
            rows = await walk.call(f"fund_transaction_{kind}s", limit=2)
            assert await walk.call(f"fund_transaction_{kind}", rows[0].sn) == rows[0]
        assert walk.made == FUNDS


async def test_the_m_wallet() -> None:
    async with walking() as walk:
        moved = await walk.call("create_m_wallet_transfer", currency="usdt", amount="1000", side="in")
        assert moved.sn in {each.sn for each in await walk.call("m_wallet_transfers", currency="usdt", side="in")}
        loan = await walk.call("create_m_wallet_loan", currency="btc", amount="0.001")
        (listed,) = await walk.call("m_wallet_loans", "btc")
        assert (listed.sn, listed.amount) == (loan.sn, D("0.001"))
        (owed,) = await walk.client.accounts(wallet_type="m", currency="btc")
        assert owed.principal == D("0.001")
        ratio = await walk.call("m_wallet_ad_ratio")
        assert ratio.ad_ratio == pytest.approx(ratio.asset_in_usdt / ratio.debt_in_usdt, rel=D("0.001"))
        paid = await walk.call("create_m_wallet_repayment", currency="btc", amount="0.0005")
        assert paid.amount == paid.principal + paid.interest == D("0.0005")
        assert [each.sn for each in await walk.call("m_wallet_repayments", "btc")] == [paid.sn]
        await walk.call("m_wallet_interests", currency="btc")
        (past,) = await walk.call("m_wallet_liquidations")
        detail = await walk.call("m_wallet_liquidation", past.sn)
        assert (detail.sn, detail.ad_ratio) == (past.sn, past.ad_ratio)
        assert detail.liquidations
        assert walk.made == MARGIN
