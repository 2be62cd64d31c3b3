"""Keys that were not meant: held, piled up by a slow line, pasted, joined with Esc. None sends anything."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from tests.e2e.trader import BTC_PERP, PAPER, SIZES, Size, Trader

pytestmark = [pytest.mark.pty, pytest.mark.timeout(60)]

REPEAT_SECONDS = 1 / 30
HELD_KEYS = 60  # two seconds
# What follows a stray key is deaf for 0.75 s.
QUIET_SECONDS = 0.8


def prepare_ticket(trader: Trader) -> None:
    """Opens a ticket that only waits for Enter."""
    trader.show("btc perp", BTC_PERP)
    trader.open_ticket("b")
    trader.fill_in("price", "bid-200t")
    trader.press("tab")
    trader.fill_in("size", "0.5")
    trader.wait_to_see(r"sends +BUY 0\.500 BTC")


def prove_nothing_was_sent(trader: Trader) -> None:
    """Looks where an order would have left a trace; the ticket, if any, must be closed."""
    trader.tab(2, "no open orders")
    trader.tab(3, "no fills yet")
    trader.tab(1, "no open positions")
    trader.wait_for(lambda: trader.order_count() == 0)
    assert trader.budget_used() == 0


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_enter_held_for_two_seconds_in_a_ticket_sends_nothing(size: Size, tmp_path: Path) -> None:
    with Trader(tmp_path, size, *PAPER) as trader:
        prepare_ticket(trader)
        keyboard = Event()
        for _ in range(HELD_KEYS):
            trader.desk.send("enter")
            keyboard.wait(REPEAT_SECONDS)
        trader.wait_for("send it")
        trader.let_pass(QUIET_SECONDS)
        trader.wait_for("send it")
        trader.press("esc")
        trader.wait_for("Enter preview")
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("Enter preview"))
        prove_nothing_was_sent(trader)

        # And the same keys, pressed on purpose, send one order.
        trader.place("b", "0.5", "bid-200t")
        trader.wait_for_order(**{"side": "BUY", "filled / size": "0.000 / 0.500"})
        trader.wait_for(lambda: 30_000 < trader.budget_used() < 30_500)
        trader.quit()


@pytest.mark.parametrize(
    "keys", ["\ry" * 30, "\r" * 30 + "y" * 30, "y\r" * 30], ids=["enter-y", "enters-ys", "y-enter"]
)
def test_a_burst_of_enter_and_y_in_a_ticket_sends_nothing(keys: str, tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[0], *PAPER) as trader:
        prepare_ticket(trader)
        trader.desk.send_bytes(keys.encode())
        trader.let_pass(QUIET_SECONDS)
        while trader.has_question():
            trader.press("esc")
            trader.let_pass(0.1)
        prove_nothing_was_sent(trader)
        trader.quit()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_trading_keys_that_come_at_once_do_nothing(size: Size, tmp_path: Path) -> None:
    """As after a stall of the line, and the same as a bracketed paste; with something there to lose."""
    with Trader(tmp_path, size, *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        trader.place("B", "0.2")
        trader.wait_for_position("LONG", "0.2")
        trader.place("b", "0.1", "bid-200t")
        trader.wait_for_order(side="BUY")
        used = trader.budget_used()
        was_told = False
        for pane in "8", "1", "2", "3":
            trader.press(pane)
            trader.let_pass(0.1)
            trader.desk.send_bytes(b"bsxXtC\ryBScA" * 5)
            trader.desk.paste("bsxXtCcA\r\nyy\x18ybuy")
            trader.desk.paste("B0.5\ry")
            trader.let_pass(0.3)
            assert not trader.has_question()
            assert not trader.sees("LOCKED")
            was_told = was_told or trader.sees(" dropped") is not None
        assert was_told
        trader.wait_for_position("LONG", "0.2")
        trader.wait_for_order(side="BUY")
        assert trader.budget_used() == used
        trader.quit()


def test_what_is_typed_at_once_arrives_whole_and_in_its_own_field(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[0], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        for price, size in (("59123.5", "0.123"), ("bid-199t", "12345 usdt"), ("mid-0.25%", "7.5% balance")):
            trader.open_ticket("b")
            trader.desk.type(f"{price}\t{size}")
            trader.wait_to_see(rf"price +{price} ")
            trader.wait_to_see(rf"size BTC {size} ")
            trader.desk.type("\t\t\t" + "\x1b[Z" * 3)
            trader.desk.type("\x1b[Z987654321.5\t0.987654321")
            trader.wait_to_see(r"price +987654321\.5 ")
            trader.wait_to_see(r"size BTC 0\.987654321 ")
            trader.press("esc")
            trader.wait_for(lambda: not trader.sees("Enter preview"))
        # The key that opens the ticket and what is typed into it, in one packet: all of it, or no ticket at all.
        trader.tab(5, "what happened")
        trader.desk.type("b6")
        trader.wait_to_see(r"price +6 ")
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("Enter preview"))
        trader.tab(5, "what happened")
        trader.let_pass(0.1)
        trader.desk.type("b60000")
        trader.wait_to_see(" dropped")
        assert not trader.sees("Enter preview")
        prove_nothing_was_sent(trader)
        trader.quit()


def test_a_paste_into_a_field_is_text(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[0], *PAPER) as trader:
        prepare_ticket(trader)
        trader.press("shift+tab")
        trader.desk.paste("59000\r\ny\r\ny")
        trader.wait_to_see(r"price +59000 ")
        trader.let_pass(QUIET_SECONDS)
        trader.wait_for("Enter preview")
        trader.press("esc")
        trader.wait_for(lambda: not trader.sees("Enter preview"))
        prove_nothing_was_sent(trader)
        trader.quit()


def test_esc_never_quits_and_never_trades(tmp_path: Path) -> None:
    with Trader(tmp_path, SIZES[1], *PAPER) as trader:
        trader.show("btc perp", BTC_PERP)
        for opener, title in (("b", "Enter preview"), ("/", "Enter shows"), ("ctrl+x", "PANIC"), ("?", "help")):
            if opener == "b":
                trader.open_ticket("b")
            else:
                trader.press(opener)
            trader.wait_for(title)
            trader.press("esc")
            trader.wait_for(lambda: not trader.has_question())
        for pane in "812345":
            trader.press(pane, *["esc"] * 3)
            # A terminal may join Esc with the key that follows, or the key may do what it does alone: no more.
            for key in b"bBsSxXtCcy\r":
                trader.desk.send_bytes(b"\x1b" + bytes([key]))
                trader.let_pass(0.05)
        assert trader.desk.is_running()
        while trader.has_question():
            trader.press("esc")
            trader.let_pass(0.1)
        prove_nothing_was_sent(trader)
        trader.quit()


def test_a_key_shortly_after_an_esc_is_that_key(tmp_path: Path) -> None:
    """80 ms: the Esc was decided on after 110 ms once, and "2" became the "™" of Alt+2."""
    with Trader(tmp_path, SIZES[0], *PAPER) as trader:
        taken = 0
        for _ in range(5):
            trader.tab(5, "what happened")
            trader.press("esc")
            trader.let_pass(0.08)
            trader.desk.send("2")
            trader.let_pass(0.3)
            taken += bool(trader.sees("no open orders"))
        # On a machine that is busy with something else one may still be joined.
        assert taken >= 3
        trader.quit()
