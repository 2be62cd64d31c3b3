"""A day at the desk in a real terminal: orders, positions, panic, quitting, and coming back."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.trader import BTC_PERP, ETH_PERP, PAPER, SIZES, Size, Trader, money

pytestmark = [pytest.mark.pty, pytest.mark.timeout(60)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_limit_order_is_placed_seen_amended_and_cancelled(size: Size, tmp_path: Path) -> None:
    with Trader(tmp_path, size, *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.open_ticket("b")
        trader.fill_in("price", "bid-40t")
        trader.press("tab")
        trader.fill_in("size", "0.5")
        trader.wait_to_see(r"sends +BUY 0\.500 BTC @ ")
        trader.send_ticket()
        order = trader.wait_for_order(side="BUY")
        assert order["filled / size"] == "0.000 / 0.500"
        first = order["price"]
        trader.walk_ladder_to(first)
        trader.wait_for(lambda: trader.own_size_at(first) == Decimal("0.5"))

        trader.wait_for_order(price=first)
        trader.press("e")
        trader.wait_for("EDIT")
        trader.fill_in("price", "bid-60t")
        trader.wait_to_see(r"bid-60t +=")
        trader.send_ticket()
        trader.press("2")
        trader.wait_for(lambda: any(row["price"] != first for row in trader.orders()))
        order = trader.wait_for_order(side="BUY")
        second = order["price"]
        assert money(second) < money(first)
        assert order["filled / size"] == "0.000 / 0.500"
        trader.walk_ladder_to(second)
        trader.wait_for(lambda: trader.own_size_at(second) == Decimal("0.5"))
        assert trader.own_size_at(first) is None

        trader.wait_for_order(price=second)
        trader.press("c")
        trader.wait_for("no open orders")
        trader.wait_for(lambda: trader.own_size_at(second) is None)
        trader.tab(3, "no fills yet")
        trader.quit()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_position_is_opened_halved_reversed_and_flattened(size: Size, tmp_path: Path) -> None:
    with Trader(tmp_path, size, *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("B", "0.4")
        first = trader.wait_for_position("LONG", "0.4")
        trader.wait_for(lambda: (held := trader.position()) is not None and held.pnl != first.pnl, 40)

        trader.press("x")
        trader.answer("2", to="50 %")
        trader.wait_for_position("LONG", "0.2")
        # At once: the close that comes first is the twin of the one that was just sent.
        trader.press("t")
        trader.answer("y", to="Reverse LONG 0.200")
        trader.wait_for_position("SHORT", "0.2")
        trader.press("X")
        trader.answer("y", to="Flatten")
        trader.wait_for(lambda: trader.sees("no open positions") and trader.order_count() == 0)
        trader.quit()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_panic_ends_in_a_receipt_of_zeros(size: Size, tmp_path: Path) -> None:
    with Trader(tmp_path, size, *PAPER) as trader:
        trader.show("ada", "ADA/USDT")
        trader.place("b", "1000", "bid-10t")
        trader.show("btc perp", BTC_PERP)
        trader.place("b", "0.1", "bid-200t")
        trader.place("B", "0.2")
        trader.show("eth perp", ETH_PERP)
        trader.place("s", "0.5", "ask+200t")
        trader.place("S", "1")
        trader.wait_for(lambda: trader.order_count() == 3)
        trader.press("1")
        trader.wait_for(lambda: trader.position(BTC_PERP) and trader.position(ETH_PERP))

        trader.press("ctrl+x")
        trader.answer("y", to="3 orders, 2 positions ~")
        trader.wait_to_see(r"paper +main +3 cancelled, 2 closed +0 orders, 0 positions +✓ proven")
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        trader.tab(2, "no open orders")
        trader.tab(1, "no open positions")
        trader.quit()


def test_one_order_is_cancelled_by_c_and_all_by_a_confirmed_capital_c(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[0], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        for size in ("0.1", "0.2", "0.3"):
            trader.place("b", size, "bid-200t")
        trader.wait_for(lambda: trader.order_count() == 3)
        trader.press("2")
        trader.wait_for(lambda: len(trader.orders()) == 3)
        trader.press("G")
        trader.wait_to_see(r"▶\S+ perp +BUY +0\.000 / 0\.100")
        trader.press("c")
        trader.wait_for(lambda: trader.order_count() == 2 and len(trader.orders()) == 2)
        assert not any("0.100" in row["filled / size"] for row in trader.orders())

        trader.press("C")
        trader.answer("n", to="cancel them")
        trader.wait_for(lambda: not trader.sees("Cancel all") and trader.order_count() == 2)
        trader.press("C")
        trader.answer("y", to="cancel them")
        trader.wait_for("no open orders")
        trader.quit()


def test_the_paper_account_survives_a_restart_and_its_resting_orders_do_not(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("B", "0.2")
        trader.wait_for_position("LONG", "0.2")
        trader.place("b", "0.5", "bid-200t")
        price = trader.wait_for_order(side="BUY")["price"].replace(",", "")
        trader.quit()
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.wait_to_see(r"1 resting order was cancelled")
        trader.wait_for_position("LONG", "0.2")
        trader.tab(2, "no open orders")
        trader.tab(5, f"1 resting order was cancelled at the last exit: buy 0.500 BTC-PERP at {price}")
        trader.quit()
    with Trader(tmp_path, SIZES[1], *PAPER, "--fresh") as trader:
        trader.tab(1, "no open positions")
        trader.quit()


def test_the_desk_survives_every_size_of_its_terminal(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("b", "0.5", "bid-200t")
        trader.wait_for_order(side="BUY")
        trader.resize(80, 24)
        trader.wait_to_see(r"BUY +0\.000 / 0\.500")
        trader.resize(50, 18)
        trader.wait_for("small terminal")
        trader.wait_to_see(r"BUY +60,\d\d\d\.\d +resting")
        trader.resize(30, 8)
        trader.wait_for("30x8 is too small.")
        trader.press("B", "b", "X", "t")
        trader.resize(120, 40)
        trader.wait_to_see(r"╭─ BTC/USDT perp · paper ─+╮╭─ tape ─+╮╭─ watchlist ─+╮")
        trader.wait_for_order(side="BUY")
        trader.wait_for(lambda: 30_000 < trader.budget_used() < 31_000)
        # With a ticket open too: what was typed is still there, and can be sent.
        trader.open_ticket("s")
        trader.fill_in("price", "ask+200t")
        trader.press("tab")
        trader.fill_in("size", "0.25")
        for columns, rows in ((80, 24), (50, 18), (30, 8), (80, 24), (120, 40)):
            trader.resize(columns, rows)
        trader.wait_to_see(r"size BTC +0\.25 ")
        trader.send_ticket()
        trader.press("2")
        trader.wait_for(lambda: len(trader.orders()) == 2)
        trader.quit()
