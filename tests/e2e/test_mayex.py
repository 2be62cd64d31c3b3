"""Mayex at the desk: long and short side by side, exits sent along, margin and leverage, and each way to the end.

What the desk shows is held against the exchange's own record all the way.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.mayex_desk import SYMBOL, MayexTrader, desk_on, exchange
from tests.e2e.perpetual_desk import START, add_margin, agree, leave_positions, open_positions
from tests.e2e.trader import money

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]


def open_orders(trader: MayexTrader) -> list[dict[str, Any]]:
    return [row for row in trader.truth()["orders"] if row["status"] in ("new", "partially_filled", "waiting")]


def close_whole(trader: MayexTrader, side: str) -> None:
    trader.select(side)
    trader.press("x")
    trader.answer("3", to="100 %")


@pytest.mark.parametrize("has_streams", [True, False], ids=["streams", "polling"])
def test_positions_of_both_sides_from_the_first_order_to_a_panic(tmp_path: Path, has_streams: bool) -> None:
    with exchange() as practice, desk_on(tmp_path, practice, has_streams=has_streams) as trader:
        trader.set_leverage("20 isolated")
        trader.wait_for(lambda: trader.truth()["settings"][SYMBOL]["isolated"] == 20)
        trader.open_ticket("B")
        trader.fill_ticket("0.5", "70000", "55000")
        trader.send_ticket()
        trader.wait_for_position("LONG", "0.5")
        true = trader.true_position("LONG")
        assert (true["type"], true["leverage"], Decimal(true["quantity"])) == ("ISOLATED", 20, Decimal("0.5"))

        # The exits that were sent along are orders of the exchange's own, once the first of it has filled.
        profit, stop = sorted(open_orders(trader), key=lambda row: row["type"], reverse=True)
        assert [(row["type"], money(row["trigger"])) for row in (profit, stop)] == [
            ("take_profit", Decimal(70_000)), ("stop", Decimal(55_000)),
        ]  # fmt: skip
        trader.tab(2, "70,000.0")
        trader.wait_for("55,000.0")

        trader.mark(START + 300)
        trader.wait_for_row("LONG", "P&L", "liq", "away")
        trader.wait_for(lambda: money(trader.row("LONG")["P&L"]) == Decimal(trader.true_position("LONG")["pnl"]))
        trader.wait_for(lambda: trader.shows_end_of("LONG"))
        end = money(trader.row("LONG")["liq"][1:])

        # What backs it can not become less by a change of leverage, and the desk says so.
        trader.set_leverage("5 isolated")
        trader.wait_to_see("lowered over an isolated position: close")
        assert trader.truth()["settings"][SYMBOL]["isolated"] == 20

        open_positions(trader)
        add_margin(trader, "500")
        trader.wait_to_see(r"✓ ADD MARGIN 500 USDT +done")
        (moved,) = trader.truth()["margin_moves"]
        assert Decimal(moved["amount"]) == 500
        leave_positions(trader)
        trader.press("1")
        trader.wait_for(lambda: trader.shows_end_of("LONG") and money(trader.row("LONG")["liq"][1:]) < end - 900)

        # A short beside it: neither nets the other, and each is closed by itself.
        trader.place("S", "0.2")
        trader.wait_for(lambda: len(trader.truth()["positions"]) == 2)
        trader.wait_for_row("SHORT", "size", "liq")
        trader.wait_for(lambda: trader.shows_end_of("SHORT") and trader.shows_end_of("LONG"))
        trader.wait_for(lambda: trader.sizes() == {"LONG": Decimal("0.5"), "SHORT": Decimal("0.2")})
        close_whole(trader, "SHORT")
        trader.wait_for(lambda: list(trader.sizes()) == ["LONG"])
        assert Decimal(trader.true_position("LONG")["quantity"]) == Decimal("0.5")
        close_whole(trader, "LONG")
        trader.wait_for("no open positions")
        assert trader.truth()["positions"] == []
        trader.wait_for(lambda: trader.order_count() == 0)  # the exits have gone with what they were to close
        assert not open_orders(trader)

        for key, price in (("b", "59000"), ("s", "61000")):
            trader.place(key, "0.01", price)
        trader.wait_for(lambda: trader.order_count() == 2)
        trader.press("2", "C")
        trader.answer("y", to="cancel them")
        trader.wait_for("no open orders")
        assert not open_orders(trader)

        trader.place("B", "0.1")
        trader.wait_for_position("LONG", "0.1")
        trader.place("b", "0.01", "59000")
        trader.wait_for(lambda: trader.order_count() == 1)
        trader.press("ctrl+x")
        trader.answer("y", to="mayex  main  1 order")
        trader.wait_to_see(r"mayex +main +1 cancelled, 1 closed +0 orders, 0 positions +✓ proven")
        assert trader.truth()["positions"] == []
        assert not open_orders(trader)
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        agree(trader)
        trader.quit()
