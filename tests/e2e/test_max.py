"""MAX at the desk, on the wire: a market in TWD, and the life of orders, held against the exchange's record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.served_desk import ServedTrader
from tests.e2e.trader import Size, money
from venues.simulators.max.exchange import MaxSimulator
from venues.simulators.serving import served_in_thread

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]

BTC_TWD, SYMBOL = "BTC/TWD", "BTCTWD"
SIZE = Size(120, 40)
QUEUED = 2.0  # seconds that a command waits in the exchange's queue where it has to lose a race


@contextmanager
def desk_on_max(home: Path) -> Iterator[ServedTrader]:
    with served_in_thread("max", rate=100.0, seed=1) as practice, ServedTrader(home, SIZE, practice) as trader:
        trader.tab(4, "TWD  ")  # the account is read
        yield trader


def orders(trader: ServedTrader) -> list[dict[str, Any]]:
    """Returns every order that the exchange has a record of, oldest first."""
    return list(trader.truth()["orders"])


def open_orders(trader: ServedTrader) -> list[dict[str, Any]]:
    return [order for order in orders(trader) if order["status"] in ("new", "partially_filled")]


def still_market(trader: ServedTrader) -> None:
    """Leaves only the trader's own orders in the book."""
    trader.act(do="quiet")
    trader.act(do="clear", symbol=SYMBOL)


def sell_into(trader: ServedTrader, order: dict[str, Any], quantity: str) -> None:
    """Has somebody sell so much to an order of the trader's."""
    trader.act(do="quote", symbol=SYMBOL, side="sell", price=order["price"], quantity=quantity)


def edit_to(trader: ServedTrader, price: str) -> None:
    """Types a new price for the order that is picked, and goes as far as the preview."""
    trader.press("2", "e")
    trader.wait_for("EDIT")
    for words in ("by cancel and new: it loses its", "place in the queue, and for a", "moment nothing rests"):
        trader.wait_for(words)
    trader.fill_in("price", price)
    trader.wait_to_see(rf"{re.escape(price)} +=")
    trader.press("enter")
    trader.wait_for("change it")
    trader.let_pass(0.45)  # a question is deaf for as long as nobody can have read it


def see_the_market(trader: ServedTrader) -> None:
    """Book, tape, candles and watchlist show what the exchange has, at prices of seven figures."""
    assert trader.desk.line(0).lstrip().startswith("PRACTICE")
    assert f" {BTC_TWD} " in trader.desk.line(0)
    trader.wait_to_see(r"UTC +\d\d:\d\d")  # the candles
    trader.wait_to_see(r"2,\d{3},\d{3}\.\d +\d\.\d{8} [▲▼]")  # the tape
    trader.act(do="quiet")
    trader.wait_for(lambda: trader.levels() and trader.levels().items() <= trader.true_levels(SYMBOL).items())
    trader.wait_for(lambda: {side for side, _ in trader.levels().values()} == {"bids", "asks"})
    best = Decimal(trader.truth()["books"][SYMBOL]["asks"][0][0])
    watched = money(trader.wait_to_see(r"[│┃]▶ +BTC/TWD +(2,\d{3},\d{3}\.\d)")[1])
    assert abs(watched - best) < best / 1000
    trader.act(do="resume", rate=100)


def test_a_day_at_the_desk_in_twd(tmp_path: Path) -> None:
    with desk_on_max(tmp_path) as trader:
        see_the_market(trader)

        trader.place("b", "0.01", "bid-1%")
        row = trader.wait_for_order(side="BUY", instrument=BTC_TWD, placed="here")
        (there,) = open_orders(trader)
        assert (Decimal(there["price"]), Decimal(there["quantity"])) == (money(row["price"]), Decimal("0.01"))

        still_market(trader)
        sell_into(trader, there, "0.004")
        trader.wait_for(lambda: [row.get("state") for row in trader.table()] == ["part filled"])
        trader.wait_to_see(r" 0\.00400000 / 0\.01000000 ")
        trader.tab(3, BTC_TWD)
        whole = {"side", "size", "price", "as"}
        trader.wait_for(lambda: [whole <= row.keys() for row in trader.table()] == [True])
        (fill,), (true,) = trader.table(), trader.truth()["fills"]
        assert (fill["side"], money(fill["price"])) == ("BUY", Decimal(true["price"]))
        assert Decimal(fill["size"]) == Decimal(true["quantity"]) == Decimal("0.004")
        assert (fill["as"], true["liquidity"]) == ("maker", "maker")

        trader.press("2", "c")
        trader.wait_for("no open orders")
        assert [(order["status"], order["filled"]) for order in orders(trader)] == [("canceled", "0.00400000")]

        trader.act(do="resume", rate=100)
        trader.wait_for(lambda: "spread" in trader.ladder()[-1])
        trader.place("b", "0.01", "bid-1%")
        first = money(trader.wait_for_order(side="BUY")["price"])
        edit_to(trader, "bid-2%")
        trader.press("y")
        trader.wait_for(lambda: [money(row["price"]) < first for row in trader.orders()] == [True])
        *_, old, new = orders(trader)
        assert (old["status"], Decimal(old["price"]), old["filled"]) == ("canceled", first, "0")
        assert (new["status"], Decimal(new["price"])) == ("new", money(trader.orders()[0]["price"]))
        assert old["client_id"] != new["client_id"]

        trader.place("s", "0.02", "ask+1%")
        trader.wait_for(lambda: trader.order_count() == 2)
        trader.press("ctrl+x")
        trader.answer("y", to="max  main  2 orders")
        trader.wait_to_see(r"max +main +2 cancelled +0 orders, 0 positions +✓ proven")
        assert open_orders(trader) == []
        assert [order["status"] for order in orders(trader)] == ["canceled"] * 4
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        trader.quit()


def test_an_edit_whose_cancel_loses_the_race_places_nothing(tmp_path: Path) -> None:
    with desk_on_max(tmp_path) as trader:
        trader.place("b", "0.01", "bid-1%")
        trader.wait_for_order(side="BUY")
        edit_to(trader, "bid-2%")
        (there,) = open_orders(trader)
        simulator = trader.practice.simulator
        assert isinstance(simulator, MaxSimulator)
        simulator.queue.delay = QUEUED
        trader.press("y")
        trader.wait_for(lambda: len(simulator.queue))  # the cancel has been accepted, and waits
        still_market(trader)
        sell_into(trader, there, "0.01")
        assert len(simulator.queue)
        trader.wait_for("no open orders")
        trader.press("5")
        trader.wait_to_see(r"edit: BUY 0\.01 .* was filled before it could be cancelled: nothing new was sent")
        trader.wait_for(lambda: not len(simulator.queue))
        assert [(order["status"], order["filled"]) for order in orders(trader)] == [("filled", "0.01000000")]
        trader.quit()
