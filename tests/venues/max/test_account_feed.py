"""The account's stream at a scripted MAX: the login, orders, executions each once, balances, what is missing."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.venues.max.scripted_max import KEY, SECRET
from tests.venues.max.scripted_venue import TIME_MS, order_row, trade_row, user, user_order, user_trade
from tests.venues.max.venue_rig import ACCOUNT, BTC, VenueRig, books_orders, connected, request_for
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import AuthenticationError, MissingCredentials
from venues.events import BalanceUpdate, LinkState, Notice, StreamStatus
from venues.model import Liquidity, OrderStatus, Side
from venues.port import Credentials

TRADES = "GET /order/trades"


def has_logins(rig: VenueRig, number: int) -> bool:
    return len(rig.stream.logins) == number


def later(**changes: Any) -> dict[str, Any]:
    """A trade of after the account was opened."""
    return user_trade(T=TIME_MS + 60_000, **changes)


@in_virtual_time
async def test_each_login_has_a_nonce_and_a_signature_of_its_own() -> None:
    async with connected(account=True) as rig:
        (first,) = rig.stream.logins
        assert first["apiKey"] == KEY
        assert first["filters"] == [
            "order", "trade", "account", "mwallet_order", "mwallet_trade", "mwallet_account", "ad_ratio",
            "borrowing",
        ]  # fmt: skip
        for number in (2, 3):
            rig.stream.peer.reset()
            await until(partial(has_logins, rig, number))
        assert len({call["nonce"] for call in rig.stream.logins}) == 3
        assert len({call["signature"] for call in rig.stream.logins}) == 3


@in_virtual_time
async def test_without_an_m_wallet_nothing_of_it_is_asked_for() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /info", rig.rest.info(has_margin=False))
        await rig.venue.subscribe(ACCOUNT)
        assert rig.stream.logins[0]["filters"] == ["order", "trade", "account"]
        assert await rig.venue.fetch_open_orders() == []
        assert rig.rest.of("GET /wallet/m/orders/open") == []


@in_virtual_time
async def test_a_key_that_is_not_taken_stops_no_market_data() -> None:
    async with connected(has_key=True) as rig:
        rig.stream.refuses_logins = "E-1007: authentication failed"
        with pytest.raises(AuthenticationError, match="check both halves"):
            await rig.venue.subscribe(ACCOUNT)
        assert rig.state is not LinkState.DOWN
        rig.stream.refuses_logins = ""
        await rig.venue.subscribe(ACCOUNT)
    async with connected() as rig:
        with pytest.raises(MissingCredentials):
            await rig.venue.subscribe(ACCOUNT)


@in_virtual_time
async def test_a_nonce_that_somebody_else_drew_is_drawn_anew() -> None:
    async with connected(has_key=True) as rig:
        rig.stream.refuses_logins = "E-1012: nonce was used"
        with pytest.raises(AuthenticationError):
            await rig.venue.subscribe(ACCOUNT)
        rig.stream.refuses_logins = ""
        await rig.venue.subscribe(ACCOUNT)


@in_virtual_time
async def test_an_order_from_its_snapshot_to_its_end() -> None:
    async with connected(has_key=True) as rig:
        rig.stream.snapshots = [user("order_snapshot", "o", user_order()), user("trade_snapshot", "t")]
        await rig.venue.subscribe(ACCOUNT)
        await until(lambda: rig.orders)
        rig.rest.on(TRADES, [])
        part = user_order(ev="0.4", rv="0.6", ap="30000.0", TU=TIME_MS + 10)
        rig.stream.push(
            user("order_update", "o", part), user("order_update", "o", user_order(TU=TIME_MS + 5)),  # late
            user("order_update", "o", part),  # twice
            user("order_update", "o", user_order(S="cancel", ev="0.4", rv="0.6", ap="30000.0", TU=TIME_MS + 20)),
            user("order_update", "o", part | {"TU": TIME_MS + 21}),  # what is over stays over
        )  # fmt: skip
        await until(lambda: rig.orders[-1].status is OrderStatus.CANCELED)
        await passes(1)
        assert [(order.status, order.filled_quantity) for order in rig.orders] == [
            (OrderStatus.NEW, Decimal(0)), (OrderStatus.PARTIALLY_FILLED, Decimal("0.4")),
            (OrderStatus.CANCELED, Decimal("0.4")),
        ]  # fmt: skip


@in_virtual_time
async def test_an_execution_comes_once_however_often_it_is_told() -> None:
    async with connected(account=True) as rig:
        told = user("trade_update", "t", later())
        rig.stream.push(told, told, user("trade_snapshot", "t", later(), later(i=902)))
        await until(lambda: len(rig.fills) >= 2)
        await passes(1)
        assert [fill.trade_id for fill in rig.fills] == ["901", "902"]
        first = rig.fills[0]
        assert (first.side, first.liquidity, first.fee, first.fee_currency) == (
            Side.BUY, Liquidity.MAKER, Decimal("24.0"), "TWD",
        )  # fmt: skip


@in_virtual_time
async def test_a_snapshot_tells_nothing_of_before_the_account_was_opened() -> None:
    async with connected(has_key=True) as rig:
        rig.stream.snapshots = [user("trade_snapshot", "t", *(user_trade(i=n, T=TIME_MS - n) for n in range(100)))]
        await rig.venue.subscribe(ACCOUNT)
        await passes(3)
        assert rig.fills == []
        rig.stream.snapshots = [user("trade_snapshot", "t", user_trade(i=5, T=TIME_MS - 5), later())]
        rig.stream.peer.reset()
        await until(lambda: rig.fills)  # of while it was away
        assert [fill.trade_id for fill in rig.fills] == ["901"]


@in_virtual_time
async def test_a_push_that_comes_very_late_is_told_nevertheless() -> None:
    async with connected(account=True) as rig:
        await passes(60)
        rig.stream.push(user("trade_update", "t", later()))  # 60 s before the venue's clock by now
        await until(lambda: rig.fills)
        await passes(60)
        rig.stream.push(user("trade_update", "t", later(i=902)))
        await until(lambda: len(rig.fills) == 2)


@in_virtual_time
async def test_a_sub_account_is_named_in_the_login_and_in_every_call() -> None:
    async with connected(credentials=Credentials(KEY, SECRET, sub_account="SUB1")) as rig:
        await rig.venue.subscribe(ACCOUNT)
        assert rig.stream.logins[0]["subAccount"] == "SUB1"
        await rig.venue.fetch_balances()
        signed = [call for call in rig.rest.calls if call.nonce is not None]
        assert {call.headers["x-sub-account"] for call in signed} == {"SUB1"}


@in_virtual_time
async def test_a_fee_that_is_missing_is_asked_for() -> None:
    async with connected(account=True) as rig:
        answers = [[trade_row(fee=None, fee_currency=None, created_at=TIME_MS + 60_000)]] * 2
        whole = [trade_row(fee="0.1", fee_currency="max", created_at=TIME_MS + 60_000)]
        rig.rest.on(TRADES, lambda _: answers.pop() if answers else whole)
        rig.stream.push(user("trade_update", "t", later(f=None, fc=None)))
        await until(lambda: rig.fills)
        (fill,) = rig.fills
        assert (fill.fee, fill.fee_currency, fill.trade_id) == (Decimal("0.1"), "MAX", "901")
        assert len(rig.rest.of(TRADES)) == 3
        await passes(10)
        assert len(rig.rest.of(TRADES)) == 3


@in_virtual_time
async def test_a_list_that_lacks_the_fee_yet_does_not_undo_what_the_stream_told() -> None:
    async with connected(account=True) as rig:
        rig.stream.push(user("trade_update", "t", later(f="0.1", fc="max")))
        await until(lambda: rig.fills)
        lacking = [trade_row(fee=None, fee_currency=None, created_at=TIME_MS + 60_000)]
        for wallet, rows in (("spot", lacking), ("m", [])):
            rig.rest.on(f"GET /wallet/{wallet}/trades", rows)
        assert list(await rig.venue.fetch_fills(0)) == rig.fills


@in_virtual_time
async def test_a_fee_that_never_comes_is_said() -> None:
    async with connected(account=True) as rig:
        rig.rest.on(TRADES, [trade_row(fee=None, fee_currency=None, created_at=TIME_MS + 60_000)])
        rig.stream.push(user("trade_update", "t", later(f=None, fc=None)))
        await until(lambda: rig.fills, 120)
        assert rig.fills[0].fee == 0
        assert any("fee of trade 901 is not known" in notice.text for notice in rig.of(Notice))


@in_virtual_time
async def test_an_execution_that_was_never_pushed_is_asked_for() -> None:
    async with connected(account=True) as rig:
        books_orders(rig)
        await rig.venue.submit_order(request_for())
        rig.rest.on(TRADES, [trade_row(created_at=TIME_MS + 60_000)])
        rig.stream.push(user("order_update", "o", user_order(ev="0.4", rv="0.6", ap="30000.0", TU=TIME_MS + 10)))
        await until(lambda: rig.fills)
        assert (rig.fills[0].client_order_id, rig.fills[0].quantity) == ("s1", Decimal("0.4"))
        rig.stream.push(user("trade_update", "t", later()))  # it comes after all
        await passes(3)
        assert len(rig.fills) == 1


@in_virtual_time
async def test_a_trade_with_ourselves_is_two_fills_by_stream_and_by_read() -> None:
    async with connected(account=True) as rig:
        rig.stream.push(user("trade_update", "t", later(sd="ask", oi=501), later(sd="bid", oi=502)))
        await until(lambda: len(rig.fills) == 2)
        assert {(fill.trade_id, fill.side) for fill in rig.fills} == {("901", Side.SELL), ("901-buy", Side.BUY)}
        row = trade_row(
            side="self-trade", created_at=TIME_MS + 60_000, self_trade_bid_fee="1",
            self_trade_bid_fee_currency="twd", self_trade_bid_order_id=502,
        )  # fmt: skip
        rig.rest.on("GET /wallet/spot/trades", [row])
        read = await rig.venue.fetch_fills(0)
        assert {(fill.trade_id, fill.side) for fill in read} == {("901", Side.SELL), ("901-buy", Side.BUY)}
        await passes(25)  # what is compared meanwhile tells nothing again
        assert len(rig.fills) == 2


@in_virtual_time
async def test_balances_are_told_by_currency_and_never_go_back() -> None:
    async with connected(account=True) as rig:
        new = {"cu": "btc", "av": "1.5", "l": "0.5", "stk": None, "TU": TIME_MS + 60_009}
        old = new | {"av": "9", "TU": TIME_MS + 60_008}
        rig.stream.push(user("account_update", "B", new), user("account_update", "B", old))
        await until(lambda: rig.of(BalanceUpdate))
        (told,) = rig.of(BalanceUpdate)
        (balance,) = told.balances
        assert (balance.currency, balance.total, balance.available) == ("BTC", Decimal(2), Decimal("1.5"))
        assert told.ts_event == (TIME_MS + 60_009) * 10**6


@in_virtual_time
async def test_orders_that_ended_while_the_stream_was_away_are_looked_up() -> None:
    async with connected(account=True) as rig:
        books_orders(rig)
        await rig.venue.submit_order(request_for())
        rig.rest.on("GET /order", order_row(state="cancel", updated_at=TIME_MS + 50))
        rig.stream.snapshots = [user("order_snapshot", "o")]
        rig.stream.peer.reset()
        await until(lambda: rig.orders and rig.orders[-1].status is OrderStatus.CANCELED)


@in_virtual_time
async def test_an_order_that_the_venue_has_no_more_is_over_only_when_that_is_proven() -> None:
    async with connected(account=True) as rig:
        books_orders(rig)
        await rig.venue.submit_order(request_for())
        rig.rest.refuse("GET /order", 2004, 404)
        await passes(34)  # a nonce lives 30 s, and orders are queued
        assert rig.orders[-1].status is OrderStatus.NEW
        await until(lambda: rig.orders[-1].status is OrderStatus.REJECTED, 60)


@in_virtual_time
async def test_what_pushes_never_told_is_found_by_reading() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /wallet/spot/orders/open", [order_row(client_oid=None)])
        rig.rest.on("GET /wallet/spot/trades", [trade_row(created_at=TIME_MS + 60_000)])
        rig.rest.on(
            "GET /wallet/spot/accounts", [{"currency": "twd", "balance": "5", "locked": "1", "staked": None}]
        )
        await until(lambda: rig.orders and rig.fills and rig.of(BalanceUpdate), 30)
        assert (rig.orders[0].instrument, rig.fills[0].trade_id) == (BTC, "901")
        assert rig.of(BalanceUpdate)[0].balances[0].total == Decimal(6)
        rig.rest.on("GET /wallet/spot/orders/open", [])
        rig.rest.on("GET /order", order_row(state="done", executed_volume="1.0", updated_at=TIME_MS + 9))
        await until(lambda: rig.orders[-1].status is OrderStatus.FILLED, 30)


@in_virtual_time
async def test_a_message_that_can_not_be_read_has_the_account_read_back() -> None:
    async with connected(account=True) as rig:
        await passes(1)
        rig.stream.push(b'{"c":"user","e":"order_update","o":[{"i":501,"S":NaN}]}')
        await until(lambda: LinkState.RECONNECTING in [each.state for each in rig.of(StreamStatus)])
        await until(lambda: rig.state is LinkState.LIVE or rig.state is LinkState.STALE)
        assert rig.venue.quarantined == 2  # both streams were sent it
