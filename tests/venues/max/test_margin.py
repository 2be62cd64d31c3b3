"""The M-wallet: net per currency as positions while it owes anything, by reads and by the stream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.max.scripted_venue import TIME_MS, market_row, ticker_row, user
from tests.venues.max.venue_rig import BTC, ETH, connected
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.events import PositionUpdate
from venues.model import InstrumentId, MarginMode, Position


def account(
    currency: str, balance: str, principal: str = "0", interest: str = "0", locked: str = "0"
) -> dict[str, Any]:
    return {
        "currency": currency, "balance": balance, "locked": locked, "principal": principal, "interest": interest,
    }  # fmt: skip


RATIO = {"ad_ratio": "2.5", "asset_in_usdt": "2500", "debt_in_usdt": "1000"}


@in_virtual_time
async def test_what_is_held_less_what_is_owed() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on(
            "GET /wallet/m/accounts",
            [
                account("btc", "0.5", "1.0", "0.001", locked="0.1"),
                account("eth", "3"),
                account("twd", "9", "4", "1"),
            ],
        )
        rig.rest.on("GET /wallet/m/ad_ratio", RATIO)
        found = {each.instrument: each for each in await rig.venue.fetch_positions()}
        # BTC is priced in USDT first; TWD, which is priced in nothing, stands in the notes.
        btc = found[InstrumentId("max", "BTCUSDT")]
        assert (btc.quantity, btc.entry_price, btc.margin_mode, btc.position_id) == (
            Decimal("-0.401"), Decimal("100.0"), MarginMode.CROSS, "m",
        )  # fmt: skip
        assert btc.note == "loan 1 BTC, interest 0.001 BTC, the wallet owes 5 TWD, AD ratio 2.5"
        assert found[ETH].quantity == Decimal(3)
        assert len(found) == 2
        holdings, ratio = await rig.venue.fetch_margin()
        assert {each.currency: each.net for each in holdings}["TWD"] == Decimal(4)
        assert ratio == Decimal("2.5")


@in_virtual_time
async def test_without_a_debt_it_is_money_and_no_position() -> None:
    async with connected(has_key=True) as rig:
        rig.rest.on("GET /wallet/m/accounts", [account("btc", "5")])
        assert await rig.venue.fetch_positions() == []
        assert rig.rest.of("GET /wallet/m/ad_ratio") == []  # a huge one, or none


@in_virtual_time
async def test_what_pushes_never_told_is_read() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd")])
        rig.rest.on("GET /wallet/m/accounts", [account("btc", "1", "1.5")])
        rig.rest.on("GET /wallet/m/ad_ratio", RATIO)
        assert len(await rig.venue.fetch_positions()) == 1
        rig.rest.on("GET /wallet/m/accounts", [account("btc", "0.25", "1.5")])
        await until(lambda: rig.of(PositionUpdate), 30)
        assert [each.position.quantity for each in rig.of(PositionUpdate)] == [Decimal("-1.25")]


@in_virtual_time
async def test_the_stream_moves_the_positions() -> None:
    async with connected(account=True) as rig:
        rig.rest.on("GET /markets", [market_row("btctwd")])
        rig.rest.on("GET /wallet/m/accounts", [account("btc", "1", "1.5")])
        rig.rest.on("GET /wallet/m/ad_ratio", RATIO)
        rig.rest.on("GET /tickers", [ticker_row("btctwd", last="31000")])
        (before,) = await rig.venue.fetch_positions()
        assert (before.instrument, before.quantity) == (BTC, Decimal("-0.5"))

        def newest() -> Position:
            return rig.of(PositionUpdate)[-1].position

        at = TIME_MS + 60_000
        rig.stream.push(
            user("mwallet_account_update", "B", {"cu": "btc", "av": "1.2", "l": "0.1"}) | {"T": at},
            user("borrowing_update", "db", {"cu": "btc", "dbp": "1.5", "dbi": "0.02", "TU": at}) | {"T": at + 1},
            {"c": "user", "e": "ad_ratio_update", "T": at + 2,
             "ad": {"ad": "1.4", "as": "2", "db": "1", "idxp": [{"M": "btcusdt", "p": "1"}], "TU": at}},
        )  # fmt: skip
        await until(lambda: len(rig.of(PositionUpdate)) == 3)
        assert newest().quantity == Decimal("-0.22")
        assert newest().note == "loan 1.5 BTC, interest 0.02 BTC, AD ratio 1.4"
        assert newest().entry_price == before.entry_price
        rig.stream.push(
            user("borrowing_update", "db", {"cu": "btc", "dbp": "0", "dbi": "0", "TU": at}) | {"T": at + 9}
        )
        await until(lambda: newest().quantity == 0)  # repaid: the position is over
        await passes(1)
        assert len(rig.of(PositionUpdate)) == 4
