"""Perpetuals at the desk: two positions side by side, their margin, a plan, a liquidation, and a panic.

What the desk shows is held against the exchange's own record all the way.
"""

from __future__ import annotations

import re
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.perpetual_desk import (
    SCALE,
    SIZE,
    START,
    add_margin,
    agree,
    leave_positions,
    open_positions,
)  # fmt: skip
from tests.e2e.pumpkin_desk import PumpkinTrader, desk_on, exchange, open_long, settings_of
from tests.e2e.trader import READ_SECONDS, START_SECONDS, money

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]


def test_positions_of_both_sides_from_the_first_order_to_a_panic(tmp_path: Path) -> None:
    with exchange() as practice, desk_on(tmp_path, practice) as trader:
        open_long(trader)
        true = trader.true_position("LONG")
        assert (true["type"], true["leverage"], Decimal(true["quantity"])) == ("ISOLATED", 10, Decimal("0.5"))
        (protection,) = trader.truth()["protections"]
        assert (money(protection["take_profit"]), money(protection["stop_loss"])) == (
            Decimal(70_000),
            Decimal(55_000),
        )
        trader.tab(2, "70,000.0")  # one entry with both triggers
        trader.wait_for("55,000.0")

        # The profit is at the mark, and so is the distance to where it ends.
        trader.mark(START + 300)
        row = trader.wait_for_row("LONG", "P&L", "liq", "away", "next funding")
        trader.wait_for(lambda: money(trader.row("LONG")["P&L"]) == Decimal(trader.true_position("LONG")["pnl"]))
        trader.wait_for(lambda: trader.shows_end_of("LONG"))
        row = trader.row("LONG")
        end = money(row["liq"][1:])
        away = (START + 300 - end) / (START + 300) * 100
        assert abs(Decimal(row["away"].rstrip("%")) - away) < Decimal("0.1")
        assert re.fullmatch(r"~[+-]?\d+\.\d+ (in )?\d+:\d\d:\d\d", row["next funding"])

        open_positions(trader)
        trader.wait_to_see(r"funding +.* at [+-]0\.\d{4}%")
        add_margin(trader, "500")
        trader.wait_to_see(r"✓ ADD MARGIN 500 USDT +done")
        (moved,) = trader.truth()["margin_moves"]
        assert (moved["position_id"], Decimal(moved["amount"])) == (true["id"], Decimal(500))
        leave_positions(trader)
        trader.press("1")
        trader.wait_for(lambda: trader.shows_end_of("LONG") and money(trader.row("LONG")["liq"][1:]) < end - 900)

        # A short beside it: neither nets the other. Then half of the long goes.
        trader.place("S", "0.2")
        trader.wait_for(lambda: len(trader.truth()["positions"]) == 2)
        trader.wait_for_row("SHORT", "size", "liq")
        trader.wait_for(lambda: trader.shows_end_of("SHORT") and trader.shows_end_of("LONG"))
        trader.wait_for(lambda: trader.sizes() == {"LONG": Decimal("0.5"), "SHORT": Decimal("0.2")})
        trader.select("LONG")
        trader.press("x")
        trader.answer("2", to="50 %")
        trader.wait_for(lambda: Decimal(trader.row("LONG").get("size", "0")) == Decimal("0.25"))
        assert Decimal(trader.true_position("LONG")["quantity"]) == Decimal("0.25")
        assert Decimal(trader.true_position("SHORT")["quantity"]) == Decimal("0.2")

        # A plan waits for the mark, and what it places fills.
        trader.plan("b", "61000", "0.1")
        (plan,) = [order for order in trader.truth()["orders"] if "became" in order]
        assert (plan["status"], Decimal(plan["trigger"])) == ("new", Decimal(61_000))
        trader.mark(Decimal(61_000))
        trader.wait_for_row("LONG", "size")
        trader.wait_for(lambda: Decimal(trader.row("LONG").get("size", "0")) == Decimal("0.35"))
        (plan,) = [order for order in trader.truth()["orders"] if "became" in order]
        (child,) = [order for order in trader.truth()["orders"] if order["id"] == plan["became"]]
        assert (plan["status"], child["status"], Decimal(child["filled"])) == (
            "triggered",
            "filled",
            Decimal("0.1"),
        )

        # The short is liquidated, and the desk says so.
        end = Decimal(trader.true_position("SHORT")["liquidation_price"])
        trader.mark(end + 1)
        trader.wait_to_see(r"LIQUIDATED")
        trader.wait_for(lambda: not trader.row("SHORT"))
        assert [row["side"] for row in trader.truth()["positions"]] == ["LONG"]
        (forced,) = [order for order in trader.truth()["orders"] if order.get("is_forced")]
        assert (forced["side"], Decimal(forced["filled"])) == ("buy", Decimal("0.2"))

        trader.press("ctrl+x")
        trader.answer("y", to="pumpkin  main  1 order")
        trader.wait_to_see(r"pumpkin +main +1 cancelled, 1 closed +0 orders, 0 positions +✓ proven")
        truth = trader.truth()
        assert truth["positions"] == []
        assert not [order for order in truth["orders"] if order["status"] in ("new", "partially_filled")]
        assert not [one for one in truth["protections"] if one["status"] == "NOT_TRIGGERED"]
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        agree(trader)
        trader.quit()


