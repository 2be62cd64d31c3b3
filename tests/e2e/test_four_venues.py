"""Four venues at one desk: what all of it comes to, one of them lost for a while, and a panic over all of them."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.four_desk import FOUR, FourTrader, desk_on_four, four_exchanges
from tests.e2e.perpetual_desk import BTC

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]

LOST = "pumpkin"


def check_exposure(trader: FourTrader) -> None:
    """The screen says of bitcoin what the four records come to."""
    trader.press("N")
    trader.wait_for("net exposure")
    trader.wait_for(lambda: trader.shown_net("BTC") == trader.true_net("BTC"))
    for name in FOUR:
        trader.wait_to_see(rf"asset +net .*{name}")
    trader.press("esc")
    trader.wait_for(lambda: "net exposure" not in trader.desk.text)


def rest_a_bid(trader: FourTrader, name: str, instrument: str, size: str) -> None:
    before = len(trader.open_at(name))
    trader.show_at(name, instrument.lower().replace("/usdt perp", " perp"), instrument)
    trader.place("b", size, "bid-1%")
    trader.wait_for(lambda: len(trader.open_at(name)) == before + 1)


def test_a_day_on_four_exchanges(tmp_path: Path) -> None:
    def others_are_well() -> bool:
        return all(trader.is_well(name) for name in FOUR if name != LOST)

    with four_exchanges() as exchanges, desk_on_four(tmp_path, exchanges) as trader:
        trader.show_at("pumpkin", "btc perp", BTC)
        trader.place("B", "0.5")
        trader.wait_for_position("LONG", "0.5000")
        trader.show_at("mayex", "btc perp", BTC)
        trader.place("S", "0.2")
        trader.wait_for(lambda: trader.truth_at("mayex")["positions"])
        rest_a_bid(trader, "coinex", "BTC/USDT", "0.01")
        rest_a_bid(trader, "max", "BTC/USDT", "0.01")
        check_exposure(trader)

        # One is lost: its chip says so, the others go on, and nothing of what stands there is forgotten.
        trader.lose(LOST)
        trader.wait_for(lambda: re.search(rf" {LOST} [◐✕]", trader.chip))
        trader.wait_for(others_are_well)
        rest_a_bid(trader, "mayex", BTC, "0.01")
        rest_a_bid(trader, "coinex", "BTC/USDT", "0.02")
        check_exposure(trader)
        assert not trader.is_well(LOST)
        trader.wait_for(others_are_well)  # one may be behind for a moment on a busy machine: none stays so

        trader.find_again(LOST)
        trader.wait_for(lambda: all(trader.is_well(name) for name in FOUR), 30)
        rest_a_bid(trader, LOST, BTC, "0.01")
        assert {name: len(trader.open_at(name)) for name in FOUR} == {
            "coinex": 2, "max": 1, "pumpkin": 1, "mayex": 1,
        }  # fmt: skip

        trader.press("ctrl+x")
        trader.answer("y", to="mayex    main  1 order")
        trader.wait_for("PANIC RECEIPT")
        for name, words in {
            "coinex": "2 cancelled",
            "max": "1 cancelled",
            "pumpkin": "1 cancelled, 1 closed",
            "mayex": "1 cancelled, 1 closed",
        }.items():
            trader.wait_to_see(rf"{name} +main +{words} +0 orders, 0 positions +✓ proven")
        for name in FOUR:
            assert not trader.open_at(name)
            assert not trader.truth_at(name).get("positions")
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        check_exposure(trader)
        check_fills(trader)
        trader.quit()


def check_fills(trader: FourTrader) -> None:
    """The fills are those of all four records."""
    true = sorted(
        (row["side"].upper(), Decimal(row["price"]), Decimal(row["quantity"]))
        for name in FOUR
        for row in trader.truth_at(name)["fills"]
    )

    def shown() -> list[tuple[str, Decimal, Decimal]]:
        whole = [row for row in trader.table() if {"side", "price", "size"} <= row.keys()]
        figures = ((row["price"].replace(",", ""), row["size"].replace(",", "")) for row in whole)
        return sorted(
            (row["side"], Decimal(price), Decimal(size)) for row, (price, size) in zip(whole, figures, strict=True)
        )

    trader.press("3")
    trader.wait_for(lambda: shown() == true)
