"""The desk on an exchange that goes wrong: what the trader is told, what he can not do, and what is made good."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.served_desk import ServedTrader
from tests.e2e.terminal_output import examine
from tests.e2e.trader import SIZES, Size
from tests.support.hostile import HOSTILE
from venues.simulators.coinex import refusals, requests
from venues.simulators.coinex.asking import Answer, Desk, Method
from venues.simulators.coinex.client import Client
from venues.simulators.serving import served_in_thread

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]

SCALE = 0.2
AGED, DETECTED, HEALED = 2.0, 11.0, 15.0  # seconds at full scale
ALLOWANCE = 3.0  # for the painting, and for a machine that is busy with other tests
SILENCE = 1.0 * SCALE  # after "too many requests" nothing is sent, cancels neither
PAIR, SYMBOL = "BTC/USDT", "BTCUSDT"
SIZE = r"0\.10*"
NARROW, WIDE = SIZES


@contextmanager
def desk_on_coinex(home: Path, size: Size = WIDE) -> Iterator[ServedTrader]:
    with (
        served_in_thread("coinex", seed=1) as practice,
        ServedTrader(home, size, practice, time_scale=SCALE) as trader,
    ):
        yield trader


def within(seconds: float) -> float:
    return seconds * SCALE + ALLOWANCE


def open_orders(trader: ServedTrader) -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = trader.truth()["orders"]
    return [order for order in orders if order["status"] in ("new", "partially_filled")]


def leave_ticket(trader: ServedTrader) -> None:
    while trader.sees(r"Enter preview|Esc  back|Esc back to|on its way"):
        trader.press("esc")
        trader.let_pass(0.2)


def trade_with(trader: ServedTrader, order: Mapping[str, Any]) -> None:
    """Has somebody sell into an order of the trader's, which is the only one that is left to trade with."""
    trader.act(do="quiet")
    trader.act(do="clear", symbol=SYMBOL)
    trader.act(do="quote", symbol=SYMBOL, side="sell", price=order["price"], quantity=order["quantity"])
    assert next(row for row in trader.truth()["orders"] if row["id"] == order["id"])["status"] == "filled"
    trader.act(do="resume", rate=200)


@pytest.mark.parametrize(("spec", "size"), [("black-hole", WIDE), ("half-open", NARROW)], ids=str)
def test_a_dead_link_is_shown_as_one_and_what_happened_meanwhile_is_made_good(
    spec: str, size: Size, tmp_path: Path
) -> None:
    with desk_on_coinex(tmp_path, size) as trader:
        trader.place("b", "0.1", "bid-1%")
        price = trader.wait_for_order(side="BUY")["price"]
        (order,) = open_orders(trader)
        trader.press("8")

        trader.practice.faults.switch(spec)
        trader.wait_for(lambda: "STALE" in trader.ladder()[-1] and "◐ stale" in trader.chip, within(AGED))
        trader.wait_for(lambda: trader.sees(r"book not shown: .*"), within(DETECTED))
        trader.wait_to_see(r"coinex (○ reconnecting|✕ down)", within(0))
        assert trader.prices() == []

        trade_with(trader, order)
        trader.open_ticket("b")
        trader.desk.type("bid-2%")
        trader.wait_to_see(r"there is no bid")
        trader.press("tab")
        trader.fill_in("size", "0.1")
        trader.press("enter")
        trader.let_pass(0.5)
        trader.wait_for("there is no bid price right now")
        assert not trader.sees(" y  ")
        leave_ticket(trader)
        assert open_orders(trader) == []

        trader.practice.faults.heal()
        trader.wait_for(lambda: trader.is_live() and "spread" in trader.ladder()[-1], within(HEALED))
        trader.act(do="quiet")
        trader.resize(*WIDE)  # on a narrow screen what has just been told stands over the sizes
        trader.wait_for(lambda: is_the_true_book(trader))
        trader.tab(2, "no open orders")
        trader.press("3")
        trader.wait_for(
            lambda: [(row.get("side"), row.get("price")) for row in trader.table()] == [("BUY", price)]
        )
        trader.press("4")
        held = Decimal(trader.truth()["balances"]["BTC"]["available"])
        trader.wait_to_see(rf"BTC .*{held.normalize():f}")
        trader.quit()


def is_the_true_book(trader: ServedTrader) -> bool:
    shown, true = trader.levels(), trader.true_levels(SYMBOL)
    ends = min(true), max(true)  # a row at the end of what is pushed may hold more than the rest of it
    inside = {price: level for price, level in true.items() if price not in ends}
    in_view = {price: level for price, level in shown.items() if ends[0] < price < ends[1]}
    lowest, highest = min(shown, default=0), max(shown, default=0)
    return len(in_view) > 3 and in_view == {p: v for p, v in inside.items() if lowest <= p <= highest}


def test_a_checksum_that_never_fits_is_said_and_does_not_make_a_storm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counter[str]()
    monkeypatch.setattr(requests, "METHODS", {name: counted(name, asked) for name in requests.METHODS})
    with desk_on_coinex(tmp_path) as trader:
        faults = trader.practice.faults
        faults.switch("wrong-checksum:1")
        trader.wait_for("book not shown: ")
        trader.wait_for(lambda: "unverified" in trader.ladder()[-1])
        trader.wait_for(trader.levels)
        before, done = asked.copy(), faults.done("wrong-checksum")
        trader.wait_for(lambda: faults.done("wrong-checksum") >= done + 15)
        # 15 pushes are 3 s, 15 s of an adapter whose pauses grow from 1 s to 10 s.
        assert sum((asked - before)[name] for name in asked if name.startswith("depth.")) <= 6
        trader.wait_for(lambda: "unverified" in trader.ladder()[-1])
        trader.wait_for(trader.is_live)

        faults.heal()
        trader.wait_for(lambda: trader.levels() and "unverified" not in trader.ladder()[-1], within(HEALED))
        trader.quit()


