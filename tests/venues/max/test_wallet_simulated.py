"""The M-wallet at the practice exchange: followed by the stream from a loan to its repayment, or to its end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venues.max.wallet_rig import ACCOUNT, BTC, D, WalletDesk, wallet_desk, wish
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import FundsKind, OrderRequest
from venues.errors import NotSent, NotSupported
from venues.events import FillUpdate, LinkState, Notice, OrderUpdate, PositionUpdate, StreamStatus
from venues.margin import FundsState
from venues.model import Order, OrderStatus, OrderType, Side


def order(name: str, side: Side, kind: OrderType, quantity: str = "0.1", price: str | None = None) -> OrderRequest:
    return OrderRequest(
        instrument=BTC,
        client_order_id=name,
        side=side,
        type=kind,
        quantity=D(quantity),
        price=None if price is None else D(price),
        in_margin_wallet=True,
    )


def net(desk: WalletDesk, currency: str) -> Decimal:
    asset = desk.newest.asset(currency)
    return asset.net if asset is not None else D(0)


async def sell_short(desk: WalletDesk) -> None:
    receipt = await desk.venue.move_funds(wish(FundsKind.BORROW, "0.1", "BTC"), depart=desk.depart)
    assert receipt.state is FundsState.DONE
    await until(lambda: desk.debt() > 0)
    await desk.venue.submit_order(order("short", Side.SELL, OrderType.MARKET))
    await until(lambda: net(desk, "BTC") < D("-0.09"))


@in_virtual_time
async def test_a_short_sale_from_the_loan_to_its_repayment() -> None:
    async with wallet_desk(account=True) as desk:
        venue = desk.venue
        calm = desk.newest
        assert (calm.ratio, calm.has_debt, calm.total_debts) == (None, False, D(0))
        assert [each.currency for each in calm.assets] == ["BTC", "ETH", "TWD", "USDT"]
        assert all(each.is_lent and each.hourly_rate for each in calm.assets)
        assert await venue.fetch_positions() == []
        await sell_short(desk)
        await until(lambda: desk.newest.ratio is not None)
        sold = desk.newest
        assert sold.ratio is not None
        assert 2 < sold.ratio < D("2.6")
        loaned = sold.asset("BTC")
        assert loaned is not None
        assert (loaned.principal, loaned.interest, loaned.available) == (D("0.1"), D("0.00000031"), D(0))
        assert loaned.borrow_limit == D(2), "as it was read: what is owed counts with it"
        (btc,) = [each for each in await venue.fetch_positions() if each.instrument == BTC]
        assert (btc.quantity, btc.in_margin_wallet, btc.position_id) == (D("-0.10000031"), True, "m")
        # The price rises, hours pass.
        desk.book("BTCUSDT", "95000", "95002")
        await until(lambda: (desk.newest.ratio or D(9)) < (sold.ratio or 0))
        desk.act("hours", hours=3)
        await until(lambda: desk.debt() == D("0.10000124"))
        assert "interest 0.00000124 BTC" in desk.of(PositionUpdate)[-1].position.note
        # Bought back, and paid.
        closing = order("back", Side.BUY, OrderType.MARKET, "0.101")
        await venue.submit_order(closing)
        await until(lambda: net(desk, "BTC") > 0)
        fills = [each.fill for each in desk.of(FillUpdate)]
        assert [each.client_order_id for each in fills] == ["short", "back"]
        assert all(each.in_margin_wallet for each in fills)
        assert all(each.in_margin_wallet for each in await venue.fetch_fills(0))
        receipt = await venue.move_funds(wish(FundsKind.REPAY, "0.10000124", "BTC"))
        assert (receipt.principal, receipt.interest) == (D("0.1"), D("0.00000124"))
        await until(lambda: not desk.newest.has_debt)
        assert desk.newest.ratio is None
        await until(lambda: desk.of(PositionUpdate)[-1].position.quantity == 0)
        told = await venue.fetch_margin_account()
        assert {each.currency: each.net for each in told.assets} == {
            each.currency: each.net for each in desk.newest.assets
        }  # fmt: skip


@in_virtual_time
async def test_transfers_move_both_wallets() -> None:
    async with wallet_desk(account=True) as desk:
        before = {each.currency: each.available for each in await desk.venue.fetch_balances()}["USDT"]
        await desk.venue.move_funds(wish(FundsKind.TRANSFER_IN, "500"))
        await until(lambda: net(desk, "USDT") == 10_500)
        await desk.venue.move_funds(wish(FundsKind.TRANSFER_OUT, "200"))
        await until(lambda: net(desk, "USDT") == 10_300)
        after = {each.currency: each.available for each in await desk.venue.fetch_balances()}["USDT"]
        assert before - after == 300


@in_virtual_time
async def test_it_is_told_again_after_a_reconnect_as_it_is_then() -> None:
    async with wallet_desk(account=True) as desk:
        await sell_short(desk)
        await passes(12)
        desk.faults.switch("reset")
        await until(lambda: desk.of(StreamStatus)[-1].state is LinkState.RECONNECTING)
        desk.act("fund", currency="BTC", amount="0.3", account=1)  # while nobody hears of it
        count = len(desk.accounts)
        desk.faults.heal()
        await until(lambda: len(desk.accounts) > count, 60)
        await until(lambda: net(desk, "BTC") == D("0.19999969"))
        assert desk.newest.ratio is not None


@pytest.mark.parametrize(
    "faults", ["drop@account:1", "drop@account:0.5", "reorder@account:1", "duplicate@account:1", "nan@account"]
)
def test_pushes_that_are_lost_or_mixed_up_are_made_up_for(faults: str) -> None:
    @in_virtual_time
    async def run() -> None:
        async with wallet_desk(account=True) as desk:
            desk.faults.switch(faults)
            for amount in ("0.01", "0.02", "0.03"):
                await desk.venue.client.create_m_wallet_loan(currency="btc", amount=D(amount))
                await passes(0.3)
            desk.book("BTCUSDT", "90000", "90002")
            await passes(12)
            told = await desk.venue.fetch_margin_account()
            assert (desk.newest.assets, desk.newest.ratio) == (told.assets, told.ratio)
            assert desk.debt() == desk.wallet.debt("BTC").total > D("0.06")

    run()


@in_virtual_time
async def test_a_liquidation_is_told() -> None:
    async with wallet_desk(account=True) as desk:
        await desk.venue.move_funds(wish(FundsKind.TRANSFER_OUT, "9000"))
        await desk.venue.move_funds(wish(FundsKind.TRANSFER_OUT, "100000", "TWD"))
        await desk.venue.move_funds(wish(FundsKind.TRANSFER_IN, "3000"))
        await sell_short(desk)
        desk.book("BTCUSDT", "118000", "118002")
        await until(lambda: desk.newest.ratio is None or desk.newest.ratio < D("1.1"), 30)
        await until(lambda: not desk.newest.has_debt, 30)
        await until(lambda: any("liquidated the M-wallet" in each for each in desk.notices), 30)
        alarms = [each for each in desk.of(Notice) if each.is_alarm and "liquidat" in each.text]
        assert 1 <= len(alarms) <= 2
        # What the venue itself has bought is an order of the M-wallet as well.
        own = [each.order for each in desk.of(OrderUpdate) if each.order.client_order_id == ""]
        assert {each.in_margin_wallet for each in own} == {True}


@in_virtual_time
async def test_orders_that_were_placed_elsewhere_are_told_with_their_wallet() -> None:
    async with wallet_desk(account=True) as desk:

        def told() -> dict[str, Order]:
            return {each.order.client_order_id: each.order for each in desk.of(OrderUpdate)}

        for account, name in ((1, "margin"), (0, "spot")):
            desk.act(
                "place", symbol="BTCUSDT", side="buy", type="limit", quantity="0.01", price="70000",
                client_id=name, account=account,
            )  # fmt: skip
        await until(lambda: set(told()) == {"margin", "spot"})
        expected = {"margin": True, "spot": False}
        assert {name: each.in_margin_wallet for name, each in told().items()} == expected
        listed = {each.client_order_id: each.in_margin_wallet for each in await desk.venue.fetch_open_orders()}
        assert listed == expected
        ended = await desk.venue.cancel_all_orders()
        assert {each.client_order_id: each.in_margin_wallet for each in ended} == expected
        assert {each.status for each in ended} == {OrderStatus.CANCELED}


@in_virtual_time
async def test_an_account_without_an_m_wallet_trades_spot_all_the_same() -> None:
    async with wallet_desk(has_wallet=False) as desk:
        await desk.venue.subscribe(ACCOUNT)
        await passes(11)
        assert desk.accounts == []
        with pytest.raises(NotSupported, match="enable it on MAX's site"):
            await desk.venue.fetch_margin_account()
        assert await desk.venue.fetch_positions() == []
        assert await desk.venue.fetch_open_orders() == []
        with pytest.raises(NotSent, match="enable it"):
            await desk.venue.move_funds(wish(FundsKind.BORROW, "20"), depart=desk.depart)
        assert not desk.departures
        await desk.venue.submit_order(
            OrderRequest(
                instrument=BTC, client_order_id="spot", side=Side.BUY, type=OrderType.LIMIT, quantity=D("0.01"),
                price=D(70_000),
            )
        )  # fmt: skip
        assert [each.client_order_id for each in await desk.venue.cancel_all_orders()] == ["spot"]
