"""The M-wallet as a whole and as positions: by reads and by the stream, at a scripted MAX."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.max.margin_rows import (
    NO_DEBT,
    RATES,
    RATIO,
    account,
    balance_push,
    debt_push,
    has_wallet,
    ratio_push,
)
from tests.venues.max.scripted_venue import TIME_MS, market_row, order_row, ticker_row, user, user_order
from tests.venues.max.venue_rig import ACCOUNT, BTC, ETH, VenueRig, connected, request_for
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import (
    DecodeError,
    MissingCredentials,
    NotSent,
    NotSupported,
    PermissionDenied,
    VenueUnavailable,
)
from venues.events import MarginUpdate, Notice, PositionUpdate
from venues.margin import MarginAccount, MarginAsset
from venues.model import InstrumentId, MarginMode, OrderType, Side
from venues.port import HasMarginWallet, Mode

D = Decimal
BTC_USDT = InstrumentId("max", "BTCUSDT")
BTC_MARKETS = [market_row("btctwd"), market_row("btcusdt", min_quote_amount=8)]
BTC_TICKERS = [ticker_row("btctwd", last="31000"), ticker_row("btcusdt", last="1000")]


def told(rig: VenueRig) -> list[MarginAccount]:
    return [event.account for event in rig.of(MarginUpdate)]


def alarms(rig: VenueRig) -> list[str]:
    return [notice.text for notice in rig.of(Notice) if notice.is_alarm]


def asset(wallet: MarginAccount, currency: str) -> MarginAsset:
    found = wallet.asset(currency)
    assert found is not None
    return found


@in_virtual_time
async def test_the_whole_wallet() -> None:
    async with connected(has_key=True) as rig:
        has_wallet(rig.rest, account("btc", "0.5", "1.0", "0.001", locked="0.1"), account("eth", "3"))
        assert isinstance(rig.venue, HasMarginWallet)
        assert rig.venue.capabilities.margin_wallet == "M-wallet"
        wallet = await rig.venue.fetch_margin_account()
        # TWD has a row, though there is nothing of it: it is lent.
        assert [each.currency for each in wallet.assets] == ["BTC", "ETH", "TWD"]
        btc, twd = asset(wallet, "BTC"), asset(wallet, "TWD")
        assert (btc.net, btc.debt, btc.locked) == (D("-0.401"), D("1.001"), D("0.1"))
        assert (btc.hourly_rate, btc.next_hourly_rate) == (D("0.0000031"), D("0.000004"))
        assert btc.borrow_limit == D(3), "what is owed, and what is left to be lent"
        assert (btc.step, twd.step) == (D("0.00000001"), D(1)), "how fine an amount may be"
        assert (twd.net, twd.borrow_limit, twd.is_lent) == (D(0), D(3_000_000), True)
        assert not asset(wallet, "ETH").is_lent
        assert (wallet.ratio, wallet.total_assets, wallet.total_debts) == (D("2.5"), D(2500), D(1000))
        assert (wallet.venue, wallet.currency, wallet.has_debt) == ("max", "USDT", True)
        assert wallet.ts_event >= (TIME_MS - 1_000) * 10**6


@in_virtual_time
async def test_rates_and_limits_are_read_once_in_five_minutes() -> None:
    async with connected(has_key=True, time_scale=0.1) as rig:
        has_wallet(rig.rest, account("btc", "0.5", "1.0"))
        for _ in range(3):
            await rig.venue.fetch_margin_account()
        terms = ("GET /wallet/m/limits", "GET /wallet/m/interest_rates")
        assert [len(rig.rest.of(call)) for call in terms] == [1, 1]
        rig.rest.on("GET /wallet/m/interest_rates", {"btc": RATES["btc"] | {"hourly_interest_rate": "0.5"}})
        await passes(31)
        assert asset(await rig.venue.fetch_margin_account(), "BTC").hourly_rate == D("0.5")
        assert [len(rig.rest.of(call)) for call in terms] == [2, 2]


@in_virtual_time
async def test_without_rates_and_limits_the_wallet_is_read_all_the_same() -> None:
    async with connected(has_key=True) as rig:
        has_wallet(rig.rest, account("btc", "0.5", "1.0"))
        rig.rest.refuse("GET /wallet/m/limits", 1001)
        wallet = await rig.venue.fetch_margin_account()
        assert [(each.currency, each.borrow_limit, each.hourly_rate) for each in wallet.assets] == [
            ("BTC", None, None)
        ]  # fmt: skip
        has_wallet(rig.rest, account("btc", "0.5", "1.0"))
        rig.rest.statuses.clear()
        await passes(31)
        assert asset(await rig.venue.fetch_margin_account(), "BTC").borrow_limit == D(3)


@pytest.mark.parametrize("ratio", [NO_DEBT, RATIO, {}])
def test_without_a_debt_there_is_no_ratio(ratio: dict[str, Any]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            has_wallet(rig.rest, account("btc", "5"))
            rig.rest.on("GET /wallet/m/ad_ratio", ratio)
            wallet = await rig.venue.fetch_margin_account()
            assert (wallet.ratio, wallet.has_debt) == (None, False)
            assert await rig.venue.fetch_positions() == []  # it is money, and no position

    run()


@in_virtual_time
async def test_a_ratio_that_can_not_be_read_matters_only_where_something_is_owed() -> None:
    async with connected(has_key=True) as rig:
        has_wallet(rig.rest, account("btc", "5"))
        rig.rest.refuse("GET /wallet/m/ad_ratio", 4000, 404)
        assert (await rig.venue.fetch_margin_account()).ratio is None
        rig.rest.on("GET /wallet/m/accounts", [account("btc", "5", "1")])
        with pytest.raises(Exception, match="no"):
            await rig.venue.fetch_margin_account()


@in_virtual_time
async def test_an_account_without_an_m_wallet_is_told_what_to_do() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /info", rig.rest.info(has_margin=False))
        with pytest.raises(NotSupported, match="enable it on MAX's site"):
            await rig.venue.fetch_margin_account()
        assert await rig.venue.fetch_positions() == []
        await rig.venue.subscribe(ACCOUNT)
        await passes(11)
        assert not told(rig)
        assert not rig.rest.of("GET /wallet/m/accounts")


@in_virtual_time
async def test_what_may_not_be_read_is_said_so() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.refuse("GET /wallet/m/accounts", 4002, 403)
        with pytest.raises(PermissionDenied, match="see its settings"):
            await rig.venue.fetch_margin_account()
        assert await rig.venue.fetch_positions() == []
        rig.rest.on("GET /wallet/m/accounts", [account("btc", "-1")])
        rig.rest.statuses.clear()
        with pytest.raises(DecodeError):
            await rig.venue.fetch_margin_account()
        rig.rest.on("GET /wallet/m/accounts", b"busy", 503)
        with pytest.raises(VenueUnavailable):
            await rig.venue.fetch_margin_account()


@in_virtual_time
async def test_without_a_key_there_is_none() -> None:
    async with connected() as rig:
        assert rig.venue.capabilities.margin_wallet == ""
        with pytest.raises(MissingCredentials):
            await rig.venue.fetch_margin_account()


def test_what_it_says_of_itself() -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            can = rig.venue.capabilities
            assert (can.mode, can.margin_modes, can.leverage) == (Mode.LIVE, frozenset(), False)
            rig.rest.on("GET /markets", [market_row("btctwd"), market_row("maxtwd", m_wallet_supported=False)])
            found = {each.id.symbol: each.takes_margin for each in await rig.venue.fetch_instruments()}
            assert found == {"BTCTWD": True, "MAXTWD": False}
            with pytest.raises(NotSupported, match="no leverage"):
                await rig.venue.set_leverage(BTC, D(2), MarginMode.CROSS)

    run()


@in_virtual_time
async def test_it_is_told_once_the_account_is_subscribed_compared_and_after_each_reconnect() -> None:
    async with connected(has_key=True) as rig:
        has_wallet(rig.rest, account("btc", "0.5", "1.0"))
        await rig.venue.subscribe(ACCOUNT)
        await until(lambda: told(rig))
        (first,) = told(rig)
        assert first.ratio == D("2.5")
        await passes(25)  # it is compared twice meanwhile: who shows it says how old it is
        compared = len(told(rig))
        assert compared == 3
        for peer in rig.stream.peers:
            peer.reset()
        await until(lambda: len(told(rig)) == compared + 1, 8)
        for again in told(rig):
            assert (again.assets, again.ratio) == (first.assets, first.ratio)


@in_virtual_time
async def test_a_read_that_fails_at_first_is_made_up_for() -> None:
    async with connected(has_key=True) as rig:
        has_wallet(rig.rest, account("btc", "0.5", "1.0"))
        rig.rest.refuse("GET /wallet/m/ad_ratio", 1001)
        await rig.venue.subscribe(ACCOUNT)
        await passes(5)
        assert told(rig) == []
        rig.rest.statuses.clear()
        has_wallet(rig.rest, account("btc", "0.5", "1.0"))
        await until(lambda: told(rig), 30)


@in_virtual_time
async def test_what_comes_together_is_told_together() -> None:
    async with connected(account=True) as rig:
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        await rig.venue.fetch_margin_account()
        await until(lambda: told(rig))
        count, at = len(told(rig)), TIME_MS + 60_000
        rig.stream.push(
            balance_push("btc", "1.2", "0.1", at),
            debt_push("btc", "1.5", "0.02", at + 1),
            ratio_push("1.4", at=at + 2),
        )
        await until(lambda: len(told(rig)) > count)
        newest = told(rig)[-1]
        assert len(told(rig)) == count + 1
        assert (newest.ratio, newest.total_assets, newest.total_debts) == (D("1.4"), D(2), D(1))
        assert newest.ts_event == (at + 2) * 10**6
        btc = asset(newest, "BTC")
        assert (btc.available, btc.locked, btc.principal, btc.interest) == (
            D("1.2"),
            D("0.1"),
            D("1.5"),
            D("0.02"),
        )
        assert (btc.borrow_limit, btc.hourly_rate) == (D("3.5"), D("0.0000031"))
        rig.stream.push(debt_push("btc", "0", "0", at + 9))
        await until(lambda: told(rig)[-1].ratio is None)  # what the venue said of it before holds no more
        rig.stream.push(ratio_push("999999", "2", "0", at + 10), debt_push("btc", "0.5", "0", at + 11))
        await until(lambda: told(rig)[-1].has_debt)
        assert told(rig)[-1].ratio is None, "it was told before the loan"


@in_virtual_time
async def test_what_pushes_never_told_is_read() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd")])
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        assert len(await rig.venue.fetch_positions()) == 1
        has_wallet(rig.rest, account("btc", "0.25", "1.5"))
        await until(lambda: rig.of(PositionUpdate), 30)
        assert [each.position.quantity for each in rig.of(PositionUpdate)] == [D("-1.25")]
        assert asset(told(rig)[-1], "BTC").available == D("0.25")


@in_virtual_time
async def test_a_liquidation_is_an_alarm() -> None:
    row = {"sn": "L1", "ad_ratio": "1.05", "expected_ad_ratio": "1.3", "created_at": TIME_MS - 90_000_000}
    async with connected(has_key=True) as rig:
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        rig.rest.on("GET /wallet/m/liquidations", [row | {"state": "liquidated"}])
        await rig.venue.subscribe(ACCOUNT)
        await passes(25)
        assert alarms(rig) == [], "it was over long before"
        new = row | {"sn": "L2", "created_at": TIME_MS + 30_000}
        rig.rest.on("GET /wallet/m/liquidations", [new | {"state": "processing"}, row | {"state": "liquidated"}])
        await until(lambda: len(alarms(rig)) == 1, 30)
        rig.rest.on("GET /wallet/m/liquidations", [new | {"state": "debt_recovery"}])
        await until(lambda: len(alarms(rig)) == 2, 30)
        assert alarms(rig) == [
            "MAX is liquidating the M-wallet: its AD ratio was 1.05",
            "MAX has liquidated the M-wallet: its AD ratio was 1.05, and a debt is left to repay",
        ]


@in_virtual_time
async def test_what_is_held_less_what_is_owed_as_positions() -> None:
    async with connected(has_key=True) as rig:
        has_wallet(
            rig.rest,
            account("btc", "0.5", "1.0", "0.001", locked="0.1"),
            account("eth", "3"),
            account("twd", "9", "4", "1"),
            account("usdt", "70"),
        )
        rig.rest.on("GET /tickers", [ticker_row(name, last="31000") for name in ("btctwd", "ethtwd")])
        found = {each.instrument: each for each in await rig.venue.fetch_positions()}
        # Money, of which there are 9 TWD and 5 owed, is no position; what is owed of it stands in the notes.
        btc = found[BTC]
        assert (btc.quantity, btc.entry_price, btc.margin_mode, btc.position_id) == (
            D("-0.401"), D("31000"), MarginMode.CROSS, "m",
        )  # fmt: skip
        assert btc.in_margin_wallet
        assert btc.note == "loan 1 BTC, interest 0.001 BTC, the wallet owes 5 TWD"
        assert found[ETH].quantity == D(3)
        assert len(found) == 2


@in_virtual_time
async def test_a_short_stands_where_the_wallets_money_can_buy_it_back() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /markets", BTC_MARKETS)
        rig.rest.on("GET /tickers", BTC_TICKERS)
        short, usdt = account("btc", "0", "1.0"), account("usdt", "1010", "0")

        async def market(*rows: dict[str, Any]) -> InstrumentId:
            has_wallet(rig.rest, short, *rows)
            (position,) = await rig.venue.fetch_positions()
            assert position.quantity == D(-1)
            return position.instrument

        assert await market(usdt) == BTC_USDT
        assert await market(usdt, account("twd", "31200", "0")) == BTC_USDT, "it has more of it than of TWD"
        assert await market(usdt, account("twd", "500", "0", locked="31200")) == BTC
        # There it stays while TWD can pay for it, however much USDT comes.
        assert await market(account("usdt", "9000", "0"), account("twd", "31700", "0")) == BTC
        assert await market(account("usdt", "9000", "0"), account("twd", "31500", "0")) == BTC_USDT
        # What is held is sold for what is owed.
        has_wallet(rig.rest, account("btc", "2", "0"), account("usdt", "0", "50"))
        assert [(each.instrument, each.note) for each in await rig.venue.fetch_positions()] == [
            (BTC_USDT, "the wallet owes 50 USDT")
        ]


@in_virtual_time
async def test_what_no_order_can_close_is_no_position() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd"), market_row("ethtwd", m_wallet_supported=False)])
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        has_wallet(rig.rest, account("btc", "1", "1", "0.0080"), account("eth", "3"))
        assert await rig.venue.fetch_positions() == [], "248 TWD are below the least order"
        has_wallet(rig.rest, account("btc", "1", "1", "0.0081"), account("eth", "3"))
        assert [each.quantity for each in await rig.venue.fetch_positions()] == [D("-0.0081")]


@in_virtual_time
async def test_what_a_short_grows_by_is_entered_at_the_price_of_then() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd")])
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        has_wallet(rig.rest, account("btc", "0.5", "1"))
        entries = [each.entry_price for each in await rig.venue.fetch_positions()]
        for held, last in (("0", "32000"), ("0.5", "33000"), ("1.5", "34000")):
            rig.rest.on("GET /tickers", [ticker_row("btctwd", last=last)])
            has_wallet(rig.rest, account("btc", held, "1"))
            entries += [each.entry_price for each in await rig.venue.fetch_positions()]
        assert entries == [D(31_000), D(31_500), D(31_500), D(34_000)]


@in_virtual_time
async def test_the_stream_moves_the_positions() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd")])
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        (before,) = await rig.venue.fetch_positions()
        assert (before.instrument, before.quantity) == (BTC, D("-0.5"))
        at = TIME_MS + 60_000
        rig.stream.push(
            balance_push("btc", "1.2", "0.1", at), debt_push("btc", "1.5", "0.02", at), ratio_push("1.4", at=at)
        )
        await until(lambda: rig.of(PositionUpdate))
        (event,) = rig.of(PositionUpdate)
        assert event.position.quantity == D("-0.22")
        assert event.position.note == "loan 1.5 BTC, interest 0.02 BTC"
        assert (event.position.entry_price, event.position.in_margin_wallet) == (before.entry_price, True)
        rig.stream.push(debt_push("btc", "0", "0", at + 9))
        await until(lambda: rig.of(PositionUpdate)[-1].position.quantity == 0)  # repaid: it is over
        await passes(1)
        assert len(rig.of(PositionUpdate)) == 2


@in_virtual_time
async def test_a_ratio_that_moves_moves_no_position() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd")])
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        assert len(await rig.venue.fetch_positions()) == 1
        ratios = [D("1.3"), D("1.4"), D("1.5")]
        for number, ratio in enumerate(ratios):
            rig.stream.push(ratio_push(str(ratio), at=TIME_MS + 60_000 + number))
        await until(lambda: [wallet.ratio for wallet in told(rig)][-1:] == ratios[-1:])
        await passes(1)
        assert rig.of(PositionUpdate) == []


# Orders.


@in_virtual_time
async def test_orders_go_to_the_wallet_that_is_meant() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("POST /wallet/m/order", order_row(wallet_type="m"))
        rig.rest.on("GET /order", order_row(wallet_type="m"))
        order = await rig.venue.submit_order(request_for(in_margin_wallet=True))
        assert order.in_margin_wallet
        for name, is_said in (("c1", False), ("c2", True)):
            row = order_row(id=int(name[1]), wallet_type="m", client_oid=name)
            rig.rest.on("POST /wallet/m/order", row)
            rig.rest.on("GET /order", row)
            closing = request_for(
                OrderType.MARKET,
                side=Side.SELL,
                client_order_id=name,
                reduce_only=True,
                position_id="m",
                in_margin_wallet=is_said,
            )
            assert (await rig.venue.submit_order(closing)).in_margin_wallet
        assert rig.rest.commands == ["POST /wallet/m/order"] * 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"margin_mode": MarginMode.CROSS}, "no margin mode"),
        ({"margin_mode": MarginMode.ISOLATED, "in_margin_wallet": True}, "no margin mode"),
        ({"position_id": "long", "in_margin_wallet": True}, "the M-wallet alone has positions"),
        ({"reduce_only": True, "in_margin_wallet": True}, "no reduce-only"),
        ({"in_margin_wallet": True, "instrument": ETH}, "does not trade ETHTWD"),
        ({"position_id": "m", "instrument": ETH}, "does not trade ETHTWD"),
    ],
)
def test_contradictions_are_not_sent(changes: dict[str, Any], words: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(has_key=True) as rig:
            rig.rest.on("GET /markets", [market_row("btctwd"), market_row("ethtwd", m_wallet_supported=False)])
            with pytest.raises(NotSent, match=words):
                await rig.venue.submit_order(request_for(**changes), depart=rig.depart)
            assert rig.rest.commands == []

    run()


@in_virtual_time
async def test_whose_order_it_is_is_told_by_reads_and_by_the_stream() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /wallet/m/orders/open", [order_row(id=7, wallet_type="m", client_oid=None)])
        rig.rest.on("GET /wallet/spot/orders/open", [order_row(id=8, client_oid=None)])
        found = {each.venue_order_id: each.in_margin_wallet for each in await rig.venue.fetch_open_orders()}
        assert found == {"7": True, "8": False}
        rig.stream.push(user("mwallet_order_update", "o", user_order(i=9, ci=None, S="cancel")))
        rig.stream.push(user("order_update", "o", user_order(i=10, ci=None)))
        await until(lambda: {"9", "10"} <= {each.venue_order_id for each in rig.orders})
        by_stream = {each.venue_order_id: each.in_margin_wallet for each in rig.orders}
        assert (by_stream["9"], by_stream["10"]) == (True, False)
        rig.rest.on("GET /order", order_row(id=11, wallet_type="m", client_oid=None))
        assert (await rig.venue.fetch_order(BTC, venue_order_id="11")).in_margin_wallet
        row = order_row(id=7, wallet_type="m", client_oid=None)
        rig.rest.on("GET /order", row | {"state": "cancel"})
        rig.rest.on("DELETE /wallet/m/orders", [{"error": None, "order": row}])
        rig.rest.on("DELETE /wallet/spot/orders", [])
        rig.rest.on("GET /wallet/m/orders/open", [])
        assert [each.in_margin_wallet for each in await rig.venue.cancel_all_orders()] == [True]
