"""The M-wallet at the desk: loans, a short sale, the AD ratio, repayment, held against the exchange's record."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.served_desk import ServedTrader
from tests.e2e.trader import READ_SECONDS, START_SECONDS, Size, Trader
from venues.simulators.serving import Practice, served_in_thread

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]

BTC_TWD, SYMBOL = "BTC/TWD", "BTCTWD"
SIZE = Size(120, 40)
PRACTICE = ("--venue", "max", "--practice", "--seed", "1", "--rate", "100")
CHOICES = r" +(?:‹ )?(TWD|USDT|BTC|ETH|spot|M-wallet) "
LOST = "lost-reply@submit"  # it is executed, and nobody hears that
SCALE = 0.2  # of the adapter's times


class MarginTrader(Trader):
    """A trader on the desk's own practice exchange, a child process, who can look into that one's record."""

    port: int

    def __enter__(self) -> MarginTrader:
        super().__enter__()
        self.press("5")
        self.port = int(self.wait_to_see(r"practice exchange: http://127\.0\.0\.1:(\d+)")[1])
        return self

    def truth(self) -> dict[str, Any]:
        return asked(self.port, "GET", "/practice/state")

    def act(self, **wish: object) -> dict[str, Any]:
        return asked(self.port, "POST", "/practice/act", wish)


def asked(port: int, method: str, path: str, wish: object = None) -> dict[str, Any]:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        link.request(method, path, msgspec.json.encode(wish) if wish is not None else b"")
        answer = link.getresponse()
        said = answer.read()
    finally:
        link.close()
    assert answer.status == 200, said
    return msgspec.json.decode(said, type=dict[str, Any])


@contextmanager
def served_desk(home: Path, practice: Practice) -> Iterator[ServedTrader]:
    with ServedTrader(home, SIZE, practice, time_scale=SCALE) as trader:
        trader.tab(4, "TWD M ")  # the M-wallet is read
        yield trader


AnyTrader = MarginTrader | ServedTrader


def moves(trader: AnyTrader, kind: str) -> list[tuple[str, Decimal, str]]:
    """Returns what the exchange has written down: "loans", "repayments" or "transfers"."""
    rows = trader.truth()["m_wallet"][kind]
    return [(row["currency"], Decimal(row["amount"]), row["side"]) for row in rows]


def held(trader: AnyTrader, currency: str, account: str = "1") -> Decimal:
    return Decimal(trader.truth()["accounts"][account][currency]["available"])


def ratio(trader: AnyTrader) -> Decimal:
    """Returns the AD ratio of the line below."""
    return Decimal(trader.wait_to_see(r"AD ratio (\d+\.\d+) ")[1])


def open_wallet(trader: AnyTrader) -> None:
    trader.press("M")
    trader.wait_for("b borrow   p pay back   t transfer in   o out")


def close_wallet(trader: AnyTrader) -> None:
    trader.press("esc")
    trader.wait_for(lambda: "b borrow   p pay back" not in trader.desk.text)


def move(trader: AnyTrader, key: str, currency: str, amount: str, sends: str) -> None:
    """Fills in the dialog that `key` opens, reads the preview, and sends it."""
    trader.press(key)
    trader.wait_for("Enter preview  Tab next")
    choose(trader, "currency", currency)
    trader.press("tab")
    trader.fill_in("amount", amount)
    trader.wait_to_see(r"sends +" + sends)
    trader.press("enter")
    trader.answer("y", to="y send it")
    trader.wait_for(lambda: not trader.sees("y send it|on its way|Enter preview"))


def choose(trader: AnyTrader, label: str, wanted: str) -> None:
    """Goes a field back, and turns the choice there until it is the one that is wanted."""
    trader.press("shift+tab")
    while (shown := trader.wait_to_see(label + CHOICES)[1]) != wanted:
        trader.press("right")
        trader.wait_for(partial(shows_another, trader, label, shown))


def shows_another(trader: AnyTrader, label: str, than: str) -> bool:
    """Whether another name is there: a line of which half is painted yet has none that there is."""
    match = trader.sees(label + CHOICES)
    return match is not None and match[1] != than


def borrow(trader: AnyTrader) -> None:
    open_wallet(trader)
    move(trader, "b", "BTC", "0.1", r"BORROW 0\.1 BTC · max · main · M-wallet")
    trader.wait_to_see(r"✓ BORROW 0\.1 BTC +done")


def sell_short(trader: AnyTrader) -> None:
    """Sells the loan, at once, by a limit order in the M-wallet."""
    trader.open_ticket("s")
    choose(trader, "wallet", "M-wallet")
    trader.press("tab")
    trader.fill_in("price", "bid-0.1%")
    trader.press("tab")
    trader.fill_in("size", "0.1")
    trader.wait_to_see(r"SELL 0\.10* BTC @ +[│┃][\s\S]*?· M-wallet")
    trader.send_ticket()
    trader.press("1")
    trader.wait_to_see(r"BTC/TWD M +SHORT +0\.1")


def raise_price(trader: AnyTrader, price: int) -> None:
    """Has the index of BTC rise: nobody else trades any more."""
    trader.act(do="quiet")
    trader.act(do="clear", symbol="BTCUSDT")
    for side, at in (("buy", price), ("sell", price + 2)):
        trader.act(do="quote", symbol="BTCUSDT", side=side, price=str(at), quantity="50")


def test_a_short_sale_from_the_loan_to_its_repayment(tmp_path: Path) -> None:
    with MarginTrader(tmp_path, SIZE, *PRACTICE, venue="max") as trader:
        trader.tab(4, "TWD M ")
        borrow(trader)
        assert moves(trader, "loans") == [("BTC", Decimal("0.1"), "")]
        close_wallet(trader)
        sell_short(trader)
        state = trader.truth()
        (order,), (fill, *others) = state["orders"], state["fills"]
        assert (order["account"], order["side"], order["symbol"]) == (1, "sell", SYMBOL)
        assert order["status"] == "filled"
        assert {one["account"] for one in (fill, *others)} == {1}
        assert sum(Decimal(one["quantity"]) for one in (fill, *others)) == Decimal("0.1")
        trader.tab(3, "BTC/TWD M ")
        trader.press("5")
        trader.wait_to_see(r"sold 0\.\d+ BTC/TWD at 2\d{6}(\.\d+)? in the margin wallet")
        calm = ratio(trader)
        trader.wait_for(lambda: "calm" in trader.desk.line(SIZE.rows - 2))
        assert calm > 2

        raise_price(trader, 150_000)
        trader.wait_to_see(r"AD ratio 1\.\d\d ▲ WARNING")
        trader.wait_to_see(r"! +max M-wallet: AD ratio 1\.\d+ is below 1\.5 ")
        trader.act(do="hours", hours=70_000)
        trader.wait_to_see(r"AD ratio 1\.2\d ‼ ALARM")
        trader.wait_to_see(r"‼ +max M-wallet: AD ratio 1\.\d+ is BELOW 1\.25 ")
        assert ratio(trader) < calm

        # Calm again, for as much as is owed by now; what there is buys it back.
        raise_price(trader, 80_000)
        trader.wait_to_see(r"is back above 1\.5")
        trader.act(do="clear", symbol=SYMBOL)
        trader.act(do="quote", symbol=SYMBOL, side="sell", price="2500000", quantity="9")
        trader.press("1", "x")
        trader.answer("3", to="close SHORT 0.1217")
        # What the fee took is still short: no order of the venue's buys back and pays in one.
        trader.wait_to_see(r"BTC/TWD M +SHORT +0\.000[12]\d+ ")
        *_, back = trader.truth()["orders"]
        assert (back["account"], back["side"], back["symbol"], back["status"]) == (1, "buy", SYMBOL, "filled")

        open_wallet(trader)
        move(trader, "t", "BTC", "0.001", r"TRANSFER IN 0\.001 BTC · max · main · spot → M-wallet")
        trader.wait_to_see(r"✓ TRANSFER IN 0\.001 BTC +done")
        assert moves(trader, "transfers") == [("BTC", Decimal("0.001"), "in")]
        debt = trader.wait_to_see(r"owed +(0\.12\d+) BTC = loan 0\.1 \+ interest (0\.0\d+)")
        move(trader, "p", "BTC", "all", r"PAY BACK 0\.12\d+ BTC · max · main · M-wallet")
        done = trader.wait_to_see(rf"✓ PAY BACK {debt[1]} BTC +done")
        assert done
        trader.wait_for("nothing is owed")
        (paid,) = trader.truth()["m_wallet"]["repayments"]
        assert (Decimal(paid["amount"]), Decimal(paid["interest"])) == (Decimal(debt[1]), Decimal(debt[2]))

        before = held(trader, "USDT", "0")
        move(trader, "o", "USDT", "500", r"TRANSFER OUT 500 USDT · max · main · M-wallet → spot")
        trader.wait_to_see(r"✓ TRANSFER OUT 500 USDT +done")
        assert held(trader, "USDT", "0") == before + 500
        close_wallet(trader)
        trader.wait_for(lambda: "AD ratio" not in trader.desk.line(SIZE.rows - 2))
        trader.tab(5, rf"0.1 BTC of the loan, {debt[2]} of interest")
        trader.quit()


def test_a_loan_whose_answer_is_lost_is_looked_up_and_there_is_one(tmp_path: Path) -> None:
    with served_in_thread("max", rate=100.0, seed=1) as practice:
        faults = practice.faults
        with served_desk(tmp_path, practice) as trader:
            open_wallet(trader)
            # Neither its answer nor a push tells of it, and whoever asks is told nothing.
            faults.switch(f"{LOST}*1,drop@account:1,503@query")
            move(trader, "b", "BTC", "0.1", r"BORROW 0\.1 BTC")
            trader.wait_to_see(r"\? BORROW 0\.1 BTC +UNKNOWN")
            trader.wait_for(lambda: "? BORROW 0.1 BTC UNKNOWN" in trader.desk.line(SIZE.rows - 2))
            assert moves(trader, "loans") == [("BTC", Decimal("0.1"), "")]
            assert not trader.sees(r"(?i)\bfailed|rejected|refused")
            faults.heal()
            trader.wait_to_see(r"✓ BORROW 0\.1 BTC +done")
            assert len(moves(trader, "loans")) == 1

            # The next one is UNKNOWN, too, when the desk is killed.
            faults.switch(f"{LOST}=close*1,drop@account:1,503@query")
            move(trader, "b", "ETH", "1", "BORROW 1 ETH")
            trader.wait_to_see(r"\? BORROW 1 ETH +UNKNOWN")
            trader.desk.signal(signal.SIGKILL)
            trader.desk.wait_exit()
        assert [row["currency"] for row in simulated_loans(practice)] == ["BTC", "ETH"]
        trader = ServedTrader(tmp_path, SIZE, practice, time_scale=SCALE)
        with trader.desk:
            trader.wait_for("RECOVERY", START_SECONDS)
            trader.wait_for("BORROW 1 ETH")
            assert not trader.sees(r"(?i)\bfailed|settled")
            faults.heal()
            trader.wait_to_see(r"✓ BORROW 1 ETH at max +settled")
            trader.wait_for("done: found in the loan history")
            trader.let_pass(READ_SECONDS)
            trader.press("enter")
            trader.wait_for(lambda: "RECOVERY" not in trader.desk.text)
            open_wallet(trader)
            trader.wait_to_see(r"✓ BORROW 1 ETH +done")
            assert [row["currency"] for row in simulated_loans(practice)] == ["BTC", "ETH"]
            close_wallet(trader)

            sell_short(trader)
            trader.press("ctrl+x")
            trader.answer("y", to="max  main  0 orders, 1 position")
            trader.wait_to_see(r"max +main +0 cancelled, 1 closed +0 orders, 0 positions +✓ proven")
            trader.wait_to_see(r"M-wallet still owes 0\.1\d* BTC, 1\.0\d* ETH")
            trader.press("esc")
            trader.wait_for(lambda: not trader.sees("PANIC RECEIPT"))
            trader.quit()


def simulated_loans(practice: Practice) -> list[dict[str, Any]]:
    return list(asked(practice.port, "GET", "/practice/state")["m_wallet"]["loans"])
