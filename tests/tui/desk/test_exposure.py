"""What is held of an asset over all venues: balances, margin wallets, positions, each counted once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tests.support.margin import margin_view
from tests.support.mayex_desk import BTC, CAN, all_modes, four_frame, held, mayex_frame, usdt
from tests.support.pumpkin_desk import both_sides
from tui.desk.exposure import exposure_in, exposures, untold_venues
from tui.desk.frame import BalanceView, PositionView
from venues.model import Balance, InstrumentKind

D = Decimal


def owned(venue: str, currency: str, total: str, value: str | None) -> BalanceView:
    balance = Balance(currency=currency, total=D(total), available=D(total), locked=D(0))
    return BalanceView(venue=venue, account="main", balance=balance, value=None if value is None else D(value))


def test_four_venues_are_one_sum_per_asset_what_is_worth_most_first() -> None:
    found = exposures(four_frame())
    assert [(one.asset, one.net) for one in found] == [("BTC", D("0.45")), ("ETH", D(-3)), ("TWD", D(180000))]
    bitcoin = found[0]
    assert {venue: bitcoin.at(venue) for venue in ("coinex", "max", "pumpkin", "mayex")} == {
        "coinex": D("0.1"), "max": None, "pumpkin": D("0.15"), "mayex": D("0.2"),
    }  # fmt: skip
    assert [share.what for share in bitcoin.shares] == [
        "balance", "LONG BTC/USDT perp", "SHORT BTC/USDT perp", "LONG BTC/USDT perp isolated",
        "LONG BTC/USDT perp cross", "SHORT BTC/USDT perp isolated",
    ]  # fmt: skip
    assert bitcoin.value == D("0.45") * D("60621.4")  # what a balance of it is valued at
    assert found[2].value is None


def test_a_long_here_and_a_short_there_are_nothing() -> None:
    long, short = held("long", "isolated", "0.250"), both_sides()[1]
    short = msgspec.structs.replace(short, position=msgspec.structs.replace(short.position, quantity=D("-0.25")))
    (found,) = exposures(mayex_frame(positions=(long, short)))
    assert (found.asset, found.net, found.value) == ("BTC", D(0), D(0))
    assert (found.at("mayex"), found.at("pumpkin")) == (D("0.25"), D("-0.25"))


def test_the_accounts_own_currency_is_none_and_what_is_not_held_neither() -> None:
    frame = mayex_frame(positions=(), balances=(usdt("mayex", "10", "10"), owned("mayex", "BTC", "0", "0")))
    assert exposures(frame) == ()
    assert exposure_in(frame, "USDT") is None and exposure_in(frame, "BTC") is None


def test_a_margin_wallet_is_counted_by_what_it_has_less_what_it_owes_and_its_position_not_again() -> None:
    view = margin_view()
    in_wallet = held("long", "cross", "9")
    position = msgspec.structs.replace(in_wallet.position, in_margin_wallet=True)
    twice = msgspec.structs.replace(in_wallet, position=position)
    frame = mayex_frame(positions=(twice,), balances=(), margins=(view,))
    expected = {
        asset.currency: asset.net for asset in view.wallet.assets if asset.net and asset.currency != "USDT"
    }
    assert {one.asset: one.net for one in exposures(frame)} == expected
    assert {share.what for one in exposures(frame) for share in one.shares} == {view.name}


def test_an_inverse_contract_is_left_out() -> None:
    def inverse(view: PositionView) -> PositionView:
        kind = msgspec.structs.replace(BTC, kind=InstrumentKind.INVERSE_PERPETUAL)
        return msgspec.structs.replace(view, instrument=kind)

    assert exposures(mayex_frame(positions=tuple(map(inverse, all_modes())))) == ()


def test_prices_come_from_balances_marks_and_quotes_in_the_accounts_currency_only() -> None:
    only = mayex_frame(positions=(), balances=(owned("max", "ETH", "2", None), owned("max", "XYZ", "2", None)))
    assert [(one.asset, one.value) for one in exposures(only)] == [("ETH", D("4729.20")), ("XYZ", None)]
    assert [one.value for one in exposures(msgspec.structs.replace(only, accounts=()))] == [None, None]


def test_a_venue_that_has_told_nothing_yet_is_named() -> None:
    frame = four_frame()
    assert untold_venues(frame) == ()
    quiet = msgspec.structs.replace(frame, balances=tuple(b for b in frame.balances or () if b.venue != "max"))
    assert untold_venues(quiet) == (), "it was read, and there is nothing"

    def told(**changes: Any) -> tuple[str, ...]:
        views = (msgspec.structs.replace(v, **(changes if v.venue == "max" else {})) for v in quiet.venues or ())
        return untold_venues(msgspec.structs.replace(quiet, venues=tuple(views)))

    assert told(is_reconciling=True) == told(fault="the key was not accepted") == ("max",)
    keyless = msgspec.structs.replace(CAN, reads_account=False)
    assert told(is_reconciling=True, capabilities=keyless) == ()