def counted(name: str, asked: Counter[str]) -> Method:
    """Returns a method of the exchange's streams that also counts how often it is asked."""
    method = requests.METHODS[name]

    def run(desk: Desk, client: Client, params: Sequence[Any]) -> Answer:
        asked[name] += 1
        return method.run(desk, client, params)

    return method._replace(run=run)


def test_an_answer_that_is_lost_leaves_an_order_unknown_until_it_is_found(tmp_path: Path) -> None:
    with desk_on_coinex(tmp_path) as trader:
        faults = trader.practice.faults
        for number, (kind, why) in enumerate(
            (
                ("502", "the venue answered with st"),
                ("html-200", "the answer can not be re"),
                ("lost-reply", "no complete answer in time"),
            ),
            start=1,
        ):
            # Neither the answer nor a push tells of it, and whoever asks is told nothing.
            faults.switch(f"{kind}@submit*1,drop@account:1,503@query")
            trader.place("b", "0.1", f"bid-{number}%")
            trader.press("2")
            trader.wait_for(lambda: is_unknown(trader))
            assert len(open_orders(trader)) == number
            trader.wait_for(partial(is_unknown_for_more, trader, clock_of(trader)))
            trader.press("5")
            trader.wait_to_see(rf"UNKNOWN what became of BUY {SIZE} {PAIR}")
            assert not trader.sees("rejected|failed")
            if kind != "lost-reply":
                faults.switch("drop@account:1")
                trader.press("2")
                trader.wait_for(partial(have_states, trader, ["resting"] * number))
                trader.tab(5, "rests")
                trader.wait_to_see(why)

        price = open_orders(trader)[-1]["price"]
        trader.open_ticket("b")
        trader.fill_in("price", re.sub(r"0+$", "", price))
        trader.press("tab")
        trader.fill_in("size", "0.1")
        trader.press("enter")
        trader.wait_for("nobody knows yet what became of")
        trader.let_pass(0.5)
        trader.press("y")  # is no answer to this question
        trader.let_pass(0.3)
        trader.wait_for("o  send in spite of it")
        leave_ticket(trader)
        assert len(open_orders(trader)) == 3

        trader.press("2")
        trader.wait_for(lambda: is_unknown(trader))
        faults.switch("drop@account:1")
        trader.press("ctrl+x")
        trader.answer("y", to="PANIC")
        trader.wait_to_see(r"coinex +main +3 cancelled +0 orders, 0 positions +✓ proven")
        assert open_orders(trader) == []
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
        trader.tab(2, "no open orders")
        trader.quit()


def is_unknown(trader: ServedTrader) -> bool:
    return any(state.startswith("UNKNOWN") for state in trader.states())


def is_unknown_for_more(trader: ServedTrader, seconds: float) -> bool:
    return clock_of(trader) > seconds


def have_states(trader: ServedTrader, states: Sequence[str]) -> bool:
    return trader.states() == states


def clock_of(trader: ServedTrader) -> float:
    """Returns for how long an order is UNKNOWN, 0 when none is."""
    match = trader.sees(r"UNKNOWN ([\d.]+) s")
    return float(match[1]) if match else 0.0


def test_the_words_of_a_venue_are_text_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk_on_coinex(tmp_path) as trader:
        trader.act(do="notice", text="SPOT")
        trader.wait_to_see(r"coinex: maintenance of +SPOT +from")
        trader.act(do="fund", currency="USDT", amount="-" + trader.truth()["balances"]["USDT"]["available"])
        for number, name in enumerate(("clear", "title", "markup", "bidi"), start=1):
            hostile, canary = HOSTILE[name], name.title()
            trader.act(do="notice", text=hostile.after(canary))
            trader.tab(5, f"maintenance of {canary}{hostile.inert[:4]}")
            monkeypatch.setitem(refusals.MESSAGES, 107, hostile.after(f"{canary}less"))
            trader.place("b", "0.1", f"bid-{number}%")
            trader.tab(5, f"{canary}less{hostile.inert[:4]}")
            trader.wait_to_see(rf"rejected: BUY {SIZE} {PAIR} at [\d.]+: {canary}less")
        trader.tab(2, "no open orders")
        assert not open_orders(trader)
        trader.quit()
        assert examine(trader.desk.bytes_written()).faults == []


def test_a_venue_that_wants_silence_is_obeyed_and_still_cancels(tmp_path: Path) -> None:
    with desk_on_coinex(tmp_path) as trader:
        faults = trader.practice.faults
        trader.place("b", "0.1", "bid-1%")
        trader.wait_for_order(side="BUY")
        faults.switch("rate-limit@submit=30")
        trader.place("b", "0.1", "bid-2%")
        trader.press("5")
        trader.wait_to_see(rf"rejected: BUY {SIZE} {PAIR} .*too many requests")
        trader.press("2")
        trader.wait_for(lambda: trader.states() == ["resting"])
        trader.let_pass(SILENCE)
        trader.press("c")
        trader.wait_for("no open orders")
        assert open_orders(trader) == []
        trader.wait_for(trader.is_live)

        faults.switch("ban=60")
        trader.wait_to_see(r"coinex (○ reconnecting|✕ down)")
        trader.tab(5, "the venue refused the connection with status 403; the next attempt in")
        faults.heal()
        trader.wait_for(trader.is_live, within(HEALED))
        trader.place("b", "0.1", "bid-1%")
        trader.wait_for_order(side="BUY")
        trader.quit()