def test_a_margin_move_whose_answer_was_lost_is_found_after_a_kill_and_was_made_once(tmp_path: Path) -> None:
    with exchange() as practice:
        with desk_on(tmp_path, practice, has_streams=False) as trader:
            trader.wait_for(lambda: re.search(r" pumpkin ● polling, \d\.\d s", trader.chip))
            open_long(trader)
            open_positions(trader)
            # Neither its answer comes, nor any read of what the position is backed with now.
            practice.faults.switch("lost-reply=close@margin*1,503@query")
            add_margin(trader, "250")
            trader.wait_to_see(r"\? ADD MARGIN 250 USDT +UNKNOWN")
            assert [Decimal(move["amount"]) for move in trader.truth()["margin_moves"]] == [Decimal(250)]
            assert not trader.sees(r"(?i)\bfailed|rejected|refused")
            trader.desk.signal(signal.SIGKILL)
            trader.desk.wait_exit()
        trader = PumpkinTrader(tmp_path, SIZE, practice, time_scale=SCALE, settings=settings_of(practice, False))
        with trader.desk:
            trader.wait_for("RECOVERY", START_SECONDS)
            trader.wait_for("ADD MARGIN 250 USDT")
            assert not trader.sees(r"(?i)\bfailed|settled")
            practice.faults.heal()
            trader.wait_to_see(r"✓ ADD MARGIN 250 USDT .*settled")
            trader.let_pass(READ_SECONDS)
            trader.press("enter")
            trader.wait_for(lambda: "RECOVERY" not in trader.desk.text)
            trader.wait_for_position("LONG", "0.5")
            trader.wait_for(lambda: trader.shows_end_of("LONG"))
            assert [Decimal(move["amount"]) for move in trader.truth()["margin_moves"]] == [Decimal(250)]
            trader.press("ctrl+x")
            trader.answer("y", to="pumpkin  main  1 order")
            trader.wait_to_see(r"pumpkin +main +1 cancelled, 1 closed +0 orders, 0 positions +✓ proven")
            trader.press("esc")
            trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
            trader.quit()


def test_an_order_without_an_answer_is_found_or_waits_for_a_persons_word(
    tmp_path: Path,
) -> None:
    with exchange() as practice, desk_on(tmp_path, practice, has_streams=False) as trader:
        practice.faults.switch("lost-reply@submit*1")
        trader.place("b", "0.01", "59000")
        trader.wait_for_order(side="BUY", instrument="BTC/USDT perp", placed="here")
        (there,) = trader.truth()["orders"]
        assert there["status"] == "new"

        # This one never arrived. Nothing there bounds how late it may: no miss proves that it is gone.
        practice.faults.switch("never-executed@submit*1")
        trader.place("b", "0.02", "58000")
        trader.press("2")
        trader.wait_for(lambda: unknown_for(trader) > 3.0)
        assert not trader.sees(r"(?i)\bfailed|rejected|refused")
        assert trader.truth()["orders"] == [there]
        trader.press("u")
        trader.wait_for("RECOVERY")
        trader.press("d")
        trader.answer("y", to=" y  it is not there")
        trader.wait_for("nothing is UNKNOWN")
        trader.press("esc")
        trader.wait_for(lambda: "RECOVERY" not in trader.desk.text)
        trader.wait_for_order(side="BUY")
        trader.press("ctrl+x")
        trader.answer("y", to="pumpkin  main  1 order")
        trader.wait_to_see(r"pumpkin +main +1 cancelled +0 orders, 0 positions +✓ proven")
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        trader.quit()


def unknown_for(trader: PumpkinTrader) -> float:
    """Returns for how many seconds an order is UNKNOWN, 0 when none is."""
    match = trader.sees(r"UNKNOWN ([\d.]+) s")
    return float(match[1]) if match else 0.0
