"""What once went wrong in the M-wallet: what one failing read, an unknown clock, or a cut amount must not do."""

from __future__ import annotations

import pytest

from tests.venues.max.margin_rows import NO_DEBT, account, has_wallet
from tests.venues.max.scripted_venue import TIME_MS, market_row, ticker_row
from tests.venues.max.test_funds import REPAYMENT, owes, row, wish
from tests.venues.max.test_margin import D, alarms, asset, told
from tests.venues.max.venue_rig import ACCOUNT, BTC, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.commands import FundsKind
from venues.errors import OutcomeUnknown, VenueUnavailable
from venues.events import PositionUpdate

LIQUIDATION = {
    "sn": "L1", "ad_ratio": "1.05", "expected_ad_ratio": "1.3", "created_at": TIME_MS - 90_000_000,
}  # fmt: skip


@in_virtual_time
async def test_liquidations_that_can_not_be_read_hide_nothing_of_the_wallet() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd")])
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        assert len(await rig.venue.fetch_positions()) == 1
        await until(lambda: told(rig), 30)
        has_wallet(rig.rest, account("btc", "0.25", "1.5"))
        rig.rest.refuse("GET /wallet/m/liquidations", 1001)
        await until(lambda: asset(told(rig)[-1], "BTC").available == D("0.25"), 30)
        assert [each.position.quantity for each in rig.of(PositionUpdate)] == [D("-1.25")]
        new = LIQUIDATION | {"created_at": TIME_MS + 30_000, "state": "liquidated"}
        rig.rest.statuses.clear()
        rig.rest.on("GET /wallet/m/accounts", [account("btc", "0.25")])
        rig.rest.on("GET /wallet/m/liquidations", [new])
        await until(lambda: len(alarms(rig)) == 1, 30)


@in_virtual_time
async def test_without_the_venues_clock_an_old_liquidation_is_no_alarm() -> None:
    async with connected(has_key=True, connects=False) as rig:
        rig.rest.on("GET /timestamp", b"busy", 503)
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        rig.rest.on("GET /wallet/m/liquidations", [LIQUIDATION | {"state": "liquidated"}])
        await rig.venue.connect()
        await rig.venue.subscribe(ACCOUNT)
        assert rig.venue.venue_time() is None
        await until(lambda: rig.rest.of("GET /wallet/m/liquidations"), 60)
        await passes(15)
        assert alarms(rig) == []
        new = LIQUIDATION | {"sn": "L2", "created_at": TIME_MS + 60_000, "state": "liquidated"}
        rig.rest.on("GET /wallet/m/liquidations", [new, LIQUIDATION | {"state": "liquidated"}])
        await until(lambda: len(alarms(rig)) == 1, 30)


@in_virtual_time
async def test_a_ratio_that_can_not_be_read_hides_no_position() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        has_wallet(rig.rest, account("btc", "0.5", "1.0"))
        rig.rest.on("GET /wallet/m/ad_ratio", b"busy", 503)
        assert [each.instrument for each in await rig.venue.fetch_positions()] == [BTC]
        with pytest.raises(VenueUnavailable):  # whether it is near its liquidation, nobody knows
            await rig.venue.fetch_margin_account()


@in_virtual_time
async def test_a_repayment_that_was_cut_to_what_is_owed_is_an_answer() -> None:
    async with connected(has_key=True) as rig:
        owes(rig)
        rig.rest.on(REPAYMENT, row(FundsKind.REPAY, amount="0.4", principal="0.39", interest="0.01"))
        receipt = await rig.venue.move_funds(wish(FundsKind.REPAY))
        assert (receipt.venue_id, receipt.principal, receipt.interest) == ("21", D("0.39"), D("0.01"))
        rig.rest.on(REPAYMENT, row(FundsKind.REPAY, amount="0.6"))
        with pytest.raises(OutcomeUnknown):
            await rig.venue.move_funds(wish(FundsKind.REPAY))


@in_virtual_time
async def test_without_a_debt_a_ratio_that_can_not_be_read_now_keeps_what_the_wallet_is_worth() -> None:
    async with connected(has_key=True) as rig:
        has_wallet(rig.rest, account("btc", "5"), ratio=NO_DEBT)
        assert (await rig.venue.fetch_margin_account()).total_assets == D(2500)
        rig.rest.on("GET /wallet/m/ad_ratio", b"busy", 503)
        assert (await rig.venue.fetch_margin_account()).total_assets == D(2500)


@in_virtual_time
async def test_a_wallet_that_may_be_read_no_more_is_not_told_as_new() -> None:
    async with connected(account=True) as rig:
        has_wallet(rig.rest, account("btc", "1", "1.5"))
        await until(lambda: told(rig), 30)
        rig.rest.refuse("GET /wallet/m/accounts", 4002, 403)
        await passes(11)
        count = len(told(rig))
        await passes(25)
        assert len(told(rig)) == count


@in_virtual_time
async def test_a_status_that_does_not_name_the_m_wallet_takes_no_market_out_of_it() -> None:
    async with connected() as rig:
        before = {each.id: each.takes_margin for each in await rig.venue.fetch_instruments()}
        assert before[BTC]
        status = {
            "M": "btctwd",
            "st": "suspended",
            "bu": "btc",
            "bup": 8,
            "mba": 1,
            "qu": "twd",
            "qup": 1,
            "mqa": 1,
        }
        rig.stream.push({"c": "market_status", "e": "update", "ms": [status], "T": TIME_MS + 1})
        await until(lambda: [text for text in rig.notices if "suspended" in text])
        assert {each.id: each.takes_margin for each in await rig.venue.fetch_instruments()} == before
